//! The bytes of input files that the input folder has lost: where they still are, and getting
//! them from there.

use std::path::Path;

use super::{RequiredInput, RestoreSource};
use crate::error::{CommandError, Result};
use crate::platform::git::{RepoPath, Repository};
use crate::platform::hex::sha256_hex;
use crate::platform::text::sanitize;
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_store::RunStore;
use crate::runs::source_of_picture::PictureSource;
use crate::session::Session;

/// The largest file that is looked at for lost bytes, and put back. What is found can be read.
const MAX_LOST_FILE_SIZE: u64 = 96 << 20;

/// Where the bytes of an input are, when the input folder has lost them.
pub(crate) fn find_lost_bytes(
    session: &Session,
    run_store: &RunStore,
    original: &PictureSource,
    input: &RequiredInput,
) -> Result<Option<RestoreSource>> {
    let Some(wanted) = &input.sha256 else { return Ok(None) };
    let folders = OutputFolders::detect(session, &run_store.repository)?;
    for row in run_store.index.find_by_digest(wanted)? {
        let Some(stored) = run_store.load_run(&row)? else { continue };
        let own = stored.run.outputs.iter().filter(|output| output.sha256.as_ref() == Some(wanted));
        for file in own.filter_map(|output| folders.locate(output)) {
            if std::fs::read(&file).is_ok_and(|bytes| sha256_hex(&bytes) == *wanted) {
                return Ok(Some(RestoreSource::Output(file.display().to_string())));
            }
        }
    }
    find_bytes_in_git(run_store, original, input, wanted)
}

/// A file of the same name in the commit of the workflow, or in the one checked out.
fn find_bytes_in_git(
    run_store: &RunStore,
    original: &PictureSource,
    input: &RequiredInput,
    wanted: &str,
) -> Result<Option<RestoreSource>> {
    let name = input.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let run = original.run.iter().filter_map(|run| run.committed.as_ref());
    let sites = original.committed.iter().chain(run).map(|site| site.commit.as_str());
    for revision in sites.chain(["HEAD"]) {
        let Some(commit) = run_store.repository.resolve_commit(revision)? else { continue };
        let Some(commit) = run_store.repository.commit(commit)? else { continue };
        let mut named = Vec::new();
        run_store.repository.visit_files(commit.tree, &mut |path, entry| {
            if path.as_bytes().rsplit(|b| *b == b'/').next() == Some(name.as_bytes()) {
                named.push((path.to_string(), entry.id));
            }
        })?;
        for (path, blob) in named {
            let bytes = run_store.repository.blob_up_to(blob, MAX_LOST_FILE_SIZE)?;
            if bytes.is_some_and(|bytes| sha256_hex(&bytes) == wanted) {
                return Ok(Some(RestoreSource::Git(format!("{revision}:{path}"))));
            }
        }
    }
    Ok(None)
}

/// The bytes of a lost input, from where the plan found them: a path, or `REV:PATH` in git.
pub(crate) fn read_lost_bytes(
    repository: &Repository,
    from: &str,
    sha256: &str,
) -> Result<Vec<u8>> {
    let shown = sanitize::line(from);
    let bytes = match Path::new(from).is_absolute() {
        true => std::fs::read(from)
            .map_err(|error| CommandError::system(error).with_context(shown.clone()))?,
        false => read_from_git(repository, from)?
            .ok_or_else(|| CommandError::repository(format!("{shown}: it is gone")))?,
    };
    if sha256_hex(&bytes) != sha256 {
        return Err(CommandError::system(format!("{shown}: it has changed meanwhile")));
    }
    Ok(bytes)
}

fn read_from_git(repository: &Repository, place: &str) -> Result<Option<Vec<u8>>> {
    let Some((revision, path)) = place.split_once(':') else { return Ok(None) };
    let Some(commit) = repository.resolve_commit(revision)? else { return Ok(None) };
    let Some(commit) = repository.commit(commit)? else { return Ok(None) };
    match repository.entry_at(commit.tree, &RepoPath::new(path))? {
        Some(entry) => Ok(repository.blob_up_to(entry.id, MAX_LOST_FILE_SIZE)?),
        None => Ok(None),
    }
}
