//! Versions that are not in the history: conflict copies told by their names, exports and
//! outputs put into lines of versions, and each line into its order. A plan is a value that
//! can be shown, edited and fed back.
//!
//! Must not know files or git.

pub mod copies;
pub mod decide;
pub mod likeness;
pub mod lines;
pub mod marks;
pub mod names;
pub mod pile;
pub mod words;

pub use copies::{CopyName, copy_of, numbered};
pub use decide::Choice;
pub use likeness::Portrait;
pub use lines::{Export, Plan, Remark, Version, plan};
pub use names::Day;
pub use pile::{Made, Pile};
