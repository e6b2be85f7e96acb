//! The drags of a walk, and what is known of them: the model itself.
//!
//! One drag is after another if whoever made it saw the other one's node lie there. Must
//! not know repositories.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::FILES;

/// A node by its id; 0 is the box of the group.
pub(super) type Thing = u64;
pub(super) const GROUP: Thing = 0;

pub(super) type Drag = usize;

/// What somebody is sure to know of layouts: for a file with that content, the latest
/// drags of each thing.
#[derive(Debug, Clone, Default)]
pub(super) struct Known(pub(super) BTreeMap<(usize, String), BTreeMap<Thing, BTreeSet<Drag>>>);

/// What is remembered of one drag.
pub(super) struct Made {
    pub(super) what: String,
    /// Every drag of the thing that it replaced.
    after: BTreeSet<Drag>,
}

/// All drags ever made.
#[derive(Default)]
pub(super) struct Drags {
    pub(super) made: Vec<Made>,
    /// By thousandths of a pixel: who sets something back puts it a little beside where it lay,
    /// less than counts as elsewhere, so that the place tells this drag as well.
    by_place: HashMap<(usize, Thing, [i64; 2]), Drag>,
}

impl Drags {
    pub(super) fn at(&self, file: usize, thing: Thing, place: [f64; 2]) -> Option<Drag> {
        self.by_place.get(&(file, thing, in_thousandths(place))).copied()
    }

    pub(super) fn make(
        &mut self,
        file: usize,
        thing: Thing,
        place: [f64; 2],
        over: Option<Drag>,
        by: &str,
    ) {
        let mut after = BTreeSet::new();
        if let Some(over) = over {
            after.clone_from(&self.made[over].after);
            after.insert(over);
        }
        let id = self.made.len();
        let thing_told =
            if thing == GROUP { "the group".to_owned() } else { format!("node {thing}") };
        let what = format!("drag {id} ({by}: {thing_told} of {} to {place:?})", FILES[file]);
        self.made.push(Made { what, after });
        self.by_place.insert((file, thing, in_thousandths(place)), id);
    }

    pub(super) fn replaced(&self, old: Drag, by: Drag) -> bool {
        self.made[by].after.contains(&old)
    }

    /// Those that none of the others replaced.
    pub(super) fn latest(&self, drags: &BTreeSet<Drag>) -> BTreeSet<Drag> {
        let replaced = |drag: &Drag| drags.iter().any(|by| self.replaced(*drag, *by));
        drags.iter().copied().filter(|drag| !replaced(drag)).collect()
    }
}

fn in_thousandths(place: [f64; 2]) -> [i64; 2] {
    place.map(|number| (number * 1000.0).round() as i64)
}

impl Known {
    pub(super) fn of(&self, file: usize, blob: &str) -> Option<&BTreeMap<Thing, BTreeSet<Drag>>> {
        self.0.get(&(file, blob.to_owned()))
    }

    pub(super) fn add(&mut self, drags: &Drags, file: usize, blob: &str, thing: Thing, drag: Drag) {
        let known = self.0.entry((file, blob.to_owned())).or_default().entry(thing).or_default();
        known.insert(drag);
        *known = drags.latest(known);
    }

    pub(super) fn join(&mut self, drags: &Drags, other: &Known) {
        for (file, blob) in other.0.keys() {
            self.join_one(drags, other, *file, blob);
        }
    }

    pub(super) fn join_one(&mut self, drags: &Drags, other: &Known, file: usize, blob: &str) {
        for (thing, known) in other.of(file, blob).into_iter().flatten() {
            for drag in known {
                self.add(drags, file, blob, *thing, *drag);
            }
        }
    }
}
