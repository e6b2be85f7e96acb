//! Trees and commits as plain values, read from and written to git's own encoding. The
//! encodings are the same for SHA-1 and SHA-256 apart from the length of the ids.

use super::error::{GitError, Result};
use super::id::{CommitId, ObjectFormat, ObjectId, ObjectKind};

/// What the mode of a tree entry says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    Tree,
    File,
    Executable,
    Link,
    /// The commit of a submodule.
    Submodule,
}

impl EntryKind {
    fn from_mode(mode: &[u8]) -> Option<Self> {
        Some(match mode {
            b"40000" | b"040000" => EntryKind::Tree,
            b"100755" => EntryKind::Executable,
            b"120000" => EntryKind::Link,
            b"160000" => EntryKind::Submodule,
            // Old repositories hold 100664 and the like.
            mode if mode.starts_with(b"100") => EntryKind::File,
            _ => return None,
        })
    }

    const fn mode(self) -> &'static str {
        match self {
            EntryKind::Tree => "40000",
            EntryKind::File => "100644",
            EntryKind::Executable => "100755",
            EntryKind::Link => "120000",
            EntryKind::Submodule => "160000",
        }
    }

    /// A blob that holds a file's content.
    pub const fn is_file(self) -> bool {
        matches!(self, EntryKind::File | EntryKind::Executable)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    pub kind: EntryKind,
    /// One component of a path; need not be UTF-8.
    pub name: Vec<u8>,
    pub id: ObjectId,
}

pub(crate) fn parse_tree(id: ObjectId, mut bytes: &[u8]) -> Result<Vec<TreeEntry>> {
    let length = id.format().id_len();
    let broken = || GitError::Malformed { id, expected: "tree" };
    let mut entries = Vec::with_capacity(bytes.len() / (length + 20));
    while !bytes.is_empty() {
        let space = memchr::memchr(b' ', bytes).ok_or_else(broken)?;
        let nul = memchr::memchr(0, bytes).ok_or_else(broken)?;
        let name = bytes.get(space + 1..nul).ok_or_else(broken)?;
        let raw = bytes.get(nul + 1..nul + 1 + length).ok_or_else(broken)?;
        entries.push(TreeEntry {
            kind: EntryKind::from_mode(&bytes[..space]).ok_or_else(broken)?,
            name: name.to_vec(),
            id: ObjectId::new(raw).ok_or_else(broken)?,
        });
        bytes = &bytes[nul + 1 + length..];
    }
    Ok(entries)
}

/// Writes a tree object; the entries need not be in order.
pub(crate) fn encode_tree(entries: &[TreeEntry]) -> Vec<u8> {
    // git orders a folder as if its name ended in a slash.
    let key = |entry: &TreeEntry| {
        let mut name = entry.name.clone();
        if entry.kind == EntryKind::Tree {
            name.push(b'/');
        }
        name
    };
    let mut ordered: Vec<_> = entries.iter().map(|entry| (key(entry), entry)).collect();
    ordered.sort_by(|a, b| a.0.cmp(&b.0));
    let mut bytes = Vec::with_capacity(entries.len() * 60);
    for (_, entry) in ordered {
        bytes.extend_from_slice(entry.kind.mode().as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(&entry.name);
        bytes.push(0);
        bytes.extend_from_slice(entry.id.as_bytes());
    }
    bytes
}

/// The author or committer of a commit, with the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name; may be empty, may hold anything but `<`, `>` and newlines.
    pub name: String,
    pub email: String,
    /// Seconds since 1970.
    pub seconds: i64,
    /// The offset from UTC, in minutes.
    pub offset: i32,
}

impl Signature {
    /// Reads `Name <address> seconds +hhmm`.
    pub(crate) fn parse(text: &[u8]) -> Option<Signature> {
        let text = String::from_utf8_lossy(text);
        let open = text.find('<')?;
        let close = text.rfind('>')?;
        let mut rest = text.get(close + 1..)?.split_ascii_whitespace();
        let seconds = rest.next().and_then(|s| s.parse().ok()).unwrap_or(0);
        let zone: i32 = rest.next().and_then(|s| s.parse().ok()).unwrap_or(0);
        Some(Signature {
            name: text[..open].trim().to_owned(),
            email: text.get(open + 1..close)?.to_owned(),
            seconds,
            offset: zone / 100 * 60 + zone % 100,
        })
    }

    fn encode_into(&self, bytes: &mut Vec<u8>) {
        let plain = |text: &str| text.replace(['<', '>', '\n', '\0'], "");
        let (sign, minutes) =
            if self.offset < 0 { ('-', -self.offset) } else { ('+', self.offset) };
        let text = format!(
            "{} <{}> {} {sign}{:02}{:02}",
            plain(&self.name),
            plain(&self.email),
            self.seconds,
            minutes / 60,
            minutes % 60
        );
        bytes.extend_from_slice(text.as_bytes());
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The root tree.
    pub tree: ObjectId,
    pub parents: Vec<CommitId>,
    pub author: Signature,
    pub committer: Signature,
    /// The whole message, as bytes: its encoding is a header most people never set.
    pub message: Vec<u8>,
}

impl Commit {
    pub fn subject(&self) -> String {
        let line = self.message.split(|b| *b == b'\n').find(|l| !l.is_empty()).unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }

    pub(crate) fn parse(id: ObjectId, bytes: &[u8]) -> Result<Commit> {
        let broken = || GitError::Malformed { id, expected: "commit" };
        let mut tree = None;
        let mut parents = Vec::new();
        let mut author = None;
        let mut committer = None;
        let mut rest = bytes;
        loop {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            if line.is_empty() {
                break;
            }
            let space = memchr::memchr(b' ', line).unwrap_or(line.len());
            let value = line.get(space + 1..).unwrap_or_default();
            match &line[..space] {
                b"tree" => tree = ObjectId::from_hex(value),
                b"parent" => parents.push(CommitId(ObjectId::from_hex(value).ok_or_else(broken)?)),
                b"author" if author.is_none() => author = Signature::parse(value),
                b"committer" if committer.is_none() => committer = Signature::parse(value),
                _ => {}
            }
        }
        Ok(Commit {
            tree: tree.ok_or_else(broken)?,
            parents,
            author: author.ok_or_else(broken)?,
            committer: committer.ok_or_else(broken)?,
            message: rest.to_vec(),
        })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = format!("tree {}\n", self.tree).into_bytes();
        for parent in &self.parents {
            bytes.extend_from_slice(format!("parent {parent}\n").as_bytes());
        }
        bytes.extend_from_slice(b"author ");
        self.author.encode_into(&mut bytes);
        bytes.extend_from_slice(b"\ncommitter ");
        self.committer.encode_into(&mut bytes);
        bytes.extend_from_slice(b"\n\n");
        bytes.extend_from_slice(&self.message);
        bytes
    }
}

/// Objects to be written together; equal ones are kept once.
#[derive(Debug)]
pub struct ObjectBatch {
    format: ObjectFormat,
    objects: Vec<(ObjectId, ObjectKind, Vec<u8>)>,
    known: rustc_hash::FxHashSet<ObjectId>,
}

impl ObjectBatch {
    /// Nothing yet, for a repository of that format.
    pub fn new(format: ObjectFormat) -> Self {
        ObjectBatch { format, objects: Vec::new(), known: rustc_hash::FxHashSet::default() }
    }

    /// Adds an object and tells its id.
    pub fn add(&mut self, kind: ObjectKind, content: Vec<u8>) -> ObjectId {
        let id = self.format.object_id(kind, &content);
        if self.known.insert(id) {
            self.objects.push((id, kind, content));
        }
        id
    }

    pub fn add_blob(&mut self, content: Vec<u8>) -> ObjectId {
        self.add(ObjectKind::Blob, content)
    }

    pub fn add_tree(&mut self, entries: &[TreeEntry]) -> ObjectId {
        self.add(ObjectKind::Tree, encode_tree(entries))
    }

    pub fn add_commit(&mut self, commit: &Commit) -> CommitId {
        CommitId(self.add(ObjectKind::Commit, commit.encode()))
    }

    /// The objects in the order they were added.
    pub(crate) fn objects(&self) -> &[(ObjectId, ObjectKind, Vec<u8>)] {
        &self.objects
    }

    pub(crate) fn format(&self) -> ObjectFormat {
        self.format
    }

    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_goes_there_and_back() {
        let id = ObjectFormat::Sha1.object_id(ObjectKind::Blob, b"");
        let person = Signature {
            name: "A Person".into(),
            email: "a@example.com".into(),
            seconds: 1_700_000_000,
            offset: -150,
        };
        let commit = Commit {
            tree: id,
            parents: vec![CommitId(id), CommitId(id)],
            author: person.clone(),
            committer: person,
            message: b"\nsubject\n\nbody\n".to_vec(),
        };
        let bytes = commit.encode();
        assert!(String::from_utf8_lossy(&bytes).contains("> 1700000000 -0230\n"));
        assert_eq!(Commit::parse(id, &bytes).unwrap(), commit);
        assert_eq!(commit.subject(), "subject");
    }

    #[test]
    fn a_tree_is_ordered_as_git_orders_it() {
        let id = ObjectFormat::Sha1.object_id(ObjectKind::Blob, b"");
        let entry = |kind, name: &str| TreeEntry { kind, name: name.into(), id };
        let entries = [
            entry(EntryKind::Tree, "a"),
            entry(EntryKind::File, "a.json"),
            entry(EntryKind::File, "a0"),
        ];
        let parsed = parse_tree(id, &encode_tree(&entries)).unwrap();
        let names: Vec<_> = parsed.iter().map(|e| e.name.as_slice()).collect();
        assert_eq!(names, [b"a.json".as_slice(), b"a", b"a0"]);
        assert!(parse_tree(id, b"100644 a\0short").is_err());
    }
}
