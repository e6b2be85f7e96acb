//! What else lies in a graph: bends of links, loose links, and damage. None of it runs, so
//! none of it is ever a conflict; where both sides changed it, ours stands.

use rustc_hash::{FxHashMap, FxHashSet};

use super::json_merge::combined_order;
use super::three_way::ThreeWay;
use crate::graph::{
    FxIndexMap, Graph, Link, LinkId, Reroute, RerouteId, UntypedElement, UntypedElements,
};
use crate::json::{JsonStyle, Value, print};

/// Merges the bends of links and makes them agree with the merged links.
pub(super) fn merge_reroutes(merged: &mut Graph, graphs: ThreeWay<&Graph>) {
    let lists = graphs.map(|graph| &graph.reroutes);
    let mut reroutes: FxIndexMap<RerouteId, Reroute> = FxIndexMap::default();
    for id in lists.ours.keys().chain(lists.theirs.keys()) {
        if reroutes.contains_key(id) {
            continue;
        }
        let states = lists.map(|list| list.get(id));
        let plain = states.map(|reroute| reroute.map(reroute_without_links));
        if let Some(reroute) = states.get(plain.settle().winning_side()) {
            reroutes.insert(*id, (*reroute).clone());
        }
    }
    for link in merged.links.values_mut().chain(&mut merged.floating) {
        if link.parent().is_some_and(|parent| !reroutes.contains_key(&parent)) {
            link.set_parent(None);
        }
    }
    let mut through: FxHashMap<RerouteId, Vec<LinkId>> = FxHashMap::default();
    for link in merged.links.values() {
        let mut parent = link.parent();
        let mut seen = FxHashSet::default();
        while let Some(id) = parent.filter(|id| seen.insert(*id)) {
            through.entry(id).or_default().push(link.id());
            parent = reroutes.get(&id).and_then(Reroute::parent);
        }
    }
    let known: FxHashSet<RerouteId> = reroutes.keys().copied().collect();
    // A bend that no link passes any more is gone: ComfyUI would drop it on opening.
    reroutes.retain(|id, reroute| {
        through.contains_key(id) || reroute.links().next().is_none() || is_floating(reroute)
    });
    for (id, reroute) in &mut reroutes {
        if reroute.parent().is_some_and(|parent| !known.contains(&parent)) {
            reroute.raw_mut().remove("parentId");
        }
        let mut links = through.remove(id).unwrap_or_default();
        links.sort_unstable();
        let mut says: Vec<LinkId> = reroute.links().collect();
        says.sort_unstable();
        if says != links {
            let links: Vec<Value> = links.into_iter().map(LinkId::to_value).collect();
            reroute.raw_mut().insert("linkIds", links);
        }
    }
    merged.reroutes = reroutes;
}

fn reroute_without_links(reroute: &Reroute) -> Value {
    let mut raw = reroute.raw().clone();
    raw.remove("linkIds");
    Value::Object(raw)
}

fn is_floating(reroute: &Reroute) -> bool {
    reroute.raw().get("floating").is_some_and(|floating| !floating.is_null())
}

/// Loose links: those of either side that neither took away and whose one end is there.
pub(super) fn merge_floating_links(merged: &Graph, graphs: ThreeWay<&Graph>) -> Vec<Link> {
    let lists = graphs.map(|graph| graph.floating.as_slice());
    let order = combined_order(link_ids(lists.ours), &link_ids(lists.theirs));
    let find = |list: &'_ [Link], id: LinkId| list.iter().find(|link| link.id() == id).cloned();
    let settled = order.into_iter().filter_map(|id| {
        let states = lists.map(|list| find(list, id));
        let winner = states.settle().winning_side();
        states.get(winner).clone()
    });
    let there = |link: &Link| {
        let ends = [link.from().node_id(), link.to().node_id()];
        ends.into_iter().flatten().all(|id| merged.nodes.contains_key(id))
    };
    settled.filter(there).collect()
}

fn link_ids(list: &[Link]) -> Vec<LinkId> {
    list.iter().map(Link::id).collect()
}

/// Elements that could not be typed: those of either side that neither took away.
pub(super) fn merge_untyped(graphs: ThreeWay<&Graph>) -> UntypedElements {
    let of = |list: fn(&UntypedElements) -> &Vec<UntypedElement>| {
        let lists = graphs.map(|graph| list(&graph.untyped).as_slice());
        if lists.theirs == lists.base || lists.theirs == lists.ours {
            return lists.ours.to_vec();
        }
        let texts = lists.map(|list| {
            list.iter().map(|odd| print(&odd.value, &JsonStyle::SAVE)).collect::<Vec<_>>()
        });
        let all = lists.ours.iter().zip(&texts.ours).chain(lists.theirs.iter().zip(&texts.theirs));
        let known: FxHashMap<&String, &UntypedElement> =
            all.map(|(odd, text)| (text, odd)).collect();
        let order = combined_order(texts.ours.clone(), &texts.theirs);
        let stays = |text: &&String| {
            !texts.base.contains(text) || (texts.ours.contains(text) && texts.theirs.contains(text))
        };
        let order: Vec<&String> = order.iter().filter(stays).collect();
        order.into_iter().filter_map(|text| known.get(text).map(|odd| (*odd).clone())).collect()
    };
    UntypedElements {
        nodes: of(|odd| &odd.nodes),
        links: of(|odd| &odd.links),
        groups: of(|odd| &odd.groups),
        reroutes: of(|odd| &odd.reroutes),
        floating: of(|odd| &odd.floating),
        extensions: of(|odd| &odd.extensions),
    }
}
