//! comfy-cli's `.comfy/runs.jsonl`: a line for each thing that it did in a project.
//!
//! A line says when a workflow was queued, under which id, and where; it holds neither the
//! prompt nor what came of it:
//!
//! ```text
//! {"ts": "2026-08-21T10:00:00+00:00", "cmd": "run", "workflow": "fox.json",
//!  "prompt_id": "5f0c7a31-…", "where": "local"}
//! ```
//!
//! `where` is `local` or `cloud`; lines of other commands (`compose`) name no run.

use std::path::Path;

use comfy_graph::catalog::Catalog;
use comfy_graph::json;
use comfy_graph::json::{Object, Value};
use jiff::Timestamp;

use super::run_data::RunEvidence;
use super::server_queries;
use crate::platform::git::Repository;
use crate::platform::machine::server::ComfyServer;
use crate::platform::time::format_utc_millis;
use crate::records::dependencies::shareable_name;
use crate::runs::run_data::{HistoryEntry, RunSource, parse_entry, run_from_entry};

/// One run that comfy-cli queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliRun {
    id: String,
    queued_at: Option<Timestamp>,
    workflow: Option<String>,
    is_local: bool,
}

/// The runs in a list of comfy-cli's. Other lines, and damaged ones, are passed over.
pub(crate) fn parse_log(text: &[u8]) -> Vec<CliRun> {
    text.split(|byte| *byte == b'\n').filter_map(parse_line).collect()
}

fn parse_line(text: &[u8]) -> Option<CliRun> {
    let value = json::parse_lenient(text).ok()?;
    let get = |name: &str| value.get(name).and_then(Value::as_str);
    if get("cmd")? != "run" {
        return None;
    }
    Some(CliRun {
        id: get("prompt_id").filter(|id| !id.is_empty())?.to_owned(),
        queued_at: get("ts").and_then(|text| text.parse().ok()),
        workflow: get("workflow").filter(|name| !name.is_empty()).map(str::to_owned),
        is_local: get("where") != Some("cloud"),
    })
}

impl CliRun {
    /// What a history would hold of it, which is its id.
    pub(crate) fn to_history_entry(&self) -> Option<HistoryEntry> {
        let nothing = Value::Null;
        let queued = vec![nothing.clone(), Value::from(self.id.as_str()), nothing];
        let said: Object = [("prompt", Value::from(queued))].into_iter().collect();
        parse_entry(&self.id, Value::Object(said))
    }
}

/// What a line says of its run.
pub(crate) fn run_from_cli(
    line: &CliRun,
    entry: &HistoryEntry,
    repository: &Repository,
    catalog: &Catalog,
) -> RunEvidence {
    let mut evidence = run_from_entry(entry, catalog);
    let run = &mut evidence.run;
    run.known = [RunSource::Cli].into();
    run.queued = line.queued_at.map(format_utc_millis);
    // A path of this machine says more than its work tree's people need to know.
    run.from_file = line.workflow.as_deref().map(|name| {
        let below = repository.work_tree().and_then(|top| Path::new(name).strip_prefix(top).ok());
        below.map_or_else(
            || shareable_name(name),
            |path| path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"),
        )
    });
    evidence
}

/// What a server still remembers. One that does not answer is asked once.
pub(crate) struct HistoryLookup<'s>(Option<&'s ComfyServer>);

impl<'s> HistoryLookup<'s> {
    /// With a server to ask; none: nothing is remembered.
    pub(crate) fn new(server: Option<&'s ComfyServer>) -> HistoryLookup<'s> {
        HistoryLookup(server)
    }

    /// What became of a run.
    pub(crate) fn find_entry(&mut self, line: &CliRun) -> Option<HistoryEntry> {
        let plain = line.id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        if !line.is_local || !plain {
            return None;
        }
        let answer = server_queries::history_entry(self.0?, &line.id);
        if answer.is_err() {
            self.0 = None;
        }
        answer.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_told_from_what_else_is_noted() {
        let text = br#"{"ts": "2026-08-21T10:00:00+00:00", "cmd": "run", "workflow": "/home/a/fox.json", "prompt_id": "aaaa-1", "where": "local"}
{"ts": "2026-08-21T10:00:01+00:00", "cmd": "compose", "blueprint": "b.json", "written": ["x.json"]}

{"ts": "2026-08-21T10:00:02+00:00", "cmd": "run", "workflow": "fox.json", "prompt_id": null, "where": "local"}
{"cmd": "run", "workflow": "fox.json", "prompt_id": "bbbb-2", "where": "cloud"}
{"ts": "2026-08-21T10:0"#;
        let found = parse_log(text);
        let ids: Vec<_> = found.iter().map(|line| (line.id.as_str(), line.is_local)).collect();
        assert_eq!(ids, [("aaaa-1", true), ("bbbb-2", false)]);
        assert_eq!(found[0].queued_at.unwrap().to_string(), "2026-08-21T10:00:00Z");
        assert_eq!(found[0].to_history_entry().unwrap().id, "aaaa-1");
    }
}
