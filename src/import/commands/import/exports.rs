//! The plan for a folder of exported workflows.

use std::path::Path;

use comfy_graph::canon::{self, Mode, Outcome};
use comfy_graph::graph::{GraphKind, Kind, Prompt, Workflow, kind};
use comfy_graph::json;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use sha2::{Digest, Sha256};

use super::source::below;
use crate::error::Result;
use crate::import::model::{Day, Export, Plan, Portrait, plan as put_into_lines};
use crate::platform::machine::folder_argument::{self, Links};
use crate::platform::machine::{to_hex, write_file};
use crate::platform::text::sanitize;
use crate::session::Session;

/// Below this many files no bar is shown.
const MANY: usize = 200;

/// Reads the workflows below a folder and puts them into lines. Says what is passed over.
pub(crate) fn plan(folder: &Path, session: &Session) -> Result<Plan> {
    let found = folder_argument::files(folder, Links::None, &folder_argument::is_json)?;
    found.remarks().iter().for_each(|remark| session.ui.say(remark));
    let bar = (found.files.len() >= MANY).then(|| session.ui.count_bar("reading exports"));
    if let Some(bar) = &bar {
        bar.extend(found.files.len() as u64);
    }
    let (mut exports, mut others) = (Vec::new(), 0);
    for path in &found.files {
        match below(folder, path) {
            Some(from) => match export(path, from)? {
                Some(export) => exports.push(export),
                None => others += 1,
            },
            None => {
                let name = path.to_string_lossy();
                session.ui.say(&format!(
                    "note: {} is left out: its name is no text; rename it",
                    sanitize::line(&name)
                ));
            }
        }
        if let Some(bar) = &bar {
            bar.advance(1);
        }
    }
    if let Some(bar) = &bar {
        bar.finish();
    }
    match others {
        0 => {}
        1 => session.ui.say("1 other .json file is no workflow"),
        count => session.ui.say(&format!("{count} other .json files are no workflows")),
    }
    Ok(put_into_lines(exports))
}

/// A workflow file, in the editor's format or in API format; nothing for anything else.
fn export(path: &Path, from: String) -> Result<Option<Export>> {
    let Some(bytes) = write_file::read(path)? else { return Ok(None) };
    let Some(portrait) = portrait(&bytes) else { return Ok(None) };
    let content = match canon::clean(&bytes, Mode::Strip) {
        Outcome::Cleaned(cleaned) => cleaned.content,
        Outcome::Untouched(_) => bytes,
    };
    let saved = saved(path)?;
    let (saved_on, saved_at) = day_of(saved);
    let (content, saved) = (to_hex(&Sha256::digest(&content)), saved.as_second());
    Ok(Some(Export { from, content, portrait, saved, saved_on, saved_at }))
}

/// The day of a moment in the time zone of this machine, and its seconds since midnight.
pub(crate) fn day_of(moment: Timestamp) -> (Day, u32) {
    let at = moment.to_zoned(TimeZone::system());
    let of_day = (i32::from(at.hour()) * 60 + i32::from(at.minute())) * 60 + i32::from(at.second());
    let day = Day {
        year: at.year().cast_unsigned(),
        month: at.month().cast_unsigned(),
        day: at.day().cast_unsigned(),
    };
    (day, of_day.cast_unsigned())
}

fn portrait(bytes: &[u8]) -> Option<Portrait> {
    let value = json::parse(bytes).ok()?;
    match kind(&value) {
        Kind::Graph(GraphKind::Workflow(_)) => {
            Workflow::from_value(value).ok().map(|workflow| Portrait::of(&workflow))
        }
        Kind::Graph(GraphKind::Prompt) => {
            Prompt::from_value(value).ok().map(|prompt| Portrait::of_prompt(&prompt))
        }
        _ => None,
    }
}

/// When a file was last written, but at most an hour from now: a clock that ran ahead must not
/// put commits into the future.
pub(crate) fn saved(path: &Path) -> Result<Timestamp> {
    let time = path.metadata()?.modified()?;
    let now = Timestamp::now();
    Ok(Timestamp::try_from(time).unwrap_or(now).min(now.saturating_add(1.hour()).unwrap_or(now)))
}
