//! The files that versions come from.

use std::path::{Component, Path};

use crate::cmd::whole_file;
use crate::error::{Failure, Result};
use crate::render::sanitize;

/// A file's path below a folder, with `/`; nothing if it is no text.
pub(super) fn below(folder: &Path, file: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        file.strip_prefix(folder).ok()?.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

/// An export's bytes. A plan may come from anywhere: it names files below the folder only,
/// and no link leads out of it.
pub(super) fn bytes_of(folder: &Path, from: &str) -> Result<Vec<u8>> {
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
    whole_file::read(&file)?.ok_or_else(|| Failure::new(format!("{name} is too long")))
}
