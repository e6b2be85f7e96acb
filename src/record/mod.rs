//! Floor 4: what a commit or a run was made with, as data.
//!
//! Must not look at the machine: `host` gathers, this floor only says what was seen.
