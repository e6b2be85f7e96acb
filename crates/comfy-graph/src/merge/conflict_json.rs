//! Conflicts as JSON, there and back: what a file carries in `extra.git_comfy`.
//!
//! The schema is described in `docs/conflicts.md`. Reading is lenient: what a person or another
//! program has damaged is passed over, never a reason to fail, which is why it is not derived
//! with serde: there one damaged member refuses the whole. Must not know where in a file the
//! JSON lies.

use compact_str::CompactString;

use super::conflict::{Conflict, ConflictKind, ConflictPart, MergePlace, NodeName};
use super::three_way::{MergeSide, ThreeWay};
use crate::graph::{GraphScope, GroupId, NodeId, SlotName, SubgraphId, WidgetName};
use crate::json::{JsonPath, Object, Value};

pub(super) const CONFLICTS_VERSION: i64 = 1;

/// A conflict as the file carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedConflict {
    /// Its number in the file, from 1.
    pub id: i64,
    /// The conflict.
    pub conflict: Conflict,
    /// The node that shows it on the canvas, if it was given one.
    pub card: Option<NodeId>,
}

pub(super) fn conflict_to_json(carried: &EmbeddedConflict) -> Value {
    let conflict = &carried.conflict;
    let mut object = Object::new();
    object.append("id", carried.id);
    object.append("kind", conflict.kind.as_str());
    object.append("at", conflict.to_string());
    if let GraphScope::Definition(id) = &conflict.scope {
        object.append("scope", id.0.clone());
    }
    if let Some(node) = &conflict.node {
        object.append("node", node.id.to_value());
        object.append("name", node.display_name.clone());
    }
    if let Some(card) = &carried.card {
        object.append("card", card.to_value());
    }
    let parts: Vec<Value> = conflict.parts.iter().map(part_to_json).collect();
    object.append("parts", parts);
    Value::Object(object)
}

fn part_to_json(part: &ConflictPart) -> Value {
    let mut object = Object::new();
    if let Some(node) = &part.node {
        object.append("node", node.to_value());
    }
    append_place(&part.place, &mut object);
    for side in [MergeSide::Base, MergeSide::Ours, MergeSide::Theirs] {
        // The document itself holds ours.
        if part.place == MergePlace::Document && side == MergeSide::Ours {
            continue;
        }
        if let Some(value) = part.sides.get(side) {
            object.append(side.as_str(), value.clone());
        }
    }
    Value::Object(object)
}

fn append_place(place: &MergePlace, object: &mut Object) {
    match place {
        MergePlace::Document => object.append("document", true),
        MergePlace::Definition(id) => object.append("definition", id.0.clone()),
        MergePlace::Node => object.append("whole", true),
        MergePlace::Widget(WidgetName::Named(name)) => object.append("widget", name.clone()),
        MergePlace::Widget(WidgetName::Position(at)) => object.append("value", *at),
        MergePlace::Choice(name) => object.append("choice", name.clone()),
        MergePlace::Widgets => object.append("values", true),
        MergePlace::Key(path) => object.append("key", path.to_string()),
        MergePlace::Input(name) => append_slot_name("input", name, object),
        MergePlace::Boundary(name) => append_slot_name("output", name, object),
        MergePlace::InputKey(name, key) => {
            append_slot_name("slot", name, object);
            object.append("key", key.clone());
        }
        MergePlace::Group { id, title, path } => {
            object.append("group", id.map(GroupId::to_value));
            object.append("title", title.clone());
            if !path.0.is_empty() {
                object.append("key", path.to_string());
            }
        }
        MergePlace::Graph(path) => object.append("member", path.to_string()),
    }
}

fn append_slot_name(key: &str, name: &SlotName, object: &mut Object) {
    object.append(key, name.name.clone());
    if name.nth > 0 {
        object.append("nth", name.nth);
    }
}

/// Nothing for JSON that is no conflict.
pub(super) fn conflict_from_json(value: &Value) -> Option<EmbeddedConflict> {
    let object = value.as_object()?;
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let id = |key: &str| object.get(key).and_then(NodeId::from_value);
    let scope =
        text("scope").map_or(GraphScope::Root, |id| GraphScope::Definition(SubgraphId::new(id)));
    let name =
        |id| NodeName { id, display_name: CompactString::new(text("name").unwrap_or("node")) };
    let parts = object.get("parts").and_then(Value::as_array).unwrap_or_default();
    let parts: Vec<ConflictPart> = parts.iter().filter_map(part_from_json).collect();
    if parts.is_empty() {
        return None;
    }
    let conflict = Conflict {
        at: JsonPath::root(),
        scope,
        node: id("node").map(name),
        kind: text("kind").and_then(ConflictKind::from_name).unwrap_or(ConflictKind::BothChanged),
        parts,
    };
    Some(EmbeddedConflict { id: object.get("id")?.as_i64()?, conflict, card: id("card") })
}

fn part_from_json(value: &Value) -> Option<ConflictPart> {
    let object = value.as_object()?;
    let side = |side: MergeSide| object.get(side.as_str()).cloned();
    Some(ConflictPart {
        node: object.get("node").and_then(NodeId::from_value),
        place: place_from_json(object)?,
        sides: ThreeWay::new(side(MergeSide::Base), side(MergeSide::Ours), side(MergeSide::Theirs)),
    })
}

fn place_from_json(object: &Object) -> Option<MergePlace> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let name = |key: &str| text(key).map(CompactString::new);
    let index = |key: &str| {
        object.get(key).and_then(Value::as_i64).and_then(|index| usize::try_from(index).ok())
    };
    let slot =
        |key: &str| Some(SlotName { name: name(key)?, nth: index("nth").unwrap_or_default() });
    let path = |key: &str| text(key).map(|text| text.parse::<JsonPath>());
    if object.contains_key("document") {
        return Some(MergePlace::Document);
    }
    if let Some(id) = text("definition") {
        return Some(MergePlace::Definition(SubgraphId::new(id)));
    }
    if object.contains_key("whole") {
        return Some(MergePlace::Node);
    }
    if let Some(widget) = name("widget") {
        return Some(MergePlace::Widget(WidgetName::Named(widget)));
    }
    if let Some(at) = index("value") {
        return Some(MergePlace::Widget(WidgetName::Position(at)));
    }
    if let Some(choice) = name("choice") {
        return Some(MergePlace::Choice(choice));
    }
    if object.contains_key("values") {
        return Some(MergePlace::Widgets);
    }
    if object.contains_key("group") {
        let id = object.get("group").and_then(GroupId::from_value);
        let path = path("key").and_then(Result::ok).unwrap_or_else(JsonPath::root);
        let title = name("title").unwrap_or_default();
        return Some(MergePlace::Group { id, title, path });
    }
    if let Some(slot) = slot("slot") {
        return Some(MergePlace::InputKey(slot, name("key")?));
    }
    if let Some(slot) = slot("input") {
        return Some(MergePlace::Input(slot));
    }
    if let Some(slot) = slot("output") {
        return Some(MergePlace::Boundary(slot));
    }
    if let Some(path) = path("key") {
        return Some(MergePlace::Key(path.ok()?));
    }
    Some(MergePlace::Graph(path("member")?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn every_place_goes_there_and_back() {
        let path: JsonPath = "/properties/a~1b".parse().unwrap();
        let places = [
            MergePlace::Document,
            MergePlace::Definition(SubgraphId::new("u")),
            MergePlace::Node,
            MergePlace::Widget(WidgetName::new("cfg")),
            MergePlace::Widget(WidgetName::Position(3)),
            MergePlace::Choice("mode".into()),
            MergePlace::Widgets,
            MergePlace::Key(path.clone()),
            MergePlace::Input(SlotName { name: "".into(), nth: 2 }),
            MergePlace::Boundary(SlotName::new("out")),
            MergePlace::InputKey(SlotName::new("in"), "label".into()),
            MergePlace::Group { id: Some(GroupId(3)), title: "t".into(), path: JsonPath::root() },
            MergePlace::Group { id: None, title: "t".into(), path: "/title".parse().unwrap() },
            MergePlace::Graph(path),
        ];
        for place in places {
            let mut object = Object::new();
            append_place(&place, &mut object);
            assert_eq!(place_from_json(&object), Some(place));
        }
    }

    #[test]
    fn absent_is_not_null() {
        let text = r#"{"id":1,"kind":"removed-by-theirs","at":"x","node":5,"name":"K","card":9,
            "parts":[{"node":5,"whole":true,"base":null,"ours":{"id":5}}]}"#;
        let carried = conflict_from_json(&parse_text(text).unwrap()).unwrap();
        let sides = &carried.conflict.parts[0].sides;
        assert_eq!((sides.base.clone(), sides.theirs.clone()), (Some(Value::Null), None));
        assert_eq!(conflict_from_json(&conflict_to_json(&carried)), Some(carried));
    }

    #[test]
    fn damage_is_passed_over() {
        for text in ["7", "{}", r#"{"id":1,"parts":[]}"#, r#"{"id":"x","parts":[{"whole":1}]}"#] {
            assert_eq!(conflict_from_json(&parse_text(text).unwrap()), None);
        }
    }
}
