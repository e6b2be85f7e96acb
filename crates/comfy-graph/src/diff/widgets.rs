//! Widgets of one node that hold another value, came or went.
//!
//! Values are paired by the names of their widgets; the array only says where they lie.
//! Must not know where names come from.

use std::borrow::Cow;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::edit::{AddedWidget, Change, ChangeOrigin, DefaultMatch, Edit, NodeRef};
use super::sequence::{longest_common_subsequence, longest_increasing_subsequence};
use crate::graph::{
    Node, Slot, SlotName, SubgraphInstances, Widget, WidgetLocation, WidgetName, WidgetNaming,
    WidgetOverride, WidgetRole, WireSink,
};
use crate::json::Value;
use crate::pair::{IndexedGraph, NodeIndex};

/// What `control` widgets say when the number before them stays.
const FIXED_CONTROL: &str = "fixed";

/// Both documents with the names of widgets.
pub(super) struct WidgetComparison<'n, 'w> {
    old: &'n IndexedGraph<'w>,
    new: &'n IndexedGraph<'w>,
    naming: &'n dyn WidgetNaming,
    instances: SubgraphInstances<'w>,
}

impl<'n, 'w> WidgetComparison<'n, 'w> {
    pub(super) fn new(
        old: &'n IndexedGraph<'w>,
        new: &'n IndexedGraph<'w>,
        naming: &'n dyn WidgetNaming,
    ) -> Self {
        WidgetComparison {
            old,
            new,
            naming,
            instances: SubgraphInstances::from_workflow(new.workflow),
        }
    }

    /// The edits of one pair of nodes.
    pub(super) fn compare_widgets(&self, before: NodeIndex, after: NodeIndex) -> Vec<Edit> {
        let (was, is) = (self.old.nodes[before], self.new.nodes[after]);
        let values = (was.raw().get("widgets_values"), is.raw().get("widgets_values"));
        if values.0 == values.1 || !have_same_shape(values.0, values.1) {
            return Vec::new();
        }
        let mut was = self.naming.widgets(self.old.workflow, was);
        let mut is = self.naming.widgets(self.new.workflow, is);
        share_names(&mut was, &mut is);
        let pairs = pair_widgets(&was, &is);
        let node = self.new.node_ref(after);
        let kept: FxHashSet<usize> = pairs.iter().filter_map(|pair| pair.old).collect();
        let gone = was.iter().enumerate().filter(|(at, _)| !kept.contains(at));
        let mut edits: Vec<Edit> =
            gone.map(|(_, widget)| removed_widget_edit(&node, widget)).collect();
        for (at, widget) in is.iter().enumerate() {
            let Some(from) = pairs[at].old else {
                edits.push(added_widget_edit(&node, widget));
                continue;
            };
            if pairs[at].reordered {
                edits.extend([
                    removed_widget_edit(&node, &was[from]),
                    added_widget_edit(&node, widget),
                ]);
            } else if !was[from].value.is_equivalent(widget.value) {
                let change = Change::new(Some(was[from].value.clone()), Some(widget.value.clone()));
                let origin = match is_same_path(was[from].value, widget.value) {
                    true => ChangeOrigin::Respelled,
                    false => self.change_origin(after, &is, at),
                };
                edits.push(widget_edit(&node, widget, change, origin));
            }
        }
        edits
    }

    /// The widgets of a node that is new.
    pub(super) fn added_widgets(&self, spot: NodeIndex) -> Vec<AddedWidget> {
        let node = self.new.nodes[spot];
        let initial: FxHashMap<CompactString, Value> =
            self.naming.unset_widgets(&blank_node(node)).into_iter().collect();
        let widget = |widget: Widget<'_>| AddedWidget {
            usual: match_default(
                widget.name.as_str().and_then(|name| initial.get(name)),
                widget.value,
            ),
            value: widget.value.clone(),
            role: widget.role,
            name: widget.name,
        };
        self.naming.widgets(self.new.workflow, node).into_iter().map(widget).collect()
    }

    /// Whether a value is what every new node of the class holds.
    pub(super) fn default_match(&self, spot: NodeIndex, name: &str, value: &Value) -> DefaultMatch {
        let initial = self.naming.unset_widgets(&blank_node(self.new.nodes[spot]));
        let initial = initial.iter().find(|(known, _)| known == name);
        match_default(initial.map(|(_, initial)| initial), value)
    }

    /// The value that a widget of a node held before.
    pub(super) fn value_before(&self, spot: NodeIndex, name: &str) -> Option<Value> {
        let widgets = self.naming.widgets(self.old.workflow, self.old.nodes[spot]);
        let found = widgets.into_iter().find(|widget| widget.name.as_str() == Some(name));
        found.map(|widget| widget.value.clone())
    }

    fn change_origin(&self, node: NodeIndex, widgets: &[Widget<'_>], at: usize) -> ChangeOrigin {
        let widget = &widgets[at];
        if matches!(widget.role, WidgetRole::Residue | WidgetRole::Button) {
            return ChangeOrigin::Dead;
        }
        match self.find_override(node, widget) {
            Some(WidgetOverride::Wire) => return ChangeOrigin::SetByWire,
            Some(WidgetOverride::Instance) => return ChangeOrigin::SetByInstance,
            None => {}
        }
        if is_rerolled(widgets, at) || self.is_rerolled_inside(node, &widget.name) {
            return ChangeOrigin::Reroll;
        }
        ChangeOrigin::Person
    }

    /// What brings the value, if what the widget holds means nothing.
    fn find_override(&self, node: NodeIndex, widget: &Widget<'_>) -> Option<WidgetOverride> {
        let name = widget.name.as_str()?;
        let layer = self.new.layer_of(node);
        let (definition, graph) = (self.new.definition(layer), self.new.layers[layer].graph);
        self.instances.find_override(definition, graph, self.new.nodes[node], name)
    }

    /// Whether a value of a subgraph's instance feeds a widget inside that is re-rolled.
    fn is_rerolled_inside(&self, host: NodeIndex, name: &WidgetName) -> bool {
        let (Some(inside), Some(name)) = (self.new.definition_layer(host), name.as_str()) else {
            return false;
        };
        let boundary = crate::graph::WireSource::Boundary(SlotName::new(name));
        let layer = &self.new.layers[inside];
        let mut fed = layer.wires().iter().filter(|wire| wire.from == boundary);
        fed.any(|wire| {
            let WireSink::Node { id, input } = &wire.to else { return false };
            let Some(spot) = self.new.node_index(inside, id) else { return false };
            let node = self.new.nodes[spot];
            let widget = node.input(input).and_then(Slot::widget);
            let widgets = self.naming.widgets(self.new.workflow, node);
            let at = widgets.iter().position(|w| w.name.as_str() == widget);
            at.is_some_and(|at| is_rerolled(&widgets, at))
        })
    }
}

fn match_default(initial: Option<&Value>, value: &Value) -> DefaultMatch {
    match initial {
        Some(initial) if initial.is_equivalent(value) => DefaultMatch::Default,
        Some(_) => DefaultMatch::Own,
        None => DefaultMatch::Unknown,
    }
}

/// Files of models, as their names end.
const MODEL_SUFFIXES: [&str; 12] = [
    ".bin",
    ".ckpt",
    ".engine",
    ".gguf",
    ".onnx",
    ".pkl",
    ".pt",
    ".pth",
    ".safetensors",
    ".sft",
    ".yaml",
    ".zip",
];

/// Whether two texts name the same model, once as Windows spells it.
pub(super) fn is_same_path(before: &Value, after: &Value) -> bool {
    let (Some(before), Some(after)) = (before.as_str(), after.as_str()) else { return false };
    before != after && spell_model_path(before) == spell_model_path(after)
}

/// A path of a model as it is spelled everywhere but on Windows; any other text as it is.
pub fn spell_model_path(text: &str) -> Cow<'_, str> {
    let is_path = |text: &str| {
        let lower = text.to_ascii_lowercase();
        MODEL_SUFFIXES.iter().any(|suffix| lower.ends_with(suffix)) && !text.contains('\n')
    };
    match text.contains('\\') && is_path(text) {
        true => Cow::Owned(text.replace('\\', "/")),
        false => Cow::Borrowed(text),
    }
}

/// A node of the same class that holds no values yet.
fn blank_node(node: &Node) -> Node {
    let members = ["id", "type"].map(|key| (key, node.raw().get(key).cloned().unwrap_or_default()));
    let raw = Value::Object(members.into_iter().collect());
    Node::from_value(raw).unwrap_or_else(|_| node.clone())
}

/// Whether values lie in the same way on both sides, so that one can become the other.
fn have_same_shape(before: Option<&Value>, after: Option<&Value>) -> bool {
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
fn is_rerolled(widgets: &[Widget<'_>], at: usize) -> bool {
    let control = widgets.get(at + 1).filter(|next| next.role == WidgetRole::Control);
    widgets[at].value.as_number().is_some()
        && control.is_some_and(|control| control.value.as_str().is_some_and(|c| c != FIXED_CONTROL))
}

/// Where only one side has names, they hold for the values of the other that are the same
/// ones: all, if there are as many; else those that stayed, and those between them in turn.
fn share_names(was: &mut [Widget<'_>], is: &mut [Widget<'_>]) {
    let pairs: Vec<(usize, usize)> = match was.len() == is.len() {
        true => (0..was.len()).map(|at| (at, at)).collect(),
        false => {
            let pairs = pair_by_value(was, is).into_iter().enumerate();
            pairs.filter_map(|(new, pair)| Some((pair.old?, new))).collect()
        }
    };
    match (is_nameless(was), is_nameless(is)) {
        (true, false) => pairs.iter().for_each(|&(old, new)| copy_name(&is[new], &mut was[old])),
        (false, true) => pairs.iter().for_each(|&(old, new)| copy_name(&was[old], &mut is[new])),
        _ => {}
    }
}

fn copy_name(from: &Widget<'_>, to: &mut Widget<'_>) {
    to.name.clone_from(&from.name);
    to.source = from.source;
    to.role = from.role;
}

#[derive(Clone, Copy)]
struct WidgetPair {
    old: Option<usize>,
    /// Whether it left the order of the others.
    reordered: bool,
}

fn pair_widgets(was: &[Widget<'_>], is: &[Widget<'_>]) -> Vec<WidgetPair> {
    if was.len() != is.len() && is_nameless(was) && is_nameless(is) {
        return pair_by_value(was, is);
    }
    let names = was.iter().enumerate().rev();
    let mut by_name: FxHashMap<&WidgetName, usize> =
        names.map(|(at, widget)| (&widget.name, at)).collect();
    let olds: Vec<Option<usize>> = is.iter().map(|widget| by_name.remove(&widget.name)).collect();
    let keyed = is.iter().any(|widget| !matches!(widget.location, WidgetLocation::Index(_)));
    let order: Vec<usize> = olds.iter().copied().flatten().collect();
    let mut in_order = longest_increasing_subsequence(&order).into_iter().peekable();
    let paired = |old: Option<usize>| {
        let kept = old.is_some_and(|old| in_order.next_if(|&next| next == old).is_some());
        WidgetPair { old, reordered: old.is_some() && !kept && !keyed }
    };
    olds.into_iter().map(paired).collect()
}

/// Whether values lie in a list that nothing names.
fn is_nameless(widgets: &[Widget<'_>]) -> bool {
    widgets.iter().all(|widget| matches!(widget.name, WidgetName::Position(_)))
}

/// Pairs the values of two unnamed lists of different lengths: values that stayed in their
/// order, and what lies between them in turn, so that one that was put in or taken out is
/// one, and not all that follow it.
fn pair_by_value(was: &[Widget<'_>], is: &[Widget<'_>]) -> Vec<WidgetPair> {
    let same = |old: usize, new: usize| was[old].value.is_equivalent(is[new].value);
    let mut pairs = vec![WidgetPair { old: None, reordered: false }; is.len()];
    let (mut old, mut new) = (0, 0);
    let kept = longest_common_subsequence(was.len(), is.len(), same);
    for (next_old, next_new) in kept.into_iter().chain([(was.len(), is.len())]) {
        // As many on both sides are the same ones; of others it cannot be said which.
        let as_many = next_old - old == next_new - new;
        for (old, new) in (old..next_old).zip(new..next_new).filter(|_| as_many) {
            let alike = was[old].value.kind_name() == is[new].value.kind_name();
            pairs[new].old = alike.then_some(old);
        }
        if next_new < is.len() {
            pairs[next_new].old = Some(next_old);
        }
        (old, new) = (next_old + 1, next_new + 1);
    }
    pairs
}

fn removed_widget_edit(node: &NodeRef, widget: &Widget<'_>) -> Edit {
    widget_edit(
        node,
        widget,
        Change::new(Some(widget.value.clone()), None),
        presence_origin(widget),
    )
}

fn added_widget_edit(node: &NodeRef, widget: &Widget<'_>) -> Edit {
    widget_edit(
        node,
        widget,
        Change::new(None, Some(widget.value.clone())),
        presence_origin(widget),
    )
}

/// Holes and buttons come and go with versions of the frontend.
fn presence_origin(widget: &Widget<'_>) -> ChangeOrigin {
    let dead =
        widget.value.is_null() || matches!(widget.role, WidgetRole::Residue | WidgetRole::Button);
    if dead { ChangeOrigin::Dead } else { ChangeOrigin::Person }
}

fn widget_edit(
    node: &NodeRef,
    widget: &Widget<'_>,
    change: Change<Option<Value>>,
    origin: ChangeOrigin,
) -> Edit {
    Edit::Widget {
        node: node.clone(),
        name: widget.name.clone(),
        source: widget.source,
        role: widget.role,
        change,
        place: widget.location.clone(),
        origin,
    }
}
