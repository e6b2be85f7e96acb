//! Where things lie and how they look: what cleaning took out of both documents, compared.
//!
//! None of it is applied. A document that comes without layout (a cleaned one) says nothing
//! about it, so nothing is said of the other's either.

use rustc_hash::FxHashMap;

use super::edit::{Change, Edit, EditTarget, RawEdit};
use super::groups;
use crate::clean::LayoutView;
use crate::graph::{GraphList, NodeId, RerouteId};
use crate::json::{JsonPath, Object, Value};
use crate::pair::{IndexedGraph, Layer, Pairing};

/// The layouts of two documents.
pub(super) struct LayoutComparison<'n, 'w> {
    pub(super) old: &'n IndexedGraph<'w>,
    pub(super) new: &'n IndexedGraph<'w>,
    pub(super) pairing: &'n Pairing,
}

/// One graph of both documents, with what was taken out of it.
struct GraphLayouts<'a> {
    old: Layer,
    before: LayoutView<'a>,
    new: Layer,
    after: LayoutView<'a>,
}

/// Members of nodes that are layout. `order` and the language of slot names are not: they
/// change by themselves.
const NODE_LAYOUT_MEMBERS: [&str; 3] = ["pos", "size", "showAdvanced"];

impl LayoutComparison<'_, '_> {
    /// Compares what was taken out of both documents.
    pub(super) fn compare_layouts(&self, before: &Object, after: &Object) -> Vec<Edit> {
        let (before, after) = (LayoutView::new(before), LayoutView::new(after));
        let mut edits = Vec::new();
        if before.has_positions() && after.has_positions() {
            let befores = layer_layouts(self.old, before);
            for (layer, after) in layer_layouts(self.new, after) {
                let Some(old) = self.pairing.old_layer[layer] else { continue };
                if let Some((_, before)) = befores.iter().find(|(at, _)| *at == old) {
                    let sides = GraphLayouts { old, before: *before, new: layer, after };
                    self.compare_graph(&sides, &mut edits);
                }
            }
        }
        edits
    }

    fn compare_graph(&self, sides: &GraphLayouts<'_>, edits: &mut Vec<Edit>) {
        let GraphLayouts { before, new, after, .. } = *sides;
        let scope = || self.new.layers[new].scope.clone();
        self.compare_nodes(sides, edits);
        self.compare_groups(sides, edits);
        let bends = |aside: LayoutView<'_>| -> FxHashMap<RerouteId, Value> {
            let lists = [aside.object("extra"), Some(aside)].into_iter().flatten();
            let items = lists.flat_map(|aside| aside.list("reroutes").flatten());
            let bend = |item: LayoutView<'_>| {
                Some((RerouteId::from_value(item.get("id")?)?, item.get("pos")?.clone()))
            };
            items.filter_map(bend).collect()
        };
        let (was, is) = (bends(before), bends(after));
        let mut moved: Vec<_> =
            is.iter().filter(|(id, pos)| was.get(*id).is_some_and(|w| w != *pos)).collect();
        moved.sort_by_key(|(id, _)| **id);
        for (id, pos) in moved {
            let change = Change::new(was.get(id).cloned(), Some(pos.clone()));
            edits.push(layout_edit(EditTarget::Reroute(scope(), *id), &["pos"], change));
        }
        for key in ["inputNode", "outputNode"] {
            if let (Some(was), Some(is)) = (before.object(key), after.object(key)) {
                for member in ["bounding", "pinned"] {
                    push_difference(
                        &EditTarget::Graph(scope()),
                        &[key, member],
                        was.get(member),
                        is.get(member),
                        edits,
                    );
                }
            }
        }
        let extra = |aside: LayoutView<'_>, key: &str| {
            aside.object("extra").and_then(|e| e.get(key).cloned())
        };
        for key in ["ds", "frontendVersion", "workflowRendererVersion"] {
            let (was, is) = (extra(before, key), extra(after, key));
            push_difference(
                &EditTarget::Graph(scope()),
                &["extra", key],
                was.as_ref(),
                is.as_ref(),
                edits,
            );
        }
    }

    fn compare_nodes(&self, sides: &GraphLayouts<'_>, edits: &mut Vec<Edit>) {
        let GraphLayouts { old, before, new, after } = *sides;
        let was: FxHashMap<NodeId, LayoutView<'_>> = node_layouts(before).into_iter().collect();
        for (id, is) in node_layouts(after) {
            let Some(spot) = self.new.node_index(new, &id) else { continue };
            let partner = self.pairing.old_of[spot].filter(|&p| self.old.layer_of(p) == old);
            let Some(was) = partner.and_then(|partner| was.get(self.old.node_id(partner))) else {
                continue;
            };
            let flags =
                |aside: &LayoutView<'_>| aside.get("flags").and_then(Value::as_object).cloned();
            let (flags_was, flags_is) = (flags(was), flags(&is));
            let same = NODE_LAYOUT_MEMBERS.iter().all(|key| was.get(key) == is.get(key));
            if same && flags_was == flags_is {
                continue;
            }
            let place = EditTarget::Node(self.new.node_ref(spot));
            for key in NODE_LAYOUT_MEMBERS {
                push_difference(&place, &[key], was.get(key), is.get(key), edits);
            }
            for flag in ["collapsed", "pinned", "horizontal", "ghost"] {
                let value = |flags: &Option<Object>| flags.as_ref()?.get(flag).cloned();
                let (was, is) = (value(&flags_was), value(&flags_is));
                // Absent is what `false` says.
                let on = |value: &Option<Value>| {
                    value.as_ref().is_some_and(|v| *v != Value::Bool(false))
                };
                if on(&was) != on(&is) {
                    edits.push(layout_edit(place.clone(), &["flags", flag], Change::new(was, is)));
                }
            }
        }
        self.compare_stacking(sides, edits);
    }

    /// The order in which nodes lie on each other.
    fn compare_stacking(&self, sides: &GraphLayouts<'_>, edits: &mut Vec<Edit>) {
        let GraphLayouts { old, before, new, after } = *sides;
        if before.order("nodes").is_none() && after.order("nodes").is_none() {
            return;
        }
        let was: Vec<usize> = stacking_order(before, self.old.nodes_in(old).len());
        let is: Vec<usize> = stacking_order(after, self.new.nodes_in(new).len());
        let (first_old, first_new) = (self.old.nodes_in(old).start, self.new.nodes_in(new).start);
        let kept_was =
            was.iter().filter_map(|at| self.pairing.new_of.get(first_old + at).copied().flatten());
        let kept_is = is.iter().map(|at| first_new + at);
        let kept_is =
            kept_is.filter(|&spot| self.pairing.old_of.get(spot).copied().flatten().is_some());
        if !kept_was.eq(kept_is) {
            let id = |at: &usize| {
                let nodes = &self.new.layers[new].graph.nodes;
                nodes.get_index(*at).and_then(|(_, node)| node.raw().get("id").cloned())
            };
            let ids = is.iter().filter_map(id).collect();
            let scope = self.new.layers[new].scope.clone();
            edits.push(Edit::Order { scope, list: GraphList::Nodes, ids });
        }
    }

    fn compare_groups(&self, sides: &GraphLayouts<'_>, edits: &mut Vec<Edit>) {
        let GraphLayouts { old, before, new, after } = *sides;
        let list = |aside: LayoutView<'_>| -> Vec<Option<Value>> {
            aside.list("groups").map(|g| g.and_then(|g| g.get("bounding").cloned())).collect()
        };
        let (was, is) = (list(before), list(after));
        let pairs = groups::pair_groups(self.old.layers[old].graph, self.new.layers[new].graph);
        for (at, before) in pairs.into_iter().enumerate() {
            let Some(before) = before else { continue };
            let was = was.get(before).and_then(Option::as_ref);
            let is = is.get(at).and_then(Option::as_ref);
            let place = EditTarget::Group(self.new.group_ref(new, at));
            push_difference(&place, &["bounding"], was, is, edits);
        }
    }
}

/// The layouts of all graphs of a document.
fn layer_layouts<'a>(
    indexed: &IndexedGraph<'_>,
    root: LayoutView<'a>,
) -> Vec<(Layer, LayoutView<'a>)> {
    let mut found = vec![(0, root)];
    let mut at = 0;
    while let Some(&(_, aside)) = found.get(at) {
        let definitions = aside.object("definitions");
        for definition in definitions.into_iter().flat_map(|d| d.list("subgraphs").flatten()) {
            let id = definition.get("id").and_then(Value::as_str);
            let id = id.map(crate::graph::SubgraphId::new);
            if let Some(layer) = id.and_then(|id| indexed.workflow.definitions.get_index_of(&id)) {
                found.push((layer + 1, definition));
            }
        }
        at += 1;
    }
    found
}

fn node_layouts(aside: LayoutView<'_>) -> Vec<(NodeId, LayoutView<'_>)> {
    let items = aside.list("nodes").flatten();
    items.filter_map(|item| Some((NodeId::from_value(item.get("id")?)?, item))).collect()
}

/// The indices of the clean list in the order of the file.
fn stacking_order(aside: LayoutView<'_>, length: usize) -> Vec<usize> {
    let order = aside.order("nodes").unwrap_or_default();
    let places = order.iter().filter_map(|at| usize::try_from(at.as_i64()?).ok());
    let places: Vec<usize> = places.collect();
    if places.len() == length { places } else { (0..length).collect() }
}

fn push_difference(
    place: &EditTarget,
    at: &[&str],
    was: Option<&Value>,
    is: Option<&Value>,
    edits: &mut Vec<Edit>,
) {
    let same = match (was, is) {
        (Some(was), Some(is)) => was.is_equivalent(is),
        (None, None) => true,
        _ => false,
    };
    if !same {
        edits.push(layout_edit(place.clone(), at, Change::new(was.cloned(), is.cloned())));
    }
}

fn layout_edit(place: EditTarget, at: &[&str], change: Change<Option<Value>>) -> Edit {
    let at = at.iter().fold(JsonPath::root(), |path, key| path.join(*key));
    Edit::Layout(RawEdit { place, at, change })
}
