//! A JSON value.

use compact_str::CompactString;

use super::{JsonNumber, JsonObject, JsonText, Object};

/// Any JSON value. `==` compares spelling and order.
pub type Value = JsonValue<CompactString>;

/// A JSON value over one kind of text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum JsonValue<T> {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as spelled.
    Number(JsonNumber<T>),
    /// A string, its escapes undone.
    String(T),
    /// An array.
    Array(Vec<JsonValue<T>>),
    /// An object.
    Object(JsonObject<T>),
}

impl Value {
    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value this is, as words for a message: `a number`.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        }
    }

    /// Whether both mean the same: numbers by value, members in any order.
    pub fn is_equivalent(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Number(a), Value::Number(b)) => a.same_value(b),
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_equivalent(b))
            }
            (Value::Object(a), Value::Object(b)) => a.is_equivalent(b),
            _ => self == other,
        }
    }
}

impl<T: JsonText> JsonValue<T> {
    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, JsonValue::Null)
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            JsonValue::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<&JsonNumber<T>> {
        match self {
            JsonValue::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The whole number, if this is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The whole number, if this is one, is not negative and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The nearest float, if this is a number.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number().map(JsonNumber::as_f64)
    }

    /// The string, if this is one.
    pub(crate) fn as_text(&self) -> Option<&T> {
        match self {
            JsonValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[JsonValue<T>]> {
        match self {
            JsonValue::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements, to change.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<JsonValue<T>>> {
        match self {
            JsonValue::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The object, if this is one.
    pub fn as_object(&self) -> Option<&JsonObject<T>> {
        match self {
            JsonValue::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object, to change.
    pub fn as_object_mut(&mut self) -> Option<&mut JsonObject<T>> {
        match self {
            JsonValue::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The member of an object; nothing for other values.
    pub fn get(&self, key: &str) -> Option<&JsonValue<T>> {
        self.as_object()?.get(key)
    }

    /// The member of an object, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut JsonValue<T>> {
        self.as_object_mut()?.get_mut(key)
    }

    /// The element of an array; nothing for other values.
    pub fn get_index(&self, index: usize) -> Option<&JsonValue<T>> {
        self.as_array()?.get(index)
    }
}

impl Object {
    /// Whether both hold the same members, in any order, by [`Value::is_equivalent`].
    pub fn is_equivalent(&self, other: &Object) -> bool {
        if self.len() != other.len() {
            return false;
        }
        let in_step = self.keys().eq(other.keys());
        if in_step {
            return self.values().zip(other.values()).all(|(a, b)| a.is_equivalent(b));
        }
        let index: rustc_hash::FxHashMap<&str, &Value> =
            other.iter().map(|(key, value)| (key.as_str(), value)).collect();
        self.iter()
            .all(|(key, value)| index.get(key.as_str()).is_some_and(|o| value.is_equivalent(o)))
    }
}
