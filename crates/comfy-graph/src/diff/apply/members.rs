//! The edits that set one member of one thing: titles, modes, properties, raw JSON.

use compact_str::{CompactString, format_compact};
use rustc_hash::FxHashSet;

use super::structure::Valued;
use super::{Refused, rebuild};
use crate::diff::atlas::{Atlas, joined};
use crate::diff::edit::{AppEntry, AppList, Change, Edit, NodeRef, Place};
use crate::diff::slots::key as side_key;
use crate::graph::{Node, NodeKey, Place as ValuePlace, Scope};
use crate::json::{Object, Path, Step, Value};

/// Sets members in a workflow whose structure is that after the script.
pub(in crate::diff) fn members(document: &mut Value, edits: &[&Edit]) -> Result<(), Refused> {
    let mut atlas = Atlas::of(document);
    let mut shown: Vec<(AppList, &Change<Option<AppEntry>>)> = Vec::new();
    for edit in edits {
        if let Edit::App { list, entry } = edit {
            shown.push((*list, entry));
            continue;
        }
        let Some(mut set) = Set::of(edit) else { continue };
        // Prompts have another key for the class.
        if atlas.is_prompt() && matches!(edit, Edit::Retyped { .. }) {
            set.at = Path::root().join("class_type");
        }
        let place = atlas.path(document, &set.place);
        let place = place.ok_or_else(|| missing(&set.place))?;
        let place = set.slot.as_ref().map_or(place.clone(), |slot| {
            let at = slot.find(place.get(document)).unwrap_or(usize::MAX);
            place.join(slot.list).join(at)
        });
        set_member(document, &joined(&place, &set.at), &set.change, &set.place)?;
    }
    for list in [AppList::Inputs, AppList::Outputs] {
        let changes = shown.iter().filter(|(of, _)| *of == list).map(|(_, change)| *change);
        app(document, list, &changes.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Brings the members of objects into their order.
pub(in crate::diff) fn order_keys(document: &mut Value, edits: &[&Edit]) -> Result<(), Refused> {
    let ordered = |edit: &&Edit| matches!(edit, Edit::Keys { .. });
    if !edits.iter().any(ordered) {
        return Ok(());
    }
    let mut atlas = Atlas::of(document);
    for edit in edits {
        let Edit::Keys { place, at, keys } = edit else { continue };
        let path = atlas.path(document, place).ok_or_else(|| missing(place))?;
        let object = joined(&path, at).get_mut(document).and_then(Value::as_object_mut);
        let object = object.ok_or_else(|| missing(place))?;
        let known: FxHashSet<&str> = keys.iter().map(|key| key.as_str()).collect();
        if object.len() != keys.len() || !object.keys().all(|key| known.contains(key.as_str())) {
            return Err(missing(place));
        }
        let places = keys.iter().enumerate().map(|(at, key)| (key.as_str(), at));
        let places: rustc_hash::FxHashMap<&str, usize> = places.collect();
        object.sort_by_key(|key| places.get(key).copied());
    }
    Ok(())
}

fn missing(place: &Place) -> Refused {
    match place {
        Place::Node(node) => Refused::NoNode(node.key.clone(), None),
        Place::Link(scope, id) => Refused::NoLink(scope.clone(), *id),
        Place::Graph(scope) | Place::Reroute(scope, _) => Refused::NoGraph(scope.clone()),
        Place::Group(group) => {
            let of = CompactString::const_new("the graph");
            Refused::NoElement { of, list: "groups", at: group.at }
        }
        Place::Document => Refused::NoGraph(Scope::Root),
    }
}

/// One member of one thing.
struct Set {
    place: Place,
    /// The slot that has the member, if one has.
    slot: Option<SlotOf>,
    at: Path,
    change: Change<Option<Value>>,
}

struct SlotOf {
    list: &'static str,
    name: crate::graph::SlotName,
}

impl SlotOf {
    fn find(&self, node: Option<&Value>) -> Option<usize> {
        let slots = node?.get(self.list)?.as_array()?.iter().enumerate();
        let named = |slot: &Value| {
            slot.get("name").and_then(Value::as_str).unwrap_or_default() == self.name.name
        };
        let mut same = slots.filter(|(_, slot)| named(slot));
        same.nth(self.name.nth).map(|(at, _)| at)
    }
}

impl Set {
    /// The member an edit sets, if it is one of those that set one.
    fn of(edit: &Edit) -> Option<Set> {
        let text = |change: &Change<Option<CompactString>>| {
            change.clone().map(|text| text.map(Value::String))
        };
        let whole =
            |change: &Change<CompactString>| change.clone().map(|text| Some(Value::String(text)));
        Some(match edit {
            Edit::Retyped { node, class } => Set::node(node, "type", whole(class)),
            Edit::Meta { node, change } => Set::node(node, "_meta", change.clone()),
            Edit::Retitled { node, title } => Set::node(node, "title", text(title)),
            Edit::ModeChanged { node, mode } => {
                let number = mode.clone().map(|mode| Some(Value::from(mode.number())));
                Set::node(node, "mode", number)
            }
            Edit::Coloured { node, key, change } => Set::node(node, key, change.clone()),
            Edit::Property { node, key, change } => {
                let mut set = Set::node(node, "properties", change.clone());
                set.at = set.at.join(Step::Key(key.clone()));
                set
            }
            Edit::PackVersion { node, version, .. } => {
                let mut set = Set::node(node, "properties", text(version));
                set.at = set.at.join("ver");
                set
            }
            Edit::SlotLabelled { node, side, name, label } => {
                let mut set = Set::node(node, "label", text(label));
                set.slot = Some(SlotOf { list: side_key(*side), name: name.clone() });
                set
            }
            Edit::GroupRetitled { group, title } => {
                Set::plain(Place::Group(group.clone()), "title", whole(title))
            }
            Edit::GroupColoured { group, color } => {
                Set::plain(Place::Group(group.clone()), "color", text(color))
            }
            Edit::SubgraphRenamed { subgraph, name } => {
                let scope = Scope::Definition(subgraph.id.clone());
                Set::plain(Place::Graph(scope), "name", whole(name))
            }
            Edit::Raw(raw) | Edit::Bookkeeping(raw) => Set {
                place: raw.place.clone(),
                slot: None,
                at: raw.at.clone(),
                change: raw.change.clone(),
            },
            _ => return None,
        })
    }

    fn plain(place: Place, key: &str, change: Change<Option<Value>>) -> Set {
        Set { place, slot: None, at: Path::root().join(key), change }
    }

    fn node(node: &NodeRef, key: &str, change: Change<Option<Value>>) -> Set {
        Set::plain(Place::Node(node.clone()), key, change)
    }
}

/// Sets, puts in or takes out one value.
pub(in crate::diff) fn set_member(
    document: &mut Value,
    at: &Path,
    change: &Change<Option<Value>>,
    of: &Place,
) -> Result<(), Refused> {
    let differs = |found: Option<&Value>| Refused::Differs {
        of: owner(of),
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
    let parent = Path(way.to_vec());
    let Some(parent) = parent.get_mut(document) else { return Err(differs(None)) };
    match (parent, last, &change.after) {
        (Value::Object(object), step, Some(value)) => {
            object.insert(key_of(step), value.clone());
        }
        (Value::Object(object), step, None) => {
            object.remove(&key_of(step));
        }
        (Value::Array(elements), Step::Index(index), Some(value)) if *index < elements.len() => {
            elements[*index] = value.clone();
        }
        (Value::Array(elements), Step::Index(index), Some(value)) if *index == elements.len() => {
            elements.push(value.clone());
        }
        (Value::Array(elements), Step::Index(index), None) if *index + 1 == elements.len() => {
            elements.pop();
        }
        _ => return Err(differs(None)),
    }
    Ok(())
}

fn key_of(step: &Step) -> CompactString {
    match step {
        Step::Key(key) => key.clone(),
        Step::Index(at) => format_compact!("{at}"),
    }
}

fn owner(place: &Place) -> CompactString {
    match place {
        Place::Document => CompactString::const_new("the document at "),
        Place::Graph(Scope::Root) => CompactString::const_new("the graph at "),
        Place::Graph(Scope::Definition(id)) => format_compact!("subgraph {id} at "),
        Place::Node(node) => format_compact!("{} #{} at ", node.shown(), node.key),
        Place::Link(_, id) => format_compact!("link {id} at "),
        Place::Group(group) => format_compact!("group {:?} at ", group.title),
        Place::Reroute(_, id) => format_compact!("reroute {id} at "),
    }
}

/// One list of what the app mode shows.
fn app(
    document: &mut Value,
    list: AppList,
    changes: &[&Change<Option<AppEntry>>],
) -> Result<(), Refused> {
    if changes.is_empty() {
        return Ok(());
    }
    let path = app_list(list);
    let of = CompactString::const_new("the app mode");
    let Some(Value::Array(entries)) = path.get_mut(document) else {
        return Err(Refused::Misshapen(of, "list"));
    };
    let mut gone = FxHashSet::default();
    for before in changes.iter().filter_map(|change| change.before.as_ref()) {
        if entries.get(before.at) != Some(&before.raw) {
            return Err(Refused::Differs {
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
    *entries = rebuild(stayed, placed);
    Ok(())
}

/// Where a list of the app mode lies.
pub(in crate::diff) fn app_list(list: AppList) -> Path {
    let key = match list {
        AppList::Inputs => "inputs",
        AppList::Outputs => "outputs",
    };
    Path::root().join("extra").join("linearData").join(key)
}

/// The new values of one node's widgets: in the array or object that counts, and in the
/// copy by name where there is one.
pub(super) fn widget_values(
    node: &mut Node,
    key: &NodeKey,
    values: &[Valued<'_>],
) -> Result<(), Refused> {
    let keyed = values.iter().any(|value| !matches!(value.place, ValuePlace::Index(_)));
    let empty = || if keyed { Value::Object(Object::new()) } else { Value::Array(Vec::new()) };
    let who = format_compact!("{} #{key}", node.shown());
    match node.raw_mut().get_or_insert_with("widgets_values", empty) {
        Value::Array(array) => by_index(array, &who, values)?,
        Value::Object(object) => by_key(object, &who, values)?,
        other => {
            return Err(Refused::Differs {
                of: format_compact!("{who} at "),
                at: Path::root().join("widgets_values"),
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

fn by_index(array: &mut Vec<Value>, who: &str, values: &[Valued<'_>]) -> Result<(), Refused> {
    let at = |value: &Valued<'_>| match value.place {
        ValuePlace::Index(at) => Some(*at),
        _ => None,
    };
    let differs = |value: &Valued<'_>, found: Option<&Value>| Refused::Differs {
        of: format_compact!("widget {} of {who}", value.name),
        at: Path::root(),
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
    *array = rebuild(stayed, placed.collect());
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

fn by_key(object: &mut Object, who: &str, values: &[Valued<'_>]) -> Result<(), Refused> {
    for value in values {
        let (ValuePlace::Key(name) | ValuePlace::Input(name)) = value.place else { continue };
        let found = object.get(name);
        if found != value.change.before.as_ref() {
            return Err(Refused::Differs {
                of: format_compact!("widget {} of {who}", value.name),
                at: Path::root(),
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
