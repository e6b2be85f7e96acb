//! The backend that uses libgit2, in this process: SHA-1 objects, refs in files.

use std::ffi::OsStr;
use std::io::Write;

use git2::{AttrCheckFlags, AttrValue, ErrorCode, ObjectType, Oid, RepositoryOpenFlags, Sort};

use super::{Attribute, Direction, Door, Object, Order, PACK_FROM, Swap, Walk, pack};
use crate::platform::git::repository::{Place, Places};
use crate::platform::git::{
    Batch, CommitId, Error, Kind, ObjectFormat, ObjectId, Person, RefName, RepoPath, Result,
};

pub(crate) struct Library {
    repository: git2::Repository,
}

impl Library {
    /// Opens the repository, if the library knows its format; `None` where only git can
    /// tell whether there is one.
    pub(crate) fn open(place: &Place) -> Option<(Library, Places)> {
        // git checks what comes in; hashing it again at each reading costs more than the
        // reading.
        git2::opts::strict_hash_verification(false);
        let repository = match place {
            // The library reads git's variables by itself, as git does.
            Place::Here(_) => git2::Repository::open_from_env(),
            Place::At(path) => git2::Repository::open_ext(
                path,
                RepositoryOpenFlags::empty(),
                std::iter::empty::<&OsStr>(),
            ),
        }
        .ok()?;
        let places = Places {
            git_dir: repository.path().to_path_buf(),
            common_dir: repository.commondir().to_path_buf(),
            work_tree: repository.workdir().map(std::path::Path::to_path_buf),
            format: ObjectFormat::Sha1,
        };
        Some((Library { repository }, places))
    }

    fn target(&self, reference: &git2::Reference<'_>) -> Option<ObjectId> {
        // A symbolic ref that leads nowhere (an unborn branch) has no object.
        reference.resolve().ok()?.target().map(own)
    }
}

fn own(id: Oid) -> ObjectId {
    ObjectId::new(id.as_bytes()).expect("the library's ids are SHA-1")
}

/// An id of the other hash names nothing here; the null id is never found.
fn oid(id: ObjectId) -> Oid {
    Oid::from_bytes(id.as_bytes()).unwrap_or(Oid::ZERO_SHA1)
}

fn own_kind(kind: ObjectType) -> Option<Kind> {
    match kind {
        ObjectType::Blob => Some(Kind::Blob),
        ObjectType::Tree => Some(Kind::Tree),
        ObjectType::Commit => Some(Kind::Commit),
        ObjectType::Tag => Some(Kind::Tag),
        ObjectType::Any => None,
    }
}

fn their_kind(kind: Kind) -> ObjectType {
    match kind {
        Kind::Blob => ObjectType::Blob,
        Kind::Tree => ObjectType::Tree,
        Kind::Commit => ObjectType::Commit,
        Kind::Tag => ObjectType::Tag,
    }
}

impl Door for Library {
    fn is_direct(&self) -> bool {
        true
    }

    fn read(&self, id: ObjectId) -> Result<Option<Object>> {
        let failed = Error::library("reading an object");
        let odb = self.repository.odb().map_err(&failed)?;
        match odb.read(oid(id)) {
            Ok(object) => {
                let kind = own_kind(object.kind());
                let kind = kind.ok_or(Error::Malformed { id, expected: "git object" })?;
                Ok(Some(Object { kind, content: object.data().to_vec() }))
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn header(&self, id: ObjectId) -> Result<Option<(Kind, u64)>> {
        let failed = Error::library("reading an object");
        let odb = self.repository.odb().map_err(&failed)?;
        match odb.read_header(oid(id)) {
            Ok((size, kind)) => Ok(own_kind(kind).map(|kind| (kind, size as u64))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        let failed = Error::library("writing objects");
        let odb = self.repository.odb().map_err(&failed)?;
        if batch.objects().len() < PACK_FROM {
            for (_, kind, content) in batch.objects() {
                odb.write(their_kind(*kind), content).map_err(&failed)?;
            }
            return Ok(());
        }
        let pack = pack::print(batch);
        let mut writer = odb.packwriter().map_err(&failed)?;
        writer.write_all(&pack).map_err(|error| Error::Library {
            doing: "writing a pack",
            message: error.to_string(),
        })?;
        writer.commit().map_err(&failed)?;
        Ok(())
    }

    fn resolve(&self, revision: &str) -> Result<Option<ObjectId>> {
        match self.repository.revparse_single(revision) {
            Ok(object) => Ok(Some(own(object.id()))),
            Err(error) => match error.code() {
                ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::UnbornBranch => Ok(None),
                _ => Err(Error::library("reading a revision")(error)),
            },
        }
    }

    fn reference(&self, name: &RefName) -> Result<Option<ObjectId>> {
        match self.repository.find_reference(name.as_str()) {
            Ok(reference) => Ok(self.target(&reference)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(Error::library("reading a ref")(error)),
        }
    }

    fn references(&self, prefix: &str) -> Result<Vec<(RefName, ObjectId)>> {
        let failed = Error::library("listing refs");
        let glob = format!("{prefix}*");
        let mut found = Vec::new();
        for reference in self.repository.references_glob(&glob).map_err(&failed)? {
            let reference = reference.map_err(&failed)?;
            let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
            if let Some(id) = self.target(&reference) {
                found.push((RefName::new(name), id));
            }
        }
        found.sort();
        Ok(found)
    }

    fn swap(
        &self,
        name: &RefName,
        expected: Option<ObjectId>,
        new: Option<ObjectId>,
        message: &str,
    ) -> Result<Swap> {
        let done = match new {
            Some(new) => {
                let before = expected.map_or(Oid::ZERO_SHA1, oid);
                let repository = &self.repository;
                let moved =
                    repository.reference_matching(name.as_str(), oid(new), true, before, message);
                moved.map(|_| ())
            }
            None => match self.repository.find_reference(name.as_str()) {
                Ok(mut reference) if self.target(&reference) == expected => reference.delete(),
                Ok(_) => return Ok(Swap::Raced),
                Err(error) => Err(error),
            },
        };
        match done {
            Ok(()) => Ok(Swap::Done),
            Err(error) => match error.code() {
                ErrorCode::Modified | ErrorCode::Locked | ErrorCode::Exists => Ok(Swap::Raced),
                // Deleted by somebody else meanwhile.
                ErrorCode::NotFound => Ok(Swap::Raced),
                _ => Err(Error::library("moving a ref")(error)),
            },
        }
    }

    fn walk<'a>(&'a self, walk: &Walk) -> Result<Box<dyn Iterator<Item = Result<CommitId>> + 'a>> {
        let failed = Error::library("walking the history");
        let mut revwalk = self.repository.revwalk().map_err(&failed)?;
        let order = match walk.order {
            Order::Newest => Sort::TIME | Sort::TOPOLOGICAL,
            Order::Oldest => Sort::TIME | Sort::TOPOLOGICAL | Sort::REVERSE,
        };
        revwalk.set_sorting(order).map_err(&failed)?;
        for commit in &walk.from {
            revwalk.push(oid(commit.0)).map_err(&failed)?;
        }
        for commit in &walk.without {
            revwalk.hide(oid(commit.0)).map_err(&failed)?;
        }
        Ok(Box::new(revwalk.map(move |id| id.map(|id| CommitId(own(id))).map_err(&failed))))
    }

    fn is_ancestor(&self, ancestor: CommitId, commit: CommitId) -> Result<bool> {
        let (ancestor, commit) = (oid(ancestor.0), oid(commit.0));
        let within = self.repository.graph_descendant_of(commit, ancestor);
        Ok(ancestor == commit || within.map_err(Error::library("comparing histories"))?)
    }

    fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>> {
        match self.repository.merge_base(oid(one.0), oid(other.0)) {
            Ok(base) => Ok(Some(CommitId(own(base)))),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(Error::library("comparing histories")(error)),
        }
    }

    fn attribute(&self, path: &RepoPath, name: &str, when: Direction) -> Result<Attribute> {
        let flags = match when {
            Direction::Checkin => AttrCheckFlags::FILE_THEN_INDEX,
            Direction::Checkout => AttrCheckFlags::INDEX_THEN_FILE,
        };
        let value = self
            .repository
            .get_attr_bytes(&path.to_path(), name, flags)
            .map_err(Error::library("reading attributes"))?;
        Ok(match AttrValue::always_bytes(value) {
            AttrValue::Unspecified => Attribute::Unspecified,
            AttrValue::True => Attribute::Set,
            AttrValue::False => Attribute::Unset,
            AttrValue::String(text) => Attribute::Value(text.to_owned()),
            AttrValue::Bytes(bytes) => Attribute::Value(String::from_utf8_lossy(bytes).into()),
        })
    }

    fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        let failed = Error::library("reading the configuration");
        let config = self.repository.config().map_err(&failed)?;
        let pattern = format!("^{}", prefix.replace('.', "\\."));
        let mut found = Vec::new();
        let entries = config.entries(Some(&pattern)).map_err(&failed)?;
        entries
            .for_each(|entry| {
                let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
                let value = if entry.has_value() { entry.value_bytes() } else { &[] };
                found.push((name, String::from_utf8_lossy(value).into_owned()));
            })
            .map_err(&failed)?;
        Ok(found)
    }

    fn committer(&self) -> Result<Option<Person>> {
        let Ok(signature) = self.repository.committer_from_env() else { return Ok(None) };
        Ok(Some(Person {
            name: String::from_utf8_lossy(signature.name_bytes()).into_owned(),
            email: String::from_utf8_lossy(signature.email_bytes()).into_owned(),
            seconds: signature.when().seconds(),
            offset: signature.when().offset_minutes(),
        }))
    }
}
