//! What changed between two workflows, step by step:
//!
//! ```text
//! clean both ─ pair ─ slots ─ structure ─ widgets ─ replay on the first ─ residue ─┐
//!                └─ layouts ───────────────────────── migrations ─ reading order ──┘
//! ```
//!
//! The residue is what replaying the edits so far leaves different, so nothing can be
//! forgotten. Must not know how any step works.

use super::apply::apply_structure as replay;
use super::document::replacement_script;
use super::edit::{Edit, EditScript, ScriptFormat};
use super::embedded_values::name_embedded_value;
use super::layout::LayoutComparison;
use super::migration::MigrationDetector;
use super::script_builder::{GraphOrder, ScriptBuilder};
use super::widgets::WidgetComparison;
use super::wires::PairedGraphs;
use super::{member_edits, slots, structure};
use crate::clean;
use crate::graph::{WidgetNaming, Workflow};
use crate::json::{Object, Value};
use crate::pair::{IndexedGraph, pair_workflows};

/// Compares two workflows, cleaned or not. Nothing comes back if one is none.
pub(super) fn diff_workflows(
    mut before: Value,
    mut after: Value,
    naming: &dyn WidgetNaming,
) -> Option<EditScript> {
    let was = strip_root_layout(&mut before);
    let is = strip_root_layout(&mut after);
    let same = before == after;
    let old = Workflow::from_value(before).ok()?;
    let new = Workflow::from_value(after.clone()).ok()?;
    let (old_net, new_net) = (IndexedGraph::new(&old), IndexedGraph::new(&new));
    let pairing = pair_workflows(&old_net, &new_net);
    let order = GraphOrder::from_graphs(&old_net, &new_net);
    let mut draft = ScriptBuilder::default();
    if !same {
        let slots = slots::compare_slots(&old_net, &new_net, &pairing, &mut draft);
        let widgets = WidgetComparison::new(&old_net, &new_net, naming);
        let matched =
            PairedGraphs { old: &old_net, new: &new_net, pairing: &pairing, slots: &slots };
        structure::compare_structure(matched, &widgets, &mut draft);
        for (spot, partner) in pairing.old_of.iter().enumerate() {
            for edit in partner.iter().flat_map(|&partner| widgets.compare_widgets(partner, spot)) {
                draft.push(edit, None);
            }
        }
        match remaining_edits(&old, &draft, &after, &new_net, &order) {
            Some(rest) => rest.into_iter().for_each(|edit| {
                draft.push(name_embedded_value(edit, &after, &new, naming), None);
            }),
            None => {
                return Some(replacement_script(old.into_value(), after, ScriptFormat::Workflow));
            }
        }
        let (old, new) = (&old_net, &new_net);
        MigrationDetector { old, new, pairing: &pairing, widgets: &widgets }.recognize(&mut draft);
    }
    let layouts = LayoutComparison { old: &old_net, new: &new_net, pairing: &pairing };
    for edit in layouts.compare_layouts(&was, &is) {
        draft.push(edit, None);
    }
    Some(EditScript { format: ScriptFormat::Workflow, entries: draft.finish(&order) })
}

/// What replaying the edits so far leaves different; nothing if they cannot be replayed.
fn remaining_edits(
    old: &Workflow,
    draft: &ScriptBuilder,
    after: &Value,
    new: &IndexedGraph<'_>,
    order: &GraphOrder,
) -> Option<Vec<Edit>> {
    let edits: Vec<&Edit> = draft.edits().collect();
    let mut value = replay(old.clone(), &edits).ok()?.into_value();
    clean::strip_layout(&mut value);
    member_edits::compare_members(value, after, new, order, member_edits::DocumentShape::Workflow)
}

/// Cleans a workflow in place. Gives what was taken out.
fn strip_root_layout(document: &mut Value) -> Object {
    let mut stripped = clean::strip_layout(document);
    stripped.pop().map(|stripped| stripped.layout).unwrap_or_default()
}
