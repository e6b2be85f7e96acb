//! `git comfy snapshots`: what was kept without a commit, and how to get it back.

pub mod list;
pub mod prune;
pub mod restore;
pub mod show;

use comfy_graph::catalog::Catalog;
use jiff::Timestamp;

use crate::differences::content;
use crate::differences::content::FileContent;
use crate::differences::graph_diff::compare_contents;
use crate::differences::text::{LayoutDetail, one_line_summary};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::{sanitize, time_argument};
use crate::session::Session;
use crate::snapshots;
use crate::snapshots::{RetentionPolicy, Snapshot, SnapshotFile, SnapshotFileChange, WorkTreeName};

const EXAMPLES: &str = "\
Examples:
  git comfy snapshots                        all of them, newest first
  git comfy snapshots portrait.json          the states of one workflow
  git comfy snapshots show an hour ago       what has changed since?
  git comfy snapshots restore 14:30 portrait.json
  git comfy snapshots restore yesterday portrait.json -o old.json

A moment means the last snapshot up to then. git config comfy.snapshots.keep says how long
they are kept; the usual is: all 1d, hourly 1w, daily 30d, weekly 1y.";

/// List, show and restore what was kept without a commit.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct SnapshotsArgs {
    /// What to do.
    #[command(subcommand)]
    action: Option<SnapshotsCommand>,
    #[command(flatten)]
    list: list::SnapshotsListArgs,
}

#[derive(Debug, clap::Subcommand)]
enum SnapshotsCommand {
    /// Tell what has changed since a snapshot.
    Show(show::SnapshotsShowArgs),
    /// Bring files back as they were; what is there now is kept first.
    Restore(restore::SnapshotsRestoreArgs),
    /// Let old snapshots go now; it also happens with each new one.
    Prune(prune::SnapshotsPruneArgs),
}

pub fn run(args: &SnapshotsArgs, session: &Session) -> Result<Exit> {
    match &args.action {
        None => list::run(&args.list, session),
        Some(SnapshotsCommand::Show(args)) => show::run(args, session),
        Some(SnapshotsCommand::Restore(args)) => restore::run(args, session),
        Some(SnapshotsCommand::Prune(args)) => prune::run(args, session),
    }
}

/// How many digits of an id are shown.
const SHORT_ID_DIGITS: usize = 7;
/// Fewer digits are not taken for an id.
const MIN_ID_DIGITS: usize = 4;
/// The most words that a moment has: `half an hour ago`.
const MAX_TIME_WORDS: usize = 4;

/// The id as it is shown.
pub(crate) fn short_id(snapshot: &Snapshot) -> &str {
    snapshot.id.get(..SHORT_ID_DIGITS).unwrap_or(&snapshot.id)
}

/// The policy in `comfy.snapshots.keep`. One that cannot be read is told, and the default
/// holds.
pub(crate) fn configured_policy(
    session: &Session,
    repository: &Repository,
) -> Result<RetentionPolicy> {
    let settings = repository.settings("comfy.")?;
    let mut all = settings.into_iter().rev();
    let Some((_, text)) = all.find(|(name, _)| name == "comfy.snapshots.keep") else {
        return Ok(RetentionPolicy::default());
    };
    Ok(RetentionPolicy::parse(&text).unwrap_or_else(|| {
        session.print_remarks(&[format!(
            "comfy.snapshots.keep = {text} is not understood; the usual holds \
             (such as: all 1d, hourly 1w, daily 30d)"
        )]);
        RetentionPolicy::default()
    }))
}

/// A snapshot that some words name, and the words after them: an id, or a moment, which
/// may have several words.
fn find_snapshot(repository: &Repository, words: &[String]) -> Result<(Snapshot, Vec<String>)> {
    let own =
        snapshots::list_snapshots(repository, Some(&WorkTreeName::from_repository(repository)?))?;
    let Some(first) = words.first() else {
        return Err(CommandError::new("which snapshot?").with_hint(
            "an id of `git comfy snapshots`, or a moment: an hour ago, 14:30, yesterday",
        ));
    };
    if let Some(snapshot) = find_by_id(repository, first)? {
        return Ok((snapshot, words[1..].to_vec()));
    }
    let now = Timestamp::now();
    let most = words.len().min(MAX_TIME_WORDS);
    let named = (1..=most).rev().find_map(|count| {
        let moment = time_argument::parse_until(&words[..count].join(" "), now).ok()?;
        Some((moment, words[count..].to_vec()))
    });
    let Some((moment, rest)) = named else {
        let shown = sanitize::line(first).into_owned();
        return Err(CommandError::new(format!("{shown} is neither a snapshot nor a moment"))
            .with_hint(
                "`git comfy snapshots` lists them; a moment is written: an hour ago, 14:30",
            ));
    };
    match own.iter().find(|snapshot| snapshot.taken_at <= moment) {
        Some(snapshot) => Ok((snapshot.clone(), rest)),
        None => Err(no_earlier_snapshot(&own)),
    }
}

fn no_earlier_snapshot(own: &[Snapshot]) -> CommandError {
    match own.last() {
        Some(oldest) => {
            let (id, at) = (short_id(oldest), time_argument::format_local_time(oldest.taken_at));
            CommandError::new(format!(
                "nothing was kept as early as that; the oldest is {id} of {at}"
            ))
            .with_hint("what was committed by then: git comfy log --until WHEN")
        }
        None => CommandError::new("nothing is kept yet")
            .with_hint("`git comfy snapshot` keeps what is there now")
            .with_hint("`git comfy watch --files` keeps every save"),
    }
}

fn find_by_id(repository: &Repository, text: &str) -> Result<Option<Snapshot>> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.len() < MIN_ID_DIGITS || !digits {
        return Ok(None);
    }
    let text = text.to_ascii_lowercase();
    let mut all = snapshots::list_snapshots(repository, None)?;
    all.retain(|snapshot| snapshot.id.starts_with(&text));
    if all.len() > 1 {
        return Err(CommandError::new(format!(
            "{text} names {} snapshots; write more of it",
            all.len()
        )));
    }
    Ok(all.pop())
}

/// The paths of files that a person named, there or not.
fn resolve_paths(
    session: &Session,
    repository: &Repository,
    words: &[String],
) -> Result<Vec<RepoPath>> {
    let top = std::fs::canonicalize(repository.require_work_tree()?)?;
    let cwd = std::fs::canonicalize(&session.cwd)?;
    let path = |word: &String| {
        let mut place = cwd.clone();
        for part in std::path::Path::new(word).components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::ParentDir => drop(place.pop()),
                part => place.push(part),
            }
        }
        let below = place.strip_prefix(&top).ok().map(RepoPath::from_path);
        below.ok_or_else(|| {
            CommandError::new(format!("{} is not in this repository", sanitize::line(word)))
        })
    };
    words.iter().map(path).collect()
}

/// Whether a path is one of those named, or lies below one.
fn matches_any(path: &RepoPath, named: &[RepoPath]) -> bool {
    named.is_empty()
        || named.iter().any(|name| {
            let rest = path.as_bytes().strip_prefix(name.as_bytes());
            name.as_bytes().is_empty()
                || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
}

fn read_side(repository: &Repository, kept: Option<&SnapshotFile>) -> Result<FileContent> {
    match kept {
        Some(kept) => Ok(content::parse_content(snapshots::read_file(repository, kept)?)),
        None => Ok(FileContent::ABSENT),
    }
}

/// What became of a file, in a word and in a line.
struct ChangeSummary {
    how: &'static str,
    line: String,
}

fn summarize_change(
    repository: &Repository,
    naming: &Catalog,
    file: &SnapshotFileChange,
    columns: usize,
) -> Result<ChangeSummary> {
    let how = match (&file.before, &file.after) {
        (None, _) => "added",
        (_, None) => "deleted",
        (Some(before), Some(after)) if before.content == after.content => "layout",
        _ => "changed",
    };
    let (before, after) =
        (read_side(repository, file.before.as_ref())?, read_side(repository, file.after.as_ref())?);
    let line = match (how, compare_contents(before, after, naming)) {
        ("added", _) => "new workflow".to_owned(),
        ("deleted", _) => "deleted".to_owned(),
        (_, Some(compared)) => {
            let line = one_line_summary(&compared.describe(LayoutDetail::Counted), columns);
            if line.is_empty() { "saved another way, the same workflow".to_owned() } else { line }
        }
        (_, None) => "changed".to_owned(),
    };
    Ok(ChangeSummary { how, line })
}

/// What changed in files, in one line of at most so many columns for each change.
pub(crate) fn summarize_changes(
    repository: &Repository,
    naming: &Catalog,
    changed: &[SnapshotFileChange],
    columns: usize,
) -> Result<String> {
    let added = changed.iter().filter(|file| file.before.is_none()).count();
    Ok(match changed {
        [] => String::new(),
        [file] => {
            format!("{}: {}", file.path, summarize_change(repository, naming, file, columns)?.line)
        }
        all if added == all.len() => format!("{added} new workflows"),
        [file, rest @ ..] => {
            let line = summarize_change(repository, naming, file, columns)?.line;
            let more = if rest.len() == 1 { "1 more" } else { &format!("{} more", rest.len()) };
            format!("{}: {line}; and {more}", file.path)
        }
    })
}
