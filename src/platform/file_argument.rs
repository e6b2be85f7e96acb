//! The files that a person names: read up to a bound, and replaced, with an error that names
//! the file and says what can be done.

use std::io::ErrorKind;
use std::path::Path;

use crate::error::{CommandError, Result};
use crate::platform::text::sanitize;
use crate::platform::{AtomicWrite, files};

/// The longest file that is taken for a workflow, in bytes.
pub(crate) const MAX_FILE_LEN: u64 = 64 << 20;

/// No longer file is read as a whole, whatever it is, in bytes: git itself takes such files for
/// binary ones.
pub(crate) const MAX_WHOLE_FILE: u64 = 1 << 30;

/// A file's bytes. One of more than `longest` bytes is refused, and so is what is no ordinary
/// file. `name` stands for the file in messages, sanitized.
pub(crate) fn read_bounded(file: &Path, name: &str, longest: u64) -> Result<Vec<u8>> {
    files::read_up_to(file, longest).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => {
            CommandError::user(format!("{name}: more than {}", display_bound(longest)))
        }
        ErrorKind::InvalidInput => CommandError::user(format!("{name}: this is not a file")),
        _ => CommandError::system(error).with_context(format!("{name} cannot be read")),
    })
}

/// A bound, of which all are whole mebibytes.
fn display_bound(bytes: u64) -> String {
    let mebibytes = bytes >> 20;
    if mebibytes.is_multiple_of(1024) {
        format!("{} GiB", mebibytes / 1024)
    } else {
        format!("{mebibytes} MiB")
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_named_with_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        std::fs::write(&file, vec![b' '; (1 << 20) + 1]).unwrap();
        let refused =
            |file: &Path, longest| read_bounded(file, "a.json", longest).unwrap_err().to_string();
        assert_eq!(read_bounded(&file, "a.json", 2 << 20).unwrap().len(), (1 << 20) + 1);
        assert_eq!(refused(&file, 1 << 20), "a.json: more than 1 MiB");
        assert_eq!(refused(folder.path(), 1 << 20), "a.json: this is not a file");
        assert!(refused(&folder.path().join("b"), 1).starts_with("a.json cannot be read: "));
        assert_eq!(display_bound(MAX_WHOLE_FILE), "1 GiB");
    }
}
