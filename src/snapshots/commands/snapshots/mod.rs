//! `git comfy snapshots`: what was kept without a commit, and how to get it back.

pub mod list;
pub mod prune;
pub mod restore;
pub mod show;

use comfy_graph::catalog::Catalog;
use jiff::Timestamp;

use crate::differences::compared::compare;
use crate::differences::content;
use crate::differences::content::Content;
use crate::differences::text::{Layout, one_line};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::{sanitize, time_argument};
use crate::session::Session;
use crate::snapshots;
use crate::snapshots::{Changed, Kept, Policy, Snapshot, WorkTree};

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
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: list::Args,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Tell what has changed since a snapshot.
    Show(show::Args),
    /// Bring files back as they were; what is there now is kept first.
    Restore(restore::Args),
    /// Let old snapshots go now; it also happens with each new one.
    Prune(prune::Args),
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    match &args.action {
        None => list::run(&args.list, session),
        Some(Action::Show(args)) => show::run(args, session),
        Some(Action::Restore(args)) => restore::run(args, session),
        Some(Action::Prune(args)) => prune::run(args, session),
    }
}

/// How many digits of an id are shown.
const DIGITS: usize = 7;
/// Fewer digits are not taken for an id.
const FEWEST_DIGITS: usize = 4;
/// The most words that a moment has: `half an hour ago`.
const MOST_WORDS: usize = 4;

/// The id as it is shown.
pub(crate) fn short(snapshot: &Snapshot) -> &str {
    snapshot.id.get(..DIGITS).unwrap_or(&snapshot.id)
}

/// The policy in `comfy.snapshots.keep`. One that cannot be read is told, and the default
/// holds.
pub(crate) fn policy(session: &Session, repository: &Repository) -> Result<Policy> {
    let settings = repository.settings("comfy.")?;
    let mut all = settings.into_iter().rev();
    let Some((_, text)) = all.find(|(name, _)| name == "comfy.snapshots.keep") else {
        return Ok(Policy::default());
    };
    Ok(Policy::parse(&text).unwrap_or_else(|| {
        session.tell_remarks(&[format!(
            "comfy.snapshots.keep = {text} is not understood; the usual holds \
             (such as: all 1d, hourly 1w, daily 30d)"
        )]);
        Policy::default()
    }))
}

/// A snapshot that some words name, and the words after them: an id, or a moment, which
/// may have several words.
fn chosen(repository: &Repository, words: &[String]) -> Result<(Snapshot, Vec<String>)> {
    let own = snapshots::list(repository, Some(&WorkTree::of(repository)?))?;
    let Some(first) = words.first() else {
        return Err(Failure::new("which snapshot?")
            .hint("an id of `git comfy snapshots`, or a moment: an hour ago, 14:30, yesterday"));
    };
    if let Some(snapshot) = by_id(repository, first)? {
        return Ok((snapshot, words[1..].to_vec()));
    }
    let now = Timestamp::now();
    let most = words.len().min(MOST_WORDS);
    let named = (1..=most).rev().find_map(|count| {
        let moment = time_argument::until(&words[..count].join(" "), now).ok()?;
        Some((moment, words[count..].to_vec()))
    });
    let Some((moment, rest)) = named else {
        let shown = sanitize::line(first).into_owned();
        return Err(Failure::new(format!("{shown} is neither a snapshot nor a moment"))
            .hint("`git comfy snapshots` lists them; a moment is written: an hour ago, 14:30"));
    };
    match own.iter().find(|snapshot| snapshot.at <= moment) {
        Some(snapshot) => Ok((snapshot.clone(), rest)),
        None => Err(nothing_before(&own)),
    }
}

fn nothing_before(own: &[Snapshot]) -> Failure {
    match own.last() {
        Some(oldest) => {
            let (id, at) = (short(oldest), time_argument::exactly(oldest.at));
            Failure::new(format!("nothing was kept as early as that; the oldest is {id} of {at}"))
                .hint("what was committed by then: git comfy log --until WHEN")
        }
        None => Failure::new("nothing is kept yet")
            .hint("`git comfy snapshot` keeps what is there now")
            .hint("`git comfy watch --files` keeps every save"),
    }
}

fn by_id(repository: &Repository, text: &str) -> Result<Option<Snapshot>> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.len() < FEWEST_DIGITS || !digits {
        return Ok(None);
    }
    let text = text.to_ascii_lowercase();
    let mut all = snapshots::list(repository, None)?;
    all.retain(|snapshot| snapshot.id.starts_with(&text));
    if all.len() > 1 {
        return Err(Failure::new(format!(
            "{text} names {} snapshots; write more of it",
            all.len()
        )));
    }
    Ok(all.pop())
}

/// The paths of files that a person named, there or not.
fn paths(session: &Session, repository: &Repository, words: &[String]) -> Result<Vec<RepoPath>> {
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
            Failure::new(format!("{} is not in this repository", sanitize::line(word)))
        })
    };
    words.iter().map(path).collect()
}

/// Whether a path is one of those named, or lies below one.
fn is_among(path: &RepoPath, named: &[RepoPath]) -> bool {
    named.is_empty()
        || named.iter().any(|name| {
            let rest = path.as_bytes().strip_prefix(name.as_bytes());
            name.as_bytes().is_empty()
                || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
}

fn side(repository: &Repository, kept: Option<&Kept>) -> Result<Content> {
    match kept {
        Some(kept) => Ok(content::read(snapshots::bytes(repository, kept)?)),
        None => Ok(Content::NOTHING),
    }
}

/// What became of a file, in a word and in a line.
struct Told {
    how: &'static str,
    line: String,
}

fn told(repository: &Repository, naming: &Catalog, file: &Changed, columns: usize) -> Result<Told> {
    let how = match (&file.before, &file.after) {
        (None, _) => "added",
        (_, None) => "deleted",
        (Some(before), Some(after)) if before.content == after.content => "layout",
        _ => "changed",
    };
    let (before, after) =
        (side(repository, file.before.as_ref())?, side(repository, file.after.as_ref())?);
    let line = match (how, compare(before, after, naming)) {
        ("added", _) => "new workflow".to_owned(),
        ("deleted", _) => "deleted".to_owned(),
        (_, Some(compared)) => {
            let line = one_line(&compared.story(Layout::Folded), columns);
            if line.is_empty() { "saved another way, the same workflow".to_owned() } else { line }
        }
        (_, None) => "changed".to_owned(),
    };
    Ok(Told { how, line })
}

/// What changed in files, in one line of at most so many columns for each change.
pub(crate) fn news(
    repository: &Repository,
    naming: &Catalog,
    changed: &[Changed],
    columns: usize,
) -> Result<String> {
    let added = changed.iter().filter(|file| file.before.is_none()).count();
    Ok(match changed {
        [] => String::new(),
        [file] => format!("{}: {}", file.path, told(repository, naming, file, columns)?.line),
        all if added == all.len() => format!("{added} new workflows"),
        [file, rest @ ..] => {
            let line = told(repository, naming, file, columns)?.line;
            let more = if rest.len() == 1 { "1 more" } else { &format!("{} more", rest.len()) };
            format!("{}: {line}; and {more}", file.path)
        }
    })
}
