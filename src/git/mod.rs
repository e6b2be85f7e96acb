//! Floor 6: the only door to git: repositories, configuration, hooks, notes, refs.
//!
//! Hands out plain data; no type of `git2` or `gix` leaves this folder.

pub mod attributes;
pub mod block;
pub mod config;
pub mod hooks;
pub mod plan;
pub mod plumbing;
pub mod setup;
