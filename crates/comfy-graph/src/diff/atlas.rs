//! Finds the things that edits name in the raw tree of a workflow.
//!
//! Must not know edits.

use compact_str::ToCompactString;
use rustc_hash::FxHashMap;

use super::edit::{NodeRef, Place};
use crate::graph::{LinkId, NodeId, RerouteId, Scope, SubgraphId, is_prompt};
use crate::json::{Path, Step, Value};

/// Where everything lies in one document. Holds as long as no list changes its order.
#[derive(Default)]
pub(super) struct Atlas {
    definitions: FxHashMap<SubgraphId, Path>,
    nodes: FxHashMap<Scope, FxHashMap<NodeId, usize>>,
    links: FxHashMap<Scope, FxHashMap<LinkId, usize>>,
    reroutes: FxHashMap<Scope, FxHashMap<RerouteId, (Path, usize)>>,
    is_prompt: bool,
}

/// How deeply definitions may be nested: what lies deeper is not found.
const DEEP: usize = 32;

impl Atlas {
    pub(super) fn of(document: &Value) -> Self {
        let mut atlas = Atlas::default();
        if document.as_object().is_some_and(is_prompt) {
            atlas.is_prompt = true;
            return atlas;
        }
        atlas.definitions(document, &Path::root(), DEEP);
        atlas
    }

    pub(super) fn is_prompt(&self) -> bool {
        self.is_prompt
    }

    fn definitions(&mut self, graph: &Value, at: &Path, deep: usize) {
        let list = graph.get("definitions").and_then(|d| d.get("subgraphs"));
        let place = at.join("definitions").join("subgraphs");
        for (index, definition) in
            list.and_then(Value::as_array).unwrap_or_default().iter().enumerate()
        {
            let Some(id) = definition.get("id").and_then(Value::as_str) else { continue };
            let place = place.join(index);
            self.definitions.entry(SubgraphId::new(id)).or_insert_with(|| place.clone());
            if deep > 0 {
                self.definitions(definition, &place, deep - 1);
            }
        }
    }

    /// Where a thing lies; nothing if the document does not have it.
    pub(super) fn path(&mut self, document: &Value, place: &Place) -> Option<Path> {
        match place {
            Place::Document => Some(Path::root()),
            Place::Graph(scope) => self.graph(scope),
            Place::Node(NodeRef { key, .. }) if self.is_prompt => {
                let path = Path::root().join(Step::Key(key.id.to_compact_string()));
                path.get(document).is_some().then_some(path)
            }
            Place::Node(NodeRef { key, .. }) => {
                let graph = self.graph(&key.scope)?;
                let lists = self.nodes.entry(key.scope.clone());
                let index = lists.or_insert_with(|| {
                    index(&graph, document, "nodes", |node| NodeId::from_value(node.get("id")?))
                });
                Some(graph.join("nodes").join(*index.get(&key.id)?))
            }
            Place::Link(scope, id) => {
                let graph = self.graph(scope)?;
                let lists = self.links.entry(scope.clone());
                let index = lists.or_insert_with(|| {
                    index(&graph, document, "links", |link| {
                        LinkId::from_value(link.at(0).or_else(|| link.get("id"))?)
                    })
                });
                Some(graph.join("links").join(*index.get(id)?))
            }
            Place::Group(group) => Some(self.graph(&group.scope)?.join("groups").join(group.at)),
            Place::Reroute(scope, id) => {
                let graph = self.graph(scope)?;
                let lists = self.reroutes.entry(scope.clone());
                let index = lists.or_insert_with(|| {
                    let id = |reroute: &Value| RerouteId::from_value(reroute.get("id")?);
                    let homes = [graph.clone(), graph.join("extra")];
                    let found = homes.into_iter().flat_map(|home| {
                        let list = index(&home, document, "reroutes", id).into_iter();
                        list.map(move |(id, at)| (id, (home.join("reroutes"), at)))
                    });
                    found.collect()
                });
                let (list, at) = index.get(id)?;
                Some(list.join(*at))
            }
        }
    }

    fn graph(&self, scope: &Scope) -> Option<Path> {
        match scope {
            Scope::Root => Some(Path::root()),
            Scope::Definition(id) => self.definitions.get(id).cloned(),
        }
    }
}

/// The first element of each id in a list.
fn index<K: std::hash::Hash + Eq>(
    graph: &Path,
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

pub(super) fn joined(base: &Path, rest: &Path) -> Path {
    Path(base.0.iter().chain(&rest.0).cloned().collect::<Vec<Step>>())
}
