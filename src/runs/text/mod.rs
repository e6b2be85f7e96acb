//! Runs as text. Must not know where they are kept.

pub(crate) mod inspect;
pub(crate) mod lineage;
pub(crate) mod run_text;
pub(crate) mod tree;
