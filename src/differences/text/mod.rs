//! Differences as text, Markdown and terminal lines. Must not know where states come from.

pub mod blame_lines;
pub mod describe;
pub mod diff_description;
pub mod markdown;
pub mod one_line;
pub mod outline;
pub mod phrase;
pub mod terminal;
pub mod workflow_summary;

pub use describe::{LayoutDetail, SubgraphNames, describe_diff};
pub use one_line::one_line_summary;
pub use outline::{OUTLINE_FORMAT, outline};
