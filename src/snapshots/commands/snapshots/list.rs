//! `git comfy snapshots`: a line for each, with what was new in it.

use comfy_graph::catalog::Catalog;
use jiff::Timestamp;
use serde_json::json;

use crate::error::Result;
use crate::exit::Exit;
use crate::platform::git::Repository;
use crate::platform::machine::node_catalog;
use crate::platform::text::{Colour, sanitize, time_argument};
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::snapshots;
use crate::snapshots::named_paths::{matches_any, resolve_paths};
use crate::snapshots::summarize::{summarize_change, summarize_changes};
use crate::snapshots::{Snapshot, SnapshotFileChange, SnapshotInfo, WorkTreeName};
use crate::ui::OutputPipe;

/// Which snapshots to list.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct SnapshotsListArgs {
    /// Only those in which one of these changed.
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Only so many.
    #[arg(short = 'n', long, value_name = "NUMBER")]
    number: Option<usize>,
    /// Those of all work trees of the repository.
    #[arg(long)]
    all: bool,
    /// One JSON object a line, for programs: docs/snapshots.md.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

pub(crate) fn run(args: &SnapshotsListArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let own = WorkTreeName::from_repository(&repository)?;
    let all = snapshots::list_snapshots(&repository, (!args.all).then_some(&own))?;
    let files = resolve_paths(session, &repository, &args.files)?;
    let catalog = node_catalog::load_catalog(&repository);
    let mut screen = Screen::open(session, &args.screen, "log");
    let mut left = args.number.unwrap_or(usize::MAX);
    let mut listed = 0;
    for (at, snapshot) in all.iter().enumerate() {
        if left == 0 {
            break;
        }
        let before = all[at + 1..].iter().find(|before| before.work_tree == snapshot.work_tree);
        let mut changed = snapshots::diff_snapshots(&repository, before, Some(snapshot))?;
        changed.retain(|file| matches_any(&file.path, &files));
        if changed.is_empty() && !files.is_empty() {
            continue;
        }
        let row =
            SnapshotRow { repository: &repository, catalog: &catalog, snapshot, changed: &changed };
        let about = snapshots::read_info(&repository, snapshot)?;
        let text =
            if args.json { row.to_json(&about)? } else { row.to_line(&about, &screen, args.all)? };
        if screen.write(text.as_bytes())? == OutputPipe::Closed {
            return Ok(Exit::Done);
        }
        left -= 1;
        listed += 1;
    }
    if listed == 0 && !args.json {
        session.ui.info(match files.is_empty() {
            true => {
                "nothing is kept yet: `git comfy snapshot` keeps what is there now, \
                 `git comfy watch --files` every save"
            }
            false => "no snapshot has that file",
        });
    }
    Ok(Exit::Done)
}

struct SnapshotRow<'r> {
    repository: &'r Repository,
    catalog: &'r Catalog,
    snapshot: &'r Snapshot,
    changed: &'r [SnapshotFileChange],
}

impl SnapshotRow<'_> {
    fn to_line(&self, about: &SnapshotInfo, screen: &Screen, all: bool) -> Result<String> {
        let snapshot = self.snapshot;
        let ago = time_argument::format_ago(snapshot.taken_at, Timestamp::now());
        let of = if all {
            format!("{}: ", sanitize::line(snapshot.work_tree.name()))
        } else {
            String::new()
        };
        let (id, exactly) =
            (snapshot.short_id(), time_argument::format_local_time(snapshot.taken_at));
        let used = id.len() + exactly.len() + of.chars().count() + 22;
        let room = screen.width.saturating_sub(used).max(30);
        let text = about.text.as_deref().map(|text| sanitize::excerpt(text, room));
        let text = text.map(|text| format!("\"{text}\"  ")).unwrap_or_default();
        let summary = match summarize_changes(self.repository, self.catalog, self.changed, room)? {
            summary if summary.is_empty() && text.is_empty() => "the same".to_owned(),
            summary => summary,
        };
        let line = match screen.colour {
            Colour::Off => format!("{id}  {exactly}  {ago:<15}  {of}{text}{summary}"),
            Colour::On => {
                format!(
                    "\x1b[33m{id}\x1b[m  {exactly}  \x1b[36m{ago:<15}\x1b[m  {of}{text}{summary}"
                )
            }
        };
        Ok(format!("{}\n", line.trim_end()))
    }

    fn to_json(&self, about: &SnapshotInfo) -> Result<String> {
        let mut files = Vec::new();
        for file in self.changed {
            let summary = summarize_change(self.repository, self.catalog, file, MAX_JSON_COLUMNS)?;
            let path = String::from_utf8_lossy(file.path.as_bytes()).into_owned();
            files.push(json!({ "path": path, "how": summary.how, "told": summary.line }));
        }
        let row = json!({
            "schema": 1,
            "id": self.snapshot.id,
            "at": self.snapshot.taken_at.to_string(),
            "worktree": self.snapshot.work_tree.name(),
            "reason": about.reason,
            "head": about.head,
            "text": about.text,
            "changed": files,
        });
        Ok(format!("{row}\n"))
    }
}

/// Where no line has to be kept, a program is told at most so much.
const MAX_JSON_COLUMNS: usize = 4000;
