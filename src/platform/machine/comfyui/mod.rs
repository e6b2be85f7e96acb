//! Where ComfyUI lies on this machine, and what it is.

pub mod extra_paths;
pub mod find;
pub mod folders;
pub mod gpu;
pub mod python;
pub mod table;

pub use find::{Clues, FoundBy, Installation, ServerAgrees, find};

/// Whether a file name ends as weights do.
pub fn is_model_ending(name: &str) -> bool {
    table::MODEL_ENDINGS.contains(&folders::ending(name).as_str())
}
