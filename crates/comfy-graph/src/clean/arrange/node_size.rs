//! How large ComfyUI will draw the nodes of a workflow: those whose size nobody knows, and the
//! least for those whose size is known. ComfyUI grows what is too small on load, and what is
//! drawn larger than planned would cover its neighbour.
//!
//! Must not know positions.

use rustc_hash::FxHashMap;

use crate::catalog::Catalog;
use crate::catalog::node_face::NodeFace;
use crate::graph::{GraphScope, NodeId, NodeKey, Workflow};
use crate::json::{Object, Value};

/// Where nothing at all is known of a node.
const UNKNOWN_SIZE: NodeSize = NodeSize { preferred: (270.0, 120.0), least_height: 0.0 };

/// Sizes without the title bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct NodeSize {
    /// Width and height to give it.
    pub(super) preferred: (f64, f64),
    /// The height below which it grows on opening.
    pub(super) least_height: f64,
}

/// The sizes of all nodes of a workflow.
#[derive(Debug, Default)]
pub(super) struct NodeSizes {
    by_key: FxHashMap<NodeKey, NodeSize>,
}

impl NodeSizes {
    pub(super) fn from_workflow(workflow: &Object) -> NodeSizes {
        let catalog = Catalog::core();
        let Ok(workflow) = Workflow::from_value(Value::Object(workflow.clone())) else {
            return NodeSizes::default();
        };
        let size = |(scope, node): (GraphScope, _)| {
            let face = NodeFace::read(&workflow, node, &catalog);
            let size =
                NodeSize { preferred: face.preferred_size(), least_height: face.least_height() };
            (NodeKey { scope, id: node.id().clone() }, size)
        };
        NodeSizes { by_key: workflow.nodes().map(size).collect() }
    }

    /// The size of a node of a graph.
    pub(super) fn size_of(&self, scope: &GraphScope, node: &Value) -> NodeSize {
        let id = node.get("id").and_then(NodeId::from_value);
        let key = id.map(|id| NodeKey { scope: scope.clone(), id });
        key.and_then(|key| self.by_key.get(&key)).copied().unwrap_or(UNKNOWN_SIZE)
    }
}
