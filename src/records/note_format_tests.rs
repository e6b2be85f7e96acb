use super::*;
use crate::platform::git::foreign_checkout::Checkout;
use crate::records::schema::*;

fn example() -> CommitRecord {
    let hashes = ModelHashes {
        sha256: "ab".repeat(32),
        blake3: Some("cd".repeat(32)),
        autov2: "ab".repeat(5),
        autov3: Some("ef".repeat(6)),
        crc32: Some("00ff00ff".into()),
    };
    let fact = ModelFact {
        folder: "checkpoints".into(),
        name: "sd15.safetensors".into(),
        status: ModelStatus::Hashed,
        search_folder: Some("models/checkpoints".into()),
        size: Some(4_265_146_304),
        hashes: Some(hashes),
        ..ModelFact::default()
    };
    let missing = ModelFact {
        folder: "loras".into(),
        name: "style.safetensors".into(),
        status: ModelStatus::Missing,
        ..ModelFact::default()
    };
    let site = |node: &str, class: &str, input: &str| WidgetSite {
        subgraph: None,
        node: node.into(),
        class: class.into(),
        input: input.into(),
        off: None,
    };
    let model = |folder: &str, name: &str, site| ModelUse {
        folder: folder.into(),
        name: name.into(),
        by: ModelEvidence::Catalog,
        at: vec![site],
        claims: ModelClaims::default(),
    };
    let workflow = WorkflowUse {
        path: "portrait.json".into(),
        blob: "11".repeat(20),
        models: vec![
            model(
                "checkpoints",
                "sd15.safetensors",
                site("4", "CheckpointLoaderSimple", "ckpt_name"),
            ),
            model("loras", "style.safetensors", site("7", "LoraLoader", "lora_name")),
        ],
        classes: Vec::new(),
        rest: comfy_graph::json::Object::new(),
    };
    let seen = seen(vec![fact, missing]);
    CommitRecord {
        workflows: vec![workflow],
        seen: [("5d1f0c3a9b7e".to_owned(), seen)].into(),
        ..CommitRecord::default()
    }
}

fn seen(models: Vec<ModelFact>) -> MachineObservation {
    let environment = ComfyEnvironment {
        comfyui: Some("0.33.0".into()),
        python: Some("3.12.4".into()),
        from: Some(EnvironmentSource::Files),
        ..ComfyEnvironment::default()
    };
    let pack = PackFact {
        name: "Pack".into(),
        kind: PackKind::Git,
        checkout: Checkout {
            commit: Some("22".repeat(20)),
            remote: Some("https://github.com/o/r".into()),
            dirty: Some(false),
            ..Checkout::default()
        },
        classes: [("Fancy".to_owned(), PackEvidence::Source)].into(),
        ..PackFact::default()
    };
    MachineObservation {
        at: "2026-11-22T10:00:00Z".into(),
        with: "git-comfy 0.1.0".into(),
        environment: Some(environment),
        models,
        packs: vec![pack],
        ..MachineObservation::default()
    }
}

#[test]
fn a_record_can_be_read_by_people() {
    insta::assert_snapshot!(print_record(&example()), @r#"
    {
     "comfy_record": 1,
     "summary": "1 workflow, 2 models (1 missing), 1 node pack, ComfyUI 0.33.0",
     "workflows": [
      {
       "path": "portrait.json",
       "blob": "1111111111111111111111111111111111111111",
       "models": [
        {
         "folder": "checkpoints",
         "name": "sd15.safetensors",
         "by": "catalog",
         "at": [{"node": "4", "class": "CheckpointLoaderSimple", "input": "ckpt_name"}]
        },
        {
         "folder": "loras",
         "name": "style.safetensors",
         "by": "catalog",
         "at": [{"node": "7", "class": "LoraLoader", "input": "lora_name"}]
        }
       ]
      }
     ],
     "seen": {
      "5d1f0c3a9b7e": {
       "at": "2026-11-22T10:00:00Z",
       "with": "git-comfy 0.1.0",
       "environment": {"comfyui": "0.33.0", "python": "3.12.4", "from": "files"},
       "models": [
        {
         "folder": "checkpoints",
         "name": "sd15.safetensors",
         "status": "hashed",
         "in": "models/checkpoints",
         "size": 4265146304,
         "hashes": {
          "sha256": "abababababababababababababababababababababababababababababababab",
          "blake3": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
          "autov2": "ababababab",
          "autov3": "efefefefefef",
          "crc32": "00ff00ff"
         }
        },
        {"folder": "loras", "name": "style.safetensors", "status": "missing"}
       ],
       "packs": [
        {
         "name": "Pack",
         "kind": "git",
         "commit": "2222222222222222222222222222222222222222",
         "remote": "https://github.com/o/r",
         "dirty": false,
         "classes": {"Fancy": "source"}
        }
       ]
      }
     }
    }
    "#);
}

#[test]
fn what_is_printed_is_read_back() {
    let text = print_record(&example());
    let parsed = parse_note(text.as_bytes()).unwrap();
    assert!(!parsed.damaged);
    assert_eq!(print_record(&parsed.record.unwrap()), text);
}

#[test]
fn records_one_after_another_are_one() {
    let text = print_record(&example());
    let mut other = example();
    let seen = other.seen.remove("5d1f0c3a9b7e").unwrap();
    other.seen.insert("another".into(), seen);
    let both = format!("{text}\n{}", print_record(&other));
    let parsed = parse_note(both.as_bytes()).unwrap();
    assert!(!parsed.damaged);
    let record = parsed.record.unwrap();
    assert_eq!((record.workflows.len(), record.seen.len()), (1, 2));
}

#[test]
fn other_text_beside_a_record_is_seen() {
    let text = print_record(&example());
    let mut other = example();
    let seen = other.seen.remove("5d1f0c3a9b7e").unwrap();
    other.seen.insert("another".into(), seen);
    let other = print_record(&other);
    let mixed = format!("a person wrote this\n{text}and {{ that\n\n{other}");
    let parsed = parse_note(mixed.as_bytes()).unwrap();
    assert_eq!((parsed.record.unwrap().seen.len(), parsed.damaged), (2, true));
    assert_eq!(parse_note(b"").unwrap(), ParsedNote::default());
    let none = parse_note(b"{\"some\": \"json\"}\n[1]\n\xff").unwrap();
    assert_eq!((none.record, none.damaged), (None, true));
}

#[test]
fn fields_of_newer_versions_survive() {
    let text = print_record(&example()).replacen(
        "\"workflows\"",
        "\"licence\": {\"a\": 105},\n \"workflows\"",
        1,
    );
    let record = parse_note(text.as_bytes()).unwrap().record.unwrap();
    assert!(print_record(&record).contains("\"licence\": {\"a\": 105}"));
}

#[test]
fn a_newer_schema_is_left_alone() {
    let text = print_record(&example()).replacen("\"comfy_record\": 1", "\"comfy_record\": 2", 1);
    assert_eq!(parse_note(text.as_bytes()), Err(RecordError::Newer(2)));
    let ours = print_record(&example());
    let joined = join_notes(ours.as_bytes(), text.as_bytes());
    assert_eq!(joined, join_notes(text.as_bytes(), ours.as_bytes()));
    let joined = String::from_utf8(joined).unwrap();
    assert!(joined.contains(ours.trim()) && joined.contains(text.trim()));
    assert_eq!(join_notes(joined.as_bytes(), text.as_bytes()), joined.as_bytes());
}

#[test]
fn two_clones_notes_join_the_same_way_on_both_sides() {
    let ours = print_record(&example());
    let mut other = example();
    other.seen = [("other".to_owned(), other.seen["5d1f0c3a9b7e"].clone())].into();
    let theirs = print_record(&other);
    let joined = join_notes(ours.as_bytes(), theirs.as_bytes());
    assert_eq!(joined, join_notes(theirs.as_bytes(), ours.as_bytes()));
    assert_eq!(join_notes(&joined, theirs.as_bytes()), joined);
    assert_eq!(parse_note(&joined).unwrap().record.unwrap().seen.len(), 2);
}

#[test]
fn a_rewritten_commit_keeps_what_is_still_true() {
    let mut record = example();
    record.retain(|path| (path == "portrait.json").then(|| "11".repeat(20)));
    assert_eq!(record.seen["5d1f0c3a9b7e"].models.len(), 2);
    assert!(record.seen["5d1f0c3a9b7e"].packs.is_empty(), "no workflow has its class");
    record.retain(|_| Some("99".repeat(20)));
    assert!(record.workflows.is_empty());
    assert!(record.seen["5d1f0c3a9b7e"].models.is_empty());
}
