//! What each side of a conflict has, for a person: wires by the node they come from, values
//! as the file spells them.
//!
//! A value is a stranger's text; whoever shows it makes it safe. Must not know where it is
//! shown.

use super::conflict::{ConflictPart, MergePlace};
use super::three_way::MergeSide;
use super::wires::source_from_value;
use crate::graph::{GraphScope, WireSource, Workflow};
use crate::json::{JsonStyle, Value, print};

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DescriptionPiece {
    /// Fixed wording.
    Words(&'static str),
    /// Text from the file: not to be trusted, and shown as a quotation.
    Quoted(String),
}

/// What may be looked up on the way.
#[derive(Clone, Copy)]
pub(super) struct SideDescriber<'a> {
    pub(super) scope: &'a GraphScope,
    pub(super) workflow: Option<&'a Workflow>,
}

impl SideDescriber<'_> {
    /// What a side has in a place.
    pub(super) fn describe_side(
        self,
        part: &ConflictPart,
        side: MergeSide,
    ) -> Vec<DescriptionPiece> {
        self.describe_value(&part.place, part.sides.get(side).as_ref())
    }

    /// A value of a place.
    pub(super) fn describe_value(
        self,
        place: &MergePlace,
        value: Option<&Value>,
    ) -> Vec<DescriptionPiece> {
        let Some(value) = value else { return vec![DescriptionPiece::Words("not there")] };
        match place {
            MergePlace::Node | MergePlace::Definition(_) => vec![DescriptionPiece::Words("there")],
            MergePlace::Group { path, .. } if path.0.is_empty() => {
                vec![DescriptionPiece::Words("there")]
            }
            // In a prompt a value may stand where a wire could.
            MergePlace::Input(_) | MergePlace::Boundary(_) => match source_from_value(value) {
                Some(source) => self.describe_source(&source),
                None if value.is_null() => vec![DescriptionPiece::Words("not connected")],
                None => vec![quote_value(value)],
            },
            _ => vec![quote_value(value)],
        }
    }

    fn describe_source(self, source: &WireSource) -> Vec<DescriptionPiece> {
        match source {
            WireSource::Boundary(name) => {
                vec![
                    DescriptionPiece::Words("the subgraph's input "),
                    DescriptionPiece::Quoted(name.to_string()),
                ]
            }
            WireSource::Node { id, slot } => {
                let workflow = self.workflow;
                let node = workflow
                    .and_then(|workflow| Some((workflow, workflow.graph(self.scope)?)))
                    .and_then(|(workflow, graph)| Some((workflow, graph.nodes.get(id)?)));
                let shown = node.map_or("node", |(workflow, node)| workflow.display_name(node));
                let output = node.and_then(|(_, node)| node.output_at(*slot));
                let output =
                    output.map_or_else(|| slot.to_string(), |o| o.display_name().to_owned());
                vec![
                    DescriptionPiece::Quoted(format!("{shown} #{id}")),
                    DescriptionPiece::Words(" output "),
                    DescriptionPiece::Quoted(output),
                ]
            }
        }
    }
}

fn quote_value(value: &Value) -> DescriptionPiece {
    match value {
        Value::String(text) => DescriptionPiece::Quoted(text.to_string()),
        other => DescriptionPiece::Quoted(print(other, &JsonStyle::SAVE)),
    }
}
