//! The time of now, and times as files and other programs spell them. Times for people are in
//! `text/time_argument`.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, Zoned};

/// Milliseconds since 1970, by this machine's clock.
pub(crate) fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// The time of now, as [`format_utc_seconds`] spells it.
pub(crate) fn now_utc_seconds() -> String {
    format_utc_seconds(Timestamp::now())
}

/// `2026-01-31T14:30:05Z`.
pub(crate) fn format_utc_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-01-31T14:30:05.123Z`.
pub(crate) fn format_utc_millis(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `2026-01-31T14:30:05+01:00`: the time where it was taken.
pub(crate) fn format_with_offset(time: &Zoned) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled_for_programs() {
        let time = Timestamp::from_millisecond(1_769_866_205_123).unwrap();
        assert_eq!(format_utc_seconds(time), "2026-01-31T13:30:05Z");
        assert_eq!(format_utc_millis(time), "2026-01-31T13:30:05.123Z");
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(format_with_offset(&time.to_zoned(zone)), "2026-01-31T14:30:05+01:00");
    }
}
