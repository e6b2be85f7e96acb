//! Subgraph definitions: a graph with a name and a boundary.

use super::slot::{self, Slot, SlotName};
use super::{Graph, SubgraphId, WorkflowSchema};
use crate::json::Value;

/// A subgraph definition.
#[derive(Debug, Clone)]
pub struct SubgraphDefinition {
    id: SubgraphId,
    /// Its inside. The `rest` holds name, boundary slots and everything else.
    pub graph: Graph,
    /// The definition whose own `definitions` list it, nothing if the root's do.
    pub home: Option<SubgraphId>,
}

impl SubgraphDefinition {
    /// The uuid.
    pub fn id(&self) -> &SubgraphId {
        &self.id
    }

    /// Gives it another uuid. What refers to it is not changed: that does `renumber`.
    pub(crate) fn set_id(&mut self, id: SubgraphId) {
        self.graph.rest.insert("id", id.0.clone());
        self.id = id;
    }

    /// Takes a raw definition, which must not hold definitions of its own.
    ///
    /// # Errors
    /// Gives the value back if it is no object with an id that is text.
    pub fn from_value(value: Value) -> Result<SubgraphDefinition, Value> {
        let id = value.get("id").and_then(Value::as_str).map(SubgraphId::new);
        match (value, id) {
            (Value::Object(object), Some(id)) => Ok(SubgraphDefinition {
                id,
                graph: Graph::from_object(object, WorkflowSchema::V1),
                home: None,
            }),
            (value, _) => Err(value),
        }
    }

    /// The raw definition again.
    pub fn into_value(self) -> Value {
        Value::Object(self.graph.into_object())
    }

    /// The name a person gave; empty where there is none.
    pub fn name(&self) -> &str {
        self.graph.rest.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The inputs on its boundary, in file order.
    pub fn inputs(&self) -> impl Iterator<Item = Slot<'_>> + Clone {
        slot::iter_slots(self.graph.rest.get("inputs"))
    }

    /// The outputs on its boundary, in file order.
    pub fn outputs(&self) -> impl Iterator<Item = Slot<'_>> + Clone {
        slot::iter_slots(self.graph.rest.get("outputs"))
    }

    /// The boundary input at an index.
    pub fn input_at(&self, at: usize) -> Option<Slot<'_>> {
        slot::slot_at(self.graph.rest.get("inputs"), at)
    }

    /// The boundary output at an index.
    pub fn output_at(&self, at: usize) -> Option<Slot<'_>> {
        slot::slot_at(self.graph.rest.get("outputs"), at)
    }

    /// The name of the boundary input at an index.
    pub fn input_name(&self, at: usize) -> SlotName {
        slot::slot_name(self.graph.rest.get("inputs"), at)
    }

    /// The name of the boundary output at an index.
    pub fn output_name(&self, at: usize) -> SlotName {
        slot::slot_name(self.graph.rest.get("outputs"), at)
    }
}
