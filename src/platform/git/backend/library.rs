//! The backend that uses libgit2, in this process: SHA-1 objects, refs in files.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Write};

use git2::{AttrCheckFlags, AttrValue, ErrorCode, ObjectType, Oid, RepositoryOpenFlags, Sort};

use super::{
    AttributeDirection, AttributeState, GitBackend, HistoryWalk, MIN_PACK_OBJECTS, RawObject,
    RefSwap, WalkOrder, pack,
};
use crate::platform::git::repository::{RepositoryFolders, RepositoryLocation};
use crate::platform::git::{
    CommitId, GitError, ObjectBatch, ObjectFormat, ObjectId, ObjectKind, RefName, RepoPath, Result,
    Signature,
};

/// The longest line of a log that is read here; messages are the subjects of commits.
const MAX_LOG_LINE: usize = 16 << 10;

pub(crate) struct LibraryBackend {
    repository: git2::Repository,
}

impl LibraryBackend {
    /// Opens the repository, if the library knows its format; `None` where only git can
    /// tell whether there is one.
    pub(crate) fn open(place: &RepositoryLocation) -> Option<(LibraryBackend, RepositoryFolders)> {
        // git checks what comes in; hashing it again at each reading costs more than the
        // reading.
        git2::opts::strict_hash_verification(false);
        let repository = match place {
            // The library reads git's variables by itself, as git does.
            RepositoryLocation::Environment(_) => git2::Repository::open_from_env(),
            RepositoryLocation::Folder(path) => git2::Repository::open_ext(
                path,
                RepositoryOpenFlags::empty(),
                std::iter::empty::<&OsStr>(),
            ),
        }
        .ok()?;
        let places = RepositoryFolders {
            git_dir: repository.path().to_path_buf(),
            common_dir: repository.commondir().to_path_buf(),
            work_tree: repository.workdir().map(std::path::Path::to_path_buf),
            format: ObjectFormat::Sha1,
        };
        Some((LibraryBackend { repository }, places))
    }

    fn resolve_target(&self, reference: &git2::Reference<'_>) -> Option<ObjectId> {
        // A symbolic ref that leads nowhere (an unborn branch) has no object.
        reference.resolve().ok()?.target().map(to_object_id)
    }
}

fn to_object_id(id: Oid) -> ObjectId {
    ObjectId::new(id.as_bytes()).expect("the library's ids are SHA-1")
}

/// An id of the other hash names nothing here; the null id is never found.
fn to_oid(id: ObjectId) -> Oid {
    Oid::from_bytes(id.as_bytes()).unwrap_or(Oid::ZERO_SHA1)
}

fn to_object_kind(kind: ObjectType) -> Option<ObjectKind> {
    match kind {
        ObjectType::Blob => Some(ObjectKind::Blob),
        ObjectType::Tree => Some(ObjectKind::Tree),
        ObjectType::Commit => Some(ObjectKind::Commit),
        ObjectType::Tag => Some(ObjectKind::Tag),
        ObjectType::Any => None,
    }
}

fn to_object_type(kind: ObjectKind) -> ObjectType {
    match kind {
        ObjectKind::Blob => ObjectType::Blob,
        ObjectKind::Tree => ObjectType::Tree,
        ObjectKind::Commit => ObjectType::Commit,
        ObjectKind::Tag => ObjectType::Tag,
    }
}

impl GitBackend for LibraryBackend {
    fn is_in_process(&self) -> bool {
        true
    }

    fn read_object(&self, id: ObjectId) -> Result<Option<RawObject>> {
        let failed = GitError::libgit2_error("reading an object");
        let odb = self.repository.odb().map_err(&failed)?;
        match odb.read(to_oid(id)) {
            Ok(object) => {
                let kind = to_object_kind(object.kind());
                let kind = kind.ok_or(GitError::Malformed { id, expected: "git object" })?;
                Ok(Some(RawObject { kind, content: object.data().to_vec() }))
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn object_header(&self, id: ObjectId) -> Result<Option<(ObjectKind, u64)>> {
        let failed = GitError::libgit2_error("reading an object");
        let odb = self.repository.odb().map_err(&failed)?;
        match odb.read_header(to_oid(id)) {
            Ok((size, kind)) => Ok(to_object_kind(kind).map(|kind| (kind, size as u64))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn write_objects(&self, batch: &ObjectBatch) -> Result<()> {
        let failed = GitError::libgit2_error("writing objects");
        let odb = self.repository.odb().map_err(&failed)?;
        if batch.objects().len() < MIN_PACK_OBJECTS {
            for (_, kind, content) in batch.objects() {
                odb.write(to_object_type(*kind), content).map_err(&failed)?;
            }
            return Ok(());
        }
        let pack = pack::encode_pack(batch);
        let mut writer = odb.packwriter().map_err(&failed)?;
        writer.write_all(&pack).map_err(GitError::library_error("writing a pack"))?;
        writer.commit().map_err(&failed)?;
        Ok(())
    }

    fn resolve(&self, revision: &str) -> Result<Option<ObjectId>> {
        match self.repository.revparse_single(revision) {
            Ok(object) => Ok(Some(to_object_id(object.id()))),
            Err(error) => match error.code() {
                ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::UnbornBranch => Ok(None),
                _ => Err(GitError::libgit2_error("reading a revision")(error)),
            },
        }
    }

    fn reference(&self, name: &RefName) -> Result<Option<ObjectId>> {
        match self.repository.find_reference(name.as_str()) {
            Ok(reference) => Ok(self.resolve_target(&reference)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(GitError::libgit2_error("reading a ref")(error)),
        }
    }

    fn references(&self, prefix: &str) -> Result<Vec<(RefName, ObjectId)>> {
        let failed = GitError::libgit2_error("listing refs");
        let glob = format!("{prefix}*");
        let mut found = Vec::new();
        for reference in self.repository.references_glob(&glob).map_err(&failed)? {
            let reference = reference.map_err(&failed)?;
            let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
            if let Some(id) = self.resolve_target(&reference) {
                found.push((RefName::new(name), id));
            }
        }
        found.sort();
        Ok(found)
    }

    fn last_reflog_message(&self) -> Result<String> {
        // The library would read the whole log; only its end is asked for.
        let doing = "reading the log of HEAD";
        let failed = GitError::library_error(doing);
        let log = match File::open(self.repository.path().join("logs/HEAD")) {
            Ok(log) => log,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut line = [0; MAX_LOG_LINE];
        let last = gix::refs::file::log::iter::reverse(log, &mut line).map_err(&failed)?.next();
        match last {
            Some(Ok(line)) => Ok(line.message.to_string()),
            Some(Err(error)) => Err(GitError::library_error(doing)(error)),
            None => Ok(String::new()),
        }
    }

    fn swap_ref(
        &self,
        name: &RefName,
        expected: Option<ObjectId>,
        new: Option<ObjectId>,
        message: &str,
    ) -> Result<RefSwap> {
        let done = match new {
            Some(new) => {
                let before = expected.map_or(Oid::ZERO_SHA1, to_oid);
                let repository = &self.repository;
                let moved = repository.reference_matching(
                    name.as_str(),
                    to_oid(new),
                    true,
                    before,
                    message,
                );
                moved.map(|_| ())
            }
            None => match self.repository.find_reference(name.as_str()) {
                Ok(mut reference) if self.resolve_target(&reference) == expected => {
                    reference.delete()
                }
                Ok(_) => return Ok(RefSwap::Raced),
                Err(error) => Err(error),
            },
        };
        match done {
            Ok(()) => Ok(RefSwap::Done),
            Err(error) => match error.code() {
                ErrorCode::Modified | ErrorCode::Locked | ErrorCode::Exists => Ok(RefSwap::Raced),
                // Deleted by somebody else meanwhile.
                ErrorCode::NotFound => Ok(RefSwap::Raced),
                _ => Err(GitError::libgit2_error("moving a ref")(error)),
            },
        }
    }

    fn walk_history<'a>(
        &'a self,
        walk: &HistoryWalk,
    ) -> Result<Box<dyn Iterator<Item = Result<CommitId>> + 'a>> {
        let failed = GitError::libgit2_error("walking the history");
        let mut revwalk = self.repository.revwalk().map_err(&failed)?;
        let order = match walk.order {
            WalkOrder::Newest => Sort::TIME | Sort::TOPOLOGICAL,
            WalkOrder::Oldest => Sort::TIME | Sort::TOPOLOGICAL | Sort::REVERSE,
        };
        revwalk.set_sorting(order).map_err(&failed)?;
        for commit in &walk.from {
            revwalk.push(to_oid(commit.0)).map_err(&failed)?;
        }
        for commit in &walk.exclude {
            revwalk.hide(to_oid(commit.0)).map_err(&failed)?;
        }
        Ok(Box::new(
            revwalk.map(move |id| id.map(|id| CommitId(to_object_id(id))).map_err(&failed)),
        ))
    }

    fn is_ancestor(&self, ancestor: CommitId, commit: CommitId) -> Result<bool> {
        let (ancestor, commit) = (to_oid(ancestor.0), to_oid(commit.0));
        let within = self.repository.graph_descendant_of(commit, ancestor);
        Ok(ancestor == commit || within.map_err(GitError::libgit2_error("comparing histories"))?)
    }

    fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>> {
        match self.repository.merge_base(to_oid(one.0), to_oid(other.0)) {
            Ok(base) => Ok(Some(CommitId(to_object_id(base)))),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(GitError::libgit2_error("comparing histories")(error)),
        }
    }

    fn attribute(
        &self,
        path: &RepoPath,
        name: &str,
        when: AttributeDirection,
    ) -> Result<AttributeState> {
        let flags = match when {
            AttributeDirection::Checkin => AttrCheckFlags::FILE_THEN_INDEX,
            AttributeDirection::Checkout => AttrCheckFlags::INDEX_THEN_FILE,
        };
        let value = self
            .repository
            .get_attr_bytes(&path.to_path(), name, flags)
            .map_err(GitError::libgit2_error("reading attributes"))?;
        Ok(match AttrValue::always_bytes(value) {
            AttrValue::Unspecified => AttributeState::Unspecified,
            AttrValue::True => AttributeState::Set,
            AttrValue::False => AttributeState::Unset,
            AttrValue::String(text) => AttributeState::Value(text.to_owned()),
            AttrValue::Bytes(bytes) => AttributeState::Value(String::from_utf8_lossy(bytes).into()),
        })
    }

    fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        let failed = GitError::libgit2_error("reading the configuration");
        let config = self.repository.config().map_err(&failed)?;
        let pattern = format!("^{}", prefix.replace('.', "\\."));
        let mut found = Vec::new();
        let entries = config.entries(Some(&pattern)).map_err(&failed)?;
        entries
            .for_each(|entry| {
                let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
                let value = if entry.has_value() { entry.value_bytes() } else { b"true" };
                found.push((name, String::from_utf8_lossy(value).into_owned()));
            })
            .map_err(&failed)?;
        Ok(found)
    }

    fn committer(&self) -> Result<Option<Signature>> {
        let Ok(signature) = self.repository.committer_from_env() else { return Ok(None) };
        Ok(Some(Signature {
            name: String::from_utf8_lossy(signature.name_bytes()).into_owned(),
            email: String::from_utf8_lossy(signature.email_bytes()).into_owned(),
            seconds: signature.when().seconds(),
            offset: signature.when().offset_minutes(),
        }))
    }
}
