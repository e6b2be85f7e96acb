//! Values from Rust's own types, and the two ways between our tree and `serde_json`.

use compact_str::CompactString;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{
    JsonKey, JsonNumber, JsonObject, JsonText, JsonValue, Number, Object, SourceText, Value,
};

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::String(CompactString::new(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::String(CompactString::from(value))
    }
}

impl From<CompactString> for Value {
    fn from(value: CompactString) -> Self {
        Value::String(value)
    }
}

impl From<Number> for Value {
    fn from(value: Number) -> Self {
        Value::Number(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Number(Number::from(value))
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Value::Number(Number::from(value))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Value::Number(Number::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Number(Number::from(value))
    }
}

impl<T> From<JsonObject<T>> for JsonValue<T> {
    fn from(value: JsonObject<T>) -> Self {
        JsonValue::Object(value)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Value::Array(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl Serialize for Value {
    /// Text read leniently as `NaN` or `Infinity` is written as `null`, as browsers do.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => {
                match serde_json::from_str::<serde_json::Number>(number.as_str()) {
                    Ok(number) => number.serialize(serializer),
                    // What is read leniently may be NaN, which JSON's writers make `null`.
                    Err(_) => serializer.serialize_f64(number.as_f64()),
                }
            }
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(elements) => {
                let mut sequence = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    sequence.serialize_element(element)?;
                }
                sequence.end()
            }
            Value::Object(object) => object.serialize(serializer),
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key.as_str(), value)?;
        }
        map.end()
    }
}

impl From<JsonNumber<SourceText<'_>>> for Number {
    fn from(number: JsonNumber<SourceText<'_>>) -> Self {
        Number::from_checked(number.as_str())
    }
}

impl From<JsonValue<SourceText<'_>>> for Value {
    fn from(value: JsonValue<SourceText<'_>>) -> Self {
        match value {
            JsonValue::Null => Value::Null,
            JsonValue::Bool(value) => Value::Bool(value),
            JsonValue::Number(number) => Value::Number(number.into()),
            JsonValue::String(text) => Value::String(CompactString::from(text.decode())),
            JsonValue::Array(elements) => Value::from(elements),
            JsonValue::Object(object) => Value::Object(object.into()),
        }
    }
}

impl From<JsonObject<SourceText<'_>>> for Object {
    fn from(object: JsonObject<SourceText<'_>>) -> Self {
        let member = |(key, value): (SourceText<'_>, JsonValue<SourceText<'_>>)| {
            (JsonKey::from(key.decode()), Value::from(value))
        };
        Object::from_distinct(object.into_iter().map(member).collect())
    }
}

impl From<Value> for JsonValue<SourceText<'_>> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => JsonValue::Null,
            Value::Bool(value) => JsonValue::Bool(value),
            Value::Number(number) => {
                JsonValue::Number(JsonNumber::from_text(JsonText::new(number.as_str())))
            }
            Value::String(text) => JsonValue::String(JsonText::new(&text)),
            Value::Array(elements) => {
                JsonValue::Array(elements.into_iter().map(Into::into).collect())
            }
            Value::Object(object) => JsonValue::Object(object.into()),
        }
    }
}

impl From<Object> for JsonObject<SourceText<'_>> {
    fn from(object: Object) -> Self {
        let members = object.into_iter().map(|(key, value)| (JsonText::new(&key), value.into()));
        JsonObject::from_distinct(members.collect())
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::Number(number) => {
                Value::Number(Number::from_checked(&number.to_string()))
            }
            serde_json::Value::String(text) => Value::from(text),
            serde_json::Value::Array(elements) => Value::from(elements),
            serde_json::Value::Object(members) => Value::Object(members.into_iter().collect()),
        }
    }
}
