//! How layouts, records and runs travel between clones.
//!
//! Each shared ref has a tracking ref for every remote, which a fetch moves
//! (`refs/notes/comfy-layout` of `origin` is `refs/notes/remotes/origin/comfy-layout`
//! here). Hooks merge the tracking refs into ours, each kind by its own rule, without conflict;
//! the pre-push hook sends our ref along with the branch. A fetch asks for a pattern, so
//! that a remote without any of these refs is no error. What comes from an address that is
//! no remote has tracking refs only until it is merged.
//!
//! Nothing here may make somebody's push fail or wait for long.

pub(crate) mod commands;
pub(crate) mod fetched;
pub(crate) mod send_with_push;

pub(crate) use fetched::{catch_up_with_remotes, receive_layouts};

use std::collections::BTreeMap;
use std::time::Duration;

use crate::layouts::layout_note::LayoutNote;
use crate::layouts::settings::{FilterSettings, NoteSharing};
use crate::platform::git::command::GitCommand;
use crate::platform::git::notes::{NoteEdit, NotesRevision, NotesTree, RefUpdate, update_ref};
use crate::platform::git::shared_refs::{
    LAYOUTS_REF, RECORDS_REF, RUNS_REF, RunsSharing, TRACKED_NOTES_PREFIX, TRACKED_OTHERS_PREFIX,
    fetch_refspec, shared_ref_of, tracking_ref, wanted_refspecs,
};
use crate::platform::git::{
    CommitId, GitError, ObjectBatch, ObjectId, ObjectKind, RefName, Repository, Result,
};
use crate::records::join_notes;
use crate::runs::runs_ref;
use crate::runs::runs_ref::merge;

/// How the names of remotes begin that stand for an address only.
const TEMPORARY_REMOTE_PREFIX: &str = "from-";
/// How many digits of a hash of the address follow.
const TEMPORARY_REMOTE_DIGITS: usize = 16;

/// How two states of a shared ref become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SharedRefKind {
    /// Notes of layouts: of each path joined, place by place.
    Layouts,
    /// Records: what both clones know.
    Records,
    /// Folders of runs: see `runs::runs_ref`. What was pruned or redacted must not come back as
    /// somebody's ancestor, so a merge begins a new chain, and a push replaces the chain
    /// that was merged.
    Runs,
}

/// A ref that travels.
#[derive(Debug, Clone, Copy)]
struct SharedRef {
    name: &'static str,
    kind: SharedRefKind,
}

const SHARED_REFS: &[SharedRef] = &[
    SharedRef { name: LAYOUTS_REF, kind: SharedRefKind::Layouts },
    SharedRef { name: RECORDS_REF, kind: SharedRefKind::Records },
    SharedRef { name: RUNS_REF, kind: SharedRefKind::Runs },
];

/// How long the pre-push hook may talk to the remote.
const HOOK_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a person waits who asked for it.
const INTERACTIVE_TIMEOUT: Duration = Duration::from_secs(600);

/// How often a push that lost a race is tried again.
const MAX_PUSH_ATTEMPTS: usize = 4;

/// What a merge of fetched refs did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergedRefs {
    /// The refs of ours that moved.
    pub moved: Vec<RefName>,
    /// Layout notes before and after, if others had newer ones.
    pub(crate) layouts: Option<(Option<CommitId>, Option<CommitId>)>,
}

/// Merges everything that was fetched into our refs.
pub fn merge_fetched_refs(repository: &Repository) -> Result<MergedRefs> {
    let mut gathered = MergedRefs::default();
    let mut tracked = repository.references(TRACKED_NOTES_PREFIX)?;
    tracked.extend(repository.references(TRACKED_OTHERS_PREFIX)?);
    let mut broken = None;
    for (tracking, theirs) in tracked {
        let Some(name) = shared_ref_of(&tracking) else { continue };
        let Some(shared) = SHARED_REFS.iter().find(|shared| shared.name == name) else { continue };
        let ours = RefName::new(shared.name);
        let theirs = CommitId(theirs);
        let merged = update_ref(repository, &ours, |tip, batch| {
            merge_step(repository, shared, tip, theirs, batch)
        });
        match merged {
            Ok((before, after)) if before != after => {
                if shared.kind == SharedRefKind::Layouts {
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
        if is_temporary(&tracking) {
            let _ = repository.swap_ref(&tracking, Some(theirs.0), None, "comfy: merged")?;
        }
    }
    broken.map_or(Ok(gathered), Err)
}

fn merge_step(
    repository: &Repository,
    shared: &SharedRef,
    ours: Option<CommitId>,
    theirs: CommitId,
    batch: &mut ObjectBatch,
) -> Result<RefUpdate> {
    let Some(tip) = ours else { return Ok(RefUpdate::FastForward(theirs)) };
    if tip == theirs || repository.is_ancestor(theirs, tip)? {
        return Ok(RefUpdate::Keep);
    }
    if repository.is_ancestor(tip, theirs)? {
        return Ok(RefUpdate::FastForward(theirs));
    }
    let tree = match shared.kind {
        SharedRefKind::Layouts => merge_notes(repository, tip, theirs, batch, |ours, theirs| {
            let mut note = LayoutNote::parse(ours);
            note.add_lines(theirs);
            note.print()
        })?,
        SharedRefKind::Records => merge_notes(repository, tip, theirs, batch, join_notes)?,
        SharedRefKind::Runs => {
            let tree = |id: CommitId| -> Result<ObjectId> {
                let commit = repository.commit(id)?;
                Ok(commit.ok_or(GitError::Malformed { id: id.0, expected: "commit" })?.tree)
            };
            let (our_tree, their_tree) = (tree(tip)?, tree(theirs)?);
            let tree = merge::merge_trees(repository, our_tree, their_tree, batch)?;
            return Ok(match tree {
                tree if tree == their_tree => RefUpdate::FastForward(theirs),
                tree if tree == our_tree => RefUpdate::Keep,
                tree => RefUpdate::Orphan(NotesRevision {
                    tree,
                    merged: Vec::new(),
                    subject: merge_subject(shared),
                }),
            });
        }
    };
    Ok(RefUpdate::Commit(NotesRevision {
        tree,
        merged: vec![theirs],
        subject: merge_subject(shared),
    }))
}

fn merge_subject(shared: &SharedRef) -> String {
    let what = shared.name.trim_start_matches("refs/");
    format!("chore(comfy): merge {what} of another clone")
}

fn merge_notes(
    repository: &Repository,
    ours: CommitId,
    theirs: CommitId,
    batch: &mut ObjectBatch,
    merge: impl Fn(&[u8], &[u8]) -> Vec<u8>,
) -> Result<ObjectId> {
    let ours = NotesTree::load(repository, Some(ours))?;
    let theirs = NotesTree::load(repository, Some(theirs))?;
    let mut edits = BTreeMap::new();
    for difference in theirs.changes_since(&ours)? {
        // A note that only we have stays; deletions do not travel.
        let Some(their_note) = difference.after else { continue };
        let note = match difference.before {
            None => their_note,
            Some(our_note) => {
                let read = |id: ObjectId| -> Result<Vec<u8>> {
                    repository.blob(id)?.ok_or(GitError::Malformed { id, expected: "note" })
                };
                let (our_text, their_text) = (read(our_note)?, read(their_note)?);
                let merged = merge(&our_text, &their_text);
                if merged == our_text {
                    continue;
                }
                batch.add_blob(merged)
            }
        };
        edits.insert(difference.about, NoteEdit::Set(note));
    }
    ours.write_edits(&edits, batch)
}

/// Who waits for the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interactivity {
    /// A hook: nobody can answer a question, and nobody wants to wait.
    Hook,
    /// A person at a terminal.
    Person,
}

impl Interactivity {
    fn timeout(self) -> Duration {
        match self {
            Interactivity::Hook => HOOK_TIMEOUT,
            Interactivity::Person => INTERACTIVE_TIMEOUT,
        }
    }
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PushOutcome {
    /// The remote has all that we have.
    UpToDate,
    /// These refs went there.
    Sent(Vec<RefName>),
}

/// The configured remotes, in the order of the configuration.
pub(crate) fn remote_names(repository: &Repository) -> Result<Vec<String>> {
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
/// second time where a URL was pushed to.
pub(crate) fn remote_for_push(
    repository: &Repository,
    name: &str,
    url: &str,
) -> Result<Option<String>> {
    if remote_names(repository)?.iter().any(|known| known == name) {
        return Ok(Some(name.to_owned()));
    }
    remote_for_address(repository, &display_url(url))
}

/// The configured remote that an address of `FETCH_HEAD` belongs to.
pub(crate) fn remote_for_address(repository: &Repository, address: &str) -> Result<Option<String>> {
    let instead = repository.settings("url.")?;
    for remote in remote_names(repository)? {
        let urls = repository.settings(&format!("remote.{remote}."))?;
        let known = |key: &str, url: &str| {
            let key = key.rsplit('.').next().unwrap_or_default();
            let is_url = key == "url" || key == "pushurl";
            is_url
                && [url, &apply_instead_of(url, &instead)]
                    .iter()
                    .any(|url| display_url(url) == address)
        };
        if urls.iter().any(|(key, url)| known(key, url)) {
            return Ok(Some(remote));
        }
    }
    Ok(None)
}

/// A URL after `url.<base>.insteadOf`: the longest beginning counts.
fn apply_instead_of(url: &str, instead: &[(String, String)]) -> String {
    let bases = instead.iter().filter_map(|(key, start)| {
        let base = key.strip_prefix("url.")?.strip_suffix(".insteadof")?;
        Some((base, start, url.strip_prefix(start.as_str())?))
    });
    match bases.max_by_key(|(_, start, _)| start.len()) {
        Some((base, _, rest)) => format!("{base}{rest}"),
        None => url.to_owned(),
    }
}

/// A URL as git writes it into `FETCH_HEAD`: without a person's name and password, without
/// slashes and `.git` at its end.
pub(crate) fn display_url(url: &str) -> String {
    let mut shown = url.to_owned();
    if let Some((before, after)) = url.split_once('@') {
        match before.split_once("://") {
            Some((scheme, person)) if !person.contains('/') => {
                shown = format!("{scheme}://{after}");
            }
            // `person@host:path`, and no path that has an `@` in it.
            None if !before.contains('/') && after.contains(':') => after.clone_into(&mut shown),
            _ => {}
        }
    }
    let trimmed = shown.trim_end_matches('/');
    trimmed.strip_suffix(".git").filter(|rest| !rest.is_empty()).unwrap_or(trimmed).to_owned()
}

/// The refs that travel in this repository.
fn enabled_refs(repository: &Repository) -> Result<Vec<&'static SharedRef>> {
    let has_runs = runs_ref::sharing(repository)? == RunsSharing::On;
    Ok(SHARED_REFS.iter().filter(|shared| has_runs || shared.name != RUNS_REF).collect())
}

/// Fetches a remote's layouts and records (and runs, where they are shared) into the
/// tracking refs.
pub fn fetch_shared_refs(
    repository: &Repository,
    remote: &str,
    asking: Interactivity,
) -> Result<()> {
    fetch_shared_refs_within(repository, remote, asking, asking.timeout())
}

/// The same in a time of the caller's.
pub(crate) fn fetch_shared_refs_within(
    repository: &Repository,
    remote: &str,
    asking: Interactivity,
    time: Duration,
) -> Result<()> {
    let refspecs = wanted_refspecs(remote, runs_ref::sharing(repository)?);
    run_fetch(repository, remote, &refspecs, asking, time)
}

/// Fetches layouts and records from an address that is no remote. [`merge_fetched_refs`] merges
/// them and forgets where they came from.
pub(crate) fn fetch_from_address(
    repository: &Repository,
    address: &str,
    asking: Interactivity,
) -> Result<()> {
    fetch_from_address_within(repository, address, asking, asking.timeout())
}

/// The same in a time of the caller's.
pub(crate) fn fetch_from_address_within(
    repository: &Repository,
    address: &str,
    asking: Interactivity,
    time: Duration,
) -> Result<()> {
    let refspec = fetch_refspec(&temporary_name(repository, address));
    run_fetch(repository, address, &[refspec], asking, time)
}

/// What stands for an address in the names of tracking refs.
fn temporary_name(repository: &Repository, address: &str) -> String {
    let name = repository.format().object_id(ObjectKind::Blob, address.as_bytes()).to_hex();
    format!("{TEMPORARY_REMOTE_PREFIX}{}", &name[..TEMPORARY_REMOTE_DIGITS])
}

/// Whether a tracking ref is there only until it is merged.
fn is_temporary(tracking: &RefName) -> bool {
    let rest = tracking
        .as_str()
        .strip_prefix(TRACKED_NOTES_PREFIX)
        .and_then(|r| r.strip_prefix(TEMPORARY_REMOTE_PREFIX));
    let digits = rest.and_then(|rest| rest.split_once('/')).map_or("", |(digits, _)| digits);
    digits.len() == TEMPORARY_REMOTE_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

fn run_fetch(
    repository: &Repository,
    source: &str,
    refspecs: &[String],
    asking: Interactivity,
    time: Duration,
) -> Result<()> {
    let mut git = remote_git(repository, asking)?.args(["fetch", "--quiet", "--no-tags"]);
    // FETCH_HEAD belongs to the person's own fetches.
    git = git.args(["--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance"]);
    git.args(["--", source]).args(refspecs).output_with_timeout(time).map(drop)
}

/// Whether a remote is known to have layouts.
pub(crate) fn has_layouts(repository: &Repository, remote: &str) -> Result<bool> {
    Ok(repository.reference(&tracking_ref(LAYOUTS_REF, remote))?.is_some())
}

/// Sends our refs to a remote, merging what others sent meanwhile.
pub(crate) fn push_shared_refs(
    repository: &Repository,
    remote: &str,
    asking: Interactivity,
) -> Result<PushOutcome> {
    push_shared_refs_except(repository, remote, asking, &[])
}

/// The same without refs that go there already.
pub(crate) fn push_shared_refs_except(
    repository: &Repository,
    remote: &str,
    asking: Interactivity,
    except: &[RefName],
) -> Result<PushOutcome> {
    let mirror = repository.settings(&format!("remote.{remote}.mirror"))?;
    if mirror.last().is_some_and(|(_, value)| value == "true") {
        // Everything goes there anyway, and git refuses single refs.
        return Ok(PushOutcome::UpToDate);
    }
    let to = Destination { address: remote, tracking: remote, is_temporary: false, except };
    send(repository, &to, asking)
}

/// The same for an address that is no remote. What it has is not remembered, and runs do not
/// go there.
pub(crate) fn push_to_address(
    repository: &Repository,
    address: &str,
    asking: Interactivity,
    except: &[RefName],
) -> Result<PushOutcome> {
    let tracking = temporary_name(repository, address);
    send(
        repository,
        &Destination { address, tracking: &tracking, is_temporary: true, except },
        asking,
    )
}

/// Where our refs go to.
struct Destination<'a> {
    address: &'a str,
    /// The name under which the tracking refs are found.
    tracking: &'a str,
    /// They are there only until they are merged.
    is_temporary: bool,
    /// What somebody else is sending there.
    except: &'a [RefName],
}

impl Destination<'_> {
    fn fetch(&self, repository: &Repository, asking: Interactivity) -> Result<()> {
        match self.is_temporary {
            true => fetch_from_address(repository, self.address, asking),
            false => fetch_shared_refs(repository, self.address, asking),
        }
    }
}

fn send(
    repository: &Repository,
    to: &Destination<'_>,
    asking: Interactivity,
) -> Result<PushOutcome> {
    let mut attempt = 0;
    loop {
        let mut unpushed = unpushed_refs(repository, to.tracking)?;
        unpushed.retain(|(name, _)| !to.except.contains(name));
        if to.is_temporary {
            // They replace what is there, of which nothing is known.
            unpushed.retain(|(name, _)| name.as_str() != RUNS_REF);
        }
        if unpushed.is_empty() {
            return Ok(PushOutcome::UpToDate);
        }
        let mut git = remote_git(repository, asking)?.args(["push", "--quiet", "--no-verify"]);
        git = git.args(["--no-follow-tags", "--recurse-submodules=no"]);
        for (name, _) in &unpushed {
            if name.as_str() == RUNS_REF {
                // Only over what was merged here.
                let known = repository.reference(&tracking_ref(RUNS_REF, to.tracking))?;
                let known = known.map(|id| id.to_hex()).unwrap_or_default();
                git = git.arg(format!("--force-with-lease={RUNS_REF}:{known}"));
            }
        }
        git = git.args(["--", to.address]);
        for (name, id) in &unpushed {
            git = git.arg(format!("{id}:{name}"));
        }
        match git.output_with_timeout(asking.timeout()) {
            Ok(_) => {
                for (name, id) in unpushed.iter().filter(|_| !to.is_temporary) {
                    let tracking = tracking_ref(name.as_str(), to.tracking);
                    let known = repository.reference(&tracking)?;
                    if known != Some(*id) {
                        // Only a memory of what the remote has; git may have set it.
                        let _ = repository.swap_ref(&tracking, known, Some(*id), "comfy: push")?;
                    }
                }
                return Ok(PushOutcome::Sent(unpushed.into_iter().map(|(name, _)| name).collect()));
            }
            Err(GitError::CommandFailed { .. }) if attempt < MAX_PUSH_ATTEMPTS => {
                // Most likely somebody else was here first.
                attempt += 1;
                let before = tracking_tips(repository, to.tracking)?;
                to.fetch(repository, asking)?;
                if tracking_tips(repository, to.tracking)? == before {
                    // It was something else, and trying again will not mend it.
                    attempt = MAX_PUSH_ATTEMPTS;
                }
                merge_fetched_refs(repository)?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Our refs that the remote does not have, as far as is known here.
fn unpushed_refs(repository: &Repository, remote: &str) -> Result<Vec<(RefName, ObjectId)>> {
    let mut unpushed = Vec::new();
    for shared in enabled_refs(repository)? {
        let name = RefName::new(shared.name);
        if let Some(id) = repository.reference(&name)?
            && repository.reference(&tracking_ref(shared.name, remote))? != Some(id)
        {
            unpushed.push((name, id));
        }
    }
    Ok(unpushed)
}

fn tracking_tips(repository: &Repository, remote: &str) -> Result<Vec<Option<ObjectId>>> {
    SHARED_REFS
        .iter()
        .map(|shared| repository.reference(&tracking_ref(shared.name, remote)))
        .collect()
}

/// Whether the pre-push hook sends anything at all.
pub(crate) fn is_sharing_enabled(repository: &Repository) -> bool {
    FilterSettings::load(repository).is_ok_and(|settings| settings.sharing == NoteSharing::On)
}

/// A call of git that talks to a remote.
fn remote_git(repository: &Repository, asking: Interactivity) -> Result<GitCommand> {
    let git = repository.git_command();
    if asking == Interactivity::Person {
        return Ok(git.allow_prompts());
    }
    let environment = repository.environment();
    let configured = || -> Result<Option<String>> {
        Ok(repository.settings("core.sshcommand")?.pop().map(|(_, command)| command))
    };
    let command = match &environment.ssh_command {
        Some(command) => Some(command.clone()),
        None if environment.has_own_ssh => return Ok(git),
        None => configured()?,
    };
    // Without a terminal ssh would ask in a window, or wait for ever.
    Ok(match batch_mode_ssh(command.as_deref().unwrap_or("ssh")) {
        Some(command) => git.env("GIT_SSH_COMMAND", command),
        None => git,
    })
}

/// A command for ssh that asks for nothing and does not outlive us by much; `None` for
/// another program, whose options are not known.
fn batch_mode_ssh(command: &str) -> Option<String> {
    let program = command.split_whitespace().next()?.rsplit(['/', '\\']).next()?;
    let is_ssh = program == "ssh" || program.eq_ignore_ascii_case("ssh.exe");
    is_ssh.then(|| format!("{command} -o BatchMode=yes -o ConnectTimeout=10"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_as_git_writes_it() {
        for (url, address) in [
            ("https://me:secret@github.com/a/b.git", "https://github.com/a/b"),
            ("https://github.com/a/b@2/", "https://github.com/a/b@2"),
            ("git@github.com:a/b.git", "github.com:a/b"),
            ("ssh://git@host:22/a/b.git//", "ssh://host:22/a/b"),
            ("../a@b/c.git", "../a@b/c"),
            ("/srv/.git", "/srv/"),
            ("../x.bundle", "../x.bundle"),
        ] {
            assert_eq!(display_url(url), address, "{url}");
        }
        let instead = [
            ("url.https://host/.insteadof".to_owned(), "h:".to_owned()),
            ("url.ssh://team/.insteadof".to_owned(), "h:team/".to_owned()),
        ];
        assert_eq!(apply_instead_of("h:a/b", &instead), "https://host/a/b");
        assert_eq!(apply_instead_of("h:team/b", &instead), "ssh://team/b");
        assert_eq!(apply_instead_of("../b", &instead), "../b");
    }

    #[test]
    fn ssh_asks_for_nothing() {
        for command in ["ssh", "/usr/bin/ssh -i key", "C:\\Windows\\ssh.exe"] {
            let quiet = batch_mode_ssh(command).unwrap();
            assert!(quiet.starts_with(&format!("{command} -o BatchMode=yes")), "{quiet}");
        }
        assert_eq!(batch_mode_ssh("plink -ssh"), None);
    }

    #[test]
    fn a_tracking_ref_knows_its_twin() {
        for name in [LAYOUTS_REF, RECORDS_REF, RUNS_REF] {
            for remote in ["origin", "team/fork"] {
                assert_eq!(shared_ref_of(&tracking_ref(name, remote)).as_deref(), Some(name));
            }
        }
        assert_eq!(shared_ref_of(&RefName::new(LAYOUTS_REF)), None);
        assert_eq!(tracking_ref(LAYOUTS_REF, "o").as_str(), "refs/notes/remotes/o/comfy-layout");
    }
}
