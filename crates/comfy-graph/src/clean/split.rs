//! Takes layout out of an object; `restore` is its twin. What is taken out mirrors the
//! object it came from: the layout of node 4's second input lies under `nodes`, fourth
//! element, `inputs`, second element.
//!
//! Two members that no rule moves say what order knew: `#keys`, the keys of an object
//! that were not in the writer's order, and `#order`, where each element of a sorted list
//! belongs. Must not know files, styles or where layouts are kept.

use super::LayoutMode;
use super::policy::{IdCounter, MemberRule, ObjectPolicy};
use crate::graph::MAX_DEFINITION_DEPTH;
use crate::json::{JsonKey, Number, Object, Value};

pub(super) const KEYS_MEMBER: &str = "#keys";
pub(super) const ORDER_MEMBER: &str = "#order";
pub(super) const ITEMS_MEMBER: &str = "#items";

/// The largest id of each kind over the root graph and all definitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct HighestIds {
    node: i64,
    link: i64,
    group: i64,
    reroute: i64,
}

impl HighestIds {
    pub(super) fn from_workflow(workflow: &Object) -> Self {
        let mut maxima = HighestIds::default();
        maxima.add_graph(workflow, 0);
        maxima
    }

    fn add_graph(&mut self, graph: &Object, depth: usize) {
        let largest = |object: &Object, key: &str, so_far: &mut i64| {
            let elements = object.get(key).and_then(Value::as_array).unwrap_or_default();
            for id in elements.iter().filter_map(element_id).filter_map(Value::as_i64) {
                *so_far = (*so_far).max(id);
            }
        };
        largest(graph, "nodes", &mut self.node);
        largest(graph, "links", &mut self.link);
        largest(graph, "floatingLinks", &mut self.link);
        largest(graph, "groups", &mut self.group);
        largest(graph, "reroutes", &mut self.reroute);
        if let Some(extra) = graph.get("extra").and_then(Value::as_object) {
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
pub(super) fn definitions(graph: &Object) -> impl Iterator<Item = &Object> {
    let list = graph.get("definitions").and_then(|d| d.get("subgraphs"));
    list.and_then(Value::as_array).unwrap_or_default().iter().filter_map(Value::as_object)
}

/// The subgraph definitions that lie directly in a graph, to change.
pub(super) fn definitions_mut(graph: &mut Object) -> impl Iterator<Item = &mut Object> {
    let list = graph.get_mut("definitions").and_then(|d| d.get_mut("subgraphs"));
    let list = list.and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// The id of a list element: the member `id`, or the first element of a link array.
pub(super) fn element_id(element: &Value) -> Option<&Value> {
    match element {
        Value::Object(object) => object.get("id"),
        Value::Array(row) => row.first(),
        _ => None,
    }
}

/// What a split needs to know of the whole file.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayoutSplitter {
    pub(super) mode: LayoutMode,
    pub(super) highest_ids: HighestIds,
}

impl LayoutSplitter {
    /// Takes the layout out of an object and puts its members into canonical order.
    pub(super) fn split_object(&self, object: &mut Object, class: &ObjectPolicy) -> Object {
        let mut aside = Object::new();
        if let Some(keys) = sort_members(object, class) {
            aside.insert(KEYS_MEMBER, keys);
        }
        let mut next = 0;
        object.retain(|key, value| match class.find_rule(key, next) {
            None => true,
            Some((at, rule)) => {
                next = at + 1;
                self.apply_rule(rule, key, value, &mut aside)
            }
        });
        if !aside.is_empty() && !class.identity.is_empty() {
            let identity = class.identity.iter();
            let identity = identity.filter_map(|k| Some((JsonKey::new(k), object.get(k)?.clone())));
            aside = identity.chain(aside).collect();
        }
        aside
    }

    /// Applies one rule; whether the member stays.
    fn apply_rule(
        &self,
        rule: MemberRule,
        key: &str,
        value: &mut Value,
        aside: &mut Object,
    ) -> bool {
        let strips = self.mode == LayoutMode::Strip;
        match rule {
            MemberRule::Content => true,
            MemberRule::Layout if !strips => true,
            MemberRule::Layout | MemberRule::Volatile => {
                aside.append(key, std::mem::take(value));
                false
            }
            MemberRule::Box(_) | MemberRule::Point if !strips => true,
            MemberRule::Box(corners) => {
                let constant = Value::from(corners.to_vec());
                aside.append(key, std::mem::replace(value, constant));
                true
            }
            MemberRule::Point => {
                let constant = Value::from(vec![0_i64, 0]);
                aside.append(key, std::mem::replace(value, constant));
                true
            }
            MemberRule::Counter(counter) => {
                self.split_counter(counter, key, value, aside);
                true
            }
            MemberRule::SortedIds => {
                sort_link_ids(key, value, aside);
                true
            }
            MemberRule::Object(class) => {
                if let Value::Object(object) = value {
                    let inner = self.split_object(object, class);
                    if !inner.is_empty() {
                        aside.append(key, Value::Object(inner));
                    }
                }
                true
            }
            MemberRule::Flags(_) if !strips => true,
            MemberRule::Flags(class) | MemberRule::Marks(class) => {
                self.split_flags(class, key, value, aside)
            }
            MemberRule::Sorted(class) => {
                self.split_list(class, ListOrder::ById, key, value, aside);
                true
            }
            MemberRule::List(class) => {
                self.split_list(class, ListOrder::None, key, value, aside);
                true
            }
        }
    }

    fn split_counter(&self, counter: IdCounter, key: &str, value: &mut Value, aside: &mut Object) {
        let Value::Number(number) = &*value else { return };
        let truth = Number::from(self.highest_ids.get(counter));
        if *number != truth {
            aside.append(key, std::mem::replace(value, Value::Number(truth)));
        }
    }

    fn split_flags(
        &self,
        class: &ObjectPolicy,
        key: &str,
        value: &mut Value,
        aside: &mut Object,
    ) -> bool {
        let Value::Object(flags) = value else { return true };
        let inner = self.split_object(flags, class);
        let stays = !flags.is_empty();
        if !stays || !inner.is_empty() {
            aside.append(key, Value::Object(inner));
        }
        stays
    }

    fn split_list(
        &self,
        class: &ObjectPolicy,
        sorting: ListOrder,
        key: &str,
        value: &mut Value,
        aside: &mut Object,
    ) {
        let Value::Array(elements) = value else { return };
        let order = match sorting {
            ListOrder::ById => sort_by_id(elements),
            ListOrder::None => None,
        };
        let mut items: Vec<Value> = Vec::new();
        for (at, element) in elements.iter_mut().enumerate() {
            let Value::Object(object) = element else { continue };
            let inner = self.split_object(object, class);
            if !inner.is_empty() {
                items.resize(at, Value::Null);
                items.push(Value::Object(inner));
            }
        }
        match order {
            None if items.is_empty() => {}
            None => aside.append(key, Value::Array(items)),
            Some(order) => {
                let mut both = Object::new();
                both.append(ORDER_MEMBER, order);
                both.append(ITEMS_MEMBER, Value::Array(items));
                aside.append(key, Value::Object(both));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ListOrder {
    ById,
    None,
}

/// Where a key stands in the canonical order; unknown ones come last.
pub(super) fn member_rank(class: &ObjectPolicy, key: &str, from: usize) -> usize {
    class.find_rule(key, from).map_or(usize::MAX, |(at, _)| at)
}

/// Puts members into canonical order. Gives the old order if that changed anything.
pub(super) fn sort_members(object: &mut Object, class: &ObjectPolicy) -> Option<Value> {
    let mut from = 0;
    let sorted = object.is_sorted_by_key(|key| {
        let place = member_rank(class, key, from);
        from = place.saturating_add(1).min(class.members.len());
        place
    });
    if sorted {
        return None;
    }
    let keys = object.keys().map(|key| Value::String(key.clone())).collect();
    object.sort_by_key(|key| member_rank(class, key, 0));
    Some(Value::Array(keys))
}

/// Sorts a list of whole numbers; other lists have no order we know of.
fn sort_link_ids(key: &str, value: &mut Value, aside: &mut Object) {
    let Value::Array(ids) = value else { return };
    if !ids.iter().all(|id| id.as_i64().is_some()) || ids.is_sorted_by_key(Value::as_i64) {
        return;
    }
    aside.append(key, Value::Array(ids.clone()));
    ids.sort_by_key(Value::as_i64);
}

/// The order of ids: whole numbers by value, then texts, then elements without one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum IdOrder<'a> {
    Number(i64),
    Text(&'a str),
    None,
}

pub(super) fn element_id_order(element: &Value) -> IdOrder<'_> {
    match element_id(element) {
        Some(Value::Number(number)) => number.as_i64().map_or(IdOrder::None, IdOrder::Number),
        Some(Value::String(text)) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == *text => IdOrder::Number(number),
            _ => IdOrder::Text(text),
        },
        _ => IdOrder::None,
    }
}

/// Sorts elements by id, equal ids in their old order. Gives, for each old place, the new
/// one, if anything moved.
fn sort_by_id(elements: &mut Vec<Value>) -> Option<Value> {
    if elements.is_sorted_by_key(|element| element_id_order(element)) {
        return None;
    }
    let mut old_places: Vec<usize> = (0..elements.len()).collect();
    old_places.sort_by_key(|&at| element_id_order(&elements[at]));
    let mut new_places = vec![0_usize; elements.len()];
    let mut taken: Vec<Value> = std::mem::take(elements);
    for (new, &old) in old_places.iter().enumerate() {
        new_places[old] = new;
        elements.push(std::mem::take(&mut taken[old]));
    }
    Some(Value::from(new_places))
}
