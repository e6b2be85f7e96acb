//! Floor 3: what changed between two states of a workflow.
//!
//! [`edit`] is the closed vocabulary; an [`EditScript`] is a value that renderers show and
//! that can be replayed. Must not know how a change is shown, nor where the two
//! documents came from.

mod edit;

pub use edit::{
    AddedWidget, AppEntry, AppList, Change, Class, Edit, EditScript, Entry, Format, GroupRef,
    Migration, NodeRef, Origin, Place, RawEdit, Side, SinkRef, SourceRef, SubgraphRef, Usual,
};
