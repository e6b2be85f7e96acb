//! Whether a content was made from the newer of two: it has what the older one became. Must
//! not know where contents come from.

use rustc_hash::FxHashMap;

use crate::json::{Object, Value};

/// What every save counts anew says nothing of where it came from.
const COUNTERS: [&str; 4] = ["last_node_id", "last_link_id", "state", "revision"];

/// Contents nest no deeper than a parsed document may.
const MAX_DEPTH: usize = 128;

#[derive(Default)]
struct Agreement {
    with_newer: usize,
    with_older: usize,
}

/// Whether a content has something that the newer content has otherwise than the older one,
/// and nothing that the older one had there.
pub fn has_taken_over(content: &Value, older: &Value, newer: &Value) -> bool {
    let mut agreement = Agreement::default();
    compare(Some(content), Some(older), Some(newer), &mut agreement, MAX_DEPTH);
    agreement.with_newer > 0 && agreement.with_older == 0
}

fn compare(
    content: Option<&Value>,
    older: Option<&Value>,
    newer: Option<&Value>,
    agreement: &mut Agreement,
    depth: usize,
) {
    if older == newer || depth == 0 {
        return;
    }
    match (content, older, newer) {
        (Some(Value::Object(content)), Some(Value::Object(older)), Some(Value::Object(newer))) => {
            for key in member_names(older, newer) {
                let [content, older, newer] = [content, older, newer].map(|of| of.get(key));
                compare(content, older, newer, agreement, depth - 1);
            }
        }
        (Some(Value::Array(content)), Some(Value::Array(older)), Some(Value::Array(newer))) => {
            match has_ids(older) && has_ids(newer) {
                true => compare_by_id(content, older, newer, agreement, depth - 1),
                false if older.len() == newer.len() && content.len() == newer.len() => {
                    let items = content.iter().zip(older).zip(newer);
                    for ((content, older), newer) in items {
                        compare(Some(content), Some(older), Some(newer), agreement, depth - 1);
                    }
                }
                false => count(content == newer, content == older, agreement),
            }
        }
        _ => count(content == newer, content == older, agreement),
    }
}

fn count(is_newer: bool, is_older: bool, agreement: &mut Agreement) {
    agreement.with_newer += usize::from(is_newer);
    agreement.with_older += usize::from(is_older);
}

fn compare_by_id(
    content: &[Value],
    older: &[Value],
    newer: &[Value],
    agreement: &mut Agreement,
    depth: usize,
) {
    let by_id = |list: &'_ [Value]| -> FxHashMap<String, usize> {
        let ids = list.iter().enumerate().filter_map(|(at, item)| Some((id_text(item)?, at)));
        ids.collect()
    };
    let (held, before, after) = (by_id(content), by_id(older), by_id(newer));
    let only_newer = after.keys().filter(|id| !before.contains_key(*id));
    for id in before.keys().chain(only_newer) {
        let content = held.get(id).map(|at| &content[*at]);
        let older = before.get(id).map(|at| &older[*at]);
        let newer = after.get(id).map(|at| &newer[*at]);
        compare(content, older, newer, agreement, depth);
    }
}

fn id_text(item: &Value) -> Option<String> {
    match item.get("id")? {
        Value::Number(id) => Some(id.as_str().to_owned()),
        Value::String(id) => Some(format!("'{id}")),
        _ => None,
    }
}

fn has_ids(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|item| id_text(item).is_some())
}

fn member_names<'a>(older: &'a Object, newer: &'a Object) -> Vec<&'a str> {
    let mut names: Vec<&str> = older.keys().map(|key| key.as_ref()).collect();
    names.extend(
        newer.keys().map(|key| -> &str { key.as_ref() }).filter(|key| !older.contains_key(key)),
    );
    names.retain(|name| !COUNTERS.contains(name));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn content(steps: u64, title: &str, more: &str) -> Value {
        let text = format!(
            r#"{{"last_node_id":{steps},"nodes":[{{"id":1,"widgets_values":[{steps},8]}},
            {{"id":2,"title":"{title}"}}{more}]}}"#
        );
        json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_content_made_from_the_newer_has_its_values() {
        let (older, newer) = (content(20, "a", ""), content(33, "a", ""));
        assert!(has_taken_over(&content(33, "mine", ""), &older, &newer));
        assert!(!has_taken_over(&content(20, "mine", ""), &older, &newer));
        assert!(!has_taken_over(&content(20, "a", ""), &older, &older));
    }

    #[test]
    fn what_is_partly_old_was_not_made_from_the_newer() {
        let (older, newer) = (content(20, "a", ""), content(33, "b", ""));
        assert!(!has_taken_over(&content(33, "a", ""), &older, &newer));
        // Both added a node under the next id.
        let (theirs, mine) = (r#",{"id":3,"title":"x"}"#, r#",{"id":3,"title":"y"}"#);
        let newer = content(20, "a", theirs);
        assert!(!has_taken_over(&content(20, "a", mine), &older, &newer));
    }
}
