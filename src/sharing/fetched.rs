//! What was fetched, seen from one work tree: layouts that are missing are asked for, and
//! those that came reach the files.
//!
//! A plain fetch brings layouts along (`shared_refs::fetch_refspec`). `git pull origin main`,
//! a pull from a URL or a bundle, and a remote that was added after set-up bring content
//! alone. git writes down in `FETCH_HEAD` where content came from. Hooks look at it, once
//! for each fetch, and ask an address quietly for its layouts when it sent none along and
//!
//! - is a remote that is known to have some: then the fetch named its refs itself; or
//! - the commit that is checked out holds, and the one looked at last did not, a workflow
//!   without positions of which no note says anything, or one was merged, picked or taken
//!   out of what was fetched (`missed_sides`). A raw file brings its positions along.
//!
//! So a remote without layouts costs nothing, however often it is fetched from, and whoever
//! works with plain fetches is never asked for over the network. What could not be reached
//! is asked again after the next fetch.
//!
//! Must not make a git command fail or wait for long.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use comfy_graph::{clean, json};

use crate::layouts::lay_out_files::{
    apply_missed_sides, apply_pending_layouts, apply_received_layouts,
};
use crate::layouts::layout_finder::LayoutFinder;
use crate::layouts::missed_sides;
use crate::layouts::refresh::refresh_index;
use crate::platform::AtomicWrite;
use crate::platform::git::changes::{TouchedFile, is_filtered};
use crate::platform::git::command::GitCommand;
use crate::platform::git::config::{ConfigChange, ConfigScope};
use crate::platform::git::fetch_head::{FetchHead, FetchedTip};
use crate::platform::git::notes::NotesTree;
use crate::platform::git::shared_refs::{fetch_refspec, missing_refspecs};
use crate::platform::git::{
    CommitId, EntryKind, GitError, ObjectId, RefName, RepoPath, Repository, Result, shared_refs,
};
use crate::runs::runs_ref;
use crate::sharing::{Interactivity, MergedRefs};
use crate::{layouts, sharing};

/// How long all addresses of one fetch may be asked.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// A workflow of more bytes is not read to see whether it lacks a layout.
const MAX_READ_SIZE: u64 = 64 << 20;

/// How content came that layouts may be missing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FetchTrigger {
    /// By a merge, a checkout or a rebase.
    ByMove,
    /// By a commit, which is rarely a pick of something fetched: nobody is asked for it
    /// unless a layout is missing.
    ByCommit,
}

/// Asks for the layouts that the last fetch did not bring along. Gives what a person can
/// do where that failed.
pub(crate) fn request_missing_layouts(
    repository: &Repository,
    brought: FetchTrigger,
) -> Result<Vec<String>> {
    let mut remarks = Vec::new();
    if !sharing::is_sharing_enabled(repository) || repository.work_tree().is_none() {
        return Ok(remarks);
    }
    let mut memory = FetchMemory::read(repository);
    let Some(fetched) = FetchHead::read(repository) else { return Ok(remarks) };
    if memory.fetch.as_ref() == Some(&fetched.fingerprint) {
        return Ok(remarks);
    }
    let head = repository.head()?;
    let silent: Vec<_> = fetched_addresses(fetched.tips())
        .into_iter()
        .filter(|address| !address.has_notes)
        .collect();
    let mut lacks = MissingLayouts { repository, head, seen: memory.seen, found: None };
    let until = Instant::now() + REQUEST_TIMEOUT;
    let (mut asked, mut failed) = (false, false);
    for address in &silent {
        let remote = sharing::remote_for_address(repository, &address.url)?;
        let is_known = match &remote {
            Some(remote) => sharing::has_layouts(repository, remote)?,
            None => false,
        };
        let is_needed = is_known && brought == FetchTrigger::ByMove || lacks.has_any()?;
        if !is_needed {
            continue;
        }
        let left = until.saturating_duration_since(Instant::now());
        asked = true;
        let outcome = match &remote {
            Some(remote) => {
                let _ = add_missing_refspecs(repository, remote);
                sharing::fetch_shared_refs_within(repository, remote, Interactivity::Hook, left)
            }
            None => request_from_address(repository, &address.url, until),
        };
        match outcome {
            Ok(()) => lacks.reset(),
            Err(error) if lacks.has_any()? => {
                failed = true;
                let name = remote.as_deref().unwrap_or(&address.url);
                let why = error.reason();
                remarks.push(format!(
                    "some layouts of what came from {name} are not here ({why}); \
                     `git comfy sync {name}` fetches them"
                ));
            }
            Err(_) => failed = true,
        }
    }
    let before = memory.clone();
    if brought == FetchTrigger::ByMove || asked {
        memory.fetch = Some(fetched.fingerprint);
    }
    if !failed {
        memory.seen = head;
    }
    if memory != before {
        memory.write(repository)?;
    }
    Ok(remarks)
}

/// What a look at fetched refs brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReceivedLayouts {
    /// The refs of ours that moved.
    pub refs: Vec<RefName>,
    /// The files whose nodes moved.
    pub files: Vec<RepoPath>,
    /// What a person can do about layouts that could not be fetched, each a line.
    pub remarks: Vec<String>,
}

/// Asks for what the last fetch did not bring along, and brings all that is here into the
/// files: for whoever looks at them without a hook having been called.
///
/// # Errors
/// Something that was fetched cannot be merged.
pub(crate) fn catch_up_with_remotes(repository: &Repository) -> Result<ReceivedLayouts> {
    let remarks = request_missing_layouts(repository, FetchTrigger::ByMove)
        .unwrap_or_else(|error| vec![format!("layouts are not asked for: {error}")]);
    Ok(ReceivedLayouts { remarks, ..receive_layouts(repository)? })
}

/// Remembers that the notes hold nothing new for the files of this work tree: what was kept
/// since the last [`receive_layouts`] came from them.
pub(crate) fn mark_notes_followed(repository: &Repository) -> Result<()> {
    let mut memory = FetchMemory::read(repository);
    let ours = repository.reference(&layouts::notes_ref())?.map(CommitId);
    if memory.followed.is_some() && memory.followed != ours {
        memory.followed = ours;
        memory.write(repository)?;
    }
    Ok(())
}

/// Merges what was fetched and brings it into the files of this work tree.
pub(crate) fn receive_layouts(repository: &Repository) -> Result<ReceivedLayouts> {
    let tip = |repository: &Repository| -> Result<Option<CommitId>> {
        Ok(repository.reference(&layouts::notes_ref())?.map(CommitId))
    };
    let mut memory = FetchMemory::read(repository);
    let known = |id: &CommitId| repository.contains(id.0).unwrap_or(false);
    let before = match memory.followed.filter(known) {
        Some(followed) => Some(followed),
        None => tip(repository)?,
    };
    // What one remote holds must not keep away what came from the others.
    let (gathered, broken) = match sharing::merge_fetched_refs(repository) {
        Ok(gathered) => (gathered, None),
        Err(error) => (MergedRefs::default(), Some(error)),
    };
    let after = tip(repository)?;
    // What waits for a note was perhaps not written by git.
    let mut files = apply_pending_layouts(repository)?;
    if before != after {
        // What was moved here and saved is filed before anything is written.
        refresh_index(repository)?;
        files.extend(apply_received_layouts(repository, before, after)?);
    }
    files.extend(apply_missed_sides(repository)?);
    if memory.followed != after {
        memory.followed = after;
        memory.write(repository)?;
    }
    broken.map_or(Ok(ReceivedLayouts { refs: gathered.moved, files, remarks: Vec::new() }), Err)
}

/// Has a remote that was added after set-up send layouts along with every fetch.
pub(crate) fn add_missing_refspecs(repository: &Repository, remote: &str) -> Result<()> {
    let key = format!("remote.{remote}.fetch");
    let settings = repository.settings(&key)?;
    let held: Vec<&str> = settings.iter().map(|(_, refspec)| refspec.as_str()).collect();
    // One that fetches layouts was set up; what it leaves out was left out on purpose.
    if held.is_empty() || held.contains(&fetch_refspec(remote).as_str()) {
        return Ok(());
    }
    if repository.setting("filter.comfy.process")?.is_none() {
        return Ok(());
    }
    let git = GitCommand::in_folder(repository.require_work_tree()?);
    for refspec in missing_refspecs(remote, &held, runs_ref::sharing(repository)?) {
        let change = ConfigChange::add(&key, refspec);
        // Somebody else may be writing the configuration; the next hook tries again.
        let _ = change.apply(&git, ConfigScope::Local);
    }
    Ok(())
}

/// Asks an address that is no remote, as the person wrote it where that is known.
fn request_from_address(repository: &Repository, address: &str, until: Instant) -> Result<()> {
    let mut failure = None;
    for url in possible_urls(repository, address)? {
        let left = until.saturating_duration_since(Instant::now());
        match sharing::fetch_from_address_within(repository, &url, Interactivity::Hook, left) {
            Ok(()) => return Ok(()),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(()), Err)
}

/// What may have been written for an address, from which git takes the person's name and
/// the `.git` at the end: the most likely first.
fn possible_urls(repository: &Repository, address: &str) -> Result<Vec<String>> {
    let action = repository.environment().reflog_action.as_deref().unwrap_or_default();
    let written = action.split_whitespace().find(|word| sharing::display_url(word) == address);
    if let Some(written) = written {
        return Ok(vec![written.to_owned()]);
    }
    let mut all = Vec::new();
    if let Some(named) = with_ssh_user(address) {
        all.push(named);
    }
    all.push(address.to_owned());
    if !address.ends_with(".bundle") {
        all.push(format!("{address}.git"));
    }
    Ok(all)
}

/// An address of ssh with the name that nearly every host of repositories wants.
fn with_ssh_user(address: &str) -> Option<String> {
    if let Some(rest) = address.strip_prefix("ssh://") {
        return Some(format!("ssh://git@{rest}"));
    }
    let (host, path) = address.split_once(':')?;
    // One letter is a drive.
    let is_host = host.len() > 1 && !host.contains(['/', '\\']) && !path.starts_with("//");
    is_host.then(|| format!("git@{address}"))
}

/// Where something was fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FetchedAddress {
    /// As git writes it.
    url: String,
    /// Layouts came along.
    has_notes: bool,
}

fn fetched_addresses(tips: &[FetchedTip]) -> Vec<FetchedAddress> {
    let mut addresses: Vec<FetchedAddress> = Vec::new();
    for tip in tips {
        let has_notes = tip.name == shared_refs::LAYOUTS_REF;
        match addresses.iter_mut().find(|known| known.url == tip.url) {
            Some(known) => known.has_notes |= has_notes,
            None => addresses.push(FetchedAddress { url: tip.url.clone(), has_notes }),
        }
    }
    addresses
}

/// Whether a workflow lies in the work tree's commit of which no note says how it lay.
struct MissingLayouts<'r> {
    repository: &'r Repository,
    head: Option<CommitId>,
    seen: Option<CommitId>,
    found: Option<bool>,
}

impl MissingLayouts<'_> {
    /// Layouts came since the last look.
    fn reset(&mut self) {
        self.found = None;
    }

    fn has_any(&mut self) -> Result<bool> {
        match self.found {
            Some(found) => Ok(found),
            None => Ok(*self.found.insert(self.search()?)),
        }
    }

    fn search(&self) -> Result<bool> {
        let repository = self.repository;
        if self.misses_merged_side()? {
            return Ok(true);
        }
        let Some(head) = self.head else { return Ok(false) };
        let files = self.new_files(head)?;
        if files.is_empty() {
            return Ok(false);
        }
        let notes = all_layout_notes(repository)?;
        for file in files {
            let mut noted = false;
            for notes in &notes {
                noted |= !notes.notes_for(file.blob)?.is_empty();
            }
            if !noted
                && is_filtered(repository, &file.path)
                && let Some(content) = repository.blob_up_to(file.blob, MAX_READ_SIZE)?
                && lacks_positions(&content)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether no note says how the other side of a merge lay.
    fn misses_merged_side(&self) -> Result<bool> {
        let mut finder = LayoutFinder::new(self.repository);
        for (_, side) in missed_sides::read(self.repository) {
            if !finder.has_note(side)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the commit holds and the one that was looked at last does not.
    fn new_files(&self, head: CommitId) -> Result<Vec<TouchedFile>> {
        let tree = |commit: Option<CommitId>| -> Result<Option<ObjectId>> {
            let commit = commit.map_or(Ok(None), |id| self.repository.commit(id))?;
            Ok(commit.map(|commit| commit.tree))
        };
        let mut old = rustc_hash::FxHashSet::default();
        let (before, after) = (tree(self.seen)?, tree(Some(head))?);
        if let Some(before) = before
            && Some(before) != after
        {
            self.repository.visit_files(before, &mut |_, entry| {
                old.insert(entry.id);
            })?;
        }
        let mut files = Vec::new();
        if let Some(after) = after.filter(|_| before != after) {
            self.repository.visit_files(after, &mut |path, entry| {
                let is_file = matches!(entry.kind, EntryKind::File | EntryKind::Executable);
                let is_json = path.as_bytes().to_ascii_lowercase().ends_with(b".json");
                if is_file && is_json && !old.contains(&entry.id) {
                    files.push(TouchedFile { path: path.clone(), blob: entry.id });
                }
            })?;
        }
        Ok(files)
    }
}

/// Whether content is a workflow without positions.
pub(crate) fn lacks_positions(content: &[u8]) -> bool {
    json::parse(content).is_ok_and(|mut document| clean::place_missing(&mut document))
}

/// Our layout notes, and those that were fetched.
fn all_layout_notes(repository: &Repository) -> Result<Vec<NotesTree<'_>>> {
    let ours = repository.reference(&layouts::notes_ref())?;
    let tips = layouts::tracking_refs(repository)?.into_iter().map(|(_, id)| id).chain(ours);
    // Notes that cannot be read say nothing.
    Ok(tips.filter_map(|id| NotesTree::load(repository, Some(CommitId(id))).ok()).collect())
}

/// What this work tree remembers from one hook to the next. Losing it costs a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct FetchMemory {
    /// The fetch that was seen to.
    fetch: Option<String>,
    /// The commit whose files were looked at.
    seen: Option<CommitId>,
    /// The layout notes that the files follow.
    followed: Option<CommitId>,
}

impl FetchMemory {
    fn path(repository: &Repository) -> PathBuf {
        repository.work_tree_state_dir().join(layouts::state_files::FETCH_MEMORY)
    }

    fn read(repository: &Repository) -> FetchMemory {
        let text = std::fs::read_to_string(FetchMemory::path(repository)).unwrap_or_default();
        let mut memory = FetchMemory::default();
        for line in text.lines() {
            let id = |text: &str| ObjectId::from_hex(text.as_bytes()).map(CommitId);
            match line.split_once(' ') {
                Some(("fetch", fetch)) => memory.fetch = Some(fetch.to_owned()),
                Some(("seen", text)) => memory.seen = id(text),
                Some(("followed", text)) => memory.followed = id(text),
                _ => {}
            }
        }
        memory
    }

    fn write(&self, repository: &Repository) -> Result<()> {
        let mut text = String::new();
        let mut line = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                text.push_str(&format!("{name} {value}\n"));
            }
        };
        line("fetch", self.fetch.clone());
        line("seen", self.seen.map(|id| id.to_string()));
        line("followed", self.followed.map(|id| id.to_string()));
        let path = FetchMemory::path(repository);
        let failed = |source| GitError::file_error("writing", &path)(source);
        AtomicWrite::new().create_folder().write(&path, text.as_bytes()).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::git::fetch_head::parse_tips;

    #[test]
    fn addresses_are_read_as_git_writes_them() {
        let text = "aa\t\tbranch 'main' of github.com:a/b\n\
                    aa\tnot-for-merge\t'refs/notes/comfy' of github.com:a/b\n\
                    bb\tnot-for-merge\t'refs/notes/comfy-layout' of github.com:a/b\n\
                    cc\t\t../my bundles/x.bundle\n\
                    dd\tnot-for-merge\ttag 'v1' of https://host/it's of mine\n\
                    ee\t\tbranch 'side' of .\n";
        let whole = |line: &str| line[..2].repeat(20) + &line[2..] + "\n";
        let text: String = text.lines().map(whole).collect();
        let address = |url: &str, has_notes| FetchedAddress { url: url.to_owned(), has_notes };
        let wanted = [
            address("github.com:a/b", true),
            address("../my bundles/x.bundle", false),
            address("https://host/it's of mine", false),
        ];
        assert_eq!(fetched_addresses(&parse_tips(&text)), wanted);
    }

    #[test]
    fn ssh_wants_a_name() {
        for (address, named) in [
            ("github.com:a/b", Some("git@github.com:a/b")),
            ("ssh://host:22/a", Some("ssh://git@host:22/a")),
            ("https://host/a", None),
            ("C:/repositories/a", None),
            ("../a:b", None),
            ("/srv/a", None),
        ] {
            assert_eq!(with_ssh_user(address).as_deref(), named, "{address}");
        }
    }
}
