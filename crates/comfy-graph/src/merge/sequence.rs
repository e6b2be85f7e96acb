//! Lists that both sides changed, put together by elements, the way lines are merged.
//!
//! Must not know what the elements are, but that values are one if they mean the same.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::three_way::{MergeSide, ThreeWay};
use crate::json::{JsonStyle, Value, print};

/// Beyond this many changed elements on both sides a list is not worth the time: it has
/// been replaced rather than edited.
const MAX_CHANGED_ELEMENTS: usize = 20_000;

/// A stretch of the base and what a side has in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hunk {
    base: Range<usize>,
    side: Range<usize>,
}

/// A stretch of the merged list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SequenceRegion {
    /// All three have the same, or one side changed it: what stands there, as a range of the
    /// list that has it.
    Settled(MergeSide, Range<usize>),
    /// Both changed it, not to the same: what each has there.
    Contested(ThreeWay<Range<usize>>),
}

/// What is known of the elements of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SequenceKind {
    /// Words: one beside the other makes sense, or does not.
    Text,
    /// Things of their own: what is appended behind the last has nothing to do with it, and of
    /// two lists that begin alike the longer has all that the other has.
    List,
}

/// Applies the changes of both sides, or nothing if they meet. Two changes meet when what
/// the base has between them does not keep them `apart`.
pub(super) fn merge_sequences<T: Hash + Eq + Clone>(
    base: &[T],
    ours: &[T],
    theirs: &[T],
    kind: SequenceKind,
    apart: impl Fn(&[T]) -> bool,
) -> Option<Vec<T>> {
    let lists = ThreeWay::new(base, ours, theirs);
    let mut merged = Vec::with_capacity(ours.len().max(theirs.len()));
    for region in merge_regions(lists, kind, apart)? {
        match region {
            SequenceRegion::Settled(side, range) => {
                merged.extend_from_slice(&lists.get(side)[range])
            }
            SequenceRegion::Contested(_) => return None,
        }
    }
    Some(merged)
}

/// The merged list in stretches; nothing if the lists have too little in common.
pub(super) fn merge_regions<T: Hash + Eq>(
    lists: ThreeWay<&[T]>,
    kind: SequenceKind,
    apart: impl Fn(&[T]) -> bool,
) -> Option<Vec<SequenceRegion>> {
    let ThreeWay { base, ours, theirs } = lists;
    let mut ours_hunks = changed_hunks(base, ours)?.into_iter().peekable();
    let mut theirs_hunks = changed_hunks(base, theirs)?.into_iter().peekable();
    let mut regions = Vec::new();
    // How far each list is told.
    let mut done = ThreeWay::new(0, 0, 0);
    loop {
        let (mut own, mut other) = (Vec::new(), Vec::new());
        let start = match (ours_hunks.peek(), theirs_hunks.peek()) {
            (None, None) => break,
            (Some(a), Some(b)) => a.base.start.min(b.base.start),
            (Some(hunk), None) | (None, Some(hunk)) => hunk.base.start,
        };
        let mut end = start;
        loop {
            let meets = |hunk: &Hunk, across: bool| {
                let first = hunk.base.start == start;
                let overlaps = hunk.base.start < end;
                overlaps || first || (across && !apart(&base[end..hunk.base.start]))
            };
            let hunk = if let Some(hunk) = ours_hunks.next_if(|h| meets(h, !other.is_empty())) {
                own.push(hunk.clone());
                hunk
            } else if let Some(hunk) = theirs_hunks.next_if(|h| meets(h, !own.is_empty())) {
                other.push(hunk.clone());
                hunk
            } else {
                break;
            };
            end = end.max(hunk.base.end);
        }
        let kept = start - done.base;
        if kept > 0 {
            regions.push(SequenceRegion::Settled(MergeSide::Ours, done.ours..done.ours + kept));
        }
        let region = ThreeWay::new(
            start..end,
            region_of_side(done.ours + kept, end - start, &own),
            region_of_side(done.theirs + kept, end - start, &other),
        );
        done = ThreeWay::new(end, region.ours.end, region.theirs.end);
        settle_region(lists, kind, region, (own.is_empty(), other.is_empty()), &mut regions);
    }
    if done.base < base.len() {
        regions.push(SequenceRegion::Settled(MergeSide::Ours, done.ours..ours.len()));
    }
    Some(regions)
}

/// What a side has in place of a stretch of the base, given its changes there.
fn region_of_side(start: usize, length: usize, hunks: &[Hunk]) -> Range<usize> {
    let (gone, came) = hunks
        .iter()
        .fold((0, 0), |(gone, came), hunk| (gone + hunk.base.len(), came + hunk.side.len()));
    start..start + length + came - gone
}

fn settle_region<T: Eq>(
    lists: ThreeWay<&[T]>,
    kind: SequenceKind,
    region: ThreeWay<Range<usize>>,
    (ours_kept, theirs_kept): (bool, bool),
    regions: &mut Vec<SequenceRegion>,
) {
    let ThreeWay { base, ours, theirs } = ThreeWay::new(
        &lists.base[region.base.clone()],
        &lists.ours[region.ours.clone()],
        &lists.theirs[region.theirs.clone()],
    );
    let ours_stands = || SequenceRegion::Settled(MergeSide::Ours, region.ours.clone());
    let theirs_stands = || SequenceRegion::Settled(MergeSide::Theirs, region.theirs.clone());
    if ours_kept {
        return regions.push(theirs_stands());
    }
    if theirs_kept || ours == theirs {
        return regions.push(ours_stands());
    }
    if kind == SequenceKind::Text {
        return regions.push(SequenceRegion::Contested(region));
    }
    // What both begin with is what both did; one of them did more of it. (Of two that made the
    // list shorter, one kept what the other took away.)
    if ours.starts_with(theirs) && theirs.len() >= base.len() {
        return regions.push(ours_stands());
    }
    if theirs.starts_with(ours) && ours.len() >= base.len() {
        return regions.push(theirs_stands());
    }
    // One appended to the end of the list, the other changed what stood last.
    let at_end = region.base.end == lists.base.len();
    if at_end && !base.is_empty() && theirs.starts_with(base) && ours.len() == base.len() {
        regions.push(ours_stands());
        let appended = region.theirs.start + base.len()..region.theirs.end;
        return regions.push(SequenceRegion::Settled(MergeSide::Theirs, appended));
    }
    if at_end && !base.is_empty() && ours.starts_with(base) && theirs.len() == base.len() {
        let appended = region.ours.start + base.len()..region.ours.end;
        regions.push(theirs_stands());
        return regions.push(SequenceRegion::Settled(MergeSide::Ours, appended));
    }
    regions.push(SequenceRegion::Contested(region));
}

fn changed_hunks<'t, T: Hash + Eq>(base: &'t [T], side: &'t [T]) -> Option<Vec<Hunk>> {
    let same_start = base.iter().zip(side).take_while(|(a, b)| a == b).count();
    let rest = base[same_start..].iter().rev().zip(side[same_start..].iter().rev());
    let same_end = rest.take_while(|(a, b)| a == b).count();
    let (from, to) =
        (&base[same_start..base.len() - same_end], &side[same_start..side.len() - same_end]);
    if from.len().saturating_add(to.len()) > MAX_CHANGED_ELEMENTS {
        return None;
    }
    // By number, so that the algorithm is compiled once and not for each kind of element.
    let mut numbers = HashMap::new();
    let mut number_elements = |elements: &'t [T]| -> Vec<usize> {
        let mut number = |element| {
            let next = numbers.len();
            *numbers.entry(element).or_insert(next)
        };
        elements.iter().map(&mut number).collect()
    };
    let (from, to) = (number_elements(from), number_elements(to));
    let ops = capture_diff_slices(Algorithm::Myers, &from, &to);
    let changed = ops.into_iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let shift = |range: Range<usize>| range.start + same_start..range.end + same_start;
    let mut hunks: Vec<Hunk> = Vec::new();
    for op in changed {
        let hunk = Hunk { base: shift(op.old_range()), side: shift(op.new_range()) };
        match hunks.last_mut() {
            // A deletion and an insertion at one place are one change.
            Some(last) if last.base.end == hunk.base.start && last.side.end == hunk.side.start => {
                last.base.end = hunk.base.end;
                last.side.end = hunk.side.end;
            }
            _ => hunks.push(hunk),
        }
    }
    Some(hunks)
}

/// A value as a text that is the same for what means the same: `1.0` and `1`.
pub(super) fn meaning_text(value: &Value) -> String {
    print(&plain_numbers(value), &JsonStyle::SAVE)
}

fn plain_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let text = number.as_str();
            let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            let plain = number.as_f64();
            // Beyond this a float does not tell neighbours apart.
            const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
            match is_whole {
                true => value.clone(),
                false if plain.fract() == 0.0 && plain.abs() < MAX_WHOLE => {
                    Value::from(plain as i64)
                }
                false => Value::from(format!("number {plain}")),
            }
        }
        Value::Array(elements) => elements.iter().map(plain_numbers).collect::<Vec<_>>().into(),
        Value::Object(object) => {
            let members = object.iter().map(|(key, value)| (key.clone(), plain_numbers(value)));
            Value::Object(members.collect())
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn letters(base: &str, ours: &str, theirs: &str) -> Option<String> {
        let of = |text: &str| text.chars().collect::<Vec<char>>();
        let merged =
            merge_sequences(&of(base), &of(ours), &of(theirs), SequenceKind::List, |between| {
                !between.is_empty()
            });
        merged.map(|letters| letters.into_iter().collect())
    }

    #[test]
    fn changes_that_do_not_meet_both_apply() {
        assert_eq!(letters("abcdef", "aXcdef", "abcdYf").as_deref(), Some("aXcdYf"));
        assert_eq!(letters("abcdef", "acdef", "abcdefg").as_deref(), Some("acdefg"));
        assert_eq!(letters("abc", "aXc", "aXc").as_deref(), Some("aXc"));
        assert_eq!(letters("abc", "aXc", "aYc"), None);
        assert_eq!(letters("abc", "aXbc", "aYbc"), None);
        assert_eq!(letters("abc", "aXc", "abY"), None);
        assert_eq!(letters("abc", "abX", "abcd").as_deref(), Some("abXd"));
        assert_eq!(letters("abc", "abcd", "abcde").as_deref(), Some("abcde"));
        assert_eq!(letters("abc", "abcde", "abX").as_deref(), Some("abXde"));
        assert_eq!(letters("abc", "abXde", "abX").as_deref(), Some("abXde"));
        assert_eq!(letters("abcdefgh", "aXcYefgh", "abcdefZh").as_deref(), Some("aXcYefZh"));
        assert_eq!(letters("", "a", "a").as_deref(), Some("a"));
        assert_eq!(letters("", "a", "b"), None);
    }

    proptest! {
        #[test]
        fn a_side_that_changed_nothing_has_no_say(base in "[abc]{0,9}", side in "[abc]{0,9}") {
            prop_assert_eq!(letters(&base, &side, &base), Some(side.clone()));
            prop_assert_eq!(letters(&base, &base, &side), Some(side.clone()));
            prop_assert_eq!(letters(&base, &side, &side), Some(side));
        }

        #[test]
        fn sides_may_be_exchanged(base in "[ab]{0,8}", ours in "[abX]{0,8}", theirs in "[abY]{0,8}") {
            prop_assert_eq!(letters(&base, &ours, &theirs), letters(&base, &theirs, &ours));
        }
    }
}
