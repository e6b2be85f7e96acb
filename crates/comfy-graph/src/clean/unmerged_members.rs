//! What a merged file takes over from the file of one side, because the clean form leaves it
//! out: the order of nodes and links, counters that were higher, what volatile members say.
//!
//! Must not know how the merge came about.

use rustc_hash::FxHashMap;

use super::document::strip_layout;
use crate::graph::{GraphLocation, document_kind};
use crate::json::{JsonStyle, Object, Value, print};

/// Lists whose order the clean form does not keep.
const ORDERED_LISTS: [&str; 2] = ["nodes", "links"];

/// Counters that may be higher than any id: what was used once is not used again.
const COUNTERS: [&str; 2] = ["last_node_id", "last_link_id"];

/// Takes over from the file of one side what the clean form of a merged document leaves out.
/// Nodes, links and definitions come into the order that they have there; what is not there
/// stands behind what it follows.
pub fn take_over_unmerged(document: &mut Value, side: &Value) {
    let mut clean = side.clone();
    strip_layout(&mut clean);
    let is_bare = clean == *side;
    let on_side = document_kind(side).into_graphs();
    for found in document_kind(document).into_graphs() {
        let is_same = |other: &GraphLocation| other.at == found.at && other.kind == found.kind;
        let (Some(graph), Some(side), Some(clean), true) = (
            found.at.get_mut(document),
            found.at.get(side),
            found.at.get(&clean),
            on_side.iter().any(is_same),
        ) else {
            continue;
        };
        if !is_bare {
            restore_members(graph, side, clean);
        }
        if let (Value::Object(graph), Value::Object(side)) = (graph, side) {
            order_graphs(graph, side);
        }
    }
}

/// Puts back members that are on the side, and neither in its clean form nor in the document.
fn restore_members(document: &mut Value, side: &Value, clean: &Value) {
    match (document, side, clean) {
        (Value::Object(own), Value::Object(side), Value::Object(clean)) => {
            for (key, value) in side.iter() {
                match (own.get_mut(key), clean.get(key)) {
                    (None, None) => own.append(key.clone(), value.clone()),
                    (Some(now), _) if COUNTERS.contains(&key.as_str()) => {
                        let highest = value.as_i64().max(now.as_i64());
                        *now = highest.map_or_else(|| now.clone(), Value::from);
                    }
                    (Some(now), Some(clean)) => restore_members(now, value, clean),
                    _ => {}
                }
            }
        }
        (Value::Array(own), Value::Array(side), Value::Array(clean)) => {
            let places = |list: &[Value]| -> FxHashMap<String, usize> {
                let keys = list.iter().enumerate();
                keys.filter_map(|(at, element)| Some((element_key(element)?, at))).collect()
            };
            let (in_side, in_clean) = (places(side), places(clean));
            for element in own.iter_mut().filter(|element| element.as_object().is_some()) {
                let Some(key) = element_key(element) else { continue };
                if let (Some(at), Some(clean_at)) = (in_side.get(&key), in_clean.get(&key)) {
                    restore_members(element, &side[*at], &clean[*clean_at]);
                }
            }
        }
        _ => {}
    }
}

/// Brings a graph and the definitions beside it into the order of another state.
fn order_graphs(graph: &mut Object, like: &Object) {
    order_graph(graph, like);
    let known = like.get("definitions").and_then(|lists| lists.get("subgraphs")?.as_array());
    let (Some(Value::Object(own)), Some(known)) = (graph.get_mut("definitions"), known) else {
        return;
    };
    let Some(Value::Array(own)) = own.get_mut("subgraphs") else { return };
    order_elements(own, known);
    for definition in own.iter_mut() {
        let is_same = |other: &&Value| other.get("id") == definition.get("id");
        if let (Some(Value::Object(like)), Value::Object(graph)) =
            (known.iter().find(is_same), definition)
        {
            order_graph(graph, like);
        }
    }
}

fn order_graph(graph: &mut Object, like: &Object) {
    for key in ORDERED_LISTS {
        if let (Some(Value::Array(own)), Some(Value::Array(like))) =
            (graph.get_mut(key), like.get(key))
        {
            order_elements(own, like);
        }
    }
}

/// What an element is known by: its id, or name, or the number that a link begins with.
fn element_key(element: &Value) -> Option<String> {
    let id = match element {
        Value::Object(object) => object.get("id").or_else(|| object.get("name")),
        Value::Array(list) => list.first(),
        _ => None,
    };
    id.map(|id| print(id, &JsonStyle::SAVE))
}

fn order_elements(list: &mut Vec<Value>, like: &[Value]) {
    let places: FxHashMap<String, usize> = like
        .iter()
        .enumerate()
        .filter_map(|(at, element)| Some((element_key(element)?, at)))
        .collect();
    let mut last = 0;
    let ranked = std::mem::take(list).into_iter().map(|element| {
        let known = element_key(&element).and_then(|key| places.get(&key).copied());
        // What is new follows what it stood behind.
        if let Some(at) = known {
            last = at + 1;
        }
        ((known.map_or(last, |at| at + 1), known.is_none()), element)
    });
    let mut ranked: Vec<((usize, bool), Value)> = ranked.collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    list.extend(ranked.into_iter().map(|(_, element)| element));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn what_the_clean_form_leaves_out_is_put_back() {
        let side = r#"{"id":"x","revision":7,"last_node_id":9,"last_link_id":0,"nodes":[{"id":1,"type":"A","order":3,"mode":0,"inputs":[{"localized_name":"Bild","name":"image","type":"IMAGE","link":null}],"outputs":[],"properties":{},"widgets_values":[1]}],"links":[],"groups":[],"extra":{},"version":0.4}"#;
        let side = parse_text(side).unwrap();
        let mut merged = side.clone();
        strip_layout(&mut merged);
        assert_eq!(merged.get("last_node_id").and_then(Value::as_i64), Some(1));
        take_over_unmerged(&mut merged, &side);
        assert!(merged.is_equivalent(&side), "{}", print(&merged, &JsonStyle::SAVE));
    }

    #[test]
    fn what_is_known_stands_as_it_stood_and_what_is_new_behind_what_it_follows() {
        let like = parse_text(
            r#"{"nodes":[{"id":3,"type":"A"},{"id":1,"type":"A"}],"links":[[9,3,0,1,0,"X"],[2,1,0,3,0,"X"]],"version":0.4}"#,
        );
        let mut document = parse_text(
            r#"{"nodes":[{"id":1,"type":"A"},{"id":2,"type":"A"},{"id":3,"type":"A"}],"links":[[2,1,0,3,0,"X"],[9,3,0,1,0,"X"]],"version":0.4}"#,
        )
        .unwrap();
        take_over_unmerged(&mut document, &like.unwrap());
        let ids = |key: &str| -> Vec<Option<String>> {
            document.get(key).unwrap().as_array().unwrap().iter().map(element_key).collect()
        };
        assert_eq!(ids("nodes"), ["3", "1", "2"].map(|id| Some(id.to_owned())));
        assert_eq!(ids("links"), ["9", "2"].map(|id| Some(id.to_owned())));
    }
}
