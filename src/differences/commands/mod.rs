//! The commands of this part: each parses, calls and prints.

pub(crate) mod apply;
pub(crate) mod blame;
pub(crate) mod catalog;
pub(crate) mod diff;
pub(crate) mod diff_driver;
pub(crate) mod log;
pub(crate) mod textconv;
