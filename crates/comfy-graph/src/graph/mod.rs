//! Workflows and prompts as types over the raw tree.
//!
//! A typed face, never a copy with fewer fields: every node, link, group and definition
//! owns its raw JSON object, accessors read it, setters write it, and what nobody typed
//! stays where it was. [`document_kind`] says what a document is before anything else looks at it.
//!
//! This module must not know git, files, the layout policy, or which widgets a node class
//! has: `catalog` knows that.

/// How deeply definitions may lie in each other: what lies deeper is left alone. No writer
/// nests them deeply.
pub(crate) const MAX_DEFINITION_DEPTH: usize = 32;

mod check;
mod counters;
mod defect;
mod definition;
mod document_kind;
mod group;
mod id;
mod key_order;
mod link;
mod node;
mod promoted_widgets;
mod prompt;
mod renumber;
mod slot;
mod to_prompt;
mod widget;
mod wires;
mod workflow;

pub use check::check_workflow;
pub use counters::IdCounters;
pub use defect::{DefectKind, GraphList, Severity, WorkflowDefect};
pub use definition::SubgraphDefinition;
pub use document_kind::{
    DocumentKind, GraphKind, GraphLocation, WorkflowSchema, document_kind, is_prompt, is_workflow,
};
pub(crate) use document_kind::{PromptMember, find_document_kind, looks_like_graph, prompt_member};
pub use group::Group;
pub use id::{GraphScope, GroupId, LinkId, NodeId, NodeKey, RerouteId, SubgraphId};
pub use key_order::{FxIndexMap, UntypedElement};
pub use link::{Link, LinkEnd, LinkFormat, Reroute};
pub use node::{Node, NodeMode};
pub use promoted_widgets::{PromotedWidget, is_virtual_class};
pub use promoted_widgets::{SubgraphInstances, WidgetOverride};
pub use prompt::{NotAPrompt, Prompt, PromptInput, PromptNode};
pub use renumber::Renumbering;
pub use slot::{Slot, SlotName, WidgetValues};
pub(crate) use slot::{find_slot, slot_names};
pub use to_prompt::{PromptConversionError, ValueHolder, ValueHolders};
pub(crate) use widget::widgets_by_position;
pub use widget::{
    NameSource, PositionalNaming, Widget, WidgetLocation, WidgetName, WidgetNaming, WidgetRole,
};
pub use wires::{Wire, WireSink, WireSource, Wires};
pub use workflow::{Graph, NotAWorkflow, UntypedElements, Workflow};
