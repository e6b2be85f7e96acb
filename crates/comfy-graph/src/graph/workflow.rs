//! A whole workflow: the root graph and the subgraph definitions, read and written back.
//!
//! Definitions lie in one flat table wherever the file nests them; each remembers its
//! place. What has no type of its own stays in the `rest` of its graph.

use super::definition::SubgraphDefinition;
use super::document_kind::{WorkflowSchema, workflow_schema};
use super::group::Group;
use super::key_order::{
    FxIndexMap, KeyOrder, UntypedElement, parse_elements, parse_keyed_elements, rebuild_array,
};
use super::link::{Link, LinkFormat, Reroute};
use super::node::Node;
use super::{GraphScope, LinkId, NodeId, NodeKey, RerouteId, SubgraphId};
use crate::json::{Object, Value};

/// One graph: the root, or the inside of a subgraph definition.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Nodes by id, in file order, which is also their z-order.
    pub nodes: FxIndexMap<NodeId, Node>,
    /// Links by id, in file order.
    pub links: FxIndexMap<LinkId, Link>,
    /// Groups, in file order.
    pub groups: Vec<Group>,
    /// Bends of links, in file order.
    pub reroutes: FxIndexMap<RerouteId, Reroute>,
    /// Links with one loose end, in file order. Always objects.
    pub floating: Vec<Link>,
    /// Every other key of the graph's object.
    pub rest: Object,
    /// What the arrays hold beside: holes, damage, and whatever has the id of another.
    pub untyped: UntypedElements,
    schema: WorkflowSchema,
    outline: KeyOrder,
    extra_outline: KeyOrder,
}

/// Elements of a graph's arrays that could not be typed. They are kept at their index, and
/// `check` reports them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UntypedElements {
    /// Of `nodes`; among them every later node with an id that is taken.
    pub nodes: Vec<UntypedElement>,
    /// Of `links`; among them every later link with an id that is taken.
    pub links: Vec<UntypedElement>,
    /// Of `groups`.
    pub groups: Vec<UntypedElement>,
    /// Of the reroutes.
    pub reroutes: Vec<UntypedElement>,
    /// Of `floatingLinks`.
    pub floating: Vec<UntypedElement>,
    /// Of `extra.linkExtensions`: entries that belong to no link.
    pub extensions: Vec<UntypedElement>,
}

/// A workflow in the format of the editor.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// The graph a person sees on opening the file. Its `rest` holds the other root keys.
    pub root: Graph,
    /// Subgraph definitions by uuid, in file order, the nested behind those they lie in.
    pub definitions: FxIndexMap<SubgraphId, SubgraphDefinition>,
    /// What lists of definitions hold beside: holes, damage, second holders of a uuid;
    /// with the definition that lists them.
    pub untyped_definitions: Vec<(Option<SubgraphId>, UntypedElement)>,
}

/// The document is no workflow in the format of the editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no ComfyUI workflow: it needs a list of nodes, and links or a version number")]
pub struct NotAWorkflow;

impl Graph {
    pub(super) fn from_object(mut object: Object, schema: WorkflowSchema) -> Self {
        let outline = KeyOrder::from_object(&object);
        let mut odd = UntypedElements::default();
        let nodes = take_array(&mut object, "nodes");
        let (nodes, odd_nodes) = parse_keyed_elements(
            nodes,
            |value| Node::from_value(value).map(|node| (node.id().clone(), node)),
            Node::into_value,
        );
        odd.nodes = odd_nodes;
        let links = take_array(&mut object, "links");
        let (links, odd_links) = parse_keyed_elements(
            links,
            |value| Link::from_value(value).map(|link| (link.id(), link)),
            Link::into_value,
        );
        odd.links = odd_links;
        let groups;
        (groups, odd.groups) = parse_elements(take_array(&mut object, "groups"), Group::from_value);
        let floating;
        (floating, odd.floating) =
            parse_elements(take_array(&mut object, "floatingLinks"), Link::from_value);
        let mut graph = Graph {
            nodes,
            links,
            groups,
            floating,
            untyped: odd,
            schema,
            outline,
            rest: object,
            ..Graph::default()
        };
        graph.take_reroutes();
        graph
    }

    /// Reroutes lie at the top in schema 1 and in `extra` in 0.4.
    fn take_reroutes(&mut self) {
        let home = match self.schema {
            WorkflowSchema::V1 => &mut self.rest,
            WorkflowSchema::V04 => {
                match self.rest.get_mut("extra").and_then(Value::as_object_mut) {
                    Some(extra) => extra,
                    None => return,
                }
            }
        };
        let outline = KeyOrder::from_object(home);
        let reroutes = take_array(home, "reroutes");
        (self.reroutes, self.untyped.reroutes) = parse_keyed_elements(
            reroutes,
            |value| Reroute::from_value(value).map(|reroute| (reroute.id(), reroute)),
            Reroute::into_value,
        );
        if self.schema == WorkflowSchema::V04 {
            let extensions = take_array(home, "linkExtensions");
            self.take_extensions(extensions);
            self.extra_outline = outline;
        }
    }

    fn take_extensions(&mut self, extensions: Vec<Value>) {
        for (at, value) in extensions.into_iter().enumerate() {
            let link = value.get("id").and_then(LinkId::from_value);
            let link = link.and_then(|id| self.links.get_mut(&id));
            match (link, value) {
                (Some(link), Value::Object(object)) if link.extension.is_none() => {
                    link.extension = Some((at, object));
                }
                (_, value) => self.untyped.extensions.push(UntypedElement { at, value }),
            }
        }
    }

    pub(super) fn into_object(mut self) -> Object {
        let mut extensions: Vec<(usize, Object)> =
            self.links.values_mut().filter_map(|link| link.extension.take()).collect();
        extensions.sort_by_key(|(at, _)| *at);
        let extensions = rebuild_array(
            extensions.into_iter().map(|(_, object)| Value::Object(object)),
            self.untyped.extensions,
        );
        let reroutes = rebuild_array(
            self.reroutes.into_values().map(Reroute::into_value),
            self.untyped.reroutes,
        );
        let mut parts = vec![
            (
                "nodes",
                rebuild_array(self.nodes.into_values().map(Node::into_value), self.untyped.nodes),
            ),
            (
                "links",
                rebuild_array(self.links.into_values().map(Link::into_value), self.untyped.links),
            ),
            ("floatingLinks", {
                rebuild_array(
                    self.floating.into_iter().map(Link::into_value),
                    self.untyped.floating,
                )
            }),
            (
                "groups",
                rebuild_array(self.groups.into_iter().map(Group::into_value), self.untyped.groups),
            ),
        ];
        match self.schema {
            WorkflowSchema::V1 => parts.push(("reroutes", reroutes)),
            WorkflowSchema::V04 => {
                let extra = vec![("reroutes", reroutes), ("linkExtensions", extensions)];
                put_into_extra(&mut self.rest, extra, &self.extra_outline);
            }
        }
        let parts = arrays_to_write(parts, &self.outline, &self.rest);
        self.outline.restore(self.rest, parts)
    }

    /// Which schema its object follows. Definitions are always schema 1.
    pub fn schema(&self) -> WorkflowSchema {
        self.schema
    }

    /// How its links are written.
    pub fn link_format(&self) -> LinkFormat {
        match self.schema {
            WorkflowSchema::V04 => LinkFormat::Row,
            WorkflowSchema::V1 => LinkFormat::Object,
        }
    }

    /// `extra`, if the graph has any.
    pub fn extra(&self) -> Option<&Object> {
        self.rest.get("extra").and_then(Value::as_object)
    }

    /// `extra`, made where there is none; nothing if something else has its place.
    pub fn extra_mut(&mut self) -> Option<&mut Object> {
        self.rest.get_or_insert_with("extra", || Object::new().into()).as_object_mut()
    }
}

/// Takes an array out of an object; anything else stays where it is.
fn take_array(object: &mut Object, key: &str) -> Vec<Value> {
    match object.get(key) {
        Some(Value::Array(_)) => match object.remove(key) {
            Some(Value::Array(elements)) => elements,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The arrays that must be written: those with something in them and those that were there.
fn arrays_to_write(
    parts: Vec<(&'static str, Vec<Value>)>,
    outline: &KeyOrder,
    rest: &Object,
) -> Vec<(&'static str, Value)> {
    let keep = |key, array: &[Value]| {
        !array.is_empty() || (outline.contains(key) && !rest.contains_key(key))
    };
    let parts = parts.into_iter().filter(|(key, array)| keep(key, array));
    parts.map(|(key, array)| (key, Value::Array(array))).collect()
}

fn put_into_extra(rest: &mut Object, parts: Vec<(&'static str, Vec<Value>)>, outline: &KeyOrder) {
    let empty = Object::new();
    let parts = arrays_to_write(
        parts,
        outline,
        rest.get("extra").and_then(Value::as_object).unwrap_or(&empty),
    );
    if parts.is_empty() {
        return;
    }
    let extra = rest.get_or_insert_with("extra", || Object::new().into());
    let old = match std::mem::take(extra) {
        Value::Object(object) => object,
        _ => Object::new(),
    };
    *extra = Value::Object(outline.restore(old, parts));
}

impl Workflow {
    /// Reads a workflow. Nothing in it is dropped: [`Workflow::into_value`] gives back
    /// the same document, keys and elements in the same order.
    ///
    /// # Errors
    /// The document is no workflow.
    pub fn from_value(document: Value) -> Result<Workflow, NotAWorkflow> {
        let Value::Object(mut object) = document else { return Err(NotAWorkflow) };
        let schema = workflow_schema(&object).ok_or(NotAWorkflow)?;
        let listed = take_definitions(&mut object);
        let mut workflow = Workflow {
            root: Graph::from_object(object, schema),
            definitions: FxIndexMap::default(),
            untyped_definitions: Vec::new(),
        };
        workflow.add_definitions(listed, None);
        Ok(workflow)
    }

    fn add_definitions(&mut self, listed: Vec<Value>, home: Option<&SubgraphId>) {
        for (at, mut value) in listed.into_iter().enumerate() {
            let known = |id: &str| self.definitions.contains_key(&SubgraphId::new(id));
            if value.get("id").and_then(Value::as_str).is_none_or(known) {
                self.untyped_definitions.push((home.cloned(), UntypedElement { at, value }));
                continue;
            }
            let nested = value.as_object_mut().map(take_definitions).unwrap_or_default();
            match SubgraphDefinition::from_value(value) {
                Ok(mut definition) => {
                    let id = definition.id().clone();
                    definition.home = home.cloned();
                    self.definitions.insert(id.clone(), definition);
                    self.add_definitions(nested, Some(&id));
                }
                Err(value) => {
                    self.untyped_definitions.push((home.cloned(), UntypedElement { at, value }))
                }
            }
        }
    }

    /// The document again.
    pub fn into_value(self) -> Value {
        let mut homes: FxIndexMap<Option<SubgraphId>, Vec<Value>> = FxIndexMap::default();
        let known: Vec<SubgraphId> = self.definitions.keys().cloned().collect();
        let mut odd = self.untyped_definitions;
        let mut listed = |id: Option<&SubgraphId>, things: Vec<Value>| {
            let own = odd.extract_if(.., |(home, _)| home.as_ref() == id);
            let own = own.map(|(_, odd)| odd).collect();
            rebuild_array(things.into_iter(), own)
        };
        // The nested lie behind those they lie in, so the last are finished first.
        for (id, mut definition) in self.definitions.into_iter().rev() {
            let mut nested = homes.shift_remove(&Some(id.clone())).unwrap_or_default();
            nested.reverse();
            put_definitions(&mut definition.graph.rest, listed(Some(&id), nested));
            let home = definition.home.take().filter(|home| *home != id && known.contains(home));
            homes.entry(home).or_default().push(definition.into_value());
        }
        let mut top = homes.shift_remove(&None).unwrap_or_default();
        top.reverse();
        let mut root = self.root.into_object();
        let mut all = listed(None, top);
        // Whatever lay in a definition that is gone must not go with it.
        all.extend(homes.into_values().flatten());
        all.extend(odd.into_iter().map(|(_, odd)| odd.value));
        put_definitions(&mut root, all);
        Value::Object(root)
    }

    /// One of the graphs.
    pub fn graph(&self, scope: &GraphScope) -> Option<&Graph> {
        match scope {
            GraphScope::Root => Some(&self.root),
            GraphScope::Definition(id) => self.definitions.get(id).map(|d| &d.graph),
        }
    }

    /// One of the graphs, to change.
    pub fn graph_mut(&mut self, scope: &GraphScope) -> Option<&mut Graph> {
        match scope {
            GraphScope::Root => Some(&mut self.root),
            GraphScope::Definition(id) => self.definitions.get_mut(id).map(|d| &mut d.graph),
        }
    }

    /// All graphs, the root first.
    pub fn graphs(&self) -> impl Iterator<Item = (GraphScope, &Graph)> {
        let inner = self.definitions.iter();
        let inner = inner.map(|(id, d)| (GraphScope::Definition(id.clone()), &d.graph));
        std::iter::once((GraphScope::Root, &self.root)).chain(inner)
    }

    /// All graphs, to change, the root first.
    pub fn graphs_mut(&mut self) -> impl Iterator<Item = (GraphScope, &mut Graph)> {
        let inner = self.definitions.iter_mut();
        let inner = inner.map(|(id, d)| (GraphScope::Definition(id.clone()), &mut d.graph));
        std::iter::once((GraphScope::Root, &mut self.root)).chain(inner)
    }

    /// A node anywhere in the workflow.
    pub fn node(&self, key: &NodeKey) -> Option<&Node> {
        self.graph(&key.scope)?.nodes.get(&key.id)
    }

    /// A node anywhere in the workflow, to change.
    pub fn node_mut(&mut self, key: &NodeKey) -> Option<&mut Node> {
        self.graph_mut(&key.scope)?.nodes.get_mut(&key.id)
    }

    /// All nodes with their graphs.
    pub fn nodes(&self) -> impl Iterator<Item = (GraphScope, &Node)> {
        self.graphs()
            .flat_map(|(scope, graph)| graph.nodes.values().map(move |node| (scope.clone(), node)))
    }

    /// The definition a node is an instance of.
    pub fn definition_of(&self, node: &Node) -> Option<&SubgraphDefinition> {
        if self.definitions.is_empty() {
            return None;
        }
        self.definitions.get(&node.as_subgraph())
    }

    /// What a person calls a node: its title, else the name of its subgraph, else its
    /// class.
    pub fn display_name<'a>(&'a self, node: &'a Node) -> &'a str {
        if let Some(title) = node.title().filter(|title| !title.is_empty()) {
            return title;
        }
        let name = self.definition_of(node).map(SubgraphDefinition::name);
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| node.class())
    }
}

fn take_definitions(object: &mut Object) -> Vec<Value> {
    let Some(definitions) = object.get_mut("definitions").and_then(Value::as_object_mut) else {
        return Vec::new();
    };
    // The list stays where it was, emptied, so that its place is known.
    match definitions.get_mut("subgraphs") {
        Some(Value::Array(listed)) => std::mem::take(listed),
        _ => Vec::new(),
    }
}

fn put_definitions(object: &mut Object, listed: Vec<Value>) {
    if listed.is_empty() {
        return;
    }
    let definitions = object.get_or_insert_with("definitions", || Object::new().into());
    if definitions.as_object().is_none() {
        *definitions = Object::new().into();
    }
    if let Some(definitions) = definitions.as_object_mut() {
        definitions.insert("subgraphs", Value::Array(listed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    fn there_and_back(text: &str) -> Workflow {
        let value = parse_text(text).unwrap();
        let workflow = Workflow::from_value(value.clone()).unwrap();
        assert_eq!(workflow.clone().into_value(), value);
        workflow
    }

    #[test]
    fn two_nodes_under_one_id_both_survive() {
        let workflow = there_and_back(
            r#"{"version":0.4,"nodes":[null,{"id":1,"type":"A"},{"id":"1","type":"B"},{"id":2}
                ,7,{"id":1,"type":"C"}]}"#
                .replace("{\"id\":2}", r#"{"id":2,"type":"D"}"#)
                .replace(",7", "")
                .as_str(),
        );
        assert_eq!(workflow.root.nodes.len(), 2);
        assert_eq!(workflow.root.nodes[&NodeId::from(1)].class(), "A");
        let at: Vec<usize> = workflow.root.untyped.nodes.iter().map(|odd| odd.at).collect();
        assert_eq!(at, [0, 2, 4]);
    }

    #[test]
    fn both_link_spellings_and_both_homes_of_reroutes() {
        let old = there_and_back(
            r#"{"extra":{"ds":{},"linkExtensions":[{"id":9,"parentId":1},{"id":3,"parentId":2}],
                "reroutes":[{"id":2,"parentId":1,"pos":[1,2],"linkIds":[3]},{"id":1}]},
                "links":[null,[3,1,0,2,0,"X","seventh"],[3,1,0,2,0,"X"],[4,1,-7,2,0,"X"]],
                "nodes":[{"id":1,"type":"A"},{"id":2,"type":"B"}],"version":0.4,
                "floatingLinks":[{"id":5,"origin_id":-1,"origin_slot":-1,"target_id":2,"target_slot":0}]}"#,
        );
        assert_eq!(old.root.links[&LinkId(3)].parent(), Some(RerouteId(2)));
        assert_eq!(old.root.untyped.links.len(), 3);
        assert_eq!(old.root.untyped.extensions.len(), 1);
        assert_eq!(old.root.floating[0].from(), &super::super::LinkEnd::Loose);
        let new = there_and_back(
            r#"{"version":1,"nodes":[{"id":1,"type":"A"}],"reroutes":[{"id":1,"linkIds":[3]}],
                "links":[{"id":3,"origin_id":1,"origin_slot":0,"target_id":"x","target_slot":0,
                "parentId":1,"more":true}],"state":{}}"#,
        );
        assert_eq!(new.root.links[&LinkId(3)].parent(), Some(RerouteId(1)));
        assert_eq!(new.root.link_format(), LinkFormat::Object);
    }

    #[test]
    fn definitions_flat_nested_and_damaged() {
        let workflow = there_and_back(
            r#"{"definitions":{"other":1,"subgraphs":[7,{"id":"a","nodes":[],"name":"A",
                "definitions":{"subgraphs":[{"id":"b","nodes":[{"id":1,"type":"X"}]},{"id":"a"}]}},
                {"id":"a","twice":true},{"id":"c"},{"nameless":1}]},
                "nodes":[{"id":1,"type":"a"}],"version":0.4}"#,
        );
        let names: Vec<&str> = workflow.definitions.keys().map(SubgraphId::as_str).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let node = &workflow.root.nodes[&NodeId::from(1)];
        assert_eq!(workflow.display_name(node), "A");
        let mut orphaned = workflow;
        orphaned.definitions.shift_remove(&SubgraphId::new("a"));
        let back = orphaned.into_value();
        let listed = back.get("definitions").unwrap().get("subgraphs").unwrap();
        assert!(listed.as_array().unwrap().iter().any(|d| d.get("id") == Some(&"b".into())));
    }
}
