//! Text for people: made safe for a terminal, times, word differences, pictures in a line.
//!
//! Every text that comes from a file passes `sanitize`. Must not print.

pub mod sanitize;
pub mod thumbnail;
pub mod time_argument;
pub mod words;
