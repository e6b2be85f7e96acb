//! The tables.

use rusqlite::Connection;

use super::Result;

/// The number of these tables; an index of another number is made anew.
const VERSION: i64 = 2;

const TABLES: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- Newer runs have greater numbers, roughly: the order in which they were told.
CREATE TABLE runs(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL UNIQUE,
    place TEXT NOT NULL,
    moment INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    content TEXT NOT NULL,
    seed TEXT,
    model TEXT,
    excerpt TEXT,
    parent TEXT
);
CREATE INDEX runs_parent ON runs(parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_place ON runs(place);
CREATE INDEX runs_moment ON runs(moment, id);
CREATE INDEX runs_content ON runs(content);
CREATE TABLE outputs(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL,
    path TEXT NOT NULL,
    sha256 BLOB,
    node TEXT,
    batch INTEGER
);
CREATE INDEX outputs_run ON outputs(run);
CREATE INDEX outputs_sha256 ON outputs(sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX outputs_path ON outputs(path);
-- What runs are looked up by: kind (query::TermKind), text, and the runs of each.
CREATE TABLE terms(
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    text TEXT NOT NULL,
    UNIQUE(kind, text)
);
CREATE TABLE postings(
    term INTEGER NOT NULL,
    moment INTEGER NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY(term, moment, run)
) WITHOUT ROWID;
CREATE TABLE held(run INTEGER NOT NULL, term INTEGER NOT NULL, PRIMARY KEY(run, term)) WITHOUT ROWID;
CREATE VIRTUAL TABLE texts USING fts5(
    positive, negative, content='', contentless_delete=1,
    tokenize=\"unicode61 remove_diacritics 2\"
);
-- Perceptual hashes, a thousand to a row: read as a whole, one after another.
CREATE TABLE pictures(chunk INTEGER PRIMARY KEY, entries BLOB NOT NULL);
CREATE TABLE seen(path TEXT PRIMARY KEY, stamp TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE graphs(blob TEXT PRIMARY KEY, graph TEXT) WITHOUT ROWID;
";

/// Makes the tables where there are none of this version.
pub(crate) fn create_tables(connection: &Connection) -> Result<()> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == VERSION {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    // Another process may have been first.
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != VERSION {
        let names: Vec<String> = transaction
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'texts_%'")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for name in names {
            transaction.execute_batch(&format!("DROP TABLE IF EXISTS \"{name}\""))?;
        }
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(())
}
