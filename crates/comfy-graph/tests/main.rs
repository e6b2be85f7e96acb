//! Tests of the library: one binary, one file for each theme.

// In a test a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

mod support;

mod arrange;
mod catalog_core;
mod catalog_laws;
mod clean_laws;
mod diff_kinds;
mod diff_laws;
mod diff_schema;
mod diff_steps;
mod generate;
mod graph_laws;
mod layout_laws;
mod merge_laws;
