//! The catalog of node classes, which names widgets: the built-in classes, and those fetched
//! from a server (`git comfy catalog update`).

use std::path::{Path, PathBuf};

use comfy_graph::catalog::Catalog;

use crate::platform::git::Repository;
use crate::session::Session;

/// The catalog of the session's repository; the built-in one outside of any.
pub(crate) fn catalog_for_session(session: &Session) -> Catalog {
    match session.repository() {
        Ok(repository) => load_catalog(&repository),
        Err(_) => Catalog::core(),
    }
}

/// The catalog of a repository. A table that cannot be read is no error: it only names
/// widgets, and can be fetched again.
pub(crate) fn load_catalog(repository: &Repository) -> Catalog {
    match std::fs::read_to_string(catalog_file(&repository.state_dir())) {
        Ok(text) => Catalog::with_table(&text),
        Err(_) => Catalog::core(),
    }
}

/// The file of the classes that were fetched from a server.
pub(crate) fn catalog_file(state_dir: &Path) -> PathBuf {
    state_dir.join("classes.tsv")
}
