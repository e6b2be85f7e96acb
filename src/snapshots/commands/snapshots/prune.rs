//! `git comfy snapshots prune`: lets old ones go, or all.

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::snapshots;
use crate::snapshots::RetentionPolicy;
use crate::snapshots::settings::configured_policy;

/// Let old snapshots go now; it also happens with each new one.
#[derive(Debug, clap::Args)]
pub(crate) struct SnapshotsPruneArgs {
    /// What to keep, instead of comfy.snapshots.keep: `all 1d, hourly 1w, daily 30d`.
    #[arg(long, value_name = "POLICY")]
    keep: Option<String>,
    /// Let all of them go, those with a text too.
    #[arg(long, conflicts_with = "keep")]
    all: bool,
}

pub(crate) fn run(args: &SnapshotsPruneArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let count = if args.all {
        snapshots::delete_all(&repository)?
    } else {
        let policy = match &args.keep {
            Some(text) => RetentionPolicy::parse(text).ok_or_else(|| {
                CommandError::user(format!("{} says not what to keep", sanitize::line(text)))
                    .with_hint("write it like this: --keep \"all 1d, hourly 1w, daily 30d\"")
            })?,
            None => configured_policy(session, &repository)?,
        };
        snapshots::prune_snapshots(&repository, &policy)?
    };
    session.ui.report(&match count {
        0 => "no snapshot had to go".to_owned(),
        count => format!("{} let go", counted(count, "snapshot", "snapshots")),
    })?;
    if count > 0 {
        session.ui.info("git frees the room when it collects garbage: git gc");
    }
    Ok(Exit::Done)
}
