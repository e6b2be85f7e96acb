//! The text of a layout note: one line of JSON for each path, with the layout of the path:
//! the join of all that clones said about it.
//!
//! ```text
//! {"at":1763836800000,"path":"upscale.json","layout":{...}}
//! ```
//!
//! `at` is the latest time in the layout, in milliseconds since 1970. A path that is not UTF-8
//! is written as `path_hex`, its bytes in hexadecimal. Lines are whole and ordered, so that `git notes merge -s
//! cat_sort_uniq` makes a valid note of two: the reader joins the lines of each path.
//! Lines of another form are kept as they are: a newer version may know them.

use std::collections::BTreeMap;

use comfy_graph::clean::{Clock, ClockedLayout};
use comfy_graph::json;
use comfy_graph::json::{JsonStyle, Value};

use crate::platform::git::RepoPath;
use crate::platform::hex::{bytes_from_hex, to_hex};

/// The layout of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayoutEntry {
    /// The latest time in it, in milliseconds since 1970.
    pub(crate) at: u64,
    /// One line of JSON, as `clean` wrote it.
    pub(crate) layout: String,
}

impl LayoutEntry {
    pub(crate) fn from_layout(layout: &ClockedLayout) -> LayoutEntry {
        LayoutEntry { at: layout.latest_millis(), layout: layout.to_line() }
    }

    /// The layout with its clocks. One of version 0.1.0 has none; all of it counts less than
    /// anything with a clock. Nothing if a newer version wrote it.
    pub(crate) fn parse(&self) -> Option<ClockedLayout> {
        ClockedLayout::parse(&self.layout, Clock::unknown_since(self.at))
    }

    /// What two entries of one path say together.
    pub(crate) fn join(self, other: LayoutEntry) -> LayoutEntry {
        if self.layout == other.layout {
            return LayoutEntry { at: self.at.max(other.at), layout: self.layout };
        }
        match (self.parse(), other.parse()) {
            (Some(one), Some(two)) => LayoutEntry::from_layout(&one.join(two)),
            (Some(_), None) => self,
            (None, Some(_)) => other,
            (None, None) if (self.at, &self.layout) >= (other.at, &other.layout) => self,
            (None, None) => other,
        }
    }
}

/// The end of the year 9999. A later time is nonsense and counts for nothing, so that
/// nobody's can never be followed by another.
const MAX_TIME: u64 = 253_402_300_799_999;

/// A whole note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LayoutNote {
    /// The layout of each path.
    pub(crate) entries: BTreeMap<RepoPath, LayoutEntry>,
    foreign: std::collections::BTreeSet<Vec<u8>>,
}

impl LayoutNote {
    /// Reads a note; nothing in it is an error.
    pub(crate) fn parse(text: &[u8]) -> LayoutNote {
        let mut note = LayoutNote::default();
        note.add_lines(text);
        note
    }

    /// Joins the lines of another note.
    pub(crate) fn add_lines(&mut self, text: &[u8]) {
        for line in text.split(|b| *b == b'\n') {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            match parse_line(line).or_else(|| parse_foreign_line(line)) {
                Some((path, entry)) => self.join_entry(path, entry),
                None => drop(self.foreign.insert(line.to_vec())),
            }
        }
    }

    fn join_entry(&mut self, path: RepoPath, mut entry: LayoutEntry) {
        if entry.at > MAX_TIME {
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
    pub(crate) fn add_layout(&mut self, path: &RepoPath, entry: LayoutEntry) -> Option<u64> {
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
    pub(crate) fn best_match(&self, path: &RepoPath) -> Option<(&RepoPath, &LayoutEntry)> {
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

fn print_line(text: &mut Vec<u8>, path: &RepoPath, entry: &LayoutEntry) {
    let path = match path.as_str() {
        Some(path) => format!("\"path\":{}", json::print(&Value::from(path), &JsonStyle::SAVE)),
        None => format!("\"path_hex\":\"{}\"", to_hex(path.as_bytes())),
    };
    text.extend_from_slice(format!("{{\"at\":{},{path},\"layout\":", entry.at).as_bytes());
    text.extend_from_slice(entry.layout.as_bytes());
    text.extend_from_slice(b"}\n");
}

/// Reads a line that has the very form that [`LayoutNote::print`] gives it, without building a
/// tree of the layout.
fn parse_line(line: &[u8]) -> Option<(RepoPath, LayoutEntry)> {
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
        "\"path_hex\"" => bytes_from_hex(&inner.as_bytes()[..end])?,
        _ => return None,
    };
    let layout = inner[end + 1..].strip_prefix(",\"layout\":")?.strip_suffix('}')?;
    Some((RepoPath::new(path), LayoutEntry { at, layout: layout.to_owned() }))
}

/// Reads a line that another program wrote: any spacing, any order of keys.
fn parse_foreign_line(line: &[u8]) -> Option<(RepoPath, LayoutEntry)> {
    let Ok(Value::Object(object)) = json::parse(line) else { return None };
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let path = match (text("path"), text("path_hex")) {
        (Some(path), _) => path.into_bytes(),
        (None, Some(hex)) => bytes_from_hex(hex.as_bytes())?,
        (None, None) => return None,
    };
    let at = object.get("at")?.as_number()?.as_u64()?;
    let layout = json::print_object(object.get("layout")?.as_object()?, &JsonStyle::SAVE);
    Some((RepoPath::new(path), LayoutEntry { at, layout }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::clean::{ClockStamp, CloneId, stamp_uniformly};

    fn entry(at: u64, layout: &str) -> LayoutEntry {
        LayoutEntry { at, layout: layout.into() }
    }

    /// The layout of one node, saved at a time, or by version 0.1.0 at no time.
    fn line(x: u64, saved: Option<u64>) -> String {
        let node = format!(r#"{{"id":1,"type":"K","pos":[{x},0]}}"#);
        let line = format!(r#"{{"v":1,"style":"0","graphs":{{"":{{"nodes":[{node}]}}}}}}"#);
        let stamp = |at| Clock::At(ClockStamp { millis: at, clone_id: CloneId::from_bits(0) });
        match saved {
            Some(at) => stamp_uniformly(&line, stamp(at)).unwrap().to_line(),
            None => line,
        }
    }

    fn note(at: u64, path: &str, line: &str) -> String {
        format!("{{\"at\":{at},\"path\":\"{path}\",\"layout\":{line}}}\n")
    }

    #[test]
    fn every_path_and_every_line_survives() {
        let mut note = LayoutNote::default();
        for path in [&b"a.json"[..], b"quote\" back\\ new\nline", b"\xff\xfe.json", "ü".as_bytes()]
        {
            note.add_layout(&RepoPath::new(path), entry(7, &line(1, None)));
        }
        note.add_lines(b"from the future\n");
        note.add_lines(br#"{"at":9,"path":"a.json","layout":{"v":2,"more":1}}"#);
        let text = note.print();
        assert_eq!(LayoutNote::parse(&text), note);
        assert_eq!(text.iter().filter(|b| **b == b'\n').count(), 6, "one line each");
    }

    #[test]
    fn lines_of_another_spelling_are_read() {
        let text = br#"{ "layout" : {"v": 1, "style":"0", "graphs": {}}, "path": "a", "at": 5 }"#;
        let note = LayoutNote::parse(text);
        let layout = r#"{"v":1,"style":"0","graphs":{}}"#;
        assert_eq!(note.entries[&RepoPath::new("a")], entry(5, layout));
    }

    #[test]
    fn lines_of_one_path_are_joined_in_any_order() {
        let mut lines: Vec<_> = [3, 9, 4].map(|at| note(at, "a", &line(at, Some(at)))).to_vec();
        let forward = LayoutNote::parse(lines.join("").as_bytes());
        lines.reverse();
        assert_eq!(LayoutNote::parse(lines.join("").as_bytes()), forward);
        assert_eq!(forward.entries[&RepoPath::new("a")], entry(9, &line(9, Some(9))));
    }

    #[test]
    fn a_layout_without_clocks_counts_less_than_any_with() {
        let path = RepoPath::new("a");
        let mut old = LayoutNote::parse(note(9000, "a", &line(1, None)).as_bytes());
        let clocked = entry(5, &line(2, Some(5)));
        assert_eq!(old.add_layout(&path, clocked.clone()), Some(5));
        let mut new = LayoutNote::parse(note(5, "a", &line(2, Some(5))).as_bytes());
        assert_eq!(new.add_layout(&path, entry(9000, &line(1, None))), None);
        assert_eq!(old.entries[&path], clocked);
    }

    #[test]
    fn a_path_that_is_unknown_gets_the_newest_layout() {
        let text = [note(1, "a", &line(1, None)), note(2, "b", &line(2, None))].concat();
        let note = LayoutNote::parse(text.as_bytes());
        assert_eq!(note.best_match(&RepoPath::new("c")).unwrap().0, &RepoPath::new("b"));
        assert_eq!(note.best_match(&RepoPath::new("a")).unwrap().0, &RepoPath::new("a"));
    }
}
