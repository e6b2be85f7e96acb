//! Floor 2: node definitions: the names of widgets, and which inputs are model files.
//!
//! A [`Catalog`] knows the classes that ComfyUI brings, and those of a server's
//! `/object_info` if it is given one. It implements [`crate::graph::Naming`].
//!
//! Must not know where a definition was fetched from.

mod class;
mod core;
mod expect;
mod files;
mod folders;
mod naming;
pub mod object_info;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

pub use class::{Control, DynamicOption, InputSpec, NodeClass, OutputSpec, Presence, Upload};
pub use core::CORE_VERSION;
pub use files::{Evidence, FileUse, Folder, Listing};

use crate::json::Value;

/// What is known of node classes.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Classes that a server told of; they come before the built-in ones.
    learned: FxHashMap<CompactString, NodeClass>,
    /// Inputs of learned classes that name models: class and input, folder.
    listed: FxHashMap<(CompactString, CompactString), CompactString>,
}

impl Catalog {
    /// The classes that ComfyUI brings, as of [`CORE_VERSION`].
    pub fn core() -> Self {
        Catalog::default()
    }

    /// The built-in classes and those of an `/object_info` answer.
    pub fn with_object_info(answer: &Value) -> Self {
        let classes = object_info::classes(answer).into_iter();
        let learned = classes.map(|class| (class.name.clone(), class)).collect();
        Catalog { learned, listed: FxHashMap::default() }
    }

    /// A class by name.
    pub fn class(&self, name: &str) -> Option<&NodeClass> {
        self.learned.get(name).or_else(|| core::class(name))
    }

    /// The names of all classes, sorted.
    pub fn names(&self) -> Vec<&str> {
        let own = core::names().filter(|name| !self.learned.contains_key(*name));
        let mut names: Vec<&str> = own.map(|name: &str| name).collect();
        names.extend(self.learned.keys().map(CompactString::as_str));
        names.sort_unstable();
        names
    }
}
