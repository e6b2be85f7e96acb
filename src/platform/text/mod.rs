//! Text for people: made safe for a terminal, times, word differences, pictures in a line.
//!
//! Every text that comes from a file passes `sanitize`. Must not print.

pub mod plural;
pub mod sanitize;
pub mod terminal_picture;
pub mod time_argument;
pub mod word_diff;

/// Whether the output shows colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    Off,
    /// ANSI sequences.
    On,
}
