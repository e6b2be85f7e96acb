#![doc = include_str!("architecture.md")]

pub mod cli;
pub mod differences;
pub mod error;
pub mod exit;
pub mod import;
pub mod layouts;
pub mod merging;
pub mod platform;
pub mod records;
pub mod reproduce;
pub mod runs;
pub mod session;
pub mod setup;
pub mod snapshots;
pub mod ui;
