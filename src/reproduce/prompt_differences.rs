//! Whether two prompts run the same, as far as the server cares: the executed prompt is
//! cast, and carries what the server added; titles and the order of members mean nothing.

use comfy_graph::graph::{NodeId, Prompt, PromptInput, PromptNode};
use comfy_graph::json::{Number, Value};

/// A node or input that would run differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptDifference {
    pub node: NodeId,
    /// Its input; none: the node itself.
    pub input: Option<String>,
}

/// Where `made` would run differently from `ran`. An input that only one of them has is no
/// difference: the server fills in what has a default, and a frontend leaves out what it
/// cannot name.
pub(crate) fn diff_prompts(made: &Prompt, ran: &Prompt) -> Vec<PromptDifference> {
    let mut found = Vec::new();
    // A frontend gives no class to a node whose pack is missing; such a prompt never ran.
    for (id, node) in ran.nodes.iter().filter(|(_, node)| !node.class().is_empty()) {
        let of = |input: Option<&str>| PromptDifference {
            node: id.clone(),
            input: input.map(str::to_owned),
        };
        match made.nodes.get(id).filter(|made| made.class() == node.class()) {
            Some(made) => {
                found.extend(differing_inputs(made, node).into_iter().map(|name| of(Some(name))))
            }
            None => found.push(of(None)),
        }
    }
    let only = made.nodes.keys().filter(|id| !ran.nodes.contains_key(*id));
    found.extend(only.map(|id| PromptDifference { node: id.clone(), input: None }));
    found
}

fn differing_inputs<'r>(made: &PromptNode, ran: &'r PromptNode) -> Vec<&'r str> {
    let differs = |name: &str, ran: &PromptInput<'_>| match (made.input(name), ran) {
        (Some(PromptInput::Literal(made)), PromptInput::Literal(ran)) => {
            !equal_after_cast(made, ran)
        }
        (Some(made), ran) => made != *ran,
        // A wire is never left out.
        (None, PromptInput::Link { .. }) => true,
        (None, PromptInput::Literal(_)) => false,
    };
    ran.inputs().filter(|(name, input)| differs(name, input)).map(|(name, _)| name).collect()
}

/// Whether two values are equal after the server has cast them: `"64"` and 64, `1` and 1.0.
fn equal_after_cast(made: &Value, ran: &Value) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    match (made, ran) {
        (Value::String(text), Value::Number(value))
        | (Value::Number(value), Value::String(text)) => {
            number(text) == Some(Number::as_f64(value))
        }
        _ => made.is_equivalent(ran),
    }
}
