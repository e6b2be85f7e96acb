//! The text of a layout note: one line of JSON for each path, the newest layout of the
//! path in it.
//!
//! ```text
//! {"at":1763836800000,"path":"upscale.json","layout":{...}}
//! ```
//!
//! `at` is milliseconds since 1970. A path that is not UTF-8 is written as `path_hex`, its
//! bytes in hexadecimal. Lines are whole and ordered, so that `git notes merge -s
//! cat_sort_uniq` makes a valid note of two, where the reader takes the newest line of
//! each path. Lines of another form are kept as they are: a newer version may know them.

use std::collections::BTreeMap;

use crate::json::{self, Style, Value};

use super::super::id::RepoPath;

/// The layout of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Entry {
    /// Milliseconds since 1970 when it was seen first.
    pub(in super::super) at: u64,
    /// One line of JSON, as `canon` wrote it.
    pub(in super::super) layout: String,
}

/// The end of the year 9999. A later time is nonsense and counts for nothing, so that
/// nobody's can never be followed by another.
const LAST: u64 = 253_402_300_799_999;

/// A whole note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Note {
    /// The newest layout of each path.
    pub(in super::super) entries: BTreeMap<RepoPath, Entry>,
    foreign: std::collections::BTreeSet<Vec<u8>>,
}

impl Note {
    /// Reads a note; nothing in it is an error.
    pub(in super::super) fn parse(text: &[u8]) -> Note {
        let mut note = Note::default();
        note.add(text);
        note
    }

    /// Adds the lines of another note: the newest layout of each path stays.
    pub(in super::super) fn add(&mut self, text: &[u8]) {
        for line in text.split(|b| *b == b'\n') {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            match parse_line(line).or_else(|| parse_slowly(line)) {
                Some((path, entry)) => self.keep_newer(path, entry),
                None => drop(self.foreign.insert(line.to_vec())),
            }
        }
    }

    fn keep_newer(&mut self, path: RepoPath, mut entry: Entry) {
        if entry.at > LAST {
            entry.at = 0;
        }
        let order = |e: &Entry| (e.at, e.layout.clone());
        match self.entries.entry(path) {
            std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(entry)),
            std::collections::btree_map::Entry::Occupied(mut known) => {
                if order(&entry) > order(known.get()) {
                    known.insert(entry);
                }
            }
        }
    }

    /// Files the layout that a path has on this machine, which is newer than anything that
    /// is known of it, whatever other clocks say. Gives the time it was filed under;
    /// `None` where the note says so already.
    pub(in super::super) fn file(&mut self, path: &RepoPath, entry: Entry) -> Option<u64> {
        let known = self.entries.get(path);
        if known.is_some_and(|known| known.layout == entry.layout) {
            return None;
        }
        let at = known.map_or(entry.at, |known| entry.at.max(known.at.saturating_add(1)));
        self.entries.insert(path.clone(), Entry { at, layout: entry.layout });
        Some(at)
    }

    /// The layout of a path, and else the newest of any path.
    pub(in super::super) fn best(&self, path: &RepoPath) -> Option<(&RepoPath, &Entry)> {
        let newest = || self.entries.iter().max_by_key(|(_, entry)| entry.at);
        self.entries.get_key_value(path).or_else(newest)
    }

    /// Writes the note.
    pub(in super::super) fn print(&self) -> Vec<u8> {
        let size = self.entries.values().map(|e| e.layout.len() + 100).sum();
        let mut text: Vec<u8> = Vec::with_capacity(size);
        for (path, entry) in &self.entries {
            let path = match path.as_str() {
                Some(path) => {
                    format!("\"path\":{}", json::print(&Value::from(path), &Style::SAVE))
                }
                None => format!("\"path_hex\":\"{}\"", hex(path.as_bytes())),
            };
            text.extend_from_slice(format!("{{\"at\":{},{path},\"layout\":", entry.at).as_bytes());
            text.extend_from_slice(entry.layout.as_bytes());
            text.extend_from_slice(b"}\n");
        }
        for line in &self.foreign {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        text
    }
}

/// Reads a line that has the very form that [`Note::print`] gives it, without building a
/// tree of the layout.
fn parse_line(line: &[u8]) -> Option<(RepoPath, Entry)> {
    let line = std::str::from_utf8(line).ok()?;
    let rest = line.strip_prefix("{\"at\":")?;
    let (at, rest) = rest.split_once(',')?;
    let at = at.parse().ok()?;
    let (key, rest) = rest.split_once(':')?;
    let inner = rest.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.bytes().position(|c| {
        let end = c == b'"' && !escaped;
        escaped = c == b'\\' && !escaped;
        end
    })?;
    let path = match key {
        "\"path\"" if !inner[..end].contains('\\') => inner.as_bytes()[..end].to_vec(),
        "\"path\"" => json::parse_text(&rest[..end + 2]).ok()?.as_str()?.as_bytes().to_vec(),
        "\"path_hex\"" => unhex(&inner[..end])?,
        _ => return None,
    };
    let layout = inner[end + 1..].strip_prefix(",\"layout\":")?.strip_suffix('}')?;
    Some((RepoPath::new(path), Entry { at, layout: layout.to_owned() }))
}

/// Reads a line that another program wrote: any spacing, any order of keys.
fn parse_slowly(line: &[u8]) -> Option<(RepoPath, Entry)> {
    let Ok(Value::Object(object)) = json::parse(line) else { return None };
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let path = match (text("path"), text("path_hex")) {
        (Some(path), _) => path.into_bytes(),
        (None, Some(hex)) => unhex(&hex)?,
        (None, None) => return None,
    };
    let at = object.get("at")?.as_number()?.as_u64()?;
    let layout = json::print_object(object.get("layout")?.as_object()?, &Style::SAVE);
    Some((RepoPath::new(path), Entry { at, layout }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: u64, layout: &str) -> Entry {
        Entry { at, layout: layout.into() }
    }

    #[test]
    fn every_path_and_every_line_survives() {
        let mut note = Note::default();
        for path in [&b"a.json"[..], b"quote\" back\\ new\nline", b"\xff\xfe.json", "ü".as_bytes()]
        {
            note.file(&RepoPath::new(path), entry(7, r#"{"a":"x\"}"}"#));
        }
        note.add(b"from the future\n");
        let text = note.print();
        assert_eq!(Note::parse(&text), note);
        assert_eq!(text.iter().filter(|b| **b == b'\n').count(), 5, "one line each");
    }

    #[test]
    fn lines_of_another_spelling_are_read() {
        let text = br#"{ "layout" : {"p": [1, 2.50]}, "path": "a", "at": 5 }"#;
        let note = Note::parse(text);
        assert_eq!(note.entries[&RepoPath::new("a")], entry(5, r#"{"p":[1,2.50]}"#));
    }

    #[test]
    fn the_newest_line_of_a_path_counts_in_any_order() {
        let mut lines: Vec<_> = [3, 9, 4]
            .map(|at| format!("{{\"at\":{at},\"path\":\"a\",\"layout\":{{\"n\":{at}}}}}"))
            .into();
        let forward = Note::parse(lines.join("\n").as_bytes());
        lines.reverse();
        assert_eq!(Note::parse(lines.join("\n").as_bytes()), forward);
        assert_eq!(forward.entries[&RepoPath::new("a")].at, 9);
    }

    #[test]
    fn what_is_filed_here_is_newer_than_a_clock_from_the_future() {
        let mut note = Note::parse(br#"{"at":9000,"path":"a","layout":{"n":1}}"#);
        assert_eq!(note.file(&RepoPath::new("a"), entry(5, r#"{"n":1}"#)), None);
        assert_eq!(note.file(&RepoPath::new("a"), entry(5, r#"{"n":2}"#)), Some(9001));
    }

    #[test]
    fn a_path_that_is_unknown_gets_the_newest_layout() {
        let note = Note::parse(
            b"{\"at\":1,\"path\":\"a\",\"layout\":{}}\n{\"at\":2,\"path\":\"b\",\"layout\":{}}",
        );
        assert_eq!(note.best(&RepoPath::new("c")).unwrap().0, &RepoPath::new("b"));
        assert_eq!(note.best(&RepoPath::new("a")).unwrap().0, &RepoPath::new("a"));
    }
}
