//! The commands of this part: each parses, calls and prints.

pub(crate) mod lock;
pub(crate) mod reproduce;
pub(crate) mod vary;
pub(crate) mod verify;
