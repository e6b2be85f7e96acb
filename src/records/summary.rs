//! A record in one line.

use std::collections::BTreeSet;

use super::schema::{CommitRecord, MachineObservation, ModelStatus, WorkflowUse};

/// What the record holds, in words: the line that `git log --notes=comfy` shows first.
pub(crate) fn summarize_record(record: &CommitRecord) -> String {
    let models: BTreeSet<_> = record
        .workflows
        .iter()
        .flat_map(WorkflowUse::distinct_models)
        .map(|model| (&model.folder, &model.name))
        .collect();
    let mut parts = vec![count_noun(record.workflows.len(), "workflow")];
    // The machine that knows most speaks; with several, its id decides.
    let best = record.seen.iter().max_by_key(|(machine, seen)| (completeness(seen), *machine));
    let mut models_text = count_noun(models.len(), "model");
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
            parts.push(count_noun(seen.packs.len(), "node pack"));
        }
        if !seen.unplaced.is_empty() {
            parts.push(format!("{} without a pack", count_noun(seen.unplaced.len(), "node class")));
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

fn count_noun(number: usize, what: &str) -> String {
    match (number, what) {
        (1, what) => format!("1 {what}"),
        (number, "node class") => format!("{number} node classes"),
        (number, what) => format!("{number} {what}s"),
    }
}
