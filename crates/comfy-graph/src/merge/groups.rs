//! Groups of one graph. Only their titles mean something; boxes and colours are looks.

use rustc_hash::FxHashMap;

use super::conflict::{Conflict, ConflictKind, MergePlace};
use super::decision::MergeVerdict;
use super::json_merge::{combined_order, outcome_verdict};
use super::merge_log::MergeLog;
use super::three_way::{MergeSide, ThreeWay, ThreeWayOutcome};
use crate::graph::{Graph, GraphScope, Group, GroupId};
use crate::json::{JsonPath, JsonStep, Value};

/// What a group is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum GroupKey {
    /// Its id, and how many before it have the same.
    Id(GroupId, usize),
    /// In files of before 2025, which number no groups: its title, and how many before it
    /// have the same.
    Title(String, usize),
    /// The same where no side added or removed one: its index.
    Index(usize),
}

pub(super) fn merge_groups(
    scope: &GraphScope,
    graphs: ThreeWay<&Graph>,
    log: &mut MergeLog<'_>,
) -> Vec<Group> {
    let lists = graphs.map(|graph| graph.groups.as_slice());
    if lists.theirs == lists.base || lists.theirs == lists.ours {
        return lists.ours.to_vec();
    }
    let unnumbered = [lists.base, lists.ours, lists.theirs]
        .iter()
        .any(|list| list.iter().any(|group| group.id().is_none()));
    let steady = lists.base.len() == lists.ours.len() && lists.base.len() == lists.theirs.len();
    let keys = lists.map(|list| group_keys(list, unnumbered, steady));
    let index = ThreeWay::new(
        keys.base.iter().zip(lists.base).collect::<FxHashMap<_, _>>(),
        keys.ours.iter().zip(lists.ours).collect::<FxHashMap<_, _>>(),
        keys.theirs.iter().zip(lists.theirs).collect::<FxHashMap<_, _>>(),
    );
    let order = combined_order(keys.ours.clone(), &keys.theirs);
    let settled = order.iter().filter_map(|key| {
        let groups = index.as_ref().map(|index| index.get(key).copied());
        settle_group(scope, groups, log)
    });
    settled.collect()
}

fn group_keys(list: &[Group], unnumbered: bool, steady: bool) -> Vec<GroupKey> {
    let mut seen: FxHashMap<GroupKey, usize> = FxHashMap::default();
    let mut nth = |key: GroupKey| *seen.entry(key).and_modify(|nth| *nth += 1).or_default();
    let key = |(at, group): (usize, &Group)| match group.id() {
        _ if unnumbered && steady => GroupKey::Index(at),
        Some(id) if !unnumbered => GroupKey::Id(id, nth(GroupKey::Id(id, 0))),
        _ => {
            let title = group.title().to_owned();
            let nth = nth(GroupKey::Title(title.clone(), 0));
            GroupKey::Title(title, nth)
        }
    };
    list.iter().enumerate().map(key).collect()
}

fn group_place(group: &Group, key: Option<&str>) -> MergePlace {
    let path = JsonPath(key.map(JsonStep::from).into_iter().collect());
    MergePlace::Group { id: group.id(), title: group.title().into(), path }
}

fn settle_group(
    scope: &GraphScope,
    groups: ThreeWay<Option<&Group>>,
    log: &mut MergeLog<'_>,
) -> Option<Group> {
    match (groups.base, groups.ours, groups.theirs) {
        (_, Some(ours), Some(theirs)) => Some(merge_group(scope, groups.base, ours, theirs, log)),
        (Some(base), ours, theirs) => {
            let left = ours.or(theirs)?;
            let remover = if ours.is_some() { MergeSide::Theirs } else { MergeSide::Ours };
            if base.title() == left.title() {
                log.log_decision(
                    scope,
                    None,
                    group_place(left, None),
                    MergeVerdict::Removed(remover),
                );
                return None;
            }
            let kind = match remover {
                MergeSide::Ours => ConflictKind::RemovedByOurs,
                _ => ConflictKind::RemovedByTheirs,
            };
            let sides = groups.map(|group| group.map(|g| Value::Object(g.raw().clone())));
            log.log_conflict(Conflict::in_graph(scope, kind, group_place(left, None), sides));
            Some(left.clone())
        }
        (None, Some(ours), None) => Some(ours.clone()),
        (None, None, Some(theirs)) => {
            log.log_decision(
                scope,
                None,
                group_place(theirs, None),
                MergeVerdict::Added(MergeSide::Theirs),
            );
            Some(theirs.clone())
        }
        (None, None, None) => None,
    }
}

fn merge_group(
    scope: &GraphScope,
    base: Option<&Group>,
    ours: &Group,
    theirs: &Group,
    log: &mut MergeLog<'_>,
) -> Group {
    let mut merged = ours.clone();
    let only_theirs = theirs.raw().keys().filter(|key| !ours.raw().contains_key(key));
    let keys: Vec<_> = ours.raw().keys().chain(only_theirs).cloned().collect();
    for key in keys.iter().filter(|key| *key != "id") {
        let values = ThreeWay::new(base, Some(ours), Some(theirs))
            .map(|group| group.and_then(|group| group.raw().get(key)));
        let outcome = values.settle_values();
        match outcome {
            ThreeWayOutcome::Theirs => match values.theirs {
                Some(value) => {
                    merged.raw_mut().insert(key.clone(), value.clone());
                }
                None => {
                    merged.raw_mut().remove(key);
                }
            },
            ThreeWayOutcome::Conflicting if key == "title" => {
                let kind = ConflictKind::BothChanged;
                let place = group_place(ours, Some(key));
                log.log_conflict(Conflict::in_graph(scope, kind, place, values.cloned()));
            }
            _ => {}
        }
        let told = match outcome {
            ThreeWayOutcome::Conflicting if key == "title" => None,
            ThreeWayOutcome::Conflicting => Some(MergeVerdict::KeptOurLooks),
            outcome => outcome_verdict(outcome, values),
        };
        if let Some(verdict) = told {
            log.log_decision(scope, None, group_place(ours, Some(key)), verdict);
        }
    }
    merged
}
