//! `git comfy snapshots show`: what has changed since a snapshot, in words.

use comfy_graph::catalog::Catalog;
use jiff::Timestamp;

use crate::differences::content::FileContent;
use crate::differences::file_diff::{FileDiff, diffs_to_json};
use crate::differences::graph_diff::compare_contents;
use crate::differences::text::LayoutDetail;
use crate::differences::text::terminal::{TerminalStyle, WordDiff};
use crate::differences::{content, operands};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::shell::quote_path;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::machine::node_catalog;
use crate::platform::text::{sanitize, time_argument};
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::snapshots;
use crate::snapshots::find_snapshot::find_snapshot;
use crate::snapshots::named_paths::{matches_any, resolve_paths};
use crate::snapshots::summarize::read_side;
use crate::snapshots::{Snapshot, SnapshotFile, SnapshotInfo};

/// Tell what has changed since a snapshot: of all files, or of some.
#[derive(Debug, clap::Args)]
pub(crate) struct SnapshotsShowArgs {
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
pub(crate) fn run(args: &SnapshotsShowArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let last = ["now".to_owned()];
    let what = if args.what.is_empty() { &last[..] } else { &args.what };
    let (snapshot, words) = find_snapshot(&repository, what)?;
    let named = resolve_paths(session, &repository, &words)?;
    let mut files = snapshots::snapshot_files(&repository, &snapshot)?;
    files.retain(|path, _| matches_any(path, &named));
    if files.is_empty() && !named.is_empty() {
        let shown = sanitize::line(&words[0]).into_owned();
        return Err(CommandError::user(format!(
            "{shown} is not in snapshot {}",
            snapshot.short_id()
        ))
        .with_hint(format!(
            "git comfy snapshots {} lists those that have it",
            quote_path(&words[0])
        )));
    }
    let catalog = node_catalog::load_catalog(&repository);
    let layout = if args.layout { LayoutDetail::Full } else { LayoutDetail::Counted };
    let mut screen = Screen::open(session, &args.screen, "diff");
    let style = TerminalStyle { colour: screen.colour, words: WordDiff::Auto, width: screen.width };
    if !args.json {
        let about = snapshots::read_info(&repository, &snapshot)?;
        screen.write(snapshot_heading(&snapshot, &about).as_bytes())?;
    }
    let count = files.len();
    let mut diffs = Vec::new();
    for (path, file) in &files {
        if let Some(diff) = diff_with_work_tree(&repository, &catalog, &snapshot, path, file)? {
            diffs.push(diff);
        }
    }
    if args.json {
        screen.write(diffs_to_json(&diffs).as_bytes())?;
        return Ok(Exit::Done);
    }
    for diff in &diffs {
        screen.write(&diff.render_terminal(style, layout))?;
    }
    let same = count - diffs.len();
    let unchanged = match (same, diffs.len()) {
        (0, _) => return Ok(Exit::Done),
        (1, 0) => "it is as it was then".to_owned(),
        (same, 0) => format!("all {same} workflows are as they were then"),
        (1, _) => "1 other is as it was".to_owned(),
        (same, _) => format!("{same} others are as they were"),
    };
    screen.write(format!("{unchanged}\n").as_bytes())?;
    Ok(Exit::Done)
}

fn snapshot_heading(snapshot: &Snapshot, about: &SnapshotInfo) -> String {
    let ago = time_argument::format_ago(snapshot.taken_at, Timestamp::now());
    let mut text = format!(
        "snapshot {} of {}, {ago}",
        snapshot.short_id(),
        time_argument::format_local_time(snapshot.taken_at)
    );
    if let Some(message) = &about.text {
        text += &format!(": {}", sanitize::line(message));
    }
    text + "\n"
}

/// A file as it was and as it is; nothing where the two are the same to the byte.
fn diff_with_work_tree(
    repository: &Repository,
    catalog: &Catalog,
    snapshot: &Snapshot,
    path: &RepoPath,
    file: &SnapshotFile,
) -> Result<Option<FileDiff>> {
    let place = repository.require_work_tree()?.join(path.to_path());
    let now = if place.is_file() { Some(operands::read_file(&place)?) } else { None };
    if now.as_ref() == Some(&snapshots::read_file(repository, file)?) {
        return Ok(None);
    }
    let name = path.to_string();
    let names = [Some(format!("{name} ({})", snapshot.short_id())), now.as_ref().map(|_| name)];
    let (before, after) = (
        read_side(repository, Some(file))?,
        now.map_or(FileContent::ABSENT, content::parse_content),
    );
    let compared = compare_contents(before, after, catalog);
    let patch = match &compared {
        None => format!("{path} differs, and is no workflow on one side\n").into_bytes(),
        Some(compared) if compared.script.is_empty() => {
            format!("{path}: the same workflow, saved another way\n").into_bytes()
        }
        Some(_) => Vec::new(),
    };
    let compared = compared.filter(|compared| !compared.script.is_empty());
    Ok(Some(FileDiff { names, graph_diff: compared, patch, ..FileDiff::default() }))
}
