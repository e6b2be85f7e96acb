//! Files replaced whole or not at all.
//!
//! The one way in which this program writes a file that others read: a temporary file beside
//! it, then a rename. Must not know what it writes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use super::files::resolve_links;

/// Replaces a file, or makes it. Whoever looks finds the old one or the new one. A file that
/// was there keeps its permissions; a new one gets those that the person's umask gives.
pub(crate) fn write_atomic(file: &Path, content: &[u8]) -> io::Result<()> {
    AtomicWrite::new().write(file, content)
}

/// How the names of temporary files begin.
const TEMPORARY_PREFIX: &str = ".git-comfy-";

/// Whoever wrote a temporary file that is older was killed.
const MAX_TEMPORARY_AGE: Duration = Duration::from_secs(24 * 3600);

/// Removes what writers that were killed left in a folder: temporary files, and others whose
/// names begin so.
pub(crate) fn remove_abandoned(folder: &Path, other_prefixes: &[&str]) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let has_prefix = |prefix: &str| name.as_encoded_bytes().starts_with(prefix.as_bytes());
        if !has_prefix(TEMPORARY_PREFIX) && !other_prefixes.iter().any(|prefix| has_prefix(prefix))
        {
            continue;
        }
        let Ok(metadata) = entry.metadata() else { continue };
        let age = metadata.modified().ok().and_then(|at| at.elapsed().ok());
        if metadata.is_file() && age.is_some_and(|age| age > MAX_TEMPORARY_AGE) {
            // The next one to look tries again.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// How a file is written, where it is not the usual way of [`write_atomic`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AtomicWrite {
    executable: bool,
    create_folder: bool,
    follow_links: bool,
    refuse_existing: bool,
    sync: bool,
}

impl AtomicWrite {
    pub(crate) fn new() -> AtomicWrite {
        AtomicWrite::default()
    }

    /// A new file can be executed.
    #[must_use]
    pub(crate) fn executable(mut self) -> AtomicWrite {
        self.executable = true;
        self
    }

    /// The folder is made if there is none.
    #[must_use]
    pub(crate) fn create_folder(mut self) -> AtomicWrite {
        self.create_folder = true;
        self
    }

    /// Where the file is a symbolic link, the file it leads to is replaced and not the link.
    #[must_use]
    pub(crate) fn follow_links(mut self) -> AtomicWrite {
        self.follow_links = true;
        self
    }

    /// A file that is there is an error of the kind [`io::ErrorKind::AlreadyExists`].
    #[must_use]
    pub(crate) fn refuse_existing(mut self) -> AtomicWrite {
        self.refuse_existing = true;
        self
    }

    /// The content is on the disk before the rename: for what cannot be made again.
    #[must_use]
    pub(crate) fn sync(mut self) -> AtomicWrite {
        self.sync = true;
        self
    }

    pub(crate) fn write(self, file: &Path, content: &[u8]) -> io::Result<()> {
        self.write_with(file, |writer| writer.write_all(content))
    }

    /// The same with content that is written piece by piece, through a buffer.
    pub(crate) fn write_with(
        self,
        file: &Path,
        write_content: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> io::Result<()> {
        let target = self.follow_links.then(|| resolve_links(file));
        let file = target.as_deref().unwrap_or(file);
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        if self.create_folder {
            fs::create_dir_all(folder)?;
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY_PREFIX);
        self.use_umask(&mut builder);
        let temporary = builder.tempfile_in(folder)?;
        let mut writer = BufWriter::new(temporary.as_file());
        write_content(&mut writer)?;
        writer.flush()?;
        drop(writer);
        if let Ok(metadata) = file.metadata() {
            temporary.as_file().set_permissions(metadata.permissions())?;
        }
        if self.sync {
            temporary.as_file().sync_all()?;
        }
        let renamed = match self.refuse_existing {
            true => temporary.persist_noclobber(file),
            false => temporary.persist(file),
        };
        renamed.map(drop).map_err(|error| error.error)
    }

    /// Has the umask decide: `tempfile` makes files that only their owner can read.
    #[cfg(unix)]
    fn use_umask(self, builder: &mut tempfile::Builder<'_, '_>) {
        use std::os::unix::fs::PermissionsExt;
        let mode = if self.executable { 0o777 } else { 0o666 };
        builder.permissions(fs::Permissions::from_mode(mode));
    }

    /// Windows gives a new file the permissions of its folder.
    #[cfg(not(unix))]
    fn use_umask(self, _: &mut tempfile::Builder<'_, '_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_replaced_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/a.json");
        assert_eq!(write_atomic(&file, b"1").unwrap_err().kind(), io::ErrorKind::NotFound);
        AtomicWrite::new().create_folder().write(&file, b"1").unwrap();
        write_atomic(&file, b"2").unwrap();
        let refused = AtomicWrite::new().refuse_existing().write(&file, b"3").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&file).unwrap(), b"2");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_somebody_left_who_was_killed_is_removed_when_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let old = std::time::SystemTime::now() - Duration::from_secs(3 * 24 * 3600);
        for (name, modified) in [
            (".git-comfy-old", Some(old)),
            ("copy-old", Some(old)),
            (".git-comfy-young", None),
            ("other", Some(old)),
        ] {
            let file = File::create(folder.path().join(name)).unwrap();
            modified.into_iter().for_each(|at| file.set_modified(at).unwrap());
        }
        remove_abandoned(folder.path(), &["copy-"]);
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = left.collect();
        left.sort();
        assert_eq!(left, [".git-comfy-young", "other"]);
    }

    #[test]
    fn what_breaks_off_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        write_atomic(&file, b"whole").unwrap();
        let broken = AtomicWrite::new().write_with(&file, |writer| {
            writer.write_all(b"ha")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(broken.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&file).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [program, link, plain] =
            ["program", "link", "plain"].map(|name| folder.path().join(name));
        let mode = |file: &Path| file.metadata().unwrap().permissions().mode() & 0o777;
        AtomicWrite::new().executable().write(&program, b"1").unwrap();
        assert_ne!(mode(&program) & 0o100, 0);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o750)).unwrap();
        std::os::unix::fs::symlink(&program, &link).unwrap();
        AtomicWrite::new().follow_links().write(&link, b"2").unwrap();
        assert!(link.is_symlink());
        assert_eq!((fs::read(&program).unwrap().as_slice(), mode(&program)), (&b"2"[..], 0o750));
        write_atomic(&link, b"3").unwrap();
        assert!(!link.is_symlink());
        fs::write(&plain, b"").unwrap();
        let usual = mode(&plain);
        write_atomic(&folder.path().join("new"), b"").unwrap();
        assert_eq!(mode(&folder.path().join("new")), usual);
    }
}
