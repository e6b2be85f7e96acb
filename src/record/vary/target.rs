//! Which input of which node a person means: `KSampler.cfg`, `#3.cfg`, `12:34.cfg`, `cfg`.

use crate::graph::{NodeId, Prompt, PromptInput, PromptNode};
use crate::json::Value;

/// Names that a message lists.
const MOST: usize = 20;

/// An input that a name may mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The node.
    pub id: NodeId,
    /// Its title, or its class.
    pub title: String,
    /// The input.
    pub input: String,
    /// What it holds.
    pub value: Value,
}

/// Why a name means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// No node or input is called so.
    #[error("nothing in the prompt is called {name}; there are {there}")]
    Unknown {
        /// The name.
        name: String,
        /// What there is.
        there: String,
    },
    /// The node has no such input.
    #[error("{node} has no input {input}; it has {there}")]
    NoInput {
        /// The node.
        node: String,
        /// What was asked for.
        input: String,
        /// What there is.
        there: String,
    },
    /// Several are called so.
    #[error("{name} may be: {candidates}")]
    Several {
        /// The name.
        name: String,
        /// What it may mean.
        candidates: String,
    },
    /// It holds no value: another node feeds it.
    #[error("{input} of {node} is fed by {source_node}: set what that holds")]
    Wired {
        /// The node.
        node: String,
        /// The input.
        input: String,
        /// The node that feeds it.
        source_node: String,
    },
}

/// The one input that a name means.
pub(super) fn find(prompt: &Prompt, name: &str) -> Result<Candidate, NoTarget> {
    let mut found = named(prompt, name, &|one, other| one == other);
    if found.is_empty() {
        found = named(prompt, name, &|one, other| one.eq_ignore_ascii_case(other));
    }
    match found.len() {
        0 => Err(unknown(prompt, name)),
        1 => {
            let (id, node, input) = found.remove(0);
            of(prompt, id, node, input)
        }
        _ => {
            let literal = |(_, node, input): &&(&NodeId, &PromptNode, &str)| {
                matches!(node.input(input), Some(PromptInput::Literal(_)))
            };
            let values: Vec<_> = found.iter().filter(literal).copied().collect();
            match &values[..] {
                // The others are fed by nodes.
                [(id, node, input)] => of(prompt, id, node, input),
                _ => {
                    let told = |(id, node, input): &(&NodeId, &PromptNode, &str)| {
                        format!("#{id}.{input} ({})", title(node))
                    };
                    let candidates = list(found.iter().map(told), found.len());
                    Err(NoTarget::Several { name: name.to_owned(), candidates })
                }
            }
        }
    }
}

type Same<'s> = &'s dyn Fn(&str, &str) -> bool;

/// All inputs that a name may mean. Names of nodes and of inputs may both hold dots.
fn named<'p>(
    prompt: &'p Prompt,
    name: &str,
    same: Same<'_>,
) -> Vec<(&'p NodeId, &'p PromptNode, &'p str)> {
    let splits: Vec<(Option<&str>, &str)> = std::iter::once((None, name))
        .chain(name.match_indices('.').map(|(at, _)| (Some(&name[..at]), &name[at + 1..])))
        .collect();
    let mut found = Vec::new();
    for (id, node) in &prompt.nodes {
        for (input, _) in node.inputs() {
            let fits = |(of, wanted): &(Option<&str>, &str)| {
                same(input, wanted) && of.is_none_or(|of| is_called(id, node, of, same))
            };
            if splits.iter().any(fits) {
                found.push((id, node, input));
            }
        }
    }
    found
}

fn is_called(id: &NodeId, node: &PromptNode, name: &str, same: Same<'_>) -> bool {
    let plain = name.strip_prefix('#').unwrap_or(name);
    id.to_string() == plain
        || same(node.class(), name)
        || node.title().is_some_and(|title| same(title, name))
}

fn of(prompt: &Prompt, id: &NodeId, node: &PromptNode, input: &str) -> Result<Candidate, NoTarget> {
    let shown = || format!("{} #{id}", title(node));
    match node.input(input) {
        Some(PromptInput::Literal(value)) => Ok(Candidate {
            id: id.clone(),
            title: title(node).to_owned(),
            input: input.to_owned(),
            value: value.clone(),
        }),
        Some(PromptInput::From { node: source, .. }) => {
            let title = prompt.nodes.get(&source).map_or("node", title);
            let source_node = format!("{title} #{source}");
            Err(NoTarget::Wired { node: shown(), input: input.to_owned(), source_node })
        }
        None => Err(no_input(node, shown(), input)),
    }
}

fn unknown(prompt: &Prompt, name: &str) -> NoTarget {
    // The longest beginning that names a node: its inputs are what can be said.
    for (at, _) in name.rmatch_indices('.') {
        let (of, input) = (&name[..at], &name[at + 1..]);
        let called = |(id, node): &(&NodeId, &PromptNode)| {
            is_called(id, node, of, &|one, other| one.eq_ignore_ascii_case(other))
        };
        if let Some((id, node)) = prompt.nodes.iter().find(called) {
            return no_input(node, format!("{} #{id}", title(node)), input);
        }
    }
    let nodes = prompt.nodes.iter().map(|(id, node)| format!("{} #{id}", title(node)));
    NoTarget::Unknown { name: name.to_owned(), there: list(nodes, prompt.nodes.len()) }
}

fn no_input(node: &PromptNode, shown: String, input: &str) -> NoTarget {
    let values = node.inputs().filter(|(_, input)| matches!(input, PromptInput::Literal(_)));
    let names: Vec<String> = values.map(|(name, _)| name.to_owned()).collect();
    let count = names.len();
    let there = if count == 0 { "none to set".to_owned() } else { list(names.into_iter(), count) };
    NoTarget::NoInput { node: shown, input: input.to_owned(), there }
}

fn title(node: &PromptNode) -> &str {
    node.title().filter(|title| !title.is_empty()).unwrap_or(node.class())
}

fn list(names: impl Iterator<Item = String>, count: usize) -> String {
    let shown: Vec<String> = names.take(MOST).collect();
    let more = if count > MOST { format!(" and {} more", count - MOST) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
