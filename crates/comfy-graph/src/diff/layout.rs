//! Where things lie and how they look: what cleaning took out of both documents, compared.
//!
//! None of it is applied. A document that comes without layout (a cleaned one) says nothing
//! about it, so nothing is said of the other's either.

use rustc_hash::FxHashMap;

use super::edit::{Change, Edit, Place, RawEdit};
use super::groups;
use crate::canon::Aside;
use crate::graph::{List, NodeId, RerouteId};
use crate::json::{Object, Path, Value};
use crate::pair::{IndexedGraph, Layer, Pairing};

/// The layouts of two documents.
pub(super) struct Layouts<'n, 'w> {
    pub(super) old: &'n IndexedGraph<'w>,
    pub(super) new: &'n IndexedGraph<'w>,
    pub(super) pairing: &'n Pairing,
}

/// One graph of both documents, with what was taken out of it.
struct Sides<'a> {
    old: Layer,
    before: Aside<'a>,
    new: Layer,
    after: Aside<'a>,
}

/// Members of nodes that are layout. `order` and the language of slot names are not: they
/// change by themselves.
const NODE: [&str; 3] = ["pos", "size", "showAdvanced"];

impl Layouts<'_, '_> {
    /// Compares what was taken out of both documents.
    pub(super) fn compare(&self, before: &Object, after: &Object) -> Vec<Edit> {
        let (before, after) = (Aside::of(before), Aside::of(after));
        let mut edits = Vec::new();
        if before.has_places() && after.has_places() {
            let befores = graphs(self.old, before);
            for (layer, after) in graphs(self.new, after) {
                let Some(old) = self.pairing.old_layer[layer] else { continue };
                if let Some((_, before)) = befores.iter().find(|(at, _)| *at == old) {
                    let sides = Sides { old, before: *before, new: layer, after };
                    self.graph(&sides, &mut edits);
                }
            }
        }
        edits
    }

    fn graph(&self, sides: &Sides<'_>, edits: &mut Vec<Edit>) {
        let Sides { before, new, after, .. } = *sides;
        let scope = || self.new.layers[new].scope.clone();
        self.nodes(sides, edits);
        self.groups(sides, edits);
        let bends = |aside: Aside<'_>| -> FxHashMap<RerouteId, Value> {
            let lists = [aside.object("extra"), Some(aside)].into_iter().flatten();
            let items = lists.flat_map(|aside| aside.list("reroutes").flatten());
            let bend = |item: Aside<'_>| {
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
            edits.push(say(Place::Reroute(scope(), *id), &["pos"], change));
        }
        for key in ["inputNode", "outputNode"] {
            if let (Some(was), Some(is)) = (before.object(key), after.object(key)) {
                for member in ["bounding", "pinned"] {
                    differ(
                        &Place::Graph(scope()),
                        &[key, member],
                        was.get(member),
                        is.get(member),
                        edits,
                    );
                }
            }
        }
        let extra =
            |aside: Aside<'_>, key: &str| aside.object("extra").and_then(|e| e.get(key).cloned());
        for key in ["ds", "frontendVersion", "workflowRendererVersion"] {
            let (was, is) = (extra(before, key), extra(after, key));
            differ(&Place::Graph(scope()), &["extra", key], was.as_ref(), is.as_ref(), edits);
        }
    }

    fn nodes(&self, sides: &Sides<'_>, edits: &mut Vec<Edit>) {
        let Sides { old, before, new, after } = *sides;
        let was: FxHashMap<NodeId, Aside<'_>> = with_ids(before).into_iter().collect();
        for (id, is) in with_ids(after) {
            let Some(spot) = self.new.spot(new, &id) else { continue };
            let partner = self.pairing.old_of[spot].filter(|&p| self.old.layer_of(p) == old);
            let Some(was) = partner.and_then(|partner| was.get(self.old.id(partner))) else {
                continue;
            };
            let flags = |aside: &Aside<'_>| aside.get("flags").and_then(Value::as_object).cloned();
            let (flags_was, flags_is) = (flags(was), flags(&is));
            let same = NODE.iter().all(|key| was.get(key) == is.get(key));
            if same && flags_was == flags_is {
                continue;
            }
            let place = Place::Node(self.new.node_ref(spot));
            for key in NODE {
                differ(&place, &[key], was.get(key), is.get(key), edits);
            }
            for flag in ["collapsed", "pinned", "horizontal", "ghost"] {
                let value = |flags: &Option<Object>| flags.as_ref()?.get(flag).cloned();
                let (was, is) = (value(&flags_was), value(&flags_is));
                // Absent is what `false` says.
                let on = |value: &Option<Value>| {
                    value.as_ref().is_some_and(|v| *v != Value::Bool(false))
                };
                if on(&was) != on(&is) {
                    edits.push(say(place.clone(), &["flags", flag], Change::new(was, is)));
                }
            }
        }
        self.stacking(sides, edits);
    }

    /// The order in which nodes lie on each other.
    fn stacking(&self, sides: &Sides<'_>, edits: &mut Vec<Edit>) {
        let Sides { old, before, new, after } = *sides;
        if before.order("nodes").is_none() && after.order("nodes").is_none() {
            return;
        }
        let was: Vec<usize> = stacked(before, self.old.spots(old).len());
        let is: Vec<usize> = stacked(after, self.new.spots(new).len());
        let (first_old, first_new) = (self.old.spots(old).start, self.new.spots(new).start);
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
            edits.push(Edit::Order { scope, list: List::Nodes, ids });
        }
    }

    fn groups(&self, sides: &Sides<'_>, edits: &mut Vec<Edit>) {
        let Sides { old, before, new, after } = *sides;
        let list = |aside: Aside<'_>| -> Vec<Option<Value>> {
            aside.list("groups").map(|g| g.and_then(|g| g.get("bounding").cloned())).collect()
        };
        let (was, is) = (list(before), list(after));
        let pairs = groups::pair(self.old.layers[old].graph, self.new.layers[new].graph);
        for (at, before) in pairs.into_iter().enumerate() {
            let Some(before) = before else { continue };
            let was = was.get(before).and_then(Option::as_ref);
            let is = is.get(at).and_then(Option::as_ref);
            let place = Place::Group(self.new.group_ref(new, at));
            differ(&place, &["bounding"], was, is, edits);
        }
    }
}

/// The layouts of all graphs of a document.
fn graphs<'a>(net: &IndexedGraph<'_>, root: Aside<'a>) -> Vec<(Layer, Aside<'a>)> {
    let mut found = vec![(0, root)];
    let mut at = 0;
    while let Some(&(_, aside)) = found.get(at) {
        let definitions = aside.object("definitions");
        for definition in definitions.into_iter().flat_map(|d| d.list("subgraphs").flatten()) {
            let id = definition.get("id").and_then(Value::as_str);
            let id = id.map(crate::graph::SubgraphId::new);
            if let Some(layer) = id.and_then(|id| net.workflow.definitions.get_index_of(&id)) {
                found.push((layer + 1, definition));
            }
        }
        at += 1;
    }
    found
}

fn with_ids(aside: Aside<'_>) -> Vec<(NodeId, Aside<'_>)> {
    let items = aside.list("nodes").flatten();
    items.filter_map(|item| Some((NodeId::from_value(item.get("id")?)?, item))).collect()
}

/// The indices of the clean list in the order of the file.
fn stacked(aside: Aside<'_>, length: usize) -> Vec<usize> {
    let order = aside.order("nodes").unwrap_or_default();
    let places = order.iter().filter_map(|at| usize::try_from(at.as_i64()?).ok());
    let places: Vec<usize> = places.collect();
    if places.len() == length { places } else { (0..length).collect() }
}

fn differ(
    place: &Place,
    at: &[&str],
    was: Option<&Value>,
    is: Option<&Value>,
    edits: &mut Vec<Edit>,
) {
    let same = match (was, is) {
        (Some(was), Some(is)) => was.same(is),
        (None, None) => true,
        _ => false,
    };
    if !same {
        edits.push(say(place.clone(), at, Change::new(was.cloned(), is.cloned())));
    }
}

fn say(place: Place, at: &[&str], change: Change<Option<Value>>) -> Edit {
    let at = at.iter().fold(Path::root(), |path, key| path.join(*key));
    Edit::Layout(RawEdit { place, at, change })
}
