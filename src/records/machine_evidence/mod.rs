//! A look at this machine: what stands behind the names of a commit's workflows.
//!
//! Evidence only. What is not there, not allowed, or not known yet is said to be so. The
//! look itself never reads a whole model: digests come from the cache, and what the cache
//! does not have is handed back as waiting.

pub mod environment;
pub mod models;
pub mod packs;

pub use models::{HashFailure, ModelFacts, UnhashedFile};
pub use packs::{ClassModules, PackFacts};

use std::path::Path;

use crate::platform::git::foreign_checkout::Checkout;
use crate::platform::machine::comfyui::Installation;
use crate::platform::machine::comfyui::gpu::Gpus;
use crate::platform::machine::hash::cache::HashCache;
use crate::platform::machine::server::SystemStats;

/// What the caller can say about git repositories; this module opens none.
pub trait CheckoutReader {
    /// What a folder that is itself a repository has checked out.
    fn checkout(&self, folder: &Path) -> Option<Checkout>;

    /// Where such a repository comes from, without anything personal.
    fn remote(&self, folder: &Path) -> Option<String>;

    /// The branch that such a repository has checked out.
    fn branch(&self, folder: &Path) -> Option<String> {
        let _ = folder;
        None
    }

    /// Whether it has a commit, so that nothing need be fetched to check it out.
    fn has_commit(&self, folder: &Path, commit: &str) -> bool {
        let _ = (folder, commit);
        false
    }
}

/// Everything a look can draw on.
pub struct MachineView<'a> {
    /// The ComfyUI of this machine; none: no model folders, no packs.
    pub installation: Option<&'a Installation>,
    /// What the running server of that installation says of itself.
    pub server: Option<&'a SystemStats>,
    /// Which class comes from which Python module, as a server told.
    pub class_modules: &'a ClassModules,
    /// The graphics cards.
    pub gpus: &'a Gpus,
    /// The digests that are known.
    pub cache: &'a HashCache,
    /// A folder for what was read from packs.
    pub pack_cache_folder: Option<&'a Path>,
    /// Reads what git repositories have checked out.
    pub checkouts: &'a dyn CheckoutReader,
    /// The moment of the look, as records spell it.
    pub seen_at: &'a str,
}
