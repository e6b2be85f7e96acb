//! The text of a record in a note: one JSON document, laid out so that it can be read.
//!
//! Members that fit on a line stand on one. Reading accepts what other tools make of
//! notes: several documents one after another (git's `concatenate`, two clones whose notes
//! were joined by text) are several records of one commit, and are joined.

use comfy_graph::json::{self, JsonStyle, Value};
use serde::{Deserialize, Serialize};

use super::schema::{CommitRecord, SCHEMA};
use super::summary::summarize_record;

/// How wide a line may be before its value is laid out over several.
const MAX_LINE_WIDTH: usize = 100;
/// The longest note that is read, in bytes: it may be a stranger's.
pub(crate) const MAX_NOTE_SIZE: usize = 32 << 20;

/// What a note's text holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ParsedNote {
    /// The record; none when the text holds none.
    pub record: Option<CommitRecord>,
    /// Whether something in the text is no record.
    pub damaged: bool,
}

/// Why a record must be left alone.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum RecordError {
    /// A newer git-comfy wrote it.
    #[error("the record has schema {0}, this git-comfy knows up to {SCHEMA}")]
    Newer(u32),
    /// Larger than any record has reason to be.
    #[error("the note is {0} bytes long, more than any record needs")]
    TooLarge(usize),
}

/// Prints a record, with its summary made anew and a final newline.
pub(crate) fn print_record(record: &CommitRecord) -> String {
    let mut record = record.clone().normalized();
    record.summary = summarize_record(&record);
    print_document(&record)
}

/// Reads the text of a note; several documents in it are joined.
pub(crate) fn parse_note(text: &[u8]) -> Result<ParsedNote, RecordError> {
    if text.len() > MAX_NOTE_SIZE {
        return Err(RecordError::TooLarge(text.len()));
    }
    let mut parsed = ParsedNote::default();
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) {
        rest = &rest[at..];
        let mut documents = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        let next = documents.next();
        let end = documents.byte_offset();
        match next {
            Some(Ok(value)) => {
                rest = &rest[end..];
                add_document(value, &mut parsed)?;
            }
            // Not JSON from here: go on with the next line that can begin a document.
            _ => {
                parsed.damaged = true;
                let next = rest.windows(2).position(|pair| pair == b"\n{");
                rest = next.map_or(&[][..], |at| &rest[at + 1..]);
            }
        }
    }
    Ok(parsed)
}

fn add_document(value: Value, parsed: &mut ParsedNote) -> Result<(), RecordError> {
    let schema = value.get("comfy_record").and_then(Value::as_u64);
    if let Some(newer) = schema.filter(|schema| *schema > u64::from(SCHEMA)) {
        return Err(RecordError::Newer(u32::try_from(newer).unwrap_or(u32::MAX)));
    }
    match CommitRecord::deserialize(&value) {
        Ok(record) => match &mut parsed.record {
            Some(known) => known.join(record),
            None => parsed.record = Some(record.normalized()),
        },
        Err(_) => parsed.damaged = true,
    }
    Ok(())
}

/// Two notes of one commit as one; the rule by which clones' records are merged. A text
/// that is not ours to understand (a newer schema, no record at all) is never dropped: the
/// two then stand one after another.
pub(crate) fn join_notes(ours: &[u8], theirs: &[u8]) -> Vec<u8> {
    let read = |text| match parse_note(text) {
        Ok(ParsedNote { record: Some(record), damaged: false, .. }) => Some(record),
        _ => None,
    };
    match (read(ours), read(theirs)) {
        (Some(mut record), Some(other)) => {
            record.join(other);
            print_record(&record).into_bytes()
        }
        _ if contains_text(ours, theirs) => ours.to_vec(),
        _ if contains_text(theirs, ours) => theirs.to_vec(),
        _ => {
            // In an order that both clones agree on.
            let (first, second) = if ours <= theirs { (ours, theirs) } else { (theirs, ours) };
            [first.trim_ascii_end(), b"\n\n", second].concat()
        }
    }
}

fn contains_text(text: &[u8], part: &[u8]) -> bool {
    let part = part.trim_ascii();
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// A document as records are written, with a final newline.
pub(crate) fn print_document(document: &impl Serialize) -> String {
    // Plain data with text keys: it always has a JSON form.
    let value = serde_json::to_string(document).ok().and_then(|text| json::parse_text(&text).ok());
    let mut text = String::new();
    write_value(&value.unwrap_or_default(), 0, &mut text);
    text.push('\n');
    text
}

fn write_value(value: &Value, depth: usize, out: &mut String) {
    let flat = compact_json(value);
    let fits = depth > 0 && flat.len() + depth <= MAX_LINE_WIDTH;
    let (open, close, members): (_, _, Vec<(Option<&str>, &Value)>) = match value {
        Value::Object(map) if !fits && !map.is_empty() => {
            ('{', '}', map.iter().map(|(key, value)| (Some(key.as_str()), value)).collect())
        }
        Value::Array(items) if !fits && !items.is_empty() => {
            ('[', ']', items.iter().map(|value| (None, value)).collect())
        }
        _ => {
            out.push_str(&flat);
            return;
        }
    };
    let indent = |depth: usize, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth));
    };
    out.push(open);
    for (at, (key, value)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        indent(depth + 1, out);
        if let Some(key) = key {
            out.push_str(&compact_json(&Value::from(key)));
            out.push_str(": ");
        }
        write_value(value, depth + 1, out);
    }
    indent(depth, out);
    out.push(close);
}

/// The value on one line, with a space after each comma and colon.
fn compact_json(value: &Value) -> String {
    const SPACED: JsonStyle =
        JsonStyle { space_after_colon: true, space_after_comma: true, ..JsonStyle::SAVE };
    json::print(value, &SPACED)
}

#[cfg(test)]
#[path = "note_format_tests.rs"]
mod tests;
