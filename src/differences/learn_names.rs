//! Learns names of widgets from what the repository holds: the workflows and pictures of its
//! history. Each is read once: what was read up to which commit is remembered.
//!
//! Must not know how names are used.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use comfy_graph::catalog::LearnedNames;
use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json;

use crate::platform::AtomicWrite;
use crate::platform::git::command::GitCommand;
use crate::platform::git::{CommitId, GitError, ObjectId, Repository, Result};
use crate::platform::machine::node_catalog::CatalogPart;

/// The most files that are read at once, the newest first: the rest names little more.
const MAX_FILES: usize = 20_000;
/// Larger files are passed over.
const MAX_FILE: u64 = 16 << 20;
/// The names of files that may hold a workflow or a run.
const SUFFIXES: [&str; 4] = [".json", ".png", ".webp", ".mp4"];

/// Where it is remembered what was read.
pub(crate) fn seen_file(state_dir: &Path) -> PathBuf {
    state_dir.join("learned-names.seen")
}

/// Reads what came since the last time; gives how many classes have names now.
///
/// # Errors
/// git cannot be asked.
pub(crate) fn learn_from_history(repository: &Repository) -> Result<usize> {
    let state_dir = repository.state_dir();
    let text = CatalogPart::Repository.read(&state_dir).unwrap_or_default();
    let mut learned = LearnedNames::from_text(&text);
    let Some(head) = repository.head()? else { return Ok(learned.class_count()) };
    let seen = std::fs::read_to_string(seen_file(&state_dir)).ok();
    let seen = seen.and_then(|seen| ObjectId::from_hex(seen.trim().as_bytes()));
    // A commit that is gone says nothing of what was read.
    let seen = seen.filter(|seen| matches!(repository.commit(CommitId(*seen)), Ok(Some(_))));
    if seen == Some(head.0) {
        return Ok(learned.class_count());
    }
    for id in new_files(repository, head.0, seen)? {
        if let Ok(Some(bytes)) = repository.blob_up_to(id, MAX_FILE) {
            learn_from_file(&bytes, &mut learned);
        }
    }
    let seen_path = seen_file(&state_dir);
    let failed = |source| GitError::File { doing: "writing", path: seen_path.clone(), source };
    CatalogPart::Repository.write(repository, &learned.to_text()).map_err(failed)?;
    let seen = format!("{}\n", head.0.to_hex());
    let write = AtomicWrite::new().create_folder();
    write.write(&seen_path, seen.as_bytes()).map_err(failed)?;
    Ok(learned.class_count())
}

/// The files that the commits since `seen` brought, the newest first.
fn new_files(
    repository: &Repository,
    head: ObjectId,
    seen: Option<ObjectId>,
) -> Result<Vec<ObjectId>> {
    let mut arguments = vec!["rev-list".to_owned(), "--objects".into(), head.to_hex()];
    if let Some(seen) = seen {
        arguments.extend(["--not".to_owned(), seen.to_hex()]);
    }
    let listed = GitCommand::in_folder(repository.common_dir()).args(&arguments).output()?;
    let listed = String::from_utf8_lossy(&listed);
    let files = listed.lines().filter_map(|line| {
        let (id, path) = line.split_once(' ')?;
        let path = path.to_ascii_lowercase();
        let is_wanted = SUFFIXES.iter().any(|suffix| path.ends_with(suffix));
        is_wanted.then(|| ObjectId::from_hex(id.as_bytes()))?
    });
    Ok(files.take(MAX_FILES).collect())
}

/// Learns from a workflow, or from a picture that holds one with the prompt made of it.
fn learn_from_file(bytes: &[u8], learned: &mut LearnedNames) {
    if let Ok(document) = json::parse(bytes) {
        return learned.learn_from_document(&document);
    }
    let Ok(embedded) = comfy_media::read(&mut Cursor::new(bytes)) else { return };
    let payload = embedded.payload();
    let Some(workflow) = payload.workflow else { return };
    learned.learn_from_document(&workflow);
    if let Some(prompt) = payload.prompt
        && let (Ok(workflow), Ok(prompt)) =
            (Workflow::from_value(workflow), Prompt::from_value(prompt))
    {
        learned.learn_from_run(&workflow, &prompt);
    }
}
