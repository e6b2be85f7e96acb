//! Times as people write and read them: `an hour ago`, `yesterday`, `14:30`, a date.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned, civil};

use super::plural::counted;
use super::sanitize;
use crate::error::{CommandError, Result};

/// A time that a person wrote: one point (`from` and `to` are the same), or a whole day.
struct TimeRange {
    from: Timestamp,
    to: Timestamp,
}

/// The beginning of the time or day that a person wrote.
pub(crate) fn parse_since(text: &str, now: Timestamp) -> Result<Timestamp> {
    Ok(parse_time_range(text, now)?.from)
}

/// The end of the time or day that a person wrote: of `yesterday` its last millisecond.
pub(crate) fn parse_until(text: &str, now: Timestamp) -> Result<Timestamp> {
    Ok(parse_time_range(text, now)?.to)
}

fn parse_time_range(text: &str, now: Timestamp) -> Result<TimeRange> {
    let text = text.trim().to_ascii_lowercase();
    let local_now = Zoned::new(now, TimeZone::system());
    let point = |moment: Timestamp| TimeRange { from: moment, to: moment };
    let zone = || local_now.time_zone().clone();
    if text == "now" {
        return Ok(point(now));
    }
    if let Some(moment) = parse_ago(&text, now).or_else(|| text.parse::<Timestamp>().ok()) {
        return Ok(point(moment));
    }
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    let date = match first {
        "today" => Some(local_now.date()),
        "yesterday" => Some(local_now.date().checked_sub(1.day())?),
        first => first.parse::<civil::Date>().ok(),
    };
    if let Some(date) = date {
        if let Some(time) = parse_clock_time(rest) {
            return Ok(point(date.to_datetime(time).to_zoned(zone())?.timestamp()));
        }
        if rest.is_empty() {
            let from = date.to_zoned(zone())?;
            let next = from.checked_add(1.day())?.timestamp();
            return Ok(TimeRange {
                from: from.timestamp(),
                to: next - SignedDuration::from_millis(1),
            });
        }
    }
    if let Some(time) = parse_clock_time(&text) {
        // `23:50`, written at ten past midnight, is yesterday's.
        let today = local_now.date().to_datetime(time).to_zoned(zone())?.timestamp();
        let passed = today <= now;
        return Ok(point(if passed { today } else { today - SignedDuration::from_hours(24) }));
    }
    if let Ok(time) = text.to_ascii_uppercase().parse::<civil::DateTime>() {
        return Ok(point(time.to_zoned(zone())?.timestamp()));
    }
    Err(CommandError::user(format!("{} is no moment", sanitize::line(&text)))
        .with_hint("write 2026-01-31, yesterday, 14:30, 12h, 3d, 2w, \"an hour ago\""))
}

/// `14:30` and `14:30:05`.
fn parse_clock_time(text: &str) -> Option<civil::Time> {
    let text = text.trim();
    let plausible = text.contains(':') && text.len() >= 4;
    let padded = if text.find(':') == Some(1) { format!("0{text}") } else { text.to_owned() };
    padded.parse().ok().filter(|_| plausible)
}

/// `2d`, `3 weeks ago`, `an hour ago`, `half an hour ago`.
fn parse_ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.strip_suffix(" ago").unwrap_or(text).trim();
    let (half, text) = match text.strip_prefix("half ") {
        Some(rest) => (2, rest),
        None => (1, text),
    };
    let (number, unit) =
        match text.split_once(' ').and_then(|(w, rest)| Some((parse_number_word(w)?, rest))) {
            Some(pair) => pair,
            None => {
                let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
                (number.parse().ok().filter(|n| *n < 100_000)?, unit)
            }
        };
    let unit = unit.trim();
    let seconds: i64 = match unit.strip_suffix('s').filter(|one| !one.is_empty()).unwrap_or(unit) {
        "s" | "sec" | "second" => 1,
        "min" | "minute" => 60,
        "h" | "hour" => 3600,
        "d" | "day" => 86_400,
        "w" | "week" => 7 * 86_400,
        "m" | "month" => 30 * 86_400,
        "y" | "year" => 365 * 86_400,
        _ => return None,
    };
    now.checked_sub(SignedDuration::from_secs(number * seconds / half)).ok()
}

fn parse_number_word(text: &str) -> Option<i64> {
    const WORDS: &[&str] = &["one", "two", "three", "four", "five", "six", "seven", "eight"];
    if ["a", "an"].contains(&text) {
        return Some(1);
    }
    let at = WORDS.iter().position(|word| *word == text)?;
    i64::try_from(at + 1).ok()
}

/// How long ago a time was: `3 hours ago`.
pub(crate) fn format_ago(moment: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(moment).as_secs();
    let ago = |count, one, many| format!("{} ago", counted(count, one, many));
    match seconds {
        ..0 => "in the future".to_owned(),
        0..=59 => "just now".to_owned(),
        60..=3599 => ago(seconds / 60, "minute", "minutes"),
        3600..=86_399 => ago(seconds / 3600, "hour", "hours"),
        86_400..=2_591_999 => ago(seconds / 86_400, "day", "days"),
        2_592_000..=31_535_999 => ago(seconds / 2_592_000, "month", "months"),
        _ => ago(seconds / 31_536_000, "year", "years"),
    }
}

/// A time to the second, in the time zone of this machine.
pub(crate) fn format_local_time(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        let read = |text: &str| parse_since(text, now()).map(|moment| moment.to_string()).ok();
        for (text, wanted) in [
            ("2d", "2026-11-20T12:00:00Z"),
            ("3 weeks ago", "2026-11-01T12:00:00Z"),
            ("an hour ago", "2026-11-22T11:00:00Z"),
            ("half an hour ago", "2026-11-22T11:30:00Z"),
            ("two hours ago", "2026-11-22T10:00:00Z"),
            ("1 hour ago", "2026-11-22T11:00:00Z"),
            ("10 minutes ago", "2026-11-22T11:50:00Z"),
            ("30min", "2026-11-22T11:30:00Z"),
            ("90 s", "2026-11-22T11:58:30Z"),
            ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
            ("now", "2026-11-22T12:00:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
        }
        for text in
            ["2026-11-01", "today", "Yesterday", "yesterday 9:05", "14:30", "2026-11-01 14:30:05"]
        {
            assert!(read(text).is_some(), "{text}");
        }
        for wrong in ["", "soon", "2026-13-01", "9999999999d", "d", "99:00", "yesterday noon"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_ends_where_the_next_begins_and_a_time_of_day_has_passed() {
        let (from, to) =
            (parse_since("yesterday", now()).unwrap(), parse_until("yesterday", now()).unwrap());
        assert_eq!(to.duration_since(from), SignedDuration::from_millis(86_400_000 - 1));
        for time in ["0:00", "23:59"] {
            let moment = parse_since(time, now()).unwrap();
            assert!(moment <= now() && moment > now() - SignedDuration::from_hours(24), "{time}");
        }
    }

    #[test]
    fn how_long_ago_is_said_in_words() {
        let ago = |seconds| format_ago(now() - SignedDuration::from_secs(seconds), now());
        assert_eq!(ago(5), "just now");
        assert_eq!(ago(60), "1 minute ago");
        assert_eq!(ago(7300), "2 hours ago");
        assert_eq!(ago(86_400 * 45), "1 month ago");
        assert_eq!(ago(-5), "in the future");
    }
}
