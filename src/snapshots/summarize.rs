//! What changed between snapshots, in a word and in a line.

use comfy_graph::catalog::Catalog;

use super::{SnapshotFile, SnapshotFileChange, read_file};
use crate::differences::content;
use crate::differences::content::FileContent;
use crate::differences::graph_diff::compare_contents;
use crate::differences::text::{LayoutDetail, one_line_summary};
use crate::error::Result;
use crate::platform::git::Repository;

pub(crate) fn read_side(
    repository: &Repository,
    file: Option<&SnapshotFile>,
) -> Result<FileContent> {
    match file {
        Some(file) => Ok(content::parse_content(read_file(repository, file)?)),
        None => Ok(FileContent::ABSENT),
    }
}

/// What became of a file, in a word and in a line.
pub(crate) struct ChangeSummary {
    pub(crate) how: &'static str,
    pub(crate) line: String,
}

pub(crate) fn summarize_change(
    repository: &Repository,
    catalog: &Catalog,
    file: &SnapshotFileChange,
    columns: usize,
) -> Result<ChangeSummary> {
    let how = match (&file.before, &file.after) {
        (None, _) => "added",
        (_, None) => "deleted",
        (Some(before), Some(after)) if before.content == after.content => "layout",
        _ => "changed",
    };
    let (before, after) =
        (read_side(repository, file.before.as_ref())?, read_side(repository, file.after.as_ref())?);
    let line = match (how, compare_contents(before, after, catalog)) {
        ("added", _) => "new workflow".to_owned(),
        ("deleted", _) => "deleted".to_owned(),
        (_, Some(compared)) => {
            let line = one_line_summary(&compared.describe(LayoutDetail::Counted), columns);
            if line.is_empty() { "saved another way, the same workflow".to_owned() } else { line }
        }
        (_, None) => "changed".to_owned(),
    };
    Ok(ChangeSummary { how, line })
}

/// What changed in files, in one line of at most so many columns for each change.
pub(crate) fn summarize_changes(
    repository: &Repository,
    catalog: &Catalog,
    changed: &[SnapshotFileChange],
    columns: usize,
) -> Result<String> {
    let added = changed.iter().filter(|file| file.before.is_none()).count();
    Ok(match changed {
        [] => String::new(),
        [file] => {
            format!("{}: {}", file.path, summarize_change(repository, catalog, file, columns)?.line)
        }
        all if added == all.len() => format!("{added} new workflows"),
        [file, rest @ ..] => {
            let line = summarize_change(repository, catalog, file, columns)?.line;
            format!("{}: {line}; and {} more", file.path, rest.len())
        }
    })
}
