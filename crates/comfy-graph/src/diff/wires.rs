//! Wires drawn, cut and plugged in elsewhere.
//!
//! A wire is known by the input it feeds, and that by its node and name; where it comes
//! from is compared by paired node and output. Link numbers mean nothing. Must not know
//! how causes are found.

use rustc_hash::FxHashSet;

use super::edit::{Change, Edit, LinkRef, SlotSide};
use super::slots::SlotMap;
use crate::graph::{LinkId, Wire, WireSink, WireSource};
use crate::pair::{IndexedGraph, Layer, Pairing};

pub(super) struct WireChange<'n> {
    /// The wire before, and the graph it lay in.
    pub(super) before: Option<(Layer, &'n Wire)>,
    /// The wire after, and the graph it lies in.
    pub(super) after: Option<(Layer, &'n Wire)>,
    /// Whether it comes from the same output, and only lies in another graph now.
    pub(super) same_source: bool,
}

/// Both documents with everything that is paired.
#[derive(Clone, Copy)]
pub(super) struct PairedGraphs<'n, 'w> {
    pub(super) old: &'n IndexedGraph<'w>,
    pub(super) new: &'n IndexedGraph<'w>,
    pub(super) pairing: &'n Pairing,
    pub(super) slots: &'n SlotMap,
}

/// The same wire under another number.
pub(super) struct RenumberedLink {
    pub(super) layer: Layer,
    pub(super) link: Change<LinkId>,
}

impl<'n> PairedGraphs<'n, '_> {
    pub(super) fn compare_wires(self) -> (Vec<WireChange<'n>>, Vec<RenumberedLink>) {
        let mut changes = Vec::new();
        let mut renumbered = Vec::new();
        let mut seen: Vec<FxHashSet<LinkId>> = vec![FxHashSet::default(); self.old.layers.len()];
        for (layer, indexed) in self.new.layers.iter().enumerate() {
            for wire in indexed.wires().iter() {
                let before = self.wire_before(layer, wire);
                if let Some((layer, wire)) = before {
                    seen[layer].insert(wire.link);
                }
                let same_source = before.is_some_and(|(old_layer, before)| {
                    self.same_source(old_layer, &before.from, layer, &wire.from)
                });
                let stays = before.filter(|(old_layer, _)| {
                    same_source && self.pairing.old_layer[layer] == Some(*old_layer)
                });
                match stays {
                    Some((_, before)) if before.link == wire.link => {}
                    Some((_, before)) => renumbered
                        .push(RenumberedLink { layer, link: Change::new(before.link, wire.link) }),
                    None => {
                        changes.push(WireChange {
                            before,
                            after: Some((layer, wire)),
                            same_source,
                        });
                    }
                }
            }
        }
        for (layer, indexed) in self.old.layers.iter().enumerate() {
            let cut = indexed.wires().iter().filter(|wire| !seen[layer].contains(&wire.link));
            changes.extend(cut.map(|wire| WireChange {
                before: Some((layer, wire)),
                after: None,
                same_source: false,
            }));
        }
        (changes, renumbered)
    }

    /// The wire that fed the same input.
    fn wire_before(self, layer: Layer, wire: &Wire) -> Option<(Layer, &'n Wire)> {
        let (old_layer, sink) = match &wire.to {
            WireSink::Node { id, input } => {
                let node = self.new.node_index(layer, id)?;
                let before = self.pairing.old_of[node]?;
                let input = self.slots.input_before(node, input);
                let sink = WireSink::Node { id: self.old.node_id(before).clone(), input };
                (self.old.layer_of(before), sink)
            }
            WireSink::Boundary(name) => {
                let before = self.pairing.old_layer[layer]?;
                (
                    before,
                    WireSink::Boundary(self.slots.boundary_before(layer, SlotSide::Output, name)),
                )
            }
        };
        let wire = self.old.layers[old_layer].wires().by_sink.get(&sink)?;
        Some((old_layer, wire))
    }

    /// Whether two wires come from the same output.
    pub(super) fn same_source(
        self,
        old_layer: Layer,
        before: &WireSource,
        layer: Layer,
        after: &WireSource,
    ) -> bool {
        match (before, after) {
            (
                WireSource::Node { id: was, slot: before },
                WireSource::Node { id: is, slot: after },
            ) => {
                let (Some(a), Some(b)) =
                    (self.old.node_index(old_layer, was), self.new.node_index(layer, is))
                else {
                    return false;
                };
                self.pairing.new_of[a] == Some(b)
                    && self.slots.output_before(b, *after) == Some(*before)
            }
            (WireSource::Boundary(before), WireSource::Boundary(after)) => {
                self.pairing.old_layer[layer] == Some(old_layer)
                    && self.slots.boundary_before(layer, SlotSide::Input, after) == *before
            }
            _ => false,
        }
    }

    pub(super) fn wire_edit(self, change: &WireChange<'_>) -> Option<Edit> {
        let link = |indexed: &IndexedGraph<'_>, placed: Option<(Layer, &Wire)>| {
            placed.map(|(layer, wire)| LinkRef {
                scope: indexed.layers[layer].scope.clone(),
                id: wire.link,
                kind: indexed.link_type(layer, wire.link),
            })
        };
        let to = match (change.after, change.before) {
            (Some((layer, wire)), _) => self.new.sink_ref(layer, &wire.to),
            (None, Some((layer, wire))) => self.sink_before(layer, &wire.to),
            (None, None) => return None,
        };
        let from = Change::new(
            change.before.map(|(layer, wire)| self.source_before(layer, &wire.from)),
            change.after.map(|(layer, wire)| self.new.source_ref(layer, &wire.from)),
        );
        let link = Change::new(link(self.old, change.before), link(self.new, change.after));
        Some(Edit::Wire { to, from: Box::new(from), link: Box::new(link) })
    }

    /// An old source, by its new name if it is still there.
    fn source_before(self, layer: Layer, source: &WireSource) -> super::edit::SourceRef {
        let mut named = self.old.source_ref(layer, source);
        match &mut named {
            super::edit::SourceRef::Output { node, .. } => {
                if let Some(is) = self.new_node_ref(layer, &node.key.id) {
                    *node = is;
                }
            }
            super::edit::SourceRef::Boundary { scope, .. } => {
                if let Some(partner) = self.pairing.new_layer[layer] {
                    scope.clone_from(&self.new.layers[partner].scope);
                }
            }
        }
        named
    }

    /// An old sink, by its new name if it is still there.
    pub(super) fn sink_before(self, layer: Layer, sink: &WireSink) -> super::edit::SinkRef {
        let mut named = self.old.sink_ref(layer, sink);
        match &mut named {
            super::edit::SinkRef::Input { node, .. } => {
                if let Some(is) = self.new_node_ref(layer, &node.key.id) {
                    *node = is;
                }
            }
            super::edit::SinkRef::Boundary { scope, .. } => {
                if let Some(partner) = self.pairing.new_layer[layer] {
                    scope.clone_from(&self.new.layers[partner].scope);
                }
            }
        }
        named
    }

    fn new_node_ref(self, layer: Layer, id: &crate::graph::NodeId) -> Option<super::edit::NodeRef> {
        let spot = self.old.node_index(layer, id)?;
        Some(self.new.node_ref(self.pairing.new_of[spot]?))
    }
}
