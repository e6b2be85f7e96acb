//! The search index: SQLite beside the repository, below `<common git dir>/comfy/`.
//!
//! Everything in it is derived: the runs from `refs/comfy/runs`, the rest from files. A
//! damaged or older index is thrown away and made again. It is told which state of the
//! runs it reflects and what changed since; it must not know git.

pub mod query;
pub mod schema;
pub mod similar_pictures;
#[cfg(test)]
mod tests;
pub mod update;

pub use query::{RunFilter, RunQuery, RunRow, SearchKey, matches_keys};
pub use similar_pictures::SimilarPicture;
pub use update::RunSummary;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::CommandError;
use rusqlite::{Connection, OptionalExtension, params};

/// The search index of one repository.
#[derive(Debug)]
pub struct RunIndex {
    connection: Connection,
}

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The database refused.
    #[error("the search index: {0} (`git comfy index rebuild` makes it anew)")]
    Database(#[from] rusqlite::Error),
    /// Its file cannot be made or removed.
    #[error("the search index {}: {source}", .path.display())]
    File {
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl From<IndexError> for CommandError {
    fn from(error: IndexError) -> Self {
        CommandError::system(error)
    }
}

/// What the functions of the index give back.
pub type Result<T> = std::result::Result<T, IndexError>;

/// How long a process waits for another one that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

/// The file of the index in git-comfy's folder.
pub fn index_path(comfy_folder: &Path) -> PathBuf {
    comfy_folder.join("index.sqlite")
}

impl RunIndex {
    /// Opens the index in git-comfy's folder of a repository; an empty one where there is
    /// none, or none of this version.
    pub fn open_in(comfy_folder: &Path) -> Result<RunIndex> {
        let path = index_path(comfy_folder);
        let failed = |source| IndexError::File { path: path.clone(), source };
        std::fs::create_dir_all(comfy_folder).map_err(failed)?;
        match RunIndex::open(&path) {
            Ok(index) => Ok(index),
            Err(IndexError::Database(error)) if !is_busy(&error) => {
                RunIndex::remove(comfy_folder)?;
                RunIndex::open(&path)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes the index away. Nothing is lost.
    pub fn remove(comfy_folder: &Path) -> Result<()> {
        let path = index_path(comfy_folder);
        for ending in ["", "-wal", "-shm", "-journal"] {
            let mut name = path.clone().into_os_string();
            name.push(ending);
            match std::fs::remove_file(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(IndexError::File { path: name.into(), source: error });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn open(path: &Path) -> Result<RunIndex> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Derived: a power cut may cost the last entries, which are made again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "cache_size", -65_536)?;
        connection.set_prepared_statement_cache_capacity(64);
        schema::create_tables(&connection)?;
        Ok(RunIndex { connection })
    }

    /// The state of the runs that the index reflects; empty: none.
    pub fn indexed_state(&self) -> Result<String> {
        let state = self
            .connection
            .prepare_cached("SELECT value FROM meta WHERE key = 'state'")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok(state.unwrap_or_default())
    }

    /// How many runs and files it holds.
    pub fn counts(&self) -> Result<IndexCounts> {
        Ok(IndexCounts { runs: self.count_rows("runs")?, files: self.count_rows("outputs")? })
    }

    fn count_rows(&self, table: &str) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {table}");
        Ok(self.connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }
}

/// The graph in a blob, as far as it was computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobGraph {
    /// It holds the graph of this identity.
    Graph(String),
    /// It holds no graph.
    NoGraph,
    /// Nobody looked yet.
    Unknown,
}

/// How much the index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexCounts {
    pub runs: u64,
    pub files: u64,
}

/// Memories that save work; each can be lost at any time.
impl RunIndex {
    /// Whether a file was looked at in this state.
    pub fn has_scanned(&self, path: &str, stamp: &str) -> Result<bool> {
        let mut statement =
            self.connection.prepare_cached("SELECT stamp FROM seen WHERE path = ?1")?;
        let known: Option<String> = statement.query_row([path], |row| row.get(0)).optional()?;
        Ok(known.as_deref() == Some(stamp))
    }

    /// Remembers that files were looked at.
    pub fn mark_scanned(&mut self, files: &[(String, String)]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut statement = transaction
                .prepare_cached("INSERT OR REPLACE INTO seen(path, stamp) VALUES (?1, ?2)")?;
            for (path, stamp) in files {
                statement.execute([path, stamp])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// What is remembered of the graph in a blob.
    pub fn blob_graph(&self, blob: &str) -> Result<BlobGraph> {
        let mut statement =
            self.connection.prepare_cached("SELECT graph FROM graphs WHERE blob = ?1")?;
        Ok(match statement.query_row([blob], |row| row.get(0)).optional()? {
            Some(Some(graph)) => BlobGraph::Graph(graph),
            Some(None) => BlobGraph::NoGraph,
            None => BlobGraph::Unknown,
        })
    }

    /// Remembers the graph identity of a blob.
    pub fn store_graph_id(&self, blob: &str, graph: Option<&str>) -> Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO graphs(blob, graph) VALUES (?1, ?2)")?
            .execute(params![blob, graph])?;
        Ok(())
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, PermissionDenied, ReadOnly,
    };
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseBusy | DatabaseLocked | CannotOpen | PermissionDenied | ReadOnly)
    )
}
