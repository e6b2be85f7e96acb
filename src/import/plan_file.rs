//! The plan as a file, to be edited and fed back.

use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned, civil};
use serde::{Deserialize, Serialize};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::import::model::{Day, ImportPlan, WorkflowVersion};
use crate::platform::file_argument;
use crate::platform::text::sanitize;
use crate::platform::time::format_with_offset;
use crate::session::Session;

const PLAN_FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct PlanFile {
    git_comfy_import: u32,
    lines: Vec<PlanLine>,
}

/// The versions of one workflow, oldest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanLine {
    /// The file in the repository, from its top.
    pub(crate) file: String,
    pub(crate) versions: Vec<PlanVersion>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanVersion {
    /// The export, below the folder.
    pub(crate) from: String,
    /// When it was saved, as RFC 3339 with the zone's offset.
    pub(crate) date: String,
    /// The identity of its graph, where that tells whether it is in the history already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) graph: Option<String>,
}

/// The lines of a plan as the file has them. `top` is put before each file: a folder from the
/// top of the repository with a slash behind, or nothing.
pub(crate) fn to_plan_lines(plan: ImportPlan, top: &str) -> Vec<PlanLine> {
    let saved = |version: &WorkflowVersion| PlanVersion {
        from: version.export.from.clone(),
        date: format_with_offset(&version_date(version)),
        graph: Some(&version.export.content_id).filter(|content| content.contains(':')).cloned(),
    };
    plan.lines
        .into_iter()
        .map(|line| PlanLine {
            file: format!("{top}{}", line.file),
            versions: line.versions.iter().map(saved).collect(),
        })
        .collect()
}

/// The moment of a version, in the zone of this machine: what the name says, that of the
/// file where the name does not speak of another day, else noon of that day.
fn version_date(version: &WorkflowVersion) -> Zoned {
    let zone = TimeZone::system();
    let Day { year, month, day } = version.day();
    let at = |hour: u8, minute: u8, second: u8| {
        let date = civil::Date::new(year.cast_signed(), month.cast_signed(), day.cast_signed());
        let (hour, minute, second) =
            (hour.cast_signed(), minute.cast_signed(), second.cast_signed());
        date.ok()?.at(hour, minute, second, 0).to_zoned(zone.clone()).ok()
    };
    let saved =
        Timestamp::from_second(version.export.saved_seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    let saved = saved.to_zoned(zone.clone());
    let named = match (version.name.day, version.name.time, version.second_of_day()) {
        (Some(_), Some((hour, minute, second)), _) => at(hour, minute, second),
        (_, _, Some(_)) => None,
        (_, _, None) => at(12, 0, 0),
    };
    named.unwrap_or(saved)
}

impl PlanVersion {
    /// The date, in the zone it was written with.
    pub(crate) fn parse_date(&self) -> Result<Zoned> {
        let bad = |_| {
            let (date, from) = (sanitize::line(&self.date), sanitize::line(&self.from));
            CommandError::user(format!("the date of {from} is no date: {date}"))
                .with_hint("as in 2026-02-20T18:30:00+01:00")
        };
        let parts = jiff::fmt::temporal::DateTimeParser::new();
        let pieces = parts.parse_pieces(&self.date).map_err(bad)?;
        let stamp: Timestamp = self.date.parse().map_err(bad)?;
        let offset = match pieces.to_numeric_offset() {
            Some(offset) => TimeZone::fixed(offset),
            None => TimeZone::system(),
        };
        Ok(stamp.to_zoned(offset))
    }
}

/// Reads a plan. It may be a stranger's: it names paths in the work tree, and files below
/// the folder (see `source`), and nothing else.
pub(crate) fn read_plan(file: &Path) -> Result<Vec<PlanLine>> {
    let name = file.to_string_lossy();
    let name = sanitize::line(&name);
    let bytes = file_argument::read_limited(file)?;
    let bytes = bytes.ok_or_else(|| CommandError::user(format!("{name} is too long")))?;
    let plan: PlanFile = serde_json::from_slice(&bytes)
        .map_err(|error| CommandError::user(error).with_context(format!("{name} is no plan")))?;
    if plan.git_comfy_import != PLAN_FORMAT {
        return Err(CommandError::user(format!(
            "{name} is a plan of another version of git-comfy"
        )));
    }
    let mut files = std::collections::BTreeSet::new();
    for line in &plan.lines {
        let file = sanitize::line(&line.file);
        if !line.file.split('/').all(is_plain_component) || line.file.contains('\\') {
            return Err(CommandError::user(format!("{name}: {file} is no path in the repository")));
        }
        if !files.insert(line.file.to_lowercase()) {
            return Err(CommandError::user(format!("{name}: {file} is there twice")));
        }
    }
    Ok(plan.lines)
}

/// Whether a part of a path is a name, and none of git's own, however it is spelled.
fn is_plain_component(part: &str) -> bool {
    let own = part.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    !matches!(part, "" | "." | "..") && !matches!(own.as_str(), ".git" | "git~1")
}

/// Writes a plan and says how to go on.
pub(crate) fn write_plan(file: &Path, lines: Vec<PlanLine>, session: &Session) -> Result<Exit> {
    let plan = PlanFile { git_comfy_import: PLAN_FORMAT, lines };
    let mut text = serde_json::to_string_pretty(&plan).map_err(|error| {
        CommandError::internal(error).with_context("the plan cannot be written")
    })?;
    text.push('\n');
    file_argument::replace_file(file, text.as_bytes())?;
    let name = file.to_string_lossy();
    session.ui.info(&format!(
        "edit {0}, then: git comfy import --plan {0} <the folder>",
        sanitize::line(&name)
    ));
    Ok(Exit::Done)
}
