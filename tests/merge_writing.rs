//! What a merge writes: in the hand of our file, with every conflict that was told, and never
//! what is no workflow.

use comfy_graph::json::{Value, parse, parse_text};

use crate::merging::{apart, text_of};
use crate::support::{GIT_COMFY, World};

fn merge(world: &World, texts: [&str; 3]) -> (i32, String) {
    for (name, text) in ["base.json", "ours.json", "theirs.json"].into_iter().zip(texts) {
        std::fs::write(world.path(name), text).unwrap();
    }
    let mut command = world.command(GIT_COMFY);
    command.current_dir(world.path("."));
    let output = command
        .args(["merge", "base.json", "ours.json", "theirs.json", "-o", "out.json"])
        .output()
        .unwrap();
    (output.status.code().unwrap(), text_of(&output).1)
}

fn resolve(world: &World, arguments: &[&str]) -> (i32, String) {
    let mut command = world.command(GIT_COMFY);
    command.current_dir(world.path(".")).args(["resolve", "out.json"]).args(arguments);
    let output = command.output().unwrap();
    let (out, err) = text_of(&output);
    (output.status.code().unwrap(), out + &err)
}

fn result(world: &World) -> String {
    std::fs::read_to_string(world.path("out.json")).unwrap()
}

/// A prompt as some program of its own writes it: nodes in an order of its own.
const PROMPT: &str = r#"{
    "6": {
        "class_type": "CLIPTextEncode",
        "inputs": { "text": "a cat", "clip": ["4", 1] }
    },
    "4": {
        "class_type": "CheckpointLoaderSimple",
        "inputs": {
            "ckpt_name": "x.safetensors"
        }
    }
}"#;

#[test]
fn a_merged_prompt_stays_in_the_hand_of_our_file() {
    let world = World::new();
    let ours = PROMPT.replace("a cat", "a dog");
    let theirs = "{\"4\":{\"inputs\":{\"ckpt_name\":\"y.safetensors\"},\"class_type\":\"CheckpointLoaderSimple\"},\"6\":{\"inputs\":{\"text\":\"a cat\",\"clip\":[\"4\",1]},\"class_type\":\"CLIPTextEncode\"}}";
    let (code, err) = merge(&world, [PROMPT, &ours, theirs]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(result(&world), ours.replace("x.safe", "y.safe"));
}

#[test]
fn a_merged_preset_stays_in_the_hand_of_our_file() {
    let world = World::new();
    let preset = |prompt: &str, name: &str| {
        format!(
            "{{\n  \"name\" : \"{name}\",\n  \"sizes\": [512, 768],\n  \"prompt\": {prompt}\n}}\n"
        )
    };
    let ours = preset(&PROMPT.replace("a cat", "a dog"), "first");
    let theirs = preset(&PROMPT.replace("x.safe", "y.safe"), "second");
    let (code, err) = merge(&world, [&preset(PROMPT, "first"), &ours, &theirs]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        result(&world),
        preset(&PROMPT.replace("a cat", "a dog").replace("x.safe", "y.safe"), "second")
    );
}

#[test]
fn git_leaves_a_merged_prompt_in_the_hand_of_our_file() {
    let preset = |prompt: &str, name: &str| {
        format!(
            "{{\n  \"name\": \"{name}\",\n  \"sizes\": [512, 768],\n  \"prompt\": {prompt}\n}}\n"
        )
    };
    let (ours, theirs) = (PROMPT.replace("a cat", "a dog"), PROMPT.replace("x.safe", "y.safe"));
    let merged = ours.replace("x.safe", "y.safe");
    for [base, ours, theirs, merged] in [
        [PROMPT.to_owned(), ours.clone(), theirs.clone(), merged.clone()],
        [preset(PROMPT, "a"), preset(&ours, "a"), preset(&theirs, "b"), preset(&merged, "b")],
    ] {
        let repo = apart("a.json", &base, &ours, &theirs);
        repo.git(["merge", "-q", "theirs"]);
        assert_eq!(repo.text("a.json"), merged);
        assert_eq!(repo.git(["status", "--porcelain"]), "");
    }
}

/// A workflow whose counters ran ahead, with the translations that Save keeps.
const SAVED: &str = r#"{"id":"5a1c0de0-0000-4000-8000-00000000c0de","revision":0,"last_node_id":90,"last_link_id":70,"nodes":[{"id":8,"type":"VAEDecode","pos":[400,10],"size":[140,46],"flags":{},"order":1,"mode":0,"inputs":[{"localized_name":"Samples","name":"samples","type":"LATENT","link":null}],"outputs":[{"localized_name":"Bild","name":"IMAGE","type":"IMAGE","links":null}],"properties":{},"widgets_values":[]},{"id":3,"type":"KSampler","pos":[10,10],"size":[270,262],"flags":{},"order":0,"mode":0,"inputs":[],"outputs":[],"properties":{},"widgets_values":[5,"fixed",20,8,"euler","normal",1]}],"links":[],"groups":[],"config":{},"extra":{},"version":0.4}"#;

#[test]
fn counters_translations_and_stacking_order_survive() {
    let world = World::new();
    let ours = SAVED.replace("20,8", "30,8");
    let theirs = SAVED.replace("20,8", "20,5.5");
    let (code, err) = merge(&world, [SAVED, &ours, &theirs]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(result(&world), SAVED.replace("20,8", "30,5.5"));
}

#[test]
fn every_conflict_in_other_json_is_in_the_file_until_it_is_settled() {
    let world = World::new();
    let preset = |image: &str, text: &str| {
        let prompt = PROMPT.replace("a cat", text);
        format!("{{\n  \"image\": \"{image}\",\n  \"workflow\": {prompt}\n}}\n")
    };
    let (code, err) =
        merge(&world, [&preset("a", "cat"), &preset("b", "dog"), &preset("c", "fox")]);
    assert_eq!(code, 1);
    assert!(err.contains("2 conflicts; it has conflict markers"), "{err}");
    let text = result(&world);
    for side in ["\"b\"", "\"c\"", "dog", "fox", "<<<<<<< ours.json", ">>>>>>> theirs.json"] {
        assert!(text.contains(side), "{side} is not in\n{text}");
    }
    assert_eq!(resolve(&world, &["--theirs"]).0, 2, "markers are for a text editor");
    assert_eq!(result(&world), text);
}

#[test]
fn what_has_no_place_for_conflicts_is_one_conflict_with_markers() {
    let world = World::new();
    // Two unrelated workflows under one name, one of them without room for a card.
    let ours = SAVED.replace("\"extra\":{}", "\"extra\":[]");
    let theirs = r#"{"1":{"class_type":"A","inputs":{}}}"#;
    let (code, err) = merge(&world, ["{}", &ours, theirs]);
    assert_eq!(code, 1, "{err}");
    let text = result(&world);
    assert!(text.contains(&ours) && text.contains(theirs), "{text}");
    assert!(text.starts_with("<<<<<<< ours.json\n") && text.ends_with(">>>>>>> theirs.json\n"));
}

#[test]
fn a_card_says_nothing_of_this_machine() {
    let world = World::new();
    let (code, _) =
        merge(&world, [SAVED, &SAVED.replace("20,8", "30,8"), &SAVED.replace("20,8", "40,8")]);
    assert_eq!(code, 1);
    let folder = world.path(".").canonicalize().unwrap();
    let folder = folder.to_str().unwrap();
    assert!(!result(&world).contains(folder));
    let files = ["base.json", "ours.json", "theirs.json"].map(|name| world.path(name));
    let mut command = world.command(GIT_COMFY);
    command.arg("merge").args(files).arg("-o").arg(world.path("out.json"));
    command.output().unwrap();
    assert!(result(&world).contains("ours.json") && !result(&world).contains(folder));
}

/// Conflicts that somebody made up must not make `resolve` write what is no workflow.
#[test]
fn made_up_conflicts_leave_a_workflow() {
    let world = World::new();
    let nodes =
        |document: &Value| document.get("nodes").and_then(Value::as_array).map(<[Value]>::len);
    for parts in [
        r#"[{"document":1,"base":8,"ours":9,"theirs":5.5}]"#,
        r#"[{"document":1,"ours":{"x":1}}]"#,
        r#"[{"document":1,"theirs":{"x":1}}]"#,
        r#"[{"document":1,"theirs":{"nodes":[],"version":0.4}}]"#,
        r#"[{"node":3,"widget":"cfg","base":8,"ours":9,"theirs":5.5},{"document":1,"ours":1}]"#,
        r#"[{"member":"/nodes","ours":[{"id":1}],"theirs":[]}]"#,
        r#"[{"member":"/nodes","theirs":1}]"#,
        r#"[{"member":"/links","theirs":{"a":1}}]"#,
        r#"[{"member":"/version","theirs":{"a":1}}]"#,
        r#"[{"member":"/definitions/subgraphs","theirs":[1]}]"#,
        r#"[{"node":3,"key":"/id","theirs":{"a":1}}]"#,
        r#"[{"node":3,"key":"/type","theirs":4}]"#,
        r#"[{"node":3,"key":"/inputs","theirs":7}]"#,
        r#"[{"node":3,"whole":true,"theirs":{"id":3}}]"#,
        r#"[{"node":3,"whole":true,"theirs":[]}]"#,
        r#"[{"definition":"zz","theirs":{"id":"zz","nodes":7}}]"#,
        r#"[{"node":3,"values":true,"theirs":5}]"#,
        r#"[{"group":1,"title":"x","theirs":5}]"#,
    ] {
        let mut document = parse_text(SAVED).unwrap();
        let card = format!(
            r#"{{"version":1,"conflicts":[{{"id":1,"kind":"both-changed","at":"x","node":3,"name":"K","parts":{parts}}}]}}"#
        );
        let extra = document.get_mut("extra").unwrap().as_object_mut().unwrap();
        extra.insert("git_comfy", parse_text(&card).unwrap());
        let text = comfy_graph::json::print(&document, &comfy_graph::json::JsonStyle::SAVE);
        std::fs::write(world.path("out.json"), text).unwrap();
        resolve(&world, &["--theirs"]);
        let after = parse(&std::fs::read(world.path("out.json")).unwrap()).unwrap();
        assert_eq!(nodes(&after), Some(2), "{parts}");
        let version = after.get("version").and_then(Value::as_f64);
        assert_eq!(version, Some(0.4), "{parts}");
        for node in after.get("nodes").unwrap().as_array().unwrap() {
            assert!(node.get("id").and_then(Value::as_i64).is_some(), "{parts}");
            assert!(node.get("type").and_then(Value::as_str).is_some(), "{parts}");
            assert!(node.get("inputs").and_then(Value::as_array).is_some(), "{parts}");
        }
    }
}
