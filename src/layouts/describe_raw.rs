//! What is told of raw files: workflows that were committed without git-comfy.

use serde_json::{Value, json};

use super::raw_files::RawFile;
use crate::platform::text::sanitize;

/// What happens to raw files.
pub(crate) const RAW_EXPLANATION: &str = "\
they stay as they are until somebody changes them, and are then committed in their clean form; \
`git comfy init --renormalize` does that for all of them";

/// By whom a raw file was committed, where that is known.
pub(crate) fn author_suffix(file: &RawFile) -> String {
    let origin = file.origin.as_ref();
    origin.map_or_else(String::new, |origin| format!(" by {}", sanitize::line(&origin.author)))
}

/// A raw file for programs.
pub(crate) fn raw_file_to_json(file: &RawFile) -> Value {
    json!({
        "path": file.path.to_string(),
        "author": file.origin.as_ref().map(|origin| &origin.author),
        "commit": file.origin.as_ref().map(|origin| origin.commit.to_string()),
    })
}

/// At most so many files are named one by one.
const MAX_NAMED_FILES: usize = 10;

/// The lines that tell of raw files which have just come in.
pub(crate) fn new_raw_file_lines(files: &[RawFile]) -> Vec<String> {
    let line = |file: &RawFile| {
        format!("{} was committed without git-comfy{}", file.path, author_suffix(file))
    };
    let mut lines: Vec<_> = files.iter().take(MAX_NAMED_FILES).map(line).collect();
    if files.len() > MAX_NAMED_FILES {
        lines.push(format!("and {} more", files.len() - MAX_NAMED_FILES));
    }
    if !files.is_empty() {
        lines.push(format!("such files are raw: {RAW_EXPLANATION}"));
    }
    lines
}
