//! What a person names to have it again: a picture, a run, a revision. Found once here for
//! every command that makes something of it; no command itself.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use comfy_graph::json;
use comfy_graph::json::Value;
use comfy_media::{Parameters, Payload};

use super::branch::Meant;
use super::run_store::Shelf;
use super::store::Place;
use super::{branch, store};
use crate::differences::widget_names;
use crate::error::{Failure, Result};
use crate::layouts::Filter;
use crate::platform::git::{RepoPath, Repository, changes};
use crate::platform::text::sanitize;
use crate::runs::commands::inspect::make_finite;
use crate::runs::commands::{find, runs};
use crate::runs::model::{Run, Site, embedded};
use crate::runs::text::runs::Match;
use crate::session::Session;

/// The largest document that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// The documents and the run behind what a person named.
#[derive(Debug, Default)]
pub(crate) struct Original {
    /// The workflow as the canvas held it.
    pub(crate) workflow: Option<Value>,
    /// The executed prompt.
    pub(crate) prompt: Option<Value>,
    /// The A1111 parameters, which sites for models read.
    pub(crate) parameters: Option<Parameters>,
    /// The run, where one is known.
    pub(crate) run: Option<Run>,
    /// Of a run with several branches the part that made the file.
    pub(crate) branch: Option<Run>,
    /// The commit, path and blob that the person named.
    pub(crate) site: Option<Site>,
    pub(crate) file: Option<PathBuf>,
    /// Where it is from, for the person: `from run 1234`.
    pub(crate) from: String,
}

/// Finds a file, else a run, else a revision.
pub(crate) fn of(session: &Session, what: &str) -> Result<Original> {
    let path = session.cwd.join(what);
    if path.is_file() { of_file(session, &path, what) } else { of_name(session, what) }
}

/// What a file carries; of one that carries nothing what is known of its run.
fn of_file(session: &Session, path: &Path, name: &str) -> Result<Original> {
    let shown = sanitize::line(name).into_owned();
    let failed = |problem: &dyn std::fmt::Display| Failure::new(format!("{shown}: {problem}"));
    let file = File::open(path).map_err(|error| failed(&error))?;
    let payload = comfy_media::read(&mut BufReader::new(file)).map(|embedded| embedded.payload());
    let payload = payload.unwrap_or_default();
    if payload.workflow.is_some() || payload.prompt.is_some() {
        let from = format!("from what {shown} carries");
        let Payload { workflow, prompt, parameters, .. } = payload;
        let file = Some(path.to_owned());
        return Ok(Original { workflow, prompt, parameters, file, from, ..Original::default() });
    }
    let nothing = || failed(&"it carries no workflow, and no run is known that made it");
    let Ok(shelf) = Shelf::open(session) else {
        return Err(nothing().hint("in a repository with runs it could be found by its looks"));
    };
    let found = find::behind(&shelf, path)?;
    match found.first() {
        Some(behind) => {
            let place = Place::new(behind.row.place.as_str());
            let found = of_place(&shelf, &place, behind.how.told(), &behind.meant)?;
            Ok(Original { file: Some(path.to_owned()), ..found })
        }
        None => Err(nothing().hint("git comfy runs scan DIR records the outputs of a folder")),
    }
}

fn of_place(shelf: &Shelf, place: &Place, how: &str, meant: &Meant) -> Result<Original> {
    let kept = store::at(&shelf.repository, place)?;
    let kept = kept.ok_or_else(|| Failure::new(format!("the run {} is gone", place.id())))?;
    if kept.run.redacted.is_some() {
        return Err(Failure::new(format!("the prompts of run {} were taken out", place.id())));
    }
    let branch = branch::of_file(shelf, &kept, meant);
    let read = |text: Option<Vec<u8>>| json::parse_lenient(&text?).ok();
    let from = format!("from run {}{how}", sanitize::line(place.id()));
    Ok(Original {
        workflow: read(kept.workflow),
        prompt: read(kept.prompt),
        run: Some(kept.run),
        branch,
        from,
        ..Original::default()
    })
}

/// A run, else a revision.
fn of_name(session: &Session, name: &str) -> Result<Original> {
    let shelf = Shelf::open(session)?;
    let failure = match runs::named(session, &shelf, name) {
        Ok(named) => {
            let place = shelf.place_of(&named.kept.run);
            return of_place(&shelf, &place, "", &named.meant);
        }
        Err(failure) => failure,
    };
    match of_revision(&shelf.repository, name)? {
        Some(source) => Ok(source),
        None => Err(failure.hint("nor is it a file or a revision")),
    }
}

/// A workflow as it was committed, with its layout.
fn of_revision(repository: &Repository, name: &str) -> Result<Option<Original>> {
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
                        Failure::new(format!("the commit {shown} changes {count} workflows"));
                    return Err(match files.first() {
                        Some(file) => failure.hint(format!("name one: {shown}:{}", file.path)),
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
        return Err(Failure::new(format!("{path} is not in {}", sanitize::line(revision))));
    };
    let Some(clean) = repository.blob_within(entry.id, LARGEST)? else { return Ok(None) };
    let mut filter = Filter::new(Some(repository));
    let smudged = filter.show(&path, entry.id, &clean);
    let value = json::parse_lenient(smudged.or(&clean))
        .map_err(|error| Failure::new(format!("{path} is no workflow: {error}")))?;
    let from = format!("{path} of {}", sanitize::line(revision));
    let (commit, path, blob) = (commit.to_string(), path.to_string(), entry.id.to_hex());
    let site = Some(Site { commit, path, blob });
    Ok(Some(Original { workflow: Some(value), site, from, ..Original::default() }))
}

impl Original {
    /// The workflow and the prompt as ComfyUI takes them: without what the server added,
    /// and without numbers that JSON has no spelling for.
    pub(crate) fn documents(&self) -> (Option<Value>, Option<Value>) {
        let (mut workflow, mut prompt) = (self.workflow.clone(), self.prompt.clone());
        if let Some(value) = &mut prompt {
            without_residue(value);
            make_finite(value);
        }
        if let Some(value) = &mut workflow {
            make_finite(value);
        }
        (workflow, prompt)
    }

    /// Adds what the runs of the repository know of a file that speaks for itself: when it
    /// was made, with which models, from which commit. Where they know nothing, the run is
    /// what the file carries.
    pub(crate) fn look_up(&mut self, session: &Session) -> Result<()> {
        if self.run.is_some() || self.site.is_some() {
            return Ok(());
        }
        if let (Some(file), Ok(shelf)) = (&self.file, Shelf::open(session)) {
            // By its looks a picture may be another one's, which its own prompt is not.
            let found = find::behind(&shelf, file)?.into_iter();
            let mut own = found.filter(|found| !matches!(found.how, Match::Likeness { .. }));
            if let Some(found) = own.next() {
                let place = Place::new(found.row.place.as_str());
                if let Some(kept) = store::at(&shelf.repository, &place)? {
                    self.branch = branch::of_file(&shelf, &kept, &found.meant);
                    self.run = Some(kept.run);
                }
            }
        }
        if self.run.is_none() {
            let (workflow, prompt) = (self.workflow.clone(), self.prompt.clone());
            let payload = Payload { workflow, prompt, ..Payload::default() };
            let evidence = embedded(payload, &widget_names::cached(session));
            self.run = evidence.map(|evidence| evidence.run);
        }
        Ok(())
    }
}

/// Takes out what the server added when it embedded the prompt.
fn without_residue(prompt: &mut Value) {
    for node in prompt.as_object_mut().into_iter().flat_map(json::Object::values_mut) {
        if let Some(node) = node.as_object_mut() {
            node.remove("is_changed");
        }
    }
}
