//! What a merge could not settle, as data: where, and what each side has there.
//!
//! A conflict is made of [`ConflictPart`]s, each a [`MergePlace`] with three values. To choose a side is
//! to write that side's value into every part (`resolve`). Must not know how a conflict is
//! put into a file (`embed`) nor how it is shown.

use std::fmt;

use compact_str::CompactString;

use super::three_way::{MergeSide, ThreeWay};
use crate::graph::{GraphScope, GroupId, NodeId, SlotName, SubgraphId, WidgetName};
use crate::json::{JsonPath, Value};

/// Why two sides could not be brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConflictKind {
    /// Both changed one value, not to the same.
    BothChanged,
    /// Ours took away what theirs changed.
    RemovedByOurs,
    /// Theirs took away what ours changed.
    RemovedByTheirs,
    /// Both feed one input, from different outputs.
    InputContended,
    /// One made a node another class while the other changed or rewired it.
    RetypedRewired,
    /// The shapes of the graphs cannot be brought together.
    Structure,
}

impl ConflictKind {
    /// The word for it in files.
    pub fn as_str(self) -> &'static str {
        match self {
            ConflictKind::BothChanged => "both-changed",
            ConflictKind::RemovedByOurs => "removed-by-ours",
            ConflictKind::RemovedByTheirs => "removed-by-theirs",
            ConflictKind::InputContended => "input-contended",
            ConflictKind::RetypedRewired => "retyped-rewired",
            ConflictKind::Structure => "structure",
        }
    }

    /// The kind that a word in a file stands for.
    pub(crate) fn from_name(word: &str) -> Option<Self> {
        [
            ConflictKind::BothChanged,
            ConflictKind::RemovedByOurs,
            ConflictKind::RemovedByTheirs,
            ConflictKind::InputContended,
            ConflictKind::RetypedRewired,
            ConflictKind::Structure,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }

    /// The same in a person's words, after what it is about.
    pub fn reason(self) -> &'static str {
        match self {
            ConflictKind::BothChanged => "was changed on both sides",
            ConflictKind::RemovedByOurs => "was removed by ours and changed by theirs",
            ConflictKind::RemovedByTheirs => "was removed by theirs and changed by ours",
            ConflictKind::InputContended => "was wired differently on both sides",
            ConflictKind::RetypedRewired => "was replaced on one side and changed on the other",
            ConflictKind::Structure => "could not be brought together",
        }
    }

    /// The same seen from the other side.
    #[must_use]
    pub fn mirror(self) -> Self {
        match self {
            ConflictKind::RemovedByOurs => ConflictKind::RemovedByTheirs,
            ConflictKind::RemovedByTheirs => ConflictKind::RemovedByOurs,
            kind => kind,
        }
    }
}

/// A node, with what a person knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeName {
    /// The id in the result.
    pub id: NodeId,
    /// What it is called: title, else the name of its subgraph, else its class.
    pub display_name: CompactString,
}

impl fmt::Display for NodeName {
    /// `KSampler #3`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.display_name, self.id)
    }
}

/// What in a graph a decision or a part of a conflict is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MergePlace {
    /// The whole document.
    Document,
    /// A subgraph definition: whether it is there.
    Definition(SubgraphId),
    /// The node: whether it is there, and all that is in it but its wires.
    Node,
    /// The value of a widget.
    Widget(WidgetName),
    /// The values of a combo and of the widgets its choice brings with it: an object.
    Choice(CompactString),
    /// All widget values of the node: `widgets_values` and `widgets_values_named`.
    Widgets,
    /// A member of the node's own object.
    Key(JsonPath),
    /// What feeds an input of the node: an origin as `{"node": 4, "slot": 0}` or
    /// `{"boundary": "name"}`, or null where nothing does.
    Input(SlotName),
    /// What feeds an output on the boundary of the subgraph.
    Boundary(SlotName),
    /// A member of an input of the node.
    InputKey(SlotName, CompactString),
    /// A group (an empty path: whether it is there), known by id, else by title.
    Group {
        /// The id, if it has one.
        id: Option<GroupId>,
        /// The title.
        title: CompactString,
        /// The member; empty for the whole group.
        path: JsonPath,
    },
    /// A member of the graph's own object, outside its nodes, links and groups. In other
    /// JSON: a member of the document.
    Graph(JsonPath),
}

impl fmt::Display for MergePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MergePlace::Document => f.write_str("the whole file"),
            MergePlace::Definition(_) => f.write_str("the subgraph"),
            MergePlace::Node => f.write_str("the node"),
            MergePlace::Widget(name) => write!(f, "{name}"),
            MergePlace::Choice(name) => f.write_str(name),
            MergePlace::Widgets => f.write_str("the list of values"),
            MergePlace::Key(path) => write!(f, "{}", path_text(path)),
            MergePlace::Input(name) if name.name.is_empty() => f.write_str("the wire into it"),
            MergePlace::Input(name) => write!(f, "the wire into {name}"),
            MergePlace::Boundary(name) => write!(f, "the wire out to {name}"),
            MergePlace::InputKey(name, key) => write!(f, "{key} of input {name}"),
            MergePlace::Group { title, path, .. } if path.0.is_empty() => {
                write!(f, "group \"{title}\"")
            }
            MergePlace::Group { title, path, .. } => {
                write!(f, "{} of group \"{title}\"", path_text(path))
            }
            MergePlace::Graph(path) => write!(f, "{}", path_text(path)),
        }
    }
}

/// `properties/models` for `/properties/models`.
fn path_text(path: &JsonPath) -> String {
    let text = path.to_string();
    // A title is a title wherever the format keeps it.
    match text.as_str() {
        "/_meta/title" => "title".to_owned(),
        text => text.trim_start_matches('/').to_owned(),
    }
}

/// One place where the sides differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictPart {
    /// The node, if the place is in one.
    pub node: Option<NodeId>,
    /// The place.
    pub place: MergePlace,
    /// What is there: nothing where the place itself is not there.
    pub sides: ThreeWay<Option<Value>>,
}

/// Something a merge could not settle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Where in the document the graph is; the root for a file that is one.
    pub at: JsonPath,
    /// The graph.
    pub scope: GraphScope,
    /// The node a person would look at, if there is one.
    pub node: Option<NodeName>,
    /// Why.
    pub kind: ConflictKind,
    /// The places that are settled together. The first is the one to name.
    pub parts: Vec<ConflictPart>,
}

impl Conflict {
    /// A conflict of one place in a node.
    pub(super) fn in_node(
        scope: &GraphScope,
        node: NodeName,
        kind: ConflictKind,
        place: MergePlace,
        sides: ThreeWay<Option<Value>>,
    ) -> Self {
        let part = ConflictPart { node: Some(node.id.clone()), place, sides };
        let (at, scope) = (JsonPath::root(), scope.clone());
        Conflict { at, scope, node: Some(node), kind, parts: vec![part] }
    }

    /// A conflict of one place of the graph itself.
    pub(super) fn in_graph(
        scope: &GraphScope,
        kind: ConflictKind,
        place: MergePlace,
        sides: ThreeWay<Option<Value>>,
    ) -> Self {
        let parts = vec![ConflictPart { node: None, place, sides }];
        Conflict { at: JsonPath::root(), scope: scope.clone(), node: None, kind, parts }
    }

    /// The place to name.
    pub fn place(&self) -> Option<&MergePlace> {
        self.parts.first().map(|part| &part.place)
    }

    /// Which side the file keeps until the conflict is settled.
    pub fn kept_side(&self) -> MergeSide {
        match self.kind {
            // The node stays, as theirs has it, so that it can be looked at.
            ConflictKind::RemovedByOurs => MergeSide::Theirs,
            _ => MergeSide::Ours,
        }
    }

    /// The same conflict with the sides exchanged.
    #[must_use]
    pub fn mirror(&self) -> Conflict {
        let mut mirrored = self.clone();
        mirrored.kind = self.kind.mirror();
        for part in &mut mirrored.parts {
            std::mem::swap(&mut part.sides.ours, &mut part.sides.theirs);
        }
        mirrored
    }
}

impl fmt::Display for Conflict {
    /// Where it is, in a person's words: `KSampler #3: cfg`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.node, self.place()) {
            (Some(node), Some(MergePlace::Node) | None) => write!(f, "{node}"),
            (Some(node), Some(MergePlace::Input(name))) if self.is_about_prompt_value() => {
                write!(f, "{node}: {name}")
            }
            (Some(node), Some(place)) => write!(f, "{node}: {place}"),
            (None, Some(place)) => write!(f, "{place}"),
            (None, None) => f.write_str("the file"),
        }
    }
}

impl Conflict {
    /// In a prompt, values and wires stand in one place.
    fn is_about_prompt_value(&self) -> bool {
        let Some(part) = self.parts.first() else { return false };
        let sides = [&part.sides.base, &part.sides.ours, &part.sides.theirs];
        sides.into_iter().flatten().any(|v| !matches!(v, Value::Object(_) | Value::Null))
    }
}
