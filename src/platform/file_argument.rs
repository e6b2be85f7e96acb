//! The files that a person names: read up to a bound, and replaced, with an error that names
//! the file and says what can be done.

use std::io::ErrorKind;
use std::path::Path;

use crate::error::{CommandError, Result};
use crate::platform::text::sanitize;
use crate::platform::{AtomicWrite, files};

/// The longest file that is taken for a workflow, in bytes.
pub(crate) const MAX_FILE_LEN: u64 = 64 << 20;

/// A file's bytes; `None` if it is too long for a workflow, or no ordinary file (opening a
/// pipe would wait for whoever writes into it).
pub(crate) fn read_limited(file: &Path) -> Result<Option<Vec<u8>>> {
    match files::read_up_to(file, MAX_FILE_LEN) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::FileTooLarge | ErrorKind::InvalidInput) => {
            Ok(None)
        }
        Err(error) => {
            let message = format!("{} cannot be read", sanitize::path(file));
            Err(CommandError::system(error).with_context(message))
        }
    }
}

/// Replaces a file that a person named, or makes it, whole or not at all. Where it is a link,
/// the file that it leads to is replaced.
pub(crate) fn replace_file(file: &Path, content: &[u8]) -> Result<()> {
    AtomicWrite::new().follow_links().write(file, content).map_err(|error| {
        CommandError::system(error)
            .with_context(format!("{} cannot be written", sanitize::path(file)))
            .with_hint("nothing has changed; make room or rights and try again")
    })
}
