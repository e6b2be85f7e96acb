//! Looking runs up.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Row as SqlRow, ToSql, params_from_iter};

use super::similar_pictures::SimilarPicture;
use super::update::RunSummary;
use super::{Result, RunIndex, update};
use crate::platform::hex::parse_hex;
use crate::runs::run_data::Run;

/// What a term is. The numbers are in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TermKind {
    Model = 1,
    Lora = 2,
    Seed = 3,
    Class = 4,
    Graph = 5,
}

/// One thing to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchKey {
    /// Words of the prompts.
    Text(String),
    /// A part of the name of a model of any type.
    Model(String),
    /// A part of the name of a LoRA.
    Lora(String),
    /// A seed, in digits.
    Seed(String),
    /// A node class; a part of its name where no class is called so.
    Class(String),
    /// One of these graph identities.
    Graphs(Vec<String>),
}

/// What runs are wanted: those that fit all of it, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunQuery {
    /// All of these fit.
    pub keys: Vec<SearchKey>,
    /// Not before, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Not after.
    pub until: Option<i64>,
    /// Whether runs without files count.
    pub filter: RunFilter,
    /// How many are enough.
    pub limit: usize,
}

/// Which runs are of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunFilter {
    /// All of them.
    All,
    /// Those with files.
    WithFiles,
}

/// A run as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    id: i64,
    /// The run's id.
    pub run_id: String,
    /// Where it lies among the runs.
    pub path: String,
    /// Milliseconds since 1970; 0: unknown.
    pub time_ms: i64,
    /// How it ended.
    pub outcome: String,
    /// The identity of its prompt.
    pub content: String,
    /// What it was made of, in short.
    pub summary: RunSummary,
    /// The run that it makes again or varies.
    pub parent: Option<String>,
    pub paths: Vec<String>,
    /// How many nodes made them, as far as is known.
    pub branches: usize,
}

/// Terms that a part of a name may stand for.
const MAX_TERMS: usize = 256;

const COLUMNS: &str = "r.id, r.run, r.place, r.moment, r.outcome, r.content, r.seed, r.model, r.excerpt, \
     r.parent";

fn read_row(sql: &SqlRow<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        id: sql.get(0)?,
        run_id: sql.get(1)?,
        path: sql.get(2)?,
        time_ms: sql.get(3)?,
        outcome: sql.get(4)?,
        content: sql.get(5)?,
        summary: RunSummary { seed: sql.get(6)?, model: sql.get(7)?, excerpt: sql.get(8)? },
        parent: sql.get(9)?,
        paths: Vec::new(),
        branches: 0,
    })
}

impl RunIndex {
    /// The runs that a query means, newest first.
    pub fn find_runs(&self, query: &RunQuery) -> Result<Vec<RunRow>> {
        let mut texts = Vec::new();
        let mut lists: Vec<Vec<i64>> = Vec::new();
        for key in &query.keys {
            match key {
                SearchKey::Text(text) => texts.push(full_text_query(text)),
                key => lists.push(self.term_ids(key)?),
            }
        }
        if lists.iter().any(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let mut found = match (texts.is_empty(), lists.split_first()) {
            (false, _) => self.query_by_text(&texts.join(" "), &lists, query)?,
            (true, Some((first, rest))) => {
                let mut found = Vec::new();
                for term in first {
                    found.extend(self.query_by_term(*term, rest, query)?);
                }
                found
            }
            (true, None) => self.query_by_time(query)?,
        };
        found.sort_by_key(|row| std::cmp::Reverse((row.time_ms, row.id)));
        found.dedup_by_key(|row| row.id);
        found.truncate(query.limit);
        self.load_paths(found)
    }

    /// The runs that made a file, by the digest of its bytes.
    pub fn find_by_digest(&self, sha256: &str) -> Result<Vec<RunRow>> {
        let Some(bytes) = parse_hex::<32>(sha256) else { return Ok(Vec::new()) };
        self.query_rows(
            "JOIN outputs o ON o.run = r.id WHERE o.sha256 = ?1 GROUP BY r.id ORDER BY r.moment",
            &[&bytes],
        )
    }

    /// The runs of a prompt, by its identity; first those that the server gave an id.
    pub fn find_by_content(&self, content: &str) -> Result<Vec<RunRow>> {
        let order = "ORDER BY r.run GLOB 'x*', r.moment";
        self.query_rows(&format!("WHERE r.content = ?1 {order}"), &[&content])
    }

    /// The runs that name a file of that path.
    pub fn find_by_path(&self, path: &str) -> Result<Vec<RunRow>> {
        let sql =
            "JOIN outputs o ON o.run = r.id WHERE o.path = ?1 GROUP BY r.id ORDER BY r.moment";
        self.query_rows(sql, &[&path])
    }

    /// The graph identities of the runs that name a file of that path.
    pub fn graph_ids_of_path(&self, path: &str) -> Result<Vec<String>> {
        // In this order: from the one path on, never through all graphs there are.
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT t.text FROM outputs o CROSS JOIN held h ON h.run = o.run
             CROSS JOIN terms t ON t.id = h.term AND t.kind = ?2 WHERE o.path = ?1",
        )?;
        let graphs = statement
            .query_map(rusqlite::params![path, TermKind::Graph as i64], |row| row.get(0))?;
        Ok(graphs.collect::<rusqlite::Result<_>>()?)
    }

    /// The run of an id, or of its beginning if only one begins so.
    pub fn find_by_id(&self, id: &str) -> Result<Vec<RunRow>> {
        let exact = self.query_rows("WHERE r.run = ?1", &[&id])?;
        if !exact.is_empty() || id.len() < 4 {
            return Ok(exact);
        }
        let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !plain {
            return Ok(Vec::new());
        }
        let end = format!("{id}\u{10ffff}");
        self.query_rows("WHERE r.run >= ?1 AND r.run < ?2 LIMIT 10", &[&id, &end])
    }

    /// The runs that were made from a run, oldest first.
    pub fn find_children(&self, run: &str) -> Result<Vec<RunRow>> {
        self.query_rows("WHERE r.parent = ?1 ORDER BY r.moment, r.id", &[&run])
    }

    /// The ids that others were made from, those with the newest first.
    pub fn parent_ids(&self, most: usize) -> Result<Vec<String>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(
            "SELECT parent FROM runs WHERE parent IS NOT NULL
             GROUP BY parent ORDER BY max(moment) DESC, parent LIMIT ?1",
        )?;
        let ids = statement.query_map([most], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// The run behind a picture that looks alike.
    pub fn find_by_picture(&self, near: SimilarPicture) -> Result<Option<(RunRow, String)>> {
        let sql = "JOIN outputs o ON o.run = r.id WHERE o.id = ?1";
        let Some(row) = self.query_rows(sql, &[&near.output_id])?.pop() else { return Ok(None) };
        let path = self
            .connection
            .prepare_cached("SELECT path FROM outputs WHERE id = ?1")?
            .query_row([near.output_id], |row| row.get(0))?;
        Ok(Some((row, path)))
    }

    /// The digest of a run's file of that path. Nothing where nobody looked at it, or where
    /// several files were seen there.
    pub fn output_digest(&self, row: &RunRow, path: &str) -> Result<Option<String>> {
        let sql = "SELECT DISTINCT lower(hex(sha256)) FROM outputs \
                   WHERE run = ?1 AND path = ?2 AND sha256 IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map(rusqlite::params![row.id, path], |row| row.get(0))?;
        let mut found: Vec<String> = found.collect::<rusqlite::Result<_>>()?;
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    /// All runs, oldest first; with `until`, in milliseconds since 1970, those of a
    /// known time up to then.
    pub fn list_runs(&self, until: Option<i64>) -> Result<Vec<RunRow>> {
        match until {
            Some(until) => self
                .query_rows("WHERE r.moment <= ?1 AND r.moment > 0 ORDER BY r.moment", &[&until]),
            None => self.query_rows("ORDER BY r.moment", &[]),
        }
    }

    fn query_rows(&self, rest: &str, parameters: &[&dyn ToSql]) -> Result<Vec<RunRow>> {
        let sql = format!("SELECT {COLUMNS} FROM runs r {rest}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(parameters, read_row)?;
        self.load_paths(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn load_paths(&self, mut rows: Vec<RunRow>) -> Result<Vec<RunRow>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT path, node FROM outputs WHERE run = ?1 ORDER BY id")?;
        for row in &mut rows {
            let mut nodes: BTreeSet<String> = BTreeSet::new();
            let mut files = statement.query([row.id])?;
            while let Some(file) = files.next()? {
                row.paths.push(file.get(0)?);
                nodes.extend(file.get::<_, Option<String>>(1)?);
            }
            row.branches = nodes.len();
        }
        Ok(rows)
    }

    /// The terms that a key stands for.
    fn term_ids(&self, key: &SearchKey) -> Result<Vec<i64>> {
        match key {
            SearchKey::Text(_) => Ok(Vec::new()),
            SearchKey::Seed(seed) => self.match_exact_terms(&[TermKind::Seed], seed),
            SearchKey::Graphs(graphs) => {
                let mut all = Vec::new();
                for graph in graphs {
                    all.extend(self.match_exact_terms(&[TermKind::Graph], graph)?);
                }
                Ok(all)
            }
            SearchKey::Class(class) => self.match_terms(&[TermKind::Class], &normalize_name(class)),
            SearchKey::Lora(lora) => self.match_terms(&[TermKind::Lora], &normalize_name(lora)),
            SearchKey::Model(model) => {
                self.match_terms(&[TermKind::Model, TermKind::Lora], &normalize_name(model))
            }
        }
    }

    fn match_terms(&self, kinds: &[TermKind], text: &str) -> Result<Vec<i64>> {
        let exact = self.match_exact_terms(kinds, text)?;
        if !exact.is_empty() {
            return Ok(exact);
        }
        let mut all = Vec::new();
        let sql = "SELECT id FROM terms WHERE kind = ?1 AND instr(text, ?2) > 0 LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        for kind in kinds {
            let parameters = rusqlite::params![*kind as i64, text, MAX_TERMS as i64];
            let ids = statement.query_map(parameters, |row| row.get(0))?;
            all.extend(ids.collect::<rusqlite::Result<Vec<i64>>>()?);
        }
        Ok(all)
    }

    fn match_exact_terms(&self, kinds: &[TermKind], text: &str) -> Result<Vec<i64>> {
        let mut all = Vec::new();
        let sql = "SELECT id FROM terms WHERE kind = ?1 AND text = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        for kind in kinds {
            let ids =
                statement.query_map(rusqlite::params![*kind as i64, text], |row| row.get(0))?;
            all.extend(ids.collect::<rusqlite::Result<Vec<i64>>>()?);
        }
        Ok(all)
    }

    fn query_by_term(&self, term: i64, rest: &[Vec<i64>], query: &RunQuery) -> Result<Vec<RunRow>> {
        let mut sql = format!(
            "SELECT {COLUMNS} FROM postings p JOIN runs r ON r.id = p.run WHERE p.term = ?"
        );
        let mut values = vec![Value::from(term)];
        push_limits(&mut sql, &mut values, "p.moment", query);
        push_term_filters(&mut sql, rest);
        sql += " ORDER BY p.moment DESC, p.run DESC LIMIT ?";
        values.push(Value::from(row_limit(query)));
        self.query_values(&sql, values)
    }

    fn query_by_text(
        &self,
        words: &str,
        lists: &[Vec<i64>],
        query: &RunQuery,
    ) -> Result<Vec<RunRow>> {
        let mut sql = format!(
            "SELECT {COLUMNS} FROM texts t JOIN runs r ON r.id = t.rowid WHERE texts MATCH ?"
        );
        let mut values = vec![Value::from(words.to_owned())];
        push_limits(&mut sql, &mut values, "r.moment", query);
        push_term_filters(&mut sql, lists);
        sql += " ORDER BY t.rowid DESC LIMIT ?";
        values.push(Value::from(row_limit(query)));
        self.query_values(&sql, values)
    }

    fn query_by_time(&self, query: &RunQuery) -> Result<Vec<RunRow>> {
        let mut sql = format!("SELECT {COLUMNS} FROM runs r WHERE 1");
        let mut values = Vec::new();
        push_limits(&mut sql, &mut values, "r.moment", query);
        sql += " ORDER BY r.moment DESC, r.id DESC LIMIT ?";
        values.push(Value::from(row_limit(query)));
        self.query_values(&sql, values)
    }

    fn query_values(&self, sql: &str, values: Vec<Value>) -> Result<Vec<RunRow>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params_from_iter(values), read_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// Whether a run, or a part of one, fits all keys by itself.
pub fn matches_keys(run: &Run, keys: &[SearchKey]) -> bool {
    let terms = update::run_terms(run);
    let holds = |kinds: &[TermKind], text: &str| {
        let mut own = terms.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, own)| own);
        own.any(|own| own.contains(text))
    };
    keys.iter().all(|key| match key {
        SearchKey::Text(text) => {
            let all = run.positive.iter().chain(&run.negative);
            let all: String = all.map(|text| text.to_lowercase() + "\n").collect();
            let words = text.replace('"', " ").to_lowercase();
            words.split_whitespace().all(|word| all.contains(word))
        }
        SearchKey::Seed(seed) => terms.contains(&(TermKind::Seed, seed.clone())),
        SearchKey::Graphs(_) => true,
        SearchKey::Class(class) => holds(&[TermKind::Class], &normalize_name(class)),
        SearchKey::Lora(lora) => holds(&[TermKind::Lora], &normalize_name(lora)),
        SearchKey::Model(model) => {
            holds(&[TermKind::Model, TermKind::Lora], &normalize_name(model))
        }
    })
}

/// A name as the tables have it.
fn normalize_name(text: &str) -> String {
    text.replace('\\', "/").to_lowercase()
}

fn row_limit(query: &RunQuery) -> i64 {
    i64::try_from(query.limit).unwrap_or(i64::MAX)
}

fn push_limits(sql: &mut String, values: &mut Vec<Value>, moment: &str, query: &RunQuery) {
    for (limit, sign) in [(query.since, ">="), (query.until, "<=")] {
        if let Some(limit) = limit {
            *sql += &format!(" AND {moment} {sign} ?");
            values.push(Value::from(limit));
        }
    }
    if query.filter == RunFilter::WithFiles {
        *sql += " AND EXISTS (SELECT 1 FROM outputs o WHERE o.run = r.id)";
    }
}

/// The runs hold one term of each list too. Numbers of ours, so they stand in the text.
fn push_term_filters(sql: &mut String, lists: &[Vec<i64>]) {
    for list in lists {
        let ids: Vec<String> = list.iter().map(ToString::to_string).collect();
        *sql += &format!(
            " AND EXISTS (SELECT 1 FROM held h WHERE h.run = r.id AND h.term IN ({}))",
            ids.join(",")
        );
    }
}

/// A person's words as a full-text query: every word must be there, the last one may be
/// the beginning of a longer one; `"quoted words"` stand together.
fn full_text_query(text: &str) -> String {
    let mut query = Vec::new();
    for (at, part) in text.split('"').enumerate() {
        if at % 2 == 1 && !part.trim().is_empty() {
            query.push(format!("\"{part}\""));
        } else {
            query.extend(part.split_whitespace().map(|word| format!("\"{word}\"")));
        }
    }
    match query.last_mut() {
        Some(last) if !text.ends_with('"') => last.push('*'),
        _ => {}
    }
    if query.is_empty() { "\"\"".to_owned() } else { query.join(" ") }
}
