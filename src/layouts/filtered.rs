//! What `clean` and `smudge` have in common: one file from standard input to standard
//! output, never failing over its content, but for a layout that cannot be kept.

use std::ffi::OsStr;
use std::io;
use std::io::Read;
use std::path::Path;

use super::filter::{Checkout, Filter};
use super::keeping;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git;
use crate::platform::git::RepoPath;
use crate::platform::text::sanitize;
use crate::session::Session;

/// The direction of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Into git.
    In,
    /// Out of git.
    Out,
}

/// Filters one file.
pub(crate) fn run(way: Way, path: Option<&OsStr>, session: &Session) -> Result<Exit> {
    let repository = session.repository().ok();
    let mut filter = Filter::new(repository.as_ref());
    let limit = if session.environment.switched_off { 0 } else { filter.max_file_size() };
    let mut stdin = io::stdin().lock();
    let mut bytes = Vec::new();
    stdin.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        session.ui.out_bytes(&bytes)?;
        session.ui.out_from(&mut stdin)?;
        return Ok(Exit::Done);
    }
    let path = RepoPath::from_path(Path::new(path.unwrap_or_default()));
    match way {
        Way::In => {
            let passed = filter.clean(&path, &bytes).map_err(|error| not_kept(&path, &error))?;
            session.ui.out_bytes(passed.or(&bytes))?;
        }
        Way::Out => {
            let passed = filter.smudge(&path, Checkout::default(), &bytes);
            session.ui.out_bytes(passed.or(&bytes))?;
        }
    }
    session.tell_remarks(&filter.take_remarks());
    Ok(Exit::Done)
}

fn not_kept(path: &RepoPath, error: &git::Error) -> Failure {
    let path = sanitize::line(&path.to_string()).into_owned();
    Failure::new(format!("{path}: its layout cannot be kept: {error}")).hint(keeping::remedy(error))
}
