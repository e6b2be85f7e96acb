//! Logical time: when a place was last moved, in a form on which all clones agree.
//!
//! A clock reads milliseconds since 1970 where it can, and runs ahead of the machine's
//! where a clone has seen later ones. Must not know where the time comes from.

use std::fmt;

/// Names one clone of a repository: eight digits or lower-case letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloneId([u8; Self::LENGTH]);

impl CloneId {
    const LENGTH: usize = 8;

    /// A name made from random bits.
    pub fn from_bits(bits: u64) -> CloneId {
        let mut name = [b'0'; Self::LENGTH];
        let mut rest = bits;
        for place in &mut name {
            *place = BASE36_DIGITS[(rest % 36) as usize];
            rest /= 36;
        }
        CloneId(name)
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<CloneId> {
        let is_digit = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        let name: [u8; Self::LENGTH] = text.as_bytes().try_into().ok()?;
        name.iter().all(is_digit).then_some(CloneId(name))
    }
}

impl fmt::Display for CloneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

/// A moment of a clone. Later ones are greater; clones decide between equal ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockStamp {
    /// Milliseconds since 1970, or later than anything seen before.
    pub millis: u64,
    /// Whose moment it is.
    pub clone_id: CloneId,
}

/// How much a place counts: any person's more than one of unknown age, and that more than
/// what was arranged because nobody knew a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clock {
    /// No person chose the place: it was arranged.
    Arranged,
    /// Somebody did, at a time nobody wrote down: where the whole layout has a time (it is
    /// from version 0.1.0), that; else 0.
    Unknown(u64),
    /// A person did, at that time.
    At(ClockStamp),
}

/// The year 9999. A later time is damage, and could never be followed by another.
const MAX_MILLIS: u64 = 253_402_300_799_999;

impl Clock {
    /// The time in it; 0 if there is none.
    pub fn millis(self) -> u64 {
        match self {
            Clock::Arranged => 0,
            Clock::Unknown(at) | Clock::At(ClockStamp { millis: at, .. }) => at,
        }
    }

    /// Whether a person chose the place.
    pub(crate) fn is_by_person(self) -> bool {
        self != Clock::Arranged
    }

    /// Reads a clock. `usual` is the clone that is not written down.
    pub(super) fn parse(text: &str, usual: Option<CloneId>) -> Option<Clock> {
        Clock::parse_with(text, usual, parse_millis)
    }

    /// Reads a clock that counts back from a time.
    pub(super) fn parse_relative(text: &str, from: u64, usual: Option<CloneId>) -> Option<Clock> {
        Clock::parse_with(text, usual, |digits| match digits.strip_prefix('+') {
            Some(after) => Some(sane_millis(from.saturating_add(parse_base36(after)?))),
            None => from.checked_sub(parse_base36(digits)?),
        })
    }

    fn parse_with(
        text: &str,
        usual: Option<CloneId>,
        parse_time: impl Fn(&str) -> Option<u64>,
    ) -> Option<Clock> {
        if text == "!" {
            return Some(Clock::Arranged);
        }
        if let Some(digits) = text.strip_prefix('?') {
            return parse_millis(digits).map(Clock::Unknown);
        }
        let (digits, by) = match text.split_once(':') {
            Some((digits, by)) => (digits, CloneId::parse(by)?),
            None => (text, usual?),
        };
        match parse_time(digits)? {
            0 => Some(Clock::Unknown(0)),
            at => Some(Clock::At(ClockStamp { millis: at, clone_id: by })),
        }
    }

    /// Writes a clock, without its clone if that is the usual one.
    pub(super) fn to_code(self, usual: Option<CloneId>) -> String {
        self.to_code_with(usual, format_base36)
    }

    /// Writes a clock, as far as it is a time, as how long before another one that is; with a
    /// `+` if it is after it.
    pub(super) fn to_relative_code(self, from: u64, usual: Option<CloneId>) -> String {
        self.to_code_with(usual, |at| match from.checked_sub(at) {
            Some(before) => format_base36(before),
            None => format!("+{}", format_base36(at - from)),
        })
    }

    fn to_code_with(self, usual: Option<CloneId>, format_time: impl Fn(u64) -> String) -> String {
        match self {
            Clock::Arranged => "!".to_owned(),
            Clock::Unknown(at) => format!("?{}", format_base36(at)),
            Clock::At(ClockStamp { millis, clone_id }) if usual == Some(clone_id) => {
                format_time(millis)
            }
            Clock::At(ClockStamp { millis, clone_id }) => {
                format!("{}:{clone_id}", format_time(millis))
            }
        }
    }

    pub(super) fn clone_id(self) -> Option<CloneId> {
        match self {
            Clock::At(stamp) => Some(stamp.clone_id),
            _ => None,
        }
    }

    /// A time that a note of version 0.1.0 says.
    pub fn unknown_since(at: u64) -> Clock {
        Clock::Unknown(sane_millis(at))
    }
}

/// A time beyond all years counts for nothing.
fn sane_millis(at: u64) -> u64 {
    if at > MAX_MILLIS { 0 } else { at }
}

fn parse_millis(digits: &str) -> Option<u64> {
    parse_base36(digits).map(sane_millis)
}

fn parse_base36(digits: &str) -> Option<u64> {
    u64::from_str_radix(digits, 36).ok()
}

const BASE36_DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

fn format_base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(BASE36_DIGITS[(number % 36) as usize] as char);
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_read_as_they_were_written() {
        let (one, other) = (CloneId::from_bits(7), CloneId::from_bits(u64::MAX));
        let stamp = |by| Clock::At(ClockStamp { millis: 1_763_836_800_000, clone_id: by });
        for clock in
            [Clock::Arranged, Clock::Unknown(0), Clock::Unknown(9), stamp(one), stamp(other)]
        {
            let text = clock.to_code(Some(one));
            assert_eq!(Clock::parse(&text, Some(one)), Some(clock), "{text}");
            for from in [0, 1_763_836_700_000, 1_763_836_800_000, 1_763_836_900_000] {
                let text = clock.to_relative_code(from, Some(one));
                assert_eq!(Clock::parse_relative(&text, from, Some(one)), Some(clock), "{text}");
            }
        }
    }

    #[test]
    fn a_person_outranks_whatever_has_no_clock() {
        let first = Clock::At(ClockStamp { millis: 1, clone_id: CloneId::from_bits(0) });
        assert!(Clock::Arranged < Clock::Unknown(0));
        assert!(Clock::Unknown(u64::MAX) < first);
    }

    #[test]
    fn a_time_beyond_all_years_counts_for_nothing() {
        let far = format!("{}:00000000", format_base36(u64::MAX));
        assert_eq!(Clock::parse(&far, None), Some(Clock::Unknown(0)));
        let from = 1_763_836_800_000;
        let nothing = Some(Clock::Unknown(0));
        assert_eq!(Clock::parse_relative(&format!("+{far}"), from, None), nothing);
        assert_eq!(Clock::parse_relative("zzzzzzzzz:00000000", from, None), None);
    }
}
