//! Three workflows into one, with every decision and conflict as data.
//!
//! ```text
//! three documents ─ canon::strip ─ align ids ─ settle every thing by one rule
//!   ─ write links ─ apply the rules a person set ─ check that nothing is lost or broken
//! ```
//!
//! [`merge()`] never fails: what cannot be settled is a [`Conflict`], and a result that
//! does not pass its own check is not used. Everything is settled by the one rule of
//! [`Three`], whatever it is: a node by its presence, a value by its name, a wire by the
//! input it feeds. `embed` puts conflicts into the file, `resolve` takes them out again.
//!
//! Must not read or write files; must not know git.

mod boundary;
mod card;
mod choose;
mod conflict;
mod conserve;
mod decision;
mod definitions;
mod document;
mod embed;
mod extras;
mod fields;
mod follow;
mod graph;
mod groups;
mod hosts;
mod identity;
mod json;
mod ledger;
mod node;
mod prompt;
mod removal;
mod resolve;
mod sequence;
mod shown;
mod sides;
mod slots;
mod spell;
mod strategy;
mod text;
mod three;
mod virtual_base;
mod widgets;
mod wires;
mod workflow;

pub use choose::Unwritten;
pub use conflict::{Conflict, ConflictKind, NodeName, Part, Place};
pub use conserve::Doubt;
pub use decision::{Decision, Verdict};
pub use document::{Merged, Options, merge};
pub use embed::{Cards, Carrier, Embedded, Labels, carried, embed, is_conflicted};
pub use resolve::{Choice, Resolved, State, Unsettled, list, resolve};
pub use shown::Said;
pub use sides::write_side;
pub use spell::Carried;
pub use strategy::{Class, NotARule, Rule, Strategies};
pub use three::{Outcome, Side, Three};
