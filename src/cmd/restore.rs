//! `git comfy restore`: the workflow that made a picture, ready to load.

use std::fs::File;
use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use super::inspect::{Over, make_finite, write};
use super::naming;
use super::runs::shelf::Shelf;
use super::{find, runs};
use crate::catalog::Catalog;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::git::runs::{self as kept_runs, Place};
use crate::git::{Filter, RepoPath, Repository, changes};
use crate::graph::{Prompt, Workflow};
use crate::json::{self, Style, Value};
use crate::media;
use crate::record::run::fix_seeds;
use crate::render::sanitize;
use crate::session::Session;

/// Write the workflow that made a picture, exactly as it ran, ready to load in ComfyUI.
///
/// Seeds are those that were used, and are held fixed; the layout is there. A picture that
/// lost what it carried is looked up among the runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A picture or other output, the id of a run, or a revision (REV or REV:PATH).
    #[arg(value_name = "IMAGE|RUN|REV")]
    pub what: String,
    /// Write to this file instead of printing.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write also over a file that is there.
    #[arg(long, requires = "output")]
    pub force: bool,
    /// The executed prompt in API format instead of the workflow.
    #[arg(long)]
    pub api: bool,
    /// Leave seeds and their controls as they were on the canvas.
    #[arg(long, conflicts_with = "api")]
    pub as_queued: bool,
}

/// The largest document that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// What was found.
#[derive(Default)]
struct Source {
    workflow: Option<Value>,
    prompt: Option<Value>,
    /// Where it is from, for the person.
    from: String,
}

/// Restores.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let path = session.cwd.join(&args.what);
    let source = if path.is_file() {
        of_file(session, &path, &args.what)?
    } else {
        of_name(session, &args.what)?
    };
    let catalog = naming::cached(session);
    let (value, told) = document(args, source, &catalog)?;
    let text = json::print(&value, &Style { final_newline: true, ..Style::EXPORT });
    match &args.output {
        Some(output) => {
            let over = if args.force { Over::Anything } else { Over::Nothing };
            write(&session.cwd.join(output), &text, over)?;
            let name = sanitize::line(&output.display().to_string()).into_owned();
            session.ui.say(&format!("{name}: {told}"));
        }
        // A terminal would act on what it is sent; a pipe gets every byte.
        None if std::io::stdout().is_terminal() => {
            session.ui.out(&format!("{}\n", sanitize::json(text.trim_end())))?;
        }
        None => session.ui.out_bytes(text.as_bytes())?,
    }
    Ok(Exit::Done)
}

/// What a file carries; of one that carries nothing what is known of its run.
fn of_file(session: &Session, path: &Path, name: &str) -> Result<Source> {
    let shown = sanitize::line(name).into_owned();
    let failed = |problem: &dyn std::fmt::Display| Failure::new(format!("{shown}: {problem}"));
    let file = File::open(path).map_err(|error| failed(&error))?;
    let payload = media::read(&mut BufReader::new(file)).map(|embedded| embedded.payload());
    let payload = payload.unwrap_or_default();
    if payload.workflow.is_some() || payload.prompt.is_some() {
        let from = format!("from what {shown} carries");
        return Ok(Source { workflow: payload.workflow, prompt: payload.prompt, from });
    }
    let nothing = || failed(&"it carries no workflow, and no run is known that made it");
    let Ok(shelf) = Shelf::open(session) else {
        return Err(nothing().hint("in a repository with runs it could be found by its looks"));
    };
    let found = find::behind(&shelf, path)?;
    match found.first() {
        Some((how, row)) => of_place(&shelf, &Place::new(row.place.as_str()), how.told()),
        None => Err(nothing().hint("git comfy runs scan DIR records the outputs of a folder")),
    }
}

fn of_place(shelf: &Shelf, place: &Place, how: &str) -> Result<Source> {
    let kept = kept_runs::at(&shelf.repository, place)?;
    let kept = kept.ok_or_else(|| Failure::new(format!("the run {} is gone", place.id())))?;
    if kept.run.redacted.is_some() {
        return Err(Failure::new(format!("the prompts of run {} were taken out", place.id())));
    }
    let read = |text: Option<Vec<u8>>| json::parse_lenient(&text?).ok();
    let from = format!("from run {}{how}", sanitize::line(place.id()));
    Ok(Source { workflow: read(kept.workflow), prompt: read(kept.prompt), from })
}

/// A run, else a revision.
fn of_name(session: &Session, name: &str) -> Result<Source> {
    let shelf = Shelf::open(session)?;
    let failure = match runs::named(session, &shelf, name) {
        Ok(kept) => return of_place(&shelf, &shelf.place_of(&kept.run), ""),
        Err(failure) => failure,
    };
    match of_revision(&shelf.repository, name)? {
        Some(source) => Ok(source),
        None => Err(failure.hint("nor is it a file or a revision")),
    }
}

/// A workflow as it was committed, with its layout.
fn of_revision(repository: &Repository, name: &str) -> Result<Option<Source>> {
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
                        Some(file) => {
                            failure.hint(format!("git comfy restore {shown}:{}", file.path))
                        }
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
    let smudged = filter.smudge(&path, Some(entry.id), &clean);
    let value = json::parse_lenient(smudged.or(&clean))
        .map_err(|error| Failure::new(format!("{path} is no workflow: {error}")))?;
    let from = format!("{path} of {}", sanitize::line(revision));
    Ok(Some(Source { workflow: Some(value), prompt: None, from }))
}

/// What is written, and what is said of it.
fn document(args: &Args, source: Source, catalog: &Catalog) -> Result<(Value, String)> {
    let Source { workflow, prompt, from } = source;
    if args.api {
        let mut prompt =
            prompt.ok_or_else(|| Failure::new(format!("there is no executed prompt {from}")))?;
        without_residue(&mut prompt);
        make_finite(&mut prompt);
        return Ok((prompt, format!("the executed prompt {from}")));
    }
    let Some(mut value) = workflow else {
        let mut prompt =
            prompt.ok_or_else(|| Failure::new(format!("there is no workflow {from}")))?;
        without_residue(&mut prompt);
        make_finite(&mut prompt);
        // ComfyUI opens this as well, with an arrangement of its own.
        return Ok((prompt, format!("the executed prompt {from}; it was queued without a canvas")));
    };
    make_finite(&mut value);
    if args.as_queued {
        return Ok((value, format!("the workflow {from}, as it was queued")));
    }
    let Ok(mut graph) = Workflow::from_value(value.clone()) else {
        return Ok((value, format!("the workflow {from}")));
    };
    let prompt = prompt.and_then(|value| Prompt::from_value(value).ok());
    let fixed = fix_seeds(&mut graph, prompt.as_ref(), catalog);
    let mut told = format!("the workflow {from}");
    if fixed.controls > 0 || fixed.seeds > 0 {
        told += ", seeds held fixed";
    }
    if !fixed.left.is_empty() {
        told += &format!("; the seed of #{} is not the one that was used", fixed.left.join(", #"));
    }
    Ok((graph.into_value(), told))
}

/// What the server added when it embedded the prompt.
fn without_residue(prompt: &mut Value) {
    for node in prompt.as_object_mut().into_iter().flat_map(json::Object::values_mut) {
        if let Some(node) = node.as_object_mut() {
            node.remove("is_changed");
        }
    }
}
