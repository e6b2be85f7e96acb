//! Runs and the images they made: kept, indexed, found, restored.

pub mod after;
pub mod asking;
pub mod branch;
pub mod bridge;
pub mod commands;
pub mod file;
pub mod filing;
pub mod folders;
pub mod index;
pub mod journal;
pub mod live;
pub mod machine_view;
pub mod model;
pub mod observer;
pub mod queue;
pub mod queueing;
pub mod readers;
pub mod run_store;
pub mod socket;
pub mod source_of_picture;
pub mod store;
pub mod text;
