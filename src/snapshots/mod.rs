//! Snapshots: every saved state of the workflows, kept without a commit.
//!
//! All of them lie in the tree of one commit behind `refs/comfy/snapshots`:
//!
//! ```text
//! main/2026-11-22/143005.123-5f0c7a21b3d4/snapshot.json   when, why, on which commit
//!                                         files/…         workflows in their clean form
//!                                         layouts/…       what gives back the very bytes
//! worktrees/<name>/…                                      the same of a linked work tree
//! ```
//!
//! The commit has no parent: taking one and letting old ones go are the same step, by
//! compare-and-swap, and what was let go is garbage to git. A file that is the same in two
//! snapshots is one object; most are those that commits hold, too. The ref is not pushed.
//! Must not write to the index or the work tree.

pub mod commands;
pub mod keep;
pub mod present;
pub mod take;

pub use keep::Policy;
pub use present::{Scope, candidates};
pub use take::{Reason, Taken, Wish, take};

use std::collections::BTreeMap;

use comfy_graph::canon;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::platform::git;
use crate::platform::git::notes::{Revision, Step, advance};
use crate::platform::git::{
    Batch, EntryKind, Error, ObjectId, RefName, RepoPath, Repository, Result, Swap, TreeEntry, tree,
};

/// The ref behind which all snapshots lie.
pub const REF: &str = "refs/comfy/snapshots";

const ABOUT: &str = "snapshot.json";
const FILES: &str = "files";
const LAYOUTS: &str = "layouts";
/// The work tree that a repository was made with.
const MAIN: &str = "main";
/// The folder of the linked ones.
const LINKED: &str = "worktrees";

/// The longest `snapshot.json` that is read, in bytes.
const LONGEST_ABOUT: u64 = 1 << 20;
/// The longest file of a snapshot that is read, in bytes.
const LONGEST: u64 = 1 << 30;

/// A work tree, by its name in the tree of all snapshots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkTree(String);

impl WorkTree {
    pub fn of(repository: &Repository) -> Result<WorkTree> {
        repository.require_work_tree()?;
        let own = repository.git_dir();
        if own == repository.common_dir() {
            return Ok(WorkTree(MAIN.to_owned()));
        }
        let name = own.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(WorkTree(format!("{LINKED}/{name}")))
    }

    /// What a person calls it.
    pub fn name(&self) -> &str {
        self.0.strip_prefix("worktrees/").unwrap_or(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name for people: twelve hexadecimal digits, never changed.
    pub id: String,
    /// When it was taken, to the millisecond.
    pub at: Timestamp,
    pub of: WorkTree,
    folder: String,
    tree: ObjectId,
}

/// What is known of a snapshot beside its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The version of this form: 1.
    pub schema: u32,
    /// When, UTC, as RFC 3339 has it.
    pub at: String,
    /// Why: `hand`, `watch`, `restore`, `conflicts`.
    pub reason: String,
    /// The commit that was checked out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub head: Option<String>,
    /// What the person said of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

/// One file of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its clean form, or its bytes as they were.
    pub content: ObjectId,
    /// What turns the clean form into the bytes; none: they are the content.
    pub layout: Option<ObjectId>,
}

/// A file that differs between two snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub path: RepoPath,
    /// None: it was not there.
    pub before: Option<Kept>,
    /// None: it is not there any more.
    pub after: Option<Kept>,
}

/// The snapshots of one work tree, or of all, newest first.
pub fn list(repository: &Repository, of: Option<&WorkTree>) -> Result<Vec<Snapshot>> {
    let root = root(repository, repository.reference(&RefName::new(REF))?)?;
    listed(repository, root, of)
}

fn listed(
    repository: &Repository,
    root: Option<ObjectId>,
    of: Option<&WorkTree>,
) -> Result<Vec<Snapshot>> {
    let Some(root) = root else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (name, tree) in folders(repository, root)? {
        if name == LINKED {
            for (name, tree) in folders(repository, tree)? {
                add_days(repository, WorkTree(format!("{LINKED}/{name}")), tree, &mut found)?;
            }
        } else {
            add_days(repository, WorkTree(name), tree, &mut found)?;
        }
    }
    found.retain(|snapshot: &Snapshot| of.is_none_or(|of| snapshot.of == *of));
    found.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    Ok(found)
}

fn add_days(
    repository: &Repository,
    of: WorkTree,
    tree: ObjectId,
    found: &mut Vec<Snapshot>,
) -> Result<()> {
    for (day, tree) in folders(repository, tree)? {
        for (name, tree) in folders(repository, tree)? {
            // What a newer version calls otherwise is not ours to list.
            let Some((at, id)) = read_name(&day, &name) else { continue };
            let folder = format!("{}/{day}/{name}", of.0);
            found.push(Snapshot { id, at, of: of.clone(), folder, tree });
        }
    }
    Ok(())
}

fn folders(repository: &Repository, tree: ObjectId) -> Result<Vec<(String, ObjectId)>> {
    let entries = tree::read(repository, tree)?.into_iter();
    let folders = entries.filter(|entry| entry.kind == EntryKind::Tree);
    Ok(folders.filter_map(|e| Some((String::from_utf8(e.name).ok()?, e.id))).collect())
}

/// `2026-11-22/143005.123-5f0c7a21b3d4`.
fn print_name(at: Timestamp, id: &str) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    format!("{}.{:03}-{id}", at.strftime("%Y-%m-%d/%H%M%S"), at.millisecond())
}

fn read_name(day: &str, name: &str) -> Option<(Timestamp, String)> {
    let (time, id) = name.split_once('-')?;
    let (time, milliseconds) = time.split_once('.')?;
    let at = DateTime::strptime("%Y-%m-%d %H%M%S", format!("{day} {time}")).ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let milliseconds = i64::from(milliseconds.parse::<u16>().ok()?);
    Some((at.checked_add(jiff::SignedDuration::from_millis(milliseconds)).ok()?, id.to_owned()))
}

/// What `snapshot.json` says; empty where it cannot be read.
pub fn about(repository: &Repository, snapshot: &Snapshot) -> Result<About> {
    let entry = repository.entry_at(snapshot.tree, &RepoPath::new(ABOUT))?;
    let text = match entry.filter(|entry| entry.kind.is_file()) {
        Some(entry) => repository.blob_within(entry.id, LONGEST_ABOUT)?,
        None => None,
    };
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default())
}

/// All files of a snapshot, by their paths.
pub fn files(repository: &Repository, snapshot: &Snapshot) -> Result<BTreeMap<RepoPath, Kept>> {
    let all = changed(repository, None, Some(snapshot))?;
    Ok(all.into_iter().filter_map(|file| Some((file.path, file.after?))).collect())
}

/// The files that are not the same in two snapshots; nothing on a side: no file at all.
pub fn changed(
    repository: &Repository,
    before: Option<&Snapshot>,
    after: Option<&Snapshot>,
) -> Result<Vec<Changed>> {
    let halves = |snapshot: Option<&Snapshot>| match snapshot {
        Some(snapshot) => Halves::of(repository, snapshot.tree),
        None => Ok(Halves::default()),
    };
    let (before, after) = (halves(before)?, halves(after)?);
    let contents = tree::differing(repository, [before.files, after.files])?;
    let layouts = tree::differing(repository, [before.layouts, after.layouts])?;
    let mut paths: Vec<&RepoPath> = contents.keys().chain(layouts.keys()).collect();
    paths.sort();
    paths.dedup();
    let side = |half: &Halves, at: usize, path: &RepoPath| -> Result<Option<Kept>> {
        let content = match contents.get(path) {
            Some(sides) => sides[at],
            None => entry(repository, half.files, path)?,
        };
        let layout = match layouts.get(path) {
            Some(sides) => sides[at],
            None => entry(repository, half.layouts, path)?,
        };
        Ok(content.map(|content| Kept { content, layout }))
    };
    let file = |path: &RepoPath| {
        let (before, after) = (side(&before, 0, path)?, side(&after, 1, path)?);
        Ok(Changed { path: path.clone(), before, after })
    };
    paths.into_iter().map(file).collect()
}

/// The trees of the two folders of a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Halves {
    files: Option<ObjectId>,
    layouts: Option<ObjectId>,
}

impl Halves {
    fn of(repository: &Repository, tree: ObjectId) -> Result<Halves> {
        let entries = tree::read(repository, tree)?;
        let half = |name: &str| {
            let is_it =
                |entry: &&TreeEntry| entry.name == name.as_bytes() && entry.kind == EntryKind::Tree;
            entries.iter().find(is_it).map(|entry| entry.id)
        };
        Ok(Halves { files: half(FILES), layouts: half(LAYOUTS) })
    }
}

fn entry(
    repository: &Repository,
    tree: Option<ObjectId>,
    path: &RepoPath,
) -> Result<Option<ObjectId>> {
    let Some(tree) = tree else { return Ok(None) };
    let entry = repository.entry_at(tree, path)?;
    Ok(entry.filter(|entry| entry.kind.is_file()).map(|entry| entry.id))
}

/// The bytes of a file, as they were on the disk.
pub fn bytes(repository: &Repository, kept: &Kept) -> Result<Vec<u8>> {
    let read = |id: ObjectId| {
        let text = repository.blob_within(id, LONGEST)?;
        text.ok_or(Error::Malformed { id, expected: "file of a snapshot" })
    };
    let content = read(kept.content)?;
    let Some(layout) = kept.layout else { return Ok(content) };
    let broken = || Error::Malformed { id: layout, expected: "layout of a snapshot" };
    let layout = String::from_utf8(read(layout)?).map_err(|_| broken())?;
    canon::smudge(&content, &layout).ok_or_else(broken)
}

/// Lets the snapshots go that a policy does not keep, of all work trees. Gives how many.
pub fn prune(repository: &Repository, policy: &Policy) -> Result<usize> {
    let now = now();
    change(repository, "let snapshots go", |root, _| {
        let mut edits = BTreeMap::new();
        let all = listed(repository, root, None)?;
        let mut trees: Vec<&WorkTree> = all.iter().map(|snapshot| &snapshot.of).collect();
        trees.sort();
        trees.dedup();
        for of in trees {
            let own: Vec<Snapshot> = all.iter().filter(|s| s.of == *of).cloned().collect();
            drop_old(repository, &own, policy, now, &mut edits)?;
        }
        let count = edits.len();
        Ok((edits, count))
    })
}

/// Lets all snapshots go. Gives how many there were.
pub fn forget(repository: &Repository) -> Result<usize> {
    let name = RefName::new(REF);
    let Some(tip) = repository.reference(&name)? else { return Ok(0) };
    let count = listed(repository, root(repository, Some(tip))?, None)?.len();
    match repository.swap(&name, Some(tip), None, "comfy: let all snapshots go")? {
        Swap::Done => Ok(count),
        Swap::Raced => Err(Error::Contended(name.to_string())),
    }
}

fn now() -> Timestamp {
    let milliseconds = i64::try_from(git::now()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
}

type Edits = BTreeMap<Vec<u8>, tree::Put>;

/// Marks those to go. `own` are the snapshots of one work tree, newest first.
fn drop_old(
    repository: &Repository,
    own: &[Snapshot],
    policy: &Policy,
    now: Timestamp,
    edits: &mut Edits,
) -> Result<()> {
    let times: Vec<i64> = own.iter().map(|snapshot| snapshot.at.as_millisecond()).collect();
    for (at, age) in policy.surplus(&times, now.as_millisecond()) {
        let snapshot = &own[at];
        if edits.contains_key(snapshot.folder.as_bytes()) {
            // The snapshot that this very step adds.
            continue;
        }
        // A snapshot with a text is not thinned out: it goes only when it is too old for
        // every rule.
        if policy.is_within(age) && about(repository, snapshot)?.text.is_some() {
            continue;
        }
        edits.insert(snapshot.folder.clone().into_bytes(), None);
    }
    Ok(())
}

/// Changes the tree of all snapshots; no edits: it stays.
fn change<T>(
    repository: &Repository,
    subject: &str,
    mut make: impl FnMut(Option<ObjectId>, &mut Batch) -> Result<(Edits, T)>,
) -> Result<T> {
    let mut told = None;
    advance(repository, &RefName::new(REF), |tip, batch| {
        let root = root(repository, tip.map(|tip| tip.0))?;
        let (edits, outcome) = make(root, batch)?;
        told = Some(outcome);
        if edits.is_empty() {
            return Ok(Step::Stay);
        }
        let tree = tree::edited(repository, root, &edits, batch)?;
        let subject = format!("chore(comfy): {subject}");
        Ok(Step::Anew(Revision { tree, merged: Vec::new(), subject }))
    })?;
    Ok(told.expect("the change was made at least once"))
}

fn root(repository: &Repository, tip: Option<ObjectId>) -> Result<Option<ObjectId>> {
    let Some(tip) = tip else { return Ok(None) };
    let commit = repository.commit(git::CommitId(tip))?;
    Ok(Some(commit.ok_or(Error::Malformed { id: tip, expected: "commit of snapshots" })?.tree))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_moment_and_the_id() {
        let at = Timestamp::from_millisecond(1_795_363_927_045).unwrap();
        let name = print_name(at, "5f0c7a21b3d4");
        assert_eq!(name, "2026-11-22/161207.045-5f0c7a21b3d4");
        let (day, name) = name.split_once('/').unwrap();
        assert_eq!(read_name(day, name), Some((at, "5f0c7a21b3d4".to_owned())));
        for (day, name) in [("2026-11-22", "x"), ("notes", name), ("2026-11-22", "9-a")] {
            assert_eq!(read_name(day, name), None);
        }
    }
}
