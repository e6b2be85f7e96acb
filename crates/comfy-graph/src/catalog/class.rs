//! What a node class declares: its inputs in order, its outputs, its defaults.
//!
//! The type follows the server's `/object_info`; [`super::object_info`] reads it. Only
//! what naming, defaults and model inputs need is kept: no tooltips, no categories, no
//! limits.

use compact_str::CompactString;

use crate::json::Value;

/// A node class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeClass {
    /// The class (`class_type`, `type`).
    pub name: CompactString,
    /// The title a new node shows; empty if it is the class.
    pub title: CompactString,
    /// The Python module, which tells the pack (`custom_nodes.<folder>`).
    pub module: CompactString,
    /// The inputs in the order in which the frontend makes widgets: required, optional.
    pub inputs: Vec<InputSpec>,
    /// The outputs by number.
    pub outputs: Vec<OutputSpec>,
    /// Whether the server runs it for its own sake.
    pub is_output: bool,
}

/// One input of a class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InputSpec {
    /// The name.
    pub name: CompactString,
    /// The type; `COMBO` also for those that list their choices instead of a type.
    pub kind: CompactString,
    /// The type that decides about the widget, where it is not `kind`.
    pub widget_type: Option<CompactString>,
    /// Whether the node may run without it.
    pub presence: Presence,
    /// The value of a new node, where the class says so.
    pub default: Option<Value>,
    /// The choices of a combo, as far as they are known.
    pub choices: Vec<Value>,
    /// The options of a dynamic combo, each with inputs of its own.
    pub options: Vec<DynamicOption>,
    /// Whether a control widget follows.
    pub control: ControlSpec,
    /// What the upload button beside it takes.
    pub upload: Option<UploadKind>,
    /// Whether its text has several lines.
    pub multiline: bool,
    /// Whether `{a|b}` in its text is resolved at random when queued.
    pub dynamic_prompts: bool,
    /// Whether it has a socket only, against its type.
    pub force_input: bool,
    /// Whether it has a widget only.
    pub socketless: bool,
}

/// Whether a node may run without an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Presence {
    /// The node does not run without it.
    #[default]
    Required,
    /// The node runs without it.
    Optional,
}

/// `control_after_generate` of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ControlSpec {
    /// The class does not say: an INT named `seed` or `noise_seed` has one all the same.
    #[default]
    Unsaid,
    /// It has none.
    No,
    /// It has one, called `control_after_generate`.
    Yes,
    /// It has one of this name. The frontend takes a text for the name, so that
    /// `PrimitiveInt` has a widget called `fixed`.
    Named(CompactString),
}

/// What an upload button takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadKind {
    /// Pictures, animated or not.
    Image,
    /// Videos.
    Video,
    /// Sound.
    Audio,
}

/// One option of a dynamic combo.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DynamicOption {
    /// The value of the combo that selects it.
    pub key: CompactString,
    /// The inputs it brings, to be called `<combo>.<name>`.
    pub inputs: Vec<InputSpec>,
}

/// One output of a class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputSpec {
    /// The name; the type where it has none.
    pub name: CompactString,
    /// The type.
    pub kind: CompactString,
}

impl NodeClass {
    /// The title a new node shows.
    pub fn display_name(&self) -> &str {
        if self.title.is_empty() { &self.name } else { &self.title }
    }

    /// An input by name; inputs of dynamic options by their dotted name, in the first
    /// option that has it.
    pub fn input(&self, name: &str) -> Option<&InputSpec> {
        find_input(&self.inputs, name)
    }
}

fn find_input<'c>(inputs: &'c [InputSpec], name: &str) -> Option<&'c InputSpec> {
    if let Some(input) = inputs.iter().find(|input| input.name == name) {
        return Some(input);
    }
    let (combo, rest) = name.split_once('.')?;
    let combo = inputs.iter().find(|input| input.name == combo)?;
    combo.options.iter().find_map(|option| find_input(&option.inputs, rest))
}

/// Types for which the frontend makes a widget.
const WIDGET_TYPES: [&str; 25] = [
    "AUDIO_RECORD",
    "AUDIO_UI",
    "BOOLEAN",
    "BOUNDING_BOX",
    "BOUNDING_BOXES",
    "CHART",
    "COLOR",
    "COLORS",
    "COMBO",
    "COMFY_DYNAMICCOMBO_V3",
    "COMPOSITOR",
    "CURVE",
    "FLOAT",
    "GALLERIA",
    "IMAGECOMPARE",
    "IMAGEUPLOAD",
    "INT",
    "LOAD_3D",
    "MARKDOWN",
    "PAINTER",
    "RANGE",
    "STRING",
    "TEXTAREA",
    "VIDEO_EDIT",
    "WEBCAM",
];

impl InputSpec {
    /// The type that decides which widget it has.
    pub(crate) fn widget_kind(&self) -> &str {
        self.widget_type.as_deref().unwrap_or(&self.kind)
    }

    /// Whether it has a widget, and so a place among a node's values.
    pub fn has_widget(&self) -> bool {
        !self.force_input && WIDGET_TYPES.binary_search(&self.widget_kind()).is_ok()
    }

    /// The value of a new node: the class's default, else the first choice of a combo,
    /// else what the frontend starts with.
    pub fn initial_value(&self) -> Option<Value> {
        if let Some(default) = &self.default {
            return Some(default.clone());
        }
        match self.widget_kind() {
            "COMBO" => self.choices.first().cloned(),
            "COMFY_DYNAMICCOMBO_V3" => self.options.first().map(|o| Value::from(o.key.clone())),
            "INT" | "FLOAT" => Some(Value::from(0i64)),
            "STRING" => Some(Value::from("")),
            "BOOLEAN" => Some(Value::from(false)),
            "IMAGECOMPARE" => Some(Value::from(vec!["", ""])),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widget_types_are_in_order() {
        assert!(WIDGET_TYPES.is_sorted());
    }
}
