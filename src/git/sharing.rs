//! How layouts, records and runs travel between clones.
//!
//! Each shared ref has a twin for every remote, the tracking ref, which a fetch moves
//! (`refs/notes/comfy-layout` of `origin` is `refs/notes/remotes/origin/comfy-layout`
//! here). Hooks merge the twins into our ref, each kind by its own rule, without conflict;
//! the pre-push hook sends our ref along with the branch. A fetch asks for a pattern, so
//! that a remote without any of these refs is no error.
//!
//! Nothing here may make somebody's push fail or wait for long.

use std::collections::BTreeMap;
use std::time::Duration;

use super::command::Git;
use super::error::{Error, Result};
use super::id::{CommitId, ObjectId, RefName};
use super::layouts::Note;
use super::notes::{Edit, Notes, Revision, Step, advance};
use super::objects::Batch;
use super::repository::Repository;
use super::runs;
use super::settings::{Settings, Sharing};
use crate::record::join_notes;

/// Layouts: notes on cleaned blobs.
pub const LAYOUTS: &str = "refs/notes/comfy-layout";
/// Records: notes on commits.
pub const RECORDS: &str = "refs/notes/comfy";
/// Runs: a chain of commits. Shared on request only (`comfy.runs.share`).
pub const RUNS: &str = "refs/comfy/runs";

/// Where the tracking refs of notes begin.
pub(super) const TRACKED_NOTES: &str = "refs/notes/remotes/";
const TRACKED_OTHERS: &str = "refs/comfy/remotes/";

/// How two states of a shared ref become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Notes of layouts: of each path the newest.
    Layouts,
    /// Records: what both clones know.
    Records,
    /// Folders of runs: see [`runs`]. What was pruned or redacted must not come back as
    /// somebody's ancestor, so a merge begins a new chain, and a push replaces the chain
    /// that was merged.
    Runs,
}

/// A ref that travels.
#[derive(Debug, Clone, Copy)]
struct Shared {
    name: &'static str,
    rule: Rule,
    /// The setting that must be true, if it does not travel by itself.
    on_request: Option<&'static str>,
}

const SHARED: &[Shared] = &[
    Shared { name: LAYOUTS, rule: Rule::Layouts, on_request: None },
    Shared { name: RECORDS, rule: Rule::Records, on_request: None },
    Shared { name: RUNS, rule: Rule::Runs, on_request: Some("comfy.runs.share") },
];

/// How long the pre-push hook may talk to the remote.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a person waits who asked for it.
const LONG_PATIENCE: Duration = Duration::from_secs(600);

/// How often a push that lost a race is tried again.
const ATTEMPTS: usize = 4;

/// The value of `remote.<name>.fetch` that brings a remote's layouts and records with
/// every fetch and pull. Runs are not in it: see [`runs_refspec`].
pub fn fetch_refspec(remote: &str) -> String {
    format!("+refs/notes/comfy*:{TRACKED_NOTES}{remote}/comfy*")
}

/// The value of `remote.<name>.fetch` that brings a remote's runs.
pub fn runs_refspec(remote: &str) -> String {
    format!("+{RUNS}*:{TRACKED_OTHERS}{remote}/runs*")
}

/// The tracking ref of a shared ref.
fn tracking(name: &str, remote: &str) -> RefName {
    let (folder, rest) = match name.strip_prefix("refs/notes/") {
        Some(rest) => (TRACKED_NOTES, rest),
        None => (TRACKED_OTHERS, name.strip_prefix("refs/comfy/").unwrap_or(name)),
    };
    RefName::new(format!("{folder}{remote}/{rest}"))
}

/// The shared ref that a tracking ref is the twin of.
pub(super) fn tracked_as(name: &RefName) -> Option<String> {
    let (folder, rest) = match name.as_str().strip_prefix(TRACKED_NOTES) {
        Some(rest) => ("refs/notes/", rest),
        None => ("refs/comfy/", name.as_str().strip_prefix(TRACKED_OTHERS)?),
    };
    let (_, rest) = rest.rsplit_once('/')?;
    Some(format!("{folder}{rest}"))
}

/// What a merge of fetched refs did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// The refs of ours that moved.
    pub moved: Vec<RefName>,
    /// Layout notes before and after, if others had newer ones.
    pub(super) layouts: Option<(Option<CommitId>, Option<CommitId>)>,
}

/// Merges everything that was fetched into our refs.
pub fn gather(repository: &Repository) -> Result<Gathered> {
    let mut gathered = Gathered::default();
    let mut tracked = repository.references(TRACKED_NOTES)?;
    tracked.extend(repository.references(TRACKED_OTHERS)?);
    let mut broken = None;
    for (twin, theirs) in tracked {
        let Some(name) = tracked_as(&twin) else { continue };
        let Some(shared) = SHARED.iter().find(|shared| shared.name == name) else { continue };
        let ours = RefName::new(shared.name);
        let theirs = CommitId(theirs);
        let merged = advance(repository, &ours, |tip, batch| {
            merge_step(repository, shared, tip, theirs, batch)
        });
        match merged {
            Ok((before, after)) if before != after => {
                if shared.rule == Rule::Layouts {
                    let first = gathered.layouts.map_or(before, |(first, _)| first);
                    gathered.layouts = Some((first, after));
                }
                if !gathered.moved.contains(&ours) {
                    gathered.moved.push(ours);
                }
            }
            Ok(_) => {}
            // What one remote holds must not keep the others out.
            Err(error) => broken = Some(error),
        }
    }
    broken.map_or(Ok(gathered), Err)
}

fn merge_step(
    repository: &Repository,
    shared: &Shared,
    ours: Option<CommitId>,
    theirs: CommitId,
    batch: &mut Batch,
) -> Result<Step> {
    let Some(tip) = ours else { return Ok(Step::Forward(theirs)) };
    if tip == theirs || repository.is_ancestor(theirs, tip)? {
        return Ok(Step::Stay);
    }
    if repository.is_ancestor(tip, theirs)? {
        return Ok(Step::Forward(theirs));
    }
    let tree = match shared.rule {
        Rule::Layouts => merge_notes(repository, tip, theirs, batch, |ours, theirs| {
            let mut note = Note::parse(ours);
            note.add(theirs);
            note.print()
        })?,
        Rule::Records => merge_notes(repository, tip, theirs, batch, join_notes)?,
        Rule::Runs => {
            let tree = |id: CommitId| -> Result<ObjectId> {
                let commit = repository.commit(id)?;
                Ok(commit.ok_or(Error::Malformed { id: id.0, expected: "commit" })?.tree)
            };
            let (our_tree, their_tree) = (tree(tip)?, tree(theirs)?);
            let tree = runs::merge_trees(repository, our_tree, their_tree, batch)?;
            return Ok(match tree {
                tree if tree == their_tree => Step::Forward(theirs),
                tree if tree == our_tree => Step::Stay,
                tree => Step::Anew(Revision { tree, merged: Vec::new(), subject: merged(shared) }),
            });
        }
    };
    Ok(Step::Commit(Revision { tree, merged: vec![theirs], subject: merged(shared) }))
}

fn merged(shared: &Shared) -> String {
    let what = shared.name.trim_start_matches("refs/");
    format!("chore(comfy): merge {what} of another clone")
}

fn merge_notes(
    repository: &Repository,
    ours: CommitId,
    theirs: CommitId,
    batch: &mut Batch,
    merge: impl Fn(&[u8], &[u8]) -> Vec<u8>,
) -> Result<ObjectId> {
    let ours = Notes::at(repository, Some(ours))?;
    let theirs = Notes::at(repository, Some(theirs))?;
    let mut edits = BTreeMap::new();
    for difference in theirs.since(&ours)? {
        // A note that only we have stays; deletions do not travel.
        let Some(their_note) = difference.after else { continue };
        let note = match difference.before {
            None => their_note,
            Some(our_note) => {
                let read = |id: ObjectId| -> Result<Vec<u8>> {
                    repository.blob(id)?.ok_or(Error::Malformed { id, expected: "note" })
                };
                let (our_text, their_text) = (read(our_note)?, read(their_note)?);
                let merged = merge(&our_text, &their_text);
                if merged == our_text {
                    continue;
                }
                batch.blob(merged)
            }
        };
        edits.insert(difference.about, Edit::Set(note));
    }
    ours.edited(&edits, batch)
}

/// Who waits for the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// A hook: nobody can answer a question, and nobody wants to wait.
    Nobody,
    /// A person at a terminal.
    Person,
}

impl Asking {
    fn patience(self) -> Duration {
        match self {
            Asking::Nobody => PATIENCE,
            Asking::Person => LONG_PATIENCE,
        }
    }
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The remote has all that we have.
    Nothing,
    /// These refs went there.
    Sent(Vec<RefName>),
}

/// The configured remotes, in the order of the configuration.
pub fn remotes(repository: &Repository) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in repository.settings("remote.")? {
        let inner = name.strip_prefix("remote.").and_then(|rest| rest.strip_suffix(".url"));
        if let Some(remote) = inner
            && !names.iter().any(|known| known == remote)
        {
            names.push(remote.to_owned());
        }
    }
    Ok(names)
}

/// The configured remote that a push goes to: git's hook is told its name, or the URL a
/// second time where a URL was pushed to. To a URL that belongs to no remote nothing is
/// sent along.
pub fn remote_of(repository: &Repository, name: &str, url: &str) -> Result<Option<String>> {
    let names = remotes(repository)?;
    if names.iter().any(|known| known == name) {
        return Ok(Some(name.to_owned()));
    }
    for remote in names {
        let urls = repository.settings(&format!("remote.{remote}."))?;
        if urls.iter().any(|(key, value)| key.ends_with("url") && value == url) {
            return Ok(Some(remote));
        }
    }
    Ok(None)
}

/// Whether runs travel (`comfy.runs.share`).
pub fn shares_runs(repository: &Repository) -> Result<bool> {
    Ok(travelling(repository)?.iter().any(|shared| shared.name == RUNS))
}

/// The refs that travel in this repository.
fn travelling(repository: &Repository) -> Result<Vec<&'static Shared>> {
    let mut all = Vec::new();
    for shared in SHARED {
        let wanted = match shared.on_request {
            None => true,
            Some(setting) => repository
                .settings(setting)?
                .last()
                .is_some_and(|(_, value)| ["true", "yes", "on", "1"].contains(&value.as_str())),
        };
        if wanted {
            all.push(shared);
        }
    }
    Ok(all)
}

/// Fetches a remote's layouts and records (and runs, where they are shared) into the
/// tracking refs.
pub fn fetch(repository: &Repository, remote: &str, asking: Asking) -> Result<()> {
    let mut git = talking(repository, asking)?.args(["fetch", "--quiet", "--no-tags"]);
    // FETCH_HEAD belongs to the person's own fetches.
    git = git.args(["--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance"]);
    git = git.arg(remote).arg(fetch_refspec(remote));
    if shares_runs(repository)? {
        git = git.arg(runs_refspec(remote));
    }
    git.output_within(asking.patience()).map(drop)
}

/// Sends our refs to a remote, merging what others sent meanwhile.
pub fn push(repository: &Repository, remote: &str, asking: Asking) -> Result<Pushed> {
    let mirror = repository.settings(&format!("remote.{remote}.mirror"))?;
    if mirror.last().is_some_and(|(_, value)| value == "true") {
        // Everything goes there anyway, and git refuses single refs.
        return Ok(Pushed::Nothing);
    }
    let mut attempt = 0;
    loop {
        let fresh = fresh(repository, remote)?;
        if fresh.is_empty() {
            return Ok(Pushed::Nothing);
        }
        let mut git = talking(repository, asking)?.args(["push", "--quiet", "--no-verify"]);
        git = git.args(["--no-follow-tags", "--recurse-submodules=no", remote]);
        for (name, id) in &fresh {
            if name.as_str() == RUNS {
                // Only over what was merged here.
                let known = repository.reference(&tracking(RUNS, remote))?;
                let known = known.map(|id| id.to_hex()).unwrap_or_default();
                git = git.arg(format!("--force-with-lease={RUNS}:{known}"));
            }
            git = git.arg(format!("{id}:{name}"));
        }
        match git.output_within(asking.patience()) {
            Ok(_) => {
                for (name, id) in &fresh {
                    let twin = tracking(name.as_str(), remote);
                    let known = repository.reference(&twin)?;
                    if known != Some(*id) {
                        // Only a memory of what the remote has; git may have set it.
                        let _ = repository.swap(&twin, known, Some(*id), "comfy: push")?;
                    }
                }
                return Ok(Pushed::Sent(fresh.into_iter().map(|(name, _)| name).collect()));
            }
            Err(Error::Git { .. }) if attempt < ATTEMPTS => {
                // Most likely somebody else was here first.
                attempt += 1;
                let before = twins(repository, remote)?;
                fetch(repository, remote, asking)?;
                if twins(repository, remote)? == before {
                    // It was something else, and trying again will not mend it.
                    attempt = ATTEMPTS;
                }
                gather(repository)?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Our refs that the remote does not have, as far as is known here.
fn fresh(repository: &Repository, remote: &str) -> Result<Vec<(RefName, ObjectId)>> {
    let mut fresh = Vec::new();
    for shared in travelling(repository)? {
        let name = RefName::new(shared.name);
        if let Some(id) = repository.reference(&name)?
            && repository.reference(&tracking(shared.name, remote))? != Some(id)
        {
            fresh.push((name, id));
        }
    }
    Ok(fresh)
}

fn twins(repository: &Repository, remote: &str) -> Result<Vec<Option<ObjectId>>> {
    SHARED.iter().map(|shared| repository.reference(&tracking(shared.name, remote))).collect()
}

/// Whether the pre-push hook sends anything at all.
pub fn is_on(repository: &Repository) -> bool {
    Settings::of(repository).is_ok_and(|settings| settings.sharing == Sharing::On)
}

/// A call of git that talks to a remote.
fn talking(repository: &Repository, asking: Asking) -> Result<Git> {
    let git = repository.git();
    if asking == Asking::Person {
        return Ok(git.may_ask());
    }
    let own_ssh = repository.surroundings().has_own_ssh
        || !repository.settings("core.sshcommand")?.is_empty();
    // Without a terminal ssh would ask in a window, or wait for ever.
    Ok(if own_ssh { git } else { git.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracking_ref_knows_its_twin() {
        for name in [LAYOUTS, RECORDS, RUNS] {
            for remote in ["origin", "team/fork"] {
                assert_eq!(tracked_as(&tracking(name, remote)).as_deref(), Some(name));
            }
        }
        assert_eq!(tracked_as(&RefName::new(LAYOUTS)), None);
        assert_eq!(tracking(LAYOUTS, "o").as_str(), "refs/notes/remotes/o/comfy-layout");
    }
}
