//! Objects whose keys keep their places.

use compact_str::CompactString;

use super::{JsonText, JsonValue, Value};

/// A member name. Short ones, which nearly all are, live without an allocation.
pub type JsonKey = CompactString;

/// A JSON object: members in file order, no key twice.
///
/// Members lie in a plain vector and are looked up by walking it. A node, a slot or a
/// link has at most some twenty members, for which that is faster and half as large as a
/// hash table. Whoever looks up many keys of a large object (a prompt with thousands of
/// nodes) builds an index once, as `graph` does.
pub type Object = JsonObject<CompactString>;

/// A JSON object over one kind of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonObject<T> {
    members: Vec<(T, JsonValue<T>)>,
}

impl<T> JsonObject<T> {
    /// An object without members.
    pub const fn new() -> Self {
        JsonObject { members: Vec::new() }
    }

    /// Takes members whose keys the caller knows to be distinct.
    pub(crate) fn from_distinct(members: Vec<(T, JsonValue<T>)>) -> Self {
        JsonObject { members }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// An object without members and with room for some.
    pub(crate) fn with_capacity(members: usize) -> Self {
        JsonObject { members: Vec::with_capacity(members) }
    }

    /// The members, to be put into another order by a caller who keeps all of them.
    pub(crate) fn members_mut(&mut self) -> &mut Vec<(T, JsonValue<T>)> {
        &mut self.members
    }

    /// Takes members out of which `take` says so, in its own way: a member that goes may be
    /// emptied before.
    pub(crate) fn take_members(
        &mut self,
        mut take: impl FnMut(usize, &mut T, &mut JsonValue<T>) -> bool,
    ) {
        let mut at = 0;
        self.members.retain_mut(|(key, value)| {
            at += 1;
            !take(at - 1, key, value)
        });
    }

    /// Puts members before all others; the caller knows that the keys are not there yet.
    pub(crate) fn prepend(&mut self, members: impl IntoIterator<Item = (T, JsonValue<T>)>) {
        self.members.splice(0..0, members);
    }

    /// Members in file order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&T, &JsonValue<T>)> + Clone {
        self.members.iter().map(|(key, value)| (key, value))
    }

    /// Members in file order, values to change.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&T, &mut JsonValue<T>)> {
        self.members.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// Keys in file order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &T> + Clone {
        self.members.iter().map(|(key, _)| key)
    }

    /// Values in file order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &JsonValue<T>> + Clone {
        self.members.iter().map(|(_, value)| value)
    }

    /// Values in file order, to change.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut JsonValue<T>> {
        self.members.iter_mut().map(|(_, value)| value)
    }
}

impl<T: JsonText> JsonObject<T> {
    /// The place of a key, if it is there.
    pub fn index_of(&self, key: &str) -> Option<usize> {
        self.members.iter().position(|(k, _)| k.is(key))
    }

    /// Whether the key is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.index_of(key).is_some()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&JsonValue<T>> {
        self.members.iter().find(|(k, _)| k.is(key)).map(|(_, v)| v)
    }

    /// The value of a key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut JsonValue<T>> {
        self.members.iter_mut().find(|(k, _)| k.is(key)).map(|(_, v)| v)
    }

    /// Sets a key: in its place if it is there, else at the end. Gives back the old value.
    pub fn insert(
        &mut self,
        key: impl Into<T>,
        value: impl Into<JsonValue<T>>,
    ) -> Option<JsonValue<T>> {
        let (key, value) = (key.into(), value.into());
        match self.members.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.members.push((key, value));
                None
            }
        }
    }

    /// Adds a member at the end; the caller knows that the key is not there yet.
    pub fn append(&mut self, key: impl Into<T>, value: impl Into<JsonValue<T>>) {
        let key = key.into();
        debug_assert!(
            self.members.len() > 64 || self.keys().all(|known| *known != key),
            "the key {key:?} would stand twice"
        );
        self.members.push((key, value.into()));
    }

    /// Takes a key out; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<JsonValue<T>> {
        let at = self.index_of(key)?;
        Some(self.members.remove(at).1)
    }
}

impl Object {
    /// The value of a key, made by `default` at the end if it was not there.
    pub fn get_or_insert_with(&mut self, key: &str, default: impl FnOnce() -> Value) -> &mut Value {
        let at = match self.index_of(key) {
            Some(at) => at,
            None => {
                self.members.push((JsonKey::new(key), default()));
                self.members.len() - 1
            }
        };
        &mut self.members[at].1
    }

    /// Keeps the members the test accepts, in their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.members.retain_mut(|(key, value)| keep(key, value));
    }

    /// Sorts members by a rank of their keys; equal ranks keep their order.
    pub fn sort_by_key<K: Ord>(&mut self, mut rank: impl FnMut(&str) -> K) {
        self.members.sort_by_cached_key(|(key, _)| rank(key));
    }

    /// The member at a place.
    pub(crate) fn get_index(&self, at: usize) -> Option<(&JsonKey, &Value)> {
        self.members.get(at).map(|(key, value)| (key, value))
    }
}

impl<T> Default for JsonObject<T> {
    fn default() -> Self {
        JsonObject::new()
    }
}

impl<T> IntoIterator for JsonObject<T> {
    type Item = (T, JsonValue<T>);
    type IntoIter = std::vec::IntoIter<(T, JsonValue<T>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl<K: Into<JsonKey>, V: Into<Value>> FromIterator<(K, V)> for Object {
    /// A key that comes again replaces the value of the first.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let mut object = Object::new();
        for (key, value) in members {
            object.insert(key, value);
        }
        object
    }
}
