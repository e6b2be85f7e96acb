//! Places inside a value.

use std::fmt;
use std::str::FromStr;

use super::{Key, Value};

/// One step down: into a member or an element.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The member of an object.
    Key(Key),
    /// The element of an array, counted from 0.
    Index(usize),
}

/// A way from the root of a document to one of its values.
///
/// Spelled as a JSON Pointer (RFC 6901). A pointer does not distinguish an index from a key that
/// looks like one; a parsed path takes digits for an index, and looking a path up accepts
/// either where the document says which it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The whole document.
    pub const fn root() -> Self {
        Path(Vec::new())
    }

    /// This path and one step more.
    pub fn join(&self, step: impl Into<Step>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Path(steps)
    }

    /// The value at this place.
    pub fn get<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(document, |value, step| match (value, step) {
            (Value::Array(elements), Step::Index(at)) => elements.get(*at),
            (Value::Object(object), Step::Key(key)) => object.get(key),
            (Value::Object(object), Step::Index(at)) => object.get(&at.to_string()),
            _ => None,
        })
    }

    /// The value at this place, to change.
    pub fn get_mut<'v>(&self, document: &'v mut Value) -> Option<&'v mut Value> {
        self.0.iter().try_fold(document, |value, step| match (value, step) {
            (Value::Array(elements), Step::Index(at)) => elements.get_mut(*at),
            (Value::Object(object), Step::Key(key)) => object.get_mut(key),
            (Value::Object(object), Step::Index(at)) => object.get_mut(&at.to_string()),
            _ => None,
        })
    }
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Step::Key(Key::new(key))
    }
}

impl From<Key> for Step {
    fn from(key: Key) -> Self {
        Step::Key(key)
    }
}

impl From<usize> for Step {
    fn from(at: usize) -> Self {
        Step::Index(at)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            match step {
                Step::Key(key) => {
                    write!(f, "/{}", key.replace('~', "~0").replace('/', "~1"))?;
                }
                Step::Index(at) => write!(f, "/{at}")?,
            }
        }
        Ok(())
    }
}

/// A pointer that does not start with `/`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no JSON pointer: it must be empty or start with \"/\"")]
pub struct NotAPointer(String);

impl FromStr for Path {
    type Err = NotAPointer;

    fn from_str(text: &str) -> Result<Self, NotAPointer> {
        if text.is_empty() {
            return Ok(Path::root());
        }
        let rest = text.strip_prefix('/').ok_or_else(|| NotAPointer(text.to_owned()))?;
        let step = |part: &str| match part.parse::<usize>() {
            Ok(at) if at.to_string() == part => Step::Index(at),
            _ => Step::from(part.replace("~1", "/").replace("~0", "~").as_str()),
        };
        Ok(Path(rest.split('/').map(step).collect()))
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
            let path: Path = pointer.parse().unwrap();
            assert_eq!(path.to_string(), pointer);
            assert_eq!(path.get(&document).unwrap().as_i64(), Some(value));
        }
        assert!("a".parse::<Path>().is_err());
    }
}
