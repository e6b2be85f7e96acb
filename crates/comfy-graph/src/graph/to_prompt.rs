//! From the editor's format to the API format, as the frontend does it on Run (format
//! facts, section 3).
//!
//! A pure function: what the frontend decides at random or by the clock on queueing stays
//! as it is written (`{a|b}` choices, `%date%`, the next seed). Must not know which
//! widgets a class has: that is asked of [`WidgetNaming`].

use compact_str::{CompactString, format_compact};
use rustc_hash::FxHashMap;

use super::promoted_widgets::{is_virtual_class, prompt_node_id};
use super::{
    Graph, GraphScope, LinkEnd, LinkId, Node, NodeId, NodeKey, NodeMode, Prompt, PromptInput,
    PromptNode, Slot, SlotName, SubgraphDefinition, WidgetLocation, WidgetName, WidgetNaming,
    WidgetValues, Workflow,
};
use crate::json::{Object, Value};

/// The most nodes a prompt may have. Instances of instances multiply; real prompts have
/// some hundreds of nodes.
const MAX_NODES: usize = 1_000_000;

/// How deep instances may nest.
const MAX_INSTANCE_DEPTH: usize = 64;

/// How many steps a wire may take through reroutes, bypassed nodes and boundaries: in a
/// damaged file it may lead in a circle.
const MAX_WIRE_STEPS: usize = 1_000_000;

/// Why a workflow has no prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptConversionError {
    /// A definition contains itself.
    #[error("subgraph {0} contains itself, so it can never be expanded")]
    Recursive(super::SubgraphId),
    /// Instances of instances make more nodes than can be held.
    #[error("the subgraphs expand to more than {MAX_NODES} nodes")]
    TooLarge,
}

impl Workflow {
    /// The prompt that ComfyUI would run. Nodes are in execution order where the file
    /// knows it, else in file order; nodes inside instances have ids like `12:7`.
    ///
    /// # Errors
    /// Subgraphs are in each other, or expand to too many nodes.
    pub fn to_prompt(&self, naming: &dyn WidgetNaming) -> Result<Prompt, PromptConversionError> {
        self.build_prompt(naming, &mut |_, _, _| {})
    }

    /// Where each value of the prompt lies: by node and input of the prompt. A value that
    /// the file does not hold lies nowhere.
    ///
    /// # Errors
    /// As [`Workflow::to_prompt`].
    pub fn value_holders(
        &self,
        naming: &dyn WidgetNaming,
    ) -> Result<ValueHolders, PromptConversionError> {
        let mut holders = ValueHolders::default();
        let mut keep = |id: &NodeId, input: &str, held: Option<ValueHolder>| {
            let key = (id.clone(), CompactString::new(input));
            match held {
                Some(held) => drop(holders.insert(key, held)),
                None => drop(holders.remove(&key)),
            }
        };
        self.build_prompt(naming, &mut keep)?;
        Ok(holders)
    }

    fn build_prompt(
        &self,
        naming: &dyn WidgetNaming,
        told: &mut InputObserver<'_>,
    ) -> Result<Prompt, PromptConversionError> {
        if let Some(id) = self.recursive_definitions().into_iter().next() {
            return Err(PromptConversionError::Recursive(id));
        }
        let mut flat = PromptBuilder::new(self, naming);
        flat.expand_graph(0, 0)?;
        let mut prompt = Prompt::default();
        for (instance, node) in std::mem::take(&mut flat.nodes) {
            let id = prompt_node_id(&flat.expansions[instance].path, node.id());
            let node = flat.build_node(instance, node, &mut |input, held| told(&id, input, held));
            prompt.nodes.insert(id, node);
        }
        drop_dangling_links(&mut prompt);
        Ok(prompt)
    }
}

/// Where a value of a prompt lies in the workflow: a node's own widget, that of the
/// instance it lies in, or the primitive node that feeds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueHolder {
    /// The node that holds it.
    pub node: NodeKey,
    /// Where in that node.
    pub location: WidgetLocation,
    /// What the widget is called there.
    pub name: WidgetName,
}

/// The places of a prompt's values, by node and input.
pub type ValueHolders = FxHashMap<(NodeId, CompactString), ValueHolder>;

/// Called for each input of the prompt, with where its value lies, if it lies anywhere.
type InputObserver<'t> = dyn FnMut(&NodeId, &str, Option<ValueHolder>) + 't;

/// One expansion of a graph: the root, or the inside of one instance.
struct GraphExpansion<'w> {
    scope: GraphScope,
    graph: &'w Graph,
    definition: Option<&'w SubgraphDefinition>,
    /// The instance node and the expansion it lies in.
    host: Option<(usize, &'w Node)>,
    /// The ids of the instances on the way, joined by `:`; empty for the root.
    path: CompactString,
}

struct PromptBuilder<'w> {
    workflow: &'w Workflow,
    naming: &'w dyn WidgetNaming,
    expansions: Vec<GraphExpansion<'w>>,
    /// Expansion of an instance node: by the expansion it lies in and its id.
    expansion_of: FxHashMap<(usize, NodeId), usize>,
    /// Nodes that run, with the expansion they lie in.
    nodes: Vec<(usize, &'w Node)>,
    /// Links by what they feed, for inputs that name none.
    link_by_target: FxHashMap<GraphScope, FxHashMap<(&'w NodeId, usize), LinkId>>,
    /// What primitive nodes write into widgets.
    primitive_values: FxHashMap<(GraphScope, NodeId, CompactString), (&'w Value, &'w Node)>,
}

/// A place on the way of a wire, with the expansion it is in.
enum WireStep<'w> {
    Into(usize, &'w Node, Slot<'w>),
    From(usize, &'w LinkEnd),
}

/// What stands at an output that a wire comes from.
enum OutputTrace<'w> {
    /// A node that does not run itself: the wire goes on.
    On(WireStep<'w>),
    /// The end of the wire.
    Reached(ResolvedInput<'w>),
}

/// A boundary input, seen from the instance.
struct BoundaryInput<'w> {
    outer: usize,
    host: &'w Node,
    definition: &'w SubgraphDefinition,
    name: &'w str,
}

/// What an input gets.
enum ResolvedInput<'w> {
    Node { instance: usize, id: &'w NodeId, slot: usize },
    Value(&'w Value, Option<ValueHolder>),
}

impl<'w> PromptBuilder<'w> {
    fn new(workflow: &'w Workflow, naming: &'w dyn WidgetNaming) -> Self {
        let root = GraphExpansion {
            scope: GraphScope::Root,
            graph: &workflow.root,
            definition: None,
            host: None,
            path: CompactString::default(),
        };
        let mut flat = PromptBuilder {
            workflow,
            naming,
            expansions: vec![root],
            expansion_of: FxHashMap::default(),
            nodes: Vec::new(),
            link_by_target: FxHashMap::default(),
            primitive_values: FxHashMap::default(),
        };
        for (scope, graph) in workflow.graphs() {
            let mut into = FxHashMap::default();
            for link in graph.links.values() {
                if let LinkEnd::Node { id, slot } = link.to() {
                    into.entry((id, *slot)).or_insert(link.id());
                }
            }
            flat.link_by_target.insert(scope, into);
        }
        for (scope, graph) in workflow.graphs() {
            flat.write_primitives(&scope, graph);
        }
        flat
    }

    /// A primitive node's value goes into the widget of everything it feeds, also through
    /// reroutes.
    fn write_primitives(&mut self, scope: &GraphScope, graph: &'w Graph) {
        for node in graph.nodes.values().filter(|node| node.class() == "PrimitiveNode") {
            let WidgetValues::Array([value, ..]) = node.widget_values() else { continue };
            let mut open: Vec<LinkId> = node.outputs().flat_map(Slot::links).collect();
            let mut steps = 0;
            while let Some(link) = open.pop() {
                steps += 1;
                let Some(LinkEnd::Node { id, slot }) = graph.links.get(&link).map(super::Link::to)
                else {
                    continue;
                };
                let Some(target) = graph.nodes.get(id) else { continue };
                if target.class() == "Reroute" && steps < MAX_WIRE_STEPS {
                    open.extend(target.outputs().flat_map(Slot::links));
                } else if let Some(widget) = target.input_at(*slot).and_then(Slot::widget) {
                    let key = (scope.clone(), id.clone(), CompactString::new(widget));
                    self.primitive_values.insert(key, (value, node));
                }
            }
        }
    }

    /// Lists the nodes that run, instance by instance.
    fn expand_graph(&mut self, instance: usize, depth: usize) -> Result<(), PromptConversionError> {
        let graph = self.expansions[instance].graph;
        let mut nodes: Vec<&Node> = graph.nodes.values().collect();
        nodes.sort_by_key(|node| node.raw().get("order").and_then(Value::as_i64));
        for node in nodes {
            if node.mode().is_off() || is_virtual_class(node.class()) {
                continue;
            }
            match self.workflow.definition_of(node) {
                Some(definition) if depth < MAX_INSTANCE_DEPTH => {
                    let inner = self.enter_instance(instance, node, definition);
                    self.expand_graph(inner, depth + 1)?;
                }
                Some(_) => return Err(PromptConversionError::TooLarge),
                None => self.nodes.push((instance, node)),
            }
            if self.nodes.len() + self.expansions.len() > MAX_NODES {
                return Err(PromptConversionError::TooLarge);
            }
        }
        Ok(())
    }

    fn enter_instance(
        &mut self,
        outer: usize,
        node: &'w Node,
        definition: &'w SubgraphDefinition,
    ) -> usize {
        let path = &self.expansions[outer].path;
        let path = match path.is_empty() {
            true => format_compact!("{}", node.id()),
            false => format_compact!("{path}:{}", node.id()),
        };
        self.expansions.push(GraphExpansion {
            scope: GraphScope::Definition(definition.id().clone()),
            graph: &definition.graph,
            definition: Some(definition),
            host: Some((outer, node)),
            path,
        });
        let inner = self.expansions.len() - 1;
        self.expansion_of.insert((outer, node.id().clone()), inner);
        inner
    }

    fn build_node(
        &self,
        instance: usize,
        node: &'w Node,
        told: &mut dyn FnMut(&str, Option<ValueHolder>),
    ) -> PromptNode {
        let mut inputs = Object::new();
        let scope = &self.expansions[instance].scope;
        for (name, value) in self.naming.unset_widgets(node) {
            inputs.insert(name, wrap_list(&value));
        }
        for widget in self.naming.widgets(self.workflow, node) {
            let Some(name) = widget.name.as_str().filter(|_| widget.role.runs()) else { continue };
            let own = || ValueHolder::new(scope, node, widget.location.clone(), name);
            let (value, held) = match self.primitive_value(scope, node, name) {
                Some((value, held)) => (value, held),
                None => (widget.value, own()),
            };
            inputs.insert(name, wrap_list(value));
            told(name, Some(held));
        }
        for input in node.inputs() {
            match self.resolve_input(instance, node, input) {
                Some(ResolvedInput::Node { instance, id, slot }) => {
                    let id = prompt_node_id(&self.expansions[instance].path, id);
                    inputs.insert(input.name(), PromptInput::link_value(&id, slot));
                    told(input.name(), None);
                }
                Some(ResolvedInput::Value(value, held)) => {
                    inputs.insert(input.name(), wrap_list(value));
                    told(input.name(), held);
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

    fn primitive_value(
        &self,
        scope: &GraphScope,
        node: &Node,
        widget: &str,
    ) -> Option<(&'w Value, ValueHolder)> {
        if self.primitive_values.is_empty() {
            return None;
        }
        let key = (scope.clone(), node.id().clone(), CompactString::new(widget));
        let (value, primitive) = self.primitive_values.get(&key)?;
        Some((value, ValueHolder::new(scope, primitive, WidgetLocation::Index(0), "value")))
    }

    /// What comes into an input, at the end of its wire.
    fn resolve_input(
        &self,
        instance: usize,
        node: &'w Node,
        input: Slot<'w>,
    ) -> Option<ResolvedInput<'w>> {
        let mut passed = Vec::new();
        let found =
            self.follow_wire(WireStep::Into(instance, node, input), input.kind(), &mut passed);
        // A wire that leads nowhere leaves the value of the instance it came through.
        found.or_else(|| passed.into_iter().rev().find_map(|passage| self.instance_value(&passage)))
    }

    /// Follows a wire against its direction, and notes the boundaries it passes.
    fn follow_wire(
        &self,
        start: WireStep<'w>,
        wanted: &str,
        passed: &mut Vec<BoundaryInput<'w>>,
    ) -> Option<ResolvedInput<'w>> {
        let mut way = start;
        for _ in 0..MAX_WIRE_STEPS {
            way = match way {
                WireStep::Into(instance, node, input) => {
                    WireStep::From(instance, self.link_source(instance, node, input)?)
                }
                WireStep::From(instance, LinkEnd::GraphInput { slot }) => {
                    let passage = self.boundary_input(instance, *slot)?;
                    let (outer, host) = (passage.outer, passage.host);
                    let input = host.input(&SlotName::new(passage.name));
                    let wired = input.filter(|i| self.link_source(outer, host, *i).is_some());
                    match wired {
                        Some(input) => {
                            passed.push(passage);
                            WireStep::Into(outer, host, input)
                        }
                        None => return self.instance_value(&passage),
                    }
                }
                WireStep::From(instance, LinkEnd::Node { id, slot }) => {
                    match self.pass_through(instance, id, *slot, wanted)? {
                        OutputTrace::On(step) => step,
                        OutputTrace::Reached(input) => return Some(input),
                    }
                }
                WireStep::From(..) => return None,
            };
        }
        None
    }

    /// From where the link into an input leaves.
    fn link_source(&self, instance: usize, node: &'w Node, input: Slot<'w>) -> Option<&'w LinkEnd> {
        let GraphExpansion { graph, scope, .. } = &self.expansions[instance];
        let named = input.link().and_then(|link| graph.links.get(&link));
        let table = || self.link_by_target.get(scope)?.get(&(node.id(), input.at));
        named.or_else(|| graph.links.get(table()?)).map(super::Link::from)
    }

    /// What stands at an output; nothing where the wire is cut.
    fn pass_through(
        &self,
        instance: usize,
        id: &'w NodeId,
        slot: usize,
        wanted: &str,
    ) -> Option<OutputTrace<'w>> {
        let node = self.expansions[instance].graph.nodes.get(id)?;
        match node.mode() {
            NodeMode::Mute => return None,
            NodeMode::Bypass => {
                let input = bypass_input(node, slot, wanted)?;
                return Some(OutputTrace::On(WireStep::Into(instance, node, input)));
            }
            _ => {}
        }
        if let Some(inner) = self.expansion_of.get(&(instance, id.clone())) {
            let definition = self.expansions[*inner].definition?;
            let mut links = definition.output_at(slot)?.link_ids();
            let link = links.find_map(|link| definition.graph.links.get(&link))?;
            return Some(OutputTrace::On(WireStep::From(*inner, link.from())));
        }
        Some(match node.class() {
            "Reroute" | "Reroute (rgthree)" | "SetNode" => {
                OutputTrace::On(WireStep::Into(instance, node, node.inputs().next()?))
            }
            "GetNode" => {
                let setter = self.setter_of(instance, node)?;
                OutputTrace::On(WireStep::Into(instance, setter, setter.inputs().next()?))
            }
            class if is_virtual_class(class) => return None,
            _ => OutputTrace::Reached(ResolvedInput::Node { instance, id, slot }),
        })
    }

    /// The `SetNode` whose variable a `GetNode` reads, in the same graph.
    fn setter_of(&self, instance: usize, getter: &Node) -> Option<&'w Node> {
        let WidgetValues::Array([Value::String(variable), ..]) = getter.widget_values() else {
            return None;
        };
        let sets = |node: &&'w Node| {
            node.class() == "SetNode"
                && matches!(node.widget_values(), WidgetValues::Array([Value::String(v), ..]) if v == variable)
        };
        self.expansions[instance].graph.nodes.values().find(sets)
    }

    fn boundary_input(&self, instance: usize, slot: usize) -> Option<BoundaryInput<'w>> {
        let GraphExpansion { definition, host, .. } = &self.expansions[instance];
        let ((outer, host), definition) = ((*host)?, (*definition)?);
        let name = definition.input_at(slot)?.name();
        Some(BoundaryInput { outer, host, definition, name })
    }

    /// The value that an instance holds for one of its inputs.
    fn instance_value(&self, passage: &BoundaryInput<'w>) -> Option<ResolvedInput<'w>> {
        let scope = &self.expansions[passage.outer].scope;
        if let Some((value, held)) = self.primitive_value(scope, passage.host, passage.name) {
            return Some(ResolvedInput::Value(value, Some(held)));
        }
        let value = passage.definition.value_on(passage.host, passage.name)?;
        let place = passage.definition.location_on(passage.host, passage.name);
        Some(ResolvedInput::Value(
            value,
            place.map(|at| ValueHolder::new(scope, passage.host, at, passage.name)),
        ))
    }
}

impl ValueHolder {
    fn new(scope: &GraphScope, node: &Node, location: WidgetLocation, name: &str) -> ValueHolder {
        let node = NodeKey { scope: scope.clone(), id: node.id().clone() };
        ValueHolder { node, location, name: WidgetName::new(name) }
    }
}

/// The input that takes the place of an output of a bypassed node.
fn bypass_input<'w>(node: &'w Node, slot: usize, wanted: &str) -> Option<Slot<'w>> {
    let same = node.input_at(slot);
    if matches!(wanted, "" | "*") {
        return same.or_else(|| node.input_at(0));
    }
    same.filter(|input| types_are_compatible(input.kind(), wanted))
        .or_else(|| node.inputs().find(|input| input.kind() == wanted))
        .or_else(|| node.inputs().find(|input| types_are_compatible(input.kind(), wanted)))
}

/// Whether the frontend would connect these types: equal in any case, a list that has the
/// other, or a wildcard.
fn types_are_compatible(a: &str, b: &str) -> bool {
    if matches!(a, "" | "*") || matches!(b, "" | "*") {
        return true;
    }
    a.split(',').any(|a| b.split(',').any(|b| a.trim().eq_ignore_ascii_case(b.trim())))
}

/// A list that is a value is wrapped, so that the server does not take it for a link.
fn wrap_list(value: &Value) -> Value {
    match value {
        Value::Array(_) => Value::Object(Object::from_iter([("__value__", value.clone())])),
        value => value.clone(),
    }
}

fn drop_dangling_links(prompt: &mut Prompt) {
    let known: rustc_hash::FxHashSet<NodeId> = prompt.nodes.keys().cloned().collect();
    for node in prompt.nodes.values_mut() {
        if let Some(inputs) = node.raw_inputs_mut() {
            inputs.retain(|_, value| match PromptInput::parse(value) {
                PromptInput::Link { node, .. } => known.contains(&node),
                PromptInput::Literal(_) => true,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PositionalNaming;
    use super::*;
    use crate::json::{JsonStyle, parse_text, print};

    /// What every input is fed by, one line each.
    fn wires(nodes: &str, links: &str, more: &str) -> String {
        let text = format!(r#"{{"version":0.4,"nodes":[{nodes}],"links":[{links}]{more}}}"#);
        let workflow = Workflow::from_value(parse_text(&text).unwrap()).unwrap();
        let prompt = match workflow.to_prompt(&PositionalNaming) {
            Ok(prompt) => prompt,
            Err(error) => return error.to_string(),
        };
        let mut lines = Vec::new();
        for (id, node) in &prompt.nodes {
            let inputs = Value::Object(node.raw_inputs().unwrap().clone());
            lines.push(format!("{id} {} {}", node.class(), print(&inputs, &JsonStyle::SAVE)));
        }
        lines.join("\n")
    }

    const SOURCE: &str = r#"{"id":1,"type":"A","outputs":[{"name":"m","type":"MODEL","links":[1]},{"name":"c","type":"CLIP"}]}"#;

    fn sink(kind: &str, link: usize) -> String {
        format!(r#"{{"id":9,"type":"Z","inputs":[{{"name":"in","type":"{kind}","link":{link}}}]}}"#)
    }

    fn through(between: &str) -> String {
        let nodes = format!("{SOURCE},{between},{}", sink("MODEL", 2));
        wires(&nodes, r#"[1,1,0,5,1,"MODEL"],[2,5,0,9,0,"MODEL"]"#, "")
    }

    #[test]
    fn bypassed_nodes_pass_on_what_fits_and_muted_ones_nothing() {
        let between = |mode: i64| {
            format!(
                r#"{{"id":5,"type":"B","mode":{mode},"inputs":[{{"name":"x","type":"CLIP","link":null}},
                {{"name":"y","type":"MODEL","link":1}}],"outputs":[{{"name":"o","type":"MODEL"}}]}}"#
            )
        };
        insta::assert_snapshot!(through(&between(0)), @r#"
        1 A {}
        5 B {"y":["1",0]}
        9 Z {"in":["5",0]}
        "#);
        insta::assert_snapshot!(through(&between(4)), @r#"
        1 A {}
        9 Z {"in":["1",0]}
        "#);
        insta::assert_snapshot!(through(&between(2)), @r"
        1 A {}
        9 Z {}
        ");
    }

    #[test]
    fn a_wildcard_takes_the_same_slot() {
        let bypassed = r#"{"id":5,"type":"B","mode":4,"inputs":[{"name":"x","type":"CLIP","link":null},
            {"name":"y","type":"MODEL","link":1}],"outputs":[{"name":"a"},{"name":"b"}]}"#;
        let nodes = format!("{SOURCE},{bypassed},{}", sink("*", 2));
        insta::assert_snapshot!(wires(&nodes, r#"[1,1,0,5,1,"M"],[2,5,1,9,0,"*"]"#, ""), @r#"
        1 A {}
        9 Z {"in":["1",0]}
        "#);
        insta::assert_snapshot!(wires(&nodes, r#"[1,1,0,5,1,"M"],[2,5,0,9,0,"*"]"#, ""), @r"
        1 A {}
        9 Z {}
        ");
    }

    #[test]
    fn reroutes_are_followed_and_circles_end() {
        let reroute = r#"{"id":5,"type":"Reroute","inputs":[{"name":"","type":"*","link":1}],"outputs":[{"name":""}]}"#;
        let nodes = format!("{SOURCE},{reroute},{}", sink("MODEL", 2));
        insta::assert_snapshot!(wires(&nodes, r#"[1,1,0,5,0,"M"],[2,5,0,9,0,"M"]"#, ""), @r#"
        1 A {}
        9 Z {"in":["1",0]}
        "#);
        insta::assert_snapshot!(wires(&nodes, r#"[1,5,0,5,0,"M"],[2,5,0,9,0,"M"]"#, ""), @r"
        1 A {}
        9 Z {}
        ");
    }

    #[test]
    fn variables_of_set_and_get_nodes_are_followed() {
        let set = r#"{"id":5,"type":"SetNode","inputs":[{"name":"MODEL","type":"MODEL","link":1}],"widgets_values":["m"]}"#;
        let get =
            r#"{"id":6,"type":"GetNode","outputs":[{"name":"MODEL"}],"widgets_values":["m"]}"#;
        let nodes = format!("{SOURCE},{set},{get},{}", sink("MODEL", 2));
        insta::assert_snapshot!(wires(&nodes, r#"[1,1,0,5,0,"M"],[2,6,0,9,0,"M"]"#, ""), @r#"
        1 A {}
        9 Z {"in":["1",0]}
        "#);
    }

    /// A definition in a definition, one input promoted through both.
    const NESTED: &str = r#","definitions":{"subgraphs":[
        {"id":"outer","inputs":[{"name":"m","linkIds":[1]},{"name":"v","linkIds":[2]}],
         "outputs":[{"name":"o","linkIds":[3]}],
         "nodes":[{"id":2,"type":"inner","inputs":[{"name":"m","type":"MODEL","link":1},{"name":"v","widget":{"name":"v"},"link":2}],
            "outputs":[{"name":"o","links":[3]}],"widgets_values":[5]}],
         "links":[{"id":1,"origin_id":-10,"origin_slot":0,"target_id":2,"target_slot":0},
            {"id":2,"origin_id":-10,"origin_slot":1,"target_id":2,"target_slot":1},
            {"id":3,"origin_id":2,"origin_slot":0,"target_id":-20,"target_slot":0}]},
        {"id":"inner","inputs":[{"name":"m","linkIds":[1]},{"name":"v","linkIds":[2]}],
         "outputs":[{"name":"o","linkIds":[3]}],
         "nodes":[{"id":3,"type":"K","inputs":[{"name":"model","type":"MODEL","link":1},{"name":"cfg","widget":{"name":"cfg"},"link":2}],
            "outputs":[{"name":"x","links":[3]}]}],
         "links":[{"id":1,"origin_id":-10,"origin_slot":0,"target_id":3,"target_slot":0},
            {"id":2,"origin_id":-10,"origin_slot":1,"target_id":3,"target_slot":1},
            {"id":3,"origin_id":3,"origin_slot":0,"target_id":-20,"target_slot":0}]}]}"#;

    fn nested(host: &str) -> String {
        let nodes = format!(
            r#"{SOURCE},{{"id":5,"type":"outer","inputs":[{{"name":"m","type":"MODEL","link":1}}],
            "outputs":[{{"name":"o","links":[2]}}],{host}}},{}"#,
            sink("MODEL", 2)
        );
        wires(&nodes, r#"[1,1,0,5,0,"MODEL"],[2,5,0,9,0,"MODEL"]"#, NESTED)
    }

    #[test]
    fn instances_are_expanded_and_the_outermost_value_counts() {
        insta::assert_snapshot!(nested(r#""widgets_values":[8]"#), @r#"
        1 A {}
        5:2:3 K {"model":["1",0],"cfg":8}
        9 Z {"in":["5:2:3",0]}
        "#);
        insta::assert_snapshot!(nested(r#""widgets_values":[]"#), @r#"
        1 A {}
        5:2:3 K {"model":["1",0],"cfg":5}
        9 Z {"in":["5:2:3",0]}
        "#);
        insta::assert_snapshot!(nested(r#""mode":4"#), @r#"
        1 A {}
        9 Z {"in":["1",0]}
        "#);
        insta::assert_snapshot!(nested(r#""mode":2"#), @r"
        1 A {}
        9 Z {}
        ");
    }

    #[test]
    fn what_never_ends_has_no_prompt() {
        let circle = r#","definitions":{"subgraphs":[{"id":"u","nodes":[{"id":2,"type":"v"}]},
            {"id":"v","nodes":[{"id":3,"type":"u"}]},{"id":"w","nodes":[{"id":4,"type":"u"}]}]}"#;
        insta::assert_snapshot!(wires(r#"{"id":1,"type":"w"}"#, "", circle), @"subgraph u contains itself, so it can never be expanded");
        // Twice the last, forty times over.
        let level = |at: usize| {
            let next = at + 1;
            format!(
                r#"{{"id":"d{at}","nodes":[{{"id":1,"type":"d{next}"}},{{"id":2,"type":"d{next}"}}]}}"#
            )
        };
        let levels: Vec<String> = (0..40).map(level).collect();
        let more = format!(r#","definitions":{{"subgraphs":[{}]}}"#, levels.join(","));
        insta::assert_snapshot!(wires(r#"{"id":1,"type":"d0"}"#, "", &more), @"the subgraphs expand to more than 1000000 nodes");
    }

    #[test]
    fn a_primitive_writes_into_what_it_feeds() {
        struct Cfg;
        impl WidgetNaming for Cfg {
            fn widgets<'w>(
                &self,
                _: &'w Workflow,
                node: &'w Node,
            ) -> Vec<super::super::Widget<'w>> {
                let mut widgets = super::super::widgets_by_position(node);
                for widget in &mut widgets {
                    widget.name = super::super::WidgetName::new("cfg");
                }
                widgets
            }
        }
        let text = r#"{"version":0.4,"nodes":[{"id":1,"type":"PrimitiveNode","outputs":[{"name":"F","links":[1]}],"widgets_values":[3.5,"fixed"]},
            {"id":2,"type":"Reroute","inputs":[{"name":"","link":1}],"outputs":[{"name":"","links":[2]}]},
            {"id":3,"type":"K","inputs":[{"name":"cfg","widget":{"name":"cfg"},"link":2}],"widgets_values":[7]}],
            "links":[[1,1,0,2,0,"F"],[2,2,0,3,0,"F"]]}"#;
        let workflow = Workflow::from_value(parse_text(text).unwrap()).unwrap();
        let prompt = workflow.to_prompt(&Cfg).unwrap().into_value();
        insta::assert_snapshot!(print(&prompt, &JsonStyle::SAVE), @r#"{"3":{"class_type":"K","inputs":{"cfg":3.5},"_meta":{"title":"K"}}}"#);
    }
}
