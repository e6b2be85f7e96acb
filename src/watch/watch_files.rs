//! Keeps every save: takes a snapshot of each, takes git's "modified" mark off files in which
//! nodes were only moved, and merges conflict copies of synced folders. While nothing is saved, it
//! brings what others moved into the files.
//!
//! Nothing here is needed for anything: whatever is missed while nobody watches, the first
//! look catches up with. A failure is told, and the next save tried again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::commands::watch::WatchArgs;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::import::conflicts;
use crate::import::conflicts::{CopyOutcome, SyncedFolder};
use crate::layouts::ModifiedMarks;
use crate::platform::folder_argument;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::machine::folder_watcher::{FolderWatcher, WatchEvent, WatchMode};
use crate::platform::machine::interrupt;
use crate::platform::machine::node_catalog;
use crate::platform::text::{sanitize, time_argument};
use crate::session::Session;
use crate::snapshots::named_paths::repo_folder_path;
use crate::snapshots::settings::configured_policy;
use crate::snapshots::summarize::summarize_changes;
use crate::snapshots::{SnapshotReason, SnapshotRequest, SnapshotScope, WorkTreeName};
use crate::{layouts, sharing, snapshots, watch};

/// How long nothing may happen before what was left undone is tried again.
const QUIET_TIME: Duration = Duration::from_secs(5);
/// Columns that tell what a save changed.
const MAX_COLUMNS: usize = 100;

pub(crate) fn run(args: &WatchArgs, named: &Path, session: &Session) -> Result<Exit> {
    let shown = sanitize::path(named);
    let place = session.cwd.join(named);
    let folder = std::fs::canonicalize(&place).ok().filter(|folder| folder.is_dir());
    let folder = folder.ok_or_else(|| CommandError::user(format!("{shown} is no folder")))?;
    let repository = Repository::open_at(&folder).map_err(|error| {
        CommandError::from(error)
            .with_hint(format!("make it one: cd {shown}; git init; git comfy init"))
    })?;
    let of = WorkTreeName::from_repository(&repository)?;
    let path = repo_folder_path(session, &repository, &folder)?;
    let scope = if path.as_bytes().is_empty() {
        SnapshotScope::Everything
    } else {
        SnapshotScope::Below(path)
    };
    let _turn = watch::lock_watcher(&repository, &format!("watch-files-{}.lock", of.name()))?;
    let mut keeper = FileWatch { session, folder, scope, needs_full_scan: true };
    if args.once {
        let all = keeper.list_candidates(&repository)?;
        keeper.catch_up(&all)?;
        return Ok(Exit::Done);
    }
    let way = args
        .poll
        .map_or(WatchMode::Notified, |seconds| WatchMode::Polling(Duration::from_secs(seconds)));
    keeper.watch(way, &shown)
}

struct FileWatch<'s> {
    session: &'s Session,
    /// Where it lies, links followed.
    folder: PathBuf,
    scope: SnapshotScope,
    /// Something may have happened that was not looked at.
    needs_full_scan: bool,
}

impl FileWatch<'_> {
    fn watch(&mut self, way: WatchMode, shown: &str) -> Result<Exit> {
        let ui = self.session.ui;
        let mut eyes = FolderWatcher::open(&self.folder, way, folder_argument::has_json_ending);
        interrupt::on_interrupt(eyes.stop_handle());
        ui.info(&format!("following {shown}; Ctrl-C ends it"));
        if way == WatchMode::Notified && !eyes.has_notifications() {
            ui.info("this system tells of no changes here: looking every few seconds");
        }
        loop {
            let done = match eyes.wait_for_event(QUIET_TIME) {
                WatchEvent::Stopped => {
                    ui.info("stopped; start it again at any time, nothing is missed");
                    return Ok(Exit::Done);
                }
                WatchEvent::FolderGone => {
                    ui.info(&format!("{shown} is gone; waiting for it"));
                    self.needs_full_scan = true;
                    Ok(())
                }
                WatchEvent::Rescan => self.open_repository().and_then(|repository| {
                    eyes.compare_present(self.list_candidates(&repository)?);
                    Ok(())
                }),
                WatchEvent::Files(files) if !self.needs_full_scan => self.process_saved(&files),
                // The first look, and every one after a failure: what went meanwhile is
                // seen only by looking at all.
                WatchEvent::Files(_) => self.catch_up_all(),
                WatchEvent::Timeout if self.needs_full_scan => self.catch_up_all(),
                WatchEvent::Timeout => self.apply_received_layouts(),
            };
            if let Err(failure) = done {
                self.needs_full_scan = true;
                ui.print_error(&failure);
            }
        }
    }

    /// Brings what others moved and a fetch brought into the files.
    fn apply_received_layouts(&self) -> Result<()> {
        let received = sharing::catch_up_with_remotes(&self.open_repository()?)?;
        self.session.print_remarks(&received.remarks);
        for path in &received.files {
            let path = sanitize::line(&path.to_string()).into_owned();
            self.session.ui.info(&format!("{path}: others moved nodes"));
        }
        Ok(())
    }

    /// Opened anew each time: it may have been moved, packed or made again.
    fn open_repository(&self) -> Result<Repository> {
        Ok(Repository::open_at(&self.folder)?)
    }

    /// The files that a snapshot would look at.
    fn list_candidates(&self, repository: &Repository) -> Result<BTreeSet<PathBuf>> {
        let top = std::fs::canonicalize(repository.require_work_tree()?)?;
        let paths = snapshots::find_candidates(repository, &self.scope)?;
        Ok(paths.iter().map(|path| top.join(path.to_path())).collect())
    }

    fn catch_up_all(&mut self) -> Result<()> {
        let all = self.list_candidates(&self.open_repository()?)?;
        self.catch_up(&all)
    }

    /// Takes a snapshot of everything, and merges the conflict copies in it.
    fn catch_up(&mut self, all: &BTreeSet<PathBuf>) -> Result<()> {
        let repository = self.open_repository()?;
        self.take_snapshot(&repository, self.scope.clone())?;
        self.needs_full_scan = false;
        self.merge_conflict_copies(&repository, all)
    }

    /// Looks at files that were saved, or are gone.
    fn process_saved(&mut self, files: &BTreeSet<PathBuf>) -> Result<()> {
        let repository = self.open_repository()?;
        let present = self.list_candidates(&repository)?;
        let counts = |file: &&PathBuf| present.contains(*file) || !file.exists();
        let files: BTreeSet<PathBuf> = files.iter().filter(counts).cloned().collect();
        self.take_snapshot(
            &repository,
            SnapshotScope::SavedFiles(to_repo_paths(&repository, &files)),
        )?;
        self.merge_conflict_copies(&repository, &files)
    }

    /// Takes a snapshot, if there is anything new, and takes git's "modified" mark off files
    /// that differ from the index in layout alone.
    fn take_snapshot(&mut self, repository: &Repository, scope: SnapshotScope) -> Result<()> {
        let policy = configured_policy(self.session, repository)?;
        let wish =
            SnapshotRequest { scope, reason: SnapshotReason::Watch, text: None, policy: &policy };
        let taken = snapshots::create_snapshot(repository, &wish)?;
        self.session.print_remarks(&taken.remarks);
        if let Some(new) = &taken.new {
            let changed =
                snapshots::diff_snapshots(repository, taken.previous.as_ref(), Some(new))?;
            let news = summarize_changes(
                repository,
                &node_catalog::load_catalog(repository),
                &changed,
                MAX_COLUMNS,
            )?;
            let (at, id) = (time_argument::format_local_time(new.taken_at), new.short_id());
            self.session.ui.info(&format!("{at}  {id}  {news}"));
        }
        if layouts::refresh_index(repository)?.marks == ModifiedMarks::Busy {
            self.needs_full_scan = true;
        }
        Ok(())
    }

    /// Merges the conflict copies among files; both states are kept by then.
    fn merge_conflict_copies(
        &mut self,
        repository: &Repository,
        files: &BTreeSet<PathBuf>,
    ) -> Result<()> {
        let synced = SyncedFolder::open(self.session, &self.folder);
        if !files.iter().any(|file| file.exists() && synced.identify_copy(file).is_some()) {
            return Ok(());
        }
        let mut touched = BTreeSet::new();
        for copy in synced.find_copies()?.into_iter().filter(|copy| files.contains(&copy.copy)) {
            let fate = synced.merge_copy(&copy)?;
            let name = copy.copy.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let outcome = conflicts::describe_outcome(&fate);
            self.session.ui.info(&format!("{}: {outcome}", sanitize::line(&name)));
            if !matches!(fate, CopyOutcome::Skipped(_)) {
                touched.extend([copy.copy, copy.file]);
            }
        }
        if touched.is_empty() {
            return Ok(());
        }
        self.take_snapshot(
            repository,
            SnapshotScope::SavedFiles(to_repo_paths(repository, &touched)),
        )
    }
}

/// The paths of files by their real places, there or not.
fn to_repo_paths(repository: &Repository, files: &BTreeSet<PathBuf>) -> Vec<RepoPath> {
    let top = repository.work_tree().and_then(|top| std::fs::canonicalize(top).ok());
    let below = |file: &PathBuf| file.strip_prefix(top.as_deref()?).ok().map(RepoPath::from_path);
    files.iter().filter_map(below).collect()
}
