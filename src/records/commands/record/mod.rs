//! `git comfy record`: makes, completes and repairs the records of commits.

pub mod after;
pub mod finish;
pub mod gather;
pub mod here;
pub mod reattach;

pub(crate) use finish::hash_all;
pub(crate) use gather::{Failures, workflows};
pub(crate) use reattach::Recorded;

use finish::Trust;
use here::{Asked, Here, Patience, Places};

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::records::recorder_state::Desk;
use crate::session::Session;

/// Record what commits were made with: models by hash, node packs, ComfyUI.
///
/// Every commit is recorded when it is made; this makes or completes the records of older
/// ones, with what is on this machine now.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Commits or ranges (A..B); none means HEAD and whatever is not complete.
    #[arg(value_name = "REV")]
    pub revisions: Vec<String>,
    /// Every commit of every branch and tag.
    #[arg(long, conflicts_with = "revisions")]
    pub all: bool,
    /// Read every model again instead of trusting the digests that are known.
    #[arg(long)]
    pub rehash: bool,
    /// Find the records of all commits again after history was rewritten.
    #[arg(long, conflicts_with_all = ["revisions", "all", "rehash"])]
    pub reattach: bool,
    /// Complete the records that wait (started after a commit).
    #[arg(long, hide = true, conflicts_with_all = ["revisions", "all", "rehash", "reattach"])]
    pub finish: bool,
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    if args.finish {
        finish::complete(session, &repository)?;
        return Ok(Exit::Done);
    }
    let places = Places::of(session, &repository)?;
    let desk = Desk::within(&repository.state_dir());
    let turn = match desk.try_turn()? {
        Some(turn) => turn,
        None => {
            session.ui.say("another git-comfy is hashing; this one goes on when it is done");
            desk.turn()?
        }
    };
    let here = Here::look_around(session, &repository, &places, Patience::Whole);
    here.learn();
    if let Asked::Silent(error) = &here.asked {
        session.ui.say(&format!("ComfyUI's server: {}", sanitize::line(&error.to_string())));
    }
    if here.installation.is_none() {
        session.ui.say(
            "no ComfyUI was found on this machine, so no model is found either; \
             git config comfy.root <folder> says where it is",
        );
    }
    if args.reattach {
        let done = reattach::reattach(&repository, &here)?;
        drop(turn);
        after::start_worker(session, &repository);
        session.ui.tell(&format!("{} repaired, {} were right", count(done.repaired), done.fine))?;
        return Ok(Exit::Done);
    }
    let mut commits = match args.all {
        true => reattach::reachable(&repository)?,
        false => finish::commits(&repository, &args.revisions)?,
    };
    if args.revisions.is_empty() {
        // What waits goes first; HEAD may be among it.
        let waiting = finish::waiting(&repository, &here.desk)?;
        commits.retain(|commit| !waiting.contains(commit));
        commits.splice(0..0, waiting);
    }
    let trust = if args.rehash { Trust::Nothing } else { Trust::Cache };
    let bar = session.ui.bytes_bar();
    let recorded = finish::record(&repository, &here, &turn, &commits, trust, Some(&bar))?;
    bar.finish();
    drop(turn);
    after::start_worker(session, &repository);
    if recorded.is_empty() && args.revisions.is_empty() && !args.all {
        return Err(Failure::new("HEAD touches no workflow")
            .hint("git comfy record A..B records every commit of a range"));
    }
    session.ui.tell(&format!("{} recorded", count(recorded.len())))?;
    Ok(Exit::Done)
}

fn count(commits: usize) -> String {
    if commits == 1 { "1 commit".to_owned() } else { format!("{commits} commits") }
}
