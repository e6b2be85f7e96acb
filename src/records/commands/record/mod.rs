//! `git comfy record`: makes, completes and repairs the records of commits.

pub mod collect_record;
pub mod complete_records;
pub mod hook_recording;
pub mod machine_state;
pub mod reattach;

pub(crate) use collect_record::{HashFailures, touched_workflows};
pub(crate) use complete_records::hash_models;
pub(crate) use reattach::RecordIndex;

use complete_records::DigestTrust;
use machine_state::{LocationSettings, MachineState, ServerAnswer, TimeBudget};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::records::recorder_state::RecorderState;
use crate::session::Session;

/// Record what commits were made with: models by hash, node packs, ComfyUI.
///
/// Every commit is recorded when it is made; this makes or completes the records of older
/// ones, with what is on this machine now.
#[derive(Debug, clap::Args)]
pub struct RecordArgs {
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

pub fn run(args: &RecordArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    if args.finish {
        complete_records::complete_pending(session, &repository)?;
        return Ok(Exit::Done);
    }
    let places = LocationSettings::load(session, &repository)?;
    let desk = RecorderState::new(&repository.state_dir());
    let turn = match desk.try_lock()? {
        Some(turn) => turn,
        None => {
            session.ui.info("another git-comfy is hashing; this one goes on when it is done");
            desk.lock()?
        }
    };
    let here = MachineState::detect(session, &repository, &places, TimeBudget::Full);
    here.fetch_object_info();
    if let ServerAnswer::Failed(error) = &here.server_answer {
        session.ui.info(&format!("ComfyUI's server: {}", sanitize::line(&error.to_string())));
    }
    if here.installation.is_none() {
        session.ui.info(
            "no ComfyUI was found on this machine, so no model is found either; \
             git config comfy.root <folder> says where it is",
        );
    }
    if args.reattach {
        let done = reattach::reattach_records(&repository, &here)?;
        drop(turn);
        hook_recording::start_record_worker(session, &repository);
        session.ui.report(&format!(
            "{} repaired, {} were right",
            count_commits(done.repaired),
            done.unchanged
        ))?;
        return Ok(Exit::Done);
    }
    let mut commits = match args.all {
        true => reattach::reachable_commits(&repository)?,
        false => complete_records::resolve_commits(&repository, &args.revisions)?,
    };
    if args.revisions.is_empty() {
        // What waits goes first; HEAD may be among it.
        let waiting = complete_records::pending_commits(&repository, &here.recorder_state)?;
        commits.retain(|commit| !waiting.contains(commit));
        commits.splice(0..0, waiting);
    }
    let trust = if args.rehash { DigestTrust::Rehash } else { DigestTrust::UseCache };
    let bar = session.ui.bytes_bar();
    let recorded =
        complete_records::record_commits(&repository, &here, &turn, &commits, trust, Some(&bar))?;
    bar.finish();
    drop(turn);
    hook_recording::start_record_worker(session, &repository);
    if recorded.is_empty() && args.revisions.is_empty() && !args.all {
        return Err(CommandError::new("HEAD touches no workflow")
            .with_hint("git comfy record A..B records every commit of a range"));
    }
    session.ui.report(&format!("{} recorded", count_commits(recorded.len())))?;
    Ok(Exit::Done)
}

fn count_commits(commits: usize) -> String {
    if commits == 1 { "1 commit".to_owned() } else { format!("{commits} commits") }
}
