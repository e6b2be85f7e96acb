//! Repaired documents, over every pair of workflow and prompt that the real frontend made:
//! whatever was rolled or renamed since, ComfyUI makes the repaired prompt of the repaired
//! workflow.

use std::fs;

use git_comfy::catalog::{Catalog, Folder};
use git_comfy::graph::{Naming, NodeKey, Place, Prompt, Role, Workflow};
use git_comfy::json::Value;
use git_comfy::record::replay::{Agreement, Renames, repair};

use crate::data::{documents, files, name};

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
        let Ok(found) = git_comfy::media::read(&mut fs::File::open(&file).unwrap()) else {
            continue;
        };
        if let (Some(workflow), Some(prompt)) = (found.workflow(), found.prompt()) {
            pairs.push((name(&file), workflow, prompt));
        }
    }
    pairs
}

/// Every file that a prompt names, under another name.
fn all_renamed(prompt: &Prompt, catalog: &Catalog) -> Renames {
    let mut renames = Renames::default();
    for (_, file) in catalog.prompt_files(prompt) {
        let new = format!("moved/{}", file.name);
        let old = file.name.to_string();
        match file.folder {
            Folder::Models(folder) => drop(renames.models.insert((folder.to_string(), old), new)),
            Folder::Unknown => {}
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
                Role::Seed => Value::from(4242_usize),
                Role::Control => Value::from(control),
                _ => continue,
            };
            let key = NodeKey { scope: scope.clone(), id: node.id().clone() };
            changes.push((key, widget.place, widget.name, value));
        }
    }
    for (key, place, name, value) in changes {
        let place: Place = place;
        workflow.node_mut(&key).unwrap().set_widget(&place, &name, value);
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
            let repaired = repair(Some(workflow), Some(prompt.clone()), &renames, &catalog);
            let differing = match &repaired.agreement {
                Agreement::Differs(found) => found.clone(),
                agreement => {
                    assert_eq!(*agreement, Agreement::Agrees, "{file} after {control}");
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
                let renamed = used.name.starts_with("moved/") || used.folder == Folder::Unknown;
                assert!(renamed, "{file}: {id} names {}", used.name);
            }
            // It stays: another run would run the same.
            let again = repair(
                repaired.workflow.clone(),
                Some(prompt.into_value()),
                &Renames::default(),
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
    let text = |text: &str| git_comfy::json::parse_text(text).unwrap();
    let workflow = text(r#"{"version":0.4,"nodes":[{"id":1,"type":"Note"}],"links":[]}"#);
    let prompt = text(
        r#"{"3":{"class_type":"KSampler","inputs":{"seed":1}},"4":{"class_type":"VAEDecode","inputs":{}}}"#,
    );
    let repaired = repair(Some(workflow), Some(prompt), &Renames::default(), &catalog);
    assert_eq!((repaired.agreement, repaired.workflow), (Agreement::Foreign, None));
    assert!(repaired.prompt.is_some());
}
