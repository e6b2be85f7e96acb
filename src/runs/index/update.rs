//! Taking runs into the index.

use comfy_media::picture::PerceptualHash;
use jiff::Timestamp;
use rusqlite::{CachedStatement, OptionalExtension, Transaction, params};

use super::query::TermKind;
use super::{Result, RunIndex, similar_pictures};
use crate::platform::hex::parse_hex;
use crate::runs::run_data::{Run, RunOutcome};

/// Characters of a prompt that are kept to be shown.
const EXCERPT_CHARS: usize = 200;
/// Terms of one run that are kept.
const MAX_TERMS: usize = 2_000;

impl RunIndex {
    /// Takes in what changed: runs by their places, `None` for those that are gone. With
    /// `state` it reflects that state from now on; without, more is to come.
    pub fn apply_changes(
        &mut self,
        changes: &[(String, Option<Run>)],
        state: Option<&str>,
    ) -> Result<()> {
        let transaction = self.connection.transaction()?;
        let mut pictures = Vec::new();
        for (place, run) in changes {
            delete_run(&transaction, place, run.as_ref())?;
            if let Some(run) = run {
                insert_run(&transaction, place, run, &mut pictures)?;
            }
        }
        similar_pictures::append_hashes(&transaction, &pictures)?;
        if let Some(state) = state {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO meta(key, value) VALUES ('state', ?1)")?
                .execute([state])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Forgets all runs, and keeps what was remembered of files.
    pub fn clear(&mut self) -> Result<()> {
        let transaction = self.connection.transaction()?;
        for table in ["runs", "outputs", "terms", "postings", "held", "pictures", "meta"] {
            transaction.execute_batch(&format!("DELETE FROM {table}"))?;
        }
        transaction.execute_batch("INSERT INTO texts(texts) VALUES('delete-all')")?;
        transaction.commit()?;
        Ok(())
    }
}

/// What a run was made of, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunSummary {
    pub seed: Option<String>,
    pub model: Option<String>,
    /// The beginning of its text.
    pub excerpt: Option<String>,
}

impl RunSummary {
    /// Of a run, or of a part of one.
    pub fn from_run(run: &Run) -> RunSummary {
        let excerpt = run.positive.first().or(run.negative.first());
        let seed = run.samplers.iter().find_map(|sampler| sampler.seed.as_ref());
        let seed = seed.or_else(|| run.seeds.first().map(|seed| &seed.value));
        let main = |folder: &str| matches!(folder, "checkpoints" | "diffusion_models");
        let model = run.models.iter().find(|model| main(&model.folder)).or(run.models.first());
        RunSummary {
            seed: seed.map(ToString::to_string),
            model: model.map(|model| model.name.clone()),
            excerpt: excerpt.map(|text| text.chars().take(EXCERPT_CHARS).collect()),
        }
    }
}

/// When a run happened, in milliseconds; for one known by its files alone when the first
/// of them was written; 0 where nobody knows.
fn run_time_ms(run: &Run) -> i64 {
    let written = || run.outputs.iter().filter_map(|file| file.written.as_deref()).min();
    let text = run.known_time().or_else(written);
    text.and_then(|text| text.parse::<Timestamp>().ok()).map_or(0, Timestamp::as_millisecond)
}

fn delete_run(transaction: &Transaction<'_>, place: &str, run: Option<&Run>) -> Result<()> {
    // A run may lie in another place than before.
    let id = run.map(|run| run.id.as_str()).unwrap_or_default();
    let mut known: CachedStatement<'_> =
        transaction.prepare_cached("SELECT id, moment FROM runs WHERE place = ?1 OR run = ?2")?;
    let rows = known.query_map([place, id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for row in rows.collect::<rusqlite::Result<Vec<(i64, i64)>>>()? {
        let (run, moment) = row;
        transaction
            .prepare_cached(
                "DELETE FROM postings WHERE moment = ?2 AND run = ?1
                 AND term IN (SELECT term FROM held WHERE run = ?1)",
            )?
            .execute([run, moment])?;
        for sql in [
            "DELETE FROM held WHERE run = ?1",
            "DELETE FROM outputs WHERE run = ?1",
            "DELETE FROM texts WHERE rowid = ?1",
            "DELETE FROM runs WHERE id = ?1",
        ] {
            transaction.prepare_cached(sql)?.execute([run])?;
        }
    }
    Ok(())
}

fn insert_run(
    transaction: &Transaction<'_>,
    place: &str,
    run: &Run,
    pictures: &mut Vec<(i64, PerceptualHash)>,
) -> Result<()> {
    let moment = run_time_ms(run);
    let RunSummary { seed, model, excerpt } = RunSummary::from_run(run);
    let outcome = match run.outcome {
        RunOutcome::Unknown => "unknown",
        RunOutcome::Success => "success",
        RunOutcome::Interrupted => "interrupted",
        RunOutcome::Error => "error",
    };
    transaction
        .prepare_cached(
            "INSERT INTO runs(run, place, moment, outcome, content, seed, model, excerpt, parent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            run.id,
            place,
            moment,
            outcome,
            run.content,
            seed,
            model,
            excerpt,
            run.parent.as_ref().map(|parent| &parent.run)
        ])?;
    let id = transaction.last_insert_rowid();
    for (kind, text) in run_terms(run) {
        let term = find_or_insert_term(transaction, kind, &text)?;
        transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO postings(term, moment, run) VALUES (?1, ?2, ?3)",
            )?
            .execute([term, moment, id])?;
        transaction
            .prepare_cached("INSERT OR IGNORE INTO held(run, term) VALUES (?1, ?2)")?
            .execute([id, term])?;
    }
    if !run.positive.is_empty() || !run.negative.is_empty() {
        transaction
            .prepare_cached("INSERT INTO texts(rowid, positive, negative) VALUES (?1, ?2, ?3)")?
            .execute(params![id, run.positive.join("\n"), run.negative.join("\n")])?;
    }
    for file in &run.outputs {
        let digest = file.sha256.as_deref().and_then(parse_hex::<32>);
        transaction
            .prepare_cached(
                "INSERT INTO outputs(run, path, sha256, node, batch) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![id, file.path, digest, file.node, file.index.map(u64::cast_signed)])?;
        let hash = file.perceptual.as_deref().and_then(|text| text.parse().ok());
        pictures.extend(hash.map(|hash| (transaction.last_insert_rowid(), hash)));
    }
    Ok(())
}

fn find_or_insert_term(transaction: &Transaction<'_>, kind: TermKind, text: &str) -> Result<i64> {
    let known: Option<i64> = transaction
        .prepare_cached("SELECT id FROM terms WHERE kind = ?1 AND text = ?2")?
        .query_row(params![kind as i64, text], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    transaction
        .prepare_cached("INSERT INTO terms(kind, text) VALUES (?1, ?2)")?
        .execute(params![kind as i64, text])?;
    Ok(transaction.last_insert_rowid())
}

/// What a run is looked up by. Names of models are without the folders of a machine's
/// taste and in lower case.
pub(crate) fn run_terms(run: &Run) -> Vec<(TermKind, String)> {
    let mut terms = Vec::new();
    for model in &run.models {
        let kind = if model.folder == "loras" { TermKind::Lora } else { TermKind::Model };
        terms.push((kind, model.name.replace('\\', "/").to_lowercase()));
    }
    let sampled = run.samplers.iter().filter_map(|sampler| sampler.seed.as_ref());
    for seed in sampled.chain(run.seeds.iter().map(|seed| &seed.value)) {
        terms.push((TermKind::Seed, seed.to_string()));
    }
    terms.extend(run.classes.keys().map(|class| (TermKind::Class, class.to_lowercase())));
    terms.extend(run.graph.iter().map(|graph| (TermKind::Graph, graph.clone())));
    terms.truncate(MAX_TERMS);
    terms
}
