//! Node definitions: the names of widgets, and which inputs are model files.
//!
//! A [`Catalog`] knows the classes that ComfyUI brings, and those of a server's
//! `/object_info` if it is given one. It implements [`crate::graph::WidgetNaming`].
//!
//! Must not know where a definition was fetched from.

mod align_prompt;
mod builtin_file_inputs;
mod class;
mod class_table;
mod core;
mod expected_widgets;
mod file_inputs;
mod learned_names;
mod naming;
pub mod node_face;
mod object_info;
mod python_literal;
mod python_source;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use crate::json::Value;

pub use class::{
    ControlSpec, DynamicOption, InputSpec, NodeClass, OutputSpec, Presence, UploadKind,
};
pub use class_table::object_info_table;
pub use core::CORE_VERSION;
pub use file_inputs::{FileEvidence, FileFolder, FileUse, FolderListing};
pub use learned_names::LearnedNames;
pub use python_source::PackSources;

/// What is known of node classes.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Classes out of a server's `/object_info`; they come before the built-in ones.
    server_classes: class_table::ClassTable,
    /// Inputs of learned classes that name models: class and input, folder.
    model_folders: FxHashMap<(CompactString, CompactString), CompactString>,
    /// Names of widgets out of the repository's files.
    learned: Option<LearnedNames>,
    /// Names out of the sources of installed packs.
    installed: Option<LearnedNames>,
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
        Catalog { server_classes: class_table::ClassTable::from_text(text), ..Catalog::default() }
    }

    /// The same, and names that were learned from files.
    pub fn with_learned_names(self, learned: LearnedNames) -> Self {
        Catalog { learned: Some(learned), ..self }
    }

    /// The same, and names that were read out of the sources of installed packs.
    pub fn with_pack_names(self, installed: LearnedNames) -> Self {
        Catalog { installed: Some(installed), ..self }
    }

    /// The classes that a server told of, and the Python module of each.
    pub fn server_modules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.server_classes.classes().map(|class| (class.name.as_str(), class.module.as_str()))
    }

    /// Whether the definition of a class is that of a server.
    pub(crate) fn is_server_class(&self, name: &str) -> bool {
        self.server_classes.class(name).is_some()
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
