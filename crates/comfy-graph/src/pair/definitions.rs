//! Pairs subgraph definitions: by uuid, then by the instances that stand in one place, then
//! by what is inside.

use rustc_hash::FxHashMap;

use super::indexed_graph::{IndexedGraph, Layer};
use super::signature::{Signatures, hash};

/// Partners of graphs in both directions. The roots are each other's.
pub(super) type Layers = (Vec<Option<Layer>>, Vec<Option<Layer>>);

/// How many definitions may share a node for it to count as evidence.
const COMMON: usize = 4;

pub(super) fn pair(old: &IndexedGraph<'_>, new: &IndexedGraph<'_>) -> Layers {
    let mut layers = (vec![None; old.layers.len()], vec![None; new.layers.len()]);
    set(&mut layers, 0, 0);
    for (at, id) in old.workflow.definitions.keys().enumerate() {
        if let Some(partner) = new.workflow.definitions.get_index_of(id) {
            set(&mut layers, at + 1, partner + 1);
        }
    }
    if layers.0.iter().any(Option::is_none) && layers.1.iter().any(Option::is_none) {
        by_host(old, new, &mut layers);
        by_content(old, new, &mut layers);
    }
    layers
}

fn set(layers: &mut Layers, old: Layer, new: Layer) {
    if layers.0[old].is_none() && layers.1[new].is_none() {
        layers.0[old] = Some(new);
        layers.1[new] = Some(old);
    }
}

/// Instances with the same id in paired graphs are instances of the same definition,
/// given that these have a name or a node in common.
fn by_host(old: &IndexedGraph<'_>, new: &IndexedGraph<'_>, layers: &mut Layers) {
    // A pair of definitions may bring their inner instances together.
    let mut open: Vec<(Layer, Layer)> = pairs(layers);
    while let Some((old_layer, new_layer)) = open.pop() {
        for host in old.spots(old_layer) {
            let Some(before) = old.inside(host).filter(|&l| layers.0[l].is_none()) else {
                continue;
            };
            let after = new.spot(new_layer, old.id(host)).and_then(|spot| new.inside(spot));
            let Some(after) = after.filter(|&l| layers.1[l].is_none()) else { continue };
            if alike(old, before, new, after) {
                set(layers, before, after);
                open.push((before, after));
            }
        }
    }
}

fn pairs(layers: &Layers) -> Vec<(Layer, Layer)> {
    layers.0.iter().enumerate().filter_map(|(old, new)| Some((old, (*new)?))).collect()
}

fn alike(old: &IndexedGraph<'_>, before: Layer, new: &IndexedGraph<'_>, after: Layer) -> bool {
    let name = |net: &IndexedGraph<'_>, layer| net.definition(layer).map(|d| d.name().to_owned());
    let classes = |net: &IndexedGraph<'_>, layer| -> Vec<String> {
        net.spots(layer).map(|spot| net.nodes[spot].class().to_owned()).collect()
    };
    let of_new = classes(new, after);
    name(old, before) == name(new, after)
        || classes(old, before).iter().any(|class| of_new.contains(class))
}

/// Definitions vote for each other with every node they have in common; the most votes
/// win. A node that many definitions have says nothing.
fn by_content(old: &IndexedGraph<'_>, new: &IndexedGraph<'_>, layers: &mut Layers) {
    let mut holders: FxHashMap<u64, (Vec<Layer>, Vec<Layer>)> = FxHashMap::default();
    let free_old: Vec<Layer> = free(&layers.0);
    let free_new: Vec<Layer> = free(&layers.1);
    if free_old.is_empty() || free_new.is_empty() {
        return;
    }
    let (old_signs, new_signs) = (signs(old), signs(new));
    for &layer in &free_old {
        for spot in old.spots(layer) {
            holders.entry(old_signs.at(0, spot)).or_default().0.push(layer);
        }
    }
    for &layer in &free_new {
        for spot in new.spots(layer) {
            holders.entry(new_signs.at(0, spot)).or_default().1.push(layer);
        }
    }
    let mut votes: FxHashMap<(Layer, Layer), usize> = FxHashMap::default();
    for (before, after) in holders.values() {
        if before.len() <= COMMON && after.len() <= COMMON {
            for pair in before.iter().flat_map(|&b| after.iter().map(move |&a| (b, a))) {
                *votes.entry(pair).or_default() += 1;
            }
        }
    }
    let mut ranked: Vec<_> = votes.into_iter().collect();
    ranked.sort_unstable_by_key(|&(pair, votes)| (std::cmp::Reverse(votes), pair));
    for ((before, after), votes) in ranked {
        let size = old.spots(before).len().max(new.spots(after).len());
        let names = [old.definition(before), new.definition(after)];
        let named = names.map(|d| d.map(|d| d.name()).filter(|name| !name.is_empty()));
        let same_name = named[0].is_some() && named[0] == named[1];
        if votes * 2 >= size || (same_name && votes * 4 >= size) {
            set(layers, before, after);
        }
    }
}

fn free(layers: &[Option<Layer>]) -> Vec<Layer> {
    (0..layers.len()).filter(|&layer| layers[layer].is_none()).collect()
}

/// Signatures in which every instance of a subgraph is of one class: which definition is
/// which is not known yet.
fn signs(net: &IndexedGraph<'_>) -> Signatures {
    let subgraph = hash("a subgraph");
    Signatures::of(net, |spot| match net.inside(spot) {
        Some(_) => subgraph,
        None => hash(net.nodes[spot].class()),
    })
}
