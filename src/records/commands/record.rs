//! `git comfy record`: makes, completes and repairs the records of commits.

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::records::complete_records::DigestTrust;
use crate::records::recorder_context::{LocationSettings, MachineState, ServerAnswer, TimeBudget};
use crate::records::recorder_state::RecorderState;
use crate::records::{complete_records, hook_recording, reattach};
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

pub(crate) fn run(args: &RecordArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    if args.finish {
        complete_records::complete_pending(session, &repository)?;
        return Ok(Exit::Done);
    }
    let settings = LocationSettings::load(session, &repository)?;
    let recorder_state = RecorderState::new(&repository.state_dir());
    let lock = complete_records::lock_recorder(session, &recorder_state)?;
    let machine = MachineState::detect(session, &repository, &settings, TimeBudget::Full);
    machine.fetch_object_info(&repository);
    if let ServerAnswer::Failed(error) = &machine.server_answer {
        session.ui.info(&format!("ComfyUI's server: {}", sanitize::line(&error.to_string())));
    }
    if machine.installation.is_none() {
        session.ui.info(
            "no ComfyUI was found on this machine, so no model is found either; \
             git config comfy.root <folder> says where it is",
        );
    }
    if args.reattach {
        let done = reattach::reattach_records(&repository, &machine)?;
        drop(lock);
        hook_recording::start_record_worker(session, &repository);
        session.ui.report(&format!(
            "{} repaired, {} were right",
            counted(done.repaired, "commit", "commits"),
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
        let waiting = complete_records::pending_commits(&repository, &machine.recorder_state)?;
        commits.retain(|commit| !waiting.contains(commit));
        commits.splice(0..0, waiting);
    }
    let trust = if args.rehash { DigestTrust::Rehash } else { DigestTrust::UseCache };
    let bar = session.ui.bytes_bar();
    let recorded = complete_records::record_commits(
        &repository,
        &machine,
        &lock,
        &commits,
        trust,
        Some(&bar),
    )?;
    bar.finish();
    drop(lock);
    hook_recording::start_record_worker(session, &repository);
    if recorded.is_empty() && args.revisions.is_empty() && !args.all {
        return Err(CommandError::repository("HEAD touches no workflow")
            .with_hint("git comfy record A..B records every commit of a range"));
    }
    session.ui.report(&format!("{} recorded", counted(recorded.len(), "commit", "commits")))?;
    Ok(Exit::Done)
}
