//! The plan for a folder of outputs, and recording the runs behind them.

use std::path::{Path, PathBuf};

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, PromptInput, Workflow};
use comfy_graph::json::Value;
use jiff::Timestamp;
use rustc_hash::FxHashMap;

use super::exports::{local_day_and_second, modified_time};
use super::plan_file::{self, PlanLine};
use super::version_source::{relative_path, workflow_or_prompt};
use crate::error::Result;
use crate::import::model::{GeneratedOutput, GraphFingerprint, OutputCollection};
use crate::platform::git::RepoPath;
use crate::platform::text::sanitize;
use crate::runs::media_file;
use crate::runs::output_folders::OutputFolders;
use crate::runs::parallel_reader::{self, OutputCandidate};
use crate::runs::run_data::{Run, run_from_payload};
use crate::runs::run_store::RunStore;
use crate::runs::scan;
use crate::session::Session;

/// The folder types whose models a workflow may be called by.
const MAIN_MODEL_FOLDERS: [&str; 2] = ["checkpoints", "diffusion_models"];

/// Puts the graphs of all outputs into version lines, each graph dated by its first output.
pub(crate) fn plan_outputs(
    folder: &Path,
    top: &str,
    run_store: &RunStore,
    folders: &OutputFolders,
    session: &Session,
) -> Result<Vec<PlanLine>> {
    let files = select_files_to_read(folder, run_store, folders, session)?;
    let mut collection = OutputCollection::default();
    let bar = session.ui.count_bar("reading outputs");
    let catalog = &run_store.catalog;
    parallel_reader::read_in_parallel(
        files,
        Some(&bar),
        &|path| read_output_graph(path, catalog),
        &mut |found, output| {
            if let Some(output) = output
                && let Some(from) = relative_path(&found.base, &found.path)
                && let Ok(moment) = modified_time(&found.path)
            {
                collection.add(generated_output(output, from, moment));
            }
            Ok(())
        },
    )?;
    bar.finish();
    let home = |graph: &str| run_store.find_committed(graph).ok().flatten().map(|site| site.path);
    let head = run_store.repository.head()?;
    let tree = head.map(|head| run_store.repository.commit(head)).transpose()?.flatten();
    let is_taken = |file: &str| {
        let path = RepoPath::new(format!("{top}{file}").into_bytes());
        let entry = tree.as_ref().map(|commit| run_store.repository.entry_at(commit.tree, &path));
        !matches!(entry, None | Some(Ok(None)))
    };
    let planned = collection.group_into_lines(&home, &is_taken);
    let mut lines = plan_file::to_plan_lines(planned.new_files, top);
    lines.extend(plan_file::to_plan_lines(planned.existing_files, ""));
    Ok(lines)
}

/// Files that were not recorded before; of the others, which the index knows, the first of
/// each graph.
fn select_files_to_read(
    folder: &Path,
    run_store: &RunStore,
    folders: &OutputFolders,
    session: &Session,
) -> Result<Vec<OutputCandidate>> {
    let (files, _) = scan::list_output_files(&[folder.to_owned()], session)?;
    let (mut unread, mut first) = (Vec::new(), FxHashMap::default());
    for found in files {
        if !scan::was_scanned(run_store, &found.path)? {
            unread.push(found);
            continue;
        }
        let name = folders.name_output(&found.base, &found.path).path;
        let Ok(moment) = modified_time(&found.path) else { continue };
        for graph in run_store.index.graph_ids_of_path(&name)? {
            keep_earliest(&mut first, graph, moment, &found);
        }
    }
    unread.extend(first.into_values().map(|(_, found)| found));
    Ok(unread)
}

fn keep_earliest(
    first: &mut FxHashMap<String, (Timestamp, OutputCandidate)>,
    graph: String,
    moment: Timestamp,
    found: &OutputCandidate,
) {
    let is_first = first
        .get(&graph)
        .is_none_or(|(known, other)| (moment, &found.path) < (*known, &other.path));
    if is_first {
        first.insert(graph, (moment, found.clone()));
    }
}

/// The graph that an output file carries, with what it may be called by.
struct OutputGraph {
    graph: String,
    fingerprint: GraphFingerprint,
    names: Vec<String>,
    model: Option<String>,
}

fn read_output_graph(path: &Path, catalog: &Catalog) -> Option<OutputGraph> {
    let payload = media_file::read_payload(path)?;
    let document = workflow_or_prompt(payload.clone())?;
    let evidence = run_from_payload(payload, catalog)?;
    let prompt = evidence.prompt.and_then(|value| Prompt::from_value(value).ok());
    let mut names: Vec<String> = embedded_workflow_name(&document).into_iter().collect();
    names.extend(prompt.iter().flat_map(filename_prefixes));
    names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    let fingerprint = match Workflow::from_value(document) {
        Ok(workflow) => GraphFingerprint::from_workflow(&workflow),
        Err(_) => GraphFingerprint::from_prompt(&prompt?),
    };
    Some(OutputGraph {
        graph: evidence.run.graph.clone()?,
        fingerprint,
        names,
        model: main_model_name(&evidence.run),
    })
}

fn generated_output(output: OutputGraph, from: String, moment: Timestamp) -> GeneratedOutput {
    let OutputGraph { graph, fingerprint, mut names, model } = output;
    // Last: who sorts pictures into folders names the folders.
    if let Some((folder, _)) = from.rsplit_once('/') {
        names.push(folder.to_owned());
    }
    let (saved_on, saved_at) = local_day_and_second(moment);
    GeneratedOutput {
        graph,
        from,
        saved_seconds: moment.as_second(),
        saved_day: saved_on,
        saved_second_of_day: saved_at,
        fingerprint,
        names,
        model,
    }
}

/// The name that some packs and older frontends embed.
fn embedded_workflow_name(workflow: &Value) -> Option<String> {
    let extra = workflow.get("extra");
    let at = |value: Option<&Value>, key: &str| {
        value?.get(key).and_then(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned)
    };
    at(Some(workflow), "name")
        .or_else(|| at(extra, "workflow_name"))
        .or_else(|| at(extra.and_then(|extra| extra.get("info")), "name"))
        .or_else(|| at(extra.and_then(|extra| extra.get("workspace_info")), "name"))
}

/// The `filename_prefix` of each node that saves.
fn filename_prefixes(prompt: &Prompt) -> Vec<String> {
    let prefix = |name: &str, input: PromptInput<'_>| match input {
        PromptInput::Literal(Value::String(text)) if name == "filename_prefix" => {
            Some(text.to_string())
        }
        _ => None,
    };
    let nodes = prompt.nodes.values();
    nodes.flat_map(|node| node.inputs()).filter_map(|(name, input)| prefix(name, input)).collect()
}

fn main_model_name(run: &Run) -> Option<String> {
    let is_main = |folder: &str| MAIN_MODEL_FOLDERS.contains(&folder);
    run.models.iter().find(|model| is_main(&model.folder)).map(|model| model.name.clone())
}

/// Records the runs behind the files, with the commits that hold their workflows.
pub(crate) fn record_runs(
    folder: PathBuf,
    run_store: &mut RunStore,
    folders: &OutputFolders,
    session: &Session,
) -> Result<()> {
    run_store.load_history()?;
    let bar = session.ui.count_bar("recording runs");
    let scanned = scan::scan_outputs(session, run_store, folders, &[folder], false, Some(&bar))?;
    bar.finish();
    session.ui.info(&scan::summarize_scan(&scanned));
    if scanned.without_metadata > 0 {
        let names = scanned.named_files.iter().filter_map(|path| path.file_name());
        let names: Vec<String> =
            names.map(|name| sanitize::line(&name.to_string_lossy()).into_owned()).collect();
        let more = scanned.without_metadata - names.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = names.join(", ");
        session.ui.info(&format!("without anything about a run: {names}{more}"));
    }
    Ok(())
}
