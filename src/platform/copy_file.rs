//! A file copied with the time it was written.

use std::fs::File;
use std::io;
use std::path::Path;

/// Copies bytes, rights and the time of the last change.
pub(crate) fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let metadata = source.metadata()?;
    // One handle for all of it: what is read-only cannot be opened again to set its time.
    let mut copy = File::create(to)?;
    io::copy(&mut source, &mut copy)?;
    copy.set_modified(metadata.modified()?)?;
    copy.set_permissions(metadata.permissions())
}
