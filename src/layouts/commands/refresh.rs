//! `git comfy refresh`: takes git's "modified" mark off workflows in which only the layout
//! changed.

use crate::error::Result;
use crate::exit::Exit;
use crate::layouts;
use crate::layouts::ModifiedMarks;
use crate::platform::text::plural::counted;
use crate::session::Session;

/// Clear the "modified" mark of workflows whose nodes were only moved.
///
/// git marks such files although there is nothing to commit, and refuses to switch
/// branches over them. Nothing is staged. Hooks do this by themselves; run it when git
/// says that your local changes would be overwritten.
#[derive(Debug, clap::Args)]
pub struct RefreshArgs {}

/// Refreshes, and says what came of it.
pub fn run(_args: &RefreshArgs, session: &Session) -> Result<Exit> {
    let refreshed = layouts::refresh_index(&session.up_to_date_repository()?)?;
    let count = refreshed.layout_only.len() + refreshed.unchanged.len();
    let count = counted(count, "workflow", "workflows");
    match refreshed.marks {
        ModifiedMarks::None => session.ui.report("nothing to refresh")?,
        ModifiedMarks::Cleared => session.ui.report(&format!("refreshed {count}"))?,
        ModifiedMarks::Busy => {
            session.ui.warn("another git command is working on the index; try again");
            return Ok(Exit::Failed);
        }
    }
    Ok(Exit::Done)
}
