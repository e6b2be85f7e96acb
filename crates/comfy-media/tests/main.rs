//! Tests of the library: one binary, one file for each theme.

// In a test a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

#[path = "../../comfy-graph/tests/support/mod.rs"]
mod support;

mod containers;
mod prompt_laws;
