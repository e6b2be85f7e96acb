//! Node definitions: the names of widgets, and which inputs are model files.
//!
//! A [`Catalog`] knows the classes that ComfyUI brings, and those of a server's
//! `/object_info` if it is given one. It implements [`crate::graph::WidgetNaming`].
//!
//! Must not know where a definition was fetched from.

mod builtin_file_inputs;
mod class;
mod class_table;
mod core;
mod expected_widgets;
mod file_inputs;
mod naming;
pub mod node_face;
mod object_info;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use crate::json::Value;

pub use class::{
    ControlSpec, DynamicOption, InputSpec, NodeClass, OutputSpec, Presence, UploadKind,
};
pub use class_table::object_info_table;
pub use core::CORE_VERSION;
pub use file_inputs::{FileEvidence, FileFolder, FileUse, FolderListing};

/// What is known of node classes.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Classes out of a server's `/object_info`; they come before the built-in ones.
    server_classes: class_table::ClassTable,
    /// Inputs of learned classes that name models: class and input, folder.
    model_folders: FxHashMap<(CompactString, CompactString), CompactString>,
}

impl Catalog {
    /// The classes that ComfyUI brings, as of [`CORE_VERSION`].
    pub fn core() -> Self {
        Catalog::default()
    }

    /// The built-in classes and those of an `/object_info` answer.
    pub fn with_object_info(answer: &Value) -> Self {
        Catalog::with_table(&object_info_table(answer))
    }

    /// The built-in classes and those of a table made by [`object_info_table`]: what is kept of an
    /// `/object_info` answer between two calls of the program.
    pub fn with_table(text: &str) -> Self {
        Catalog {
            server_classes: class_table::ClassTable::from_text(text),
            model_folders: FxHashMap::default(),
        }
    }

    /// A class by name.
    pub fn class(&self, name: &str) -> Option<&NodeClass> {
        self.server_classes.class(name).or_else(|| core::core_class(name))
    }

    /// The names of all classes, sorted.
    pub fn class_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.server_classes.names().collect();
        names.extend(core::core_names().map(|name: &str| name));
        names.sort_unstable();
        names.dedup();
        names
    }
}
