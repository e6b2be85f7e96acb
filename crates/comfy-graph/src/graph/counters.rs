//! The counters from which ComfyUI takes the ids of new nodes, links, groups and reroutes.
//!
//! A counter that is too low is dangerous: the frontend of 1.49 takes a used link id for
//! the next link and overwrites that link.

use super::{GroupId, Workflow, WorkflowSchema};
use crate::json::{Object, Value};

/// The highest ids in use, over the root and all definitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdCounters {
    /// Of nodes whose id is a number.
    pub node: i64,
    /// Of links, floating ones included.
    pub link: i64,
    /// Of groups.
    pub group: i64,
    /// Of reroutes.
    pub reroute: i64,
}

/// The members of `state`.
const STATE_KEYS: [&str; 4] = ["lastGroupId", "lastNodeId", "lastLinkId", "lastRerouteId"];

impl Workflow {
    /// The highest ids in use.
    pub fn highest_ids(&self) -> IdCounters {
        let mut highest = IdCounters::default();
        for (_, graph) in self.graphs() {
            let nodes = graph.nodes.keys().filter_map(super::NodeId::as_number);
            highest.node = highest.node.max(nodes.max().unwrap_or_default());
            let links = graph.links.keys().copied().chain(graph.floating.iter().map(|l| l.id()));
            highest.link = highest.link.max(links.map(|l| l.0).max().unwrap_or_default());
            let groups = graph.groups.iter().filter_map(super::Group::id);
            let groups = groups.map(|GroupId(id)| id);
            highest.group = highest.group.max(groups.max().unwrap_or_default());
            let reroutes = graph.reroutes.keys().map(|r| r.0);
            highest.reroute = highest.reroute.max(reroutes.max().unwrap_or_default());
        }
        highest
    }

    /// What the file's own counters say; the lowest of those there are.
    pub fn counters(&self) -> IdCounters {
        let mut all = Vec::new();
        for (_, graph) in self.graphs() {
            if let Some(state) = graph.rest.get("state").and_then(Value::as_object) {
                all.push(STATE_KEYS.map(|key| state.get(key).and_then(Value::as_i64)));
            }
        }
        let last = |key| self.root.rest.get(key).and_then(Value::as_i64);
        all.push([None, last("last_node_id"), last("last_link_id"), None]);
        let [group, node, link, reroute] =
            [0, 1, 2, 3].map(|at| all.iter().filter_map(|c| c[at]).min().unwrap_or_default());
        IdCounters { node, link, group, reroute }
    }

    /// Raises every counter in the file to at least the highest id in use. A higher old
    /// value stays: it keeps ids of deleted things from coming back.
    pub fn raise_counters(&mut self) {
        let highest = self.highest_ids();
        let old = self.root.schema() == WorkflowSchema::V04;
        if old {
            raise_to(&mut self.root.rest, "last_node_id", highest.node);
            raise_to(&mut self.root.rest, "last_link_id", highest.link);
        }
        let values = [highest.group, highest.node, highest.link, highest.reroute];
        for (scope, graph) in self.graphs_mut() {
            if scope == super::GraphScope::Root && old {
                continue;
            }
            let state = graph.rest.get_or_insert_with("state", || Object::new().into());
            if let Some(state) = state.as_object_mut() {
                for (key, value) in STATE_KEYS.into_iter().zip(values) {
                    raise_to(state, key, value);
                }
            }
        }
    }
}

fn raise_to(object: &mut Object, key: &str, least: i64) {
    if object.get(key).and_then(Value::as_i64).is_none_or(|says| says < least) {
        object.insert(key, least);
    }
}
