//! Node definitions: the names of widgets, and which inputs are model files.
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
mod table;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use crate::json::Value;

pub use class::{Control, DynamicOption, InputSpec, NodeClass, OutputSpec, Presence, Upload};
pub use core::CORE_VERSION;
pub use files::{Evidence, FileUse, Folder, Listing};
pub use table::table_of;

/// What is known of node classes.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Classes out of a server's `/object_info`; they come before the built-in ones.
    learned: table::Table,
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
        Catalog::with_table(&table_of(answer))
    }

    /// The built-in classes and those of a table made by [`table_of`]: what is kept of an
    /// `/object_info` answer between two calls of the program.
    pub fn with_table(text: &str) -> Self {
        Catalog { learned: table::Table::of_text(text), listed: FxHashMap::default() }
    }

    /// A class by name.
    pub fn class(&self, name: &str) -> Option<&NodeClass> {
        self.learned.class(name).or_else(|| core::class(name))
    }

    /// The names of all classes, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.learned.names().collect();
        names.extend(core::names().map(|name: &str| name));
        names.sort_unstable();
        names.dedup();
        names
    }
}
