//! What makes two prompts, or two workflows, the same.

use std::collections::BTreeSet;

use comfy_graph::catalog::{Catalog, ControlSpec, NodeClass};
use comfy_graph::graph::{NodeId, Prompt, PromptInput, PromptNode, Workflow};
use comfy_graph::json::{Number, Value};
use rustc_hash::FxHashSet;
use sha2::{Digest, Sha256};

use crate::platform::hex::to_hex;

/// The identity of an executed prompt: `sha256:` over its nodes in the order of their ids,
/// members by name, numbers by value. The server's `is_changed` and titles are left out,
/// so that a prompt is the same in a file and in the history.
pub fn prompt_content_id(prompt: &Prompt) -> String {
    digest_prompt(prompt, &|_, _| false)
}

/// The identity of what would run, without the seeds that the frontend rolls: the same
/// for a workflow before and after a run, saved and exported.
pub fn workflow_graph_id(workflow: &Workflow, catalog: &Catalog) -> Option<String> {
    let prompt = workflow.to_prompt(catalog).ok()?;
    (!prompt.nodes.is_empty()).then(|| prompt_graph_id(&prompt, catalog))
}

/// The same for a workflow in API format.
pub fn prompt_graph_id(prompt: &Prompt, catalog: &Catalog) -> String {
    digest_prompt(prompt, &|class, input| is_rolled_input(catalog.class(class), input))
}

/// Whether the frontend may change an input after each run.
pub(crate) fn is_rolled_input(class: Option<&NodeClass>, input: &str) -> bool {
    let named = matches!(input, "seed" | "noise_seed");
    match class.and_then(|class| class.input(input)) {
        Some(spec) => match spec.control {
            ControlSpec::Unsaid => named,
            ControlSpec::No => false,
            _ => true,
        },
        None => named,
    }
}

/// All nodes that these draw on, themselves included.
pub fn upstream_nodes(
    prompt: &Prompt,
    from: impl IntoIterator<Item = NodeId>,
) -> FxHashSet<NodeId> {
    let mut reached = FxHashSet::default();
    let mut open: Vec<NodeId> = from.into_iter().collect();
    while let Some(id) = open.pop() {
        let Some(node) = prompt.nodes.get(&id) else { continue };
        if reached.insert(id) {
            open.extend(node.inputs().filter_map(|(_, input)| match input {
                PromptInput::Link { node, .. } => Some(node),
                PromptInput::Literal(_) => None,
            }));
        }
    }
    reached
}

/// The nodes for whose sake the server runs a prompt: output nodes of known classes, and
/// of other classes those that nothing draws on. Where there is neither, all ends.
pub(crate) fn find_output_nodes(prompt: &Prompt, catalog: &Catalog) -> BTreeSet<NodeId> {
    let mut used = FxHashSet::default();
    for node in prompt.nodes.values() {
        for (_, input) in node.inputs() {
            if let PromptInput::Link { node, .. } = input {
                used.insert(node);
            }
        }
    }
    let is_output = |id: &NodeId, node: &PromptNode| match catalog.class(node.class()) {
        Some(class) => class.is_output,
        None => !used.contains(id),
    };
    let pick = |test: &dyn Fn(&NodeId, &PromptNode) -> bool| -> BTreeSet<NodeId> {
        let nodes = prompt.nodes.iter().filter(|(id, node)| test(id, node));
        nodes.map(|(id, _)| id.clone()).collect()
    };
    let outputs = pick(&is_output);
    if outputs.is_empty() { pick(&|id, _| !used.contains(id)) } else { outputs }
}

fn digest_prompt(prompt: &Prompt, leave_out: &dyn Fn(&str, &str) -> bool) -> String {
    let mut hasher = Sha256::new();
    let mut nodes: Vec<_> = prompt.nodes.iter().collect();
    nodes.sort_by_key(|(id, _)| *id);
    for (id, node) in nodes {
        hash_text(&mut hasher, b'n', &id.to_string());
        hash_text(&mut hasher, b'c', node.class());
        let mut inputs: Vec<_> =
            node.raw_inputs().into_iter().flat_map(|inputs| inputs.iter()).collect();
        inputs.sort_by_key(|(name, _)| name.as_str());
        for (name, raw) in inputs {
            if leave_out(node.class(), name) {
                continue;
            }
            hash_text(&mut hasher, b'i', name);
            match PromptInput::parse(raw) {
                PromptInput::Link { node, slot } => {
                    hash_text(&mut hasher, b'f', &format!("{node} {slot}"));
                }
                PromptInput::Literal(literal) => hash_value(&mut hasher, literal),
            }
        }
    }
    format!("sha256:{}", to_hex(&hasher.finalize()))
}

/// The identity of any text: of what a file carries that has no prompt.
pub(crate) fn value_content_id(document: &Value) -> String {
    let mut hasher = Sha256::new();
    hash_value(&mut hasher, document);
    format!("sha256:{}", to_hex(&hasher.finalize()))
}

fn hash_text(hasher: &mut Sha256, kind: u8, text: &str) {
    hasher.update([kind]);
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

fn hash_value(hasher: &mut Sha256, document: &Value) {
    match document {
        Value::Null => hasher.update(b"0"),
        Value::Bool(true) => hasher.update(b"t"),
        Value::Bool(false) => hasher.update(b"u"),
        Value::Number(number) => self::hash_text(hasher, b'#', &normalize_number(number)),
        Value::String(string) => self::hash_text(hasher, b's', string),
        Value::Array(elements) => {
            hasher.update(b"[");
            elements.iter().for_each(|element| hash_value(hasher, element));
            hasher.update(b"]");
        }
        Value::Object(object) => {
            hasher.update(b"{");
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            for (key, member) in members {
                self::hash_text(hasher, b'k', key);
                hash_value(hasher, member);
            }
            hasher.update(b"}");
        }
    }
}

/// A number by its value: `1`, `1.0` and `1e0` are one.
fn normalize_number(number: &Number) -> String {
    if let Some(whole) = number.as_i64() {
        return whole.to_string();
    }
    if let Some(whole) = number.as_u64() {
        return whole.to_string();
    }
    let float = number.as_f64();
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
    if float.fract() == 0.0 && float.abs() < 9e15 {
        return (float as i64).to_string();
    }
    float.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::json::{parse_lenient, parse_text};

    fn prompt(text: &str) -> Prompt {
        Prompt::from_value(parse_lenient(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn spelling_and_what_the_server_adds_make_no_difference() {
        let posted = prompt(
            r#"{"3":{"class_type":"KSampler","inputs":{"cfg":8,"seed":18446744073709551615,"model":["4",0]}},
                "4":{"class_type":"L","inputs":{}}}"#,
        );
        let embedded = prompt(
            r#"{"4":{"inputs":{},"class_type":"L","is_changed":[NaN]},
                "3":{"inputs":{"model":["4",0.0],"seed":18446744073709551615,"cfg":8.0},
                "class_type":"KSampler","_meta":{"title":"x"}}}"#,
        );
        assert_eq!(prompt_content_id(&posted), prompt_content_id(&embedded));
        let other = prompt(
            r#"{"3":{"class_type":"KSampler","inputs":{"cfg":8,"seed":18446744073709551614,"model":["4",0]}},
                "4":{"class_type":"L","inputs":{}}}"#,
        );
        assert_ne!(prompt_content_id(&posted), prompt_content_id(&other));
        let catalog = Catalog::core();
        assert_eq!(prompt_graph_id(&posted, &catalog), prompt_graph_id(&other, &catalog));
    }

    #[test]
    fn only_what_feeds_an_output_ran() {
        let prompt = prompt(
            r#"{"1":{"class_type":"EmptyImage","inputs":{}},"2":{"class_type":"SaveImage","inputs":{"images":["1",0]}},
                "3":{"class_type":"EmptyImage","inputs":{}},"4":{"class_type":"Unknown","inputs":{"x":["3",0]}},
                "5":{"class_type":"EmptyImage","inputs":{}}}"#,
        );
        let ends = find_output_nodes(&prompt, &Catalog::core());
        assert_eq!(ends.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2", "4"]);
        assert_eq!(upstream_nodes(&prompt, [2.into()]).len(), 2);
        assert!(!upstream_nodes(&prompt, ends).contains(&5.into()));
    }

    #[test]
    fn a_saved_workflow_is_known_again_after_its_seed_was_rolled() {
        let workflow = |seed: u32, cfg: u32| {
            let text = format!(
                r#"{{"version":0.4,"nodes":[{{"id":3,"type":"KSampler","inputs":[],"outputs":[],
                "widgets_values":[{seed},"randomize",20,{cfg},"euler","normal",1]}}],"links":[]}}"#
            );
            let workflow = Workflow::from_value(parse_text(&text).unwrap()).unwrap();
            workflow_graph_id(&workflow, &Catalog::core()).unwrap()
        };
        assert_eq!(workflow(1, 8), workflow(2, 8));
        assert_ne!(workflow(1, 8), workflow(1, 7));
    }
}
