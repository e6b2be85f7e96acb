//! A prompt as a workflow, so that it can be drawn: every literal input is a widget, every
//! link a wire. Must not know how it is drawn.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{NodeId, Prompt, PromptInput};
use comfy_graph::json::{self, Object, Value};

/// Makes a workflow of a prompt: the same ids and classes, outputs by what is plugged into
/// them and by what the class says.
pub fn prompt_to_workflow(prompt: &Prompt, catalog: &Catalog) -> Value {
    let mut links: Vec<Value> = Vec::new();
    let mut nodes: Vec<Object> = Vec::new();
    let mut slots_used: Vec<(NodeId, usize)> = Vec::new();
    for (id, node) in &prompt.nodes {
        let class = catalog.class(node.class());
        let mut inputs: Vec<Value> = Vec::new();
        let mut widgets = Object::new();
        for (name, input) in node.inputs() {
            match input {
                PromptInput::Literal(value) => {
                    widgets.insert(name, value.clone());
                }
                PromptInput::Link { node: from, slot } => {
                    let spec = class.and_then(|class| class.input(name));
                    let kind = spec.map_or("*", |spec| &spec.kind);
                    let link = links.len() + 1;
                    let row = [
                        Value::from(link),
                        from.to_value(),
                        Value::from(slot),
                        id.to_value(),
                        Value::from(inputs.len()),
                        Value::from(kind),
                    ];
                    links.push(Value::Array(row.to_vec()));
                    slots_used.push((from, slot));
                    let mut socket = Object::new();
                    socket.append("name", name);
                    socket.append("type", kind);
                    socket.append("link", link);
                    inputs.push(Value::Object(socket));
                }
            }
        }
        let mut drawn = Object::new();
        drawn.append("id", id.to_value());
        drawn.append("type", node.class());
        if let Some(title) = node.title() {
            drawn.append("title", title);
        }
        drawn.append("inputs", inputs);
        drawn.append("widgets_values", widgets);
        nodes.push(drawn);
    }
    for (node, id) in nodes.iter_mut().zip(prompt.nodes.keys()) {
        let class = node.get("type").and_then(Value::as_str).unwrap_or_default();
        let declared = catalog.class(class).map(|class| class.outputs.as_slice());
        let declared = declared.unwrap_or_default();
        let used = slots_used.iter().filter(|(from, _)| from == id).map(|(_, slot)| slot + 1);
        // A link to output four billion makes no list of so many.
        let count = used.filter(|count| *count <= 256).max().unwrap_or(0).max(declared.len());
        let output = |at: usize| {
            let mut slot = Object::new();
            let known = declared.get(at);
            slot.append(
                "name",
                known.map_or_else(|| format!("output {}", at + 1), |o| o.name.to_string()),
            );
            slot.append("type", known.map_or("*", |output| &output.kind));
            Value::Object(slot)
        };
        let outputs: Vec<Value> = (0..count).map(output).collect();
        node.append("outputs", outputs);
    }
    let mut root = Object::new();
    root.append("nodes", nodes.into_iter().map(Value::Object).collect::<Vec<_>>());
    root.append("links", links);
    root.append("version", json::parse_text("0.4").unwrap_or_default());
    Value::Object(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::graph::{Wires, Workflow};
    use comfy_graph::json::parse_text;

    #[test]
    fn a_prompt_becomes_nodes_widgets_and_wires() {
        let text = r#"{"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}},
            "3":{"class_type":"KSampler","inputs":{"cfg":7,"model":["4",0],"x":["9",4000000000]},
                "_meta":{"title":"Sample"}},
            "12:5":{"class_type":"Own","inputs":{"a":["3",2]}}}"#;
        let prompt = Prompt::from_value(parse_text(text).unwrap()).unwrap();
        let value = prompt_to_workflow(&prompt, &Catalog::core());
        let workflow = Workflow::from_value(value).unwrap();
        assert_eq!(workflow.root.nodes.len(), 3);
        assert_eq!(Wires::from_graph(&workflow.root).iter().count(), 2);
        let sampler = &workflow.root.nodes[&NodeId::from(3)];
        assert_eq!((sampler.display_name(), sampler.outputs().count()), ("Sample", 3));
    }
}
