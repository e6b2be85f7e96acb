//! What ComfyUI says on its websocket to the client that queued a run: `execution.py` and
//! `comfy_execution/progress.py` of ComfyUI send it.

use comfy_graph::json;
use comfy_graph::json::{Object, Value};

/// Names of nodes that one message may hold.
const MAX_NODES: usize = 10_000;

/// What happened to the run that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunEvent {
    /// Nothing; the caller may look up.
    Tick,
    /// So many runs are before it.
    Queued(usize),
    /// It began.
    Started,
    /// These nodes need not run: nothing changed for them.
    Cached(Vec<String>),
    /// A node began.
    NodeStarted(String),
    /// A node is that far.
    NodeProgress {
        node: String,
        /// Steps that are done.
        value: u64,
        /// Steps in all.
        max: u64,
    },
    /// A node has shown what it made.
    NodeExecuted(String),
    /// The connection broke; it is made again.
    Disconnected,
    /// It ended, well or not: the history tells how.
    Ended,
}

/// What a message says of a run. Messages about other runs, and what is none of
/// ComfyUI's, say nothing.
pub(crate) fn parse_events(text: &str, run: &str) -> Vec<RunEvent> {
    let Ok(message) = json::parse_lenient(text.as_bytes()) else { return Vec::new() };
    let Some(data) = message.get("data") else { return Vec::new() };
    if data.get("prompt_id").and_then(Value::as_str) != Some(run) {
        return Vec::new();
    }
    let shown = || node_id_at(data, "display_node").or_else(|| node_id_at(data, "node"));
    let event = match message.get("type").and_then(Value::as_str).unwrap_or_default() {
        "execution_start" => Some(RunEvent::Started),
        "execution_cached" => {
            let nodes = data.get("nodes").and_then(Value::as_array).unwrap_or_default();
            Some(RunEvent::Cached(nodes.iter().take(MAX_NODES).filter_map(parse_node_id).collect()))
        }
        "executing" => Some(shown().map_or(RunEvent::Ended, RunEvent::NodeStarted)),
        "progress" => shown().map(|node| progress_event(node, data)),
        "progress_state" => return running_nodes(data.get("nodes")),
        "executed" => shown().map(RunEvent::NodeExecuted),
        "execution_success" | "execution_error" | "execution_interrupted" => Some(RunEvent::Ended),
        _ => None,
    };
    event.into_iter().collect()
}

/// The nodes that run, of all whose state is told.
fn running_nodes(nodes: Option<&Value>) -> Vec<RunEvent> {
    let nodes = nodes.and_then(Value::as_object).into_iter().flat_map(Object::iter);
    let running = nodes
        .take(MAX_NODES)
        .filter(|(_, state)| state.get("state").and_then(Value::as_str) == Some("running"));
    running
        .map(|(id, state)| {
            let node = node_id_at(state, "display_node_id").unwrap_or_else(|| id.to_string());
            progress_event(node, state)
        })
        .collect()
}

fn progress_event(node: String, data: &Value) -> RunEvent {
    RunEvent::NodeProgress { node, value: steps_at(data, "value"), max: steps_at(data, "max") }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they saturate")]
fn steps_at(data: &Value, key: &str) -> u64 {
    data.get(key).and_then(Value::as_f64).unwrap_or(0.0) as u64
}

fn node_id_at(data: &Value, key: &str) -> Option<String> {
    parse_node_id(data.get(key)?)
}

/// An id, which packs may make a number.
fn parse_node_id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.chars().take(200).collect()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_run_are_understood() {
        let say = |kind: &str, data: &str| {
            parse_events(&format!(r#"{{"type":"{kind}","data":{{"prompt_id":"r",{data}}}}}"#), "r")
        };
        assert_eq!(say("execution_start", r#""timestamp":1"#), [RunEvent::Started]);
        assert_eq!(
            say("execution_cached", r#""nodes":["1",2]"#),
            [RunEvent::Cached(vec!["1".to_owned(), "2".to_owned()])]
        );
        let named = r#""node":"9.0.0.1","display_node":"9""#;
        assert_eq!(say("executing", named), [RunEvent::NodeStarted("9".to_owned())]);
        assert_eq!(say("executing", r#""node":null"#), [RunEvent::Ended]);
        let step = RunEvent::NodeProgress { node: "3".to_owned(), value: 2, max: 20 };
        assert_eq!(say("progress", r#""node":"3","value":2,"max":20"#), vec![step.clone()]);
        let state = r#""nodes":{"1":{"state":"finished","value":1,"max":1},
            "3":{"state":"running","value":2.0,"max":20.0}}"#;
        assert_eq!(say("progress_state", state), [step]);
        assert_eq!(say("execution_interrupted", r#""node_id":"3""#), [RunEvent::Ended]);
        assert_eq!(say("invented", r#""x":1"#), []);
    }

    #[test]
    fn other_runs_and_junk_say_nothing() {
        for text in [
            "",
            "7",
            "[]",
            r#"{"type":"executing","data":{"node":"3","prompt_id":"other"}}"#,
            r#"{"type":"executing","data":7}"#,
            r#"{"type":"status","data":{"status":{}}}"#,
        ] {
            assert_eq!(parse_events(text, "r"), [], "{text}");
        }
    }
}
