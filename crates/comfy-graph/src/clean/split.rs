//! Takes layout out of an object; `restore` is its twin. What is taken out mirrors the
//! object it came from: the layout of node 4's second input lies under `nodes`, fourth
//! element, `inputs`, second element.
//!
//! Two members that no rule moves say what order knew: `#keys`, the keys of an object
//! that were not in the writer's order, and `#order`, where each element of a sorted list
//! belongs. Must not know files, styles or where layouts are kept.

use std::borrow::Cow;

use super::LayoutMode;
use super::policy::{IdCounter, MemberRank, MemberRule, ObjectPolicy};
use crate::graph::MAX_DEFINITION_DEPTH;
use crate::json::{JsonNumber, JsonObject, JsonText, JsonValue};

pub(super) const KEYS_MEMBER: &str = "#keys";
pub(super) const ORDER_MEMBER: &str = "#order";
pub(super) const ITEMS_MEMBER: &str = "#items";

/// Position, size, flags and order of a node, its slots, and what it is known by.
const USUAL_LAYOUT_MEMBERS: usize = 8;

/// The largest id of each kind over the root graph and all definitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct HighestIds {
    node: i64,
    link: i64,
    group: i64,
    reroute: i64,
}

impl HighestIds {
    pub(super) fn from_workflow<T: JsonText>(workflow: &JsonObject<T>) -> Self {
        let mut maxima = HighestIds::default();
        maxima.add_graph(workflow, 0);
        maxima
    }

    fn add_graph<T: JsonText>(&mut self, graph: &JsonObject<T>, depth: usize) {
        let largest = |object: &JsonObject<T>, key: &str, so_far: &mut i64| {
            let elements = object.get(key).and_then(JsonValue::as_array).unwrap_or_default();
            for id in elements.iter().filter_map(element_id).filter_map(JsonValue::as_i64) {
                *so_far = (*so_far).max(id);
            }
        };
        largest(graph, "nodes", &mut self.node);
        largest(graph, "links", &mut self.link);
        largest(graph, "floatingLinks", &mut self.link);
        largest(graph, "groups", &mut self.group);
        largest(graph, "reroutes", &mut self.reroute);
        if let Some(extra) = graph.get("extra").and_then(JsonValue::as_object) {
            largest(extra, "reroutes", &mut self.reroute);
        }
        if depth < MAX_DEFINITION_DEPTH {
            for definition in definitions(graph) {
                self.add_graph(definition, depth + 1);
            }
        }
    }

    fn get(&self, counter: IdCounter) -> i64 {
        match counter {
            IdCounter::Node => self.node,
            IdCounter::Link => self.link,
            IdCounter::Group => self.group,
            IdCounter::Reroute => self.reroute,
        }
    }
}

/// The subgraph definitions that lie directly in a graph.
pub(super) fn definitions<T: JsonText>(
    graph: &JsonObject<T>,
) -> impl Iterator<Item = &JsonObject<T>> {
    let list = graph.get("definitions").and_then(|d| d.get("subgraphs"));
    list.and_then(JsonValue::as_array).unwrap_or_default().iter().filter_map(JsonValue::as_object)
}

/// The subgraph definitions that lie directly in a graph, to change.
pub(super) fn definitions_mut<T: JsonText>(
    graph: &mut JsonObject<T>,
) -> impl Iterator<Item = &mut JsonObject<T>> {
    let list = graph.get_mut("definitions").and_then(|d| d.get_mut("subgraphs"));
    let list = list.and_then(JsonValue::as_array_mut);
    list.into_iter().flatten().filter_map(JsonValue::as_object_mut)
}

/// The id of a list element: the member `id`, or the first element of a link array.
pub(super) fn element_id<T: JsonText>(element: &JsonValue<T>) -> Option<&JsonValue<T>> {
    match element {
        JsonValue::Object(object) => object.get("id"),
        JsonValue::Array(row) => row.first(),
        _ => None,
    }
}

/// What a split needs to know of the whole file.
#[derive(Debug, Clone)]
pub(super) struct LayoutSplitter {
    mode: LayoutMode,
    highest_ids: HighestIds,
    /// The ranks of the members of the objects that are being split, the innermost last.
    ranks: Vec<MemberRank>,
}

impl LayoutSplitter {
    pub(super) fn new(mode: LayoutMode, highest_ids: HighestIds) -> Self {
        LayoutSplitter { mode, highest_ids, ranks: Vec::new() }
    }

    /// Takes the layout out of an object and puts its members into canonical order.
    pub(super) fn split_object<T: JsonText>(
        &mut self,
        object: &mut JsonObject<T>,
        class: &ObjectPolicy,
    ) -> JsonObject<T> {
        let mut aside = match class.identity {
            [] => JsonObject::new(),
            _ => JsonObject::with_capacity(USUAL_LAYOUT_MEMBERS),
        };
        let first = self.ranks.len();
        if !class.rank_members(object.keys(), &mut self.ranks) {
            let keys = object.keys().map(|key| JsonValue::String(key.clone())).collect();
            aside.append(T::from_static(KEYS_MEMBER), JsonValue::Array(keys));
            sort_by_rank(object, &mut self.ranks[first..]);
        }
        object.take_members(|at, key, value| match class.rule(self.ranks[first + at]) {
            None | Some(MemberRule::Content) => false,
            Some(rule) => self.take_member(rule, key, value, &mut aside),
        });
        self.ranks.truncate(first);
        if !aside.is_empty() && !class.identity.is_empty() {
            let identity = class.identity.iter();
            let identity =
                identity.filter_map(|key| Some((T::from_static(key), object.get(key)?.clone())));
            aside.prepend(identity);
        }
        aside
    }

    /// Applies one rule; whether the member goes.
    fn take_member<T: JsonText>(
        &mut self,
        rule: &MemberRule,
        key: &mut T,
        value: &mut JsonValue<T>,
        aside: &mut JsonObject<T>,
    ) -> bool {
        let strips = self.mode == LayoutMode::Strip;
        match *rule {
            MemberRule::Content => false,
            MemberRule::Layout if !strips => false,
            MemberRule::Layout | MemberRule::Volatile => {
                aside.append(std::mem::take(key), std::mem::take(value));
                true
            }
            MemberRule::Box(_) | MemberRule::Point if !strips => false,
            MemberRule::Box(corners) => {
                let constant = numbers(corners);
                aside.append(key.clone(), std::mem::replace(value, constant));
                false
            }
            MemberRule::Point => {
                let constant = numbers([0, 0]);
                aside.append(key.clone(), std::mem::replace(value, constant));
                false
            }
            MemberRule::Counter(counter) => {
                self.split_counter(counter, key, value, aside);
                false
            }
            MemberRule::SortedIds => {
                sort_link_ids(key, value, aside);
                false
            }
            MemberRule::Object(class) => {
                if let JsonValue::Object(object) = value {
                    let inner = self.split_object(object, class);
                    if !inner.is_empty() {
                        aside.append(key.clone(), JsonValue::Object(inner));
                    }
                }
                false
            }
            MemberRule::Flags(_) if !strips => false,
            MemberRule::Flags(class) | MemberRule::Marks(class) => {
                self.take_flags(class, key, value, aside)
            }
            MemberRule::Sorted(class) => {
                self.split_list(class, ListOrder::ById, key, value, aside);
                false
            }
            MemberRule::List(class) => {
                self.split_list(class, ListOrder::None, key, value, aside);
                false
            }
        }
    }

    fn split_counter<T: JsonText>(
        &self,
        counter: IdCounter,
        key: &T,
        value: &mut JsonValue<T>,
        aside: &mut JsonObject<T>,
    ) {
        let JsonValue::Number(number) = &*value else { return };
        let truth = JsonNumber::whole(self.highest_ids.get(counter));
        if *number != truth {
            aside.append(key.clone(), std::mem::replace(value, JsonValue::Number(truth)));
        }
    }

    /// Takes flags out; whether nothing is left.
    fn take_flags<T: JsonText>(
        &mut self,
        class: &ObjectPolicy,
        key: &T,
        value: &mut JsonValue<T>,
        aside: &mut JsonObject<T>,
    ) -> bool {
        let JsonValue::Object(flags) = value else { return false };
        let inner = self.split_object(flags, class);
        let goes = flags.is_empty();
        if goes || !inner.is_empty() {
            aside.append(key.clone(), JsonValue::Object(inner));
        }
        goes
    }

    fn split_list<T: JsonText>(
        &mut self,
        class: &ObjectPolicy,
        sorting: ListOrder,
        key: &T,
        value: &mut JsonValue<T>,
        aside: &mut JsonObject<T>,
    ) {
        let JsonValue::Array(elements) = value else { return };
        let order = match sorting {
            ListOrder::ById => sort_by_id(elements),
            ListOrder::None => None,
        };
        let count = elements.len();
        let mut items: Vec<JsonValue<T>> = Vec::new();
        for (at, element) in elements.iter_mut().enumerate() {
            let JsonValue::Object(object) = element else { continue };
            let inner = self.split_object(object, class);
            if !inner.is_empty() {
                if items.is_empty() {
                    items.reserve_exact(count);
                }
                items.resize(at, JsonValue::Null);
                items.push(JsonValue::Object(inner));
            }
        }
        match order {
            None if items.is_empty() => {}
            None => aside.append(key.clone(), JsonValue::Array(items)),
            Some(order) => {
                let mut both = JsonObject::new();
                both.append(T::from_static(ORDER_MEMBER), order);
                both.append(T::from_static(ITEMS_MEMBER), JsonValue::Array(items));
                aside.append(key.clone(), JsonValue::Object(both));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ListOrder {
    ById,
    None,
}

/// A list of whole numbers.
fn numbers<T: JsonText>(values: impl IntoIterator<Item = i64>) -> JsonValue<T> {
    let numbers = values.into_iter().map(|value| JsonValue::Number(JsonNumber::whole(value)));
    JsonValue::Array(numbers.collect())
}

/// Puts members into canonical order.
pub(super) fn sort_members<T: JsonText>(object: &mut JsonObject<T>, class: &ObjectPolicy) {
    let mut ranks = Vec::with_capacity(object.len());
    if !class.rank_members(object.keys(), &mut ranks) {
        sort_by_rank(object, &mut ranks);
    }
}

/// Sorts members and their ranks; equal ranks keep their order. Nearly all are in order.
pub(super) fn sort_by_rank<T>(object: &mut JsonObject<T>, ranks: &mut [MemberRank]) {
    let members = object.members_mut();
    for at in 1..ranks.len() {
        let place = ranks[..at].partition_point(|rank| *rank <= ranks[at]);
        ranks[place..=at].rotate_right(1);
        members[place..=at].rotate_right(1);
    }
}

/// Sorts a list of whole numbers; other lists have no order we know of.
fn sort_link_ids<T: JsonText>(key: &T, value: &mut JsonValue<T>, aside: &mut JsonObject<T>) {
    let JsonValue::Array(ids) = value else { return };
    if !ids.iter().all(|id| id.as_i64().is_some()) || ids.is_sorted_by_key(JsonValue::as_i64) {
        return;
    }
    aside.append(key.clone(), JsonValue::Array(ids.clone()));
    ids.sort_by_key(JsonValue::as_i64);
}

/// The order of ids: whole numbers by value, then texts, then elements without one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum IdOrder<'a> {
    Number(i64),
    Text(Cow<'a, str>),
    None,
}

pub(super) fn element_id_order<T: JsonText>(element: &JsonValue<T>) -> IdOrder<'_> {
    match element_id(element) {
        Some(JsonValue::Number(number)) => number.as_i64().map_or(IdOrder::None, IdOrder::Number),
        Some(JsonValue::String(text)) => {
            let text = text.decode();
            match text.parse::<i64>() {
                Ok(number) if number.to_string() == text => IdOrder::Number(number),
                _ => IdOrder::Text(text),
            }
        }
        _ => IdOrder::None,
    }
}

/// Sorts elements by id, equal ids in their old order. Gives, for each old place, the new
/// one, if anything moved.
fn sort_by_id<T: JsonText>(elements: &mut Vec<JsonValue<T>>) -> Option<JsonValue<T>> {
    if elements.is_sorted_by_key(|element| element_id_order(element)) {
        return None;
    }
    let mut old_places: Vec<usize> = (0..elements.len()).collect();
    old_places.sort_by_cached_key(|&at| element_id_order(&elements[at]));
    let mut new_places = vec![0; elements.len()];
    let mut taken = std::mem::take(elements);
    for (new, &old) in (0..).zip(&old_places) {
        new_places[old] = new;
        elements.push(std::mem::take(&mut taken[old]));
    }
    Some(numbers(new_places))
}
