//! Looking into what `split` took out of a workflow, without putting it back.

use super::split::{ITEMS_MEMBER, ORDER_MEMBER};
use crate::json::{JsonObject, JsonText, JsonValue, Object, Value};

/// What was taken out of one object, to look at.
#[derive(Debug, Clone, Copy)]
pub struct LayoutView<'a>(&'a Object);

impl<'a> LayoutView<'a> {
    /// Looks into what [`super::strip_layout`] took out.
    pub fn new(layout: &'a Object) -> Self {
        LayoutView(layout)
    }

    /// A member that was taken out as it was.
    pub fn get(self, key: &str) -> Option<&'a Value> {
        self.0.get(key)
    }

    /// What was taken out of an object that stayed.
    pub fn object(self, key: &str) -> Option<LayoutView<'a>> {
        self.0.get(key).and_then(Value::as_object).map(LayoutView)
    }

    /// What was taken out of the elements of a list. Elements that have an identity (nodes,
    /// groups, definitions, reroutes) repeat it, the others stand at their index.
    pub fn list(self, key: &str) -> impl Iterator<Item = Option<LayoutView<'a>>> {
        list_items(self.0, key).iter().map(|item| item.as_object().map(LayoutView))
    }

    /// Whether positions of nodes were taken out: a file that was clean already has none.
    pub fn has_positions(self) -> bool {
        self.list("nodes").flatten().any(|node| node.get("pos").is_some())
    }

    /// For each element of a list in the file, its index in the clean list; nothing if
    /// both are in the same order.
    pub fn order(self, key: &str) -> Option<&'a [Value]> {
        self.0.get(key)?.get(ORDER_MEMBER)?.as_array()
    }
}

/// The layouts of list elements that lie under a key, however the list is spelled.
pub(super) fn list_items<'a, T: JsonText>(
    aside: &'a JsonObject<T>,
    key: &str,
) -> &'a [JsonValue<T>] {
    let list = match aside.get(key) {
        Some(JsonValue::Object(both)) => both.get(ITEMS_MEMBER),
        list => list,
    };
    list.and_then(JsonValue::as_array).unwrap_or_default()
}

/// The same, to change.
pub(super) fn list_items_mut<'a>(aside: &'a mut Object, key: &str) -> &'a mut [Value] {
    let list = match aside.get_mut(key) {
        Some(Value::Object(both)) => both.get_mut(ITEMS_MEMBER),
        list => list,
    };
    list.and_then(Value::as_array_mut).map_or(&mut [], |list| list.as_mut_slice())
}
