//! How commits are named to a person.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::id::CommitId;
use super::objects::{Commit, Person};

/// How many digits of an id are shown; as many as git shows in a small repository.
const DIGITS: usize = 7;

/// `1a2b3c4 2026-11-22`: the commit, and the day on which its author wrote it.
pub(crate) fn head(id: CommitId, commit: &Commit) -> String {
    format!("{} {}", short(id), day(&commit.author))
}

/// The first seven digits of the id.
pub(crate) fn short(id: CommitId) -> String {
    id.to_string().chars().take(DIGITS).collect()
}

/// The date in the author's own time zone.
pub(crate) fn day(person: &Person) -> String {
    zoned(person).map_or_else(|| "????-??-??".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// RFC 3339, in the author's own time zone.
pub(crate) fn moment(person: &Person) -> Option<String> {
    zoned(person).map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

fn zoned(person: &Person) -> Option<jiff::Zoned> {
    let offset = Offset::from_seconds(person.offset.checked_mul(60)?).ok()?;
    let at = Timestamp::from_second(person.seconds).ok()?;
    Some(at.to_zoned(TimeZone::fixed(offset)))
}

pub(crate) fn nodes(count: usize) -> String {
    match count {
        1 => "1 node".to_owned(),
        count => format!("{count} nodes"),
    }
}
