//! Differences as text, Markdown and terminal lines. Must not know where states come from.

pub mod ledger;
pub mod markdown;
pub mod outline;
pub mod phrase;
pub mod story;
pub mod summary;
pub mod tell;
pub mod telling;
pub mod terminal;

pub use outline::{FORM, outline};
pub use summary::one_line;
pub use tell::{Layout, SubgraphNames, tell};
