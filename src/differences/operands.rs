//! The operands of `git comfy diff`: files, blobs, revisions, and the file of a commit that a
//! picture was made with.

use std::io::Read;
use std::path::{Path, PathBuf};

use comfy_graph::diff::EditClass;
use comfy_graph::json::Value;
use memchr::memmem;

use super::changed_files;
use super::content::{self, FileContent};
use super::graph_diff::compare_contents;
use super::patch::PatchSide;
use crate::error::{CommandError, Result};
use crate::platform::file_argument::{self, MAX_WHOLE_FILE};
use crate::platform::git::command::GitCommand;
use crate::platform::git::shell::quote_path;
use crate::platform::git::{self, ObjectId, RepoPath, Repository};
use crate::platform::machine::node_catalog;
use crate::platform::text::sanitize;
use crate::session::Session;

/// An operand that was read.
#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) name: String,
    pub(crate) content: FileContent,
    /// The same for git, which makes the patch of what holds no graph.
    pub(crate) side: PatchSide,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OperandKind {
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
pub(crate) fn classify_operand(session: &Session, word: &str) -> Result<OperandKind> {
    if word == "-" {
        return Ok(OperandKind::File(PathBuf::from(word)));
    }
    let file = session.cwd.join(word);
    let is_file = file.is_file();
    let id = match session.repository() {
        Ok(repository) if !word.starts_with('-') => {
            repository.resolve(&expand_relative_path(session, &repository, word)).ok().flatten()
        }
        _ => None,
    };
    match id {
        Some(_) if is_file => {
            Err(CommandError::user(format!("{} is a file and a revision", sanitize::line(word)))
                .with_hint(format!("for the file: ./{}", sanitize::line(word)))
                .with_hint(format!("for the revision: {} --", sanitize::line(word))))
        }
        Some(id) if word.contains(':') => Ok(OperandKind::Blob(id)),
        Some(id) => Ok(OperandKind::Revision(id)),
        None if is_file => Ok(OperandKind::File(file)),
        None => Ok(OperandKind::Other),
    }
}

/// Makes `REV:./FILE`, which is relative to the current folder, relative to the top.
fn expand_relative_path(session: &Session, repository: &Repository, word: &str) -> String {
    let relative = word
        .split_once(':')
        .filter(|(_, path)| path.starts_with("./") || path.starts_with("../"))
        .and_then(|(revision, path)| {
            Some((revision, repository.path_of(&session.cwd.join(path))?))
        });
    match relative {
        Some((revision, path)) => {
            format!("{revision}:{}", String::from_utf8_lossy(path.as_bytes()))
        }
        None => word.to_owned(),
    }
}

/// git's message about the user's arguments, without the command line that we called it with.
pub(crate) fn git_failure(error: git::GitError) -> CommandError {
    match error {
        git::GitError::CommandFailed { said, .. } => {
            let said = said.strip_prefix("fatal: ").unwrap_or(&said);
            CommandError::user(sanitize::line(said).into_owned())
                .with_hint("files and folders can stand after `--`")
        }
        other => other.into(),
    }
}

pub(crate) fn read_operand(session: &Session, word: &str, named: &OperandKind) -> Result<Operand> {
    let name = sanitize::line(word).into_owned();
    match named {
        OperandKind::File(path) if word == "-" => {
            let side = PatchSide { file: Some(path.clone()), blob: None };
            Ok(Operand { name, content: content::parse_content(read_stdin()?), side })
        }
        OperandKind::File(path) => {
            let side = PatchSide { file: Some(path.clone()), blob: None };
            Ok(Operand { content: content::parse_content(read_file(path)?), name, side })
        }
        OperandKind::Blob(id) => {
            let side = PatchSide { file: None, blob: Some(id.to_hex()) };
            let bytes = session.repository()?.blob_up_to(*id, MAX_WHOLE_FILE)?;
            let bytes = bytes.ok_or_else(|| CommandError::user(format!("{name} is no file")))?;
            Ok(Operand { content: content::parse_content(bytes), name, side })
        }
        OperandKind::Revision(_) | OperandKind::Other => {
            Err(CommandError::user(format!("{name} is no file")))
        }
    }
}

/// Reads a file anywhere, up to 1 GiB.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    file_argument::read_bounded(path, &sanitize::path(path), MAX_WHOLE_FILE)
}

/// Reads standard input, up to 1 GiB.
pub(crate) fn read_stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(MAX_WHOLE_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The blob of a file in a commit or tree.
pub(crate) fn blob_at_path(
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
pub(crate) enum SourceScope {
    /// The files as they are now.
    WorkTree,
    /// Those of a commit.
    Revision(ObjectId),
}

/// The file whose workflow a picture was made with: its workflow has the same id; of several
/// such files (copies), the one that differs least.
pub(crate) fn find_source_workflow(
    session: &Session,
    picture: &Operand,
    among: SourceScope,
) -> Result<Operand> {
    let FileContent::Output(output) = &picture.content else {
        return Err(CommandError::user(format!("{} is no picture of ComfyUI", picture.name)));
    };
    let Some(graph) = output.graph() else {
        return Err(CommandError::user(format!("{} carries no workflow", picture.name)));
    };
    let unknown = |why: &str| {
        CommandError::user(format!("{}: {why}", picture.name))
            .with_hint(format!("name the file: git comfy diff {} FILE", quote_path(&picture.name)))
    };
    let id = graph.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| unknown("its workflow has no id to find its file by"))?;
    let repository = session.repository()?;
    let mut found: Vec<(usize, Operand)> = Vec::new();
    let catalog = node_catalog::load_catalog(&repository);
    for (name, side, bytes) in list_json_files(&repository, among)? {
        // Most files are ruled out without parsing them.
        if memmem::find(&bytes, id.as_bytes()).is_none() {
            continue;
        }
        let FileContent::Graph(value) = content::parse_content(bytes) else { continue };
        if value.get("id").and_then(Value::as_str) != Some(id) {
            continue;
        }
        let compared = compare_contents(
            FileContent::Graph(graph.clone()),
            FileContent::Graph(value.clone()),
            &catalog,
        );
        let distance = compared.map_or(usize::MAX, |c| c.script.count_of_class(EditClass::Content));
        let content = FileContent::Graph(value);
        found.push((distance, Operand { name, content, side }));
    }
    let nearest = found.into_iter().min_by_key(|(distance, _)| *distance);
    let none = match among {
        SourceScope::WorkTree => "no file here holds the workflow it was made with",
        SourceScope::Revision(_) => "no file of that commit holds the workflow it was made with",
    };
    nearest.map(|(_, document)| document).ok_or_else(|| unknown(none))
}

/// All JSON files there: name, place, content.
fn list_json_files(
    repository: &Repository,
    among: SourceScope,
) -> Result<Vec<(String, PatchSide, Vec<u8>)>> {
    let mut found = Vec::new();
    match among {
        SourceScope::WorkTree => {
            let top = repository.require_work_tree()?.to_owned();
            let listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
            let listed = GitCommand::in_folder(&top).args(listed).output()?;
            for path in listed.split(|byte| *byte == 0).map(RepoPath::new).filter(RepoPath::is_json)
            {
                let file = top.join(path.to_path());
                let Ok(bytes) = read_file(&file) else { continue };
                found.push((path.to_string(), PatchSide { file: Some(file), blob: None }, bytes));
            }
        }
        SourceScope::Revision(revision) => {
            let tree = tree_of(repository, revision)?;
            let mut entries = Vec::new();
            repository.visit_files(tree, &mut |path, entry| {
                if path.is_json() {
                    entries.push((path.clone(), entry.id));
                }
            })?;
            for (path, id) in entries {
                let Some(bytes) = repository.blob_up_to(id, MAX_WHOLE_FILE)? else { continue };
                let side = PatchSide { file: None, blob: Some(id.to_hex()) };
                found.push((path.to_string(), side, bytes));
            }
        }
    }
    Ok(found)
}

/// The bytes of one side of a change: of the blob, or of the file in the work tree.
pub(crate) fn read_version(
    repository: &Repository,
    version: &changed_files::FileVersion,
) -> Result<Vec<u8>> {
    match version.blob {
        Some(id) => Ok(repository.blob_up_to(id, MAX_WHOLE_FILE)?.unwrap_or_default()),
        None => read_file(&repository.require_work_tree()?.join(version.path.to_path())),
    }
}
