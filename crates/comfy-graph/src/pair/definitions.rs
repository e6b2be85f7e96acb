//! Pairs subgraph definitions: by uuid, then by the instances that stand in one place, then
//! by what is inside.

use rustc_hash::FxHashMap;

use super::indexed_graph::{IndexedGraph, Layer};
use super::signature::{Signatures, fx_hash};

/// Partners of graphs in both directions. The roots are each other's.
pub(super) type LayerPairs = (Vec<Option<Layer>>, Vec<Option<Layer>>);

/// How many definitions may share a node for it to count as evidence.
const MAX_SHARING_DEFINITIONS: usize = 4;

pub(super) fn pair_definitions(old: &IndexedGraph<'_>, new: &IndexedGraph<'_>) -> LayerPairs {
    let mut layers = (vec![None; old.layers.len()], vec![None; new.layers.len()]);
    insert_pair(&mut layers, 0, 0);
    for (at, id) in old.workflow.definitions.keys().enumerate() {
        if let Some(partner) = new.workflow.definitions.get_index_of(id) {
            insert_pair(&mut layers, at + 1, partner + 1);
        }
    }
    if layers.0.iter().any(Option::is_none) && layers.1.iter().any(Option::is_none) {
        pair_by_instances(old, new, &mut layers);
        pair_by_content(old, new, &mut layers);
    }
    layers
}

fn insert_pair(layers: &mut LayerPairs, old: Layer, new: Layer) {
    if layers.0[old].is_none() && layers.1[new].is_none() {
        layers.0[old] = Some(new);
        layers.1[new] = Some(old);
    }
}

/// Instances with the same id in paired graphs are instances of the same definition,
/// given that these have a name or a node in common.
fn pair_by_instances(old: &IndexedGraph<'_>, new: &IndexedGraph<'_>, layers: &mut LayerPairs) {
    // A pair of definitions may bring their inner instances together.
    let mut open: Vec<(Layer, Layer)> = paired_layers(layers);
    while let Some((old_layer, new_layer)) = open.pop() {
        for host in old.nodes_in(old_layer) {
            let Some(before) = old.definition_layer(host).filter(|&l| layers.0[l].is_none()) else {
                continue;
            };
            let after = new
                .node_index(new_layer, old.node_id(host))
                .and_then(|spot| new.definition_layer(spot));
            let Some(after) = after.filter(|&l| layers.1[l].is_none()) else { continue };
            if are_alike(old, before, new, after) {
                insert_pair(layers, before, after);
                open.push((before, after));
            }
        }
    }
}

fn paired_layers(layers: &LayerPairs) -> Vec<(Layer, Layer)> {
    layers.0.iter().enumerate().filter_map(|(old, new)| Some((old, (*new)?))).collect()
}

fn are_alike(old: &IndexedGraph<'_>, before: Layer, new: &IndexedGraph<'_>, after: Layer) -> bool {
    let name =
        |indexed: &IndexedGraph<'_>, layer| indexed.definition(layer).map(|d| d.name().to_owned());
    let classes = |indexed: &IndexedGraph<'_>, layer| -> Vec<String> {
        indexed.nodes_in(layer).map(|spot| indexed.nodes[spot].class().to_owned()).collect()
    };
    let of_new = classes(new, after);
    name(old, before) == name(new, after)
        || classes(old, before).iter().any(|class| of_new.contains(class))
}

/// Definitions vote for each other with every node they have in common; the most votes
/// win. A node that many definitions have says nothing.
fn pair_by_content(old: &IndexedGraph<'_>, new: &IndexedGraph<'_>, layers: &mut LayerPairs) {
    let mut holders: FxHashMap<u64, (Vec<Layer>, Vec<Layer>)> = FxHashMap::default();
    let free_old: Vec<Layer> = unpaired_layers(&layers.0);
    let free_new: Vec<Layer> = unpaired_layers(&layers.1);
    if free_old.is_empty() || free_new.is_empty() {
        return;
    }
    let (old_class, new_class) =
        (classes_regardless_of_definition(old), classes_regardless_of_definition(new));
    let old_signs = Signatures::new(old, &old_class);
    let new_signs = Signatures::new(new, &new_class);
    for &layer in &free_old {
        for spot in old.nodes_in(layer) {
            holders.entry(old_signs.get(0, spot)).or_default().0.push(layer);
        }
    }
    for &layer in &free_new {
        for spot in new.nodes_in(layer) {
            holders.entry(new_signs.get(0, spot)).or_default().1.push(layer);
        }
    }
    let mut votes: FxHashMap<(Layer, Layer), usize> = FxHashMap::default();
    for (before, after) in holders.values() {
        if before.len() <= MAX_SHARING_DEFINITIONS && after.len() <= MAX_SHARING_DEFINITIONS {
            for pair in before.iter().flat_map(|&b| after.iter().map(move |&a| (b, a))) {
                *votes.entry(pair).or_default() += 1;
            }
        }
    }
    let mut ranked: Vec<_> = votes.into_iter().collect();
    ranked.sort_unstable_by_key(|&(pair, votes)| (std::cmp::Reverse(votes), pair));
    for ((before, after), votes) in ranked {
        let size = old.nodes_in(before).len().max(new.nodes_in(after).len());
        let names = [old.definition(before), new.definition(after)];
        let named = names.map(|d| d.map(|d| d.name()).filter(|name| !name.is_empty()));
        let same_name = named[0].is_some() && named[0] == named[1];
        if votes * 2 >= size || (same_name && votes * 4 >= size) {
            insert_pair(layers, before, after);
        }
    }
}

fn unpaired_layers(layers: &[Option<Layer>]) -> Vec<Layer> {
    (0..layers.len()).filter(|&layer| layers[layer].is_none()).collect()
}

/// Classes in which every instance of a subgraph is of one: which definition is which is not
/// known yet.
fn classes_regardless_of_definition(indexed: &IndexedGraph<'_>) -> Vec<u64> {
    let subgraph = fx_hash("a subgraph");
    let class = |spot| match indexed.definition_layer(spot) {
        Some(_) => subgraph,
        None => fx_hash(indexed.nodes[spot].class()),
    };
    (0..indexed.nodes.len()).map(class).collect()
}
