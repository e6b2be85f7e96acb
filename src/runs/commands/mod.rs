//! The commands of this part: each parses, calls and prints.

pub(crate) mod bridge;
pub(crate) mod find;
pub(crate) mod index;
pub(crate) mod inspect;
pub(crate) mod restore;
pub(crate) mod runs;
pub(crate) mod show;
