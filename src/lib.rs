#![doc = include_str!("architecture.md")]

// Floor 4
pub mod record;
// Floor 5
pub mod render;
// Floor 6
pub mod git;
pub mod host;
// Floor 7
pub mod cmd;
pub mod error;
pub mod exit;
pub mod session;
pub mod ui;
// Floor 8
pub mod cli;
