//! A repository as plain values: where its parts lie, its objects, its refs, its history.
//!
//! Works on every repository the git of this machine can open: work trees linked to one
//! repository, submodules, bare, shallow and partial clones, SHA-1 and SHA-256, refs in
//! files and in reftables. What goes through a library and what through git itself is
//! decided once, when it is opened (`backend`).
//!
//! Must not know what a workflow is.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::backend::{AttributeDirection, AttributeState, GitBackend, HistoryWalk, RefSwap};
use super::command::GitCommand;
use super::config;
use super::error::{GitError, Result};
use super::id::{CommitId, ObjectFormat, ObjectId, ObjectKind, RefName, RepoPath};
use super::objects::{Commit, EntryKind, ObjectBatch, Signature, TreeEntry, parse_tree};
use crate::platform::git::backend::{LibraryBackend, PlumbingBackend};
use crate::platform::time;

/// What the environment of the process says about git, read once at the edge.
#[derive(Debug, Clone, Default)]
pub struct GitEnvironment {
    /// The folder the process runs in; `GIT_INDEX_FILE` may be relative to it.
    pub folder: PathBuf,
    /// `GIT_INDEX_FILE`: the index of the git command that called us.
    pub index_file: Option<PathBuf>,
    /// `GIT_REFLOG_ACTION`: what the git command that called us is doing.
    pub reflog_action: Option<String>,
    /// Settings were given for this one call (`git -c name=value`).
    pub has_own_settings: bool,
    /// The person chose how to call ssh (`GIT_SSH_COMMAND`, `GIT_SSH`).
    pub has_own_ssh: bool,
    /// `GIT_SSH_COMMAND`: the command itself.
    pub ssh_command: Option<String>,
}

/// Where to look for a repository.
#[derive(Debug, Clone)]
pub(crate) enum RepositoryLocation {
    /// Where the process runs; `GIT_DIR` and its companions count. The folder is the
    /// process's.
    Environment(PathBuf),
    /// In or above that folder, whatever the environment says.
    Folder(PathBuf),
}

#[derive(Debug, Clone)]
pub(crate) struct RepositoryFolders {
    /// The folder of this work tree's own state (`HEAD`, `index`).
    pub(crate) git_dir: PathBuf,
    /// The folder that all work trees share (`objects`, `refs`).
    pub(crate) common_dir: PathBuf,
    /// The top of the work tree; none in a bare repository.
    pub(crate) work_tree: Option<PathBuf>,
    pub(crate) format: ObjectFormat,
}

impl RepositoryFolders {
    /// A call of git in this very repository, whatever the environment names.
    pub(crate) fn git_command(&self) -> GitCommand {
        let folder = self.work_tree.as_ref().unwrap_or(&self.git_dir);
        let git = GitCommand::outside_environment(folder).env("GIT_DIR", &self.git_dir);
        match &self.work_tree {
            Some(work_tree) => git.env("GIT_WORK_TREE", work_tree),
            None => git,
        }
    }
}

pub struct Repository {
    folders: RepositoryFolders,
    backend: Box<dyn GitBackend>,
    /// git itself, for the few questions that the library answers differently.
    plumbing: OnceCell<PlumbingBackend>,
    promisor: OnceCell<Option<String>>,
    environment: GitEnvironment,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("places", &self.folders).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BackendChoice {
    /// The library where it can, git where it cannot.
    Best,
    /// Always git.
    #[cfg(test)]
    Plumbing,
}

impl Repository {
    /// The repository git would use in this process.
    pub fn from_environment(surroundings: &GitEnvironment) -> Result<Repository> {
        let place = RepositoryLocation::Environment(surroundings.folder.clone());
        Repository::open(&place, surroundings.clone(), BackendChoice::Best)
    }

    /// The repository in or above a folder, whatever the environment names.
    pub fn open_at(folder: &Path) -> Result<Repository> {
        let place = RepositoryLocation::Folder(folder.to_path_buf());
        Repository::open(&place, GitEnvironment::default(), BackendChoice::Best)
    }

    /// Makes a repository without a work tree in a folder, or leaves the one that is there.
    pub fn init_bare(folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(GitError::file_error("make", folder))?;
        GitCommand::outside_environment(folder).args(["init", "-q", "--bare", "."]).output()?;
        Ok(())
    }

    pub(crate) fn open(
        place: &RepositoryLocation,
        surroundings: GitEnvironment,
        way: BackendChoice,
    ) -> Result<Repository> {
        if way == BackendChoice::Best
            && let Some((library, places)) = LibraryBackend::open(place)
        {
            return Ok(Repository::with_backend(Box::new(library), places, surroundings));
        }
        let (plumbing, places) = PlumbingBackend::open(place)?;
        Ok(Repository::with_backend(Box::new(plumbing), places, surroundings))
    }

    fn with_backend(
        backend: Box<dyn GitBackend>,
        folders: RepositoryFolders,
        environment: GitEnvironment,
    ) -> Repository {
        let (plumbing, promisor) = (OnceCell::new(), OnceCell::new());
        Repository { folders, backend, plumbing, promisor, environment }
    }

    /// The folder of this work tree's own state.
    pub fn git_dir(&self) -> &Path {
        &self.folders.git_dir
    }

    /// The folder that all work trees of the repository share.
    pub fn common_dir(&self) -> &Path {
        &self.folders.common_dir
    }

    /// The folder of git-comfy's own local state, which all work trees share. It may not
    /// exist yet.
    pub fn state_dir(&self) -> PathBuf {
        self.folders.common_dir.join("comfy")
    }

    /// The folder of git-comfy's own state of this work tree alone; that of the first one is
    /// [`Repository::state_dir`]. It may not exist yet.
    pub(crate) fn work_tree_state_dir(&self) -> PathBuf {
        self.folders.git_dir.join("comfy")
    }

    /// The top of the work tree; none in a bare repository.
    pub fn work_tree(&self) -> Option<&Path> {
        self.folders.work_tree.as_deref()
    }

    /// A file's path in the repository; nothing if it lies outside of its work tree. Neither
    /// it nor its folder need be there any more.
    pub fn path_of(&self, file: &Path) -> Option<RepoPath> {
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let name = file.file_name()?;
        let mut gone = PathBuf::from(name);
        let mut folder = file.parent()?;
        let folder = loop {
            match real(folder) {
                Some(folder) => break folder,
                None => {
                    gone = Path::new(folder.file_name()?).join(gone);
                    folder = folder.parent()?;
                }
            }
        };
        let below = folder.strip_prefix(real(self.work_tree()?)?).ok()?.join(gone);
        Some(RepoPath::from_path(&below))
    }

    /// The top of the work tree, for work that needs one.
    pub fn require_work_tree(&self) -> Result<&Path> {
        self.work_tree().ok_or_else(|| GitError::Bare(self.folders.git_dir.clone()))
    }

    pub fn format(&self) -> ObjectFormat {
        self.folders.format
    }

    /// What the environment said when the repository was opened.
    pub fn environment(&self) -> &GitEnvironment {
        &self.environment
    }

    fn plumbing(&self) -> &PlumbingBackend {
        self.plumbing.get_or_init(|| PlumbingBackend::new(self.folders.clone()))
    }

    pub(crate) fn git_command(&self) -> GitCommand {
        self.folders.git_command()
    }
}

impl Repository {
    /// The object a revision names, in git's syntax (`HEAD~2`, `main:a.json`); `None`
    /// where it names nothing.
    pub fn resolve(&self, revision: &str) -> Result<Option<ObjectId>> {
        self.backend.resolve(revision)
    }

    /// The commit a revision names, tags followed.
    pub fn resolve_commit(&self, revision: &str) -> Result<Option<CommitId>> {
        Ok(self.backend.resolve(&format!("{revision}^{{commit}}"))?.map(CommitId))
    }

    /// The checked-out commit; `None` on a branch without one.
    pub fn head(&self) -> Result<Option<CommitId>> {
        // No revision: of an unborn branch that would look in six places for the name.
        Ok(self.reference(&RefName::new("HEAD"))?.map(CommitId))
    }

    /// The content of a blob; `None` where it is missing (never written, or not fetched).
    pub fn blob(&self, id: ObjectId) -> Result<Option<Vec<u8>>> {
        self.read_object(id, ObjectKind::Blob, "blob")
    }

    /// The entries of a tree, in git's order; `None` where it is missing.
    pub fn tree(&self, id: ObjectId) -> Result<Option<Vec<TreeEntry>>> {
        match self.read_object(id, ObjectKind::Tree, "tree")? {
            Some(content) => parse_tree(id, &content).map(Some),
            None => Ok(None),
        }
    }

    /// A commit; `None` where it is missing.
    pub fn commit(&self, id: CommitId) -> Result<Option<Commit>> {
        match self.read_object(id.0, ObjectKind::Commit, "commit")? {
            Some(content) => Commit::parse(id.0, &content).map(Some),
            None => Ok(None),
        }
    }

    fn read_object(
        &self,
        id: ObjectId,
        kind: ObjectKind,
        expected: &'static str,
    ) -> Result<Option<Vec<u8>>> {
        let object = match self.backend.read_object(id)? {
            None if self.promisor_remote().is_some() => self.plumbing().read_object(id)?,
            object => object,
        };
        match object {
            Some(object) if object.kind == kind => Ok(Some(object.content)),
            Some(_) => Err(GitError::Malformed { id, expected }),
            None => Ok(None),
        }
    }

    /// Whether an object is in the repository.
    pub fn contains(&self, id: ObjectId) -> Result<bool> {
        Ok(self.object_header(id)?.is_some())
    }

    fn object_header(&self, id: ObjectId) -> Result<Option<(ObjectKind, u64)>> {
        match self.backend.object_header(id)? {
            None if self.promisor_remote().is_some() => self.plumbing().object_header(id),
            header => Ok(header),
        }
    }

    /// The kind and size of an object, if it is on this machine: what a partial clone left
    /// out is not fetched.
    pub(crate) fn local_object_header(&self, id: ObjectId) -> Result<Option<(ObjectKind, u64)>> {
        self.backend.object_header(id)
    }

    /// Objects and refs are read in this process, and all of them are on this machine.
    pub(crate) fn is_all_local(&self) -> bool {
        self.backend.is_in_process() && self.promisor_remote().is_none()
    }

    /// The remote that has the objects a partial clone left out; git fetches one when it
    /// is asked for.
    pub(crate) fn promisor_remote(&self) -> Option<&str> {
        let find = || {
            let settings = self.settings("remote.").unwrap_or_default();
            settings.into_iter().find_map(|(name, value)| {
                let remote = name.strip_prefix("remote.")?.strip_suffix(".promisor")?;
                (value == "true").then(|| remote.to_owned())
            })
        };
        self.promisor.get_or_init(find).as_deref()
    }

    /// Fetches objects that a partial clone left out, all at once: read one by one,
    /// each would be a fetch of its own.
    pub(crate) fn fetch_missing_objects(&self, ids: &[ObjectId]) -> Result<()> {
        let Some(remote) = self.promisor_remote() else { return Ok(()) };
        let mut missing = String::new();
        for id in ids {
            if self.backend.object_header(*id)?.is_none() {
                missing.push_str(&format!("{id}\n"));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let git = self.git_command().args([
            "-c",
            "fetch.negotiationAlgorithm=noop",
            "fetch",
            "-q",
            remote,
        ]);
        let git = git.args(["--no-tags", "--no-write-fetch-head", "--recurse-submodules=no"]);
        let git = git.args(["--no-auto-maintenance", "--filter=blob:none", "--stdin"]);
        git.output_with_input(missing.as_bytes()).map(drop)
    }

    /// The content of a blob, if it is no longer than that: for what strangers wrote.
    pub fn blob_up_to(&self, id: ObjectId, longest: u64) -> Result<Option<Vec<u8>>> {
        match self.object_header(id)? {
            Some((ObjectKind::Blob, size)) if size <= longest => self.blob(id),
            _ => Ok(None),
        }
    }

    /// What lies at a path below a tree.
    pub fn entry_at(&self, tree: ObjectId, path: &RepoPath) -> Result<Option<TreeEntry>> {
        let mut names = path.as_bytes().split(|b| *b == b'/').peekable();
        let mut folder = tree;
        while let Some(name) = names.next() {
            let Some(entries) = self.tree(folder)? else { return Ok(None) };
            let Some(entry) = entries.into_iter().find(|e| e.name == name) else {
                return Ok(None);
            };
            match names.peek() {
                None => return Ok(Some(entry)),
                Some(_) if entry.kind == EntryKind::Tree => folder = entry.id,
                Some(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Visits every file below a tree, with its path.
    pub fn visit_files(
        &self,
        tree: ObjectId,
        visit: &mut dyn FnMut(&RepoPath, &TreeEntry),
    ) -> Result<()> {
        self.visit_below(tree, &mut Vec::new(), visit)
    }

    fn visit_below(
        &self,
        tree: ObjectId,
        prefix: &mut Vec<u8>,
        visit: &mut dyn FnMut(&RepoPath, &TreeEntry),
    ) -> Result<()> {
        for entry in self.tree(tree)?.unwrap_or_default() {
            let length = prefix.len();
            prefix.extend_from_slice(&entry.name);
            if entry.kind == EntryKind::Tree {
                prefix.push(b'/');
                self.visit_below(entry.id, prefix, visit)?;
            } else {
                visit(&RepoPath::new(prefix.clone()), &entry);
            }
            prefix.truncate(length);
        }
        Ok(())
    }

    /// Commits of the history, one after another.
    pub fn walk_history<'a>(
        &'a self,
        walk: &HistoryWalk,
    ) -> Result<Box<dyn Iterator<Item = Result<CommitId>> + 'a>> {
        self.backend.walk_history(walk)
    }

    /// Whether `ancestor` is `commit` itself or among the commits before it.
    pub fn is_ancestor(&self, ancestor: CommitId, commit: CommitId) -> Result<bool> {
        self.backend.is_ancestor(ancestor, commit)
    }

    /// A commit from which both go on; none if they have nothing in common.
    pub fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>> {
        self.backend.merge_base(one, other)
    }

    /// An attribute of a path, as git would see it.
    pub fn attribute(
        &self,
        path: &RepoPath,
        name: &str,
        when: AttributeDirection,
    ) -> Result<AttributeState> {
        // A pattern for such a path is quoted, which the library does not read.
        let quoted =
            |b: &u8| b.is_ascii_whitespace() || b.is_ascii_control() || b"\"\\".contains(b);
        if path.as_bytes().iter().any(quoted) {
            return self.plumbing().attribute(path, name, when);
        }
        // Nor does it read an index with folders in it (a sparse one).
        self.backend
            .attribute(path, name, when)
            .or_else(|_| self.plumbing().attribute(path, name, when))
    }

    /// All settings whose names begin so, in git's order: the last one of a name counts.
    pub fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        if self.environment.has_own_settings {
            return self.plumbing().settings(prefix);
        }
        self.backend.settings(prefix)
    }

    /// The value of one setting that counts, the last one. The key as git prints it: section and
    /// name in lower case.
    pub fn setting(&self, key: &str) -> Result<Option<String>> {
        let held = self.settings(key)?.into_iter().rev().find(|(name, _)| name == key);
        Ok(held.map(|(_, value)| value))
    }

    /// Whether a setting is true or false; none where it is not set, or neither.
    pub fn bool_setting(&self, key: &str) -> Result<Option<bool>> {
        Ok(self.setting(key)?.and_then(|value| config::parse_bool(&value)))
    }

    /// Who commits in this repository, now. Where git would refuse for want of a name,
    /// the person behind `HEAD` stands in, so that nothing is lost over it.
    pub fn committer(&self) -> Result<Signature> {
        let identity = if self.environment.has_own_settings {
            self.plumbing().committer()?
        } else {
            self.backend.committer()?
        };
        let person = match identity {
            Some(person) => Some(person),
            None => match self.head()? {
                Some(head) => self.commit(head)?.map(|commit| commit.committer),
                None => None,
            },
        };
        let mut person = person.unwrap_or_else(|| Signature {
            name: "git-comfy".into(),
            email: "git-comfy@localhost".into(),
            seconds: 0,
            offset: 0,
        });
        person.seconds = i64::try_from(time::now_millis() / 1000).unwrap_or(i64::MAX);
        Ok(person)
    }
}

impl Repository {
    /// The object a ref points at; `None` where there is no such ref.
    pub fn reference(&self, name: &RefName) -> Result<Option<ObjectId>> {
        self.backend.reference(name)
    }

    /// All refs whose full names begin so, by name.
    pub fn references(&self, prefix: &str) -> Result<Vec<(RefName, ObjectId)>> {
        self.backend.references(prefix)
    }

    /// Writes objects; when this returns, all of them are there.
    pub fn write_objects(&self, batch: &ObjectBatch) -> Result<()> {
        self.backend.write_objects(batch)
    }

    /// Why `HEAD` is where it is, in the words of its log (`commit (amend): …`); nothing where
    /// none is kept.
    pub fn last_reflog_message(&self) -> Result<String> {
        // A line that is too long, or that another program wrote, git itself may still read.
        self.backend.last_reflog_message().or_else(|_| self.plumbing().last_reflog_message())
    }

    /// Moves a ref, if it still points where the caller believes.
    pub fn swap_ref(
        &self,
        name: &RefName,
        expected: Option<ObjectId>,
        new: Option<ObjectId>,
        message: &str,
    ) -> Result<RefSwap> {
        self.backend.swap_ref(name, expected, new, message)
    }
}
