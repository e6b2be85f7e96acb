//! Names for values that a file does not name, taken from another state of the node that does.
//!
//! A frontend that names values, or a pack that gained one, comes to one side first. Values
//! that stayed what they were say which is which. Must not know what is merged.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::sequence::meaning_text;
use super::three_way::{MergeSide, ThreeWay};
use crate::graph::{Widget, WidgetLocation, WidgetName, WidgetRole};

/// Beyond this many values a list is no list of widgets.
const MAX_ALIGNED: usize = 1000;

/// Gives each side names that it lacks, if another has them.
pub(super) fn share_names(named: ThreeWay<Vec<Widget<'_>>>) -> ThreeWay<Vec<Widget<'_>>> {
    const SIDES: [MergeSide; 3] = [MergeSide::Base, MergeSide::Ours, MergeSide::Theirs];
    let lacks = |shared: &ThreeWay<Vec<Widget<'_>>>, side: MergeSide| {
        !shared.get(side).is_empty() && !is_named(shared.get(side))
    };
    let mut shared = named;
    // What has names by now may give them on to what has as many values.
    for _ in SIDES {
        for side in SIDES {
            if !lacks(&shared, side) {
                continue;
            }
            let own = shared.get(side);
            let mut known: Vec<&Vec<Widget<'_>>> = SIDES
                .into_iter()
                .filter(|other| *other != side && !lacks(&shared, *other))
                .map(|other| shared.get(other))
                .filter(|known| !known.is_empty())
                .collect();
            known.sort_by_key(|known| known.len() != own.len());
            let fits_none = known.iter().all(|known| known.len() != own.len());
            let found = known.into_iter().find_map(|known| names_for(own, known));
            // A side that has as many values as the base waits for the names of that.
            let waits = side != MergeSide::Base && lacks(&shared, MergeSide::Base);
            let found = found.filter(|_| !(fits_none && waits));
            if let Some(widgets) = found {
                *shared.get_mut(side) = widgets;
            }
        }
    }
    shared
}

/// Whether all states that have values have names for them, or none.
pub(super) fn are_named_alike(named: &ThreeWay<Vec<Widget<'_>>>) -> bool {
    let sides = [&named.base, &named.ours, &named.theirs];
    let mut filled = sides.into_iter().filter(|widgets| !widgets.is_empty());
    let Some(first) = filled.next() else { return true };
    filled.all(|widgets| is_named(widgets) == is_named(first))
}

fn is_named(widgets: &[Widget<'_>]) -> bool {
    widgets.iter().all(|widget| widget.name.as_str().is_some())
}

/// The values with the names that the same values have in another state; nothing if that names
/// not all of them.
fn names_for<'a>(unnamed: &[Widget<'a>], known: &[Widget<'_>]) -> Option<Vec<Widget<'a>>> {
    let is_listed = |widget: &Widget<'_>| matches!(widget.location, WidgetLocation::Index(_));
    if unnamed.len() > MAX_ALIGNED
        || known.len() > MAX_ALIGNED
        || !unnamed.iter().chain(known).all(is_listed)
    {
        return None;
    }
    let texts = |widgets: &[Widget<'_>]| -> Vec<String> {
        widgets.iter().map(|widget| meaning_text(widget.value)).collect()
    };
    let mut partners: Vec<Option<usize>> = vec![None; unnamed.len()];
    if unnamed.len() == known.len() {
        partners = (0..unnamed.len()).map(Some).collect();
    } else {
        let ops = capture_diff_slices(Algorithm::Myers, &texts(unnamed), &texts(known));
        for op in ops {
            let (old, new) = (op.old_range(), op.new_range());
            let is_pairing = match op {
                DiffOp::Equal { .. } => true,
                DiffOp::Replace { .. } => old.len() == new.len(),
                _ => false,
            };
            if is_pairing {
                for (at, partner) in old.zip(new) {
                    partners[at] = Some(partner);
                }
            }
        }
    }
    let named = unnamed.iter().zip(partners).map(|(widget, partner)| {
        let known = &known[partner?];
        let same_kind = widget.value.is_null()
            || known.value.is_null()
            || widget.value.kind_name() == known.value.kind_name();
        same_kind.then(|| Widget {
            name: known.name.clone(),
            role: match widget.role {
                WidgetRole::Plain => known.role,
                role => role,
            },
            ..widget.clone()
        })
    });
    let named: Vec<Widget<'a>> = named.collect::<Option<_>>()?;
    let mut names: Vec<&WidgetName> = named.iter().map(|widget| &widget.name).collect();
    names.sort();
    names.dedup();
    (names.len() == named.len()).then_some(named)
}
