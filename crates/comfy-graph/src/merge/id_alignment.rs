//! Which node of one side is which of the other, and one id for each.
//!
//! After [`align_ids`] an id means the same thing in all three documents, and no two things
//! share one that did not share it before. So a graph can be merged by id alone, and the
//! ids are those of the result. What theirs added under an id that ours gave to something
//! else gets a new one, everywhere it occurs. Must not know how things are merged.

use rustc_hash::{FxHashMap, FxHashSet};

use super::three_way::ThreeWay;
use crate::graph::{
    Graph, GraphScope, GroupId, Link, LinkId, NodeId, NodeKey, Renumbering, RerouteId, Wires,
    Workflow,
};
use crate::pair::{
    IndexedGraph, NodeIndex, Pairing, TwinSearch, find_twins, find_twins_by_wires, pair_workflows,
};

/// Ids beyond this are minted at random by newer frontends; counting goes on below.
const RANDOM_ID_START: i64 = 1 << 40;

/// Three documents in which equal ids mean equal things.
pub(super) struct AlignedWorkflows {
    pub(super) sides: ThreeWay<Workflow>,
    /// What became of the ids of theirs. Scopes are those theirs had.
    pub(super) theirs: Renumbering,
    /// New ids that theirs got because ours had taken theirs, to be reported.
    pub(super) moved: MovedIds,
}

/// Things of theirs that had to get out of the way.
#[derive(Default)]
pub(super) struct MovedIds {
    pub(super) nodes: Vec<(GraphScope, NodeId, NodeId)>,
    pub(super) links: Vec<(GraphScope, LinkId, LinkId)>,
    pub(super) groups: Vec<(GraphScope, GroupId, GroupId)>,
    pub(super) reroutes: Vec<(GraphScope, RerouteId, RerouteId)>,
}

/// Whether the two sides have an ancestor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ancestry {
    /// There is a base: what it has is known by its id there.
    Ancestor,
    /// The file was added on both sides: nodes of one id and class are taken for one.
    None,
}

/// Gives everything one id. Definitions must be aligned already.
pub(super) fn align_ids(mut sides: ThreeWay<Workflow>, kinship: Ancestry) -> AlignedWorkflows {
    let mut moved = MovedIds::default();
    let plans = plan_node_ids(&sides, kinship, &mut moved);
    sides.base.renumber(&plans.base);
    sides.ours.renumber(&plans.ours);
    sides.theirs.renumber(&plans.theirs);
    // Links are compared by the nodes they join, which have their final ids only now.
    let second = plan_other_ids(&sides, &mut moved);
    sides.theirs.renumber(&second);
    let mut theirs = plans.theirs;
    theirs.links = second.links;
    theirs.reroutes = second.reroutes;
    theirs.groups = second.groups;
    AlignedWorkflows { sides, theirs, moved }
}

/// All scopes of the three documents, those of ours first.
pub(super) fn all_scopes(sides: ThreeWay<&Workflow>) -> Vec<GraphScope> {
    let mut seen = FxHashSet::default();
    let all = [sides.ours, sides.theirs, sides.base];
    let all = all.into_iter().flat_map(|w| w.graphs().map(|(scope, _)| scope).collect::<Vec<_>>());
    all.filter(|scope| seen.insert(scope.clone())).collect()
}

/// Free numbers above all that are in use.
struct IdAllocator {
    next: i64,
    used: FxHashSet<i64>,
}

impl IdAllocator {
    fn above(ids: impl Iterator<Item = i64>) -> Self {
        let used: FxHashSet<i64> = ids.collect();
        let next =
            1 + used.iter().copied().filter(|id| *id < RANDOM_ID_START).max().unwrap_or(0).max(0);
        IdAllocator { next, used }
    }

    fn allocate(&mut self) -> i64 {
        while !self.used.insert(self.next) {
            self.next += 1;
        }
        self.next
    }
}

fn plan_node_ids(
    sides: &ThreeWay<Workflow>,
    kinship: Ancestry,
    moved: &mut MovedIds,
) -> ThreeWay<Renumbering> {
    let numbers =
        |w: &Workflow| w.nodes().filter_map(|(_, n)| n.id().as_number()).collect::<Vec<_>>();
    let all = [&sides.base, &sides.ours, &sides.theirs].into_iter().flat_map(numbers);
    let mut fresh = IdAllocator::above(all);
    let everywhere: FxHashSet<NodeId> = sides.ours.nodes().map(|(_, n)| n.id().clone()).collect();
    let mut plans: ThreeWay<Renumbering> =
        ThreeWay::new(Renumbering::default(), Renumbering::default(), Renumbering::default());
    let empty = Graph::default();
    let mut all_pairs = pair_all_nodes(sides.as_ref(), kinship);
    for scope in all_scopes(sides.as_ref()) {
        let graphs = sides.as_ref().map(|workflow| workflow.graph(&scope).unwrap_or(&empty));
        let pairs = all_pairs.remove(&scope).unwrap_or_default();
        let ids = NodeIdPlanner { graphs, pairs: &pairs, everywhere: &everywhere };
        let plan = ids.plan(&mut fresh);
        for id in &plan.moved {
            moved.nodes.push((scope.clone(), id.clone(), plan.theirs[id].clone()));
        }
        let note = |ids: FxHashMap<NodeId, NodeId>, into: &mut Renumbering| {
            let changed = ids.into_iter().filter(|(from, to)| from != to);
            into.nodes
                .extend(changed.map(|(from, to)| (NodeKey { scope: scope.clone(), id: from }, to)));
        };
        note(plan.base, &mut plans.base);
        note(plan.ours, &mut plans.ours);
        note(plan.theirs, &mut plans.theirs);
    }
    plans
}

/// Nodes of one graph that are one.
#[derive(Debug, Default)]
struct NodePairs {
    /// Of ours, with their id in the base.
    ours: FxHashMap<NodeId, NodeId>,
    /// Of theirs, with their id in the base.
    theirs: FxHashMap<NodeId, NodeId>,
    /// Of theirs and new, with the id of the same new node of ours.
    alike: FxHashMap<NodeId, NodeId>,
}

/// Pairs the nodes of all graphs. A node that went into another graph is not followed: it
/// counts as new there.
fn pair_all_nodes(
    sides: ThreeWay<&Workflow>,
    kinship: Ancestry,
) -> FxHashMap<GraphScope, NodePairs> {
    let mut pairer =
        ThreeWayPairer { graphs: sides.map(IndexedGraph::new), pairs: FxHashMap::default() };
    match kinship {
        Ancestry::Ancestor => pairer.pair_with_ancestor(),
        Ancestry::None => pairer.pair_without_ancestor(),
    }
    pairer.pairs
}

/// Nodes of the three documents while they are being paired.
struct ThreeWayPairer<'w> {
    graphs: ThreeWay<IndexedGraph<'w>>,
    pairs: FxHashMap<GraphScope, NodePairs>,
}

impl ThreeWayPairer<'_> {
    fn pair_without_ancestor(&mut self) {
        let pairing = pair_workflows(&self.graphs.ours, &self.graphs.theirs);
        for (ours, theirs) in pairs_within_graph(&pairing, &self.graphs.ours, &self.graphs.theirs) {
            self.insert_alike(ours, theirs);
        }
    }

    fn pair_with_ancestor(&mut self) {
        let ThreeWay { base, ours, theirs } = &self.graphs;
        let mut ours_of: FxHashMap<NodeIndex, NodeIndex> = FxHashMap::default();
        for (before, now) in sure_pairs(&pair_workflows(base, ours), base, ours) {
            let pairs = self.pairs.entry(base.node_scope(before).clone()).or_default();
            pairs.ours.insert(ours.node_id(now).clone(), base.node_id(before).clone());
            ours_of.insert(before, now);
        }
        let mut base_of: FxHashMap<NodeIndex, NodeIndex> = FxHashMap::default();
        for (before, now) in sure_pairs(&pair_workflows(base, theirs), base, theirs) {
            let pairs = self.pairs.entry(base.node_scope(before).clone()).or_default();
            pairs.theirs.insert(theirs.node_id(now).clone(), base.node_id(before).clone());
            base_of.insert(now, before);
        }
        self.pair_new_nodes(&ours_of, &base_of);
    }

    /// Pairs what both sides added. `ours_of` holds nodes of ours by those of the base,
    /// `base_of` nodes of the base by those of theirs.
    fn pair_new_nodes(
        &mut self,
        ours_of: &FxHashMap<NodeIndex, NodeIndex>,
        base_of: &FxHashMap<NodeIndex, NodeIndex>,
    ) {
        let ThreeWay { ours, theirs, .. } = &self.graphs;
        let old: FxHashSet<NodeIndex> = ours_of.values().copied().collect();
        let same_id = |other: NodeIndex| {
            let layer = ours.layer_index(theirs.node_scope(other))?;
            let own = ours.node_index(layer, theirs.node_id(other))?;
            (!old.contains(&own)).then_some((own, other))
        };
        let new = (0..theirs.nodes.len()).filter(|other| !base_of.contains_key(other));
        let new: Vec<NodeIndex> = new.collect();
        if new.is_empty() {
            return;
        }
        let candidates: Vec<(NodeIndex, NodeIndex)> =
            new.iter().copied().filter_map(same_id).collect();
        let known = base_of.iter().filter_map(|(&other, base)| Some((other, *ours_of.get(base)?)));
        let mut known: FxHashMap<NodeIndex, NodeIndex> = known.collect();
        let search = TwinSearch { old: ours, new: theirs, known: &known };
        let mut twins = find_twins(&search, candidates);
        known.extend(twins.iter().map(|(&other, &own)| (other, own)));
        let paired: FxHashSet<NodeIndex> = twins.values().copied().collect();
        let own_new: Vec<NodeIndex> = (0..ours.nodes.len())
            .filter(|own| !old.contains(own) && !paired.contains(own))
            .collect();
        let new: Vec<NodeIndex> =
            new.into_iter().filter(|other| !twins.contains_key(other)).collect();
        if !own_new.is_empty() && !new.is_empty() {
            let search = TwinSearch { old: ours, new: theirs, known: &known };
            twins.extend(find_twins_by_wires(&search, &own_new, &new));
        }
        for (other, own) in twins {
            self.insert_alike(own, other);
        }
    }

    fn insert_alike(&mut self, own: NodeIndex, other: NodeIndex) {
        let ThreeWay { ours, theirs, .. } = &self.graphs;
        let pairs = self.pairs.entry(theirs.node_scope(other).clone()).or_default();
        pairs.alike.insert(theirs.node_id(other).clone(), ours.node_id(own).clone());
    }
}

/// The pairs of which both nodes lie in the same graph.
fn pairs_within_graph(
    pairing: &Pairing,
    old: &IndexedGraph<'_>,
    new: &IndexedGraph<'_>,
) -> Vec<(NodeIndex, NodeIndex)> {
    let pairs = pairing.new_of.iter().enumerate();
    let pairs = pairs.filter_map(|(before, after)| Some((before, (*after)?)));
    pairs.filter(|&(before, after)| old.node_scope(before) == new.node_scope(after)).collect()
}

/// The same without doubtful pairs: one of several equal copies may do as the node that was
/// there before for whoever reads a difference, but nothing must be written into it at random.
fn sure_pairs(
    pairing: &Pairing,
    base: &IndexedGraph<'_>,
    side: &IndexedGraph<'_>,
) -> Vec<(NodeIndex, NodeIndex)> {
    let mut pairs = pairs_within_graph(pairing, base, side);
    pairs.retain(|(before, _)| !pairing.doubtful.contains(before));
    pairs
}

struct NodeIdPlanner<'a> {
    graphs: ThreeWay<&'a Graph>,
    pairs: &'a NodePairs,
    everywhere: &'a FxHashSet<NodeId>,
}

#[derive(Default)]
struct NodeIdPlan {
    base: FxHashMap<NodeId, NodeId>,
    ours: FxHashMap<NodeId, NodeId>,
    theirs: FxHashMap<NodeId, NodeId>,
    moved: Vec<NodeId>,
}

impl NodeIdPlanner<'_> {
    /// The id of everything in one graph. Ours keeps its ids; an id that only theirs
    /// changed changes; what is new in theirs keeps its id if that is free.
    fn plan(&self, fresh: &mut IdAllocator) -> NodeIdPlan {
        if self.is_trivial() {
            return NodeIdPlan::default();
        }
        let mut plan = NodeIdPlan::default();
        let mut used = FxHashSet::default();
        let theirs_of: FxHashMap<&NodeId, &NodeId> =
            self.pairs.theirs.iter().map(|(theirs, base)| (base, theirs)).collect();
        for id in self.graphs.ours.nodes.keys() {
            let base = self.pairs.ours.get(id);
            let theirs = base.and_then(|base| theirs_of.get(base).copied());
            let renumbered = theirs.filter(|theirs| {
                base == Some(id) && *theirs != id && !self.everywhere.contains(*theirs)
            });
            let id_there = renumbered.unwrap_or(id).clone();
            if let Some(base) = base {
                plan.base.insert(base.clone(), id_there.clone());
            }
            if let Some(theirs) = theirs {
                plan.theirs.insert(theirs.clone(), id_there.clone());
            }
            used.insert(id_there.clone());
            plan.ours.insert(id.clone(), id_there);
        }
        for (id, ours) in &self.pairs.alike {
            plan.theirs.insert(id.clone(), plan.ours.get(ours).unwrap_or(ours).clone());
        }
        let mut left: Vec<&NodeId> =
            self.graphs.theirs.nodes.keys().filter(|id| !plan.theirs.contains_key(*id)).collect();
        left.sort();
        for id in left {
            let base = self.pairs.theirs.get(id);
            let taken = used.contains(id) || (base.is_none() && self.everywhere.contains(id));
            let id_there = if taken { NodeId::Number(fresh.allocate()) } else { id.clone() };
            if taken && base.is_none() {
                plan.moved.push(id.clone());
            }
            if let Some(base) = base {
                plan.base.insert(base.clone(), id_there.clone());
            }
            used.insert(id_there.clone());
            plan.theirs.insert(id.clone(), id_there);
        }
        for id in self.graphs.base.nodes.keys() {
            if !plan.base.contains_key(id) && !used.insert(id.clone()) {
                plan.base.insert(id.clone(), NodeId::Number(fresh.allocate()));
            }
        }
        plan
    }

    /// Whether all ids can stay as they are, which is so in nearly every merge: whatever
    /// has an id is what had it in the base, and nothing new of theirs has a taken one.
    fn is_trivial(&self) -> bool {
        let ThreeWay { base, ours, theirs } = self.graphs;
        let stays = |pairs: &FxHashMap<NodeId, NodeId>, graph: &Graph| {
            graph.nodes.keys().all(|id| match pairs.get(id) {
                Some(base) => base == id,
                None => !base.nodes.contains_key(id),
            })
        };
        stays(&self.pairs.ours, ours)
            && stays(&self.pairs.theirs, theirs)
            && theirs.nodes.keys().all(|id| match self.pairs.alike.get(id) {
                Some(own) => own == id,
                None => self.pairs.theirs.contains_key(id) || !self.everywhere.contains(id),
            })
    }
}

fn plan_other_ids(sides: &ThreeWay<Workflow>, moved: &mut MovedIds) -> Renumbering {
    let mut plan = Renumbering::default();
    let all = || [&sides.base, &sides.ours, &sides.theirs].into_iter().flat_map(Workflow::graphs);
    let mut links = IdAllocator::above(all().flat_map(|(_, g)| link_ids(g)).map(|id| id.0));
    let mut reroutes =
        IdAllocator::above(all().flat_map(|(_, g)| g.reroutes.keys()).map(|id| id.0));
    let mut groups =
        IdAllocator::above(all().flat_map(|(_, g)| &g.groups).filter_map(|g| Some(g.id()?.0)));
    let taken = UsedIds::from_workflow(&sides.ours);
    let empty = Graph::default();
    for scope in all_scopes(sides.as_ref()) {
        let graphs = sides.as_ref().map(|workflow| workflow.graph(&scope).unwrap_or(&empty));
        for id in link_clashes(graphs, &taken.links) {
            let new = LinkId(links.allocate());
            moved.links.push((scope.clone(), id, new));
            plan.links.insert((scope.clone(), id), new);
        }
        for id in reroute_clashes(graphs, &taken.reroutes) {
            let new = RerouteId(reroutes.allocate());
            moved.reroutes.push((scope.clone(), id, new));
            plan.reroutes.insert((scope.clone(), id), new);
        }
        for id in group_clashes(graphs, &taken.groups) {
            let new = GroupId(groups.allocate());
            moved.groups.push((scope.clone(), id, new));
            plan.groups.insert((scope.clone(), id), new);
        }
    }
    plan
}

/// What ours uses, over all its graphs.
struct UsedIds {
    links: FxHashSet<LinkId>,
    reroutes: FxHashSet<RerouteId>,
    groups: FxHashSet<GroupId>,
}

impl UsedIds {
    fn from_workflow(ours: &Workflow) -> Self {
        UsedIds {
            links: ours.graphs().flat_map(|(_, g)| link_ids(g)).collect(),
            reroutes: ours.graphs().flat_map(|(_, g)| g.reroutes.keys().copied()).collect(),
            groups: ours.graphs().flat_map(|(_, g)| &g.groups).filter_map(|g| g.id()).collect(),
        }
    }
}

fn link_ids(graph: &Graph) -> impl Iterator<Item = LinkId> + '_ {
    graph.links.keys().copied().chain(graph.floating.iter().map(Link::id))
}

/// Links of theirs whose id stands for something else in ours.
fn link_clashes(graphs: ThreeWay<&Graph>, taken: &FxHashSet<LinkId>) -> Vec<LinkId> {
    let ThreeWay { base, ours, theirs } = graphs;
    let mut wires: Option<ThreeWay<FxHashMap<LinkId, crate::graph::Wire>>> = None;
    let mut clashes = Vec::new();
    for (id, link) in &theirs.links {
        let akin = |other: &Link| {
            other.from() == link.from() || other.to().node_id() == link.to().node_id()
        };
        let from_base = base.links.get(id).is_some_and(akin);
        let clash = match ours.links.get(id) {
            Some(own) if from_base => !base
                .links
                .get(id)
                .is_some_and(|b| b.from() == own.from() || b.to().node_id() == own.to().node_id()),
            Some(own) if own == link => false,
            Some(_) => {
                // The same wire in two encodings: only now is it worth to look at names.
                let wires = wires.get_or_insert_with(|| graphs.map(wires_by_link));
                let plain = |wire: &crate::graph::Wire| (wire.from.clone(), wire.to.clone());
                wires.ours.get(id).map(plain) != wires.theirs.get(id).map(plain)
            }
            None => !from_base && taken.contains(id),
        };
        if clash {
            clashes.push(*id);
        }
    }
    for link in &theirs.floating {
        let known = |graph: &Graph| graph.floating.iter().any(|own| own == link);
        if !known(base) && !known(ours) && taken.contains(&link.id()) {
            clashes.push(link.id());
        }
    }
    clashes.sort_unstable();
    clashes.dedup();
    clashes
}

fn wires_by_link(graph: &Graph) -> FxHashMap<LinkId, crate::graph::Wire> {
    Wires::from_graph(graph).iter().map(|wire| (wire.link, wire.clone())).collect()
}

fn reroute_clashes(graphs: ThreeWay<&Graph>, taken: &FxHashSet<RerouteId>) -> Vec<RerouteId> {
    let ThreeWay { base, ours, theirs } = graphs;
    let clash = |id: &&RerouteId| {
        !base.reroutes.contains_key(*id)
            && taken.contains(*id)
            && ours.reroutes.get(*id) != theirs.reroutes.get(*id)
    };
    let mut clashes: Vec<RerouteId> = theirs.reroutes.keys().filter(clash).copied().collect();
    clashes.sort_unstable();
    clashes
}

fn group_clashes(graphs: ThreeWay<&Graph>, taken: &FxHashSet<GroupId>) -> Vec<GroupId> {
    let of = |graph: &Graph, id: GroupId| {
        graph.groups.iter().find(|group| group.id() == Some(id)).cloned()
    };
    let clash = |id: &GroupId| {
        of(graphs.base, *id).is_none()
            && taken.contains(id)
            && of(graphs.ours, *id) != of(graphs.theirs, *id)
    };
    let ids = graphs.theirs.groups.iter().filter_map(crate::graph::Group::id);
    let mut clashes: Vec<GroupId> = ids.filter(clash).collect();
    clashes.sort_unstable();
    clashes.dedup();
    clashes
}
