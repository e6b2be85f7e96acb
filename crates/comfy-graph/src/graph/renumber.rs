//! Giving nodes, links, reroutes, groups and definitions other ids, in every place where
//! an id occurs.
//!
//! One pass over the file applies a whole [`Renumbering`], so that ids may be exchanged.
//! Ids inside the private properties of node packs are not known and not touched.

use compact_str::{CompactString, format_compact};
use rustc_hash::FxHashMap;

use super::link::{Link, LinkEnd};
use super::{
    FxIndexMap, Graph, GraphScope, GroupId, LinkId, Node, NodeId, NodeKey, Prompt, PromptInput,
    RerouteId, SubgraphDefinition, SubgraphId, Workflow,
};
use crate::json::{Object, Value};

/// Which ids become which. Scopes are those of the file before the change. What is not
/// named stays; reserved ids (-10, -20, -1) stay even if named.
#[derive(Debug, Clone, Default)]
pub struct Renumbering {
    /// Nodes.
    pub nodes: FxHashMap<NodeKey, NodeId>,
    /// Links.
    pub links: FxHashMap<(GraphScope, LinkId), LinkId>,
    /// Reroutes.
    pub reroutes: FxHashMap<(GraphScope, RerouteId), RerouteId>,
    /// Groups. A file may hold two groups of one id; both change.
    pub groups: FxHashMap<(GraphScope, GroupId), GroupId>,
    /// Definitions.
    pub subgraphs: FxHashMap<SubgraphId, SubgraphId>,
}

impl Renumbering {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
            && self.links.is_empty()
            && self.reroutes.is_empty()
            && self.groups.is_empty()
            && self.subgraphs.is_empty()
    }

    fn new_node_id(&self, scope: &GraphScope, id: &NodeId) -> Option<&NodeId> {
        if id.is_reserved() || self.nodes.is_empty() {
            return None;
        }
        self.nodes.get(&NodeKey { scope: scope.clone(), id: id.clone() })
    }

    fn new_link_id(&self, scope: &GraphScope, id: LinkId) -> Option<LinkId> {
        self.links.get(&(scope.clone(), id)).copied()
    }

    fn new_reroute_id(&self, scope: &GraphScope, id: RerouteId) -> Option<RerouteId> {
        self.reroutes.get(&(scope.clone(), id)).copied()
    }
}

impl Workflow {
    /// Rewrites ids everywhere. New ids must be free or freed by the same renumbering: a
    /// node whose new id is taken is kept among the oddities of its graph.
    pub fn renumber(&mut self, renumbering: &Renumbering) {
        if renumbering.is_empty() {
            return;
        }
        let renamed = Renumberer { renumbering, interior: InteriorNodes::from_workflow(self) };
        for (scope, graph) in self.graphs_mut() {
            renamed.renumber_instances(graph);
            renamed.renumber_graph(&scope, graph);
        }
        renamed.renumber_root_extra(&mut self.root);
        let definitions = std::mem::take(&mut self.definitions);
        for (id, mut definition) in definitions {
            renamed.renumber_definition(&id, &mut definition);
            self.definitions.insert(definition.id().clone(), definition);
        }
        for (home, _) in &mut self.untyped_definitions {
            if let Some(new) = home.as_ref().and_then(|home| renumbering.subgraphs.get(home)) {
                *home = Some(new.clone());
            }
        }
    }
}

impl Prompt {
    /// Rewrites node ids: keys and the links that name them.
    pub fn renumber(&mut self, nodes: &FxHashMap<NodeId, NodeId>) {
        for node in self.nodes.values_mut() {
            let Some(inputs) = node.raw_inputs_mut() else { continue };
            for value in inputs.values_mut() {
                let PromptInput::Link { node, .. } = PromptInput::parse(value) else { continue };
                if let (Some(new), Some(pair)) = (nodes.get(&node), value.as_array_mut()) {
                    pair[0] = Value::from(new.to_string());
                }
            }
        }
        let old = std::mem::take(&mut self.nodes);
        self.nodes =
            old.into_iter().map(|(id, n)| (nodes.get(&id).cloned().unwrap_or(id), n)).collect();
    }
}

/// Which nodes lie in which definition, and which of them are instances: what strings
/// that name a node without its graph are resolved by.
struct InteriorNodes {
    root: Vec<NodeId>,
    nodes: FxHashMap<SubgraphId, FxHashMap<NodeId, Option<SubgraphId>>>,
}

impl InteriorNodes {
    fn from_workflow(workflow: &Workflow) -> Self {
        let instance = |node: &Node| {
            let definition = node.as_subgraph();
            workflow.definitions.contains_key(&definition).then_some(definition)
        };
        let inner = |definition: &SubgraphDefinition| {
            let nodes = definition.graph.nodes.iter();
            nodes.map(|(id, node)| (id.clone(), instance(node))).collect()
        };
        let nodes = workflow.definitions.iter().map(|(id, d)| (id.clone(), inner(d))).collect();
        InteriorNodes { root: workflow.root.nodes.keys().cloned().collect(), nodes }
    }

    /// The one definition that has a node of this id.
    fn only_definition_with(&self, id: &NodeId) -> Option<&SubgraphId> {
        let mut homes = self.nodes.iter().filter(|(_, nodes)| nodes.contains_key(id));
        let first = homes.next()?.0;
        homes.next().is_none().then_some(first)
    }
}

struct Renumberer<'a> {
    renumbering: &'a Renumbering,
    interior: InteriorNodes,
}

impl Renumberer<'_> {
    /// Everything inside one graph that knows its ids.
    fn renumber_graph(&self, scope: &GraphScope, graph: &mut Graph) {
        let nodes = std::mem::take(&mut graph.nodes);
        for (id, mut node) in nodes {
            self.renumber_slots(scope, &mut node);
            self.renumber_class(&mut node);
            if let Some(new) = self.renumbering.new_node_id(scope, &id) {
                node.set_id(new.clone());
            }
            insert_node(graph, node);
        }
        let links = std::mem::take(&mut graph.links);
        for (_, mut link) in links {
            self.renumber_link(scope, &mut link);
            insert_link(graph, link);
        }
        for link in &mut graph.floating {
            self.renumber_link(scope, link);
        }
        let reroutes = std::mem::take(&mut graph.reroutes);
        for (_, mut reroute) in reroutes {
            if let Some(new) = self.renumbering.new_reroute_id(scope, reroute.id()) {
                reroute.set_id(new);
            }
            let parent =
                reroute.parent().and_then(|parent| self.renumbering.new_reroute_id(scope, parent));
            if let Some(parent) = parent {
                reroute.raw_mut().insert("parentId", parent.to_value());
            }
            self.renumber_link_list(scope, reroute.raw_mut().get_mut("linkIds"));
            graph.reroutes.insert(reroute.id(), reroute);
        }
        for group in &mut graph.groups {
            let new = group.id().and_then(|id| self.renumbering.groups.get(&(scope.clone(), id)));
            if let Some(new) = new {
                group.set_id(*new);
            }
        }
        for key in ["inputs", "outputs"] {
            if matches!(scope, GraphScope::Definition(_)) {
                for_each_object(graph.rest.get_mut(key), |slot| {
                    self.renumber_link_list(scope, slot.get_mut("linkIds"));
                });
            }
        }
        self.renumber_extra(scope, graph);
    }

    fn renumber_slots(&self, scope: &GraphScope, node: &mut Node) {
        if self.renumbering.links.is_empty() {
            return;
        }
        for_each_object(node.raw_mut().get_mut("inputs"), |input| {
            if let Some(link) = input.get_mut("link") {
                self.renumber_link_value(scope, link);
            }
        });
        for_each_object(node.raw_mut().get_mut("outputs"), |output| {
            self.renumber_link_list(scope, output.get_mut("links"));
        });
    }

    fn renumber_class(&self, node: &mut Node) {
        if self.renumbering.subgraphs.is_empty() {
            return;
        }
        if let Some(new) = self.renumbering.subgraphs.get(&node.as_subgraph()) {
            node.raw_mut().insert("type", new.0.clone());
        }
    }

    fn renumber_link(&self, scope: &GraphScope, link: &mut Link) {
        for (end, set) in [
            (link.from().clone(), Link::set_from as fn(&mut Link, LinkEnd)),
            (link.to().clone(), Link::set_to),
        ] {
            if let LinkEnd::Node { id, slot } = end
                && let Some(new) = self.renumbering.new_node_id(scope, &id)
            {
                set(link, LinkEnd::Node { id: new.clone(), slot });
            }
        }
        if let Some(new) = self.renumbering.new_link_id(scope, link.id()) {
            link.set_id(new);
        }
        if let Some(new) =
            link.parent().and_then(|parent| self.renumbering.new_reroute_id(scope, parent))
        {
            link.set_parent(Some(new));
        }
    }

    fn renumber_link_value(&self, scope: &GraphScope, value: &mut Value) {
        let new = LinkId::from_value(value).and_then(|id| self.renumbering.new_link_id(scope, id));
        if let Some(new) = new {
            *value = new.respell(value);
        }
    }

    fn renumber_link_list(&self, scope: &GraphScope, list: Option<&mut Value>) {
        let elements = list.and_then(Value::as_array_mut);
        for value in elements.into_iter().flatten() {
            self.renumber_link_value(scope, value);
        }
    }

    fn renumber_node_value(&self, scope: &GraphScope, value: &mut Value) {
        let new = NodeId::from_value(value);
        if let Some(new) = new.as_ref().and_then(|id| self.renumbering.new_node_id(scope, id)) {
            *value = new.respell(value);
        }
    }

    /// Oddities of `extra` that any graph may carry.
    fn renumber_extra(&self, scope: &GraphScope, graph: &mut Graph) {
        let Some(extra) = graph.rest.get_mut("extra").and_then(Value::as_object_mut) else {
            return;
        };
        if let Some(Value::Object(shown)) = extra.get_mut("linkPresentation") {
            let old = std::mem::take(shown);
            for (key, value) in old {
                let id = LinkId::from_value(&Value::from(key.clone()));
                let new = id.and_then(|id| self.renumbering.new_link_id(scope, id));
                shown.insert(new.map_or(key, |id| format_compact!("{id}")), value);
            }
        }
        for_each_object(extra.get_mut("ue_links"), |link| {
            for key in ["downstream", "upstream", "controller"] {
                if let Some(value) = link.get_mut(key) {
                    self.renumber_node_value(scope, value);
                }
            }
        });
        self.renumber_link_list(scope, extra.get_mut("links_added_by_ue"));
    }

    /// What only the root's `extra` carries: app mode and favourites.
    fn renumber_root_extra(&self, root: &mut Graph) {
        let Some(extra) = root.rest.get_mut("extra").and_then(Value::as_object_mut) else {
            return;
        };
        if let Some(linear) = extra.get_mut("linearData") {
            let inputs = linear.get_mut("inputs").and_then(Value::as_array_mut);
            for input in inputs.into_iter().flatten() {
                if let Some(id) = input.as_array_mut().and_then(|input| input.first_mut()) {
                    self.renumber_loose_id(id);
                }
            }
            let outputs = linear.get_mut("outputs").and_then(Value::as_array_mut);
            for id in outputs.into_iter().flatten() {
                self.renumber_loose_id(id);
            }
        }
        let favourites = extra.get_mut("favoritedWidgets").and_then(|f| f.get_mut("favorites"));
        for_each_object(favourites, |favourite| {
            if let Some(id) = favourite.get_mut("nodeLocatorId") {
                self.renumber_loose_id(id);
            }
        });
    }

    /// An id that may be a root node's, an interior node's, a `<definition>:<node>`
    /// locator, or a widget id `<workflow>:<node>:<widget>`.
    fn renumber_loose_id(&self, value: &mut Value) {
        let Some(id) = NodeId::from_value(value) else { return };
        if let Some((head, rest)) = value.as_str().and_then(|text| text.split_once(':')) {
            if let Some(text) = self.renumbered_locator(head, rest) {
                *value = Value::from(text);
            }
            return;
        }
        let scope = if self.interior.root.contains(&id) {
            GraphScope::Root
        } else {
            match self.interior.only_definition_with(&id) {
                Some(home) => GraphScope::Definition(home.clone()),
                None => return,
            }
        };
        self.renumber_node_value(&scope, value);
    }

    fn renumbered_locator(&self, head: &str, rest: &str) -> Option<CompactString> {
        let (node, tail) = match rest.split_once(':') {
            Some((node, tail)) => (node, Some(tail)),
            None => (rest, None),
        };
        let id = NodeId::from_text(node);
        let definition = SubgraphId::new(head);
        let (scope, head) = if self.interior.nodes.contains_key(&definition) {
            let head = self.renumbering.subgraphs.get(&definition).unwrap_or(&definition).0.clone();
            (GraphScope::Definition(definition), head)
        } else {
            (GraphScope::Root, CompactString::new(head))
        };
        let id = self.renumbering.new_node_id(&scope, &id).unwrap_or(&id);
        Some(match tail {
            Some(tail) => format_compact!("{head}:{id}:{tail}"),
            None => format_compact!("{head}:{id}"),
        })
    }

    /// Instances name nodes of their definition in their properties.
    fn renumber_instances(&self, graph: &mut Graph) {
        if self.renumbering.nodes.is_empty() {
            return;
        }
        for node in graph.nodes.values_mut() {
            let definition = node.as_subgraph();
            if !self.interior.nodes.contains_key(&definition) {
                continue;
            }
            if let Some(Value::Object(properties)) = node.raw_mut().get_mut("properties") {
                self.renumber_instance_properties(&definition, properties);
            }
        }
    }

    fn renumber_instance_properties(&self, definition: &SubgraphId, properties: &mut Object) {
        let inner = GraphScope::Definition(definition.clone());
        let proxies = properties.get_mut("proxyWidgets").and_then(Value::as_array_mut);
        for entry in proxies.into_iter().flatten() {
            self.renumber_proxy_widget(definition, entry);
        }
        for_each_object(properties.get_mut("previewExposures"), |exposure| {
            if let Some(id) = exposure.get_mut("sourceNodeId") {
                self.renumber_node_value(&inner, id);
            }
        });
        for_each_object(properties.get_mut("proxyWidgetErrorQuarantine"), |kept| {
            if let Some(entry) = kept.get_mut("originalEntry") {
                self.renumber_proxy_widget(definition, entry);
            }
        });
    }

    /// `[node, widget, (node deeper inside)]`, the widget of old also `"12: widget"`. What
    /// names a node deeper inside lies in the definition that the first one is an
    /// instance of, if it is one.
    fn renumber_proxy_widget(&self, definition: &SubgraphId, entry: &mut Value) {
        let Some(entry) = entry.as_array_mut() else { return };
        let first = entry.first().and_then(NodeId::from_value);
        let deeper = first
            .as_ref()
            .and_then(|id| self.interior.nodes.get(definition)?.get(id)?.as_ref())
            .unwrap_or(definition);
        let deeper = GraphScope::Definition(deeper.clone());
        if let Some(id) = entry.first_mut() {
            self.renumber_node_value(&GraphScope::Definition(definition.clone()), id);
        }
        if let Some(Value::String(name)) = entry.get_mut(1)
            && let Some((id, widget)) = name.split_once(": ")
            && let Some(new) = self.renumbering.new_node_id(&deeper, &NodeId::from_text(id))
        {
            *name = format_compact!("{new}: {widget}");
        }
        if let Some(id) = entry.get_mut(2) {
            self.renumber_node_value(&deeper, id);
        }
    }

    fn renumber_definition(&self, id: &SubgraphId, definition: &mut SubgraphDefinition) {
        let scope = GraphScope::Definition(id.clone());
        for_each_object(definition.graph.rest.get_mut("widgets"), |widget| {
            if let Some(id) = widget.get_mut("id") {
                self.renumber_node_value(&scope, id);
            }
        });
        if let Some(new) = self.renumbering.subgraphs.get(id) {
            definition.set_id(new.clone());
        }
        let home = definition.home.as_ref().and_then(|home| self.renumbering.subgraphs.get(home));
        if let Some(new) = home {
            definition.home = Some(new.clone());
        }
    }
}

fn insert_node(graph: &mut Graph, node: Node) {
    let at = graph.nodes.len();
    if graph.nodes.contains_key(node.id()) {
        graph.untyped.nodes.push(super::UntypedElement { at, value: node.into_value() });
    } else {
        graph.nodes.insert(node.id().clone(), node);
    }
}

fn insert_link(graph: &mut Graph, link: Link) {
    let at = graph.links.len();
    let taken: &FxIndexMap<LinkId, Link> = &graph.links;
    if taken.contains_key(&link.id()) {
        graph.untyped.links.push(super::UntypedElement { at, value: link.into_value() });
    } else {
        graph.links.insert(link.id(), link);
    }
}

fn for_each_object(list: Option<&mut Value>, mut each: impl FnMut(&mut Object)) {
    let elements = list.and_then(Value::as_array_mut);
    for element in elements.into_iter().flatten() {
        if let Some(object) = element.as_object_mut() {
            each(object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{JsonStyle, parse_text, print};

    fn key(scope: &GraphScope, id: i64) -> NodeKey {
        NodeKey { scope: scope.clone(), id: id.into() }
    }

    /// Every place where an id occurs, in one file.
    const FILE: &str = r#"{"version":0.4,"last_node_id":9,"last_link_id":9,"nodes":[
        {"id":1,"type":"u-1","inputs":[{"name":"a","link":3}],"properties":{
            "proxyWidgets":[["4","seed"],["5","4: cfg","4"],["-1","x"]],
            "previewExposures":[{"name":"p","sourceNodeId":"4"}],
            "proxyWidgetErrorQuarantine":[{"originalEntry":["4","n"],"reason":"r"}]}},
        {"id":2,"type":"A","outputs":[{"name":"o","links":[3]}]}],
        "links":[[3,2,0,1,0,"X"]],
        "floatingLinks":[{"id":8,"origin_id":2,"origin_slot":0,"target_id":-1,"target_slot":-1,"parentId":6}],
        "groups":[{"id":7,"title":"g"}],
        "extra":{"linkExtensions":[{"id":3,"parentId":6}],
            "reroutes":[{"id":5,"linkIds":[3]},{"id":6,"parentId":5,"linkIds":[3]}],
            "linkPresentation":{"3":{"hidden":true}},
            "linearData":{"inputs":[["2","w"],[2,"w"],["4","w"],["root-uuid:2:w%3A","w"]],"outputs":["2",1]},
            "favoritedWidgets":{"favorites":[{"nodeLocatorId":"u-1:4","widgetName":"w"},{"nodeLocatorId":"2"}]},
            "ue_links":[{"downstream":1,"upstream":"2","controller":2}],"links_added_by_ue":[3]},
        "definitions":{"subgraphs":[{"id":"u-1","inputs":[{"name":"a","linkIds":[3]}],"outputs":[],
            "widgets":[{"id":4,"name":"w"}],"state":{"lastNodeId":9},
            "nodes":[{"id":4,"type":"B","inputs":[{"name":"i","link":3}]},{"id":5,"type":"u-1"}],
            "links":[{"id":3,"origin_id":-10,"origin_slot":0,"target_id":4,"target_slot":0}]}]}}"#;

    #[test]
    fn ids_change_in_every_place() {
        let mut workflow = Workflow::from_value(parse_text(FILE).unwrap()).unwrap();
        let inner = GraphScope::Definition(SubgraphId::new("u-1"));
        let renumbering = Renumbering {
            nodes: [
                (key(&GraphScope::Root, 1), 2.into()),
                (key(&GraphScope::Root, 2), 1.into()),
                (key(&inner, 4), 40.into()),
                (NodeKey { scope: inner.clone(), id: NodeId::GRAPH_INPUT }, 99.into()),
            ]
            .into_iter()
            .collect(),
            links: [((GraphScope::Root, LinkId(3)), LinkId(30)), ((inner, LinkId(3)), LinkId(31))]
                .into_iter()
                .collect(),
            reroutes: [
                ((GraphScope::Root, RerouteId(5)), RerouteId(50)),
                ((GraphScope::Root, RerouteId(6)), RerouteId(60)),
            ]
            .into_iter()
            .collect(),
            groups: [((GraphScope::Root, GroupId(7)), GroupId(70))].into_iter().collect(),
            subgraphs: [(SubgraphId::new("u-1"), SubgraphId::new("u-2"))].into_iter().collect(),
        };
        workflow.renumber(&renumbering);
        workflow.raise_counters();
        let text = print(&workflow.into_value(), &JsonStyle::EXPORT);
        let packed: String = text.split_whitespace().collect();
        insta::assert_snapshot!(packed.replace("},{", "},\n{").replace("],\"", "],\n\""), @r#"
        {"version":0.4,"last_node_id":40,"last_link_id":31,"nodes":[{"id":2,"type":"u-2","inputs":[{"name":"a","link":30}],
        "properties":{"proxyWidgets":[["40","seed"],["5","40:cfg","40"],["-1","x"]],
        "previewExposures":[{"name":"p","sourceNodeId":"40"}],
        "proxyWidgetErrorQuarantine":[{"originalEntry":["40","n"],
        "reason":"r"}]}},
        {"id":1,"type":"A","outputs":[{"name":"o","links":[30]}]}],
        "links":[[30,1,0,2,0,"X"]],
        "floatingLinks":[{"id":8,"origin_id":1,"origin_slot":0,"target_id":-1,"target_slot":-1,"parentId":60}],
        "groups":[{"id":70,"title":"g"}],
        "extra":{"linkExtensions":[{"id":30,"parentId":60}],
        "reroutes":[{"id":50,"linkIds":[30]},
        {"id":60,"parentId":50,"linkIds":[30]}],
        "linkPresentation":{"30":{"hidden":true}},"linearData":{"inputs":[["1","w"],[1,"w"],["40","w"],["root-uuid:1:w%3A","w"]],
        "outputs":["1",2]},"favoritedWidgets":{"favorites":[{"nodeLocatorId":"u-2:40","widgetName":"w"},
        {"nodeLocatorId":"1"}]},"ue_links":[{"downstream":2,"upstream":"1","controller":1}],
        "links_added_by_ue":[30]},"definitions":{"subgraphs":[{"id":"u-2","inputs":[{"name":"a","linkIds":[31]}],
        "outputs":[],
        "widgets":[{"id":40,"name":"w"}],
        "state":{"lastNodeId":40,"lastGroupId":70,"lastLinkId":31,"lastRerouteId":60},"nodes":[{"id":40,"type":"B","inputs":[{"name":"i","link":31}]},
        {"id":5,"type":"u-2"}],
        "links":[{"id":31,"origin_id":-10,"origin_slot":0,"target_id":40,"target_slot":0}]}]}}
        "#);
    }

    #[test]
    fn a_prompt_changes_keys_and_links() {
        let text = r#"{"1":{"class_type":"A","inputs":{"x":["2",0],"y":"2"}},"2":{"class_type":"B","inputs":{}}}"#;
        let mut prompt = Prompt::from_value(parse_text(text).unwrap()).unwrap();
        prompt.renumber(
            &[(1.into(), 2.into()), (2.into(), NodeId::from_text("3:1"))].into_iter().collect(),
        );
        insta::assert_snapshot!(print(&prompt.into_value(), &JsonStyle::SAVE), @r#"{"2":{"class_type":"A","inputs":{"x":["3:1",0],"y":"2"}},"3:1":{"class_type":"B","inputs":{}}}"#);
    }
}
