//! The closed vocabulary of edits: everything that can differ between two states of a
//! workflow, in the words a person would use.
//!
//! An [`EditScript`] stands alone: every edit carries the names it needs, so that it can
//! be shown without the two documents. It is also complete: `apply(a, diff(a, b)) = b`.
//! That takes edits nobody wants to read; [`Edit::class`] tells them from the others, and
//! [`EditEntry::because`] tells what only follows from another edit.
//!
//! Must not know how a change is shown.

use compact_str::CompactString;

use crate::graph::{
    GraphScope, GroupId, LinkId, NameSource, NodeId, NodeKey, NodeMode, RerouteId, SlotName,
    SubgraphId, WidgetName, WidgetRole,
};
use crate::json::{JsonKey, JsonPath, Object, Value};

/// A value before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<T> {
    /// In the first document.
    pub before: T,
    /// In the second document.
    pub after: T,
}

impl<T> Change<T> {
    /// From one to the other.
    pub fn new(before: T, after: T) -> Self {
        Change { before, after }
    }

    /// Both states seen through a function.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Change<U> {
        Change { before: f(self.before), after: f(self.after) }
    }
}

/// All differences between two documents, in reading order: by graph, the root first, and
/// in each graph structure first, then node by node in order of id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EditScript {
    /// What both documents are.
    pub format: ScriptFormat,
    /// The edits.
    pub entries: Vec<EditEntry>,
}

/// What the compared documents are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ScriptFormat {
    /// Workflows in the format of the editor.
    #[default]
    Workflow,
    /// API prompts; also a workflow against a prompt, compared as prompts. Such a script
    /// describes; replaying it needs a prompt.
    Prompt,
    /// Other JSON. Graphs inside it are [`Edit::NestedGraph`].
    Json,
}

/// An edit and what it follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct EditEntry {
    /// What changed.
    pub edit: Edit,
    /// The index of the entry of which this is a mere consequence: the wires of a removed
    /// node, the boundary of a graph that was packed into a subgraph, a number re-rolled
    /// by a run. Always the index of an entry that has no cause itself.
    pub because: Option<usize>,
}

/// What an edit changes, by how much it matters to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EditClass {
    /// What the workflow does or says.
    Content,
    /// Where things are on the canvas.
    Layout,
    /// Ids, counters, encodings: changes nothing that anybody sees or runs.
    Bookkeeping,
}

/// A node, with all that is needed to name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRef {
    /// The graph and the id, in the second document; in the first for what is only there.
    pub key: NodeKey,
    /// The class; the uuid of the definition for an instance of a subgraph.
    pub class: CompactString,
    /// The title, if the file has one. The new one where it changed.
    pub title: Option<CompactString>,
    /// The name of the subgraph, if the node is an instance of one.
    pub subgraph: Option<CompactString>,
}

impl NodeRef {
    /// What a person calls it: title, else the subgraph's name, else the class.
    pub fn display_name(&self) -> &str {
        let title = self.title.as_deref().filter(|title| !title.is_empty());
        let subgraph = self.subgraph.as_deref().filter(|name| !name.is_empty());
        title.or(subgraph).unwrap_or(&self.class)
    }
}

/// Where a wire comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceRef {
    /// An output of a node.
    Output {
        /// The node.
        node: NodeRef,
        /// The index of the output.
        slot: usize,
        /// The name of the output; empty if unknown.
        name: CompactString,
    },
    /// An input on the boundary of the subgraph that `scope` is the inside of.
    Boundary {
        /// The inside of the subgraph.
        scope: GraphScope,
        /// The input.
        name: SlotName,
    },
}

/// What a wire feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkRef {
    /// An input of a node.
    Input {
        /// The node.
        node: NodeRef,
        /// The input.
        name: SlotName,
    },
    /// An output on the boundary of the subgraph that `scope` is the inside of.
    Boundary {
        /// The inside of the subgraph.
        scope: GraphScope,
        /// The output.
        name: SlotName,
    },
}

/// The link that draws a wire in one of the documents. Prompts have wires without links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRef {
    /// The graph, in that document.
    pub scope: GraphScope,
    /// The id, in that document.
    pub id: LinkId,
    /// The type it carries, as spelled.
    pub kind: Value,
}

/// A group, known by its title and by its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRef {
    /// The graph.
    pub scope: GraphScope,
    /// The index among the groups of the second document; of the first for what is only
    /// there.
    pub at: usize,
    /// The id, if it has one.
    pub id: Option<GroupId>,
    /// The title.
    pub title: CompactString,
}

/// A subgraph definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubgraphRef {
    /// The uuid, in the second document; in the first for what is only there.
    pub id: SubgraphId,
    /// The name.
    pub name: CompactString,
}

/// One side of a node or of a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotSide {
    /// Inputs.
    Input,
    /// Outputs.
    Output,
}

/// A thing in the document that has raw JSON of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditTarget {
    /// The document itself (other JSON, a prompt).
    Document,
    /// The object of a graph, without its nodes, links, groups and reroutes.
    Graph(GraphScope),
    /// A node.
    Node(NodeRef),
    /// A link.
    Link(GraphScope, LinkId),
    /// A group.
    Group(GroupRef),
    /// A bend of a link.
    Reroute(GraphScope, RerouteId),
}

/// A difference in raw JSON. Absent is not null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEdit {
    /// The thing that differs.
    pub place: EditTarget,
    /// Where in the thing's own JSON.
    pub at: JsonPath,
    /// What was and is there.
    pub change: Change<Option<Value>>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// A node that is new. Its wires are edits of their own that follow from this one.
    NodeAdded {
        /// The node.
        node: NodeRef,
        /// The whole node as it is in the second document.
        raw: Object,
        /// Its widgets by name, with those that hold their class's default marked.
        widgets: Vec<AddedWidget>,
    },
    /// A node that is gone.
    NodeRemoved {
        /// The node.
        node: NodeRef,
        /// The whole node as it was in the first document.
        raw: Object,
    },
    /// A node that went from one graph into another: into a subgraph or out of it.
    NodeMoved {
        /// The node, where it is now.
        node: NodeRef,
        /// Where it was.
        from: NodeKey,
    },
    /// A node that is of another class now.
    Retyped {
        /// The node.
        node: NodeRef,
        /// The class.
        class: Change<CompactString>,
    },
    /// A title was given, changed or taken away.
    Retitled {
        /// The node.
        node: NodeRef,
        /// The title as the file has it.
        title: Change<Option<CompactString>>,
    },
    /// Muted, bypassed, or running again.
    ModeChanged {
        /// The node.
        node: NodeRef,
        /// The mode.
        mode: Change<NodeMode>,
    },
    /// Other colours: any of `color`, `bgcolor`, `boxcolor`, `shape`.
    Coloured {
        /// The node.
        node: NodeRef,
        /// The key.
        key: CompactString,
        /// The colour (or shape) as the file has it.
        change: Change<Option<Value>>,
    },
    /// The value of a widget.
    Widget {
        /// The node.
        node: NodeRef,
        /// The widget.
        name: WidgetName,
        /// Where its name comes from.
        source: NameSource,
        /// What it is for. [`WidgetRole::Text`] is worth showing by words.
        role: WidgetRole,
        /// The value: one side is absent where the widget is.
        change: Change<Option<Value>>,
        /// Where it lies in the second document (in the first, if it is only there).
        place: crate::graph::WidgetLocation,
        /// Who changed it.
        origin: ChangeOrigin,
    },
    /// A wire was drawn (nothing before), cut (nothing after), or plugged in elsewhere.
    Wire {
        /// The input it feeds.
        to: SinkRef,
        /// Where it comes from.
        from: Box<Change<Option<SourceRef>>>,
        /// The link that draws it; absent where there is no wire.
        link: Box<Change<Option<LinkRef>>>,
    },
    /// An input or output of a node came, went or is another. Only another type or another
    /// order of outputs is content: it can change what a bypass lets through.
    Slot {
        /// The node.
        node: NodeRef,
        /// Which side the slot is on.
        side: SlotSide,
        /// The slot's name; absent where the slot is.
        name: Change<Option<SlotName>>,
        /// Its index; absent where the slot is.
        at: Change<Option<usize>>,
        /// The whole slot, without the numbers of its links; absent where the slot is.
        raw: Box<Change<Option<Object>>>,
    },
    /// A slot was given another label.
    SlotLabelled {
        /// The node.
        node: NodeRef,
        /// Which side the slot is on.
        side: SlotSide,
        /// The slot.
        name: SlotName,
        /// The label.
        label: Change<Option<CompactString>>,
    },
    /// One of a node's `properties`.
    Property {
        /// The node.
        node: NodeRef,
        /// The key in `properties`.
        key: CompactString,
        /// The value.
        change: Change<Option<Value>>,
    },
    /// The recorded version of a node's pack (`ver` in `properties`).
    PackVersion {
        /// The node.
        node: NodeRef,
        /// The pack: registry id, else `owner/repository`, else empty.
        pack: CompactString,
        /// The version or commit.
        version: Change<Option<CompactString>>,
    },
    /// A group that is new.
    GroupAdded {
        /// The group.
        group: GroupRef,
        /// The whole group.
        raw: Object,
    },
    /// A group that is gone.
    GroupRemoved {
        /// The group.
        group: GroupRef,
        /// The whole group.
        raw: Object,
    },
    /// Another title for a group.
    GroupRetitled {
        /// The group.
        group: GroupRef,
        /// The title.
        title: Change<CompactString>,
    },
    /// Another colour for a group.
    GroupColoured {
        /// The group.
        group: GroupRef,
        /// The colour.
        color: Change<Option<CompactString>>,
    },
    /// A subgraph definition that is new. Its nodes are edits of their own that follow
    /// from this one, but for those that were moved in.
    SubgraphAdded {
        /// The definition.
        subgraph: SubgraphRef,
        /// The definition without nodes, links, groups and reroutes.
        raw: Object,
        /// The definition that lists it, if not the root.
        home: Option<SubgraphId>,
    },
    /// A subgraph definition that is gone.
    SubgraphRemoved {
        /// The definition.
        subgraph: SubgraphRef,
        /// The definition without nodes, links, groups and reroutes.
        raw: Object,
    },
    /// Nodes were packed into a new subgraph ("Convert to Subgraph"). Everything else that
    /// this entails follows from it.
    Packed {
        /// The definition.
        subgraph: SubgraphRef,
        /// The instance that stands in the nodes' place.
        host: NodeRef,
        /// The nodes, where they are now.
        nodes: Vec<NodeRef>,
    },
    /// A subgraph was unpacked in place. Everything else that this entails follows from it.
    Unpacked {
        /// The definition that is gone.
        subgraph: SubgraphRef,
        /// The instance that is gone.
        host: NodeRef,
        /// The nodes, where they are now.
        nodes: Vec<NodeRef>,
    },
    /// Another name for a subgraph.
    SubgraphRenamed {
        /// The definition.
        subgraph: SubgraphRef,
        /// The name.
        name: Change<CompactString>,
    },
    /// An input or output on the boundary of a subgraph was added, removed or changed.
    Boundary {
        /// The definition.
        subgraph: SubgraphRef,
        /// Inputs or outputs.
        side: SlotSide,
        /// The slot's name; absent where the slot is.
        name: Change<Option<CompactString>>,
        /// The slot's type; absent where the slot is.
        kind: Change<Option<Value>>,
        /// The slot's label.
        label: Change<Option<CompactString>>,
        /// The slot's index; absent where the slot is.
        at: Change<Option<usize>>,
        /// The whole slot, without the numbers of its links; absent where the slot is.
        raw: Box<Change<Option<Object>>>,
    },
    /// A bend of a wire (not a `Reroute` node) was made, removed or hung elsewhere.
    Reroute {
        /// The graph.
        scope: GraphScope,
        /// The reroute, in the second document; in the first if it is only there.
        id: RerouteId,
        /// The wires it bends, by what they feed; as in the second document if it is there.
        wires: Vec<SinkRef>,
        /// The whole reroute; absent where it is.
        raw: Box<Change<Option<Object>>>,
    },
    /// The app mode shows something else: an entry of a list in `extra.linearData`.
    AppModeEntry {
        /// Which list.
        list: AppList,
        /// The entry; absent where it is not shown.
        entry: Box<Change<Option<AppEntry>>>,
    },
    /// A value of a node that is none of the graph's own: a part of a legacy group node, or
    /// a second node under one id.
    EmbeddedValue {
        /// What the node is part of.
        home: EmbeddedHome,
        /// Its title, else its class.
        node: CompactString,
        /// The widget.
        name: WidgetName,
        /// What it is for.
        role: WidgetRole,
        /// Where the value lies, and what it was and is.
        raw: RawEdit,
    },
    /// A node of a prompt has another `_meta` (title or pack identity): nothing that runs.
    PromptMeta {
        /// The node.
        node: NodeRef,
        /// The value of `_meta`.
        change: Change<Option<Value>>,
    },
    /// Anything else that may matter: keys without a type of their own.
    Raw(RawEdit),
    /// A graph inside a document that is not one itself.
    NestedGraph {
        /// Where it is.
        at: JsonPath,
        /// What changed in it.
        script: Box<EditScript>,
    },
    /// Where a thing is on the canvas and how it looks there.
    Layout(RawEdit),
    /// Other ids, in one graph. The same thing under another id is no other thing.
    Renumbered {
        /// The graph, in the second document.
        scope: GraphScope,
        /// Nodes: from, to.
        nodes: Vec<(NodeId, NodeId)>,
        /// Links.
        links: Vec<(LinkId, LinkId)>,
        /// Groups, where no two have one id.
        groups: Vec<(GroupId, GroupId)>,
        /// Reroutes.
        reroutes: Vec<(RerouteId, RerouteId)>,
        /// The uuid of the definition, if it is another.
        subgraph: Option<Change<SubgraphId>>,
    },
    /// A link that leads nowhere or a reroute without a link came or went: damage and
    /// traces, nothing that anybody sees.
    DanglingElement {
        /// The graph.
        scope: GraphScope,
        /// Which list.
        list: crate::graph::GraphList,
        /// The element.
        change: Change<Option<Value>>,
    },
    /// Another version of ComfyUI's frontend rewrote the file on opening. What it rewrote
    /// follows from this.
    Migrated {
        /// What was rewritten.
        migration: Migration,
        /// The nodes it concerns.
        nodes: Vec<NodeRef>,
    },
    /// The members of an object stand in another order.
    KeyOrder {
        /// The thing that has the object.
        place: EditTarget,
        /// Where in the thing's own JSON.
        at: JsonPath,
        /// All keys in their order in the second document.
        keys: Vec<JsonKey>,
    },
    /// The order of a list in the file: z-order of nodes, order of links.
    Order {
        /// The graph.
        scope: GraphScope,
        /// Which list.
        list: crate::graph::GraphList,
        /// The ids in their new order, as files spell them.
        ids: Vec<Value>,
    },
    /// Everything else that nobody sees.
    Bookkeeping(RawEdit),
}

/// What a node is part of that is none of a graph's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EmbeddedHome {
    /// A legacy group node, by its name.
    GroupNode(CompactString),
    /// A graph that has another node with its id.
    SharedId(NodeId),
}

/// What a frontend rewrites on opening a file of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Migration {
    /// Widgets that a subgraph's instance showed by reference (`proxyWidgets`) became
    /// inputs of the subgraph, their values went to the instance.
    PromotedWidgets,
    /// A legacy group node became a subgraph.
    GroupNode,
    /// Values by name were added, renamed or dropped beside the positional ones.
    NamedValues,
    /// Holes left by widgets that are not saved came or went.
    Holes,
    /// Values were brought to the spelling of today, such as `sample_euler` to `euler`.
    Values,
}

/// Lists of what the app mode shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppList {
    /// Widgets that may be set.
    Inputs,
    /// Nodes whose outputs are shown.
    Outputs,
}

/// One entry of the app mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppEntry {
    /// Its index in the list.
    pub at: usize,
    /// The node, if the entry names one of this file.
    pub node: Option<NodeRef>,
    /// The widget, for inputs.
    pub widget: Option<CompactString>,
    /// The entry as spelled.
    pub raw: Value,
}

/// Who changed a widget's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ChangeOrigin {
    /// A person, as far as can be seen.
    #[default]
    Person,
    /// A run: the widget's control says that its number changes with every run.
    Reroll,
    /// Nobody: the value is the residue of a run, or a hole. It is kept, and does nothing.
    Dead,
    /// Without effect: the instance of the subgraph sets a value of its own.
    SetByInstance,
    /// Without effect: a wire brings the value.
    SetByWire,
    /// Nobody: the same model, its path spelled with the other separator.
    Respelled,
}

/// A widget of an added node.
#[derive(Debug, Clone, PartialEq)]
pub struct AddedWidget {
    /// What it is called.
    pub name: WidgetName,
    /// What it holds.
    pub value: Value,
    /// What it is for.
    pub role: WidgetRole,
    /// Whether it holds what every new node of the class holds.
    pub usual: DefaultMatch,
}

/// Whether a value is its class's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DefaultMatch {
    /// It is what a new node of the class holds.
    Default,
    /// It is something else.
    Own,
    /// The class is not known.
    Unknown,
}

impl Edit {
    /// How much a person cares about this edit by itself.
    pub fn class(&self) -> EditClass {
        match self {
            Edit::Layout(_) | Edit::Order { list: crate::graph::GraphList::Nodes, .. } => {
                EditClass::Layout
            }
            Edit::Slot { raw, side, at, .. } if is_invisible_slot_change(raw, *side, at) => {
                EditClass::Bookkeeping
            }
            Edit::Renumbered { .. }
            | Edit::DanglingElement { .. }
            | Edit::Migrated { .. }
            | Edit::KeyOrder { .. }
            | Edit::Order { .. }
            | Edit::Bookkeeping(_)
            | Edit::Widget {
                origin:
                    ChangeOrigin::Dead
                    | ChangeOrigin::SetByInstance
                    | ChangeOrigin::SetByWire
                    | ChangeOrigin::Respelled,
                ..
            } => EditClass::Bookkeeping,
            _ => EditClass::Content,
        }
    }

    /// The node an edit is about, if it is about one.
    pub fn node(&self) -> Option<&NodeRef> {
        match self {
            Edit::NodeAdded { node, .. }
            | Edit::NodeRemoved { node, .. }
            | Edit::NodeMoved { node, .. }
            | Edit::Retyped { node, .. }
            | Edit::Retitled { node, .. }
            | Edit::ModeChanged { node, .. }
            | Edit::Coloured { node, .. }
            | Edit::Widget { node, .. }
            | Edit::Slot { node, .. }
            | Edit::SlotLabelled { node, .. }
            | Edit::Property { node, .. }
            | Edit::PackVersion { node, .. }
            | Edit::PromptMeta { node, .. }
            | Edit::Wire { to: SinkRef::Input { node, .. }, .. } => Some(node),
            Edit::Packed { host, .. } | Edit::Unpacked { host, .. } => Some(host),
            Edit::Raw(raw) | Edit::Layout(raw) | Edit::Bookkeeping(raw) => match &raw.place {
                EditTarget::Node(node) => Some(node),
                _ => None,
            },
            _ => None,
        }
    }

    /// The graph an edit is in; the root for what is in none.
    pub fn scope(&self) -> GraphScope {
        if let Some(node) = self.node() {
            return node.key.scope.clone();
        }
        let inside = |subgraph: &SubgraphRef| GraphScope::Definition(subgraph.id.clone());
        match self {
            Edit::Wire { to: SinkRef::Boundary { scope, .. }, .. }
            | Edit::Reroute { scope, .. }
            | Edit::Renumbered { scope, .. }
            | Edit::DanglingElement { scope, .. }
            | Edit::Order { scope, .. } => scope.clone(),
            Edit::GroupAdded { group, .. }
            | Edit::GroupRemoved { group, .. }
            | Edit::GroupRetitled { group, .. }
            | Edit::GroupColoured { group, .. } => group.scope.clone(),
            Edit::SubgraphAdded { subgraph, .. }
            | Edit::SubgraphRemoved { subgraph, .. }
            | Edit::SubgraphRenamed { subgraph, .. }
            | Edit::Boundary { subgraph, .. } => inside(subgraph),
            Edit::Raw(raw) | Edit::Layout(raw) | Edit::Bookkeeping(raw) => raw.place.scope(),
            Edit::EmbeddedValue { raw, .. } => raw.place.scope(),
            Edit::KeyOrder { place, .. } => place.scope(),
            _ => GraphScope::Root,
        }
    }
}

impl EditTarget {
    /// The graph it is in; the root for the document.
    pub fn scope(&self) -> GraphScope {
        match self {
            EditTarget::Graph(scope)
            | EditTarget::Link(scope, _)
            | EditTarget::Reroute(scope, _) => scope.clone(),
            EditTarget::Node(node) => node.key.scope.clone(),
            EditTarget::Group(group) => group.scope.clone(),
            EditTarget::Document => GraphScope::Root,
        }
    }
}

/// Whether nobody sees that a slot changed. Slots come and go with wires and with choices,
/// which are edits of their own, and with versions of a class; Save writes the sockets of
/// widgets that nothing is plugged into, Export does not; a type `*` becomes that of the
/// wire; the place of an input among the inputs means nothing as long as all types stay; an
/// output is known by its place, and some packs write what a run made into its name.
fn is_invisible_slot_change(
    raw: &Change<Option<Object>>,
    side: SlotSide,
    at: &Change<Option<usize>>,
) -> bool {
    let (Some(before), Some(after)) = (&raw.before, &raw.after) else { return true };
    let kind = |slot: &Object| slot.get("type").cloned();
    let (before, after) = (kind(before), kind(after));
    let any = |kind: &Option<Value>| kind.as_ref().and_then(Value::as_str) == Some("*");
    let stays = side == SlotSide::Input || at.before == at.after;
    (before == after && stays) || any(&before) || any(&after)
}

impl EditEntry {
    /// An edit of its own.
    pub fn standalone(edit: Edit) -> Self {
        EditEntry { edit, because: None }
    }
}

impl EditScript {
    /// Whether the documents are the same.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The edits a person made: content that follows from nothing else. Their indices
    /// are those of [`EditEntry::because`].
    pub fn content_edits(&self) -> impl Iterator<Item = (usize, &Edit)> {
        let entries = self.entries.iter().enumerate();
        let own =
            entries.filter(|(_, e)| e.because.is_none() && e.edit.class() == EditClass::Content);
        own.map(|(at, entry)| (at, &entry.edit))
    }

    /// What follows from the entry at an index.
    pub fn consequences(&self, of: usize) -> impl Iterator<Item = &Edit> {
        let entries = self.entries.iter().filter(move |entry| entry.because == Some(of));
        entries.map(|entry| &entry.edit)
    }

    /// How many edits are of a class and follow from nothing else; graphs inside counted.
    pub fn count_of_class(&self, class: EditClass) -> usize {
        let own = self.entries.iter().filter(|entry| entry.because.is_none());
        own.map(|entry| match &entry.edit {
            Edit::NestedGraph { script, .. } => script.count_of_class(class),
            edit => usize::from(edit.class() == class),
        })
        .sum()
    }

    /// Whether anything but layout and bookkeeping changed.
    pub fn has_content(&self) -> bool {
        self.count_of_class(EditClass::Content) > 0
    }
}
