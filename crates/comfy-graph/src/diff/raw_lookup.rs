//! Finds the things that edits name in the raw tree of a workflow.
//!
//! Must not know edits.

use compact_str::ToCompactString;
use rustc_hash::FxHashMap;

use super::edit::{EditTarget, NodeRef};
use crate::graph::{
    GraphScope, LinkId, MAX_DEFINITION_DEPTH, NodeId, RerouteId, SubgraphId, is_prompt,
};
use crate::json::{JsonPath, JsonStep, Value};

/// Where everything lies in one document. Holds as long as no list changes its order.
#[derive(Default)]
pub(super) struct RawLookup {
    definitions: FxHashMap<SubgraphId, JsonPath>,
    nodes: FxHashMap<GraphScope, FxHashMap<NodeId, usize>>,
    links: FxHashMap<GraphScope, FxHashMap<LinkId, usize>>,
    reroutes: FxHashMap<GraphScope, FxHashMap<RerouteId, (JsonPath, usize)>>,
    is_prompt: bool,
}

impl RawLookup {
    pub(super) fn from_document(document: &Value) -> Self {
        let mut atlas = RawLookup::default();
        if document.as_object().is_some_and(is_prompt) {
            atlas.is_prompt = true;
            return atlas;
        }
        atlas.index_definitions(document, &JsonPath::root(), MAX_DEFINITION_DEPTH);
        atlas
    }

    pub(super) fn is_prompt(&self) -> bool {
        self.is_prompt
    }

    fn index_definitions(&mut self, graph: &Value, at: &JsonPath, deep: usize) {
        let list = graph.get("definitions").and_then(|d| d.get("subgraphs"));
        let place = at.join("definitions").join("subgraphs");
        for (index, definition) in
            list.and_then(Value::as_array).unwrap_or_default().iter().enumerate()
        {
            let Some(id) = definition.get("id").and_then(Value::as_str) else { continue };
            let place = place.join(index);
            self.definitions.entry(SubgraphId::new(id)).or_insert_with(|| place.clone());
            if deep > 0 {
                self.index_definitions(definition, &place, deep - 1);
            }
        }
    }

    /// Where a thing lies; nothing if the document does not have it.
    pub(super) fn target_path(&mut self, document: &Value, place: &EditTarget) -> Option<JsonPath> {
        match place {
            EditTarget::Document => Some(JsonPath::root()),
            EditTarget::Graph(scope) => self.graph_path(scope),
            EditTarget::Node(NodeRef { key, .. }) if self.is_prompt => {
                let path = JsonPath::root().join(JsonStep::Key(key.id.to_compact_string()));
                path.get(document).is_some().then_some(path)
            }
            EditTarget::Node(NodeRef { key, .. }) => {
                let graph = self.graph_path(&key.scope)?;
                let lists = self.nodes.entry(key.scope.clone());
                let index = lists.or_insert_with(|| {
                    index_list(&graph, document, "nodes", |node| {
                        NodeId::from_value(node.get("id")?)
                    })
                });
                Some(graph.join("nodes").join(*index.get(&key.id)?))
            }
            EditTarget::Link(scope, id) => {
                let graph = self.graph_path(scope)?;
                let lists = self.links.entry(scope.clone());
                let index = lists.or_insert_with(|| {
                    index_list(&graph, document, "links", |link| {
                        LinkId::from_value(link.get_index(0).or_else(|| link.get("id"))?)
                    })
                });
                Some(graph.join("links").join(*index.get(id)?))
            }
            EditTarget::Group(group) => {
                Some(self.graph_path(&group.scope)?.join("groups").join(group.at))
            }
            EditTarget::Reroute(scope, id) => {
                let graph = self.graph_path(scope)?;
                let lists = self.reroutes.entry(scope.clone());
                let index = lists.or_insert_with(|| {
                    let id = |reroute: &Value| RerouteId::from_value(reroute.get("id")?);
                    let homes = [graph.clone(), graph.join("extra")];
                    let found = homes.into_iter().flat_map(|home| {
                        let list = index_list(&home, document, "reroutes", id).into_iter();
                        list.map(move |(id, at)| (id, (home.join("reroutes"), at)))
                    });
                    found.collect()
                });
                let (list, at) = index.get(id)?;
                Some(list.join(*at))
            }
        }
    }

    fn graph_path(&self, scope: &GraphScope) -> Option<JsonPath> {
        match scope {
            GraphScope::Root => Some(JsonPath::root()),
            GraphScope::Definition(id) => self.definitions.get(id).cloned(),
        }
    }
}

/// The first element of each id in a list.
fn index_list<K: std::hash::Hash + Eq>(
    graph: &JsonPath,
    document: &Value,
    list: &str,
    id: impl Fn(&Value) -> Option<K>,
) -> FxHashMap<K, usize> {
    let elements = graph.get(document).and_then(|graph| graph.get(list));
    let elements = elements.and_then(Value::as_array).unwrap_or_default();
    let mut index = FxHashMap::default();
    for (at, element) in elements.iter().enumerate() {
        if let Some(id) = id(element) {
            index.entry(id).or_insert(at);
        }
    }
    index
}

pub(super) fn join_paths(base: &JsonPath, rest: &JsonPath) -> JsonPath {
    JsonPath(base.0.iter().chain(&rest.0).cloned().collect::<Vec<JsonStep>>())
}
