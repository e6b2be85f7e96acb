//! What the server says of prompts that have not ended: `/queue` holds them with everything,
//! `/api/jobs` lists them without (ComfyUI's `server.py`, `comfy_execution/jobs.py`).

use comfy_graph::catalog::Catalog;
use comfy_graph::json::{Object, Value};
use jiff::Timestamp;

use super::RunEvidence;
use super::schema::RunSource;
use super::server_history::{HistoryEntry, format_millis, parse_entry, run_from_entry};

/// When a prompt was first seen to run, in milliseconds.
const SEEN_KEY: &str = "seen";

/// The prompts that run, from an answer of `/queue`.
pub fn running_entries(queue: &Value) -> Vec<HistoryEntry> {
    let items = queue.get("queue_running").and_then(Value::as_array).unwrap_or_default();
    items.iter().filter_map(entry_from_queue_item).collect()
}

/// The ids in an answer of `/api/jobs`. Nothing where the answer is none.
pub fn parse_job_ids(jobs: &Value) -> Option<Vec<String>> {
    let jobs = jobs.get("jobs")?.as_array()?;
    Some(jobs.iter().filter_map(|job| Some(job.get("id")?.as_str()?.to_owned())).collect())
}

/// One prompt, from an answer of `/api/jobs/<id>`.
pub fn entry_from_job(job: &Value) -> Option<HistoryEntry> {
    let part = |key: &str| job.get(key).cloned().unwrap_or_default();
    let workflow = job.get("workflow")?;
    let of_workflow = |key: &str| workflow.get(key).cloned().unwrap_or_default();
    let mut extra = of_workflow("extra_data");
    if let Some(extra) = extra.as_object_mut()
        && extra.get("create_time").is_none()
    {
        extra.insert("create_time", part("create_time"));
    }
    entry_from_queue_item(&Value::from(vec![
        part("priority"),
        part("id"),
        of_workflow("prompt"),
        extra,
        Value::Array(Vec::new()),
    ]))
}

/// An item of the queue: what the history keeps as `prompt`.
fn entry_from_queue_item(item: &Value) -> Option<HistoryEntry> {
    let id = item.get_index(1)?.as_str()?;
    let entry: Object = [("prompt", item.clone())].into_iter().collect();
    item.get_index(2)?.as_object()?;
    parse_entry(id, Value::Object(entry))
}

/// The run of a prompt that was seen to run, and whose end nobody saw: the server was
/// gone first, or its history was thrown away.
pub fn run_without_end(entry: &HistoryEntry, catalog: &Catalog) -> RunEvidence {
    let mut evidence = run_from_entry(entry, catalog);
    let run = &mut evidence.run;
    run.known = [RunSource::Queue].into();
    // Older servers do not say when a prompt was queued.
    run.queued = run.queued.take().or_else(|| format_millis(entry.value.get(SEEN_KEY)?));
    evidence
}

impl HistoryEntry {
    /// Notes when it was seen to run.
    pub fn mark_seen(&mut self, at: Timestamp) {
        if let Some(entry) = self.value.as_object_mut() {
            entry.insert(SEEN_KEY, Value::from(at.as_millisecond()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::run_data::RunOutcome;
    use comfy_graph::json::parse_text;

    const PROMPT: &str = r#"{"3":{"class_type":"KSampler","inputs":{"seed":7,"steps":20}}}"#;

    #[test]
    fn a_prompt_that_runs_is_the_same_from_the_queue_and_from_the_jobs() {
        let queue = format!(
            r#"{{"queue_running":[[0,"aaaa-1",{PROMPT},{{"create_time":1795363867409}},["3"]],7,[1]],
                "queue_pending":[[1,"bbbb-2",{PROMPT},{{}},[]]]}}"#
        );
        let job = format!(
            r#"{{"id":"aaaa-1","status":"in_progress","priority":0,"create_time":1795363867409,
                "workflow":{{"prompt":{PROMPT},"extra_data":{{}}}}}}"#
        );
        let queue = running_entries(&parse_text(&queue).unwrap());
        assert_eq!(queue.len(), 1);
        let job = entry_from_job(&parse_text(&job).unwrap()).unwrap();
        let run = |entry: &HistoryEntry| run_without_end(entry, &Catalog::core()).run;
        let (one, other) = (run(&queue[0]), run(&job));
        assert_eq!(one, other);
        assert_eq!(one.queued.as_deref(), Some("2026-11-22T16:11:07.409Z"));
        assert_eq!((one.outcome, one.seeds.len()), (RunOutcome::Unknown, 1));
        assert_eq!(one.known, [RunSource::Queue].into());
        // Without a time of the server's own it is the time at which it was seen.
        let old = format!(r#"{{"queue_running":[[0,"aaaa-1",{PROMPT},{{}},["3"]]]}}"#);
        let mut old = running_entries(&parse_text(&old).unwrap());
        assert_eq!(run(&old[0]).queued, None);
        old[0].mark_seen("2026-11-22T16:11:07Z".parse().unwrap());
        assert_eq!(run(&old[0]).queued.as_deref(), Some("2026-11-22T16:11:07.000Z"));
    }

    #[test]
    fn what_is_no_answer_gives_nothing() {
        for text in ["7", "[]", "{}", r#"{"queue_running":{}}"#, r#"{"jobs":7,"workflow":[]}"#] {
            let value = parse_text(text).unwrap();
            assert_eq!(running_entries(&value), [], "{text}");
            assert_eq!(parse_job_ids(&value), None, "{text}");
            assert_eq!(entry_from_job(&value), None, "{text}");
        }
    }
}
