//! The commands of this part: each parses, calls and prints.

pub(crate) mod arrange;
pub(crate) mod clean;
pub(crate) mod filter_process;
pub(crate) mod fsmonitor;
pub(crate) mod layout;
pub(crate) mod refresh;
pub(crate) mod smudge;
