//! A workflow file as a person has it open in ComfyUI: read, changed, saved whole.
//!
//! It is plain JSON to these tests, so that nothing of the program under test decides
//! what a file says.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::support::Repo;

/// The usual file of these tests.
pub(super) const FILE: &str = "w.json";
pub(super) const SAMPLER: u64 = 3;
pub(super) const LOADER: u64 = 4;
pub(super) const LATENT: u64 = 5;
pub(super) const PROMPT: u64 = 6;
pub(super) const NEGATIVE: u64 = 7;
pub(super) const DECODE: u64 = 8;

/// A node, one text each for its inputs, outputs and widget values.
struct Kind {
    id: u64,
    class: &'static str,
    pos: [i64; 2],
    size: [i64; 2],
    inputs: &'static [(&'static str, &'static str)],
    outputs: &'static [&'static str],
    widgets: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        id: NEGATIVE,
        class: "CLIPTextEncode",
        pos: [413, 389],
        size: [425, 180],
        inputs: &[("clip", "CLIP")],
        outputs: &["CONDITIONING"],
        widgets: r#"["text, watermark"]"#,
    },
    Kind {
        id: SAMPLER,
        class: "KSampler",
        pos: [863, 186],
        size: [315, 262],
        inputs: &[
            ("model", "MODEL"),
            ("positive", "CONDITIONING"),
            ("negative", "CONDITIONING"),
            ("latent_image", "LATENT"),
        ],
        outputs: &["LATENT"],
        widgets: r#"[156680208700286,"fixed",20,8,"euler","normal",1]"#,
    },
    Kind {
        id: DECODE,
        class: "VAEDecode",
        pos: [1209, 188],
        size: [210, 46],
        inputs: &[("samples", "LATENT"), ("vae", "VAE")],
        outputs: &["IMAGE"],
        widgets: "[]",
    },
    Kind {
        id: LOADER,
        class: "CheckpointLoaderSimple",
        pos: [26, 474],
        size: [315, 98],
        inputs: &[],
        outputs: &["MODEL", "CLIP", "VAE"],
        widgets: r#"["v1-5.safetensors"]"#,
    },
    Kind {
        id: PROMPT,
        class: "CLIPTextEncode",
        pos: [415, 186],
        size: [422, 164],
        inputs: &[("clip", "CLIP")],
        outputs: &["CONDITIONING"],
        widgets: r#"["a red fox in deep snow"]"#,
    },
    Kind {
        id: LATENT,
        class: "EmptyLatentImage",
        pos: [473, 609],
        size: [315, 106],
        inputs: &[],
        outputs: &["LATENT"],
        widgets: "[512,512,1]",
    },
];

/// Link, from node and slot, to node and slot, type.
type Wire = (u64, u64, u64, u64, u64, &'static str);

const WIRES: &[Wire] = &[
    (1, LOADER, 0, SAMPLER, 0, "MODEL"),
    (2, LATENT, 0, SAMPLER, 3, "LATENT"),
    (3, LOADER, 1, PROMPT, 0, "CLIP"),
    (4, PROMPT, 0, SAMPLER, 1, "CONDITIONING"),
    (5, LOADER, 1, NEGATIVE, 0, "CLIP"),
    (6, NEGATIVE, 0, SAMPLER, 2, "CONDITIONING"),
    (7, SAMPLER, 0, DECODE, 0, "LATENT"),
    (8, LOADER, 2, DECODE, 1, "VAE"),
];

/// A whole file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sheet(Value);

impl Sheet {
    /// Six nodes, wired, the sampler and the decoder in a group.
    pub(super) fn new() -> Sheet {
        Sheet::of(&[NEGATIVE, SAMPLER, DECODE, LOADER, PROMPT, LATENT])
    }

    /// These of the six, stacked in the order given.
    pub(super) fn of(ids: &[u64]) -> Sheet {
        let wires: Vec<&Wire> =
            WIRES.iter().filter(|w| ids.contains(&w.1) && ids.contains(&w.3)).collect();
        let nodes: Vec<Value> =
            ids.iter().enumerate().map(|(at, id)| node(*id, at, &wires)).collect();
        let links: Vec<Value> =
            wires.iter().map(|(id, a, b, c, d, kind)| json!([id, a, b, c, d, kind])).collect();
        Sheet(json!({
            "id": "0f8c7a52-2f9b-4a76-9d2e-5b8f3d3b1f11",
            "revision": 0,
            "last_node_id": 9,
            "last_link_id": 9,
            "nodes": nodes,
            "links": links,
            "groups": [{
                "id": 1,
                "title": "Sampling",
                "bounding": [850, 100, 600, 400],
                "color": "#3f789e",
                "font_size": 24,
                "flags": {},
            }],
            "config": {},
            "extra": {
                "ds": {"scale": 1, "offset": [10, 20]},
                "frontendVersion": "1.49.6",
                "workflowRendererVersion": "LG",
            },
            "version": 0.4,
        }))
    }

    #[track_caller]
    pub(super) fn parse(text: &str) -> Sheet {
        Sheet(serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}")))
    }

    #[track_caller]
    pub(super) fn read(repo: &Repo, path: &str) -> Sheet {
        Sheet::parse(&repo.text(path))
    }

    /// As ComfyUI's Save writes it: one line, no final newline.
    pub(super) fn text(&self) -> String {
        self.0.to_string()
    }

    pub(super) fn write(&self, repo: &Repo, path: &str) {
        repo.write(path, self.text());
    }

    pub(super) fn value(&mut self) -> &mut Value {
        &mut self.0
    }

    /// Takes out what git-comfy wrote into the file about itself.
    pub(super) fn forget_mark(&mut self) -> &mut Sheet {
        if let Some(extra) = self.0["extra"].as_object_mut() {
            extra.shift_remove("git_comfy");
        }
        self
    }

    pub(super) fn nodes(&self) -> &[Value] {
        self.0["nodes"].as_array().map_or(&[], Vec::as_slice)
    }

    fn nodes_mut(&mut self) -> &mut Vec<Value> {
        self.0["nodes"].as_array_mut().unwrap()
    }

    #[track_caller]
    pub(super) fn node_mut(&mut self, id: u64) -> &mut Value {
        self.nodes_mut().iter_mut().find(|node| node["id"] == json!(id)).unwrap()
    }

    /// The ids in the order of the file, which is the order of stacking.
    pub(super) fn stacking(&self) -> Vec<u64> {
        self.nodes().iter().filter_map(|node| node["id"].as_u64()).collect()
    }

    /// Where a node lies, if it lies anywhere.
    pub(super) fn place(&self, id: u64) -> Option<[f64; 2]> {
        let node = self.nodes().iter().find(|node| node["id"] == json!(id))?;
        pair(&node["pos"])
    }

    /// Where each node lies that lies anywhere.
    pub(super) fn places(&self) -> BTreeMap<u64, [f64; 2]> {
        self.stacking().into_iter().filter_map(|id| Some((id, self.place(id)?))).collect()
    }

    /// Drags a node.
    #[track_caller]
    pub(super) fn put(&mut self, id: u64, to: [i64; 2]) -> &mut Sheet {
        self.node_mut(id)["pos"] = json!(to);
        self
    }

    /// Changes a widget's value.
    #[track_caller]
    /// As a script leaves a file that knows of no positions.
    pub(super) fn forget_places(&mut self) -> &mut Sheet {
        for node in self.nodes_mut() {
            let node = node.as_object_mut().unwrap();
            node.shift_remove("pos");
            node.shift_remove("size");
        }
        self
    }

    pub(super) fn set(&mut self, id: u64, widget: usize, value: impl Into<Value>) -> &mut Sheet {
        self.node_mut(id)["widgets_values"][widget] = value.into();
        self
    }

    #[track_caller]
    pub(super) fn steps(&mut self, steps: u64) -> &mut Sheet {
        self.set(SAMPLER, 2, steps)
    }

    #[track_caller]
    pub(super) fn title(&mut self, id: u64, title: &str) -> &mut Sheet {
        self.node_mut(id)["title"] = json!(title);
        self
    }

    /// Adds a node that is wired to nothing.
    pub(super) fn add(&mut self, id: u64, pos: [i64; 2], size: [i64; 2]) -> &mut Sheet {
        let order = self.nodes().len();
        self.nodes_mut().push(json!({
            "id": id, "type": "Note", "pos": pos, "size": size, "flags": {}, "order": order,
            "mode": 0, "inputs": [], "outputs": [], "properties": {},
            "widgets_values": [format!("note {id}")],
        }));
        let last = self.0["last_node_id"].as_u64().unwrap_or(0).max(id);
        self.0["last_node_id"] = json!(last);
        self
    }

    /// The box of the group.
    pub(super) fn group(&self) -> Option<[f64; 4]> {
        let bounding = self.0["groups"][0]["bounding"].as_array()?;
        let numbers: Vec<f64> = bounding.iter().filter_map(Value::as_f64).collect();
        numbers.try_into().ok()
    }

    pub(super) fn set_group(&mut self, bounding: [i64; 4]) -> &mut Sheet {
        self.0["groups"][0]["bounding"] = json!(bounding);
        self
    }

    /// Drags the group, and with it the nodes that lie in it, as ComfyUI does.
    pub(super) fn drag_group(&mut self, by: [i64; 2]) -> &mut Sheet {
        let Some([x, y, width, height]) = self.group() else { return self };
        for (id, [node_x, node_y]) in self.places() {
            if node_x >= x && node_y >= y && node_x < x + width && node_y < y + height {
                self.put(id, [node_x as i64 + by[0], node_y as i64 + by[1]]);
            }
        }
        self.set_group([x as i64 + by[0], y as i64 + by[1], width as i64, height as i64])
    }

    /// Opens the file in the other renderer and saves it: every length times 1.2 in "Vue".
    pub(super) fn opened_in_vue(&self) -> Sheet {
        let mut sheet = self.clone();
        let grown = |value: &Value| -> Value {
            let numbers = value.as_array().map_or(&[][..], Vec::as_slice);
            numbers.iter().map(|n| json!(n.as_f64().unwrap_or(0.0) * 1.2)).collect()
        };
        for node in sheet.nodes_mut() {
            for key in ["pos", "size"] {
                node[key] = grown(&node[key]);
            }
        }
        sheet.0["groups"][0]["bounding"] = grown(&sheet.0["groups"][0]["bounding"]);
        sheet.0["extra"]["workflowRendererVersion"] = json!("Vue");
        sheet
    }

    /// As an older frontend saves it, which does not say what renderer it has.
    pub(super) fn forget_renderer(&mut self) -> &mut Sheet {
        if let Some(extra) = self.0["extra"].as_object_mut() {
            extra.shift_remove("workflowRendererVersion");
        }
        self
    }

    /// The places in the frame of the older renderer, whichever wrote the file.
    pub(super) fn places_in_one_frame(&self) -> BTreeMap<u64, [f64; 2]> {
        let vue = self.0["extra"]["workflowRendererVersion"] == json!("Vue");
        let scale = if vue { 1.2 } else { 1.0 };
        self.places().into_iter().map(|(id, [x, y])| (id, [x / scale, y / scale])).collect()
    }

    /// What the file says beside its looks: of each node its class, title and values.
    pub(super) fn meaning(&self) -> BTreeMap<u64, String> {
        let of = |node: &Value| {
            let values = node.get("widgets_values").cloned().unwrap_or(Value::Null);
            format!("{} {} {values}", node["type"], node.get("title").unwrap_or(&Value::Null))
        };
        let id = |node: &Value| node["id"].as_u64();
        self.nodes().iter().filter_map(|node| Some((id(node)?, of(node)))).collect()
    }

    /// One line about where everything lies, for failures.
    pub(super) fn told(&self) -> String {
        let mut told = String::new();
        for (id, [x, y]) in self.places() {
            let _ = write!(told, "{id}:{x},{y} ");
        }
        let _ = write!(told, "group:{:?}", self.group());
        told
    }
}

fn pair(value: &Value) -> Option<[f64; 2]> {
    let number = |at: usize| match value {
        Value::Object(both) => both.get(&at.to_string()).and_then(Value::as_f64),
        both => both.get(at).and_then(Value::as_f64),
    };
    Some([number(0)?, number(1)?])
}

fn node(id: u64, order: usize, wires: &[&Wire]) -> Value {
    let kind = KINDS.iter().find(|kind| kind.id == id).unwrap();
    let link_to = |slot: usize| wires.iter().find(|w| w.3 == id && w.4 == slot as u64).map(|w| w.0);
    let links_from = |slot: usize| -> Vec<u64> {
        wires.iter().filter(|w| w.1 == id && w.2 == slot as u64).map(|w| w.0).collect()
    };
    let inputs = kind.inputs.iter().enumerate();
    let inputs: Vec<Value> = inputs
        .map(|(slot, (name, kind))| {
            json!({"localized_name": name, "name": name, "type": kind, "link": link_to(slot)})
        })
        .collect();
    let outputs = kind.outputs.iter().enumerate();
    let outputs: Vec<Value> = outputs
        .map(|(slot, kind)| json!({"name": kind, "type": kind, "links": links_from(slot)}))
        .collect();
    let widgets: Value = serde_json::from_str(kind.widgets).unwrap();
    json!({
        "id": id, "type": kind.class, "pos": kind.pos, "size": kind.size, "flags": {},
        "order": order, "mode": 0, "inputs": inputs, "outputs": outputs,
        "properties": {"Node name for S&R": kind.class}, "widgets_values": widgets,
    })
}
