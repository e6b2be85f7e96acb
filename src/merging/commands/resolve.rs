//! `git comfy resolve`: lists the conflicts that workflows carry after a merge, and settles
//! them. When the last is settled every trace is gone and the file is staged.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use comfy_graph::json::{self, Value};
use comfy_graph::merge::{ConflictChoice, MergePlace, MergeSide, UnsettledConflict};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::merging::conflict_text::{
    self, AnswerNumbers, conflict_heading, conflicts_to_json, describe_answers, describe_conflicts,
    list_answers,
};
use crate::merging::conflicted_file::{ConflictedFile, SettledConflicts};
use crate::merging::{merge_files, merge_status};
use crate::platform::git::shell::quote_path;
use crate::platform::text::sanitize;
use crate::session::Session;

/// Settle the conflicts a merge left in a workflow.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
In a terminal it asks about one conflict after the other. With a choice it settles all \
conflicts of the file, or those that --only, --node and --at name. After editing in ComfyUI, \
--accept takes what you saved. Leaves with 0 when nothing is left, with 1 when something is.

  git comfy resolve                            list the files with conflicts
  git comfy resolve portrait.json              settle one after the other
  git comfy resolve portrait.json --theirs     theirs, everywhere
  git comfy resolve portrait.json --ours --node 3 --at cfg
  git comfy resolve portrait.json --set 6.5 --only 2
  git comfy resolve portrait.json --both ours-first --only 3    two nodes in one wire
  git comfy resolve portrait.json --accept     as it is in the file now")]
pub struct ResolveArgs {
    /// The workflow; without one, all that have conflicts are listed.
    pub file: Option<PathBuf>,
    /// As our side has it (in a rebase: what you rebase onto).
    #[arg(long, group = "choice")]
    pub ours: bool,
    /// As their side has it.
    #[arg(long, group = "choice")]
    pub theirs: bool,
    /// As it was before both.
    #[arg(long, group = "choice")]
    pub base: bool,
    /// Both nodes that were put into one wire, that side's first.
    #[arg(long, value_name = "SIDE", group = "choice")]
    pub both: Option<FirstSide>,
    /// As the file has it now, after editing it.
    #[arg(long, group = "choice")]
    pub accept: bool,
    /// With a value of your own: JSON, or a text where there is a text.
    #[arg(long, value_name = "VALUE", group = "choice", allow_hyphen_values = true)]
    pub set: Option<String>,
    /// Only the conflicts with these numbers.
    #[arg(long, value_name = "N", value_delimiter = ',', requires = "choice")]
    pub only: Vec<i64>,
    /// Only conflicts of these nodes.
    #[arg(long, value_name = "ID", value_delimiter = ',', requires = "choice")]
    pub node: Vec<String>,
    /// Only conflicts about these values or inputs.
    #[arg(long, value_name = "NAME", requires = "choice")]
    pub at: Vec<String>,
    /// List the conflicts and do nothing.
    #[arg(long, conflicts_with = "choice")]
    pub list: bool,
    /// The same for programs.
    #[arg(long, conflicts_with_all = ["choice", "interactive"])]
    pub json: bool,
    /// Ask, even where this is no terminal.
    #[arg(short, long, conflicts_with_all = ["choice", "list"])]
    pub interactive: bool,
}

/// Whose node comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FirstSide {
    OursFirst,
    TheirsFirst,
}

pub fn run(args: &ResolveArgs, session: &Session) -> Result<Exit> {
    let file = match &args.file {
        Some(file) => Some(file.clone()),
        None => only_conflicted_file(args, session)?,
    };
    let Some(file) = file else { return list_conflicted_files(args, session) };
    let held = ConflictedFile::open(session, &file)?;
    let all = held.conflicts()?;
    if args.json {
        session.ui.print(&conflicts_to_json(&[(held.name.clone(), all.clone())]))?;
        return Ok(if all.is_empty() { Exit::Done } else { Exit::Conflicts });
    }
    if all.is_empty() {
        return report_no_conflicts(session, &held);
    }
    if let Some(choice) = choice_from_args(args) {
        return apply_choice(args, session, &held, &all, &choice);
    }
    let asks = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if args.interactive || (asks && !args.list) {
        return ask_interactively(session, &held);
    }
    session.ui.print(&describe_conflicts(&held.name, &all))?;
    Ok(Exit::Conflicts)
}

/// The file with conflicts, if none was named and there is only one.
fn only_conflicted_file(args: &ResolveArgs, session: &Session) -> Result<Option<PathBuf>> {
    if args.list || args.json {
        return Ok(None);
    }
    let repository = session.repository()?;
    let files = merge_status::conflicted_files(&repository)?;
    let top = repository.require_work_tree()?;
    match files.as_slice() {
        [one] => Ok(Some(top.join(one.to_path()))),
        [] => Ok(None),
        _ if choice_from_args(args).is_some() => {
            Err(CommandError::user("several files have conflicts: name the one you mean")
                .with_hint("`git comfy resolve --list` lists them"))
        }
        _ => Ok(None),
    }
}

fn list_conflicted_files(args: &ResolveArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let top = repository.require_work_tree()?.to_owned();
    let mut files = Vec::new();
    for path in merge_status::conflicted_files(&repository)? {
        let held = ConflictedFile::open(session, &top.join(path.to_path()))?;
        files.push((path.to_string(), held.conflicts()?));
    }
    let any = files.iter().any(|(_, all)| !all.is_empty());
    if args.json {
        session.ui.print(&conflicts_to_json(&files))?;
    } else if files.is_empty() {
        session.ui.report("no workflow has conflicts")?;
    } else {
        for (path, all) in &files {
            session.ui.print(&describe_conflicts(path, all))?;
        }
        session.ui.info("settle them: git comfy resolve FILE");
    }
    Ok(if any { Exit::Conflicts } else { Exit::Done })
}

/// Reports that a file has no conflicts; stages it if git still has it unmerged.
fn report_no_conflicts(session: &Session, held: &ConflictedFile<'_>) -> Result<Exit> {
    let name = sanitize::line(&held.name).into_owned();
    match held.stage_if_unmerged()? {
        true => report_staged(session, held, &name)?,
        false => session.ui.report(&format!("{name} has no conflicts"))?,
    }
    Ok(Exit::Done)
}

fn choice_from_args(args: &ResolveArgs) -> Option<ChoiceArgument> {
    if args.ours {
        return Some(ChoiceArgument::Choice(ConflictChoice::Side(MergeSide::Ours)));
    }
    if args.theirs {
        return Some(ChoiceArgument::Choice(ConflictChoice::Side(MergeSide::Theirs)));
    }
    if args.base {
        return Some(ChoiceArgument::Choice(ConflictChoice::Side(MergeSide::Base)));
    }
    if let Some(first) = args.both {
        let side = match first {
            FirstSide::OursFirst => MergeSide::Ours,
            FirstSide::TheirsFirst => MergeSide::Theirs,
        };
        return Some(ChoiceArgument::Choice(ConflictChoice::InSequence(side)));
    }
    if args.accept {
        return Some(ChoiceArgument::Choice(ConflictChoice::Accept));
    }
    args.set.clone().map(ChoiceArgument::Text)
}

enum ChoiceArgument {
    Choice(ConflictChoice),
    /// The value of `--set`, as typed.
    Text(String),
}

fn apply_choice(
    args: &ResolveArgs,
    session: &Session,
    held: &ConflictedFile<'_>,
    all: &[UnsettledConflict],
    chosen: &ChoiceArgument,
) -> Result<Exit> {
    let meant: Vec<&UnsettledConflict> = all.iter().filter(|one| is_selected(args, one)).collect();
    if meant.is_empty() {
        let name = sanitize::line(&held.name);
        return Err(CommandError::user(format!("{name} has conflicts, but none that you name"))
            .with_hint(format!(
                "`git comfy resolve {} --list` lists them",
                quote_path(&held.name)
            )));
    }
    if matches!(chosen, ChoiceArgument::Text(_)) && meant.len() > 1 {
        return Err(CommandError::user(format!(
            "--set is for one conflict, but {} are meant",
            meant.len()
        ))
        .with_hint("name one with --only N"));
    }
    let mut choices = Vec::new();
    for unsettled in meant {
        let choice = match chosen {
            ChoiceArgument::Choice(choice) => choice.clone(),
            ChoiceArgument::Text(text) => ConflictChoice::Value(parse_value(unsettled, text)?),
        };
        choices.push((unsettled.id, choice));
    }
    let settled = held.resolve(&choices)?;
    report_settled(session, held, &settled)?;
    Ok(if settled.left == 0 { Exit::Done } else { Exit::Conflicts })
}

fn is_selected(args: &ResolveArgs, unsettled: &UnsettledConflict) -> bool {
    let conflict = &unsettled.conflict;
    let has = |id: &String| {
        let id = id.trim_start_matches('#');
        conflict.node.as_ref().is_some_and(|node| node.id.to_string() == id)
    };
    let at = |name: &String| conflict.place().is_some_and(|place| matches_place_name(place, name));
    (args.only.is_empty() || args.only.contains(&unsettled.id))
        && (args.node.is_empty() || args.node.iter().any(has))
        && (args.at.is_empty() || args.at.iter().any(at))
}

/// Whether `--at` names a place: by the name of the input, or by its whole text.
fn matches_place_name(place: &MergePlace, name: &str) -> bool {
    let own = match place {
        MergePlace::Input(slot) | MergePlace::Boundary(slot) => slot.to_string() == name,
        _ => false,
    };
    own || place.to_string() == name
}

/// Whether a conflict is about one value that can be typed.
fn accepts_value(unsettled: &UnsettledConflict) -> bool {
    let [part] = unsettled.conflict.parts.as_slice() else { return false };
    match &part.place {
        MergePlace::Widget(_)
        | MergePlace::Key(_)
        | MergePlace::InputKey(..)
        | MergePlace::Graph(_) => true,
        MergePlace::Group { path, .. } => !path.0.is_empty(),
        _ => false,
    }
}

/// A typed value: a text where the sides have texts, else JSON.
fn parse_value(unsettled: &UnsettledConflict, text: &str) -> Result<Value> {
    let what = conflict_heading(unsettled);
    if !accepts_value(unsettled) {
        return Err(CommandError::user(format!("{what}: it takes no value of its own"))
            .with_hint("choose a side, or change it in ComfyUI, save, and --accept"));
    }
    let sides = unsettled.conflict.parts.first().map(|part| &part.sides);
    let texts = sides.is_some_and(|sides| {
        [&sides.ours, &sides.theirs].into_iter().flatten().all(|v| matches!(v, Value::String(_)))
    });
    if texts {
        return Ok(Value::from(text));
    }
    json::parse_text(text).map_err(|error| {
        CommandError::user(error)
            .with_context(format!("{what}: `{}` is no JSON value", sanitize::line(text)))
            .with_hint("numbers as 6.5, texts in \"quotes\", true, false, null")
    })
}

/// Asks about one conflict after the other. Each answer is written at once, into the file
/// as it is then, so that nothing saved meanwhile is lost.
fn ask_interactively(session: &Session, held: &ConflictedFile<'_>) -> Result<Exit> {
    let mut lines = std::io::stdin().lock().lines();
    let mut skipped: Vec<i64> = Vec::new();
    loop {
        let all = held.conflicts()?;
        let Some(next) = all.iter().find(|one| !skipped.contains(&one.id)) else {
            return report_left(session, held, all.len());
        };
        let open = all.iter().filter(|one| !skipped.contains(&one.id)).count();
        let more = if open > 1 { format!(" (1 of {open})") } else { String::new() };
        session.ui.print(&format!(
            "\n{}{more}\n{}",
            conflict_heading(next),
            describe_answers(next, AnswerNumbers::Shown)
        ))?;
        let known = list_answers(next);
        let own = if accepts_value(next) { ", =VALUE for your own" } else { "" };
        session.ui.print(&format!("1-{}{own}, s to skip, q to stop: ", known.len()))?;
        let Some(line) = lines.next() else { return report_left(session, held, all.len()) };
        let line = line?;
        let choice = match line.trim() {
            "q" => return report_left(session, held, all.len()),
            "s" | "" => {
                skipped.push(next.id);
                continue;
            }
            answer => match parse_answer(next, &known, answer) {
                Ok(choice) => choice,
                Err(failure) => {
                    session.ui.print_error(&failure);
                    continue;
                }
            },
        };
        let settled = held.resolve(&[(next.id, choice)])?;
        if !settled.refused.is_empty() {
            skipped.push(next.id);
        }
        if settled.left == 0 || !settled.refused.is_empty() {
            report_settled(session, held, &settled)?;
        }
        if settled.left == 0 {
            return Ok(Exit::Done);
        }
    }
}

fn parse_answer(
    unsettled: &UnsettledConflict,
    known: &[conflict_text::ConflictAnswer],
    answer: &str,
) -> Result<ConflictChoice> {
    if let Some(text) = answer.strip_prefix('=') {
        return Ok(ConflictChoice::Value(parse_value(unsettled, text.trim())?));
    }
    let named = known.iter().find(|one| match &one.choice {
        ConflictChoice::Side(side) => side.as_str() == answer,
        ConflictChoice::InSequence(side) => format!("{}-first", side.as_str()) == answer,
        _ => answer == "accept",
    });
    let number = answer.parse::<usize>().ok().and_then(|n| known.get(n.checked_sub(1)?));
    named.or(number).map(|one| one.choice.clone()).ok_or_else(|| {
        CommandError::user(format!("`{}` is none of the answers", sanitize::line(answer)))
    })
}

fn report_left(session: &Session, held: &ConflictedFile<'_>, left: usize) -> Result<Exit> {
    let name = sanitize::line(&held.name);
    session.ui.report(&format!("{name}: {} left", merge_files::describe_count(left)))?;
    Ok(Exit::Conflicts)
}

fn report_settled(
    session: &Session,
    held: &ConflictedFile<'_>,
    settled: &SettledConflicts,
) -> Result<()> {
    let name = sanitize::line(&held.name).into_owned();
    for line in &settled.refused {
        session.ui.warn(&format!("  {line}"));
    }
    for note in &settled.notes {
        session.ui.info(&format!("  note #{note} has words of yours in it, so it stays"));
    }
    if settled.left > 0 {
        let (done, left) = (settled.settled, merge_files::describe_count(settled.left));
        session.ui.report(&format!("{name}: {done} settled, {left} left"))?;
        return Ok(());
    }
    if settled.staged {
        return report_staged(session, held, &name);
    }
    session.ui.report(&format!("{name}: all conflicts are settled"))?;
    Ok(())
}

fn report_staged(session: &Session, held: &ConflictedFile<'_>, name: &str) -> Result<()> {
    let next =
        held.continue_command().map(|next| format!("; go on with `{next}`")).unwrap_or_default();
    session.ui.report(&format!("{name}: all conflicts are settled, and it is staged{next}"))?;
    Ok(())
}
