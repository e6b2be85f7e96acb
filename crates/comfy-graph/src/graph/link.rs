//! Links: from an output to an input, in both spellings.

use super::{LinkId, NodeId, RerouteId};
use crate::json::{Object, Value};

/// Where a link starts or ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkEnd {
    /// A slot of a node. As a target the number depends on the file's encoding: compare
    /// inputs by name ([`super::Wires`]).
    Node {
        /// The node in the same graph.
        id: NodeId,
        /// The index in its outputs (of an origin) or inputs (of a target).
        slot: usize,
    },
    /// An input on the boundary of the subgraph (`-10`): only links of a definition
    /// start there.
    GraphInput {
        /// The index in the definition's `inputs`.
        slot: usize,
    },
    /// An output on the boundary of the subgraph (`-20`): only links of a definition end
    /// there.
    GraphOutput {
        /// The index in the definition's `outputs`.
        slot: usize,
    },
    /// The loose end of a floating link (`-1`).
    Loose,
}

impl LinkEnd {
    /// A slot of a node.
    pub fn node(id: impl Into<NodeId>, slot: usize) -> Self {
        LinkEnd::Node { id: id.into(), slot }
    }

    /// The node, if it is one.
    pub fn node_id(&self) -> Option<&NodeId> {
        match self {
            LinkEnd::Node { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The slot's index; nothing for a loose end.
    pub fn slot(&self) -> Option<usize> {
        match self {
            LinkEnd::Node { slot, .. }
            | LinkEnd::GraphInput { slot }
            | LinkEnd::GraphOutput { slot } => Some(*slot),
            LinkEnd::Loose => None,
        }
    }

    /// The same end at another index.
    pub fn with_slot(&self, at: usize) -> Self {
        let mut end = self.clone();
        if let LinkEnd::Node { slot, .. }
        | LinkEnd::GraphInput { slot }
        | LinkEnd::GraphOutput { slot } = &mut end
        {
            *slot = at;
        }
        end
    }

    fn parse(id: Option<&Value>, slot: Option<&Value>) -> Option<Self> {
        let id = NodeId::from_value(id?)?;
        if id == NodeId::NOWHERE {
            return Some(LinkEnd::Loose);
        }
        let slot = usize::try_from(LinkId::from_value(slot?)?.0).ok()?;
        Some(match id {
            NodeId::GRAPH_INPUT => LinkEnd::GraphInput { slot },
            NodeId::GRAPH_OUTPUT => LinkEnd::GraphOutput { slot },
            id => LinkEnd::Node { id, slot },
        })
    }

    fn id_value(&self, old: &Value) -> Value {
        match self {
            LinkEnd::Node { id, .. } => id.respell(old),
            LinkEnd::GraphInput { .. } => NodeId::GRAPH_INPUT.to_value(),
            LinkEnd::GraphOutput { .. } => NodeId::GRAPH_OUTPUT.to_value(),
            LinkEnd::Loose => NodeId::NOWHERE.to_value(),
        }
    }

    fn slot_value(&self) -> Value {
        self.slot().map_or_else(|| Value::from(-1i64), Value::from)
    }
}

/// How a link is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFormat {
    /// `[id, origin_id, origin_slot, target_id, target_slot, type]`: the root of 0.4.
    Row,
    /// `{"id": …, "origin_id": …, …}`: schema 1, all definitions, floating links.
    Object,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum RawLink {
    Row(Vec<Value>),
    Object(Object),
}

/// The fields of a link: key in an object, index in a row.
const ID: (&str, usize) = ("id", 0);
const ORIGIN: (&str, usize) = ("origin_id", 1);
const ORIGIN_SLOT: (&str, usize) = ("origin_slot", 2);
const TARGET: (&str, usize) = ("target_id", 3);
const TARGET_SLOT: (&str, usize) = ("target_slot", 4);
const TYPE: (&str, usize) = ("type", 5);

impl RawLink {
    fn get(&self, (key, at): (&str, usize)) -> Option<&Value> {
        match self {
            RawLink::Row(row) => row.get(at),
            RawLink::Object(object) => object.get(key),
        }
    }

    fn set(&mut self, (key, at): (&'static str, usize), value: Value) {
        match self {
            RawLink::Row(row) => {
                if row.len() <= at {
                    row.resize(at + 1, Value::Null);
                }
                row[at] = value;
            }
            RawLink::Object(object) => {
                object.insert(key, value);
            }
        }
    }
}

/// A link of one graph. Ends are typed; the raw row or object is kept in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    id: LinkId,
    from: LinkEnd,
    to: LinkEnd,
    raw: RawLink,
    /// What `extra.linkExtensions` of a 0.4 root says about it, and at which index.
    pub(super) extension: Option<(usize, Object)>,
}

impl Link {
    /// A new link.
    pub fn new(spelling: LinkFormat, id: LinkId, from: LinkEnd, to: LinkEnd, kind: Value) -> Self {
        let fields = [
            (ID, id.to_value()),
            (ORIGIN, from.id_value(&Value::Null)),
            (ORIGIN_SLOT, from.slot_value()),
            (TARGET, to.id_value(&Value::Null)),
            (TARGET_SLOT, to.slot_value()),
            (TYPE, kind),
        ];
        let raw = match spelling {
            LinkFormat::Row => RawLink::Row(fields.into_iter().map(|(_, value)| value).collect()),
            LinkFormat::Object => {
                RawLink::Object(fields.into_iter().map(|((key, _), value)| (key, value)).collect())
            }
        };
        Link { id, from, to, raw, extension: None }
    }

    /// Takes a raw link.
    ///
    /// # Errors
    /// Gives the value back if its id or an end cannot be read.
    pub fn from_value(value: Value) -> Result<Link, Value> {
        let raw = match value {
            Value::Array(row) => RawLink::Row(row),
            Value::Object(object) => RawLink::Object(object),
            other => return Err(other),
        };
        let id = raw.get(ID).and_then(LinkId::from_value);
        let from = LinkEnd::parse(raw.get(ORIGIN), raw.get(ORIGIN_SLOT));
        let to = LinkEnd::parse(raw.get(TARGET), raw.get(TARGET_SLOT));
        match (id, from, to) {
            (Some(id), Some(from), Some(to)) => Ok(Link { id, from, to, raw, extension: None }),
            _ => Err(Link::value_from_raw(raw)),
        }
    }

    /// The raw link again (without what `extra.linkExtensions` says of it).
    pub fn into_value(self) -> Value {
        Link::value_from_raw(self.raw)
    }

    fn value_from_raw(raw: RawLink) -> Value {
        match raw {
            RawLink::Row(row) => Value::Array(row),
            RawLink::Object(object) => Value::Object(object),
        }
    }

    /// The id in its graph.
    pub fn id(&self) -> LinkId {
        self.id
    }

    /// The output it leaves.
    pub fn from(&self) -> &LinkEnd {
        &self.from
    }

    /// The input it feeds.
    pub fn to(&self) -> &LinkEnd {
        &self.to
    }

    /// The type it carries, as the file says it: text, seldom a number or a list.
    pub fn kind(&self) -> &Value {
        const NONE: &Value = &Value::Null;
        self.raw.get(TYPE).unwrap_or(NONE)
    }

    /// How it is written.
    pub fn link_format(&self) -> LinkFormat {
        match self.raw {
            RawLink::Row(_) => LinkFormat::Row,
            RawLink::Object(_) => LinkFormat::Object,
        }
    }

    /// The last reroute before the input, if the link is bent.
    pub fn parent(&self) -> Option<RerouteId> {
        let own = match &self.raw {
            RawLink::Object(object) => object.get("parentId"),
            RawLink::Row(_) => None,
        };
        let extension = || self.extension.as_ref().and_then(|(_, object)| object.get("parentId"));
        own.or_else(extension).and_then(RerouteId::from_value)
    }

    /// Gives the link another id. What refers to it is not changed: that does `renumber`.
    pub(crate) fn set_id(&mut self, id: LinkId) {
        let spelled = id.respell(self.raw.get(ID).unwrap_or(&Value::Null));
        self.raw.set(ID, spelled);
        if let Some((_, extension)) = &mut self.extension {
            let spelled = id.respell(extension.get("id").unwrap_or(&Value::Null));
            extension.insert("id", spelled);
        }
        self.id = id;
    }

    /// Lets the link leave from elsewhere.
    pub fn set_from(&mut self, from: LinkEnd) {
        if from != self.from {
            let spelled = from.id_value(self.raw.get(ORIGIN).unwrap_or(&Value::Null));
            self.raw.set(ORIGIN, spelled);
            self.raw.set(ORIGIN_SLOT, from.slot_value());
            self.from = from;
        }
    }

    /// Lets the link feed something else.
    pub fn set_to(&mut self, to: LinkEnd) {
        if to != self.to {
            let spelled = to.id_value(self.raw.get(TARGET).unwrap_or(&Value::Null));
            self.raw.set(TARGET, spelled);
            self.raw.set(TARGET_SLOT, to.slot_value());
            self.to = to;
        }
    }

    /// Sets the type it carries.
    pub(crate) fn set_kind(&mut self, kind: Value) {
        self.raw.set(TYPE, kind);
    }

    /// Sets or removes the last reroute before the input.
    pub(crate) fn set_parent(&mut self, parent: Option<RerouteId>) {
        match (&mut self.raw, parent) {
            (RawLink::Object(object), Some(parent)) => {
                object.insert("parentId", parent.to_value());
            }
            (RawLink::Object(object), None) => {
                object.remove("parentId");
            }
            (RawLink::Row(_), Some(parent)) => {
                let id = self.id.to_value();
                // Behind the entries that the file has.
                let fresh = || (usize::MAX, Object::from_iter([("id", id)]));
                let (_, extension) = self.extension.get_or_insert_with(fresh);
                extension.insert("parentId", parent.to_value());
            }
            (RawLink::Row(_), None) => self.extension = None,
        }
    }
}

/// A bend of a link on the canvas (not the `Reroute` node).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reroute {
    id: RerouteId,
    raw: Object,
}

impl Reroute {
    /// Takes a raw reroute.
    ///
    /// # Errors
    /// Gives the value back if it has no id.
    pub fn from_value(value: Value) -> Result<Reroute, Value> {
        let id = value.get("id").and_then(RerouteId::from_value);
        match (value, id) {
            (Value::Object(raw), Some(id)) => Ok(Reroute { id, raw }),
            (value, _) => Err(value),
        }
    }

    /// The raw reroute again.
    pub fn into_value(self) -> Value {
        Value::Object(self.raw)
    }

    /// The id in its graph.
    pub fn id(&self) -> RerouteId {
        self.id
    }

    /// Gives it another id.
    pub(crate) fn set_id(&mut self, id: RerouteId) {
        let spelled = id.respell(self.raw.get("id").unwrap_or(&Value::Null));
        self.raw.insert("id", spelled);
        self.id = id;
    }

    /// The reroute before it, on the way from the output.
    pub fn parent(&self) -> Option<RerouteId> {
        RerouteId::from_value(self.raw.get("parentId")?)
    }

    /// The links that pass through it.
    pub fn links(&self) -> impl Iterator<Item = LinkId> + '_ {
        let links = self.raw.get("linkIds").and_then(Value::as_array).unwrap_or_default();
        links.iter().filter_map(LinkId::from_value)
    }

    /// The object in the file.
    pub fn raw(&self) -> &Object {
        &self.raw
    }

    /// The object in the file, to change anything but `id`.
    pub fn raw_mut(&mut self) -> &mut Object {
        &mut self.raw
    }
}
