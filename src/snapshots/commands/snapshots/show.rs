//! `git comfy snapshots show`: what has changed since a snapshot, in words.

use comfy_graph::catalog::Catalog;
use jiff::Timestamp;

use super::{chosen, is_among, paths, short, side};
use crate::differences::commands::diff::document;
use crate::differences::compared::compare;
use crate::differences::content::Content;
use crate::differences::file_diff::Sheet;
use crate::differences::text::Layout;
use crate::differences::text::terminal::{Look, WordDiff};
use crate::differences::{content, operands, widget_names};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git::shell::typed_name;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::{sanitize, time_argument};
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::snapshots;
use crate::snapshots::{About, Kept, Snapshot};

/// Tell what has changed since a snapshot: of all files, or of some.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An id, or a moment (an hour ago, 14:30, yesterday), and perhaps files [default: the
    /// last snapshot].
    #[arg(value_name = "ID|WHEN [FILE]")]
    what: Vec<String>,
    /// Spell out every move and resize.
    #[arg(long)]
    layout: bool,
    /// For programs: docs/diff-schema.md.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// Compares with what is there now.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let last = ["now".to_owned()];
    let what = if args.what.is_empty() { &last[..] } else { &args.what };
    let (snapshot, words) = chosen(&repository, what)?;
    let named = paths(session, &repository, &words)?;
    let mut files = snapshots::files(&repository, &snapshot)?;
    files.retain(|path, _| is_among(path, &named));
    if files.is_empty() && !named.is_empty() {
        let shown = sanitize::line(&words[0]).into_owned();
        return Err(Failure::new(format!("{shown} is not in snapshot {}", short(&snapshot))).hint(
            format!("git comfy snapshots {} lists those that have it", typed_name(&words[0])),
        ));
    }
    let naming = widget_names::of(&repository);
    let layout = if args.layout { Layout::Spelled } else { Layout::Folded };
    let mut screen = Screen::open(session, &args.screen, "diff");
    let look = Look { colour: screen.colour, words: WordDiff::Auto, width: screen.width };
    if !args.json {
        let about = snapshots::about(&repository, &snapshot)?;
        screen.put(head(&snapshot, &about).as_bytes())?;
    }
    let count = files.len();
    let mut sheets = Vec::new();
    for (path, kept) in &files {
        if let Some(sheet) = sheet(&repository, &naming, &snapshot, path, kept)? {
            sheets.push(sheet);
        }
    }
    if args.json {
        screen.put(document(&sheets).as_bytes())?;
        return Ok(Exit::Done);
    }
    for sheet in &sheets {
        screen.put(&sheet.terminal(look, layout))?;
    }
    let same = count - sheets.len();
    let told = match (same, sheets.len()) {
        (0, _) => return Ok(Exit::Done),
        (1, 0) => "it is as it was then".to_owned(),
        (same, 0) => format!("all {same} workflows are as they were then"),
        (1, _) => "1 other is as it was".to_owned(),
        (same, _) => format!("{same} others are as they were"),
    };
    screen.put(format!("{told}\n").as_bytes())?;
    Ok(Exit::Done)
}

fn head(snapshot: &Snapshot, about: &About) -> String {
    let ago = time_argument::in_words(snapshot.at, Timestamp::now());
    let mut text =
        format!("snapshot {} of {}, {ago}", short(snapshot), time_argument::exactly(snapshot.at));
    if let Some(said) = &about.text {
        text += &format!(": {}", sanitize::line(said));
    }
    text + "\n"
}

/// A file as it was and as it is; nothing where the two are the same to the byte.
fn sheet(
    repository: &Repository,
    naming: &Catalog,
    snapshot: &Snapshot,
    path: &RepoPath,
    kept: &Kept,
) -> Result<Option<Sheet>> {
    let place = repository.require_work_tree()?.join(path.to_path());
    let now = if place.is_file() { Some(operands::bytes_of(&place)?) } else { None };
    if now.as_ref() == Some(&snapshots::bytes(repository, kept)?) {
        return Ok(None);
    }
    let name = path.to_string();
    let names = [Some(format!("{name} ({})", short(snapshot))), now.as_ref().map(|_| name)];
    let (before, after) =
        (side(repository, Some(kept))?, now.map_or(Content::NOTHING, content::read));
    let compared = compare(before, after, naming);
    let patch = match &compared {
        None => format!("{path} differs, and is no workflow on one side\n").into_bytes(),
        Some(compared) if compared.script.is_empty() => {
            format!("{path}: the same workflow, saved another way\n").into_bytes()
        }
        Some(_) => Vec::new(),
    };
    let compared = compared.filter(|compared| !compared.script.is_empty());
    Ok(Some(Sheet { names, compared, patch, ..Sheet::default() }))
}
