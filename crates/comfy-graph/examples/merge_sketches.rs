//! How the inputs under `fixtures/merge` were made: each case as a few strokes on a canvas.
//! `cargo run -p comfy-graph --example merge_sketches` writes those that are missing; the
//! folders, not this file, are what the tests hold the program to.

#![allow(clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;

use comfy_graph::graph::NodeMode;
use comfy_graph::json::{Value, parse_text};

use support::canvas::Canvas;
use support::fixtures::spread;

const UUID: &str = "11111111-2222-4333-8444-555555555555";

type Stroke = fn(&mut Canvas);

/// A case: what there was, what each side did.
struct Sketch {
    name: &'static str,
    base: fn() -> Canvas,
    ours: Stroke,
    theirs: Stroke,
}

fn nothing(_: &mut Canvas) {}

fn flow() -> Canvas {
    Canvas::txt2img()
}

/// The sampler and the prompts in a subgraph that shows the positive prompt and the seed.
fn packed() -> Canvas {
    let mut canvas = Canvas::txt2img();
    canvas.pack(&[3, 6, 7], 10, UUID, "Sample", &[(6, "text"), (3, "seed")]);
    canvas
}

/// The same, showing nothing.
fn packed_plain() -> Canvas {
    let mut canvas = Canvas::txt2img();
    canvas.pack(&[3, 6, 7], 10, UUID, "Sample", &[]);
    canvas
}

/// A node of a pack, as a frontend saves it that names values.
fn pack_node(values: &str, named: &str) -> Canvas {
    let mut canvas = Canvas::txt2img();
    canvas.add_raw(&format!(
        r#"{{"id":20,"type":"DetailPlus","mode":0,"inputs":[{{"name":"image","type":"IMAGE","link":null}}],"outputs":[{{"name":"IMAGE","type":"IMAGE","links":[]}}],"properties":{{"cnr_id":"detail-plus","ver":"1.0.0"}},"widgets_values":{values},"widgets_values_named":{named}}}"#
    ));
    canvas
}

fn detail() -> Canvas {
    pack_node(r#"[0.5,"soft",8]"#, r#"{"strength":0.5,"style":"soft","steps":8}"#)
}

fn grouped() -> Canvas {
    let mut canvas = flow();
    canvas.group(1, "Prompts");
    canvas
}

fn noted() -> Canvas {
    let mut canvas = flow();
    canvas.add_raw(
        r#"{"id":20,"type":"Note","mode":0,"inputs":[],"outputs":[],"properties":{},"widgets_values":["Use 20 steps for drafts and 40 for finals. Ask before touching the seed."]}"#,
    );
    canvas
}

/// The note, twice, in place of the one that there was.
fn copy_note_twice(canvas: &mut Canvas) {
    canvas.remove(20);
    for id in [21, 22] {
        canvas.add_raw(&format!(
            r#"{{"id":{id},"type":"Note","mode":0,"inputs":[],"outputs":[],"properties":{{}},"widgets_values":["Use 20 steps for drafts and 40 for finals. Ask before touching the seed."]}}"#
        ));
    }
}

/// A graph with a spare loader, so that wires can go elsewhere.
fn spare() -> Canvas {
    let mut canvas = flow();
    canvas.add(10, "CheckpointLoaderSimple").add(11, "CheckpointLoaderSimple");
    canvas.set(10, "ckpt_name", r#""ten.safetensors""#).set(
        11,
        "ckpt_name",
        r#""eleven.safetensors""#,
    );
    canvas
}

fn lora(canvas: &mut Canvas, name: &str) {
    canvas.add(10, "LoraLoaderModelOnly").set(10, "lora_name", name);
    canvas.insert(10, "model", 0, 3, "model");
}

const SKETCHES: &[Sketch] = &[
    // ------------------------------------------------------------ values
    Sketch { name: "nothing-changed", base: flow, ours: nothing, theirs: nothing },
    Sketch {
        name: "only-theirs-changes-a-value",
        base: flow,
        ours: nothing,
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    Sketch {
        name: "both-make-the-same-change",
        base: flow,
        ours: |c| {
            c.set(3, "cfg", "5.5");
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    Sketch {
        name: "each-tunes-another-value-of-one-node",
        base: flow,
        ours: |c| {
            c.set(3, "cfg", "5.5");
        },
        theirs: |c| {
            c.set(3, "steps", "40");
        },
    },
    Sketch {
        name: "both-tune-one-value",
        base: flow,
        ours: |c| {
            c.set(3, "cfg", "5.5");
        },
        theirs: |c| {
            c.set(3, "cfg", "9");
        },
    },
    Sketch {
        name: "a-respelled-number-is-no-change",
        base: flow,
        ours: |c| {
            c.set(3, "cfg", "8.0");
        },
        theirs: |c| {
            c.set(3, "cfg", "9");
        },
    },
    Sketch {
        name: "both-re-roll-the-seed",
        base: flow,
        ours: |c| {
            c.set(3, "seed", "111");
        },
        theirs: |c| {
            c.set(3, "seed", "222");
        },
    },
    Sketch {
        name: "one-fixes-the-seed-the-other-re-rolls-it",
        base: flow,
        ours: |c| {
            c.set(3, "seed", "111");
        },
        theirs: |c| {
            c.set(3, "seed", "222").set(3, "control_after_generate", r#""fixed""#);
        },
    },
    Sketch {
        name: "both-fix-another-seed",
        base: flow,
        ours: |c| {
            c.set(3, "seed", "111").set(3, "control_after_generate", r#""fixed""#);
        },
        theirs: |c| {
            c.set(3, "seed", "222").set(3, "control_after_generate", r#""fixed""#);
        },
    },
    Sketch {
        name: "both-edit-one-prompt-in-different-phrases",
        base: flow,
        ours: |c| {
            c.set(
                6,
                "text",
                r#""beautiful winter scenery nature glass bottle landscape, purple galaxy bottle""#,
            );
        },
        theirs: |c| {
            c.set(
                6,
                "text",
                r#""beautiful scenery nature glass bottle landscape, golden galaxy bottle""#,
            );
        },
    },
    Sketch {
        name: "both-change-the-same-word-of-a-prompt",
        base: flow,
        ours: |c| {
            c.set(
                6,
                "text",
                r#""beautiful scenery nature glass bottle landscape, golden galaxy bottle""#,
            );
        },
        theirs: |c| {
            c.set(
                6,
                "text",
                r#""beautiful scenery nature glass bottle landscape, green galaxy bottle""#,
            );
        },
    },
    Sketch {
        name: "both-append-to-a-prompt",
        base: flow,
        ours: |c| {
            c.set(7, "text", r#""text, watermark, blurry""#);
        },
        theirs: |c| {
            c.set(7, "text", r#""text, watermark, extra fingers""#);
        },
    },
    Sketch {
        name: "one-adds-before-the-other-after-a-prompt",
        base: flow,
        ours: |c| {
            c.set(7, "text", r#""blurry, text, watermark""#);
        },
        theirs: |c| {
            c.set(7, "text", r#""text, watermark, extra fingers""#);
        },
    },
    Sketch {
        name: "one-rewrites-a-prompt-the-other-adds-a-word",
        base: flow,
        ours: |c| {
            c.set(6, "text", r#""a harbour at night""#);
        },
        theirs: |c| {
            c.set(
                6,
                "text",
                r#""beautiful winter scenery nature glass bottle landscape, purple galaxy bottle""#,
            );
        },
    },
    Sketch {
        name: "both-edit-a-note",
        base: noted,
        ours: |c| {
            c.key_of(
                20,
                "widgets_values",
                r#"["Use 25 steps for drafts and 40 for finals. Ask before touching the seed."]"#,
            );
        },
        theirs: |c| {
            c.key_of(
                20,
                "widgets_values",
                r#"["Use 20 steps for drafts and 40 for finals. Never touch the seed."]"#,
            );
        },
    },
    Sketch {
        name: "one-updates-a-node-pack-so-the-values-shift",
        base: detail,
        ours: |c| {
            *c = pack_node(
                r#"["auto",0.5,"soft",8]"#,
                r#"{"mode":"auto","strength":0.5,"style":"soft","steps":8}"#,
            );
            c.property(20, "ver", r#""2.0.0""#);
        },
        theirs: |c| {
            c.set(20, "steps", "12");
        },
    },
    Sketch {
        name: "one-updates-a-node-pack-so-a-value-goes",
        base: detail,
        ours: |c| {
            *c = pack_node(r#"[0.5,8]"#, r#"{"strength":0.5,"steps":8}"#);
        },
        theirs: |c| {
            c.set(20, "steps", "12");
        },
    },
    Sketch {
        name: "a-value-goes-that-the-other-tunes",
        base: detail,
        ours: |c| {
            *c = pack_node(r#"[0.5,8]"#, r#"{"strength":0.5,"steps":8}"#);
        },
        theirs: |c| {
            c.set(20, "style", r#""hard""#);
        },
    },
    Sketch {
        name: "a-newer-frontend-names-values-the-other-tunes-one",
        base: flow,
        ours: |c| {
            c.name_values();
        },
        theirs: |c| {
            c.set(3, "steps", "40");
        },
    },
    Sketch {
        name: "one-feeds-a-value-by-a-wire-the-other-sets-it",
        base: flow,
        ours: |c| {
            c.add(10, "PrimitiveFloat").wire(10, 0, 3, "cfg");
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    // ------------------------------------------------------------ nodes
    Sketch {
        name: "both-append-a-node-under-the-same-id",
        base: flow,
        ours: |c| {
            c.add(10, "VAELoader");
        },
        theirs: |c| {
            c.add(10, "LoraLoader");
        },
    },
    Sketch {
        name: "both-append-the-same-node",
        base: flow,
        ours: |c| {
            c.add(10, "VAELoader");
        },
        theirs: |c| {
            c.add(10, "VAELoader");
        },
    },
    Sketch {
        name: "both-append-a-chain-under-the-same-ids",
        base: flow,
        ours: |c| {
            c.add(10, "VAEEncode")
                .add(11, "VAEDecode")
                .wire(8, 0, 10, "pixels")
                .wire(4, 2, 10, "vae")
                .wire(10, 0, 11, "samples");
        },
        theirs: |c| {
            c.add(10, "ImageScale")
                .add(11, "SaveImage")
                .wire(8, 0, 10, "image")
                .wire(10, 0, 11, "images");
        },
    },
    Sketch {
        name: "both-insert-a-lora-into-the-same-wire",
        base: flow,
        ours: |c| lora(c, r#""grain.safetensors""#),
        theirs: |c| lora(c, r#""detail.safetensors""#),
    },
    Sketch {
        name: "both-insert-the-same-lora-into-the-same-wire",
        base: flow,
        ours: |c| lora(c, r#""grain.safetensors""#),
        theirs: |c| lora(c, r#""grain.safetensors""#),
    },
    Sketch {
        name: "each-inserts-a-node-into-another-wire",
        base: flow,
        ours: |c| lora(c, r#""grain.safetensors""#),
        theirs: |c| {
            c.add(10, "ImageScale").insert(10, "image", 0, 9, "images");
        },
    },
    Sketch {
        name: "both-delete-the-same-node",
        base: noted,
        ours: |c| {
            c.remove(20);
        },
        theirs: |c| {
            c.remove(20);
        },
    },
    Sketch {
        name: "one-deletes-a-node-that-nobody-touched",
        base: spare,
        ours: |c| {
            c.remove(10);
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    Sketch {
        name: "one-deletes-what-the-other-tunes",
        base: spare,
        ours: |c| {
            c.remove(10);
        },
        theirs: |c| {
            c.set(10, "ckpt_name", r#""better.safetensors""#);
        },
    },
    Sketch {
        name: "one-deletes-what-the-other-rewires",
        base: flow,
        ours: |c| {
            c.remove(8).remove(9);
        },
        theirs: |c| {
            c.add(10, "VAELoader").wire(10, 0, 8, "vae");
        },
    },
    Sketch {
        name: "one-deletes-what-the-other-newly-uses",
        base: spare,
        ours: |c| {
            c.remove(10);
        },
        theirs: |c| {
            c.wire(10, 0, 3, "model");
        },
    },
    Sketch {
        name: "one-deletes-what-the-other-only-recoloured",
        base: spare,
        ours: |c| {
            c.remove(10);
        },
        theirs: |c| {
            c.key_of(10, "color", r##""#232""##);
        },
    },
    Sketch {
        name: "one-deletes-what-the-other-only-dragged",
        base: spare,
        ours: |c| {
            c.remove(10);
        },
        theirs: |c| {
            c.key_of(10, "pos", "[500,500]");
        },
    },
    Sketch {
        name: "one-deletes-a-sampler-whose-seed-the-other-re-rolled",
        base: || {
            let mut c = flow();
            c.add(10, "KSampler").set(10, "control_after_generate", r#""randomize""#);
            c
        },
        ours: |c| {
            c.remove(10);
        },
        theirs: |c| {
            c.set(10, "seed", "999");
        },
    },
    Sketch {
        name: "one-replaces-a-node-by-another-class",
        base: flow,
        ours: |c| {
            c.remove(8)
                .add(8, "VAEDecodeTiled")
                .wire(3, 0, 8, "samples")
                .wire(4, 2, 8, "vae")
                .wire(8, 0, 9, "images");
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    Sketch {
        name: "one-replaces-a-node-that-the-other-tunes",
        base: flow,
        ours: |c| {
            c.remove(9).add(9, "PreviewImage").wire(8, 0, 9, "images");
        },
        theirs: |c| {
            c.set(9, "filename_prefix", r#""final""#);
        },
    },
    Sketch {
        name: "both-retitle-a-node",
        base: flow,
        ours: |c| {
            c.title(6, "Prompt");
        },
        theirs: |c| {
            c.title(6, "Subject");
        },
    },
    Sketch {
        name: "one-retitles-what-the-other-tunes",
        base: flow,
        ours: |c| {
            c.title(3, "Base pass");
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    Sketch {
        name: "one-bypasses-what-the-other-tunes",
        base: flow,
        ours: |c| {
            c.mode(3, NodeMode::from_number(4));
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    Sketch {
        name: "one-mutes-what-the-other-bypasses",
        base: flow,
        ours: |c| {
            c.mode(3, NodeMode::from_number(2));
        },
        theirs: |c| {
            c.mode(3, NodeMode::from_number(4));
        },
    },
    Sketch {
        name: "both-recolour-a-node",
        base: flow,
        ours: |c| {
            c.key_of(3, "color", r##""#232""##);
        },
        theirs: |c| {
            c.key_of(3, "color", r##""#323""##);
        },
    },
    Sketch {
        name: "both-drag-the-same-node",
        base: flow,
        ours: |c| {
            c.key_of(3, "pos", "[1,2]");
        },
        theirs: |c| {
            c.key_of(3, "pos", "[9,9]").set(3, "cfg", "5.5");
        },
    },
    Sketch {
        name: "model-lists-of-both-are-joined",
        base: || {
            let mut c = flow();
            c.property(4, "models", r#"[{"name":"a.safetensors","url":"https://example.com/a","directory":"checkpoints"}]"#);
            c
        },
        ours: |c| {
            c.property(4, "models", r#"[{"name":"a.safetensors","url":"https://example.com/a","directory":"checkpoints"},{"name":"b.safetensors","url":"https://example.com/b","directory":"vae"}]"#);
        },
        theirs: |c| {
            c.property(4, "models", r#"[{"name":"a.safetensors","url":"https://example.com/a","directory":"checkpoints"},{"name":"c.safetensors","url":"https://example.com/c","directory":"loras"}]"#);
        },
    },
    Sketch {
        name: "both-update-a-node-pack-to-another-version",
        base: detail,
        ours: |c| {
            c.property(20, "ver", r#""1.1.0""#);
        },
        theirs: |c| {
            c.property(20, "ver", r#""1.2.0""#);
        },
    },
    Sketch {
        name: "keys-that-nobody-knows-survive",
        base: flow,
        ours: |c| {
            c.key_of(3, "x_studio", r#"{"shot":12}"#);
        },
        theirs: |c| {
            c.key_of(3, "x_render", "true").property(3, "note", r#""ask Mia""#);
        },
    },
    // ------------------------------------------------------------ wires
    Sketch {
        name: "both-rewire-one-input-to-different-nodes",
        base: spare,
        ours: |c| {
            c.wire(10, 0, 3, "model");
        },
        theirs: |c| {
            c.wire(11, 0, 3, "model");
        },
    },
    Sketch {
        name: "both-rewire-one-input-to-the-same-node",
        base: spare,
        ours: |c| {
            c.wire(10, 0, 3, "model");
        },
        theirs: |c| {
            c.wire(10, 0, 3, "model");
        },
    },
    Sketch {
        name: "one-cuts-a-wire-the-other-rewires-it",
        base: spare,
        ours: |c| {
            c.cut(3, "model");
        },
        theirs: |c| {
            c.wire(11, 0, 3, "model");
        },
    },
    Sketch {
        name: "one-cuts-the-wire-of-a-node-the-other-deletes",
        base: flow,
        ours: |c| {
            c.cut(9, "images");
        },
        theirs: |c| {
            c.remove(9);
        },
    },
    Sketch {
        name: "both-add-links-under-the-same-link-id",
        base: || {
            let mut c = spare();
            c.add(12, "LoraLoader").add(13, "LoraLoader");
            c
        },
        ours: |c| {
            c.wire_as(10, 10, 0, 12, "model");
        },
        theirs: |c| {
            c.wire_as(10, 11, 1, 13, "clip");
        },
    },
    Sketch {
        name: "one-rewires-what-the-other-tunes",
        base: spare,
        ours: |c| {
            c.wire(10, 0, 3, "model");
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    Sketch {
        name: "one-adds-a-reroute-point-the-other-tunes",
        base: flow,
        ours: |c| {
            c.extra("reroutes", r#"[{"id":1,"pos":[400,200],"linkIds":[1]}]"#)
                .extra("linkExtensions", r#"[{"id":1,"parentId":1}]"#);
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    Sketch {
        name: "both-add-a-reroute-point-under-the-same-id",
        base: flow,
        ours: |c| {
            c.extra("reroutes", r#"[{"id":1,"pos":[400,200],"linkIds":[1]}]"#)
                .extra("linkExtensions", r#"[{"id":1,"parentId":1}]"#);
        },
        theirs: |c| {
            c.extra("reroutes", r#"[{"id":1,"pos":[900,200],"linkIds":[7]}]"#)
                .extra("linkExtensions", r#"[{"id":7,"parentId":1}]"#);
        },
    },
    Sketch {
        name: "one-adds-a-reroute-node-the-other-tunes",
        base: flow,
        ours: |c| {
            c.add_raw(r#"{"id":10,"type":"Reroute","mode":0,"inputs":[{"name":"","type":"*","link":null}],"outputs":[{"name":"","type":"*","links":[]}],"properties":{}}"#);
            c.insert(10, "", 0, 3, "model");
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    // ------------------------------------------------------------ groups, extras
    Sketch {
        name: "both-rename-a-group",
        base: grouped,
        ours: |c| {
            c.graph_mut().groups.clear();
            c.group(1, "Words");
        },
        theirs: |c| {
            c.graph_mut().groups.clear();
            c.group(1, "Text");
        },
    },
    Sketch {
        name: "one-renames-a-group-the-other-tunes",
        base: grouped,
        ours: |c| {
            c.graph_mut().groups.clear();
            c.group(1, "Words");
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5");
        },
    },
    Sketch {
        name: "both-add-a-group-under-the-same-id",
        base: flow,
        ours: |c| {
            c.group(1, "Sampling");
        },
        theirs: |c| {
            c.group(1, "Output");
        },
    },
    Sketch {
        name: "one-removes-a-group-the-other-renames-it",
        base: grouped,
        ours: |c| {
            c.graph_mut().groups.clear();
        },
        theirs: |c| {
            c.graph_mut().groups.clear();
            c.group(1, "Words");
        },
    },
    Sketch {
        name: "app-mode-inputs-follow-a-renumbered-node",
        base: flow,
        ours: |c| {
            c.add(10, "VAELoader");
        },
        theirs: |c| {
            c.add(10, "ImageScale").insert(10, "image", 0, 9, "images");
            c.extra("linearData", r#"{"inputs":[["10","width"]],"outputs":["9"]}"#)
                .extra("linearMode", "true");
        },
    },
    Sketch {
        name: "favourites-follow-a-renumbered-node",
        base: flow,
        ours: |c| {
            c.add(10, "VAELoader");
        },
        theirs: |c| {
            c.add(10, "LoraLoader").extra(
                "favoritedWidgets",
                r#"{"favorites":[{"nodeLocatorId":"10","widgetName":"lora_name"}]}"#,
            );
        },
    },
    Sketch {
        name: "both-put-app-mode-inputs-together",
        base: || {
            let mut c = flow();
            c.extra("linearData", r#"{"inputs":[["6","text"]],"outputs":["9"]}"#);
            c
        },
        ours: |c| {
            c.extra("linearData", r#"{"inputs":[["6","text"],["3","seed"]],"outputs":["9"]}"#);
        },
        theirs: |c| {
            c.extra("linearData", r#"{"inputs":[["6","text"],["5","width"]],"outputs":["9"]}"#);
        },
    },
    Sketch {
        name: "each-adds-a-key-to-extra",
        base: flow,
        ours: |c| {
            c.extra("studio", r#"{"shot":12}"#);
        },
        theirs: |c| {
            c.extra("render", r#"{"farm":true}"#);
        },
    },
    Sketch {
        name: "both-change-a-key-of-extra",
        base: || {
            let mut c = flow();
            c.extra("studio", r#"{"shot":12}"#);
            c
        },
        ours: |c| {
            c.extra("studio", r#"{"shot":13}"#);
        },
        theirs: |c| {
            c.extra("studio", r#"{"shot":14}"#);
        },
    },
    // ------------------------------------------------------------ subgraphs
    Sketch {
        name: "one-converts-nodes-into-a-subgraph-the-other-edits-them",
        base: flow,
        ours: |c| {
            *c = packed_plain();
        },
        theirs: |c| {
            c.set(3, "cfg", "5.5").set(6, "text", r#""a harbour""#);
        },
    },
    Sketch {
        name: "one-converts-nodes-into-a-subgraph-the-other-edits-a-shown-value",
        base: flow,
        ours: |c| {
            *c = packed();
        },
        theirs: |c| {
            c.set(6, "text", r#""a harbour""#);
        },
    },
    Sketch {
        name: "one-converts-nodes-into-a-subgraph-the-other-wires-into-them",
        base: flow,
        ours: |c| {
            *c = packed_plain();
        },
        theirs: |c| lora(c, r#""grain.safetensors""#),
    },
    Sketch {
        name: "one-unpacks-a-subgraph-the-other-edits-inside",
        base: packed_plain,
        ours: |c| {
            *c = flow();
        },
        theirs: |c| {
            c.within(Some(UUID)).set(3, "cfg", "5.5").within(None);
        },
    },
    Sketch {
        name: "each-edits-another-node-inside-a-subgraph",
        base: packed_plain,
        ours: |c| {
            c.within(Some(UUID)).set(3, "cfg", "5.5").within(None);
        },
        theirs: |c| {
            c.within(Some(UUID)).set(7, "text", r#""blurry""#).within(None);
        },
    },
    Sketch {
        name: "both-tune-one-value-inside-a-subgraph",
        base: packed_plain,
        ours: |c| {
            c.within(Some(UUID)).set(3, "cfg", "5.5").within(None);
        },
        theirs: |c| {
            c.within(Some(UUID)).set(3, "cfg", "9").within(None);
        },
    },
    Sketch {
        name: "both-append-a-node-inside-a-subgraph",
        base: packed_plain,
        ours: |c| {
            c.within(Some(UUID)).add(20, "VAELoader").within(None);
        },
        theirs: |c| {
            c.within(Some(UUID)).add(20, "LoraLoader").within(None);
        },
    },
    Sketch {
        name: "one-appends-inside-a-subgraph-the-other-outside-under-the-same-id",
        base: packed_plain,
        ours: |c| {
            c.within(Some(UUID)).add(20, "VAELoader").within(None);
        },
        theirs: |c| {
            c.add(20, "LoraLoader");
        },
    },
    Sketch {
        name: "one-deletes-a-subgraph-the-other-edits-inside",
        base: packed_plain,
        ours: |c| {
            c.remove(10);
            c.workflow.definitions.clear();
        },
        theirs: |c| {
            c.within(Some(UUID)).set(3, "cfg", "5.5").within(None);
        },
    },
    Sketch {
        name: "both-set-a-shown-value-of-a-subgraph",
        base: packed,
        ours: |c| {
            c.set(10, "text", r#""a harbour""#);
        },
        theirs: |c| {
            c.set(10, "text", r#""a desert""#);
        },
    },
    Sketch {
        name: "both-re-roll-a-shown-seed-of-a-subgraph",
        base: packed,
        ours: |c| {
            c.set(10, "seed", "111");
        },
        theirs: |c| {
            c.set(10, "seed", "222");
        },
    },
    Sketch {
        name: "one-copies-a-node-twice-and-deletes-it-the-other-tunes-it",
        base: noted,
        ours: copy_note_twice,
        theirs: |c| {
            c.set(20, "text", r#""Use 30 steps.""#);
        },
    },
    Sketch {
        name: "proxied-widgets-follow-a-renumbered-node",
        base: || {
            let mut c = packed_plain();
            c.property(10, "proxyWidgets", r#"[["3","cfg"]]"#);
            c
        },
        ours: |c| {
            c.add(20, "VAELoader");
        },
        theirs: |c| {
            c.within(Some(UUID)).add(20, "KSampler").within(None);
            c.property(10, "proxyWidgets", r#"[["3","cfg"],["20","steps"]]"#);
        },
    },
    Sketch {
        name: "both-convert-the-same-nodes-into-one-subgraph",
        base: flow,
        ours: |c| {
            *c = packed_plain();
        },
        theirs: |c| {
            *c = packed_plain();
            c.within(Some(UUID)).set(3, "steps", "40").within(None);
        },
    },
    Sketch {
        name: "one-renames-a-subgraph-the-other-edits-inside",
        base: packed_plain,
        ours: |c| {
            c.workflow.definitions.values_mut().for_each(|d| {
                d.graph.rest.insert("name", "Render");
            });
        },
        theirs: |c| {
            c.within(Some(UUID)).set(3, "cfg", "5.5").within(None);
        },
    },
];

/// Cases in other formats: name, base, ours, theirs.
const TEXTS: &[(&str, Option<&str>, &str, &str)] = &[
    (
        "each-tunes-a-prompt-in-api-format",
        Some(API),
        r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"steps":30,"cfg":8,"model":["4",0]},"_meta":{"title":"KSampler"}},"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}}}"#,
        r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"steps":20,"cfg":5.5,"model":["4",0]},"_meta":{"title":"KSampler"}},"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}}}"#,
    ),
    (
        "both-append-a-node-to-a-prompt-in-api-format",
        Some(API),
        r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"steps":20,"cfg":8,"model":["4",0]},"_meta":{"title":"KSampler"}},"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}},"5":{"class_type":"VAEDecode","inputs":{"samples":["3",0]}}}"#,
        r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"steps":20,"cfg":8,"model":["5",0]},"_meta":{"title":"KSampler"}},"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}},"5":{"class_type":"LoraLoaderModelOnly","inputs":{"model":["4",0],"lora_name":"grain"}}}"#,
    ),
    (
        "one-deletes-from-a-prompt-in-api-format-what-the-other-tunes",
        Some(API),
        r#"{"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}}}"#,
        r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"steps":40,"cfg":8,"model":["4",0]},"_meta":{"title":"KSampler"}},"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}}}"#,
    ),
    (
        "both-tune-one-value-of-a-prompt-in-api-format",
        Some(API),
        r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"steps":30,"cfg":8,"model":["4",0]},"_meta":{"title":"KSampler"}},"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}}}"#,
        r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"steps":40,"cfg":8,"model":["4",0]},"_meta":{"title":"KSampler"}},"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}}}"#,
    ),
    (
        "a-prompt-inside-a-preset-file",
        Some(
            r#"{"name":"draft","prompt":{"3":{"class_type":"KSampler","inputs":{"steps":20,"cfg":8}}}}"#,
        ),
        r#"{"name":"final","prompt":{"3":{"class_type":"KSampler","inputs":{"steps":40,"cfg":8}}}}"#,
        r#"{"name":"draft","prompt":{"3":{"class_type":"KSampler","inputs":{"steps":20,"cfg":5.5}}}}"#,
    ),
    (
        "other-json-is-merged-key-by-key",
        Some(r#"{"theme":"dark","size":{"w":1,"h":2},"list":["a","b"]}"#),
        r#"{"theme":"light","size":{"w":1,"h":2},"list":["a","b","c"]}"#,
        r#"{"theme":"dark","size":{"w":1,"h":3},"list":["a","b"],"new":true}"#,
    ),
    (
        "both-change-one-key-of-other-json",
        Some(r#"{"theme":"dark","w":1}"#),
        r#"{"theme":"light","w":1}"#,
        r#"{"theme":"blue","w":2}"#,
    ),
    (
        "one-turns-a-workflow-into-a-prompt",
        None,
        r#"{"last_node_id":1,"last_link_id":0,"nodes":[{"id":1,"type":"PreviewImage","mode":0,"inputs":[{"name":"images","type":"IMAGE","link":null}],"outputs":[],"properties":{}}],"links":[],"groups":[],"version":0.4}"#,
        r#"{"1":{"class_type":"PreviewImage","inputs":{}}}"#,
    ),
    (
        "both-add-unrelated-workflows-under-one-name",
        None,
        r#"{"last_node_id":1,"last_link_id":0,"nodes":[{"id":1,"type":"PreviewImage","mode":0,"inputs":[{"name":"images","type":"IMAGE","link":null}],"outputs":[],"properties":{}}],"links":[],"groups":[],"version":0.4}"#,
        r#"{"last_node_id":1,"last_link_id":0,"nodes":[{"id":1,"type":"VAELoader","mode":0,"inputs":[],"outputs":[{"name":"VAE","type":"VAE","links":[]}],"properties":{},"widgets_values":["a"]}],"links":[],"groups":[],"version":0.4}"#,
    ),
    (
        "both-add-states-of-one-workflow",
        None,
        r#"{"id":"5a1c0de0-0000-4000-8000-00000000c0de","last_node_id":2,"last_link_id":0,"nodes":[{"id":1,"type":"VAELoader","mode":0,"inputs":[],"outputs":[{"name":"VAE","type":"VAE","links":[]}],"properties":{},"widgets_values":["a"]},{"id":2,"type":"Note","mode":0,"inputs":[],"outputs":[],"properties":{},"widgets_values":["ours"]}],"links":[],"groups":[],"version":0.4}"#,
        r#"{"id":"5a1c0de0-0000-4000-8000-00000000c0de","last_node_id":2,"last_link_id":0,"nodes":[{"id":1,"type":"VAELoader","mode":0,"inputs":[],"outputs":[{"name":"VAE","type":"VAE","links":[]}],"properties":{},"widgets_values":["a"]},{"id":2,"type":"PreviewImage","mode":0,"inputs":[{"name":"images","type":"IMAGE","link":null}],"outputs":[],"properties":{}}],"links":[],"groups":[],"version":0.4}"#,
    ),
];

const API: &str = r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"steps":20,"cfg":8,"model":["4",0]},"_meta":{"title":"KSampler"}},"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}}}"#;

/// What a fixture can do without: sockets of widgets that nothing feeds, as ComfyUI's Export
/// drops them, and keys that say nothing.
fn slim(mut document: Value) -> Value {
    fn nodes(graph: &mut Value) {
        let list = graph.get_mut("nodes").and_then(Value::as_array_mut);
        for node in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            for key in ["flags", "order"] {
                node.remove(key);
            }
            if let Some(Value::Object(properties)) = node.get_mut("properties") {
                properties.remove("Node name for S&R");
            }
            if let Some(Value::Array(inputs)) = node.get_mut("inputs") {
                let is_bare = |input: &Value| {
                    input.get("widget").is_some() && input.get("link").is_none_or(Value::is_null)
                };
                while inputs.last().is_some_and(is_bare) {
                    inputs.pop();
                }
            }
        }
    }
    nodes(&mut document);
    let definitions = document.get_mut("definitions").and_then(|d| d.get_mut("subgraphs"));
    for definition in definitions.and_then(Value::as_array_mut).into_iter().flatten() {
        nodes(definition);
    }
    document
}

fn value(canvas: &Canvas) -> Value {
    let mut workflow = canvas.workflow.clone();
    workflow.raise_counters();
    slim(workflow.into_value())
}

fn write(name: &str, sides: [(&str, Option<Value>); 3]) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let (folder, open) =
        (fixtures.join("merge").join(name), fixtures.join("merge-open").join(name));
    if folder.exists() || open.exists() {
        return;
    }
    fs::create_dir_all(&folder).unwrap();
    for (side, document) in sides {
        if let Some(document) = document {
            fs::write(folder.join(format!("{side}.json")), spread(&document)).unwrap();
        }
    }
}

fn main() {
    for sketch in SKETCHES {
        let base = (sketch.base)();
        let (mut ours, mut theirs) = (base.clone(), base.clone());
        (sketch.ours)(&mut ours);
        (sketch.theirs)(&mut theirs);
        let sides = [
            ("base", Some(value(&base))),
            ("ours", Some(value(&ours))),
            ("theirs", Some(value(&theirs))),
        ];
        write(sketch.name, sides);
    }
    for (name, base, ours, theirs) in TEXTS {
        let read = |text: &str| parse_text(text).unwrap();
        let sides =
            [("base", base.map(read)), ("ours", Some(read(ours))), ("theirs", Some(read(theirs)))];
        write(name, sides);
    }
}
