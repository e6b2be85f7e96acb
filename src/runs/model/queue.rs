//! What the server says of prompts that have not ended (format facts, 6): `/queue` holds
//! them with everything, `/api/jobs` lists them without.

use comfy_graph::catalog::Catalog;
use comfy_graph::json::{Object, Value};
use jiff::Timestamp;

use super::Evidence;
use super::history::{Entry, entry, from_entry, moment};
use super::schema::Known;

/// When a prompt was first seen to run, in milliseconds.
const SEEN: &str = "seen";

/// The prompts that run, from an answer of `/queue`.
pub fn running(queue: &Value) -> Vec<Entry> {
    let items = queue.get("queue_running").and_then(Value::as_array).unwrap_or_default();
    items.iter().filter_map(of_item).collect()
}

/// The ids in an answer of `/api/jobs`. Nothing where the answer is none.
pub fn listed(jobs: &Value) -> Option<Vec<String>> {
    let jobs = jobs.get("jobs")?.as_array()?;
    Some(jobs.iter().filter_map(|job| Some(job.get("id")?.as_str()?.to_owned())).collect())
}

/// One prompt, from an answer of `/api/jobs/<id>`.
pub fn of_job(job: &Value) -> Option<Entry> {
    let part = |key: &str| job.get(key).cloned().unwrap_or_default();
    let workflow = job.get("workflow")?;
    let of_workflow = |key: &str| workflow.get(key).cloned().unwrap_or_default();
    let mut extra = of_workflow("extra_data");
    if let Some(extra) = extra.as_object_mut()
        && extra.get("create_time").is_none()
    {
        extra.insert("create_time", part("create_time"));
    }
    of_item(&Value::from(vec![
        part("priority"),
        part("id"),
        of_workflow("prompt"),
        extra,
        Value::Array(Vec::new()),
    ]))
}

/// An item of the queue: what the history keeps as `prompt`.
fn of_item(item: &Value) -> Option<Entry> {
    let id = item.at(1)?.as_str()?;
    let said: Object = [("prompt", item.clone())].into_iter().collect();
    item.at(2)?.as_object()?;
    entry(id, Value::Object(said))
}

/// The run of a prompt that was seen to run, and whose end nobody saw: the server was
/// gone first, or its history was thrown away.
pub fn unended(entry: &Entry, catalog: &Catalog) -> Evidence {
    let mut evidence = from_entry(entry, catalog);
    let run = &mut evidence.run;
    run.known = [Known::Queue].into();
    // Older servers do not say when a prompt was queued.
    run.queued = run.queued.take().or_else(|| moment(entry.said.get(SEEN)?));
    evidence
}

impl Entry {
    /// Notes when it was seen to run.
    pub fn was_seen(&mut self, at: Timestamp) {
        if let Some(said) = self.said.as_object_mut() {
            said.insert(SEEN, Value::from(at.as_millisecond()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::model::Outcome;
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
        let queue = running(&parse_text(&queue).unwrap());
        assert_eq!(queue.len(), 1);
        let job = of_job(&parse_text(&job).unwrap()).unwrap();
        let run = |entry: &Entry| unended(entry, &Catalog::core()).run;
        let (one, other) = (run(&queue[0]), run(&job));
        assert_eq!(one, other);
        assert_eq!(one.queued.as_deref(), Some("2026-11-22T16:11:07.409Z"));
        assert_eq!((one.outcome, one.seeds.len()), (Outcome::Unknown, 1));
        assert_eq!(one.known, [Known::Queue].into());
        // Without a time of the server's own it is the time at which it was seen.
        let old = format!(r#"{{"queue_running":[[0,"aaaa-1",{PROMPT},{{}},["3"]]]}}"#);
        let mut old = running(&parse_text(&old).unwrap());
        assert_eq!(run(&old[0]).queued, None);
        old[0].was_seen("2026-11-22T16:11:07Z".parse().unwrap());
        assert_eq!(run(&old[0]).queued.as_deref(), Some("2026-11-22T16:11:07.000Z"));
    }

    #[test]
    fn what_is_no_answer_gives_nothing() {
        for text in ["7", "[]", "{}", r#"{"queue_running":{}}"#, r#"{"jobs":7,"workflow":[]}"#] {
            let value = parse_text(text).unwrap();
            assert_eq!(running(&value), [], "{text}");
            assert_eq!(listed(&value), None, "{text}");
            assert_eq!(of_job(&value), None, "{text}");
        }
    }
}
