//! Floor 1: workflows and prompts as types over the raw tree.
//!
//! A typed face, never a copy with fewer fields: every node, link, group and definition
//! owns its raw JSON object, accessors read it, setters write it, and what nobody typed
//! stays where it was. [`Kind`] says what a document is before anything else looks at it.
//!
//! This floor must not know git, files, the layout policy, or which widgets a node class
//! has (that is the catalog's business, one floor up).

mod id;
mod kind;

pub use id::{GroupId, LinkId, NodeId, NodeKey, RerouteId, Scope, SubgraphId};
pub use kind::{Found, GraphKind, Kind, Schema, is_prompt, is_workflow, kind};
