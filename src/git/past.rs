//! Old states of files become commits on top of `HEAD`: all of them or none.
//!
//! The commits are made beside the history first, with the layouts of all their files;
//! then git itself moves the branch forward to the last one, index and work tree with it.
//! Whatever stops it before leaves everything as it was. Must not know where the states
//! come from.

use rustc_hash::FxHashSet;

use super::error::Result;
use super::filter::{Filter, Passed};
use super::id::{CommitId, ObjectId, RepoPath};
use super::objects::{Batch, Commit, EntryKind, Person, TreeEntry};
use super::repository::Repository;

/// One state of one file.
#[derive(Debug, Clone)]
pub struct State {
    /// The file.
    pub path: RepoPath,
    /// Its bytes, as ComfyUI wrote them.
    pub content: Vec<u8>,
    /// Who saved it, and when.
    pub author: Person,
    /// The whole message.
    pub message: String,
}

/// What a file's content is in git, by the filter that git would ask. Files the layout.
pub fn cleaned(filter: &mut Filter<'_>, path: &RepoPath, bytes: &[u8]) -> Vec<u8> {
    let (passed, rest) = filter.clean(path, bytes);
    let content = match passed {
        Passed::Untouched => bytes.to_vec(),
        Passed::Changed(content) => content,
    };
    if let Some(rest) = rest {
        filter.file(path, &content, rest);
    }
    content
}

/// The blobs that a file ever was in the history of `HEAD`, each once, newest first.
pub fn states_of(repository: &Repository, path: &RepoPath) -> Result<Vec<ObjectId>> {
    if repository.head()?.is_none() {
        return Ok(Vec::new());
    }
    let git = repository.git().args(["--literal-pathspecs", "log", "--format=", "--raw"]);
    let git = git.args(["--no-abbrev", "--no-renames", "-m", "-z", "HEAD", "--"]);
    let told = git.arg(path.to_path()).output()?;
    // `:100644 100644 <old> <new> M`
    let ids = told.split(|b| *b == 0).filter(|field| field.contains(&b':')).filter_map(|field| {
        let at = field.iter().position(|b| *b == b':')?;
        let mut words = field[at..].split(|b| *b == b' ').skip(3);
        ObjectId::from_hex(words.next()?)
    });
    let mut seen = FxHashSet::default();
    Ok(ids.filter(|id| !id.is_null() && seen.insert(*id)).collect())
}

/// Makes a commit for each state, one on top of the other, the first on top of `HEAD`, and
/// moves the branch there. Gives the commits, oldest first.
pub fn commit_states(repository: &Repository, states: &[State]) -> Result<Vec<CommitId>> {
    let head = repository.head()?;
    let mut tree = match head {
        Some(head) => repository.commit(head)?.map(|commit| commit.tree),
        None => None,
    };
    let mut tip = head;
    let mut filter = Filter::new(Some(repository));
    let committer = repository.committer()?;
    let mut made = Vec::new();
    for state in states {
        let content = cleaned(&mut filter, &state.path, &state.content);
        let mut batch = Batch::new(repository.format());
        let blob = batch.blob(content);
        let names: Vec<&[u8]> = state.path.as_bytes().split(|b| *b == b'/').collect();
        let new = put(repository, &mut batch, tree, &names, blob)?;
        let commit = batch.commit(&Commit {
            tree: new,
            parents: tip.into_iter().collect(),
            author: state.author.clone(),
            committer: committer.clone(),
            message: state.message.clone().into_bytes(),
        });
        repository.write(&batch)?;
        (tree, tip) = (Some(new), Some(commit));
        made.push(commit);
    }
    if let Some(tip) = tip
        && !made.is_empty()
    {
        // First: the checkout asks for the layouts.
        super::promote_layouts(repository, &made)?;
        // git refuses where it would write over anything, and moves the branch last.
        let git = repository.git().args(["merge", "--ff-only", "--quiet", "--no-stat"]);
        git.arg(tip.to_string()).output()?;
    }
    Ok(made)
}

/// The tree with that file in it.
fn put(
    repository: &Repository,
    batch: &mut Batch,
    tree: Option<ObjectId>,
    names: &[&[u8]],
    blob: ObjectId,
) -> Result<ObjectId> {
    let mut entries = match tree {
        Some(tree) => repository.tree(tree)?.unwrap_or_default(),
        None => Vec::new(),
    };
    if let Some((name, rest)) = names.split_first() {
        let old = entries.iter().find(|entry| entry.name == *name);
        let entry = if rest.is_empty() {
            TreeEntry { kind: EntryKind::File, name: name.to_vec(), id: blob }
        } else {
            let below = old.filter(|entry| entry.kind == EntryKind::Tree).map(|entry| entry.id);
            let id = put(repository, batch, below, rest, blob)?;
            TreeEntry { kind: EntryKind::Tree, name: name.to_vec(), id }
        };
        entries.retain(|entry| entry.name != *name);
        entries.push(entry);
    }
    Ok(batch.tree(&entries))
}
