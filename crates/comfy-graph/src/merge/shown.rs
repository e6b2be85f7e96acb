//! What each side of a conflict has, for a person: wires by the node they come from, values
//! as the file spells them.
//!
//! A value is a stranger's text; whoever shows it makes it safe. Must not know where it is
//! shown.

use super::conflict::{Part, Place};
use super::three::Side;
use super::wires::value_source;
use crate::graph::{Scope, Source, Workflow};
use crate::json::{Style, Value, print};

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Fixed wording.
    Words(&'static str),
    /// Text from the file: not to be trusted, and shown as a quotation.
    Value(String),
}

/// What may be looked up on the way.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) scope: &'a Scope,
    pub(super) workflow: Option<&'a Workflow>,
}

impl Shown<'_> {
    /// What a side has in a place.
    pub(super) fn side(self, part: &Part, side: Side) -> Vec<Said> {
        self.value(&part.place, part.sides.get(side).as_ref())
    }

    /// A value of a place.
    pub(super) fn value(self, place: &Place, value: Option<&Value>) -> Vec<Said> {
        let Some(value) = value else { return vec![Said::Words("not there")] };
        match place {
            Place::Node | Place::Definition(_) => vec![Said::Words("there")],
            Place::Group(_, _, path) if path.0.is_empty() => vec![Said::Words("there")],
            // In a prompt a value may stand where a wire could.
            Place::Input(_) | Place::Boundary(_) => match value_source(value) {
                Some(source) => self.source(&source),
                None if value.is_null() => vec![Said::Words("not connected")],
                None => vec![plain(value)],
            },
            _ => vec![plain(value)],
        }
    }

    fn source(self, source: &Source) -> Vec<Said> {
        match source {
            Source::Boundary(name) => {
                vec![Said::Words("the subgraph's input "), Said::Value(name.to_string())]
            }
            Source::Node { id, slot } => {
                let workflow = self.workflow;
                let node = workflow
                    .and_then(|workflow| Some((workflow, workflow.graph(self.scope)?)))
                    .and_then(|(workflow, graph)| Some((workflow, graph.nodes.get(id)?)));
                let shown = node.map_or("node", |(workflow, node)| workflow.shown(node));
                let output = node.and_then(|(_, node)| node.output_at(*slot));
                let output = output.map_or_else(|| slot.to_string(), |o| o.shown().to_owned());
                vec![
                    Said::Value(format!("{shown} #{id}")),
                    Said::Words(" output "),
                    Said::Value(output),
                ]
            }
        }
    }
}

fn plain(value: &Value) -> Said {
    match value {
        Value::String(text) => Said::Value(text.to_string()),
        other => Said::Value(print(other, &Style::SAVE)),
    }
}
