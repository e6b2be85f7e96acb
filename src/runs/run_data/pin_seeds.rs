//! A workflow with the seeds of one run held fast, so that it gives the same again.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{
    GraphScope, Node, NodeKey, Prompt, PromptInput, WidgetLocation, WidgetName, WidgetNaming,
    WidgetRole, Workflow,
};
use comfy_graph::json::Value;

use super::identity;

/// What was changed in a workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PinResult {
    /// Controls that were set to `fixed`.
    pub controls: usize,
    /// Values that were put back to what ran.
    pub values: usize,
    /// Nodes whose values could not be put back: by id, as the prompt has it.
    pub unpinned: Vec<String>,
    /// Nodes that ran with a seed below zero: they roll one themselves, which nobody knows.
    pub rolled_within: Vec<String>,
}

/// Which values are put back to those that ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinScope {
    /// Seeds alone: the canvas as the person left it.
    Seeds,
    /// Every value: what was decided at random or by the clock on queueing, too.
    All,
}

type WidgetEdit = (NodeKey, WidgetLocation, WidgetName, Value);

/// Sets every control to `fixed`, and values to those that ran, wherever they lie: in the
/// node, in the instance of its subgraph, in the primitive node that feeds it.
pub fn pin_values(
    workflow: &mut Workflow,
    prompt: Option<&Prompt>,
    hold: PinScope,
    catalog: &Catalog,
) -> PinResult {
    let controls = control_edits(workflow, catalog);
    let mut fixed = PinResult { controls: controls.len(), ..PinResult::default() };
    apply_edits(workflow, controls);
    let Some(prompt) = prompt else { return fixed };
    let values = value_edits(workflow, prompt, hold, catalog);
    fixed.values = values.len();
    apply_edits(workflow, values);
    let left = differing_inputs(workflow, prompt, hold, catalog).into_iter();
    let left = left.map(|(node, ..)| node.to_string());
    fixed.unpinned = left.chain(unplaced_seeds(workflow, prompt, catalog)).collect();
    fixed.unpinned.sort();
    fixed.unpinned.dedup();
    fixed.rolled_within = negative_seeds(prompt, catalog);
    fixed
}

/// Nodes with a seed that the canvas has no place for, as far as anybody can see: its class is
/// not known, so that none of its values has a name.
fn unplaced_seeds(workflow: &Workflow, prompt: &Prompt, catalog: &Catalog) -> Vec<String> {
    let Ok(now) = workflow.to_prompt(catalog) else { return Vec::new() };
    let unplaced = seeds(prompt, catalog).filter(|(id, input, _)| {
        let here = now.nodes.get(*id);
        here.is_some_and(|node| {
            node.class() == prompt.nodes[*id].class() && node.input(input).is_none()
        })
    });
    unplaced.map(|(id, ..)| id.to_string()).collect()
}

fn negative_seeds(prompt: &Prompt, catalog: &Catalog) -> Vec<String> {
    let below_zero = |value: &Value| value.as_i64().is_some_and(|seed| seed < 0);
    let found = seeds(prompt, catalog).filter(|(.., value)| below_zero(value));
    let mut found: Vec<String> = found.map(|(id, ..)| id.to_string()).collect();
    found.dedup();
    found
}

/// The seeds that ran: node, input, value.
fn seeds<'p>(
    prompt: &'p Prompt,
    catalog: &'p Catalog,
) -> impl Iterator<Item = (&'p comfy_graph::graph::NodeId, &'p str, &'p Value)> {
    prompt.nodes.iter().flat_map(move |(id, node)| {
        node.inputs().filter_map(move |(name, input)| match input {
            PromptInput::Literal(value)
                if value.as_number().is_some() && is_seed_input(catalog, node.class(), name) =>
            {
                Some((id, name, value))
            }
            _ => None,
        })
    })
}

fn apply_edits(workflow: &mut Workflow, changes: Vec<WidgetEdit>) {
    for (key, place, name, value) in changes {
        if let Some(node) = workflow.node_mut(&key) {
            node.set_widget_value(&place, &name, value);
        }
    }
}

fn node_key(scope: &GraphScope, node: &Node) -> NodeKey {
    NodeKey { scope: scope.clone(), id: node.id().clone() }
}

fn control_edits(workflow: &Workflow, catalog: &Catalog) -> Vec<WidgetEdit> {
    let mut changes = Vec::new();
    for (scope, node) in workflow.nodes() {
        for widget in catalog.widgets(workflow, node) {
            if widget.role == WidgetRole::Control && widget.value.as_str() != Some("fixed") {
                let change =
                    (node_key(&scope, node), widget.location, widget.name, Value::from("fixed"));
                changes.push(change);
            }
        }
    }
    changes
}

/// The values that are not those of the prompt, where they lie.
fn value_edits(
    workflow: &Workflow,
    prompt: &Prompt,
    hold: PinScope,
    catalog: &Catalog,
) -> Vec<WidgetEdit> {
    let Ok(holders) = workflow.value_holders(catalog) else { return Vec::new() };
    let mut changes: Vec<WidgetEdit> = Vec::new();
    for (node, input, used) in differing_inputs(workflow, prompt, hold, catalog) {
        let Some(held) = holders.get(&(node, input.as_str().into())) else { continue };
        let change = (held.node.clone(), held.location.clone(), held.name.clone(), used);
        // One value may feed many inputs.
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    changes
}

/// Inputs that would run with another value: the node and input of the prompt, and what ran.
fn differing_inputs(
    workflow: &Workflow,
    prompt: &Prompt,
    hold: PinScope,
    catalog: &Catalog,
) -> Vec<(comfy_graph::graph::NodeId, String, Value)> {
    let Ok(now) = workflow.to_prompt(catalog) else { return Vec::new() };
    let mut found = Vec::new();
    for (id, node) in &now.nodes {
        // Another class under the id: the prompt is another workflow's.
        let Some(ran) = prompt.nodes.get(id).filter(|ran| ran.class() == node.class()) else {
            continue;
        };
        for (name, input) in ran.inputs() {
            if let PromptInput::Literal(used) = input
                && let Some(PromptInput::Literal(value)) = node.input(name)
                && (hold == PinScope::All || is_seed_input(catalog, node.class(), name))
                && !used.is_equivalent(value)
            {
                found.push((id.clone(), name.to_owned(), used.clone()));
            }
        }
    }
    found
}

fn is_seed_input(catalog: &Catalog, class: &str, input: &str) -> bool {
    identity::is_rolled_input(catalog.class(class), input) || input.ends_with("seed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::json::parse_text;

    #[test]
    fn seeds_that_cannot_be_put_back_are_named() {
        let workflow = r#"{"nodes":[{"id":1,"type":"Strange","widgets_values":["a",7]},
            {"id":2,"type":"KSampler","widgets_values":[-1,"randomize",20,8,"euler","normal",1]}],
            "links":[],"version":0.4}"#;
        let prompt = r#"{"1":{"class_type":"Strange","inputs":{"text":"a","noise_seed":9}},
            "2":{"class_type":"KSampler","inputs":{"seed":-1,"steps":20}}}"#;
        let mut workflow = Workflow::from_value(parse_text(workflow).unwrap()).unwrap();
        let prompt = Prompt::from_value(parse_text(prompt).unwrap()).unwrap();
        let done = pin_values(&mut workflow, Some(&prompt), PinScope::Seeds, &Catalog::core());
        assert_eq!(done.unpinned, ["1"]);
        assert_eq!(done.rolled_within, ["2"]);
    }

    #[test]
    fn seeds_go_back_to_what_ran_and_stay() {
        let text = r#"{"version":0.4,"nodes":[{"id":3,"type":"KSampler","inputs":[],"outputs":[],
            "widgets_values":[7,"randomize",20,8,"euler","normal",1]}],"links":[]}"#;
        let mut workflow = Workflow::from_value(parse_text(text).unwrap()).unwrap();
        let prompt =
            r#"{"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551615,"steps":20}}}"#;
        let prompt = Prompt::from_value(parse_text(prompt).unwrap()).unwrap();
        let fixed = pin_values(&mut workflow, Some(&prompt), PinScope::Seeds, &Catalog::core());
        assert_eq!(fixed, PinResult { controls: 1, values: 1, ..PinResult::default() });
        let values = workflow.into_value();
        let values =
            values.get("nodes").and_then(|n| n.get_index(0)?.get("widgets_values")).unwrap();
        assert_eq!(
            values.get_index(0).unwrap().as_number().unwrap().as_str(),
            "18446744073709551615"
        );
        assert_eq!(values.get_index(1).unwrap().as_str(), Some("fixed"));
    }
}
