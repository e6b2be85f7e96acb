//! What a document and a merge say, as text to compare.

use comfy_graph::graph::{Wires, Workflow};
use comfy_graph::json::{JsonStyle, Object, Value, print};
use comfy_graph::merge::{Conflict, MergePlace, MergeResult, ThreeWay};

/// A workflow without the numbers of its links, which say nothing.
pub(crate) fn meaning(value: &Value) -> String {
    let workflow = Workflow::from_value(value.clone()).unwrap();
    let mut lines = Vec::new();
    for (scope, graph) in workflow.graphs() {
        for node in graph.nodes.values() {
            let mut raw = node.raw().clone();
            for (key, link) in [("inputs", "link"), ("outputs", "links")] {
                let slots = raw.get_mut(key).and_then(Value::as_array_mut);
                for slot in slots.into_iter().flatten().filter_map(Value::as_object_mut) {
                    slot.remove(link);
                }
            }
            let mut members: Vec<_> = raw.into_iter().collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            let sorted: Object = members.into_iter().collect();
            lines.push(format!("{scope:?} {}", print(&Value::Object(sorted), &JsonStyle::SAVE)));
        }
        for wire in Wires::from_graph(graph).iter() {
            lines.push(format!("{scope:?} {:?} > {:?}", wire.from, wire.to));
        }
        for group in &graph.groups {
            lines.push(format!("{scope:?} group {}", group.title()));
        }
    }
    lines.sort();
    lines.join("\n")
}

pub(crate) fn gists(merged: &MergeResult, mirrored: bool) -> Vec<String> {
    let of = |conflict: &Conflict| match mirrored {
        true => gist(&conflict.mirror()),
        false => gist(conflict),
    };
    let mut gists: Vec<String> = merged.conflicts.iter().map(of).collect();
    gists.sort();
    gists
}

/// What a conflict is about and what the sides have there, without ids, which depend on
/// whose are kept.
fn gist(conflict: &Conflict) -> String {
    let value = |value: &Option<Value>| value.as_ref().map(|v| print(v, &JsonStyle::SAVE));
    let part = |part: &comfy_graph::merge::ConflictPart| match part.place {
        MergePlace::Input(_)
        | MergePlace::Boundary(_)
        | MergePlace::Node
        | MergePlace::Definition(_) => {
            format!("{}", part.place)
        }
        _ => {
            let ThreeWay { base, ours, theirs } = part.sides.as_ref().map(value);
            let place = match &part.place {
                // It is called what ours calls it.
                MergePlace::Group { path, .. } => format!("group {path}"),
                place => place.to_string(),
            };
            format!("{place} {base:?} {ours:?} {theirs:?}")
        }
    };
    let mut parts: Vec<String> = conflict.parts.iter().map(part).collect();
    parts.sort();
    format!("{:?} {:?} {parts:?}", conflict.kind, conflict.scope)
}
