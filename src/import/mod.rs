//! Old exports, outputs and synced folders become history.

pub(crate) mod apply_plan;
pub(crate) mod commands;
pub(crate) mod conflicts;
pub(crate) mod doubts;
pub(crate) mod exports;
pub(crate) mod history;
pub(crate) mod line_status;
pub(crate) mod model;
pub(crate) mod outputs;
pub(crate) mod plan_file;
pub(crate) mod version_source;
