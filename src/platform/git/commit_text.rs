//! How commits are named to a person.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::id::CommitId;
use super::objects::{Commit, Signature};
use crate::platform::time;

/// How many digits of an id are shown; as many as git shows in a small repository.
const SHORT_ID_DIGITS: usize = 7;

/// `1a2b3c4 2026-11-22`: the commit, and the day on which its author wrote it.
pub(crate) fn format_commit(id: CommitId, commit: &Commit) -> String {
    format!("{} {}", short_id(id), format_day(&commit.author))
}

/// The first seven digits of the id.
pub(crate) fn short_id(id: CommitId) -> String {
    id.to_string().chars().take(SHORT_ID_DIGITS).collect()
}

/// The date in the author's own time zone.
pub(crate) fn format_day(person: &Signature) -> String {
    to_zoned(person)
        .map_or_else(|| "????-??-??".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// RFC 3339, in the author's own time zone.
pub(crate) fn format_time(person: &Signature) -> Option<String> {
    to_zoned(person).map(|at| time::format_with_offset(&at))
}

fn to_zoned(person: &Signature) -> Option<jiff::Zoned> {
    let offset = Offset::from_seconds(person.offset.checked_mul(60)?).ok()?;
    let at = Timestamp::from_second(person.seconds).ok()?;
    Some(at.to_zoned(TimeZone::fixed(offset)))
}
