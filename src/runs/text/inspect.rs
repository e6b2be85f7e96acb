//! What is embedded in a file, for reading and as JSON.
//!
//! Every text comes out of a stranger's file: the readable form is sanitized here, the JSON
//! form when it is printed.

use std::fmt::Write;

use anstyle::Style;
use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json::{Object, Value};
use comfy_media::{A1111Parameters, ContentCredentials, EmbeddedMetadata, EmbeddedText, Payload};
use serde_json::json;

use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::records::prompt_summary::{
    PromptSummary, SamplingNode, is_model_file, summarize_prompt,
};

/// The number of the JSON form, raised when a reader of it would break.
pub(crate) const SCHEMA: u32 = 1;

/// Columns of a prompt that are shown.
const EXCERPT_COLUMNS: usize = 72;

/// Lines of one sort that are shown before "and N more".
const MAX_LINES: usize = 12;

/// That a file is signed, and by whom it claims to be made.
fn describe_credentials(credentials: &ContentCredentials) -> String {
    let generator = credentials.generator.as_deref().map_or_else(
        || "it does not say by what".to_owned(),
        |name| format!("it claims to be made by {}", sanitize::excerpt(name, EXCERPT_COLUMNS)),
    );
    let kinds = match credentials.source_types.is_empty() {
        true => String::new(),
        false => format!(", as {}", sanitize::line(&credentials.source_types.join(", "))),
    };
    format!("with Content Credentials (C2PA): {generator}{kinds}; nothing of it is checked")
}

/// A file with what was found in it.
#[derive(Debug)]
pub(crate) struct InspectReport<'a> {
    /// The file's name as the person gave it.
    pub file: &'a str,
    pub embedded: &'a EmbeddedMetadata,
    /// The texts decoded.
    pub payload: &'a Payload,
}

impl InspectReport<'_> {
    /// A few lines for a person.
    pub(crate) fn to_text(&self) -> String {
        let bold = Style::new().bold();
        let mut out = format!("{bold}{}{bold:#}  {}", sanitize::line(self.file), self.file_kind());
        out.push('\n');
        let mut lines = LabelledLines { out };
        let summary = self.prompt_summary();
        self.write_workflow(&mut lines);
        match &summary {
            Some(summary) => write_summary(&mut lines, summary),
            None => self.write_widget_models(&mut lines),
        }
        if let Some(parameters) = &self.payload.parameters {
            write_parameters(&mut lines, parameters, summary.is_some());
        }
        let others: Vec<String> = self.other_entries().map(describe_entry).collect();
        if !others.is_empty() {
            let more = others.len().saturating_sub(MAX_LINES);
            let mut text = others[..others.len() - more].join(", ");
            if more > 0 {
                let _ = write!(text, " and {more} more");
            }
            lines.push("also", &text);
        }
        if let Some(credentials) = &self.embedded.credentials {
            lines.push("signed", &describe_credentials(credentials));
        }
        for (name, value) in self.embedded.origin_statements() {
            let value = sanitize::excerpt(&value, EXCERPT_COLUMNS);
            lines.push("says", &format!("{}: {value}", sanitize::line(&name)));
        }
        if self.embedded.entries.is_empty() && self.embedded.credentials.is_none() {
            lines.push("nothing", "no metadata is embedded in this file");
        }
        for defect in &self.embedded.defects {
            lines.push("damage", &defect.to_string());
        }
        lines.out
    }

    /// One JSON object.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let entries = self.embedded.entries.iter().map(|entry| {
            json!({
                "keyword": entry.keyword,
                "place": entry.location.to_string(),
                "bytes": entry.text.len(),
            })
        });
        let defects = self.embedded.defects.iter().map(ToString::to_string);
        json!({
            "schema": SCHEMA,
            "file": self.file,
            "container": self.embedded.container.to_string(),
            "width": self.embedded.size.map(|size| size.width),
            "height": self.embedded.size.map(|size| size.height),
            "entries": entries.collect::<Vec<_>>(),
            "credentials": self.embedded.credentials.as_ref().map(|credentials| json!({
                "generator": credentials.generator,
                "sourceTypes": credentials.source_types,
            })),
            "statements": self.embedded.origin_statements(),
            "summary": self.prompt_summary().map(|summary| summary_json(&summary)),
            "parameters": self.payload.parameters.as_ref().map(parameters_json),
            "prompt": self.payload.prompt,
            "workflow": self.payload.workflow,
            "defects": defects.collect::<Vec<_>>(),
        })
    }

    fn file_kind(&self) -> String {
        let container = self.embedded.container;
        self.embedded
            .size
            .map_or_else(|| container.to_string(), |size| format!("{container}, {size}"))
    }

    fn prompt_summary(&self) -> Option<PromptSummary> {
        let prompt = Prompt::from_value(self.payload.prompt.clone()?).ok()?;
        Some(summarize_prompt(&prompt))
    }

    fn write_workflow(&self, lines: &mut LabelledLines) {
        let Some(value) = &self.payload.workflow else { return };
        let text =
            |value: Option<&Value>| Some(sanitize::excerpt(value?.as_str()?, EXCERPT_COLUMNS));
        let mut parts = vec![];
        parts.extend(text(value.get("id")));
        if let Ok(workflow) = Workflow::from_value(value.clone()) {
            parts.push(counted(workflow.nodes().count(), "node", "nodes"));
            if !workflow.definitions.is_empty() {
                parts.push(counted(workflow.definitions.len(), "subgraph", "subgraphs"));
            }
        }
        let version = value.get("extra").and_then(|extra| extra.get("frontendVersion"));
        parts.extend(text(version).map(|version| format!("frontend {version}")));
        lines.push("workflow", &parts.join(", "));
    }

    /// A workflow without a prompt: what its widgets say, which need not be what ran.
    fn write_widget_models(&self, lines: &mut LabelledLines) {
        let Some(value) = &self.payload.workflow else { return };
        let Ok(workflow) = Workflow::from_value(value.clone()) else { return };
        let mut models = vec![];
        for (_, node) in workflow.nodes() {
            let values = match node.raw().get("widgets_values") {
                Some(Value::Array(values)) => values.iter().collect::<Vec<_>>(),
                Some(Value::Object(values)) => Object::values(values).collect(),
                _ => continue,
            };
            let names = values.into_iter().filter_map(Value::as_str);
            let shown = sanitize::excerpt(node.display_name(), EXCERPT_COLUMNS);
            models.extend(names.filter(|name| is_model_file(name)).map(|name| {
                format!("{} ({shown} #{})", sanitize::line(name), display_id(node.id()))
            }));
        }
        lines.push_all("model", &models);
    }

    /// Entries that none of the lines tells about.
    fn other_entries(&self) -> impl Iterator<Item = &EmbeddedText> {
        self.embedded.entries.iter().filter(|entry| {
            let name = entry.keyword.to_lowercase();
            let is_shown = match name.trim_end_matches(':') {
                "workflow" => self.payload.workflow.is_some(),
                "prompt" => self.payload.prompt.is_some(),
                "parameters" => self.payload.parameters.is_some(),
                _ => false,
            };
            !is_shown
        })
    }
}

fn describe_entry(entry: &EmbeddedText) -> String {
    let name = sanitize::excerpt(&entry.keyword, 32);
    let short = entry.text.len() <= 40 && !entry.text.trim_start().starts_with(['{', '[']);
    if short {
        format!("{name} {}", sanitize::excerpt(&entry.text, 40))
    } else {
        format!("{name} ({}, {})", entry.location, counted(entry.text.len(), "byte", "bytes"))
    }
}

fn write_summary(lines: &mut LabelledLines, summary: &PromptSummary) {
    lines.push("prompt", &counted(summary.node_count, "node", "nodes"));
    let models: Vec<String> = summary
        .models
        .iter()
        .map(|model| {
            let class = sanitize::excerpt(&model.class, EXCERPT_COLUMNS);
            format!("{} ({class} #{})", sanitize::line(&model.name), display_id(&model.node))
        })
        .collect();
    lines.push_all("model", &models);
    let embeddings: Vec<String> =
        summary.embeddings.iter().map(|name| sanitize::excerpt(name, EXCERPT_COLUMNS)).collect();
    lines.push_all("embedding", &embeddings);
    let samplings: Vec<String> = summary.samplings.iter().map(format_sampling).collect();
    lines.push_all("sampler", &samplings);
    for (label, texts) in [("positive", &summary.positive), ("negative", &summary.negative)] {
        let texts: Vec<String> =
            texts.iter().map(|text| sanitize::excerpt(text, EXCERPT_COLUMNS)).collect();
        lines.push_all(label, &texts);
    }
}

fn format_sampling(sampling: &SamplingNode) -> String {
    let class = sanitize::excerpt(&sampling.class, EXCERPT_COLUMNS);
    let mut line = format!("{class} #{}:", display_id(&sampling.node));
    let parts = [
        ("", &sampling.sampler, ""),
        ("", &sampling.scheduler, ""),
        ("", &sampling.steps, " steps"),
        ("cfg ", &sampling.cfg, ""),
        ("denoise ", &sampling.denoise, ""),
        ("seed ", &sampling.seed, ""),
    ];
    let known = parts.iter().filter_map(|(before, value, after)| {
        let value = plain_text(value.as_ref()?)?;
        Some(format!(" {before}{}{after}", sanitize::excerpt(&value, 40)))
    });
    line.push_str(&known.collect::<Vec<_>>().join(","));
    line
}

fn write_parameters(
    lines: &mut LabelledLines,
    parameters: &A1111Parameters,
    prompt_is_known: bool,
) {
    let settings: Vec<String> =
        parameters.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    lines.push("parameters", &sanitize::excerpt(&settings.join(", "), EXCERPT_COLUMNS * 2));
    // The prompt says what ran; the text repeats it at best.
    if !prompt_is_known {
        let negative = parameters.negative.as_deref();
        for (label, text) in
            [("positive", Some(parameters.positive.as_str())), ("negative", negative)]
        {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                lines.push(label, &sanitize::excerpt(text, EXCERPT_COLUMNS));
            }
        }
    }
}

fn summary_json(summary: &PromptSummary) -> serde_json::Value {
    let models = summary.models.iter().map(|model| {
        json!({
            "node": model.node.to_string(),
            "class": model.class,
            "input": model.input,
            "name": model.name,
        })
    });
    let samplings = summary.samplings.iter().map(|sampling| {
        json!({
            "node": sampling.node.to_string(),
            "class": sampling.class,
            "seed": sampling.seed,
            "sampler": sampling.sampler,
            "scheduler": sampling.scheduler,
            "steps": sampling.steps,
            "cfg": sampling.cfg,
            "denoise": sampling.denoise,
        })
    });
    json!({
        "nodes": summary.node_count,
        "models": models.collect::<Vec<_>>(),
        "embeddings": summary.embeddings,
        "samplers": samplings.collect::<Vec<_>>(),
        "positive": summary.positive,
        "negative": summary.negative,
    })
}

fn parameters_json(parameters: &A1111Parameters) -> serde_json::Value {
    let fields = parameters.fields.iter().map(|(name, value)| (name.clone(), json!(value)));
    let hashes = parameters.hashes().into_iter().map(|(name, hash)| (name, json!(hash)));
    json!({
        "positive": parameters.positive,
        "negative": parameters.negative,
        "fields": fields.collect::<serde_json::Map<_, _>>(),
        "hashes": hashes.collect::<serde_json::Map<_, _>>(),
    })
}

/// A plain value as text.
fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn display_id(id: &comfy_graph::graph::NodeId) -> String {
    sanitize::excerpt(&id.to_string(), 40)
}

/// Labelled lines under a heading.
struct LabelledLines {
    out: String,
}

impl LabelledLines {
    /// A line; its text is sanitized already.
    fn push(&mut self, label: &str, text: &str) {
        let dim = Style::new().dimmed();
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "  {dim}{label:<11}{dim:#}{text}");
    }

    fn push_all(&mut self, label: &str, texts: &[String]) {
        for text in texts.iter().take(MAX_LINES) {
            self.push(label, text);
        }
        let more = texts.len().saturating_sub(MAX_LINES);
        if more > 0 {
            self.push("", &format!("and {more} more"));
        }
    }
}
