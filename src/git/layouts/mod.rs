//! Layouts: where each clean blob's positions are kept until they are wanted.
//!
//! ```text
//! clean ──▶ store (pending) ──post-commit──▶ notes ──push──▶ remote
//!             │                                │               │ fetch
//! smudge ◀────┴──────── find ──────────────────┴── tracking notes
//! ```

mod find;
mod note;
mod paths;
mod promote;
mod store;

use super::error::Result;
use super::id::{ObjectId, RefName};
use super::repository::Repository;
use super::sharing;

pub(super) use find::{Finder, Found};
pub(super) use note::{Entry, Note};
pub(super) use promote::{promote, unnoted};

/// A longer note is not read: it is none of ours.
const MAX_NOTE: u64 = 256 << 20;

/// The notes that hold layouts.
pub(super) fn notes_ref() -> RefName {
    RefName::new(sharing::LAYOUTS)
}

/// The layout notes of all remotes, as they were fetched last.
fn tracking_refs(repository: &Repository) -> Result<Vec<(RefName, ObjectId)>> {
    let mut refs = repository.references(sharing::TRACKED_NOTES)?;
    refs.retain(|(name, _)| sharing::tracked_as(name) == Some(sharing::LAYOUTS.into()));
    Ok(refs)
}

/// A temporary file in a folder, with the permissions of any new file: what it becomes is
/// for everybody who may use the repository.
fn new_file(folder: &std::path::Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("new.");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
