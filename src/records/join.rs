//! Two records of one commit become one that holds what both know.
//!
//! The join is commutative, associative and idempotent, so that clones that exchange
//! records in any order end up with the same one. Machines stand side by side; of one
//! machine's two statements about one thing the one that knows more stays, and of two that
//! know the same the earlier: it is nearer to the moment the commit was made.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use comfy_graph::json::Object;

use super::schema::{
    CommitRecord, MachineObservation, ModelClaims, ModelFact, ModelUse, PackFact, WorkflowUse,
};

impl CommitRecord {
    /// Takes in what another record of the same commit knows.
    pub(crate) fn join(&mut self, other: CommitRecord) {
        self.comfy_record = self.comfy_record.max(other.comfy_record);
        let ours = std::mem::take(&mut self.workflows);
        self.workflows = join_by_key(
            ours.into_iter().chain(other.workflows),
            |workflow| (workflow.path.clone(), workflow.blob.clone()),
            join_workflows,
        );
        for (machine, theirs) in other.seen {
            match self.seen.remove(&machine) {
                Some(ours) => drop(self.seen.insert(machine, join_observations(ours, theirs))),
                None => drop(self.seen.insert(machine, normalize_observation(theirs))),
            }
        }
        join_unknown_fields(&mut self.rest, other.rest);
    }

    /// The record in its normal order, as a join leaves it.
    #[must_use]
    pub(crate) fn normalized(self) -> CommitRecord {
        let (comfy_record, rest) = (self.comfy_record, self.rest.clone());
        let mut normal = CommitRecord { comfy_record, rest, ..CommitRecord::default() };
        normal.join(self);
        normal
    }
}

/// Items by key in the order of the keys; those with one key are joined.
pub(crate) fn join_by_key<T: Clone, K: Ord>(
    items: impl Iterator<Item = T>,
    key: impl Fn(&T) -> K,
    join: impl Fn(T, T) -> T,
) -> Vec<T> {
    let mut all: BTreeMap<K, T> = BTreeMap::new();
    for item in items {
        let key = key(&item);
        let item = match all.remove(&key) {
            Some(known) => join(known, item),
            // Joined with itself an item comes into its normal order.
            None => join(item.clone(), item),
        };
        all.insert(key, item);
    }
    all.into_values().collect()
}

fn join_workflows(mut ours: WorkflowUse, theirs: WorkflowUse) -> WorkflowUse {
    ours.models = join_by_key(
        ours.models.into_iter().chain(theirs.models),
        |model| (model.folder.clone(), model.name.clone()),
        join_model_uses,
    );
    ours.classes.extend(theirs.classes);
    ours.classes.sort();
    ours.classes.dedup();
    join_unknown_fields(&mut ours.rest, theirs.rest);
    ours
}

fn join_model_uses(mut ours: ModelUse, theirs: ModelUse) -> ModelUse {
    ours.by = ours.by.max(theirs.by);
    ours.at.extend(theirs.at);
    ours.at.sort();
    ours.at.dedup();
    let ModelClaims { hashes, urls } = theirs.claims;
    ours.claims.hashes.extend(hashes);
    ours.claims.urls.extend(urls);
    ours
}

/// One machine looked twice: the first look at the environment and at each pack counts,
/// of each model the statement that knows more.
fn join_observations(ours: MachineObservation, theirs: MachineObservation) -> MachineObservation {
    let models = join_by_key(
        ours.models.into_iter().chain(theirs.models),
        |fact| (fact.folder.clone(), fact.name.clone()),
        join_model_facts,
    );
    let packs = join_by_key(
        ours.packs.into_iter().chain(theirs.packs),
        |pack| pack.name.clone(),
        join_pack_facts,
    );
    let environment = match (ours.environment, theirs.environment) {
        (Some(ours), Some(theirs)) => {
            Some(pick_earlier(ours, theirs, |environment| &environment.at))
        }
        (ours, theirs) => ours.or(theirs),
    };
    let placed =
        |class: &String| packs.iter().any(|pack: &PackFact| pack.classes.contains_key(class));
    let unplaced =
        ours.unplaced.into_iter().chain(theirs.unplaced).filter(|c| !placed(c)).collect();
    // What one look completed is complete.
    let pending = ours.pending.intersection(&theirs.pending).copied().collect();
    let (at, with) = (ours.at, ours.with).min((theirs.at, theirs.with));
    let mut rest = ours.rest;
    join_unknown_fields(&mut rest, theirs.rest);
    MachineObservation { at, with, environment, models, packs, unplaced, pending, rest }
}

/// The order of states is that of how much is known.
fn join_model_facts(ours: ModelFact, theirs: ModelFact) -> ModelFact {
    match ours.status.cmp(&theirs.status) {
        Ordering::Greater => ours,
        Ordering::Less => theirs,
        Ordering::Equal => pick_earlier(ours, theirs, |fact| &fact.at),
    }
}

/// The earlier of two; of two of the same moment always the same one.
fn pick_earlier<T: Ord>(ours: T, theirs: T, at: impl Fn(&T) -> &String) -> T {
    match at(&ours).cmp(at(&theirs)) {
        Ordering::Less => ours,
        Ordering::Greater => theirs,
        Ordering::Equal => ours.max(theirs),
    }
}

fn normalize_observation(seen: MachineObservation) -> MachineObservation {
    let same = seen.clone();
    join_observations(seen, same)
}

/// One pack seen twice: the first look counts, the classes are united.
pub(crate) fn join_pack_facts(ours: PackFact, theirs: PackFact) -> PackFact {
    let bare = |pack: &PackFact| PackFact {
        classes: BTreeMap::new(),
        also: std::collections::BTreeSet::new(),
        ..pack.clone()
    };
    let mut classes = ours.classes.clone();
    for (class, evidence) in &theirs.classes {
        classes
            .entry(class.clone())
            .and_modify(|ours| *ours = (*ours).max(*evidence))
            .or_insert(*evidence);
    }
    let also = ours.also.union(&theirs.also).cloned().collect();
    PackFact { classes, also, ..pick_earlier(bare(&ours), bare(&theirs), |pack| &pack.at) }
}

/// Fields nobody here knows: all of them, and of two values the greater by its text.
pub(crate) fn join_unknown_fields(ours: &mut Object, theirs: Object) {
    for (key, value) in theirs {
        if ours.get(&key).is_none_or(|known| known.to_string() < value.to_string()) {
            ours.insert(key, value);
        }
    }
    ours.sort_by_key(str::to_owned);
}

/// The law of every join: the order, the number of times and the company in which
/// documents meet make no difference.
#[cfg(test)]
pub(crate) fn is_union<T: Clone + PartialEq + std::fmt::Debug>(
    join: fn(&mut T, T),
    [a, b, c]: [&T; 3],
) -> Result<(), proptest::test_runner::TestCaseError> {
    let join = |one: &T, other: &T| {
        let mut joined = one.clone();
        join(&mut joined, other.clone());
        joined
    };
    proptest::prop_assert_eq!(&join(a, a), a);
    proptest::prop_assert_eq!(join(a, b), join(b, a));
    let both = join(a, b);
    proptest::prop_assert_eq!(&join(&both, a), &both);
    proptest::prop_assert_eq!(join(&both, c), join(a, &join(b, c)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::dependencies::UNKNOWN_FOLDER;
    use crate::records::schema::*;

    fn uses() -> impl Strategy<Value = ModelUse> {
        ("a|b|unknown", "[xy]", 0..4u8, "[12]").prop_map(|(folder, name, by, node)| ModelUse {
            folder,
            name,
            by: [
                ModelEvidence::Matched,
                ModelEvidence::Prompt,
                ModelEvidence::Properties,
                ModelEvidence::Catalog,
            ][usize::from(by)],
            at: vec![WidgetSite {
                subgraph: None,
                node,
                class: "L".into(),
                input: "n".into(),
                off: None,
            }],
            claims: ModelClaims { urls: ["u".to_owned()].into(), ..ModelClaims::default() },
        })
    }

    fn facts() -> impl Strategy<Value = ModelFact> {
        ("[ab]", "[xy]", 0..3u8, 0..3u64, "[1-3]").prop_map(|(folder, name, status, size, at)| {
            ModelFact {
                folder,
                at,
                name,
                status: [ModelStatus::Pending, ModelStatus::Missing, ModelStatus::Hashed]
                    [usize::from(status)],
                size: Some(size),
                ..ModelFact::default()
            }
        })
    }

    fn packs() -> impl Strategy<Value = PackFact> {
        ("[pq]", "[12]", "[CD]", any::<bool>(), "[1-3]").prop_map(
            |(name, version, class, source, at)| PackFact {
                name,
                at,
                version: Some(version),
                classes: [(
                    class,
                    if source { PackEvidence::Source } else { PackEvidence::Claimed },
                )]
                .into(),
                ..PackFact::default()
            },
        )
    }

    fn seens() -> impl Strategy<Value = MachineObservation> {
        let lists = (
            prop::collection::vec(facts(), 0..4),
            prop::collection::vec(packs(), 0..3),
            prop::collection::btree_set("[CDE]", 0..3),
        );
        ("[1-3]", prop::option::of("[vw]"), lists, any::<bool>()).prop_map(
            |(at, comfyui, (models, packs, unplaced), waits)| MachineObservation {
                environment: comfyui.map(|v| ComfyEnvironment {
                    comfyui: Some(v),
                    at: at.clone(),
                    ..ComfyEnvironment::default()
                }),
                models,
                packs,
                unplaced,
                pending: waits.then_some(PendingPart::Environment).into_iter().collect(),
                at,
                ..MachineObservation::default()
            },
        )
    }

    fn records() -> impl Strategy<Value = CommitRecord> {
        let workflow = ("[fg]", "[01]", prop::collection::vec(uses(), 0..4)).prop_map(
            |(path, blob, models)| WorkflowUse {
                path,
                blob,
                models,
                classes: Vec::new(),
                rest: Object::new(),
            },
        );
        (prop::collection::vec(workflow, 0..3), prop::collection::btree_map("[mn]", seens(), 0..3))
            .prop_map(|(workflows, seen)| {
                CommitRecord { workflows, seen, ..CommitRecord::default() }.normalized()
            })
    }

    proptest! {
        #[test]
        fn joining_is_a_union(a in records(), b in records(), c in records()) {
            is_union(CommitRecord::join, [&a, &b, &c])?;
        }
    }

    #[test]
    fn a_model_that_one_machine_could_place_is_told_once() {
        let uses = |folder: &str, node: &str| ModelUse {
            folder: folder.into(),
            name: "x".into(),
            by: ModelEvidence::Matched,
            at: vec![WidgetSite {
                subgraph: None,
                node: node.into(),
                class: "L".into(),
                input: "n".into(),
                off: None,
            }],
            claims: ModelClaims::default(),
        };
        let workflow = WorkflowUse {
            path: "f".into(),
            blob: "0".into(),
            models: vec![uses("loras", "1"), uses(UNKNOWN_FOLDER, "1"), uses(UNKNOWN_FOLDER, "2")],
            classes: Vec::new(),
            rest: Object::new(),
        };
        let told: Vec<_> =
            workflow.distinct_models().map(|m| (&*m.folder, &*m.at[0].node)).collect();
        assert_eq!(told, [("loras", "1"), (UNKNOWN_FOLDER, "2")]);
    }

    #[test]
    fn what_was_seen_first_stays() {
        let look = |at: &str, version: &str| CommitRecord {
            seen: [(
                "m".to_owned(),
                MachineObservation {
                    at: at.into(),
                    environment: Some(ComfyEnvironment {
                        at: at.into(),
                        comfyui: Some(version.into()),
                        ..ComfyEnvironment::default()
                    }),
                    packs: vec![PackFact {
                        name: "p".into(),
                        at: at.into(),
                        version: Some(version.into()),
                        ..PackFact::default()
                    }],
                    models: vec![ModelFact {
                        at: at.into(),
                        status: ModelStatus::Hashed,
                        why: Some(version.into()),
                        ..ModelFact::default()
                    }],
                    ..MachineObservation::default()
                },
            )]
            .into(),
            ..CommitRecord::default()
        };
        let mut joined = look("2026-11-23", "later");
        joined.join(look("2026-11-22", "first"));
        let seen = &joined.seen["m"];
        assert_eq!(seen.environment.as_ref().unwrap().comfyui.as_deref(), Some("first"));
        assert_eq!(seen.packs[0].version.as_deref(), Some("first"));
        assert_eq!(seen.models[0].why.as_deref(), Some("first"));
        assert_eq!(seen.at, "2026-11-22");
    }

    #[test]
    fn what_was_completed_stays_complete() {
        let fact = |status| ModelFact {
            folder: "loras".into(),
            name: "a".into(),
            status,
            ..ModelFact::default()
        };
        let record = |status, pending: &[PendingPart]| CommitRecord {
            seen: [(
                "m".to_owned(),
                MachineObservation {
                    at: "2026".into(),
                    models: vec![fact(status)],
                    pending: pending.iter().copied().collect(),
                    ..MachineObservation::default()
                },
            )]
            .into(),
            ..CommitRecord::default()
        };
        let mut joined = record(ModelStatus::Pending, &[PendingPart::Packs]);
        assert!(joined.is_pending("m"));
        joined.join(record(ModelStatus::Hashed, &[]));
        joined.join(record(ModelStatus::Pending, &[PendingPart::Packs]));
        assert!(!joined.is_pending("m") && joined.is_pending("another machine"));
        assert_eq!(joined.seen["m"].models[0].status, ModelStatus::Hashed);
    }
}
