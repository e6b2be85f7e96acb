//! A content laid out as an earlier layout had it, as a new move: every place that differs
//! from where it is now was moved just now, all others keep their history.
//!
//! Must not know where layouts are kept, nor how contents were paired.

use super::LayoutMode;
use super::clock::{Clock, ClockStamp};
use super::clocked_layout::ClockedLayout;
use super::compose::{ComposedFile, compose_file};
use super::document::begin_clean;
use super::layout_source::{LayoutRelation, LayoutSource};
use super::stamp::{EarlierLayouts, geometries, has_same_looks, is_same_position, stamp_layout};

/// Lays a clean content out as `earlier` was, whatever content that was of. What it does not
/// know of stays where it is. `now` is the layout at hand, if there is one. Nothing for what
/// is no workflow, or has its positions already.
pub fn revert_layout(
    content: &[u8],
    earlier: LayoutSource<'_>,
    now: Option<&ClockedLayout>,
    tick: ClockStamp,
) -> Option<ComposedFile> {
    let mut wanted = ClockedLayout::uniform(earlier.layout.to_file_layout(), Clock::At(tick));
    if let Some(now) = now {
        keep_arranged_places(&mut wanted, earlier, now);
    }
    let here = now.map(|layout| LayoutSource { layout, relation: LayoutRelation::SameContent });
    let wanted = LayoutSource { layout: &wanted, relation: earlier.relation };
    let sources: Vec<LayoutSource<'_>> = here.into_iter().chain([wanted]).collect();
    let bytes = compose_file(content, &sources, Clock::At(tick))?.bytes;
    let rest = begin_clean(&bytes, LayoutMode::Strip).into_rest()?;
    let past = EarlierLayouts { last: here, ..EarlierLayouts::default() };
    let layout = stamp_layout(&rest.layout_line(), &past, tick)?;
    Some(ComposedFile { bytes, layout })
}

/// A place that is arranged now and was the same then is still one that no person chose.
fn keep_arranged_places(
    wanted: &mut ClockedLayout,
    earlier: LayoutSource<'_>,
    now: &ClockedLayout,
) {
    for graph in &mut wanted.graphs {
        let Some(known) = now.graphs.iter().find(|known| known.path == graph.path) else {
            continue;
        };
        let (then, here) = (geometries(graph), geometries(known));
        for (old, place) in &mut graph.places {
            let Some(key) = earlier.new_key(old) else { continue };
            let Some(last) = known.places.get(&key) else { continue };
            let spots = then.get(old).zip(here.get(&key));
            if last.moved == Clock::Arranged
                && spots.is_some_and(|(then, here)| is_same_position(*then, *here))
                && has_same_looks(place, last)
            {
                place.moved = Clock::Arranged;
                if let Some(origin) = graph.origins.get_mut(old) {
                    origin.moved = Clock::Arranged;
                }
            }
        }
    }
}
