//! A run from a file of the bridge's spool: the server's own entry, and when each node
//! began. `bridge/git_comfy_bridge.py` writes it.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::NodeId;
use comfy_graph::json::Value;

use super::RunEvidence;
use super::schema::{Run, RunSource};
use super::server_history::{format_millis, parse_entry, run_from_entry};
use crate::platform::git::foreign_checkout::Checkout;
use crate::records::{ComfyEnvironment, EnvironmentSource, PackEvidence, PackFact, PackKind};

/// The number of the format that is read.
const FORMAT: i64 = 1;
/// Characters of a text that are kept.
const MAX_TEXT_CHARS: usize = 200;
/// Packs of one run that are kept.
const MAX_PACKS: usize = 256;

/// The run in a spool file; nothing where it is none of ours.
pub fn run_from_spool(file: &Value, catalog: &Catalog) -> Option<RunEvidence> {
    if file.get("format").and_then(Value::as_i64) != Some(FORMAT) {
        return None;
    }
    let id = file.get("id")?.as_str()?;
    let mut evidence = run_from_entry(&parse_entry(id, file.get("history")?.clone())?, catalog);
    evidence.run.known.insert(RunSource::Bridge);
    if let (Some(machine), Some(at)) = (file.get("machine"), file.get("at").and_then(format_millis))
    {
        apply_machine(&mut evidence.run, machine, &at);
    }
    apply_durations(
        &mut evidence,
        file.get("events").and_then(Value::as_array).unwrap_or_default(),
    );
    Some(evidence)
}

/// What ComfyUI was when the run ended, and the packs that it had loaded.
fn apply_machine(run: &mut Run, machine: &Value, at: &str) {
    let text = |value: &Value, key: &str| {
        let text: String = value.get(key)?.as_str()?.chars().take(MAX_TEXT_CHARS).collect();
        (!text.is_empty()).then_some(text)
    };
    let environment = ComfyEnvironment {
        at: at.to_owned(),
        comfyui: text(machine, "comfyui"),
        python: text(machine, "python"),
        torch: text(machine, "torch"),
        os: text(machine, "os"),
        devices: text(machine, "device").into_iter().collect(),
        from: Some(EnvironmentSource::Server),
        ..ComfyEnvironment::default()
    };
    if environment.comfyui.is_some() {
        run.environment = Some(environment);
    }
    let packs = machine.get("packs").and_then(Value::as_array).unwrap_or_default();
    run.packs = packs
        .iter()
        .take(MAX_PACKS)
        .filter_map(|machine| {
            let classes = machine.get("classes").and_then(Value::as_array).unwrap_or_default();
            let commit = text(machine, "commit");
            let version = text(machine, "version");
            Some(PackFact {
                name: text(machine, "name")?,
                at: machine.get("at").and_then(format_millis).unwrap_or_else(|| at.to_owned()),
                kind: if commit.is_some() { PackKind::Git } else { PackKind::Folder },
                version,
                checkout: Checkout { commit, ..Checkout::default() },
                classes: classes
                    .iter()
                    .filter_map(|class| Some((class.as_str()?.to_owned(), PackEvidence::Server)))
                    .collect(),
                ..PackFact::default()
            })
        })
        .collect();
}

/// A node runs until the next one begins, or until the end.
fn apply_durations(evidence: &mut RunEvidence, events: &[Value]) {
    let mut running: Option<(String, f64)> = None;
    for event in events {
        let Some(at) = event.get_index(0).and_then(Value::as_f64) else { continue };
        if let Some((node, began)) = running.take() {
            let took = (at - began).clamp(0.0, 1e12);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let took = took as u64;
            // A node that waits for others begins more than once.
            *evidence.run.durations.entry(node).or_default() += took;
        }
        if event.get_index(1).and_then(Value::as_str) == Some("executing") {
            running =
                event.get_index(2).and_then(NodeId::from_value).map(|id| (id.to_string(), at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::json::parse_text;

    #[test]
    fn nodes_run_from_one_event_to_the_next() {
        let text = r#"{"format":1,"id":"aaaa-1","history":{"prompt":[1,"aaaa-1",{},{},[]],"outputs":{},"status":{}},
            "at":1795363927008,"machine":{"comfyui":"0.3.64","python":"3.12","device":"cpu","torch":null,
            "packs":[{"name":"pack","version":"1.2","commit":"0123456789012345678901234567890123456789","classes":["A"]},{}]},
            "events":[[1000,"executing","4"],[1500.5,"executing","3:7"],[9000,"executing",null],[9100,"execution_success",null]]}"#;
        let run = run_from_spool(&parse_text(text).unwrap(), &Catalog::core()).unwrap().run;
        let durations: Vec<_> = run.durations.into_iter().collect();
        assert_eq!(durations, [("3:7".to_owned(), 7499), ("4".to_owned(), 500)]);
        assert!(run.known.contains(&RunSource::Bridge));
        let environment = run.environment.unwrap();
        assert_eq!(environment.comfyui.as_deref(), Some("0.3.64"));
        assert_eq!((environment.devices.len(), environment.torch), (1, None));
        let [pack] = &run.packs[..] else { panic!("{:?}", run.packs) };
        assert_eq!((pack.name.as_str(), pack.kind), ("pack", PackKind::Git));
        assert_eq!(pack.at, "2026-11-22T16:12:07.008Z");
        for other in [
            "{}",
            "7",
            r#"{"format":2,"id":"aaaa"}"#,
            r#"{"format":1,"id":"aaaa","history":{"prompt":7}}"#,
        ] {
            assert_eq!(run_from_spool(&parse_text(other).unwrap(), &Catalog::core()), None);
        }
    }
}
