//! The commands of this part: each parses, calls and prints.

pub(crate) mod merge;
pub(crate) mod merge_driver;
pub(crate) mod resolve;
