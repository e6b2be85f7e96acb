//! What changed between two workflows, step by step:
//!
//! ```text
//! clean both ─ pair ─ slots ─ structure ─ widgets ─┬─ replay on the first ─ residue ─ order
//!                                     layouts ─────┘
//! ```
//!
//! The residue is what replaying the edits so far leaves different, so nothing can be
//! forgotten. Must not know how any step works.

use super::apply::structure as replay;
use super::document::whole;
use super::draft::{Draft, GraphOrder};
use super::edit::{Edit, EditScript, Format};
use super::layout::Layouts;
use super::net::Net;
use super::pair::pair;
use super::widgets::Widgeting;
use super::wires::Matched;
use super::{residue, slots, structure};
use crate::canon;
use crate::graph::{Naming, Workflow};
use crate::json::{Object, Value};

/// Compares two workflows, cleaned or not. Nothing comes back if one is none.
pub(super) fn diff(mut before: Value, mut after: Value, naming: &dyn Naming) -> Option<EditScript> {
    let was = layout(&mut before);
    let is = layout(&mut after);
    let old = Workflow::from_value(before.clone()).ok()?;
    let new = Workflow::from_value(after.clone()).ok()?;
    let (old_net, new_net) = (Net::of(&old), Net::of(&new));
    let pairing = pair(&old_net, &new_net);
    let order = GraphOrder::of(&old_net, &new_net);
    let mut draft = Draft::default();
    if before != after {
        let slots = slots::compare(&old_net, &new_net, &pairing, &mut draft);
        let widgets = Widgeting { old: &old_net, new: &new_net, naming };
        let matched = Matched { old: &old_net, new: &new_net, pairing: &pairing, slots: &slots };
        structure::compare(matched, widgets, &mut draft);
        for (spot, partner) in pairing.old_of.iter().enumerate() {
            for edit in partner.iter().flat_map(|&partner| widgets.compare(partner, spot)) {
                draft.push(edit, None);
            }
        }
    }
    let layouts = Layouts { old: &old_net, new: &new_net, pairing: &pairing };
    let layouts = layouts.compare(&was, &is);
    drop(old_net);
    if before != after {
        let edits: Vec<&Edit> = draft.edits().collect();
        let structured = replay(old, &edits).ok().map(|workflow| {
            let mut value = workflow.into_value();
            canon::strip(&mut value);
            value
        });
        let rest = structured.and_then(|value| {
            residue::compare(value, &after, &new_net, &order, residue::Shape::Workflow)
        });
        let Some(rest) = rest else {
            return Some(whole(before, after, Format::Workflow));
        };
        for edit in rest {
            draft.push(edit, None);
        }
    }
    for edit in layouts {
        draft.push(edit, None);
    }
    Some(EditScript { format: Format::Workflow, entries: draft.finish(&order) })
}

/// Cleans a workflow in place. Gives what was taken out.
fn layout(document: &mut Value) -> Object {
    let mut stripped = canon::strip(document);
    stripped.pop().map(|stripped| stripped.layout).unwrap_or_default()
}
