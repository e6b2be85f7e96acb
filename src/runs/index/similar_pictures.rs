//! Perceptual hashes, searched one after another: a million of them are 40 MB, which a
//! plain walk compares in the time that a tree of them would need to be read.

use comfy_media::picture::PerceptualHash;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Result, RunIndex};

/// Hashes in one row.
const CHUNK_ENTRIES: usize = 1024;
/// Bytes of one entry: the number of the output, four words.
const ENTRY_BYTES: usize = 40;

/// A picture that looks alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimilarPicture {
    /// The number of the output in this index.
    pub(crate) output_id: i64,
    /// How far, in thousandths.
    pub distance: u32,
}

/// Adds hashes to the last row, and to new ones when it is full.
pub(crate) fn append_hashes(
    transaction: &Transaction<'_>,
    pictures: &[(i64, PerceptualHash)],
) -> Result<()> {
    if pictures.is_empty() {
        return Ok(());
    }
    let last: Option<(i64, Vec<u8>)> = transaction
        .prepare_cached("SELECT chunk, entries FROM pictures ORDER BY chunk DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (mut chunk, mut entries) = last.unwrap_or_default();
    let mut write = transaction
        .prepare_cached("INSERT OR REPLACE INTO pictures(chunk, entries) VALUES (?1, ?2)")?;
    for (output, hash) in pictures {
        if entries.len() >= CHUNK_ENTRIES * ENTRY_BYTES {
            write.execute(params![chunk, entries])?;
            chunk += 1;
            entries.clear();
        }
        entries.extend_from_slice(&output.to_le_bytes());
        for word in hash.words() {
            entries.extend_from_slice(&word.to_le_bytes());
        }
    }
    write.execute(params![chunk, entries])?;
    Ok(())
}

impl RunIndex {
    /// The pictures that are no further away than that, nearest first.
    pub fn find_similar(
        &self,
        hash: &PerceptualHash,
        within: u32,
        most: usize,
    ) -> Result<Vec<SimilarPicture>> {
        let mut found: Vec<SimilarPicture> = Vec::new();
        let mut statement =
            self.connection.prepare_cached("SELECT entries FROM pictures ORDER BY chunk")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let entries = row.get_ref(0)?.as_blob().unwrap_or_default();
            for entry in entries.chunks_exact(ENTRY_BYTES) {
                let word =
                    |at: usize| entry[at * 8..at * 8 + 8].try_into().map_or(0, u64::from_le_bytes);
                let other = PerceptualHash::from_words([word(1), word(2), word(3), word(4)]);
                let distance = hash.distance(&other);
                if distance <= within {
                    found.push(SimilarPicture { output_id: word(0).cast_signed(), distance });
                }
            }
            // Of a long list of near ones only the nearest are of use.
            if found.len() > most * 8 + 1024 {
                found.sort_by_key(|near| near.distance);
                found.truncate(most * 2);
            }
        }
        found.sort_by_key(|near| (near.distance, near.output_id));
        Ok(found)
    }
}
