//! A record in one line.

use std::collections::BTreeSet;

use super::schema::{CommitRecord, MachineObservation, ModelStatus, WorkflowUse};
use crate::platform::text::plural::counted;

/// What the record holds, in words: the line that `git log --notes=comfy` shows first.
pub(crate) fn summarize_record(record: &CommitRecord) -> String {
    let models: BTreeSet<_> = record
        .workflows
        .iter()
        .flat_map(WorkflowUse::distinct_models)
        .map(|model| (&model.folder, &model.name))
        .collect();
    let mut parts = vec![counted(record.workflows.len(), "workflow", "workflows")];
    // The machine that knows most speaks; with several, its id decides.
    let best = record.seen.iter().max_by_key(|(machine, seen)| (completeness(seen), *machine));
    let mut models_text = counted(models.len(), "model", "models");
    if let Some((_, seen)) = best {
        let of =
            |status: ModelStatus| seen.models.iter().filter(|fact| fact.status == status).count();
        let states: Vec<String> = [
            (of(ModelStatus::Pending), "not hashed yet"),
            (of(ModelStatus::Unfinished), "unfinished"),
            (of(ModelStatus::Unreadable), "unreadable"),
            (of(ModelStatus::Missing), "missing"),
            (of(ModelStatus::Refused), "refused"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {state}"))
        .collect();
        if !states.is_empty() {
            models_text = format!("{models_text} ({})", states.join(", "));
        }
    }
    parts.push(models_text);
    if let Some((_, seen)) = best {
        if !seen.packs.is_empty() {
            parts.push(counted(seen.packs.len(), "node pack", "node packs"));
        }
        if !seen.unplaced.is_empty() {
            parts.push(format!(
                "{} without a pack",
                counted(seen.unplaced.len(), "node class", "node classes")
            ));
        }
        let environment = seen.environment.as_ref();
        if let Some(version) = environment.and_then(|environment| environment.comfyui.as_ref()) {
            parts.push(format!("ComfyUI {version}"));
        }
    }
    if record.seen.len() > 1 {
        parts.push(format!("seen on {} machines", record.seen.len()));
    }
    parts.join(", ")
}

fn completeness(seen: &MachineObservation) -> (usize, bool) {
    let hashed = seen.models.iter().filter(|fact| fact.status == ModelStatus::Hashed).count();
    (hashed, seen.is_complete())
}
