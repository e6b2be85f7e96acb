//! What changed between two documents of any kind: workflows, prompts, a workflow and a
//! prompt, or other JSON with graphs inside it.
//!
//! Must not know files.

use super::apply::{Refused, set_member};
use super::edit::{Change, Edit, EditScript, Entry, Format, Place, RawEdit};
use super::{prompt, workflow};
use crate::canon;
use crate::graph::{GraphKind, Kind, Naming, kind};
use crate::json::{Key, Object, Path, Step, Value};

/// Compares two documents, cleaned or as ComfyUI wrote them. Nothing comes back where
/// neither holds a graph, or one is a graph and the other is not: an ordinary text diff
/// says more then.
pub fn diff(before: Value, after: Value, naming: &dyn Naming) -> Option<EditScript> {
    match (kind(&before), kind(&after)) {
        (Kind::Graph(GraphKind::Workflow(_)), Kind::Graph(GraphKind::Workflow(_))) => {
            workflow::diff(before, after, naming)
        }
        (Kind::Graph(GraphKind::Prompt), Kind::Graph(GraphKind::Prompt)) => prompts(before, after),
        // A prompt without nodes looks like any object without members.
        (Kind::Graph(GraphKind::Prompt), _) if is_empty(&after) => prompts(before, after),
        (_, Kind::Graph(GraphKind::Prompt)) if is_empty(&before) => prompts(before, after),
        (Kind::Wrapped(_), Kind::Wrapped(_) | Kind::Other) | (Kind::Other, Kind::Wrapped(_)) => {
            Some(wrapped(before, after, naming))
        }
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Object::is_empty)
}

fn prompts(mut before: Value, mut after: Value) -> Option<EditScript> {
    canon::strip(&mut before);
    canon::strip(&mut after);
    prompt::diff(before, after)
}

/// Replays a script on other JSON with graphs inside.
pub(super) fn apply(mut value: Value, edits: &[&Edit]) -> Result<Value, Refused> {
    for edit in edits {
        if let Edit::Inside { at, script } = edit {
            let found = at.get_mut(&mut value).ok_or(Refused::Kind(script.format))?;
            *found = super::apply(found, script)?;
        }
    }
    for edit in edits {
        if let Edit::Raw(raw) | Edit::Bookkeeping(raw) = edit {
            set_member(&mut value, &raw.at, &raw.change, &Place::Document)?;
        }
    }
    super::apply::order_keys(&mut value, edits)?;
    Ok(value)
}

fn wrapped(mut before: Value, mut after: Value, naming: &dyn Naming) -> EditScript {
    let whole = (before.clone(), after.clone());
    let mut entries = Vec::new();
    for found in shared(&graphs(&before), &graphs(&after)) {
        if !is_in_step(&found, &before, &after) {
            continue;
        }
        let (Some(was), Some(is)) = (found.get_mut(&mut before), found.get_mut(&mut after)) else {
            continue;
        };
        // What the script of the graph inside covers must not differ outside as well.
        let (was, is) = (std::mem::take(was), std::mem::take(is));
        let Some(script) = diff(was.clone(), is.clone(), naming) else {
            put_back(&found, &mut before, was);
            put_back(&found, &mut after, is);
            continue;
        };
        if !script.is_empty() {
            let edit = Edit::Inside { at: found, script: Box::new(script) };
            entries.push(Entry::own(edit));
        }
    }
    canon::strip(&mut before);
    canon::strip(&mut after);
    let mut found = Vec::new();
    differing(&mut Path::root(), Some(&before), Some(&after), &mut found);
    entries.extend(found.into_iter().map(|raw| Entry::own(Edit::Raw(raw))));
    let mut keys = Vec::new();
    out_of_order(&mut Path::root(), &before, &after, &mut keys);
    entries.extend(
        keys.into_iter()
            .map(|(at, keys)| Entry::own(Edit::Keys { place: Place::Document, at, keys })),
    );
    let script = EditScript { format: Format::Json, entries };
    proven(script, whole)
}

/// The script, or one that says the whole document is another.
fn proven(script: EditScript, (mut before, mut after): (Value, Value)) -> EditScript {
    canon::strip(&mut before);
    canon::strip(&mut after);
    if super::apply(&before, &script).as_ref() == Ok(&after) {
        return script;
    }
    whole(before, after, Format::Json)
}

/// A script that replaces the whole document: always right, and without any detail.
pub(super) fn whole(before: Value, after: Value, format: Format) -> EditScript {
    let change = Change::new(Some(before), Some(after));
    let raw = RawEdit { place: Place::Document, at: Path::root(), change };
    EditScript { format, entries: vec![Entry::own(Edit::Raw(raw))] }
}

fn graphs(document: &Value) -> Vec<(Path, GraphKind)> {
    match kind(document) {
        Kind::Wrapped(found) => found.into_iter().map(|found| (found.at, found.kind)).collect(),
        _ => Vec::new(),
    }
}

/// The places at which both documents hold a graph.
fn shared(before: &[(Path, GraphKind)], after: &[(Path, GraphKind)]) -> Vec<Path> {
    let known: std::collections::HashSet<&Path> = before.iter().map(|(at, _)| at).collect();
    after.iter().filter(|(at, _)| known.contains(at)).map(|(at, _)| at.clone()).collect()
}

/// Whether every list on the way is as long in both documents: then an index names the
/// same element.
fn is_in_step(way: &Path, before: &Value, after: &Value) -> bool {
    (0..way.0.len()).all(|depth| {
        let at = Path(way.0[..depth].to_vec());
        match (at.get(before), at.get(after)) {
            (Some(Value::Array(before)), Some(Value::Array(after))) => before.len() == after.len(),
            (before, after) => before.is_some() && after.is_some(),
        }
    })
}

fn put_back(at: &Path, document: &mut Value, value: Value) {
    if let Some(place) = at.get_mut(document) {
        *place = value;
    }
}

fn differing(
    at: &mut Path,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<RawEdit>,
) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(key)));
            for key in keys {
                at.0.push(Step::Key(key.clone()));
                differing(at, before.get(key), after.get(key), found);
                at.0.pop();
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                at.0.push(Step::Index(index));
                differing(at, Some(before), Some(after), found);
                at.0.pop();
            }
        }
        (before, after) if before != after => {
            let change = Change::new(before.cloned(), after.cloned());
            found.push(RawEdit { place: Place::Document, at: at.clone(), change });
        }
        _ => {}
    }
}

/// Objects whose members will stand in another order once all came and went.
fn out_of_order(at: &mut Path, before: &Value, after: &Value, found: &mut Vec<(Path, Vec<Key>)>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            if !in_order(before, after) {
                found.push((at.clone(), after.keys().cloned().collect()));
            }
            for (key, value) in after.iter() {
                if let Some(was) = before.get(key) {
                    at.0.push(Step::Key(key.clone()));
                    out_of_order(at, was, value, found);
                    at.0.pop();
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                at.0.push(Step::Index(index));
                out_of_order(at, before, after, found);
                at.0.pop();
            }
        }
        _ => {}
    }
}

fn in_order(before: &Object, after: &Object) -> bool {
    let stayed = before.keys().filter(|key| after.contains_key(key));
    let came = after.keys().filter(|key| !before.contains_key(key));
    stayed.chain(came).eq(after.keys())
}
