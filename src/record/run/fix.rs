//! A workflow with the seeds of one run held fast, so that it gives the same again.

use crate::catalog::Catalog;
use crate::graph::{
    Naming, Node, NodeKey, Place, Prompt, PromptInput, Role, Scope, WidgetName, Workflow,
};
use crate::json::Value;

/// What was changed in a workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fixed {
    /// Controls that were set to `fixed`.
    pub controls: usize,
    /// Seeds that were put back to the number used.
    pub seeds: usize,
    /// Nodes whose seed could not be put back: by id, as the prompt has it.
    pub left: Vec<String>,
}

type Change = (NodeKey, Place, WidgetName, Value);

/// Sets the seeds to those that ran, and every control to `fixed`.
pub fn fix_seeds(workflow: &mut Workflow, prompt: Option<&Prompt>, catalog: &Catalog) -> Fixed {
    let controls = controls(workflow, catalog);
    let mut fixed = Fixed { controls: controls.len(), ..Fixed::default() };
    apply(workflow, controls);
    let Some(prompt) = prompt else { return fixed };
    let seeds = seeds(workflow, prompt, catalog);
    fixed.seeds = seeds.len();
    apply(workflow, seeds);
    fixed.left = differing(workflow, prompt, catalog);
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

/// Seeds of nodes outside of subgraphs that are not those of the prompt.
fn seeds(workflow: &Workflow, prompt: &Prompt, catalog: &Catalog) -> Vec<Change> {
    let mut changes = Vec::new();
    for node in workflow.root.nodes.values() {
        let Some(ran) = prompt.nodes.get(node.id()) else { continue };
        for widget in catalog.widgets(workflow, node) {
            let Some(name) = widget.name.as_str() else { continue };
            if widget.role == Role::Seed
                && let Some(PromptInput::Literal(used)) = ran.input(name)
                && !used.same(widget.value)
            {
                let change =
                    (key(&Scope::Root, node), widget.place, widget.name.clone(), used.clone());
                changes.push(change);
            }
        }
    }
    changes
}

/// Nodes that would still run with another seed.
fn differing(workflow: &Workflow, prompt: &Prompt, catalog: &Catalog) -> Vec<String> {
    let Ok(now) = workflow.to_prompt(catalog) else { return Vec::new() };
    let differs = |node: &crate::graph::PromptNode, ran: &crate::graph::PromptNode| {
        ran.inputs().any(|(name, input)| match (input, node.input(name)) {
            (PromptInput::Literal(used), Some(PromptInput::Literal(value))) => {
                name.ends_with("seed") && !used.same(value)
            }
            _ => false,
        })
    };
    let nodes = now
        .nodes
        .iter()
        .filter(|(id, node)| prompt.nodes.get(*id).is_some_and(|ran| differs(node, ran)));
    nodes.map(|(id, _)| id.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn seeds_go_back_to_what_ran_and_stay() {
        let text = r#"{"version":0.4,"nodes":[{"id":3,"type":"KSampler","inputs":[],"outputs":[],
            "widgets_values":[7,"randomize",20,8,"euler","normal",1]}],"links":[]}"#;
        let mut workflow = Workflow::from_value(parse_text(text).unwrap()).unwrap();
        let prompt =
            r#"{"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551615,"steps":20}}}"#;
        let prompt = Prompt::from_value(parse_text(prompt).unwrap()).unwrap();
        let fixed = fix_seeds(&mut workflow, Some(&prompt), &Catalog::core());
        assert_eq!(fixed, Fixed { controls: 1, seeds: 1, left: Vec::new() });
        let values = workflow.into_value();
        let values = values.get("nodes").and_then(|n| n.at(0)?.get("widgets_values")).unwrap();
        assert_eq!(values.at(0).unwrap().as_number().unwrap().as_str(), "18446744073709551615");
        assert_eq!(values.at(1).unwrap().as_str(), Some("fixed"));
    }
}
