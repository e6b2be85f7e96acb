//! Text for people: made safe for a terminal, times, word differences, pictures in a line.
//!
//! Every text that comes from a file passes `sanitize`. Must not print.

pub(crate) mod plural;
pub(crate) mod sanitize;
pub(crate) mod terminal_picture;
pub(crate) mod time_argument;
pub(crate) mod word_diff;

/// Whether the output shows colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Plain text.
    #[default]
    Off,
    /// ANSI sequences.
    On,
}
