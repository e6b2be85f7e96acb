//! Integration tests: one binary, one file for each theme.

// In a test a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

mod support;

mod arrange;
mod canon_laws;
mod canvas;
mod catalog_core;
mod catalog_laws;
mod check;
mod conflicts;
mod data;
mod diff_command;
mod diff_doors;
mod diff_laws;
mod diff_schema;
mod diff_steps;
mod doctor;
mod exits;
mod filter;
mod floors;
mod frontend;
mod generate;
mod graph_laws;
mod history;
mod hooks;
mod import;
mod init;
mod inspect;
mod install;
mod layout_command;
mod layout_laws;
mod layouts;
mod media;
mod merge_cases;
mod merge_command;
mod merge_laws;
mod merge_sketches;
mod merging;
mod models;
mod packs;
mod picture;
mod prompt_laws;
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
mod together_travel;
mod uninstall;
mod vary;
mod watch;
mod watch_files;
mod watch_queue;
