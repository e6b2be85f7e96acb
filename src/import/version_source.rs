//! The files below the imported folder that versions are read from.

use std::path::{Component, Path};

use comfy_graph::graph::document_kind;
use comfy_graph::json::{self, JsonStyle, Value};
use comfy_media::Payload;

use crate::error::{CommandError, Result};
use crate::platform::machine::file_io;
use crate::platform::text::sanitize;
use crate::runs::media_file::{may_be_output, read_payload};

/// A file's path below a folder, with `/`; nothing if it is no text.
pub(crate) fn relative_path(folder: &Path, file: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        file.strip_prefix(folder).ok()?.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

/// An export's bytes; of an output the workflow that it carries. A plan may be a stranger's: it
/// names files below the folder only, and no link leads out of it.
pub(crate) fn read_version_bytes(folder: &Path, from: &str) -> Result<Vec<u8>> {
    let name = sanitize::line(from);
    let outside = || CommandError::user(format!("{name} is no file below the folder"));
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
        let document = read_payload(&file).and_then(workflow_or_prompt);
        let text = document.map(|document| json::print(&document, &JsonStyle::SAVE).into_bytes());
        return text.ok_or_else(|| CommandError::user(format!("{name} carries no workflow")));
    }
    file_io::read_limited(&file)?.ok_or_else(|| CommandError::user(format!("{name} is too long")))
}

/// What of an output becomes a version: the workflow, else the prompt.
pub(crate) fn workflow_or_prompt(payload: Payload) -> Option<Value> {
    let is_workflow = |value: &Value| document_kind(value).is_workflow();
    payload.workflow.filter(is_workflow).or(payload.prompt)
}
