//! The names of things in git, as plain values: object ids, refs, paths.

use std::fmt;
use std::path::PathBuf;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::platform::hex::{parse_hex, to_hex};

/// The hash that names a repository's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum ObjectFormat {
    /// SHA-1: 20 bytes.
    #[default]
    Sha1,
    /// SHA-256: 32 bytes.
    Sha256,
}

impl ObjectFormat {
    pub const fn id_len(self) -> usize {
        match self {
            ObjectFormat::Sha1 => 20,
            ObjectFormat::Sha256 => 32,
        }
    }

    /// git's name of the format, as in `git rev-parse --show-object-format`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(ObjectFormat::Sha1),
            "sha256" => Some(ObjectFormat::Sha256),
            _ => None,
        }
    }

    /// The hash of some bytes in this format.
    pub(crate) fn hash_parts(self, parts: &[&[u8]]) -> ObjectId {
        fn hash<D: Digest>(parts: &[&[u8]]) -> impl AsRef<[u8]> {
            let mut hasher = D::new();
            for part in parts {
                hasher.update(part);
            }
            hasher.finalize()
        }
        match self {
            ObjectFormat::Sha1 => ObjectId::new(hash::<Sha1>(parts).as_ref()),
            ObjectFormat::Sha256 => ObjectId::new(hash::<Sha256>(parts).as_ref()),
        }
        .expect("a digest has the length of its format")
    }

    /// The id git gives an object of that kind and content.
    pub fn object_id(self, kind: ObjectKind, content: &[u8]) -> ObjectId {
        let mut header = kind.name().to_owned();
        header.push(' ');
        header.push_str(&content.len().to_string());
        header.push('\0');
        self.hash_parts(&[header.as_bytes(), content])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// The content of a file.
    Blob,
    Tree,
    Commit,
    /// An annotated tag.
    Tag,
}

impl ObjectKind {
    pub const fn name(self) -> &'static str {
        match self {
            ObjectKind::Blob => "blob",
            ObjectKind::Tree => "tree",
            ObjectKind::Commit => "commit",
            ObjectKind::Tag => "tag",
        }
    }

    /// From git's word for it.
    pub fn from_name(name: &str) -> Option<Self> {
        [ObjectKind::Blob, ObjectKind::Tree, ObjectKind::Commit, ObjectKind::Tag]
            .into_iter()
            .find(|k| k.name() == name)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    length: u8,
    bytes: [u8; 32],
}

impl ObjectId {
    /// From 20 or 32 bytes; `None` for any other length.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 20 && bytes.len() != 32 {
            return None;
        }
        let mut all = [0; 32];
        all[..bytes.len()].copy_from_slice(bytes);
        Some(ObjectId { length: bytes.len() as u8, bytes: all })
    }

    /// From 40 or 64 hexadecimal digits.
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        match hex.len() {
            40 => ObjectId::new(&parse_hex::<20>(hex)?),
            _ => ObjectId::new(&parse_hex::<32>(hex)?),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The format, told by the length.
    pub const fn format(&self) -> ObjectFormat {
        if self.length == 20 { ObjectFormat::Sha1 } else { ObjectFormat::Sha256 }
    }

    /// The id of zeros, which git uses for "none" in hook input and diffs.
    pub fn is_null(&self) -> bool {
        self.as_bytes().iter().all(|b| *b == 0)
    }

    pub fn to_hex(&self) -> String {
        to_hex(self.as_bytes())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(pub ObjectId);

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The full name of a ref, such as `refs/notes/comfy-layout`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefName(String);

impl RefName {
    /// Does not check the form of the name.
    pub fn new(name: impl Into<String>) -> Self {
        RefName(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path of a file in a repository: bytes, `/` between folders, as git knows it. It
/// need not be UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoPath(Vec<u8>);

impl RepoPath {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        RepoPath(bytes.into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, where it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether it is called as JSON files are.
    pub fn is_json(&self) -> bool {
        self.0.to_ascii_lowercase().ends_with(b".json")
    }

    /// The path as the operating system wants it, relative to the work tree.
    #[cfg(unix)]
    pub fn to_path(&self) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(&self.0))
    }

    /// The path as the operating system wants it, relative to the work tree.
    #[cfg(not(unix))]
    pub fn to_path(&self) -> PathBuf {
        PathBuf::from(String::from_utf8_lossy(&self.0).into_owned())
    }

    /// A relative path of the operating system as git would spell it.
    pub fn from_path(path: &std::path::Path) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            RepoPath(path.as_os_str().as_bytes().to_vec())
        }
        #[cfg(not(unix))]
        {
            RepoPath(path.to_string_lossy().replace('\\', "/").into_bytes())
        }
    }
}

impl fmt::Display for RepoPath {
    /// The text with what is not UTF-8 replaced and control characters escaped, so that
    /// it can be shown in a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in String::from_utf8_lossy(&self.0).chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_blob_has_the_ids_git_gives_it() {
        let sha1 = ObjectFormat::Sha1.object_id(ObjectKind::Blob, b"");
        assert_eq!(sha1.to_hex(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        let sha256 = ObjectFormat::Sha256.object_id(ObjectKind::Blob, b"");
        assert_eq!(
            sha256.to_hex(),
            "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"
        );
    }

    #[test]
    fn hex_goes_there_and_back_and_nothing_else_is_an_id() {
        let hex = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        assert_eq!(ObjectId::from_hex(hex.as_bytes()).unwrap().to_hex(), hex);
        assert_eq!(ObjectId::from_hex(b"e69de29"), None);
        assert_eq!(ObjectId::from_hex(hex.replace('e', "g").as_bytes()), None);
        assert_eq!(ObjectId::new(&[0; 21]), None);
    }

    #[test]
    fn a_shown_path_has_no_control_characters() {
        let path = RepoPath::new(b"a\x1b[31m\nb\xff.json".to_vec());
        assert_eq!(path.to_string(), "a\\u{1b}[31m\\nb\u{fffd}.json");
    }
}
