//! A workflow on disk with the conflicts it carries: read, resolved, written back whole, and
//! staged when none is left.

use std::path::{Path, PathBuf};

use comfy_graph::catalog::Catalog;
use comfy_graph::clean;
use comfy_graph::json::{self, JsonStyle, Value};
use comfy_graph::merge::{self, CardVisibility, ConflictChoice, SideLabels, UnsettledConflict};

use super::conflict_text::conflict_heading;
use super::merge_files::{self, FileMergeContext, MergeInputs};
use super::merge_layouts::{self, IncomingSide};
use super::merge_status::{self, IndexStages};
use crate::error::{CommandError, Result};
use crate::platform::file_argument::{self, MAX_WHOLE_FILE};
use crate::platform::git::{RepoPath, Repository};
use crate::platform::machine::node_catalog;
use crate::platform::text::sanitize;
use crate::session::Session;

/// A file that may carry conflicts.
pub(crate) struct ConflictedFile<'a> {
    session: &'a Session,
    repository: Option<Repository>,
    /// Its path in the repository, if it lies in the work tree.
    path: Option<RepoPath>,
    file: PathBuf,
    /// The name in messages: the path in the repository, else the file's.
    pub(crate) name: String,
    catalog: Catalog,
}

pub(crate) struct SettledConflicts {
    pub(crate) settled: usize,
    pub(crate) left: usize,
    /// Why some choices could not be applied, each as a line.
    pub(crate) refused: Vec<String>,
    /// Cards that stay as notes.
    pub(crate) notes: Vec<String>,
    /// The file was staged.
    pub(crate) staged: bool,
}

impl<'a> ConflictedFile<'a> {
    /// Opens the file. If git merged it as text, because git-comfy was not set up then, and it
    /// is no JSON with the conflict markers in it, it is merged as a graph now.
    pub(crate) fn open(session: &'a Session, file: &Path) -> Result<ConflictedFile<'a>> {
        let file = session.cwd.join(file);
        let repository = session.repository().ok();
        let path = repository.as_ref().and_then(|r| r.path_of(&file));
        let name = match &path {
            Some(path) => path.to_string(),
            None => file.to_string_lossy().into_owned(),
        };
        let catalog = repository.as_ref().map_or_else(Catalog::core, node_catalog::load_catalog);
        let held = ConflictedFile { session, repository, path, file, name, catalog };
        held.merge_if_unmerged()?;
        Ok(held)
    }

    fn index_stages(&self) -> Result<Option<IndexStages>> {
        match (&self.repository, &self.path) {
            (Some(repository), Some(path)) => Ok(merge_status::read_stages(repository, path)?),
            _ => Ok(None),
        }
    }

    fn merge_if_unmerged(&self) -> Result<()> {
        let content = self.read_content()?;
        if json::parse(&content).is_ok() {
            return Ok(());
        }
        let name = sanitize::line(&self.name);
        let Some(IndexStages::Unmerged { base, ours: Some(ours), theirs: Some(theirs) }) =
            self.index_stages()?
        else {
            return Err(CommandError::user(format!("{name} is no workflow that could be read"))
                .with_hint("`git comfy resolve` settles conflicts in workflows"));
        };
        let inputs = MergeInputs { base: base.unwrap_or_default(), ours, theirs };
        let Some(documents) = inputs.parse() else {
            return Err(CommandError::user(format!("{name} is no JSON on one of the sides"))
                .with_hint("edit the file, then `git add` it"));
        };
        let (Some(repository), Some(path)) = (&self.repository, &self.path) else {
            return Ok(());
        };
        let strategies = merge_files::load_strategies(self.session, Some(repository));
        let context = FileMergeContext {
            repository: Some(repository),
            handling: merge_layouts::layout_handling(repository, path).0,
            labels: SideLabels::default(),
            cards: CardVisibility::Shown,
            strategies: &strategies,
        };
        let product = merge_files::merge_documents(&inputs, documents, &context);
        let Some(clean) = &product.content else {
            return Err(CommandError::user(format!(
                "{name} is other JSON, and both sides changed the same in it"
            ))
            .with_hint("settle what stands between the conflict markers, then `git add` it"));
        };
        let nodes = &product.merged.renumbered.nodes;
        let contents = merge_layouts::MergeContents {
            base: &inputs.base,
            ours: &inputs.ours,
            theirs: &inputs.theirs,
            merged: clean,
            incoming: IncomingSide::detect(None, None, repository),
            head: repository.head().unwrap_or_default(),
        };
        let placed = merge_layouts::content_with_layout(repository, path, contents, nodes)?;
        file_argument::replace_file(&self.file, placed.as_ref().unwrap_or(clean))?;
        self.session.ui.info(&format!("{name}: merged as a graph now"));
        Ok(())
    }

    fn read_content(&self) -> Result<Vec<u8>> {
        file_argument::read_bounded(&self.file, &sanitize::line(&self.name), MAX_WHOLE_FILE)
    }

    fn read_document(&self) -> Result<(Value, String)> {
        let content = self.read_content()?;
        let document = json::parse(&content).map_err(|error| {
            let name = sanitize::line(&self.name);
            CommandError::user(error).with_context(format!("{name} is no JSON any more"))
        })?;
        Ok((document, String::from_utf8_lossy(&content).into_owned()))
    }

    pub(crate) fn conflicts(&self) -> Result<Vec<UnsettledConflict>> {
        Ok(merge::list_conflicts(&self.read_document()?.0, &self.catalog))
    }

    /// Resolves some conflicts in the file as it is on disk now.
    pub(crate) fn resolve(&self, choices: &[(i64, ConflictChoice)]) -> Result<SettledConflicts> {
        let (mut document, before) = self.read_document()?;
        let names: Vec<(i64, String)> = merge::list_conflicts(&document, &self.catalog)
            .iter()
            .map(|u| (u.id, conflict_heading(u)))
            .collect();
        let was_clean = clean::print_clean(&document) == before.as_bytes();
        let resolved = merge::resolve_conflicts(&mut document, choices, &self.catalog);
        if resolved.settled > 0 {
            let content = match was_clean {
                true => clean::print_clean(&document),
                false => print_in_style(&document, &before),
            };
            file_argument::replace_file(&self.file, &content)?;
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
        Ok(SettledConflicts {
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
        if merge_status::read_stages(repository, path)?.is_none() {
            return Ok(false);
        }
        merge_status::stage_file(repository, path)?;
        Ok(true)
    }

    /// Stages a file without conflicts that the index has unmerged.
    pub(crate) fn stage_if_unmerged(&self) -> Result<bool> {
        match self.index_stages()? {
            Some(IndexStages::Unmerged { .. }) => self.stage(),
            _ => Ok(false),
        }
    }

    /// The command that continues what git was doing, such as `git rebase --continue`.
    pub(crate) fn continue_command(&self) -> Option<&'static str> {
        merge_status::continue_command(self.repository.as_ref()?)
    }
}

/// Prints a document in the style of the earlier text. If that had positions, nodes that
/// came back without one get one.
fn print_in_style(document: &Value, before: &str) -> Vec<u8> {
    let style = JsonStyle::detect(before);
    let text = json::print(document, &style).into_bytes();
    if memchr::memmem::find(before.as_bytes(), b"\"pos\"").is_none() {
        return text;
    }
    let mut placed = document.clone();
    if clean::place_missing(&mut placed) { json::print(&placed, &style).into_bytes() } else { text }
}
