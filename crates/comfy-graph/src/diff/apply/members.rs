//! The edits that set one member of one thing: titles, modes, properties, raw JSON.

use compact_str::{CompactString, format_compact};
use rustc_hash::FxHashSet;

use super::structure::WidgetValueEdit;
use super::{ApplyError, rebuild_list};
use crate::diff::edit::{AppEntry, AppList, Change, Edit, EditTarget, NodeRef};
use crate::diff::raw_lookup::{RawLookup, join_paths};
use crate::diff::slots::slot_list_key as side_key;
use crate::graph::{GraphScope, Node, NodeKey, SlotName, WidgetLocation, find_slot};
use crate::json::{JsonPath, JsonStep, Object, Value};

/// Sets members in a workflow whose structure is that after the script.
pub(in crate::diff) fn apply_members(
    document: &mut Value,
    edits: &[&Edit],
) -> Result<(), ApplyError> {
    let mut atlas = RawLookup::from_document(document);
    let mut shown: Vec<(AppList, &Change<Option<AppEntry>>)> = Vec::new();
    for edit in edits {
        if let Edit::AppModeEntry { list, entry } = edit {
            shown.push((*list, entry));
            continue;
        }
        let Some(mut set) = MemberEdit::from_edit(edit) else { continue };
        // Prompts have another key for the class.
        if atlas.is_prompt() && matches!(edit, Edit::Retyped { .. }) {
            set.at = JsonPath::root().join("class_type");
        }
        let place = atlas.target_path(document, &set.place);
        let place = place.ok_or_else(|| missing_target(&set.place))?;
        let place = set.slot.as_ref().map_or(place.clone(), |slot| {
            let at = slot.find_index(place.get(document)).unwrap_or(usize::MAX);
            place.join(slot.list).join(at)
        });
        set_member(document, &join_paths(&place, &set.at), &set.change, &set.place)?;
    }
    for list in [AppList::Inputs, AppList::Outputs] {
        let changes = shown.iter().filter(|(of, _)| *of == list).map(|(_, change)| *change);
        apply_app_list(document, list, &changes.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Brings the members of objects into their order.
pub(in crate::diff) fn apply_key_orders(
    document: &mut Value,
    edits: &[&Edit],
) -> Result<(), ApplyError> {
    let ordered = |edit: &&Edit| matches!(edit, Edit::KeyOrder { .. });
    if !edits.iter().any(ordered) {
        return Ok(());
    }
    let mut atlas = RawLookup::from_document(document);
    for edit in edits {
        let Edit::KeyOrder { place, at, keys } = edit else { continue };
        let path = atlas.target_path(document, place).ok_or_else(|| missing_target(place))?;
        let object = join_paths(&path, at).get_mut(document).and_then(Value::as_object_mut);
        let object = object.ok_or_else(|| missing_target(place))?;
        let known: FxHashSet<&str> = keys.iter().map(|key| key.as_str()).collect();
        if object.len() != keys.len() || !object.keys().all(|key| known.contains(key.as_str())) {
            return Err(missing_target(place));
        }
        let places = keys.iter().enumerate().map(|(at, key)| (key.as_str(), at));
        let places: rustc_hash::FxHashMap<&str, usize> = places.collect();
        object.sort_by_key(|key| places.get(key).copied());
    }
    Ok(())
}

fn missing_target(place: &EditTarget) -> ApplyError {
    match place {
        EditTarget::Node(node) => ApplyError::NoNode(node.key.clone(), None),
        EditTarget::Link(scope, id) => ApplyError::NoLink(scope.clone(), *id),
        EditTarget::Graph(scope) | EditTarget::Reroute(scope, _) => {
            ApplyError::NoGraph(scope.clone())
        }
        EditTarget::Group(group) => {
            let of = CompactString::const_new("the graph");
            ApplyError::NoElement { of, list: "groups", at: group.at }
        }
        EditTarget::Document => ApplyError::NoGraph(GraphScope::Root),
    }
}

/// One member of one thing.
struct MemberEdit {
    place: EditTarget,
    /// The slot that has the member, if one has.
    slot: Option<LabelledSlot>,
    at: JsonPath,
    change: Change<Option<Value>>,
}

struct LabelledSlot {
    list: &'static str,
    name: SlotName,
}

impl LabelledSlot {
    fn find_index(&self, node: Option<&Value>) -> Option<usize> {
        find_slot(node?.get(self.list), &self.name).map(|(at, _)| at)
    }
}

impl MemberEdit {
    /// The member an edit sets, if it is one of those that set one.
    fn from_edit(edit: &Edit) -> Option<MemberEdit> {
        let text = |change: &Change<Option<CompactString>>| {
            change.clone().map(|text| text.map(Value::String))
        };
        let whole =
            |change: &Change<CompactString>| change.clone().map(|text| Some(Value::String(text)));
        Some(match edit {
            Edit::Retyped { node, class } => MemberEdit::for_node(node, "type", whole(class)),
            Edit::PromptMeta { node, change } => {
                MemberEdit::for_node(node, "_meta", change.clone())
            }
            Edit::Retitled { node, title } => MemberEdit::for_node(node, "title", text(title)),
            Edit::ModeChanged { node, mode } => {
                let number = mode.clone().map(|mode| Some(Value::from(mode.number())));
                MemberEdit::for_node(node, "mode", number)
            }
            Edit::Coloured { node, key, change } => MemberEdit::for_node(node, key, change.clone()),
            Edit::Property { node, key, change } => {
                let mut set = MemberEdit::for_node(node, "properties", change.clone());
                set.at = set.at.join(JsonStep::Key(key.clone()));
                set
            }
            Edit::PackVersion { node, version, .. } => {
                let mut set = MemberEdit::for_node(node, "properties", text(version));
                set.at = set.at.join("ver");
                set
            }
            Edit::SlotLabelled { node, side, name, label } => {
                let mut set = MemberEdit::for_node(node, "label", text(label));
                set.slot = Some(LabelledSlot { list: side_key(*side), name: name.clone() });
                set
            }
            Edit::GroupRetitled { group, title } => {
                MemberEdit::for_member(EditTarget::Group(group.clone()), "title", whole(title))
            }
            Edit::GroupColoured { group, color } => {
                MemberEdit::for_member(EditTarget::Group(group.clone()), "color", text(color))
            }
            Edit::SubgraphRenamed { subgraph, name } => {
                let scope = GraphScope::Definition(subgraph.id.clone());
                MemberEdit::for_member(EditTarget::Graph(scope), "name", whole(name))
            }
            Edit::Raw(raw) | Edit::Bookkeeping(raw) | Edit::EmbeddedValue { raw, .. } => {
                MemberEdit {
                    place: raw.place.clone(),
                    slot: None,
                    at: raw.at.clone(),
                    change: raw.change.clone(),
                }
            }
            _ => return None,
        })
    }

    fn for_member(place: EditTarget, key: &str, change: Change<Option<Value>>) -> MemberEdit {
        MemberEdit { place, slot: None, at: JsonPath::root().join(key), change }
    }

    fn for_node(node: &NodeRef, key: &str, change: Change<Option<Value>>) -> MemberEdit {
        MemberEdit::for_member(EditTarget::Node(node.clone()), key, change)
    }
}

/// Sets, puts in or takes out one value.
pub(in crate::diff) fn set_member(
    document: &mut Value,
    at: &JsonPath,
    change: &Change<Option<Value>>,
    of: &EditTarget,
) -> Result<(), ApplyError> {
    let differs = |found: Option<&Value>| ApplyError::Differs {
        of: describe_target(of),
        at: at.clone(),
        expected: change.before.clone(),
        found: found.cloned(),
    };
    let found = at.get(document);
    if found != change.before.as_ref() {
        return Err(differs(found));
    }
    let Some((last, way)) = at.0.split_last() else {
        *document = change.after.clone().unwrap_or_default();
        return Ok(());
    };
    let parent = JsonPath(way.to_vec());
    let Some(parent) = parent.get_mut(document) else { return Err(differs(None)) };
    match (parent, last, &change.after) {
        (Value::Object(object), step, Some(value)) => {
            object.insert(step.to_key(), value.clone());
        }
        (Value::Object(object), step, None) => {
            object.remove(&step.to_key());
        }
        (Value::Array(elements), JsonStep::Index(index), Some(value))
            if *index < elements.len() =>
        {
            elements[*index] = value.clone();
        }
        (Value::Array(elements), JsonStep::Index(index), Some(value))
            if *index == elements.len() =>
        {
            elements.push(value.clone());
        }
        (Value::Array(elements), JsonStep::Index(index), None) if *index + 1 == elements.len() => {
            elements.pop();
        }
        _ => return Err(differs(None)),
    }
    Ok(())
}

fn describe_target(place: &EditTarget) -> CompactString {
    match place {
        EditTarget::Document => CompactString::const_new("the document at "),
        EditTarget::Graph(GraphScope::Root) => CompactString::const_new("the graph at "),
        EditTarget::Graph(GraphScope::Definition(id)) => format_compact!("subgraph {id} at "),
        EditTarget::Node(node) => format_compact!("{} #{} at ", node.display_name(), node.key),
        EditTarget::Link(_, id) => format_compact!("link {id} at "),
        EditTarget::Group(group) => format_compact!("group {:?} at ", group.title),
        EditTarget::Reroute(_, id) => format_compact!("reroute {id} at "),
    }
}

/// One list of what the app mode shows.
fn apply_app_list(
    document: &mut Value,
    list: AppList,
    changes: &[&Change<Option<AppEntry>>],
) -> Result<(), ApplyError> {
    if changes.is_empty() {
        return Ok(());
    }
    let path = app_list_path(list);
    let of = CompactString::const_new("the app mode");
    let Some(Value::Array(entries)) = path.get_mut(document) else {
        return Err(ApplyError::Misshapen(of, "list"));
    };
    let mut gone = FxHashSet::default();
    for before in changes.iter().filter_map(|change| change.before.as_ref()) {
        if entries.get(before.at) != Some(&before.raw) {
            return Err(ApplyError::Differs {
                of,
                at: path.join(before.at),
                expected: Some(before.raw.clone()),
                found: entries.get(before.at).cloned(),
            });
        }
        gone.insert(before.at);
    }
    let stayed = std::mem::take(entries).into_iter().enumerate();
    let stayed = stayed.filter(|(at, _)| !gone.contains(at)).map(|(_, entry)| entry);
    let placed = changes.iter().filter_map(|change| change.after.as_ref());
    let placed = placed.map(|entry| (entry.at, entry.raw.clone())).collect();
    *entries = rebuild_list(stayed, placed);
    Ok(())
}

/// Where a list of the app mode lies.
pub(in crate::diff) fn app_list_path(list: AppList) -> JsonPath {
    let key = match list {
        AppList::Inputs => "inputs",
        AppList::Outputs => "outputs",
    };
    JsonPath::root().join("extra").join("linearData").join(key)
}

/// The new values of one node's widgets: in the array or object that counts, and in the
/// copy by name where there is one.
pub(super) fn apply_widget_values(
    node: &mut Node,
    key: &NodeKey,
    values: &[WidgetValueEdit<'_>],
) -> Result<(), ApplyError> {
    let keyed = values.iter().any(|value| !matches!(value.place, WidgetLocation::Index(_)));
    let empty = || if keyed { Value::Object(Object::new()) } else { Value::Array(Vec::new()) };
    let who = format_compact!("{} #{key}", node.display_name());
    match node.raw_mut().get_or_insert_with("widgets_values", empty) {
        Value::Array(array) => apply_by_index(array, &who, values)?,
        Value::Object(object) => apply_by_key(object, &who, values)?,
        other => {
            return Err(ApplyError::Differs {
                of: format_compact!("{who} at "),
                at: JsonPath::root().join("widgets_values"),
                expected: Some(empty()),
                found: Some(other.clone()),
            });
        }
    }
    let named = node.raw_mut().get_mut("widgets_values_named").and_then(Value::as_object_mut);
    if let Some(named) = named {
        for value in values {
            let Some(name) = value.name.as_str() else { continue };
            match &value.change.after {
                Some(after) => {
                    named.insert(name, after.clone());
                }
                None => {
                    named.remove(name);
                }
            }
        }
    }
    Ok(())
}

fn apply_by_index(
    array: &mut Vec<Value>,
    who: &str,
    values: &[WidgetValueEdit<'_>],
) -> Result<(), ApplyError> {
    let at = |value: &WidgetValueEdit<'_>| match value.place {
        WidgetLocation::Index(at) => Some(*at),
        _ => None,
    };
    let differs = |value: &WidgetValueEdit<'_>, found: Option<&Value>| ApplyError::Differs {
        of: format_compact!("widget {} of {who}", value.name),
        at: JsonPath::root(),
        expected: value.change.before.clone(),
        found: found.cloned(),
    };
    let mut gone = FxHashSet::default();
    for value in values.iter().filter(|value| value.change.after.is_none()) {
        let found = at(value).and_then(|at| array.get(at));
        if found != value.change.before.as_ref() {
            return Err(differs(value, found));
        }
        gone.extend(at(value));
    }
    let stayed = std::mem::take(array).into_iter().enumerate();
    let stayed = stayed.filter(|(at, _)| !gone.contains(at)).map(|(_, value)| value);
    let placed = values.iter().filter(|value| value.change.before.is_none());
    let placed = placed.filter_map(|value| Some((at(value)?, value.change.after.clone()?)));
    *array = rebuild_list(stayed, placed.collect());
    for value in values {
        let (Some(before), Some(after)) = (&value.change.before, &value.change.after) else {
            continue;
        };
        match at(value).and_then(|at| array.get_mut(at)) {
            Some(place) if place == before => *place = after.clone(),
            found => return Err(differs(value, found.as_deref())),
        }
    }
    Ok(())
}

fn apply_by_key(
    object: &mut Object,
    who: &str,
    values: &[WidgetValueEdit<'_>],
) -> Result<(), ApplyError> {
    for value in values {
        let (WidgetLocation::Key(name) | WidgetLocation::Input(name)) = value.place else {
            continue;
        };
        let found = object.get(name);
        if found != value.change.before.as_ref() {
            return Err(ApplyError::Differs {
                of: format_compact!("widget {} of {who}", value.name),
                at: JsonPath::root(),
                expected: value.change.before.clone(),
                found: found.cloned(),
            });
        }
        match &value.change.after {
            Some(after) => {
                object.insert(name.clone(), after.clone());
            }
            None => {
                object.remove(name);
            }
        }
    }
    Ok(())
}
