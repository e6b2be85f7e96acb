//! What is left when all structural edits are made: single members that differ. Each
//! becomes the most specific edit there is for its place, and a raw edit where there is
//! none. This is what makes every script complete.
//!
//! Must not know how the structure was compared.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::apply::{apply_key_orders, apply_members};
use super::edit::{
    AppEntry, AppList, Change, Edit, EditTarget, NodeRef, RawEdit, SlotSide, SubgraphRef,
};
use super::script_builder::GraphOrder;
use super::sequence::longest_increasing_subsequence;
use crate::clean;
use crate::graph::{
    GraphScope, LinkId, NodeId, NodeKey, NodeMode, PromptMember, RerouteId, SlotName, SubgraphId,
    prompt_member,
};
use crate::json::{JsonKey, JsonPath, JsonStep, Object, Value};
use crate::pair::IndexedGraph;

/// A member that differs, by its place in the document.
struct MemberDifference<'v> {
    at: JsonPath,
    before: Option<&'v Value>,
    after: Option<&'v Value>,
}

/// What kind of document the places are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentShape {
    /// A workflow.
    Workflow,
    /// An API prompt.
    Prompt,
}

/// How two documents of one structure differ; `new` is the second one. What is found
/// is replayed to prove it: nothing comes back if that fails.
pub(super) fn compare_members(
    mut before: Value,
    after: &Value,
    new: &IndexedGraph<'_>,
    order: &GraphOrder,
    shape: DocumentShape,
) -> Option<Vec<Edit>> {
    let mut found = Vec::new();
    collect_differences(&mut JsonPath::root(), Some(&before), Some(after), &mut found);
    let mut edits = Vec::new();
    for differing in found {
        match app_list_at(&differing.at) {
            Some(list) if differing.are_lists() && shape == DocumentShape::Workflow => {
                compare_app_list(list, &differing, new, &mut edits);
            }
            _ => edits.push(specific_edit(&differing, after, new, shape)),
        }
    }
    // New members of an object come to stand in the order of the edits.
    let mut edits = order.sort_edits(edits);
    apply_members(&mut before, &edits.iter().collect::<Vec<_>>()).ok()?;
    clean::strip_layout(&mut before);
    let mut found = Vec::new();
    collect_key_orders(&mut JsonPath::root(), &before, after, &mut found);
    let orders = found.into_iter().map(|(at, keys)| {
        let (place, at) = locate_target(&at, after, new, shape);
        Edit::KeyOrder { place, at, keys }
    });
    let orders: Vec<Edit> = orders.collect();
    apply_key_orders(&mut before, &orders.iter().collect::<Vec<_>>()).ok()?;
    edits.extend(orders);
    (before == *after).then_some(edits)
}

/// Objects whose members stand in another order.
fn collect_key_orders(
    at: &mut JsonPath,
    before: &Value,
    after: &Value,
    found: &mut Vec<(JsonPath, Vec<JsonKey>)>,
) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            if !before.keys().eq(after.keys()) {
                found.push((at.clone(), after.keys().cloned().collect()));
            }
            for (place, (key, value)) in after.iter().enumerate() {
                if let Some(was) = member_at(before, place, key) {
                    at.0.push(JsonStep::Key(key.clone()));
                    collect_key_orders(at, was, value, found);
                    at.0.pop();
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                if matches!(after, Value::Object(_) | Value::Array(_)) {
                    at.0.push(JsonStep::Index(index));
                    collect_key_orders(at, before, after, found);
                    at.0.pop();
                }
            }
        }
        _ => {}
    }
}

/// A member, looked for first where it stands in the other object.
fn member_at<'v>(object: &'v Object, place: usize, key: &str) -> Option<&'v Value> {
    match object.get_index(place) {
        Some((found, value)) if found == key => Some(value),
        _ => object.get(key),
    }
}

fn collect_differences<'v>(
    at: &mut JsonPath,
    before: Option<&'v Value>,
    after: Option<&'v Value>,
    found: &mut Vec<MemberDifference<'v>>,
) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) if !is_single_value(at) => {
            compare_objects(at, before, after, found);
        }
        (Some(Value::Array(was)), Some(Value::Array(is))) if are_aligned(at, was, is) => {
            for (index, (before, after)) in was.iter().zip(is).enumerate() {
                if before != after {
                    at.0.push(JsonStep::Index(index));
                    collect_differences(at, Some(before), Some(after), found);
                    at.0.pop();
                }
            }
        }
        (before, after) if before != after => {
            found.push(MemberDifference { at: at.clone(), before, after });
        }
        _ => {}
    }
}

fn compare_objects<'v>(
    at: &mut JsonPath,
    before: &'v Object,
    after: &'v Object,
    found: &mut Vec<MemberDifference<'v>>,
) {
    for (place, (key, value)) in before.iter().enumerate() {
        at.0.push(JsonStep::Key(key.clone()));
        collect_differences(at, Some(value), member_at(after, place, key), found);
        at.0.pop();
    }
    for (place, (key, value)) in after.iter().enumerate() {
        if member_at(before, place, key).is_none() {
            at.0.push(JsonStep::Key(key.clone()));
            collect_differences(at, None, Some(value), found);
            at.0.pop();
        }
    }
}

/// Whether an object is compared as one value: what lies in `properties` and `extra`.
fn is_single_value(at: &JsonPath) -> bool {
    let inside =
        |key: &JsonStep| *key == JsonStep::from("properties") || *key == JsonStep::from("extra");
    match at.0.as_slice() {
        [_, JsonStep::Key(meta)] if meta == "_meta" => true,
        [.., JsonStep::Key(extra), JsonStep::Key(data)]
            if extra == "extra" && (data == "linearData" || data == "groupNodes") =>
        {
            false
        }
        [.., parent, JsonStep::Key(_)] => inside(parent),
        _ => false,
    }
}

/// Whether two lists hold the same things in the same places.
fn are_aligned(at: &JsonPath, before: &[Value], after: &[Value]) -> bool {
    let Some(JsonStep::Key(list)) = at.0.last() else { return false };
    if before.len() != after.len() {
        return false;
    }
    match list.as_str() {
        "nodes" if is_group_node(at) => have_same_classes(before, after),
        "nodes" => have_same_node_ids(before, after),
        "subgraphs" | "reroutes" => have_same_ids(before, after, |v| v.get("id")),
        "links" | "floatingLinks" | "linkExtensions" => {
            have_same_ids(before, after, |v| v.get_index(0).or_else(|| v.get("id")))
        }
        "groups" | "inputs" | "outputs" => {
            before.iter().chain(after).all(|value| value.as_object().is_some())
        }
        "widgets_values" => at.0.len() > 1,
        _ => false,
    }
}

fn have_same_ids<'v>(
    before: &'v [Value],
    after: &'v [Value],
    id: impl Fn(&'v Value) -> Option<&'v Value>,
) -> bool {
    let mut seen = FxHashSet::default();
    before.iter().zip(after).all(|(before, after)| {
        let ids = (id(before).and_then(parse_element_id), id(after).and_then(parse_element_id));
        match ids {
            (Some(a), Some(b)) => a == b && seen.insert(b),
            _ => false,
        }
    })
}

/// The same, where an id may be that of several nodes.
fn have_same_node_ids(before: &[Value], after: &[Value]) -> bool {
    let id = |node: &Value| node.get("id").and_then(parse_element_id);
    before.iter().zip(after).all(|(before, after)| id(before).is_some() && id(before) == id(after))
}

/// Whether two group nodes are made of nodes of the same classes.
fn have_same_classes(before: &[Value], after: &[Value]) -> bool {
    let class = |node: &Value| node.get("type").cloned();
    before.iter().zip(after).all(|(b, a)| class(b).is_some() && class(b) == class(a))
}

/// Whether a list of nodes is that of a legacy group node.
fn is_group_node(at: &JsonPath) -> bool {
    matches!(at.0.as_slice(), [.., JsonStep::Key(all), JsonStep::Key(_), JsonStep::Key(_)]
        if all == "groupNodes")
}

fn parse_element_id(id: &Value) -> Option<NodeId> {
    NodeId::from_value(id).or_else(|| id.as_str().map(NodeId::from_text))
}

/// The thing that a place in the document belongs to, and the way inside it.
fn locate_target(
    at: &JsonPath,
    document: &Value,
    new: &IndexedGraph<'_>,
    shape: DocumentShape,
) -> (EditTarget, JsonPath) {
    if shape == DocumentShape::Prompt {
        return match at.0.split_first() {
            Some((key, _)) if is_remark(&key.to_key(), document) => {
                (EditTarget::Document, at.clone())
            }
            Some((id, rest)) => {
                let id = NodeId::from_text(&id.to_key());
                (
                    EditTarget::Node(node_ref_by_id(new, &GraphScope::Root, &id)),
                    JsonPath(rest.to_vec()),
                )
            }
            None => (EditTarget::Document, JsonPath::root()),
        };
    }
    let mut scope = GraphScope::Root;
    let mut graph = document;
    let mut rest = at.0.as_slice();
    while let [JsonStep::Key(a), JsonStep::Key(b), JsonStep::Index(index), more @ ..] = rest {
        let definition =
            graph.get(a).and_then(|d| d.get(b)).and_then(|list| list.get_index(*index));
        let id = definition.and_then(|d| d.get("id")).and_then(Value::as_str);
        let (Some(definition), Some(id), "definitions", "subgraphs") = (definition, id, &**a, &**b)
        else {
            break;
        };
        scope = GraphScope::Definition(SubgraphId::new(id));
        graph = definition;
        rest = more;
    }
    match locate_element(rest, graph, &scope, new) {
        Some((place, rest)) => (place, JsonPath(rest.to_vec())),
        None => (EditTarget::Graph(scope), JsonPath(rest.to_vec())),
    }
}

/// Whether a member of a prompt is no node; `document` is the second one.
fn is_remark(key: &str, document: &Value) -> bool {
    let member = document.get(key).map(|member| prompt_member(key, member));
    match member {
        Some(found) => found == Some(PromptMember::Remark),
        // Nodes that went are edits of structure.
        None => true,
    }
}

fn locate_element<'p>(
    way: &'p [JsonStep],
    graph: &Value,
    scope: &GraphScope,
    new: &IndexedGraph<'_>,
) -> Option<(EditTarget, &'p [JsonStep])> {
    let (list, index, rest) = match way {
        [JsonStep::Key(list), JsonStep::Index(index), rest @ ..] => (list, *index, rest),
        [JsonStep::Key(extra), JsonStep::Key(list), JsonStep::Index(index), rest @ ..]
            if extra == "extra" && list == "reroutes" =>
        {
            (list, *index, rest)
        }
        _ => return None,
    };
    let home = if way[0] == JsonStep::from("extra") { graph.get("extra")? } else { graph };
    let element = home.get(list)?.get_index(index)?;
    let place = match list.as_str() {
        "nodes" => {
            let id = |node: &Value| node.get("id").and_then(parse_element_id);
            // Only the first holder of an id is known by it.
            let earlier = home.get(list)?.as_array()?.iter().take(index);
            if earlier.into_iter().any(|node| id(node) == id(element)) {
                return None;
            }
            EditTarget::Node(node_ref_by_id(new, scope, &id(element)?))
        }
        "links" => {
            let id = element.get_index(0).or_else(|| element.get("id"))?;
            EditTarget::Link(scope.clone(), LinkId::from_value(id)?)
        }
        "reroutes" => {
            EditTarget::Reroute(scope.clone(), RerouteId::from_value(element.get("id")?)?)
        }
        "groups" => EditTarget::Group(new.group_ref(new.layer_index(scope)?, index)),
        _ => return None,
    };
    Some((place, rest))
}

fn node_ref_by_id(new: &IndexedGraph<'_>, scope: &GraphScope, id: &NodeId) -> NodeRef {
    let spot = new.layer_index(scope).and_then(|layer| new.node_index(layer, id));
    match spot {
        Some(spot) => new.node_ref(spot),
        None => NodeRef {
            key: NodeKey { scope: scope.clone(), id: id.clone() },
            class: CompactString::default(),
            title: None,
            subgraph: None,
        },
    }
}

/// The most specific edit for one difference.
fn specific_edit(
    differing: &MemberDifference<'_>,
    document: &Value,
    new: &IndexedGraph<'_>,
    shape: DocumentShape,
) -> Edit {
    let (place, at) = locate_target(&differing.at, document, new, shape);
    let change = Change::new(differing.before.cloned(), differing.after.cloned());
    if shape == DocumentShape::Prompt {
        if let Some(edit) = prompt_node_edit(&place, &at, &change) {
            return edit;
        }
        let noise = is_respelling(&change) || at.0.first() == Some(&JsonStep::from("is_changed"));
        let raw = RawEdit { place, at, change };
        return if noise { Edit::Bookkeeping(raw) } else { Edit::Raw(raw) };
    }
    let word = match &place {
        EditTarget::Node(node) => node_edit(node, &at, &change, new),
        EditTarget::Group(group) => {
            let group = group.clone();
            match at.0.as_slice() {
                [JsonStep::Key(key)] if key == "title" => {
                    present_text_change(&change).map(|title| Edit::GroupRetitled { group, title })
                }
                [JsonStep::Key(key)] if key == "color" => {
                    text_change(&change).map(|color| Edit::GroupColoured { group, color })
                }
                _ => None,
            }
        }
        EditTarget::Graph(GraphScope::Definition(id)) => match at.0.as_slice() {
            [JsonStep::Key(key)] if key == "name" => present_text_change(&change).map(|name| {
                let subgraph = SubgraphRef { id: id.clone(), name: name.after.clone() };
                Edit::SubgraphRenamed { subgraph, name }
            }),
            _ => None,
        },
        _ => None,
    };
    word.unwrap_or_else(|| raw_edit(place, at, change))
}

fn prompt_node_edit(
    place: &EditTarget,
    at: &JsonPath,
    change: &Change<Option<Value>>,
) -> Option<Edit> {
    let (EditTarget::Node(node), [JsonStep::Key(key)]) = (place, at.0.as_slice()) else {
        return None;
    };
    let node = node.clone();
    match key.as_str() {
        "class_type" => present_text_change(change).map(|class| Edit::Retyped { node, class }),
        "_meta" => Some(Edit::PromptMeta { node, change: change.clone() }),
        _ => None,
    }
}

fn node_edit(
    node: &NodeRef,
    at: &JsonPath,
    change: &Change<Option<Value>>,
    new: &IndexedGraph<'_>,
) -> Option<Edit> {
    let node = node.clone();
    match at.0.as_slice() {
        [JsonStep::Key(key)] => match key.as_str() {
            "type" => present_text_change(change).map(|class| Edit::Retyped { node, class }),
            "title" => text_change(change).map(|title| Edit::Retitled { node, title }),
            "mode" => mode_change(change).map(|mode| Edit::ModeChanged { node, mode }),
            "color" | "bgcolor" | "boxcolor" | "shape" => {
                Some(Edit::Coloured { node, key: key.clone(), change: change.clone() })
            }
            _ => None,
        },
        [JsonStep::Key(properties), JsonStep::Key(key)] if properties == "properties" => {
            property_edit(node, key, change, new)
        }
        [JsonStep::Key(list), JsonStep::Index(index), JsonStep::Key(label)] if label == "label" => {
            let side = match list.as_str() {
                "inputs" => SlotSide::Input,
                "outputs" => SlotSide::Output,
                _ => return None,
            };
            let layer = new.layer_index(&node.key.scope)?;
            let found = new.nodes[new.node_index(layer, &node.key.id)?];
            let name: SlotName = match side {
                SlotSide::Input => found.input_name(*index),
                SlotSide::Output => found.output_name(*index),
            };
            let label = text_change(change)?;
            // A label that repeats the name, as translations write it, shows nothing new.
            let shown = |label: &Option<CompactString>| {
                label.clone().filter(|label| !label.is_empty()).unwrap_or(name.name.clone())
            };
            let is_seen = shown(&label.before) != shown(&label.after);
            is_seen.then_some(Edit::SlotLabelled { node, side, name, label })
        }
        _ => None,
    }
}

/// Properties of nodes that programs write beside what a person does.
pub const PROGRAM_WRITTEN_PROPERTIES: [&str; 8] = [
    "Node name for S&R",
    "enableTabs",
    "tabWidth",
    "tabXOffset",
    "hasSecondTab",
    "secondTabText",
    "secondTabOffset",
    "secondTabWidth",
];

/// What a pack for wires at a distance notes of every node, beside what a person sets there.
const NOTED_MEMBERS: [&str; 2] = ["widget_ue_connectable", "version"];

/// Whether a property, or all of it that changed, is written by a program.
fn is_program_written(key: &str, change: &Change<Option<Value>>) -> bool {
    if PROGRAM_WRITTEN_PROPERTIES.contains(&key) {
        return true;
    }
    let set_by_person = |value: &Option<Value>| -> Vec<(JsonKey, Value)> {
        let members = value.as_ref().and_then(Value::as_object).into_iter().flat_map(Object::iter);
        let members = members.filter(|(key, value)| {
            !NOTED_MEMBERS.contains(&key.as_str()) && !is_empty_value(value)
        });
        members.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let is_object = |value: &Option<Value>| value.as_ref().is_none_or(|v| v.as_object().is_some());
    key == "ue_properties"
        && is_object(&change.before)
        && is_object(&change.after)
        && set_by_person(&change.before) == set_by_person(&change.after)
}

fn property_edit(
    node: NodeRef,
    key: &JsonKey,
    change: &Change<Option<Value>>,
    new: &IndexedGraph<'_>,
) -> Option<Edit> {
    if key == "ver"
        && let Some(version) = text_change(change)
    {
        let pack =
            new.layer_index(&node.key.scope).and_then(|layer| new.node_index(layer, &node.key.id));
        let pack = pack.and_then(|spot| {
            let node = new.nodes[spot];
            node.property("cnr_id").or_else(|| node.property("aux_id"))?.as_str()
        });
        let pack = CompactString::new(pack.unwrap_or_default());
        return Some(Edit::PackVersion { node, pack, version });
    }
    if is_program_written(key, change) || is_respelling(change) {
        return None;
    }
    Some(Edit::Property { node, key: key.clone(), change: change.clone() })
}

/// Members of the root's `extra` that repeat what other edits say, or mean nothing.
const REDUNDANT_EXTRA_MEMBERS: [&str; 5] =
    ["prompt", "comfy_fork_version", "node_versions", "linkExtensions", "reroutes"];

/// Members whose change means nothing to a person.
fn is_bookkeeping(place: &EditTarget, at: &JsonPath, change: &Change<Option<Value>>) -> bool {
    if is_respelling(change) {
        return true;
    }
    let keys: Vec<&str> = at.0.iter().filter_map(key_text).collect();
    match place {
        EditTarget::Node(_) => match keys.as_slice() {
            ["properties", key] => is_program_written(key, change),
            ["inputs" | "outputs", ..] | ["widgets_values_named", ..] | ["id" | "order"] => true,
            // A change of mode is an edit of its own: what is left is its spelling.
            ["mode"] => change.before.is_none() || change.after.is_none(),
            ["flags" | "widgets_values" | "properties"] => is_empty_on_both_sides(change),
            _ => false,
        },
        EditTarget::Graph(GraphScope::Root) => match keys.as_slice() {
            ["id" | "revision" | "state" | "last_node_id" | "last_link_id", ..]
            | ["definitions", "subgraphs"] => true,
            // The canvas inside a group node.
            ["extra", "groupNodes", _, "nodes", key, ..] => {
                matches!(*key, "pos" | "size" | "order" | "flags" | "index")
            }
            ["extra", key] => {
                key.starts_with("VHS_")
                    || REDUNDANT_EXTRA_MEMBERS.contains(key)
                    || is_empty_on_both_sides(change)
            }
            [_] => is_empty_on_both_sides(change),
            _ => false,
        },
        EditTarget::Graph(GraphScope::Definition(_)) => matches!(
            keys.as_slice(),
            ["inputs" | "outputs" | "state" | "inputNode" | "outputNode" | "widgets", ..]
        ),
        EditTarget::Link(..) | EditTarget::Reroute(..) => true,
        // The size of the title is not written any more.
        EditTarget::Group(_) => matches!(keys.as_slice(), ["id" | "flags" | "font_size"]),
        EditTarget::Document => false,
    }
}

/// Whether there is nothing on either side, in whatever spelling.
fn is_empty_on_both_sides(change: &Change<Option<Value>>) -> bool {
    let empty = |value: &Option<Value>| value.as_ref().is_none_or(is_empty_value);
    empty(&change.before) && empty(&change.after)
}

fn is_empty_value(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.values().all(is_empty_value),
        _ => false,
    }
}

fn key_text(step: &JsonStep) -> Option<&str> {
    match step {
        JsonStep::Key(key) => Some(key),
        JsonStep::Index(_) => None,
    }
}

fn raw_edit(place: EditTarget, at: JsonPath, change: Change<Option<Value>>) -> Edit {
    let bookkeeping = is_bookkeeping(&place, &at, &change);
    let raw = RawEdit { place, at, change };
    if bookkeeping { Edit::Bookkeeping(raw) } else { Edit::Raw(raw) }
}

/// Whether both are there and mean the same, spelled in two ways.
fn is_respelling(change: &Change<Option<Value>>) -> bool {
    matches!((&change.before, &change.after), (Some(a), Some(b)) if a.is_equivalent(b))
}

fn text_change(change: &Change<Option<Value>>) -> Option<Change<Option<CompactString>>> {
    let text = |value: &Option<Value>| match value {
        None => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    Some(Change::new(text(&change.before)?, text(&change.after)?))
}

fn present_text_change(change: &Change<Option<Value>>) -> Option<Change<CompactString>> {
    let change = text_change(change)?;
    Some(Change::new(change.before?, change.after?))
}

/// Modes that are spelled as the number they are.
fn mode_change(change: &Change<Option<Value>>) -> Option<Change<NodeMode>> {
    let mode = |value: &Option<Value>| {
        let number = value.as_ref()?.as_i64()?;
        let spelled = Value::from(number);
        (value.as_ref() == Some(&spelled)).then(|| NodeMode::from_number(number))
    };
    Some(Change::new(mode(&change.before)?, mode(&change.after)?))
}

impl MemberDifference<'_> {
    fn are_lists(&self) -> bool {
        let list = |value: Option<&Value>| value.and_then(Value::as_array).is_some();
        list(self.before) && list(self.after)
    }
}

fn app_list_at(at: &JsonPath) -> Option<AppList> {
    let list = |key: &str| match key {
        "inputs" => Some(AppList::Inputs),
        "outputs" => Some(AppList::Outputs),
        _ => None,
    };
    match at.0.as_slice() {
        [JsonStep::Key(extra), JsonStep::Key(data), JsonStep::Key(key)]
            if extra == "extra" && data == "linearData" =>
        {
            list(key)
        }
        _ => None,
    }
}

/// Entries of the app mode that came, went, moved or changed.
fn compare_app_list(
    list: AppList,
    differing: &MemberDifference<'_>,
    new: &IndexedGraph<'_>,
    edits: &mut Vec<Edit>,
) {
    let was = differing.before.and_then(Value::as_array).unwrap_or_default();
    let is = differing.after.and_then(Value::as_array).unwrap_or_default();
    let entry = |at: usize, raw: &Value| app_entry(at, raw, new);
    let mut by_name: FxHashMap<CompactString, Vec<usize>> = FxHashMap::default();
    for (at, raw) in was.iter().enumerate().rev() {
        by_name.entry(app_entry_name(raw)).or_default().push(at);
    }
    let before: Vec<Option<usize>> =
        is.iter().map(|raw| by_name.get_mut(&app_entry_name(raw)).and_then(Vec::pop)).collect();
    let order: Vec<usize> = before.iter().copied().flatten().collect();
    let mut in_order = longest_increasing_subsequence(&order).into_iter().peekable();
    let kept: FxHashSet<usize> = order.iter().copied().collect();
    let mut say = |before: Option<AppEntry>, after: Option<AppEntry>| {
        edits.push(Edit::AppModeEntry { list, entry: Box::new(Change::new(before, after)) });
    };
    for (at, raw) in was.iter().enumerate().filter(|(at, _)| !kept.contains(at)) {
        say(Some(entry(at, raw)), None);
    }
    for (at, raw) in is.iter().enumerate() {
        let Some(old) = before[at] else {
            say(None, Some(entry(at, raw)));
            continue;
        };
        let kept_order = in_order.next_if(|&next| next == old).is_some();
        if !kept_order || was[old] != *raw {
            say(Some(entry(old, &was[old])), Some(entry(at, raw)));
        }
    }
}

/// What an entry shows, as a text.
fn app_entry_name(raw: &Value) -> CompactString {
    let id = raw.get_index(0).unwrap_or(raw);
    let widget = raw.get_index(1).and_then(Value::as_str).unwrap_or_default();
    let id = NodeId::from_value(id).map(|id| id.to_string()).unwrap_or_default();
    compact_str::format_compact!("{id}\n{widget}")
}

fn app_entry(at: usize, raw: &Value, new: &IndexedGraph<'_>) -> AppEntry {
    let id = NodeId::from_value(raw.get_index(0).unwrap_or(raw));
    let spot = id.and_then(|id| new.node_index(0, &id));
    AppEntry {
        at,
        node: spot.map(|spot| new.node_ref(spot)),
        widget: raw.get_index(1).and_then(Value::as_str).map(CompactString::new),
        raw: raw.clone(),
    }
}
