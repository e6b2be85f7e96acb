//! Integration tests: one binary, one file for each theme.

// In a test a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

#[path = "../crates/comfy-graph/tests/support/mod.rs"]
mod graph_support;
mod support;

mod check;
mod conflicts;
mod damaged;
mod diff_command;
mod diff_doors;
mod doctor;
mod exits;
mod features;
mod filter;
mod frontend;
mod history;
mod hooks;
mod import;
mod init;
mod inspect;
mod install;
mod layout_command;
mod layouts;
mod merge_cases;
mod merge_command;
mod merge_writing;
mod merging;
mod models;
mod names;
mod packs;
mod picture;
mod pictures;
mod quiet_git;
mod raw;
mod records;
mod refresh;
mod reproduce;
mod reproduce_laws;
mod reproduce_run;
mod resolving;
mod rewrites;
mod runs;
mod runs_told;
mod separate;
mod server;
mod sharing;
mod snapshots;
mod template;
mod textconv;
mod together;
mod together_travel;
mod told_truly;
mod uninstall;
mod vary;
mod watch;
mod watch_files;
mod watch_queue;
