//! The prompts that were seen to run. Most end in the history a moment later; of one whose
//! server is gone before it ends this is all that anybody knows.
//!
//! It is kept in a file of its own, so that it survives the watcher as well.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfy_graph::json;
use comfy_graph::json::{Object, Style, Value};
use jiff::Timestamp;

use crate::platform::machine::server::{Address, Server};
use crate::platform::machine::write_file;
use crate::runs::asking;
use crate::runs::asking::{Now, Tells};
use crate::runs::model::{Entry, entries};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 << 20;

/// What runs, as far as was seen.
pub(crate) struct Running {
    file: PathBuf,
    tells: Tells,
    known: BTreeMap<String, Entry>,
}

impl Running {
    /// What the last watcher of that server saw.
    pub(crate) fn load(folder: &Path, server: &Address) -> Running {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = server.authority().chars().map(plain).collect();
        let file = folder.join(format!("running-{name}.json"));
        let fits = file.metadata().is_ok_and(|metadata| metadata.len() <= LARGEST);
        let bytes = if fits { std::fs::read(&file).unwrap_or_default() } else { Vec::new() };
        let kept = json::parse_lenient(&bytes).map(entries).unwrap_or_default();
        let known = kept.into_iter().map(|entry| (entry.id.clone(), entry)).collect();
        Running { file, tells: Tells::default(), known }
    }

    /// Forgets how the server was asked: one that comes back may be of another version.
    pub(crate) fn forget_server(&mut self) {
        self.tells = Tells::default();
    }

    /// What runs now. `None`: the server does not say.
    pub(crate) fn now(&mut self, server: &Server) -> Option<Now> {
        let known = &self.known;
        asking::now(server, &mut self.tells, &|id| known.contains_key(id))
    }

    /// Those that were seen to run and do not any more.
    pub(crate) fn gone(&self, now: &Now) -> Vec<Entry> {
        let runs = |id: &String| now.ids.contains(id);
        self.known.iter().filter(|(id, _)| !runs(id)).map(|(_, entry)| entry.clone()).collect()
    }

    /// Keeps in mind what runs now, and forgets those that are settled.
    pub(crate) fn keep(&mut self, now: Now, settled: &[String]) {
        let before: Vec<String> = self.known.keys().cloned().collect();
        self.known.retain(|id, _| !settled.contains(id));
        for mut entry in now.new {
            entry.was_seen(Timestamp::now());
            self.known.insert(entry.id.clone(), entry);
        }
        if !self.known.keys().eq(&before) {
            self.save();
        }
    }

    /// A disk that is full costs what only this file knows, and nothing else.
    fn save(&self) {
        let members = self.known.values().map(|entry| (entry.id.as_str(), entry.said.clone()));
        let text = json::print(&Value::Object(members.collect::<Object>()), &Style::EXPORT);
        let _ = write_file::write(&self.file, text.as_bytes());
    }
}
