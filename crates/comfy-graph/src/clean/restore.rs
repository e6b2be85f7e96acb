//! Puts layout back into an object: the twin of `split`.
//!
//! A layout that was split off exactly this content brings everything back; one from
//! another state of the file, or from a stranger, can change looks but never content.
//! Must not know files, styles or where layouts are kept.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::policy::{MemberRank, MemberRule, ObjectPolicy, UNKNOWN_RANK};
use super::split::{ITEMS_MEMBER, KEYS_MEMBER, ORDER_MEMBER, element_id_order, sort_by_rank};
use crate::json::{JsonObject, JsonText, JsonValue};

/// How far the layout belongs to the content it is put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LayoutFit {
    /// It was split off exactly this content: everything goes back, orders too.
    Exact,
    /// It is from another state of the file: only what is layout, matched by identity.
    Related,
}

pub(super) fn restore_object<T: JsonText>(
    object: &mut JsonObject<T>,
    aside: JsonObject<T>,
    class: &ObjectPolicy,
    fit: LayoutFit,
) {
    LayoutRestorer { fit, ranks: Vec::new() }.restore_object(object, aside, class);
}

struct LayoutRestorer {
    fit: LayoutFit,
    /// The ranks of the members of the objects that are being restored, the innermost last.
    ranks: Vec<MemberRank>,
}

impl LayoutRestorer {
    fn restore_object<T: JsonText>(
        &mut self,
        object: &mut JsonObject<T>,
        aside: JsonObject<T>,
        class: &ObjectPolicy,
    ) {
        let first = self.ranks.len();
        let mut is_sorted = class.rank_members(object.keys(), &mut self.ranks);
        let mut keys = None;
        let mut needs_order = false;
        for (key, value) in aside {
            if key.is(KEYS_MEMBER) {
                keys = Some(value);
                continue;
            }
            let rank = class.rank(&key);
            let Some(rule) = class.rule(rank) else { continue };
            needs_order |= matches!(rule, MemberRule::Flags(_) | MemberRule::Marks(_));
            let place = self.ranks[first..].iter().position(|known| match is_sorted {
                true => *known >= rank,
                false => *known == rank,
            });
            let place = place.filter(|at| self.ranks[first + at] == rank);
            let place = place.map(|at| &mut object.members_mut()[at].1);
            let Some(value) = self.restore_member(place, &key, value, rule) else { continue };
            if !is_sorted {
                sort_by_rank(object, &mut self.ranks[first..]);
                is_sorted = true;
            }
            self.insert_by_rank(object, first, rank, (key, value));
        }
        if needs_order && !is_sorted {
            sort_by_rank(object, &mut self.ranks[first..]);
        }
        self.ranks.truncate(first);
        if let (Some(JsonValue::Array(keys)), LayoutFit::Exact) = (keys, self.fit) {
            restore_key_order(object, &keys, class);
        }
    }

    /// Puts a member between members that are in the order of their table.
    fn insert_by_rank<T: JsonText>(
        &mut self,
        object: &mut JsonObject<T>,
        first: usize,
        rank: MemberRank,
        (key, value): (T, JsonValue<T>),
    ) {
        let place = self.ranks[first..].iter().position(|before| *before >= rank);
        let place = place.unwrap_or(object.len());
        if self.ranks.get(first + place) == Some(&rank) {
            object.members_mut()[place].1 = value;
        } else {
            self.ranks.insert(first + place, rank);
            object.members_mut().insert(place, (key, value));
        }
    }

    /// Puts one member back at its place if it is still there; gives the value of one that has
    /// to come in anew.
    fn restore_member<T: JsonText>(
        &mut self,
        place: Option<&mut JsonValue<T>>,
        key: &T,
        value: JsonValue<T>,
        rule: &MemberRule,
    ) -> Option<JsonValue<T>> {
        let is_exact = self.fit == LayoutFit::Exact;
        match (*rule, place) {
            (MemberRule::Layout | MemberRule::Volatile, _) => {
                return (is_exact || is_usable_geometry(key, &value)).then_some(value);
            }
            (MemberRule::Box(_) | MemberRule::Point, Some(place))
                if is_exact || is_usable_geometry(key, &value) =>
            {
                *place = value;
            }
            (MemberRule::Counter(_), Some(place @ JsonValue::Number(_)))
                if is_exact && matches!(value, JsonValue::Number(_)) =>
            {
                *place = value;
            }
            (MemberRule::SortedIds, Some(place))
                if is_exact && is_sorted_form_of(place, &value) =>
            {
                *place = value;
            }
            (
                MemberRule::Object(class) | MemberRule::Flags(class) | MemberRule::Marks(class),
                Some(JsonValue::Object(inner)),
            ) => {
                if let JsonValue::Object(aside) = value {
                    self.restore_object(inner, aside, class);
                }
            }
            (MemberRule::Flags(class) | MemberRule::Marks(class), None) => {
                let JsonValue::Object(aside) = value else { return None };
                let mut flags = JsonObject::new();
                self.restore_object(&mut flags, aside, class);
                return Some(JsonValue::Object(flags));
            }
            (
                MemberRule::Sorted(class) | MemberRule::List(class),
                Some(JsonValue::Array(elements)),
            ) => self.restore_list(elements, value, class),
            _ => {}
        }
        None
    }

    fn restore_list<T: JsonText>(
        &mut self,
        elements: &mut Vec<JsonValue<T>>,
        aside: JsonValue<T>,
        class: &ObjectPolicy,
    ) {
        let (items, order) = match aside {
            JsonValue::Array(items) => (items, None),
            JsonValue::Object(mut both) => {
                match (both.remove(ITEMS_MEMBER), both.remove(ORDER_MEMBER)) {
                    (Some(JsonValue::Array(items)), order) => (items, order),
                    _ => return,
                }
            }
            _ => return,
        };
        match self.fit {
            LayoutFit::Exact => {
                for (element, item) in elements.iter_mut().zip(items) {
                    if let (JsonValue::Object(object), JsonValue::Object(aside)) = (element, item) {
                        self.restore_object(object, aside, class);
                    }
                }
                if let Some(order) = order {
                    restore_order(elements, &order);
                }
            }
            LayoutFit::Related if class.identity.is_empty() => {}
            LayoutFit::Related => self.restore_by_identity(elements, items, class),
        }
    }

    fn restore_by_identity<T: JsonText>(
        &mut self,
        elements: &mut [JsonValue<T>],
        items: Vec<JsonValue<T>>,
        class: &ObjectPolicy,
    ) {
        let mut known: FxHashMap<String, JsonObject<T>> = FxHashMap::default();
        for item in items {
            if let JsonValue::Object(item) = item {
                known.entry(element_identity(&item, class)).or_insert(item);
            }
        }
        for element in elements {
            let JsonValue::Object(object) = element else { continue };
            if let Some(aside) = known.remove(&element_identity(object, class)) {
                self.restore_object(object, aside, class);
            }
        }
    }
}

/// Sorts members as the file had them, if that leaves the unknown ones, whose order is content,
/// as they are. Only a layout that was not made from this content can fail this.
fn restore_key_order<T: JsonText>(
    object: &mut JsonObject<T>,
    keys: &[JsonValue<T>],
    class: &ObjectPolicy,
) {
    let is_unknown = |key: &&T| class.rank(*key) == UNKNOWN_RANK;
    let unknown = keys.iter().filter_map(JsonValue::as_text).filter(is_unknown);
    if !unknown.eq(object.keys().filter(is_unknown)) {
        return;
    }
    let places =
        keys.iter().enumerate().filter_map(|(at, key)| Some((key.as_text()?.decode(), at)));
    let places: FxHashMap<Cow<'_, str>, usize> = places.collect();
    let place = |key: &T| places.get(&key.decode()).copied().unwrap_or(usize::MAX);
    object.members_mut().sort_by_cached_key(|(key, _)| place(key));
}

/// Whether sorting a list of ids gives this list.
fn is_sorted_form_of<T: JsonText>(sorted: &JsonValue<T>, ids: &JsonValue<T>) -> bool {
    let (JsonValue::Array(sorted), JsonValue::Array(ids)) = (sorted, ids) else { return false };
    let mut ids = ids.clone();
    ids.iter().all(|id| id.as_i64().is_some()) && {
        ids.sort_by_key(JsonValue::as_i64);
        ids == *sorted
    }
}

/// Whether ComfyUI can use a position, size or box that did not come from this very file.
fn is_usable_geometry<T: JsonText>(key: &T, value: &JsonValue<T>) -> bool {
    let numbers = |count: usize| match value {
        JsonValue::Array(elements) => {
            elements.len() == count
                && elements.iter().all(|e| e.as_f64().is_some_and(f64::is_finite))
        }
        _ => false,
    };
    match key.as_plain().unwrap_or_default() {
        b"pos" | b"size" => numbers(2) || matches!(value, JsonValue::Object(o) if o.len() == 2),
        b"bounding" => numbers(4),
        _ => true,
    }
}

/// Sends each element back to where `order` says it was; a list that is no permutation
/// of the elements, or turns round two with the same id, is ignored.
fn restore_order<T: JsonText>(elements: &mut Vec<JsonValue<T>>, order: &JsonValue<T>) {
    let order: Option<Vec<usize>> = order
        .as_array()
        .unwrap_or_default()
        .iter()
        .map(|at| at.as_i64().and_then(|at| usize::try_from(at).ok()))
        .collect();
    let Some(order) = order.filter(|order| is_permutation(order, elements.len())) else { return };
    let mut places = vec![0; order.len()];
    for (old, &new) in order.iter().enumerate() {
        places[new] = old;
    }
    let turned = |at: usize| {
        places[at] > places[at + 1]
            && element_id_order(&elements[at]) == element_id_order(&elements[at + 1])
    };
    if (0..elements.len().saturating_sub(1)).any(turned) {
        return;
    }
    let mut sorted = std::mem::take(elements);
    elements.extend(order.into_iter().map(|at| std::mem::take(&mut sorted[at])));
}

fn is_permutation(order: &[usize], length: usize) -> bool {
    let mut seen = vec![false; length];
    order.len() == length
        && order.iter().all(|&at| at < length && !std::mem::replace(&mut seen[at], true))
}

/// The members that identify an element among its siblings, as one text.
fn element_identity<T: JsonText>(object: &JsonObject<T>, class: &ObjectPolicy) -> String {
    let mut text = String::new();
    for key in class.identity {
        match object.get(key) {
            Some(JsonValue::String(part)) => text.push_str(&part.decode()),
            Some(JsonValue::Number(part)) => text.push_str(part.as_str()),
            _ => {}
        }
        text.push('\n');
    }
    text
}
