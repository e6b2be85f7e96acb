//! A workflow laid out for pairing: all nodes of all graphs under dense numbers, and the
//! wires between them as numbers too.
//!
//! Node ids and graph names cost a hash or an allocation at every look; a graph of a
//! hundred thousand nodes is walked dozens of times. Must not know a second document.

use rustc_hash::FxHashMap;

use crate::graph::{
    Definition, Graph, Node, NodeId, NodeKey, Scope, Sink, SlotName, Source, Wire, Wires, Workflow,
};

/// A node of a [`IndexedGraph`], counted over all graphs.
pub(crate) type Spot = usize;
/// A graph of a [`IndexedGraph`]: 0 is the root.
pub(crate) type Layer = usize;

/// A workflow whose nodes and graphs are numbered from 0 without gaps.
pub(crate) struct IndexedGraph<'w> {
    pub(crate) workflow: &'w Workflow,
    pub(crate) layers: Vec<IndexedLayer<'w>>,
    /// The nodes of all graphs, graph by graph.
    pub(crate) nodes: Vec<&'w Node>,
    layer_of: Vec<u32>,
    hosts: FxHashMap<Layer, Vec<Spot>>,
    /// Wires between nodes and over boundaries.
    pub(crate) arcs: Vec<Arc>,
    /// Indices into `arcs` by the node they feed, and by the node they leave.
    into: Rows,
    out_of: Rows,
}

/// The root graph, or the inside of a definition.
pub(crate) struct IndexedLayer<'w> {
    pub(crate) scope: Scope,
    pub(crate) graph: &'w Graph,
    pub(crate) wires: Wires,
    first: Spot,
}

/// A wire from node to node, or over a boundary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arc {
    /// Nothing for an input on the boundary.
    pub(crate) from: Option<Spot>,
    /// The index of the output; of the boundary, a hash of the name.
    pub(crate) slot: u64,
    /// Nothing for an output on the boundary.
    pub(crate) to: Option<Spot>,
    /// A hash of the name of the input.
    pub(crate) input: u64,
}

/// Numbers in rows of different lengths.
struct Rows {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Rows {
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
                items[next[row] as usize] = small(item);
                next[row] += 1;
            }
        }
        Rows { starts, items }
    }

    fn row(&self, row: usize) -> &[u32] {
        &self.items[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}

fn small(number: usize) -> u32 {
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
            layer_of.resize(nodes.len(), small(layers.len()));
            layers.push(IndexedLayer { scope, graph, wires: Wires::of(graph), first });
        }
        let arcs: Vec<Arc> = layers.iter().flat_map(IndexedLayer::arcs).collect();
        let into = Rows::new(nodes.len(), arcs.iter().enumerate().map(|(at, arc)| (arc.to, at)));
        let out_of = Rows::new(nodes.len(), arcs.iter().enumerate().map(|(at, a)| (a.from, at)));
        let hosts = hosts(workflow, &nodes);
        IndexedGraph { workflow, hosts, layers, nodes, layer_of, arcs, into, out_of }
    }

    pub(crate) fn layer_of(&self, spot: Spot) -> Layer {
        self.layer_of[spot] as usize
    }

    pub(crate) fn spots(&self, layer: Layer) -> std::ops::Range<Spot> {
        let first = self.layers[layer].first;
        first..first + self.layers[layer].graph.nodes.len()
    }

    /// The node of an id in a graph.
    pub(crate) fn spot(&self, layer: Layer, id: &NodeId) -> Option<Spot> {
        self.layers[layer].spot(id)
    }

    pub(crate) fn layer(&self, scope: &Scope) -> Option<Layer> {
        match scope {
            Scope::Root => Some(0),
            Scope::Definition(id) => Some(self.workflow.definitions.get_index_of(id)? + 1),
        }
    }

    /// The definition that a graph is the inside of.
    pub(crate) fn definition(&self, layer: Layer) -> Option<&'w Definition> {
        let (_, definition) = self.workflow.definitions.get_index(layer.checked_sub(1)?)?;
        Some(definition)
    }

    /// The inside of the definition that a node is an instance of.
    pub(crate) fn inside(&self, spot: Spot) -> Option<Layer> {
        if self.workflow.definitions.is_empty() {
            return None;
        }
        let id = self.nodes[spot].as_subgraph();
        Some(self.workflow.definitions.get_index_of(&id)? + 1)
    }

    pub(crate) fn id(&self, spot: Spot) -> &'w NodeId {
        self.nodes[spot].id()
    }

    pub(crate) fn scope(&self, spot: Spot) -> &Scope {
        &self.layers[self.layer_of(spot)].scope
    }

    pub(crate) fn key(&self, spot: Spot) -> NodeKey {
        NodeKey { scope: self.scope(spot).clone(), id: self.id(spot).clone() }
    }

    pub(crate) fn into(&self, spot: Spot) -> impl Iterator<Item = &Arc> {
        self.into.row(spot).iter().map(|&at| &self.arcs[at as usize])
    }

    pub(crate) fn out_of(&self, spot: Spot) -> impl Iterator<Item = &Arc> {
        self.out_of.row(spot).iter().map(|&at| &self.arcs[at as usize])
    }

    /// The instances of the definition that a graph is the inside of.
    pub(crate) fn hosts_of(&self, layer: Layer) -> &[Spot] {
        self.hosts.get(&layer).map(Vec::as_slice).unwrap_or_default()
    }
}

fn hosts(workflow: &Workflow, nodes: &[&Node]) -> FxHashMap<Layer, Vec<Spot>> {
    let mut hosts: FxHashMap<Layer, Vec<Spot>> = FxHashMap::default();
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
    fn spot(&self, id: &NodeId) -> Option<Spot> {
        Some(self.first + self.graph.nodes.get_index_of(id)?)
    }

    fn arcs(&self) -> impl Iterator<Item = Arc> {
        self.wires.iter().map(|wire: &Wire| {
            let (from, slot) = match &wire.from {
                Source::Node { id, slot } => (self.spot(id), *slot as u64),
                Source::Boundary(name) => (None, name_hash(name)),
            };
            let (to, input) = match &wire.to {
                Sink::Node { id, input } => (self.spot(id), name_hash(input)),
                Sink::Boundary(name) => (None, name_hash(name)),
            };
            Arc { from, slot, to, input }
        })
    }
}

fn name_hash(name: &SlotName) -> u64 {
    super::signature::hash(name)
}
