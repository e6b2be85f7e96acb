//! Replays a script: `apply(a, diff(a, b))` is the clean form of `b`.
//!
//! First the structure (what is there, under which id, wired how), then single members by
//! their places. Every edit checks that what it changes is as it was, so that a script made
//! for one state is refused by another instead of damaging it. Must not know how scripts
//! are found.

mod lists;
mod members;
mod refused;
mod structure;

use super::edit::{Edit, EditScript, Format};
use crate::canon;
use crate::graph::{GraphKind, Kind, Workflow, kind};
use crate::json::Value;

pub(super) use lists::rebuild;
pub(super) use members::{members, order_keys, set_member};
pub use refused::Refused;
pub(super) use structure::structure;

/// Brings a document from the state before a script into the state after it, in clean
/// form. The document may come with its layout; the result has none.
///
/// # Errors
/// The document is of another kind, or is not as the script found it.
pub fn apply(document: &Value, script: &EditScript) -> Result<Value, Refused> {
    let mut value = document.clone();
    canon::strip(&mut value);
    let edits: Vec<&Edit> = script.entries.iter().map(|entry| &entry.edit).collect();
    let applied = match (script.format, kind(&value)) {
        (Format::Workflow, Kind::Graph(GraphKind::Workflow(_))) => workflow(value, &edits),
        (Format::Prompt, Kind::Graph(GraphKind::Prompt)) => super::prompt::apply(value, &edits),
        (Format::Json, _) => super::document::apply(value, &edits),
        _ => Err(Refused::Kind(script.format)),
    };
    applied.map_err(|refused| refused.named(script))
}

fn workflow(value: Value, edits: &[&Edit]) -> Result<Value, Refused> {
    if edits.is_empty() {
        return Ok(value);
    }
    let workflow = Workflow::from_value(value).map_err(|_| Refused::Kind(Format::Workflow))?;
    let mut value = structure(workflow, edits)?.into_value();
    // Edits of members count places in the order of the clean form.
    canon::strip(&mut value);
    members(&mut value, edits)?;
    canon::strip(&mut value);
    order_keys(&mut value, edits)?;
    Ok(value)
}
