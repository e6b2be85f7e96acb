//! The backend that calls git's own plumbing: for every format that the git on this machine
//! knows. Reading goes through one companion process that stays; each write is one call.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout};

use rustc_hash::FxHashMap;

use super::{
    AttributeDirection, AttributeState, GitBackend, HistoryWalk, MIN_PACK_OBJECTS, RawObject,
    RefSwap, WalkOrder, pack,
};
use crate::platform::git::command::GitCommand;
use crate::platform::git::repository::{RepositoryFolders, RepositoryLocation};
use crate::platform::git::{
    CommitId, GitError, ObjectBatch, ObjectFormat, ObjectId, ObjectKind, RefName, RepoPath, Result,
    Signature,
};

#[derive(Debug)]
pub(crate) struct PlumbingBackend {
    places: RepositoryFolders,
    contents: RefCell<Option<GitCompanion>>,
    headers: RefCell<Option<GitCompanion>>,
    attributes: RefCell<FxHashMap<(String, AttributeSource), GitCompanion>>,
}

/// A git process that answers one question after another.
#[derive(Debug)]
struct GitCompanion {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl GitCompanion {
    fn spawn(git: GitCommand) -> Result<GitCompanion> {
        let mut child = git.spawn_companion()?;
        let missing = || GitError::Unexpected { command: "companion".into() };
        let stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        Ok(GitCompanion { stdin: child.stdin.take(), child, stdout })
    }

    fn write_question(&mut self, question: &[u8]) -> std::io::Result<()> {
        match &mut self.stdin {
            Some(stdin) => stdin.write_all(question).and_then(|()| stdin.flush()),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn read_until(&mut self, end: u8) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stdout.read_until(end, &mut bytes)?;
        if bytes.pop() != Some(end) {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }
}

impl Drop for GitCompanion {
    fn drop(&mut self) {
        // It ends when its input does.
        self.stdin.take();
        let _ = self.child.wait();
    }
}

impl PlumbingBackend {
    /// Finds the repository with `git rev-parse`; none there is an error.
    pub(crate) fn open(place: &RepositoryLocation) -> Result<(PlumbingBackend, RepositoryFolders)> {
        let (folder, git) = match place {
            RepositoryLocation::Environment(folder) => (folder, GitCommand::in_folder(folder)),
            RepositoryLocation::Folder(folder) => (folder, GitCommand::outside_environment(folder)),
        };
        let ask = |what: &[&str]| {
            git.with_args(["rev-parse"]).args(what).output().map(|answer| {
                let text = String::from_utf8_lossy(&answer).into_owned();
                text.lines().map(str::to_owned).collect::<Vec<_>>()
            })
        };
        let answer = ask(&[
            "--absolute-git-dir",
            "--git-common-dir",
            "--is-bare-repository",
            "--show-object-format",
        ]);
        let answer = answer.map_err(|error| match error {
            GitError::CommandFailed { .. } => GitError::NoRepository(folder.clone()),
            other => other,
        })?;
        let [git_dir, common_dir, bare, format] = answer.as_slice() else {
            return Err(GitError::Unexpected { command: "rev-parse".into() });
        };
        let work_tree = match bare.as_str() {
            "true" => None,
            // Asked for alone: inside of a git folder there is none to show.
            _ => ask(&["--show-toplevel"]).ok().and_then(|answer| answer.into_iter().next()),
        };
        let places = RepositoryFolders {
            git_dir: folder.join(git_dir),
            common_dir: folder.join(common_dir),
            work_tree: work_tree.map(Into::into),
            format: ObjectFormat::from_name(format).unwrap_or_default(),
        };
        Ok((PlumbingBackend::new(places.clone()), places))
    }

    /// No process is started before the first question.
    pub(crate) fn new(places: RepositoryFolders) -> PlumbingBackend {
        PlumbingBackend {
            places,
            contents: RefCell::default(),
            headers: RefCell::default(),
            attributes: RefCell::default(),
        }
    }

    fn git_command(&self) -> GitCommand {
        self.places.git_command()
    }

    /// Asks `cat-file` for one object. What it says about a missing one is not an error.
    fn cat_file(
        &self,
        id: ObjectId,
        body: ObjectBody,
    ) -> Result<Option<(ObjectKind, u64, Vec<u8>)>> {
        let slot = match body {
            ObjectBody::Wanted => &self.contents,
            ObjectBody::Unwanted => &self.headers,
        };
        let argument = match body {
            ObjectBody::Wanted => "--batch",
            ObjectBody::Unwanted => "--batch-check",
        };
        let mut slot = slot.borrow_mut();
        let companion = match &mut *slot {
            Some(companion) => companion,
            none => {
                none.insert(GitCompanion::spawn(self.git_command().args(["cat-file", argument]))?)
            }
        };
        let answer = read_cat_file_answer(companion, id, body);
        if answer.is_err() {
            // It died or is out of step; the next question gets a new one.
            *slot = None;
        }
        answer.map_err(|_| GitError::Unexpected { command: format!("cat-file {argument}") })
    }

    fn check_attribute(
        &self,
        path: &RepoPath,
        name: &str,
        source: AttributeSource,
    ) -> Result<AttributeState> {
        let mut companions = self.attributes.borrow_mut();
        let key = (name.to_owned(), source);
        let mut companion = match companions.remove(&key) {
            Some(companion) => companion,
            None => {
                let git = self.git_command().args(["check-attr", "-z", "--stdin"]);
                let git = if source == AttributeSource::Index { git.arg("--cached") } else { git };
                GitCompanion::spawn(git.arg(name))?
            }
        };
        let mut ask = || {
            companion.write_question(&[path.as_bytes(), b"\0"].concat())?;
            companion.read_until(0)?;
            companion.read_until(0)?;
            companion.read_until(0)
        };
        // One that died is not put back.
        let value = ask().map_err(|_| GitError::Unexpected { command: "check-attr".into() })?;
        companions.insert(key, companion);
        Ok(match value.as_slice() {
            b"unspecified" => AttributeState::Unspecified,
            b"set" => AttributeState::Set,
            b"unset" => AttributeState::Unset,
            other => AttributeState::Value(String::from_utf8_lossy(other).into_owned()),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum AttributeSource {
    WorkTree,
    Index,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectBody {
    Wanted,
    Unwanted,
}

fn read_cat_file_answer(
    companion: &mut GitCompanion,
    id: ObjectId,
    body: ObjectBody,
) -> std::io::Result<Option<(ObjectKind, u64, Vec<u8>)>> {
    companion.write_question(format!("{id}\n").as_bytes())?;
    let line = companion.read_until(b'\n')?;
    let line = String::from_utf8_lossy(&line).into_owned();
    let mut words = line.split(' ').skip(1);
    let (kind, size) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if kind == "missing" {
        return Ok(None);
    }
    let unexpected = || std::io::Error::other("an answer of another form");
    let kind = ObjectKind::from_name(kind).ok_or_else(unexpected)?;
    let size: u64 = size.parse().map_err(|_| unexpected())?;
    if body == ObjectBody::Unwanted {
        return Ok(Some((kind, size, Vec::new())));
    }
    let mut content = Vec::new();
    companion.stdout.by_ref().take(size + 1).read_to_end(&mut content)?;
    if content.len() as u64 != size + 1 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    content.pop();
    Ok(Some((kind, size, content)))
}

impl GitBackend for PlumbingBackend {
    fn is_in_process(&self) -> bool {
        false
    }

    fn read_object(&self, id: ObjectId) -> Result<Option<RawObject>> {
        Ok(self
            .cat_file(id, ObjectBody::Wanted)?
            .map(|(kind, _, content)| RawObject { kind, content }))
    }

    fn object_header(&self, id: ObjectId) -> Result<Option<(ObjectKind, u64)>> {
        Ok(self.cat_file(id, ObjectBody::Unwanted)?.map(|(kind, size, _)| (kind, size)))
    }

    fn write_objects(&self, batch: &ObjectBatch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        // What a fetch does with what it receives: git checks every byte itself.
        let git = self.git_command();
        let git = if batch.objects().len() < MIN_PACK_OBJECTS {
            git.args(["unpack-objects", "-q"])
        } else {
            git.args(["index-pack", "--stdin"])
        };
        git.output_with_input(&pack::encode_pack(batch))?;
        Ok(())
    }

    fn resolve(&self, revision: &str) -> Result<Option<ObjectId>> {
        let git = self.git_command().args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
        let output = git.arg(revision).run_to_end(&[])?;
        Ok(output
            .status
            .success()
            .then(|| ObjectId::from_hex(output.stdout.trim_ascii()))
            .flatten())
    }

    fn reference(&self, name: &RefName) -> Result<Option<ObjectId>> {
        self.resolve(name.as_str())
    }

    fn references(&self, prefix: &str) -> Result<Vec<(RefName, ObjectId)>> {
        // A pattern names a folder of refs; a prefix may end within a name.
        let folder = prefix.rfind('/').map_or("", |at| &prefix[..at]);
        let git =
            self.git_command().args(["for-each-ref", "--format=%(objectname) %(refname)", folder]);
        let answer = git.output()?;
        let mut found = Vec::new();
        for line in String::from_utf8_lossy(&answer).lines() {
            let Some((id, name)) = line.split_once(' ') else { continue };
            if let Some(id) = ObjectId::from_hex(id.as_bytes())
                && name.starts_with(prefix)
            {
                found.push((RefName::new(name), id));
            }
        }
        found.sort();
        Ok(found)
    }

    fn swap_ref(
        &self,
        name: &RefName,
        expected: Option<ObjectId>,
        new: Option<ObjectId>,
        message: &str,
    ) -> Result<RefSwap> {
        let null = "0".repeat(self.places.format.id_len() * 2);
        let hex = |id: Option<ObjectId>| id.map_or_else(|| null.clone(), |id| id.to_hex());
        let git = self.git_command().args(["update-ref", "-m", message]);
        let git = match new {
            Some(new) => git.args([name.as_str(), &new.to_hex(), &hex(expected)]),
            None => git.args(["-d", name.as_str(), &hex(expected)]),
        };
        let output = git.run_to_end(&[])?;
        if output.status.success() {
            return Ok(RefSwap::Done);
        }
        // Moved meanwhile, or not movable at all (read-only, a broken store)? Both are
        // told in words only; the ref itself shows which.
        let said = String::from_utf8_lossy(&output.stderr);
        let locked = said.contains(".lock") || said.contains("lock ref");
        if locked || self.reference(name)? != expected {
            return Ok(RefSwap::Raced);
        }
        let said = said.lines().last().unwrap_or_default().to_owned();
        Err(GitError::CommandFailed { command: "update-ref".into(), said })
    }

    fn walk_history<'a>(
        &'a self,
        walk: &HistoryWalk,
    ) -> Result<Box<dyn Iterator<Item = Result<CommitId>> + 'a>> {
        let git = self.git_command().args(["rev-list", "--topo-order", "--stdin"]);
        let git = if walk.order == WalkOrder::Oldest { git.arg("--reverse") } else { git };
        let mut companion = GitCompanion::spawn(git)?;
        let mut question = String::new();
        for commit in &walk.from {
            question.push_str(&format!("{commit}\n"));
        }
        for commit in &walk.exclude {
            question.push_str(&format!("^{commit}\n"));
        }
        let unexpected = || GitError::Unexpected { command: "rev-list".into() };
        companion.write_question(question.as_bytes()).map_err(|_| unexpected())?;
        companion.stdin.take();
        Ok(Box::new(std::iter::from_fn(move || {
            let line = companion.read_until(b'\n').ok()?;
            Some(ObjectId::from_hex(&line).map(CommitId).ok_or_else(unexpected))
        })))
    }

    fn is_ancestor(&self, ancestor: CommitId, commit: CommitId) -> Result<bool> {
        let git = self.git_command().args(["merge-base", "--is-ancestor"]);
        let output = git.args([ancestor.0.to_hex(), commit.0.to_hex()]).run_to_end(&[])?;
        Ok(output.status.success())
    }

    fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>> {
        let git = self.git_command().args(["merge-base"]);
        let output = git.args([one.0.to_hex(), other.0.to_hex()]).run_to_end(&[])?;
        Ok(ObjectId::from_hex(output.stdout.trim_ascii()).map(CommitId))
    }

    fn last_reflog_message(&self) -> Result<String> {
        let git = self.git_command().args(["log", "-g", "-1", "--format=%gs", "HEAD", "--"]);
        let output = git.run_to_end(&[])?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    fn attribute(
        &self,
        path: &RepoPath,
        name: &str,
        when: AttributeDirection,
    ) -> Result<AttributeState> {
        if when == AttributeDirection::Checkout {
            // The index first, as git does on the way out.
            let cached = self.check_attribute(path, name, AttributeSource::Index)?;
            if cached != AttributeState::Unspecified {
                return Ok(cached);
            }
        }
        self.check_attribute(path, name, AttributeSource::WorkTree)
    }

    fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        let pattern = format!("^{}", prefix.replace('.', "\\."));
        let git = self.git_command().args(["config", "-z", "--get-regexp", &pattern]);
        let output = git.run_to_end(&[])?;
        let mut found = Vec::new();
        for entry in output.stdout.split(|b| *b == 0).filter(|entry| !entry.is_empty()) {
            let text = String::from_utf8_lossy(entry);
            let (name, value) = text.split_once('\n').unwrap_or((&text, "true"));
            found.push((name.to_owned(), value.to_owned()));
        }
        Ok(found)
    }

    fn committer(&self) -> Result<Option<Signature>> {
        let output = self.git_command().args(["var", "GIT_COMMITTER_IDENT"]).run_to_end(&[])?;
        Ok(output.status.success().then(|| Signature::parse(output.stdout.trim_ascii())).flatten())
    }
}
