//! The API format: what the server runs.

use compact_str::ToCompactString;

use super::{FxIndexMap, NodeId, PromptMember, is_prompt, prompt_member};
use crate::json::{Object, Value};

/// A prompt: nodes by id, each with its class and inputs. No graph, no layout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Nodes in file order. Ids inside a subgraph join the ids of its instances with `:`.
    pub nodes: FxIndexMap<NodeId, PromptNode>,
    /// What people write beside the nodes: comments, names.
    pub rest: Object,
}

/// One node of a prompt. Owns its raw object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptNode {
    raw: Object,
}

/// What an input of a prompt holds.
#[derive(Debug, Clone, PartialEq)]
pub enum PromptInput<'a> {
    /// A value.
    Literal(&'a Value),
    /// An output of another node.
    Link {
        /// The other node.
        node: NodeId,
        /// The index of its output.
        slot: usize,
    },
}

/// The document is no API prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no ComfyUI API prompt: nodes with a class_type and inputs are needed")]
pub struct NotAPrompt;

impl Prompt {
    /// Reads a prompt. Nothing is dropped.
    ///
    /// # Errors
    /// A member is no node: it has no class or no inputs.
    pub fn from_value(document: Value) -> Result<Prompt, NotAPrompt> {
        match document {
            Value::Object(object) if is_prompt(&object) => {
                let mut prompt = Prompt::default();
                for (key, value) in object {
                    let is_node = prompt_member(&key, &value) == Some(PromptMember::Node);
                    match value {
                        Value::Object(raw) if is_node => {
                            let id = NodeId::from_text(key.as_str());
                            prompt.nodes.insert(id, PromptNode { raw });
                        }
                        value => {
                            prompt.rest.insert(key, value);
                        }
                    }
                }
                Ok(prompt)
            }
            _ => Err(NotAPrompt),
        }
    }

    /// The document again: nodes, then what is beside them. The clean form sorts both.
    pub fn into_value(self) -> Value {
        let members = self.nodes.into_iter();
        let members = members.map(|(id, node)| (id.to_compact_string(), node.into_value()));
        let members = members.chain(self.rest);
        // Ids that differ have texts that differ.
        Value::Object(Object::from_distinct(members.collect()))
    }
}

impl PromptNode {
    /// A node of a class, without inputs.
    pub(crate) fn new(class: &str) -> Self {
        let raw = [("class_type", Value::from(class)), ("inputs", Value::Object(Object::new()))];
        PromptNode { raw: raw.into_iter().collect() }
    }

    /// Takes a raw node of a prompt.
    pub(crate) fn from_object(raw: Object) -> Self {
        PromptNode { raw }
    }

    /// The raw node again.
    pub fn into_value(self) -> Value {
        Value::Object(self.raw)
    }

    /// The class.
    pub fn class(&self) -> &str {
        self.raw.get("class_type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The title in `_meta`, which the server does not read.
    pub fn title(&self) -> Option<&str> {
        self.raw.get("_meta")?.get("title")?.as_str()
    }

    /// The raw inputs, in file order.
    pub fn raw_inputs(&self) -> Option<&Object> {
        self.raw.get("inputs").and_then(Value::as_object)
    }

    /// The raw inputs, to change; nothing where there are none.
    pub fn raw_inputs_mut(&mut self) -> Option<&mut Object> {
        self.raw.get_mut("inputs").and_then(Value::as_object_mut)
    }

    /// The raw inputs, to change; made where there are none.
    pub fn raw_inputs_or_insert(&mut self) -> Option<&mut Object> {
        self.raw.get_or_insert_with("inputs", || Object::new().into()).as_object_mut()
    }

    /// The inputs, in file order.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, PromptInput<'_>)> {
        let inputs = self.raw_inputs().into_iter().flat_map(Object::iter);
        inputs.map(|(name, value)| (name.as_str(), PromptInput::parse(value)))
    }

    /// One of the inputs.
    pub fn input(&self, name: &str) -> Option<PromptInput<'_>> {
        self.raw_inputs()?.get(name).map(PromptInput::parse)
    }

    /// The object in the file.
    pub fn raw(&self) -> &Object {
        &self.raw
    }

    /// The object in the file, to change.
    pub fn raw_mut(&mut self) -> &mut Object {
        &mut self.raw
    }
}

impl<'a> PromptInput<'a> {
    /// Reads an input as the server does: a list of a text and a number is a link. What
    /// the frontend wrapped to be safe from that is unwrapped.
    pub fn parse(value: &'a Value) -> Self {
        match value {
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(node), Value::Number(slot)] => {
                    let whole = slot.as_f64();
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "the server truncates too; casts of floats saturate"
                    )]
                    PromptInput::Link { node: NodeId::from_text(node), slot: whole as usize }
                }
                _ => PromptInput::Literal(value),
            },
            Value::Object(wrapper) => {
                PromptInput::Literal(wrapper.get("__value__").unwrap_or(value))
            }
            _ => PromptInput::Literal(value),
        }
    }

    /// A link, as prompts spell it.
    pub fn link_value(node: &NodeId, slot: usize) -> Value {
        Value::Array(vec![Value::from(node.to_string()), Value::from(slot)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn a_prompt_reads_as_the_server_reads_it() {
        let text = r#"{"12:3":{"class_type":"A","inputs":{"x":["7",1],"y":[7,1],
            "z":{"__value__":["7",1]},"f":["7",0.0]},"is_changed":["a"]},
            "007":{"class_type":"B","inputs":{},"_meta":{"title":"T"}}}"#;
        let value = parse_text(text).unwrap();
        let prompt = Prompt::from_value(value.clone()).unwrap();
        let node = &prompt.nodes[&NodeId::from_text("12:3")];
        assert_eq!(node.input("x"), Some(PromptInput::Link { node: 7.into(), slot: 1 }));
        assert_eq!(node.input("f"), Some(PromptInput::Link { node: 7.into(), slot: 0 }));
        assert!(matches!(node.input("y"), Some(PromptInput::Literal(Value::Array(_)))));
        assert!(matches!(node.input("z"), Some(PromptInput::Literal(Value::Array(_)))));
        assert_eq!(prompt.nodes[&NodeId::from_text("007")].title(), Some("T"));
        assert_eq!(prompt.into_value(), value);
        assert!(Prompt::from_value(parse_text("{}").unwrap()).is_err());
    }
}
