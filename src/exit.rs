//! How the program ends, as other programs read it.

use std::ffi::OsString;

/// The outcome of a command. Exit codes are a protocol: git and scripts act on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, nothing to report. 0.
    Done,
    /// The answer is no: two things differ, a check found something, a search nothing. 1.
    Negative,
    /// A merge left conflicts. 1.
    Conflicts,
    /// The request was refused or failed. 2.
    Failed,
    /// A picture cannot be made again on this machine. 3.
    CannotReproduce,
    /// Stopped at the keyboard. 130, as shells have it.
    Interrupted,
    /// A merge driver failed. 129: git takes 1 to 128 for "conflict, ours kept".
    DriverFailed,
}

/// The commands that git runs as merge drivers.
const MERGE_DRIVERS: [&str; 1] = ["merge-driver"];

impl Exit {
    /// How a call with those arguments ends when it failed, or when the arguments
    /// themselves could not be understood.
    pub fn for_failure(arguments: &[OsString]) -> Exit {
        // git takes a merge driver's usage error below 129 for a conflict, with ours kept.
        let driver = arguments.iter().any(|a| MERGE_DRIVERS.iter().any(|driver| a == driver));
        if driver { Exit::DriverFailed } else { Exit::Failed }
    }

    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Negative | Exit::Conflicts => 1,
            Exit::Failed => 2,
            Exit::CannotReproduce => 3,
            Exit::Interrupted => 130,
            Exit::DriverFailed => 129,
        }
    }
}
