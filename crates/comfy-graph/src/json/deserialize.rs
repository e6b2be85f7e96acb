//! [`Value`] from any of serde's formats, and Rust's own types from a [`Value`].
//!
//! Lossless where serde's data model allows it: order of keys, and numbers as spelled. A
//! number that is no plain integer travels as serde_json's own token for numbers of any
//! precision, a map of one entry; serde_json's tree keeps of it what it keeps of any number.
//! A key that comes twice counts once, with its last value.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, Deserialize, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Number, Object, Value};

/// The key under which serde_json hands over the text of a number.
const NUMBER_TOKEN: &str = "$serde_json::private::Number";

/// Why a value is not what a Rust type wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DeserializeError(String);

impl de::Error for DeserializeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        DeserializeError(message.to_string())
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(object) => Ok(object),
            other => Err(de::Error::invalid_type(Unexpected::Other(other.kind_name()), &"a map")),
        }
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Number(Number::from_checked(&value.to_string())))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Number(Number::from_checked(&value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((key, value)) = members.next_entry::<String, Value>()? {
            object.insert(key, value);
        }
        Ok(number_in_token(&object).map_or(Value::Object(object), Value::Number))
    }
}

/// The number that serde_json wrapped for the journey.
fn number_in_token(object: &Object) -> Option<Number> {
    let text = object.get(NUMBER_TOKEN).filter(|_| object.len() == 1)?.as_str()?;
    match super::parse_text(text) {
        Ok(Value::Number(number)) => Some(number),
        _ => None,
    }
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                // `-0` is no plain integer.
                (Some(value), _) if is_plain(number, value) => visitor.visit_u64(value),
                (_, Some(value)) if is_plain(number, value) => visitor.visit_i64(value),
                _ => visitor.visit_map(MapDeserializer::new(std::iter::once((
                    NUMBER_TOKEN,
                    number.as_str(),
                )))),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(elements) => {
                let mut elements = SeqDeserializer::new(elements.iter());
                let value = visitor.visit_seq(&mut elements)?;
                elements.end()?;
                Ok(value)
            }
            Value::Object(object) => {
                let members = object.iter().map(|(key, value)| (key.as_str(), value));
                let mut members = MapDeserializer::new(members);
                let value = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(value)
            }
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self {
            Value::Number(number) => visitor.visit_f64(number.as_f64()),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_newtype_struct(self)
    }

    /// A word, or an object of one member: the variant and what it holds.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        let variant = match self {
            Value::String(word) => EnumVariant { word, content: None },
            Value::Object(object) => match object.get_index(0) {
                Some((word, content)) if object.len() == 1 => {
                    EnumVariant { word, content: Some(content) }
                }
                _ => return Err(de::Error::custom("a variant is an object of one member")),
            },
            other => {
                let found = Unexpected::Other(other.kind_name());
                return Err(de::Error::invalid_type(found, &"a variant"));
            }
        };
        visitor.visit_enum(variant)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

fn is_plain(number: &Number, value: impl fmt::Display) -> bool {
    value.to_string() == number.as_str()
}

impl<'de> IntoDeserializer<'de, DeserializeError> for &'de Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct EnumVariant<'de> {
    word: &'de str,
    content: Option<&'de Value>,
}

impl<'de> EnumAccess<'de> for EnumVariant<'de> {
    type Error = DeserializeError;
    type Variant = VariantContent<'de>;

    fn variant_seed<V: de::DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, VariantContent<'de>), DeserializeError> {
        Ok((seed.deserialize(self.word.into_deserializer())?, VariantContent(self.content)))
    }
}

struct VariantContent<'de>(Option<&'de Value>);

impl<'de> VariantContent<'de> {
    fn value(self) -> Result<&'de Value, DeserializeError> {
        self.0.ok_or_else(|| de::Error::custom("the variant holds nothing"))
    }
}

impl<'de> VariantAccess<'de> for VariantContent<'de> {
    type Error = DeserializeError;

    fn unit_variant(self) -> Result<(), DeserializeError> {
        self.0.map_or(Ok(()), Deserialize::deserialize)
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DeserializeError> {
        seed.deserialize(self.value()?)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.value()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.value()?.deserialize_map(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    const EVERYTHING: &str = r#"{"z":null,"a":[true,1.0,1e5,-0,12345678901234567890123,-7,"é"],"b":{"x":18446744073709551615}}"#;

    #[test]
    fn a_value_comes_back_whole_and_through_another_tree_in_meaning() {
        let value = parse_text(EVERYTHING).unwrap();
        assert_eq!(Value::deserialize(&value).unwrap(), value);
        let foreign = serde_json::Value::deserialize(&value).unwrap();
        assert!(Value::deserialize(&foreign).unwrap().is_equivalent(&value));
        let read: Value = serde_json::from_str(EVERYTHING).unwrap();
        assert!(read.is_equivalent(&value));
    }

    #[test]
    fn derived_types_are_read_from_values() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Sampler {
            cfg: f64,
            steps: u32,
            seed: Option<u64>,
            mode: Mode,
            #[serde(flatten)]
            rest: serde_json::Map<String, serde_json::Value>,
        }
        #[derive(Debug, PartialEq, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Mode {
            Fixed,
            Every(u32),
        }
        let read = |text: &str| Sampler::deserialize(&parse_text(text).unwrap());
        let sampler = read(r#"{"cfg":7.50,"steps":20,"seed":null,"mode":"fixed","x":1.0}"#);
        let sampler = sampler.unwrap();
        assert_eq!((sampler.cfg, sampler.steps, sampler.seed), (7.5, 20, None));
        assert_eq!(serde_json::to_string(&sampler.rest).unwrap(), r#"{"x":1.0}"#);
        let sampler = read(r#"{"cfg":7,"steps":20,"mode":{"every":3}}"#).unwrap();
        assert_eq!((sampler.cfg, sampler.mode), (7.0, Mode::Every(3)));
        let error = read(r#"{"cfg":7,"steps":"many","mode":"fixed"}"#).unwrap_err();
        assert_eq!(error.to_string(), r#"invalid type: string "many", expected u32"#);
    }
}
