//! Commits on top of `HEAD` that nobody sees until they are all there.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::Cleaned;
use super::standing::{Standing, is_there};
use crate::layouts;
use crate::layouts::refresh::read_within;
use crate::layouts::{Checkout, Filter};
use crate::platform::git::{
    Batch, Commit, CommitId, EntryKind, Error, ObjectId, Person, RepoPath, Repository, Result,
    TreeEntry,
};
use crate::platform::write_whole;

/// Objects that wait in memory before they are written.
const AT_ONCE: usize = 2_000;
/// Bytes of content that wait in memory before they are written.
const WAITING: usize = 32 << 20;

#[derive(Debug)]
pub struct State<'b> {
    pub path: RepoPath,
    pub content: Cleaned<'b>,
    /// Who saved it, and when.
    pub author: Person,
    pub message: String,
}

/// A chain of commits that no ref points to until it is finished.
pub struct Chain<'r> {
    repository: &'r Repository,
    filter: Filter<'r>,
    committer: Person,
    head: Option<CommitId>,
    root: Option<ObjectId>,
    /// Folders that were touched, by their paths: what was put into them may wait.
    folders: FxHashMap<Vec<u8>, BTreeMap<Vec<u8>, TreeEntry>>,
    batch: Batch,
    waiting: usize,
    made: Vec<CommitId>,
    /// The last blob of each file.
    last: BTreeMap<RepoPath, ObjectId>,
}

impl<'r> Chain<'r> {
    /// A chain without commits, on top of `HEAD`.
    pub fn begin(repository: &'r Repository) -> Result<Chain<'r>> {
        let head = repository.head()?;
        let root = match head {
            Some(head) => repository.commit(head)?.map(|commit| commit.tree),
            None => None,
        };
        Ok(Chain {
            filter: Filter::new(Some(repository)),
            committer: repository.committer()?,
            head,
            root,
            folders: FxHashMap::default(),
            batch: Batch::new(repository.format()),
            waiting: 0,
            made: Vec::new(),
            last: BTreeMap::new(),
            repository,
        })
    }

    /// Adds a commit of a state on top of the last one, and stores its layout.
    pub fn add(&mut self, state: State<'_>) -> Result<()> {
        let State { path, content, author, message } = state;
        let Cleaned { content, rest, blob } = content;
        if let Some(rest) = rest {
            self.filter.keep(&path, &content, rest)?;
        }
        self.waiting += content.len();
        self.batch.blob(content.into_owned());
        let names: Vec<&[u8]> = path.as_bytes().split(|b| *b == b'/').collect();
        let tree = self.put(&names, 0, self.root, blob)?;
        let commit = self.batch.commit(&Commit {
            tree,
            parents: self.made.last().copied().or(self.head).into_iter().collect(),
            author,
            committer: self.committer.clone(),
            message: message.into_bytes(),
        });
        self.root = Some(tree);
        self.made.push(commit);
        self.last.insert(path, blob);
        if self.batch.objects().len() >= AT_ONCE || self.waiting >= WAITING {
            self.write()?;
        }
        Ok(())
    }

    /// Puts the files into work tree and index, and moves the branch to the last commit.
    /// Gives the commits, oldest first.
    ///
    /// # Errors
    /// Something uncommitted would be lost, or somebody else committed meanwhile: the
    /// history is as it was.
    pub fn finish(mut self) -> Result<Vec<CommitId>> {
        let Some(tip) = self.made.last().copied() else { return Ok(self.made) };
        self.write()?;
        // First: whoever checks the files out asks for the layouts.
        layouts::promote(self.repository, &self.made)?;
        self.place()?;
        self.stage()?;
        let count = self.made.len();
        let what = format!("import: {count} version{}", if count == 1 { "" } else { "s" });
        let old = self.head.map(|head| head.to_string()).unwrap_or_default();
        // Compare-and-swap; an empty old value says that the branch must not exist yet.
        let git = self.repository.git().args(["update-ref", "-m", &what, "HEAD"]);
        git.args([tip.to_string(), old]).output()?;
        Ok(self.made)
    }

    fn write(&mut self) -> Result<()> {
        self.repository.write(&self.batch)?;
        self.batch = Batch::new(self.repository.format());
        self.waiting = 0;
        Ok(())
    }

    /// The tree of a folder with the file in it; `depth` of its names lead there.
    fn put(
        &mut self,
        names: &[&[u8]],
        depth: usize,
        tree: Option<ObjectId>,
        blob: ObjectId,
    ) -> Result<ObjectId> {
        let place = names[..depth].join(&b'/');
        let known = self.folders.remove(&place);
        let mut entries = match (known, tree) {
            (Some(known), _) => known,
            (None, Some(tree)) => {
                let entries = self.repository.tree(tree)?.unwrap_or_default();
                entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect()
            }
            (None, None) => BTreeMap::new(),
        };
        let name = names[depth].to_vec();
        let entry = if depth + 1 == names.len() {
            TreeEntry { kind: EntryKind::File, name: name.clone(), id: blob }
        } else {
            let below = entries.get(&name).filter(|entry| entry.kind == EntryKind::Tree);
            let id = self.put(names, depth + 1, below.map(|entry| entry.id), blob)?;
            TreeEntry { kind: EntryKind::Tree, name: name.clone(), id }
        };
        entries.insert(name, entry);
        let all: Vec<TreeEntry> = entries.values().cloned().collect();
        self.folders.insert(place, entries);
        Ok(self.batch.tree(&all))
    }

    /// Puts the files into the work tree, with their layouts.
    fn place(&mut self) -> Result<()> {
        let standing = Standing::of(self.repository, self.head)?;
        let top = self.repository.require_work_tree()?.to_owned();
        let last = std::mem::take(&mut self.last);
        for (path, blob) in &last {
            let stands = standing.of_file(&mut self.filter, path)?;
            let free = stands.ok().filter(|stands| stands.obstacle(*blob).is_none());
            let Some(stands) = free else { return Err(Error::Uncommitted(path.clone())) };
            if stands.here == Some(*blob) {
                continue;
            }
            let file = top.join(path.to_path());
            self.keep_layout(path, &file)?;
            let content = self.repository.blob(*blob)?.unwrap_or_default();
            let tip = self.made.last().map(|commit| commit.0);
            let checkout =
                Checkout { blob: Some(*blob), treeish: tip, has_ref: true, ..Checkout::default() };
            let passed = self.filter.smudge(path, checkout, &content);
            let failed = || Error::file("writing", &file);
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder).map_err(failed())?;
            }
            write_whole(&file, passed.or(&content)).map_err(failed())?;
        }
        self.last = last;
        Ok(())
    }

    /// Stores the layout of a file that is about to be replaced: it may be one that no commit has.
    fn keep_layout(&mut self, path: &RepoPath, file: &std::path::Path) -> Result<()> {
        if !is_there(file) {
            return Ok(());
        }
        let Some(bytes) = read_within(file, self.filter.max_file_size()) else { return Ok(()) };
        self.filter.clean(path, &bytes).map(drop)
    }

    /// Puts the files into the index, beside whatever else is staged.
    fn stage(&self) -> Result<()> {
        let (mut entries, mut paths) = (Vec::new(), Vec::new());
        for (path, blob) in &self.last {
            entries.extend_from_slice(format!("100644 {blob} 0\t").as_bytes());
            entries.extend_from_slice(path.as_bytes());
            entries.push(0);
            paths.extend_from_slice(path.as_bytes());
            paths.push(0);
        }
        let git = self.repository.git().args(["update-index", "-z", "--index-info"]);
        git.output_with(&entries)?;
        let git = self.repository.git().args(["--literal-pathspecs", "add", "--refresh"]);
        let git = git.args(["--pathspec-from-file=-", "--pathspec-file-nul"]);
        // Saves git a look at each file; what is staged is staged.
        let _ = git.output_with(&paths);
        Ok(())
    }
}
