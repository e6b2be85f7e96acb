//! What ComfyUI says on its websocket to the client that queued a run (format facts, 6).

use serde_json::Value;

/// Names of nodes that one message may hold.
const MOST: usize = 10_000;

/// What happened to the run that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Nothing; the caller may look up.
    Waiting,
    /// So many runs are before it.
    Queued(usize),
    /// It began.
    Started,
    /// These nodes need not run: nothing changed for them.
    Cached(Vec<String>),
    /// A node began.
    Node(String),
    /// A node is that far.
    Step {
        node: String,
        /// Steps that are done.
        value: u64,
        /// Steps in all.
        max: u64,
    },
    /// A node has shown what it made.
    Made(String),
    /// The connection broke; it is made again.
    Dropped,
    /// It ended, well or not: the history tells how.
    Ends,
}

/// What a message says of a run. Messages about other runs, and what is none of
/// ComfyUI's, say nothing.
pub(crate) fn events(text: &str, run: &str) -> Vec<Event> {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let data = &message["data"];
    if data["prompt_id"].as_str() != Some(run) {
        return Vec::new();
    }
    let shown = || node(&data["display_node"]).or_else(|| node(&data["node"]));
    let one = match message["type"].as_str().unwrap_or_default() {
        "execution_start" => Some(Event::Started),
        "execution_cached" => {
            let nodes = data["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
            Some(Event::Cached(nodes.iter().take(MOST).filter_map(node).collect()))
        }
        "executing" => Some(shown().map_or(Event::Ends, Event::Node)),
        "progress" => shown().map(|node| step(node, data)),
        "progress_state" => return running(&data["nodes"]),
        "executed" => shown().map(Event::Made),
        "execution_success" | "execution_error" | "execution_interrupted" => Some(Event::Ends),
        _ => None,
    };
    one.into_iter().collect()
}

/// The nodes that run, of all whose state is told.
fn running(nodes: &Value) -> Vec<Event> {
    let nodes = nodes.as_object().into_iter().flat_map(|nodes| nodes.iter().take(MOST));
    let running = nodes.filter(|(_, state)| state["state"] == "running");
    running
        .map(|(id, state)| {
            step(node(&state["display_node_id"]).unwrap_or_else(|| id.clone()), state)
        })
        .collect()
}

fn step(node: String, data: &Value) -> Event {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they saturate")]
    let number = |value: &Value| value.as_f64().unwrap_or(0.0) as u64;
    Event::Step { node, value: number(&data["value"]), max: number(&data["max"]) }
}

/// An id, which packs may make a number.
fn node(value: &Value) -> Option<String> {
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
            events(&format!(r#"{{"type":"{kind}","data":{{"prompt_id":"r",{data}}}}}"#), "r")
        };
        assert_eq!(say("execution_start", r#""timestamp":1"#), [Event::Started]);
        assert_eq!(
            say("execution_cached", r#""nodes":["1",2]"#),
            [Event::Cached(vec!["1".to_owned(), "2".to_owned()])]
        );
        let named = r#""node":"9.0.0.1","display_node":"9""#;
        assert_eq!(say("executing", named), [Event::Node("9".to_owned())]);
        assert_eq!(say("executing", r#""node":null"#), [Event::Ends]);
        let step = Event::Step { node: "3".to_owned(), value: 2, max: 20 };
        assert_eq!(say("progress", r#""node":"3","value":2,"max":20"#), vec![step.clone()]);
        let state = r#""nodes":{"1":{"state":"finished","value":1,"max":1},
            "3":{"state":"running","value":2.0,"max":20.0}}"#;
        assert_eq!(say("progress_state", state), [step]);
        assert_eq!(say("execution_interrupted", r#""node_id":"3""#), [Event::Ends]);
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
            assert_eq!(events(text, "r"), [], "{text}");
        }
    }
}
