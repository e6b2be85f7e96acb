//! A workflow with the seeds of one run held fast, so that it gives the same again.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{
    Naming, Node, NodeKey, Place, Prompt, PromptInput, Role, Scope, WidgetName, Workflow,
};
use comfy_graph::json::Value;

use super::content;

/// What was changed in a workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fixed {
    /// Controls that were set to `fixed`.
    pub controls: usize,
    /// Values that were put back to what ran.
    pub values: usize,
    /// Nodes whose values could not be put back: by id, as the prompt has it.
    pub left: Vec<String>,
}

/// Which values are put back to those that ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Seeds alone: the canvas as the person left it.
    Seeds,
    /// Every value: what was decided at random or by the clock on queueing, too.
    All,
}

type Change = (NodeKey, Place, WidgetName, Value);

/// Sets every control to `fixed`, and values to those that ran, wherever they lie: in the
/// node, in the instance of its subgraph, in the primitive node that feeds it.
pub fn fix_values(
    workflow: &mut Workflow,
    prompt: Option<&Prompt>,
    hold: Hold,
    catalog: &Catalog,
) -> Fixed {
    let controls = controls(workflow, catalog);
    let mut fixed = Fixed { controls: controls.len(), ..Fixed::default() };
    apply(workflow, controls);
    let Some(prompt) = prompt else { return fixed };
    let values = values(workflow, prompt, hold, catalog);
    fixed.values = values.len();
    apply(workflow, values);
    let left = differing(workflow, prompt, hold, catalog).into_iter();
    fixed.left = left.map(|(node, ..)| node.to_string()).collect();
    fixed.left.dedup();
    fixed
}

fn apply(workflow: &mut Workflow, changes: Vec<Change>) {
    for (key, place, name, value) in changes {
        if let Some(node) = workflow.node_mut(&key) {
            node.set_widget(&place, &name, value);
        }
    }
}

fn key(scope: &Scope, node: &Node) -> NodeKey {
    NodeKey { scope: scope.clone(), id: node.id().clone() }
}

fn controls(workflow: &Workflow, catalog: &Catalog) -> Vec<Change> {
    let mut changes = Vec::new();
    for (scope, node) in workflow.nodes() {
        for widget in catalog.widgets(workflow, node) {
            if widget.role == Role::Control && widget.value.as_str() != Some("fixed") {
                let change = (key(&scope, node), widget.place, widget.name, Value::from("fixed"));
                changes.push(change);
            }
        }
    }
    changes
}

/// The values that are not those of the prompt, where they lie.
fn values(workflow: &Workflow, prompt: &Prompt, hold: Hold, catalog: &Catalog) -> Vec<Change> {
    let Ok(holders) = workflow.held_values(catalog) else { return Vec::new() };
    let mut changes: Vec<Change> = Vec::new();
    for (node, input, used) in differing(workflow, prompt, hold, catalog) {
        let Some(held) = holders.get(&(node, input.as_str().into())) else { continue };
        let change = (held.node.clone(), held.place.clone(), held.name.clone(), used);
        // One value may feed many inputs.
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    changes
}

/// Inputs that would run with another value: the node and input of the prompt, and what ran.
fn differing(
    workflow: &Workflow,
    prompt: &Prompt,
    hold: Hold,
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
                && (hold == Hold::All || is_seed(catalog, node.class(), name))
                && !used.same(value)
            {
                found.push((id.clone(), name.to_owned(), used.clone()));
            }
        }
    }
    found
}

fn is_seed(catalog: &Catalog, class: &str, input: &str) -> bool {
    content::rolls(catalog.class(class), input) || input.ends_with("seed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::json::parse_text;

    #[test]
    fn seeds_go_back_to_what_ran_and_stay() {
        let text = r#"{"version":0.4,"nodes":[{"id":3,"type":"KSampler","inputs":[],"outputs":[],
            "widgets_values":[7,"randomize",20,8,"euler","normal",1]}],"links":[]}"#;
        let mut workflow = Workflow::from_value(parse_text(text).unwrap()).unwrap();
        let prompt =
            r#"{"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551615,"steps":20}}}"#;
        let prompt = Prompt::from_value(parse_text(prompt).unwrap()).unwrap();
        let fixed = fix_values(&mut workflow, Some(&prompt), Hold::Seeds, &Catalog::core());
        assert_eq!(fixed, Fixed { controls: 1, values: 1, left: Vec::new() });
        let values = workflow.into_value();
        let values = values.get("nodes").and_then(|n| n.at(0)?.get("widgets_values")).unwrap();
        assert_eq!(values.at(0).unwrap().as_number().unwrap().as_str(), "18446744073709551615");
        assert_eq!(values.at(1).unwrap().as_str(), Some("fixed"));
    }
}
