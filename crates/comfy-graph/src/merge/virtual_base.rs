//! The common ancestor that git makes up for a criss-cross merge, by merging the several
//! real ones: it may carry conflicts, and nobody ever wrote what it says in those places.
//!
//! There the base is made to differ from whatever a side can have. So, if the sides agree
//! the place is settled, and if they do not it is a conflict, whoever of them happens to
//! have what the ancestor was left with. Must not know git.

use super::choose::choose;
use super::conflict::{Conflict, Part, Place};
use super::embed::Carrier;
use super::three::{Side, Three};
use crate::graph::{Naming, Prompt, Workflow, is_prompt};
use crate::json::Value;

/// What stands where nobody knows what the base had. No file can have it: the character
/// is not a character.
const UNKNOWN: &str = "\u{fffe}git-comfy: unknown";

/// Makes the base unknown wherever it carried a conflict.
pub(super) fn forget(base: &mut Value, carriers: &[Carrier], naming: &dyn Naming) {
    for carrier in carriers {
        let Some(Value::Object(graph)) = carrier.at.get_mut(base) else { continue };
        let conflicts = carrier.conflicts.iter().map(|carried| unknown(&carried.conflict));
        if is_prompt(graph) {
            let Ok(mut prompt) = Prompt::from_value(Value::Object(std::mem::take(graph))) else {
                continue;
            };
            for conflict in conflicts {
                super::prompt::choose(&mut prompt, &conflict, Side::Base);
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
            choose(&mut workflow, &conflict, Side::Base, naming);
        }
        if let Value::Object(object) = workflow.into_value() {
            *graph = object;
        }
    }
}

/// The conflict with an unknown base. Wires are cut, nodes get a title that no
/// side has, so that they count as changed; all else becomes a text that no side has.
fn unknown(conflict: &Conflict) -> Conflict {
    let part = |part: &Part| {
        let base = match part.place {
            Place::Input(_) | Place::Boundary(_) => Some(Value::Null),
            Place::Node => part.sides.get(conflict.kept()).clone().map(|mut node| {
                if let Some(node) = node.as_object_mut() {
                    node.insert("title", UNKNOWN);
                }
                node
            }),
            Place::Document | Place::Definition(_) | Place::Widgets => part.sides.base.clone(),
            _ => Some(Value::from(UNKNOWN)),
        };
        Part { sides: Three { base, ..part.sides.clone() }, ..part.clone() }
    };
    Conflict { parts: conflict.parts.iter().map(part).collect(), ..conflict.clone() }
}

/// Takes the unknown out of conflicts that are about it: there is no base to go back to.
pub(super) fn without_unknown(conflict: &mut Conflict) {
    for part in &mut conflict.parts {
        let unknown = match &part.sides.base {
            Some(Value::String(text)) => text == UNKNOWN,
            Some(node) => node.get("title").and_then(Value::as_str) == Some(UNKNOWN),
            None => false,
        };
        if unknown {
            part.sides.base = None;
        }
    }
}
