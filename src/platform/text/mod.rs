//! Text for people: made safe for a terminal, times, word differences, pictures in a line.
//!
//! Every text that comes from a file passes `sanitize`. Must not print.

pub mod sanitize;
pub mod thumbnail;
pub mod time_argument;
pub mod words;

/// Whether the output shows colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    Off,
    /// ANSI sequences.
    On,
}
