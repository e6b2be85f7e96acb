//! A text in which words came and went: what is gone is struck through, what is new is
//! underlined, both in the colours of their marks.
//!
//! Must not know nodes.

use comfy_graph::diff::{WordDiffPart, diff_words};

use crate::drawing::{ChangeMark, FontStyle, Paint};
use crate::drawing_colors as colors;
use crate::geometry::{Point, Rect};
use crate::markdown::line_height;
use crate::text::{block_text, fit_text, text_width};
use crate::text_shapes::{ShapeList, TextLook, solid};

/// A word in its place.
#[derive(Debug, Clone, PartialEq)]
struct MarkedWord {
    line: usize,
    x: f64,
    width: f64,
    text: String,
    mark: Option<ChangeMark>,
}

/// Draws two texts as one into a box, as many lines of it as there is room for.
pub(crate) fn draw_marked_text(
    list: &mut ShapeList,
    (before, after): (&str, &str),
    room: Rect,
    size: f64,
    ink: Paint,
) {
    let height = line_height(size);
    let most = (room.height / height).floor().max(1.0) as usize;
    for word in place_words(&diff_words(before, after), room.width, size, most) {
        let paint = word.mark.map_or(ink, colors::mark_color);
        let at = Point::new(room.x + word.x, room.y + height * (word.line as f64 + 0.76));
        let look = TextLook::new(size, paint);
        let line = |dy: f64| (at.offset(0.0, dy), at.offset(word.width, dy));
        match word.mark {
            Some(ChangeMark::Removed) => {
                let (from, to) = line(-size * 0.32);
                list.line(from, to, solid(paint, 1.2));
            }
            Some(_) => {
                let (from, to) = line(size * 0.2);
                list.line(from, to, solid(paint, 1.2));
            }
            None => {}
        }
        list.text(at, &word.text, word.width + size * 0.3, look);
    }
}

/// Breaks the parts of a text into lines, at blanks.
fn place_words(parts: &[WordDiffPart], width: f64, size: f64, most: usize) -> Vec<MarkedWord> {
    let blank = text_width(" ", size, FontStyle::Regular);
    let mut words: Vec<MarkedWord> = Vec::new();
    let (mut line, mut x) = (0, 0.0);
    for part in parts {
        let (text, mark) = match part {
            WordDiffPart::Same(text) => (text.as_str(), None),
            WordDiffPart::Removed(text) => (text.as_str(), Some(ChangeMark::Removed)),
            WordDiffPart::Added(text) => (text.as_str(), Some(ChangeMark::Added)),
            WordDiffPart::Gap => (" \u{2026} ", None),
        };
        // What went and what came in its place do not touch.
        if x > 0.0 && words.last().is_some_and(|last| last.mark != mark && last.x + last.width >= x)
        {
            x += blank;
        }
        for piece in block_text(text).split_inclusive([' ', '\n']) {
            let word = piece.trim_end();
            let taken = text_width(word, size, FontStyle::Regular);
            if x > 0.0 && x + taken > width {
                (line, x) = (line + 1, 0.0);
            }
            if line >= most {
                return words;
            }
            if !word.is_empty() {
                let text = fit_text(word, width, size, FontStyle::Regular);
                words.push(MarkedWord { line, x, width: taken.min(width), text, mark });
                x += taken;
            }
            if piece.ends_with('\n') {
                (line, x) = (line + 1, 0.0);
            } else if x > 0.0 && piece.len() > word.len() {
                x += blank;
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(before: &str, after: &str, width: f64) -> String {
        let sign = |word: &MarkedWord| match word.mark {
            Some(ChangeMark::Removed) => "-",
            Some(_) => "+",
            None => "",
        };
        let words = place_words(&diff_words(before, after), width, 11.0, 9);
        let told = |w: &MarkedWord| format!("{}{}{}", w.line, sign(w), w.text);
        words.iter().map(told).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_that_came_and_went_stand_side_by_side() {
        assert_eq!(shown("a red fox", "a blue fox", 400.0), "0a 0-red 0+blue 0fox");
        assert_eq!(shown("a red\nfox", "a red\ncat", 400.0), "0a 0red 1-fox 1+cat");
        assert_eq!(shown("a red fox", "a blue fox", 45.0), "0a 0-red 1+blue 2fox");
    }

    proptest! {
        #[test]
        fn words_stay_in_their_box(before in "\\PC{0,80}", after in "\\PC{0,80}", most in 1..5_usize) {
            for word in place_words(&diff_words(&before, &after), 90.0, 11.0, most) {
                prop_assert!(word.line < most && word.x + word.width <= 90.0 + 0.01);
            }
        }
    }
}
