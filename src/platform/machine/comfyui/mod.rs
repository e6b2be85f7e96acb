//! Where ComfyUI lies on this machine, and what it is.

pub mod built_in_types;
pub mod extra_paths;
pub mod folders;
pub mod gpu;
pub mod installation;
pub mod python;

pub use installation::{
    ExtraPathsOutcome, FoundBy, Installation, InstallationClues, ServerMatch, find_installation,
};

/// Whether a file name ends as weights do.
pub fn is_model_ending(name: &str) -> bool {
    built_in_types::MODEL_ENDINGS.contains(&folders::file_ending(name).as_str())
}
