//! What changed between two states of a workflow.
//!
//! [`diff`] compares two documents and gives an [`EditScript`], a value in a closed
//! vocabulary that renderers show; [`apply`] replays it: `apply(a, diff(a, b))` is the clean
//! form of `b`. Must not know how a change is shown, nor where the two documents came
//! from.

mod apply;
mod atlas;
mod document;
mod draft;
mod edit;
mod flow;
mod groups;
mod layout;
mod lineage;
mod matches;
mod migration;
mod prompt;
mod refs;
mod residue;
pub mod schema;
mod sequence;
mod slots;
mod structure;
mod widgets;
mod wires;
mod workflow;

pub use apply::{Refused, apply};
pub use document::diff;
pub use edit::{
    AddedWidget, AppEntry, AppList, Change, Class, Edit, EditScript, Entry, Format, GroupRef,
    LinkRef, Migration, NodeRef, Origin, Place, RawEdit, Side, SinkRef, SourceRef, SubgraphRef,
    Usual,
};
pub use lineage::{Aspect, Held, Lineage};
pub use matches::{Likeness, likeness, match_nodes};
pub use residue::WRITTEN_BY_PROGRAMS;
