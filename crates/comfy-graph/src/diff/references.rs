//! Names for things: an edit carries all that is needed to speak of what it changes.
//!
//! Must not know what changed.

use compact_str::CompactString;

use super::edit::{GroupRef, NodeRef, SinkRef, SourceRef, SubgraphRef};
use crate::graph::{Group, LinkId, NodeId, NodeKey, SubgraphDefinition, WireSink, WireSource};
use crate::json::Value;
use crate::pair::{IndexedGraph, Layer, NodeIndex};

impl IndexedGraph<'_> {
    pub(super) fn node_ref(&self, spot: NodeIndex) -> NodeRef {
        let node = self.nodes[spot];
        let definition = self.definition_layer(spot).and_then(|layer| self.definition(layer));
        NodeRef {
            key: self.node_key(spot),
            class: CompactString::new(node.class()),
            title: node.title().map(CompactString::new),
            subgraph: definition.map(|definition| CompactString::new(definition.name())),
        }
    }

    /// A node that may be missing, as wires of damaged files name them.
    fn node_ref_or_missing(&self, layer: Layer, id: &NodeId) -> NodeRef {
        match self.node_index(layer, id) {
            Some(spot) => self.node_ref(spot),
            None => NodeRef {
                key: NodeKey { scope: self.layers[layer].scope.clone(), id: id.clone() },
                class: CompactString::default(),
                title: None,
                subgraph: None,
            },
        }
    }

    pub(super) fn source_ref(&self, layer: Layer, source: &WireSource) -> SourceRef {
        match source {
            WireSource::Node { id, slot } => {
                let output =
                    self.node_index(layer, id).and_then(|s| self.nodes[s].output_at(*slot));
                let name = output.map(|output| CompactString::new(output.name()));
                SourceRef::Output {
                    node: self.node_ref_or_missing(layer, id),
                    slot: *slot,
                    name: name.unwrap_or_default(),
                }
            }
            WireSource::Boundary(name) => {
                SourceRef::Boundary { scope: self.layers[layer].scope.clone(), name: name.clone() }
            }
        }
    }

    pub(super) fn sink_ref(&self, layer: Layer, sink: &WireSink) -> SinkRef {
        match sink {
            WireSink::Node { id, input } => {
                SinkRef::Input { node: self.node_ref_or_missing(layer, id), name: input.clone() }
            }
            WireSink::Boundary(name) => {
                SinkRef::Boundary { scope: self.layers[layer].scope.clone(), name: name.clone() }
            }
        }
    }

    pub(super) fn group_ref(&self, layer: Layer, at: usize) -> GroupRef {
        let group = self.layers[layer].graph.groups.get(at);
        GroupRef {
            scope: self.layers[layer].scope.clone(),
            at,
            id: group.and_then(Group::id),
            title: group.map(|group| CompactString::new(group.title())).unwrap_or_default(),
        }
    }

    /// A definition by the graph inside it. The root has none.
    pub(super) fn subgraph_ref(&self, layer: Layer) -> Option<SubgraphRef> {
        self.definition(layer).map(definition_ref)
    }

    /// The type a link carries, as spelled.
    pub(super) fn link_type(&self, layer: Layer, link: LinkId) -> Value {
        self.layers[layer].graph.links.get(&link).map(|l| l.kind().clone()).unwrap_or_default()
    }
}

pub(super) fn definition_ref(definition: &SubgraphDefinition) -> SubgraphRef {
    SubgraphRef { id: definition.id().clone(), name: CompactString::new(definition.name()) }
}
