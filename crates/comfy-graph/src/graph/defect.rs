//! The faults a workflow can have, in words.
//!
//! A defect names its place and carries a weight: real files are full of the light ones.
//! Knows nothing of how they are found; that is `check`.

use std::fmt;

use super::{GraphScope, LinkEnd, LinkId, NodeId, RerouteId, SlotName, SubgraphId};

/// How much a defect matters, by what the real frontends do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// ComfyUI heals it without harm, or gives new ids on opening.
    Light,
    /// Opens, but runs otherwise than it looks, or later edits corrupt it.
    Heavy,
    /// Does not open, or does not run.
    Fatal,
}

/// A list of a graph, or of the file, that elements stand in; each variant by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GraphList {
    /// `nodes`
    Nodes,
    /// `links`
    Links,
    /// `groups`
    Groups,
    /// `reroutes`
    Reroutes,
    /// `definitions.subgraphs`
    Definitions,
}

/// What is wrong. Ids are those in the graph that [`WorkflowDefect::scope`] names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DefectKind {
    /// An element is no node, link, group or reroute at all.
    Misshapen {
        /// Where it stands.
        list: GraphList,
        /// Its index there, from 0.
        at: usize,
    },
    /// Two elements of one list have the same id.
    Repeated {
        /// Where both stand.
        list: GraphList,
        /// What both are called, as text.
        id: String,
    },
    /// An id occurs in several graphs of the file, of which this is one.
    Shared {
        /// The kind of list that has it in each of them.
        list: GraphList,
        /// What they are called, as text.
        id: String,
        /// The graph that has it first.
        with: GraphScope,
    },
    /// A link starts at a node that is not there.
    NoOrigin {
        /// The link with the loose end.
        link: LinkId,
        /// The id that nothing has.
        node: NodeId,
    },
    /// A link ends at a node that is not there.
    NoTarget {
        /// The link with the loose end.
        link: LinkId,
        /// The id that nothing has.
        node: NodeId,
    },
    /// A link starts at an output that its origin does not have.
    NoOutput {
        /// The link with the loose end.
        link: LinkId,
        /// The end with the missing output.
        from: LinkEnd,
    },
    /// A link ends at an input that its target does not have.
    NoInput {
        /// The link with the loose end.
        link: LinkId,
        /// The end with the missing input.
        to: LinkEnd,
    },
    /// `inputs[].link` and the links table disagree.
    InputDisagrees {
        /// The node that has the input.
        node: NodeId,
        /// By its name, and its number among those of that name.
        input: SlotName,
        /// The link that `inputs[].link` names.
        says: Option<LinkId>,
        /// The link that ends there.
        table: Option<LinkId>,
    },
    /// `outputs[].links` and the links table disagree.
    OutputDisagrees {
        /// The node that has the output.
        node: NodeId,
        /// The index of the output, from 0.
        slot: usize,
    },
    /// Two links end at one input.
    Contended {
        /// The node that has the input.
        node: NodeId,
        /// Of which ComfyUI takes one link only.
        input: SlotName,
    },
    /// A counter is lower than an id in use.
    LowCounter {
        /// The key in the file.
        counter: &'static str,
        /// The value in the file.
        says: i64,
        /// The highest id in use.
        needs: i64,
    },
    /// A boundary slot's `linkIds` and the links table disagree.
    BoundaryDisagrees(SlotName),
    /// `inputNode` or `outputNode` or its `bounding` is missing: the canvas stays empty.
    NoBoundaryBox(&'static str),
    /// An instance of a definition that is not in the file.
    NoDefinition {
        /// The node whose class is that definition.
        node: NodeId,
        /// The definition that is not there.
        id: SubgraphId,
    },
    /// An input or output of an instance is not on the boundary of its definition.
    InstanceSlot {
        /// The node that is the instance.
        node: NodeId,
        /// The input or output in question.
        slot: SlotName,
    },
    /// An instance's `proxyWidgets` name a node that is not in its definition.
    NoProxiedNode {
        /// The node that is the instance.
        host: NodeId,
        /// The inner node that is not there.
        node: NodeId,
    },
    /// A definition contains itself.
    Recursive(SubgraphId),
    /// A reroute or a link names a reroute that is not there.
    NoReroute(RerouteId),
}

/// A fault and the graph it is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkflowDefect {
    /// The graph whose lists hold it.
    pub scope: GraphScope,
    /// What is wrong there.
    pub kind: DefectKind,
}

impl WorkflowDefect {
    /// How much it matters.
    pub fn severity(&self) -> Severity {
        use DefectKind as F;
        match &self.kind {
            F::Misshapen { list: GraphList::Nodes | GraphList::Definitions, .. }
            | F::NoBoundaryBox(_)
            | F::NoDefinition { .. }
            | F::Recursive(_) => Severity::Fatal,
            F::Repeated {
                list: GraphList::Nodes | GraphList::Links | GraphList::Definitions,
                ..
            }
            | F::NoOrigin { .. }
            | F::InputDisagrees { .. }
            | F::OutputDisagrees { .. }
            | F::Contended { .. }
            | F::LowCounter { counter: "last_link_id" | "lastLinkId", .. }
            | F::BoundaryDisagrees(_) => Severity::Heavy,
            _ => Severity::Light,
        }
    }
}

impl fmt::Display for GraphList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GraphList::Nodes => "node",
            GraphList::Links => "link",
            GraphList::Groups => "group",
            GraphList::Reroutes => "reroute",
            GraphList::Definitions => "subgraph definition",
        })
    }
}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = |link: &Option<LinkId>| link.map_or("none".into(), |id| format!("link {id}"));
        match self {
            DefectKind::Misshapen { list, at } => {
                write!(f, "element {at} of the {list}s is no {list}")
            }
            DefectKind::Repeated { list, id } => write!(f, "{list} {id} is there twice"),
            DefectKind::Shared { list, id, with: GraphScope::Root } => {
                write!(f, "{list} {id} has an id that the root graph uses too")
            }
            DefectKind::Shared { list, id, with: GraphScope::Definition(with) } => {
                write!(f, "{list} {id} has an id that subgraph {with} uses too")
            }
            DefectKind::NoOrigin { link, node } => {
                write!(f, "link {link} leaves node {node}, which is not there")
            }
            DefectKind::NoTarget { link, node } => {
                write!(f, "link {link} feeds node {node}, which is not there")
            }
            DefectKind::NoOutput { link, from: end } => {
                write!(
                    f,
                    "link {link} leaves output {}, which its origin does not have",
                    slot_text(end)
                )
            }
            DefectKind::NoInput { link, to: end } => {
                write!(
                    f,
                    "link {link} feeds input {}, which its target does not have",
                    slot_text(end)
                )
            }
            DefectKind::InputDisagrees { node, input, says, table } => {
                let (says, table) = (link(says), link(table));
                write!(f, "input {input} of node {node} says {says}, the links table {table}")
            }
            DefectKind::OutputDisagrees { node, slot } => {
                write!(f, "output {slot} of node {node} and the links table disagree")
            }
            DefectKind::Contended { node, input } => {
                write!(f, "several links feed input {input} of node {node}")
            }
            DefectKind::LowCounter { counter, says, needs } => {
                write!(f, "{counter} is {says} but must be at least {needs}")
            }
            DefectKind::BoundaryDisagrees(slot) => {
                write!(f, "boundary slot {slot} and the links table disagree")
            }
            DefectKind::NoBoundaryBox(key) => write!(f, "{key} has no bounding box"),
            DefectKind::NoDefinition { node, id } => {
                write!(f, "node {node} is an instance of subgraph {id}, which is not in the file")
            }
            DefectKind::InstanceSlot { node, slot } => {
                write!(f, "slot {slot} of instance {node} is not on its subgraph's boundary")
            }
            DefectKind::NoProxiedNode { host, node } => {
                write!(f, "instance {host} shows a widget of inner node {node}, which is not there")
            }
            DefectKind::Recursive(_) => f.write_str("the subgraph contains itself"),
            DefectKind::NoReroute(id) => write!(f, "reroute {id} is named but not there"),
        }
    }
}

fn slot_text(end: &LinkEnd) -> String {
    end.slot().map_or_else(|| "none".into(), |slot| slot.to_string())
}

impl fmt::Display for WorkflowDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            GraphScope::Root => write!(f, "{}", self.kind),
            GraphScope::Definition(id) => write!(f, "in subgraph {id}: {}", self.kind),
        }
    }
}
