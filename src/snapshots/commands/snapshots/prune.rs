//! `git comfy snapshots prune`: lets old ones go, or all.

use super::policy;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::snapshots;
use crate::snapshots::Policy;

/// Let old snapshots go now; it also happens with each new one.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to keep, instead of comfy.snapshots.keep: `all 1d, hourly 1w, daily 30d`.
    #[arg(long, value_name = "POLICY")]
    keep: Option<String>,
    /// Let all of them go, those with a text too.
    #[arg(long, conflicts_with = "keep")]
    all: bool,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let count = if args.all {
        snapshots::forget(&repository)?
    } else {
        let policy = match &args.keep {
            Some(text) => Policy::parse(text).ok_or_else(|| {
                Failure::new(format!("{} says not what to keep", sanitize::line(text)))
                    .hint("write it like this: --keep \"all 1d, hourly 1w, daily 30d\"")
            })?,
            None => policy(session, &repository)?,
        };
        snapshots::prune(&repository, &policy)?
    };
    session.ui.tell(&match count {
        0 => "no snapshot had to go".to_owned(),
        1 => "1 snapshot let go".to_owned(),
        count => format!("{count} snapshots let go"),
    })?;
    if count > 0 {
        session.ui.say("git frees the room when it collects garbage: git gc");
    }
    Ok(Exit::Done)
}
