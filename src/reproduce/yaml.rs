//! YAML as far as other programs' lists of packs and models use it: mappings, lists and
//! scalars. Anchors are refused, so that a small document cannot grow.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// How deep collections may lie in each other.
const MAX_DEPTH: usize = 32;
/// The most values.
const MAX_VALUES: usize = 200_000;

/// Why a text is no list of packs and models that can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum YamlError {
    #[error(transparent)]
    Syntax(#[from] saphyr_parser::ScanError),
    #[error("there is too much in it")]
    TooMuch,
    #[error("it does not end as it begins")]
    Unbalanced,
    #[error("it refers to parts of itself")]
    Alias,
    #[error("there is nothing in it")]
    Empty,
}

enum OpenCollection {
    List(Vec<Value>),
    Mapping(Map<String, Value>, Option<String>),
}

/// Reads the first document. Scalars are texts but for `true`, `false` and nothing: what
/// looks like a number is a version or a digest here.
pub(crate) fn parse_yaml(text: &str) -> Result<Value, YamlError> {
    let mut open: Vec<OpenCollection> = Vec::new();
    let mut count = 0;
    for event in Parser::new_from_str(text) {
        let (event, _) = event?;
        count += 1;
        if count > MAX_VALUES || open.len() > MAX_DEPTH {
            return Err(YamlError::TooMuch);
        }
        let done = match event {
            Event::MappingStart(..) => {
                open.push(OpenCollection::Mapping(Map::new(), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push(OpenCollection::List(Vec::new()));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                Some(OpenCollection::List(list)) => Value::Array(list),
                Some(OpenCollection::Mapping(map, _)) => Value::Object(map),
                None => return Err(YamlError::Unbalanced),
            },
            Event::Scalar(text, style, ..) => scalar_value(&text, style),
            Event::Alias(_) => return Err(YamlError::Alias),
            _ => continue,
        };
        match open.last_mut() {
            None => return Ok(done),
            Some(OpenCollection::List(list)) => list.push(done),
            Some(OpenCollection::Mapping(map, key)) => match key.take() {
                Some(key) => drop(map.insert(key, done)),
                None => *key = Some(done.as_str().unwrap_or_default().to_owned()),
            },
        }
    }
    Err(YamlError::Empty)
}

fn scalar_value(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "true" | "True") => Value::Bool(true),
        (ScalarStyle::Plain, "false" | "False") => Value::Bool(false),
        (ScalarStyle::Plain, "" | "~" | "null") => Value::Null,
        _ => Value::String(text.to_owned()),
    }
}
