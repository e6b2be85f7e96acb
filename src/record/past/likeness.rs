//! How much two graphs have in common, cheaply: enough to tell two versions of one
//! workflow from two workflows under one name.

use rustc_hash::FxHashMap;

use crate::graph::Workflow;

/// What is compared of a workflow: its nodes by id and class, and by class alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portrait {
    nodes: FxHashMap<String, usize>,
    classes: FxHashMap<String, usize>,
}

/// From 0 (nothing in common) to 1 (the same nodes).
pub type Likeness = f64;

impl Portrait {
    /// Looks at a workflow, subgraphs included.
    pub fn of(workflow: &Workflow) -> Portrait {
        let mut portrait = Portrait::default();
        for (_, node) in workflow.nodes() {
            let class = node.class().to_owned();
            *portrait.nodes.entry(format!("{} {class}", node.id())).or_default() += 1;
            *portrait.classes.entry(class).or_default() += 1;
        }
        portrait
    }

    /// How much two have in common. The same ids count for a line of versions; a graph that
    /// was built anew shares its classes at most.
    pub fn likeness(&self, other: &Portrait) -> Likeness {
        let ids = shared(&self.nodes, &other.nodes);
        let classes = shared(&self.classes, &other.classes);
        ids.max(0.8 * classes)
    }
}

/// The part of all things that is on both sides, counted with their numbers.
fn shared(one: &FxHashMap<String, usize>, other: &FxHashMap<String, usize>) -> f64 {
    let total = |side: &FxHashMap<String, usize>| side.values().sum::<usize>();
    let both: usize =
        one.iter().map(|(key, count)| other.get(key).map_or(0, |o| *count.min(o))).sum();
    let smaller = total(one).min(total(other));
    if smaller == 0 { 0.0 } else { both as f64 / smaller as f64 }
}
