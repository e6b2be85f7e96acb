//! Which input of which node a person means: `KSampler.cfg`, `#3.cfg`, `12:34.cfg`, `cfg`.

use comfy_graph::graph::{NodeId, Prompt, PromptInput, PromptNode, WidgetNaming, Workflow};
use comfy_graph::json::Value;

/// Names that a message lists.
const MAX_LISTED_NAMES: usize = 20;

/// An input that a name means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TargetInput {
    pub(crate) id: NodeId,
    /// Its title, or its class.
    pub(crate) title: String,
    pub(crate) input: String,
    /// What it holds.
    pub(crate) value: Value,
}

/// A widget of the canvas that no node of the prompt has: that of a subgraph's instance, or
/// of a primitive node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CanvasAlias {
    node: NodeId,
    /// What it is called there.
    title: String,
    widget: String,
    /// The inputs of the prompt that it feeds.
    feeds: Vec<(NodeId, String)>,
}

/// The widgets that stand for inputs of the prompt on the canvas.
pub(crate) fn canvas_aliases(workflow: &Workflow, naming: &dyn WidgetNaming) -> Vec<CanvasAlias> {
    let mut all: Vec<CanvasAlias> = Vec::new();
    let mut held: Vec<_> = workflow.value_holders(naming).unwrap_or_default().into_iter().collect();
    held.sort_by(|(one, _), (other, _)| one.cmp(other));
    for ((id, input), held) in held {
        let Some(node) = workflow.node(&held.node) else { continue };
        let stands_for = workflow.definition_of(node).is_some() || node.class() == "PrimitiveNode";
        let Some(widget) = held.name.as_str().filter(|_| stands_for) else { continue };
        let same = |alias: &&mut CanvasAlias| alias.node == held.node.id && alias.widget == widget;
        match all.iter_mut().find(same) {
            Some(alias) => alias.feeds.push((id, input.into())),
            None => all.push(CanvasAlias {
                node: held.node.id.clone(),
                title: workflow.display_name(node).to_owned(),
                widget: widget.to_owned(),
                feeds: vec![(id, input.into())],
            }),
        }
    }
    all
}

/// Why a name means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// No node or input is called so.
    #[error("nothing in the prompt is called {name}; there are {there}")]
    Unknown { name: String, there: String },
    /// The node has no such input.
    #[error("{node} has no input {input}; it has {there}")]
    NoInput {
        node: String,
        /// What was asked for.
        input: String,
        there: String,
    },
    /// Several are called so.
    #[error("{name} may be: {candidates}")]
    Several {
        name: String,
        /// What it may mean.
        candidates: String,
    },
    /// It holds no value: another node feeds it.
    #[error("{input} of {node} is fed by {source_node}: set what that holds")]
    Wired {
        node: String,
        input: String,
        /// The node that feeds it.
        source_node: String,
    },
}

/// The inputs that a name means: one, or all that a widget of the canvas feeds.
pub(crate) fn find_targets(
    prompt: &Prompt,
    aliases: &[CanvasAlias],
    name: &str,
) -> Result<Vec<TargetInput>, TargetError> {
    match find_single_input(prompt, name) {
        Err(error @ TargetError::Unknown { .. }) => match find_by_alias(prompt, aliases, name)? {
            Some(found) => Ok(found),
            None => Err(error),
        },
        found => found.map(|target| vec![target]),
    }
}

/// The inputs that a widget of the canvas feeds.
fn find_by_alias(
    prompt: &Prompt,
    aliases: &[CanvasAlias],
    name: &str,
) -> Result<Option<Vec<TargetInput>>, TargetError> {
    let fits = |alias: &&CanvasAlias| {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let splits = name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
        splits.into_iter().any(|(of, widget)| {
            let plain = of.strip_prefix('#').unwrap_or(of);
            let called = same(&alias.title, of) || alias.node.to_string() == plain;
            called && same(&alias.widget, widget)
        })
    };
    let found: Vec<&CanvasAlias> = aliases.iter().filter(fits).collect();
    let [alias] = &found[..] else {
        if found.is_empty() {
            return Ok(None);
        }
        let candidate =
            found.iter().map(|alias| format!("#{}.{} ({})", alias.node, alias.widget, alias.title));
        let candidates = join_names(candidate, found.len());
        return Err(TargetError::Several { name: name.to_owned(), candidates });
    };
    let mut targets = Vec::new();
    for (id, input) in &alias.feeds {
        if let Some(node) = prompt.nodes.get(id) {
            targets.push(input_as_target(prompt, id, node, input)?);
        }
    }
    Ok((!targets.is_empty()).then_some(targets))
}

/// The one input of the prompt that a name means.
fn find_single_input(prompt: &Prompt, name: &str) -> Result<TargetInput, TargetError> {
    let mut found = matching_inputs(prompt, name, &|one, other| one == other);
    if found.is_empty() {
        found = matching_inputs(prompt, name, &|one, other| one.eq_ignore_ascii_case(other));
    }
    match found.len() {
        0 => Err(unknown_name_error(prompt, name)),
        1 => {
            let (id, node, input) = found.remove(0);
            input_as_target(prompt, id, node, input)
        }
        _ => choose_literal_input(prompt, name, &found),
    }
}

/// Of several inputs the one that holds a value: the others are fed by nodes.
fn choose_literal_input(
    prompt: &Prompt,
    name: &str,
    found: &[(&NodeId, &PromptNode, &str)],
) -> Result<TargetInput, TargetError> {
    let mut values = found
        .iter()
        .filter(|(_, node, input)| matches!(node.input(input), Some(PromptInput::Literal(_))));
    if let (Some((id, node, input)), None) = (values.next(), values.next()) {
        return input_as_target(prompt, id, node, input);
    }
    let titled =
        found.iter().map(|(id, node, input)| format!("#{id}.{input} ({})", node_title(node)));
    let candidates = join_names(titled, found.len());
    Err(TargetError::Several { name: name.to_owned(), candidates })
}

type NameEquality<'s> = &'s dyn Fn(&str, &str) -> bool;

/// All inputs that a name may mean. Names of nodes and of inputs may both hold dots.
fn matching_inputs<'p>(
    prompt: &'p Prompt,
    name: &str,
    same: NameEquality<'_>,
) -> Vec<(&'p NodeId, &'p PromptNode, &'p str)> {
    let splits: Vec<(Option<&str>, &str)> = std::iter::once((None, name))
        .chain(name.match_indices('.').map(|(at, _)| (Some(&name[..at]), &name[at + 1..])))
        .collect();
    let mut found = Vec::new();
    for (id, node) in &prompt.nodes {
        for (input, _) in node.inputs() {
            let fits = |(of, wanted): &(Option<&str>, &str)| {
                same(input, wanted) && of.is_none_or(|of| is_node_called(id, node, of, same))
            };
            if splits.iter().any(fits) {
                found.push((id, node, input));
            }
        }
    }
    found
}

fn is_node_called(id: &NodeId, node: &PromptNode, name: &str, same: NameEquality<'_>) -> bool {
    let plain = name.strip_prefix('#').unwrap_or(name);
    id.to_string() == plain
        || same(node.class(), name)
        || node.title().is_some_and(|title| same(title, name))
}

fn input_as_target(
    prompt: &Prompt,
    id: &NodeId,
    node: &PromptNode,
    input: &str,
) -> Result<TargetInput, TargetError> {
    let shown = || format!("{} #{id}", node_title(node));
    match node.input(input) {
        Some(PromptInput::Literal(value)) => Ok(TargetInput {
            id: id.clone(),
            title: node_title(node).to_owned(),
            input: input.to_owned(),
            value: value.clone(),
        }),
        Some(PromptInput::Link { node: source, .. }) => {
            let title = prompt.nodes.get(&source).map_or("node", node_title);
            let source_node = format!("{title} #{source}");
            Err(TargetError::Wired { node: shown(), input: input.to_owned(), source_node })
        }
        None => Err(no_input_error(node, shown(), input)),
    }
}

fn unknown_name_error(prompt: &Prompt, name: &str) -> TargetError {
    // The longest beginning that names a node: its inputs are what can be said.
    for (at, _) in name.rmatch_indices('.') {
        let (of, input) = (&name[..at], &name[at + 1..]);
        let called = |(id, node): &(&NodeId, &PromptNode)| {
            is_node_called(id, node, of, &|one, other| one.eq_ignore_ascii_case(other))
        };
        if let Some((id, node)) = prompt.nodes.iter().find(called) {
            return no_input_error(node, format!("{} #{id}", node_title(node)), input);
        }
    }
    let nodes = prompt.nodes.iter().map(|(id, node)| format!("{} #{id}", node_title(node)));
    TargetError::Unknown { name: name.to_owned(), there: join_names(nodes, prompt.nodes.len()) }
}

fn no_input_error(node: &PromptNode, shown: String, input: &str) -> TargetError {
    let values = node.inputs().filter(|(_, input)| matches!(input, PromptInput::Literal(_)));
    let names: Vec<String> = values.map(|(name, _)| name.to_owned()).collect();
    let count = names.len();
    let there =
        if count == 0 { "none to set".to_owned() } else { join_names(names.into_iter(), count) };
    TargetError::NoInput { node: shown, input: input.to_owned(), there }
}

fn node_title(node: &PromptNode) -> &str {
    node.title().filter(|title| !title.is_empty()).unwrap_or(node.class())
}

fn join_names(names: impl Iterator<Item = String>, count: usize) -> String {
    let shown: Vec<String> = names.take(MAX_LISTED_NAMES).collect();
    let more = if count > MAX_LISTED_NAMES {
        format!(" and {} more", count - MAX_LISTED_NAMES)
    } else {
        String::new()
    };
    format!("{}{more}", shown.join(", "))
}
