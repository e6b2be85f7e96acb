//! A script in the making: edits as they are found, brought into reading order at the end.
//!
//! Must not know how edits are found.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use super::edit::{Class, Edit, Entry};
use crate::graph::{NodeId, Scope};
use crate::pair::{IndexedGraph, Layer};

/// An edit of a draft, to name it as a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Token(usize);

/// Edits in the order in which they were found.
#[derive(Default)]
pub(super) struct Draft {
    entries: Vec<Entry>,
}

impl Draft {
    /// Adds an edit; `because` is the edit it follows from.
    pub(super) fn push(&mut self, edit: Edit, because: Option<Token>) -> Token {
        self.entries.push(Entry { edit, because: because.map(|token| token.0) });
        Token(self.entries.len() - 1)
    }

    /// Makes an edit a consequence of another.
    pub(super) fn blame(&mut self, token: Token, because: Token) {
        if token != because {
            self.entries[token.0].because = Some(because.0);
        }
    }

    /// Takes the cause of an edit away.
    pub(super) fn clear(&mut self, token: Token) {
        self.entries[token.0].because = None;
    }

    /// The edits so far, each with its name.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (Token, &Edit)> {
        self.entries.iter().enumerate().map(|(at, entry)| (Token(at), &entry.edit))
    }

    /// The edits so far.
    pub(super) fn edits(&self) -> impl Iterator<Item = &Edit> + Clone {
        self.entries.iter().map(|entry| &entry.edit)
    }

    /// The finished script: graph by graph, in each the structure first, then node by node,
    /// then what nobody needs to read.
    pub(super) fn finish(mut self, order: &GraphOrder) -> Vec<Entry> {
        self.settle_causes();
        let rank: Vec<Rank> = self.entries.iter().map(|entry| order.rank(&entry.edit)).collect();
        let mut places: Vec<usize> = (0..rank.len()).collect();
        places.sort_by(|&a, &b| compare(&rank[a], &rank[b]));
        let mut new_place = vec![0; places.len()];
        for (new, &old) in places.iter().enumerate() {
            new_place[old] = new;
        }
        drop(rank);
        let mut entries: Vec<Option<Entry>> = self.entries.into_iter().map(Some).collect();
        let mut take = |old: usize| {
            let mut entry = entries[old].take()?;
            entry.because = entry.because.map(|because| new_place[because]);
            Some(entry)
        };
        places.into_iter().filter_map(&mut take).collect()
    }

    /// A cause has no cause itself: what follows from a consequence follows from its cause.
    fn settle_causes(&mut self) {
        for at in 0..self.entries.len() {
            let Some(mut cause) = self.entries[at].because else { continue };
            for _ in 0..self.entries.len() {
                match self.entries[cause].because {
                    Some(next) if next != at => cause = next,
                    _ => break,
                }
            }
            self.entries[at].because = (cause != at).then_some(cause);
        }
    }
}

/// The order of graphs in a script: those of the document after in their order, the root first,
/// then those that are gone.
pub(super) struct GraphOrder(FxHashMap<Scope, usize>);

impl GraphOrder {
    pub(super) fn of(old: &IndexedGraph<'_>, new: &IndexedGraph<'_>) -> Self {
        let all = new.layers.iter().chain(&old.layers).map(|layer| layer.scope.clone());
        let mut order = FxHashMap::default();
        for scope in all {
            let next = order.len();
            order.entry(scope).or_insert(next);
        }
        GraphOrder(order)
    }

    /// Brings edits into the order in which a finished script lists them.
    pub(super) fn sort(&self, edits: Vec<Edit>) -> Vec<Edit> {
        let mut places: Vec<usize> = (0..edits.len()).collect();
        let ranks: Vec<Rank<'_>> = edits.iter().map(|edit| self.rank(edit)).collect();
        places.sort_by(|&a, &b| compare(&ranks[a], &ranks[b]));
        drop(ranks);
        let mut edits: Vec<Option<Edit>> = edits.into_iter().map(Some).collect();
        places.into_iter().filter_map(|at| edits[at].take()).collect()
    }

    fn rank<'e>(&self, edit: &'e Edit) -> Rank<'e> {
        let section = section(edit);
        let node = edit.node().map(|node| &node.key.id);
        Rank {
            graph: self.0.get(&edit.scope()).copied().unwrap_or(Layer::MAX),
            section,
            node: node.filter(|_| section != Section::Structure),
            step: step(edit),
        }
    }
}

struct Rank<'e> {
    graph: usize,
    section: Section,
    node: Option<&'e NodeId>,
    step: u8,
}

fn compare(a: &Rank<'_>, b: &Rank<'_>) -> Ordering {
    let key = |rank: &Rank<'_>| (rank.graph, rank.section);
    key(a).cmp(&key(b)).then_with(|| a.node.cmp(&b.node)).then(a.step.cmp(&b.step))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Structure,
    Nodes,
    Boundary,
    Groups,
    Bends,
    Rest,
    Bookkeeping,
    Layout,
}

fn section(edit: &Edit) -> Section {
    match edit.class() {
        Class::Layout => return Section::Layout,
        Class::Bookkeeping => return Section::Bookkeeping,
        Class::Content => {}
    }
    match edit {
        Edit::Packed { .. }
        | Edit::Unpacked { .. }
        | Edit::SubgraphAdded { .. }
        | Edit::SubgraphRemoved { .. }
        | Edit::SubgraphRenamed { .. }
        | Edit::Boundary { .. } => Section::Structure,
        Edit::GroupAdded { .. }
        | Edit::GroupRemoved { .. }
        | Edit::GroupRetitled { .. }
        | Edit::GroupColoured { .. } => Section::Groups,
        Edit::Reroute { .. } => Section::Bends,
        Edit::Wire { .. } if edit.node().is_none() => Section::Boundary,
        edit if edit.node().is_some() => Section::Nodes,
        _ => Section::Rest,
    }
}

/// The order of edits of one node.
fn step(edit: &Edit) -> u8 {
    match edit {
        Edit::NodeRemoved { .. } => 0,
        Edit::NodeAdded { .. } | Edit::NodeMoved { .. } | Edit::Retyped { .. } => 1,
        Edit::Retitled { .. } => 2,
        Edit::ModeChanged { .. } => 3,
        Edit::Widget { .. } => 4,
        Edit::Wire { .. } => 5,
        Edit::Slot { .. } | Edit::SlotLabelled { .. } => 6,
        Edit::Coloured { .. } => 7,
        _ => 8,
    }
}
