//! Text for people: made safe for a terminal, times, plurals, pictures in a line.
//!
//! Every text that comes from a file passes `sanitize`. Must not print.

pub(crate) mod excerpt_pair;
pub(crate) mod plural;
pub(crate) mod sanitize;
pub(crate) mod terminal_picture;
pub(crate) mod time_argument;

/// Whether the output shows colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Plain text.
    #[default]
    Off,
    /// ANSI sequences.
    On,
}

impl Colour {
    /// A text in a style, where there is colour.
    pub(crate) fn paint(self, style: anstyle::Style, text: &str) -> String {
        match self {
            Colour::On if !text.is_empty() && style != anstyle::Style::new() => {
                format!("{style}{text}{style:#}")
            }
            _ => text.to_owned(),
        }
    }
}
