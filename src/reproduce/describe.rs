//! A check for a person and for programs: what is here as it was, what is not, and what can
//! be done. Text from files is sanitized here. Must not print.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::check_findings::{
    EnvironmentPart, EnvironmentPartCheck, EnvironmentPartState, FindingEffect, InputCheck,
    InputState, ModelCheck, ModelState, PackCheck, PackState, ReproductionCheck,
    ReproductionVerdict,
};
use super::prompt_differences::PromptDifference;
use super::repair::{DocumentAgreement, RepairedDocuments};
use super::requirements::FactSource;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;

/// The number of the JSON form, raised when a reader of it would break.
pub(crate) const SCHEMA: u32 = 1;

const BOLD: Style = Style::new().bold();
const MUTED: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default();
const HEADING: Style = AnsiColor::Cyan.on_default();

/// A finding in a line, with what can be done about it.
struct FindingRow {
    effect: FindingEffect,
    word: &'static str,
    what: String,
    description: String,
    details: Vec<String>,
}

/// The verdict in a sentence.
pub(crate) fn describe_verdict(check: &ReproductionCheck) -> &'static str {
    match check.verdict {
        ReproductionVerdict::Same => "same: everything is here as it was recorded",
        ReproductionVerdict::Repairable => {
            "repairable: it runs here; what is not as it was is listed"
        }
        ReproductionVerdict::NotHere if !check.comfyui_found => {
            "not reproducible here: no ComfyUI was found on this machine"
        }
        ReproductionVerdict::NotHere => "not reproducible here: something it needs is missing",
    }
}

/// The check in words: what is about to be made again, its verdict, every finding.
pub(crate) fn describe_check(title: &str, check: &ReproductionCheck) -> String {
    let style = match check.verdict {
        ReproductionVerdict::Same => GOOD,
        ReproductionVerdict::Repairable => WARNING,
        ReproductionVerdict::NotHere => BAD,
    };
    let title = sanitize::line(title);
    let mut out = format!("{BOLD}{title}{BOLD:#}\n{style}{}{style:#}\n", describe_verdict(check));
    if !check.comfyui_found {
        let _ =
            writeln!(out, "  {MUTED}git config comfy.root <folder of ComfyUI> names one{MUTED:#}");
    }
    write_section(&mut out, "models", check.models.iter().map(model_row).collect());
    let mut packs: Vec<FindingRow> = check.packs.iter().map(pack_row).collect();
    packs.extend(check.unplaced.iter().map(|class| unplaced_row(class)));
    write_section(&mut out, "node packs", packs);
    write_section(&mut out, "input files", check.inputs.iter().map(input_row).collect());
    let source = check.environment_by.as_ref().map(|who| format!(", as {}", describe_source(who)));
    let runs_on = format!("runs on{}", source.unwrap_or_default());
    write_section(&mut out, &runs_on, environment_rows(&check.environment));
    out
}

/// The parts, with those that nobody knows anything of in one line.
fn environment_rows(parts: &[EnvironmentPartCheck]) -> Vec<FindingRow> {
    let is_blank = |found: &&EnvironmentPartCheck| found.was.is_none() && found.here.is_none();
    let mut rows: Vec<FindingRow> =
        parts.iter().filter(|found| !is_blank(found)).map(environment_row).collect();
    let blank: Vec<&str> =
        parts.iter().filter(is_blank).map(|found| part_name(found.part)).collect();
    if !blank.is_empty() {
        rows.push(FindingRow {
            effect: FindingEffect::Unknown,
            word: "unknown",
            what: blank.join(", "),
            description: "nobody recorded it, and it is not known here".to_owned(),
            details: Vec::new(),
        });
    }
    rows
}

fn part_name(part: EnvironmentPart) -> &'static str {
    match part {
        EnvironmentPart::Comfyui => "ComfyUI",
        EnvironmentPart::Python => "Python",
        EnvironmentPart::Torch => "torch",
        EnvironmentPart::Device => "graphics card",
        EnvironmentPart::Flags => "flags",
    }
}

fn write_section(out: &mut String, name: &str, rows: Vec<FindingRow>) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "{HEADING}{name}{HEADING:#}");
    let wide = rows.iter().map(|row| row.word.len()).max().unwrap_or(0);
    for row in rows {
        let style = match row.effect {
            FindingEffect::Fine => GOOD,
            FindingEffect::Repaired
            | FindingEffect::Unknown
            | FindingEffect::Differs
            | FindingEffect::Fixable => WARNING,
            FindingEffect::Blocks => BAD,
        };
        let pad = " ".repeat(wide - row.word.len());
        let (what, description) = (sanitize::line(&row.what), sanitize::line(&row.description));
        let _ = writeln!(out, "  {style}{}{style:#}{pad}  {what}  {description}", row.word);
        for line in row.details {
            let indent = " ".repeat(wide + 4);
            let _ = writeln!(out, "{indent}{MUTED}{}{MUTED:#}", sanitize::line(&line));
        }
    }
}

fn describe_source(by: &FactSource) -> String {
    let short = |commit: &str| commit.chars().take(10).collect::<String>();
    match by {
        FactSource::Run => "recorded with the run".to_owned(),
        FactSource::Commit(commit) => format!("recorded with {}", short(commit)),
        FactSource::Lock => "locked".to_owned(),
        FactSource::Workflow => "said by the workflow".to_owned(),
        FactSource::Other(commit) => {
            format!("recorded with {}, of another workflow", short(commit))
        }
        FactSource::Machine => "remembered by this machine".to_owned(),
    }
}

fn model_row(model: &ModelCheck) -> FindingRow {
    let known = model.recorded_by.as_ref().map(describe_source).unwrap_or_default();
    let mut more: Vec<String> = Vec::new();
    let (word, description) = match &model.state {
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
            more.extend(describe_recorded(model, &known));
            ("replaced", format!("another file has this name now (sha256 {now}…)"))
        }
        ModelState::Missing => {
            more.extend(describe_recorded(model, &known));
            let lost = "is not here; nobody recorded its bytes";
            ("missing", if model.recorded.is_empty() { lost } else { "is not here" }.to_owned())
        }
        ModelState::Refused { why } => ("refused", why.clone()),
        ModelState::Unknown { why } => ("unknown", why.clone()),
    };
    let effect = model.effect();
    if matches!(effect, FindingEffect::Blocks | FindingEffect::Unknown) {
        more.extend(model.sources.iter().map(|url| format!("from {url}")));
    }
    FindingRow {
        effect,
        word,
        what: format!("{}/{}", model.folder, model.name),
        description,
        details: more,
    }
}

fn describe_recorded(model: &ModelCheck, known: &str) -> Option<String> {
    let digest = model.recorded.first()?;
    Some(format!("it was {digest} ({known})"))
}

fn pack_row(pack: &PackCheck) -> FindingRow {
    let was = if pack.was.is_empty() { "of unknown version" } else { &pack.was };
    let mut more: Vec<String> = Vec::new();
    let mut lines = |get: Option<&String>, back: Option<&String>| {
        more.extend(get.map(|line| format!("{line}    gets what it was")));
        more.extend(back.map(|line| format!("{line}    goes back")));
    };
    let (word, description) = match &pack.state {
        PackState::Same => ("same", format!("{was} ({})", describe_source(&pack.recorded_by))),
        PackState::Other { here, get, back, dirty, .. } => {
            lines(get.as_ref(), back.as_ref());
            let changed = if *dirty { "; its files are changed: git stash first" } else { "" };
            let known = describe_source(&pack.recorded_by);
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
    if !pack.gone.is_empty() && pack.effect() != FindingEffect::Fine {
        let gone: Vec<&str> = pack.gone.iter().map(String::as_str).collect();
        more.push(format!("what is here does not bring {}", gone.join(", ")));
    }
    if pack.effect() != FindingEffect::Fine && !pack.classes.is_empty() {
        let classes: Vec<&str> = pack.classes.iter().map(String::as_str).collect();
        more.push(format!("for {}", classes.join(", ")));
    }
    FindingRow { effect: pack.effect(), word, what: pack.name.clone(), description, details: more }
}

fn unplaced_row(class: &str) -> FindingRow {
    let description = "no installed pack is known to bring this node".to_owned();
    FindingRow {
        effect: FindingEffect::Blocks,
        word: "missing",
        what: class.to_owned(),
        description,
        details: Vec::new(),
    }
}

fn input_row(input: &InputCheck) -> FindingRow {
    let more = Vec::new();
    let (word, description) = match &input.state {
        InputState::Same => ("same", "the same bytes".to_owned()),
        InputState::Moved { to } => ("moved", format!("is called {to} here")),
        InputState::Restorable { from } => {
            ("lost", format!("its bytes are at {from}; --apply puts them back"))
        }
        InputState::Replaced => ("replaced", "another file has this name now".to_owned()),
        InputState::Missing => ("missing", "is not here".to_owned()),
        InputState::Unknown { why } => ("unknown", why.clone()),
    };
    FindingRow {
        effect: input.effect(),
        word,
        what: input.name.clone(),
        description,
        details: more,
    }
}

fn environment_row(part: &EnvironmentPartCheck) -> FindingRow {
    let shown = |text: &Option<String>| match text.as_deref() {
        Some("") => "nothing".to_owned(),
        Some(text) => text.to_owned(),
        None => "unknown".to_owned(),
    };
    let mut more = Vec::new();
    let (word, description) = match &part.state {
        EnvironmentPartState::Same => ("same", shown(&part.here)),
        EnvironmentPartState::Other { get, back } => {
            more.extend(get.as_ref().map(|line| format!("{line}    gets what it was")));
            more.extend(back.as_ref().map(|line| format!("{line}    goes back")));
            ("other", format!("{} then, {} now", shown(&part.was), shown(&part.here)))
        }
        EnvironmentPartState::Unknown => match (&part.was, &part.here) {
            (None, Some(here)) => ("unknown", format!("{here} now; nobody recorded it then")),
            (Some(was), None) => ("unknown", format!("{was} then; not known here")),
            (Some(_), Some(_)) | (None, None) => ("unknown", "not known".to_owned()),
        },
    };
    FindingRow {
        effect: part.effect(),
        word,
        what: part_name(part.part).to_owned(),
        description,
        details: more,
    }
}

/// Why the verdict is not better, one sentence for each finding, the gravest first.
pub(crate) fn reasons(check: &ReproductionCheck) -> Vec<String> {
    let mut rows: Vec<FindingRow> = check.models.iter().map(model_row).collect();
    rows.extend(check.packs.iter().map(pack_row));
    rows.extend(check.unplaced.iter().map(|class| unplaced_row(class)));
    rows.extend(check.inputs.iter().map(input_row));
    rows.extend(environment_rows(&check.environment));
    rows.retain(|row| row.effect != FindingEffect::Fine);
    rows.sort_by_key(|row| std::cmp::Reverse(row.effect));
    rows.into_iter().map(|row| format!("{}: {}: {}", row.word, row.what, row.description)).collect()
}

/// The check as JSON: `docs/reproduce-schema.md`.
#[derive(Serialize)]
struct CheckDocument<'c> {
    schema: u32,
    original: &'c str,
    run: Option<&'c str>,
    verdict: ReproductionVerdict,
    reasons: Vec<String>,
    check: &'c ReproductionCheck,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<RepairDocument<'c>>,
}

#[derive(Serialize)]
struct RepairDocument<'r> {
    renamed: usize,
    controls_fixed: usize,
    values_put_back: usize,
    prompt_is_made: bool,
    documents: AgreementDocument<'r>,
}

#[derive(Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
enum AgreementDocument<'r> {
    Agree,
    Differ { at: Vec<DifferenceDocument<'r>> },
    Foreign,
    Alone,
}

#[derive(Serialize)]
struct DifferenceDocument<'r> {
    node: String,
    input: Option<&'r str>,
}

impl<'r> From<&'r RepairedDocuments> for RepairDocument<'r> {
    fn from(repaired: &'r RepairedDocuments) -> RepairDocument<'r> {
        let difference = |found: &'r PromptDifference| DifferenceDocument {
            node: found.node.to_string(),
            input: found.input.as_deref(),
        };
        RepairDocument {
            renamed: repaired.renamed,
            controls_fixed: repaired.fixed.controls,
            values_put_back: repaired.fixed.values,
            prompt_is_made: repaired.is_prompt_derived,
            documents: match &repaired.agreement {
                DocumentAgreement::Agrees => AgreementDocument::Agree,
                DocumentAgreement::Differs(found) => {
                    AgreementDocument::Differ { at: found.iter().map(difference).collect() }
                }
                DocumentAgreement::Foreign => AgreementDocument::Foreign,
                DocumentAgreement::Alone => AgreementDocument::Alone,
            },
        }
    }
}

pub(crate) fn check_to_json(
    title: &str,
    run: Option<&str>,
    check: &ReproductionCheck,
    repaired: Option<&RepairedDocuments>,
) -> String {
    let document = CheckDocument {
        schema: SCHEMA,
        original: title,
        run,
        verdict: check.verdict,
        reasons: reasons(check),
        check,
        repair: repaired.map(RepairDocument::from),
    };
    // Plain data with text keys: it always has a JSON form.
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    format!("{}\n", sanitize::json(&text))
}

/// What was done to the documents, to stand behind the name of the file.
pub(crate) fn describe_repairs(repaired: &RepairedDocuments) -> String {
    let mut parts = Vec::new();
    if repaired.renamed > 0 {
        parts.push(counted(repaired.renamed, "name repaired", "names repaired"));
    }
    if repaired.fixed.controls > 0 || repaired.fixed.values > 0 {
        parts.push("seeds held fixed".to_owned());
    }
    if repaired.is_prompt_derived {
        parts.push("with the seed as it was saved: which one ran only a picture knows".to_owned());
    }
    match &repaired.agreement {
        DocumentAgreement::Differs(found) => {
            let inputs = found.iter().take(5).map(|found| match &found.input {
                Some(input) => format!("#{} {input}", found.node),
                None => format!("#{}", found.node),
            });
            let inputs: Vec<String> = inputs.collect();
            let more = if found.len() > 5 { " and more" } else { "" };
            parts.push(format!(
                "but ComfyUI would make another prompt of it at {}{more}; --api gives the one that ran",
                inputs.join(", ")
            ));
        }
        DocumentAgreement::Foreign => {
            parts.push("the workflow beside it is another one's, so this is the prompt".to_owned())
        }
        DocumentAgreement::Agrees | DocumentAgreement::Alone => {}
    }
    let text: String = parts.iter().map(|part| format!(", {part}")).collect();
    sanitize::line(&text).into_owned()
}
