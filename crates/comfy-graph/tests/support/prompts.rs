//! How one prompt differs from another.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, PromptInput};

/// Every input that differs, as text.
pub(crate) fn differences(ours: &Prompt, theirs: &Prompt) -> Vec<String> {
    let mut found = Vec::new();
    for (id, node) in &theirs.nodes {
        // A class that was not installed there.
        if node.class().is_empty() {
            continue;
        }
        let Some(own) = ours.nodes.get(id) else {
            found.push(format!("{id} {} is missing", node.class()));
            continue;
        };
        if own.title() != node.title() && Catalog::core().class(node.class()).is_some() {
            found.push(format!("{id} is called {:?} instead of {:?}", own.title(), node.title()));
        }
        if own.class() != node.class() {
            found.push(format!("{id} is {} instead of {}", own.class(), node.class()));
        }
        for (input, value) in node.inputs() {
            match own.input(input) {
                None => found.push(format!("{id} {}.{input} is missing", node.class())),
                Some(own) if !same(&own, &value) => {
                    found.push(format!(
                        "{id} {}.{input}: {own:?} instead of {value:?}",
                        node.class()
                    ));
                }
                Some(_) => {}
            }
        }
        for (input, value) in own.inputs().filter(|(input, _)| node.input(input).is_none()) {
            found.push(format!("{id} {}.{input} is too much: {value:?}", node.class()));
        }
    }
    for (id, node) in ours.nodes.iter().filter(|(id, _)| !theirs.nodes.contains_key(*id)) {
        found.push(format!("{id} {} is too much", node.class()));
    }
    found
}

fn same(a: &PromptInput<'_>, b: &PromptInput<'_>) -> bool {
    match (a, b) {
        (PromptInput::Literal(a), PromptInput::Literal(b)) => a.is_equivalent(b),
        (a, b) => a == b,
    }
}
