//! YAML as far as other programs' lists of packs and models use it: mappings, lists and
//! scalars. Anchors are refused, so that a small document cannot grow.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// How deep collections may lie in each other.
const MAX_DEPTH: usize = 32;
/// The most values.
const MAX_VALUES: usize = 200_000;

enum OpenCollection {
    List(Vec<Value>),
    Mapping(Map<String, Value>, Option<String>),
}

/// Reads the first document. Scalars are texts but for `true`, `false` and nothing: what
/// looks like a number is a version or a digest here.
pub(crate) fn parse_yaml(text: &str) -> Result<Value, String> {
    let mut open: Vec<OpenCollection> = Vec::new();
    let mut count = 0;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| error.to_string())?;
        count += 1;
        if count > MAX_VALUES || open.len() > MAX_DEPTH {
            return Err("there is too much in it".to_owned());
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
                None => return Err("it does not end as it begins".to_owned()),
            },
            Event::Scalar(text, style, ..) => scalar_value(&text, style),
            Event::Alias(_) => return Err("it refers to parts of itself".to_owned()),
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
    Err("there is nothing in it".to_owned())
}

fn scalar_value(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "true" | "True") => Value::Bool(true),
        (ScalarStyle::Plain, "false" | "False") => Value::Bool(false),
        (ScalarStyle::Plain, "" | "~" | "null") => Value::Null,
        _ => Value::String(text.to_owned()),
    }
}
