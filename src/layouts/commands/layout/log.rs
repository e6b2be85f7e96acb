//! `git comfy layout log`: a line for each state that layouts were in.

use anstyle::AnsiColor;
use serde_json::json;

use super::file_layouts::{FileLayouts, StateChanges};
use super::{author_name, display_id, format_time, resolve_path};
use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::layout_history::LayoutState;
use crate::layouts::restore_layout::LayoutWorkspace;
use crate::platform::git::{ObjectId, RepoPath};
use crate::platform::text::sanitize;
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::ui::OutputPipe;

pub(crate) const EXAMPLES: &str = "\
The first word names the state: a commit of refs/notes/comfy-layout, `now` for what the file
holds and no note yet, and s… for all else: what only this machine remembers, and what came
with the same commit of notes as a newer state. Saves that moved nothing have no line.";

/// Which layouts to tell of.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct LayoutLogArgs {
    /// Only this file, under all names it had [default: all files].
    #[arg(value_name = "FILE")]
    file: Option<String>,
    /// Only so many lines.
    #[arg(short = 'n', long, value_name = "NUMBER")]
    number: Option<usize>,
    /// One JSON object a line, for programs: docs/layouts.md.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

pub(crate) fn run(args: &LayoutLogArgs, session: &Session) -> Result<Exit> {
    let repository = session.up_to_date_repository()?;
    let mut workspace = LayoutWorkspace::open(&repository)?;
    let mut screen = Screen::open(session, &args.screen, "log");
    let mut rows = LayoutLogPrinter {
        args,
        screen: &mut screen,
        left: args.number.unwrap_or(usize::MAX),
        is_empty: true,
    };
    match &args.file {
        Some(file) => {
            let path = resolve_path(session, &repository, file)?;
            let mut layouts = FileLayouts::load(session, &repository, workspace, path)?;
            for at in 0..layouts.states.len() {
                if rows.print_state(&mut layouts, at)? == OutputPipe::Closed {
                    break;
                }
            }
            if rows.is_empty {
                session.ui.info(&format!("nothing in {} has been placed yet", layouts.path));
            }
            session.print_remarks(&layouts.workspace.take_remarks());
        }
        None => {
            let tracked = workspace.inspect_saved_files()?;
            let mut layouts = FileLayouts::of_no_file(&repository, workspace)?;
            print_all_files(&mut layouts, tracked, &mut rows)?;
            session.print_remarks(&layouts.workspace.take_remarks());
        }
    }
    Ok(Exit::Done)
}

/// The states of all files of the work tree.
fn print_all_files(
    layouts: &mut FileLayouts<'_>,
    tracked: Vec<(RepoPath, ObjectId)>,
    rows: &mut LayoutLogPrinter<'_>,
) -> Result<()> {
    let mut lines: Vec<(u64, usize, usize)> = Vec::new();
    let mut files: Vec<(RepoPath, Vec<LayoutState>)> = Vec::new();
    for (path, blob) in tracked {
        if !layouts.history.has_states(&path) {
            continue;
        }
        let states = layouts.history.states(&path, Some(blob))?;
        let mut latest = u64::MAX;
        for (at, state) in states.iter().enumerate() {
            // Each file's in their own order, whatever the times say.
            latest = latest.min(state.at);
            lines.push((latest, files.len(), at));
        }
        files.push((path, states));
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.0));
    for (_, file, at) in lines {
        let Some((path, states)) = files.get_mut(file) else { continue };
        layouts.path.clone_from(path);
        std::mem::swap(&mut layouts.states, states);
        let output = rows.print_state(layouts, at)?;
        std::mem::swap(&mut layouts.states, states);
        if output == OutputPipe::Closed {
            break;
        }
    }
    Ok(())
}

/// Where lines go, and how many more.
struct LayoutLogPrinter<'s> {
    args: &'s LayoutLogArgs,
    screen: &'s mut Screen,
    left: usize,
    is_empty: bool,
}

impl LayoutLogPrinter<'_> {
    fn print_state(&mut self, layouts: &mut FileLayouts<'_>, at: usize) -> Result<OutputPipe> {
        if self.left == 0 {
            return Ok(OutputPipe::Closed);
        }
        let Some(changes) = layouts.changes_in(at)? else { return Ok(OutputPipe::Open) };
        let Some(state) = layouts.states.get(at) else { return Ok(OutputPipe::Open) };
        if changes.is_empty() && changes.renamed_from.is_none() {
            // A save that moved nothing, perhaps of what an undo before it had moved.
            return Ok(OutputPipe::Open);
        }
        self.left -= 1;
        self.is_empty = false;
        let text = match self.args.json {
            true => state_to_json(state, &changes),
            false => self.render_line(state, &changes),
        };
        self.screen.write(text.as_bytes())
    }

    fn render_line(&self, state: &LayoutState, changes: &StateChanges) -> String {
        let path = match self.args.file {
            Some(_) => String::new(),
            None => format!("{}: ", state.path),
        };
        let (id, when, by) =
            (format!("{:<7}", display_id(state)), format_time(state.at), author_name(state));
        let used = id.len() + when.len() + by.chars().count() + path.chars().count() + 6;
        let room = self.screen.width.saturating_sub(used).max(30);
        let told = sanitize::excerpt(&describe_state(state, changes), room);
        let id = self.screen.colour.paint(AnsiColor::Yellow.on_default(), &id);
        let by = self.screen.colour.paint(AnsiColor::Cyan.on_default(), &by);
        format!("{id}  {when}  {by}  {path}{told}\n")
    }
}

fn describe_state(state: &LayoutState, changes: &StateChanges) -> String {
    let told = changes.describe();
    match (state.is_joined(), changes.is_undo) {
        (true, _) => "joined what two clones moved".to_owned(),
        (false, true) => format!("undo: {told}"),
        (false, false) => told,
    }
}

fn state_to_json(state: &LayoutState, changes: &StateChanges) -> String {
    let count = |list: &[comfy_graph::clean::PlaceName]| list.len();
    let row = json!({
        "schema": 1,
        "id": display_id(state),
        "at": state.at,
        "author": state.author().map(|person| &person.name),
        "path": String::from_utf8_lossy(state.path.as_bytes()),
        "blob": state.blob.to_string(),
        "joined": state.is_joined(),
        "undo": changes.is_undo,
        "moved": count(&changes.moves.moved),
        "placed": count(&changes.moves.placed),
        "resized": count(&changes.moves.resized),
        "arranged": count(&changes.moves.arranged),
        "told": describe_state(state, changes),
    });
    format!("{row}\n")
}
