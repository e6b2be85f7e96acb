//! A run from what an output file carries.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json::Value;
use comfy_media::{Parameters, Payload};

use super::Evidence;
use super::content::{content_of_value, ends};
use super::gather::describe;
use super::schema::{Known, Model, Run, Sampler, Seed};
use crate::records::named::shareable_name;

/// The run behind a file, without the file itself among its outputs. Nothing where the
/// file carries neither prompt nor workflow nor parameters.
///
/// Every file of one run carries the same prompt, so that all of them give one run; which
/// node made which file no file says.
pub fn embedded(payload: Payload, catalog: &Catalog) -> Option<Evidence> {
    let prompt = payload.prompt.clone().and_then(|value| Prompt::from_value(value).ok());
    let workflow = payload.workflow.clone().and_then(|value| Workflow::from_value(value).ok());
    let mut run = Run { known: [Known::File].into(), ..Run::default() };
    let ends = prompt.as_ref().map(|prompt| ends(prompt, catalog)).unwrap_or_default();
    describe(&mut run, prompt.as_ref(), workflow.as_ref(), &ends, catalog);
    if prompt.is_none() {
        run.content = content_of_value(&without_prompt(&mut run, &payload)?);
    }
    run.id = own_id(&run.content);
    let prompt = payload.prompt.filter(|_| prompt.is_some());
    Some(Evidence { run, prompt, workflow: payload.workflow })
}

/// The id of a run that no server gave one.
pub(crate) fn own_id(content: &str) -> String {
    let digits = content.rsplit(':').next().unwrap_or_default();
    format!("x{}", digits.get(..32).unwrap_or(digits))
}

/// What identifies a run whose prompt is not in the file: the workflow, else the
/// parameters, whose texts and settings are all that is known then.
fn without_prompt(run: &mut Run, payload: &Payload) -> Option<Value> {
    if let Some(parameters) = &payload.parameters {
        parameters_into(run, parameters);
    }
    payload.workflow.clone().or_else(|| payload.parameters.as_ref().map(as_value))
}

fn as_value(parameters: &Parameters) -> Value {
    let pair = |(name, value): &(String, String)| {
        Value::from(vec![Value::from(name.as_str()), Value::from(value.as_str())])
    };
    Value::from(vec![
        Value::from(parameters.positive.as_str()),
        Value::from(parameters.negative.as_deref().unwrap_or_default()),
        Value::from(parameters.fields.iter().map(pair).collect::<Vec<_>>()),
    ])
}

fn parameters_into(run: &mut Run, parameters: &Parameters) {
    run.positive.extend(Some(parameters.positive.clone()).filter(|text| !text.is_empty()));
    run.negative.extend(parameters.negative.clone().filter(|text| !text.is_empty()));
    let text = |value: Option<&str>| value.map(serde_json::Value::from);
    let seed = parameters.seed().map(serde_json::Value::from);
    if let Some(value) = seed.clone() {
        run.seeds.push(Seed { node: String::new(), input: "seed".to_owned(), value });
    }
    run.samplers.push(Sampler {
        seed,
        sampler: text(parameters.sampler()),
        scheduler: text(parameters.scheduler()),
        steps: parameters.steps().map(serde_json::Value::from),
        cfg: parameters.cfg().map(serde_json::Value::from),
        denoise: parameters.denoise().map(serde_json::Value::from),
        ..Sampler::default()
    });
    if let Some(model) = parameters.model() {
        let (folder, name) = ("checkpoints".to_owned(), shareable_name(model));
        run.models.push(Model { folder, name, ..Model::default() });
    }
}
