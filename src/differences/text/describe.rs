//! Describes an edit script: which edits belong to one item, and which are only counted.
//!
//! Must not know how a description is rendered.

use comfy_graph::diff::{
    AddedWidget, AppEntry, AppList, Change, ChangeOrigin, DefaultMatch, Edit, EditClass,
    EditScript, EditTarget, EmbeddedHome, GroupRef, NodeRef, RawEdit, SinkRef, SlotSide,
    SubgraphRef, diff_words,
};
use comfy_graph::graph::{
    GraphScope, NodeMode, RerouteId, SlotName, SubgraphId, WidgetOverride, WidgetRole,
};
use comfy_graph::json::{Object, Value};
use indexmap::IndexMap;
use rustc_hash::FxHashMap;

use super::diff_description::{
    ChangeDetail, ChangeSign, DiffDescription, GraphChanges, ItemChange, ItemKey, Subject,
};
use super::phrase;
use super::repeated_edits::RepeatedEdits;
use crate::platform::text::plural::counted;

/// Names of the subgraphs that occur in either document.
pub(crate) type SubgraphNames = FxHashMap<SubgraphId, String>;

/// How much is said about layout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LayoutDetail {
    /// One line with counts.
    #[default]
    Counted,
    /// Every move and resize.
    Full,
}

/// The names of the subgraphs that a graph defines, also of those inside others.
pub(crate) fn collect_subgraph_names(graph: &Object, names: &mut SubgraphNames) {
    let definitions = graph.get("definitions").and_then(|all| all.get("subgraphs"));
    for definition in definitions.and_then(Value::as_array).unwrap_or_default() {
        let Some(definition) = definition.as_object() else { continue };
        let text = |key: &str| definition.get(key).and_then(Value::as_str);
        if let (Some(id), Some(name)) = (text("id"), text("name")) {
            names.insert(SubgraphId::new(id), name.to_owned());
        }
        collect_subgraph_names(definition, names);
    }
}

pub(crate) fn describe_diff(
    script: &EditScript,
    names: &SubgraphNames,
    layout: LayoutDetail,
) -> DiffDescription {
    let mut describer = DiffDescriber {
        script,
        names,
        sections: IndexMap::default(),
        versions: IndexMap::default(),
    };
    let repeated = RepeatedEdits::count(script);
    for (at, edit) in script.content_edits() {
        if !repeated.covers(edit) {
            describer.add_edit(at, edit);
        }
    }
    let mut description = DiffDescription::default();
    description.asides.extend(ineffective_lines(script, names));
    description.asides.extend(repeated.lines());
    description.asides.extend(describer.version_lines());
    for (scope, section) in describer.sections {
        let subgraph = scope.map(|scope| subgraph_display_name(&scope, names));
        description.sections.push(GraphChanges { member: None, subgraph, items: section.items });
    }
    for (_, edit) in script.content_edits() {
        if let Edit::NestedGraph { at, script } = edit {
            let inner = describe_diff(script, names, layout);
            let place = at.to_string().trim_start_matches('/').to_owned();
            description.sections.extend(
                inner
                    .sections
                    .into_iter()
                    .map(|section| GraphChanges { member: Some(place.clone()), ..section }),
            );
            description.asides.extend(inner.asides);
        }
    }
    match layout {
        LayoutDetail::Counted => description.asides.extend(layout_summary(script)),
        LayoutDetail::Full => description.asides.extend(layout_lines(script)),
    }
    description.asides.extend(bookkeeping_summary(script));
    description
}

fn subgraph_display_name(scope: &SubgraphId, names: &SubgraphNames) -> String {
    match names.get(scope) {
        Some(name) if !name.trim().is_empty() => name.clone(),
        _ => scope.as_str().chars().take(8).collect(),
    }
}

#[derive(Default)]
struct SectionBuilder {
    items: Vec<ItemChange>,
    positions: FxHashMap<ItemKey, usize>,
}

struct DiffDescriber<'a> {
    script: &'a EditScript,
    names: &'a SubgraphNames,
    sections: IndexMap<Option<SubgraphId>, SectionBuilder>,
    /// How many nodes went from one version of a pack to another, by pack, old and new version.
    versions: IndexMap<(String, String, String), usize>,
}

impl DiffDescriber<'_> {
    fn item_for(&mut self, edit: &Edit, thing: ItemKey, subject: Subject) -> &mut ItemChange {
        let scope = match edit.scope() {
            GraphScope::Root => None,
            GraphScope::Definition(id) => Some(id),
        };
        self.item_in_scope(scope, thing, subject)
    }

    fn item_in_scope(
        &mut self,
        scope: Option<SubgraphId>,
        thing: ItemKey,
        subject: Subject,
    ) -> &mut ItemChange {
        let building = self.sections.entry(scope).or_default();
        let at = *building.positions.entry(thing.clone()).or_insert_with(|| {
            building.items.push(ItemChange {
                key: thing.clone(),
                sign: ChangeSign::Changed,
                subject,
                remark: None,
                details: Vec::new(),
            });
            building.items.len() - 1
        });
        &mut building.items[at]
    }

    fn node_item(&mut self, edit: &Edit, node: &NodeRef) -> &mut ItemChange {
        self.item_for(edit, ItemKey::Node(node.key.clone()), phrase::node_subject(node))
    }

    fn removed_node_item(&mut self, edit: &Edit, node: &NodeRef) -> &mut ItemChange {
        let thing = ItemKey::Removed(Box::new(ItemKey::Node(node.key.clone())));
        self.item_for(edit, thing, phrase::node_subject(node))
    }

    /// A subgraph definition is listed among the nodes of the root, where its instances are.
    fn subgraph_item(&mut self, subgraph: &SubgraphRef) -> &mut ItemChange {
        self.item_in_scope(
            None,
            ItemKey::Subgraph(subgraph.id.clone()),
            phrase::subgraph_subject(subgraph),
        )
    }

    #[expect(clippy::too_many_lines, reason = "one match, so that a new edit cannot be missed")]
    fn add_edit(&mut self, at: usize, edit: &Edit) {
        match edit {
            Edit::NodeAdded { node, widgets, raw } => {
                self.add_new_node(at, edit, node, widgets);
                let item = self.node_item(edit, node);
                item.remark = added_mode(raw);
                item.details.extend(added_looks(raw));
            }
            Edit::NodeRemoved { node, .. } => {
                self.removed_node_item(edit, node).sign = ChangeSign::Removed
            }
            Edit::NodeMoved { node, from } => {
                let remark = match (&from.scope, &node.key.scope) {
                    (_, GraphScope::Root) => "moved out of a subgraph".to_owned(),
                    (_, GraphScope::Definition(id)) => {
                        format!("moved into subgraph {}", subgraph_display_name(id, self.names))
                    }
                };
                self.node_item(edit, node).remark = Some(remark);
            }
            Edit::Retyped { node, class } => {
                let remark = format!("was {}", class.before);
                self.node_item(edit, node).remark = Some(remark);
            }
            Edit::Retitled { node, title } => {
                let detail = value_detail("title", &title.before, &title.after);
                self.node_item(edit, node).details.push(detail);
            }
            Edit::ModeChanged { node, mode } => {
                let (before, after) =
                    (phrase::describe_mode(mode.before), phrase::describe_mode(mode.after));
                self.node_item(edit, node).remark = Some(format!("{before} -> {after}"));
            }
            Edit::Coloured { node, key, change } => {
                let detail = json_value_detail(key, change);
                self.node_item(edit, node).details.push(detail);
            }
            Edit::Widget { node, name, role, change, origin, .. } => {
                let detail = widget_detail(&name.to_string(), *role, change, *origin);
                self.node_item(edit, node).details.push(detail);
            }
            Edit::Wire { .. } => self.add_wire(edit),
            Edit::SlotLabelled { node, side, name, label } => {
                let side = side_name(*side);
                let detail =
                    value_detail(&format!("label of {side} {name}"), &label.before, &label.after);
                self.node_item(edit, node).details.push(detail);
            }
            Edit::Property { node, key, change } => {
                let detail = json_value_detail(&format!("properties.{key}"), change);
                self.node_item(edit, node).details.push(detail);
            }
            Edit::EmbeddedValue { home, node, name, role, raw } => {
                let (home, kind) = match home {
                    EmbeddedHome::GroupNode(group) => (format!("inside {group}"), "group node"),
                    EmbeddedHome::SharedId(id) => {
                        (format!("{node} #{id}"), "another node with this id")
                    }
                };
                let name = match kind {
                    "group node" => format!("{node} {name}"),
                    _ => name.to_string(),
                };
                let detail = widget_detail(&name, *role, &raw.change, ChangeOrigin::Person);
                let (thing, mut subject) = other_item(&home);
                subject.kind = Some(kind.to_owned());
                self.item_for(edit, thing, subject).details.push(detail);
            }
            Edit::PromptMeta { node, change } => {
                self.node_item(edit, node).details.push(meta_detail(change));
            }
            Edit::PackVersion { pack, version, .. } => self.count_version(pack, version),
            Edit::Raw(raw) => self.add_raw_edit(edit, raw),
            Edit::GroupAdded { group, .. } => {
                self.group_item(edit, group).sign = ChangeSign::Added;
            }
            Edit::GroupRemoved { group, .. } => {
                let thing = ItemKey::Removed(Box::new(group_key(group)));
                let item = self.item_for(edit, thing, phrase::group_subject(group));
                item.sign = ChangeSign::Removed;
            }
            Edit::GroupRetitled { group, title } => {
                let (before, after) = (Some(&title.before), Some(&title.after));
                let detail = value_detail("title", &before, &after);
                self.group_item(edit, group).details.push(detail);
            }
            Edit::GroupColoured { group, color } => {
                let detail = value_detail("color", &color.before, &color.after);
                self.group_item(edit, group).details.push(detail);
            }
            Edit::SubgraphAdded { subgraph, .. } => {
                let inside = self.script.consequences(at);
                let count = inside.filter(|e| matches!(e, Edit::NodeAdded { .. })).count();
                let item = self.subgraph_item(subgraph);
                item.sign = ChangeSign::Added;
                item.remark = (count > 0).then(|| format!("with {}", count_nodes(count)));
            }
            Edit::SubgraphRemoved { subgraph, .. } => {
                self.subgraph_item(subgraph).sign = ChangeSign::Removed;
            }
            Edit::Packed { subgraph, host, nodes } => {
                let remark = format!("packed from {}", list_nodes(nodes));
                let item = self.node_item(edit, host);
                item.sign = ChangeSign::Added;
                name_as_subgraph(item, subgraph, remark);
            }
            Edit::Unpacked { subgraph, host, nodes } => {
                let remark = format!("unpacked into {}", list_nodes(nodes));
                let item = self.removed_node_item(edit, host);
                item.sign = ChangeSign::Removed;
                name_as_subgraph(item, subgraph, remark);
            }
            Edit::SubgraphRenamed { subgraph, name } => {
                let (before, after) = (Some(&name.before), Some(&name.after));
                let detail = value_detail("name", &before, &after);
                self.subgraph_item(subgraph).details.push(detail);
            }
            Edit::Boundary { subgraph, side, name, kind, label, .. } => {
                let details = boundary_details(*side, name, kind, label);
                self.subgraph_item(subgraph).details.extend(details);
            }
            Edit::Slot { node, side, name, raw, .. } => {
                self.node_item(edit, node).details.push(slot_detail(*side, name, raw));
            }
            Edit::Reroute { id, wires, raw, .. } => self.add_reroute(edit, id, wires, raw),
            Edit::AppModeEntry { list, entry } => self.add_app_mode_entry(edit, *list, entry),
            // A graph inside has sections of its own; of the others lines below all items tell.
            Edit::NestedGraph { .. }
            | Edit::Layout(_)
            | Edit::Renumbered { .. }
            | Edit::DanglingElement { .. }
            | Edit::Migrated { .. }
            | Edit::KeyOrder { .. }
            | Edit::Order { .. }
            | Edit::Bookkeeping(_) => {}
        }
    }

    fn group_item(&mut self, edit: &Edit, group: &GroupRef) -> &mut ItemChange {
        self.item_for(edit, group_key(group), phrase::group_subject(group))
    }

    fn add_reroute(
        &mut self,
        edit: &Edit,
        id: &RerouteId,
        wires: &[SinkRef],
        raw: &Change<Option<Object>>,
    ) {
        let (thing, mut subject) = other_item(&format!("reroute {id}"));
        let wires: Vec<String> = wires.iter().map(phrase::describe_sink).collect();
        if !wires.is_empty() {
            subject.kind = Some(format!("on the wire to {}", wires.join(", ")));
        }
        let item = self.item_for(edit, thing, subject);
        item.sign = match (&raw.before, &raw.after) {
            (None, _) => ChangeSign::Added,
            (_, None) => ChangeSign::Removed,
            _ => ChangeSign::Changed,
        };
    }

    fn add_app_mode_entry(&mut self, edit: &Edit, list: AppList, entry: &Change<Option<AppEntry>>) {
        let note = match (&entry.before, &entry.after) {
            (None, Some(new)) => format!("{} was added to the app", describe_app_entry(list, new)),
            (Some(old), None) => {
                format!("{} was taken out of the app", describe_app_entry(list, old))
            }
            (_, Some(new)) => {
                format!("{} stands elsewhere in the app", describe_app_entry(list, new))
            }
            (None, None) => return,
        };
        let (thing, subject) = other_item("app mode");
        self.item_for(edit, thing, subject).details.push(ChangeDetail::Note(note));
    }

    fn add_new_node(&mut self, at: usize, edit: &Edit, node: &NodeRef, widgets: &[AddedWidget]) {
        let mut details: Vec<ChangeDetail> = widgets
            .iter()
            .filter(|widget| widget.usual != DefaultMatch::Default && widget.role.runs())
            .map(|widget| added_widget_detail(widget, node))
            .collect();
        let mut out = Vec::new();
        for consequence in self.script.consequences(at) {
            let Edit::Wire { to, from, .. } = consequence else { continue };
            let was = from.before.as_ref().map(phrase::describe_source);
            let detail = match (to, &from.after) {
                (SinkRef::Input { node: fed, name }, Some(source)) if fed.key == node.key => {
                    ChangeDetail::Wire {
                        to: name.to_string(),
                        from: Some(phrase::describe_source(source)),
                        was,
                    }
                }
                (sink, Some(_)) => ChangeDetail::Note(match was {
                    Some(was) => format!("-> {} (was {was})", phrase::describe_sink(sink)),
                    None => format!("-> {}", phrase::describe_sink(sink)),
                }),
                _ => continue,
            };
            match detail {
                ChangeDetail::Wire { .. } => details.push(detail),
                detail => out.push(detail),
            }
        }
        details.extend(out);
        let item = self.node_item(edit, node);
        item.sign = ChangeSign::Added;
        item.details.extend(details);
    }

    fn add_wire(&mut self, edit: &Edit) {
        let Edit::Wire { to, from, .. } = edit else { return };
        let (now, was) = (from.after.as_ref(), from.before.as_ref());
        let (now, was) = (now.map(phrase::describe_source), was.map(phrase::describe_source));
        match to {
            SinkRef::Input { node, name } => {
                let detail = ChangeDetail::Wire { to: name.to_string(), from: now, was };
                self.node_item(edit, node).details.push(detail);
            }
            SinkRef::Boundary { name, .. } => {
                let subject =
                    Subject { name: "outputs of the subgraph".to_owned(), ..Subject::default() };
                let detail = ChangeDetail::Wire { to: name.to_string(), from: now, was };
                let thing = ItemKey::Other("outputs".to_owned());
                self.item_for(edit, thing, subject).details.push(detail);
            }
        }
    }

    fn count_version(&mut self, pack: &str, version: &Change<Option<compact_str::CompactString>>) {
        let text = |version: &Option<compact_str::CompactString>| {
            version.as_deref().unwrap_or("none").to_owned()
        };
        let pack = if pack.is_empty() { "unknown pack" } else { pack };
        let key = (pack.to_owned(), text(&version.before), text(&version.after));
        *self.versions.entry(key).or_default() += 1;
    }

    fn version_lines(&self) -> Vec<String> {
        let line = |((pack, before, after), count): (&(String, String, String), &usize)| {
            format!("{pack} {before} -> {after} on {}", count_nodes(*count))
        };
        self.versions.iter().map(line).collect()
    }

    fn add_raw_edit(&mut self, edit: &Edit, raw: &RawEdit) {
        let details = app_mode_details(raw);
        if !details.is_empty() {
            let (thing, subject) = other_item("app mode");
            self.item_for(edit, thing, subject).details.extend(details);
            return;
        }
        let detail = json_value_detail(shorten_pointer(&raw.at.to_string()), &raw.change);
        let (thing, subject) = match &raw.place {
            EditTarget::Node(node) => (ItemKey::Node(node.key.clone()), phrase::node_subject(node)),
            EditTarget::Group(group) => (group_key(group), phrase::group_subject(group)),
            EditTarget::Document => other_item("file"),
            EditTarget::Graph(GraphScope::Root) => other_item("workflow"),
            EditTarget::Graph(GraphScope::Definition(id)) => {
                let name = subgraph_display_name(id, self.names);
                let kind = Some("subgraph".to_owned());
                (ItemKey::Subgraph(id.clone()), Subject { name, id: None, kind })
            }
            EditTarget::Link(_, id) => other_item(&format!("link {id}")),
            EditTarget::Reroute(_, id) => other_item(&format!("reroute {id}")),
        };
        self.item_for(edit, thing, subject).details.push(detail);
    }
}

fn group_key(group: &GroupRef) -> ItemKey {
    ItemKey::Group(group.scope.clone(), group.at)
}

/// What was packed into a subgraph, or unpacked from one, is called as that is.
fn name_as_subgraph(item: &mut ItemChange, subgraph: &SubgraphRef, remark: String) {
    item.subject.kind = Some("subgraph".to_owned());
    item.subject.name = phrase::subgraph_subject(subgraph).name;
    item.remark = Some(remark);
}

/// A slot of another type, or at another place.
fn slot_detail(
    side: SlotSide,
    name: &Change<Option<SlotName>>,
    raw: &Change<Option<Object>>,
) -> ChangeDetail {
    let shown = name.after.as_ref().or(name.before.as_ref());
    let shown = shown.map(ToString::to_string).unwrap_or_default();
    let kind = |slot: &Option<Object>| {
        slot.as_ref().and_then(|slot| slot.get("type")).map(phrase::format_value)
    };
    let (before, after) = (kind(&raw.before), kind(&raw.after));
    let side = side_name(side);
    if before == after {
        ChangeDetail::Note(format!("{side} {shown} stands elsewhere among its {side}s"))
    } else {
        value_detail(&format!("type of {side} {shown}"), &before, &after)
    }
}

/// What the app shows: `input seed of KSampler #3`, `output of SaveImage #9`.
fn describe_app_entry(list: AppList, entry: &AppEntry) -> String {
    let node = entry.node.as_ref().map(phrase::describe_node);
    let node = node.unwrap_or_else(|| phrase::format_value(&entry.raw));
    match (list, entry.widget.as_deref()) {
        (AppList::Inputs, Some(widget)) => format!("input {widget} of {node}"),
        (AppList::Inputs, None) => format!("input {node}"),
        (AppList::Outputs, _) => format!("output of {node}"),
    }
}

/// What a person sees of the app mode where it is set up or given up as a whole.
fn app_mode_details(raw: &RawEdit) -> Vec<ChangeDetail> {
    if raw.place != EditTarget::Graph(GraphScope::Root) {
        return Vec::new();
    }
    match (raw.at.to_string().as_str(), &raw.change.before, &raw.change.after) {
        ("/extra/linearMode", _, Some(Value::Bool(true))) => {
            vec![ChangeDetail::Note("the workflow opens as an app".to_owned())]
        }
        ("/extra/linearMode", ..) => {
            vec![ChangeDetail::Note("the workflow opens as a graph".to_owned())]
        }
        ("/extra/linearData", None, Some(app)) => app_entry_notes(app, "was added to the app"),
        ("/extra/linearData", Some(app), None) => app_entry_notes(app, "was taken out of the app"),
        _ => Vec::new(),
    }
}

/// All entries of an app, by the ids of their nodes.
fn app_entry_notes(app: &Value, verb: &str) -> Vec<ChangeDetail> {
    let list = |key: &str| app.get(key).and_then(Value::as_array).unwrap_or_default();
    let id = |value: &Value| match value.as_str() {
        Some(id) => id.to_owned(),
        None => phrase::format_value(value),
    };
    let input = |entry: &Value| {
        let parts = entry.as_array().unwrap_or_default();
        match (parts.first(), parts.get(1).and_then(Value::as_str)) {
            (Some(node), Some(widget)) => format!("input {widget} of #{}", id(node)),
            _ => format!("input {}", phrase::format_value(entry)),
        }
    };
    let inputs = list("inputs").iter().map(input);
    let outputs = list("outputs").iter().map(|entry| format!("output of #{}", id(entry)));
    inputs.chain(outputs).map(|entry| ChangeDetail::Note(format!("{entry} {verb}"))).collect()
}

fn other_item(name: &str) -> (ItemKey, Subject) {
    let subject = Subject { name: name.to_owned(), ..Subject::default() };
    (ItemKey::Other(name.to_owned()), subject)
}

fn shorten_pointer(text: &str) -> &str {
    match text.strip_prefix('/') {
        Some(rest) if !rest.contains('/') => rest,
        _ if text.is_empty() => "content",
        _ => text,
    }
}

fn count_nodes(count: usize) -> String {
    counted(count, "node", "nodes")
}

/// Up to six nodes by name, the rest counted.
fn list_nodes(all: &[NodeRef]) -> String {
    let named: Vec<String> = all.iter().take(6).map(phrase::describe_node).collect();
    let more = all.len().saturating_sub(6);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}: {}{more}", count_nodes(all.len()), named.join(", "))
}

/// Whether a new node runs, where it does not.
fn added_mode(raw: &Object) -> Option<String> {
    let mode = NodeMode::from_number(raw.get("mode").and_then(Value::as_i64).unwrap_or_default());
    (mode != NodeMode::Always).then(|| phrase::describe_mode(mode).to_owned())
}

/// What a new node looks like, where it is unlike others.
fn added_looks(raw: &Object) -> Option<ChangeDetail> {
    let keys = ["color", "bgcolor", "boxcolor", "shape"];
    let looks = keys.into_iter().filter_map(|key| Some((key, raw.get(key)?)));
    let looks = looks.map(|(key, value)| format!("{key} {}", phrase::format_value(value)));
    let pinned = raw.get("flags").and_then(|flags| flags.get("pinned")).and_then(Value::as_bool);
    let looks: Vec<String> =
        looks.chain((pinned == Some(true)).then(|| "pinned".to_owned())).collect();
    (!looks.is_empty()).then(|| ChangeDetail::Muted(looks.join(", ")))
}

fn side_name(side: SlotSide) -> &'static str {
    match side {
        SlotSide::Input => "input",
        SlotSide::Output => "output",
    }
}

fn value_detail<T: AsRef<str>>(name: &str, before: &Option<T>, after: &Option<T>) -> ChangeDetail {
    let text = |value: &Option<T>| value.as_ref().map(|text| text.as_ref().to_owned());
    ChangeDetail::Value {
        name: name.to_owned(),
        before: text(before),
        after: text(after),
        remark: None,
    }
}

fn json_value_detail(name: &str, change: &Change<Option<Value>>) -> ChangeDetail {
    let Change { before, after } = phrase::format_change(change);
    ChangeDetail::Value { name: name.to_owned(), before, after, remark: None }
}

/// `_meta` of a prompt's node, which mostly holds its title alone.
fn meta_detail(change: &Change<Option<Value>>) -> ChangeDetail {
    let title = |value: &Option<Value>| -> Option<String> {
        let object = value.as_ref()?.as_object()?;
        let title = object.get("title")?.as_str()?;
        (object.len() == 1).then(|| title.to_owned())
    };
    match (title(&change.before), title(&change.after)) {
        (None, Some(after)) if change.before.is_none() => {
            value_detail("title", &None, &Some(after))
        }
        (Some(before), None) if change.after.is_none() => {
            value_detail("title", &Some(before), &None)
        }
        (Some(before), Some(after)) => value_detail("title", &Some(before), &Some(after)),
        _ => json_value_detail("_meta", change),
    }
}

fn widget_detail(
    name: &str,
    role: WidgetRole,
    change: &Change<Option<Value>>,
    origin: ChangeOrigin,
) -> ChangeDetail {
    if let (Some(Value::String(before)), Some(Value::String(after))) =
        (&change.before, &change.after)
        && (role == WidgetRole::Text || is_long_text(before) || is_long_text(after))
    {
        return ChangeDetail::Text { name: name.to_owned(), words: diff_words(before, after) };
    }
    let mut detail = json_value_detail(name, change);
    if let (ChangeDetail::Value { remark, .. }, ChangeOrigin::Reroll) = (&mut detail, origin) {
        *remark = Some("re-rolled");
    }
    detail
}

/// Whether a text is easier to compare by words. A long path is one word.
fn is_long_text(text: &str) -> bool {
    (text.len() > 60 && text.contains(' ')) || text.contains('\n')
}

fn added_widget_detail(widget: &AddedWidget, node: &NodeRef) -> ChangeDetail {
    let name = widget.name.to_string();
    match &widget.value {
        Value::String(text) if is_note_class(&node.class) || is_long_text(text) => {
            ChangeDetail::Text { name, words: diff_words("", text) }
        }
        value => ChangeDetail::Value {
            name,
            before: None,
            after: Some(phrase::format_value(value)),
            remark: None,
        },
    }
}

fn is_note_class(class: &str) -> bool {
    matches!(class, "Note" | "MarkdownNote")
}

fn boundary_details(
    side: SlotSide,
    name: &Change<Option<compact_str::CompactString>>,
    kind: &Change<Option<Value>>,
    label: &Change<Option<compact_str::CompactString>>,
) -> Vec<ChangeDetail> {
    let side = side_name(side);
    let kind_text =
        |value: &Option<Value>| value.as_ref().map(phrase::format_value).unwrap_or_default();
    match (&name.before, &name.after) {
        (None, Some(new)) => {
            vec![ChangeDetail::Note(format!("new {side} {new} ({})", kind_text(&kind.after)))]
        }
        (Some(old), None) => vec![ChangeDetail::Note(format!("{side} {old} is gone"))],
        (old, new) => {
            let mut details = Vec::new();
            let shown = new.as_deref().unwrap_or_default();
            if old != new {
                details.push(value_detail(side, old, new));
            }
            if kind.before != kind.after {
                details.push(json_value_detail(&format!("type of {side} {shown}"), kind));
            }
            if label.before != label.after {
                let name = format!("label of {side} {shown}");
                details.push(value_detail(&name, &label.before, &label.after));
            }
            details
        }
    }
}

/// How many values without effect are told one by one.
const MAX_INEFFECTIVE_LINES: usize = 8;

/// Why a value that changed does nothing.
fn why_ineffective(edit: &Edit) -> Option<&'static str> {
    match edit {
        Edit::Widget { origin: ChangeOrigin::SetByInstance, .. } => {
            Some(phrase::describe_override(WidgetOverride::Instance))
        }
        Edit::Widget { origin: ChangeOrigin::SetByWire, .. } => {
            Some(phrase::describe_override(WidgetOverride::Wire))
        }
        _ => None,
    }
}

/// Values that changed and do nothing, each a line.
fn ineffective_lines(script: &EditScript, names: &SubgraphNames) -> Vec<String> {
    let own = script.entries.iter().filter(|entry| entry.because.is_none());
    let told = own.filter_map(|entry| {
        let why = why_ineffective(&entry.edit)?;
        let Edit::Widget { node, name, change, .. } = &entry.edit else { return None };
        let inside = match &node.key.scope {
            GraphScope::Root => String::new(),
            GraphScope::Definition(id) => format!("{} / ", subgraph_display_name(id, names)),
        };
        let node = phrase::describe_node(node);
        let Change { before, after } = phrase::format_change(change);
        let change = match (before, after) {
            (Some(before), Some(after)) => format!("{before} -> {after}"),
            (before, after) => after.or(before).unwrap_or_default(),
        };
        Some(format!("{inside}{node} {name} {change}, {why}"))
    });
    let mut lines: Vec<String> = told.collect();
    let more = lines.len().saturating_sub(MAX_INEFFECTIVE_LINES);
    if more > 1 {
        lines.truncate(MAX_INEFFECTIVE_LINES);
        lines.push(format!("{} without effect", counted(more, "more value", "more values")));
    }
    lines
}

/// Layout in one line: what moved, without positions.
fn layout_summary(script: &EditScript) -> Option<String> {
    let mut moved = std::collections::BTreeSet::new();
    let mut others = std::collections::BTreeSet::new();
    for entry in &script.entries {
        match &entry.edit {
            Edit::Layout(RawEdit { place: EditTarget::Node(node), .. }) => {
                moved.insert(node.key.clone());
            }
            Edit::Layout(RawEdit { place: EditTarget::Group(_), .. }) => {
                others.insert("groups");
            }
            Edit::Layout(RawEdit { place: EditTarget::Reroute(..), .. }) => {
                others.insert("reroutes");
            }
            Edit::Layout(_) => {
                others.insert("view");
            }
            Edit::Order { .. } if entry.edit.class() == EditClass::Layout => {
                others.insert("stacking order");
            }
            _ => {}
        }
    }
    let mut parts = Vec::new();
    if !moved.is_empty() {
        parts.push(count_nodes(moved.len()));
    }
    parts.extend(others.into_iter().map(str::to_owned));
    (!parts.is_empty()).then(|| format!("layout: {}", parts.join(", ")))
}

fn layout_lines(script: &EditScript) -> Vec<String> {
    let text =
        |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), phrase::format_value);
    let line = |raw: &RawEdit| {
        let subject = match &raw.place {
            EditTarget::Node(node) => phrase::describe_node(node),
            EditTarget::Group(group) => format!("group {}", group.title),
            EditTarget::Reroute(_, id) => format!("reroute {id}"),
            EditTarget::Link(_, id) => format!("link {id}"),
            EditTarget::Document | EditTarget::Graph(_) => "view".to_owned(),
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
            Edit::Order { .. } if edit.class() == EditClass::Layout => {
                Some("stacking order of nodes".to_owned())
            }
            _ => None,
        })
        .collect()
}

fn bookkeeping_summary(script: &EditScript) -> Option<String> {
    let own = script.entries.iter().filter(|entry| entry.because.is_none());
    let own = own.filter(|entry| why_ineffective(&entry.edit).is_none());
    let mut renumbered = 0;
    let mut others = 0;
    for entry in own.filter(|entry| entry.edit.class() == EditClass::Bookkeeping) {
        match &entry.edit {
            Edit::Renumbered { nodes, .. } => renumbered += nodes.len(),
            _ => others += 1,
        }
    }
    match (renumbered, others) {
        (0, 0) => None,
        (0, _) => Some("bookkeeping".to_owned()),
        (count, 0) => Some(format!("{} renumbered", count_nodes(count))),
        (count, _) => Some(format!("{} renumbered, bookkeeping", count_nodes(count))),
    }
}
