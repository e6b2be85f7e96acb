//! `git comfy hook`: what the hooks in `hooks/` call. Silent, quick, and never a failure,
//! but for a commit of conflicts that nobody settled.

use std::ffi::OsString;
use std::io::{self, Read};

use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::{raw, raw_words};
use crate::merging::{driver, merge_files};
use crate::platform::git::shell::typed_name;
use crate::platform::git::{Repository, dry_push};
use crate::platform::machine::callers;
use crate::platform::text::sanitize;
use crate::records::commands::record::after;
use crate::session::Session;
use crate::setup::hook::Hook;
use crate::setup::{State, hook};
use crate::sharing::Asking;
use crate::{setup, sharing};

/// Do the work of a git hook.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name of the hook, such as post-commit.
    pub name: String,
    /// What git passed to it.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// The most that is read of what git tells a hook on standard input.
const MAX_TOLD: u64 = 64 << 20;

/// Runs the hook. Failures are printed and never change the exit code, except before a commit.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    if session.environment.switched_off {
        return Ok(Exit::Done);
    }
    if args.name == "pre-commit" {
        return Ok(before_commit(session));
    }
    let Some(hook) = named(args) else { return Ok(Exit::Done) };
    if matches!(hook, Hook::PrePush { .. }) && dry_push::is_trial(&callers::callers()) {
        return Ok(Exit::Done);
    }
    if hook == Hook::PostCheckout && is_first_checkout(args) {
        welcome(session);
    }
    match session.repository() {
        Ok(repository) => {
            // First: what is sent along with a push must be complete.
            if let Err(failure) = record(args, session, &repository) {
                session.tell_remarks(&[format!("nothing was recorded: {failure}")]);
            }
            session.tell_remarks(&hook::run(&repository, &hook));
            if hook == Hook::PostMerge
                && let Ok(files) = raw::merged(&repository)
            {
                session.tell_remarks(&raw_words::news(&files));
            }
            // Also what an earlier one left, that was stopped.
            after::start_worker(session, &repository);
        }
        Err(error) => session.tell_remarks(&[error.to_string()]),
    }
    Ok(Exit::Done)
}

/// The one hook with a veto: a commit of conflicts that nobody settled is refused.
fn before_commit(session: &Session) -> Exit {
    // A look that fails is no reason to hold a commit up.
    let Ok(repository) = session.repository() else { return Exit::Done };
    let found = driver::staged_conflicts(&repository).unwrap_or_default();
    for unready in &found {
        let path = sanitize::line(&unready.path.to_string()).into_owned();
        let count = merge_files::count(unready.conflicts);
        session.ui.warn(&format!("git-comfy: {path} still has {count} of a merge in it"));
        let path = typed_name(unready.path.to_path());
        session.ui.warn(&format!("  settle:             git comfy resolve {path}"));
        session.ui.warn(&format!("  take it as it is:   git comfy resolve {path} --accept"));
    }
    if found.is_empty() {
        if let Err(error) = hook::before_commit(&repository) {
            session.tell_remarks(&[format!("layouts stay pending: {error}")]);
        }
        return Exit::Done;
    }
    session.ui.warn("nothing was committed (git commit --no-verify commits it all the same)");
    Exit::Found
}

/// The part of the recorder at this hook.
fn record(args: &Args, session: &Session, repository: &Repository) -> Result<()> {
    match args.name.as_str() {
        "post-commit" => {
            let met = after::commit(session, repository)?;
            crate::runs::after::start(session, repository, met)
        }
        "post-merge" => after::merge(session, repository),
        "post-rewrite" => {
            let mut told = Vec::new();
            let _ = io::stdin().lock().take(MAX_TOLD).read_to_end(&mut told);
            after::rewrite(session, repository, &after::rewritten(&told))
        }
        _ => Ok(()),
    }
}

/// git tells a checkout of a clone by a null id for the commit before.
fn is_first_checkout(args: &Args) -> bool {
    let before = args.arguments.first().map(|id| id.as_encoded_bytes()).unwrap_or_default();
    !before.is_empty() && before.iter().all(|digit| *digit == b'0')
}

/// A clone on a machine that is set up as a whole (`init --global`) fetches the layouts
/// without being told. What fails here `git comfy init` does later.
fn welcome(session: &Session) {
    let config_home = session.environment.config_home.as_deref();
    let Ok(state) = State::read(&session.cwd, config_home) else { return };
    let plan = setup::after_clone(&state);
    if plan.is_empty() || plan.apply(&state.git).is_err() {
        return;
    }
    if let Ok(repository) = session.repository() {
        for remote in sharing::remotes(&repository).unwrap_or_default() {
            let _ = sharing::fetch(&repository, &remote, Asking::Nobody);
        }
    }
}

/// The hook of that name; a name from a newer version's scripts means nothing here.
fn named(args: &Args) -> Option<Hook> {
    let argument = |at: usize| {
        args.arguments.get(at).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
    };
    Some(match args.name.as_str() {
        "post-commit" => Hook::PostCommit,
        "post-checkout" => Hook::PostCheckout,
        "post-merge" => Hook::PostMerge,
        "post-rewrite" => Hook::PostRewrite,
        "pre-push" => {
            let mut refs = Vec::new();
            let _ = io::stdin().lock().take(MAX_TOLD).read_to_end(&mut refs);
            Hook::PrePush { remote: argument(0), url: argument(1), refs }
        }
        _ => return None,
    })
}
