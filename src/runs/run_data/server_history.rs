//! A run from an entry of the server's `/history` (`PromptQueue` in ComfyUI's `execution.py`).

use std::collections::BTreeSet;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{NodeId, Prompt, Workflow};
use comfy_graph::json::{Object, Value};
use jiff::Timestamp;

use super::RunEvidence;
use super::embedded::is_content_run_id;
use super::identity::find_output_nodes;
use super::lineage::RunParent;
use super::prompt_facts::fill_from_documents;
use super::schema::{OutputFile, Run, RunOutcome, RunProblem, RunSource};
use crate::platform::hex::sha256_hex;
use crate::platform::time::format_utc_millis;

/// Files of one run that are kept.
const MAX_FILES: usize = 10_000;
/// Characters of an error's text that are kept.
const MAX_MESSAGE_CHARS: usize = 4_000;

/// Under this key of `extra_data` git-comfy says what it queues a run for; the server keeps
/// it beside the run and puts it into no file.
pub const EXTRA_DATA_KEY: &str = "git_comfy";

/// One entry of a history: the prompt id and what the server says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// The prompt id, in a form that can be a name.
    pub id: String,
    /// Its member of the history.
    pub value: Value,
}

/// A file that the server names, with what it says of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFile {
    /// Below the folder, with forward slashes.
    pub path: String,
    /// `output`, `temp` or `input`.
    pub folder: String,
}

/// The entries of an answer of `/history` or `/history/<id>`, in its order. Members that
/// are none are left out.
pub fn parse_entries(answer: Value) -> Vec<HistoryEntry> {
    let Value::Object(members) = answer else { return Vec::new() };
    members.into_iter().filter_map(|(id, entry_value)| parse_entry(&id, entry_value)).collect()
}

/// One entry. Nothing where it is none.
///
/// An id that cannot be a name in a tree (a client may choose any text) gives way to one
/// made of its digest.
pub fn parse_entry(id: &str, entry_value: Value) -> Option<HistoryEntry> {
    entry_value.get("prompt")?.as_array()?;
    let id = if is_valid_run_id(id) {
        id.to_owned()
    } else {
        format!("p{}", sha256_hex(id.as_bytes()).get(..32)?)
    };
    Some(HistoryEntry { id, value: entry_value })
}

/// Whether a prompt id can be a name in a tree. The server makes UUIDs; a client may choose
/// its own.
fn is_valid_run_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (4..=100).contains(&id.len()) && id.chars().all(plain) && !is_content_run_id(id)
}

/// The run that an entry tells of.
pub fn run_from_entry(entry: &HistoryEntry, catalog: &Catalog) -> RunEvidence {
    let entry_value = &entry.value;
    let queued = entry_value.get("prompt");
    let part = |at: usize| queued.and_then(|queued| queued.get_index(at));
    let extra = part(3);
    let prompt_value = part(2).cloned().filter(|value| value.as_object().is_some());
    let workflow_value =
        extra.and_then(|extra| extra.get("extra_pnginfo")?.get("workflow").cloned());
    let prompt = prompt_value.clone().and_then(|value| Prompt::from_value(value).ok());
    let workflow = workflow_value.clone().and_then(|value| Workflow::from_value(value).ok());
    let mut run = Run { id: entry.id.clone(), ..Run::default() };
    run.known.insert(RunSource::History);
    let output_nodes: BTreeSet<NodeId> = part(4)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(NodeId::from_value)
        .collect();
    let ends = match &prompt {
        Some(prompt) if output_nodes.is_empty() => find_output_nodes(prompt, catalog),
        _ => output_nodes,
    };
    fill_from_documents(&mut run, prompt.as_ref(), workflow.as_ref(), &ends, catalog);
    run.queued = extra.and_then(|extra| format_millis(extra.get("create_time")?));
    run.parent = extra.and_then(|extra| RunParent::from_extra_data(extra.get(EXTRA_DATA_KEY)?));
    apply_messages(&mut run, entry_value);
    collect_outputs(&mut run, entry_value, prompt.as_ref());
    RunEvidence { run, prompt: prompt_value, workflow: workflow_value }
}

/// Milliseconds since 1970 as a text.
pub(crate) fn format_millis(value: &Value) -> Option<String> {
    let milliseconds = value.as_f64().filter(|number| number.is_finite() && *number > 0.0)?;
    #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
    let time = Timestamp::from_millisecond(milliseconds as i64).ok()?;
    Some(format_utc_millis(time))
}

fn apply_messages(run: &mut Run, entry_value: &Value) {
    let status = entry_value.get("status");
    run.outcome = match status.and_then(|status| status.get("status_str")?.as_str()) {
        Some("success") => RunOutcome::Success,
        Some("error") => RunOutcome::Error,
        _ => RunOutcome::Unknown,
    };
    let messages = status.and_then(|status| status.get("messages")?.as_array());
    for message in messages.unwrap_or_default() {
        let (Some(event), Some(data)) =
            (message.get_index(0).and_then(Value::as_str), message.get_index(1))
        else {
            continue;
        };
        apply_event(run, event, data);
    }
}

/// What one message of an execution adds.
fn apply_event(run: &mut Run, event: &str, data: &Value) {
    let at = || format_millis(data.get("timestamp")?);
    match event {
        "execution_start" => run.start = at(),
        "execution_cached" => {
            let nodes = data.get("nodes").and_then(Value::as_array).unwrap_or_default();
            run.cached.extend(nodes.iter().filter_map(NodeId::from_value).map(|n| n.to_string()));
        }
        "execution_success" => (run.outcome, run.end) = (RunOutcome::Success, at()),
        "execution_error" | "execution_interrupted" => {
            let stopped = event == "execution_interrupted";
            run.outcome = if stopped { RunOutcome::Interrupted } else { RunOutcome::Error };
            run.end = at();
            let text = |key: &str| {
                let text = data.get(key)?.as_str()?.trim();
                (!text.is_empty()).then(|| text.chars().take(MAX_MESSAGE_CHARS).collect::<String>())
            };
            run.problem = Some(RunProblem {
                node: data.get("node_id").and_then(NodeId::from_value).map(|id| id.to_string()),
                class: text("node_type"),
                kind: text("exception_type"),
                message: text("exception_message"),
            });
        }
        _ => {}
    }
}

/// Files by the node that shows them. What a cached node names is an older run's.
fn collect_outputs(run: &mut Run, entry_value: &Value, prompt: Option<&Prompt>) {
    let nodes = entry_value.get("outputs").and_then(Value::as_object);
    for (node, kinds) in nodes.into_iter().flat_map(Object::iter) {
        let id = NodeId::from_text(node);
        let cached = is_cached_node(run, entry_value, &id);
        let reads = prompt.and_then(|prompt| prompt.nodes.get(&id)).is_some_and(|node| {
            // Loaders show the file they read.
            node.class().starts_with("Load")
        });
        for (kind, files) in kinds.as_object().into_iter().flat_map(Object::iter) {
            for (index, file) in files.as_array().unwrap_or_default().iter().enumerate() {
                let Some(named) = parse_server_file(file) else { continue };
                let into = if cached { &mut run.reused } else { &mut run.outputs };
                if named.folder != "output" || reads || into.len() == MAX_FILES {
                    continue;
                }
                into.push(OutputFile {
                    path: named.path,
                    node: Some(id.to_string()),
                    index: u64::try_from(index).ok(),
                    kind: Some(kind.chars().take(40).collect()),
                    ..OutputFile::default()
                });
            }
        }
    }
    run.outputs.sort();
    run.reused.sort();
}

/// Whether a node was not run. A node that another one was expanded to (`12.0.0.3`) shows
/// its files under its own id, with the other's as its parent.
fn is_cached_node(run: &Run, entry_value: &Value, id: &NodeId) -> bool {
    let meta = entry_value.get("meta").and_then(|meta| meta.get(&id.to_string()));
    let real = meta.and_then(|meta| NodeId::from_value(meta.get("real_node_id")?));
    run.cached.contains(&id.to_string())
        && real.is_none_or(|real| run.cached.contains(&real.to_string()))
}

/// The file that a member of `outputs` names. Names that climb out of the folder are none.
fn parse_server_file(file: &Value) -> Option<ServerFile> {
    let text = |key: &str| file.get(key).and_then(Value::as_str);
    let name = text("filename").filter(|name| !name.is_empty() && name.len() < 1024)?;
    let folder = text("subfolder").unwrap_or_default();
    let parts: Vec<&str> = folder
        .split(['/', '\\'])
        .chain(name.split(['/', '\\']))
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let outside = |part: &&str| *part == ".." || part.contains(['\0', ':']);
    if parts.iter().any(outside) || folder.starts_with(['/', '\\']) || folder.len() > 2048 {
        return None;
    }
    Some(ServerFile { path: parts.join("/"), folder: text("type").unwrap_or("output").to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::json::parse_text;

    fn run(text: &str) -> Run {
        let entries = parse_entries(parse_text(text).unwrap());
        run_from_entry(&entries[0], &Catalog::core()).run
    }

    fn entry(cached: &str, outputs: &str, last: &str) -> String {
        format!(
            r#"{{"aaaa-1":{{"prompt":[7,"aaaa-1",{{"1":{{"class_type":"EmptyImage","inputs":{{}}}},
                "9":{{"class_type":"SaveImage","inputs":{{"images":["1",0]}}}}}},
                {{"create_time":1795363927008}},["9"]],"outputs":{outputs},
                "status":{{"status_str":"success","completed":true,"messages":[
                ["execution_start",{{"timestamp":1795363927009}}],
                ["execution_cached",{{"nodes":{cached},"timestamp":1}}],{last}]}}}}}}"#
        )
    }

    const DONE: &str = r#"["execution_success",{"timestamp":1795363927927}]"#;
    const FILE: &str = r#"{"9":{"images":[{"filename":"a_1.png","subfolder":"x\\y","type":"output"},
        {"filename":"t.png","subfolder":"","type":"temp"},
        {"filename":"../b.png","subfolder":"","type":"output"},
        {"filename":"c.png","subfolder":"/etc","type":"output"}],"text":["a"]}}"#;

    #[test]
    fn an_entry_tells_times_outcome_and_files() {
        let run = run(&entry("[\"1\"]", FILE, DONE));
        assert_eq!(run.outcome, RunOutcome::Success);
        assert_eq!(run.start.as_deref(), Some("2026-11-22T16:12:07.009Z"));
        assert_eq!(run.end.as_deref(), Some("2026-11-22T16:12:07.927Z"));
        let [file] = &run.outputs[..] else { panic!("{:?}", run.outputs) };
        assert_eq!((file.path.as_str(), file.node.as_deref()), ("x/y/a_1.png", Some("9")));
        assert_eq!((file.index, file.kind.as_deref()), (Some(0), Some("images")));
        assert_eq!(run.cached.iter().collect::<Vec<_>>(), ["1"]);
    }

    #[test]
    fn a_file_that_a_cached_node_names_was_made_by_another_run() {
        let run = run(&entry("[1, \"9\"]", FILE, DONE));
        assert_eq!((run.outputs.len(), run.reused.len()), (0, 1));
    }

    #[test]
    fn errors_and_interruptions_are_runs() {
        let failed = r#"["execution_error",{"node_id":"4","node_type":"Fail",
            "exception_message":"out of memory\n","exception_type":"OOM","timestamp":1795363927927}]"#;
        let run_failed = run(&entry("[]", "{}", failed));
        assert_eq!(run_failed.outcome, RunOutcome::Error);
        let problem = run_failed.problem.unwrap();
        assert_eq!((problem.node.as_deref(), problem.kind.as_deref()), (Some("4"), Some("OOM")));
        assert_eq!(problem.message.as_deref(), Some("out of memory"));
        let stopped = r#"["execution_interrupted",{"node_id":"3","timestamp":1795363927927}]"#;
        assert_eq!(run(&entry("[]", "{}", stopped)).outcome, RunOutcome::Interrupted);
    }

    #[test]
    fn what_is_no_history_gives_nothing() {
        for text in ["[]", "7", r#"{"a":1,"bbbb":{"prompt":7}}"#] {
            assert_eq!(parse_entries(parse_text(text).unwrap()), [], "{text}");
        }
        // Ids that are no names, or that only a run without one has.
        for id in ["../x", "xabc", "", "my run", "é"] {
            let text = format!(r#"{{"{id}":{{"prompt":[]}}}}"#);
            let found = parse_entries(parse_text(&text).unwrap());
            assert!(found[0].id.len() == 33 && is_valid_run_id(&found[0].id), "{found:?}");
        }
        // Members of the wrong kind everywhere.
        let text = r#"{"aaaa":{"prompt":[1,2,3,4,5],"outputs":[1],"status":{"messages":[[1],7,["execution_start"],["execution_error",[]]]}}}"#;
        assert_eq!(run(text).id, "aaaa");
    }
}
