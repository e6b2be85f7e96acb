//! Describes an edit script: which edits belong to one item, and which are only counted.
//!
//! Must not know how a description is rendered.

use comfy_graph::diff::{
    AddedWidget, AppEntry, AppList, Change, Class, Edit, EditScript, NodeRef, Origin, Place,
    RawEdit, Side, SinkRef, SubgraphRef, Usual,
};
use comfy_graph::graph::{NodeKey, Role, Scope, SubgraphId};
use comfy_graph::json::{Object, Value};
use indexmap::IndexMap;
use rustc_hash::FxHashMap;

use super::phrase;
use super::story::{Fact, Item, Section, Sign, Story, Subject};
use crate::platform::text::words;

/// Names of the subgraphs that occur in either document.
pub type SubgraphNames = FxHashMap<SubgraphId, String>;

/// How much is said about layout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// One line with counts.
    #[default]
    Folded,
    /// Every move and resize.
    Spelled,
}

pub fn tell(script: &EditScript, names: &SubgraphNames, layout: Layout) -> Story {
    let mut teller =
        Teller { script, names, sections: IndexMap::default(), versions: IndexMap::default() };
    for (at, edit) in script.told() {
        teller.tell(at, edit);
    }
    let mut story = Story::default();
    story.asides.extend(teller.version_lines());
    for (scope, section) in teller.sections {
        let subgraph = scope.map(|scope| scope_name(&scope, names));
        story.sections.push(Section { subgraph, items: section.items });
    }
    for (_, edit) in script.told() {
        if let Edit::Inside { at, script } = edit {
            let inner = tell(script, names, layout);
            let place = format!("at {at}");
            story.sections.extend(inner.sections.into_iter().map(|section| Section {
                subgraph: Some(match section.subgraph {
                    Some(subgraph) => format!("{place}: {subgraph}"),
                    None => place.clone(),
                }),
                ..section
            }));
            story.asides.extend(inner.asides);
        }
    }
    match layout {
        Layout::Folded => story.asides.extend(folded_layout(script)),
        Layout::Spelled => story.asides.extend(spelled_layout(script)),
    }
    story.asides.extend(bookkeeping(script));
    story
}

fn scope_name(scope: &SubgraphId, names: &SubgraphNames) -> String {
    match names.get(scope) {
        Some(name) if !name.trim().is_empty() => name.clone(),
        _ => scope.as_str().chars().take(8).collect(),
    }
}

/// What an item is about, so that all edits of one node become one item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Thing {
    Node(NodeKey),
    Group(Scope, usize),
    /// A removed node or group: another one may have its id now.
    Gone(Box<Thing>),
    Subgraph(SubgraphId),
    Other(String),
}

#[derive(Default)]
struct Building {
    items: Vec<Item>,
    places: FxHashMap<Thing, usize>,
}

struct Teller<'a> {
    script: &'a EditScript,
    names: &'a SubgraphNames,
    sections: IndexMap<Option<SubgraphId>, Building>,
    /// How many nodes went from one version of a pack to another, by pack, old and new version.
    versions: IndexMap<(String, String, String), usize>,
}

impl Teller<'_> {
    fn item(&mut self, edit: &Edit, thing: Thing, subject: Subject) -> &mut Item {
        let scope = match edit.scope() {
            Scope::Root => None,
            Scope::Definition(id) => Some(id),
        };
        self.item_in(scope, thing, subject)
    }

    fn item_in(&mut self, scope: Option<SubgraphId>, thing: Thing, subject: Subject) -> &mut Item {
        let building = self.sections.entry(scope).or_default();
        let at = *building.places.entry(thing).or_insert_with(|| {
            building.items.push(Item {
                sign: Sign::Changed,
                subject,
                remark: None,
                facts: Vec::new(),
            });
            building.items.len() - 1
        });
        &mut building.items[at]
    }

    fn on_node(&mut self, edit: &Edit, node: &NodeRef) -> &mut Item {
        self.item(edit, Thing::Node(node.key.clone()), phrase::node(node))
    }

    fn gone_node(&mut self, edit: &Edit, node: &NodeRef) -> &mut Item {
        let thing = Thing::Gone(Box::new(Thing::Node(node.key.clone())));
        self.item(edit, thing, phrase::node(node))
    }

    /// A subgraph definition is listed among the nodes of the root, where its instances are.
    fn on_subgraph(&mut self, subgraph: &SubgraphRef) -> &mut Item {
        self.item_in(None, Thing::Subgraph(subgraph.id.clone()), phrase::subgraph(subgraph))
    }

    fn tell(&mut self, at: usize, edit: &Edit) {
        match edit {
            Edit::NodeAdded { node, widgets, .. } => self.node_added(at, edit, node, widgets),
            Edit::NodeRemoved { node, .. } => self.gone_node(edit, node).sign = Sign::Removed,
            Edit::NodeMoved { node, from } => {
                let remark = match (&from.scope, &node.key.scope) {
                    (_, Scope::Root) => "moved out of a subgraph".to_owned(),
                    (_, Scope::Definition(id)) => {
                        format!("moved into subgraph {}", scope_name(id, self.names))
                    }
                };
                self.on_node(edit, node).remark = Some(remark);
            }
            Edit::Retyped { node, class } => {
                let remark = format!("was {}", class.before);
                self.on_node(edit, node).remark = Some(remark);
            }
            Edit::Retitled { node, title } => {
                let fact = value("title", &title.before, &title.after);
                self.on_node(edit, node).facts.push(fact);
            }
            Edit::ModeChanged { node, mode } => {
                let (before, after) = (phrase::mode(mode.before), phrase::mode(mode.after));
                self.on_node(edit, node).remark = Some(format!("{before} -> {after}"));
            }
            Edit::Coloured { node, key, change } => {
                let fact = json_value(key, change);
                self.on_node(edit, node).facts.push(fact);
            }
            Edit::Widget { node, name, role, change, origin, .. } => {
                let fact = widget(&name.to_string(), *role, change, *origin);
                self.on_node(edit, node).facts.push(fact);
            }
            Edit::Wire { .. } => self.wire(edit),
            Edit::SlotLabelled { node, side, name, label } => {
                let side = side_word(*side);
                let fact = value(&format!("label of {side} {name}"), &label.before, &label.after);
                self.on_node(edit, node).facts.push(fact);
            }
            Edit::Property { node, key, change } => {
                let fact = json_value(&format!("properties.{key}"), change);
                self.on_node(edit, node).facts.push(fact);
            }
            Edit::Meta { node, change } => {
                self.on_node(edit, node).facts.push(meta(change));
            }
            Edit::PackVersion { pack, version, .. } => self.version(pack, version),
            Edit::Inside { .. } => {}
            Edit::Raw(raw) => self.raw(edit, raw),
            _ => self.structure(at, edit),
        }
    }

    /// Groups and subgraphs.
    fn structure(&mut self, at: usize, edit: &Edit) {
        match edit {
            Edit::GroupAdded { group, .. }
            | Edit::GroupRemoved { group, .. }
            | Edit::GroupRetitled { group, .. }
            | Edit::GroupColoured { group, .. } => {
                let mut thing = Thing::Group(group.scope.clone(), group.at);
                if matches!(edit, Edit::GroupRemoved { .. }) {
                    thing = Thing::Gone(Box::new(thing));
                }
                let item = self.item(edit, thing, phrase::group(group));
                match edit {
                    Edit::GroupAdded { .. } => item.sign = Sign::Added,
                    Edit::GroupRemoved { .. } => item.sign = Sign::Removed,
                    Edit::GroupRetitled { title, .. } => {
                        let (before, after) = (Some(&title.before), Some(&title.after));
                        item.facts.push(value("title", &before, &after));
                    }
                    Edit::GroupColoured { color, .. } => {
                        item.facts.push(value("color", &color.before, &color.after));
                    }
                    _ => {}
                }
            }
            Edit::SubgraphAdded { subgraph, .. } => {
                let inside = self.script.consequences(at);
                let count = inside.filter(|e| matches!(e, Edit::NodeAdded { .. })).count();
                let item = self.on_subgraph(subgraph);
                item.sign = Sign::Added;
                item.remark = (count > 0).then(|| format!("with {}", nodes(count)));
            }
            Edit::SubgraphRemoved { subgraph, .. } => {
                self.on_subgraph(subgraph).sign = Sign::Removed;
            }
            Edit::Packed { subgraph, host, nodes } => {
                let remark = format!("packed from {}", list(nodes));
                let item = self.on_node(edit, host);
                item.sign = Sign::Added;
                item.subject.kind = Some("subgraph".to_owned());
                item.subject.name = phrase::subgraph(subgraph).name;
                item.remark = Some(remark);
            }
            Edit::Unpacked { subgraph, host, nodes } => {
                let remark = format!("unpacked into {}", list(nodes));
                let item = self.gone_node(edit, host);
                item.sign = Sign::Removed;
                item.subject.kind = Some("subgraph".to_owned());
                item.subject.name = phrase::subgraph(subgraph).name;
                item.remark = Some(remark);
            }
            Edit::SubgraphRenamed { subgraph, name } => {
                let (before, after) = (Some(&name.before), Some(&name.after));
                let fact = value("name", &before, &after);
                self.on_subgraph(subgraph).facts.push(fact);
            }
            Edit::Boundary { subgraph, side, name, kind, label, .. } => {
                let facts = boundary(*side, name, kind, label);
                self.on_subgraph(subgraph).facts.extend(facts);
            }
            _ => self.rest(edit),
        }
    }

    /// Slots, reroutes, the app mode.
    fn rest(&mut self, edit: &Edit) {
        match edit {
            Edit::Slot { node, side, name, raw, .. } => {
                let shown = name.after.as_ref().or(name.before.as_ref());
                let shown = shown.map(ToString::to_string).unwrap_or_default();
                let kind = |slot: &Option<Object>| {
                    slot.as_ref().and_then(|slot| slot.get("type")).map(phrase::value)
                };
                let (before, after) = (kind(&raw.before), kind(&raw.after));
                let side = side_word(*side);
                let fact = if before == after {
                    Fact::Said(format!("{side} {shown} stands elsewhere among its {side}s"))
                } else {
                    value(&format!("type of {side} {shown}"), &before, &after)
                };
                self.on_node(edit, node).facts.push(fact);
            }
            Edit::Reroute { id, wires, raw, .. } => {
                let (thing, mut subject) = other(&format!("reroute {id}"));
                let wires: Vec<String> = wires.iter().map(phrase::sink).collect();
                if !wires.is_empty() {
                    subject.kind = Some(format!("on the wire to {}", wires.join(", ")));
                }
                let item = self.item(edit, thing, subject);
                item.sign = match (&raw.before, &raw.after) {
                    (None, _) => Sign::Added,
                    (_, None) => Sign::Removed,
                    _ => Sign::Changed,
                };
            }
            Edit::App { list, entry } => {
                let (thing, subject) = other("app mode");
                let shown = |entry: &AppEntry| {
                    let node = entry.node.as_ref().map(phrase::node_in_passing);
                    let node = node.unwrap_or_else(|| phrase::value(&entry.raw));
                    let widget = entry.widget.as_deref().map(|name| format!(" {name}"));
                    format!("{node}{}", widget.unwrap_or_default())
                };
                let list = match list {
                    AppList::Inputs => "input",
                    AppList::Outputs => "output",
                };
                let fact = match (&entry.before, &entry.after) {
                    (None, Some(new)) => format!("shows {list} {}", shown(new)),
                    (Some(old), None) => format!("no longer shows {list} {}", shown(old)),
                    (_, Some(new)) => format!("shows {list} {} elsewhere", shown(new)),
                    (None, None) => return,
                };
                self.item(edit, thing, subject).facts.push(Fact::Said(fact));
            }
            _ => {}
        }
    }

    fn node_added(&mut self, at: usize, edit: &Edit, node: &NodeRef, widgets: &[AddedWidget]) {
        let mut facts: Vec<Fact> = widgets
            .iter()
            .filter(|widget| widget.usual != Usual::Default && widget.role.runs())
            .map(|widget| added_widget(widget, node))
            .collect();
        let mut out = Vec::new();
        for consequence in self.script.consequences(at) {
            let Edit::Wire { to, from, .. } = consequence else { continue };
            let was = from.before.as_ref().map(phrase::source);
            let fact = match (to, &from.after) {
                (SinkRef::Input { node: fed, name }, Some(source)) if fed.key == node.key => {
                    Fact::Wire { to: name.to_string(), from: Some(phrase::source(source)), was }
                }
                (sink, Some(_)) => Fact::Said(match was {
                    Some(was) => format!("-> {} (was {was})", phrase::sink(sink)),
                    None => format!("-> {}", phrase::sink(sink)),
                }),
                _ => continue,
            };
            match fact {
                Fact::Wire { .. } => facts.push(fact),
                fact => out.push(fact),
            }
        }
        facts.extend(out);
        let item = self.on_node(edit, node);
        item.sign = Sign::Added;
        item.facts.extend(facts);
    }

    fn wire(&mut self, edit: &Edit) {
        let Edit::Wire { to, from, .. } = edit else { return };
        let (now, was) = (from.after.as_ref(), from.before.as_ref());
        let (now, was) = (now.map(phrase::source), was.map(phrase::source));
        match to {
            SinkRef::Input { node, name } => {
                let fact = Fact::Wire { to: name.to_string(), from: now, was };
                self.on_node(edit, node).facts.push(fact);
            }
            SinkRef::Boundary { name, .. } => {
                let subject =
                    Subject { name: "outputs of the subgraph".to_owned(), ..Subject::default() };
                let fact = Fact::Wire { to: name.to_string(), from: now, was };
                let thing = Thing::Other("outputs".to_owned());
                self.item(edit, thing, subject).facts.push(fact);
            }
        }
    }

    fn version(&mut self, pack: &str, version: &Change<Option<compact_str::CompactString>>) {
        let text = |version: &Option<compact_str::CompactString>| {
            version.as_deref().unwrap_or("none").to_owned()
        };
        let pack = if pack.is_empty() { "unknown pack" } else { pack };
        let key = (pack.to_owned(), text(&version.before), text(&version.after));
        *self.versions.entry(key).or_default() += 1;
    }

    fn version_lines(&self) -> Vec<String> {
        let line = |((pack, before, after), count): (&(String, String, String), &usize)| {
            format!("{pack} {before} -> {after} on {}", nodes(*count))
        };
        self.versions.iter().map(line).collect()
    }

    fn raw(&mut self, edit: &Edit, raw: &RawEdit) {
        let fact = json_value(pointer(&raw.at.to_string()), &raw.change);
        let (thing, subject) = match &raw.place {
            Place::Node(node) => (Thing::Node(node.key.clone()), phrase::node(node)),
            Place::Group(group) => {
                (Thing::Group(group.scope.clone(), group.at), phrase::group(group))
            }
            Place::Document => other("file"),
            Place::Graph(Scope::Root) => other("workflow"),
            Place::Graph(Scope::Definition(id)) => {
                let name = scope_name(id, self.names);
                let kind = Some("subgraph".to_owned());
                (Thing::Subgraph(id.clone()), Subject { name, id: None, kind })
            }
            Place::Link(_, id) => other(&format!("link {id}")),
            Place::Reroute(_, id) => other(&format!("reroute {id}")),
        };
        self.item(edit, thing, subject).facts.push(fact);
    }
}

fn other(name: &str) -> (Thing, Subject) {
    let subject = Subject { name: name.to_owned(), ..Subject::default() };
    (Thing::Other(name.to_owned()), subject)
}

fn pointer(text: &str) -> &str {
    match text.strip_prefix('/') {
        Some(rest) if !rest.contains('/') => rest,
        _ if text.is_empty() => "content",
        _ => text,
    }
}

fn nodes(count: usize) -> String {
    match count {
        1 => "1 node".to_owned(),
        count => format!("{count} nodes"),
    }
}

/// Up to six nodes by name, the rest counted.
fn list(all: &[NodeRef]) -> String {
    let named: Vec<String> = all.iter().take(6).map(phrase::node_in_passing).collect();
    let more = all.len().saturating_sub(6);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}: {}{more}", nodes(all.len()), named.join(", "))
}

fn side_word(side: Side) -> &'static str {
    match side {
        Side::Input => "input",
        Side::Output => "output",
    }
}

fn value<T: AsRef<str>>(name: &str, before: &Option<T>, after: &Option<T>) -> Fact {
    let text = |value: &Option<T>| value.as_ref().map(|text| text.as_ref().to_owned());
    Fact::Value { name: name.to_owned(), before: text(before), after: text(after), remark: None }
}

fn json_value(name: &str, change: &Change<Option<Value>>) -> Fact {
    let text = |value: &Option<Value>| value.as_ref().map(phrase::value);
    Fact::Value {
        name: name.to_owned(),
        before: text(&change.before),
        after: text(&change.after),
        remark: None,
    }
}

/// `_meta` of a prompt's node, which mostly holds its title alone.
fn meta(change: &Change<Option<Value>>) -> Fact {
    let title = |value: &Option<Value>| -> Option<String> {
        let object = value.as_ref()?.as_object()?;
        let title = object.get("title")?.as_str()?;
        (object.len() == 1).then(|| title.to_owned())
    };
    match (title(&change.before), title(&change.after)) {
        (Some(before), Some(after)) => value("title", &Some(before), &Some(after)),
        _ => json_value("_meta", change),
    }
}

fn widget(name: &str, role: Role, change: &Change<Option<Value>>, origin: Origin) -> Fact {
    if let (Some(Value::String(before)), Some(Value::String(after))) =
        (&change.before, &change.after)
        && (role == Role::Text || is_long(before) || is_long(after))
    {
        return Fact::Text { name: name.to_owned(), words: words::compare(before, after) };
    }
    let mut fact = json_value(name, change);
    if let (Fact::Value { remark, .. }, Origin::Reroll) = (&mut fact, origin) {
        *remark = Some("re-rolled");
    }
    fact
}

/// Whether a text is easier to compare by words.
fn is_long(text: &str) -> bool {
    text.len() > 60 || text.contains('\n')
}

fn added_widget(widget: &AddedWidget, node: &NodeRef) -> Fact {
    let name = widget.name.to_string();
    match &widget.value {
        Value::String(text) if is_note(&node.class) || is_long(text) => {
            Fact::Text { name, words: words::compare("", text) }
        }
        value => {
            Fact::Value { name, before: None, after: Some(phrase::value(value)), remark: None }
        }
    }
}

fn is_note(class: &str) -> bool {
    matches!(class, "Note" | "MarkdownNote")
}

fn boundary(
    side: Side,
    name: &Change<Option<compact_str::CompactString>>,
    kind: &Change<Option<Value>>,
    label: &Change<Option<compact_str::CompactString>>,
) -> Vec<Fact> {
    let side = side_word(side);
    let kind_text = |value: &Option<Value>| value.as_ref().map(phrase::value).unwrap_or_default();
    match (&name.before, &name.after) {
        (None, Some(new)) => {
            vec![Fact::Said(format!("new {side} {new} ({})", kind_text(&kind.after)))]
        }
        (Some(old), None) => vec![Fact::Said(format!("{side} {old} is gone"))],
        (old, new) => {
            let mut facts = Vec::new();
            let shown = new.as_deref().unwrap_or_default();
            if old != new {
                facts.push(value(side, old, new));
            }
            if kind.before != kind.after {
                facts.push(json_value(&format!("type of {side} {shown}"), kind));
            }
            if label.before != label.after {
                let name = format!("label of {side} {shown}");
                facts.push(value(&name, &label.before, &label.after));
            }
            facts
        }
    }
}

/// Layout in one line: what moved, without positions.
fn folded_layout(script: &EditScript) -> Option<String> {
    let mut moved = std::collections::BTreeSet::new();
    let mut others = std::collections::BTreeSet::new();
    for entry in &script.entries {
        match &entry.edit {
            Edit::Layout(RawEdit { place: Place::Node(node), .. }) => {
                moved.insert(node.key.clone());
            }
            Edit::Layout(RawEdit { place: Place::Group(_), .. }) => {
                others.insert("groups");
            }
            Edit::Layout(RawEdit { place: Place::Reroute(..), .. }) => {
                others.insert("reroutes");
            }
            Edit::Layout(_) => {
                others.insert("view");
            }
            Edit::Order { .. } if entry.edit.class() == Class::Layout => {
                others.insert("stacking order");
            }
            _ => {}
        }
    }
    let mut parts = Vec::new();
    if !moved.is_empty() {
        parts.push(nodes(moved.len()));
    }
    parts.extend(others.into_iter().map(str::to_owned));
    (!parts.is_empty()).then(|| format!("layout: {}", parts.join(", ")))
}

fn spelled_layout(script: &EditScript) -> Vec<String> {
    let text = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), phrase::value);
    let line = |raw: &RawEdit| {
        let subject = match &raw.place {
            Place::Node(node) => phrase::node_in_passing(node),
            Place::Group(group) => format!("group {}", group.title),
            Place::Reroute(_, id) => format!("reroute {id}"),
            Place::Link(_, id) => format!("link {id}"),
            Place::Document | Place::Graph(_) => "view".to_owned(),
        };
        // `flags/collapsed` is `collapsed` to a person.
        let key = raw.at.to_string();
        let key = key.rsplit('/').next().filter(|key| *key != "ds").unwrap_or_default();
        let key = if key.is_empty() { String::new() } else { format!(" {key}") };
        format!("{subject}{key} {} -> {}", text(&raw.change.before), text(&raw.change.after))
    };
    let edits = script.entries.iter().map(|entry| &entry.edit);
    edits
        .filter_map(|edit| match edit {
            Edit::Layout(raw) => Some(line(raw)),
            Edit::Order { .. } if edit.class() == Class::Layout => {
                Some("stacking order of nodes".to_owned())
            }
            _ => None,
        })
        .collect()
}

fn bookkeeping(script: &EditScript) -> Option<String> {
    let own = script.entries.iter().filter(|entry| entry.because.is_none());
    let mut renumbered = 0;
    let mut others = 0;
    for entry in own.filter(|entry| entry.edit.class() == Class::Bookkeeping) {
        match &entry.edit {
            Edit::Renumbered { nodes, .. } => renumbered += nodes.len(),
            _ => others += 1,
        }
    }
    match (renumbered, others) {
        (0, 0) => None,
        (0, _) => Some("bookkeeping".to_owned()),
        (count, 0) => Some(format!("{} renumbered", nodes(count))),
        (count, _) => Some(format!("{} renumbered, bookkeeping", nodes(count))),
    }
}
