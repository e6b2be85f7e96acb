//! Why ComfyUI refused a prompt: `error` and `node_errors` of its answer
//! (`validate_prompt` in ComfyUI's `execution.py`).

use std::fmt;

use comfy_graph::json::{Object, Value};

/// Nodes that are told of.
const MAX_NODES: usize = 50;
/// Complaints of one node.
const MAX_NODE_MESSAGES: usize = 10;
/// Characters of a text that are kept.
const MAX_TEXT_CHARS: usize = 400;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// What is wrong with the whole, in the server's words.
    pub message: String,
    /// What is wrong with single nodes.
    pub nodes: Vec<NodeError>,
}

/// What is wrong with a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NodeError {
    /// The node, as the prompt has it.
    pub id: String,
    pub class: String,
    /// The complaints, in the server's words.
    pub messages: Vec<String>,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.message.is_empty() { "it did not say why" } else { &self.message })
    }
}

/// The refusal in an answer.
pub(crate) fn parse_rejection(answer: &Value) -> Rejection {
    let error = answer.get("error");
    let message = match error {
        Some(Value::String(text)) => truncate_text(text),
        Some(error) => error_message(error),
        None => String::new(),
    };
    Rejection { message, nodes: parse_node_errors(answer) }
}

/// The complaints about single nodes in an answer.
pub(crate) fn parse_node_errors(answer: &Value) -> Vec<NodeError> {
    let nodes = answer.get("node_errors").and_then(Value::as_object);
    let nodes = nodes.into_iter().flat_map(Object::iter).take(MAX_NODES);
    let node = |(id, error): (&comfy_graph::json::JsonKey, &Value)| {
        let errors = error.get("errors").and_then(Value::as_array).unwrap_or_default();
        let class = error.get("class_type").and_then(Value::as_str).unwrap_or_default();
        NodeError {
            id: truncate_text(id),
            class: truncate_text(class),
            messages: errors.iter().take(MAX_NODE_MESSAGES).map(error_message).collect(),
        }
    };
    nodes.map(node).collect()
}

/// `Value not in list: ckpt_name: 'a.safetensors' not in [...]`.
fn error_message(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default().trim();
    let (message, details) = (text("message"), text("details"));
    match (message, details) {
        ("", details) => truncate_text(details),
        (message, "") => truncate_text(message),
        (message, details) => truncate_text(&format!("{message}: {details}")),
    }
}

fn truncate_text(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::json::parse_text;

    #[test]
    fn a_refusal_is_told_per_node() {
        let text = r#"{"error":{"type":"prompt_outputs_failed_validation","message":"Prompt outputs failed validation","details":"","extra_info":{}},
            "node_errors":{"4":{"errors":[{"type":"value_not_in_list","message":"Value not in list",
            "details":"ckpt_name: 'a.safetensors' not in []","extra_info":{}}],"dependent_outputs":["9"],"class_type":"CheckpointLoaderSimple"}}}"#;
        let found = parse_rejection(&parse_text(text).unwrap());
        assert_eq!(found.to_string(), "Prompt outputs failed validation");
        let [node] = &found.nodes[..] else { panic!("{found:?}") };
        assert_eq!((node.id.as_str(), node.class.as_str()), ("4", "CheckpointLoaderSimple"));
        assert_eq!(node.messages, ["Value not in list: ckpt_name: 'a.safetensors' not in []"]);
        let long = format!(r#"{{"error":"{}"}}"#, "é".repeat(5000));
        assert_eq!(
            parse_rejection(&parse_text(&long).unwrap()).message.chars().count(),
            MAX_TEXT_CHARS + 1
        );
        for odd in ["{}", "7", r#"{"error":7,"node_errors":[1]}"#, r#"{"node_errors":{"1":2}}"#] {
            parse_rejection(&parse_text(odd).unwrap());
        }
    }
}
