//! What changed between two states of a workflow.
//!
//! [`diff`] compares two documents and gives an [`EditScript`], a value in a closed
//! vocabulary that renderers show; [`apply`] replays it: `apply(a, diff(a, b))` is the clean
//! form of `b`. Must not know how a change is shown, nor where the two documents came
//! from.

mod apply;
mod document;
mod edit;
mod embedded_values;
mod groups;
mod layout;
mod lineage;
mod member_edits;
mod migration;
mod node_matches;
mod prompt;
mod raw_lookup;
mod references;
pub mod schema;
mod script_builder;
mod sequence;
mod slots;
mod structure;
mod taken_over;
mod widgets;
mod wire_origin;
mod wires;
mod word_diff;
mod workflow;

pub use apply::{ApplyError, apply};
pub use document::diff;
pub use edit::{
    AddedWidget, AppEntry, AppList, Change, ChangeOrigin, DefaultMatch, Edit, EditClass, EditEntry,
    EditScript, EditTarget, EmbeddedHome, GroupRef, LinkRef, Migration, NodeRef, RawEdit,
    ScriptFormat, SinkRef, SlotSide, SourceRef, SubgraphRef,
};
pub use lineage::{Aspect, Lineage, NodeAspect};
pub use member_edits::PROGRAM_WRITTEN_PROPERTIES;
pub use node_matches::{PairedNodes, WorkflowLikeness, match_nodes, pair_nodes, workflow_likeness};
pub use taken_over::has_taken_over;
pub use widgets::spell_model_path;
pub use word_diff::{WordDiffPart, diff_words};
