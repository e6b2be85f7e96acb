//! Draws two states of a workflow as one: every item knows in which views it is seen (before,
//! after, both in one) and how it differs.
//!
//! What is in both states lies where it lies afterwards, so that the views can be laid over
//! each other; where it lay before is an item of its own. What is gone lies beside what it
//! was plugged into. Must not know how differences are found.

use comfy_graph::catalog::Catalog;
use comfy_graph::diff::{Edit, EditClass, EditScript, EditTarget, SinkRef};
use comfy_graph::graph::{GraphScope, LinkEnd, NodeId, NodeKey, WireSink, WireSource, Workflow};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::drawing::{Canvas, ChangeMark, Drawing, Item, ItemKind, Views};
use crate::geometry::Rect;
use crate::graph_scene::{GraphScene, WirePath, bounds_of, group_item, trace_item, wire_item};
use crate::node_shapes::{NodeChange, value_text};
use crate::workflow::{CanvasIndex, new_canvas, set_parents};

/// Two states of a workflow, both with places, and what differs between them.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'w> {
    /// The earlier state.
    pub before: &'w Workflow,
    /// The later state.
    pub after: &'w Workflow,
    /// What differs.
    pub script: &'w EditScript,
    /// Which node of the earlier state is which of the later one.
    pub nodes: &'w [(NodeKey, NodeKey)],
    /// Which graph of the earlier state is which of the later one.
    pub graphs: &'w [(GraphScope, GraphScope)],
}

/// How far a node that is gone is set from what it would cover.
const CLEAR_GAP: f64 = 30.0;
/// As many boxes are looked at until every one that is gone is clear of the others: of a
/// thousand on top of each other the last ones stay.
const MAX_CLEARING_LOOKS: usize = 20_000_000;
/// What moved by less did not move.
const LEAST_MOVE: f64 = 1.0;

/// Draws two states as one.
pub fn draw_comparison(comparison: &Comparison<'_>, catalog: &Catalog) -> Drawing {
    let changes = ScriptChanges::read(comparison.script);
    let old_scope: FxHashMap<&GraphScope, &GraphScope> =
        comparison.graphs.iter().map(|(before, after)| (after, before)).collect();
    let mut index = CanvasIndex::new(comparison.after);
    let mut gone: Vec<GraphScope> = Vec::new();
    let paired: FxHashSet<&GraphScope> =
        comparison.graphs.iter().map(|(before, _)| before).collect();
    let count = comparison.after.definitions.len() + 1;
    for (scope, _) in comparison.before.graphs().skip(1) {
        let GraphScope::Definition(id) = &scope else { continue };
        match comparison.graphs.iter().find(|(before, _)| *before == scope) {
            Some((_, after)) => {
                let at = comparison.after.graphs().position(|(scope, _)| scope == *after);
                index.add(id.as_str(), at.unwrap_or_default());
            }
            None if !paired.contains(&scope) => {
                index.add(id.as_str(), count + gone.len());
                gone.push(scope);
            }
            None => {}
        }
    }
    let mut canvases = Vec::new();
    for (scope, _) in comparison.after.graphs() {
        let before = match &scope {
            GraphScope::Root => Some(&GraphScope::Root),
            scope => old_scope.get(scope).copied(),
        };
        let graph = GraphComparison::new(comparison, before, Some(&scope), &changes, catalog);
        canvases.push(graph.draw(&index, &scope));
    }
    for scope in &gone {
        let graph = GraphComparison::new(comparison, Some(scope), None, &changes, catalog);
        canvases.push(graph.draw(&index, scope));
    }
    set_parents(&mut canvases);
    mark_instances(&mut canvases);
    Drawing { canvases }
}

/// An instance of a subgraph whose inside changed is changed.
fn mark_instances(canvases: &mut [Canvas]) {
    let is_marked = |canvas: &Canvas| {
        canvas.items.iter().any(|item| item.mark.is_some_and(|mark| mark != ChangeMark::Moved))
    };
    // Each round marks instances one level further out.
    for _ in 0..canvases.len() {
        let changed: FxHashSet<usize> =
            (1..canvases.len()).filter(|&at| is_marked(&canvases[at])).collect();
        let mut any = false;
        for canvas in canvases.iter_mut() {
            for item in &mut canvas.items {
                if item.mark.is_none() && item.opens.is_some_and(|at| changed.contains(&at)) {
                    crate::node_shapes::mark_afterwards(
                        item,
                        ChangeMark::Changed,
                        "changed inside",
                    );
                    any = true;
                }
            }
        }
        if !any {
            break;
        }
    }
}

/// What a script says of nodes, by their keys in the later state.
#[derive(Default)]
struct ScriptChanges {
    changed: FxHashMap<NodeKey, NodeChange>,
    moved: FxHashSet<NodeKey>,
    groups_added: FxHashSet<(GraphScope, usize)>,
    groups_removed: FxHashSet<(GraphScope, usize)>,
    groups_changed: FxHashSet<(GraphScope, usize)>,
}

impl ScriptChanges {
    fn read(script: &EditScript) -> ScriptChanges {
        let mut changes = ScriptChanges::default();
        for entry in &script.entries {
            if let Edit::Layout(raw) = &entry.edit
                && let EditTarget::Node(node) = &raw.place
            {
                changes.moved.insert(node.key.clone());
            }
            if entry.because.is_none() && entry.edit.class() == EditClass::Content {
                changes.add(&entry.edit);
            }
        }
        changes
    }

    fn add(&mut self, edit: &Edit) {
        match edit {
            Edit::GroupAdded { group, .. } => {
                self.groups_added.insert((group.scope.clone(), group.at));
                return;
            }
            Edit::GroupRemoved { group, .. } => {
                self.groups_removed.insert((group.scope.clone(), group.at));
                return;
            }
            Edit::GroupRetitled { group, .. } | Edit::GroupColoured { group, .. } => {
                self.groups_changed.insert((group.scope.clone(), group.at));
                return;
            }
            // Told once for the whole workflow.
            Edit::PackVersion { .. } | Edit::NodeRemoved { .. } => return,
            _ => {}
        }
        let Some(node) = edit.node() else { return };
        let change = self.changed.entry(node.key.clone()).or_default();
        if let Edit::Wire { to: SinkRef::Input { name, .. }, .. } = edit {
            change.rewired.push(name.name.to_string());
            change.mark = change.mark.or(Some(ChangeMark::Rewired));
            return;
        }
        change.mark = Some(ChangeMark::Changed);
        match edit {
            Edit::Widget { name, change: value, .. } => {
                let before = value.before.as_ref().map(value_text).unwrap_or_default();
                change.values_before.insert(name.to_string(), before);
            }
            Edit::Retitled { title, .. } => {
                let before = title.before.as_deref().unwrap_or("its class's title");
                change.remark = Some(format!("was \u{201c}{before}\u{201d}"));
            }
            Edit::Retyped { class, .. } => change.remark = Some(format!("was {}", class.before)),
            Edit::ModeChanged { mode, .. } => {
                let word = |mode: comfy_graph::graph::NodeMode| match mode.number() {
                    0 => "active",
                    2 => "muted",
                    4 => "bypassed",
                    _ => "another mode",
                };
                let (before, after) = (word(mode.before), word(mode.after));
                change.remark = Some(format!("{before} \u{2192} {after}"));
            }
            _ => {}
        }
    }
}

/// One graph of both states.
struct GraphComparison<'c, 'w> {
    before: Option<GraphScene<'w>>,
    after: Option<GraphScene<'w>>,
    old_scope: GraphScope,
    scope: GraphScope,
    /// Nodes of this graph that are in both, by their ids after, and the other way round.
    old_of: FxHashMap<NodeId, NodeId>,
    new_of: FxHashMap<NodeId, NodeId>,
    /// Where nodes lay before, by their ids before.
    boxes_before: FxHashMap<NodeId, Rect>,
    changes: &'c ScriptChanges,
}

/// One end of a wire: a node and a slot, or a slot of the boundary.
type WireEnd = (Option<NodeId>, String);

impl<'c, 'w> GraphComparison<'c, 'w> {
    fn new(
        comparison: &Comparison<'w>,
        before: Option<&GraphScope>,
        after: Option<&GraphScope>,
        changes: &'c ScriptChanges,
        catalog: &'w Catalog,
    ) -> Self {
        let scene = |workflow: &'w Workflow, scope: Option<&GraphScope>| {
            GraphScene::new(workflow, scope?, catalog)
        };
        let (old, new) = (scene(comparison.before, before), scene(comparison.after, after));
        let here = comparison
            .nodes
            .iter()
            .filter(|(old, new)| Some(&old.scope) == before && Some(&new.scope) == after);
        let here: Vec<(NodeId, NodeId)> =
            here.map(|(old, new)| (old.id.clone(), new.id.clone())).collect();
        let mut graph = GraphComparison {
            boxes_before: old
                .iter()
                .flat_map(|scene| &scene.layouts)
                .map(|(id, layout)| (id.clone(), layout.bounds))
                .collect(),
            before: old,
            after: new,
            old_scope: before.cloned().unwrap_or_default(),
            scope: after.cloned().unwrap_or_default(),
            old_of: here.iter().cloned().map(|(old, new)| (new, old)).collect(),
            new_of: here.into_iter().collect(),
            changes,
        };
        graph.align();
        graph
    }

    /// Lays what was before over what is: each node in both where it lies now, what is gone
    /// beside what it was plugged into.
    fn align(&mut self) {
        let (Some(before), Some(after)) = (&mut self.before, &self.after) else { return };
        let mut shifts: FxHashMap<NodeId, (f64, f64)> = FxHashMap::default();
        for (old, new) in &self.new_of {
            let (Some(was), Some(is)) = (before.layouts.get_mut(old), after.layouts.get(new))
            else {
                continue;
            };
            let shift = (is.bounds.x - was.bounds.x, is.bounds.y - was.bounds.y);
            (was.bounds.x, was.bounds.y) = (is.bounds.x, is.bounds.y);
            shifts.insert(old.clone(), shift);
        }
        let common = median_shift(shifts.values().copied());
        let mut taken: Vec<Rect> = after.layouts.values().map(|layout| layout.bounds).collect();
        let mut gone: Vec<NodeId> =
            before.layouts.keys().filter(|id| !self.new_of.contains_key(*id)).cloned().collect();
        gone.sort();
        let neighbours = neighbours(before);
        let mut looks = MAX_CLEARING_LOOKS;
        for id in gone {
            let near = neighbours.get(&id).into_iter().flatten();
            let near = near.filter_map(|near| shifts.get(near).copied());
            let shift = median_shift(near).or(common).unwrap_or_default();
            let Some(layout) = before.layouts.get_mut(&id) else { continue };
            layout.bounds.x += shift.0;
            layout.bounds.y += shift.1;
            clear(&mut layout.bounds, &taken, &mut looks);
            taken.push(layout.bounds);
        }
    }

    fn draw(&self, index: &CanvasIndex, scope: &GraphScope) -> Canvas {
        let mut items = self.group_items();
        items.extend(self.wire_items());
        items.extend(self.still_items());
        items.extend(self.node_items(index));
        let scene = self.after.as_ref().or(self.before.as_ref());
        let definition = scene.and_then(|scene| scene.definition);
        let title = definition.map(|d| d.name().to_owned()).unwrap_or_default();
        let mut canvas = new_canvas(scope, title, items);
        canvas.bounds = bounds_of(&canvas.items);
        canvas
    }

    fn group_items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let groups = |scene: &Option<GraphScene<'w>>| {
            scene.as_ref().map(|scene| scene.graph.groups.as_slice()).unwrap_or_default()
        };
        for (at, group) in groups(&self.before).iter().enumerate() {
            let is_gone = self.after.is_none()
                || self.changes.groups_removed.contains(&(self.old_scope.clone(), at));
            if is_gone {
                let views = Views { after: false, ..Views::ALL };
                items.extend(group_item(group, at, Some(ChangeMark::Removed), views));
            }
        }
        for (at, group) in groups(&self.after).iter().enumerate() {
            let key = (self.scope.clone(), at);
            let is_new = self.before.is_none() || self.changes.groups_added.contains(&key);
            let (mark, views) = if is_new {
                (Some(ChangeMark::Added), Views { before: false, ..Views::ALL })
            } else if self.changes.groups_changed.contains(&key) {
                (Some(ChangeMark::Changed), Views::ALL)
            } else {
                (None, Views::ALL)
            };
            items.extend(group_item(group, at, mark, views));
        }
        items
    }

    /// Boundary and bends: those of the later state, else of the earlier one.
    fn still_items(&self) -> Vec<Item> {
        let Some(scene) = self.after.as_ref().or(self.before.as_ref()) else { return Vec::new() };
        let mut items = scene.boundary_items();
        items.extend(scene.reroute_items());
        items
    }

    fn wire_items(&self) -> Vec<Item> {
        let old = self.keyed_paths(self.before.as_ref(), &|id| self.new_of.get(id).cloned());
        let new = self.keyed_paths(self.after.as_ref(), &|id| Some(id.clone()));
        let mut items = Vec::new();
        let joined: FxHashSet<&(WireEnd, WireEnd)> = new.iter().map(|(key, _)| key).collect();
        for (key, path) in &old {
            if !joined.contains(key) {
                let views = Views { after: false, ..Views::ALL };
                items.push(wire_item(path, Some(ChangeMark::Removed), views));
            }
        }
        let old: FxHashMap<&(WireEnd, WireEnd), &WirePath> =
            old.iter().map(|(key, path)| (key, path)).collect();
        for (key, path) in &new {
            match old.get(key) {
                None => {
                    let views = Views { before: false, ..Views::ALL };
                    items.push(wire_item(path, Some(ChangeMark::Added), views));
                }
                Some(was) if was.points == path.points => {
                    items.push(wire_item(path, None, Views::ALL));
                }
                Some(was) => {
                    items.push(wire_item(was, None, Views::BEFORE));
                    let views = Views { before: false, ..Views::ALL };
                    items.push(wire_item(path, None, views));
                }
            }
        }
        // What did not change lies below what did.
        items.sort_by_key(|item| item.mark.is_some());
        items
    }

    /// The wires of a state by what they join, named as in the later state; nodes that are
    /// in the earlier one only keep a name of their own.
    fn keyed_paths(
        &self,
        scene: Option<&GraphScene<'w>>,
        name: &dyn Fn(&NodeId) -> Option<NodeId>,
    ) -> Vec<((WireEnd, WireEnd), WirePath)> {
        let Some(scene) = scene else { return Vec::new() };
        let named =
            |id: &NodeId| name(id).unwrap_or_else(|| NodeId::from_text(&format!("gone {id}")));
        let wires = scene.wires();
        let keyed = wires.iter().filter_map(|wire| {
            let from: WireEnd = match &wire.from {
                WireSource::Node { id, slot } => (Some(named(id)), slot.to_string()),
                WireSource::Boundary(name) => (None, name.to_string()),
            };
            let to: WireEnd = match &wire.to {
                WireSink::Node { id, input } => (Some(named(id)), input.to_string()),
                WireSink::Boundary(name) => (None, name.to_string()),
            };
            Some(((from, to), scene.wire_path(wire)?))
        });
        keyed.collect()
    }

    fn node_items(&self, index: &CanvasIndex) -> Vec<Item> {
        let mut items = Vec::new();
        if let Some(before) = &self.before {
            for node in before.graph.nodes.values() {
                if !self.new_of.contains_key(node.id()) {
                    let change =
                        NodeChange { mark: Some(ChangeMark::Removed), ..NodeChange::default() };
                    let views = Views { after: false, ..Views::ALL };
                    items.extend(before.node_item(node, index.opened_by(node), &change, views));
                }
            }
        }
        let Some(after) = &self.after else { return items };
        for node in after.graph.nodes.values() {
            let opens = index.opened_by(node);
            let key = NodeKey { scope: self.scope.clone(), id: node.id().clone() };
            let told = self.changes.changed.get(&key);
            let Some(old) = self.old_of.get(node.id()) else {
                let remark = told.and_then(|change| change.remark.clone());
                let change =
                    NodeChange { mark: Some(ChangeMark::Added), remark, ..NodeChange::default() };
                let views = Views { before: false, ..Views::ALL };
                items.extend(after.node_item(node, opens, &change, views));
                continue;
            };
            let was = self.boxes_before.get(old);
            let is = after.layouts.get(node.id()).map(|layout| layout.bounds);
            let trace = was.zip(is).filter(|(was, is)| {
                let far = (was.x - is.x).hypot(was.y - is.y) > LEAST_MOVE;
                far && self.changes.moved.contains(&key)
            });
            let change = told.cloned().unwrap_or_default();
            items.extend(self.paired_items(node.id(), old, opens, &change));
            if let Some((was, is)) = trace {
                // Above the node, so that it can be left out and leaves the node as it is.
                items.push(trace_item(node.id(), *was, is, change.mark.is_none()));
            }
        }
        items
    }

    /// A node that is in both states: one item where it looks the same, else one for each
    /// view.
    fn paired_items(
        &self,
        id: &NodeId,
        old: &NodeId,
        opens: Option<usize>,
        change: &NodeChange,
    ) -> Vec<Item> {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return Vec::new() };
        let (Some(was), Some(is)) = (before.graph.nodes.get(old), after.graph.nodes.get(id)) else {
            return Vec::new();
        };
        let plain = NodeChange { mark: change.mark, ..NodeChange::default() };
        let earlier = before.node_item(was, opens, &plain, Views::BEFORE);
        let later = after.node_item(is, opens, &plain, Views::AFTER);
        let (Some(earlier), Some(later)) = (earlier, later) else { return Vec::new() };
        let looks_same = earlier.shapes == later.shapes
            && earlier.bounds == later.bounds
            && earlier.facts == later.facts;
        let has_detail = !change.values_before.is_empty()
            || !change.rewired.is_empty()
            || change.remark.is_some();
        match (looks_same, has_detail) {
            (true, false) => vec![Item { views: Views::ALL, ..later }],
            (true, true) => {
                let both = Views { union: false, ..Views::ALL };
                let mut items = vec![Item { views: both, ..later }];
                items.extend(after.node_item(is, opens, change, Views::UNION));
                items
            }
            (false, false) => {
                vec![earlier, Item { views: Views { before: false, ..Views::ALL }, ..later }]
            }
            (false, true) => {
                let mut items = vec![earlier, later];
                items.extend(after.node_item(is, opens, change, Views::UNION));
                items
            }
        }
    }
}

/// The nodes that each node is wired to.
fn neighbours(scene: &GraphScene<'_>) -> FxHashMap<NodeId, Vec<NodeId>> {
    let mut neighbours: FxHashMap<NodeId, Vec<NodeId>> = FxHashMap::default();
    for link in scene.graph.links.values() {
        if let (LinkEnd::Node { id: from, .. }, LinkEnd::Node { id: to, .. }) =
            (link.from(), link.to())
        {
            neighbours.entry(from.clone()).or_default().push(to.clone());
            neighbours.entry(to.clone()).or_default().push(from.clone());
        }
    }
    neighbours
}

fn median_shift(shifts: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = shifts.unzip();
    xs.sort_by(f64::total_cmp);
    ys.sort_by(f64::total_cmp);
    Some((*xs.get(xs.len() / 2)?, *ys.get(ys.len() / 2)?))
}

/// Moves a box down until it covers nothing, while there are looks left.
fn clear(bounds: &mut Rect, taken: &[Rect], looks: &mut usize) {
    while *looks >= taken.len() {
        *looks -= taken.len();
        let covers = |other: &&Rect| {
            other.x < bounds.right()
                && bounds.x < other.right()
                && other.y < bounds.bottom()
                && bounds.y < other.bottom()
        };
        let Some(other) = taken.iter().find(covers) else { return };
        bounds.y = other.bottom() + CLEAR_GAP;
    }
}

/// How many nodes and groups of each kind of change a drawing shows; moved ones are counted
/// also where something else changed in them.
pub fn count_marks(drawing: &Drawing) -> Vec<(ChangeMark, usize)> {
    let mut counts: FxHashMap<ChangeMark, usize> = FxHashMap::default();
    for item in drawing.canvases.iter().flat_map(|canvas| &canvas.items) {
        let counts_here = item.views.union
            && !matches!(item.kind, ItemKind::Link | ItemKind::Reroute | ItemKind::Boundary);
        if let (Some(mark), true) = (item.mark, counts_here) {
            *counts.entry(mark).or_default() += 1;
        }
    }
    let all = ChangeMark::ALL.into_iter();
    all.filter_map(|mark| Some((mark, *counts.get(&mark)?))).collect()
}
