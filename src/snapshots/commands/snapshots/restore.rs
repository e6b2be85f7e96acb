//! `git comfy snapshots restore`: files as they were, to the byte.

use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::contained_path::{goes_down_only, resolves_below};
use crate::platform::file_argument;
use crate::platform::git::shell::quote_path;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::{sanitize, time_argument};
use crate::session::Session;
use crate::snapshots::find_snapshot::find_snapshot;
use crate::snapshots::named_paths::{matches_any, resolve_paths};
use crate::snapshots::settings::configured_policy;
use crate::snapshots::{
    Snapshot, SnapshotFile, SnapshotOutcome, SnapshotReason, SnapshotRequest, SnapshotScope,
};
use crate::{layouts, snapshots};

/// Bring files back as they were; what is there now is kept first.
#[derive(Debug, clap::Args)]
pub(crate) struct SnapshotsRestoreArgs {
    /// An id, or a moment (an hour ago, 14:30, yesterday), and perhaps files: without any,
    /// all that the snapshot has. A file that came later stays.
    #[arg(value_name = "ID|WHEN [FILE]", required = true)]
    what: Vec<String>,
    /// Write the one file there instead, beside what you have now.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only tell what would be written.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

pub(crate) fn run(args: &SnapshotsRestoreArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let (snapshot, words) = find_snapshot(&repository, &args.what)?;
    let files = select_files(session, &repository, &snapshot, &words)?;
    let when = time_argument::format_local_time(snapshot.taken_at);
    if let Some(output) = &args.output {
        return write_to_output(session, &repository, &snapshot, &files, output);
    }
    let mut changes = Vec::new();
    for (path, file) in &files {
        let place = target_path(&repository, path)?;
        let bytes = snapshots::read_file(&repository, file)?;
        let now = read_if_exists(&place)?;
        if now.as_ref() != Some(&bytes) {
            changes.push(FileRestore { path: path.clone(), target: place, current: now, bytes });
        }
    }
    if changes.is_empty() {
        session.ui.report(&format!("nothing to do: it is as it was at {when}"))?;
        return Ok(Exit::Done);
    }
    if args.dry_run {
        for change in &changes {
            session.ui.print(&format!("would restore {}\n", change.path))?;
        }
        return Ok(Exit::Done);
    }
    let file = snapshot_current_files(session, &repository, &changes)?;
    for change in &changes {
        if read_if_exists(&change.target)? != change.current {
            return Err(CommandError::system(format!("{} was saved just now", change.path))
                .with_hint("try again; nothing is lost: `git comfy snapshots`"));
        }
        if let Some(folder) = change.target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        file_argument::replace_file(&change.target, &change.bytes)?;
        session.ui.report(&format!("{} is as it was at {when}", change.path))?;
    }
    // A file that is again what git knows of does not count as modified.
    layouts::refresh_index(&repository)?;
    if let Some(file) = file.new.or(file.previous).filter(|_| replaces_any(&changes)) {
        session.ui.report(&format!("what was there is kept as snapshot {}", file.short_id()))?;
    }
    session.ui.info("reload the page in ComfyUI, or its next Save writes the old one over it");
    Ok(Exit::Done)
}

/// A file that is not as it was.
struct FileRestore {
    path: RepoPath,
    target: PathBuf,
    current: Option<Vec<u8>>,
    bytes: Vec<u8>,
}

fn replaces_any(changes: &[FileRestore]) -> bool {
    changes.iter().any(|change| change.current.is_some())
}

fn select_files(
    session: &Session,
    repository: &Repository,
    snapshot: &Snapshot,
    words: &[String],
) -> Result<Vec<(RepoPath, SnapshotFile)>> {
    let named = resolve_paths(session, repository, words)?;
    let files = snapshots::snapshot_files(repository, snapshot)?;
    for (name, word) in named.iter().zip(words) {
        if !files.keys().any(|path| matches_any(path, std::slice::from_ref(name))) {
            let shown = sanitize::line(word).into_owned();
            return Err(CommandError::user(format!(
                "{shown} is not in snapshot {}",
                snapshot.short_id()
            ))
            .with_hint(format!(
                "git comfy snapshots {} lists those that have it",
                quote_path(word)
            )));
        }
    }
    Ok(files.into_iter().filter(|(path, _)| matches_any(path, &named)).collect())
}

/// Keeps what is about to be replaced, whatever it is.
fn snapshot_current_files(
    session: &Session,
    repository: &Repository,
    changes: &[FileRestore],
) -> Result<SnapshotOutcome> {
    let present = changes.iter().filter(|change| change.current.is_some());
    let request = SnapshotRequest {
        scope: SnapshotScope::NamedFiles(present.map(|change| change.path.clone()).collect()),
        reason: SnapshotReason::Restore,
        text: None,
        policy: &configured_policy(session, repository)?,
    };
    let outcome = snapshots::create_snapshot(repository, &request)?;
    match outcome.remarks.first() {
        None => Ok(outcome),
        Some(remark) => {
            Err(CommandError::system(format!("nothing was restored: {}", sanitize::line(remark)))
                .with_hint("move the file away, and try again"))
        }
    }
}

/// Where a file belongs: in the work tree, whatever a snapshot says and wherever links lead.
fn target_path(repository: &Repository, path: &RepoPath) -> Result<PathBuf> {
    let top = repository.require_work_tree()?;
    let below = path.to_path();
    let place = top.join(&below);
    let names_git = below.iter().any(|part| part.eq_ignore_ascii_case(".git"));
    if !names_git && goes_down_only(&below) && resolves_below(&place, top) {
        Ok(place)
    } else {
        Err(CommandError::user(format!("{path} does not lie in the work tree")))
    }
}

fn read_if_exists(place: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(place) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CommandError::system(error).with_context(sanitize::path(place))),
    }
}

/// Writes the one file to another place.
fn write_to_output(
    session: &Session,
    repository: &Repository,
    snapshot: &Snapshot,
    files: &[(RepoPath, SnapshotFile)],
    output: &Path,
) -> Result<Exit> {
    let [(path, file)] = files else {
        return Err(CommandError::user(format!("--output takes one file, not {}", files.len()))
            .with_hint("name the file after the snapshot"));
    };
    let target = session.cwd.join(output);
    let name = sanitize::path(output);
    if target.exists() {
        return Err(
            CommandError::user(format!("{name} is there already")).with_hint("choose another name")
        );
    }
    file_argument::replace_file(&target, &snapshots::read_file(repository, file)?)?;
    let when = time_argument::format_local_time(snapshot.taken_at);
    session.ui.report(&format!("{name} is {path} as it was at {when}"))?;
    Ok(Exit::Done)
}
