//! The snapshot that a person means by an id or a moment.

use jiff::Timestamp;

use super::{Snapshot, WorkTreeName, list_snapshots};
use crate::error::{CommandError, Result};
use crate::platform::git::Repository;
use crate::platform::text::{sanitize, time_argument};

/// Fewer digits are not taken for an id.
const MIN_ID_DIGITS: usize = 4;
/// The most words that a moment has: `half an hour ago`.
const MAX_TIME_WORDS: usize = 4;

/// A snapshot that some words name, and the words after them: an id, or a moment, which
/// may have several words.
pub(crate) fn find_snapshot(
    repository: &Repository,
    words: &[String],
) -> Result<(Snapshot, Vec<String>)> {
    let own = list_snapshots(repository, Some(&WorkTreeName::from_repository(repository)?))?;
    let Some(first) = words.first() else {
        return Err(CommandError::user("which snapshot?").with_hint(
            "an id of `git comfy snapshots`, or a moment: an hour ago, 14:30, yesterday",
        ));
    };
    if let Some(snapshot) = find_by_id(repository, first)? {
        return Ok((snapshot, words[1..].to_vec()));
    }
    let now = Timestamp::now();
    let most = words.len().min(MAX_TIME_WORDS);
    let named = (1..=most).rev().find_map(|count| {
        let moment = time_argument::parse_until(&words[..count].join(" "), now).ok()?;
        Some((moment, words[count..].to_vec()))
    });
    let Some((moment, rest)) = named else {
        let shown = sanitize::line(first).into_owned();
        return Err(CommandError::user(format!("{shown} is neither a snapshot nor a moment"))
            .with_hint(
                "`git comfy snapshots` lists them; a moment is written: an hour ago, 14:30",
            ));
    };
    match own.iter().find(|snapshot| snapshot.taken_at <= moment) {
        Some(snapshot) => Ok((snapshot.clone(), rest)),
        None => Err(no_earlier_snapshot(&own)),
    }
}

fn no_earlier_snapshot(own: &[Snapshot]) -> CommandError {
    match own.last() {
        Some(oldest) => {
            let (id, at) = (oldest.short_id(), time_argument::format_local_time(oldest.taken_at));
            CommandError::repository(format!(
                "nothing was kept as early as that; the oldest is {id} of {at}"
            ))
            .with_hint("what was committed by then: git comfy log --until WHEN")
        }
        None => CommandError::repository("nothing is kept yet")
            .with_hint("`git comfy snapshot` keeps what is there now")
            .with_hint("`git comfy watch --files` keeps every save"),
    }
}

fn find_by_id(repository: &Repository, text: &str) -> Result<Option<Snapshot>> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.len() < MIN_ID_DIGITS || !digits {
        return Ok(None);
    }
    let text = text.to_ascii_lowercase();
    let mut all = list_snapshots(repository, None)?;
    all.retain(|snapshot| snapshot.id.starts_with(&text));
    if all.len() > 1 {
        return Err(CommandError::user(format!(
            "{text} names {} snapshots; write more of it",
            all.len()
        )));
    }
    Ok(all.pop())
}
