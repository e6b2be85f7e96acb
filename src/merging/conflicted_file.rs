//! A workflow on disk with the conflicts it carries: read, resolved, written back whole, and
//! staged when none is left.

use std::path::{Path, PathBuf};

use comfy_graph::canon;
use comfy_graph::catalog::Catalog;
use comfy_graph::json::{self, Style, Value};
use comfy_graph::merge::{self, Cards, Choice, Labels, Unsettled};

use super::commands::resolve::shown;
use super::driver::{self, Stages};
use super::merge_files::{self, Frame, Inputs};
use super::resolve_text::heading;
use crate::differences::widget_names;
use crate::error::{Failure, Result};
use crate::platform::git::{RepoPath, Repository};
use crate::platform::machine::write_file;
use crate::platform::text::sanitize;
use crate::session::Session;

/// A file that may carry conflicts.
pub(crate) struct Held<'a> {
    session: &'a Session,
    repository: Option<Repository>,
    /// Its path in the repository, if it lies in the work tree.
    path: Option<RepoPath>,
    file: PathBuf,
    /// The name in messages: the path in the repository, else the file's.
    pub(crate) name: String,
    catalog: Catalog,
}

pub(crate) struct Settled {
    pub(crate) settled: usize,
    pub(crate) left: usize,
    /// Why some choices could not be applied, each as a line.
    pub(crate) refused: Vec<String>,
    /// Cards that stay as notes.
    pub(crate) notes: Vec<String>,
    /// The file was staged.
    pub(crate) staged: bool,
}

impl<'a> Held<'a> {
    /// Opens the file. If git merged it as text, because git-comfy was not set up then, and it
    /// is no JSON with the conflict markers in it, it is merged as a graph now.
    pub(crate) fn open(session: &'a Session, file: &Path) -> Result<Held<'a>> {
        let file = session.cwd.join(file);
        let repository = session.repository().ok();
        let path = repository.as_ref().and_then(|r| r.path_of(&file));
        let name = match &path {
            Some(path) => path.to_string(),
            None => shown(&file),
        };
        let catalog = repository.as_ref().map_or_else(Catalog::core, widget_names::of);
        let held = Held { session, repository, path, file, name, catalog };
        held.merge_anew()?;
        Ok(held)
    }

    fn stages(&self) -> Result<Option<Stages>> {
        match (&self.repository, &self.path) {
            (Some(repository), Some(path)) => Ok(driver::stages(repository, path)?),
            _ => Ok(None),
        }
    }

    fn merge_anew(&self) -> Result<()> {
        let content = self.content()?;
        if json::parse(&content).is_ok() {
            return Ok(());
        }
        let name = sanitize::line(&self.name);
        let Some(Stages::Unmerged { base, ours: Some(ours), theirs: Some(theirs) }) =
            self.stages()?
        else {
            return Err(Failure::new(format!("{name} is no workflow that could be read"))
                .hint("`git comfy resolve` settles conflicts in workflows"));
        };
        let inputs = Inputs { base: base.unwrap_or_default(), ours, theirs };
        let Some(documents) = inputs.documents() else {
            return Err(Failure::new(format!("{name} is no JSON on one of the sides"))
                .hint("edit the file, then `git add` it"));
        };
        let (Some(repository), Some(path)) = (&self.repository, &self.path) else {
            return Ok(());
        };
        let strategies = merge_files::strategies(self.session, Some(repository));
        let frame = Frame {
            repository: Some(repository),
            handling: driver::handling(repository, path).0,
            labels: Labels::default(),
            cards: Cards::Shown,
            strategies: &strategies,
        };
        let product = merge_files::merge(&inputs, documents, &frame);
        let Some(clean) = &product.content else {
            return Err(Failure::new(format!(
                "{name} is other JSON, and both sides changed the same in it"
            ))
            .hint("settle what stands between the conflict markers, then `git add` it"));
        };
        let nodes = &product.merged.renumbered.nodes;
        let contents =
            driver::Contents { ours: &inputs.ours, theirs: &inputs.theirs, merged: clean };
        let placed = driver::with_layout(repository, path, contents, nodes)?;
        write_file::write(&self.file, placed.as_ref().unwrap_or(clean))?;
        self.session.ui.say(&format!("{name}: merged as a graph now"));
        Ok(())
    }

    fn content(&self) -> Result<Vec<u8>> {
        std::fs::read(&self.file).map_err(|error| {
            Failure::new(format!("{} cannot be read: {error}", sanitize::line(&self.name)))
        })
    }

    fn document(&self) -> Result<(Value, String)> {
        let content = self.content()?;
        let document = json::parse(&content).map_err(|error| {
            let name = sanitize::line(&self.name);
            Failure::new(format!("{name} is no JSON any more: {error}"))
        })?;
        Ok((document, String::from_utf8_lossy(&content).into_owned()))
    }

    pub(crate) fn read(&self) -> Result<Vec<Unsettled>> {
        Ok(merge::list(&self.document()?.0, &self.catalog))
    }

    /// Resolves some conflicts in the file as it is on disk now.
    pub(crate) fn settle(&self, choices: &[(i64, Choice)]) -> Result<Settled> {
        let (mut document, before) = self.document()?;
        let names: Vec<(i64, String)> =
            merge::list(&document, &self.catalog).iter().map(|u| (u.id, heading(u))).collect();
        let was_clean = canon::print(&document) == before.as_bytes();
        let resolved = merge::resolve(&mut document, choices, &self.catalog);
        if resolved.settled > 0 {
            let content = match was_clean {
                true => canon::print(&document),
                false => spelled(&document, &before),
            };
            write_file::write(&self.file, &content)?;
        }
        let staged = resolved.left == 0 && self.stage()?;
        let name_of = |id: i64| names.iter().find(|(known, _)| *known == id);
        let refused = resolved.refused.iter().map(|(id, _)| {
            let what = name_of(*id).map(|(_, name)| name.as_str()).unwrap_or_default();
            format!(
                "{what}: what it is about is not in the file any more; \
                 `--accept --only {id}` takes the file as it is"
            )
        });
        Ok(Settled {
            settled: resolved.settled,
            left: resolved.left,
            refused: refused.collect(),
            notes: resolved.notes.iter().map(ToString::to_string).collect(),
            staged,
        })
    }

    /// Stages the file if git tracks it; returns whether it does.
    fn stage(&self) -> Result<bool> {
        let (Some(repository), Some(path)) = (&self.repository, &self.path) else {
            return Ok(false);
        };
        if driver::stages(repository, path)?.is_none() {
            return Ok(false);
        }
        driver::stage(repository, path)?;
        Ok(true)
    }

    /// Stages a file without conflicts that the index has unmerged.
    pub(crate) fn stage_if_unmerged(&self) -> Result<bool> {
        match self.stages()? {
            Some(Stages::Unmerged { .. }) => self.stage(),
            _ => Ok(false),
        }
    }

    /// The command that continues what git was doing, such as `git rebase --continue`.
    pub(crate) fn next_step(&self) -> Option<&'static str> {
        driver::next_step(self.repository.as_ref()?)
    }
}

/// Prints a document in the style of the earlier text. If that had positions, nodes that
/// came back without one get one.
fn spelled(document: &Value, before: &str) -> Vec<u8> {
    let style = Style::sniff(before);
    let text = json::print(document, &style).into_bytes();
    if memchr::memmem::find(before.as_bytes(), b"\"pos\"").is_none() {
        return text;
    }
    let mut placed = document.clone();
    if canon::place_missing(&mut placed) { json::print(&placed, &style).into_bytes() } else { text }
}
