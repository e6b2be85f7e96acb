//! What a merge decided by itself, and why: shown in a few lines after a merge, in full by
//! `git comfy merge --explain`.
//!
//! Must not know where decisions are printed or kept.

use std::fmt;

use super::conflict::{MergePlace, NodeName};
use super::strategy::{ChangeClass, MergeRule};
use super::three_way::MergeSide;
use crate::graph::{GraphList, GraphScope};
use crate::json::JsonPath;

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeDecision {
    /// Where in the document the graph is; the root for a file that is one.
    pub at: JsonPath,
    /// The graph.
    pub scope: GraphScope,
    /// The node it is about, if it is about one.
    pub node: Option<NodeName>,
    /// The place it is about.
    pub place: MergePlace,
    /// What was decided.
    pub verdict: MergeVerdict,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeVerdict {
    /// Only one side changed it: that change stands.
    OnlyChange(MergeSide),
    /// Both made the same change.
    SameChange,
    /// Only one side added it.
    Added(MergeSide),
    /// Both added the same.
    AddedByBoth,
    /// One side took it away and the other had not changed it.
    Removed(MergeSide),
    /// Both took it away.
    RemovedByBoth,
    /// It went with the node that the side took away; the other side had only changed
    /// its looks or re-rolled its seed.
    RemovedDespiteMinorChange(MergeSide),
    /// Texts of both sides, put together by words.
    MergedWords,
    /// Elements of both sides, put together.
    MergedElements,
    /// Both merely re-rolled the number: ours is kept.
    BothRerolled,
    /// One side chose the number on purpose, the other merely re-rolled it.
    ChosenNumber(MergeSide),
    /// Both changed how it looks, or a setting of the editor: ours is kept.
    KeptOurLooks,
    /// Both wrote a version number: the higher stands, which is that side's.
    HigherVersion(MergeSide),
    /// A newer program filled in what it starts with; that side chose a value.
    ChosenOverDefault(MergeSide),
    /// Both changed it, but a wire overrules it on both sides: ours is kept.
    WithoutEffect,
    /// What one side changed was moved elsewhere by that side: the change went along.
    FollowedMove(MergeSide),
    /// Two things had one id: theirs has another now.
    Renumbered {
        /// What it is.
        list: GraphList,
        /// The id it had.
        from: String,
        /// The id it has.
        to: String,
    },
    /// Two slots on the boundary of a subgraph had one name: theirs has another now.
    Renamed {
        /// The name it had.
        from: String,
        /// The name it has.
        to: String,
    },
    /// Brought into the subgraph (or out of it) that the other side made.
    FollowedPacking(MergeSide),
    /// It would have been a conflict, but a rule decides.
    ByRule(ChangeClass, MergeRule),
}

impl MergeDecision {
    /// Whether it is worth a line after every merge: whatever a person might not expect.
    pub fn is_notable(&self) -> bool {
        match &self.verdict {
            MergeVerdict::OnlyChange(_)
            | MergeVerdict::SameChange
            | MergeVerdict::Added(_)
            | MergeVerdict::AddedByBoth
            | MergeVerdict::Removed(_)
            | MergeVerdict::RemovedByBoth
            | MergeVerdict::MergedElements
            | MergeVerdict::HigherVersion(_)
            | MergeVerdict::KeptOurLooks => false,
            MergeVerdict::Renumbered { list, .. } => {
                matches!(list, GraphList::Nodes | GraphList::Definitions)
            }
            MergeVerdict::RemovedDespiteMinorChange(_)
            | MergeVerdict::MergedWords
            | MergeVerdict::BothRerolled
            | MergeVerdict::ChosenNumber(_)
            | MergeVerdict::ChosenOverDefault(_)
            | MergeVerdict::Renamed { .. }
            | MergeVerdict::FollowedMove(_)
            | MergeVerdict::WithoutEffect
            | MergeVerdict::FollowedPacking(_)
            | MergeVerdict::ByRule(..) => true,
        }
    }
}

impl fmt::Display for MergeDecision {
    /// A line without the subgraph it is in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.node, &self.place) {
            (Some(node), MergePlace::Node) => write!(f, "{node}: ")?,
            (Some(node), place) => write!(f, "{node}: {place}: ")?,
            (None, place) => write!(f, "{place}: ")?,
        }
        write!(f, "{}", self.verdict)
    }
}

impl fmt::Display for MergeVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |side: &MergeSide| side.as_str();
        match self {
            MergeVerdict::OnlyChange(side) => write!(f, "only {} changed it", word(side)),
            MergeVerdict::SameChange => f.write_str("both made the same change"),
            MergeVerdict::Added(side) => write!(f, "added by {}", word(side)),
            MergeVerdict::AddedByBoth => f.write_str("both added the same"),
            MergeVerdict::Removed(side) => write!(f, "removed by {}", word(side)),
            MergeVerdict::RemovedByBoth => f.write_str("removed by both"),
            MergeVerdict::RemovedDespiteMinorChange(side) => {
                let other = side.other().as_str();
                write!(f, "removed by {}; {other} changed nothing that matters", word(side))
            }
            MergeVerdict::MergedWords => f.write_str("texts of both sides put together by words"),
            MergeVerdict::MergedElements => f.write_str("elements of both sides put together"),
            MergeVerdict::BothRerolled => f.write_str("both only re-rolled it, ours is kept"),
            MergeVerdict::ChosenNumber(side) => {
                let other = side.other().as_str();
                write!(f, "{} chose it, {other} only re-rolled it", word(side))
            }
            MergeVerdict::KeptOurLooks => f.write_str("both changed it, ours is kept"),
            MergeVerdict::WithoutEffect => {
                f.write_str("both changed it, but a wire overrules it; ours is kept")
            }
            MergeVerdict::FollowedMove(side) => {
                write!(f, "changed where {} had moved it", word(side))
            }
            MergeVerdict::HigherVersion(side) => {
                write!(f, "both have another version, the higher of {} stands", word(side))
            }
            MergeVerdict::ChosenOverDefault(side) => {
                let other = side.other().as_str();
                write!(f, "{} chose it, {other} has what a newer ComfyUI filled in", word(side))
            }
            MergeVerdict::Renumbered { list: GraphList::Definitions, .. } => {
                f.write_str("both added one under the same id; theirs is kept as one of its own")
            }
            MergeVerdict::Renumbered { list, from, to } => {
                write!(f, "kept both new {list}s; theirs {from} is now {to}")
            }
            MergeVerdict::Renamed { from, to } => {
                write!(f, "kept both new slots; theirs {from} is now {to}")
            }
            MergeVerdict::FollowedPacking(side) => {
                write!(f, "followed into the subgraph that {} made", word(side))
            }
            MergeVerdict::ByRule(class, rule) => {
                write!(f, "both sides changed it, comfy.merge.{}={} decides", class.key(), rule)
            }
        }
    }
}
