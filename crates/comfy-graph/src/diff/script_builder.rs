//! A script in the making: edits as they are found, brought into reading order at the end.
//!
//! Must not know how edits are found.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use super::edit::{Edit, EditClass, EditEntry};
use crate::graph::{GraphScope, NodeId};
use crate::pair::{IndexedGraph, Layer};

/// An edit of a draft, to name it as a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct EditToken(usize);

/// Edits in the order in which they were found.
#[derive(Default)]
pub(super) struct ScriptBuilder {
    entries: Vec<EditEntry>,
}

impl ScriptBuilder {
    /// Adds an edit; `because` is the edit it follows from.
    pub(super) fn push(&mut self, edit: Edit, because: Option<EditToken>) -> EditToken {
        self.entries.push(EditEntry { edit, because: because.map(|token| token.0) });
        EditToken(self.entries.len() - 1)
    }

    /// Makes an edit a consequence of another.
    pub(super) fn set_cause(&mut self, token: EditToken, because: EditToken) {
        if token != because {
            self.entries[token.0].because = Some(because.0);
        }
    }

    /// Takes the cause of an edit away.
    pub(super) fn clear_cause(&mut self, token: EditToken) {
        self.entries[token.0].because = None;
    }

    /// The edits so far, each with its name.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (EditToken, &Edit)> {
        self.entries.iter().enumerate().map(|(at, entry)| (EditToken(at), &entry.edit))
    }

    /// The edits so far.
    pub(super) fn edits(&self) -> impl Iterator<Item = &Edit> + Clone {
        self.entries.iter().map(|entry| &entry.edit)
    }

    /// The finished script: graph by graph, in each the structure first, then node by node,
    /// then what nobody needs to read.
    pub(super) fn finish(mut self, order: &GraphOrder) -> Vec<EditEntry> {
        self.flatten_causes();
        let rank: Vec<EditRank> =
            self.entries.iter().map(|entry| order.edit_rank(&entry.edit)).collect();
        let mut places: Vec<usize> = (0..rank.len()).collect();
        places.sort_by(|&a, &b| compare_ranks(&rank[a], &rank[b]));
        let mut new_place = vec![0; places.len()];
        for (new, &old) in places.iter().enumerate() {
            new_place[old] = new;
        }
        drop(rank);
        let mut entries: Vec<Option<EditEntry>> = self.entries.into_iter().map(Some).collect();
        let mut take = |old: usize| {
            let mut entry = entries[old].take()?;
            entry.because = entry.because.map(|because| new_place[because]);
            Some(entry)
        };
        places.into_iter().filter_map(&mut take).collect()
    }

    /// A cause has no cause itself: what follows from a consequence follows from its cause.
    fn flatten_causes(&mut self) {
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
pub(super) struct GraphOrder(FxHashMap<GraphScope, usize>);

impl GraphOrder {
    pub(super) fn from_graphs(old: &IndexedGraph<'_>, new: &IndexedGraph<'_>) -> Self {
        let all = new.layers.iter().chain(&old.layers).map(|layer| layer.scope.clone());
        let mut order = FxHashMap::default();
        for scope in all {
            let next = order.len();
            order.entry(scope).or_insert(next);
        }
        GraphOrder(order)
    }

    /// Brings edits into the order in which a finished script lists them.
    pub(super) fn sort_edits(&self, edits: Vec<Edit>) -> Vec<Edit> {
        let mut places: Vec<usize> = (0..edits.len()).collect();
        let ranks: Vec<EditRank<'_>> = edits.iter().map(|edit| self.edit_rank(edit)).collect();
        places.sort_by(|&a, &b| compare_ranks(&ranks[a], &ranks[b]));
        drop(ranks);
        let mut edits: Vec<Option<Edit>> = edits.into_iter().map(Some).collect();
        places.into_iter().filter_map(|at| edits[at].take()).collect()
    }

    fn edit_rank<'e>(&self, edit: &'e Edit) -> EditRank<'e> {
        let section = edit_section(edit);
        let node = edit.node().map(|node| &node.key.id);
        EditRank {
            graph: self.0.get(&edit.scope()).copied().unwrap_or(Layer::MAX),
            section,
            node: node.filter(|_| section != ScriptSection::Structure),
            step: node_edit_rank(edit),
        }
    }
}

struct EditRank<'e> {
    graph: usize,
    section: ScriptSection,
    node: Option<&'e NodeId>,
    step: u8,
}

fn compare_ranks(a: &EditRank<'_>, b: &EditRank<'_>) -> Ordering {
    let key = |rank: &EditRank<'_>| (rank.graph, rank.section);
    key(a).cmp(&key(b)).then_with(|| a.node.cmp(&b.node)).then(a.step.cmp(&b.step))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ScriptSection {
    Structure,
    Nodes,
    Boundary,
    Groups,
    Reroutes,
    Rest,
    Bookkeeping,
    Layout,
}

fn edit_section(edit: &Edit) -> ScriptSection {
    match edit.class() {
        EditClass::Layout => return ScriptSection::Layout,
        EditClass::Bookkeeping => return ScriptSection::Bookkeeping,
        EditClass::Content => {}
    }
    match edit {
        Edit::Packed { .. }
        | Edit::Unpacked { .. }
        | Edit::SubgraphAdded { .. }
        | Edit::SubgraphRemoved { .. }
        | Edit::SubgraphRenamed { .. }
        | Edit::Boundary { .. } => ScriptSection::Structure,
        Edit::GroupAdded { .. }
        | Edit::GroupRemoved { .. }
        | Edit::GroupRetitled { .. }
        | Edit::GroupColoured { .. } => ScriptSection::Groups,
        Edit::Reroute { .. } => ScriptSection::Reroutes,
        Edit::Wire { .. } if edit.node().is_none() => ScriptSection::Boundary,
        edit if edit.node().is_some() => ScriptSection::Nodes,
        _ => ScriptSection::Rest,
    }
}

/// The order of edits of one node.
fn node_edit_rank(edit: &Edit) -> u8 {
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
