use comfy_graph::json::parse_text;
use serde_json::json;

use super::*;

fn named(document: &serde_json::Value) -> Dependencies {
    let value = parse_text(&document.to_string()).unwrap();
    workflow_dependencies(&Workflow::from_value(value).unwrap(), &Catalog::core())
}

fn shown(named: &Dependencies) -> Vec<String> {
    let models = named.models.iter().map(|model| {
        let sites: Vec<String> = model
            .at
            .iter()
            .map(|site| {
                let scope = site.subgraph.as_ref().map_or(String::new(), |id| format!("{id}:"));
                let off = site.off.as_ref().map_or(String::new(), |off| format!(" {off}"));
                format!("{scope}{} {}.{}{off}", site.node, site.class, site.input)
            })
            .collect();
        format!("{}/{} {:?} {}", model.folder, model.name, model.by, sites.join(", "))
    });
    models.collect()
}

fn node(id: u32, class: &str, values: serde_json::Value) -> serde_json::Value {
    json!({"id": id, "type": class, "pos": [0, 0], "size": [1, 1], "flags": {}, "order": 0,
           "mode": 0, "inputs": [], "outputs": [], "properties": {}, "widgets_values": values})
}

fn workflow(nodes: serde_json::Value, links: serde_json::Value) -> serde_json::Value {
    json!({"last_node_id": 99, "last_link_id": 99, "nodes": nodes, "links": links,
           "groups": [], "config": {}, "extra": {}, "version": 0.4})
}

#[test]
fn models_are_named_by_class_prompt_and_ending() {
    let mut off = node(4, "LoraLoaderModelOnly", json!(["off.safetensors", 1.0]));
    off["mode"] = json!(4);
    let document = workflow(
        json!([
            node(1, "CheckpointLoaderSimple", json!(["sd15.safetensors"])),
            node(2, "CLIPTextEncode", json!(["a fox, (embedding:bad:1.2)"])),
            node(3, "PackLoader", json!(["thing.pth", 3, "note.txt"])),
            off,
            node(5, "VAELoader", json!(["taesd"])),
            node(6, "LoadImage", json!(["cat.png", "image"])),
            node(7, "Note", json!(["look at x.safetensors"])),
            node(8, "UNETLoader", json!(["C:\\Users\\me\\x.safetensors", "default"])),
        ]),
        json!([]),
    );
    insta::assert_debug_snapshot!(shown(&named(&document)), @r#"
    [
        "checkpoints/sd15.safetensors Catalog 1 CheckpointLoaderSimple.ckpt_name",
        "diffusion_models/<absolute>/x.safetensors Catalog 8 UNETLoader.unet_name",
        "embeddings/bad Prompt 2 CLIPTextEncode.text",
        "loras/off.safetensors Catalog 4 LoraLoaderModelOnly.lora_name bypassed",
        "unknown/thing.pth Matched 3 PackLoader.value 1",
        "vae_approx/taesd_decoder Catalog 5 VAELoader.vae_name",
        "vae_approx/taesd_encoder Catalog 5 VAELoader.vae_name",
    ]
    "#);
}

#[test]
fn classes_of_packs_carry_what_the_file_claims() {
    let mut known = node(1, "Fancy Node", json!([]));
    known["properties"] = json!({"cnr_id": "fancy-pack", "ver": "1.2.0"});
    let mut git = node(2, "Git Node", json!([]));
    git["properties"] = json!({"aux_id": "owner/repo", "ver": "0123abc"});
    let document = workflow(
        json!([
            known.clone(),
            known,
            git,
            node(3, "KSampler", json!([])),
            node(4, "workflow>Group", json!([])),
            node(5, "7b34ab90-36f9-45ba-a665-71d418f0df18", json!([])),
        ]),
        json!([]),
    );
    let classes = named(&document).classes;
    let told: Vec<_> = classes
        .iter()
        .map(|c| (c.class.as_str(), c.cnr_id.as_deref(), c.aux_id.as_deref(), c.placed_with.len()))
        .collect();
    assert_eq!(
        told,
        [("Fancy Node", Some("fancy-pack"), None, 1), ("Git Node", None, Some("owner/repo"), 1)]
    );
}

#[test]
fn claims_of_the_node_go_with_the_model() {
    let mut loader = node(1, "CheckpointLoaderSimple", json!(["a.safetensors"]));
    loader["properties"] = json!({"models": [
        {"name": "a.safetensors", "directory": "checkpoints", "hash_type": "SHA256",
         "hash": "AB".repeat(32), "url": "https://me:pw@huggingface.co/o/r/a.safetensors?download=true&token=x"},
        {"name": "b.safetensors", "directory": "vae", "url": "file:///home/me/b"},
    ]});
    let named = named(&workflow(json!([loader]), json!([])));
    assert_eq!(
        shown(&named),
        [
            "checkpoints/a.safetensors Catalog 1 CheckpointLoaderSimple.ckpt_name",
            "vae/b.safetensors Properties 1 CheckpointLoaderSimple.",
        ]
    );
    let claims = &named.models[0].claims;
    assert_eq!(claims.hashes.first().unwrap().to_string(), format!("sha256:{}", "ab".repeat(32)));
    let urls: Vec<_> = claims.urls.iter().map(String::as_str).collect();
    assert_eq!(urls, ["https://huggingface.co/o/r/a.safetensors?download=true"]);
    assert!(named.models[1].claims.urls.is_empty());
}

/// A loader inside a subgraph whose widget is an input of the subgraph.
fn hosted(hosts: serde_json::Value, root_links: serde_json::Value) -> serde_json::Value {
    let mut loader = node(5, "CheckpointLoaderSimple", json!(["inner.safetensors"]));
    loader["inputs"] = json!([{"name": "ckpt_name", "type": "COMBO", "link": 1,
                               "widget": {"name": "ckpt_name"}}]);
    let mut document = workflow(hosts, root_links);
    document["definitions"] = json!({"subgraphs": [{
        "id": "aaaaaaaa-0000-4000-8000-000000000000", "version": 1, "revision": 0,
        "state": {"lastGroupId": 0, "lastNodeId": 9, "lastLinkId": 9, "lastRerouteId": 0},
        "config": {}, "name": "Loader",
        "inputNode": {"id": -10, "bounding": [0, 0, 1, 1]},
        "outputNode": {"id": -20, "bounding": [0, 0, 1, 1]},
        "inputs": [{"id": "s", "name": "model", "type": "COMBO", "linkIds": [1], "pos": [0, 0]}],
        "outputs": [], "widgets": [], "nodes": [loader], "groups": [],
        "links": [{"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 5,
                   "target_slot": 0, "type": "COMBO"}],
        "extra": {}
    }]});
    document
}

fn host(id: u32, values: serde_json::Value) -> serde_json::Value {
    let mut host = node(id, "aaaaaaaa-0000-4000-8000-000000000000", values);
    host["inputs"] = json!([{"name": "model", "type": "COMBO", "link": null,
                             "widget": {"name": "model"}}]);
    host
}

#[test]
fn the_value_on_the_instance_is_the_one_that_runs() {
    let inside = "aaaaaaaa-0000-4000-8000-000000000000:5 CheckpointLoaderSimple.ckpt_name";
    let two = hosted(json!([host(1, json!(["x.pt"])), host(2, json!(["y.pt"]))]), json!([]));
    assert_eq!(
        shown(&named(&two)),
        [
            format!("checkpoints/x.pt Catalog {inside}"),
            format!("checkpoints/y.pt Catalog {inside}"),
        ]
    );
    // An older file keeps the value inside.
    let old = hosted(json!([host(1, json!([]))]), json!([]));
    assert_eq!(shown(&named(&old)), [format!("checkpoints/inner.safetensors Catalog {inside}")]);
    // No instance: nothing of it runs.
    assert!(shown(&named(&hosted(json!([]), json!([])))).is_empty());
    // Switched off with its only instance.
    let mut muted = host(1, json!(["x.pt"]));
    muted["mode"] = json!(2);
    let off = hosted(json!([muted]), json!([]));
    assert_eq!(shown(&named(&off)), [format!("checkpoints/x.pt Catalog {inside} muted")]);
}

#[test]
fn a_primitive_node_feeds_the_value_and_another_node_hides_it() {
    let mut fed = host(1, json!(["stale.pt"]));
    fed["inputs"][0]["link"] = json!(7);
    let mut primitive = node(2, "PrimitiveNode", json!(["real.pt", "fixed"]));
    primitive["outputs"] = json!([{"name": "COMBO", "type": "COMBO", "links": [7]}]);
    let links = json!([[7, 2, 0, 1, 0, "COMBO"]]);
    let told = shown(&named(&hosted(json!([fed.clone(), primitive]), links.clone())));
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("checkpoints/real.pt "), "{told:?}");
    let mut computed = node(2, "PackPicker", json!([]));
    computed["outputs"] = json!([{"name": "COMBO", "type": "COMBO", "links": [7]}]);
    assert!(shown(&named(&hosted(json!([fed, computed]), links))).is_empty());
}

#[test]
fn a_prompt_names_the_same() {
    let prompt = json!({
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "5": {"class_type": "Fancy", "inputs": {}, "_meta": {"title": "F", "cnr_id": "fancy"}},
    });
    let prompt = Prompt::from_value(parse_text(&prompt.to_string()).unwrap()).unwrap();
    let named = prompt_dependencies(&prompt, &Catalog::core());
    assert_eq!(
        shown(&named),
        ["checkpoints/a.safetensors Catalog 4 CheckpointLoaderSimple.ckpt_name"]
    );
    assert_eq!(named.classes[0].cnr_id.as_deref(), Some("fancy"));
}
