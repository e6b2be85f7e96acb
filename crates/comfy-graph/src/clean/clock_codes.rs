//! The clocks of the places of one graph as text: words, each clock followed by the places it
//! is for (none: all others).
//!
//! ```text
//! #1k0 n3 n7 g1 #2ab:k3f9x2ab n4 #0#1k0#v#10#20#g1 n5
//! ```
//!
//! A clock begins with `#`, which no name does. It counts back from when the file was saved, in
//! milliseconds and base 36, because that is shorter; one after that has a `+`. A second clock
//! tells when the place was last written anew without being moved (its group was dragged,
//! another renderer scaled it). Then follows the frame its numbers are in, where that is not the
//! one of the layout: `l` or `v` (LiteGraph or Vue), and the origin and the name of the group
//! it belongs to. `@g1=10,20` is the origin of a group, where that is not its corner, or was moved
//! at another time.
//!
//! Before, that was an object: whole times, with spaces between the parts, each with its places.
//! Must not know what a layout is.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::clock::{Clock, CloneId};
use super::clocked_layout::{Placement, PlacementFrame};
use super::placement::PlaceKey;
use crate::json::{JsonKey, JsonText, JsonValue, Object, Value};

/// ComfyUI's Vue renderer draws everything that much larger, and says so in the file.
pub(super) const VUE_SCALE: f64 = 1.2;

const CLOCK_MARK: char = '#';

/// When a place was moved, when it was written, and its frame where it is not the layout's.
#[derive(Debug, Clone)]
pub(super) struct PlaceClocks {
    pub(super) moved: Clock,
    pub(super) written: Clock,
    pub(super) frame: Option<PlacementFrame>,
}

impl PlaceClocks {
    pub(super) fn uniform(clock: Clock) -> PlaceClocks {
        PlaceClocks { moved: clock, written: clock, frame: None }
    }
}

/// What clocks are told against.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockContext {
    /// When the file was saved.
    pub(super) saved: Clock,
    /// The clone that is not written down.
    pub(super) usual: Option<CloneId>,
}

impl ClockContext {
    fn print(self, clock: Clock) -> String {
        clock.to_relative_code(self.saved.millis(), self.usual)
    }

    fn parse(self, text: &str) -> Option<Clock> {
        Clock::parse_relative(text, self.saved.millis(), self.usual)
    }

    /// The word of a place that was moved when the file was saved.
    fn saved_word(self) -> String {
        format!("{CLOCK_MARK}{}", self.print(self.saved))
    }

    fn clock_word(self, place: &Placement, is_framed: bool) -> String {
        let mut word = format!("{CLOCK_MARK}{}", self.print(place.moved));
        if place.written != place.moved || is_framed {
            word.push(CLOCK_MARK);
            word.push_str(&self.print(place.written));
        }
        if is_framed {
            word.push_str(if place.frame.scale == VUE_SCALE { "#v" } else { "#l" });
            if let Some((group, (x, y))) = &place.frame.anchor {
                word.push_str(&format!("#{x}#{y}#{group}"));
            }
        }
        word
    }

    fn parse_clock_word(self, word: &str) -> Option<PlaceClocks> {
        let mut parts = word.splitn(6, CLOCK_MARK);
        let moved = self.parse(parts.next()?)?;
        let written = parts.next().map_or(Some(moved), |text| self.parse(text))?;
        let scale = parts.next();
        let corner = parts.next().zip(parts.next());
        let frame = parse_frame(scale, parts.next(), corner);
        Some(PlaceClocks { moved, written, frame })
    }

    /// As it was before: whole times, with spaces between, the group before its corner.
    fn parse_old_clock(self, code: &str) -> Option<PlaceClocks> {
        let mut parts = code.split(' ');
        let parse = |text: &str| Clock::parse(text, self.usual);
        let moved = parse(parts.next()?)?;
        let written = parts.next().map_or(Some(moved), parse)?;
        let (scale, group) = (parts.next(), parts.next());
        let frame = parse_frame(scale, group, parts.next().zip(parts.next()));
        Some(PlaceClocks { moved, written, frame })
    }
}

fn parse_frame(
    scale: Option<&str>,
    group: Option<&str>,
    corner: Option<(&str, &str)>,
) -> Option<PlacementFrame> {
    let scale = if scale? == "v" { VUE_SCALE } else { 1.0 };
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let corner = corner.and_then(|(x, y)| Some((number(x)?, number(y)?)));
    Some(PlacementFrame { scale, anchor: group.map(JsonKey::from).zip(corner) })
}

/// The origin of a group, and its clocks.
#[derive(Debug, Clone)]
pub(super) struct ToldOrigin {
    pub(super) at: (f64, f64),
    pub(super) clocks: PlaceClocks,
}

/// The clocks of one graph, being read.
#[derive(Debug)]
pub(super) struct ClockCodes {
    all: PlaceClocks,
    named: FxHashMap<String, PlaceClocks>,
    origins: FxHashMap<String, ToldOrigin>,
}

/// Begins the name of the group that an origin is of.
const ORIGIN_MARK: char = '@';

impl ClockCodes {
    /// All places have the same clock.
    pub(super) fn uniform(clock: Clock) -> ClockCodes {
        ClockCodes {
            all: PlaceClocks::uniform(clock),
            named: FxHashMap::default(),
            origins: FxHashMap::default(),
        }
    }

    pub(super) fn parse(codes: Option<&Value>, context: ClockContext) -> ClockCodes {
        let mut read = ClockCodes::uniform(context.saved);
        match codes {
            Some(Value::String(words)) => read.read_words(words, context),
            Some(Value::Object(codes)) => read.read_old_codes(codes, context),
            _ => {}
        }
        read
    }

    fn read_words(&mut self, text: &str, context: ClockContext) {
        // Of a word that is not understood nothing is said of its places.
        let mut current: Option<PlaceClocks> = None;
        let mut words = text.split(' ').filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            let Some(clock) = word.strip_prefix(CLOCK_MARK) else {
                match (&current, word.strip_prefix(ORIGIN_MARK)) {
                    (Some(said), None) => {
                        self.named.insert(word.to_owned(), said.clone());
                    }
                    (Some(said), Some(origin)) => self.read_origin(origin, said),
                    (None, _) => {}
                }
                continue;
            };
            current = context.parse_clock_word(clock);
            if let (Some(said), true) =
                (&current, words.peek().is_none_or(|next| next.starts_with(CLOCK_MARK)))
            {
                self.all = said.clone();
            }
        }
    }

    fn read_old_codes(&mut self, codes: &Object, context: ClockContext) {
        for (code, keys) in codes.iter() {
            let (Some(said), Some(keys)) = (context.parse_old_clock(code), keys.as_str()) else {
                continue;
            };
            if keys.is_empty() {
                self.all = said.clone();
            }
            for key in keys.split(' ').filter(|key| !key.is_empty()) {
                self.named.insert(key.to_owned(), said.clone());
            }
        }
    }

    fn read_origin(&mut self, text: &str, clocks: &PlaceClocks) {
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        let told = text.rsplit_once('=').and_then(|(group, at)| {
            let (x, y) = at.split_once(',')?;
            Some((group, (number(x)?, number(y)?)))
        });
        if let Some((group, at)) = told {
            self.origins.insert(group.to_owned(), ToldOrigin { at, clocks: clocks.clone() });
        }
    }

    /// What is told of the origin of a group.
    pub(super) fn origin(&self, group: &str) -> Option<&ToldOrigin> {
        self.origins.get(group)
    }

    pub(super) fn get(&self, key: &str) -> &PlaceClocks {
        self.named.get(key).unwrap_or(&self.all)
    }
}

/// The clocks of places, with the places they are for; empty where all were moved when the file
/// was saved. Of each place also whether it has a frame of its own.
pub(super) fn print_clock_codes<'p>(
    places: impl Iterator<Item = (&'p PlaceKey, &'p Placement, bool)>,
    context: ClockContext,
) -> String {
    let mut by_clock: BTreeMap<String, Vec<&PlaceKey>> = BTreeMap::new();
    for (key, place, is_framed) in places {
        let word = context.clock_word(place, is_framed);
        by_clock.entry(word).or_default().push(key);
    }
    // The most common clock is written once, for all places that are not named.
    let all = by_clock.iter().max_by(|(a, x), (b, y)| x.len().cmp(&y.len()).then(b.cmp(a)));
    let Some(all) = all.map(|(word, _)| word.clone()) else { return String::new() };
    let mut words: Vec<&str> = Vec::new();
    for (word, keys) in &by_clock {
        if *word != all {
            words.push(word);
            words.extend(keys.iter().map(|key| key.as_str()));
        } else if *word != context.saved_word() {
            words.push(word);
        }
    }
    words.join(" ")
}

/// The origin of a group, with its clocks.
pub(super) fn print_origin_code(
    group: &PlaceKey,
    origin: &Placement,
    (x, y): (f64, f64),
    context: ClockContext,
    is_framed: bool,
) -> String {
    format!("{} {ORIGIN_MARK}{group}={x},{y}", context.clock_word(origin, is_framed))
}

/// Whether the frame of any place of a graph is told.
pub(super) fn tells_frames<T: JsonText>(codes: &JsonValue<T>) -> bool {
    match codes {
        JsonValue::String(words) => words
            .decode()
            .split(' ')
            .any(|word| word.starts_with(CLOCK_MARK) && word.matches(CLOCK_MARK).count() > 2),
        JsonValue::Object(codes) => codes.keys().any(|code| code.decode().matches(' ').count() > 1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::ClockStamp;
    use crate::json;

    fn at(millis: u64, by: u64) -> Clock {
        Clock::At(ClockStamp { millis, clone_id: CloneId::from_bits(by) })
    }

    fn read(codes: &str) -> ClockCodes {
        let saved = at(2000, 7);
        let context = ClockContext { saved, usual: saved.clone_id() };
        ClockCodes::parse(Some(&json::parse_text(codes).unwrap()), context)
    }

    #[test]
    fn clocks_of_both_spellings_are_read() {
        let old = r#"{"15o":"","15p":"n1 n3#1","!":"g1","1jk 17a:00000000 v g1#1 10 -2.5":"n2"}"#;
        let new = r##""#dw #dv n1 n3#1 #! g1 #0#ca:00000000#v#10#-2.5#g1#1 n2""##;
        for codes in [old, new] {
            let codes = read(codes);
            let moved = |key: &str| codes.get(key).moved;
            assert_eq!(moved("n9"), at(1500, 7), "all others");
            assert_eq!((moved("n1"), moved("n3#1")), (at(1501, 7), at(1501, 7)));
            assert_eq!(moved("g1"), Clock::Arranged);
            let framed = codes.get("n2");
            assert_eq!((framed.moved, framed.written), (at(2000, 7), at(1558, 0)));
            let anchor = Some((JsonKey::from("g1#1"), (10.0, -2.5)));
            assert_eq!(framed.frame, Some(PlacementFrame { scale: VUE_SCALE, anchor }));
            assert_eq!(codes.get("n1").frame, None);
        }
    }

    #[test]
    fn a_clock_that_is_not_understood_says_nothing_of_its_places() {
        let codes = read(r##""#new! n1 #dw n2""##);
        assert_eq!((codes.get("n1").moved, codes.get("n2").moved), (at(2000, 7), at(1500, 7)));
    }
}
