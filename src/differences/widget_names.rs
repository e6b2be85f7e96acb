//! The node classes that commands name widgets by: the built-in ones, and what a server
//! told of its own (`git comfy catalog update`). Shared by commands; no command itself.

use std::path::{Path, PathBuf};

use comfy_graph::catalog::Catalog;

use crate::platform::git::Repository;
use crate::session::Session;

/// The catalog of the repository we are in; the built-in one outside of any.
pub(crate) fn cached(session: &Session) -> Catalog {
    match session.repository() {
        Ok(repository) => of(&repository),
        Err(_) => Catalog::core(),
    }
}

/// The catalog of a repository. A table that cannot be read is as good as none: it only
/// names things, and can be fetched again.
pub(crate) fn of(repository: &Repository) -> Catalog {
    match std::fs::read_to_string(table_file(&repository.state_dir())) {
        Ok(text) => Catalog::with_table(&text),
        Err(_) => Catalog::core(),
    }
}

/// Where the classes that a server told of are kept.
pub(crate) fn table_file(state_dir: &Path) -> PathBuf {
    state_dir.join("classes.tsv")
}
