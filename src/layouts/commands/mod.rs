//! The commands of this part: each parses, calls and prints.

pub mod clean;
pub mod layout;
pub mod process;
pub mod refresh;
pub mod smudge;
