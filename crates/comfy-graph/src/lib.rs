#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![warn(unreachable_pub)]

pub mod catalog;
pub mod clean;
pub mod diff;
pub mod graph;
pub mod json;
pub mod merge;
mod pair;
