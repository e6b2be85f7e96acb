//! The commands of this part: each parses, calls and prints.

pub(crate) mod conflicts;
pub(crate) mod import;
