//! The commands of this part: each parses, calls and prints.

pub(crate) mod watch;
