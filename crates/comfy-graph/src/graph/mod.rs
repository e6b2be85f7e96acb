//! Workflows and prompts as types over the raw tree.
//!
//! A typed face, never a copy with fewer fields: every node, link, group and definition
//! owns its raw JSON object, accessors read it, setters write it, and what nobody typed
//! stays where it was. [`kind`] says what a document is before anything else looks at it.
//!
//! This module must not know git, files, the layout policy, or which widgets a node class
//! has: `catalog` knows that.

mod check;
mod count;
mod defect;
mod definition;
mod effective;
mod group;
mod id;
mod kind;
mod link;
mod node;
mod outline;
mod prompt;
mod renumber;
mod slot;
mod to_prompt;
mod widget;
mod wire;
mod workflow;

pub use check::check;
pub use count::Counters;
pub use defect::{Defect, Fault, List, Weight};
pub use definition::Definition;
pub use effective::{Instances, Overruled, Promoted, is_virtual};
pub use group::Group;
pub use id::{GroupId, LinkId, NodeId, NodeKey, RerouteId, Scope, SubgraphId};
pub use kind::{Found, GraphKind, Kind, Schema, is_prompt, is_workflow, kind};
pub use link::{End, Link, Reroute, Spelling};
pub use node::{Mode, Node};
pub use outline::{Odd, Table};
pub use prompt::{NotAPrompt, Prompt, PromptInput, PromptNode};
pub use renumber::Renumbering;
pub use slot::{Slot, SlotName, Widgets};
pub use to_prompt::{Held, Holders, NoPrompt};
pub use widget::{Naming, Place, Role, Unnamed, Widget, WidgetName, by_position};
pub use wire::{Sink, Source, Wire, Wires};
pub use workflow::{Graph, NotAWorkflow, Oddities, Workflow};
