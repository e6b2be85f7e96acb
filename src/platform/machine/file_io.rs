//! Reading and writing a file whole or not at all.

use std::io::Read;
use std::path::Path;

use crate::error::{CommandError, Result};
use crate::platform;
use crate::platform::text::sanitize;

/// The longest file that is taken for a workflow, in bytes.
pub(crate) const MAX_FILE_LEN: u64 = 64 << 20;

/// A file's bytes; `None` if it is too long for a workflow, or no ordinary file (opening a
/// pipe would wait for whoever writes into it).
pub(crate) fn read_limited(file: &Path) -> Result<Option<Vec<u8>>> {
    let failed = |error: std::io::Error| {
        let name = file.to_string_lossy();
        CommandError::new(format!("{} cannot be read: {error}", sanitize::line(&name)))
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let open = std::fs::File::open(file).map_err(failed)?;
    open.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok((bytes.len() as u64 <= MAX_FILE_LEN).then_some(bytes))
}

/// Replaces a file, or makes it: a temporary file beside it, then a rename. Whoever looks
/// finds the old one or the new one.
pub(crate) fn replace_file(file: &Path, content: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| {
        let name = file.to_string_lossy();
        CommandError::new(format!("{} cannot be written: {error}", sanitize::line(&name)))
            .with_hint("nothing has changed; make room or rights and try again")
    };
    // Through a link, so that the file it leads to is replaced and not the link.
    let file = &std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    platform::write_atomic(file, content).map_err(failed)
}
