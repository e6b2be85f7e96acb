//! What a merge decided by itself, and why: shown in a few lines after a merge, in full by
//! `git comfy merge --explain`.
//!
//! Must not know where decisions are printed or kept.

use std::fmt;

use super::conflict::{NodeName, Place};
use super::strategy::{Class, Rule};
use super::three::Side;
use crate::graph::{List, Scope};
use crate::json::Path;

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Where in the document the graph is; the root for a file that is one.
    pub at: Path,
    /// The graph.
    pub scope: Scope,
    /// The node it is about, if it is about one.
    pub node: Option<NodeName>,
    /// The place it is about.
    pub place: Place,
    /// What was decided.
    pub verdict: Verdict,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Only one side changed it: that change stands.
    OnlyChange(Side),
    /// Both made the same change.
    Alike,
    /// Only one side added it.
    Added(Side),
    /// Both added the same.
    AddedAlike,
    /// One side took it away and the other had not changed it.
    Removed(Side),
    /// Both took it away.
    RemovedAlike,
    /// It went with the node that the side took away; the other side had only changed
    /// its looks or re-rolled its seed.
    WentAlong(Side),
    /// Texts of both sides, put together by words.
    Words,
    /// Elements of both sides, put together.
    Elements,
    /// Both merely re-rolled the number: ours is kept.
    Rerolled,
    /// One side chose the number on purpose, the other merely re-rolled it.
    Chosen(Side),
    /// Both changed how it looks, or a setting of the editor: ours is kept.
    Looks,
    /// Two things had one id: theirs has another now.
    Renumbered {
        /// What it is.
        list: List,
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
    Followed(Side),
    /// It would have been a conflict, but a rule decides.
    ByRule(Class, Rule),
}

impl Decision {
    /// Whether it is worth a line after every merge: whatever a person might not expect.
    pub fn is_notable(&self) -> bool {
        match &self.verdict {
            Verdict::OnlyChange(_)
            | Verdict::Alike
            | Verdict::Added(_)
            | Verdict::AddedAlike
            | Verdict::Removed(_)
            | Verdict::RemovedAlike
            | Verdict::Elements
            | Verdict::Looks => false,
            Verdict::Renumbered { list, .. } => matches!(list, List::Nodes | List::Definitions),
            Verdict::WentAlong(_)
            | Verdict::Words
            | Verdict::Rerolled
            | Verdict::Chosen(_)
            | Verdict::Renamed { .. }
            | Verdict::Followed(_)
            | Verdict::ByRule(..) => true,
        }
    }
}

impl fmt::Display for Decision {
    /// A line without the subgraph it is in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.node, &self.place) {
            (Some(node), Place::Node) => write!(f, "{node}: ")?,
            (Some(node), place) => write!(f, "{node}: {place}: ")?,
            (None, place) => write!(f, "{place}: ")?,
        }
        write!(f, "{}", self.verdict)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |side: &Side| side.word();
        match self {
            Verdict::OnlyChange(side) => write!(f, "only {} changed it", word(side)),
            Verdict::Alike => f.write_str("both made the same change"),
            Verdict::Added(side) => write!(f, "added by {}", word(side)),
            Verdict::AddedAlike => f.write_str("both added the same"),
            Verdict::Removed(side) => write!(f, "removed by {}", word(side)),
            Verdict::RemovedAlike => f.write_str("removed by both"),
            Verdict::WentAlong(side) => {
                let other = side.other().word();
                write!(f, "removed by {}; {other} changed nothing that matters", word(side))
            }
            Verdict::Words => f.write_str("texts of both sides put together by words"),
            Verdict::Elements => f.write_str("elements of both sides put together"),
            Verdict::Rerolled => f.write_str("both only re-rolled it, ours is kept"),
            Verdict::Chosen(side) => {
                let other = side.other().word();
                write!(f, "{} chose it, {other} only re-rolled it", word(side))
            }
            Verdict::Looks => f.write_str("both changed it, ours is kept"),
            Verdict::Renumbered { list: List::Definitions, .. } => {
                f.write_str("both added one under the same id; theirs is kept as one of its own")
            }
            Verdict::Renumbered { list, from, to } => {
                write!(f, "kept both new {list}s; theirs {from} is now {to}")
            }
            Verdict::Renamed { from, to } => {
                write!(f, "kept both new slots; theirs {from} is now {to}")
            }
            Verdict::Followed(side) => {
                write!(f, "followed into the subgraph that {} made", word(side))
            }
            Verdict::ByRule(class, rule) => {
                write!(f, "both sides changed it, comfy.merge.{}={} decides", class.key(), rule)
            }
        }
    }
}
