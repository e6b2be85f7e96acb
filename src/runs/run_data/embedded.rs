//! A run from what an output file carries.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json::Value;
use comfy_media::{A1111Parameters, Payload};

use super::RunEvidence;
use super::identity::{find_output_nodes, value_content_id};
use super::prompt_facts::fill_from_documents;
use super::schema::{Run, RunModel, RunSource, Sampler, Seed};
use crate::records::dependencies::shareable_name;

/// The run behind a file, without the file itself among its outputs. Nothing where the
/// file carries neither prompt nor workflow nor parameters.
///
/// Every file of one run carries the same prompt, so that all of them give one run; which
/// node made which file no file says.
pub fn run_from_payload(payload: Payload, catalog: &Catalog) -> Option<RunEvidence> {
    let prompt = payload.prompt.clone().and_then(|value| Prompt::from_value(value).ok());
    let workflow = payload.workflow.clone().and_then(|value| Workflow::from_value(value).ok());
    let mut run = Run { known: [RunSource::File].into(), ..Run::default() };
    let ends = prompt.as_ref().map(|prompt| find_output_nodes(prompt, catalog)).unwrap_or_default();
    fill_from_documents(&mut run, prompt.as_ref(), workflow.as_ref(), &ends, catalog);
    if prompt.is_none() {
        run.content = value_content_id(&identify_without_prompt(&mut run, &payload)?);
    }
    run.id = content_run_id(&run.content);
    let prompt = payload.prompt.filter(|_| prompt.is_some());
    Some(RunEvidence { run, prompt, workflow: payload.workflow })
}

/// The id of a run that no server gave one.
fn content_run_id(content: &str) -> String {
    let digits = content.rsplit(':').next().unwrap_or_default();
    format!("x{}", digits.get(..32).unwrap_or(digits))
}

/// Whether no server gave a run its id: it is known by its files alone.
pub fn is_content_run_id(id: &str) -> bool {
    id.starts_with('x')
}

/// What identifies a run whose prompt is not in the file: the workflow, else the
/// parameters, whose texts and settings are all that is known then.
fn identify_without_prompt(run: &mut Run, payload: &Payload) -> Option<Value> {
    if let Some(parameters) = &payload.parameters {
        apply_parameters(run, parameters);
    }
    payload.workflow.clone().or_else(|| payload.parameters.as_ref().map(parameters_to_value))
}

fn parameters_to_value(parameters: &A1111Parameters) -> Value {
    let pair = |(name, value): &(String, String)| {
        Value::from(vec![Value::from(name.as_str()), Value::from(value.as_str())])
    };
    Value::from(vec![
        Value::from(parameters.positive.as_str()),
        Value::from(parameters.negative.as_deref().unwrap_or_default()),
        Value::from(parameters.fields.iter().map(pair).collect::<Vec<_>>()),
    ])
}

fn apply_parameters(run: &mut Run, parameters: &A1111Parameters) {
    run.positive.extend(Some(parameters.positive.clone()).filter(|text| !text.is_empty()));
    run.negative.extend(parameters.negative.clone().filter(|text| !text.is_empty()));
    let text = |value: Option<&str>| value.map(Value::from);
    let seed = parameters.seed().map(Value::from);
    if let Some(value) = seed.clone() {
        run.seeds.push(Seed { node: String::new(), input: "seed".to_owned(), value });
    }
    run.samplers.push(Sampler {
        seed,
        sampler: text(parameters.sampler()),
        scheduler: text(parameters.scheduler()),
        steps: parameters.steps().map(u64::from).map(Value::from),
        cfg: parameters.cfg().map(Value::from),
        denoise: parameters.denoise().map(Value::from),
        ..Sampler::default()
    });
    if let Some(model) = parameters.model() {
        let (folder, name) = ("checkpoints".to_owned(), shareable_name(model));
        run.models.push(RunModel { folder, name, ..RunModel::default() });
    }
}
