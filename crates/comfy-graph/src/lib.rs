#![doc = include_str!("../README.md")]

pub mod canon;
pub mod catalog;
pub mod diff;
pub mod graph;
pub mod json;
pub mod merge;
pub mod pair;
