//! Renames files in a prompt and in a workflow: in the widgets that name them,
//! in the instances of subgraphs and the primitive nodes that feed those, in prompts that
//! say `embedding:`, and in what nodes declare of their models.

use std::collections::BTreeMap;

use comfy_graph::catalog::{Catalog, FileEvidence, FileFolder, FileUse};
use comfy_graph::graph::{
    LinkEnd, Node, NodeKey, Prompt, PromptInput, WidgetLocation, WidgetName, WidgetNaming, Workflow,
};
use comfy_graph::json::{Object, Value};

/// How deep instances of subgraphs are followed to the widget behind an input.
const MAX_DEPTH: usize = 32;

/// Files that have another name here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileRenames {
    /// Models: folder type and old name, new name.
    pub models: BTreeMap<(String, String), String>,
    /// Files to read: old name without the mark of its folder, new name.
    pub inputs: BTreeMap<String, String>,
}

impl FileRenames {
    /// Whether everything keeps its name.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty() && self.inputs.is_empty()
    }

    fn new_name(&self, file: &FileUse) -> Option<&str> {
        let name = file.name.as_str();
        match &file.folder {
            FileFolder::Models(folder) => {
                self.models.get(&(folder.to_string(), name.to_owned())).map(String::as_str)
            }
            // The one that is so called, whatever its folder.
            FileFolder::Unknown => {
                let mut all = self.models.iter().filter(|((_, old), _)| old == name);
                all.next().map(|(_, new)| new.as_str())
            }
            FileFolder::Input(_) | FileFolder::Output | FileFolder::Temp => {
                self.inputs.get(name).map(String::as_str)
            }
        }
    }

    /// The value with its files renamed; none where nothing changes.
    fn renamed_value(&self, value: &Value, files: &[FileUse]) -> Option<Value> {
        let old = value.as_str()?;
        let mut text = old.to_owned();
        for file in files {
            let Some(new) = self.new_name(file) else { continue };
            text = match file.evidence {
                FileEvidence::Text => rename_embedding(&text, &file.name, new),
                // What follows the name tells the folder: `cat.png [output]`.
                _ => match text.strip_prefix(file.name.as_str()) {
                    Some(mark) => format!("{new}{mark}"),
                    None => text,
                },
            };
        }
        (text != old).then(|| Value::from(text))
    }

    /// Gives how many values changed.
    pub(crate) fn rename_in_prompt(&self, prompt: &mut Prompt, catalog: &Catalog) -> usize {
        let mut files: BTreeMap<(String, String), Vec<FileUse>> = BTreeMap::new();
        for (id, file) in catalog.prompt_files(prompt) {
            files.entry((id.to_string(), file.input.to_string())).or_default().push(file);
        }
        let mut changes = Vec::new();
        for (id, node) in &prompt.nodes {
            for (name, input) in node.inputs() {
                let PromptInput::Literal(value) = input else { continue };
                let Some(files) = files.get(&(id.to_string(), name.to_owned())) else { continue };
                if let Some(new) = self.renamed_value(value, files) {
                    changes.push((id.clone(), name.to_owned(), new));
                }
            }
        }
        let count = changes.len();
        for (id, name, new) in changes {
            let node = prompt.nodes.get_mut(&id);
            if let Some(inputs) = node.and_then(comfy_graph::graph::PromptNode::raw_inputs_mut) {
                inputs.insert(name, new);
            }
        }
        count
    }

    /// Gives how many values changed.
    pub(crate) fn rename_in_workflow(&self, workflow: &mut Workflow, catalog: &Catalog) -> usize {
        let mut changes: Vec<(NodeKey, WidgetLocation, WidgetName, Value)> = Vec::new();
        for (scope, graph) in workflow.graphs() {
            for node in graph.nodes.values() {
                for widget in catalog.widgets(workflow, node) {
                    if !widget.role.runs() {
                        continue;
                    }
                    let name = widget.name.to_string();
                    let (holder, input) = resolve_fed_widget(workflow, graph, node, &name);
                    let files = catalog.value_files(holder, &input, widget.value);
                    if let Some(new) = self.renamed_value(widget.value, &files) {
                        let key = NodeKey { scope: scope.clone(), id: node.id().clone() };
                        changes.push((key, widget.location, widget.name, new));
                    }
                }
            }
        }
        let count = changes.len();
        for (key, place, name, new) in changes {
            if let Some(node) = workflow.node_mut(&key) {
                node.set_widget_value(&place, &name, new);
            }
        }
        for (_, graph) in workflow.graphs_mut() {
            for node in graph.nodes.values_mut() {
                self.rename_declared_models(node);
            }
        }
        count
    }

    /// What a node declares of its models: ComfyUI asks to download what it does not find.
    fn rename_declared_models(&self, node: &mut Node) {
        let Some(models) = node.property("models").and_then(Value::as_array) else { return };
        let mut models = models.to_vec();
        let mut changed = false;
        for model in models.iter_mut().filter_map(Value::as_object_mut) {
            let text = |object: &Object, key: &str| {
                object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let key = (text(model, "directory"), text(model, "name"));
            if let Some(new) = self.models.get(&key) {
                model.insert("name", new.as_str());
                changed = true;
            }
        }
        if changed {
            node.set_property("models", Some(Value::Array(models)));
        }
    }
}

/// The node and input that a widget's value ends in: behind an instance the widget inside,
/// behind a primitive node the first widget it feeds, else its own.
fn resolve_fed_widget<'w>(
    workflow: &'w Workflow,
    graph: &'w comfy_graph::graph::Graph,
    node: &'w Node,
    widget: &str,
) -> (&'w Node, String) {
    let mut at = (node, widget.to_owned());
    if node.class() == "PrimitiveNode" {
        let mut links = node.outputs().flat_map(comfy_graph::graph::Slot::links);
        let fed = links.find_map(|link| match graph.links.get(&link)?.to() {
            LinkEnd::Node { id, slot } => {
                let target = graph.nodes.get(id)?;
                Some((target, target.input_at(*slot)?.widget()?.to_owned()))
            }
            _ => None,
        });
        at = fed.unwrap_or(at);
    }
    for _ in 0..MAX_DEPTH {
        let Some(definition) = workflow.definition_of(at.0) else { break };
        let mut promoted = definition.promoted_widgets().into_iter();
        match promoted.find(|promoted| promoted.input.name() == at.1) {
            Some(inner) => at = (inner.node, inner.widget.to_owned()),
            None => break,
        }
    }
    at
}

/// A text with one embedding under another name. It is named without its ending where it
/// was before.
fn rename_embedding(text: &str, old: &str, new: &str) -> String {
    let ended = [".safetensors", ".pt", ".bin"].iter().any(|end| old.ends_with(end));
    let stem = [".safetensors", ".pt", ".bin"].iter().find_map(|end| new.strip_suffix(end));
    let new = if ended { new } else { stem.unwrap_or(new) };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mark = format!("embedding:{old}");
    while let Some(at) = rest.find(&mark) {
        let (before, found) = rest.split_at(at);
        let after = &found[mark.len()..];
        let ends = after.chars().next().is_none_or(|c| c.is_whitespace() || ",():".contains(c));
        out.push_str(before);
        match ends {
            true => out.push_str(&format!("embedding:{new}")),
            false => out.push_str(&mark),
        }
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedding_is_renamed_where_it_is_meant() {
        let text = "fox, (embedding:bad:1.2), embedding:bad, embedding:badly, embedding:bad.pt";
        assert_eq!(
            rename_embedding(text, "bad", "neg/worse.safetensors"),
            "fox, (embedding:neg/worse:1.2), embedding:neg/worse, embedding:badly, embedding:bad.pt"
        );
        assert_eq!(rename_embedding("embedding:bad.pt", "bad.pt", "b.pt"), "embedding:b.pt");
    }
}
