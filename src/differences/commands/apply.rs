//! `git comfy apply`: replays a difference that `git comfy diff --format json` wrote.

use std::path::{Path, PathBuf};

use comfy_graph::clean::{self, CleanOutcome, Clock, LayoutMode, LayoutRelation, LayoutSource};
use comfy_graph::diff::{self, EditScript, schema};
use comfy_graph::json::{self, JsonStyle, Value};

use crate::differences::operands;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::file_argument;
use crate::platform::text::sanitize;
use crate::session::Session;

const EXAMPLES: &str = "\
Reads what `git comfy diff --format json` wrote. Everything that the difference changes
must be in the file as it was before it; if not, nothing is written, and the node and the
value that do not fit are named. Nodes stay where the file has them.

Examples:
  git comfy diff main sketch -- portrait.json --format json > change.json
  git comfy apply portrait.json change.json --check        would it fit?
  git comfy apply portrait.json change.json -o portrait.json
  git comfy diff old.json new.json --format json | git comfy apply other.json -";

/// Replay a difference on a workflow.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ApplyArgs {
    /// The workflow to change.
    file: PathBuf,
    /// The difference; `-` reads standard input.
    script: PathBuf,
    /// Write the result there (may be the file itself); else it is printed.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only say whether it fits.
    #[arg(long, conflicts_with = "output")]
    check: bool,
}

pub fn run(args: &ApplyArgs, session: &Session) -> Result<Exit> {
    let script = read_script(args, session)?;
    let bytes = operands::read_file(&session.cwd.join(&args.file))?;
    let name = display_name(&args.file);
    let document = json::parse(&bytes).map_err(|error| {
        CommandError::user(error).with_context(format!("{name} is no workflow"))
    })?;
    let changed = diff::apply(&document, &script).map_err(|refused| {
        let refused = refused.to_string();
        CommandError::user(format!("{name}: {}", sanitize::line(&refused))).with_hint(
            "the difference was made for another state of the workflow; nothing is written",
        )
    })?;
    if args.check {
        session.ui.report(&format!("{name}: fits"))?;
        return Ok(Exit::Done);
    }
    let result = restore_layout(&changed, &bytes);
    match &args.output {
        None => session.ui.print_bytes(&result)?,
        Some(output) => file_argument::replace_file(&session.cwd.join(output), &result)?,
    }
    Ok(Exit::Done)
}

fn display_name(file: &Path) -> String {
    sanitize::line(&file.display().to_string()).into_owned()
}

/// The changed workflow with the layout that the file had.
fn restore_layout(changed: &Value, bytes: &[u8]) -> Vec<u8> {
    let text = json::print(changed, &JsonStyle::CANONICAL);
    let content = match clean::clean_document(text.as_bytes(), LayoutMode::Strip) {
        CleanOutcome::Cleaned(cleaned) => cleaned.content,
        CleanOutcome::Untouched(_) => text.into_bytes(),
    };
    let layout = match clean::clean_document(bytes, LayoutMode::Strip) {
        CleanOutcome::Cleaned(cleaned) => cleaned.layout,
        CleanOutcome::Untouched(_) => None,
    };
    let layout = layout.and_then(|line| clean::stamp_uniformly(&line, Clock::Unknown(0)));
    let composed = layout.and_then(|layout| {
        let source = LayoutSource { layout: &layout, relation: LayoutRelation::ById };
        clean::compose_file(&content, &[source], Clock::Unknown(0))
    });
    composed.map_or(content, |composed| composed.bytes)
}

fn read_script(args: &ApplyArgs, session: &Session) -> Result<EditScript> {
    let name = display_name(&args.script);
    let bytes = if args.script == Path::new("-") {
        operands::read_stdin()?
    } else {
        operands::read_file(&session.cwd.join(&args.script))?
    };
    let hint = "git comfy diff --format json writes what can be replayed";
    let no_script = |why: &str| CommandError::user(format!("{name}: {why}")).with_hint(hint);
    let document = json::parse(&bytes).map_err(|error| {
        CommandError::user(error)
            .with_context(format!("{name}: this is no difference"))
            .with_hint(hint)
    })?;
    if document.get("schema").and_then(Value::as_str) != Some("git-comfy/diff") {
        return Err(no_script("this is no difference"));
    }
    match document.get("version").and_then(Value::as_i64) {
        Some(version) if version <= schema::DIFF_SCHEMA_VERSION => {}
        _ => return Err(no_script("this was written by a newer git-comfy")),
    }
    let files = document.get("files").and_then(Value::as_array).unwrap_or_default();
    let file = match choose_file_entry(files, &args.file) {
        ChosenEntry::One(file) => file,
        ChosenEntry::None => return Err(no_script("no workflow changed in it")),
        ChosenEntry::Several(count) => {
            let why = format!("{count} workflows changed in it; diff one of them");
            return Err(no_script(&why));
        }
    };
    if file.get("before").is_none() || file.get("after").is_none() {
        return Err(no_script("the file came or went as a whole; there is nothing to replay"));
    }
    let script = file.get("script");
    let script = script.ok_or_else(|| no_script("the file in it is no workflow"))?;
    EditScript::from_json(script).map_err(|misread| {
        no_script(&format!("this is no difference: {}", sanitize::line(&misread.to_string())))
    })
}

/// The entry of a difference that is meant.
enum ChosenEntry<'v> {
    One(&'v Value),
    /// No workflow differs.
    None,
    /// So many do, and none by that name or not it alone.
    Several(usize),
}

/// The entry for a file: the one of its name, else the only one.
fn choose_file_entry<'v>(files: &'v [Value], file: &Path) -> ChosenEntry<'v> {
    let is_named = |entry: &&Value, side: &str| {
        let name = entry.get(side).and_then(|side| side.get("name")).and_then(Value::as_str);
        name.is_some_and(|name| Path::new(name).file_name() == file.file_name())
    };
    let told: Vec<&Value> = files.iter().filter(|entry| entry.get("script").is_some()).collect();
    let named: Vec<&&Value> =
        told.iter().filter(|entry| is_named(entry, "before") || is_named(entry, "after")).collect();
    match (told.as_slice(), named.as_slice()) {
        ([only], _) => ChosenEntry::One(only),
        (_, [named]) => ChosenEntry::One(named),
        ([], _) => ChosenEntry::None,
        (many, _) => ChosenEntry::Several(many.len()),
    }
}
