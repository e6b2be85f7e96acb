//! Places without clocks on two sides of a merge: those of version 0.1.0 and of files that
//! were committed without git-comfy. No clock tells who moved something, so the common
//! ancestor does: what only one side has elsewhere, that side moved.
//!
//! Must not know where layouts are kept, nor how contents were paired.

use rustc_hash::FxHashMap;

use super::clock::{Clock, ClockStamp};
use super::clocked_layout::{ClockedLayout, Placement};
use super::layout_source::LayoutSource;
use super::placement::PlaceKey;
use super::stamp::{geometries, has_same_looks, is_same_position};
use crate::json::JsonPath;

/// The ranks of what was moved at no known time: later than everything else without a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnclockedRanks {
    floor: u64,
}

/// One side of a merge: its layout, and that of the common ancestor as it belongs to it.
#[derive(Debug)]
pub struct UnclockedSide<'a> {
    /// What is to be ranked.
    pub layout: &'a mut ClockedLayout,
    /// The ancestor's.
    pub base: LayoutSource<'a>,
}

type MovedPlaces = FxHashMap<(JsonPath, PlaceKey), Clock>;

impl UnclockedRanks {
    /// Ranks above all places without clocks in these layouts.
    pub fn above<'l>(layouts: impl Iterator<Item = &'l ClockedLayout>) -> UnclockedRanks {
        let clocks = layouts.flat_map(ClockedLayout::clocks);
        let unclocked = clocks.filter(|clock| matches!(clock, Clock::Unknown(_)));
        UnclockedRanks { floor: unclocked.map(Clock::millis).max().unwrap_or(0) }
    }

    /// For what gives way where both sides moved it.
    pub fn lower(self) -> Clock {
        Clock::unknown_since(self.floor + 1)
    }

    /// For what stays.
    pub fn upper(self) -> Clock {
        Clock::unknown_since(self.floor + 2)
    }

    /// Ranks the places without clocks that sides have elsewhere than the ancestor. Of two
    /// moves the one of the later layout counts, of equal ones ours.
    pub fn rank_moves(
        self,
        mut ours: Option<UnclockedSide<'_>>,
        theirs: Option<UnclockedSide<'_>>,
    ) {
        let our_moves = ours.as_ref().map(UnclockedSide::moved_places).unwrap_or_default();
        if let Some(mut theirs) = theirs {
            let their_moves = theirs.moved_places();
            let is_later = |key: &(JsonPath, PlaceKey), moved: Clock| {
                our_moves.get(key).is_some_and(|our_move| moved > *our_move)
            };
            theirs.rank(&their_moves, |key, moved| match is_later(key, moved) {
                true => self.upper(),
                false => self.lower(),
            });
            let gives_way = |key: &(JsonPath, PlaceKey), moved: Clock| {
                their_moves.get(key).is_some_and(|their_move| *their_move > moved)
            };
            if let Some(ours) = &mut ours {
                ours.rank(&our_moves, |key, moved| match gives_way(key, moved) {
                    true => self.lower(),
                    false => self.upper(),
                });
            }
        } else if let Some(ours) = &mut ours {
            ours.rank(&our_moves, |_, _| self.upper());
        }
    }
}

/// A place of a side that the ancestor has, too.
struct PlaceInBase<'l> {
    /// Its name in the ancestor.
    name: (JsonPath, PlaceKey),
    place: &'l Placement,
    /// When it was last moved; a group also with what is in it.
    moved: Clock,
    before: &'l Placement,
    /// It lies, and looks, as in the ancestor.
    is_unmoved: bool,
}

fn places_in_base<'l>(layout: &'l ClockedLayout, base: LayoutSource<'l>) -> Vec<PlaceInBase<'l>> {
    let mut places = Vec::new();
    for graph in &layout.graphs {
        let Some(base_graph) = base.graph(&graph.path) else { continue };
        let (here, there) = (geometries(graph), geometries(base_graph));
        for (key, place) in &graph.places {
            let known = base.find_placement(&graph.path, key, &place.class);
            let Some((old, before)) = known else { continue };
            let spots = here.get(key).zip(there.get(&old));
            let is_so = spots.is_some_and(|(here, there)| is_same_position(*here, *there));
            let is_unmoved = is_so && has_same_looks(place, before);
            let (name, moved) = ((graph.path.clone(), old), graph.last_move(key, place));
            places.push(PlaceInBase { name, place, moved, before, is_unmoved });
        }
    }
    places
}

/// Ranks what their side moved, at that time, above where ours has it, if ours did not move it
/// since the common ancestor: its clock says nothing of who moved it last.
pub fn outrank_unmoved(
    theirs: UnclockedSide<'_>,
    moved: ClockStamp,
    ours: &ClockedLayout,
    base_of_ours: LayoutSource<'_>,
) {
    let unmoved: MovedPlaces = places_in_base(ours, base_of_ours)
        .into_iter()
        .filter(|known| known.is_unmoved)
        .map(|known| (known.name, known.moved))
        .collect();
    for graph in &mut theirs.layout.graphs {
        for (key, place) in &mut graph.places {
            let Some(old) = theirs.base.old_key(key) else { continue };
            let Some(ours) = unmoved.get(&(graph.path.clone(), old)) else { continue };
            let millis = moved.millis.max(ours.millis() + 1);
            for said in [Some(place), graph.origins.get_mut(key)].into_iter().flatten() {
                if said.moved == Clock::At(moved) {
                    said.moved = Clock::At(ClockStamp { millis, ..moved });
                    said.written = said.written.max(said.moved);
                }
            }
        }
    }
}

impl UnclockedSide<'_> {
    /// The moved places, by the names they have in the ancestor.
    fn moved_places(&self) -> MovedPlaces {
        let is_unclocked = |place: &Placement| matches!(place.moved, Clock::Unknown(_));
        places_in_base(self.layout, self.base)
            .into_iter()
            .filter(|known| is_unclocked(known.place) && is_unclocked(known.before))
            .filter(|known| !known.is_unmoved)
            .map(|known| (known.name, known.moved))
            .collect()
    }

    fn rank(&mut self, moves: &MovedPlaces, rank: impl Fn(&(JsonPath, PlaceKey), Clock) -> Clock) {
        for graph in &mut self.layout.graphs {
            for (key, place) in &mut graph.places {
                let Some(old) = self.base.old_key(key) else { continue };
                let name = (graph.path.clone(), old);
                let Some(moved) = moves.get(&name) else { continue };
                let rank = rank(&name, *moved);
                for said in [Some(place), graph.origins.get_mut(key)].into_iter().flatten() {
                    if said.moved == *moved {
                        (said.moved, said.written) = (rank, rank);
                    }
                }
            }
        }
    }
}

/// The places without clocks of a layout of other content, of which the content's own layout
/// says where somebody put them: nothing tells which came later, so its own stays.
pub fn unclocked_places_known_to(
    other: LayoutSource<'_>,
    own: LayoutSource<'_>,
) -> Vec<(JsonPath, PlaceKey)> {
    let mut said = Vec::new();
    for graph in &other.layout.graphs {
        for (old, place) in &graph.places {
            let is_known = other.new_key(old).is_some_and(|key| {
                let known = own.find_placement(&graph.path, &key, &place.class);
                known.is_some_and(|(_, known)| known.moved.is_by_person())
            });
            if matches!(place.moved, Clock::Unknown(_)) && is_known {
                said.push((graph.path.clone(), old.clone()));
            }
        }
    }
    said
}
