//! What a merge could not settle, as data: where, and what each side has there.
//!
//! A conflict is made of [`Part`]s, each a [`Place`] with three values. To choose a side is
//! to write that side's value into every part (`resolve`). Must not know how a conflict is
//! put into a file (`embed`) nor how it is shown.

use std::fmt;

use compact_str::CompactString;

use super::three::{Side, Three};
use crate::graph::{GroupId, NodeId, Scope, SlotName, SubgraphId, WidgetName};
use crate::json::{Path, Value};

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
    pub fn word(self) -> &'static str {
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
    pub fn from_word(word: &str) -> Option<Self> {
        [
            ConflictKind::BothChanged,
            ConflictKind::RemovedByOurs,
            ConflictKind::RemovedByTheirs,
            ConflictKind::InputContended,
            ConflictKind::RetypedRewired,
            ConflictKind::Structure,
        ]
        .into_iter()
        .find(|kind| kind.word() == word)
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
    pub fn mirrored(self) -> Self {
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
    pub shown: CompactString,
}

impl fmt::Display for NodeName {
    /// `KSampler #3`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.shown, self.id)
    }
}

/// What in a graph a decision or a part of a conflict is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
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
    Key(Path),
    /// What feeds an input of the node: an origin as `{"node": 4, "slot": 0}` or
    /// `{"boundary": "name"}`, or null where nothing does.
    Input(SlotName),
    /// What feeds an output on the boundary of the subgraph.
    Boundary(SlotName),
    /// A member of an input of the node.
    InputKey(SlotName, CompactString),
    /// A group (an empty path: whether it is there), known by id, else by title.
    Group(Option<GroupId>, CompactString, Path),
    /// A member of the graph's own object, outside its nodes, links and groups. In other
    /// JSON: a member of the document.
    Graph(Path),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Document => f.write_str("the whole file"),
            Place::Definition(_) => f.write_str("the subgraph"),
            Place::Node => f.write_str("the node"),
            Place::Widget(name) => write!(f, "{name}"),
            Place::Choice(name) => f.write_str(name),
            Place::Widgets => f.write_str("the list of values"),
            Place::Key(path) => write!(f, "{}", words(path)),
            Place::Input(name) if name.name.is_empty() => f.write_str("the wire into it"),
            Place::Input(name) => write!(f, "the wire into {name}"),
            Place::Boundary(name) => write!(f, "the wire out to {name}"),
            Place::InputKey(name, key) => write!(f, "{key} of input {name}"),
            Place::Group(_, title, path) if path.0.is_empty() => write!(f, "group \"{title}\""),
            Place::Group(_, title, path) => write!(f, "{} of group \"{title}\"", words(path)),
            Place::Graph(path) => write!(f, "{}", words(path)),
        }
    }
}

/// `properties/models` for `/properties/models`.
fn words(path: &Path) -> String {
    path.to_string().trim_start_matches('/').to_owned()
}

/// One place where the sides differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The node, if the place is in one.
    pub node: Option<NodeId>,
    /// The place.
    pub place: Place,
    /// What is there: nothing where the place itself is not there.
    pub sides: Three<Option<Value>>,
}

/// Something a merge could not settle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Where in the document the graph is; the root for a file that is one.
    pub at: Path,
    /// The graph.
    pub scope: Scope,
    /// The node a person would look at, if there is one.
    pub node: Option<NodeName>,
    /// Why.
    pub kind: ConflictKind,
    /// The places that are settled together. The first is the one to name.
    pub parts: Vec<Part>,
}

impl Conflict {
    /// A conflict of one place in a node.
    pub(super) fn in_node(
        scope: &Scope,
        node: NodeName,
        kind: ConflictKind,
        place: Place,
        sides: Three<Option<Value>>,
    ) -> Self {
        let part = Part { node: Some(node.id.clone()), place, sides };
        let (at, scope) = (Path::root(), scope.clone());
        Conflict { at, scope, node: Some(node), kind, parts: vec![part] }
    }

    /// A conflict of one place of the graph itself.
    pub(super) fn in_graph(
        scope: &Scope,
        kind: ConflictKind,
        place: Place,
        sides: Three<Option<Value>>,
    ) -> Self {
        let parts = vec![Part { node: None, place, sides }];
        Conflict { at: Path::root(), scope: scope.clone(), node: None, kind, parts }
    }

    /// The place to name.
    pub fn place(&self) -> Option<&Place> {
        self.parts.first().map(|part| &part.place)
    }

    /// Which side the file keeps until the conflict is settled.
    pub fn kept(&self) -> Side {
        match self.kind {
            // The node stays, as theirs has it, so that it can be looked at.
            ConflictKind::RemovedByOurs => Side::Theirs,
            _ => Side::Ours,
        }
    }

    /// The same conflict with the sides exchanged.
    #[must_use]
    pub fn mirrored(&self) -> Conflict {
        let mut mirrored = self.clone();
        mirrored.kind = self.kind.mirrored();
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
            (Some(node), Some(Place::Node) | None) => write!(f, "{node}"),
            (Some(node), Some(Place::Input(name))) if self.is_of_prompt_value() => {
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
    fn is_of_prompt_value(&self) -> bool {
        let Some(part) = self.parts.first() else { return false };
        let sides = [&part.sides.base, &part.sides.ours, &part.sides.theirs];
        sides.into_iter().flatten().any(|v| !matches!(v, Value::Object(_) | Value::Null))
    }
}
