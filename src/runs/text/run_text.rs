//! Runs for a person: a few lines for each, or all that is known of one. Text that comes
//! from files and prompts is sanitized here. Must not print.

use std::collections::BTreeSet;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::lineage;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::runs::index::RunRow;
use crate::runs::run_data;
use crate::runs::run_data::{OutputFile, Run, RunOutcome, RunSource, Sampler};

const BOLD: Style = Style::new().bold();
const MUTED: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// The number of the JSON form, raised when a reader of it would break.
pub(crate) const SCHEMA: u32 = 1;

/// Columns of a prompt that are shown.
const EXCERPT_COLUMNS: usize = 76;
/// Files of a run that are named in a list.
const MAX_FILES: usize = 4;
/// Lines of one sort that are shown before "and N more".
const MAX_LINES: usize = 40;

/// A run in a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunLine<'a> {
    pub run: &'a str,
    /// Milliseconds since 1970; 0: unknown.
    pub moment: i64,
    /// How it ended.
    pub outcome: &'a str,
    pub seed: Option<&'a str>,
    pub model: Option<&'a str>,
    /// The beginning of its text.
    pub excerpt: Option<&'a str>,
    pub paths: &'a [String],
}

impl<'a> From<&'a RunRow> for RunLine<'a> {
    fn from(row: &'a RunRow) -> RunLine<'a> {
        RunLine {
            run: &row.run_id,
            moment: row.time_ms,
            outcome: &row.outcome,
            seed: row.summary.seed.as_deref(),
            model: row.summary.model.as_deref(),
            excerpt: row.summary.excerpt.as_deref(),
            paths: &row.paths,
        }
    }
}

/// Why a run was found for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MatchReason {
    /// It made exactly these bytes.
    Bytes,
    /// The file carries its prompt.
    Prompt,
    /// One of its pictures looks alike.
    Likeness {
        /// How far, in thousandths.
        distance: u32,
        /// The picture.
        path: String,
    },
}

impl MatchReason {
    /// How a run was found, to stand behind its name.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            MatchReason::Bytes => "",
            MatchReason::Prompt => ", which ran the same prompt",
            MatchReason::Likeness { .. } => ", whose picture looks like this one",
        }
    }
}

/// A run in a list, in two or three lines.
pub(crate) fn format_run_line(run: &RunLine<'_>, how: Option<&MatchReason>) -> String {
    let mut out = String::new();
    let id: String = run.run.chars().take(13).collect();
    let _ = write!(out, "{BOLD}{}{BOLD:#}  {}", sanitize::line(&id), format_time(run.moment));
    match run.outcome {
        "error" => drop(write!(out, "  {BAD}failed{BAD:#}")),
        "interrupted" => drop(write!(out, "  {BAD}stopped{BAD:#}")),
        _ => {}
    }
    let reason = how.map(|how| match how {
        MatchReason::Bytes => "made exactly this file".to_owned(),
        MatchReason::Prompt => "same prompt, other bytes".to_owned(),
        MatchReason::Likeness { distance, path } => {
            format!("looks like {} (distance {distance})", sanitize::line(path))
        }
    });
    if let Some(reason) = reason {
        let _ = write!(out, "  {GOOD}{reason}{GOOD:#}");
    }
    out.push('\n');
    let mut facts: Vec<String> =
        run.paths.iter().take(MAX_FILES).map(|path| sanitize::line(path).into_owned()).collect();
    if run.paths.len() > MAX_FILES {
        facts.push(format!("{} more", run.paths.len() - MAX_FILES));
    }
    facts.extend(run.seed.map(|seed| format!("seed {}", sanitize::line(seed))));
    facts.extend(run.model.map(|model| sanitize::line(model).into_owned()));
    if !facts.is_empty() {
        let _ = writeln!(out, "  {}", facts.join(", "));
    }
    if let Some(excerpt) = run.excerpt {
        let _ = writeln!(out, "  {MUTED}{}{MUTED:#}", sanitize::excerpt(excerpt, EXCERPT_COLUMNS));
    }
    out
}

/// The same for programs: one JSON object and a line end.
pub(crate) fn run_line_json(run: &RunLine<'_>, how: Option<&MatchReason>) -> String {
    format!("{}\n", sanitize::json(&run_line_value(run, how).to_string()))
}

/// The same as a part of a larger report.
pub(crate) fn run_line_value(run: &RunLine<'_>, how: Option<&MatchReason>) -> Value {
    let (by, distance) = match how {
        None => (None, None),
        Some(MatchReason::Bytes) => (Some("bytes"), Some(0)),
        Some(MatchReason::Prompt) => (Some("prompt"), None),
        Some(MatchReason::Likeness { distance, .. }) => (Some("likeness"), Some(*distance)),
    };
    let like = match how {
        Some(MatchReason::Likeness { path, .. }) => Some(path.as_str()),
        _ => None,
    };
    let moment = (run.moment > 0).then(|| Timestamp::from_millisecond(run.moment).ok()).flatten();
    json!({
        "schema": SCHEMA,
        "run": run.run,
        "moment": moment.map(|moment| moment.to_string()),
        "outcome": run.outcome,
        "seed": run.seed,
        "model": run.model,
        "text": run.excerpt,
        "files": run.paths,
        "by": by,
        "distance": distance,
        "like": like,
    })
}

fn format_time(moment: i64) -> String {
    match Timestamp::from_millisecond(moment) {
        Ok(moment) if moment.as_millisecond() > 0 => {
            let local = moment.to_zoned(jiff::tz::TimeZone::system());
            local.strftime("%Y-%m-%d %H:%M").to_string()
        }
        _ => "at some time".to_owned(),
    }
}

/// All that is known of a run. `is_there` says whether a file is still on this machine,
/// where that can be known.
pub(crate) fn describe_run(run: &Run, is_there: &dyn Fn(&OutputFile) -> Option<bool>) -> String {
    let mut page = RunPage::default();
    let _ = writeln!(page.out, "{BOLD}run {}{BOLD:#}", sanitize::line(&run.id));
    write_times(&mut page, run);
    write_problem(&mut page, run);
    write_files(&mut page, run, is_there);
    write_sampling(&mut page, run);
    write_models_and_inputs(&mut page, run);
    write_packs(&mut page, run);
    write_texts(&mut page, "positive", &run.positive);
    write_texts(&mut page, "negative", &run.negative);
    write_lineage(&mut page, run);
    write_origin(&mut page, run);
    page.out
}

fn write_problem(page: &mut RunPage, run: &Run) {
    let Some(problem) = &run.problem else { return };
    let node = problem.node.as_deref().unwrap_or("?");
    let class = problem.class.as_deref().unwrap_or_default();
    let message = problem.message.as_deref().or(problem.kind.as_deref()).unwrap_or_default();
    let text = format!("{class} #{node}: {}", collapse_whitespace(message));
    page.push_line("ended at", text.trim_end_matches(": "));
}

fn write_files(page: &mut RunPage, run: &Run, is_there: &dyn Fn(&OutputFile) -> Option<bool>) {
    for file in run.outputs.iter().take(MAX_LINES) {
        page.push_line("made", &describe_output(file, is_there(file)));
    }
    page.push_more(run.outputs.len());
    for file in run.reused.iter().take(MAX_LINES) {
        page.push_line("named again", &format!("{} (an older run made it)", file.path));
    }
}

fn write_sampling(page: &mut RunPage, run: &Run) {
    for sampler in run.samplers.iter().take(MAX_LINES) {
        page.push_line("sampled", &describe_sampler(sampler));
    }
    let is_of_sampler = |seed: &run_data::Seed| {
        run.samplers.iter().any(|sampler| sampler.seed.as_ref() == Some(&seed.value))
    };
    for seed in run.seeds.iter().filter(|seed| !is_of_sampler(seed)).take(MAX_LINES) {
        page.push_line("seed", &format!("{} (#{}.{})", seed.value, seed.node, seed.input));
    }
}

fn write_models_and_inputs(page: &mut RunPage, run: &Run) {
    for model in run.models.iter().take(MAX_LINES) {
        let digest = model.sha256.as_deref().map(short_digest).unwrap_or_default();
        page.push_line("model", &format!("{}/{}{digest}", model.folder, model.name));
    }
    for input in run.inputs.iter().take(MAX_LINES) {
        let digest = input.sha256.as_deref().map(short_digest).unwrap_or_default();
        page.push_line("read", &format!("{}{digest}", input.name));
    }
}

/// What it was made from, and how it compares.
fn write_lineage(page: &mut RunPage, run: &Run) {
    if let Some(parent) = &run.parent {
        page.push_line(lineage::derivation_verb(parent), &lineage::describe_parent(parent));
        for setting in parent.set.iter().take(MAX_LINES) {
            page.push_line("set", &lineage::describe_setting(setting));
        }
    }
    for comparison in run.compared.iter().take(MAX_LINES) {
        page.push_line("compared", &lineage::describe_comparison(comparison));
    }
}

/// Where it ran, and of which file and commit.
fn write_origin(page: &mut RunPage, run: &Run) {
    if let Some(redacted) = &run.redacted {
        page.push_line("redacted", &format!("the prompts were taken out on {}", redacted.at));
    }
    if let Some(environment) = &run.environment {
        let version = environment.comfyui.as_deref().map(|v| format!("ComfyUI {v}"));
        let facts: Vec<_> =
            version.into_iter().chain(environment.devices.iter().cloned()).collect();
        if !facts.is_empty() {
            page.push_line("on", &facts.join(", "));
        }
    }
    if let Some(file) = &run.from_file {
        page.push_line("queued from", file);
    }
    if let Some(site) = &run.committed {
        let commit: String = site.commit.chars().take(12).collect();
        page.push_line("workflow", &format!("{} in {commit}", site.path));
    }
}

/// What is known of the part of a run that led to some of its files.
pub(crate) fn describe_branch(
    part: &Run,
    whole: &Run,
    is_there: &dyn Fn(&OutputFile) -> Option<bool>,
) -> String {
    let mut page = RunPage { out: describe_run(part, is_there) };
    let others = whole.outputs.len() - part.outputs.len().min(whole.outputs.len());
    let files = counted(others, "file", "files");
    page.push_line("also", &format!("{files} of other branches: git comfy runs show {}", part.id));
    page.out
}

/// What made one file of a run that has several branches, in a few words.
pub(crate) fn summarize_branch(part: &Run) -> String {
    let node = part.outputs.first().and_then(|file| file.node.as_deref()).unwrap_or("?");
    let seed = part.seeds.first().map(|seed| format!("seed {}", seed.value));
    let model = part.models.first().map(|model| model.name.clone());
    let facts: Vec<String> = seed.into_iter().chain(model).collect();
    let text = if facts.is_empty() {
        format!("node #{node} made this file")
    } else {
        format!("node #{node} made this file, with {}", facts.join(", "))
    };
    sanitize::line(&text).into_owned()
}

fn write_times(page: &mut RunPage, run: &Run) {
    let time = |text: &Option<String>| text.as_deref()?.parse::<Timestamp>().ok();
    let (start, end) = (time(&run.start).or(time(&run.queued)), time(&run.end));
    let outcome = match run.outcome {
        RunOutcome::Success => "done",
        RunOutcome::Error => "failed",
        RunOutcome::Interrupted => "stopped",
        RunOutcome::Unknown if run.known.contains(&RunSource::File) => "known from its files",
        RunOutcome::Unknown if run.known.contains(&RunSource::Queue) => {
            "its end was not seen: ComfyUI was stopped first, or its history was cleared"
        }
        RunOutcome::Unknown => "its end was not seen",
    };
    let mut text = start.map(|start| format_time(start.as_millisecond())).unwrap_or_default();
    if let (Some(start), Some(end)) = (start, end) {
        let seconds = end.duration_since(start).as_millis() as f64 / 1000.0;
        let _ = write!(text, ", {seconds:.1} s");
    }
    let separator = if text.is_empty() { "" } else { ", " };
    page.push_line("when", &format!("{text}{separator}{outcome}"));
    let mut slow: Vec<_> = run.durations.iter().collect();
    slow.sort_by_key(|(_, time)| std::cmp::Reverse(**time));
    let slow: Vec<String> = slow
        .into_iter()
        .filter(|(_, time)| **time >= 50)
        .take(5)
        .map(|(node, time)| format!("#{node} {:.1} s", *time as f64 / 1000.0))
        .collect();
    if !slow.is_empty() {
        page.push_line("longest", &slow.join(", "));
    }
    if !run.cached.is_empty() {
        page.push_line("cached", &format!("{} nodes were not run again", run.cached.len()));
    }
}

fn describe_output(file: &OutputFile, there: Option<bool>) -> String {
    let mut text = file.path.clone();
    if let Some((width, height)) = file.dimensions {
        let _ = write!(text, ", {width} x {height}");
    }
    if let Some(node) = &file.node {
        let _ = write!(text, ", node #{node}");
        if let Some(index) = file.index {
            let _ = write!(text, " [{index}]");
        }
    }
    if let Some(digest) = &file.sha256 {
        text += &short_digest(digest);
    }
    if there == Some(false) {
        text += " (not there any more)";
    }
    text
}

fn short_digest(digest: &str) -> String {
    format!(", sha256 {}…", digest.chars().take(12).collect::<String>())
}

fn describe_sampler(sampler: &Sampler) -> String {
    let facts = [
        ("seed", &sampler.seed),
        ("", &sampler.sampler),
        ("", &sampler.scheduler),
        ("steps", &sampler.steps),
        ("cfg", &sampler.cfg),
        ("denoise", &sampler.denoise),
        ("from step", &sampler.start_step),
        ("to step", &sampler.end_step),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| {
        let value = lineage::format_plain_value(value.as_ref()?);
        Some(if name.is_empty() { value } else { format!("{name} {value}") })
    });
    let facts: Vec<String> = facts.collect();
    let node = if sampler.node.is_empty() { String::new() } else { format!("#{} ", sampler.node) };
    format!("{node}{}: {}", sampler.class, facts.join(", "))
}

/// The packs as they were installed; where nobody looked, as the workflow claims them.
fn write_packs(page: &mut RunPage, run: &Run) {
    for pack in run.packs.iter().take(MAX_LINES) {
        let commit = pack.checkout.commit.as_deref().map(|id| id.chars().take(12).collect());
        let facts: Vec<String> = pack.version.clone().into_iter().chain(commit).collect();
        let changed = if pack.checkout.dirty == Some(true) { ", changed" } else { "" };
        page.push_line("pack", &format!("{} {}{changed}", pack.name, facts.join(", ")));
    }
    let seen = |class: &str| run.packs.iter().any(|pack| pack.classes.contains_key(class));
    let claimed: BTreeSet<&str> = run
        .classes
        .iter()
        .filter(|(class, pack)| !pack.is_empty() && !seen(class))
        .map(|(_, pack)| pack.as_str())
        .collect();
    if !claimed.is_empty() {
        let claimed: Vec<&str> = claimed.into_iter().collect();
        page.push_line("packs", &format!("{} (as the workflow says)", claimed.join(", ")));
    }
}

fn write_texts(page: &mut RunPage, name: &str, texts: &[String]) {
    for text in texts.iter().take(MAX_LINES) {
        page.push_line(name, &collapse_whitespace(text));
    }
}

fn collapse_whitespace(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct RunPage {
    out: String,
}

impl RunPage {
    fn push_line(&mut self, name: &str, text: &str) {
        let text = text.trim_start_matches(": ");
        let _ = writeln!(self.out, "  {MUTED}{name:<12}{MUTED:#}{}", sanitize::line(text));
    }

    fn push_more(&mut self, count: usize) {
        if count > MAX_LINES {
            self.push_line("", &format!("and {} more", count - MAX_LINES));
        }
    }
}
