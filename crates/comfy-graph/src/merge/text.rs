//! Prompt texts of both sides, put together by words.
//!
//! Two edits that touch (no unchanged word lies between them) are not put together, nor
//! is anything that unbalances brackets: `(fur:1.2)` weights what is in it. Must not know
//! which values are texts.

use super::sequence::{self, SequenceKind};

/// The merged text, or nothing where the edits meet.
pub(super) fn merge_texts(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let (base_tokens, ours_tokens, theirs_tokens) =
        (split_tokens(base), split_tokens(ours), split_tokens(theirs));
    let apart = |between: &[&str]| between.iter().any(|token| is_word(token));
    let merged = sequence::merge_sequences(
        &base_tokens,
        &ours_tokens,
        &theirs_tokens,
        SequenceKind::Text,
        apart,
    )?
    .concat();
    let sound = has_balanced_brackets(&merged)
        || !(has_balanced_brackets(ours) && has_balanced_brackets(theirs));
    sound.then_some(merged)
}

/// Whether a value looks like prose, where no definition says what its widget is: several
/// words, and no name of a file.
pub(super) fn is_prose(text: &str) -> bool {
    let name = text.contains(['/', '\\']) && !text.contains(char::is_whitespace);
    !name && text.split_whitespace().nth(2).is_some()
}

fn is_word(token: &str) -> bool {
    token.chars().next().is_some_and(is_word_char)
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '\''
}

/// Words (with numbers such as `1.2`), runs of white space, and every other character by
/// itself. Their concatenation is the text.
fn split_tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            let number = |c: char| is_word_char(c) || c == '.';
            let length = rest.find(|c| !number(c)).unwrap_or(rest.len());
            // The full stop after a number at the end of a sentence is none of its.
            length - usize::from(length > 1 && rest[..length].ends_with('.'))
        } else if is_word_char(first) {
            rest.find(|c| !is_word_char(c)).unwrap_or(rest.len())
        } else if first.is_whitespace() {
            rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// Whether every bracket that opens closes, in order. Escaped brackets are letters.
fn has_balanced_brackets(text: &str) -> bool {
    let mut open = Vec::new();
    let mut escaped = false;
    for c in text.chars() {
        let letter = escaped;
        escaped = c == '\\' && !letter;
        if letter {
            continue;
        }
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            '<' => open.push('>'),
            ')' | ']' | '}' | '>' if open.pop() != Some(c) => return false,
            _ => {}
        }
    }
    open.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn different_phrases_come_together() {
        let merged = merge_texts(
            "a red fox in snow, masterpiece, night",
            "a red fox in deep snow, masterpiece, night",
            "a red fox in snow, masterpiece, (detailed fur:1.2), dawn",
        );
        assert_eq!(
            merged.as_deref(),
            Some("a red fox in deep snow, masterpiece, (detailed fur:1.2), dawn")
        );
        assert_eq!(
            merge_texts("a red fox, night", "a blue fox, night", "a red fox, day").as_deref(),
            Some("a blue fox, day")
        );
    }

    #[test]
    fn edits_that_touch_are_a_conflict() {
        assert_eq!(merge_texts("a red fox", "a blue fox", "a red wolf"), None);
        assert_eq!(merge_texts("a fox", "a fox, masterpiece", "a fox, night"), None);
        assert_eq!(merge_texts("a fox", "a red fox", "a blue fox"), None);
        assert_eq!(merge_texts("(fur:1.2) x", "(fur:1.3) x", "(fur:1.1) x"), None);
    }

    #[test]
    fn brackets_stay_balanced() {
        assert_eq!(merge_texts("a b c d e f", "a (b c d) e f", "a b [c d e] f"), None);
        assert_eq!(
            merge_texts("a b c d e f", "a (b) c d e f", "a b c d [e] f").as_deref(),
            Some("a (b) c d [e] f")
        );
    }

    proptest! {
        #[test]
        fn tokens_are_the_text(text in "\\PC{0,40}") {
            prop_assert_eq!(split_tokens(&text).concat(), text);
        }
    }
}
