//! Conflicts as JSON, there and back: what a file carries in `extra.git_comfy`.
//!
//! The schema is described in `docs/conflicts.md`. Reading is lenient: what a person or another
//! program has damaged is passed over, never a reason to fail. Must not know where in a
//! file the JSON lies.

use compact_str::CompactString;

use super::conflict::{Conflict, ConflictKind, NodeName, Part, Place};
use super::three::{Side, Three};
use crate::graph::{GroupId, NodeId, Scope, SlotName, SubgraphId, WidgetName};
use crate::json::{Object, Path, Value};

pub(super) const VERSION: i64 = 1;

/// A conflict as the file carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Its number in the file, from 1.
    pub id: i64,
    /// The conflict.
    pub conflict: Conflict,
    /// The node that shows it on the canvas, if it was given one.
    pub card: Option<NodeId>,
}

pub(super) fn write(carried: &Carried) -> Value {
    let conflict = &carried.conflict;
    let mut object = Object::new();
    object.append("id", carried.id);
    object.append("kind", conflict.kind.word());
    object.append("at", conflict.to_string());
    if let Scope::Definition(id) = &conflict.scope {
        object.append("scope", id.0.clone());
    }
    if let Some(node) = &conflict.node {
        object.append("node", node.id.to_value());
        object.append("name", node.shown.clone());
    }
    if let Some(card) = &carried.card {
        object.append("card", card.to_value());
    }
    let parts: Vec<Value> = conflict.parts.iter().map(write_part).collect();
    object.append("parts", parts);
    Value::Object(object)
}

fn write_part(part: &Part) -> Value {
    let mut object = Object::new();
    if let Some(node) = &part.node {
        object.append("node", node.to_value());
    }
    write_place(&part.place, &mut object);
    for side in [Side::Base, Side::Ours, Side::Theirs] {
        // The document itself holds ours.
        if part.place == Place::Document && side == Side::Ours {
            continue;
        }
        if let Some(value) = part.sides.get(side) {
            object.append(side.word(), value.clone());
        }
    }
    Value::Object(object)
}

fn write_place(place: &Place, object: &mut Object) {
    match place {
        Place::Document => object.append("document", true),
        Place::Definition(id) => object.append("definition", id.0.clone()),
        Place::Node => object.append("whole", true),
        Place::Widget(WidgetName::Named(name)) => object.append("widget", name.clone()),
        Place::Widget(WidgetName::Position(at)) => object.append("value", *at),
        Place::Choice(name) => object.append("choice", name.clone()),
        Place::Widgets => object.append("values", true),
        Place::Key(path) => object.append("key", path.to_string()),
        Place::Input(name) => write_slot("input", name, object),
        Place::Boundary(name) => write_slot("output", name, object),
        Place::InputKey(name, key) => {
            write_slot("slot", name, object);
            object.append("key", key.clone());
        }
        Place::Group(id, title, path) => {
            object.append("group", id.map(GroupId::to_value));
            object.append("title", title.clone());
            if !path.0.is_empty() {
                object.append("key", path.to_string());
            }
        }
        Place::Graph(path) => object.append("member", path.to_string()),
    }
}

fn write_slot(key: &str, name: &SlotName, object: &mut Object) {
    object.append(key, name.name.clone());
    if name.nth > 0 {
        object.append("nth", name.nth);
    }
}

/// Nothing for JSON that is no conflict.
pub(super) fn read(value: &Value) -> Option<Carried> {
    let object = value.as_object()?;
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let id = |key: &str| object.get(key).and_then(NodeId::from_value);
    let scope = text("scope").map_or(Scope::Root, |id| Scope::Definition(SubgraphId::new(id)));
    let name = |id| NodeName { id, shown: CompactString::new(text("name").unwrap_or("node")) };
    let parts = object.get("parts").and_then(Value::as_array).unwrap_or_default();
    let parts: Vec<Part> = parts.iter().filter_map(read_part).collect();
    if parts.is_empty() {
        return None;
    }
    let conflict = Conflict {
        at: Path::root(),
        scope,
        node: id("node").map(name),
        kind: text("kind").and_then(ConflictKind::from_word).unwrap_or(ConflictKind::BothChanged),
        parts,
    };
    Some(Carried { id: object.get("id")?.as_i64()?, conflict, card: id("card") })
}

fn read_part(value: &Value) -> Option<Part> {
    let object = value.as_object()?;
    let side = |side: Side| object.get(side.word()).cloned();
    Some(Part {
        node: object.get("node").and_then(NodeId::from_value),
        place: read_place(object)?,
        sides: Three::new(side(Side::Base), side(Side::Ours), side(Side::Theirs)),
    })
}

fn read_place(object: &Object) -> Option<Place> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let name = |key: &str| text(key).map(CompactString::new);
    let index = |key: &str| {
        object.get(key).and_then(Value::as_i64).and_then(|index| usize::try_from(index).ok())
    };
    let slot =
        |key: &str| Some(SlotName { name: name(key)?, nth: index("nth").unwrap_or_default() });
    let path = |key: &str| text(key).map(|text| text.parse::<Path>());
    if object.contains_key("document") {
        return Some(Place::Document);
    }
    if let Some(id) = text("definition") {
        return Some(Place::Definition(SubgraphId::new(id)));
    }
    if object.contains_key("whole") {
        return Some(Place::Node);
    }
    if let Some(widget) = name("widget") {
        return Some(Place::Widget(WidgetName::Named(widget)));
    }
    if let Some(at) = index("value") {
        return Some(Place::Widget(WidgetName::Position(at)));
    }
    if let Some(choice) = name("choice") {
        return Some(Place::Choice(choice));
    }
    if object.contains_key("values") {
        return Some(Place::Widgets);
    }
    if object.contains_key("group") {
        let id = object.get("group").and_then(GroupId::from_value);
        let path = path("key").and_then(Result::ok).unwrap_or_else(Path::root);
        return Some(Place::Group(id, name("title").unwrap_or_default(), path));
    }
    if let Some(slot) = slot("slot") {
        return Some(Place::InputKey(slot, name("key")?));
    }
    if let Some(slot) = slot("input") {
        return Some(Place::Input(slot));
    }
    if let Some(slot) = slot("output") {
        return Some(Place::Boundary(slot));
    }
    if let Some(path) = path("key") {
        return Some(Place::Key(path.ok()?));
    }
    Some(Place::Graph(path("member")?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn every_place_goes_there_and_back() {
        let path: Path = "/properties/a~1b".parse().unwrap();
        let places = [
            Place::Document,
            Place::Definition(SubgraphId::new("u")),
            Place::Node,
            Place::Widget(WidgetName::new("cfg")),
            Place::Widget(WidgetName::Position(3)),
            Place::Choice("mode".into()),
            Place::Widgets,
            Place::Key(path.clone()),
            Place::Input(SlotName { name: "".into(), nth: 2 }),
            Place::Boundary(SlotName::new("out")),
            Place::InputKey(SlotName::new("in"), "label".into()),
            Place::Group(Some(GroupId(3)), "t".into(), Path::root()),
            Place::Group(None, "t".into(), "/title".parse().unwrap()),
            Place::Graph(path),
        ];
        for place in places {
            let mut object = Object::new();
            write_place(&place, &mut object);
            assert_eq!(read_place(&object), Some(place));
        }
    }

    #[test]
    fn absent_is_not_null() {
        let text = r#"{"id":1,"kind":"removed-by-theirs","at":"x","node":5,"name":"K","card":9,
            "parts":[{"node":5,"whole":true,"base":null,"ours":{"id":5}}]}"#;
        let carried = read(&parse_text(text).unwrap()).unwrap();
        let sides = &carried.conflict.parts[0].sides;
        assert_eq!((sides.base.clone(), sides.theirs.clone()), (Some(Value::Null), None));
        assert_eq!(read(&write(&carried)), Some(carried));
    }

    #[test]
    fn damage_is_passed_over() {
        for text in ["7", "{}", r#"{"id":1,"parts":[]}"#, r#"{"id":"x","parts":[{"whole":1}]}"#] {
            assert_eq!(read(&parse_text(text).unwrap()), None);
        }
    }
}
