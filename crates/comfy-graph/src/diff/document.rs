//! What changed between two documents of any kind: workflows, prompts, a workflow and a
//! prompt, or other JSON with graphs inside it.
//!
//! Must not know files.

use super::apply::{ApplyError, set_member};
use super::edit::{Change, Edit, EditEntry, EditScript, EditTarget, RawEdit, ScriptFormat};
use super::{prompt, workflow};
use crate::clean;
use crate::graph::{DocumentKind, GraphKind, WidgetNaming, document_kind};
use crate::json::{JsonKey, JsonPath, JsonStep, Object, Value};

/// Compares two documents, cleaned or as ComfyUI wrote them. Nothing comes back where
/// neither holds a graph, or one is a graph and the other is not: an ordinary text diff
/// says more then.
pub fn diff(before: Value, after: Value, naming: &dyn WidgetNaming) -> Option<EditScript> {
    match (document_kind(&before), document_kind(&after)) {
        (
            DocumentKind::Graph(GraphKind::Workflow(_)),
            DocumentKind::Graph(GraphKind::Workflow(_)),
        ) => workflow::diff_workflows(before, after, naming),
        (DocumentKind::Graph(GraphKind::Prompt), DocumentKind::Graph(GraphKind::Prompt)) => {
            strip_and_diff_prompts(before, after)
        }
        // A prompt without nodes looks like any object without members.
        (DocumentKind::Graph(GraphKind::Prompt), _) if is_empty(&after) => {
            strip_and_diff_prompts(before, after)
        }
        (_, DocumentKind::Graph(GraphKind::Prompt)) if is_empty(&before) => {
            strip_and_diff_prompts(before, after)
        }
        (DocumentKind::Wrapped(_), DocumentKind::Wrapped(_) | DocumentKind::Other)
        | (DocumentKind::Other, DocumentKind::Wrapped(_)) => {
            Some(diff_wrapped(before, after, naming))
        }
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Object::is_empty)
}

fn strip_and_diff_prompts(mut before: Value, mut after: Value) -> Option<EditScript> {
    clean::strip_layout(&mut before);
    clean::strip_layout(&mut after);
    prompt::diff_prompts(before, after)
}

/// Replays a script on other JSON with graphs inside.
pub(super) fn apply_to_document(mut value: Value, edits: &[&Edit]) -> Result<Value, ApplyError> {
    for edit in edits {
        if let Edit::NestedGraph { at, script } = edit {
            let found = at.get_mut(&mut value).ok_or(ApplyError::WrongFormat(script.format))?;
            *found = super::apply(found, script)?;
        }
    }
    for edit in edits {
        if let Edit::Raw(raw) | Edit::Bookkeeping(raw) = edit {
            set_member(&mut value, &raw.at, &raw.change, &EditTarget::Document)?;
        }
    }
    super::apply::apply_key_orders(&mut value, edits)?;
    Ok(value)
}

fn diff_wrapped(mut before: Value, mut after: Value, naming: &dyn WidgetNaming) -> EditScript {
    let whole = (before.clone(), after.clone());
    let mut entries = Vec::new();
    for found in shared_paths(&before, &after) {
        if !have_same_list_lengths(&found, &before, &after) {
            continue;
        }
        let (Some(was), Some(is)) = (found.get_mut(&mut before), found.get_mut(&mut after)) else {
            continue;
        };
        // What the script of the graph inside covers must not differ outside as well.
        let (was, is) = (std::mem::take(was), std::mem::take(is));
        let Some(script) = diff(was.clone(), is.clone(), naming) else {
            restore_value(&found, &mut before, was);
            restore_value(&found, &mut after, is);
            continue;
        };
        if !script.is_empty() {
            let edit = Edit::NestedGraph { at: found, script: Box::new(script) };
            entries.push(EditEntry::standalone(edit));
        }
    }
    clean::strip_layout(&mut before);
    clean::strip_layout(&mut after);
    let mut found = Vec::new();
    collect_differences(&mut JsonPath::root(), Some(&before), Some(&after), &mut found);
    entries.extend(found.into_iter().map(|raw| EditEntry::standalone(Edit::Raw(raw))));
    let mut keys = Vec::new();
    collect_key_orders(&mut JsonPath::root(), &before, &after, &mut keys);
    entries.extend(keys.into_iter().map(|(at, keys)| {
        EditEntry::standalone(Edit::KeyOrder { place: EditTarget::Document, at, keys })
    }));
    let script = EditScript { format: ScriptFormat::Json, entries };
    verify_script(script, whole)
}

/// The script, or one that says the whole document is another.
fn verify_script(script: EditScript, (mut before, mut after): (Value, Value)) -> EditScript {
    clean::strip_layout(&mut before);
    clean::strip_layout(&mut after);
    if super::apply(&before, &script).as_ref() == Ok(&after) {
        return script;
    }
    replacement_script(before, after, ScriptFormat::Json)
}

/// A script that replaces the whole document: always right, and without any detail.
pub(super) fn replacement_script(before: Value, after: Value, format: ScriptFormat) -> EditScript {
    let change = Change::new(Some(before), Some(after));
    let raw = RawEdit { place: EditTarget::Document, at: JsonPath::root(), change };
    EditScript { format, entries: vec![EditEntry::standalone(Edit::Raw(raw))] }
}

/// The places at which both documents hold a graph.
fn shared_paths(before: &Value, after: &Value) -> Vec<JsonPath> {
    let paths = |document| document_kind(document).into_graphs().into_iter().map(|found| found.at);
    let known: std::collections::HashSet<JsonPath> = paths(before).collect();
    paths(after).filter(|at| known.contains(at)).collect()
}

/// Whether every list on the way is as long in both documents: then an index names the
/// same element.
fn have_same_list_lengths(way: &JsonPath, before: &Value, after: &Value) -> bool {
    (0..way.0.len()).all(|depth| {
        let at = JsonPath(way.0[..depth].to_vec());
        match (at.get(before), at.get(after)) {
            (Some(Value::Array(before)), Some(Value::Array(after))) => before.len() == after.len(),
            (before, after) => before.is_some() && after.is_some(),
        }
    })
}

fn restore_value(at: &JsonPath, document: &mut Value, value: Value) {
    if let Some(place) = at.get_mut(document) {
        *place = value;
    }
}

fn collect_differences(
    at: &mut JsonPath,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<RawEdit>,
) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(key)));
            for key in keys {
                at.0.push(JsonStep::Key(key.clone()));
                collect_differences(at, before.get(key), after.get(key), found);
                at.0.pop();
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                at.0.push(JsonStep::Index(index));
                collect_differences(at, Some(before), Some(after), found);
                at.0.pop();
            }
        }
        (before, after) if before != after => {
            let change = Change::new(before.cloned(), after.cloned());
            found.push(RawEdit { place: EditTarget::Document, at: at.clone(), change });
        }
        _ => {}
    }
}

/// Objects whose members will stand in another order once all came and went.
fn collect_key_orders(
    at: &mut JsonPath,
    before: &Value,
    after: &Value,
    found: &mut Vec<(JsonPath, Vec<JsonKey>)>,
) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            if !is_in_replayed_order(before, after) {
                found.push((at.clone(), after.keys().cloned().collect()));
            }
            for (key, value) in after.iter() {
                if let Some(was) = before.get(key) {
                    at.0.push(JsonStep::Key(key.clone()));
                    collect_key_orders(at, was, value, found);
                    at.0.pop();
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                at.0.push(JsonStep::Index(index));
                collect_key_orders(at, before, after, found);
                at.0.pop();
            }
        }
        _ => {}
    }
}

fn is_in_replayed_order(before: &Object, after: &Object) -> bool {
    let stayed = before.keys().filter(|key| after.contains_key(key));
    let came = after.keys().filter(|key| !before.contains_key(key));
    stayed.chain(came).eq(after.keys())
}
