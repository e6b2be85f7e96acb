//! The files below the imported folder that versions are read from.

use std::path::Path;

use comfy_graph::graph::document_kind;
use comfy_graph::json::{self, JsonStyle, Value};
use comfy_media::Payload;

use crate::error::{CommandError, Result};
use crate::platform::contained_path::{goes_down_only, resolves_below};
use crate::platform::file_argument;
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
    let file = folder.join(from);
    if !goes_down_only(Path::new(from)) || !resolves_below(&file, folder) {
        return Err(CommandError::user(format!("{name} is no file below the folder")));
    }
    if may_be_output(&file) {
        let document = read_payload(&file).and_then(workflow_or_prompt);
        let text = document.map(|document| json::print(&document, &JsonStyle::SAVE).into_bytes());
        return text.ok_or_else(|| CommandError::user(format!("{name} carries no workflow")));
    }
    file_argument::read_limited(&file)?
        .ok_or_else(|| CommandError::user(format!("{name} is too long")))
}

/// What of an output becomes a version: the workflow, else the prompt.
pub(crate) fn workflow_or_prompt(payload: Payload) -> Option<Value> {
    let is_workflow = |value: &Value| document_kind(value).is_workflow();
    payload.workflow.filter(is_workflow).or(payload.prompt)
}
