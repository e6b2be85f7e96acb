//! Sound workflows of any size, the same for the same seed: what laws are tried on.
//!
//! Nodes are of real classes, wires fit in type and go forward, subgraphs are packed from
//! such nodes with promoted widgets, ids are unique over the whole file.

use comfy_graph::json::{Object, Value, parse_text};

/// What to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How many nodes in the root graph.
    pub(crate) nodes: usize,
    /// How many subgraph definitions, each with one instance.
    pub(crate) subgraphs: usize,
    /// Where the random choices come from.
    pub(crate) seed: u64,
}

/// How the same graph is written (format facts, 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Every widget has its socket.
    Save,
    /// Only linked widgets have.
    Export,
}

/// Class; inputs (name, type, whether it is a widget's); outputs; values.
type Class = (
    &'static str,
    &'static [(&'static str, &'static str, bool)],
    &'static [&'static str],
    &'static str,
);

const CLASSES: &[Class] = &[
    (
        "CheckpointLoaderSimple",
        &[("ckpt_name", "COMBO", true)],
        &["MODEL", "CLIP", "VAE"],
        r#"["a.safetensors"]"#,
    ),
    (
        "EmptyLatentImage",
        &[("width", "INT", true), ("height", "INT", true), ("batch_size", "INT", true)],
        &["LATENT"],
        "[512,512,1]",
    ),
    (
        "CLIPTextEncode",
        &[("clip", "CLIP", false), ("text", "STRING", true)],
        &["CONDITIONING"],
        r#"["a red fox in deep snow"]"#,
    ),
    (
        "LoraLoader",
        &[
            ("model", "MODEL", false),
            ("clip", "CLIP", false),
            ("lora_name", "COMBO", true),
            ("strength_model", "FLOAT", true),
            ("strength_clip", "FLOAT", true),
        ],
        &["MODEL", "CLIP"],
        r#"["l.safetensors",0.8,1.0]"#,
    ),
    (
        "KSampler",
        &[
            ("model", "MODEL", false),
            ("positive", "CONDITIONING", false),
            ("negative", "CONDITIONING", false),
            ("latent_image", "LATENT", false),
            ("seed", "INT", true),
            ("steps", "INT", true),
            ("cfg", "FLOAT", true),
            ("sampler_name", "COMBO", true),
            ("scheduler", "COMBO", true),
            ("denoise", "FLOAT", true),
        ],
        &["LATENT"],
        r#"[7,"randomize",20,7.5,"euler","normal",1]"#,
    ),
    ("VAEDecode", &[("samples", "LATENT", false), ("vae", "VAE", false)], &["IMAGE"], "[]"),
    (
        "SaveImage",
        &[("images", "IMAGE", false), ("filename_prefix", "STRING", true)],
        &[],
        r#"["ComfyUI"]"#,
    ),
    ("Reroute", &[("", "*", false)], &["*"], "null"),
    ("Note", &[], &[], r#"["remember the fox"]"#),
];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}

struct Input {
    name: String,
    kind: String,
    widget: bool,
    link: Option<usize>,
}

struct Output {
    name: String,
    kind: String,
    links: Vec<usize>,
}

struct Draft {
    id: usize,
    class: String,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    values: Value,
}

struct Wire {
    id: usize,
    from: (i64, usize),
    to: (i64, usize),
    kind: String,
}

#[derive(Default)]
struct Sketch {
    nodes: Vec<Draft>,
    wires: Vec<Wire>,
}

struct Maker {
    random: Random,
    last_node: usize,
    last_link: usize,
}

impl Maker {
    fn draft(&mut self, class: usize) -> Draft {
        let (name, inputs, outputs, values) = CLASSES[class];
        self.last_node += 1;
        let input = |(name, kind, widget): &(&str, &str, bool)| Input {
            name: (*name).into(),
            kind: (*kind).into(),
            widget: *widget,
            link: None,
        };
        let output = |kind: &&str| Output {
            name: if name == "Reroute" { String::new() } else { (*kind).into() },
            kind: (*kind).into(),
            links: Vec::new(),
        };
        Draft {
            id: self.last_node,
            class: name.into(),
            inputs: inputs.iter().map(input).collect(),
            outputs: outputs.iter().map(output).collect(),
            values: parse_text(values).unwrap(),
        }
    }

    fn link(&mut self) -> usize {
        self.last_link += 1;
        self.last_link
    }

    /// Nodes one after the other; each input takes a fitting output of an earlier one.
    fn sketch(&mut self, nodes: usize) -> Sketch {
        let mut sketch = Sketch::default();
        let mut offers: std::collections::HashMap<String, Vec<(usize, usize)>> = Default::default();
        for at in 0..nodes {
            let class = if at < CLASSES.len() { at } else { self.random.below(CLASSES.len()) };
            let mut draft = self.draft(class);
            for slot in 0..draft.inputs.len() {
                let input = &draft.inputs[slot];
                let kind = if input.kind == "*" { "MODEL" } else { &input.kind };
                let Some(offers) = offers.get(kind).filter(|o| !o.is_empty() && !input.widget)
                else {
                    continue;
                };
                if self.random.below(10) == 0 {
                    continue;
                }
                // Mostly from near by, as people wire.
                let reach = offers.len().min(40);
                let (origin, output) = offers[offers.len() - 1 - self.random.below(reach)];
                let kind = kind.to_owned();
                let id = self.link();
                let source = &mut sketch.nodes[origin];
                source.outputs[output].links.push(id);
                draft.inputs[slot].link = Some(id);
                let (from, to) = ((source.id as i64, output), (draft.id as i64, slot));
                sketch.wires.push(Wire { id, from, to, kind });
            }
            if draft.class == "Reroute" {
                let kind = sketch.wires.iter().rfind(|w| Some(w.id) == draft.inputs[0].link);
                draft.outputs[0].kind = kind.map_or("*".into(), |wire| wire.kind.clone());
            }
            for (output, slot) in draft.outputs.iter().enumerate() {
                offers.entry(slot.kind.clone()).or_default().push((sketch.nodes.len(), output));
            }
            sketch.nodes.push(draft);
        }
        sketch
    }

    /// A definition around a sketch: some free inputs become boundary inputs, a widget of
    /// each text and sampler node is promoted, the last image goes out.
    fn definition(&mut self, at: usize, encoding: Encoding) -> (Draft, Value) {
        let mut inner = self.sketch(CLASSES.len());
        let uuid = format!("{at:08x}-0000-4000-8000-000000000000");
        self.last_node += 1;
        let mut host = Draft {
            id: self.last_node,
            class: uuid.clone(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            values: Value::Array(Vec::new()),
        };
        let mut boundary = Vec::new();
        let mut values = Vec::new();
        for node in 0..inner.nodes.len() {
            for slot in 0..inner.nodes[node].inputs.len() {
                let draft = &inner.nodes[node];
                let input = &draft.inputs[slot];
                let shown = input.widget && matches!(input.name.as_str(), "text" | "cfg");
                if draft.class == "Reroute" || !(shown || (!input.widget && input.link.is_none())) {
                    continue;
                }
                let (name, kind) =
                    (format!("{}_{}", input.name, boundary.len()), input.kind.clone());
                let id = self.link();
                inner.wires.push(Wire {
                    id,
                    from: (-10, boundary.len()),
                    to: (draft.id as i64, slot),
                    kind: kind.clone(),
                });
                if shown {
                    values.push(if input.name == "cfg" {
                        Value::from(6.5)
                    } else {
                        "from outside".into()
                    });
                }
                inner.nodes[node].inputs[slot].link = Some(id);
                boundary.push(slot_of(&name, &kind, id));
                host.inputs.push(Input { name, kind, widget: shown, link: None });
            }
        }
        let image = inner.nodes.iter().position(|n| n.class == "VAEDecode").unwrap();
        let id = self.link();
        inner.nodes[image].outputs[0].links.push(id);
        inner.wires.push(Wire {
            id,
            from: (inner.nodes[image].id as i64, 0),
            to: (-20, 0),
            kind: "IMAGE".into(),
        });
        host.outputs.push(Output { name: "IMAGE".into(), kind: "IMAGE".into(), links: Vec::new() });
        host.values = Value::Array(values);
        let mut definition = graph(&inner, encoding, true);
        definition.insert("id", uuid.as_str());
        definition.insert("name", format!("Subgraph {at}"));
        definition.insert("version", 1i64);
        definition.insert("inputs", Value::Array(boundary));
        definition.insert("outputs", vec![slot_of("IMAGE", "IMAGE", id)]);
        let node = |id: i64| {
            Object::from_iter([
                ("id", Value::from(id)),
                ("bounding", vec![0i64, 0, 120, 60].into()),
            ])
        };
        definition.insert("inputNode", node(-10));
        definition.insert("outputNode", node(-20));
        (host, Value::Object(definition))
    }
}

fn slot_of(name: &str, kind: &str, link: usize) -> Value {
    let uuid = format!("{link:08x}-1111-4111-8111-111111111111");
    Value::Object(Object::from_iter([
        ("id", Value::from(uuid)),
        ("name", name.into()),
        ("type", kind.into()),
        ("linkIds", vec![link].into()),
    ]))
}

fn graph(sketch: &Sketch, encoding: Encoding, objects: bool) -> Object {
    let mut kept: std::collections::HashMap<(i64, usize), usize> = Default::default();
    let mut nodes = Vec::new();
    for (at, draft) in sketch.nodes.iter().enumerate() {
        let shown =
            |input: &&Input| encoding == Encoding::Save || !input.widget || input.link.is_some();
        let mut inputs = Vec::new();
        for (slot, input) in draft.inputs.iter().enumerate().filter(|(_, input)| shown(input)) {
            kept.insert((draft.id as i64, slot), inputs.len());
            let mut raw = Object::from_iter([("name", input.name.as_str()), ("type", &input.kind)]);
            if input.widget {
                raw.insert("widget", Object::from_iter([("name", input.name.as_str())]));
            }
            raw.insert("link", input.link);
            inputs.push(Value::Object(raw));
        }
        let outputs = draft.outputs.iter().map(|output| {
            let mut raw =
                Object::from_iter([("name", output.name.as_str()), ("type", &output.kind)]);
            raw.insert("links", output.links.clone());
            Value::Object(raw)
        });
        let mut raw = Object::new();
        raw.insert("id", draft.id);
        raw.insert("type", draft.class.as_str());
        raw.insert("pos", vec![300 * (at % 50), 200 * (at / 50)]);
        raw.insert("size", vec![270usize, 100]);
        raw.insert("flags", Object::new());
        raw.insert("order", at);
        raw.insert("mode", 0i64);
        raw.insert("inputs", Value::Array(inputs));
        raw.insert("outputs", outputs.collect::<Vec<Value>>());
        raw.insert("properties", Object::from_iter([("Node name for S&R", draft.class.as_str())]));
        if !draft.values.is_null() {
            raw.insert("widgets_values", draft.values.clone());
        }
        nodes.push(Value::Object(raw));
    }
    let link = |wire: &Wire| {
        let slot = kept.get(&wire.to).copied().unwrap_or(wire.to.1);
        let fields = [
            ("id", Value::from(wire.id)),
            ("origin_id", wire.from.0.into()),
            ("origin_slot", wire.from.1.into()),
            ("target_id", wire.to.0.into()),
            ("target_slot", slot.into()),
            ("type", wire.kind.as_str().into()),
        ];
        match objects {
            true => Value::Object(fields.into_iter().collect()),
            false => Value::Array(fields.into_iter().map(|(_, value)| value).collect()),
        }
    };
    Object::from_iter([
        ("nodes", Value::Array(nodes)),
        ("links", Value::Array(sketch.wires.iter().map(link).collect())),
        ("groups", Value::Array(Vec::new())),
        ("extra", Object::new().into()),
    ])
}

/// The workflow of a plan in the format 0.4, in either encoding: same plan, same graph.
pub(crate) fn workflow(plan: Plan, encoding: Encoding) -> Value {
    let mut maker = Maker { random: Random(plan.seed), last_node: 0, last_link: 0 };
    let mut root = maker.sketch(plan.nodes);
    let mut definitions = Vec::new();
    for at in 0..plan.subgraphs {
        let (mut host, definition) = maker.definition(at, encoding);
        definitions.push(definition);
        for slot in 0..host.inputs.len() {
            let kind = host.inputs[slot].kind.clone();
            let fits = |node: &Draft| node.outputs.iter().position(|output| output.kind == kind);
            let source =
                root.nodes.iter_mut().find_map(|node| fits(node).map(|output| (node, output)));
            if let Some((node, output)) = source.filter(|_| !host.inputs[slot].widget) {
                let id = maker.link();
                node.outputs[output].links.push(id);
                host.inputs[slot].link = Some(id);
                root.wires.push(Wire {
                    id,
                    from: (node.id as i64, output),
                    to: (host.id as i64, slot),
                    kind,
                });
            }
        }
        root.nodes.push(host);
    }
    let mut document = graph(&root, encoding, false);
    document.insert("last_node_id", maker.last_node);
    document.insert("last_link_id", maker.last_link);
    if !definitions.is_empty() {
        document
            .insert("definitions", Object::from_iter([("subgraphs", Value::Array(definitions))]));
    }
    document.insert("version", 0.4);
    Value::Object(document)
}
