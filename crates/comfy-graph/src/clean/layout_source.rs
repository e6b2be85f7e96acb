//! Which place of one content is which place of another.
//!
//! Must not know how nodes are paired, nor what is done with places.

use rustc_hash::FxHashMap;

use super::clock::Clock;
use super::clocked_layout::{ClockedGraph, ClockedLayout, Placement};
use super::placement::{PlaceKey, PlaceKind, key_scope, node_key, scope_prefix};
use crate::graph::{GraphScope, NodeId, NodeKey};
use crate::json::{JsonKey, JsonPath};

/// Nodes of an earlier content and of the one at hand that are the same.
#[derive(Debug, Clone, Default)]
pub struct PlaceMatches {
    old_of: FxHashMap<PlaceKey, PlaceKey>,
    new_of: FxHashMap<PlaceKey, PlaceKey>,
    /// Definitions, by what stands before the names of their things.
    old_scope: FxHashMap<String, String>,
    new_scope: FxHashMap<String, String>,
    /// What is not named keeps its name.
    others_stay: bool,
}

impl PlaceMatches {
    /// All nodes keep their ids but these: a side of a merge and its result.
    pub fn from_renumbering(renumbered: &FxHashMap<NodeKey, NodeId>) -> PlaceMatches {
        let mut matches = PlaceMatches { others_stay: true, ..PlaceMatches::default() };
        for (old, id) in renumbered {
            let new = place_key(&NodeKey { scope: old.scope.clone(), id: id.clone() });
            let old = place_key(old);
            matches.old_of.insert(new.clone(), old.clone());
            matches.new_of.insert(old, new);
        }
        matches
    }

    /// Takes pairs of nodes, the earlier one first, and pairs of graphs.
    pub fn new(
        nodes: impl Iterator<Item = (NodeKey, NodeKey)>,
        scopes: impl Iterator<Item = (GraphScope, GraphScope)>,
    ) -> PlaceMatches {
        let mut matches = PlaceMatches::default();
        for (old, new) in scopes {
            let (old, new) = (scope_key_prefix(&old), scope_key_prefix(&new));
            matches.old_scope.insert(new.clone(), old.clone());
            matches.new_scope.insert(old, new);
        }
        for (old, new) in nodes {
            let (old, new) = (place_key(&old), place_key(&new));
            matches.old_of.insert(new.clone(), old.clone());
            matches.new_of.insert(old, new);
        }
        matches
    }

    fn old_key(&self, key: &str) -> Option<PlaceKey> {
        self.translate_key(key, [&self.old_of, &self.new_of], &self.old_scope)
    }

    fn new_key(&self, key: &str) -> Option<PlaceKey> {
        self.translate_key(key, [&self.new_of, &self.old_of], &self.new_scope)
    }

    fn translate_key(
        &self,
        key: &str,
        [there, back]: [&FxHashMap<PlaceKey, PlaceKey>; 2],
        scopes: &FxHashMap<String, String>,
    ) -> Option<PlaceKey> {
        if PlaceKind::from_key(key) == PlaceKind::Node {
            // An id that was given to another node is that one's now.
            let stays = self.others_stay && !back.contains_key(key);
            let named = there.get(key).cloned().or_else(|| stays.then(|| JsonKey::from(key)));
            // Nodes that share an id have no other name than their order.
            return named.or_else(|| {
                let (first, number) = key.split_once('#')?;
                Some(JsonKey::from(format!("{}#{number}", there.get(first)?)))
            });
        }
        let scope = key_scope(key);
        let turned = match scopes.get(scope) {
            Some(turned) => turned.as_str(),
            None if scope.is_empty() || self.others_stay => scope,
            None => return None,
        };
        Some(JsonKey::from(format!("{turned}{}", &key[scope.len()..])))
    }
}

fn scope_key_prefix(scope: &GraphScope) -> String {
    match scope {
        GraphScope::Root => String::new(),
        GraphScope::Definition(id) => scope_prefix(id.as_str()),
    }
}

fn place_key(node: &NodeKey) -> PlaceKey {
    let scope = match &node.scope {
        GraphScope::Root => String::new(),
        GraphScope::Definition(id) => id.as_str().to_owned(),
    };
    node_key(&scope, &node.id.to_string())
}

/// How the places of a layout belong to the content at hand.
#[derive(Debug, Clone, Copy)]
pub enum LayoutRelation<'a> {
    /// It is a layout of that very content.
    SameContent,
    /// It is of other content, nothing but which is known: ids and types must agree.
    ById,
    /// It is of other content, whose nodes were paired.
    Matched(&'a PlaceMatches),
}

impl LayoutRelation<'_> {
    /// The layout is one of the content at hand.
    pub fn is_same_content(self) -> bool {
        matches!(self, LayoutRelation::SameContent)
    }
}

/// A layout, and how it belongs to the content at hand.
#[derive(Debug, Clone, Copy)]
pub struct LayoutSource<'a> {
    /// The layout.
    pub layout: &'a ClockedLayout,
    /// Its places by the names they have in the content at hand.
    pub relation: LayoutRelation<'a>,
}

impl<'a> LayoutSource<'a> {
    pub(super) fn graph(self, at: &JsonPath) -> Option<&'a ClockedGraph> {
        self.layout.graphs.iter().find(|graph| graph.path == *at)
    }

    /// The name that a place of the content at hand has in the layout.
    pub(super) fn old_key(self, key: &str) -> Option<PlaceKey> {
        match self.relation {
            LayoutRelation::SameContent | LayoutRelation::ById => Some(JsonKey::from(key)),
            LayoutRelation::Matched(matches) => matches.old_key(key),
        }
    }

    /// The name that a place of the layout has in the content at hand.
    pub(super) fn new_key(self, key: &str) -> Option<PlaceKey> {
        match self.relation {
            LayoutRelation::SameContent | LayoutRelation::ById => Some(JsonKey::from(key)),
            LayoutRelation::Matched(matches) => matches.new_key(key),
        }
    }

    /// A place or an origin of the layout, with its group by the name that has in the content at
    /// hand.
    pub(super) fn with_renamed_group(self, place: &Placement) -> Placement {
        let mut place = place.clone();
        let anchor = place.frame.anchor.take();
        place.frame.anchor =
            anchor.and_then(|(group, origin)| Some((self.new_key(&group)?, origin)));
        place
    }

    /// When a place of one of its graphs was moved: with its group, if that is none of those
    /// that the content at hand has, by their names there.
    pub(super) fn last_move(
        self,
        graph: &ClockedGraph,
        place: &Placement,
        has_group: impl Fn(&PlaceKey) -> bool,
    ) -> Clock {
        let Some((group, _)) = &place.frame.anchor else { return place.moved };
        match self.new_key(group) {
            Some(group) if has_group(&group) => place.moved,
            _ => graph.last_move_with_groups(place),
        }
    }

    /// What the layout says about a place of the content at hand.
    pub(super) fn find_placement(
        self,
        at: &JsonPath,
        key: &str,
        class: &str,
    ) -> Option<(PlaceKey, &'a Placement)> {
        let old = self.old_key(key)?;
        let place = self.graph(at)?.places.get(&old)?;
        let is_guess = match self.relation {
            _ if key.contains('#') => true,
            LayoutRelation::ById => true,
            LayoutRelation::SameContent => false,
            LayoutRelation::Matched(matches) => matches.others_stay,
        };
        let is_same = PlaceKind::from_key(key) != PlaceKind::Node || place.class == class;
        (!is_guess || is_same).then_some((old, place))
    }
}

/// Whether a layout of other content would move anything of a content whose own layout is
/// known.
pub fn would_move(addition: LayoutSource<'_>, known: LayoutSource<'_>) -> bool {
    let adds_place = |graph: &ClockedGraph| {
        graph.places.iter().any(|(old, place)| {
            let Some(key) = addition.new_key(old) else { return false };
            let Some((_, here)) = addition.find_placement(&graph.path, &key, &place.class) else {
                return false;
            };
            // What is not in the other content has no place there.
            let Some(own_graph) = known.graph(&graph.path) else { return false };
            let Some((own_key, own)) = known.find_placement(&graph.path, &key, &place.class) else {
                return false;
            };
            let has_group = |group: &PlaceKey| {
                known.old_key(group).is_some_and(|group| own_graph.places.contains_key(&group))
            };
            let moved = addition.last_move(graph, here, has_group);
            let origins = graph.origins.get(old).zip(own_graph.origins.get(&own_key));
            moved > own.moved
                || (moved == own.moved && here.outranks(own))
                || origins.is_some_and(|(theirs, own)| theirs.outranks(own))
        })
    };
    addition.layout.graphs.iter().any(adds_place)
}

/// The places of a layout of which others know where somebody put them, by graph.
pub fn places_known_to(
    layout: LayoutSource<'_>,
    others: &[LayoutSource<'_>],
) -> Vec<(JsonPath, PlaceKey)> {
    let mut said = Vec::new();
    for graph in &layout.layout.graphs {
        for (old, place) in &graph.places {
            let is_said = layout.new_key(old).is_some_and(|key| {
                others.iter().any(|other| {
                    let said = other.find_placement(&graph.path, &key, &place.class);
                    said.is_some_and(|(_, known)| known.moved.is_by_person())
                })
            });
            if is_said {
                said.push((graph.path.clone(), old.clone()));
            }
        }
    }
    said
}
