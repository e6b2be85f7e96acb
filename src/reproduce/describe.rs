//! A check for a person and for programs: what is here as it was, what is not, and what can
//! be done. Text from files is sanitized here. Must not print.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::finding::{
    Check, Effect, InputCheck, InputState, ModelCheck, ModelState, PackCheck, PackState, Part,
    PartCheck, PartState, Verdict,
};
use super::repair::{Agreement, Repaired};
use super::wanted::By;
use crate::platform::text::sanitize;
use crate::reproduce;

/// The number of the JSON form, raised when a reader of it would break.
pub const SCHEMA: u32 = 1;

const BOLD: Style = Style::new().bold();
const MUTED: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const WAITS: Style = AnsiColor::Yellow.on_default();
const HEADING: Style = AnsiColor::Cyan.on_default();

/// A finding in a line, with what can be done about it.
struct Row {
    effect: Effect,
    word: &'static str,
    what: String,
    told: String,
    more: Vec<String>,
}

/// The verdict in a sentence.
pub fn verdict(check: &Check) -> &'static str {
    match check.verdict {
        Verdict::Same => "same: everything is here as it was recorded",
        Verdict::Repairable => "repairable: it runs here; what is not as it was is listed",
        Verdict::NotHere if !check.comfyui_found => {
            "not reproducible here: no ComfyUI was found on this machine"
        }
        Verdict::NotHere => "not reproducible here: something it needs is missing",
    }
}

/// The check in words: what is about to be made again, its verdict, every finding.
pub fn tell(title: &str, check: &Check) -> String {
    let style = match check.verdict {
        Verdict::Same => GOOD,
        Verdict::Repairable => WAITS,
        Verdict::NotHere => BAD,
    };
    let title = sanitize::line(title);
    let mut out = format!("{BOLD}{title}{BOLD:#}\n{style}{}{style:#}\n", verdict(check));
    if !check.comfyui_found {
        let _ =
            writeln!(out, "  {MUTED}git config comfy.root <folder of ComfyUI> names one{MUTED:#}");
    }
    section(&mut out, "models", check.models.iter().map(model).collect());
    let mut packs: Vec<Row> = check.packs.iter().map(pack).collect();
    packs.extend(check.unplaced.iter().map(|class| unplaced(class)));
    section(&mut out, "node packs", packs);
    section(&mut out, "input files", check.inputs.iter().map(input).collect());
    let said = check.environment_by.as_ref().map(|who| format!(", as {}", by(who)));
    let runs_on = format!("runs on{}", said.unwrap_or_default());
    section(&mut out, &runs_on, parts(&check.environment));
    out
}

/// The parts, with those that nobody knows anything of in one line.
fn parts(parts: &[PartCheck]) -> Vec<Row> {
    let is_blank = |found: &&PartCheck| found.was.is_none() && found.here.is_none();
    let mut rows: Vec<Row> = parts.iter().filter(|found| !is_blank(found)).map(part).collect();
    let blank: Vec<&str> = parts.iter().filter(is_blank).map(|found| name(found.part)).collect();
    if !blank.is_empty() {
        rows.push(Row {
            effect: Effect::Unknown,
            word: "unknown",
            what: blank.join(", "),
            told: "nobody recorded it, and it is not known here".to_owned(),
            more: Vec::new(),
        });
    }
    rows
}

fn name(part: Part) -> &'static str {
    match part {
        Part::Comfyui => "ComfyUI",
        Part::Python => "Python",
        Part::Torch => "torch",
        Part::Device => "graphics card",
        Part::Flags => "flags",
    }
}

fn section(out: &mut String, name: &str, rows: Vec<Row>) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "{HEADING}{name}{HEADING:#}");
    let wide = rows.iter().map(|row| row.word.len()).max().unwrap_or(0);
    for row in rows {
        let style = match row.effect {
            Effect::Fine => GOOD,
            Effect::Repaired | Effect::Unknown | Effect::Differs | Effect::Fixable => WAITS,
            Effect::Blocks => BAD,
        };
        let pad = " ".repeat(wide - row.word.len());
        let (what, told) = (sanitize::line(&row.what), sanitize::line(&row.told));
        let _ = writeln!(out, "  {style}{}{style:#}{pad}  {what}  {told}", row.word);
        for line in row.more {
            let indent = " ".repeat(wide + 4);
            let _ = writeln!(out, "{indent}{MUTED}{}{MUTED:#}", sanitize::line(&line));
        }
    }
}

fn by(by: &By) -> String {
    let short = |commit: &str| commit.chars().take(10).collect::<String>();
    match by {
        By::Run => "recorded with the run".to_owned(),
        By::Commit(commit) => format!("recorded with {}", short(commit)),
        By::Lock => "locked".to_owned(),
        By::Workflow => "said by the workflow".to_owned(),
        By::Other(commit) => format!("recorded with {}, of another workflow", short(commit)),
        By::Machine => "remembered by this machine".to_owned(),
    }
}

fn model(model: &ModelCheck) -> Row {
    let known = model.recorded_by.as_ref().map(by).unwrap_or_default();
    let mut more: Vec<String> = Vec::new();
    let (word, told) = match &model.state {
        ModelState::Same => ("same", format!("the same bytes ({known})")),
        ModelState::Renamed { to, place } => {
            more.push(format!("the same bytes ({known}) lie at {place}"));
            ("renamed", format!("is called {to} here"))
        }
        ModelState::Misplaced { at } => {
            more.push("move or link it into a folder of its type".to_owned());
            ("misplaced", format!("lies at {}, where its loader does not look", at.join(", ")))
        }
        ModelState::Replaced { sha256 } => {
            let now: String = sha256.chars().take(10).collect();
            more.extend(was(model, &known));
            ("replaced", format!("another file has this name now (sha256 {now}…)"))
        }
        ModelState::Missing => {
            more.extend(was(model, &known));
            let lost = "is not here; nobody recorded its bytes";
            ("missing", if model.recorded.is_empty() { lost } else { "is not here" }.to_owned())
        }
        ModelState::Refused { why } => ("refused", why.clone()),
        ModelState::Unknown { why } => ("unknown", why.clone()),
    };
    let effect = model.effect();
    if matches!(effect, Effect::Blocks | Effect::Unknown) {
        more.extend(model.sources.iter().map(|url| format!("from {url}")));
    }
    Row { effect, word, what: format!("{}/{}", model.folder, model.name), told, more }
}

fn was(model: &ModelCheck, known: &str) -> Option<String> {
    let digest = model.recorded.first()?;
    Some(format!("it was {digest} ({known})"))
}

fn pack(pack: &PackCheck) -> Row {
    let was = if pack.was.is_empty() { "of unknown version" } else { &pack.was };
    let mut more: Vec<String> = Vec::new();
    let mut lines = |get: Option<&String>, back: Option<&String>| {
        more.extend(get.map(|line| format!("{line}    gets what it was")));
        more.extend(back.map(|line| format!("{line}    goes back")));
    };
    let (word, told) = match &pack.state {
        PackState::Same => ("same", format!("{was} ({})", by(&pack.recorded_by))),
        PackState::Other { here, get, back, dirty, .. } => {
            lines(get.as_ref(), back.as_ref());
            let changed = if *dirty { "; its files are changed: git stash first" } else { "" };
            let known = by(&pack.recorded_by);
            ("other", format!("{was} then ({known}), {here} now{changed}"))
        }
        PackState::Dirty { get, back } => {
            lines(Some(get), Some(back));
            ("changed", format!("{was}, and its files are changed here"))
        }
        PackState::Disabled { at } => ("disabled", format!("is switched off at {at}")),
        PackState::Missing { get } => {
            lines(get.as_ref(), None);
            ("missing", format!("{was} then; it is not installed"))
        }
        PackState::Unknown { here, why } => {
            let here = if here.is_empty() { String::new() } else { format!("{here} here; ") };
            let was = if pack.was.is_empty() { String::new() } else { format!("{was}, ") };
            ("unknown", format!("{was}{here}{why}"))
        }
    };
    if !pack.gone.is_empty() && pack.effect() != Effect::Fine {
        let gone: Vec<&str> = pack.gone.iter().map(String::as_str).collect();
        more.push(format!("what is here does not bring {}", gone.join(", ")));
    }
    if pack.effect() != Effect::Fine && !pack.classes.is_empty() {
        let classes: Vec<&str> = pack.classes.iter().map(String::as_str).collect();
        more.push(format!("for {}", classes.join(", ")));
    }
    Row { effect: pack.effect(), word, what: pack.name.clone(), told, more }
}

fn unplaced(class: &str) -> Row {
    let told = "no installed pack is known to bring this node".to_owned();
    Row { effect: Effect::Blocks, word: "missing", what: class.to_owned(), told, more: Vec::new() }
}

fn input(input: &InputCheck) -> Row {
    let more = Vec::new();
    let (word, told) = match &input.state {
        InputState::Same => ("same", "the same bytes".to_owned()),
        InputState::Moved { to } => ("moved", format!("is called {to} here")),
        InputState::Restorable { from } => {
            ("lost", format!("its bytes are at {from}; --apply puts them back"))
        }
        InputState::Replaced => ("replaced", "another file has this name now".to_owned()),
        InputState::Missing => ("missing", "is not here".to_owned()),
        InputState::Unknown { why } => ("unknown", why.clone()),
    };
    Row { effect: input.effect(), word, what: input.name.clone(), told, more }
}

fn part(part: &PartCheck) -> Row {
    let shown = |text: &Option<String>| match text.as_deref() {
        Some("") => "nothing".to_owned(),
        Some(text) => text.to_owned(),
        None => "unknown".to_owned(),
    };
    let mut more = Vec::new();
    let (word, told) = match &part.state {
        PartState::Same => ("same", shown(&part.here)),
        PartState::Other { get, back } => {
            more.extend(get.as_ref().map(|line| format!("{line}    gets what it was")));
            more.extend(back.as_ref().map(|line| format!("{line}    goes back")));
            ("other", format!("{} then, {} now", shown(&part.was), shown(&part.here)))
        }
        PartState::Unknown => match (&part.was, &part.here) {
            (None, Some(here)) => ("unknown", format!("{here} now; nobody recorded it then")),
            (Some(was), None) => ("unknown", format!("{was} then; not known here")),
            (Some(_), Some(_)) | (None, None) => ("unknown", "not known".to_owned()),
        },
    };
    Row { effect: part.effect(), word, what: name(part.part).to_owned(), told, more }
}

/// Why the verdict is not better, one sentence for each finding, the gravest first.
pub fn reasons(check: &Check) -> Vec<String> {
    let mut rows: Vec<Row> = check.models.iter().map(model).collect();
    rows.extend(check.packs.iter().map(pack));
    rows.extend(check.unplaced.iter().map(|class| unplaced(class)));
    rows.extend(check.inputs.iter().map(input));
    rows.extend(parts(&check.environment));
    rows.retain(|row| row.effect != Effect::Fine);
    rows.sort_by_key(|row| std::cmp::Reverse(row.effect));
    rows.into_iter().map(|row| format!("{}: {}: {}", row.word, row.what, row.told)).collect()
}

/// The check as JSON: `docs/reproduce-schema.md`.
pub fn json(title: &str, run: Option<&str>, check: &Check, repaired: Option<&Repaired>) -> String {
    let mut told = json!({
        "schema": SCHEMA,
        "original": title,
        "run": run,
        "verdict": check.verdict,
        "reasons": reasons(check),
        "check": check,
    });
    if let (Some(repaired), Some(object)) = (repaired, told.as_object_mut()) {
        object.insert("repair".to_owned(), repair_json(repaired));
    }
    format!("{}\n", sanitize::json(&format!("{told:#}")))
}

fn repair_json(repaired: &Repaired) -> Value {
    let agreement = match &repaired.agreement {
        Agreement::Agrees => json!({"state": "agree"}),
        Agreement::Differs(found) => {
            let place = |found: &reproduce::Difference| json!({"node": found.node.to_string(), "input": found.input});
            json!({"state": "differ", "at": found.iter().map(place).collect::<Vec<_>>()})
        }
        Agreement::Foreign => json!({"state": "foreign"}),
        Agreement::Alone => json!({"state": "alone"}),
    };
    json!({
        "renamed": repaired.renamed,
        "controls_fixed": repaired.fixed.controls,
        "values_put_back": repaired.fixed.values,
        "prompt_is_made": repaired.is_made,
        "documents": agreement,
    })
}

/// What was done to the documents, to stand behind the name of the file.
pub fn repaired(repaired: &Repaired) -> String {
    let mut parts = Vec::new();
    let count = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    parts.extend(count(repaired.renamed, "name repaired", "names repaired"));
    if repaired.fixed.controls > 0 || repaired.fixed.values > 0 {
        parts.push("seeds held fixed".to_owned());
    }
    if repaired.is_made {
        parts.push("with the seed as it was saved: which one ran only a picture knows".to_owned());
    }
    match &repaired.agreement {
        Agreement::Differs(found) => {
            let places = found.iter().take(5).map(|found| match &found.input {
                Some(input) => format!("#{} {input}", found.node),
                None => format!("#{}", found.node),
            });
            let places: Vec<String> = places.collect();
            let more = if found.len() > 5 { " and more" } else { "" };
            parts.push(format!(
                "but ComfyUI would make another prompt of it at {}{more}; --api gives the one that ran",
                places.join(", ")
            ));
        }
        Agreement::Foreign => {
            parts.push("the workflow beside it is another one's, so this is the prompt".to_owned())
        }
        Agreement::Agrees | Agreement::Alone => {}
    }
    let text: String = parts.iter().map(|part| format!(", {part}")).collect();
    sanitize::line(&text).into_owned()
}
