//! What `git comfy diff` compares: two files, pictures or revisions, or what `git diff` compares
//! with the same arguments; each file with its difference.
//!
//! Must not know how differences are shown.

use std::path::Path;

use comfy_graph::catalog::Catalog;

use super::changed_files::{self, FileChange, FileChangeKind, FileVersion};
use super::content::{self, FileContent};
use super::file_diff::FileDiff;
use super::graph_diff::{KeepDocuments, compare_and_keep};
use super::lost_graph::describe_lost_graph;
use super::operands::{self, Operand, OperandKind, SourceScope};
use super::patch::git_hunks;
use super::text::LayoutDetail;
use crate::error::{CommandError, Result};
use crate::layouts::{self, WorkflowChange};
use crate::platform::git::{self, RepoPath, Repository};
use crate::platform::machine::node_catalog;
use crate::platform::text::Colour;
use crate::session::Session;

/// What is to be compared, as a person says it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DiffTargets<'a> {
    /// Files, pictures, revisions, ranges, `REVISION:FILE`; `-` is standard input.
    pub what: &'a [String],
    pub paths: &'a [String],
    /// What is staged for the next commit.
    pub cached: bool,
}

/// What is to be compared.
pub(crate) enum DiffRequest {
    /// What `git diff` compares with these arguments.
    Git(Vec<String>),
    Operands(Box<[Operand; 2]>),
}

impl DiffTargets<'_> {
    /// What is compared, in the person's words.
    pub(crate) fn words(&self) -> String {
        let staged = self.cached.then_some("staged");
        let named = self.what.iter().chain(self.paths).map(String::as_str);
        staged.into_iter().chain(named).collect::<Vec<_>>().join(" ")
    }

    /// Finds out what is meant.
    ///
    /// # Errors
    /// The words name nothing that can be compared.
    pub(crate) fn resolve(&self, session: &Session) -> Result<DiffRequest> {
        let DiffTargets { what, paths, cached } = *self;
        let mut arguments: Vec<String> = Vec::new();
        if cached {
            arguments.push("--cached".to_owned());
        }
        arguments.extend(what.iter().cloned());
        arguments.push("--".to_owned());
        arguments.extend(paths.iter().cloned());
        if cached || !paths.is_empty() {
            return Ok(DiffRequest::Git(arguments));
        }
        // Without `--` git itself tells revisions from paths.
        arguments.pop();
        let words: Vec<&str> = what.iter().map(String::as_str).collect();
        if words.is_empty() || words.len() > 2 {
            return Ok(DiffRequest::Git(arguments));
        }
        let named: Vec<OperandKind> = words
            .iter()
            .map(|word| operands::classify_operand(session, word))
            .collect::<Result<_>>()?;
        let read = |at: usize| operands::read_operand(session, words[at], &named[at]);
        let two = match named.as_slice() {
            [
                OperandKind::File(_) | OperandKind::Blob(_),
                OperandKind::File(_) | OperandKind::Blob(_),
            ] => Some([read(0)?, read(1)?]),
            [OperandKind::File(file), OperandKind::Revision(id)] => {
                Some(swap(operands_at_revision(session, read(0)?, file, *id)?))
            }
            [OperandKind::Revision(id), OperandKind::File(file)] => {
                Some(operands_at_revision(session, read(1)?, file, *id)?)
            }
            [OperandKind::Blob(_)] => {
                let path = words[0].rsplit(':').next().unwrap_or_default();
                let top = session.repository()?.require_work_tree()?.join(path);
                let now = operands::read_operand(session, path, &OperandKind::File(top))?;
                Some([read(0)?, now])
            }
            [OperandKind::File(file)] if words[0] != "-" => {
                operands_for_lone_file(session, read(0)?, file)?
            }
            _ => None,
        };
        Ok(two.map_or(DiffRequest::Git(arguments), |two| DiffRequest::Operands(Box::new(two))))
    }
}

/// All files that differ, with their documents as they lie on the canvas: for who draws them.
///
/// # Errors
/// The words name nothing that can be compared.
pub(crate) fn collect_drawable_diffs(
    targets: &DiffTargets<'_>,
    session: &Session,
) -> Result<Vec<FileDiff>> {
    let naming = node_catalog::catalog_for_session(session);
    let keep = KeepDocuments::Yes;
    match targets.resolve(session)? {
        DiffRequest::Operands(two) => {
            Ok(vec![diff_operands(session, *two, &naming, Colour::Off, keep)?])
        }
        DiffRequest::Git(arguments) => {
            let layout = LayoutDetail::Full;
            let repository = session.repository()?;
            let comparing = GitComparison { repository, arguments, layout, keep };
            let changes = comparing.list_changes(session)?;
            let diffs = changes
                .into_iter()
                .map(|change| comparing.diff_file(session, change, &naming, Colour::Off));
            diffs.collect()
        }
    }
}

fn swap([one, other]: [Operand; 2]) -> [Operand; 2] {
    [other, one]
}

/// A file as it was at a revision, and as it is; for a picture that was not there, the
/// workflow it was made with.
fn operands_at_revision(
    session: &Session,
    document: Operand,
    file: &Path,
    revision: git::ObjectId,
) -> Result<[Operand; 2]> {
    let repository = session.repository()?;
    let path = repository.path_of(file);
    let blob = match &path {
        Some(path) => operands::blob_at_path(&repository, revision, path)?,
        None => None,
    };
    let was = match (blob, &document.content) {
        (Some(blob), _) => {
            let name = format!("{}:{}", &revision.to_hex()[..7], document.name);
            operands::read_operand(session, &name, &OperandKind::Blob(blob))?
        }
        (None, FileContent::Output(_)) => {
            operands::find_source_workflow(session, &document, SourceScope::Revision(revision))?
        }
        (None, _) => {
            let short = &revision.to_hex()[..7];
            return Err(CommandError::user(format!("{} is not there in {short}", document.name))
                .with_hint(format!("name what it is to be compared with: {short}:FILE")));
        }
    };
    Ok([was, document])
}

/// A single file: `None` if git tracks it; a picture that it does not track is compared with
/// the workflow it was made with.
fn operands_for_lone_file(
    session: &Session,
    document: Operand,
    file: &Path,
) -> Result<Option<[Operand; 2]>> {
    let Ok(repository) = session.repository() else {
        return Err(CommandError::user(format!("{} alone cannot be compared", document.name))
            .with_hint("name a second file"));
    };
    let is_tracked = |path: &RepoPath| {
        let spec = [b":(top,literal)".as_slice(), path.as_bytes()].concat();
        let spec = String::from_utf8_lossy(&spec).into_owned();
        let told = git::command::GitCommand::in_folder(&session.cwd)
            .args(["ls-files", "--", &spec])
            .output();
        told.is_ok_and(|told| !told.is_empty())
    };
    let tracked = repository.path_of(file).is_some_and(|path| is_tracked(&path));
    match &document.content {
        _ if tracked => Ok(None),
        FileContent::Output(_) => {
            let now = operands::find_source_workflow(session, &document, SourceScope::WorkTree)?;
            Ok(Some([document, now]))
        }
        _ => Err(CommandError::user(format!("git does not know {}", document.name))
            .with_hint("name a second file to compare it with")),
    }
}

pub(crate) fn diff_operands(
    session: &Session,
    documents: [Operand; 2],
    catalog: &Catalog,
    colour: Colour,
    keep: KeepDocuments,
) -> Result<FileDiff> {
    let names = documents.each_ref().map(|document| Some(document.name.clone()));
    let outputs = documents
        .each_ref()
        .map(|document| document.content.output_description().map(str::to_owned));
    let [before, after] = documents;
    let has_graph = |content: &FileContent| match content {
        FileContent::Graph(_) => true,
        FileContent::Output(output) => output.graph().is_some(),
        FileContent::Other(_) => false,
    };
    let graphs = [has_graph(&before.content), has_graph(&after.content)];
    let file_diff = FileDiff { names, outputs, ..FileDiff::default() };
    match graphs {
        [true, true] => {
            let compared = compare_and_keep(before.content, after.content, catalog, keep);
            let compared = compared.ok_or_else(|| {
                CommandError::user(format!("{} and {} cannot be compared", before.name, after.name))
                    .with_hint("one of them is a graph inside other JSON, or contains itself")
            })?;
            Ok(FileDiff { graph_diff: Some(compared), ..file_diff })
        }
        [false, false] => {
            let nothing = Path::new("");
            let hunks = git_hunks(&session.cwd, nothing, &before.side, &after.side, colour)?;
            let patch = hunks.unwrap_or_else(|| b"Binary files differ\n".to_vec());
            Ok(FileDiff { patch, ..file_diff })
        }
        [first, _] => {
            let other = if first { after.name } else { before.name };
            Err(CommandError::user(format!("{other} holds no workflow")))
        }
    }
}

/// A comparison with the arguments of `git diff`.
pub(crate) struct GitComparison {
    pub repository: Repository,
    pub arguments: Vec<String>,
    pub layout: LayoutDetail,
    pub keep: KeepDocuments,
}

impl GitComparison {
    pub(crate) fn list_changes(&self, session: &Session) -> Result<Vec<FileChange>> {
        let mut found = changed_files::list_changes(&session.cwd, &self.arguments)
            .map_err(operands::git_failure)?;
        if self.layout == LayoutDetail::Full && self.arguments.iter().all(|a| a == "--") {
            found.extend(self.layout_changes(&found)?);
        }
        Ok(found)
    }

    /// Files of the work tree in which only nodes were moved, which git does not see.
    fn layout_changes(&self, known: &[FileChange]) -> Result<Vec<FileChange>> {
        let status = layouts::work_tree_status(&self.repository)?;
        let head = self.repository.head()?;
        let mut found = Vec::new();
        for file in status.files.into_iter().filter(|file| file.change == WorkflowChange::Layout) {
            let Some(head) = head.filter(|_| known.iter().all(|k| k.path() != &file.path)) else {
                continue;
            };
            let blob = operands::blob_at_path(&self.repository, head.0, &file.path)?;
            let version =
                |blob| FileVersion { path: file.path.clone(), mode: "100644".to_owned(), blob };
            let (before, after) = (Some(version(blob)), Some(version(None)));
            found.push(FileChange { kind: FileChangeKind::Modified, before, after });
        }
        Ok(found)
    }

    pub(crate) fn diff_file(
        &self,
        session: &Session,
        change: FileChange,
        catalog: &Catalog,
        colour: Colour,
    ) -> Result<FileDiff> {
        let versions = [&change.before, &change.after];
        let names = versions.map(|v| v.as_ref().map(|v| v.path.to_string()));
        let is_plain =
            |version: &Option<FileVersion>| version.as_ref().is_none_or(FileVersion::is_file);
        let mut file_diff = FileDiff { names, ..FileDiff::default() };
        if change.kind != FileChangeKind::Unmerged && versions.into_iter().all(is_plain) {
            let contents = [self.read_content(&change.before)?, self.read_content(&change.after)?];
            file_diff.outputs =
                contents.each_ref().map(|content| content.output_description().map(str::to_owned));
            let [before, after] = contents;
            let there = |version: &Option<FileVersion>, content| version.as_ref().map(|_| content);
            file_diff.lost_graph =
                describe_lost_graph(there(&change.before, &before), there(&change.after, &after));
            if file_diff.lost_graph.is_none() {
                file_diff.graph_diff = compare_and_keep(before, after, catalog, self.keep);
            }
        }
        if file_diff.graph_diff.is_none() && file_diff.lost_graph.is_none() {
            let paths: Vec<&RepoPath> = [&change.before, &change.after]
                .into_iter()
                .flatten()
                .map(|version| &version.path)
                .collect();
            let end = self.arguments.iter().position(|argument| argument == "--");
            let revisions = &self.arguments[..end.unwrap_or(self.arguments.len())];
            let revisions = self.revision_arguments(session, revisions);
            file_diff.patch = changed_files::git_patch(&session.cwd, colour, &revisions, &paths)?;
        }
        file_diff.change = Some(change);
        Ok(file_diff)
    }

    /// The arguments without paths: the patch of one file at a time is asked for.
    fn revision_arguments(&self, session: &Session, arguments: &[String]) -> Vec<String> {
        let mut kept = arguments.to_vec();
        while let Some(last) = kept.last()
            && !last.starts_with('-')
            && !last.contains("..")
            && matches!(
                operands::classify_operand(session, last),
                Ok(OperandKind::File(_) | OperandKind::Other)
            )
        {
            kept.pop();
        }
        kept
    }

    fn read_content(&self, version: &Option<FileVersion>) -> Result<FileContent> {
        let Some(version) = version else { return Ok(FileContent::ABSENT) };
        let bytes = operands::read_version(&self.repository, version)?;
        let bytes = match (self.layout, version.blob) {
            (LayoutDetail::Full, Some(blob)) => {
                layouts::with_committed_layout(&self.repository, &version.path, blob, bytes)
            }
            _ => bytes,
        };
        Ok(content::parse_content(bytes))
    }
}
