//! From the editor's format to the API format, as the frontend does it on Run (format
//! facts, section 3).
//!
//! A pure function: what the frontend decides at random or by the clock on queueing stays
//! as it is written (`{a|b}` choices, `%date%`, the next seed). Must not know which
//! widgets a class has: that is asked of [`Naming`].

use compact_str::{CompactString, format_compact};
use rustc_hash::FxHashMap;

use super::effective::{flat_id, is_virtual};
use super::{
    Definition, End, Graph, LinkId, Mode, Naming, Node, NodeId, Prompt, PromptInput, PromptNode,
    Scope, Slot, SlotName, Widgets, Workflow,
};
use crate::json::{Object, Value};

/// The most nodes a prompt may have. Instances of instances multiply; real prompts have
/// some hundreds of nodes.
const MOST_NODES: usize = 1_000_000;

/// How deep instances may nest, and how many steps a wire may take through reroutes,
/// bypassed nodes and boundaries.
const DEEPEST: usize = 64;
const LONGEST: usize = 10_000;

/// Why a workflow has no prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPrompt {
    /// A definition contains itself.
    #[error("subgraph {0} contains itself, so it can never be expanded")]
    Recursive(super::SubgraphId),
    /// Instances of instances make more nodes than can be held.
    #[error("the subgraphs expand to more than {MOST_NODES} nodes")]
    TooLarge,
}

impl Workflow {
    /// The prompt that ComfyUI would run. Nodes are in execution order where the file
    /// knows it, else in file order; nodes inside instances have ids like `12:7`.
    pub fn to_prompt(&self, naming: &dyn Naming) -> Result<Prompt, NoPrompt> {
        if let Some(id) = self.recursive().into_iter().next() {
            return Err(NoPrompt::Recursive(id));
        }
        let mut flat = Flat::new(self, naming);
        flat.expand(0, 0)?;
        let mut prompt = Prompt::default();
        for (instance, node) in std::mem::take(&mut flat.nodes) {
            let id = flat_id(&flat.instances[instance].path, node.id());
            prompt.nodes.insert(id, flat.prompt_node(instance, node));
        }
        drop_loose_links(&mut prompt);
        Ok(prompt)
    }
}

/// One expansion of a graph: the root, or the inside of one instance.
struct Instance<'w> {
    scope: Scope,
    graph: &'w Graph,
    definition: Option<&'w Definition>,
    /// The instance node and the expansion it lies in.
    host: Option<(usize, &'w Node)>,
    /// The ids of the instances on the way, joined by `:`; empty for the root.
    path: CompactString,
}

struct Flat<'w> {
    workflow: &'w Workflow,
    naming: &'w dyn Naming,
    instances: Vec<Instance<'w>>,
    /// Expansion of an instance node: by the expansion it lies in and its id.
    inside: FxHashMap<(usize, NodeId), usize>,
    /// Nodes that run, with the expansion they lie in.
    nodes: Vec<(usize, &'w Node)>,
    /// Links by what they feed, for inputs that name none.
    into: FxHashMap<Scope, FxHashMap<(&'w NodeId, usize), LinkId>>,
    /// What primitive nodes write into widgets.
    written: FxHashMap<(Scope, NodeId, CompactString), &'w Value>,
}

/// What an input gets.
enum Fed<'w> {
    Node { instance: usize, id: &'w NodeId, slot: usize },
    Value(&'w Value),
}

impl<'w> Flat<'w> {
    fn new(workflow: &'w Workflow, naming: &'w dyn Naming) -> Self {
        let root = Instance {
            scope: Scope::Root,
            graph: &workflow.root,
            definition: None,
            host: None,
            path: CompactString::default(),
        };
        let mut flat = Flat {
            workflow,
            naming,
            instances: vec![root],
            inside: FxHashMap::default(),
            nodes: Vec::new(),
            into: FxHashMap::default(),
            written: FxHashMap::default(),
        };
        for (scope, graph) in workflow.graphs() {
            let mut into = FxHashMap::default();
            for link in graph.links.values() {
                if let End::Node { id, slot } = link.to() {
                    into.entry((id, *slot)).or_insert(link.id());
                }
            }
            flat.into.insert(scope, into);
        }
        for (scope, graph) in workflow.graphs() {
            flat.write_primitives(&scope, graph);
        }
        flat
    }

    /// A primitive node's value goes into the widget of everything it feeds, also through
    /// reroutes.
    fn write_primitives(&mut self, scope: &Scope, graph: &'w Graph) {
        for node in graph.nodes.values().filter(|node| node.class() == "PrimitiveNode") {
            let Widgets::Array([value, ..]) = node.widgets() else { continue };
            let mut open: Vec<LinkId> = node.outputs().flat_map(Slot::links).collect();
            let mut steps = 0;
            while let Some(link) = open.pop() {
                steps += 1;
                let Some(End::Node { id, slot }) = graph.links.get(&link).map(super::Link::to)
                else {
                    continue;
                };
                let Some(target) = graph.nodes.get(id) else { continue };
                if target.class() == "Reroute" && steps < LONGEST {
                    open.extend(target.outputs().flat_map(Slot::links));
                } else if let Some(widget) = target.input_at(*slot).and_then(Slot::widget) {
                    let key = (scope.clone(), id.clone(), CompactString::new(widget));
                    self.written.insert(key, value);
                }
            }
        }
    }

    /// Lists the nodes that run, instance by instance.
    fn expand(&mut self, instance: usize, depth: usize) -> Result<(), NoPrompt> {
        let graph = self.instances[instance].graph;
        let mut nodes: Vec<&Node> = graph.nodes.values().collect();
        nodes.sort_by_key(|node| node.raw().get("order").and_then(Value::as_i64));
        for node in nodes {
            if node.mode().is_off() || is_virtual(node.class()) {
                continue;
            }
            match self.workflow.definition_of(node) {
                Some(definition) if depth < DEEPEST => {
                    let inner = self.enter(instance, node, definition);
                    self.expand(inner, depth + 1)?;
                }
                Some(_) => return Err(NoPrompt::TooLarge),
                None => self.nodes.push((instance, node)),
            }
            if self.nodes.len() + self.instances.len() > MOST_NODES {
                return Err(NoPrompt::TooLarge);
            }
        }
        Ok(())
    }

    fn enter(&mut self, outer: usize, node: &'w Node, definition: &'w Definition) -> usize {
        let path = &self.instances[outer].path;
        let path = match path.is_empty() {
            true => format_compact!("{}", node.id()),
            false => format_compact!("{path}:{}", node.id()),
        };
        self.instances.push(Instance {
            scope: Scope::Definition(definition.id().clone()),
            graph: &definition.graph,
            definition: Some(definition),
            host: Some((outer, node)),
            path,
        });
        let inner = self.instances.len() - 1;
        self.inside.insert((outer, node.id().clone()), inner);
        inner
    }

    fn prompt_node(&self, instance: usize, node: &'w Node) -> PromptNode {
        let mut inputs = Object::new();
        let scope = &self.instances[instance].scope;
        for (name, value) in self.naming.unset(node) {
            inputs.insert(name, wrapped(&value));
        }
        for widget in self.naming.widgets(self.workflow, node) {
            let Some(name) = widget.name.as_str().filter(|_| widget.role.runs()) else { continue };
            let value = self.written_to(scope, node, name).unwrap_or(widget.value);
            inputs.insert(name, wrapped(value));
        }
        for input in node.inputs() {
            match self.feed(instance, node, input, input.kind(), 0) {
                Some(Fed::Node { instance, id, slot }) => {
                    let id = flat_id(&self.instances[instance].path, id);
                    inputs.insert(input.name(), PromptInput::link(&id, slot));
                }
                Some(Fed::Value(value)) => {
                    inputs.insert(input.name(), wrapped(value));
                }
                None => {}
            }
        }
        let mut prompt = PromptNode::new(node.class());
        prompt.raw_mut().insert("inputs", inputs);
        let title = node.title().or_else(|| self.naming.class_title(node.class()));
        let title = title.unwrap_or_else(|| node.class());
        prompt.raw_mut().insert("_meta", Object::from_iter([("title", title)]));
        prompt
    }

    fn written_to(&self, scope: &Scope, node: &Node, widget: &str) -> Option<&'w Value> {
        if self.written.is_empty() {
            return None;
        }
        let key = (scope.clone(), node.id().clone(), CompactString::new(widget));
        self.written.get(&key).copied()
    }

    /// What comes into an input, at the end of its wire.
    fn feed(
        &self,
        instance: usize,
        node: &'w Node,
        input: Slot<'w>,
        wanted: &str,
        steps: usize,
    ) -> Option<Fed<'w>> {
        let Instance { graph, scope, .. } = &self.instances[instance];
        let named = input.link().and_then(|link| graph.links.get(&link));
        let table = || self.into.get(scope)?.get(&(node.id(), input.at));
        let link = named.or_else(|| graph.links.get(table()?))?;
        self.source(instance, link.from(), wanted, steps + 1)
    }

    /// What leaves an end of a link.
    fn source(
        &self,
        instance: usize,
        from: &'w End,
        wanted: &str,
        steps: usize,
    ) -> Option<Fed<'w>> {
        if steps > LONGEST {
            return None;
        }
        let (id, slot) = match from {
            End::Node { id, slot } => (id, *slot),
            End::GraphInput { slot } => return self.outside(instance, *slot, wanted, steps),
            End::GraphOutput { .. } | End::Loose => return None,
        };
        let node = self.instances[instance].graph.nodes.get(id)?;
        match node.mode() {
            Mode::Mute => return None,
            Mode::Bypass => {
                let input = passed_by(node, slot, wanted)?;
                return self.feed(instance, node, input, wanted, steps);
            }
            _ => {}
        }
        if let Some(inner) = self.inside.get(&(instance, id.clone())) {
            let definition = self.instances[*inner].definition?;
            let links = definition.output_at(slot)?.link_ids();
            let link = links.filter_map(|link| definition.graph.links.get(&link)).next()?;
            return self.source(*inner, link.from(), wanted, steps + 1);
        }
        match node.class() {
            "Reroute" | "Reroute (rgthree)" | "SetNode" => {
                self.feed(instance, node, node.inputs().next()?, wanted, steps)
            }
            "GetNode" => {
                let setter = self.setter_of(instance, node)?;
                self.feed(instance, setter, setter.inputs().next()?, wanted, steps)
            }
            class if is_virtual(class) => None,
            _ => Some(Fed::Node { instance, id, slot }),
        }
    }

    /// The `SetNode` whose variable a `GetNode` reads, in the same graph.
    fn setter_of(&self, instance: usize, getter: &Node) -> Option<&'w Node> {
        let Widgets::Array([Value::String(variable), ..]) = getter.widgets() else { return None };
        let sets = |node: &&'w Node| {
            node.class() == "SetNode"
                && matches!(node.widgets(), Widgets::Array([Value::String(v), ..]) if v == variable)
        };
        self.instances[instance].graph.nodes.values().find(sets)
    }

    /// What comes into a boundary input from outside: the instance's wire, else its value.
    fn outside(&self, instance: usize, slot: usize, wanted: &str, steps: usize) -> Option<Fed<'w>> {
        let Instance { definition, host, .. } = &self.instances[instance];
        let ((outer, host), definition) = ((*host)?, (*definition)?);
        let name = definition.input_at(slot)?.name();
        let input = host.input(&SlotName::new(name));
        let graph = self.instances[outer].graph;
        if let Some(input) =
            input.filter(|i| i.link().is_some_and(|l| graph.links.contains_key(&l)))
            && let Some(fed) = self.feed(outer, host, input, wanted, steps)
        {
            return Some(fed);
        }
        if let Some(value) = self.written_to(&self.instances[outer].scope, host, name) {
            return Some(Fed::Value(value));
        }
        definition.value_on(host, name).map(Fed::Value)
    }
}

/// The input that takes the place of an output of a bypassed node.
fn passed_by<'w>(node: &'w Node, slot: usize, wanted: &str) -> Option<Slot<'w>> {
    let same = node.input_at(slot);
    if matches!(wanted, "" | "*") {
        return same.or_else(|| node.input_at(0));
    }
    same.filter(|input| compatible(input.kind(), wanted))
        .or_else(|| node.inputs().find(|input| input.kind() == wanted))
        .or_else(|| node.inputs().find(|input| compatible(input.kind(), wanted)))
}

/// Whether the frontend would connect these types: equal in any case, a list that has the
/// other, or a wildcard.
fn compatible(a: &str, b: &str) -> bool {
    if matches!(a, "" | "*") || matches!(b, "" | "*") {
        return true;
    }
    a.split(',').any(|a| b.split(',').any(|b| a.trim().eq_ignore_ascii_case(b.trim())))
}

/// A list that is a value is wrapped, so that the server does not take it for a link.
fn wrapped(value: &Value) -> Value {
    match value {
        Value::Array(_) => Value::Object(Object::from_iter([("__value__", value.clone())])),
        value => value.clone(),
    }
}

fn drop_loose_links(prompt: &mut Prompt) {
    let known: rustc_hash::FxHashSet<NodeId> = prompt.nodes.keys().cloned().collect();
    for node in prompt.nodes.values_mut() {
        if let Some(inputs) = node.raw_inputs_mut() {
            inputs.retain(|_, value| match PromptInput::of(value) {
                PromptInput::From { node, .. } => known.contains(&node),
                PromptInput::Literal(_) => true,
            });
        }
    }
}
