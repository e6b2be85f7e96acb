//! Keeps every save: takes a snapshot of each, takes git's "modified" mark off files in which
//! nodes were only moved, and merges conflict copies of synced folders. While nothing is saved, it
//! brings what others moved into the files.
//!
//! Nothing here is needed for anything: whatever is missed while nobody watches, the first
//! look catches up with. A failure is told, and the next save tried again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Args;
use crate::differences::widget_names;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::import::conflicts;
use crate::import::conflicts::{Fate, Synced};
use crate::layouts::Marks;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::machine::folder_watcher::{Eyes, Seen, Way};
use crate::platform::machine::{folder_argument, stop};
use crate::platform::text::{sanitize, time_argument};
use crate::session::Session;
use crate::snapshots::commands::snapshot;
use crate::snapshots::{Reason, Scope, Wish, WorkTree};
use crate::{layouts, sharing, snapshots, watch};

/// How long nothing may happen before what was left undone is tried again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Columns that tell what a save changed.
const COLUMNS: usize = 100;

pub(crate) fn run(args: &Args, named: &Path, session: &Session) -> Result<Exit> {
    let shown = sanitize::line(&named.display().to_string()).into_owned();
    let place = session.cwd.join(named);
    let folder = std::fs::canonicalize(&place).ok().filter(|folder| folder.is_dir());
    let folder = folder.ok_or_else(|| Failure::new(format!("{shown} is no folder")))?;
    let repository = Repository::at(&folder).map_err(|error| {
        Failure::from(error).hint(format!("make it one: cd {shown}; git init; git comfy init"))
    })?;
    let of = WorkTree::of(&repository)?;
    let path = snapshot::folder_path(session, &repository, &folder)?;
    let scope = if path.as_bytes().is_empty() { Scope::Everything } else { Scope::Below(path) };
    let _turn = watch::turn(&repository, &format!("watch-files-{}.lock", of.name()))?;
    let mut keeper = Keeper { session, folder, scope, undone: true };
    if args.once {
        let all = keeper.present(&repository)?;
        keeper.catch_up(&all)?;
        return Ok(Exit::Done);
    }
    let way = args.poll.map_or(Way::Told, |seconds| Way::Looking(Duration::from_secs(seconds)));
    keeper.follow(way, &shown)
}

struct Keeper<'s> {
    session: &'s Session,
    /// Where it lies, links followed.
    folder: PathBuf,
    scope: Scope,
    /// Something may have happened that was not looked at.
    undone: bool,
}

impl Keeper<'_> {
    fn follow(&mut self, way: Way, shown: &str) -> Result<Exit> {
        let ui = self.session.ui;
        let mut eyes = Eyes::open(&self.folder, way, folder_argument::is_json);
        stop::when_asked(eyes.closer());
        ui.say(&format!("following {shown}; Ctrl-C ends it"));
        if way == Way::Told && !eyes.is_told() {
            ui.say("this system tells of no changes here: looking every few seconds");
        }
        loop {
            let done = match eyes.wait(PATIENCE) {
                Seen::End => {
                    ui.say("stopped; start it again at any time, nothing is missed");
                    return Ok(Exit::Done);
                }
                Seen::Gone => {
                    ui.say(&format!("{shown} is gone; waiting for it"));
                    self.undone = true;
                    Ok(())
                }
                Seen::Everything => self.repository().and_then(|repository| {
                    eyes.compare(self.present(&repository)?);
                    Ok(())
                }),
                Seen::Files(files) if !self.undone => self.saved(&files),
                // The first look, and every one after a failure: what went meanwhile is
                // seen only by looking at all.
                Seen::Files(_) => self.catch_up_later(),
                Seen::Nothing if self.undone => self.catch_up_later(),
                Seen::Nothing => self.receive(),
            };
            if let Err(failure) = done {
                self.undone = true;
                ui.fail(&failure);
            }
        }
    }

    /// Brings what others moved and a fetch brought into the files.
    fn receive(&self) -> Result<()> {
        let received = sharing::catch_up(&self.repository()?)?;
        self.session.tell_remarks(&received.remarks);
        for path in &received.files {
            let path = sanitize::line(&path.to_string()).into_owned();
            self.session.ui.say(&format!("{path}: others moved nodes"));
        }
        Ok(())
    }

    /// Opened anew each time: it may have been moved, packed or made again.
    fn repository(&self) -> Result<Repository> {
        Ok(Repository::at(&self.folder)?)
    }

    /// The files that a snapshot would look at.
    fn present(&self, repository: &Repository) -> Result<BTreeSet<PathBuf>> {
        let top = std::fs::canonicalize(repository.require_work_tree()?)?;
        let paths = snapshots::candidates(repository, &self.scope)?;
        Ok(paths.iter().map(|path| top.join(path.to_path())).collect())
    }

    fn catch_up_later(&mut self) -> Result<()> {
        let all = self.present(&self.repository()?)?;
        self.catch_up(&all)
    }

    /// Takes a snapshot of everything, and merges the conflict copies in it.
    fn catch_up(&mut self, all: &BTreeSet<PathBuf>) -> Result<()> {
        let repository = self.repository()?;
        self.keep(&repository, self.scope.clone())?;
        self.undone = false;
        self.settle(&repository, all)
    }

    /// Looks at files that were saved, or are gone.
    fn saved(&mut self, files: &BTreeSet<PathBuf>) -> Result<()> {
        let repository = self.repository()?;
        let present = self.present(&repository)?;
        let counts = |file: &&PathBuf| present.contains(*file) || !file.exists();
        let files: BTreeSet<PathBuf> = files.iter().filter(counts).cloned().collect();
        self.keep(&repository, Scope::Saved(paths(&repository, &files)))?;
        self.settle(&repository, &files)
    }

    /// Takes a snapshot, if there is anything new, and takes git's "modified" mark off files
    /// that differ from the index in layout alone.
    fn keep(&mut self, repository: &Repository, scope: Scope) -> Result<()> {
        let policy = crate::snapshots::commands::snapshots::policy(self.session, repository)?;
        let wish = Wish { scope, reason: Reason::Watch, text: None, policy: &policy };
        let taken = snapshots::take(repository, &wish)?;
        self.session.tell_remarks(&taken.remarks);
        if let Some(new) = &taken.new {
            let changed = snapshots::changed(repository, taken.before.as_ref(), Some(new))?;
            let news = crate::snapshots::commands::snapshots::news(
                repository,
                &widget_names::of(repository),
                &changed,
                COLUMNS,
            )?;
            let (at, id) =
                (time_argument::exactly(new.at), crate::snapshots::commands::snapshots::short(new));
            self.session.ui.say(&format!("{at}  {id}  {news}"));
        }
        if layouts::refresh(repository)?.marks == Marks::Busy {
            self.undone = true;
        }
        Ok(())
    }

    /// Merges the conflict copies among files; both states are kept by then.
    fn settle(&mut self, repository: &Repository, files: &BTreeSet<PathBuf>) -> Result<()> {
        let synced = Synced::of(self.session, &self.folder);
        if !files.iter().any(|file| file.exists() && synced.copy_at(file).is_some()) {
            return Ok(());
        }
        let mut touched = BTreeSet::new();
        for copy in synced.copies()?.into_iter().filter(|copy| files.contains(&copy.copy)) {
            let fate = synced.settle_copy(&copy)?;
            let name = copy.copy.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let told = conflicts::told(&fate);
            self.session.ui.say(&format!("{}: {told}", sanitize::line(&name)));
            if !matches!(fate, Fate::Left(_)) {
                touched.extend([copy.copy, copy.file]);
            }
        }
        if touched.is_empty() {
            return Ok(());
        }
        self.keep(repository, Scope::Saved(paths(repository, &touched)))
    }
}

/// The paths of files by their real places, there or not.
fn paths(repository: &Repository, files: &BTreeSet<PathBuf>) -> Vec<RepoPath> {
    let top = repository.work_tree().and_then(|top| std::fs::canonicalize(top).ok());
    let below = |file: &PathBuf| file.strip_prefix(top.as_deref()?).ok().map(RepoPath::from_path);
    files.iter().filter_map(below).collect()
}
