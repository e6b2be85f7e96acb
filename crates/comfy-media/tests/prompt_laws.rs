//! From the editor's format to the API format, against what the real frontend made.

use std::fs;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, PromptInput, Workflow};

use crate::support::data::{documents, files, name};
use crate::support::prompts::differences;

/// What no pure function can know: canvas states that only a drawn node has, file names
/// by the clock, a class that changed between the file and the server, random choices.
fn is_known(file: &str, difference: &str) -> bool {
    difference.contains(".viewport_state is missing")
        || difference.contains("%date:")
        || (file.contains("pixal3d") && difference.contains(" RemeshMesh."))
}

#[test]
fn prompts_are_those_of_the_real_frontend() {
    let catalog = Catalog::core();
    let wanted = documents("roundtrip/prompt");
    for folder in ["roundtrip/opened", "roundtrip/saved", "roundtrip/embedded"] {
        for (file, value) in documents(folder) {
            let file = name(&file);
            let wanted = wanted.iter().find(|(wanted, _)| name(wanted) == file);
            let (_, wanted) = wanted.unwrap();
            let theirs = Prompt::from_value(wanted.clone()).unwrap();
            let ours = Workflow::from_value(value).unwrap().to_prompt(&catalog).unwrap();
            let differences = differences(&ours, &theirs);
            let unknown: Vec<&String> =
                differences.iter().filter(|difference| !is_known(&file, difference)).collect();
            assert!(unknown.is_empty(), "{folder}/{file}: {unknown:#?}");
        }
    }
}

/// Every workflow the package has becomes a prompt in which every wire leads somewhere.
#[test]
fn every_template_has_a_sound_prompt() {
    let catalog = Catalog::core();
    for (file, value) in documents("templates") {
        let Ok(workflow) = Workflow::from_value(value) else { continue };
        let prompt = workflow.to_prompt(&catalog).unwrap();
        for (id, node) in &prompt.nodes {
            for (input, value) in node.inputs() {
                if let PromptInput::Link { node: from, .. } = value {
                    let there = prompt.nodes.contains_key(&from);
                    assert!(there, "{}: {id}.{input} comes from {from}", name(&file));
                }
            }
        }
    }
}

/// The workflow and the prompt that one output file holds belong together.
#[test]
fn prompts_in_outputs_come_from_the_workflows_beside_them() {
    let catalog = Catalog::core();
    for file in files("outputs") {
        let Ok(found) = comfy_media::read(&mut fs::File::open(&file).unwrap()) else {
            continue;
        };
        let (Some(workflow), Some(prompt)) = (found.workflow(), found.prompt()) else { continue };
        let ours = Workflow::from_value(workflow).unwrap().to_prompt(&catalog).unwrap();
        let theirs = Prompt::from_value(prompt).unwrap();
        let mut differences = differences(&ours, &theirs);
        differences.retain(|difference| !difference.contains("%date:"));
        assert!(differences.is_empty(), "{}: {differences:#?}", file.display());
    }
}
