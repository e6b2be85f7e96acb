//! The plan for a folder of outputs, and recording the runs behind them.

use std::path::{Path, PathBuf};

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, PromptInput, Workflow};
use comfy_graph::json::Value;
use jiff::Timestamp;
use rustc_hash::FxHashMap;

use super::exports::{day_of, saved};
use super::plan::{self, Line};
use super::source::{below, document_of};
use crate::error::Result;
use crate::import::model::{Made, Pile, Portrait};
use crate::platform::git::RepoPath;
use crate::platform::text::sanitize;
use crate::runs::commands::runs::scan;
use crate::runs::file;
use crate::runs::folders::Folders;
use crate::runs::model::{Run, embedded};
use crate::runs::readers::{self, Found};
use crate::runs::run_store::Shelf;
use crate::session::Session;

/// The folder types whose models a workflow may be called by.
const MAIN_MODELS: [&str; 2] = ["checkpoints", "diffusion_models"];

/// Puts the graphs of all outputs into version lines, each graph dated by its first output.
pub(crate) fn plan(
    folder: &Path,
    top: &str,
    shelf: &Shelf,
    folders: &Folders,
    session: &Session,
) -> Result<Vec<Line>> {
    let files = to_be_read(folder, shelf, folders, session)?;
    let mut pile = Pile::default();
    let bar = session.ui.count_bar("reading outputs");
    let catalog = &shelf.catalog;
    readers::each(files, Some(&bar), &|path| look(path, catalog), &mut |found, looked| {
        if let Some(looked) = looked
            && let Some(from) = below(&found.base, &found.path)
            && let Ok(moment) = saved(&found.path)
        {
            pile.add(made(looked, from, moment));
        }
        Ok(())
    })?;
    bar.finish();
    let home = |graph: &str| shelf.site_of(graph).ok().flatten().map(|site| site.path);
    let head = shelf.repository.head()?;
    let tree = head.map(|head| shelf.repository.commit(head)).transpose()?.flatten();
    let is_taken = |file: &str| {
        let path = RepoPath::new(format!("{top}{file}").into_bytes());
        let entry = tree.as_ref().map(|commit| shelf.repository.entry_at(commit.tree, &path));
        !matches!(entry, None | Some(Ok(None)))
    };
    let planned = pile.lines(&home, &is_taken);
    let mut lines = plan::lines(planned.free, top);
    lines.extend(plan::lines(planned.at_home, ""));
    Ok(lines)
}

/// Files that were not recorded before; of the others, which the index knows, the first of
/// each graph.
fn to_be_read(
    folder: &Path,
    shelf: &Shelf,
    folders: &Folders,
    session: &Session,
) -> Result<Vec<Found>> {
    let (files, _) = scan::files_of(&[folder.to_owned()], session)?;
    let (mut unread, mut first) = (Vec::new(), FxHashMap::default());
    for found in files {
        if !scan::is_known(shelf, &found.path)? {
            unread.push(found);
            continue;
        }
        let name = folders.name(&found.base, &found.path).path;
        let Ok(moment) = saved(&found.path) else { continue };
        for graph in shelf.index.graphs_of_path(&name)? {
            keep_first(&mut first, graph, moment, &found);
        }
    }
    unread.extend(first.into_values().map(|(_, found)| found));
    Ok(unread)
}

fn keep_first(
    first: &mut FxHashMap<String, (Timestamp, Found)>,
    graph: String,
    moment: Timestamp,
    found: &Found,
) {
    let is_first = first
        .get(&graph)
        .is_none_or(|(known, other)| (moment, &found.path) < (*known, &other.path));
    if is_first {
        first.insert(graph, (moment, found.clone()));
    }
}

/// The graph that an output file carries, with what it may be called by.
struct Looked {
    graph: String,
    portrait: Portrait,
    names: Vec<String>,
    model: Option<String>,
}

fn look(path: &Path, catalog: &Catalog) -> Option<Looked> {
    let payload = file::carried(path)?;
    let document = document_of(payload.clone())?;
    let evidence = embedded(payload, catalog)?;
    let prompt = evidence.prompt.and_then(|value| Prompt::from_value(value).ok());
    let mut names: Vec<String> = own_name(&document).into_iter().collect();
    names.extend(prompt.iter().flat_map(prefixes));
    names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    let portrait = match Workflow::from_value(document) {
        Ok(workflow) => Portrait::of(&workflow),
        Err(_) => Portrait::of_prompt(&prompt?),
    };
    Some(Looked {
        graph: evidence.run.graph.clone()?,
        portrait,
        names,
        model: model(&evidence.run),
    })
}

fn made(looked: Looked, from: String, moment: Timestamp) -> Made {
    let Looked { graph, portrait, mut names, model } = looked;
    // Last: who sorts pictures into folders names the folders.
    if let Some((folder, _)) = from.rsplit_once('/') {
        names.push(folder.to_owned());
    }
    let (saved_on, saved_at) = day_of(moment);
    Made { graph, from, saved: moment.as_second(), saved_on, saved_at, portrait, names, model }
}

/// The name that some packs and older frontends embed.
fn own_name(workflow: &Value) -> Option<String> {
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
fn prefixes(prompt: &Prompt) -> Vec<String> {
    let prefix = |name: &str, input: PromptInput<'_>| match input {
        PromptInput::Literal(Value::String(text)) if name == "filename_prefix" => {
            Some(text.to_string())
        }
        _ => None,
    };
    let nodes = prompt.nodes.values();
    nodes.flat_map(|node| node.inputs()).filter_map(|(name, input)| prefix(name, input)).collect()
}

fn model(run: &Run) -> Option<String> {
    let is_main = |folder: &str| MAIN_MODELS.contains(&folder);
    run.models.iter().find(|model| is_main(&model.folder)).map(|model| model.name.clone())
}

/// Records the runs behind the files, with the commits that hold their workflows.
pub(crate) fn record(
    folder: PathBuf,
    shelf: &mut Shelf,
    folders: &Folders,
    session: &Session,
) -> Result<()> {
    shelf.know_history()?;
    let bar = session.ui.count_bar("recording runs");
    let scanned = scan::scan(session, shelf, folders, &[folder], false, Some(&bar))?;
    bar.finish();
    session.ui.say(&scan::told(&scanned));
    if scanned.bare > 0 {
        let names = scanned.named.iter().filter_map(|path| path.file_name());
        let names: Vec<String> =
            names.map(|name| sanitize::line(&name.to_string_lossy()).into_owned()).collect();
        let more = scanned.bare - names.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = names.join(", ");
        session.ui.say(&format!("without anything about a run: {names}{more}"));
    }
    Ok(())
}
