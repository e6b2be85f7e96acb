//! A node: its raw object with a typed face.

use super::slot::{self, Slot, SlotName, WidgetValues};
use super::{NodeId, SubgraphId, WidgetLocation, WidgetName};
use crate::json::{Number, Object, Value};

/// Whether and how a node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeMode {
    /// 0, or absent.
    Always,
    /// 1: on an event. No frontend of today makes it.
    OnEvent,
    /// 2: does not run, and neither does what needs it.
    Mute,
    /// 3: on a trigger. No frontend of today makes it.
    OnTrigger,
    /// 4: is passed by; inputs go straight to outputs of the same type.
    Bypass,
    /// Any other number.
    Other(i64),
}

impl NodeMode {
    /// The number as files spell it.
    pub fn number(self) -> i64 {
        match self {
            NodeMode::Always => 0,
            NodeMode::OnEvent => 1,
            NodeMode::Mute => 2,
            NodeMode::OnTrigger => 3,
            NodeMode::Bypass => 4,
            NodeMode::Other(number) => number,
        }
    }

    /// The mode a number stands for.
    pub fn from_number(number: i64) -> Self {
        match number {
            0 => NodeMode::Always,
            1 => NodeMode::OnEvent,
            2 => NodeMode::Mute,
            3 => NodeMode::OnTrigger,
            4 => NodeMode::Bypass,
            number => NodeMode::Other(number),
        }
    }

    /// Whether the node is left out of the prompt.
    pub fn is_off(self) -> bool {
        matches!(self, NodeMode::Mute | NodeMode::Bypass)
    }
}

/// A node of a workflow. Owns its raw object; nothing in it is ever dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    id: NodeId,
    raw: Object,
}

impl Node {
    /// Takes a raw node.
    ///
    /// # Errors
    /// Gives the value back if it is no object with an id.
    pub fn from_value(value: Value) -> Result<Node, Value> {
        let id = value.get("id").and_then(NodeId::from_value);
        match (value, id) {
            (Value::Object(raw), Some(id)) => Ok(Node { id, raw }),
            (value, _) => Err(value),
        }
    }

    /// The raw node again.
    pub fn into_value(self) -> Value {
        Value::Object(self.raw)
    }

    /// The id in its graph.
    pub fn id(&self) -> &NodeId {
        &self.id
    }

    /// Gives the node another id, spelled as the old one was. What refers to it is
    /// not changed: that does `renumber`.
    pub(crate) fn set_id(&mut self, id: NodeId) {
        let spelled = id.respell(self.raw.get("id").unwrap_or(&Value::Null));
        self.raw.insert("id", spelled);
        self.id = id;
    }

    /// The object in the file.
    pub fn raw(&self) -> &Object {
        &self.raw
    }

    /// The object in the file, to change anything but `id`.
    pub fn raw_mut(&mut self) -> &mut Object {
        &mut self.raw
    }

    /// The class (`type` in the file); the uuid of a definition for subgraph instances;
    /// empty where the file has none.
    pub fn class(&self) -> &str {
        self.raw.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The class taken for the uuid of a subgraph definition. Whether there is such a
    /// definition only the workflow knows.
    pub fn as_subgraph(&self) -> SubgraphId {
        SubgraphId::new(self.class())
    }

    /// The title that was written, absent where it is the class's own.
    pub fn title(&self) -> Option<&str> {
        self.raw.get("title").and_then(Value::as_str)
    }

    /// What a person calls the node when nothing knows its class: title, else class.
    pub fn display_name(&self) -> &str {
        self.title().filter(|title| !title.is_empty()).unwrap_or_else(|| self.class())
    }

    /// Whether and how it runs.
    pub fn mode(&self) -> NodeMode {
        let number = self.raw.get("mode").and_then(Value::as_i64);
        NodeMode::from_number(number.unwrap_or_default())
    }

    /// Sets whether and how it runs.
    pub fn set_mode(&mut self, mode: NodeMode) {
        self.raw.insert("mode", mode.number());
    }

    /// The inputs, in file order.
    pub fn inputs(&self) -> impl Iterator<Item = Slot<'_>> + Clone {
        slot::iter_slots(self.raw.get("inputs"))
    }

    /// The outputs, in file order.
    pub fn outputs(&self) -> impl Iterator<Item = Slot<'_>> + Clone {
        slot::iter_slots(self.raw.get("outputs"))
    }

    /// The input at an index.
    pub fn input_at(&self, at: usize) -> Option<Slot<'_>> {
        slot::slot_at(self.raw.get("inputs"), at)
    }

    /// The output at an index.
    pub fn output_at(&self, at: usize) -> Option<Slot<'_>> {
        slot::slot_at(self.raw.get("outputs"), at)
    }

    /// The input of a name.
    pub fn input(&self, name: &SlotName) -> Option<Slot<'_>> {
        slot::slot_named(self.raw.get("inputs"), name)
    }

    /// The name of the input at an index.
    pub fn input_name(&self, at: usize) -> SlotName {
        slot::slot_name(self.raw.get("inputs"), at)
    }

    /// The name of the output at an index.
    pub fn output_name(&self, at: usize) -> SlotName {
        slot::slot_name(self.raw.get("outputs"), at)
    }

    /// The list of raw inputs, to change; made where there is none.
    pub fn inputs_mut(&mut self) -> Option<&mut Vec<Value>> {
        self.raw.get_or_insert_with("inputs", || Value::Array(Vec::new())).as_array_mut()
    }

    /// `properties`, if the node has any.
    pub fn properties(&self) -> Option<&Object> {
        self.raw.get("properties").and_then(Value::as_object)
    }

    /// One of the `properties`.
    pub fn property(&self, key: &str) -> Option<&Value> {
        self.properties()?.get(key)
    }

    /// Sets or removes one of the `properties`.
    pub fn set_property(&mut self, key: &str, value: Option<Value>) {
        let properties = self.raw.get_or_insert_with("properties", || Object::new().into());
        if let Some(properties) = properties.as_object_mut() {
            match value {
                Some(value) => properties.insert(key, value),
                None => properties.remove(key),
            };
        }
    }

    /// The widget values: these, not the named ones, are what ComfyUI uses.
    pub fn widget_values(&self) -> WidgetValues<'_> {
        WidgetValues::parse(self.raw.get("widgets_values"))
    }

    /// The widget values by name, which frontends write beside the array since 1.49.
    pub fn named_values(&self) -> Option<&Object> {
        self.raw.get("widgets_values_named").and_then(Value::as_object)
    }

    /// Sets the value of a widget where it lies, and in the copy by name, if the file has
    /// one and knows the widget there. An index one beyond the end appends; any further
    /// leaves holes, as the frontend does.
    pub fn set_widget_value(&mut self, place: &WidgetLocation, name: &WidgetName, value: Value) {
        if let (Some(name), Some(Value::Object(named))) =
            (name.as_str(), self.raw.get_mut("widgets_values_named"))
            && named.contains_key(name)
        {
            named.insert(name, value.clone());
        }
        match place {
            WidgetLocation::Index(at) => {
                let values =
                    self.raw.get_or_insert_with("widgets_values", || Value::Array(Vec::new()));
                if let Some(values) = values.as_array_mut() {
                    if values.len() <= *at {
                        values.resize(at + 1, Value::Null);
                    }
                    values[*at] = value;
                }
            }
            WidgetLocation::Key(key) => {
                let fresh = || Object::new().into();
                let values = self.raw.get_or_insert_with("widgets_values", fresh);
                if let Some(values) = values.as_object_mut() {
                    values.insert(key.clone(), value);
                }
            }
            WidgetLocation::Input(_) => {}
        }
    }

    /// Position on the canvas. Both spellings are read: `[x, y]` and `{"0": x, "1": y}`.
    pub fn pos(&self) -> Option<(f64, f64)> {
        number_pair(self.raw.get("pos")?)
    }

    /// Size on the canvas, in either spelling.
    pub fn size(&self) -> Option<(f64, f64)> {
        number_pair(self.raw.get("size")?)
    }
}

fn number_pair(value: &Value) -> Option<(f64, f64)> {
    let number = |value: Option<&Value>| value?.as_number().map(Number::as_f64);
    match value {
        Value::Array(elements) => Some((number(elements.first())?, number(elements.get(1))?)),
        Value::Object(members) => Some((number(members.get("0"))?, number(members.get("1"))?)),
        _ => None,
    }
}
