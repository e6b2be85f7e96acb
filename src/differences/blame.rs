//! Which commit changed each value of a workflow last: from commit to parent, for as long as a
//! parent has the value in the same form, under whatever id and name its node has there.

use std::collections::{BTreeMap, BinaryHeap, HashMap};

use comfy_graph::catalog::Catalog;
use comfy_graph::diff::{Lineage, NodeAspect};
use comfy_graph::json::Value;

use super::changed_files::{self, FileChangeKind};
use super::content::{self, FileContent};
use super::graph_diff::compare_contents;
use super::operands;
use crate::error::Result;
use crate::platform::git::{Commit, CommitId, ObjectId, RepoPath, Repository};

/// Where a value was changed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BlameOrigin {
    /// In the work tree; it is not committed.
    WorkTree,
    Commit(CommitId),
}

/// The file that is annotated, and the commit to search from.
pub(crate) struct BlameStart {
    pub bytes: Vec<u8>,
    pub path: RepoPath,
    /// The commit to go back from.
    pub commit: Option<CommitId>,
    /// Whether the bytes are those of the commit.
    pub committed: bool,
}

/// Finds where each of the values that a file holds was changed last.
pub(crate) fn find_origins(
    repository: &Repository,
    catalog: &Catalog,
    start: BlameStart,
    document: Value,
    held: Vec<NodeAspect>,
) -> Result<HashMap<NodeAspect, BlameOrigin>> {
    let mut walk = BlameWalk {
        repository,
        catalog,
        blamed: HashMap::new(),
        queue: BinaryHeap::new(),
        suspects: BTreeMap::new(),
    };
    walk.follow_values(start, document, held)?;
    Ok(walk.blamed)
}

/// The values whose commit is not found yet, with the index of each in the request: a value
/// can have another node id or name in an older commit.
type SoughtValues = Vec<(usize, NodeAspect)>;

/// A file in a commit that may have changed the values.
struct BlameSuspect {
    path: RepoPath,
    blob: ObjectId,
    sought: SoughtValues,
}

struct BlameWalk<'r> {
    repository: &'r Repository,
    catalog: &'r Catalog,
    /// The result, by the value in the newest state.
    blamed: HashMap<NodeAspect, BlameOrigin>,
    /// The commits still to look at, by their times: the newest first, so that all its children
    /// have been there before it.
    queue: BinaryHeap<(i64, ObjectId)>,
    suspects: BTreeMap<ObjectId, Vec<BlameSuspect>>,
}

impl BlameWalk<'_> {
    fn follow_values(
        &mut self,
        start: BlameStart,
        document: Value,
        held: Vec<NodeAspect>,
    ) -> Result<()> {
        let asked = held.clone();
        let mut sought: SoughtValues = held.into_iter().enumerate().collect();
        let Some(commit) = start.commit else {
            self.assign(&asked, sought, BlameOrigin::WorkTree);
            return Ok(());
        };
        let tree = operands::blob_at_path(self.repository, commit.0, &start.path)?;
        let Some(blob) = tree else {
            self.assign(&asked, sought, BlameOrigin::WorkTree);
            return Ok(());
        };
        if !start.committed {
            let (passed, own) = self.split_inherited(blob, document, sought)?;
            self.assign(&asked, own, BlameOrigin::WorkTree);
            sought = passed;
        }
        self.enqueue(commit, BlameSuspect { path: start.path, blob, sought })?;
        while let Some((_, id)) = self.queue.pop() {
            let commit = CommitId(id);
            let Some(about) = self.repository.commit(commit)? else { continue };
            for suspect in self.suspects.remove(&id).unwrap_or_default() {
                let own = self.pass_to_parents(commit, &about, suspect)?;
                self.assign(&asked, own, BlameOrigin::Commit(commit));
            }
        }
        Ok(())
    }

    fn assign(&mut self, asked: &[NodeAspect], sought: SoughtValues, blamed: BlameOrigin) {
        for (at, _) in sought {
            self.blamed.insert(asked[at].clone(), blamed.clone());
        }
    }

    fn enqueue(&mut self, commit: CommitId, suspect: BlameSuspect) -> Result<()> {
        if suspect.sought.is_empty() {
            return Ok(());
        }
        let here = self.suspects.entry(commit.0).or_default();
        if here.is_empty() {
            let seconds = self.repository.commit(commit)?.map_or(0, |c| c.committer.seconds);
            self.queue.push((seconds, commit.0));
        }
        match here.iter_mut().find(|other| other.path == suspect.path) {
            Some(other) => other.sought.extend(suspect.sought),
            None => here.push(suspect),
        }
        Ok(())
    }

    /// Passes values on to the parents that have them in the same form; gives the rest, which
    /// this commit changed.
    fn pass_to_parents(
        &mut self,
        commit: CommitId,
        about: &Commit,
        suspect: BlameSuspect,
    ) -> Result<SoughtValues> {
        let mut sought = suspect.sought;
        let mut document = None;
        for parent in &about.parents {
            if sought.is_empty() {
                break;
            }
            // The edge of a shallow clone.
            if self.repository.commit(*parent)?.is_none() {
                continue;
            }
            let Some((path, blob)) = self.file_in_parent(*parent, commit, &suspect.path)? else {
                continue;
            };
            let passed = if blob == suspect.blob {
                std::mem::take(&mut sought)
            } else {
                if document.is_none() {
                    document = self.read_document(suspect.blob)?;
                }
                let Some(document) = document.clone() else { continue };
                let (passed, own) = self.split_inherited(blob, document, sought)?;
                sought = own;
                passed
            };
            self.enqueue(*parent, BlameSuspect { path, blob, sought: passed })?;
        }
        Ok(sought)
    }

    /// The file in a parent, also if it was renamed since.
    fn file_in_parent(
        &self,
        parent: CommitId,
        commit: CommitId,
        path: &RepoPath,
    ) -> Result<Option<(RepoPath, ObjectId)>> {
        if let Some(blob) = operands::blob_at_path(self.repository, parent.0, path)? {
            return Ok(Some((path.clone(), blob)));
        }
        let arguments =
            ["--find-renames".to_owned(), parent.to_string(), commit.to_string(), "--".to_owned()];
        let changes = changed_files::list_changes(self.repository.common_dir(), &arguments)?;
        let renamed = changes.into_iter().find(|change| {
            matches!(change.kind, FileChangeKind::Renamed | FileChangeKind::Copied)
                && change.path() == path
        });
        let before = renamed.and_then(|change| change.before);
        Ok(before.and_then(|version| Some((version.path, version.blob?))))
    }

    fn read_document(&self, blob: ObjectId) -> Result<Option<Value>> {
        let bytes = self.repository.blob(blob)?.unwrap_or_default();
        Ok(match content::parse_content(bytes) {
            FileContent::Graph(value) => Some(value),
            _ => None,
        })
    }

    /// Splits values into those that an earlier blob has in the same form (as they are named
    /// there) and those that are new in `after`.
    fn split_inherited(
        &self,
        before: ObjectId,
        after: Value,
        sought: SoughtValues,
    ) -> Result<(SoughtValues, SoughtValues)> {
        let Some(before) = self.read_document(before)? else { return Ok((Vec::new(), sought)) };
        let (before, after) = (FileContent::Graph(before), FileContent::Graph(after));
        let Some(compared) = compare_contents(before, after, self.catalog) else {
            return Ok((Vec::new(), sought));
        };
        let lineage = Lineage::from_script(&compared.script);
        let (mut passed, mut own) = (Vec::new(), Vec::new());
        for (at, held) in sought {
            match lineage.trace_back(&held) {
                Some(before) => passed.push((at, before)),
                None => own.push((at, held)),
            }
        }
        Ok((passed, own))
    }
}
