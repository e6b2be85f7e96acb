//! The commands of this part: each parses, calls and prints.

pub mod apply;
pub mod blame;
pub mod catalog;
pub mod diff;
pub mod diff_driver;
pub mod log;
pub mod textconv;
