//! What is known of how something was made, as tables: models with hashes and sources, packs,
//! seeds, environment, lineage. Nothing is guessed: what nobody recorded is not there. Pure.

use std::collections::BTreeSet;

use comfy_graph::json::Value;

use crate::platform::git::foreign_checkout::Checkout;
use crate::records::schema::{ClassUse, ModelFact, PackFact, WorkflowUse};
use crate::records::{ComfyEnvironment, CommitRecord, MachineObservation};
use crate::runs::run_data::{OutputFile, Run, RunOutcome, RunSource};
use crate::runs::text::lineage;

/// A sheet, before it is rendered. All texts are as the sources have them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProvenanceSheet {
    pub title: String,
    /// What it is about, a line each.
    pub facts: Vec<(String, String)>,
    pub pictures: Vec<SheetPicture>,
    pub tables: Vec<SheetTable>,
    /// Long texts under a name: prompts.
    pub texts: Vec<(String, String)>,
    /// What could not be found out.
    pub remarks: Vec<String>,
}

/// A small picture.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetPicture {
    pub caption: String,
    /// A PNG file; nothing where the picture is not here any more.
    pub png: Option<Vec<u8>>,
}

/// Rows under a heading. A table without rows is not shown.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetTable {
    pub heading: &'static str,
    pub columns: &'static [&'static str],
    pub rows: Vec<Vec<String>>,
}

/// Rows of one table that are shown.
const MAX_ROWS: usize = 500;

impl ProvenanceSheet {
    /// Adds a table unless it is empty.
    pub fn push_table(
        &mut self,
        heading: &'static str,
        columns: &'static [&'static str],
        mut rows: Vec<Vec<String>>,
    ) {
        if rows.len() > MAX_ROWS {
            self.remarks.push(format!("{heading}: {} more are left out", rows.len() - MAX_ROWS));
            rows.truncate(MAX_ROWS);
        }
        if !rows.is_empty() {
            self.tables.push(SheetTable { heading, columns, rows });
        }
    }

    fn push_fact(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.facts.push((name.to_owned(), value));
        }
    }

    /// What a run says of itself; `record` is that of the commit its workflow is in.
    pub fn add_run(&mut self, run: &Run, record: Option<&CommitRecord>) {
        self.push_fact("run", &run.id);
        self.push_fact("made", run.known_time().unwrap_or_default());
        let outcome = match run.outcome {
            RunOutcome::Success => "ran to its end",
            RunOutcome::Error => "failed",
            RunOutcome::Interrupted => "stopped",
            RunOutcome::Unknown if run.known.contains(&RunSource::File) => "known from its files",
            RunOutcome::Unknown => "its end was not seen",
        };
        self.push_fact("outcome", outcome);
        if let Some(site) = &run.committed {
            let commit: String = site.commit.chars().take(12).collect();
            self.push_fact("workflow", format!("{} in commit {commit}", site.path));
        }
        let outputs = run.outputs.iter().map(output_row).collect();
        self.push_table("Files", &["file", "size", "node", "sha256"], outputs);
        self.push_table("Sampling", &SAMPLING_COLUMNS, sampling_rows(run));
        let seen = record.and_then(best_observation);
        let fact = |folder: &str, name: &str| {
            let models = seen.map(|seen| seen.models.as_slice()).unwrap_or_default();
            models.iter().find(|fact| fact.folder == folder && fact.name == name)
        };
        let models = run.models.iter().map(|model| {
            let fact = fact(&model.folder, &model.name);
            let nodes = model.nodes.iter().map(|node| format!("#{node}")).collect::<Vec<_>>();
            let sources = record.map(|record| claimed_urls(record, &model.folder, &model.name));
            model_row(
                &format!("{}/{}", model.folder, model.name),
                fact,
                model.sha256.as_deref(),
                sources.unwrap_or_default(),
                nodes.join(", "),
            )
        });
        self.push_table("Models", &MODEL_COLUMNS, models.collect());
        let inputs = run.inputs.iter().map(|input| {
            vec![
                input.name.clone(),
                format!("#{}", input.node),
                input.sha256.clone().unwrap_or_default(),
            ]
        });
        self.push_table("Files it read", &["file", "node", "sha256"], inputs.collect());
        self.push_table("Node packs", &PACK_COLUMNS, run.packs.iter().map(pack_row).collect());
        if run.packs.is_empty() {
            let claimed: BTreeSet<&str> =
                run.classes.values().filter(|pack| !pack.is_empty()).map(String::as_str).collect();
            if !claimed.is_empty() {
                let claimed: Vec<&str> = claimed.into_iter().collect();
                self.remarks.push(format!(
                    "nobody looked at the node packs; the workflow names {}",
                    claimed.join(", ")
                ));
            }
        }
        let environment = run.environment.as_ref();
        let environment = environment.or_else(|| seen.and_then(|seen| seen.environment.as_ref()));
        match environment {
            Some(environment) => self.add_environment(environment),
            None => self.remarks.push("nobody recorded the environment".to_owned()),
        }
        self.add_lineage(run);
        for (name, texts) in [("Prompt", &run.positive), ("Negative prompt", &run.negative)] {
            self.texts.extend(texts.iter().map(|text| (name.to_owned(), text.clone())));
        }
        if let Some(redacted) = &run.redacted {
            self.remarks.push(format!("the prompts were taken out on {}", redacted.at));
        }
    }

    fn add_lineage(&mut self, run: &Run) {
        let Some(parent) = &run.parent else { return };
        let mut rows = vec![vec![
            lineage::derivation_verb(parent).to_owned(),
            lineage::describe_parent(parent),
        ]];
        rows.extend(
            parent.set.iter().map(|set| vec!["set".to_owned(), lineage::describe_setting(set)]),
        );
        let compared = run.compared.iter();
        rows.extend(
            compared.map(|found| vec!["compared".to_owned(), lineage::describe_comparison(found)]),
        );
        self.push_table("Lineage", &["", ""], rows);
    }

    /// What a commit was made with.
    pub fn add_record(&mut self, record: &CommitRecord) {
        let seen = best_observation(record);
        let rows = record.workflows.iter().flat_map(|workflow| workflow_models(workflow, seen));
        self.push_table("Models", &MODEL_COLUMNS, rows.collect());
        match seen {
            Some(seen) => {
                let packs = seen.packs.iter().map(pack_row).collect();
                self.push_table("Node packs", &PACK_COLUMNS, packs);
                if !seen.unplaced.is_empty() {
                    let classes: Vec<&str> = seen.unplaced.iter().map(String::as_str).collect();
                    self.remarks.push(format!("no pack was found for {}", classes.join(", ")));
                }
                match &seen.environment {
                    Some(environment) => self.add_environment(environment),
                    None => self.remarks.push("nobody recorded the environment".to_owned()),
                }
            }
            None => {
                let claimed = record.workflows.iter().flat_map(|workflow| &workflow.classes);
                self.push_table(
                    "Node packs, as the workflow says",
                    &["class", "pack", "placed with"],
                    claimed.filter_map(claimed_row).collect(),
                );
                self.remarks.push("nothing was looked at on any machine yet".to_owned());
            }
        }
    }

    fn add_environment(&mut self, environment: &ComfyEnvironment) {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut push = |name: &str, value: Option<&str>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                rows.push(vec![name.to_owned(), value.to_owned()]);
            }
        };
        push("ComfyUI", environment.comfyui.as_deref());
        let source = environment.source.as_ref().map(describe_checkout);
        push("its source", source.as_deref());
        push("frontend", environment.frontend.as_deref());
        push("Python", environment.python.as_deref());
        push("torch", environment.torch.as_deref());
        push("system", environment.os.as_deref());
        push("devices", Some(&environment.devices.join(", ")));
        push("driver", environment.driver.as_deref());
        push("started with", Some(&environment.flags.join(" ")));
        push("Python packages", environment.packages.as_deref());
        self.push_table("Environment", &["", ""], rows);
    }
}

const MODEL_COLUMNS: [&str; 5] = ["model", "size", "sha256", "source", "for"];
const PACK_COLUMNS: [&str; 4] = ["pack", "version", "commit", "source"];
const SAMPLING_COLUMNS: [&str; 6] = ["node", "seed", "sampler", "steps", "cfg", "denoise"];

/// The machine that knows most.
fn best_observation(record: &CommitRecord) -> Option<&MachineObservation> {
    let hashed =
        |seen: &MachineObservation| seen.models.iter().filter(|fact| fact.hashes.is_some()).count();
    record.seen.values().max_by_key(|seen| (hashed(seen), &seen.at))
}

fn workflow_models(workflow: &WorkflowUse, seen: Option<&MachineObservation>) -> Vec<Vec<String>> {
    let facts = seen.map(|seen| seen.models.as_slice()).unwrap_or_default();
    let row = |model: &crate::records::ModelUse| {
        let same = |fact: &&ModelFact| fact.folder == model.folder && fact.name == model.name;
        let sites = model.at.iter().take(4);
        let sites: Vec<String> =
            sites.map(|site| format!("{}.{} #{}", site.class, site.input, site.node)).collect();
        model_row(
            &format!("{}/{}", model.folder, model.name),
            facts.iter().find(same),
            None,
            model.claims.urls.iter().cloned().collect(),
            format!("{} ({})", sites.join(", "), workflow.path),
        )
    };
    workflow.distinct_models().map(row).collect()
}

fn model_row(
    name: &str,
    fact: Option<&ModelFact>,
    sha256: Option<&str>,
    mut sources: Vec<String>,
    used_by: String,
) -> Vec<String> {
    let size = fact.and_then(|fact| fact.size).map(format_size).unwrap_or_default();
    let hashed = fact.and_then(|fact| fact.hashes.as_ref()).map(|hashes| hashes.sha256.clone());
    let sha256 = sha256.map(str::to_owned).or(hashed);
    let hints = fact.map(|fact| fact.hints.as_slice()).unwrap_or_default();
    sources.extend(hints.iter().filter_map(|hint| hint.url.clone()));
    sources.dedup();
    let unknown = || "not recorded".to_owned();
    vec![name.to_owned(), size, sha256.unwrap_or_else(unknown), sources.join("\n"), used_by]
}

fn claimed_urls(record: &CommitRecord, folder: &str, name: &str) -> Vec<String> {
    let models = record.workflows.iter().flat_map(|workflow| &workflow.models);
    let same = models.filter(|model| model.folder == folder && model.name == name);
    let urls: BTreeSet<String> = same.flat_map(|model| model.claims.urls.iter().cloned()).collect();
    urls.into_iter().collect()
}

fn pack_row(pack: &PackFact) -> Vec<String> {
    vec![
        pack.name.clone(),
        pack.version.clone().unwrap_or_default(),
        describe_checkout(&pack.checkout),
        pack.checkout.remote.clone().or(pack.cnr_id.clone()).unwrap_or_default(),
    ]
}

fn claimed_row(class: &ClassUse) -> Option<Vec<String>> {
    let pack = class.cnr_id.as_ref().or(class.aux_id.as_ref())?;
    let versions: Vec<&str> = class.placed_with.iter().map(String::as_str).collect();
    Some(vec![class.class.clone(), pack.clone(), versions.join(", ")])
}

fn describe_checkout(checkout: &Checkout) -> String {
    let tag = checkout.tag.as_deref().map(|tag| format!("({tag})"));
    let changed = (checkout.dirty == Some(true)).then(|| "with local changes".to_owned());
    let commit = checkout.commit.clone();
    commit.into_iter().chain(tag).chain(changed).collect::<Vec<_>>().join(" ")
}

fn output_row(file: &OutputFile) -> Vec<String> {
    let size = file.dimensions.map(|(width, height)| format!("{width} x {height}"));
    vec![
        file.path.clone(),
        size.or_else(|| file.size.map(format_size)).unwrap_or_default(),
        file.node.as_deref().map(|node| format!("#{node}")).unwrap_or_default(),
        file.sha256.clone().unwrap_or_default(),
    ]
}

fn sampling_rows(run: &Run) -> Vec<Vec<String>> {
    let plain =
        |value: &Option<Value>| value.as_ref().map(lineage::format_plain_value).unwrap_or_default();
    let sampler = |sampler: &crate::runs::run_data::Sampler| {
        let (name, schedule) = (plain(&sampler.sampler), plain(&sampler.scheduler));
        let way = [name, schedule].into_iter().filter(|part| !part.is_empty());
        vec![
            format!("{} #{}", sampler.class, sampler.node),
            plain(&sampler.seed),
            way.collect::<Vec<_>>().join(", "),
            plain(&sampler.steps),
            plain(&sampler.cfg),
            plain(&sampler.denoise),
        ]
    };
    let mut rows: Vec<Vec<String>> = run.samplers.iter().map(sampler).collect();
    let is_told = |seed: &crate::runs::run_data::Seed| {
        run.samplers.iter().any(|sampler| sampler.seed.as_ref() == Some(&seed.value))
    };
    for seed in run.seeds.iter().filter(|seed| !is_told(seed)) {
        let mut row = vec![format!("#{} {}", seed.node, seed.input), seed.value.to_string()];
        row.resize(SAMPLING_COLUMNS.len(), String::new());
        rows.push(row);
    }
    rows
}

/// Bytes as a person counts them.
fn format_size(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let (mut amount, mut unit) = (bytes as f64, 0);
    while amount >= 1024.0 && unit + 1 < units.len() {
        amount /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{amount:.2} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_counted_as_people_do() {
        assert_eq!(format_size(700), "700 bytes");
        assert_eq!(format_size(6_938_041_050), "6.46 GiB");
    }
}
