//! `git comfy hook`: what the hooks in `hooks/` call. Silent, quick, and never a failure,
//! but for a commit of conflicts that nobody settled.

use std::ffi::OsString;
use std::io::{self, Read};

use crate::differences::lost_graph::find_lost_graphs;
use crate::error::Result;
use crate::exit::Exit;
use crate::hooks::run_hook;
use crate::hooks::run_hook::HookCall;
use crate::layouts::{describe_raw, raw_files};
use crate::merging::merge_status::StagedConflicts;
use crate::merging::{merge_files, merge_status};
use crate::platform::git::operation_in_progress::{self, Operation};
use crate::platform::git::shell::quote_path;
use crate::platform::git::{Repository, push_dry_run};
use crate::platform::machine::caller_processes;
use crate::platform::text::sanitize;
use crate::records::hook_recording;
use crate::session::Session;
use crate::setup::SetupState;
use crate::sharing::Interactivity;
use crate::{setup, sharing};

/// Do the work of a git hook.
#[derive(Debug, clap::Args)]
pub struct HookArgs {
    /// The name of the hook, such as post-commit.
    pub name: String,
    /// What git passed to it.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// The most that is read of what git tells a hook on standard input.
const MAX_STDIN_LEN: u64 = 64 << 20;

/// Runs the hook. Failures are printed and never change the exit code, except before a commit.
pub(crate) fn run(args: &HookArgs, session: &Session) -> Result<Exit> {
    if session.environment.switched_off || session.environment.is_marking_files {
        return Ok(Exit::Done);
    }
    if args.name == "pre-commit" {
        return Ok(run_pre_commit(session));
    }
    if args.name == "prepare-commit-msg" {
        return Ok(run_prepare_commit_msg(session));
    }
    let Some(hook) = parse_hook_call(args) else { return Ok(Exit::Done) };
    if matches!(hook, HookCall::PrePush { .. })
        && push_dry_run::is_dry_run(&caller_processes::callers())
    {
        return Ok(Exit::Done);
    }
    if hook == HookCall::PostIndexChange {
        // git writes the index often: nothing else is done then.
        if let Ok(repository) = session.repository() {
            session.print_remarks(&run_hook::run(&repository, &hook));
        }
        return Ok(Exit::Done);
    }
    if hook == HookCall::PostCheckout && is_first_checkout(args) {
        fetch_layouts_after_clone(session);
    }
    match session.repository() {
        Ok(repository) => {
            // First: what is sent along with a push must be complete.
            if let Err(failure) = record_for_hook(args, session, &repository) {
                session.print_remarks(&[format!("nothing was recorded: {failure}")]);
            }
            session.print_remarks(&run_hook::run(&repository, &hook));
            if hook == HookCall::PostMerge
                && let Ok(files) = raw_files::newly_merged_raw_files(&repository)
            {
                session.print_remarks(&describe_raw::new_raw_file_lines(&files));
            }
            // Also what an earlier one left, that was stopped.
            hook_recording::start_record_worker(session, &repository);
        }
        Err(error) => session.print_remarks(&[error.to_string()]),
    }
    Ok(Exit::Done)
}

/// The one hook with a veto: a commit of conflicts that nobody settled is refused.
fn run_pre_commit(session: &Session) -> Exit {
    // A look that fails is no reason to hold a commit up.
    let Ok(repository) = session.repository() else { return Exit::Done };
    let found = merge_status::staged_conflicts(&repository).unwrap_or_default();
    report_staged_conflicts(session, &found);
    for lost in find_lost_graphs(&repository, &session.cwd, &["--cached"]) {
        let path = sanitize::line(&lost.path.to_string()).into_owned();
        session.ui.warn(&format!("git-comfy: {path}: {}", lost.sentence));
    }
    if found.is_empty() {
        if let Err(error) = run_hook::before_commit(&repository) {
            session.print_remarks(&[format!("layouts stay pending: {error}")]);
        }
        return Exit::Done;
    }
    session.ui.warn("nothing was committed (git commit --no-verify commits it all the same)");
    Exit::Negative
}

/// Where git goes on with a rebase or a sequence it does not call `pre-commit`: the same veto.
fn run_prepare_commit_msg(session: &Session) -> Exit {
    let Ok(repository) = session.repository() else { return Exit::Done };
    let applied =
        [Operation::Rebase, Operation::Sequence, Operation::CherryPick, Operation::Revert];
    if !operation_in_progress::is_any_in_progress(&repository, &applied) {
        return Exit::Done;
    }
    let found = merge_status::newly_staged_conflicts(&repository).unwrap_or_default();
    report_staged_conflicts(session, &found);
    if found.is_empty() {
        return Exit::Done;
    }
    let next = merge_status::continue_command(&repository).unwrap_or("git commit");
    session.ui.warn(&format!("nothing was committed (GIT_COMFY=0 {next} commits it all the same)"));
    Exit::Negative
}

/// Names the files that would be committed with conflicts in them, and the ways out.
fn report_staged_conflicts(session: &Session, found: &[StagedConflicts]) {
    for unready in found {
        let path = sanitize::line(&unready.path.to_string()).into_owned();
        let count = merge_files::describe_count(unready.conflicts);
        session.ui.warn(&format!("git-comfy: {path} still has {count} of a merge in it"));
        let path = quote_path(unready.path.to_path());
        if unready.is_marked {
            session.ui.warn("  settle what stands between the conflict markers, then:");
            session.ui.warn(&format!("  git add {path}"));
            continue;
        }
        session.ui.warn(&format!("  settle:             git comfy resolve {path}"));
        session.ui.warn(&format!("  take it as it is:   git comfy resolve {path} --accept"));
    }
}

/// The part of the recorder at this hook.
fn record_for_hook(args: &HookArgs, session: &Session, repository: &Repository) -> Result<()> {
    match args.name.as_str() {
        "post-commit" => {
            let met = hook_recording::record_after_commit(session, repository)?;
            crate::runs::pick_up::start_pick_up(session, repository, met)
        }
        "post-merge" => hook_recording::record_after_merge(session, repository),
        "post-rewrite" => {
            let mut stdin = Vec::new();
            let _ = io::stdin().lock().take(MAX_STDIN_LEN).read_to_end(&mut stdin);
            hook_recording::carry_to_rewritten(
                session,
                repository,
                &hook_recording::parse_rewritten_commits(&stdin),
            )
        }
        _ => Ok(()),
    }
}

/// git tells a checkout of a clone by a null id for the commit before.
fn is_first_checkout(args: &HookArgs) -> bool {
    let before = args.arguments.first().map(|id| id.as_encoded_bytes()).unwrap_or_default();
    !before.is_empty() && before.iter().all(|digit| *digit == b'0')
}

/// A clone on a machine that is set up as a whole (`init --global`) fetches the layouts
/// without being told. What fails here `git comfy init` does later.
fn fetch_layouts_after_clone(session: &Session) {
    let config_home = session.environment.config_home.as_deref();
    let Ok(state) = SetupState::read(&session.cwd, config_home) else { return };
    let plan = setup::plan_after_clone(&state);
    if plan.is_empty() || plan.apply(&state.git).is_err() {
        return;
    }
    if let Ok(repository) = session.repository() {
        for remote in sharing::remote_names(&repository).unwrap_or_default() {
            let _ = sharing::fetch_shared_refs(&repository, &remote, Interactivity::Hook);
        }
    }
}

/// The hook of that name; a name from a newer version's scripts means nothing here.
fn parse_hook_call(args: &HookArgs) -> Option<HookCall> {
    let argument = |at: usize| {
        args.arguments.get(at).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
    };
    Some(match args.name.as_str() {
        "post-commit" => HookCall::PostCommit,
        "post-checkout" => HookCall::PostCheckout,
        "post-index-change" => HookCall::PostIndexChange,
        "post-merge" => HookCall::PostMerge,
        "post-rewrite" => HookCall::PostRewrite,
        "pre-push" => {
            let mut refs = Vec::new();
            let _ = io::stdin().lock().take(MAX_STDIN_LEN).read_to_end(&mut refs);
            HookCall::PrePush { remote: argument(0), url: argument(1), refs }
        }
        _ => return None,
    })
}
