//! `FETCH_HEAD`: what the last fetch brought, and where from.

use super::{CommitId, ObjectId, ObjectKind, Repository};
use crate::platform::files::modified_nanos;

/// What the last fetch brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FetchHead {
    /// Tells one fetch from another, also where both brought the same.
    pub(crate) fingerprint: String,
    tips: Vec<FetchedTip>,
}

/// A ref that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FetchedTip {
    pub(crate) id: ObjectId,
    /// Its name there, without `refs/heads/` or `refs/tags/`; empty for `HEAD`.
    pub(crate) name: String,
    /// The address as git writes it.
    pub(crate) url: String,
}

impl FetchHead {
    /// Nothing where nothing was fetched yet.
    pub(crate) fn read(repository: &Repository) -> Option<FetchHead> {
        let file = repository.git_dir().join("FETCH_HEAD");
        let text = std::fs::read(&file).ok()?;
        let at = modified_nanos(&file.metadata().ok()?);
        let id = repository.format().object_id(ObjectKind::Blob, &text);
        let fingerprint = format!("{id}-{at}");
        Some(FetchHead { fingerprint, tips: parse_tips(&String::from_utf8_lossy(&text)) })
    }

    /// What came from other repositories.
    pub(crate) fn tips(&self) -> &[FetchedTip] {
        &self.tips
    }

    /// Whether a commit is one that was fetched, and no step of its history.
    pub(crate) fn names(&self, commit: CommitId) -> bool {
        self.tips.iter().any(|tip| tip.id == commit.0)
    }
}

/// The lines of the file.
pub(crate) fn parse_tips(text: &str) -> Vec<FetchedTip> {
    text.lines().filter_map(parse_tip).collect()
}

/// `<id> TAB [not-for-merge] TAB [<kind> ]'<ref>' of <url>`, or the URL alone for `HEAD`.
/// Nothing for what came from this very repository.
fn parse_tip(line: &str) -> Option<FetchedTip> {
    let mut fields = line.splitn(3, '\t');
    let id = ObjectId::from_hex(fields.next()?.as_bytes())?;
    let about = fields.nth(1)?;
    let (name, url) = match about.split_once("' of ") {
        Some((name, url)) => (name.split_once('\'').map_or("", |(_, name)| name), url),
        None => ("", about),
    };
    (url != ".").then(|| FetchedTip { id, name: name.to_owned(), url: url.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_git_writes_them() {
        let id = "ab".repeat(20);
        let told = |rest: &str| {
            let tip = parse_tip(&format!("{id}\t{rest}"))?;
            assert_eq!(tip.id.to_hex(), id);
            Some(format!("{} of {}", tip.name, tip.url))
        };
        let of = |text: &str| Some(text.to_owned());
        assert_eq!(told("\tbranch 'main' of github.com:a/b"), of("main of github.com:a/b"));
        let note = "not-for-merge\t'refs/notes/comfy' of github.com:a/b";
        assert_eq!(told(note), of("refs/notes/comfy of github.com:a/b"));
        assert_eq!(told("\t../my bundles/x.bundle"), of(" of ../my bundles/x.bundle"));
        let tag = "not-for-merge\ttag 'v1' of https://host/it's of mine";
        assert_eq!(told(tag), of("v1 of https://host/it's of mine"));
        assert_eq!(told("\tbranch 'side' of ."), None);
        assert_eq!(parse_tip("no id\t\tbranch 'a' of b"), None);
    }
}
