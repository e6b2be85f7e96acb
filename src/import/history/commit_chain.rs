//! Commits on top of `HEAD` that nobody sees until they are all there.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::CleanedFile;
use super::overwrite_check::{OverwriteCheck, TargetFile, path_exists};
use crate::layouts;
use crate::layouts::{Filter, SmudgeRequest};
use crate::platform::files;
use crate::platform::git::{
    Commit, CommitId, EntryKind, GitError, ObjectBatch, ObjectId, RepoPath, Repository, Result,
    Signature, TreeEntry,
};
use crate::platform::text::plural::counted;
use crate::platform::write_atomic;

/// Objects that wait in memory before they are written.
const MAX_PENDING_OBJECTS: usize = 2_000;
/// Bytes of content that wait in memory before they are written.
const MAX_PENDING_BYTES: usize = 32 << 20;

#[derive(Debug)]
pub(crate) struct ImportedState<'b> {
    pub path: RepoPath,
    pub content: CleanedFile<'b>,
    /// Who saved it, and when.
    pub author: Signature,
    pub message: String,
}

/// A chain of commits that no ref points to until it is finished.
pub(crate) struct CommitChain<'r> {
    repository: &'r Repository,
    filter: Filter<'r>,
    committer: Signature,
    head: Option<CommitId>,
    root_tree: Option<ObjectId>,
    /// Folders that were touched, by their paths: what was put into them may wait.
    folders: FxHashMap<Vec<u8>, BTreeMap<Vec<u8>, TreeEntry>>,
    batch: ObjectBatch,
    pending_bytes: usize,
    commits: Vec<CommitId>,
    /// The last blob of each file.
    final_blobs: BTreeMap<RepoPath, ObjectId>,
}

impl<'r> CommitChain<'r> {
    /// A chain without commits, on top of `HEAD`.
    pub(crate) fn begin(repository: &'r Repository) -> Result<CommitChain<'r>> {
        let head = repository.head()?;
        let root = match head {
            Some(head) => repository.commit(head)?.map(|commit| commit.tree),
            None => None,
        };
        Ok(CommitChain {
            filter: Filter::new(Some(repository)),
            committer: repository.committer()?,
            head,
            root_tree: root,
            folders: FxHashMap::default(),
            batch: ObjectBatch::new(repository.format()),
            pending_bytes: 0,
            commits: Vec::new(),
            final_blobs: BTreeMap::new(),
            repository,
        })
    }

    /// Adds a commit of a state on top of the last one, and stores its layout.
    pub(crate) fn add_commit(&mut self, state: ImportedState<'_>) -> Result<()> {
        let ImportedState { path, content, author, message } = state;
        let CleanedFile { content, remainder: rest, blob } = content;
        if let Some(rest) = rest {
            self.filter.store_layout(&path, &content, rest)?;
        }
        self.pending_bytes += content.len();
        self.batch.add_blob(content.into_owned());
        let names: Vec<&[u8]> = path.as_bytes().split(|b| *b == b'/').collect();
        let tree = self.tree_with_blob(&names, 0, self.root_tree, blob)?;
        let commit = self.batch.add_commit(&Commit {
            tree,
            parents: self.commits.last().copied().or(self.head).into_iter().collect(),
            author,
            committer: self.committer.clone(),
            message: message.into_bytes(),
        });
        self.root_tree = Some(tree);
        self.commits.push(commit);
        self.final_blobs.insert(path, blob);
        if self.batch.objects().len() >= MAX_PENDING_OBJECTS
            || self.pending_bytes >= MAX_PENDING_BYTES
        {
            self.write_objects()?;
        }
        Ok(())
    }

    /// Puts the files into work tree and index, and moves the branch to the last commit.
    /// Gives the commits, oldest first.
    ///
    /// # Errors
    /// Something uncommitted would be lost, or somebody else committed meanwhile: the
    /// history is as it was.
    pub(crate) fn finish(mut self) -> Result<Vec<CommitId>> {
        let Some(tip) = self.commits.last().copied() else { return Ok(self.commits) };
        self.write_objects()?;
        // First: whoever checks the files out asks for the layouts.
        layouts::promote_pending(self.repository, &self.commits)?;
        self.write_work_tree()?;
        self.stage_files()?;
        let what = format!("import: {}", counted(self.commits.len(), "version", "versions"));
        let old = self.head.map(|head| head.to_string()).unwrap_or_default();
        // Compare-and-swap; an empty old value says that the branch must not exist yet.
        let git = self.repository.git_command().args(["update-ref", "-m", &what, "HEAD"]);
        git.args([tip.to_string(), old]).output()?;
        Ok(self.commits)
    }

    fn write_objects(&mut self) -> Result<()> {
        self.repository.write_objects(&self.batch)?;
        self.batch = ObjectBatch::new(self.repository.format());
        self.pending_bytes = 0;
        Ok(())
    }

    /// The tree of a folder with the file in it; `depth` of its names lead there.
    fn tree_with_blob(
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
            let id = self.tree_with_blob(names, depth + 1, below.map(|entry| entry.id), blob)?;
            TreeEntry { kind: EntryKind::Tree, name: name.clone(), id }
        };
        entries.insert(name, entry);
        let all: Vec<TreeEntry> = entries.values().cloned().collect();
        self.folders.insert(place, entries);
        Ok(self.batch.add_tree(&all))
    }

    /// Puts the files into the work tree, with their layouts.
    fn write_work_tree(&mut self) -> Result<()> {
        let overwrite_check = OverwriteCheck::load(self.repository, self.head)?;
        let top = self.repository.require_work_tree()?.to_owned();
        let last = std::mem::take(&mut self.final_blobs);
        for (path, blob) in &last {
            let blobs = match overwrite_check.target_file(&mut self.filter, path)? {
                TargetFile::Blobs(blobs) if blobs.obstacle_to(*blob).is_none() => blobs,
                _ => return Err(GitError::Uncommitted(path.clone())),
            };
            if blobs.in_work_tree == Some(*blob) {
                continue;
            }
            let file = top.join(path.to_path());
            self.keep_replaced_layout(path, &file)?;
            let content = self.repository.blob(*blob)?.unwrap_or_default();
            let tip = self.commits.last().map(|commit| commit.0);
            let checkout = SmudgeRequest {
                blob: Some(*blob),
                treeish: tip,
                has_ref: true,
                ..SmudgeRequest::default()
            };
            let passed = self.filter.smudge(path, checkout, &content);
            let failed = || GitError::file_error("writing", &file);
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder).map_err(failed())?;
            }
            write_atomic(&file, passed.bytes_or(&content)).map_err(failed())?;
        }
        self.final_blobs = last;
        Ok(())
    }

    /// Stores the layout of a file that is about to be replaced: it may be one that no commit has.
    fn keep_replaced_layout(&mut self, path: &RepoPath, file: &std::path::Path) -> Result<()> {
        if !path_exists(file) {
            return Ok(());
        }
        let Ok(bytes) = files::read_up_to(file, self.filter.max_file_size()) else {
            return Ok(());
        };
        self.filter.clean(path, &bytes).map(drop)
    }

    /// Puts the files into the index, beside whatever else is staged.
    fn stage_files(&self) -> Result<()> {
        let (mut entries, mut paths) = (Vec::new(), Vec::new());
        for (path, blob) in &self.final_blobs {
            entries.extend_from_slice(format!("100644 {blob} 0\t").as_bytes());
            entries.extend_from_slice(path.as_bytes());
            entries.push(0);
            paths.extend_from_slice(path.as_bytes());
            paths.push(0);
        }
        let git = self.repository.git_command().args(["update-index", "-z", "--index-info"]);
        git.output_with_input(&entries)?;
        let git = self.repository.git_command().args(["--literal-pathspecs", "add", "--refresh"]);
        let git = git.args(["--pathspec-from-file=-", "--pathspec-file-nul"]);
        // Saves git a look at each file; what is staged is staged.
        let _ = git.output_with_input(&paths);
        Ok(())
    }
}
