//! Floor 7: one file for each command: its arguments, and a `run` that gathers what the
//! floors below need, calls them, and tells the outcome. No logic that could be a test
//! of a lower floor.

pub mod apply;
pub mod blame;
pub mod bridge;
pub mod catalog;
pub mod check;
pub mod clean;
mod commits;
mod compared;
pub mod conflicts;
mod content;
pub mod diff;
pub mod diff_driver;
pub mod doctor;
mod filtered;
pub mod find;
pub mod generate;
pub mod hook;
pub mod import;
pub mod index;
pub mod init;
pub mod inspect;
pub mod log;
pub mod merge;
pub mod merge_driver;
mod merging;
mod naming;
mod operands;
pub mod process;
pub mod record;
pub mod refresh;
pub mod resolve;
pub mod restore;
pub mod runs;
pub mod screen;
mod sheet;
pub mod show;
pub mod smudge;
pub mod status;
pub mod sync;
mod telling;
pub mod textconv;
pub mod uninstall;
mod unsettled;
pub mod watch;
mod whole_file;
