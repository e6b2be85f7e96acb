//! Differences as text, Markdown and terminal lines. Must not know where states come from.

pub(crate) mod blame_lines;
pub(crate) mod describe;
pub(crate) mod diff_description;
pub(crate) mod markdown;
pub(crate) mod one_line;
pub(crate) mod outline;
pub(crate) mod phrase;
mod repeated_edits;
pub(crate) mod terminal;
pub(crate) mod workflow_summary;

pub(crate) use describe::collect_subgraph_names;
pub(crate) use describe::{LayoutDetail, SubgraphNames, describe_diff};
pub(crate) use one_line::one_line_summary;
pub(crate) use outline::{OUTLINE_FORMAT, outline};
