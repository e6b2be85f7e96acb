//! What changed between two workflows, step by step:
//!
//! ```text
//! clean both ─ pair ─ slots ─ structure ─ widgets ─ replay on the first ─ residue ─┐
//!                └─ layouts ───────────────────────── migrations ─ reading order ──┘
//! ```
//!
//! The residue is what replaying the edits so far leaves different, so nothing can be
//! forgotten. Must not know how any step works.

use super::apply::structure as replay;
use super::document::whole;
use super::draft::{Draft, GraphOrder};
use super::edit::{Edit, EditScript, Format};
use super::layout::Layouts;
use super::migration::Migrations;
use super::widgets::Widgeting;
use super::wires::Matched;
use super::{residue, slots, structure};
use crate::canon;
use crate::graph::{Naming, Workflow};
use crate::json::{Object, Value};
use crate::pair::{IndexedGraph, pair};

/// Compares two workflows, cleaned or not. Nothing comes back if one is none.
pub(super) fn diff(mut before: Value, mut after: Value, naming: &dyn Naming) -> Option<EditScript> {
    let was = layout(&mut before);
    let is = layout(&mut after);
    let same = before == after;
    let old = Workflow::from_value(before).ok()?;
    let new = Workflow::from_value(after.clone()).ok()?;
    let (old_net, new_net) = (IndexedGraph::new(&old), IndexedGraph::new(&new));
    let pairing = pair(&old_net, &new_net);
    let order = GraphOrder::of(&old_net, &new_net);
    let mut draft = Draft::default();
    if !same {
        let slots = slots::compare(&old_net, &new_net, &pairing, &mut draft);
        let widgets = Widgeting::new(&old_net, &new_net, naming);
        let matched = Matched { old: &old_net, new: &new_net, pairing: &pairing, slots: &slots };
        structure::compare(matched, &widgets, &mut draft);
        for (spot, partner) in pairing.old_of.iter().enumerate() {
            for edit in partner.iter().flat_map(|&partner| widgets.compare(partner, spot)) {
                draft.push(edit, None);
            }
        }
        match residue(&old, &draft, &after, &new_net, &order) {
            Some(rest) => rest.into_iter().for_each(|edit| {
                draft.push(edit, None);
            }),
            None => return Some(whole(old.into_value(), after, Format::Workflow)),
        }
        let (old, new) = (&old_net, &new_net);
        Migrations { old, new, pairing: &pairing, widgets: &widgets }.recognize(&mut draft);
    }
    let layouts = Layouts { old: &old_net, new: &new_net, pairing: &pairing };
    for edit in layouts.compare(&was, &is) {
        draft.push(edit, None);
    }
    Some(EditScript { format: Format::Workflow, entries: draft.finish(&order) })
}

/// What replaying the edits so far leaves different; nothing if they cannot be replayed.
fn residue(
    old: &Workflow,
    draft: &Draft,
    after: &Value,
    new: &IndexedGraph<'_>,
    order: &GraphOrder,
) -> Option<Vec<Edit>> {
    let edits: Vec<&Edit> = draft.edits().collect();
    let mut value = replay(old.clone(), &edits).ok()?.into_value();
    canon::strip(&mut value);
    residue::compare(value, after, new, order, residue::Shape::Workflow)
}

/// Cleans a workflow in place. Gives what was taken out.
fn layout(document: &mut Value) -> Object {
    let mut stripped = canon::strip(document);
    stripped.pop().map(|stripped| stripped.layout).unwrap_or_default()
}
