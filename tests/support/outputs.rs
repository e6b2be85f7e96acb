//! Pictures as ComfyUI writes them, and what its server says of them. All made up here.

use serde_json::{Value, json};

/// A prompt with a seed, as the server ran it.
pub(crate) fn prompt(seed: u64, text: &str) -> Value {
    json!({
        "3": {"class_type": "KSampler", "inputs": {"seed": seed, "steps": 20, "cfg": 8.0,
            "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0, "model": ["4", 0],
            "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
    })
}

/// A node of a canvas.
pub(crate) fn node(id: u32, class: &str, inputs: Value, outputs: Value, values: Value) -> Value {
    json!({"id": id, "type": class, "pos": [id * 100, 40.5], "size": [200, 100], "flags": {},
        "order": id, "mode": 0, "inputs": inputs, "outputs": outputs, "properties": {},
        "widgets_values": values})
}

/// An input of a node.
pub(crate) fn slot(name: &str, kind: &str, link: u32) -> Value {
    json!({"name": name, "type": kind, "link": link})
}

/// An output of a node.
pub(crate) fn out(kind: &str, links: &[u32]) -> Value {
    json!({"name": kind, "type": kind, "links": links})
}

/// The canvas of that prompt. The seed is rolled after each run.
pub(crate) fn canvas(seed: u64, text: &str) -> Value {
    json!({
        "id": "8e8b1c1e-0000-4000-8000-000000000001", "revision": 0,
        "last_node_id": 9, "last_link_id": 9,
        "nodes": [
            node(4, "CheckpointLoaderSimple", json!([]), json!([out("MODEL", &[1]), out("CLIP", &[2, 3]), out("VAE", &[8])]), json!(["sd15.safetensors"])),
            node(5, "EmptyLatentImage", json!([]), json!([out("LATENT", &[6])]), json!([64, 64, 1])),
            node(6, "CLIPTextEncode", json!([slot("clip", "CLIP", 2)]), json!([out("CONDITIONING", &[4])]), json!([text])),
            node(7, "CLIPTextEncode", json!([slot("clip", "CLIP", 3)]), json!([out("CONDITIONING", &[5])]), json!(["blurry"])),
            node(3, "KSampler", json!([slot("model", "MODEL", 1), slot("positive", "CONDITIONING", 4), slot("negative", "CONDITIONING", 5), slot("latent_image", "LATENT", 6)]), json!([out("LATENT", &[7])]), json!([seed, "randomize", 20, 8, "euler", "normal", 1])),
            node(8, "VAEDecode", json!([slot("samples", "LATENT", 7), slot("vae", "VAE", 8)]), json!([out("IMAGE", &[9])]), json!([])),
            node(9, "SaveImage", json!([slot("images", "IMAGE", 9)]), json!([]), json!(["ComfyUI"])),
        ],
        "links": [[1, 4, 0, 3, 0, "MODEL"], [2, 4, 1, 6, 0, "CLIP"], [3, 4, 1, 7, 0, "CLIP"],
            [4, 6, 0, 3, 1, "CONDITIONING"], [5, 7, 0, 3, 2, "CONDITIONING"], [6, 5, 0, 3, 3, "LATENT"],
            [7, 3, 0, 8, 0, "LATENT"], [8, 4, 2, 8, 1, "VAE"], [9, 8, 0, 9, 0, "IMAGE"]],
        "groups": [], "config": {}, "extra": {}, "version": 0.4,
    })
}

/// The history entry of a run that saved these files.
pub(crate) fn entry(id: &str, at: u64, seed: u64, text: &str, files: &[&str]) -> Value {
    let files: Vec<Value> = files
        .iter()
        .map(|file| json!({"filename": file, "subfolder": "", "type": "output"}))
        .collect();
    json!({
        "prompt": [1, id, prompt(seed, text),
            {"create_time": at, "extra_pnginfo": {"workflow": canvas(seed, text)}}, ["9"]],
        "outputs": {"9": {"images": files}},
        "status": {"status_str": "success", "completed": true, "messages": [
            ["execution_start", {"prompt_id": id, "timestamp": at}],
            ["execution_cached", {"nodes": [], "prompt_id": id, "timestamp": at + 1}],
            ["execution_success", {"prompt_id": id, "timestamp": at + 900}]]},
        "meta": {}
    })
}

/// A picture that a seed gives, at any size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Picture {
    pub(crate) seed: u64,
    pub(crate) side: u32,
}

impl Picture {
    fn pixels(self) -> Vec<u8> {
        let waves: Vec<[f64; 4]> = (0..6)
            .map(|n| {
                let mut state =
                    self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(n * 77 + 1);
                std::array::from_fn(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    (state >> 40) as f64 / f64::from(1 << 24)
                })
            })
            .collect();
        let side = self.side;
        let level = |x: u32, y: u32, shift: f64| {
            let (x, y) =
                ((f64::from(x) + 0.5) / f64::from(side), (f64::from(y) + 0.5) / f64::from(side));
            let sum: f64 = waves
                .iter()
                .map(|[a, b, c, d]| ((x * a * 30.0) + (y * b * 30.0) + c * 6.0 + shift).sin() * d)
                .sum();
            (128.0 + sum * 30.0).clamp(0.0, 255.0) as u8
        };
        (0..side)
            .flat_map(|y| (0..side).map(move |x| (x, y)))
            .flat_map(|(x, y)| [level(x, y, 0.0), level(x, y, 0.4), level(x, y, 0.8)])
            .collect()
    }

    /// A PNG with texts in it.
    pub(crate) fn png(self, texts: &[(&str, String)]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.side, self.side);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        for (keyword, text) in texts {
            encoder.add_text_chunk((*keyword).to_owned(), text.clone()).unwrap();
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&self.pixels()).unwrap();
        writer.finish().unwrap();
        out
    }

    /// The PNG that ComfyUI saves.
    pub(crate) fn saved(self, text: &str) -> Vec<u8> {
        self.png(&[
            ("prompt", prompt(self.seed, text).to_string()),
            ("workflow", canvas(self.seed, text).to_string()),
        ])
    }

    /// A JPEG without anything in it.
    pub(crate) fn jpeg(self) -> Vec<u8> {
        let mut out = Vec::new();
        let side = self.side as u16;
        let encoder = jpeg_encoder::Encoder::new(&mut out, 70);
        encoder.encode(&self.pixels(), side, side, jpeg_encoder::ColorType::Rgb).unwrap();
        out
    }
}
