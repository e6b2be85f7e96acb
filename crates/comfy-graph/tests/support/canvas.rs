//! Workflows made by hand: nodes of real classes, wired and edited the way a person does
//! it in ComfyUI. What a builder makes is what the frontend would save.

// Not every gesture is needed by a test yet.
#![allow(dead_code)]

use comfy_graph::catalog::{Catalog, ControlSpec, InputSpec};
use comfy_graph::graph::{
    Graph, GraphScope, Link, LinkEnd, LinkId, Node, NodeId, NodeKey, NodeMode, SlotName,
    SubgraphDefinition, SubgraphId, Widget, WidgetName, WidgetNaming, Wires, Workflow,
};
use comfy_graph::json::{Object, Value, parse_text};

/// A workflow under construction.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    pub(crate) workflow: Workflow,
    scope: GraphScope,
}

/// A value from JSON text.
pub(crate) fn json(text: &str) -> Value {
    parse_text(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

impl Canvas {
    pub(crate) fn new() -> Self {
        let text = r#"{"id":"5a1c0de0-0000-4000-8000-00000000c0de","revision":0,"last_node_id":0,
            "last_link_id":0,"nodes":[],"links":[],"groups":[],"config":{},"extra":{},"version":0.4}"#;
        Canvas { workflow: Workflow::from_value(json(text)).unwrap(), scope: GraphScope::Root }
    }

    /// The default workflow of ComfyUI, with its ids.
    pub(crate) fn txt2img() -> Self {
        let mut canvas = Canvas::new();
        for (id, class) in [
            (3, "KSampler"),
            (4, "CheckpointLoaderSimple"),
            (5, "EmptyLatentImage"),
            (6, "CLIPTextEncode"),
            (7, "CLIPTextEncode"),
            (8, "VAEDecode"),
            (9, "SaveImage"),
        ] {
            canvas.add(id, class);
        }
        canvas.set(4, "ckpt_name", r#""v1-5-pruned-emaonly.safetensors""#);
        canvas.set(3, "seed", "156680208700286").set(3, "control_after_generate", r#""randomize""#);
        canvas.set(3, "steps", "20").set(3, "cfg", "8").set(3, "sampler_name", r#""euler""#);
        canvas.set(3, "scheduler", r#""normal""#).set(3, "denoise", "1");
        canvas.set(5, "width", "512").set(5, "height", "512").set(5, "batch_size", "1");
        canvas.set(
            6,
            "text",
            r#""beautiful scenery nature glass bottle landscape, purple galaxy bottle""#,
        );
        canvas.set(7, "text", r#""text, watermark""#).set(9, "filename_prefix", r#""ComfyUI""#);
        canvas.title(6, "Positive").title(7, "Negative");
        for (from, output, to, input) in [
            (4, 0, 3, "model"),
            (5, 0, 3, "latent_image"),
            (4, 1, 6, "clip"),
            (6, 0, 3, "positive"),
            (4, 1, 7, "clip"),
            (7, 0, 3, "negative"),
            (3, 0, 8, "samples"),
            (4, 2, 8, "vae"),
            (8, 0, 9, "images"),
        ] {
            canvas.wire(from, output, to, input);
        }
        canvas
    }

    /// Goes on inside a subgraph; `None` goes back to the root.
    pub(crate) fn within(&mut self, definition: Option<&str>) -> &mut Self {
        self.scope = match definition {
            Some(id) => GraphScope::Definition(SubgraphId::new(id)),
            None => GraphScope::Root,
        };
        self
    }

    pub(crate) fn graph(&self) -> &Graph {
        self.workflow.graph(&self.scope).unwrap()
    }

    pub(crate) fn graph_mut(&mut self) -> &mut Graph {
        self.workflow.graph_mut(&self.scope).unwrap()
    }

    pub(crate) fn node(&mut self, id: i64) -> &mut Node {
        self.graph_mut().nodes.get_mut(&NodeId::from(id)).unwrap_or_else(|| panic!("no node {id}"))
    }

    /// A new node of a class, with the values a new node has.
    pub(crate) fn add(&mut self, id: i64, class: &str) -> &mut Self {
        let node = new_node(id, class);
        self.graph_mut().nodes.insert(NodeId::from(id), node);
        self
    }

    /// A node as the file spells it.
    pub(crate) fn add_raw(&mut self, text: &str) -> &mut Self {
        let node = Node::from_value(json(text)).unwrap();
        self.graph_mut().nodes.insert(node.id().clone(), node);
        self
    }

    /// Takes a node out, with its wires.
    pub(crate) fn remove(&mut self, id: i64) -> &mut Self {
        let graph = self.graph_mut();
        let id = NodeId::from(id);
        graph.nodes.shift_remove(&id).unwrap();
        let touches =
            |link: &Link| link.from().node_id() == Some(&id) || link.to().node_id() == Some(&id);
        let gone = graph.links.values().filter(|link| touches(link)).map(Link::id).collect();
        graph.remove_links(&gone);
        self
    }

    /// Draws a wire; whatever was in the input goes.
    pub(crate) fn wire(&mut self, from: i64, output: usize, to: i64, input: &str) -> &mut Self {
        let id = self.workflow.highest_ids().link + 1;
        self.wire_as(id, from, output, to, input)
    }

    /// The same under a link id.
    pub(crate) fn wire_as(
        &mut self,
        id: i64,
        from: i64,
        output: usize,
        to: i64,
        input: &str,
    ) -> &mut Self {
        self.cut(to, input);
        let graph = self.graph_mut();
        let slot = graph.nodes[&NodeId::from(to)]
            .input(&SlotName::new(input))
            .unwrap_or_else(|| panic!("node {to} has no input {input}"))
            .at;
        let kind = graph.nodes[&NodeId::from(from)]
            .output_at(output)
            .unwrap_or_else(|| panic!("node {from} has no output {output}"))
            .raw
            .get("type")
            .cloned()
            .unwrap_or_default();
        let ends = (LinkEnd::node(from, output), LinkEnd::node(to, slot));
        let link = Link::new(graph.link_format(), LinkId(id), ends.0, ends.1, kind);
        graph.links.insert(LinkId(id), link);
        graph.sync_slots_with_links();
        self
    }

    pub(crate) fn cut(&mut self, to: i64, input: &str) -> &mut Self {
        let graph = self.graph_mut();
        let wires = Wires::from_graph(graph);
        if let Some(wire) = wires.wire_into(&NodeId::from(to), &SlotName::new(input)) {
            graph.remove_links(&[wire.link].into_iter().collect());
        }
        self
    }

    /// Puts a node into a wire: its own input takes the origin, its output feeds on.
    pub(crate) fn insert(
        &mut self,
        id: i64,
        input: &str,
        output: usize,
        to: i64,
        fed: &str,
    ) -> &mut Self {
        let wires = Wires::from_graph(self.graph());
        let wire = wires.wire_into(&NodeId::from(to), &SlotName::new(fed)).unwrap();
        let comfy_graph::graph::WireSource::Node { id: from, slot } = wire.from.clone() else {
            panic!("the wire comes from the boundary");
        };
        self.wire(from.as_number().unwrap(), slot, id, input);
        self.wire(id, output, to, fed)
    }

    fn key(&self, id: i64) -> NodeKey {
        NodeKey { scope: self.scope.clone(), id: NodeId::from(id) }
    }

    /// Sets a widget by name, in both spellings.
    pub(crate) fn set(&mut self, id: i64, widget: &str, value: &str) -> &mut Self {
        let catalog = Catalog::core();
        let node = self.workflow.node(&self.key(id)).unwrap_or_else(|| panic!("no node {id}"));
        let place = catalog
            .widgets(&self.workflow, node)
            .iter()
            .position(|w| w.name == WidgetName::new(widget))
            .unwrap_or_else(|| panic!("node {id} has no widget {widget}"));
        let value = json(value);
        let raw = self.node(id).raw_mut();
        if let Some(Value::Object(named)) = raw.get_mut("widgets_values_named") {
            named.insert(widget, value.clone());
        }
        match raw.get_mut("widgets_values") {
            Some(Value::Array(values)) => values[place] = value,
            Some(Value::Object(values)) => {
                values.insert(widget, value);
            }
            _ => panic!("node {id} has no values"),
        }
        self
    }

    /// The value of a widget.
    pub(crate) fn get(&self, id: i64, widget: &str) -> Value {
        let node = self.workflow.node(&self.key(id)).unwrap();
        let widgets = Catalog::core().widgets(&self.workflow, node);
        let found: Option<&Widget<'_>> = widgets.iter().find(|w| w.name == WidgetName::new(widget));
        found.unwrap().value.clone()
    }

    /// Writes the values by name beside those by position, as frontends from 1.49 on do.
    pub(crate) fn name_values(&mut self) -> &mut Self {
        let catalog = Catalog::core();
        let named: Vec<(NodeId, Object)> = self
            .graph()
            .nodes
            .iter()
            .filter(|(_, node)| !node.widget_values().is_empty())
            .map(|(id, node)| {
                let widgets = catalog.widgets(&self.workflow, node);
                let members = widgets.iter().map(|w| (w.name.to_string(), w.value.clone()));
                (id.clone(), members.collect())
            })
            .collect();
        for (id, members) in named {
            self.graph_mut().nodes[&id].raw_mut().insert("widgets_values_named", members);
        }
        self
    }

    pub(crate) fn title(&mut self, id: i64, title: &str) -> &mut Self {
        self.node(id).raw_mut().insert("title", title);
        self
    }

    pub(crate) fn mode(&mut self, id: i64, mode: NodeMode) -> &mut Self {
        self.node(id).set_mode(mode);
        self
    }

    /// Sets a member of a node.
    pub(crate) fn key_of(&mut self, id: i64, key: &str, value: &str) -> &mut Self {
        let value = json(value);
        self.node(id).raw_mut().insert(key, value);
        self
    }

    pub(crate) fn property(&mut self, id: i64, key: &str, value: &str) -> &mut Self {
        let value = json(value);
        self.node(id).set_property(key, Some(value));
        self
    }

    pub(crate) fn group(&mut self, id: i64, title: &str) -> &mut Self {
        let text = format!(
            r##"{{"id":{id},"title":{title:?},"bounding":[0,0,140,80],"color":"#3f789e","flags":{{}}}}"##
        );
        let group = comfy_graph::graph::Group::from_value(json(&text)).unwrap();
        self.graph_mut().groups.push(group);
        self
    }

    /// A member of the root's `extra`.
    pub(crate) fn extra(&mut self, key: &str, value: &str) -> &mut Self {
        let value = json(value);
        self.graph_mut().extra_mut().unwrap().insert(key, value);
        self
    }

    /// Packs nodes of the root into a subgraph, as "Convert to Subgraph" does: ids stay,
    /// wires across the border go through boundary slots, and the named widgets are shown
    /// on the instance.
    pub(crate) fn pack(
        &mut self,
        ids: &[i64],
        host: i64,
        uuid: &str,
        name: &str,
        shown: &[(i64, &str)],
    ) -> &mut Self {
        pack::pack(&mut self.workflow, ids, host, uuid, name, shown);
        self
    }

    /// The document in clean form.
    pub(crate) fn value(&self) -> Value {
        let mut workflow = self.workflow.clone();
        workflow.raise_counters();
        let mut value = workflow.into_value();
        comfy_graph::clean::strip_layout(&mut value);
        value
    }
}

fn new_node(id: i64, class: &str) -> Node {
    let catalog = Catalog::core();
    let known = catalog.class(class).unwrap_or_else(|| panic!("no class {class}"));
    let mut inputs = Vec::new();
    let mut sockets = Vec::new();
    let mut values = Vec::new();
    for input in &known.inputs {
        slot(input, None, &mut inputs, &mut sockets, &mut values);
    }
    inputs.extend(sockets);
    if known.inputs.iter().any(|input| input.upload.is_some()) {
        values.push(Value::from("image"));
    }
    let output = |output: &comfy_graph::catalog::OutputSpec| {
        format!(r#"{{"name":"{}","type":"{}","links":[]}}"#, output.name, output.kind)
    };
    let outputs: Vec<String> = known.outputs.iter().map(output).collect();
    let text = format!(
        r#"{{"id":{id},"type":"{class}","flags":{{}},"order":0,"mode":0,"inputs":[{}],"outputs":[{}],"properties":{{"Node name for S&R":"{class}"}}}}"#,
        inputs.join(","),
        outputs.join(",")
    );
    let mut node = Node::from_value(json(&text)).unwrap();
    if !values.is_empty() {
        node.raw_mut().insert("widgets_values", values);
    }
    node
}

fn slot(
    input: &InputSpec,
    within: Option<&str>,
    inputs: &mut Vec<String>,
    sockets: &mut Vec<String>,
    values: &mut Vec<Value>,
) {
    let name = match within {
        Some(within) => format!("{within}.{}", input.name),
        None => input.name.to_string(),
    };
    if !input.has_widget() {
        let shape = match input.presence {
            comfy_graph::catalog::Presence::Optional => r#","shape":7"#,
            comfy_graph::catalog::Presence::Required => "",
        };
        inputs.push(format!(r#"{{"name":"{name}","type":"{}"{shape},"link":null}}"#, input.kind));
        return;
    }
    sockets.push(format!(
        r#"{{"name":"{name}","type":"{}","widget":{{"name":"{name}"}},"link":null}}"#,
        input.kind
    ));
    values.push(input.initial_value().unwrap_or_default());
    let seed = input.kind == "INT" && ["seed", "noise_seed"].contains(&input.name.as_str());
    if input.control == ControlSpec::Yes || (input.control == ControlSpec::Unsaid && seed) {
        values.push(Value::from("randomize"));
    }
    if let Some(option) = input.options.first() {
        for inner in &option.inputs {
            slot(inner, Some(&name), inputs, sockets, values);
        }
    }
}

/// "Convert to Subgraph", written apart from what the program itself knows of subgraphs.
mod pack {
    use super::*;

    struct Port {
        name: String,
        kind: Value,
        /// Ids of the links inside.
        links: Vec<LinkId>,
    }

    #[expect(clippy::too_many_lines, reason = "one gesture of the frontend, told in order")]
    pub(super) fn pack(
        workflow: &mut Workflow,
        ids: &[i64],
        host: i64,
        uuid: &str,
        name: &str,
        shown: &[(i64, &str)],
    ) {
        let inside: Vec<NodeId> = ids.iter().map(|id| NodeId::from(*id)).collect();
        let mut next = workflow.highest_ids().link;
        let mut fresh = || {
            next += 1;
            LinkId(next)
        };
        let root = &mut workflow.root;
        let (mut inputs, mut outputs): (Vec<Port>, Vec<Port>) = (Vec::new(), Vec::new());
        let mut inner_links = Vec::new();
        let mut outer_links = Vec::new();
        // What comes in, by origin; what goes out, by origin.
        let mut origins: Vec<LinkEnd> = Vec::new();
        let mut exits: Vec<LinkEnd> = Vec::new();
        for link in std::mem::take(&mut root.links).into_values() {
            let is_in = |end: &LinkEnd| end.node_id().is_some_and(|id| inside.contains(id));
            match (is_in(link.from()), is_in(link.to())) {
                (false, false) => outer_links.push(link),
                (true, true) => inner_links.push((
                    link.id(),
                    link.from().clone(),
                    link.to().clone(),
                    link.kind().clone(),
                )),
                (false, true) => {
                    let at =
                        origins.iter().position(|end| end == link.from()).unwrap_or_else(|| {
                            origins.push(link.from().clone());
                            let LinkEnd::Node { id, slot } = link.to() else { unreachable!() };
                            let name = root.nodes[id].input_at(*slot).unwrap().name().to_owned();
                            inputs.push(Port {
                                name: unique(&name, &inputs),
                                kind: link.kind().clone(),
                                links: vec![],
                            });
                            origins.len() - 1
                        });
                    inputs[at].links.push(link.id());
                    inner_links.push((
                        link.id(),
                        LinkEnd::GraphInput { slot: at },
                        link.to().clone(),
                        link.kind().clone(),
                    ));
                }
                (true, false) => {
                    let at = exits.iter().position(|end| end == link.from()).unwrap_or_else(|| {
                        exits.push(link.from().clone());
                        let LinkEnd::Node { id, slot } = link.from() else { unreachable!() };
                        let name = root.nodes[id].output_at(*slot).unwrap().name().to_owned();
                        let id = fresh();
                        outputs.push(Port {
                            name: unique(&name, &outputs),
                            kind: link.kind().clone(),
                            links: vec![id],
                        });
                        let end = LinkEnd::GraphOutput { slot: exits.len() - 1 };
                        inner_links.push((id, link.from().clone(), end, link.kind().clone()));
                        exits.len() - 1
                    });
                    let mut link = link;
                    link.set_from(LinkEnd::node(host, at));
                    outer_links.push(link);
                }
            }
        }
        for (at, origin) in origins.iter().enumerate() {
            let id = fresh();
            let to = LinkEnd::node(host, at);
            let spelling = root.link_format();
            outer_links.push(Link::new(spelling, id, origin.clone(), to, inputs[at].kind.clone()));
        }
        let mut values = Vec::new();
        let mut widgets = Vec::new();
        for (id, widget) in shown {
            let node = &root.nodes[&NodeId::from(*id)];
            let slot = node.input(&SlotName::new(widget)).unwrap();
            let (at, kind) = (slot.at, slot.raw.get("type").cloned().unwrap());
            let found = Catalog::core()
                .widgets(
                    &Workflow {
                        root: root.clone(),
                        definitions: workflow.definitions.clone(),
                        untyped_definitions: vec![],
                    },
                    node,
                )
                .into_iter()
                .find(|w| w.name == WidgetName::new(widget))
                .unwrap()
                .value
                .clone();
            let link = fresh();
            let name = unique(widget, &inputs);
            inner_links.push((
                link,
                LinkEnd::GraphInput { slot: inputs.len() },
                LinkEnd::node(*id, at),
                kind.clone(),
            ));
            inputs.push(Port { name: name.clone(), kind, links: vec![link] });
            widgets.push(name);
            values.push(found);
        }
        root.links = outer_links.into_iter().map(|link| (link.id(), link)).collect();
        let nodes: Vec<Value> =
            inside.iter().map(|id| root.nodes.shift_remove(id).unwrap().into_value()).collect();
        let definition = definition(uuid, name, nodes, &inputs, &outputs, inner_links);
        root.nodes
            .insert(NodeId::from(host), instance(host, uuid, &inputs, &outputs, &widgets, values));
        root.sync_slots_with_links();
        workflow.definitions.insert(SubgraphId::new(uuid), definition);
    }

    fn unique(name: &str, taken: &[Port]) -> String {
        let free = |name: &String| !taken.iter().any(|port| port.name == *name);
        let numbered = (1..).map(|n| format!("{name}_{n}"));
        std::iter::once(name.to_owned()).chain(numbered).find(free).unwrap()
    }

    fn definition(
        uuid: &str,
        name: &str,
        nodes: Vec<Value>,
        inputs: &[Port],
        outputs: &[Port],
        links: Vec<(LinkId, LinkEnd, LinkEnd, Value)>,
    ) -> SubgraphDefinition {
        let port = |(at, port): (usize, &Port), side: char| {
            let mut value = json(&format!(
                r#"{{"id":"{uuid}-{side}{at}","name":"{}","type":"*","linkIds":[]}}"#,
                port.name
            ));
            let object = value.as_object_mut().unwrap();
            object.insert("type", port.kind.clone());
            object
                .insert("linkIds", port.links.iter().map(|l| l.to_value()).collect::<Vec<Value>>());
            value
        };
        let mut value = json(&format!(
            r#"{{"id":"{uuid}","version":1,"state":{{"lastGroupId":0,"lastNodeId":0,"lastLinkId":0,"lastRerouteId":0}},
                "revision":0,"config":{{}},"name":"{name}","inputNode":{{"id":-10,"bounding":[0,0,120,60]}},
                "outputNode":{{"id":-20,"bounding":[0,0,120,60]}},"inputs":[],"outputs":[],"widgets":[],
                "nodes":[],"groups":[],"links":[],"extra":{{}}}}"#
        ));
        let object = value.as_object_mut().unwrap();
        let list = |ports: &[Port], side| {
            ports.iter().enumerate().map(|p| port(p, side)).collect::<Vec<Value>>()
        };
        object.insert("inputs", list(inputs, 'a'));
        object.insert("outputs", list(outputs, 'b'));
        object.insert("nodes", nodes);
        let mut definition = SubgraphDefinition::from_value(value).unwrap();
        for (id, from, to, kind) in links {
            let link = Link::new(definition.graph.link_format(), id, from, to, kind);
            definition.graph.links.insert(id, link);
        }
        definition.graph.sync_slots_with_links();
        definition
    }

    fn instance(
        host: i64,
        uuid: &str,
        inputs: &[Port],
        outputs: &[Port],
        widgets: &[String],
        values: Vec<Value>,
    ) -> Node {
        let input = |port: &Port| {
            let widget = match widgets.contains(&port.name) {
                true => format!(r#","widget":{{"name":"{}"}}"#, port.name),
                false => String::new(),
            };
            let mut value =
                json(&format!(r#"{{"name":"{}","type":"*"{widget},"link":null}}"#, port.name));
            value.as_object_mut().unwrap().insert("type", port.kind.clone());
            value
        };
        let output = |port: &Port| {
            let mut value = json(&format!(r#"{{"name":"{}","type":"*","links":[]}}"#, port.name));
            value.as_object_mut().unwrap().insert("type", port.kind.clone());
            value
        };
        let mut value = json(&format!(
            r#"{{"id":{host},"type":"{uuid}","flags":{{}},"order":0,"mode":0,"inputs":[],"outputs":[],
                "properties":{{"previewExposures":[]}}}}"#
        ));
        let object = value.as_object_mut().unwrap();
        object.insert("inputs", inputs.iter().map(input).collect::<Vec<Value>>());
        object.insert("outputs", outputs.iter().map(output).collect::<Vec<Value>>());
        if !values.is_empty() {
            object.insert("widgets_values", values);
        }
        Node::from_value(value).unwrap()
    }
}
