//! Groups of one graph. Only their titles mean something; boxes and colours are looks.

use rustc_hash::FxHashMap;

use super::conflict::{Conflict, ConflictKind, Place};
use super::decision::Verdict;
use super::json::{in_order_of_both, verdict};
use super::ledger::Ledger;
use super::three::{Outcome, Side, Three};
use crate::graph::{Graph, Group, GroupId, Scope};
use crate::json::{Path, Step, Value};

/// What a group is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// Its id, and how many before it have the same.
    Id(GroupId, usize),
    /// In files of before 2025, which number no groups: its title, and how many before it
    /// have the same.
    Title(String, usize),
    /// The same where no side added or removed one: its index.
    Index(usize),
}

pub(super) fn merge(scope: &Scope, graphs: Three<&Graph>, ledger: &mut Ledger<'_>) -> Vec<Group> {
    let lists = graphs.map(|graph| graph.groups.as_slice());
    if lists.theirs == lists.base || lists.theirs == lists.ours {
        return lists.ours.to_vec();
    }
    let unnumbered = [lists.base, lists.ours, lists.theirs]
        .iter()
        .any(|list| list.iter().any(|group| group.id().is_none()));
    let steady = lists.base.len() == lists.ours.len() && lists.base.len() == lists.theirs.len();
    let keys = lists.map(|list| keys(list, unnumbered, steady));
    let index = Three::new(
        keys.base.iter().zip(lists.base).collect::<FxHashMap<_, _>>(),
        keys.ours.iter().zip(lists.ours).collect::<FxHashMap<_, _>>(),
        keys.theirs.iter().zip(lists.theirs).collect::<FxHashMap<_, _>>(),
    );
    let order = in_order_of_both(keys.ours.clone(), &keys.theirs);
    let settled = order.iter().filter_map(|key| {
        let groups = index.as_ref().map(|index| index.get(key).copied());
        settle(scope, groups, ledger)
    });
    settled.collect()
}

fn keys(list: &[Group], unnumbered: bool, steady: bool) -> Vec<Key> {
    let mut seen: FxHashMap<Key, usize> = FxHashMap::default();
    let mut nth = |key: Key| *seen.entry(key).and_modify(|nth| *nth += 1).or_default();
    let key = |(at, group): (usize, &Group)| match group.id() {
        _ if unnumbered && steady => Key::Index(at),
        Some(id) if !unnumbered => Key::Id(id, nth(Key::Id(id, 0))),
        _ => {
            let title = group.title().to_owned();
            let nth = nth(Key::Title(title.clone(), 0));
            Key::Title(title, nth)
        }
    };
    list.iter().enumerate().map(key).collect()
}

fn place(group: &Group, key: Option<&str>) -> Place {
    let path = Path(key.map(Step::from).into_iter().collect());
    Place::Group(group.id(), group.title().into(), path)
}

fn settle(scope: &Scope, groups: Three<Option<&Group>>, ledger: &mut Ledger<'_>) -> Option<Group> {
    match (groups.base, groups.ours, groups.theirs) {
        (_, Some(ours), Some(theirs)) => Some(both(scope, groups.base, ours, theirs, ledger)),
        (Some(base), ours, theirs) => {
            let left = ours.or(theirs)?;
            let remover = if ours.is_some() { Side::Theirs } else { Side::Ours };
            if base.title() == left.title() {
                ledger.decide(scope, None, place(left, None), Verdict::Removed(remover));
                return None;
            }
            let kind = match remover {
                Side::Ours => ConflictKind::RemovedByOurs,
                _ => ConflictKind::RemovedByTheirs,
            };
            let sides = groups.map(|group| group.map(|g| Value::Object(g.raw().clone())));
            ledger.open(Conflict::in_graph(scope, kind, place(left, None), sides));
            Some(left.clone())
        }
        (None, Some(ours), None) => Some(ours.clone()),
        (None, None, Some(theirs)) => {
            ledger.decide(scope, None, place(theirs, None), Verdict::Added(Side::Theirs));
            Some(theirs.clone())
        }
        (None, None, None) => None,
    }
}

fn both(
    scope: &Scope,
    base: Option<&Group>,
    ours: &Group,
    theirs: &Group,
    ledger: &mut Ledger<'_>,
) -> Group {
    let mut merged = ours.clone();
    let only_theirs = theirs.raw().keys().filter(|key| !ours.raw().contains_key(key));
    let keys: Vec<_> = ours.raw().keys().chain(only_theirs).cloned().collect();
    for key in keys.iter().filter(|key| *key != "id") {
        let values = Three::new(base, Some(ours), Some(theirs))
            .map(|group| group.and_then(|group| group.raw().get(key)));
        let outcome = values.settle_values();
        match outcome {
            Outcome::Theirs => match values.theirs {
                Some(value) => {
                    merged.raw_mut().insert(key.clone(), value.clone());
                }
                None => {
                    merged.raw_mut().remove(key);
                }
            },
            Outcome::Apart if key == "title" => {
                let kind = ConflictKind::BothChanged;
                let place = place(ours, Some(key));
                ledger.open(Conflict::in_graph(scope, kind, place, values.cloned()));
            }
            _ => {}
        }
        let told = match outcome {
            Outcome::Apart if key == "title" => None,
            Outcome::Apart => Some(Verdict::Looks),
            outcome => verdict(outcome, values),
        };
        if let Some(verdict) = told {
            ledger.decide(scope, None, place(ours, Some(key)), verdict);
        }
    }
    merged
}
