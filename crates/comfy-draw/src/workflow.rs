//! Draws one state of a workflow: a canvas for each of its graphs.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{GraphScope, Node, Workflow};
use rustc_hash::FxHashMap;

use crate::drawing::{Canvas, Drawing, Item, Views};
use crate::graph_scene::{GraphScene, bounds_of, group_item, wire_item};
use crate::node_shapes::NodeChange;

/// Draws a workflow. What has no place is drawn at the origin: arrange first.
pub fn draw_workflow(workflow: &Workflow, catalog: &Catalog) -> Drawing {
    let index = CanvasIndex::new(workflow);
    let mut canvases: Vec<Canvas> = Vec::new();
    for (scope, _) in workflow.graphs() {
        let Some(scene) = GraphScene::new(workflow, &scope, catalog) else { continue };
        let mut items: Vec<Item> = Vec::new();
        for (at, group) in scene.graph.groups.iter().enumerate() {
            items.extend(group_item(group, at, None, Views::ALL));
        }
        let wires = scene.wires();
        let paths = wires.iter().filter_map(|wire| scene.wire_path(wire));
        items.extend(paths.map(|path| wire_item(&path, None, Views::ALL)));
        items.extend(scene.boundary_items());
        items.extend(scene.reroute_items());
        let plain = NodeChange::default();
        for node in scene.graph.nodes.values() {
            items.extend(scene.node_item(node, index.opened_by(node), &plain, Views::ALL));
        }
        let title = scene.definition.map(|d| d.name().to_owned()).unwrap_or_default();
        canvases.push(new_canvas(&scope, title, items));
    }
    set_parents(&mut canvases);
    Drawing { canvases }
}

pub(crate) fn new_canvas(scope: &GraphScope, title: String, items: Vec<Item>) -> Canvas {
    let scope = match scope {
        GraphScope::Root => String::new(),
        GraphScope::Definition(id) => id.as_str().to_owned(),
    };
    Canvas { scope, title, parent: None, bounds: bounds_of(&items), items }
}

/// The way back out of each canvas leads to the first that shows an instance of it.
pub(crate) fn set_parents(canvases: &mut [Canvas]) {
    let mut parents: FxHashMap<usize, usize> = FxHashMap::default();
    for (at, canvas) in canvases.iter().enumerate() {
        for opened in canvas.items.iter().filter_map(|item| item.opens) {
            if opened != at {
                parents.entry(opened).or_insert(at);
            }
        }
    }
    for (at, canvas) in canvases.iter_mut().enumerate() {
        canvas.parent = parents.get(&at).copied().filter(|_| at > 0);
    }
}

/// Which canvas shows the inside of which definition.
pub(crate) struct CanvasIndex {
    by_class: FxHashMap<String, usize>,
}

impl CanvasIndex {
    pub(crate) fn new(workflow: &Workflow) -> CanvasIndex {
        let definitions = workflow.definitions.keys().enumerate();
        let by_class = definitions.map(|(at, id)| (id.as_str().to_owned(), at + 1)).collect();
        CanvasIndex { by_class }
    }

    /// The canvas that opens with a node.
    pub(crate) fn opened_by(&self, node: &Node) -> Option<usize> {
        self.by_class.get(node.class()).copied()
    }

    pub(crate) fn add(&mut self, class: &str, at: usize) {
        self.by_class.entry(class.to_owned()).or_insert(at);
    }
}
