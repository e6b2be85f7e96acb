//! Two texts compared by words: what a person changed in a prompt.
//!
//! Must not know how words are shown.

use similar::{Algorithm, ChangeTag, TextDiff};

/// Unchanged words kept on either side of a change.
const CONTEXT: usize = 4;
/// Texts with more words than this are compared as a whole: the comparison is quadratic
/// where everything differs.
const MOST_WORDS: usize = 20_000;

/// A stretch of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordDiffPart {
    /// In both texts.
    Same(String),
    /// Only in the earlier one.
    Removed(String),
    /// Only in the later one.
    Added(String),
    /// An unchanged stretch that is left out.
    Gap,
}

/// Compares two texts. Long unchanged stretches are left out.
pub fn diff_words(before: &str, after: &str) -> Vec<WordDiffPart> {
    let words = |text: &str| text.split_whitespace().take(MOST_WORDS + 1).count();
    if words(before) > MOST_WORDS || words(after) > MOST_WORDS {
        return vec![
            WordDiffPart::Removed(before.to_owned()),
            WordDiffPart::Added(after.to_owned()),
        ];
    }
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).diff_words(before, after);
    let mut found: Vec<WordDiffPart> = Vec::new();
    for change in diff.iter_all_changes() {
        let text = change.value();
        match (change.tag(), found.last_mut()) {
            (ChangeTag::Equal, Some(WordDiffPart::Same(last)))
            | (ChangeTag::Delete, Some(WordDiffPart::Removed(last)))
            | (ChangeTag::Insert, Some(WordDiffPart::Added(last))) => last.push_str(text),
            (ChangeTag::Equal, _) => found.push(WordDiffPart::Same(text.to_owned())),
            (ChangeTag::Delete, _) => found.push(WordDiffPart::Removed(text.to_owned())),
            (ChangeTag::Insert, _) => found.push(WordDiffPart::Added(text.to_owned())),
        }
    }
    elide_unchanged(join_across_space(found))
}

/// Two changes with nothing but space between them are one: `[-red fox-]{+blue cat+}`
/// reads better than `[-red-]{+blue+} [-fox-]{+cat+}`.
fn join_across_space(words: Vec<WordDiffPart>) -> Vec<WordDiffPart> {
    let mut joined: Vec<WordDiffPart> = Vec::new();
    let mut pending: Option<(String, String)> = None;
    let flush = |pending: &mut Option<(String, String)>, joined: &mut Vec<WordDiffPart>| {
        if let Some((removed, added)) = pending.take() {
            if !removed.is_empty() {
                joined.push(WordDiffPart::Removed(removed));
            }
            if !added.is_empty() {
                joined.push(WordDiffPart::Added(added));
            }
        }
    };
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        match word {
            WordDiffPart::Removed(text) => pending.get_or_insert_default().0.push_str(&text),
            WordDiffPart::Added(text) => pending.get_or_insert_default().1.push_str(&text),
            WordDiffPart::Same(text) if text.trim().is_empty() && pending.is_some() => {
                let goes_on =
                    matches!(words.peek(), Some(WordDiffPart::Removed(_) | WordDiffPart::Added(_)));
                match (&mut pending, goes_on) {
                    (Some((removed, added)), true) if !removed.is_empty() && !added.is_empty() => {
                        removed.push_str(&text);
                        added.push_str(&text);
                    }
                    _ => {
                        flush(&mut pending, &mut joined);
                        joined.push(WordDiffPart::Same(text));
                    }
                }
            }
            other => {
                flush(&mut pending, &mut joined);
                joined.push(other);
            }
        }
    }
    flush(&mut pending, &mut joined);
    joined
}

/// Leaves out the middle of long unchanged stretches.
fn elide_unchanged(words: Vec<WordDiffPart>) -> Vec<WordDiffPart> {
    let last = words.len().saturating_sub(1);
    let mut kept = Vec::new();
    for (at, word) in words.into_iter().enumerate() {
        let WordDiffPart::Same(text) = word else {
            kept.push(word);
            continue;
        };
        let starts: Vec<usize> = text
            .split_whitespace()
            .map(|word| word.as_ptr() as usize - text.as_ptr() as usize)
            .collect();
        let head = if at == 0 { 0 } else { CONTEXT };
        let tail = if at == last { 0 } else { CONTEXT };
        if starts.len() <= head + tail + 1 {
            kept.push(WordDiffPart::Same(text));
            continue;
        }
        if head > 0 {
            kept.push(WordDiffPart::Same(text[..starts[head]].trim_end().to_owned() + " "));
        }
        kept.push(WordDiffPart::Gap);
        if tail > 0 {
            kept.push(WordDiffPart::Same(" ".to_owned() + &text[starts[starts.len() - tail]..]));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(before: &str, after: &str) -> String {
        diff_words(before, after)
            .into_iter()
            .map(|word| match word {
                WordDiffPart::Same(text) => text,
                WordDiffPart::Removed(text) => format!("[-{text}-]"),
                WordDiffPart::Added(text) => format!("{{+{text}+}}"),
                WordDiffPart::Gap => "…".to_owned(),
            })
            .collect()
    }

    #[test]
    fn changes_are_told_with_a_few_words_around_them() {
        assert_eq!(shown("a red fox", "a blue fox"), "a [-red-]{+blue+} fox");
        assert_eq!(shown("a red fox", "a blue cat"), "a [-red fox-]{+blue cat+}");
        assert_eq!(
            shown(
                "one two three four five six seven eight nine ten END and more and more and more",
                "one two three four five six seven eight nine ten end and more and more and more"
            ),
            "… seven eight nine ten [-END-]{+end+} and more and more …"
        );
        assert_eq!(shown("", "new"), "{+new+}");
    }

    proptest! {
        #[test]
        fn short_texts_are_told_whole(
            before in "[ab]{0,2}( [ab]{1,2}){0,6}",
            after in "[ab]{0,2}( [ab]{1,2}){0,6}",
        ) {
            let (mut first, mut second) = (String::new(), String::new());
            for word in diff_words(&before, &after) {
                match word {
                    WordDiffPart::Same(text) => {
                        first.push_str(&text);
                        second.push_str(&text);
                    }
                    WordDiffPart::Removed(text) => first.push_str(&text),
                    WordDiffPart::Added(text) => second.push_str(&text),
                    WordDiffPart::Gap => prop_assume!(false),
                }
            }
            prop_assert_eq!(first, before);
            prop_assert_eq!(second, after);
        }
    }
}
