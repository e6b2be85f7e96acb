//! Wires: links as they mean something, without their numbers.
//!
//! A wire is known by the input it feeds, and that input by its name: link ids differ
//! between two saves, slot numbers of targets between the two legal encodings of one graph
//! (see `slot`). This file also brings the three places that state a link into agreement:
//! the links table, `inputs[].link` and `outputs[].links`.

use rustc_hash::{FxHashMap, FxHashSet};

use super::slot::slot_name;
use super::{FxIndexMap, Graph, Link, LinkEnd, LinkId, NodeId, SlotName};
use crate::json::{Object, Value};

/// Where a wire comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WireSource {
    /// An output of a node, by number, as the server counts them.
    Node {
        /// The node.
        id: NodeId,
        /// The index of the output.
        slot: usize,
    },
    /// An input on the boundary of the subgraph, by name.
    Boundary(SlotName),
}

/// What a wire feeds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WireSink {
    /// An input of a node, by name.
    Node {
        /// The node.
        id: NodeId,
        /// The input.
        input: SlotName,
    },
    /// An output on the boundary of the subgraph, by name.
    Boundary(SlotName),
}

/// One wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The link that draws it in this file.
    pub link: LinkId,
    /// Where it comes from.
    pub from: WireSource,
    /// What it feeds.
    pub to: WireSink,
}

/// All wires of a graph by what they feed.
#[derive(Debug, Clone, Default)]
pub struct Wires {
    /// An input has at most one wire.
    pub by_sink: FxIndexMap<WireSink, Wire>,
    /// Links that carry nothing: an end is missing, or their input has another link.
    pub dangling: Vec<LinkId>,
}

impl Wires {
    /// Reads the wires of a graph. Where the links table and `inputs[].link` disagree, an
    /// input takes the link it names, and a link that no input names counts if its input
    /// is free: what the frontends of 1.49 and 1.58 would show, as far as they agree.
    pub fn from_graph(graph: &Graph) -> Wires {
        let mut wires = Wires::default();
        let mut unconfirmed = Vec::new();
        for link in graph.links.values() {
            let Some(from) = wire_source(graph, link.from()) else {
                wires.dangling.push(link.id());
                continue;
            };
            match wire_sink(graph, link.to(), link.id()) {
                Some((to, true)) => wires.add(Wire { link: link.id(), from, to }),
                Some((to, false)) => unconfirmed.push(Wire { link: link.id(), from, to }),
                None => wires.dangling.push(link.id()),
            }
        }
        for wire in unconfirmed {
            wires.add(wire);
        }
        wires
    }

    fn add(&mut self, wire: Wire) {
        if self.by_sink.contains_key(&wire.to) {
            self.dangling.push(wire.link);
        } else {
            self.by_sink.insert(wire.to.clone(), wire);
        }
    }

    /// The wire into an input of a node.
    pub fn wire_into(&self, id: &NodeId, input: &SlotName) -> Option<&Wire> {
        self.by_sink.get(&WireSink::Node { id: id.clone(), input: input.clone() })
    }

    /// All wires, in the order of the links table.
    pub fn iter(&self) -> impl Iterator<Item = &Wire> {
        self.by_sink.values()
    }
}

fn wire_source(graph: &Graph, end: &LinkEnd) -> Option<WireSource> {
    match end {
        LinkEnd::Node { id, slot } => {
            graph.nodes.contains_key(id).then(|| WireSource::Node { id: id.clone(), slot: *slot })
        }
        LinkEnd::GraphInput { slot } => {
            Some(WireSource::Boundary(slot_name(graph.rest.get("inputs"), *slot)))
        }
        LinkEnd::GraphOutput { .. } | LinkEnd::Loose => None,
    }
}

/// What a link feeds, and whether that input says so too.
fn wire_sink(graph: &Graph, end: &LinkEnd, link: LinkId) -> Option<(WireSink, bool)> {
    match end {
        LinkEnd::Node { id, slot } => {
            let node = graph.nodes.get(id)?;
            let there = node.input_at(*slot).filter(|input| input.link() == Some(link));
            let named = there.or_else(|| node.inputs().find(|input| input.link() == Some(link)));
            let at = named.map_or(*slot, |input| input.at);
            Some((WireSink::Node { id: id.clone(), input: node.input_name(at) }, named.is_some()))
        }
        LinkEnd::GraphOutput { slot } => {
            Some((WireSink::Boundary(slot_name(graph.rest.get("outputs"), *slot)), true))
        }
        LinkEnd::GraphInput { .. } | LinkEnd::Loose => None,
    }
}

impl Graph {
    /// Makes `inputs[].link`, `outputs[].links` (ascending) and the boundary's `linkIds`
    /// say what the links table says. The table is not changed; links with a missing end
    /// stay in it. Slots that already agree keep their spelling.
    pub fn sync_slots_with_links(&mut self) {
        let mut into: FxHashMap<(NodeId, usize), LinkId> = FxHashMap::default();
        let mut out: FxHashMap<(NodeId, usize), Vec<LinkId>> = FxHashMap::default();
        let mut inputs: FxHashMap<usize, Vec<LinkId>> = FxHashMap::default();
        let mut outputs: FxHashMap<usize, Vec<LinkId>> = FxHashMap::default();
        for link in self.links.values() {
            match link.from() {
                LinkEnd::Node { id, slot } => {
                    out.entry((id.clone(), *slot)).or_default().push(link.id());
                }
                LinkEnd::GraphInput { slot } => inputs.entry(*slot).or_default().push(link.id()),
                LinkEnd::GraphOutput { .. } | LinkEnd::Loose => {}
            }
            match link.to() {
                LinkEnd::Node { id, slot } => {
                    into.entry((id.clone(), *slot)).or_insert(link.id());
                }
                LinkEnd::GraphOutput { slot } => outputs.entry(*slot).or_default().push(link.id()),
                LinkEnd::GraphInput { .. } | LinkEnd::Loose => {}
            }
        }
        for (id, node) in &mut self.nodes {
            for_each_slot(node.raw_mut().get_mut("inputs"), |at, slot| {
                set_link(slot, into.get(&(id.clone(), at)).copied());
            });
            for_each_slot(node.raw_mut().get_mut("outputs"), |at, slot| {
                let mut links = out.remove(&(id.clone(), at)).unwrap_or_default();
                links.sort_unstable();
                set_links(slot, "links", &links);
            });
        }
        for (key, mut links) in [("inputs", inputs), ("outputs", outputs)] {
            for_each_slot(self.rest.get_mut(key), |at, slot| {
                set_links(slot, "linkIds", &links.remove(&at).unwrap_or_default());
            });
        }
    }

    /// Takes a node out, with every link that touches it.
    pub(crate) fn remove_node(&mut self, id: &NodeId) {
        let touches =
            |link: &Link| link.from().node_id() == Some(id) || link.to().node_id() == Some(id);
        let gone = self.links.values().filter(|link| touches(link)).map(Link::id).collect();
        self.nodes.shift_remove(id);
        self.remove_links(&gone);
    }

    /// Takes links out of the table and out of every slot and reroute that names them.
    pub fn remove_links(&mut self, gone: &FxHashSet<LinkId>) {
        if gone.is_empty() {
            return;
        }
        self.links.retain(|id, _| !gone.contains(id));
        for reroute in self.reroutes.values_mut() {
            if let Some(Value::Array(links)) = reroute.raw_mut().get_mut("linkIds") {
                links.retain(|id| LinkId::from_value(id).is_none_or(|id| !gone.contains(&id)));
            }
        }
        self.sync_slots_with_links();
    }
}

fn for_each_slot(list: Option<&mut Value>, mut each: impl FnMut(usize, &mut Object)) {
    let Some(Value::Array(slots)) = list else { return };
    for (at, slot) in slots.iter_mut().enumerate() {
        if let Some(slot) = slot.as_object_mut() {
            each(at, slot);
        }
    }
}

fn set_link(slot: &mut Object, link: Option<LinkId>) {
    let says = slot.get("link").and_then(LinkId::from_value);
    if says != link || (link.is_none() && slot.get("link").is_some_and(|link| !link.is_null())) {
        slot.insert("link", link.map(LinkId::to_value));
    }
}

fn set_links(slot: &mut Object, key: &str, links: &[LinkId]) {
    let says = slot.get(key).and_then(Value::as_array).unwrap_or_default();
    let agrees = says.len() == links.len()
        && says.iter().zip(links).all(|(says, link)| LinkId::from_value(says) == Some(*link));
    if !agrees {
        slot.insert(key, links.iter().map(|link| link.to_value()).collect::<Vec<Value>>());
    }
}

#[cfg(test)]
mod tests {
    use super::super::Workflow;
    use super::*;
    use crate::json::parse_text;

    fn graph(text: &str) -> Graph {
        Workflow::from_value(parse_text(text).unwrap()).unwrap().root
    }

    /// The same graph as Save and as Export write it.
    const SAVE: &str = r#"{"version":0.4,"links":[[5,1,0,2,1,"MODEL"]],"nodes":[
        {"id":1,"type":"A","outputs":[{"name":"MODEL","links":[5]}]},
        {"id":2,"type":"B","inputs":[{"name":"seed","widget":{"name":"seed"},"link":null},
            {"name":"model","link":5}]}]}"#;
    const EXPORT: &str = r#"{"version":0.4,"links":[[9,1,0,2,0,"MODEL"]],"nodes":[
        {"id":1,"type":"A","outputs":[{"name":"MODEL","links":[9]}]},
        {"id":2,"type":"B","inputs":[{"name":"model","link":9}]}]}"#;

    #[test]
    fn both_encodings_of_a_graph_have_the_same_wires() {
        let wires = |text: &str| {
            let wires = Wires::from_graph(&graph(text));
            wires.iter().map(|w| (w.from.clone(), w.to.clone())).collect::<Vec<_>>()
        };
        assert_eq!(wires(SAVE), wires(EXPORT));
        assert_eq!(
            wires(SAVE),
            [(
                WireSource::Node { id: 1.into(), slot: 0 },
                WireSink::Node { id: 2.into(), input: SlotName::new("model") }
            )]
        );
    }

    #[test]
    fn an_input_takes_the_link_it_names() {
        let text = r#"{"version":0.4,"nodes":[{"id":1,"type":"A","outputs":[{"name":"o"}]},
            {"id":2,"type":"B","inputs":[{"name":"x","link":7},{"name":"y","link":null}]}],
            "links":[[6,1,0,2,0,"X"],[7,1,0,2,0,"X"],[8,1,0,2,1,"X"],[9,4,0,2,1,"X"]]}"#;
        let mut graph = graph(text);
        let wires = Wires::from_graph(&graph);
        let two = NodeId::from(2);
        assert_eq!(wires.wire_into(&two, &SlotName::new("x")).unwrap().link, LinkId(7));
        assert_eq!(wires.wire_into(&two, &SlotName::new("y")).unwrap().link, LinkId(8));
        assert_eq!(wires.dangling, [LinkId(9), LinkId(6)]);
        graph.remove_links(&[LinkId(6), LinkId(9)].into_iter().collect());
        assert_eq!(graph.nodes[&two].input(&SlotName::new("y")).unwrap().link(), Some(LinkId(8)));
        let outputs: Vec<LinkId> =
            graph.nodes[&NodeId::from(1)].output_at(0).unwrap().links().collect();
        assert_eq!(outputs, [LinkId(7), LinkId(8)]);
    }
}
