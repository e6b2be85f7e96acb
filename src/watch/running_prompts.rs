//! The prompts that were seen to run. Most end in the history a moment later; of one whose
//! server is gone before it ends this is all that anybody knows.
//!
//! It is kept in a file of its own, so that it survives the watcher as well.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfy_graph::json;
use comfy_graph::json::{JsonStyle, Object, Value};
use jiff::Timestamp;

use crate::platform::file_argument;
use crate::platform::files::read_up_to;
use crate::platform::machine::server::{ComfyServer, ServerAddress};
use crate::runs::run_data::{HistoryEntry, parse_entries};
use crate::runs::server_queries;
use crate::runs::server_queries::{CurrentlyRunning, RunningQuery};

/// The largest file that is read, in bytes.
const MAX_FILE_SIZE: u64 = 256 << 20;

/// What runs, as far as was seen.
pub(crate) struct RunningPrompts {
    file: PathBuf,
    query_method: RunningQuery,
    entries: BTreeMap<String, HistoryEntry>,
}

impl RunningPrompts {
    /// What the last watcher of that server saw.
    pub(crate) fn load(folder: &Path, server: &ServerAddress) -> RunningPrompts {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = server.authority().chars().map(plain).collect();
        let file = folder.join(format!("running-{name}.json"));
        let bytes = read_up_to(&file, MAX_FILE_SIZE).unwrap_or_default();
        let kept = json::parse_lenient(&bytes).map(parse_entries).unwrap_or_default();
        let entries = kept.into_iter().map(|entry| (entry.id.clone(), entry)).collect();
        RunningPrompts { file, query_method: RunningQuery::default(), entries }
    }

    /// Forgets how the server was asked: one that comes back may be of another version.
    pub(crate) fn reset_query_method(&mut self) {
        self.query_method = RunningQuery::default();
    }

    /// What runs now. `None`: the server does not say.
    pub(crate) fn query(&mut self, server: &ComfyServer) -> Option<CurrentlyRunning> {
        let known = &self.entries;
        server_queries::query_running_prompts(server, &mut self.query_method, &|id| {
            known.contains_key(id)
        })
    }

    /// Those that were seen to run and do not any more.
    pub(crate) fn ended_entries(&self, now: &CurrentlyRunning) -> Vec<HistoryEntry> {
        let runs = |id: &String| now.ids.contains(id);
        self.entries.iter().filter(|(id, _)| !runs(id)).map(|(_, entry)| entry.clone()).collect()
    }

    /// Keeps in mind what runs now, and forgets those that are settled.
    pub(crate) fn update(&mut self, now: CurrentlyRunning, settled: &[String]) {
        let before: Vec<String> = self.entries.keys().cloned().collect();
        self.entries.retain(|id, _| !settled.contains(id));
        for mut entry in now.new {
            entry.mark_seen(Timestamp::now());
            self.entries.insert(entry.id.clone(), entry);
        }
        if !self.entries.keys().eq(&before) {
            self.save();
        }
    }

    /// A disk that is full costs what only this file knows, and nothing else.
    fn save(&self) {
        let members = self.entries.values().map(|entry| (entry.id.as_str(), entry.value.clone()));
        let text = json::print(&Value::Object(members.collect::<Object>()), &JsonStyle::EXPORT);
        let _ = file_argument::replace_file(&self.file, text.as_bytes());
    }
}
