//! A run from a file of the bridge's spool: the server's own entry, and when each node
//! began. `bridge/git_comfy_bridge.py` writes it.

use super::history::{Entry, entries, from_entry};
use super::{Evidence, Known};
use crate::catalog::Catalog;
use crate::graph::NodeId;
use crate::json::{Object, Value};

/// The number of the format that is read.
const FORMAT: i64 = 1;

/// The run in a spool file; nothing where it is none of ours.
pub fn from_spool(file: &Value, catalog: &Catalog) -> Option<Evidence> {
    if file.get("format").and_then(Value::as_i64) != Some(FORMAT) {
        return None;
    }
    let id = file.get("id")?.as_str()?;
    let said = file.get("history")?.clone();
    let answer: Object = [(id, said)].into_iter().collect();
    let entry: Entry = entries(Value::Object(answer)).pop()?;
    let mut evidence = from_entry(&entry, catalog);
    evidence.run.known.insert(Known::Bridge);
    durations(&mut evidence, file.get("events").and_then(Value::as_array).unwrap_or_default());
    Some(evidence)
}

/// A node runs until the next one begins, or until the end.
fn durations(evidence: &mut Evidence, events: &[Value]) {
    let mut running: Option<(String, f64)> = None;
    for event in events {
        let Some(at) = event.at(0).and_then(Value::as_f64) else { continue };
        if let Some((node, began)) = running.take() {
            let took = (at - began).clamp(0.0, 1e12);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let took = took as u64;
            // A node that waits for others begins more than once.
            *evidence.run.durations.entry(node).or_default() += took;
        }
        if event.at(1).and_then(Value::as_str) == Some("executing") {
            running = event.at(2).and_then(NodeId::from_value).map(|id| (id.to_string(), at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn nodes_run_from_one_event_to_the_next() {
        let text = r#"{"format":1,"id":"aaaa-1","history":{"prompt":[1,"aaaa-1",{},{},[]],"outputs":{},"status":{}},
            "events":[[1000,"executing","4"],[1500.5,"executing","3:7"],[9000,"executing",null],[9100,"execution_success",null]]}"#;
        let run = from_spool(&parse_text(text).unwrap(), &Catalog::core()).unwrap().run;
        let durations: Vec<_> = run.durations.into_iter().collect();
        assert_eq!(durations, [("3:7".to_owned(), 7499), ("4".to_owned(), 500)]);
        assert!(run.known.contains(&Known::Bridge));
        for other in [
            "{}",
            "7",
            r#"{"format":2,"id":"aaaa"}"#,
            r#"{"format":1,"id":"../x","history":{"prompt":[]}}"#,
        ] {
            assert_eq!(from_spool(&parse_text(other).unwrap(), &Catalog::core()), None);
        }
    }
}
