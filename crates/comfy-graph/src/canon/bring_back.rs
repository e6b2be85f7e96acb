//! A content laid out as an earlier layout had it, as a new move: every place that differs
//! from where it is now was moved just now, all others keep their history.
//!
//! Must not know where layouts are kept, nor how contents were paired.

use super::Mode;
use super::clean::begin;
use super::clock::{Clock, Stamp};
use super::clocked::ClockedLayout;
use super::compose::{Composition, compose};
use super::matches::{Pairs, Source};
use super::stamp::{Past, geometries, has_same_looks, is_same_spot, stamp};

/// Lays a clean content out as `earlier` was, whatever content that was of. What it does not
/// know of stays where it is. `now` is the layout at hand, if there is one. Nothing for what
/// is no workflow, or has its positions already.
pub fn bring_back(
    content: &[u8],
    earlier: Source<'_>,
    now: Option<&ClockedLayout>,
    tick: Stamp,
) -> Option<Composition> {
    let mut wanted = ClockedLayout::uniform(earlier.layout.shown(), Clock::At(tick));
    if let Some(now) = now {
        leave_to_nobody(&mut wanted, earlier, now);
    }
    let here = now.map(|layout| Source { layout, pairs: Pairs::SameContent });
    let wanted = Source { layout: &wanted, pairs: earlier.pairs };
    let sources: Vec<Source<'_>> = here.into_iter().chain([wanted]).collect();
    let bytes = compose(content, &sources, Clock::At(tick))?.bytes;
    let (_, rest) = begin(&bytes, Mode::Strip).ok()?;
    let past = Past { last: here, ..Past::default() };
    let layout = stamp(&rest?.layout(), &past, tick)?;
    Some(Composition { bytes, layout })
}

/// A place that is arranged now and was the same then is still one that no person chose.
fn leave_to_nobody(wanted: &mut ClockedLayout, earlier: Source<'_>, now: &ClockedLayout) {
    for graph in &mut wanted.graphs {
        let Some(known) = now.graphs.iter().find(|known| known.at == graph.at) else { continue };
        let (then, here) = (geometries(graph), geometries(known));
        for (old, place) in &mut graph.places {
            let Some(key) = earlier.new_key(old) else { continue };
            let Some(last) = known.places.get(&key) else { continue };
            let spots = then.get(old).zip(here.get(&key));
            if last.moved == Clock::Arranged
                && spots.is_some_and(|(then, here)| is_same_spot(*then, *here))
                && has_same_looks(place, last)
            {
                place.moved = Clock::Arranged;
            }
        }
    }
}
