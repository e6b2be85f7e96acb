//! The operands of `git comfy diff`: files, blobs, revisions, and the file of a commit that a
//! picture was made with.

use std::io::Read;
use std::path::{Path, PathBuf};

use comfy_graph::diff::Class;
use comfy_graph::json::Value;
use memchr::memmem;

use super::compared::compare;
use super::content::{self, Content};
use super::patch::PatchSide;
use super::{revisions, widget_names};
use crate::error::{Failure, Result};
use crate::platform::git::plumbing::Git;
use crate::platform::git::shell::typed_name;
use crate::platform::git::{self, ObjectId, RepoPath, Repository};
use crate::platform::text::sanitize;
use crate::session::Session;

/// Files longer than this are not read: git itself treats such files as binary.
const LONGEST: u64 = 1 << 30;

/// An operand that was read.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) content: Content,
    /// The same for git, which makes the patch of what holds no graph.
    pub(crate) side: PatchSide,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// A file, or `-` for standard input.
    File(PathBuf),
    /// A blob: `REV:PATH`.
    Blob(ObjectId),
    /// A commit or a tree.
    Revision(ObjectId),
    /// Anything else, for git to interpret: a range, a pathspec, a mistake.
    Other,
}

/// Decides what a word names, by git's rules.
///
/// # Errors
/// It names both a file and a revision.
pub(crate) fn named(session: &Session, word: &str) -> Result<Named> {
    if word == "-" {
        return Ok(Named::File(PathBuf::from(word)));
    }
    let file = session.cwd.join(word);
    let is_file = file.is_file();
    let id = match session.repository() {
        Ok(repository) if !word.starts_with('-') => {
            repository.resolve(&from_the_top(session, &repository, word)).ok().flatten()
        }
        _ => None,
    };
    match id {
        Some(_) if is_file => {
            Err(Failure::new(format!("{} is a file and a revision", sanitize::line(word)))
                .hint(format!("for the file: ./{}", sanitize::line(word)))
                .hint(format!("for the revision: {} --", sanitize::line(word))))
        }
        Some(id) if word.contains(':') => Ok(Named::Blob(id)),
        Some(id) => Ok(Named::Revision(id)),
        None if is_file => Ok(Named::File(file)),
        None => Ok(Named::Other),
    }
}

/// Makes `REV:./FILE`, which is relative to the current folder, relative to the top.
fn from_the_top(session: &Session, repository: &Repository, word: &str) -> String {
    let relative = word
        .split_once(':')
        .filter(|(_, path)| path.starts_with("./") || path.starts_with("../"))
        .and_then(|(revision, path)| {
            Some((revision, repo_path(repository, &session.cwd.join(path))?))
        });
    match relative {
        Some((revision, path)) => {
            format!("{revision}:{}", String::from_utf8_lossy(path.as_bytes()))
        }
        None => word.to_owned(),
    }
}

/// git's message about the user's arguments, without the command line that we called it with.
pub(crate) fn complaint(error: git::Error) -> Failure {
    match error {
        git::Error::Git { said, .. } => {
            let said = said.strip_prefix("fatal: ").unwrap_or(&said);
            Failure::new(sanitize::line(said).into_owned())
                .hint("files and folders can stand after `--`")
        }
        other => other.into(),
    }
}

pub(crate) fn read(session: &Session, word: &str, named: &Named) -> Result<Document> {
    let name = sanitize::line(word).into_owned();
    match named {
        Named::File(path) if word == "-" => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes)?;
            let side = PatchSide { file: Some(path.clone()), blob: None };
            Ok(Document { name, content: content::read(bytes), side })
        }
        Named::File(path) => {
            let side = PatchSide { file: Some(path.clone()), blob: None };
            Ok(Document { content: content::read(bytes_of(path)?), name, side })
        }
        Named::Blob(id) => {
            let side = PatchSide { file: None, blob: Some(id.to_hex()) };
            let bytes = session.repository()?.blob_within(*id, LONGEST)?;
            let bytes = bytes.ok_or_else(|| Failure::new(format!("{name} is no file")))?;
            Ok(Document { content: content::read(bytes), name, side })
        }
        Named::Revision(_) | Named::Other => Err(Failure::new(format!("{name} is no file"))),
    }
}

/// Reads a file anywhere, up to 1 GiB.
pub(crate) fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    let failed = |problem: &dyn std::fmt::Display| {
        Failure::new(format!("{}: {problem}", sanitize::line(&path.display().to_string())))
    };
    let metadata = std::fs::metadata(path).map_err(|e| failed(&e))?;
    if !metadata.is_file() {
        return Err(failed(&"this is not a file"));
    }
    if metadata.len() > LONGEST {
        return Err(failed(&"more than 1 GiB"));
    }
    std::fs::read(path).map_err(|e| failed(&e))
}

/// The path of a file relative to the top of the work tree.
pub(crate) fn repo_path(repository: &Repository, file: &Path) -> Option<RepoPath> {
    let real = std::fs::canonicalize(file.parent()?).ok()?.join(file.file_name()?);
    let top = std::fs::canonicalize(repository.work_tree()?).ok()?;
    Some(RepoPath::from_path(real.strip_prefix(top).ok()?))
}

/// The blob of a file in a commit or tree.
pub(crate) fn blob_in(
    repository: &Repository,
    revision: ObjectId,
    path: &RepoPath,
) -> Result<Option<ObjectId>> {
    let tree = tree_of(repository, revision)?;
    Ok(repository.entry_at(tree, path)?.map(|entry| entry.id))
}

fn tree_of(repository: &Repository, revision: ObjectId) -> Result<ObjectId> {
    // `resolve_commit` peels tags; what it does not resolve is a tree already.
    let commit = repository.resolve_commit(&revision.to_hex())?;
    match commit {
        Some(commit) => {
            let commit = repository.commit(commit)?;
            Ok(commit.map_or(revision, |commit| commit.tree))
        }
        None => Ok(revision),
    }
}

/// Where to look for the file that a picture was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Among {
    /// The files as they are now.
    WorkTree,
    /// Those of a commit.
    Revision(ObjectId),
}

/// The file whose workflow a picture was made with: its workflow has the same id; of several
/// such files (copies), the one that differs least.
pub(crate) fn origin_of(session: &Session, picture: &Document, among: Among) -> Result<Document> {
    let Content::Output(output) = &picture.content else {
        return Err(Failure::new(format!("{} is no picture of ComfyUI", picture.name)));
    };
    let Some(graph) = output.graph() else {
        return Err(Failure::new(format!("{} carries no workflow", picture.name)));
    };
    let unknown = |why: &str| {
        Failure::new(format!("{}: {why}", picture.name))
            .hint(format!("name the file: git comfy diff {} FILE", typed_name(&picture.name)))
    };
    let id = graph.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| unknown("its workflow has no id to find its file by"))?;
    let repository = session.repository()?;
    let mut found: Vec<(usize, Document)> = Vec::new();
    let naming = widget_names::of(&repository);
    for (name, side, bytes) in candidates(&repository, among)? {
        // Most files are ruled out without parsing them.
        if memmem::find(&bytes, id.as_bytes()).is_none() {
            continue;
        }
        let Content::Graph(value) = content::read(bytes) else { continue };
        if value.get("id").and_then(Value::as_str) != Some(id) {
            continue;
        }
        let compared =
            compare(Content::Graph(graph.clone()), Content::Graph(value.clone()), &naming);
        let distance = compared.map_or(usize::MAX, |c| c.script.count(Class::Content));
        let content = Content::Graph(value);
        found.push((distance, Document { name, content, side }));
    }
    let nearest = found.into_iter().min_by_key(|(distance, _)| *distance);
    let none = match among {
        Among::WorkTree => "no file here holds the workflow it was made with",
        Among::Revision(_) => "no file of that commit holds the workflow it was made with",
    };
    nearest.map(|(_, document)| document).ok_or_else(|| unknown(none))
}

/// All JSON files there: name, place, content.
fn candidates(repository: &Repository, among: Among) -> Result<Vec<(String, PatchSide, Vec<u8>)>> {
    let is_json = |path: &RepoPath| path.as_bytes().to_ascii_lowercase().ends_with(b".json");
    let mut found = Vec::new();
    match among {
        Among::WorkTree => {
            let top = repository.require_work_tree()?.to_owned();
            let listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
            let listed = Git::at(&top).run(listed)?;
            for path in listed.split(|byte| *byte == 0).map(RepoPath::new).filter(is_json) {
                let file = top.join(path.to_path());
                let Ok(bytes) = bytes_of(&file) else { continue };
                found.push((path.to_string(), PatchSide { file: Some(file), blob: None }, bytes));
            }
        }
        Among::Revision(revision) => {
            let tree = tree_of(repository, revision)?;
            let mut entries = Vec::new();
            repository.visit_files(tree, &mut |path, entry| {
                if is_json(path) {
                    entries.push((path.clone(), entry.id));
                }
            })?;
            for (path, id) in entries {
                let Some(bytes) = repository.blob_within(id, LONGEST)? else { continue };
                let side = PatchSide { file: None, blob: Some(id.to_hex()) };
                found.push((path.to_string(), side, bytes));
            }
        }
    }
    Ok(found)
}

/// The bytes of one side of a change: of the blob, or of the file in the work tree.
pub(crate) fn version_bytes(
    repository: &Repository,
    version: &revisions::Version,
) -> Result<Vec<u8>> {
    match version.blob {
        Some(id) => Ok(repository.blob_within(id, LONGEST)?.unwrap_or_default()),
        None => bytes_of(&repository.require_work_tree()?.join(version.path.to_path())),
    }
}
