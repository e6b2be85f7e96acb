//! Places inside a value.

use std::fmt;
use std::str::FromStr;

use compact_str::format_compact;

use super::{JsonKey, JsonText, JsonValue, Value};

/// One step down: into a member or an element.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JsonStep {
    /// The member of an object.
    Key(JsonKey),
    /// The element of an array, counted from 0.
    Index(usize),
}

/// A way from the root of a document to one of its values.
///
/// Spelled as a JSON Pointer (RFC 6901). A pointer does not distinguish an index from a key that
/// looks like one; a parsed path takes digits for an index, and looking a path up accepts
/// either where the document says which it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JsonPath(pub Vec<JsonStep>);

impl JsonStep {
    /// The step into an object: an index as the key that looks like it.
    pub(crate) fn to_key(&self) -> JsonKey {
        match self {
            JsonStep::Key(key) => key.clone(),
            JsonStep::Index(at) => format_compact!("{at}"),
        }
    }
}

impl JsonPath {
    /// The whole document.
    pub const fn root() -> Self {
        JsonPath(Vec::new())
    }

    /// This path and one step more.
    pub fn join(&self, step: impl Into<JsonStep>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        JsonPath(steps)
    }

    /// The value at this place.
    pub fn get<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(document, |value, step| match (value, step) {
            (Value::Array(elements), JsonStep::Index(at)) => elements.get(*at),
            (Value::Object(object), JsonStep::Key(key)) => object.get(key),
            (Value::Object(object), JsonStep::Index(at)) => object.get(&at.to_string()),
            _ => None,
        })
    }

    /// The value at this place, to change.
    pub fn get_mut<'v>(&self, document: &'v mut Value) -> Option<&'v mut Value> {
        self.find_mut(document)
    }

    /// [`JsonPath::get_mut`] of any tree.
    pub(crate) fn find_mut<'v, T: JsonText>(
        &self,
        document: &'v mut JsonValue<T>,
    ) -> Option<&'v mut JsonValue<T>> {
        self.0.iter().try_fold(document, |value, step| match (value, step) {
            (JsonValue::Array(elements), JsonStep::Index(at)) => elements.get_mut(*at),
            (JsonValue::Object(object), JsonStep::Key(key)) => object.get_mut(key),
            (JsonValue::Object(object), JsonStep::Index(at)) => object.get_mut(&at.to_string()),
            _ => None,
        })
    }
}

impl From<&str> for JsonStep {
    fn from(key: &str) -> Self {
        JsonStep::Key(JsonKey::new(key))
    }
}

impl From<JsonKey> for JsonStep {
    fn from(key: JsonKey) -> Self {
        JsonStep::Key(key)
    }
}

impl From<usize> for JsonStep {
    fn from(at: usize) -> Self {
        JsonStep::Index(at)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            match step {
                JsonStep::Key(key) => {
                    write!(f, "/{}", key.replace('~', "~0").replace('/', "~1"))?;
                }
                JsonStep::Index(at) => write!(f, "/{at}")?,
            }
        }
        Ok(())
    }
}

/// A pointer that does not start with `/`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no JSON pointer: it must be empty or start with \"/\"")]
pub struct InvalidJsonPointer(String);

impl FromStr for JsonPath {
    type Err = InvalidJsonPointer;

    fn from_str(text: &str) -> Result<Self, InvalidJsonPointer> {
        if text.is_empty() {
            return Ok(JsonPath::root());
        }
        let rest = text.strip_prefix('/').ok_or_else(|| InvalidJsonPointer(text.to_owned()))?;
        let step = |part: &str| match part.parse::<usize>() {
            Ok(at) if at.to_string() == part => JsonStep::Index(at),
            _ => JsonStep::from(part.replace("~1", "/").replace("~0", "~").as_str()),
        };
        Ok(JsonPath(rest.split('/').map(step).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn pointers_go_there_and_back() {
        let document = parse_text(r#"{"a/b":[{"~":1}],"3":{"x":2}}"#).unwrap();
        for (pointer, value) in [("/a~1b/0/~0", 1), ("/3/x", 2)] {
            let path: JsonPath = pointer.parse().unwrap();
            assert_eq!(path.to_string(), pointer);
            assert_eq!(path.get(&document).unwrap().as_i64(), Some(value));
        }
        assert!("a".parse::<JsonPath>().is_err());
    }
}
