//! The commands of this part: each parses, calls and prints.

pub mod bridge;
pub mod find;
pub mod index;
pub mod inspect;
pub mod restore;
pub mod runs;
pub mod show;
pub mod thumbnails;
