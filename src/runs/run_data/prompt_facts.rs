//! What a prompt says about a run: samplers, seeds, models, inputs, texts. Only nodes that
//! feed an output count; what lies about unconnected did not run.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::catalog::{Catalog, FileFolder};
use comfy_graph::graph::{NodeId, Prompt, PromptInput, Workflow};
use comfy_graph::json::Value;

use super::identity::{
    is_rolled_input, prompt_content_id, prompt_graph_id, upstream_nodes, workflow_graph_id,
};
use super::schema::{InputFile, OutputFile, Run, RunModel, Sampler, Seed};
use crate::records::dependencies;
use crate::records::prompt_summary::{SamplingNode, summarize_prompt};

/// Findings of one sort that are kept: a stranger's prompt may have half a million nodes.
const MAX_FINDINGS: usize = 1024;
/// Characters of one text that are kept.
const MAX_TEXT_CHARS: usize = 20_000;

/// Fills in what the prompt and the workflow say.
pub(crate) fn fill_from_documents(
    run: &mut Run,
    prompt: Option<&Prompt>,
    workflow: Option<&Workflow>,
    ends: &BTreeSet<NodeId>,
    catalog: &Catalog,
) {
    run.graph = workflow
        .and_then(|workflow| workflow_graph_id(workflow, catalog))
        .or_else(|| prompt.map(|prompt| prompt_graph_id(prompt, catalog)));
    let Some(prompt) = prompt else { return };
    run.content = prompt_content_id(prompt);
    fill_from_prompt(run, &executed_part(prompt, ends), workflow, catalog);
}

/// The part of a run that led to the files of one node: only what that node draws on.
/// Nothing where the prompt has no such node.
pub fn run_branch(run: &Run, prompt: &Prompt, node: &str, catalog: &Catalog) -> Option<Run> {
    let end = branch_end(prompt, node)?;
    let made = run.outputs.iter().filter(|file| file.node.as_deref() == Some(node));
    let outputs: Vec<OutputFile> = made.cloned().collect();
    let mut part = Run { outputs, ..run.clone() };
    let ran = executed_part(prompt, &[end].into());
    fill_from_prompt(&mut part, &ran, None, catalog);
    part.durations.retain(|node, _| contains_node(&ran, node));
    part.cached.retain(|node| contains_node(&ran, node));
    copy_observed_facts(&mut part, run);
    Some(part)
}

fn contains_node(prompt: &Prompt, id: &str) -> bool {
    prompt.nodes.contains_key(&NodeId::from_text(id))
}

/// The node of the prompt that stands for the one that made a file: one that another one was
/// expanded to (`12.0.0.3`) counts as that one.
fn branch_end(prompt: &Prompt, node: &str) -> Option<NodeId> {
    let candidates = [Some(node), node.split('.').next()];
    let end = candidates.into_iter().flatten().find(|id| contains_node(prompt, id))?;
    Some(NodeId::from_text(end))
}

/// What was looked up of models, inputs and packs, which is not in the prompt.
fn copy_observed_facts(part: &mut Run, run: &Run) {
    for model in &mut part.models {
        let same = |known: &&RunModel| (&known.folder, &known.name) == (&model.folder, &model.name);
        model.sha256 = run.models.iter().find(same).and_then(|known| known.sha256.clone());
    }
    let reads = |known: &&InputFile| {
        part.inputs.iter().any(|one| (&one.node, &one.name) == (&known.node, &known.name))
    };
    part.inputs = run.inputs.iter().filter(reads).cloned().collect();
    for (class, pack) in &mut part.classes {
        pack.clone_from(run.classes.get(class).unwrap_or(&String::new()));
    }
    let classes = &part.classes;
    part.packs.retain(|pack| pack.classes.keys().any(|class| classes.contains_key(class)));
}

/// What the nodes that ran say.
fn fill_from_prompt(run: &mut Run, ran: &Prompt, workflow: Option<&Workflow>, catalog: &Catalog) {
    let seen = summarize_prompt(ran);
    run.samplers = seen.samplings.iter().map(to_sampler).collect();
    run.positive = truncate_texts(seen.positive);
    run.negative = truncate_texts(seen.negative);
    run.seeds = find_seeds(ran, catalog);
    run.inputs = find_input_files(ran, catalog);
    let named = dependencies::prompt_dependencies(ran, catalog);
    run.models = named
        .models
        .into_iter()
        .take(MAX_FINDINGS)
        .map(|model| {
            let nodes: BTreeSet<String> = model.at.into_iter().map(|site| site.node).collect();
            let nodes = nodes.into_iter().collect();
            RunModel { folder: model.folder, name: model.name, nodes, sha256: None }
        })
        .collect();
    run.classes = find_classes(ran, workflow);
}

/// The part of a prompt that feeds its outputs.
fn executed_part(prompt: &Prompt, ends: &BTreeSet<NodeId>) -> Prompt {
    let reached = upstream_nodes(prompt, ends.iter().cloned());
    let nodes = prompt.nodes.iter().filter(|(id, _)| reached.contains(*id));
    let nodes = nodes.map(|(id, node)| (id.clone(), node.clone())).collect();
    Prompt { nodes, ..Prompt::default() }
}

fn truncate_texts(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().map(|text| text.chars().take(MAX_TEXT_CHARS).collect()).collect()
}

fn to_sampler(sampling: &SamplingNode) -> Sampler {
    let plain = |value: &Option<Value>| value.clone().filter(|value| !value.is_null());
    Sampler {
        node: sampling.node.to_string(),
        class: sampling.class.clone(),
        seed: plain(&sampling.seed),
        sampler: plain(&sampling.sampler),
        scheduler: plain(&sampling.scheduler),
        steps: plain(&sampling.steps),
        cfg: plain(&sampling.cfg),
        denoise: plain(&sampling.denoise),
        start_step: plain(&sampling.start_step),
        end_step: plain(&sampling.end_step),
    }
}

/// Whole numbers in inputs that are seeds.
fn find_seeds(prompt: &Prompt, catalog: &Catalog) -> Vec<Seed> {
    let mut found = Vec::new();
    for (id, node) in &prompt.nodes {
        for (input, value) in node.inputs() {
            let PromptInput::Literal(value @ Value::Number(number)) = value else { continue };
            let whole = number.as_i64().is_some() || number.as_u64().is_some();
            let is_seed = is_rolled_input(catalog.class(node.class()), input)
                || input.to_lowercase().contains("seed");
            if whole && is_seed && found.len() < MAX_FINDINGS {
                let (node, input) = (id.to_string(), input.to_owned());
                found.push(Seed { node, input, value: value.clone() });
            }
        }
    }
    found
}

/// Files from ComfyUI's folders, with the digests that it embeds as `is_changed`: those that
/// `LoadImage` computes of the bytes (`IS_CHANGED` in ComfyUI's `nodes.py`).
fn find_input_files(prompt: &Prompt, catalog: &Catalog) -> Vec<InputFile> {
    let files = catalog.prompt_files(prompt).into_iter();
    let files = files.filter(|(_, file)| {
        matches!(file.folder, FileFolder::Input(_) | FileFolder::Output | FileFolder::Temp)
    });
    let mut found: Vec<InputFile> = files
        .take(MAX_FINDINGS)
        .map(|(id, file)| {
            let changed = prompt.nodes.get(id).and_then(|node| node.raw().get("is_changed"));
            let digest = changed.and_then(|changed| changed.get_index(0)?.as_str());
            let digest = digest.filter(|text| {
                text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
            });
            InputFile {
                node: id.to_string(),
                name: dependencies::shareable_name(&file.name),
                sha256: digest.map(str::to_ascii_lowercase),
                ..InputFile::default()
            }
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The classes that ran, with the pack that the workflow claims for each.
fn find_classes(prompt: &Prompt, workflow: Option<&Workflow>) -> BTreeMap<String, String> {
    let mut packs: BTreeMap<&str, String> = BTreeMap::new();
    for (_, node) in workflow.into_iter().flat_map(Workflow::nodes) {
        let text = |key| node.property(key).and_then(Value::as_str).filter(|t| !t.is_empty());
        if let Some(pack) = text("cnr_id").or_else(|| text("aux_id"))
            && pack != "comfy-core"
        {
            let version = text("ver").map(|ver| format!("@{ver}")).unwrap_or_default();
            packs.insert(node.class(), format!("{pack}{version}").chars().take(200).collect());
        }
    }
    let classes = prompt.nodes.values().map(|node| node.class());
    let pack = |class: &str| packs.get(class).cloned().unwrap_or_default();
    classes
        .take(MAX_FINDINGS)
        .map(|class| (class.chars().take(200).collect(), pack(class)))
        .collect()
}
