//! Runs as text. Must not know where they are kept.

pub mod inspect;
pub mod lineage;
pub mod runs;
pub mod tree;
