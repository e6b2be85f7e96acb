//! The text of a layout note: one line of JSON for each path, with the layout of the path:
//! the join of all that clones said about it.
//!
//! ```text
//! {"at":1763836800000,"path":"upscale.json","layout":{...}}
//! ```
//!
//! `at` is the latest time in the layout, in milliseconds since 1970. A path that is not UTF-8 is written as `path_hex`, its
//! bytes in hexadecimal. Lines are whole and ordered, so that `git notes merge -s
//! cat_sort_uniq` makes a valid note of two: the reader joins the lines of each path.
//! Lines of another form are kept as they are: a newer version may know them.

use std::collections::BTreeMap;

use comfy_graph::canon::{Clock, ClockedLayout};
use comfy_graph::json;
use comfy_graph::json::{Style, Value};

use crate::platform::git::RepoPath;

/// The layout of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The latest time in it, in milliseconds since 1970.
    pub(crate) at: u64,
    /// One line of JSON, as `canon` wrote it.
    pub(crate) layout: String,
}

impl Entry {
    /// The entry of a layout.
    pub(crate) fn of(layout: &ClockedLayout) -> Entry {
        Entry { at: layout.latest(), layout: layout.to_line() }
    }

    /// The layout with its clocks. One of version 0.1.0 has none; all of it counts less than
    /// anything with a clock. Nothing if a newer version wrote it.
    pub(crate) fn parse(&self) -> Option<ClockedLayout> {
        ClockedLayout::parse(&self.layout, Clock::unknown(self.at))
    }

    /// What two entries of one path say together.
    pub(crate) fn join(self, other: Entry) -> Entry {
        if self.layout == other.layout {
            return Entry { at: self.at.max(other.at), layout: self.layout };
        }
        match (self.parse(), other.parse()) {
            (Some(one), Some(two)) => Entry::of(&one.join(two)),
            (Some(_), None) => self,
            (None, Some(_)) => other,
            (None, None) if (self.at, &self.layout) >= (other.at, &other.layout) => self,
            (None, None) => other,
        }
    }
}

/// The end of the year 9999. A later time is nonsense and counts for nothing, so that
/// nobody's can never be followed by another.
const LAST: u64 = 253_402_300_799_999;

/// A whole note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// The layout of each path.
    pub(crate) entries: BTreeMap<RepoPath, Entry>,
    foreign: std::collections::BTreeSet<Vec<u8>>,
}

impl Note {
    /// Reads a note; nothing in it is an error.
    pub(crate) fn parse(text: &[u8]) -> Note {
        let mut note = Note::default();
        note.add(text);
        note
    }

    /// Joins the lines of another note.
    pub(crate) fn add(&mut self, text: &[u8]) {
        for line in text.split(|b| *b == b'\n') {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            match parse_line(line).or_else(|| parse_slowly(line)) {
                Some((path, entry)) => self.join(path, entry),
                None => drop(self.foreign.insert(line.to_vec())),
            }
        }
    }

    fn join(&mut self, path: RepoPath, mut entry: Entry) {
        if entry.at > LAST {
            entry.at = 0;
        }
        if !entry.layout.starts_with(KNOWN_VERSION) && entry.parse().is_none() {
            // A newer version wrote it, and will want it back.
            let mut line = Vec::new();
            print_line(&mut line, &path, &entry);
            self.foreign.insert(line.trim_ascii_end().to_vec());
            return;
        }
        let entry = match self.entries.remove(&path) {
            Some(known) => known.join(entry),
            None => entry,
        };
        self.entries.insert(path, entry);
    }

    /// Joins the layout that a path has on this machine. Gives the latest time in it;
    /// `None` where the note says all of it already.
    pub(crate) fn file(&mut self, path: &RepoPath, entry: Entry) -> Option<u64> {
        let joined = match self.entries.get(path) {
            Some(known) => {
                let joined = known.clone().join(entry);
                if joined.layout == known.layout {
                    return None;
                }
                joined
            }
            None => entry,
        };
        let at = joined.at;
        self.entries.insert(path.clone(), joined);
        Some(at)
    }

    /// The layout of a path, and else the newest of any path.
    pub(crate) fn best(&self, path: &RepoPath) -> Option<(&RepoPath, &Entry)> {
        let newest = || self.entries.iter().max_by_key(|(_, entry)| entry.at);
        self.entries.get_key_value(path).or_else(newest)
    }

    /// Writes the note.
    pub(crate) fn print(&self) -> Vec<u8> {
        let size = self.entries.values().map(|e| e.layout.len() + 100).sum();
        let mut text: Vec<u8> = Vec::with_capacity(size);
        for (path, entry) in &self.entries {
            print_line(&mut text, path, entry);
        }
        for line in &self.foreign {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        text
    }
}

/// How the layouts begin whose version is known here.
const KNOWN_VERSION: &str = "{\"v\":1,";

fn print_line(text: &mut Vec<u8>, path: &RepoPath, entry: &Entry) {
    let path = match path.as_str() {
        Some(path) => format!("\"path\":{}", json::print(&Value::from(path), &Style::SAVE)),
        None => format!("\"path_hex\":\"{}\"", hex(path.as_bytes())),
    };
    text.extend_from_slice(format!("{{\"at\":{},{path},\"layout\":", entry.at).as_bytes());
    text.extend_from_slice(entry.layout.as_bytes());
    text.extend_from_slice(b"}\n");
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
    use comfy_graph::canon::{CloneId, Stamp, stamp_all};

    fn entry(at: u64, layout: &str) -> Entry {
        Entry { at, layout: layout.into() }
    }

    /// The layout of one node, saved at a time, or by version 0.1.0 at no time.
    fn line(x: u64, saved: Option<u64>) -> String {
        let line = format!(
            r#"{{"v":1,"style":"0","graphs":{{"":{{"nodes":[{{"id":1,"type":"K","pos":[{x},0]}}]}}}}}}"#
        );
        let stamp = |at| Clock::At(Stamp { at, by: CloneId::from_bits(0) });
        match saved {
            Some(at) => stamp_all(&line, stamp(at)).unwrap().to_line(),
            None => line,
        }
    }

    fn note(at: u64, path: &str, line: &str) -> String {
        format!("{{\"at\":{at},\"path\":\"{path}\",\"layout\":{line}}}\n")
    }

    #[test]
    fn every_path_and_every_line_survives() {
        let mut note = Note::default();
        for path in [&b"a.json"[..], b"quote\" back\\ new\nline", b"\xff\xfe.json", "ü".as_bytes()]
        {
            note.file(&RepoPath::new(path), entry(7, &line(1, None)));
        }
        note.add(b"from the future\n");
        note.add(br#"{"at":9,"path":"a.json","layout":{"v":2,"more":1}}"#);
        let text = note.print();
        assert_eq!(Note::parse(&text), note);
        assert_eq!(text.iter().filter(|b| **b == b'\n').count(), 6, "one line each");
    }

    #[test]
    fn lines_of_another_spelling_are_read() {
        let text = br#"{ "layout" : {"v": 1, "style":"0", "graphs": {}}, "path": "a", "at": 5 }"#;
        let note = Note::parse(text);
        let layout = r#"{"v":1,"style":"0","graphs":{}}"#;
        assert_eq!(note.entries[&RepoPath::new("a")], entry(5, layout));
    }

    #[test]
    fn lines_of_one_path_are_joined_in_any_order() {
        let mut lines: Vec<_> = [3, 9, 4].map(|at| note(at, "a", &line(at, Some(at)))).to_vec();
        let forward = Note::parse(lines.join("").as_bytes());
        lines.reverse();
        assert_eq!(Note::parse(lines.join("").as_bytes()), forward);
        assert_eq!(forward.entries[&RepoPath::new("a")], entry(9, &line(9, Some(9))));
    }

    #[test]
    fn a_layout_without_clocks_counts_less_than_any_with() {
        let path = RepoPath::new("a");
        let mut old = Note::parse(note(9000, "a", &line(1, None)).as_bytes());
        let clocked = entry(5, &line(2, Some(5)));
        assert_eq!(old.file(&path, clocked.clone()), Some(5));
        let mut new = Note::parse(note(5, "a", &line(2, Some(5))).as_bytes());
        assert_eq!(new.file(&path, entry(9000, &line(1, None))), None);
        assert_eq!(old.entries[&path], clocked);
    }

    #[test]
    fn a_path_that_is_unknown_gets_the_newest_layout() {
        let text = [note(1, "a", &line(1, None)), note(2, "b", &line(2, None))].concat();
        let note = Note::parse(text.as_bytes());
        assert_eq!(note.best(&RepoPath::new("c")).unwrap().0, &RepoPath::new("b"));
        assert_eq!(note.best(&RepoPath::new("a")).unwrap().0, &RepoPath::new("a"));
    }
}
