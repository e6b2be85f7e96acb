//! Inputs, outputs and widget values of a node, and the boundary slots of a subgraph.
//!
//! Views only: they read the raw slot objects where these lie. Inputs are known by name,
//! because the two legal encodings of one graph (Save lists the sockets of widgets that
//! nothing is plugged into, Export does not) number them differently; outputs are known by
//! number, because that is what the server executes.

use std::fmt;

use compact_str::{CompactString, format_compact};
use rustc_hash::FxHashMap;

use super::LinkId;
use crate::json::{Object, Value};

/// A slot by name. Names may be empty (`Reroute`) and, in damaged or very dynamic nodes,
/// repeat; then the later ones are told apart by count.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotName {
    /// The name in the file. `#7` for a slot that the file does not list.
    pub name: CompactString,
    /// How many slots before it have the same name; 0 nearly always.
    pub nth: usize,
}

impl SlotName {
    /// The first slot of this name.
    pub fn new(name: &str) -> Self {
        SlotName { name: CompactString::new(name), nth: 0 }
    }

    /// A slot that a link names by number and no list has.
    pub(crate) fn unlisted(slot: usize) -> Self {
        SlotName { name: format_compact!("#{slot}"), nth: 0 }
    }

    /// The number of an [unlisted](SlotName::unlisted) slot.
    pub(crate) fn unlisted_index(&self) -> Option<usize> {
        self.name.strip_prefix('#')?.parse().ok()
    }
}

impl fmt::Display for SlotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nth {
            0 => f.write_str(&self.name),
            nth => write!(f, "{}#{}", self.name, nth + 1),
        }
    }
}

/// One slot of a node or of a subgraph's boundary.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    /// Its index in the list.
    pub at: usize,
    /// The object in the file.
    pub raw: &'a Object,
}

impl<'a> Slot<'a> {
    /// The name in the file; empty where there is none.
    pub fn name(self) -> &'a str {
        self.raw.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// What a person reads: the label they gave, else the name.
    pub fn display_name(self) -> &'a str {
        let label = self.raw.get("label").and_then(Value::as_str);
        label.filter(|label| !label.is_empty()).unwrap_or_else(|| self.name())
    }

    /// The type as text; empty for types that are lists or numbers.
    pub fn kind(self) -> &'a str {
        self.raw.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The link that comes into this input.
    pub fn link(self) -> Option<LinkId> {
        LinkId::from_value(self.raw.get("link")?)
    }

    /// The links that leave this output, in file order.
    pub fn links(self) -> impl Iterator<Item = LinkId> + 'a {
        parse_link_ids(self.raw.get("links"))
    }

    /// The links of this boundary slot, in file order.
    pub(crate) fn link_ids(self) -> impl Iterator<Item = LinkId> + 'a {
        parse_link_ids(self.raw.get("linkIds"))
    }

    /// The widget this input is the socket of.
    pub fn widget(self) -> Option<&'a str> {
        self.raw.get("widget")?.get("name")?.as_str()
    }

    /// Whether the server may run the node without this input.
    pub fn is_optional(self) -> bool {
        // LiteGraph's `RenderShape.HollowCircle`.
        self.raw.get("shape").and_then(Value::as_i64) == Some(7)
    }
}

fn parse_link_ids(value: Option<&Value>) -> impl Iterator<Item = LinkId> + '_ {
    value.and_then(Value::as_array).unwrap_or_default().iter().filter_map(LinkId::from_value)
}

/// The slots in a list; elements that are no objects are passed over, but counted.
pub(super) fn iter_slots(list: Option<&Value>) -> impl Iterator<Item = Slot<'_>> + Clone {
    let elements = list.and_then(Value::as_array).unwrap_or_default();
    elements.iter().enumerate().filter_map(|(at, raw)| raw.as_object().map(|raw| Slot { at, raw }))
}

/// The slot at an index of a list.
pub(super) fn slot_at(list: Option<&Value>, at: usize) -> Option<Slot<'_>> {
    list?.get_index(at)?.as_object().map(|raw| Slot { at, raw })
}

/// The name of the slot at an index, counted among its namesakes.
pub(super) fn slot_name(list: Option<&Value>, at: usize) -> SlotName {
    let Some(slot) = slot_at(list, at) else { return SlotName::unlisted(at) };
    let name = slot.name();
    let nth = iter_slots(list).take_while(|s| s.at < at).filter(|s| s.name() == name).count();
    SlotName { name: CompactString::new(name), nth }
}

/// The slot of a name.
pub(super) fn slot_named<'a>(list: Option<&'a Value>, name: &SlotName) -> Option<Slot<'a>> {
    iter_slots(list).filter(|s| s.name() == name.name).nth(name.nth)
}

/// The names of all elements of a list, index by index; what is no object has an empty one.
pub(crate) fn slot_names(elements: &[Value]) -> Vec<SlotName> {
    let mut seen: FxHashMap<&str, usize> = FxHashMap::default();
    let names = elements.iter().map(|slot| {
        let name = raw_slot_name(slot);
        let nth = seen.entry(name).and_modify(|nth| *nth += 1).or_default();
        SlotName { name: CompactString::new(name), nth: *nth }
    });
    names.collect()
}

/// The element of a list that has one of [`slot_names`], with its index.
pub(crate) fn find_slot<'a>(
    list: Option<&'a Value>,
    name: &SlotName,
) -> Option<(usize, &'a Value)> {
    let elements = list.and_then(Value::as_array).unwrap_or_default().iter().enumerate();
    elements.filter(|(_, slot)| raw_slot_name(slot) == name.name).nth(name.nth)
}

fn raw_slot_name(slot: &Value) -> &str {
    slot.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// The values a node's widgets hold, in whichever of the two shapes the file has.
#[derive(Debug, Clone, Copy)]
pub enum WidgetValues<'a> {
    /// By position: the frontend's own nodes.
    Array(&'a [Value]),
    /// By name: some packs.
    Object(&'a Object),
    /// There are none.
    None,
}

impl<'a> WidgetValues<'a> {
    /// Reads `widgets_values`. An object keyed `0`, `1`, … is an object here.
    pub(super) fn parse(value: Option<&'a Value>) -> Self {
        match value {
            Some(Value::Array(values)) => WidgetValues::Array(values),
            Some(Value::Object(values)) => WidgetValues::Object(values),
            _ => WidgetValues::None,
        }
    }

    /// How many values there are.
    pub fn len(self) -> usize {
        match self {
            WidgetValues::Array(values) => values.len(),
            WidgetValues::Object(values) => values.len(),
            WidgetValues::None => 0,
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}
