//! Which widgets a node of a class has, in the order of its values.
//!
//! The list depends on the values themselves: a dynamic combo's value decides what
//! follows it. Mirrors how the frontend builds a node; where versions differ, the later
//! extras come out as [`ExpectedWidget::optional`].

use compact_str::{CompactString, format_compact};

use super::class::{ControlSpec, InputSpec, NodeClass, UploadKind};
use crate::graph::WidgetRole;
use crate::json::Value;

/// One widget that a class makes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ExpectedWidget<'c> {
    pub(super) name: CompactString,
    pub(super) role: WidgetRole,
    /// The input it belongs to; nothing for what the frontend adds by itself.
    pub(super) spec: Option<&'c InputSpec>,
    /// Whether some frontends store it and some do not.
    pub(super) optional: bool,
}

/// The widgets of a node of this class that holds these values.
pub(super) fn expected_widgets<'c>(
    class: &'c NodeClass,
    values: &[Value],
) -> Vec<ExpectedWidget<'c>> {
    let mut list = ExpectedWidgetList { values, widgets: Vec::new(), nested_controls: 0 };
    for input in &class.inputs {
        list.push_input(input, None);
        list.push_buttons_after(class, input);
    }
    list.push_extras(class);
    list.widgets
}

struct ExpectedWidgetList<'c, 'v> {
    values: &'v [Value],
    widgets: Vec<ExpectedWidget<'c>>,
    nested_controls: usize,
}

impl<'c> ExpectedWidgetList<'c, '_> {
    fn push_input(&mut self, spec: &'c InputSpec, within: Option<&str>) {
        if !spec.has_widget() {
            return;
        }
        let name = match within {
            Some(within) => format_compact!("{within}.{}", spec.name),
            None => spec.name.clone(),
        };
        let value = self.values.get(self.widgets.len());
        let role = widget_role(spec, &name);
        self.push_widget(name.clone(), role, Some(spec));
        match spec.widget_kind() {
            "COMFY_DYNAMICCOMBO_V3" => self.push_option_inputs(spec, &name, value),
            "BOUNDING_BOX" => {
                for part in ["x", "y", "width", "height"] {
                    self.push_widget(CompactString::const_new(part), WidgetRole::Residue, None);
                }
            }
            "COMBO" if has_control(spec, &name) => {
                self.push_control(spec, within);
                let filter = CompactString::const_new("control_filter_list");
                self.push_widget(filter, WidgetRole::Filter, None);
            }
            "INT" if has_control(spec, &name) => self.push_control(spec, within),
            _ => {}
        }
    }

    fn push_widget(&mut self, name: CompactString, role: WidgetRole, spec: Option<&'c InputSpec>) {
        self.widgets.push(ExpectedWidget { name, role, spec, optional: false });
    }

    fn push_control(&mut self, spec: &InputSpec, within: Option<&str>) {
        let name = match (&spec.control, within) {
            (ControlSpec::Named(name), _) => name.clone(),
            // The frontend makes a second control for it at the end, and numbers the first.
            (_, Some(_)) => {
                self.nested_controls += 1;
                format_compact!("control_after_generate#{}", self.nested_controls)
            }
            _ => CompactString::const_new("control_after_generate"),
        };
        self.push_widget(name, WidgetRole::Control, None);
    }

    fn push_option_inputs(&mut self, spec: &'c InputSpec, name: &str, value: Option<&Value>) {
        let text = match value {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Bool(value)) => Some(format_compact!("{value}")),
            Some(Value::Number(number)) => Some(CompactString::new(number.as_str())),
            _ => None,
        };
        let Some(text) = text else { return };
        let option = spec.options.iter().find(|option| option.key == text);
        for input in option.iter().flat_map(|option| &option.inputs) {
            self.push_input(input, Some(name));
        }
    }

    /// What the frontend adds after the inputs of the class.
    fn push_extras(&mut self, class: &'c NodeClass) {
        let upload = class.inputs.iter().find_map(|input| {
            let own_widget = input.widget_kind() == "PAINTER";
            input.upload.filter(|_| !own_widget)
        });
        if upload.is_some() {
            self.push_widget(CompactString::const_new("upload"), WidgetRole::Button, None);
        }
        if upload == Some(UploadKind::Audio) {
            self.push_optional("audioUI", WidgetRole::Button);
        }
        for at in 0..self.nested_controls {
            let name = match at {
                0 => CompactString::const_new("control_after_generate"),
                at => format_compact!("control_after_generate#{}", self.nested_controls + at),
            };
            let optional = true;
            self.widgets.push(ExpectedWidget {
                name,
                role: WidgetRole::Control,
                spec: None,
                optional,
            });
        }
        match class.name.as_str() {
            "CustomCombo" => {
                self.push_widget(CompactString::const_new("index"), WidgetRole::Plain, None);
                let mut option = 1;
                while self.widgets.len() < self.values.len() {
                    self.push_widget(format_compact!("option{option}"), WidgetRole::Plain, None);
                    option += 1;
                }
            }
            "PreviewAny" => {
                for name in ["preview_markdown", "preview_text", "previewMode"] {
                    self.push_optional(name, WidgetRole::Residue);
                }
            }
            "Preview3D" | "SaveGLB" => self.push_optional("image", WidgetRole::Residue),
            "RecordAudio" => self.push_optional("audioUI", WidgetRole::Button),
            _ => {}
        }
    }

    /// Buttons that the frontend puts between the inputs of a class.
    fn push_buttons_after(&mut self, class: &NodeClass, input: &InputSpec) {
        if class.name == "Load3D" && input.name == "model_file" {
            for name in ["upload3dmodel", "uploadExtraResources", "clear"] {
                self.push_optional(name, WidgetRole::Button);
            }
        }
    }

    fn push_optional(&mut self, name: &'static str, role: WidgetRole) {
        let name = CompactString::const_new(name);
        self.widgets.push(ExpectedWidget { name, role, spec: None, optional: true });
    }
}

fn has_control(spec: &InputSpec, name: &str) -> bool {
    match spec.control {
        ControlSpec::Yes | ControlSpec::Named(_) => true,
        ControlSpec::No => false,
        ControlSpec::Unsaid => spec.widget_kind() == "INT" && is_seed_name(name),
    }
}

/// The names that the frontend takes for a seed where the class says nothing.
pub(super) fn is_seed_name(name: &str) -> bool {
    matches!(name, "seed" | "noise_seed")
}

/// What the widget of an input is for.
pub(super) fn widget_role(spec: &InputSpec, name: &str) -> WidgetRole {
    match spec.widget_kind() {
        "INT" | "COMBO" if has_control(spec, name) => WidgetRole::Seed,
        "STRING" if spec.multiline => WidgetRole::Text,
        "MARKDOWN" | "TEXTAREA" => WidgetRole::Text,
        "IMAGECOMPARE" | "AUDIO_UI" | "AUDIO_RECORD" | "CHART" | "GALLERIA" | "LOAD_3D" => {
            WidgetRole::Residue
        }
        _ => WidgetRole::Plain,
    }
}

/// Whether a value could have come out of the widget of this input. Says yes in doubt.
pub(super) fn accepts_value(spec: &InputSpec, value: &Value) -> bool {
    match (spec.widget_kind(), value) {
        (_, Value::Null) => true,
        ("INT" | "FLOAT", value) => matches!(value, Value::Number(_)),
        ("BOOLEAN", value) => matches!(value, Value::Bool(_)),
        ("STRING" | "MARKDOWN" | "TEXTAREA" | "COLOR", value) => matches!(value, Value::String(_)),
        ("COMBO", value) => !matches!(value, Value::Object(_)),
        ("COMFY_DYNAMICCOMBO_V3", value) => {
            let key = |text: &str| spec.options.iter().any(|option| option.key == text);
            match value {
                Value::String(text) => key(text),
                Value::Bool(value) => key(if *value { "true" } else { "false" }),
                Value::Number(number) => key(number.as_str()),
                _ => false,
            }
        }
        _ => true,
    }
}
