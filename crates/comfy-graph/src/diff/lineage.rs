//! Where a value of the second document was in the first, and whether it had its present
//! form there: what blame asks of one difference after another.
//!
//! Must not know commits.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::edit::{Edit, EditScript, SinkRef};
use crate::graph::{GraphScope, NodeId, NodeKey, SlotName, SubgraphId, WidgetName};

/// Something about a node that has a present form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Aspect {
    /// That the node is there, as the class it is.
    Node,
    /// Its title.
    Title,
    /// Whether it runs.
    Mode,
    /// What feeds an input.
    Input(SlotName),
    /// What a widget holds.
    Widget(WidgetName),
}

/// An aspect of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeAspect {
    /// The node.
    pub node: NodeKey,
    /// What about it.
    pub aspect: Aspect,
}

/// One difference, ready to be asked.
#[derive(Debug, Default)]
pub struct Lineage {
    /// Nodes that came from another graph.
    moved: FxHashMap<NodeKey, NodeKey>,
    /// Ids before, by graph and id after.
    ids: FxHashMap<NodeKey, NodeId>,
    /// Definitions before, by their uuid after.
    definitions: FxHashMap<SubgraphId, SubgraphId>,
    /// Names of inputs before, by node and name after.
    inputs: FxHashMap<(NodeKey, SlotName), SlotName>,
    changed: FxHashSet<NodeAspect>,
    new: FxHashSet<NodeKey>,
    /// The whole is another, and nothing is known of its parts.
    whole: bool,
}

impl Lineage {
    /// Reads a script.
    pub fn from_script(script: &EditScript) -> Lineage {
        let mut lineage = Lineage::default();
        for entry in &script.entries {
            lineage.add_edit(&entry.edit);
        }
        lineage
    }

    fn add_edit(&mut self, edit: &Edit) {
        let mut changed = |node: &NodeKey, aspect| {
            self.changed.insert(NodeAspect { node: node.clone(), aspect });
        };
        match edit {
            Edit::NodeAdded { node, .. } => {
                self.new.insert(node.key.clone());
            }
            Edit::NodeMoved { node, from } => {
                self.moved.insert(node.key.clone(), from.clone());
            }
            Edit::Retyped { node, .. } => changed(&node.key, Aspect::Node),
            Edit::Retitled { node, .. } => changed(&node.key, Aspect::Title),
            Edit::ModeChanged { node, .. } => changed(&node.key, Aspect::Mode),
            Edit::Widget { node, name, .. } => changed(&node.key, Aspect::Widget(name.clone())),
            Edit::Wire { to: SinkRef::Input { node, name }, .. } => {
                changed(&node.key, Aspect::Input(name.clone()));
            }
            Edit::Slot { node, name, .. } => {
                if let (Some(before), Some(after)) = (&name.before, &name.after) {
                    self.inputs.insert((node.key.clone(), after.clone()), before.clone());
                }
            }
            Edit::Renumbered { scope, nodes, subgraph, .. } => {
                for (before, after) in nodes {
                    let key = NodeKey { scope: scope.clone(), id: after.clone() };
                    self.ids.insert(key, before.clone());
                }
                if let Some(change) = subgraph {
                    self.definitions.insert(change.after.clone(), change.before.clone());
                }
            }
            Edit::Raw(raw) => self.whole |= raw.at.0.is_empty(),
            _ => {}
        }
    }

    /// The same value in the first document; nothing if this difference gave it its form.
    pub fn trace_back(&self, held: &NodeAspect) -> Option<NodeAspect> {
        if self.whole || self.new.contains(&held.node) || self.changed.contains(held) {
            return None;
        }
        let aspect = match &held.aspect {
            Aspect::Input(name) => {
                let before = self.inputs.get(&(held.node.clone(), name.clone()));
                Aspect::Input(before.unwrap_or(name).clone())
            }
            aspect => aspect.clone(),
        };
        Some(NodeAspect { node: self.node_before(&held.node), aspect })
    }

    fn node_before(&self, node: &NodeKey) -> NodeKey {
        if let Some(from) = self.moved.get(node) {
            return from.clone();
        }
        let id = self.ids.get(node).unwrap_or(&node.id).clone();
        let scope = match &node.scope {
            GraphScope::Root => GraphScope::Root,
            GraphScope::Definition(id) => {
                GraphScope::Definition(self.definitions.get(id).unwrap_or(id).clone())
            }
        };
        NodeKey { scope, id }
    }
}

/// What a person calls an aspect.
impl Aspect {
    /// `cfg`, `model`, `title`; `node` for the node itself.
    pub fn name(&self) -> CompactString {
        match self {
            Aspect::Node => "node".into(),
            Aspect::Title => "title".into(),
            Aspect::Mode => "mode".into(),
            Aspect::Input(name) => CompactString::from(name.to_string()),
            Aspect::Widget(name) => CompactString::from(name.to_string()),
        }
    }
}
