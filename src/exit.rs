//! How the program ends, as other programs read it.

/// The outcome of a command. Exit codes are a protocol: git and scripts act on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, nothing to report. 0.
    Done,
    /// A check found something, or two things differ. 1.
    Found,
    /// A merge left conflicts. 1.
    Conflicts,
    /// The request was refused or failed. 2.
    Failed,
    /// A merge driver failed. 129: git takes 1 to 128 for "conflict, ours kept".
    DriverFailed,
}

impl Exit {
    /// The code the process leaves with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Found | Exit::Conflicts => 1,
            Exit::Failed => 2,
            Exit::DriverFailed => 129,
        }
    }
}
