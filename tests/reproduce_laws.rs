//! Repaired documents, over every pair of workflow and prompt that the real frontend made:
//! whatever was rolled or renamed since, ComfyUI makes the repaired prompt of the repaired
//! workflow.

use std::fs;

use comfy_graph::catalog::{Catalog, FileFolder};
use comfy_graph::graph::{NodeKey, Prompt, WidgetLocation, WidgetNaming, WidgetRole, Workflow};
use comfy_graph::json::Value;
use git_comfy::internals::reproduce::{DocumentAgreement, FileRenames, repair_documents};

use crate::graph_support::data::{documents, files, name};

/// Workflows with the prompts they ran.
fn pairs() -> Vec<(String, Value, Value)> {
    let mut pairs = Vec::new();
    let prompts = documents("roundtrip/prompt");
    for (file, workflow) in documents("roundtrip/embedded") {
        let file = name(&file);
        let prompt = prompts.iter().find(|(prompt, _)| name(prompt) == file);
        pairs.push((file, workflow, prompt.unwrap().1.clone()));
    }
    for file in files("outputs") {
        let Ok(found) = comfy_media::read(&mut fs::File::open(&file).unwrap()) else {
            continue;
        };
        if let (Some(workflow), Some(prompt)) = (found.workflow(), found.prompt()) {
            pairs.push((name(&file), workflow, prompt));
        }
    }
    pairs
}

/// Values that lie elsewhere than in the node that runs with them: a checkpoint in a primitive
/// node, a LoRA and a seed in the instance of a subgraph, another LoRA two instances deep; a
/// bypassed and a muted loader; a converted seed that another primitive feeds and rolls.
const WINDING: &str = r#"{"version":0.4,"last_node_id":30,"last_link_id":30,"nodes":[
    {"id":1,"type":"PrimitiveNode","outputs":[{"name":"COMBO","type":"COMBO","widget":{"name":"ckpt_name"},"links":[1]}],"widgets_values":["sdxl.safetensors","fixed",""]},
    {"id":2,"type":"CheckpointLoaderSimple","inputs":[{"name":"ckpt_name","type":"COMBO","widget":{"name":"ckpt_name"},"link":1}],
        "outputs":[{"name":"MODEL","type":"MODEL","links":[2]},{"name":"CLIP","type":"CLIP"},{"name":"VAE","type":"VAE"}],"widgets_values":["stale.safetensors"]},
    {"id":3,"type":"LoraLoaderModelOnly","mode":4,"inputs":[{"name":"model","type":"MODEL","link":2}],
        "outputs":[{"name":"MODEL","type":"MODEL","links":[3]}],"widgets_values":["bypassed.safetensors",1]},
    {"id":4,"type":"LoraLoaderModelOnly","mode":2,"inputs":[{"name":"model","type":"MODEL","link":null}],
        "outputs":[{"name":"MODEL","type":"MODEL","links":null}],"widgets_values":["muted.safetensors",1]},
    {"id":5,"type":"11111111-1111-4111-8111-111111111111","inputs":[{"name":"model","type":"MODEL","link":3},
        {"name":"lora_name","type":"COMBO","widget":{"name":"lora_name"},"link":null},
        {"name":"deep","type":"COMBO","widget":{"name":"deep"},"link":null}],
        "outputs":[{"name":"MODEL","type":"MODEL","links":[4]}],"widgets_values":["film.safetensors","deep.safetensors"]},
    {"id":6,"type":"PrimitiveNode","outputs":[{"name":"INT","type":"INT","widget":{"name":"seed"},"links":[5]}],"widgets_values":[7,"randomize"]},
    {"id":7,"type":"KSampler","inputs":[{"name":"model","type":"MODEL","link":4},{"name":"seed","type":"INT","widget":{"name":"seed"},"link":5}],
        "outputs":[{"name":"LATENT","type":"LATENT"}],"widgets_values":[99,"randomize",20,8,"euler","normal",1]}],
    "links":[[1,1,0,2,0,"COMBO"],[2,2,0,3,0,"MODEL"],[3,3,0,5,0,"MODEL"],[4,5,0,7,0,"MODEL"],[5,6,0,7,1,"INT"]],
    "definitions":{"subgraphs":[
        {"id":"11111111-1111-4111-8111-111111111111","inputs":[{"name":"model","linkIds":[20]},{"name":"lora_name","linkIds":[21]},{"name":"deep","linkIds":[22]}],
            "outputs":[{"name":"MODEL","linkIds":[24]}],
            "nodes":[{"id":20,"type":"LoraLoaderModelOnly","inputs":[{"name":"model","type":"MODEL","link":20},{"name":"lora_name","type":"COMBO","widget":{"name":"lora_name"},"link":21}],
                    "outputs":[{"name":"MODEL","type":"MODEL","links":[23]}],"widgets_values":["dead.safetensors",0.5]},
                {"id":21,"type":"22222222-2222-4222-8222-222222222222","inputs":[{"name":"model","type":"MODEL","link":23},{"name":"lora","type":"COMBO","widget":{"name":"lora"},"link":22}],
                    "outputs":[{"name":"MODEL","type":"MODEL","links":[24]}],"widgets_values":["dead2.safetensors"]}],
            "links":[{"id":20,"origin_id":-10,"origin_slot":0,"target_id":20,"target_slot":0,"type":"MODEL"},{"id":21,"origin_id":-10,"origin_slot":1,"target_id":20,"target_slot":1,"type":"COMBO"},
                {"id":22,"origin_id":-10,"origin_slot":2,"target_id":21,"target_slot":1,"type":"COMBO"},{"id":23,"origin_id":20,"origin_slot":0,"target_id":21,"target_slot":0,"type":"MODEL"},
                {"id":24,"origin_id":21,"origin_slot":0,"target_id":-20,"target_slot":0,"type":"MODEL"}]},
        {"id":"22222222-2222-4222-8222-222222222222","inputs":[{"name":"model","linkIds":[25]},{"name":"lora","linkIds":[26]}],"outputs":[{"name":"MODEL","linkIds":[27]}],
            "nodes":[{"id":22,"type":"LoraLoaderModelOnly","inputs":[{"name":"model","type":"MODEL","link":25},{"name":"lora_name","type":"COMBO","widget":{"name":"lora_name"},"link":26}],
                "outputs":[{"name":"MODEL","type":"MODEL","links":[27]}],"widgets_values":["dead3.safetensors",1]}],
            "links":[{"id":25,"origin_id":-10,"origin_slot":0,"target_id":22,"target_slot":0,"type":"MODEL"},{"id":26,"origin_id":-10,"origin_slot":1,"target_id":22,"target_slot":1,"type":"COMBO"},
                {"id":27,"origin_id":22,"origin_slot":0,"target_id":-20,"target_slot":0,"type":"MODEL"}]}]}}"#;

#[test]
fn values_are_put_right_where_they_lie() {
    let catalog = Catalog::core();
    let workflow = comfy_graph::json::parse_text(WINDING).unwrap();
    let ran = Workflow::from_value(workflow.clone()).unwrap().to_prompt(&catalog).unwrap();
    let renames = all_renamed(&ran, &catalog);
    let old: Vec<&str> = renames.models.keys().map(|(_, name)| name.as_str()).collect();
    assert_eq!(old, ["sdxl.safetensors", "deep.safetensors", "film.safetensors"]);
    let rolled = rolled(&workflow, "increment", &catalog);
    let repaired = repair_documents(Some(rolled), Some(ran.into_value()), &renames, &catalog);
    assert_eq!(repaired.agreement, DocumentAgreement::Agrees);
    let workflow = repaired.workflow.unwrap();
    let nodes = workflow.get("nodes").unwrap();
    let values = |at: usize| {
        let values = nodes.get_index(at).unwrap().get("widgets_values").unwrap();
        comfy_graph::json::print(values, &comfy_graph::json::JsonStyle::SAVE)
    };
    // The primitive node, both ways of being off, the instance, the seed and its control.
    assert_eq!(values(0), r#"["moved/sdxl.safetensors","fixed",""]"#);
    assert_eq!(values(2), r#"["bypassed.safetensors",1]"#);
    assert_eq!(values(3), r#"["muted.safetensors",1]"#);
    assert_eq!(values(4), r#"["moved/film.safetensors","moved/deep.safetensors"]"#);
    assert_eq!(values(5), r#"[7,"fixed"]"#);
    // Dead values inside of a definition stay as they are.
    let text = comfy_graph::json::print(&workflow, &comfy_graph::json::JsonStyle::SAVE);
    assert!(
        ["dead.", "dead2.", "dead3.", "stale."].iter().all(|dead| text.contains(dead)),
        "{text}"
    );
}

/// Every file that a prompt names, under another name.
fn all_renamed(prompt: &Prompt, catalog: &Catalog) -> FileRenames {
    let mut renames = FileRenames::default();
    for (_, file) in catalog.prompt_files(prompt) {
        let new = format!("moved/{}", file.name);
        let old = file.name.to_string();
        match file.folder {
            FileFolder::Models(folder) => {
                drop(renames.models.insert((folder.to_string(), old), new))
            }
            FileFolder::Unknown => {}
            _ => drop(renames.inputs.insert(old, new)),
        }
    }
    renames
}

/// The workflow as the frontend leaves it after further runs: every seed is another one, and
/// will be another one again.
fn rolled(workflow: &Value, control: &str, catalog: &Catalog) -> Value {
    let mut workflow = Workflow::from_value(workflow.clone()).unwrap();
    let mut changes = Vec::new();
    for (scope, node) in workflow.nodes() {
        for widget in catalog.widgets(&workflow, node) {
            let value = match widget.role {
                WidgetRole::Seed => Value::from(4242_usize),
                WidgetRole::Control => Value::from(control),
                _ => continue,
            };
            let key = NodeKey { scope: scope.clone(), id: node.id().clone() };
            changes.push((key, widget.location, widget.name, value));
        }
    }
    for (key, place, name, value) in changes {
        let place: WidgetLocation = place;
        workflow.node_mut(&key).unwrap().set_widget_value(&place, &name, value);
    }
    workflow.into_value()
}

#[test]
fn what_was_rolled_and_renamed_comes_back_in_both_forms() {
    let catalog = Catalog::core();
    for (file, workflow, prompt) in pairs() {
        let ran = Prompt::from_value(prompt.clone()).unwrap();
        let renames = all_renamed(&ran, &catalog);
        for control in ["randomize", "increment", "decrement", "fixed"] {
            let workflow = rolled(&workflow, control, &catalog);
            let repaired =
                repair_documents(Some(workflow), Some(prompt.clone()), &renames, &catalog);
            let differing = match &repaired.agreement {
                DocumentAgreement::Differs(found) => found.clone(),
                agreement => {
                    assert_eq!(*agreement, DocumentAgreement::Agrees, "{file} after {control}");
                    Vec::new()
                }
            };
            // A class that changed between the file and the server (see `prompt_laws`).
            let unknown = differing.iter().filter(|found| {
                ran.nodes.get(&found.node).is_none_or(|node| node.class() != "RemeshMesh")
            });
            assert_eq!(unknown.count(), 0, "{file} after {control}: {differing:?}");
            let prompt = Prompt::from_value(repaired.prompt.unwrap()).unwrap();
            for (id, used) in catalog.prompt_files(&prompt) {
                let renamed = used.name.starts_with("moved/") || used.folder == FileFolder::Unknown;
                assert!(renamed, "{file}: {id} names {}", used.name);
            }
            // It stays: another run would run the same.
            let again = repair_documents(
                repaired.workflow.clone(),
                Some(prompt.into_value()),
                &FileRenames::default(),
                &catalog,
            );
            assert_eq!(again.workflow, repaired.workflow, "{file}");
            assert_eq!(again.fixed.controls, 0, "{file}");
        }
    }
}

/// A prompt that another program embedded beside somebody's workflow.
#[test]
fn a_workflow_that_is_another_ones_is_left_out() {
    let catalog = Catalog::core();
    let text = |text: &str| comfy_graph::json::parse_text(text).unwrap();
    let workflow = text(r#"{"version":0.4,"nodes":[{"id":1,"type":"Note"}],"links":[]}"#);
    let prompt = text(
        r#"{"3":{"class_type":"KSampler","inputs":{"seed":1}},"4":{"class_type":"VAEDecode","inputs":{}}}"#,
    );
    let repaired =
        repair_documents(Some(workflow), Some(prompt), &FileRenames::default(), &catalog);
    assert_eq!((repaired.agreement, repaired.workflow), (DocumentAgreement::Foreign, None));
    assert!(repaired.prompt.is_some());
}
