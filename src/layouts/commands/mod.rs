//! The commands of this part: each parses, calls and prints.

pub mod arrange;
pub mod clean;
pub mod filter_process;
pub mod layout;
pub mod refresh;
pub mod smudge;
