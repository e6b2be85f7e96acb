//! Lists that both sides changed, put together by elements, the way lines are merged.
//!
//! Must not know what the elements are.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Beyond this many changed elements on both sides a list is not worth the time: it has
/// been replaced rather than edited.
const MAX_CHANGED_ELEMENTS: usize = 20_000;

/// A stretch of the base and what a side has in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hunk {
    base: Range<usize>,
    side: Range<usize>,
}

/// Applies the changes of both sides, or nothing if they meet. Two changes meet when what
/// the base has between them does not keep them `apart`.
pub(super) fn merge_sequences<T: Hash + Eq + Clone>(
    base: &[T],
    ours: &[T],
    theirs: &[T],
    apart: impl Fn(&[T]) -> bool,
) -> Option<Vec<T>> {
    let mut ours_hunks = changed_hunks(base, ours)?.into_iter().peekable();
    let mut theirs_hunks = changed_hunks(base, theirs)?.into_iter().peekable();
    let mut merged = Vec::with_capacity(ours.len().max(theirs.len()));
    let mut done = 0;
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
        let region = start..end;
        merged.extend_from_slice(&base[done..start]);
        let ours_text = side_region(base, ours, &own, &region);
        let theirs_text = side_region(base, theirs, &other, &region);
        match (own.is_empty(), other.is_empty()) {
            (true, _) => merged.extend(theirs_text),
            (_, true) => merged.extend(ours_text),
            _ if ours_text == theirs_text => merged.extend(ours_text),
            _ => return None,
        }
        done = end;
    }
    merged.extend_from_slice(&base[done..]);
    Some(merged)
}

/// What a side has in place of a region of the base.
fn side_region<T: Clone>(base: &[T], side: &[T], hunks: &[Hunk], region: &Range<usize>) -> Vec<T> {
    let mut text = Vec::new();
    let mut done = region.start;
    for hunk in hunks {
        text.extend_from_slice(&base[done..hunk.base.start]);
        text.extend_from_slice(&side[hunk.side.clone()]);
        done = hunk.base.end;
    }
    text.extend_from_slice(&base[done..region.end]);
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn letters(base: &str, ours: &str, theirs: &str) -> Option<String> {
        let of = |text: &str| text.chars().collect::<Vec<char>>();
        let merged =
            merge_sequences(&of(base), &of(ours), &of(theirs), |between| !between.is_empty());
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
