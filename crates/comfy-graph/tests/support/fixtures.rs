//! How the documents under `fixtures` are printed.

use comfy_graph::json::{JsonStyle, Object, Value, print};

/// A document for people who read fixtures: a node, a link, a group on each line.
pub(crate) fn spread(document: &Value) -> String {
    fn member(out: &mut String, key: &str, value: &Value, indent: &str) {
        out.push_str(&format!("{indent}{}: ", print(&Value::from(key), &JsonStyle::SAVE)));
        let inner = format!("{indent}  ");
        match value {
            Value::Array(list)
                if ["nodes", "links", "groups", "subgraphs"].contains(&key) && !list.is_empty() =>
            {
                out.push_str("[\n");
                for (at, element) in list.iter().enumerate() {
                    let comma = if at + 1 < list.len() { "," } else { "" };
                    match element {
                        Value::Object(object) if key == "subgraphs" => {
                            out.push_str(&inner);
                            whole(out, object, &inner);
                        }
                        _ => out.push_str(&format!("{inner}{}", print(element, &JsonStyle::SAVE))),
                    }
                    out.push_str(&format!("{comma}\n"));
                }
                out.push_str(&format!("{indent}]"));
            }
            Value::Object(object) if key == "definitions" => whole(out, object, indent),
            Value::Object(object)
                if object.get("nodes").is_some()
                    || object.values().any(|v| v.get("class_type").is_some()) =>
            {
                whole(out, object, indent);
            }
            _ => out.push_str(&print(value, &JsonStyle::SAVE)),
        }
    }
    fn whole(out: &mut String, object: &Object, indent: &str) {
        let inner = format!("{indent}  ");
        out.push_str("{\n");
        for (at, (key, value)) in object.iter().enumerate() {
            member(out, key, value, &inner);
            out.push_str(if at + 1 < object.len() { ",\n" } else { "\n" });
        }
        out.push_str(&format!("{indent}}}"));
    }
    let mut out = String::new();
    match document {
        Value::Object(object) => whole(&mut out, object, ""),
        other => out.push_str(&print(other, &JsonStyle::SAVE)),
    }
    out + "\n"
}
