//! Old exports, outputs and synced folders become history.

pub mod commands;
pub mod conflicts;
pub mod history;
pub mod model;
