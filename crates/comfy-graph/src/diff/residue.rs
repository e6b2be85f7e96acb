//! What is left when all structural edits are made: single members that differ. Each
//! becomes the most specific edit there is for its place, and a raw edit where there is
//! none. This is what makes every script complete.
//!
//! Must not know how the structure was compared.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::apply::{members, order_keys};
use super::draft::GraphOrder;
use super::edit::{AppEntry, AppList, Change, Edit, NodeRef, Place, RawEdit, Side, SubgraphRef};
use super::sequence::longest_rising;
use crate::canon;
use crate::graph::{LinkId, Mode, NodeId, NodeKey, RerouteId, Scope, SlotName, SubgraphId};
use crate::json::{Key, Object, Path, Step, Value};
use crate::pair::IndexedGraph;

/// A member that differs, by its place in the document.
struct Differing<'v> {
    at: Path,
    before: Option<&'v Value>,
    after: Option<&'v Value>,
}

/// What kind of document the places are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A workflow.
    Workflow,
    /// An API prompt.
    Prompt,
}

/// How two documents of one structure differ; `new` is the second one. What is found
/// is replayed to prove it: nothing comes back if that fails.
pub(super) fn compare(
    mut before: Value,
    after: &Value,
    new: &IndexedGraph<'_>,
    order: &GraphOrder,
    shape: Shape,
) -> Option<Vec<Edit>> {
    let mut found = Vec::new();
    differing(&mut Path::root(), Some(&before), Some(after), &mut found);
    let mut edits = Vec::new();
    for differing in found {
        match app_list_at(&differing.at) {
            Some(list) if differing.is_list() && shape == Shape::Workflow => {
                app(list, &differing, new, &mut edits);
            }
            _ => edits.push(tell(&differing, after, new, shape)),
        }
    }
    // New members of an object come to stand in the order of the edits.
    let mut edits = order.sort(edits);
    members(&mut before, &edits.iter().collect::<Vec<_>>()).ok()?;
    canon::strip(&mut before);
    let mut found = Vec::new();
    out_of_order(&mut Path::root(), &before, after, &mut found);
    let orders = found.into_iter().map(|(at, keys)| {
        let (place, at) = locate(&at, after, new, shape);
        Edit::Keys { place, at, keys }
    });
    let orders: Vec<Edit> = orders.collect();
    order_keys(&mut before, &orders.iter().collect::<Vec<_>>()).ok()?;
    edits.extend(orders);
    (before == *after).then_some(edits)
}

/// Objects whose members stand in another order.
fn out_of_order(at: &mut Path, before: &Value, after: &Value, found: &mut Vec<(Path, Vec<Key>)>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            if !before.keys().eq(after.keys()) {
                found.push((at.clone(), after.keys().cloned().collect()));
            }
            for (place, (key, value)) in after.iter().enumerate() {
                if let Some(was) = member(before, place, key) {
                    at.0.push(Step::Key(key.clone()));
                    out_of_order(at, was, value, found);
                    at.0.pop();
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                if matches!(after, Value::Object(_) | Value::Array(_)) {
                    at.0.push(Step::Index(index));
                    out_of_order(at, before, after, found);
                    at.0.pop();
                }
            }
        }
        _ => {}
    }
}

/// A member, looked for first where it stands in the other object.
fn member<'v>(object: &'v Object, place: usize, key: &str) -> Option<&'v Value> {
    match object.get_index(place) {
        Some((found, value)) if found == key => Some(value),
        _ => object.get(key),
    }
}

fn differing<'v>(
    at: &mut Path,
    before: Option<&'v Value>,
    after: Option<&'v Value>,
    found: &mut Vec<Differing<'v>>,
) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) if !is_whole(at) => {
            objects(at, before, after, found);
        }
        (Some(Value::Array(was)), Some(Value::Array(is))) if are_aligned(at, was, is) => {
            for (index, (before, after)) in was.iter().zip(is).enumerate() {
                if before != after {
                    at.0.push(Step::Index(index));
                    differing(at, Some(before), Some(after), found);
                    at.0.pop();
                }
            }
        }
        (before, after) if before != after => {
            found.push(Differing { at: at.clone(), before, after });
        }
        _ => {}
    }
}

fn objects<'v>(
    at: &mut Path,
    before: &'v Object,
    after: &'v Object,
    found: &mut Vec<Differing<'v>>,
) {
    for (place, (key, value)) in before.iter().enumerate() {
        at.0.push(Step::Key(key.clone()));
        differing(at, Some(value), member(after, place, key), found);
        at.0.pop();
    }
    for (place, (key, value)) in after.iter().enumerate() {
        if member(before, place, key).is_none() {
            at.0.push(Step::Key(key.clone()));
            differing(at, None, Some(value), found);
            at.0.pop();
        }
    }
}

/// Whether an object is compared as one value: what lies in `properties` and `extra`.
fn is_whole(at: &Path) -> bool {
    let inside = |key: &Step| *key == Step::from("properties") || *key == Step::from("extra");
    match at.0.as_slice() {
        [_, Step::Key(meta)] if meta == "_meta" => true,
        [.., Step::Key(extra), Step::Key(data)] if extra == "extra" && data == "linearData" => {
            false
        }
        [.., parent, Step::Key(_)] => inside(parent),
        _ => false,
    }
}

/// Whether two lists hold the same things in the same places.
fn are_aligned(at: &Path, before: &[Value], after: &[Value]) -> bool {
    let Some(Step::Key(list)) = at.0.last() else { return false };
    if before.len() != after.len() {
        return false;
    }
    match list.as_str() {
        "nodes" | "subgraphs" | "reroutes" => have_same_ids(before, after, |v| v.get("id")),
        "links" | "floatingLinks" | "linkExtensions" => {
            have_same_ids(before, after, |v| v.at(0).or_else(|| v.get("id")))
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
        let ids = (id(before).and_then(text_id), id(after).and_then(text_id));
        match ids {
            (Some(a), Some(b)) => a == b && seen.insert(b),
            _ => false,
        }
    })
}

fn text_id(id: &Value) -> Option<NodeId> {
    NodeId::from_value(id).or_else(|| id.as_str().map(NodeId::from_text))
}

/// The thing that a place in the document belongs to, and the way inside it.
fn locate(at: &Path, document: &Value, new: &IndexedGraph<'_>, shape: Shape) -> (Place, Path) {
    if shape == Shape::Prompt {
        return match at.0.split_first() {
            Some((id, rest)) => {
                let id = NodeId::from_text(&step_text(id));
                (Place::Node(node_ref(new, &Scope::Root, &id)), Path(rest.to_vec()))
            }
            None => (Place::Document, Path::root()),
        };
    }
    let mut scope = Scope::Root;
    let mut graph = document;
    let mut rest = at.0.as_slice();
    while let [Step::Key(a), Step::Key(b), Step::Index(index), more @ ..] = rest {
        let definition = graph.get(a).and_then(|d| d.get(b)).and_then(|list| list.at(*index));
        let id = definition.and_then(|d| d.get("id")).and_then(Value::as_str);
        let (Some(definition), Some(id), "definitions", "subgraphs") = (definition, id, &**a, &**b)
        else {
            break;
        };
        scope = Scope::Definition(SubgraphId::new(id));
        graph = definition;
        rest = more;
    }
    match thing(rest, graph, &scope, new) {
        Some((place, rest)) => (place, Path(rest.to_vec())),
        None => (Place::Graph(scope), Path(rest.to_vec())),
    }
}

fn thing<'p>(
    way: &'p [Step],
    graph: &Value,
    scope: &Scope,
    new: &IndexedGraph<'_>,
) -> Option<(Place, &'p [Step])> {
    let (list, index, rest) = match way {
        [Step::Key(list), Step::Index(index), rest @ ..] => (list, *index, rest),
        [Step::Key(extra), Step::Key(list), Step::Index(index), rest @ ..]
            if extra == "extra" && list == "reroutes" =>
        {
            (list, *index, rest)
        }
        _ => return None,
    };
    let home = if way[0] == Step::from("extra") { graph.get("extra")? } else { graph };
    let element = home.get(list)?.at(index)?;
    let place = match list.as_str() {
        "nodes" => Place::Node(node_ref(new, scope, &NodeId::from_value(element.get("id")?)?)),
        "links" => {
            let id = element.at(0).or_else(|| element.get("id"))?;
            Place::Link(scope.clone(), LinkId::from_value(id)?)
        }
        "reroutes" => Place::Reroute(scope.clone(), RerouteId::from_value(element.get("id")?)?),
        "groups" => Place::Group(new.group_ref(new.layer(scope)?, index)),
        _ => return None,
    };
    Some((place, rest))
}

fn node_ref(new: &IndexedGraph<'_>, scope: &Scope, id: &NodeId) -> NodeRef {
    let spot = new.layer(scope).and_then(|layer| new.spot(layer, id));
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
fn tell(differing: &Differing<'_>, document: &Value, new: &IndexedGraph<'_>, shape: Shape) -> Edit {
    let (place, at) = locate(&differing.at, document, new, shape);
    let change = Change::new(differing.before.cloned(), differing.after.cloned());
    if shape == Shape::Prompt {
        if let Some(edit) = of_prompt_node(&place, &at, &change) {
            return edit;
        }
        let noise = same(&change) || at.0.first() == Some(&Step::from("is_changed"));
        let raw = RawEdit { place, at, change };
        return if noise { Edit::Bookkeeping(raw) } else { Edit::Raw(raw) };
    }
    let word = match &place {
        Place::Node(node) => of_node(node, &at, &change, new),
        Place::Group(group) => {
            let group = group.clone();
            match at.0.as_slice() {
                [Step::Key(key)] if key == "title" => {
                    both_texts(&change).map(|title| Edit::GroupRetitled { group, title })
                }
                [Step::Key(key)] if key == "color" => {
                    texts(&change).map(|color| Edit::GroupColoured { group, color })
                }
                _ => None,
            }
        }
        Place::Graph(Scope::Definition(id)) => match at.0.as_slice() {
            [Step::Key(key)] if key == "name" => both_texts(&change).map(|name| {
                let subgraph = SubgraphRef { id: id.clone(), name: name.after.clone() };
                Edit::SubgraphRenamed { subgraph, name }
            }),
            _ => None,
        },
        _ => None,
    };
    word.unwrap_or_else(|| raw(place, at, change))
}

fn of_prompt_node(place: &Place, at: &Path, change: &Change<Option<Value>>) -> Option<Edit> {
    let (Place::Node(node), [Step::Key(key)]) = (place, at.0.as_slice()) else { return None };
    let node = node.clone();
    match key.as_str() {
        "class_type" => both_texts(change).map(|class| Edit::Retyped { node, class }),
        "_meta" => Some(Edit::Meta { node, change: change.clone() }),
        _ => None,
    }
}

fn of_node(
    node: &NodeRef,
    at: &Path,
    change: &Change<Option<Value>>,
    new: &IndexedGraph<'_>,
) -> Option<Edit> {
    let node = node.clone();
    match at.0.as_slice() {
        [Step::Key(key)] => match key.as_str() {
            "type" => both_texts(change).map(|class| Edit::Retyped { node, class }),
            "title" => texts(change).map(|title| Edit::Retitled { node, title }),
            "mode" => modes(change).map(|mode| Edit::ModeChanged { node, mode }),
            "color" | "bgcolor" | "boxcolor" | "shape" => {
                Some(Edit::Coloured { node, key: key.clone(), change: change.clone() })
            }
            _ => None,
        },
        [Step::Key(properties), Step::Key(key)] if properties == "properties" => {
            property(node, key, change, new)
        }
        [Step::Key(list), Step::Index(index), Step::Key(label)] if label == "label" => {
            let side = match list.as_str() {
                "inputs" => Side::Input,
                "outputs" => Side::Output,
                _ => return None,
            };
            let layer = new.layer(&node.key.scope)?;
            let found = new.nodes[new.spot(layer, &node.key.id)?];
            let name: SlotName = match side {
                Side::Input => found.input_name(*index),
                Side::Output => found.output_name(*index),
            };
            texts(change).map(|label| Edit::SlotLabelled { node, side, name, label })
        }
        _ => None,
    }
}

/// Properties of nodes that programs write beside what a person does.
pub const WRITTEN_BY_PROGRAMS: [&str; 8] = [
    "Node name for S&R",
    "enableTabs",
    "tabWidth",
    "tabXOffset",
    "hasSecondTab",
    "secondTabText",
    "secondTabOffset",
    "secondTabWidth",
];

fn property(
    node: NodeRef,
    key: &Key,
    change: &Change<Option<Value>>,
    new: &IndexedGraph<'_>,
) -> Option<Edit> {
    if key == "ver"
        && let Some(version) = texts(change)
    {
        let pack = new.layer(&node.key.scope).and_then(|layer| new.spot(layer, &node.key.id));
        let pack = pack.and_then(|spot| {
            let node = new.nodes[spot];
            node.property("cnr_id").or_else(|| node.property("aux_id"))?.as_str()
        });
        let pack = CompactString::new(pack.unwrap_or_default());
        return Some(Edit::PackVersion { node, pack, version });
    }
    if WRITTEN_BY_PROGRAMS.contains(&key.as_str()) || same(change) {
        return None;
    }
    Some(Edit::Property { node, key: key.clone(), change: change.clone() })
}

/// Members of the root's `extra` that repeat what other edits say, or mean nothing.
const BESIDE: [&str; 5] =
    ["prompt", "comfy_fork_version", "node_versions", "linkExtensions", "reroutes"];

/// Members whose change means nothing to a person.
fn is_bookkeeping(place: &Place, at: &Path, change: &Change<Option<Value>>) -> bool {
    if same(change) {
        return true;
    }
    let keys: Vec<&str> = at.0.iter().filter_map(key_text).collect();
    match place {
        Place::Node(_) => match keys.as_slice() {
            ["properties", key] => WRITTEN_BY_PROGRAMS.contains(key),
            ["inputs" | "outputs", ..] | ["widgets_values_named", ..] | ["id" | "order"] => true,
            // A change of mode is an edit of its own: what is left is its spelling.
            ["mode"] => change.before.is_none() || change.after.is_none(),
            ["flags" | "widgets_values" | "properties"] => is_hollow(change),
            _ => false,
        },
        Place::Graph(Scope::Root) => match keys.as_slice() {
            ["id" | "revision" | "state" | "last_node_id" | "last_link_id", ..]
            | ["definitions", "subgraphs"] => true,
            ["extra", key] => key.starts_with("VHS_") || BESIDE.contains(key) || is_hollow(change),
            [_] => is_hollow(change),
            _ => false,
        },
        Place::Graph(Scope::Definition(_)) => matches!(
            keys.as_slice(),
            ["inputs" | "outputs" | "state" | "inputNode" | "outputNode" | "widgets", ..]
        ),
        Place::Link(..) | Place::Reroute(..) => true,
        // The size of the title is not written any more.
        Place::Group(_) => matches!(keys.as_slice(), ["id" | "flags" | "font_size"]),
        Place::Document => false,
    }
}

/// Whether there is nothing on either side, in whatever spelling.
fn is_hollow(change: &Change<Option<Value>>) -> bool {
    let empty = |value: &Option<Value>| value.as_ref().is_none_or(is_empty);
    empty(&change.before) && empty(&change.after)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
        _ => false,
    }
}

fn step_text(step: &Step) -> CompactString {
    match step {
        Step::Key(key) => key.clone(),
        Step::Index(at) => compact_str::format_compact!("{at}"),
    }
}

fn key_text(step: &Step) -> Option<&str> {
    match step {
        Step::Key(key) => Some(key),
        Step::Index(_) => None,
    }
}

fn raw(place: Place, at: Path, change: Change<Option<Value>>) -> Edit {
    let bookkeeping = is_bookkeeping(&place, &at, &change);
    let raw = RawEdit { place, at, change };
    if bookkeeping { Edit::Bookkeeping(raw) } else { Edit::Raw(raw) }
}

/// Whether both are there and mean the same, spelled in two ways.
fn same(change: &Change<Option<Value>>) -> bool {
    matches!((&change.before, &change.after), (Some(a), Some(b)) if a.same(b))
}

fn texts(change: &Change<Option<Value>>) -> Option<Change<Option<CompactString>>> {
    let text = |value: &Option<Value>| match value {
        None => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    Some(Change::new(text(&change.before)?, text(&change.after)?))
}

fn both_texts(change: &Change<Option<Value>>) -> Option<Change<CompactString>> {
    let change = texts(change)?;
    Some(Change::new(change.before?, change.after?))
}

/// Modes that are spelled as the number they are.
fn modes(change: &Change<Option<Value>>) -> Option<Change<Mode>> {
    let mode = |value: &Option<Value>| {
        let number = value.as_ref()?.as_i64()?;
        let spelled = Value::from(number);
        (value.as_ref() == Some(&spelled)).then(|| Mode::from_number(number))
    };
    Some(Change::new(mode(&change.before)?, mode(&change.after)?))
}

impl Differing<'_> {
    fn is_list(&self) -> bool {
        let list = |value: Option<&Value>| value.and_then(Value::as_array).is_some();
        list(self.before) && list(self.after)
    }
}

fn app_list_at(at: &Path) -> Option<AppList> {
    let list = |key: &str| match key {
        "inputs" => Some(AppList::Inputs),
        "outputs" => Some(AppList::Outputs),
        _ => None,
    };
    match at.0.as_slice() {
        [Step::Key(extra), Step::Key(data), Step::Key(key)]
            if extra == "extra" && data == "linearData" =>
        {
            list(key)
        }
        _ => None,
    }
}

/// Entries of the app mode that came, went, moved or changed.
fn app(list: AppList, differing: &Differing<'_>, new: &IndexedGraph<'_>, edits: &mut Vec<Edit>) {
    let was = differing.before.and_then(Value::as_array).unwrap_or_default();
    let is = differing.after.and_then(Value::as_array).unwrap_or_default();
    let entry = |at: usize, raw: &Value| app_entry(at, raw, new);
    let mut by_name: FxHashMap<CompactString, Vec<usize>> = FxHashMap::default();
    for (at, raw) in was.iter().enumerate().rev() {
        by_name.entry(entry_name(raw)).or_default().push(at);
    }
    let before: Vec<Option<usize>> =
        is.iter().map(|raw| by_name.get_mut(&entry_name(raw)).and_then(Vec::pop)).collect();
    let order: Vec<usize> = before.iter().copied().flatten().collect();
    let mut in_order = longest_rising(&order).into_iter().peekable();
    let kept: FxHashSet<usize> = order.iter().copied().collect();
    let mut say = |before: Option<AppEntry>, after: Option<AppEntry>| {
        edits.push(Edit::App { list, entry: Box::new(Change::new(before, after)) });
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
fn entry_name(raw: &Value) -> CompactString {
    let id = raw.at(0).unwrap_or(raw);
    let widget = raw.at(1).and_then(Value::as_str).unwrap_or_default();
    let id = NodeId::from_value(id).map(|id| id.to_string()).unwrap_or_default();
    compact_str::format_compact!("{id}\n{widget}")
}

fn app_entry(at: usize, raw: &Value, new: &IndexedGraph<'_>) -> AppEntry {
    let id = NodeId::from_value(raw.at(0).unwrap_or(raw));
    let spot = id.and_then(|id| new.spot(0, &id));
    AppEntry {
        at,
        node: spot.map(|spot| new.node_ref(spot)),
        widget: raw.at(1).and_then(Value::as_str).map(CompactString::new),
        raw: raw.clone(),
    }
}
