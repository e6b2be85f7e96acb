//! Widgets of one node that hold another value, came or went.
//!
//! Values are paired by the names of their widgets; the array only says where they lie.
//! Must not know where names come from.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::edit::{AddedWidget, Change, Edit, NodeRef, Origin, Usual};
use super::sequence::longest_rising;
use crate::graph::{
    Instances, Naming, Node, Place, Role, Sink, Slot, SlotName, Widget, WidgetName,
};
use crate::json::Value;
use crate::pair::{IndexedGraph, Spot};

/// What `control` widgets say when the number before them stays.
const FIXED: &str = "fixed";

/// Both documents with the names of widgets.
pub(super) struct Widgeting<'n, 'w> {
    old: &'n IndexedGraph<'w>,
    new: &'n IndexedGraph<'w>,
    naming: &'n dyn Naming,
    instances: Instances<'w>,
}

impl<'n, 'w> Widgeting<'n, 'w> {
    pub(super) fn new(
        old: &'n IndexedGraph<'w>,
        new: &'n IndexedGraph<'w>,
        naming: &'n dyn Naming,
    ) -> Self {
        Widgeting { old, new, naming, instances: Instances::of(new.workflow) }
    }

    /// The edits of one pair of nodes.
    pub(super) fn compare(&self, before: Spot, after: Spot) -> Vec<Edit> {
        let (was, is) = (self.old.nodes[before], self.new.nodes[after]);
        let values = (was.raw().get("widgets_values"), is.raw().get("widgets_values"));
        if values.0 == values.1 || !are_of_one_shape(values.0, values.1) {
            return Vec::new();
        }
        let mut was = self.naming.widgets(self.old.workflow, was);
        let mut is = self.naming.widgets(self.new.workflow, is);
        share_names(&mut was, &mut is);
        let pairs = pair(&was, &is);
        let node = self.new.node_ref(after);
        let kept: FxHashSet<usize> = pairs.iter().filter_map(|pair| pair.old).collect();
        let gone = was.iter().enumerate().filter(|(at, _)| !kept.contains(at));
        let mut edits: Vec<Edit> = gone.map(|(_, widget)| removed(&node, widget)).collect();
        for (at, widget) in is.iter().enumerate() {
            let Some(from) = pairs[at].old else {
                edits.push(added(&node, widget));
                continue;
            };
            if pairs[at].strayed {
                edits.extend([removed(&node, &was[from]), added(&node, widget)]);
            } else if !was[from].value.same(widget.value) {
                let origin = self.origin(after, &is, at);
                let change = Change::new(Some(was[from].value.clone()), Some(widget.value.clone()));
                edits.push(edit(&node, widget, change, origin));
            }
        }
        edits
    }

    /// The widgets of a node that is new.
    pub(super) fn added(&self, spot: Spot) -> Vec<AddedWidget> {
        let node = self.new.nodes[spot];
        let initial: FxHashMap<CompactString, Value> =
            self.naming.unset(&blank(node)).into_iter().collect();
        let widget = |widget: Widget<'_>| AddedWidget {
            usual: usual(widget.name.as_str().and_then(|name| initial.get(name)), widget.value),
            value: widget.value.clone(),
            role: widget.role,
            name: widget.name,
        };
        self.naming.widgets(self.new.workflow, node).into_iter().map(widget).collect()
    }

    /// Whether a value is what every new node of the class holds.
    pub(super) fn usual(&self, spot: Spot, name: &str, value: &Value) -> Usual {
        let initial = self.naming.unset(&blank(self.new.nodes[spot]));
        let initial = initial.iter().find(|(known, _)| known == name);
        usual(initial.map(|(_, initial)| initial), value)
    }

    /// The value that a widget of a node held before.
    pub(super) fn value_before(&self, spot: Spot, name: &str) -> Option<Value> {
        let widgets = self.naming.widgets(self.old.workflow, self.old.nodes[spot]);
        let found = widgets.into_iter().find(|widget| widget.name.as_str() == Some(name));
        found.map(|widget| widget.value.clone())
    }

    fn origin(&self, node: Spot, widgets: &[Widget<'_>], at: usize) -> Origin {
        let widget = &widgets[at];
        if matches!(widget.role, Role::Residue | Role::Button) || self.is_overruled(node, widget) {
            return Origin::Dead;
        }
        if is_rolled(widgets, at) || self.is_rolled_inside(node, &widget.name) {
            return Origin::Reroll;
        }
        Origin::Person
    }

    /// Whether a wire or the instance brings the value, so that what the widget holds means
    /// nothing.
    fn is_overruled(&self, node: Spot, widget: &Widget<'_>) -> bool {
        let Some(name) = widget.name.as_str() else { return false };
        let layer = self.new.layer_of(node);
        let (definition, graph) = (self.new.definition(layer), self.new.layers[layer].graph);
        self.instances.overruled(definition, graph, self.new.nodes[node], name).is_some()
    }

    /// Whether a value of a subgraph's instance feeds a widget inside that is re-rolled.
    fn is_rolled_inside(&self, host: Spot, name: &WidgetName) -> bool {
        let (Some(inside), Some(name)) = (self.new.inside(host), name.as_str()) else {
            return false;
        };
        let boundary = crate::graph::Source::Boundary(SlotName::new(name));
        let layer = &self.new.layers[inside];
        let mut fed = layer.wires.iter().filter(|wire| wire.from == boundary);
        fed.any(|wire| {
            let Sink::Node { id, input } = &wire.to else { return false };
            let Some(spot) = self.new.spot(inside, id) else { return false };
            let node = self.new.nodes[spot];
            let widget = node.input(input).and_then(Slot::widget);
            let widgets = self.naming.widgets(self.new.workflow, node);
            let at = widgets.iter().position(|w| w.name.as_str() == widget);
            at.is_some_and(|at| is_rolled(&widgets, at))
        })
    }
}

fn usual(initial: Option<&Value>, value: &Value) -> Usual {
    match initial {
        Some(initial) if initial.same(value) => Usual::Default,
        Some(_) => Usual::Own,
        None => Usual::Unknown,
    }
}

/// A node of the same class that holds no values yet.
fn blank(node: &Node) -> Node {
    let members = ["id", "type"].map(|key| (key, node.raw().get(key).cloned().unwrap_or_default()));
    let raw = Value::Object(members.into_iter().collect());
    Node::from_value(raw).unwrap_or_else(|_| node.clone())
}

/// Whether values lie in the same way on both sides, so that one can become the other.
fn are_of_one_shape(before: Option<&Value>, after: Option<&Value>) -> bool {
    let shape = |value: Option<&Value>| match value {
        Some(Value::Array(_)) => Some(true),
        Some(Value::Object(_)) => Some(false),
        _ => None,
    };
    match (before, after) {
        (None, after) => shape(after).is_some(),
        (before, None) => shape(before).is_some(),
        (before, after) => shape(before).is_some() && shape(before) == shape(after),
    }
}

/// Whether the control behind a number changes it after each run.
fn is_rolled(widgets: &[Widget<'_>], at: usize) -> bool {
    let control = widgets.get(at + 1).filter(|next| next.role == Role::Control);
    widgets[at].value.as_number().is_some()
        && control.is_some_and(|control| control.value.as_str().is_some_and(|c| c != FIXED))
}

/// Where only one side has names and both have as many values, the names hold for both.
fn share_names(was: &mut [Widget<'_>], is: &mut [Widget<'_>]) {
    let nameless = |widgets: &[Widget<'_>]| widgets.iter().all(|w| w.name.as_str().is_none());
    if was.len() != is.len() {
        return;
    }
    match (nameless(was), nameless(is)) {
        (true, false) => give_names(is, was),
        (false, true) => give_names(was, is),
        _ => {}
    }
}

fn give_names(from: &[Widget<'_>], to: &mut [Widget<'_>]) {
    for (from, to) in from.iter().zip(to) {
        to.name.clone_from(&from.name);
        to.role = from.role;
    }
}

#[derive(Clone, Copy)]
struct Paired {
    old: Option<usize>,
    /// Whether it left the order of the others.
    strayed: bool,
}

fn pair(was: &[Widget<'_>], is: &[Widget<'_>]) -> Vec<Paired> {
    let names = was.iter().enumerate().rev();
    let mut by_name: FxHashMap<&WidgetName, usize> =
        names.map(|(at, widget)| (&widget.name, at)).collect();
    let olds: Vec<Option<usize>> = is.iter().map(|widget| by_name.remove(&widget.name)).collect();
    let keyed = is.iter().any(|widget| !matches!(widget.place, Place::Index(_)));
    let order: Vec<usize> = olds.iter().copied().flatten().collect();
    let mut in_order = longest_rising(&order).into_iter().peekable();
    let paired = |old: Option<usize>| {
        let kept = old.is_some_and(|old| in_order.next_if(|&next| next == old).is_some());
        Paired { old, strayed: old.is_some() && !kept && !keyed }
    };
    olds.into_iter().map(paired).collect()
}

fn removed(node: &NodeRef, widget: &Widget<'_>) -> Edit {
    edit(node, widget, Change::new(Some(widget.value.clone()), None), silent(widget))
}

fn added(node: &NodeRef, widget: &Widget<'_>) -> Edit {
    edit(node, widget, Change::new(None, Some(widget.value.clone())), silent(widget))
}

/// Holes and buttons come and go with versions of the frontend.
fn silent(widget: &Widget<'_>) -> Origin {
    let dead = widget.value.is_null() || matches!(widget.role, Role::Residue | Role::Button);
    if dead { Origin::Dead } else { Origin::Person }
}

fn edit(
    node: &NodeRef,
    widget: &Widget<'_>,
    change: Change<Option<Value>>,
    origin: Origin,
) -> Edit {
    Edit::Widget {
        node: node.clone(),
        name: widget.name.clone(),
        role: widget.role,
        change,
        place: widget.place.clone(),
        origin,
    }
}
