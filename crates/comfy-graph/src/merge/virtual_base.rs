//! The common ancestor that git makes up for a criss-cross merge, by merging the several
//! real ones: it may carry conflicts, and nobody ever wrote what it says in those places.
//!
//! There the base is made to differ from whatever a side can have. So, if the sides agree
//! the place is settled, and if they do not it is a conflict, whoever of them happens to
//! have what the ancestor was left with. Must not know git.

use super::conflict::{Conflict, ConflictPart, MergePlace};
use super::conflict_embedding::GraphConflicts;
use super::side_writer::write_side_of_conflict;
use super::three_way::{MergeSide, ThreeWay};
use crate::graph::{Prompt, WidgetNaming, Workflow, is_prompt};
use crate::json::Value;

/// What stands where nobody knows what the base had. No file can have it: the character
/// is not a character.
const UNKNOWN_TEXT: &str = "\u{fffe}git-comfy: unknown";

/// Makes the base unknown wherever it carried a conflict.
pub(super) fn make_conflicts_unknown(
    base: &mut Value,
    carriers: &[GraphConflicts],
    naming: &dyn WidgetNaming,
) {
    for carrier in carriers {
        let Some(Value::Object(graph)) = carrier.at.get_mut(base) else { continue };
        let conflicts =
            carrier.conflicts.iter().map(|carried| with_unknown_base(&carried.conflict));
        if is_prompt(graph) {
            let Ok(mut prompt) = Prompt::from_value(Value::Object(std::mem::take(graph))) else {
                continue;
            };
            for conflict in conflicts {
                super::prompt::write_side_in_prompt(&mut prompt, &conflict, MergeSide::Base);
            }
            if let Value::Object(object) = prompt.into_value() {
                *graph = object;
            }
            continue;
        }
        let Ok(mut workflow) = Workflow::from_value(Value::Object(std::mem::take(graph))) else {
            continue;
        };
        for conflict in conflicts {
            write_side_of_conflict(&mut workflow, &conflict, MergeSide::Base, naming);
        }
        if let Value::Object(object) = workflow.into_value() {
            *graph = object;
        }
    }
}

/// The conflict with an unknown base. Wires are cut, nodes get a title that no
/// side has, so that they count as changed; all else becomes a text that no side has.
fn with_unknown_base(conflict: &Conflict) -> Conflict {
    let part = |part: &ConflictPart| {
        let base = match part.place {
            MergePlace::Input(_) | MergePlace::Boundary(_) => Some(Value::Null),
            MergePlace::Node => part.sides.get(conflict.kept_side()).clone().map(|mut node| {
                if let Some(node) = node.as_object_mut() {
                    node.insert("title", UNKNOWN_TEXT);
                }
                node
            }),
            MergePlace::Document | MergePlace::Definition(_) | MergePlace::Widgets => {
                part.sides.base.clone()
            }
            _ => Some(Value::from(UNKNOWN_TEXT)),
        };
        ConflictPart { sides: ThreeWay { base, ..part.sides.clone() }, ..part.clone() }
    };
    Conflict { parts: conflict.parts.iter().map(part).collect(), ..conflict.clone() }
}

/// Takes the unknown out of conflicts that are about it: there is no base to go back to.
pub(super) fn clear_unknown_base(conflict: &mut Conflict) {
    for part in &mut conflict.parts {
        let unknown = match &part.sides.base {
            Some(Value::String(text)) => text == UNKNOWN_TEXT,
            Some(node) => node.get("title").and_then(Value::as_str) == Some(UNKNOWN_TEXT),
            None => false,
        };
        if unknown {
            part.sides.base = None;
        }
    }
}
