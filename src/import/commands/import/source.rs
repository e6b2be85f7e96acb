//! The files below the imported folder that versions are read from.

use std::path::{Component, Path};

use comfy_graph::graph::kind;
use comfy_graph::json::{self, Style, Value};
use comfy_media::Payload;

use crate::error::{Failure, Result};
use crate::platform::machine::write_file;
use crate::platform::text::sanitize;
use crate::runs::file::{carried, may_be_output};

/// A file's path below a folder, with `/`; nothing if it is no text.
pub(crate) fn below(folder: &Path, file: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        file.strip_prefix(folder).ok()?.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

/// An export's bytes; of an output the workflow that it carries. A plan may be a stranger's: it
/// names files below the folder only, and no link leads out of it.
pub(crate) fn bytes_of(folder: &Path, from: &str) -> Result<Vec<u8>> {
    let name = sanitize::line(from);
    let outside = || Failure::new(format!("{name} is no file below the folder"));
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let file = folder.join(from);
    if !Path::new(from).components().all(plain) {
        return Err(outside());
    }
    if let (Ok(top), Ok(real)) = (std::fs::canonicalize(folder), std::fs::canonicalize(&file))
        && !real.starts_with(top)
    {
        return Err(outside());
    }
    if may_be_output(&file) {
        let document = carried(&file).and_then(document_of);
        let text = document.map(|document| json::print(&document, &Style::SAVE).into_bytes());
        return text.ok_or_else(|| Failure::new(format!("{name} carries no workflow")));
    }
    write_file::read(&file)?.ok_or_else(|| Failure::new(format!("{name} is too long")))
}

/// What of an output becomes a version: the workflow, else the prompt.
pub(crate) fn document_of(payload: Payload) -> Option<Value> {
    let is_workflow = |value: &Value| kind(value).is_workflow();
    payload.workflow.filter(is_workflow).or(payload.prompt)
}
