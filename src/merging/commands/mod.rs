//! The commands of this part: each parses, calls and prints.

pub mod merge;
pub mod merge_driver;
pub mod resolve;
