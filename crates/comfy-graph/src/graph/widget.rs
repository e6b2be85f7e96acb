//! Widget values with their names.
//!
//! The file stores the values of a node's widgets by position; names come from elsewhere
//! (the file's own copy by name, the node class, a subgraph's boundary). This module only
//! says what a named value is; the catalog finds the names.

use std::fmt;

use compact_str::CompactString;

use super::{Node, Workflow};
use crate::json::Value;

/// What a widget is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WidgetName {
    /// By its class or by the file. Names may hold dots (`resize_type.width`), look like
    /// values (`fixed`), and end in `#2` where a class has two of one name.
    Named(CompactString),
    /// Nothing names it: its index among the values, from 0.
    Position(usize),
}

impl WidgetName {
    /// A known name.
    pub fn new(name: &str) -> Self {
        WidgetName::Named(CompactString::new(name))
    }

    /// The name, if there is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            WidgetName::Named(name) => Some(name),
            WidgetName::Position(_) => None,
        }
    }
}

impl fmt::Display for WidgetName {
    /// Positions are shown counted from 1: `value 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WidgetName::Named(name) => f.write_str(name),
            WidgetName::Position(at) => write!(f, "value {}", at + 1),
        }
    }
}

/// Where a widget's value lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WidgetLocation {
    /// At this index of `widgets_values`.
    Index(usize),
    /// Under this key of `widgets_values`, where that is an object.
    Key(CompactString),
    /// Under this key of a prompt node's `inputs`.
    Input(CompactString),
}

/// What a widget is for, as far as its class or the rules of the format say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum WidgetRole {
    /// A value that the node runs with.
    #[default]
    Plain,
    /// Text of several lines: a prompt, a note. Compared by words.
    Text,
    /// A number that a control widget may change after each run.
    Seed,
    /// What becomes of the number before it after a run: `fixed`, `randomize`, …
    Control,
    /// Narrows the choices of the combo before it.
    Filter,
    /// A button; its value means nothing.
    Button,
    /// Written by a run or for the canvas only: previews, 3D view states.
    Residue,
}

impl WidgetRole {
    /// Whether the value goes into the prompt that the server runs.
    pub fn runs(self) -> bool {
        matches!(self, WidgetRole::Plain | WidgetRole::Text | WidgetRole::Seed)
    }
}

/// Where the name of a widget comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum NameSource {
    /// It has none.
    #[default]
    Position,
    /// The file: values by name, sockets of widgets, the boundary of a subgraph, the inputs of
    /// a prompt.
    File,
    /// The classes that ComfyUI brings.
    Builtin,
    /// The `/object_info` of a server.
    Server,
    /// Other files of the repository, and what ran.
    Repository,
    /// What is built in of packs.
    Packs,
}

/// One widget of a node with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Widget<'a> {
    /// What it is called.
    pub name: WidgetName,
    /// Where the name comes from.
    pub source: NameSource,
    /// What it holds.
    pub value: &'a Value,
    /// Where that lies.
    pub location: WidgetLocation,
    /// What it is for.
    pub role: WidgetRole,
}

/// Knows the names of widgets. The catalog does.
pub trait WidgetNaming {
    /// The widgets of a node in the order of their values, one for every value there is.
    fn widgets<'w>(&self, workflow: &'w Workflow, node: &'w Node) -> Vec<Widget<'w>>;

    /// The widgets that a node of this class has and the file holds no value for, with
    /// the values that the frontend gives them.
    fn unset_widgets(&self, _node: &Node) -> Vec<(CompactString, Value)> {
        Vec::new()
    }

    /// The title of a new node of a class.
    fn class_title(&self, _class: &str) -> Option<&str> {
        None
    }
}

/// Knows nothing: every value is known by its position.
#[derive(Debug, Clone, Copy, Default)]
pub struct PositionalNaming;

impl WidgetNaming for PositionalNaming {
    fn widgets<'w>(&self, _workflow: &'w Workflow, node: &'w Node) -> Vec<Widget<'w>> {
        widgets_by_position(node)
    }
}

/// The widgets of a node with no names but those of an object's keys.
pub(crate) fn widgets_by_position(node: &Node) -> Vec<Widget<'_>> {
    let role = WidgetRole::Plain;
    match node.widget_values() {
        super::WidgetValues::Array(values) => {
            let widget = |(at, value)| Widget {
                name: WidgetName::Position(at),
                source: NameSource::Position,
                value,
                location: WidgetLocation::Index(at),
                role,
            };
            values.iter().enumerate().map(widget).collect()
        }
        super::WidgetValues::Object(values) => {
            let widget = |(key, value): (&CompactString, _)| Widget {
                source: NameSource::File,
                name: WidgetName::Named(key.clone()),
                value,
                location: WidgetLocation::Key(key.clone()),
                role,
            };
            values.iter().map(|(key, value)| widget((key, value))).collect()
        }
        super::WidgetValues::None => Vec::new(),
    }
}
