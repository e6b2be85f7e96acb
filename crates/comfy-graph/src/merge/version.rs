//! Version numbers that programs write: of two that both went up, the higher stands.
//!
//! Must not know whose version it is.

use std::cmp::Ordering;

use super::three_way::{MergeSide, ThreeWay};
use crate::json::Value;

/// Members that programs write a version into: the Manager the pack a node was placed with,
/// the editor and tools what saved the file last.
pub(super) const VERSION_MEMBERS: [&str; 7] = [
    "ver",
    "version",
    "frontendVersion",
    "workflowRendererVersion",
    "backendVersion",
    "comfyui_version",
    "schema_version",
];

/// A version in pieces: numbers, and what marks a state before the release.
#[derive(Debug, PartialEq, Eq)]
struct Version<'v> {
    numbers: Vec<u64>,
    prerelease: Option<&'v str>,
}

impl<'v> Version<'v> {
    /// `1.2`, `v1.2.3`, `1.2.3-rc.1+5`. A commit id is none, nor is a number without a dot.
    fn parse(text: &'v str) -> Option<Self> {
        let text = text.trim_start_matches(['v', 'V']);
        let text = text.split('+').next().unwrap_or_default();
        let (numbers, prerelease) = match text.split_once('-') {
            Some((numbers, prerelease)) => (numbers, Some(prerelease)),
            None => (text, None),
        };
        let numbers = numbers.split('.').map(|part| part.parse().ok());
        let numbers: Vec<u64> = numbers.collect::<Option<_>>()?;
        (numbers.len() > 1).then_some(Version { numbers, prerelease })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let length = self.numbers.len().max(other.numbers.len());
        let number = |own: &Self, at: usize| own.numbers.get(at).copied().unwrap_or_default();
        let numbers = (0..length).map(|at| number(self, at).cmp(&number(other, at)));
        let by_numbers = numbers.fold(Ordering::Equal, Ordering::then);
        by_numbers.then_with(|| match (self.prerelease, other.prerelease) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(own), Some(other)) => own.cmp(other),
        })
    }
}

/// The side with the higher of two versions, if neither is below that of the base.
pub(super) fn higher_version(sides: ThreeWay<Option<&Value>>) -> Option<MergeSide> {
    let text = |value: Option<&Value>| {
        value.and_then(|value| match value {
            Value::String(text) => Some(text.to_string()),
            Value::Number(number) => Some(number.as_str().to_owned()),
            _ => None,
        })
    };
    let texts = sides.map(text);
    let (ours, theirs) = (texts.ours.as_deref()?, texts.theirs.as_deref()?);
    let (ours, theirs) = (Version::parse(ours)?, Version::parse(theirs)?);
    if sides.base.is_some() {
        let base = Version::parse(texts.base.as_deref()?)?;
        if ours.compare(&base) == Ordering::Less || theirs.compare(&base) == Ordering::Less {
            return None;
        }
    }
    Some(match ours.compare(&theirs) {
        Ordering::Less => MergeSide::Theirs,
        Ordering::Equal | Ordering::Greater => MergeSide::Ours,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_higher_of_two_versions_stands() {
        let higher = |base: Option<&str>, ours: &str, theirs: &str| {
            let value = |text: &str| Value::from(text);
            let (base, ours, theirs) = (base.map(value), value(ours), value(theirs));
            higher_version(ThreeWay::new(base.as_ref(), Some(&ours), Some(&theirs)))
        };
        assert_eq!(higher(Some("1.0.0"), "1.2.0", "1.10.0"), Some(MergeSide::Theirs));
        assert_eq!(higher(None, "v1.2.1", "1.2"), Some(MergeSide::Ours));
        assert_eq!(higher(Some("1.0"), "1.1.0-rc.1", "1.1.0"), Some(MergeSide::Theirs));
        assert_eq!(higher(Some("2.0"), "1.9", "2.1"), None, "a version that went down");
        let commit = "a5bd3c86c8ed6b83c55c2d0e7a59515b15a0137f";
        assert_eq!(higher(Some("1.0.0"), commit, "1.1.0"), None);
        assert_eq!(higher(None, "1234567", "7654321"), None, "no version, maybe a commit");
        assert_eq!(higher(None, "nightly", "1.0.0"), None);
    }
}
