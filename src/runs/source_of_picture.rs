//! What a person names to have it again: a picture, a run, a revision. Found once here for
//! every command that makes something of it; no command itself.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use comfy_graph::json;
use comfy_graph::json::Value;
use comfy_media::{A1111Parameters, Payload};

use super::run_branches::OutputSelector;
use super::run_store::{RunStore, run_path};
use super::runs_ref::RunPath;
use super::{run_branches, runs_ref};
use crate::error::{CommandError, Result};
use crate::layouts::Filter;
use crate::platform::git::{RepoPath, Repository, changes};
use crate::platform::machine::node_catalog;
use crate::platform::text::sanitize;
use crate::runs::find_run::{find_run, find_runs_of_file};
use crate::runs::finite_json::replace_non_finite;
use crate::runs::run_data::{CommittedFile, Run, run_from_payload};
use crate::runs::text::run_text::MatchReason;
use crate::session::Session;

/// The largest document that is read, in bytes.
const MAX_DOCUMENT_SIZE: u64 = 64 << 20;

/// The documents and the run behind what a person named.
#[derive(Debug, Default)]
pub(crate) struct PictureSource {
    /// The workflow as the canvas held it.
    pub(crate) workflow: Option<Value>,
    /// The executed prompt.
    pub(crate) prompt: Option<Value>,
    /// The A1111 parameters, which sites for models read.
    pub(crate) parameters: Option<A1111Parameters>,
    /// The run, where one is known.
    pub(crate) run: Option<Run>,
    /// Of a run with several branches the part that made the file.
    pub(crate) branch: Option<Run>,
    /// The commit, path and blob that the person named.
    pub(crate) committed: Option<CommittedFile>,
    pub(crate) file: Option<PathBuf>,
    /// Where it is from, for the person: `from run 1234`.
    pub(crate) description: String,
}

/// Finds a file, else a run, else a revision.
pub(crate) fn find_source(session: &Session, what: &str) -> Result<PictureSource> {
    let path = session.cwd.join(what);
    if path.is_file() {
        source_from_file(session, &path, what)
    } else {
        source_from_name(session, what)
    }
}

/// What a file carries; of one that carries nothing what is known of its run.
fn source_from_file(session: &Session, path: &Path, name: &str) -> Result<PictureSource> {
    let shown = sanitize::line(name).into_owned();
    let file = File::open(path)
        .map_err(|error| CommandError::system(error).with_context(shown.clone()))?;
    let payload = comfy_media::read(&mut BufReader::new(file)).map(|embedded| embedded.payload());
    let payload = payload.unwrap_or_default();
    if payload.workflow.is_some() || payload.prompt.is_some() {
        let from = format!("from what {shown} carries");
        let Payload { workflow, prompt, parameters, .. } = payload;
        let file = Some(path.to_owned());
        return Ok(PictureSource {
            workflow,
            prompt,
            parameters,
            file,
            description: from,
            ..PictureSource::default()
        });
    }
    let nothing = || {
        CommandError::user(format!(
            "{shown}: it carries no workflow, and no run is known that made it"
        ))
    };
    let Ok(run_store) = RunStore::open(session) else {
        return Err(nothing().with_hint("in a repository with runs it could be found by its looks"));
    };
    let found = find_runs_of_file(&run_store, path)?;
    match found.first() {
        Some(found) => {
            let run_path = run_path(&found.row);
            let found =
                source_from_run(&run_store, &run_path, found.reason.describe(), &found.selector)?;
            Ok(PictureSource { file: Some(path.to_owned()), ..found })
        }
        None => Err(nothing().with_hint("git comfy runs scan DIR records the outputs of a folder")),
    }
}

fn source_from_run(
    run_store: &RunStore,
    run_path: &RunPath,
    how: &str,
    selector: &OutputSelector,
) -> Result<PictureSource> {
    let stored = runs_ref::load_run(&run_store.repository, run_path)?;
    let stored = stored.ok_or_else(|| {
        CommandError::repository(format!("the run {} is gone", run_path.run_id()))
    })?;
    if stored.run.redacted.is_some() {
        return Err(CommandError::repository(format!(
            "the prompts of run {} were taken out",
            run_path.run_id()
        )));
    }
    let branch = run_branches::branch_of_file(run_store, &stored, selector);
    let read = |text: Option<Vec<u8>>| json::parse_lenient(&text?).ok();
    let from = format!("from run {}{how}", sanitize::line(run_path.run_id()));
    Ok(PictureSource {
        workflow: read(stored.workflow),
        prompt: read(stored.prompt),
        run: Some(stored.run),
        branch,
        description: from,
        ..PictureSource::default()
    })
}

/// A run, else a revision.
fn source_from_name(session: &Session, name: &str) -> Result<PictureSource> {
    let run_store = RunStore::open(session)?;
    let failure = match find_run(session, &run_store, name) {
        Ok(named) => {
            let run_path = run_store.path_of(&named.stored.run);
            return source_from_run(&run_store, &run_path, "", &named.selector);
        }
        Err(failure) => failure,
    };
    match source_from_revision(&run_store.repository, name)? {
        Some(source) => Ok(source),
        None => Err(failure.with_hint("nor is it a file or a revision")),
    }
}

/// A workflow as it was committed, with its layout.
fn source_from_revision(repository: &Repository, name: &str) -> Result<Option<PictureSource>> {
    let (revision, path) = match name.split_once(':') {
        Some((revision, path)) => (revision, Some(path)),
        None => (name, None),
    };
    let Some(commit) = repository.resolve_commit(revision)? else { return Ok(None) };
    let path = match path {
        Some(path) => RepoPath::new(path),
        None => {
            let mut files = changes::touched_files(repository, commit)?;
            match files.len() {
                1 => files.remove(0).path,
                count => {
                    let shown = sanitize::line(revision).into_owned();
                    let failure =
                        CommandError::user(format!("the commit {shown} changes {count} workflows"));
                    return Err(match files.first() {
                        Some(file) => failure.with_hint(format!("name one: {shown}:{}", file.path)),
                        None => failure,
                    });
                }
            }
        }
    };
    let tree = repository.commit(commit)?.map(|commit| commit.tree);
    let entry = match tree {
        Some(tree) => repository.entry_at(tree, &path)?,
        None => None,
    };
    let Some(entry) = entry else {
        return Err(CommandError::user(format!("{path} is not in {}", sanitize::line(revision))));
    };
    let Some(clean) = repository.blob_up_to(entry.id, MAX_DOCUMENT_SIZE)? else { return Ok(None) };
    let mut filter = Filter::new(Some(repository));
    let smudged = filter.smudge_for_display(&path, entry.id, &clean);
    let value = json::parse_lenient(smudged.bytes_or(&clean)).map_err(|error| {
        CommandError::user(error).with_context(format!("{path} is no workflow"))
    })?;
    let from = format!("{path} of {}", sanitize::line(revision));
    let (commit, path, blob) = (commit.to_string(), path.to_string(), entry.id.to_hex());
    let site = Some(CommittedFile { commit, path, blob });
    Ok(Some(PictureSource {
        workflow: Some(value),
        committed: site,
        description: from,
        ..PictureSource::default()
    }))
}

impl PictureSource {
    /// The workflow and the prompt as ComfyUI takes them: without what the server added,
    /// and without numbers that JSON has no spelling for.
    pub(crate) fn clean_documents(&self) -> (Option<Value>, Option<Value>) {
        let (mut workflow, mut prompt) = (self.workflow.clone(), self.prompt.clone());
        if let Some(value) = &mut prompt {
            remove_is_changed(value);
            replace_non_finite(value);
        }
        if let Some(value) = &mut workflow {
            replace_non_finite(value);
        }
        (workflow, prompt)
    }

    /// Adds what the runs of the repository know of a file that speaks for itself: when it
    /// was made, with which models, from which commit. Where they know nothing, the run is
    /// what the file carries.
    pub(crate) fn look_up_run(&mut self, session: &Session) -> Result<()> {
        if self.run.is_some() || self.committed.is_some() {
            return Ok(());
        }
        if let (Some(file), Ok(run_store)) = (&self.file, RunStore::open(session)) {
            // By its looks a picture may be another one's, which its own prompt is not.
            let found = find_runs_of_file(&run_store, file)?.into_iter();
            let mut own =
                found.filter(|found| !matches!(found.reason, MatchReason::Likeness { .. }));
            if let Some(found) = own.next()
                && let Some(stored) = run_store.load_run(&found.row)?
            {
                self.branch = run_branches::branch_of_file(&run_store, &stored, &found.selector);
                self.run = Some(stored.run);
            }
        }
        if self.run.is_none() {
            let (workflow, prompt) = (self.workflow.clone(), self.prompt.clone());
            let payload = Payload { workflow, prompt, ..Payload::default() };
            let evidence = run_from_payload(payload, &node_catalog::catalog_for_session(session));
            self.run = evidence.map(|evidence| evidence.run);
        }
        Ok(())
    }
}

/// Takes out what the server added when it embedded the prompt.
fn remove_is_changed(prompt: &mut Value) {
    for node in prompt.as_object_mut().into_iter().flat_map(json::Object::values_mut) {
        if let Some(node) = node.as_object_mut() {
            node.remove("is_changed");
        }
    }
}
