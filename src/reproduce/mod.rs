//! What making a picture again takes: what the original needed, what is here instead, and
//! the two documents repaired for what is here.
//!
//! ```text
//! run, records ───▶ Requirements ─┐
//!                                 ├─▶ ReproductionCheck ─▶ FileRenames ─▶ RepairedDocuments
//! the machine ────▶ LocalMachine ─┘
//! ```
//!
//! Evidence only: what nobody recorded is said to be unknown, never guessed. Must not know
//! the machine; what is here is handed in.

pub mod check;
pub mod claims;
pub mod commands;
pub mod describe;
pub mod finding;
pub mod here;
pub mod input_lookup;
pub mod line;
pub mod lock;
pub mod lookup;
pub mod rename;
pub mod repair;
pub mod same;
pub mod specs;
pub mod vary;
pub mod wanted;
pub mod yaml;

pub use check::check;
pub use claims::add_claims;
pub use finding::{Check, InputState, ModelState, PackCheck, PackState, Verdict};
pub use here::{Copy, Found, Here, InputHere, ModelHere, PackHere, Restorable};
pub use lock::{Lock, LockedInput};
pub use rename::Renames;
pub use repair::{Agreement, Repaired, repair};
pub use same::Difference;
pub use specs::{Exported, comfy_build, manager_snapshot};
pub use wanted::{InputWanted, ModelWanted, PackWanted, Records, Wanted};
