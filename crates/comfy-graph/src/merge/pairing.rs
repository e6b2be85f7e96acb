//! Which node of a side is which of the base: by id and class, a retyped node by its
//! surroundings, a renumbered one by what is in it.
//!
//! Must not know which id the pair gets.

use rustc_hash::{FxHashMap, FxHashSet};

use super::identity::Kinship;
use super::three::Three;
use crate::graph::{Graph, Node, NodeId};
use crate::json::{Style, Value, print_object};

/// Nodes that are one.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Of ours, with their id in the base.
    pub(super) ours: FxHashMap<NodeId, NodeId>,
    /// Of theirs, with their id in the base.
    pub(super) theirs: FxHashMap<NodeId, NodeId>,
    /// Of theirs and new, with the id of the same new node of ours.
    pub(super) alike: FxHashMap<NodeId, NodeId>,
}

/// Pairs the nodes of one graph.
pub(super) fn pairs(graphs: Three<&Graph>, kinship: Kinship) -> Pairs {
    let ours = with_base(graphs.base, graphs.ours);
    let theirs = with_base(graphs.base, graphs.theirs);
    let new = graphs.theirs.nodes.iter().filter(|(id, _)| !theirs.contains_key(*id));
    let alike = new.filter(|(id, node)| {
        let same = graphs.ours.nodes.get(*id).filter(|_| !ours.contains_key(*id));
        same.is_some_and(|same| match kinship {
            Kinship::None => same.class() == node.class(),
            Kinship::Ancestor => is_alike(graphs, same, node),
        })
    });
    let alike = alike.map(|(id, _)| (id.clone(), id.clone())).collect();
    Pairs { ours, theirs, alike }
}

fn with_base(base: &Graph, side: &Graph) -> FxHashMap<NodeId, NodeId> {
    let mut pairs = FxHashMap::default();
    pairs.reserve(side.nodes.len());
    let mut around = None;
    for (id, node) in &side.nodes {
        let Some(before) = base.nodes.get(id) else { continue };
        let one = before.class() == node.class() || {
            let around = around.get_or_insert_with(|| (Around::of(base), Around::of(side)));
            is_retyped(before, node, &around.0, &around.1)
        };
        if one {
            pairs.insert(id.clone(), id.clone());
        }
    }
    pair_renumbered(base, side, &mut pairs);
    pairs
}

/// The neighbours of every node: by input, and the inputs it feeds.
struct Around(FxHashMap<NodeId, FxHashSet<NodeId>>);

impl Around {
    fn of(graph: &Graph) -> Self {
        let mut around: FxHashMap<NodeId, FxHashSet<NodeId>> = FxHashMap::default();
        for link in graph.links.values() {
            if let (Some(from), Some(to)) = (link.from().node_id(), link.to().node_id()) {
                around.entry(from.clone()).or_default().insert(to.clone());
                around.entry(to.clone()).or_default().insert(from.clone());
            }
        }
        Around(around)
    }

    fn shared(&self, other: &Around, id: &NodeId) -> bool {
        match (self.0.get(id), other.0.get(id)) {
            (Some(a), Some(b)) => !a.is_disjoint(b),
            _ => false,
        }
    }
}

/// Whether a node of another class under the same id is the same node, replaced in place:
/// it has kept a neighbour or its title. Else the id was given away a second time.
fn is_retyped(before: &Node, after: &Node, around: &Around, around_after: &Around) -> bool {
    let title = before.title().is_some() && before.title() == after.title();
    title || around.shared(around_after, before.id())
}

/// Pairs what has gone from its id with what is new, where both hold the very same and
/// nothing else does: a frontend that found two nodes under one id gave one a new id.
fn pair_renumbered(base: &Graph, side: &Graph, pairs: &mut FxHashMap<NodeId, NodeId>) {
    let paired: FxHashSet<&NodeId> = pairs.values().collect();
    let gone: Vec<&Node> = base.nodes.values().filter(|node| !paired.contains(node.id())).collect();
    let new: Vec<&Node> =
        side.nodes.values().filter(|node| !pairs.contains_key(node.id())).collect();
    if gone.is_empty() || new.is_empty() {
        return;
    }
    let classes: FxHashSet<&str> = gone.iter().map(|node| node.class()).collect();
    let mut by_content: FxHashMap<String, (Vec<&Node>, Vec<&Node>)> = FxHashMap::default();
    for node in gone {
        by_content.entry(content(node)).or_default().0.push(node);
    }
    for node in new.into_iter().filter(|node| classes.contains(node.class())) {
        by_content.entry(content(node)).or_default().1.push(node);
    }
    let found: Vec<(NodeId, NodeId)> = by_content
        .into_values()
        .filter_map(|(gone, new)| match (gone.as_slice(), new.as_slice()) {
            ([gone], [new]) if !new.widgets().is_empty() => {
                Some((new.id().clone(), gone.id().clone()))
            }
            _ => None,
        })
        .collect();
    pairs.extend(found);
}

/// What is in a node, without its id and its wires.
pub(super) fn content(node: &Node) -> String {
    let mut raw = node.raw().clone();
    raw.remove("id");
    // Which slots are listed depends on the encoding.
    raw.remove("inputs");
    if let Some(Value::Array(outputs)) = raw.get_mut("outputs") {
        for output in outputs.iter_mut().filter_map(Value::as_object_mut) {
            output.remove("links");
        }
    }
    print_object(&raw, &Style::SAVE)
}

/// Whether two new nodes under one id are one: a commit that reached both sides.
fn is_alike(graphs: Three<&Graph>, ours: &Node, theirs: &Node) -> bool {
    let fed = |graph: &Graph, node: &Node| {
        let feeds = node.inputs().filter_map(|input| {
            let link = graph.links.get(&input.link()?)?;
            Some((input.name().to_owned(), link.from().clone()))
        });
        feeds.collect::<Vec<_>>()
    };
    content(ours) == content(theirs) && fed(graphs.ours, ours) == fed(graphs.theirs, theirs)
}
