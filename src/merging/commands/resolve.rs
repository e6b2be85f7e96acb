//! `git comfy resolve`: lists the conflicts that workflows carry after a merge, and settles
//! them. When the last is settled every trace is gone and the file is staged.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use comfy_graph::json::{self, Value};
use comfy_graph::merge::{Choice, Place, Side, Unsettled};

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::merging::conflicted_file::{Held, Settled};
use crate::merging::resolve_text::{self, Numbers, answers, heading, in_json, list, one};
use crate::merging::{driver, merge_files};
use crate::platform::git::shell::typed_name;
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
  git comfy resolve portrait.json --accept     as it is in the file now")]
pub struct Args {
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

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let file = match &args.file {
        Some(file) => Some(file.clone()),
        None => only_file(args, session)?,
    };
    let Some(file) = file else { return list_all(args, session) };
    let held = Held::open(session, &file)?;
    let all = held.read()?;
    if args.json {
        session.ui.out(&in_json(&[(held.name.clone(), all.clone())]))?;
        return Ok(if all.is_empty() { Exit::Done } else { Exit::Conflicts });
    }
    if all.is_empty() {
        return none_left(session, &held);
    }
    if let Some(choice) = chosen(args) {
        return by_choice(args, session, &held, &all, &choice);
    }
    let asks = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if args.interactive || (asks && !args.list) {
        return ask(session, &held);
    }
    session.ui.out(&list(&held.name, &all))?;
    Ok(Exit::Conflicts)
}

/// The file with conflicts, if none was named and there is only one.
fn only_file(args: &Args, session: &Session) -> Result<Option<PathBuf>> {
    if args.list || args.json {
        return Ok(None);
    }
    let repository = session.repository()?;
    let files = driver::conflicted(&repository)?;
    let top = repository.require_work_tree()?;
    match files.as_slice() {
        [one] => Ok(Some(top.join(one.to_path()))),
        [] => Ok(None),
        _ if chosen(args).is_some() => {
            Err(Failure::new("several files have conflicts: name the one you mean")
                .hint("`git comfy resolve --list` lists them"))
        }
        _ => Ok(None),
    }
}

fn list_all(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let top = repository.require_work_tree()?.to_owned();
    let mut files = Vec::new();
    for path in driver::conflicted(&repository)? {
        let held = Held::open(session, &top.join(path.to_path()))?;
        files.push((path.to_string(), held.read()?));
    }
    let any = files.iter().any(|(_, all)| !all.is_empty());
    if args.json {
        session.ui.out(&in_json(&files))?;
    } else if files.is_empty() {
        session.ui.tell("no workflow has conflicts")?;
    } else {
        for (path, all) in &files {
            session.ui.out(&list(path, all))?;
        }
        session.ui.say("settle them: git comfy resolve FILE");
    }
    Ok(if any { Exit::Conflicts } else { Exit::Done })
}

/// Reports that a file has no conflicts; stages it if git still has it unmerged.
fn none_left(session: &Session, held: &Held<'_>) -> Result<Exit> {
    let name = sanitize::line(&held.name).into_owned();
    match held.stage_if_unmerged()? {
        true => told_staged(session, held, &name)?,
        false => session.ui.tell(&format!("{name} has no conflicts"))?,
    }
    Ok(Exit::Done)
}

fn chosen(args: &Args) -> Option<Chosen> {
    if args.ours {
        return Some(Chosen::Choice(Choice::Side(Side::Ours)));
    }
    if args.theirs {
        return Some(Chosen::Choice(Choice::Side(Side::Theirs)));
    }
    if args.base {
        return Some(Chosen::Choice(Choice::Side(Side::Base)));
    }
    if args.accept {
        return Some(Chosen::Choice(Choice::Accept));
    }
    args.set.clone().map(Chosen::Text)
}

enum Chosen {
    Choice(Choice),
    /// The value of `--set`, as typed.
    Text(String),
}

fn by_choice(
    args: &Args,
    session: &Session,
    held: &Held<'_>,
    all: &[Unsettled],
    chosen: &Chosen,
) -> Result<Exit> {
    let meant: Vec<&Unsettled> = all.iter().filter(|one| is_meant(args, one)).collect();
    if meant.is_empty() {
        let name = sanitize::line(&held.name);
        return Err(Failure::new(format!("{name} has conflicts, but none that you name"))
            .hint(format!("`git comfy resolve {} --list` lists them", typed_name(&held.name))));
    }
    if matches!(chosen, Chosen::Text(_)) && meant.len() > 1 {
        return Err(Failure::new(format!(
            "--set is for one conflict, but {} are meant",
            meant.len()
        ))
        .hint("name one with --only N"));
    }
    let mut choices = Vec::new();
    for unsettled in meant {
        let choice = match chosen {
            Chosen::Choice(choice) => choice.clone(),
            Chosen::Text(text) => Choice::Value(value_for(unsettled, text)?),
        };
        choices.push((unsettled.id, choice));
    }
    let settled = held.settle(&choices)?;
    tell(session, held, &settled)?;
    Ok(if settled.left == 0 { Exit::Done } else { Exit::Conflicts })
}

fn is_meant(args: &Args, unsettled: &Unsettled) -> bool {
    let conflict = &unsettled.conflict;
    let has = |id: &String| {
        let id = id.trim_start_matches('#');
        conflict.node.as_ref().is_some_and(|node| node.id.to_string() == id)
    };
    let at = |name: &String| conflict.place().is_some_and(|place| is_at(place, name));
    (args.only.is_empty() || args.only.contains(&unsettled.id))
        && (args.node.is_empty() || args.node.iter().any(has))
        && (args.at.is_empty() || args.at.iter().any(at))
}

/// Whether `--at` names a place: by the name of the input, or by its whole text.
fn is_at(place: &Place, name: &str) -> bool {
    let own = match place {
        Place::Input(slot) | Place::Boundary(slot) => slot.to_string() == name,
        _ => false,
    };
    own || place.to_string() == name
}

/// Whether a conflict is about one value that can be typed.
fn takes_value(unsettled: &Unsettled) -> bool {
    let [part] = unsettled.conflict.parts.as_slice() else { return false };
    match &part.place {
        Place::Widget(_) | Place::Key(_) | Place::InputKey(..) | Place::Graph(_) => true,
        Place::Group(_, _, path) => !path.0.is_empty(),
        _ => false,
    }
}

/// A typed value: a text where the sides have texts, else JSON.
fn value_for(unsettled: &Unsettled, text: &str) -> Result<Value> {
    let what = heading(unsettled);
    if !takes_value(unsettled) {
        return Err(Failure::new(format!("{what}: it takes no value of its own"))
            .hint("choose a side, or change it in ComfyUI, save, and --accept"));
    }
    let sides = unsettled.conflict.parts.first().map(|part| &part.sides);
    let texts = sides.is_some_and(|sides| {
        [&sides.ours, &sides.theirs].into_iter().flatten().all(|v| matches!(v, Value::String(_)))
    });
    if texts {
        return Ok(Value::from(text));
    }
    json::parse_text(text).map_err(|_| {
        Failure::new(format!("{what}: `{}` is no JSON value", sanitize::line(text)))
            .hint("numbers as 6.5, texts in \"quotes\", true, false, null")
    })
}

/// Asks about one conflict after the other. Each answer is written at once, into the file
/// as it is then, so that nothing saved meanwhile is lost.
fn ask(session: &Session, held: &Held<'_>) -> Result<Exit> {
    let mut lines = std::io::stdin().lock().lines();
    let mut skipped: Vec<i64> = Vec::new();
    loop {
        let all = held.read()?;
        let Some(next) = all.iter().find(|one| !skipped.contains(&one.id)) else {
            return finish(session, held, all.len());
        };
        let open = all.iter().filter(|one| !skipped.contains(&one.id)).count();
        let more = if open > 1 { format!(" (1 of {open})") } else { String::new() };
        session.ui.out(&format!("\n{}{more}\n{}", heading(next), one(next, Numbers::Shown)))?;
        let known = answers(next);
        let own = if takes_value(next) { ", =VALUE for your own" } else { "" };
        session.ui.out(&format!("1-{}{own}, s to skip, q to stop: ", known.len()))?;
        let Some(line) = lines.next() else { return finish(session, held, all.len()) };
        let line = line?;
        let choice = match line.trim() {
            "q" => return finish(session, held, all.len()),
            "s" | "" => {
                skipped.push(next.id);
                continue;
            }
            answer => match read_answer(next, &known, answer) {
                Ok(choice) => choice,
                Err(failure) => {
                    session.ui.fail(&failure);
                    continue;
                }
            },
        };
        let settled = held.settle(&[(next.id, choice)])?;
        if !settled.refused.is_empty() {
            skipped.push(next.id);
        }
        if settled.left == 0 || !settled.refused.is_empty() {
            tell(session, held, &settled)?;
        }
        if settled.left == 0 {
            return Ok(Exit::Done);
        }
    }
}

fn read_answer(
    unsettled: &Unsettled,
    known: &[resolve_text::Answer],
    answer: &str,
) -> Result<Choice> {
    if let Some(text) = answer.strip_prefix('=') {
        return Ok(Choice::Value(value_for(unsettled, text.trim())?));
    }
    let named = known.iter().find(|one| match &one.choice {
        Choice::Side(side) => side.word() == answer,
        _ => answer == "accept",
    });
    let number = answer.parse::<usize>().ok().and_then(|n| known.get(n.checked_sub(1)?));
    named
        .or(number)
        .map(|one| one.choice.clone())
        .ok_or_else(|| Failure::new(format!("`{}` is none of the answers", sanitize::line(answer))))
}

fn finish(session: &Session, held: &Held<'_>, left: usize) -> Result<Exit> {
    let name = sanitize::line(&held.name);
    session.ui.tell(&format!("{name}: {} left", merge_files::count(left)))?;
    Ok(Exit::Conflicts)
}

fn tell(session: &Session, held: &Held<'_>, settled: &Settled) -> Result<()> {
    let name = sanitize::line(&held.name).into_owned();
    for line in &settled.refused {
        session.ui.warn(&format!("  {line}"));
    }
    for note in &settled.notes {
        session.ui.say(&format!("  note #{note} has words of yours in it, so it stays"));
    }
    if settled.left > 0 {
        let (done, left) = (settled.settled, merge_files::count(settled.left));
        session.ui.tell(&format!("{name}: {done} settled, {left} left"))?;
        return Ok(());
    }
    if settled.staged {
        return told_staged(session, held, &name);
    }
    session.ui.tell(&format!("{name}: all conflicts are settled"))?;
    Ok(())
}

fn told_staged(session: &Session, held: &Held<'_>, name: &str) -> Result<()> {
    let next = held.next_step().map(|next| format!("; go on with `{next}`")).unwrap_or_default();
    session.ui.tell(&format!("{name}: all conflicts are settled, and it is staged{next}"))?;
    Ok(())
}

/// A path for display; not sanitized.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
