//! Replays a script: `apply(a, diff(a, b))` is the clean form of `b`.
//!
//! First the structure (what is there, under which id, wired how), then single members by
//! their places. Every edit checks that what it changes is as it was, so that a script made
//! for one state is refused by another instead of damaging it. Must not know how scripts
//! are found.

mod apply_error;
mod members;
mod rebuild_list;
mod structure;

use super::edit::{Edit, EditScript, ScriptFormat};
use crate::clean;
use crate::graph::{DocumentKind, GraphKind, Workflow, document_kind};
use crate::json::Value;

pub use apply_error::ApplyError;
pub(super) use members::{apply_key_orders, apply_members, set_member};
pub(super) use rebuild_list::rebuild_list;
pub(super) use structure::apply_structure;

/// Brings a document from the state before a script into the state after it, in clean
/// form. The document may come with its layout; the result has none.
///
/// # Errors
/// The document is of another kind, or is not as the script found it.
pub fn apply(document: &Value, script: &EditScript) -> Result<Value, ApplyError> {
    let mut value = document.clone();
    clean::strip_layout(&mut value);
    let edits: Vec<&Edit> = script.entries.iter().map(|entry| &entry.edit).collect();
    let applied = match (script.format, document_kind(&value)) {
        (ScriptFormat::Workflow, DocumentKind::Graph(GraphKind::Workflow(_))) => {
            apply_to_workflow(value, &edits)
        }
        (ScriptFormat::Prompt, DocumentKind::Graph(GraphKind::Prompt)) => {
            super::prompt::apply_to_prompt(value, &edits)
        }
        (ScriptFormat::Json, _) => super::document::apply_to_document(value, &edits),
        _ => Err(ApplyError::WrongFormat(script.format)),
    };
    applied.map_err(|refused| refused.with_node_name(script))
}

fn apply_to_workflow(value: Value, edits: &[&Edit]) -> Result<Value, ApplyError> {
    if edits.is_empty() {
        return Ok(value);
    }
    let workflow =
        Workflow::from_value(value).map_err(|_| ApplyError::WrongFormat(ScriptFormat::Workflow))?;
    let mut value = apply_structure(workflow, edits)?.into_value();
    // Edits of members count places in the order of the clean form.
    clean::strip_layout(&mut value);
    apply_members(&mut value, edits)?;
    clean::strip_layout(&mut value);
    apply_key_orders(&mut value, edits)?;
    Ok(value)
}
