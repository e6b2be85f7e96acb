//! What `clean` and `smudge` have in common: one file from standard input to standard
//! output, never failing over its content, but for a layout that cannot be kept.

use std::ffi::OsStr;
use std::io;
use std::io::Read;
use std::path::Path;

use super::filter::{Filter, SmudgeRequest};
use super::storage_check;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git;
use crate::platform::git::RepoPath;
use crate::platform::text::sanitize;
use crate::session::Session;

/// The direction of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilterDirection {
    /// Into git.
    In,
    /// Out of git.
    Out,
}

pub(crate) fn filter_stdin(
    way: FilterDirection,
    path: Option<&OsStr>,
    session: &Session,
) -> Result<Exit> {
    let repository = session.repository().ok();
    let mut filter = Filter::new(repository.as_ref());
    let limit = if session.environment.switched_off { 0 } else { filter.max_file_size() };
    let mut stdin = io::stdin().lock();
    let mut bytes = Vec::new();
    stdin.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        session.ui.print_bytes(&bytes)?;
        session.ui.print_stream(&mut stdin)?;
        return Ok(Exit::Done);
    }
    let path = RepoPath::from_path(Path::new(path.unwrap_or_default()));
    match way {
        FilterDirection::In => {
            let passed =
                filter.clean(&path, &bytes).map_err(|error| storing_failure(&path, error))?;
            session.ui.print_bytes(passed.bytes_or(&bytes))?;
        }
        FilterDirection::Out => {
            let passed = filter.smudge(&path, SmudgeRequest::default(), &bytes);
            session.ui.print_bytes(passed.bytes_or(&bytes))?;
        }
    }
    session.print_remarks(&filter.take_remarks());
    Ok(Exit::Done)
}

fn storing_failure(path: &RepoPath, error: git::GitError) -> CommandError {
    let path = sanitize::line(&path.to_string()).into_owned();
    let remedy = storage_check::remedy(&error);
    CommandError::system(error)
        .with_context(format!("{path}: its layout cannot be kept"))
        .with_hint(remedy)
}
