//! What the features are built on: git, the machine, text for people.

pub(crate) mod copy_file;
pub mod git;
pub mod machine;
pub mod text;
pub mod write_atomic;

pub use write_atomic::{with_usual_rights, write_atomic};
