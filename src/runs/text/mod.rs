//! Runs as text. Must not know where they are kept.

pub mod inspect;
pub mod lineage;
pub mod run_text;
pub mod tree;
