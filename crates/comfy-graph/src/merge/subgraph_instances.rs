//! Instances of a subgraph that only one side has, fitted to what the other side did to
//! the boundary of the subgraph: their values and outputs follow its order.
//!
//! An instance that both sides have needs none of this: its values are merged by name.

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use super::graph::MergeContext;
use super::slots;
use super::three_way::MergeSide;
use crate::graph::{
    Link, LinkEnd, Node, NodeId, SubgraphDefinition, SubgraphId, WidgetName, WidgetRole,
    WidgetValues, Workflow, find_slot,
};
use crate::json::{Object, Value};

/// The inputs on a boundary that show a widget inside, in the order of the values that an
/// instance holds: name, inner node, widget there.
pub(super) fn promoted_inputs(
    definition: &SubgraphDefinition,
) -> Vec<(CompactString, NodeId, CompactString)> {
    let graph = &definition.graph;
    let shown = definition.inputs().filter_map(|input| {
        let link = input.link_ids().find_map(|link| graph.links.get(&link));
        let Some(LinkEnd::Node { id, slot }) = link.map(Link::to) else { return None };
        let widget = graph.nodes.get(id)?.input_at(*slot)?.widget()?;
        Some((input.name().into(), id.clone(), widget.into()))
    });
    shown.collect()
}

/// What becomes of the numbers that an instance shows after a run, by their names.
pub(super) fn instance_controls(
    engine: &MergeContext<'_>,
    node: &Node,
    side: MergeSide,
) -> FxHashMap<CompactString, Value> {
    let workflow = engine.workflows.get(side);
    let Some(definition) = workflow.definitions.get(&node.as_subgraph()) else {
        return FxHashMap::default();
    };
    let control = |(name, inner, widget): (CompactString, NodeId, CompactString)| {
        let inner = definition.graph.nodes.get(&inner)?;
        let widgets = engine.naming.widgets(workflow, inner);
        let at = widgets.iter().position(|w| w.name == WidgetName::Named(widget.clone()))?;
        let next = widgets.get(at + 1).filter(|next| next.role == WidgetRole::Control)?;
        Some((name, next.value.clone()))
    };
    promoted_inputs(definition).into_iter().filter_map(control).collect()
}

/// Fits an instance that only `side` has to the merged boundary of its subgraph.
pub(super) fn fit_instance(engine: &MergeContext<'_>, node: &mut Node, side: MergeSide) {
    let id = node.as_subgraph();
    let Some(boundary) = engine.boundaries.get(&id) else { return };
    let Some(own) = engine.workflows.get(side).definitions.get(&id) else { return };
    let other = side.other();
    let Some(changed) = engine.workflows.get(other).definitions.get(&id) else { return };
    fit_outputs(node, own, boundary.outputs.as_ref());
    let shown = |definition: &SubgraphDefinition| {
        promoted_inputs(definition).into_iter().map(|(name, _, _)| name).collect::<Vec<_>>()
    };
    let (before, after) = (shown(own), shown(changed));
    let result: Vec<CompactString> = boundary
        .input_names()
        .into_iter()
        .filter(|name| before.contains(name) || after.contains(name))
        .collect();
    let WidgetValues::Array(values) = node.widget_values() else { return };
    if result == before || values.len() != before.len() || node.property("proxyWidgets").is_some() {
        return;
    }
    let fitted: Vec<Value> = result
        .iter()
        .map(|name| match before.iter().position(|known| known == name) {
            Some(at) => values[at].clone(),
            None => inner_widget_value(engine, &id, other, name).unwrap_or_default(),
        })
        .collect();
    if node.named_values().is_some() {
        let named: Object = result.iter().cloned().zip(fitted.iter().cloned()).collect();
        node.raw_mut().insert("widgets_values_named", named);
    }
    node.raw_mut().insert("widgets_values", fitted);
}

fn fit_outputs(node: &mut Node, own: &SubgraphDefinition, boundary: Option<&Value>) {
    let names = slots::slot_names(boundary);
    if names == slots::slot_names(own.graph.rest.get("outputs")) {
        return;
    }
    let listed = node.raw().get("outputs").cloned();
    let slot = |name| match find_slot(listed.as_ref(), name) {
        Some((_, slot)) => slot.clone(),
        None => {
            let kind = find_slot(boundary, name).and_then(|(_, slot)| slot.get("type").cloned());
            let members = [
                ("name", Value::from(name.name.clone())),
                ("type", kind.unwrap_or_default()),
                ("links", Value::Array(Vec::new())),
            ];
            Value::Object(members.into_iter().collect())
        }
    };
    let fitted: Vec<Value> = names.iter().map(slot).collect();
    node.raw_mut().insert("outputs", fitted);
}

/// What the widget behind a boundary input holds inside the definition of a side.
fn inner_widget_value(
    engine: &MergeContext<'_>,
    id: &SubgraphId,
    side: MergeSide,
    name: &str,
) -> Option<Value> {
    let workflow: &Workflow = engine.workflows.get(side);
    let definition = workflow.definitions.get(id)?;
    let (_, inner, widget) =
        promoted_inputs(definition).into_iter().find(|(known, _, _)| known == name)?;
    let node = definition.graph.nodes.get(&inner)?;
    let widgets = engine.naming.widgets(workflow, node);
    let widget = widgets.into_iter().find(|w| w.name == WidgetName::Named(widget.clone()))?;
    Some(widget.value.clone())
}
