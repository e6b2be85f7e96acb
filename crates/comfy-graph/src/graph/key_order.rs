//! Taking typed parts out of an object and an array, and putting them back in their places.
//!
//! Keys keep their order, and elements that could not be typed (holes, doubles, damage)
//! keep their index, so that reading and writing a graph changes nothing at all.

use std::hash::{BuildHasherDefault, Hash};

use indexmap::IndexMap;
use rustc_hash::FxHasher;

use crate::json::{JsonKey, Object, Value};

/// A map that keeps the order in which things were put in.
pub type FxIndexMap<K, V> = IndexMap<K, V, BuildHasherDefault<FxHasher>>;

/// The keys of an object in file order.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyOrder(Vec<JsonKey>);

impl KeyOrder {
    pub(super) fn from_object(object: &Object) -> Self {
        KeyOrder(object.keys().cloned().collect())
    }

    /// Whether the file had this key.
    pub(super) fn contains(&self, key: &str) -> bool {
        self.0.iter().any(|k| k == key)
    }

    /// `rest` and `parts` in one object: in the old order, what is new at the end.
    pub(super) fn restore(&self, rest: Object, parts: Vec<(&'static str, Value)>) -> Object {
        let mut all: Vec<Option<(JsonKey, Value)>> = rest.into_iter().map(Some).collect();
        for (key, value) in parts {
            match all.iter_mut().flatten().find(|(k, _)| k == key) {
                Some((_, old)) => *old = value,
                None => all.push(Some((JsonKey::const_new(key), value))),
            }
        }
        let mut object = Object::new();
        for key in &self.0 {
            let place = all.iter_mut().find(|m| m.as_ref().is_some_and(|(k, _)| k == key));
            if let Some((key, value)) = place.and_then(Option::take) {
                object.insert(key, value);
            }
        }
        for (key, value) in all.into_iter().flatten() {
            object.insert(key, value);
        }
        object
    }
}

/// An element of an array that found no place among the typed ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntypedElement {
    /// Its index in the file.
    pub at: usize,
    /// The element: a hole, damage, or a second holder of an id.
    pub value: Value,
}

/// Takes an array apart into things by id and oddities.
pub(super) fn parse_keyed_elements<K: Hash + Eq, V>(
    array: Vec<Value>,
    read: impl Fn(Value) -> Result<(K, V), Value>,
    write: impl Fn(V) -> Value,
) -> (FxIndexMap<K, V>, Vec<UntypedElement>) {
    let mut table =
        FxIndexMap::with_capacity_and_hasher(array.len(), BuildHasherDefault::default());
    let mut odd = Vec::new();
    for (at, element) in array.into_iter().enumerate() {
        match read(element) {
            Ok((key, thing)) if table.contains_key(&key) => {
                odd.push(UntypedElement { at, value: write(thing) });
            }
            Ok((key, thing)) => {
                table.insert(key, thing);
            }
            Err(value) => odd.push(UntypedElement { at, value }),
        }
    }
    (table, odd)
}

/// Takes an array apart into things in a row and oddities.
pub(super) fn parse_elements<V>(
    array: Vec<Value>,
    read: impl Fn(Value) -> Result<V, Value>,
) -> (Vec<V>, Vec<UntypedElement>) {
    let mut row = Vec::with_capacity(array.len());
    let mut odd = Vec::new();
    for (at, element) in array.into_iter().enumerate() {
        match read(element) {
            Ok(thing) => row.push(thing),
            Err(value) => odd.push(UntypedElement { at, value }),
        }
    }
    (row, odd)
}

/// The array again: oddities at their index, or at the end when the rest got shorter.
pub(super) fn rebuild_array(
    things: impl Iterator<Item = Value>,
    odd: Vec<UntypedElement>,
) -> Vec<Value> {
    let mut array = Vec::with_capacity(things.size_hint().0 + odd.len());
    let mut odd = odd.into_iter().peekable();
    for thing in things {
        while let Some(next) = odd.next_if(|next| next.at <= array.len()) {
            array.push(next.value);
        }
        array.push(thing);
    }
    array.extend(odd.map(|next| next.value));
    array
}
