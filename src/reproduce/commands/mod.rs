//! The commands of this part: each parses, calls and prints.

pub mod lock;
pub mod reproduce;
pub mod vary;
pub mod verify;
