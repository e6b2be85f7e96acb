//! What a prompt says about a run: samplers, seeds, models, inputs, texts. Only nodes that
//! feed an output count; what lies about unconnected did not run.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::catalog::{Catalog, Folder};
use comfy_graph::graph::{NodeId, Prompt, PromptInput, Workflow};
use comfy_graph::json::Value;

use super::content::{content_of, graph_of, graph_of_prompt, rolls, upstream};
use super::schema::{Input, Model, Output, Run, Sampler, Seed};
use crate::records::glance::{Sampling, glance};
use crate::records::named;

/// Findings of one sort that are kept: a stranger's prompt may have half a million nodes.
const MOST: usize = 1024;
/// Characters of one text that are kept.
const LONGEST: usize = 20_000;

/// Fills in what the prompt and the workflow say.
pub(crate) fn describe(
    run: &mut Run,
    prompt: Option<&Prompt>,
    workflow: Option<&Workflow>,
    ends: &BTreeSet<NodeId>,
    catalog: &Catalog,
) {
    run.graph = workflow
        .and_then(|workflow| graph_of(workflow, catalog))
        .or_else(|| prompt.map(|prompt| graph_of_prompt(prompt, catalog)));
    let Some(prompt) = prompt else { return };
    run.content = content_of(prompt);
    fill(run, &executed(prompt, ends), workflow, catalog);
}

/// The part of a run that led to the files of one node: only what that node draws on.
/// Nothing where the prompt has no such node.
pub fn branch(run: &Run, prompt: &Prompt, node: &str, catalog: &Catalog) -> Option<Run> {
    let made = |file: &&Output| file.node.as_deref() == Some(node);
    let outputs: Vec<Output> = run.outputs.iter().filter(made).cloned().collect();
    // A node that another one was expanded to (`12.0.0.3`) counts as that one.
    let own = |id: &str| prompt.nodes.contains_key(&NodeId::from_text(id));
    let end = if own(node) { node } else { node.split('.').next().filter(|id| own(id))? };
    let mut part = Run { outputs, ..run.clone() };
    let ran = executed(prompt, &[NodeId::from_text(end)].into());
    fill(&mut part, &ran, None, catalog);
    let took_part = |node: &String| ran.nodes.contains_key(&NodeId::from_text(node));
    part.durations.retain(|node, _| took_part(node));
    part.cached.retain(took_part);
    // What was looked up of models, inputs and packs is not in the prompt.
    for model in &mut part.models {
        let same = |known: &&Model| (&known.folder, &known.name) == (&model.folder, &model.name);
        model.sha256 = run.models.iter().find(same).and_then(|known| known.sha256.clone());
    }
    let reads = |known: &&Input| {
        part.inputs.iter().any(|one| (&one.node, &one.name) == (&known.node, &known.name))
    };
    part.inputs = run.inputs.iter().filter(reads).cloned().collect();
    for (class, pack) in &mut part.classes {
        pack.clone_from(run.classes.get(class).unwrap_or(&String::new()));
    }
    let classes = &part.classes;
    part.packs.retain(|pack| pack.classes.keys().any(|class| classes.contains_key(class)));
    Some(part)
}

/// What the nodes that ran say.
fn fill(run: &mut Run, ran: &Prompt, workflow: Option<&Workflow>, catalog: &Catalog) {
    let seen = glance(ran);
    run.samplers = seen.samplings.iter().map(sampler).collect();
    run.positive = bounded(seen.positive);
    run.negative = bounded(seen.negative);
    run.seeds = seeds(ran, catalog);
    run.inputs = inputs(ran, catalog);
    let named = named::of_prompt(ran, catalog);
    run.models = named
        .models
        .into_iter()
        .take(MOST)
        .map(|model| {
            let nodes: BTreeSet<String> = model.at.into_iter().map(|site| site.node).collect();
            let nodes = nodes.into_iter().collect();
            Model { folder: model.folder, name: model.name, nodes, sha256: None }
        })
        .collect();
    run.classes = classes(ran, workflow);
}

/// The part of a prompt that feeds its outputs.
fn executed(prompt: &Prompt, ends: &BTreeSet<NodeId>) -> Prompt {
    let reached = upstream(prompt, ends.iter().cloned());
    let nodes = prompt.nodes.iter().filter(|(id, _)| reached.contains(*id));
    Prompt { nodes: nodes.map(|(id, node)| (id.clone(), node.clone())).collect() }
}

fn bounded(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().map(|text| text.chars().take(LONGEST).collect()).collect()
}

fn sampler(sampling: &Sampling) -> Sampler {
    let plain = |value: &Option<Value>| value.as_ref().and_then(plain);
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

/// A value as a report has it.
fn plain(value: &Value) -> Option<serde_json::Value> {
    serde_json::to_value(value).ok().filter(|value| !value.is_null())
}

/// Whole numbers in inputs that are seeds.
fn seeds(prompt: &Prompt, catalog: &Catalog) -> Vec<Seed> {
    let mut found = Vec::new();
    for (id, node) in &prompt.nodes {
        for (input, value) in node.inputs() {
            let PromptInput::Literal(value @ Value::Number(number)) = value else { continue };
            let whole = number.as_i64().is_some() || number.as_u64().is_some();
            let is_seed =
                rolls(catalog.class(node.class()), input) || input.to_lowercase().contains("seed");
            if whole && is_seed && found.len() < MOST {
                let (node, input) = (id.to_string(), input.to_owned());
                found.extend(plain(value).map(|value| Seed { node, input, value }));
            }
        }
    }
    found
}

/// Files from ComfyUI's folders, with the digests that it embeds (format facts, 5).
fn inputs(prompt: &Prompt, catalog: &Catalog) -> Vec<Input> {
    let files = catalog.prompt_files(prompt).into_iter();
    let files = files.filter(|(_, file)| {
        matches!(file.folder, Folder::Input(_) | Folder::Output | Folder::Temp)
    });
    let mut found: Vec<Input> = files
        .take(MOST)
        .map(|(id, file)| {
            let changed = prompt.nodes.get(id).and_then(|node| node.raw().get("is_changed"));
            let digest = changed.and_then(|changed| changed.at(0)?.as_str());
            let digest = digest.filter(|text| {
                text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
            });
            Input {
                node: id.to_string(),
                name: named::shareable_name(&file.name),
                sha256: digest.map(str::to_ascii_lowercase),
                ..Input::default()
            }
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The classes that ran, with the pack that the workflow claims for each.
fn classes(prompt: &Prompt, workflow: Option<&Workflow>) -> BTreeMap<String, String> {
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
    classes.take(MOST).map(|class| (class.chars().take(200).collect(), pack(class))).collect()
}
