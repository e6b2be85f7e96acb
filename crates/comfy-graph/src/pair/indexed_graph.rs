//! A workflow laid out for pairing: all nodes of all graphs under dense numbers, and the
//! wires between them as numbers too.
//!
//! Node ids and graph names cost a hash or an allocation at every look; a graph of a
//! hundred thousand nodes is walked dozens of times. Wires are laid out when somebody asks for
//! them: most pairs of states are told apart by ids alone. Must not know a second document.

use std::cell::OnceCell;

use rustc_hash::FxHashMap;

use crate::graph::{
    Graph, GraphScope, Node, NodeId, NodeKey, SlotName, SubgraphDefinition, Wire, WireSink,
    WireSource, Wires, Workflow,
};

/// A node of a [`IndexedGraph`], counted over all graphs.
pub(crate) type NodeIndex = usize;
/// A graph of a [`IndexedGraph`]: 0 is the root.
pub(crate) type Layer = usize;

/// A workflow whose nodes and graphs are numbered from 0 without gaps.
pub(crate) struct IndexedGraph<'w> {
    pub(crate) workflow: &'w Workflow,
    pub(crate) layers: Vec<IndexedLayer<'w>>,
    /// The nodes of all graphs, graph by graph.
    pub(crate) nodes: Vec<&'w Node>,
    layer_of: Vec<u32>,
    instances: FxHashMap<Layer, Vec<NodeIndex>>,
    wires: OnceCell<WireRows>,
}

/// Wires between nodes and over boundaries.
struct WireRows {
    all: Vec<IndexedWire>,
    /// Indices into `all` by the node they feed, and by the node they leave.
    into: CompressedRows,
    out_of: CompressedRows,
}

/// The root graph, or the inside of a definition.
pub(crate) struct IndexedLayer<'w> {
    pub(crate) scope: GraphScope,
    pub(crate) graph: &'w Graph,
    wires: OnceCell<Wires>,
    first: NodeIndex,
}

/// A wire from node to node, or over a boundary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexedWire {
    /// Nothing for an input on the boundary.
    pub(crate) from: Option<NodeIndex>,
    /// The index of the output; of the boundary, a hash of the name.
    pub(crate) slot: u64,
    /// Nothing for an output on the boundary.
    pub(crate) to: Option<NodeIndex>,
    /// A hash of the name of the input.
    pub(crate) input: u64,
}

/// Numbers in rows of different lengths.
struct CompressedRows {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl CompressedRows {
    fn new(rows: usize, entries: impl Iterator<Item = (Option<usize>, usize)> + Clone) -> Self {
        let mut starts = vec![0_u32; rows + 1];
        for (row, _) in entries.clone() {
            if let Some(row) = row {
                starts[row + 1] += 1;
            }
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut items = vec![0; starts[rows] as usize];
        for (row, item) in entries {
            if let Some(row) = row {
                items[next[row] as usize] = to_u32(item);
                next[row] += 1;
            }
        }
        CompressedRows { starts, items }
    }

    fn row(&self, row: usize) -> &[u32] {
        &self.items[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).expect("a document that fits in memory has fewer than 2^32 nodes")
}

impl<'w> IndexedGraph<'w> {
    pub(crate) fn new(workflow: &'w Workflow) -> Self {
        let mut layers = Vec::new();
        let mut nodes = Vec::new();
        let mut layer_of = Vec::new();
        for (scope, graph) in workflow.graphs() {
            let first = nodes.len();
            nodes.extend(graph.nodes.values());
            layer_of.resize(nodes.len(), to_u32(layers.len()));
            layers.push(IndexedLayer { scope, graph, wires: OnceCell::new(), first });
        }
        let instances = index_instances(workflow, &nodes);
        IndexedGraph { workflow, instances, layers, nodes, layer_of, wires: OnceCell::new() }
    }

    fn wire_rows(&self) -> &WireRows {
        self.wires.get_or_init(|| {
            let all: Vec<IndexedWire> =
                self.layers.iter().flat_map(IndexedLayer::indexed_wires).collect();
            let count = self.nodes.len();
            let into = all.iter().enumerate().map(|(at, wire)| (wire.to, at));
            let into = CompressedRows::new(count, into);
            let out_of = all.iter().enumerate().map(|(at, wire)| (wire.from, at));
            let out_of = CompressedRows::new(count, out_of);
            WireRows { all, into, out_of }
        })
    }

    /// Wires between nodes and over boundaries.
    pub(crate) fn indexed_wires(&self) -> &[IndexedWire] {
        &self.wire_rows().all
    }

    pub(crate) fn layer_of(&self, spot: NodeIndex) -> Layer {
        self.layer_of[spot] as usize
    }

    pub(crate) fn nodes_in(&self, layer: Layer) -> std::ops::Range<NodeIndex> {
        let first = self.layers[layer].first;
        first..first + self.layers[layer].graph.nodes.len()
    }

    /// The node of an id in a graph.
    pub(crate) fn node_index(&self, layer: Layer, id: &NodeId) -> Option<NodeIndex> {
        self.layers[layer].node_index(id)
    }

    pub(crate) fn layer_index(&self, scope: &GraphScope) -> Option<Layer> {
        match scope {
            GraphScope::Root => Some(0),
            GraphScope::Definition(id) => Some(self.workflow.definitions.get_index_of(id)? + 1),
        }
    }

    /// The definition that a graph is the inside of.
    pub(crate) fn definition(&self, layer: Layer) -> Option<&'w SubgraphDefinition> {
        let (_, definition) = self.workflow.definitions.get_index(layer.checked_sub(1)?)?;
        Some(definition)
    }

    /// The inside of the definition that a node is an instance of.
    pub(crate) fn definition_layer(&self, spot: NodeIndex) -> Option<Layer> {
        if self.workflow.definitions.is_empty() {
            return None;
        }
        let id = self.nodes[spot].as_subgraph();
        Some(self.workflow.definitions.get_index_of(&id)? + 1)
    }

    pub(crate) fn node_id(&self, spot: NodeIndex) -> &'w NodeId {
        self.nodes[spot].id()
    }

    pub(crate) fn node_scope(&self, spot: NodeIndex) -> &GraphScope {
        &self.layers[self.layer_of(spot)].scope
    }

    pub(crate) fn node_key(&self, spot: NodeIndex) -> NodeKey {
        NodeKey { scope: self.node_scope(spot).clone(), id: self.node_id(spot).clone() }
    }

    pub(crate) fn wires_into(&self, spot: NodeIndex) -> impl Iterator<Item = &IndexedWire> {
        let rows = self.wire_rows();
        rows.into.row(spot).iter().map(|&at| &rows.all[at as usize])
    }

    pub(crate) fn wires_out_of(&self, spot: NodeIndex) -> impl Iterator<Item = &IndexedWire> {
        let rows = self.wire_rows();
        rows.out_of.row(spot).iter().map(|&at| &rows.all[at as usize])
    }

    /// The instances of the definition that a graph is the inside of.
    pub(crate) fn instances_of(&self, layer: Layer) -> &[NodeIndex] {
        self.instances.get(&layer).map(Vec::as_slice).unwrap_or_default()
    }
}

fn index_instances(workflow: &Workflow, nodes: &[&Node]) -> FxHashMap<Layer, Vec<NodeIndex>> {
    let mut hosts: FxHashMap<Layer, Vec<NodeIndex>> = FxHashMap::default();
    if workflow.definitions.is_empty() {
        return hosts;
    }
    for (spot, node) in nodes.iter().enumerate() {
        if let Some(at) = workflow.definitions.get_index_of(&node.as_subgraph()) {
            hosts.entry(at + 1).or_default().push(spot);
        }
    }
    hosts
}

impl IndexedLayer<'_> {
    pub(crate) fn wires(&self) -> &Wires {
        self.wires.get_or_init(|| Wires::from_graph(self.graph))
    }

    fn node_index(&self, id: &NodeId) -> Option<NodeIndex> {
        Some(self.first + self.graph.nodes.get_index_of(id)?)
    }

    fn indexed_wires(&self) -> impl Iterator<Item = IndexedWire> {
        self.wires().iter().map(|wire: &Wire| {
            let (from, slot) = match &wire.from {
                WireSource::Node { id, slot } => (self.node_index(id), *slot as u64),
                WireSource::Boundary(name) => (None, hash_slot_name(name)),
            };
            let (to, input) = match &wire.to {
                WireSink::Node { id, input } => (self.node_index(id), hash_slot_name(input)),
                WireSink::Boundary(name) => (None, hash_slot_name(name)),
            };
            IndexedWire { from, slot, to, input }
        })
    }
}

fn hash_slot_name(name: &SlotName) -> u64 {
    super::signature::fx_hash(name)
}
