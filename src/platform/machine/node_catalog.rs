//! The catalog of node classes, which names widgets: the built-in classes, those that a server
//! told of, and names learned from installed packs and from the repository itself.
//!
//! What is learned lies in the repository's state folder and can be learned again. The command
//! that git keeps texts by (`diff.comfy.textconv`) carries a key of it, so that git drops the
//! texts with the old names.

use std::path::{Path, PathBuf};

use comfy_graph::catalog::{Catalog, LearnedNames, PackSources, object_info_table};
use comfy_graph::json::Value;

use crate::platform::AtomicWrite;
use crate::platform::files::read_up_to;
use crate::platform::git::Repository;
use crate::platform::git::command::GitCommand;
use crate::platform::git::program_settings::update_textconv_setting;
use crate::platform::hex::sha256_hex;
use crate::platform::machine::packs::{self, pack_files};
use crate::session::Session;

/// Larger tables are not read: a ComfyUI with 3,000 classes makes one of 5 MB.
const MAX_TABLE: u64 = 64 << 20;
/// Larger Python files are data.
const MAX_SOURCE: u64 = 4 << 20;

/// What is kept of node classes, each a file of the state folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CatalogPart {
    /// Classes that a server told of: a line each, as [`object_info_table`] makes them.
    Server,
    /// Names out of the sources of installed packs.
    Packs,
    /// Names out of the repository's files, its history and its runs.
    Repository,
}

impl CatalogPart {
    pub(crate) const ALL: [CatalogPart; 3] =
        [CatalogPart::Server, CatalogPart::Packs, CatalogPart::Repository];

    /// Where it lies.
    pub(crate) fn file(self, state_dir: &Path) -> PathBuf {
        state_dir.join(match self {
            CatalogPart::Server => "classes.tsv",
            CatalogPart::Packs => "pack-names.tsv",
            CatalogPart::Repository => "learned-names.tsv",
        })
    }

    /// Its text; nothing where there is none, or one that is too large.
    pub(crate) fn read(self, state_dir: &Path) -> Option<String> {
        let bytes = read_up_to(&self.file(state_dir), MAX_TABLE).ok()?;
        String::from_utf8(bytes).ok()
    }

    /// Keeps another text, and has git drop the texts it kept with the old names.
    pub(crate) fn write(self, repository: &Repository, text: &str) -> std::io::Result<()> {
        let state_dir = repository.state_dir();
        if self.read(&state_dir).as_deref() == Some(text) {
            return Ok(());
        }
        AtomicWrite::new().create_folder().write(&self.file(&state_dir), text.as_bytes())?;
        let git = || GitCommand::in_folder(repository.common_dir());
        // Where the command cannot say it, the texts themselves go; there need not be any.
        let _ = update_textconv_setting(&git(), &catalog_key(&state_dir));
        let _ = git().args(["update-ref", "-d", "refs/notes/textconv/comfy"]).answer();
        Ok(())
    }
}

/// A short text that is another when names are learned; empty where none are.
pub(crate) fn catalog_key(state_dir: &Path) -> String {
    let parts = CatalogPart::ALL.map(|part| part.read(state_dir).unwrap_or_default());
    match parts.iter().all(String::is_empty) {
        true => String::new(),
        false => sha256_hex(parts.join("\0").as_bytes())[..8].to_owned(),
    }
}

/// The catalog of the session's repository; the built-in one outside of any.
pub(crate) fn catalog_for_session(session: &Session) -> Catalog {
    match session.repository() {
        Ok(repository) => load_catalog(&repository),
        Err(_) => Catalog::core(),
    }
}

/// The catalog of a repository. A part that cannot be read is no error: it only names
/// widgets, and can be learned again.
pub(crate) fn load_catalog(repository: &Repository) -> Catalog {
    let state_dir = repository.state_dir();
    let mut catalog = match CatalogPart::Server.read(&state_dir) {
        Some(text) => Catalog::with_table(&text),
        None => Catalog::core(),
    };
    if let Some(text) = CatalogPart::Packs.read(&state_dir) {
        catalog = catalog.with_pack_names(LearnedNames::from_text(&text));
    }
    match CatalogPart::Repository.read(&state_dir) {
        Some(text) => catalog.with_learned_names(LearnedNames::from_text(&text)),
        None => catalog,
    }
}

/// Keeps what a server told of its node classes; gives the table.
pub(crate) fn keep_server_classes(
    repository: &Repository,
    answer: &Value,
) -> std::io::Result<String> {
    let table = object_info_table(answer);
    if !table.is_empty() {
        CatalogPart::Server.write(repository, &table)?;
    }
    Ok(table)
}

/// Learns from the sources of the packs in these folders, without running them.
pub(crate) fn learn_from_packs(
    repository: &Repository,
    folders: &[PathBuf],
) -> std::io::Result<usize> {
    let mut learned = LearnedNames::default();
    for pack in packs::list_installed(folders) {
        let mut sources = PackSources::default();
        for source in pack_files::find_sources(&pack.path).0 {
            if let Ok(bytes) = read_up_to(source.path(), MAX_SOURCE) {
                sources.read_source(&String::from_utf8_lossy(&bytes));
            }
        }
        learned.learn_from_pack(sources);
    }
    if !learned.is_empty() {
        CatalogPart::Packs.write(repository, &learned.to_text())?;
    }
    Ok(learned.class_count())
}
