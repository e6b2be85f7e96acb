//! Takes layout out of an object; `restore` is its twin. What is taken out mirrors the
//! object it came from: the layout of node 4's second input lies under `nodes`, fourth
//! element, `inputs`, second element.
//!
//! Two members that no rule moves say what order knew: `#keys`, the keys of an object
//! that were not in the writer's order, and `#order`, where each element of a sorted list
//! belongs. Must not know files, styles or where layouts are kept.

use super::Mode;
use super::policy::{Class, Counter, Rule};
use crate::json::{Key, Number, Object, Value};

pub(super) const KEYS: &str = "#keys";
pub(super) const ORDER: &str = "#order";
pub(super) const ITEMS: &str = "#items";

/// The largest id of each kind over the root graph and all definitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Maxima {
    node: i64,
    link: i64,
    group: i64,
    reroute: i64,
}

impl Maxima {
    pub(super) fn of(workflow: &Object) -> Self {
        let mut maxima = Maxima::default();
        maxima.take_in(workflow, 0);
        maxima
    }

    fn take_in(&mut self, graph: &Object, depth: usize) {
        let largest = |object: &Object, key: &str, so_far: &mut i64| {
            let elements = object.get(key).and_then(Value::as_array).unwrap_or_default();
            for id in elements.iter().filter_map(own_id).filter_map(Value::as_i64) {
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
        // Nested definitions are legal to read; no writer nests them deeply.
        if depth < 32 {
            for definition in definitions(graph) {
                self.take_in(definition, depth + 1);
            }
        }
    }

    fn get(&self, counter: Counter) -> i64 {
        match counter {
            Counter::Node => self.node,
            Counter::Link => self.link,
            Counter::Group => self.group,
            Counter::Reroute => self.reroute,
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

/// Puts members into the order in which ComfyUI writes them.
pub(super) fn put_in_writer_order(object: &mut Object, class: &Class) {
    sort_members(object, class);
}

/// The id of a list element: the member `id`, or the first element of a link array.
pub(super) fn own_id(element: &Value) -> Option<&Value> {
    match element {
        Value::Object(object) => object.get("id"),
        Value::Array(row) => row.first(),
        _ => None,
    }
}

/// What a split needs to know of the whole file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Splitter {
    pub(super) mode: Mode,
    pub(super) maxima: Maxima,
}

impl Splitter {
    /// Takes the layout out of an object and puts its members into canonical order.
    pub(super) fn split(&self, object: &mut Object, class: &Class) -> Object {
        let mut aside = Object::new();
        if let Some(keys) = sort_members(object, class) {
            aside.insert(KEYS, keys);
        }
        let mut next = 0;
        object.retain(|key, value| match class.find(key, next) {
            None => true,
            Some((at, rule)) => {
                next = at + 1;
                self.apply(rule, key, value, &mut aside)
            }
        });
        if !aside.is_empty() && !class.identity.is_empty() {
            let identity = class.identity.iter();
            let identity = identity.filter_map(|k| Some((Key::new(k), object.get(k)?.clone())));
            aside = identity.chain(aside).collect();
        }
        aside
    }

    /// Applies one rule; whether the member stays.
    fn apply(&self, rule: Rule, key: &str, value: &mut Value, aside: &mut Object) -> bool {
        let strips = self.mode == Mode::Strip;
        match rule {
            Rule::Content => true,
            Rule::Layout if !strips => true,
            Rule::Layout | Rule::Volatile => {
                aside.append(key, std::mem::take(value));
                false
            }
            Rule::Box(_) | Rule::Point if !strips => true,
            Rule::Box(corners) => {
                let constant = Value::from(corners.to_vec());
                aside.append(key, std::mem::replace(value, constant));
                true
            }
            Rule::Point => {
                let constant = Value::from(vec![0_i64, 0]);
                aside.append(key, std::mem::replace(value, constant));
                true
            }
            Rule::Counter(counter) => {
                self.count(counter, key, value, aside);
                true
            }
            Rule::SortedIds => {
                sort_ids(key, value, aside);
                true
            }
            Rule::Object(class) => {
                if let Value::Object(object) = value {
                    let inner = self.split(object, class);
                    if !inner.is_empty() {
                        aside.append(key, Value::Object(inner));
                    }
                }
                true
            }
            Rule::Flags(_) if !strips => true,
            Rule::Flags(class) | Rule::Marks(class) => self.flags(class, key, value, aside),
            Rule::Sorted(class) => {
                self.list(class, Sorting::ById, key, value, aside);
                true
            }
            Rule::List(class) => {
                self.list(class, Sorting::None, key, value, aside);
                true
            }
        }
    }

    fn count(&self, counter: Counter, key: &str, value: &mut Value, aside: &mut Object) {
        let Value::Number(number) = &*value else { return };
        let truth = Number::from(self.maxima.get(counter));
        if *number != truth {
            aside.append(key, std::mem::replace(value, Value::Number(truth)));
        }
    }

    fn flags(&self, class: &Class, key: &str, value: &mut Value, aside: &mut Object) -> bool {
        let Value::Object(flags) = value else { return true };
        let inner = self.split(flags, class);
        let stays = !flags.is_empty();
        if !stays || !inner.is_empty() {
            aside.append(key, Value::Object(inner));
        }
        stays
    }

    fn list(
        &self,
        class: &Class,
        sorting: Sorting,
        key: &str,
        value: &mut Value,
        aside: &mut Object,
    ) {
        let Value::Array(elements) = value else { return };
        let order = match sorting {
            Sorting::ById => sort_by_id(elements),
            Sorting::None => None,
        };
        let mut items: Vec<Value> = Vec::new();
        for (at, element) in elements.iter_mut().enumerate() {
            let Value::Object(object) = element else { continue };
            let inner = self.split(object, class);
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
                both.append(ORDER, order);
                both.append(ITEMS, Value::Array(items));
                aside.append(key, Value::Object(both));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sorting {
    ById,
    None,
}

/// Where a key stands in the canonical order; unknown ones come last.
pub(super) fn rank(class: &Class, key: &str, from: usize) -> usize {
    class.find(key, from).map_or(usize::MAX, |(at, _)| at)
}

/// Puts members into canonical order. Gives the old order if that changed anything.
fn sort_members(object: &mut Object, class: &Class) -> Option<Value> {
    let mut from = 0;
    let sorted = object.is_sorted_by_key(|key| {
        let place = rank(class, key, from);
        from = place.saturating_add(1).min(class.members.len());
        place
    });
    if sorted {
        return None;
    }
    let keys = object.keys().map(|key| Value::String(key.clone())).collect();
    object.sort_by_key(|key| rank(class, key, 0));
    Some(Value::Array(keys))
}

/// Sorts a list of whole numbers; other lists have no order we know of.
fn sort_ids(key: &str, value: &mut Value, aside: &mut Object) {
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

pub(super) fn id_order(element: &Value) -> IdOrder<'_> {
    match own_id(element) {
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
    if elements.is_sorted_by_key(|element| id_order(element)) {
        return None;
    }
    let mut old_places: Vec<usize> = (0..elements.len()).collect();
    old_places.sort_by_key(|&at| id_order(&elements[at]));
    let mut new_places = vec![0_usize; elements.len()];
    let mut taken: Vec<Value> = std::mem::take(elements);
    for (new, &old) in old_places.iter().enumerate() {
        new_places[old] = new;
        elements.push(std::mem::take(&mut taken[old]));
    }
    Some(Value::from(new_places))
}
