//! Three workflows into one, with every decision and conflict as data.
//!
//! ```text
//! three documents ─ clean::strip_layout ─ align ids ─ settle every thing by one rule
//!   ─ write links ─ apply the rules a person set ─ check that nothing is lost or broken
//! ```
//!
//! [`merge_documents()`] never fails: what cannot be settled is a [`Conflict`], and a result that
//! does not pass its own check is not used. Everything is settled by the one rule of
//! [`ThreeWay`], whatever it is: a node by its presence, a value by its name, a wire by the
//! input it feeds. `embed` puts conflicts into the file, `resolve` takes them out again.
//!
//! Must not read or write files; must not know git.

mod added_definitions;
mod audit;
mod boundary;
mod conflict;
mod conflict_card;
mod conflict_embedding;
mod conflict_json;
mod decision;
mod document;
mod fields;
mod follow_packing;
mod graph;
mod groups;
mod id_alignment;
mod inserted_nodes;
mod json_merge;
mod json_side_writer;
mod merge_log;
mod moved_members;
mod node;
mod prompt;
mod removal;
mod resolve;
mod sequence;
mod side_description;
mod side_writer;
mod slots;
mod strategy;
mod subgraph_instances;
mod text;
mod three_way;
mod uncontested;
mod version;
mod virtual_base;
mod widget_alignment;
mod widgets;
mod wires;
mod workflow;

pub use audit::AuditFinding;
pub use conflict::{Conflict, ConflictKind, ConflictPart, MergePlace, NodeName};
pub use conflict_embedding::{
    CardVisibility, EmbedResult, GraphConflicts, SideLabels, embed_conflicts, read_conflicts,
};
pub use conflict_json::EmbeddedConflict;
pub use decision::{MergeDecision, MergeVerdict};
pub use document::{MergeOptions, MergeResult, merge_documents};
pub use json_side_writer::write_side;
pub use resolve::{
    ConflictChoice, ConflictState, ResolveResult, UnsettledConflict, list_conflicts,
    resolve_conflicts,
};
pub use side_description::DescriptionPiece;
pub use side_writer::UnwrittenPart;
pub use strategy::{ChangeClass, InvalidMergeRule, MergeRule, MergeStrategies};
pub use three_way::{MergeSide, ThreeWay, ThreeWayOutcome};
