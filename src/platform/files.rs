//! Reading files that anybody may have put there: ordinary ones alone, and no more of them
//! than is expected. Writing is in `write_atomic`.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Opens an ordinary file for reading, and nothing else: a pipe or a device is refused before
/// anything is read from it, also when it took the file's place a moment ago. What is refused
/// is an error of the kind [`io::ErrorKind::InvalidInput`].
pub(crate) fn open_ordinary(path: &Path) -> io::Result<(File, Metadata)> {
    let refuse = || io::Error::new(io::ErrorKind::InvalidInput, "this is no ordinary file");
    if !path.metadata()?.is_file() {
        return Err(refuse());
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(refuse()) }
}

/// The bytes of an ordinary file. One of more than `longest` bytes is an error of the kind
/// [`io::ErrorKind::FileTooLarge`].
pub(crate) fn read_up_to(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let too_large = || {
        io::Error::new(io::ErrorKind::FileTooLarge, format!("this has more than {longest} bytes"))
    };
    let (file, metadata) = open_ordinary(path)?;
    if metadata.len() > longest {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // It may have grown since, and files of the system do not tell their length.
    file.take(longest.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest { Err(too_large()) } else { Ok(bytes) }
}

/// The text of an ordinary file, which must be UTF-8 and no longer than that.
pub(crate) fn read_text_up_to(path: &Path, longest: u64) -> io::Result<String> {
    let bytes = read_up_to(path, longest)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// When a file was last written, in nanoseconds since 1970; 0 where the system does not tell.
pub(crate) fn modified_nanos(metadata: &Metadata) -> i64 {
    metadata.modified().map_or(0, nanos_since_1970)
}

/// Negative before 1970.
pub(crate) fn nanos_since_1970(time: SystemTime) -> i64 {
    let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => -nanos(before.duration()),
    }
}

/// The path with all links followed; as it stands where nothing is there.
pub(crate) fn resolve_links(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// A path in which `~` stands for the home folder, as shells and git read it.
pub(crate) fn expand_home(text: &str, home: Option<&Path>) -> PathBuf {
    let rest = text.strip_prefix('~').and_then(|rest| match rest {
        "" => Some(""),
        _ => rest.strip_prefix('/').or_else(|| rest.strip_prefix('\\').filter(|_| cfg!(windows))),
    });
    match (rest, home) {
        (Some(""), Some(home)) => home.to_owned(),
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        std::fs::write(&file, b"12345").unwrap();
        assert_eq!(read_up_to(&file, 5).unwrap(), b"12345");
        assert_eq!(read_text_up_to(&file, 5).unwrap(), "12345");
        let kind = |longest| read_up_to(&file, longest).unwrap_err().kind();
        assert_eq!(kind(4), io::ErrorKind::FileTooLarge);
        let kind = read_up_to(folder.path(), 5).unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_tilde_is_the_home_folder_and_no_other_name() {
        let home = Some(Path::new("/home/ana"));
        for (text, path) in [
            ("~", "/home/ana"),
            ("~/comfy", "/home/ana/comfy"),
            ("~bob/comfy", "~bob/comfy"),
            ("a/~", "a/~"),
            ("", ""),
        ] {
            assert_eq!(expand_home(text, home), Path::new(path), "{text}");
        }
        assert_eq!(expand_home("~/comfy", None), Path::new("~/comfy"));
    }
}
