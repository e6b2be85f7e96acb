//! The settings by which notes follow a rewritten commit and are fetched with the branches.

use super::plan::{SetupPlan, SetupStep};
use super::state::SetupState;
use super::{SetupReach, SetupRequest};
use crate::platform::git::config::{ConfigChange, ConfigScope};
use crate::platform::git::shared_refs::{covers_notes, fetch_refspec, runs_refspec};

/// The notes of commits (records). Layout notes are on blobs, which no rewrite changes.
pub const REWRITE_REF: &str = "refs/notes/comfy";
/// How git treats a note that is there already when it carries one over. A record is one
/// JSON document: joining two makes none. `ignore` keeps what post-commit has just written
/// for the new commit; the old one stays where it was, and the post-rewrite hook, which
/// runs afterwards, sees both.
const REWRITE_MODE: &str = "ignore";
/// The values of `notes.rewriteMode` that never join two notes.
const SAFE_REWRITE_MODES: [&str; 2] = ["ignore", "overwrite"];

/// Whether a refspec is ours, under whatever name the remote had then.
fn is_own_refspec(refspec: &str) -> bool {
    let between = |start: &str, end: &str| {
        refspec.strip_prefix(start).is_some_and(|rest| rest.ends_with(end))
    };
    between("+refs/notes/comfy*:refs/notes/", "/comfy*")
        || between("+refs/comfy/runs*:refs/comfy/remotes/", "/runs*")
}

/// What is fetched from a remote: layouts and records, and runs where they are shared.
fn wanted_refspecs(state: &SetupState, remote: &str) -> Vec<String> {
    let share = state.config.value("comfy.runs.share").unwrap_or_default();
    let shared = ["true", "yes", "on", "1"].contains(&share);
    let runs = shared.then(|| runs_refspec(remote));
    [fetch_refspec(remote)].into_iter().chain(runs).collect()
}

pub(crate) fn plan_notes(state: &SetupState, wish: &SetupRequest, plan: &mut SetupPlan) {
    plan_rewrite(state, wish, plan);
    if wish.reach == SetupReach::Machine {
        plan.remarks.push(
            "layouts are fetched from a remote only where `git comfy init` ran in the repository"
                .to_owned(),
        );
        return;
    }
    plan_remotes(state, plan);
}

/// The refspecs by which remotes' layouts and records are fetched.
pub(crate) fn plan_remotes(state: &SetupState, plan: &mut SetupPlan) {
    let mut steps = Vec::new();
    let mut served = Vec::new();
    for remote in state.remotes() {
        let fetches = state.fetch_refspecs(remote);
        let wanted = wanted_refspecs(state, remote);
        let key = format!("remote.{remote}.fetch");
        let stale = fetches
            .iter()
            .filter(|refspec| is_own_refspec(refspec) && !wanted.iter().any(|own| own == *refspec));
        steps.extend(stale.map(|refspec| {
            let change = ConfigChange::Remove { key: key.clone(), value: (*refspec).to_owned() };
            SetupStep::Config(ConfigScope::Local, change)
        }));
        for own in wanted {
            if !fetches.contains(&own.as_str()) && !covers_notes(&fetches) {
                let change = ConfigChange::Add { key: key.clone(), value: own };
                steps.push(SetupStep::Config(ConfigScope::Local, change));
                if served.last() != Some(&remote) {
                    served.push(remote);
                }
            }
        }
        if covers_notes(&fetches) {
            plan.remarks.push(format!(
                "remote {remote} overwrites all local notes when it fetches \
                 (remote.{remote}.fetch); layouts and records of your own can be lost there"
            ));
        }
    }
    plan.add(format!("layouts are fetched with the branches from {}", served.join(", ")), steps);
}

fn plan_rewrite(state: &SetupState, wish: &SetupRequest, plan: &mut SetupPlan) {
    let (config, scope) = (&state.config, wish.reach.scope());
    let held: Vec<_> =
        config.entries("notes.rewriteRef").map(|entry| entry.value.as_str()).collect();
    let foreign = held.iter().any(|name| *name != REWRITE_REF);
    let mode = config.value("notes.rewriteMode");
    let whole = mode.is_some_and(|mode| SAFE_REWRITE_MODES.contains(&mode));
    if !whole && (foreign || mode.is_some()) {
        plan.remarks.push(
            "your notes.rewriteRef and notes.rewriteMode join notes, which must not happen to \
             records: the post-rewrite hook carries them instead"
                .to_owned(),
        );
        return;
    }
    let mut steps = Vec::new();
    if mode.is_none() {
        let change = ConfigChange::Set {
            key: "notes.rewriteMode".to_owned(),
            value: REWRITE_MODE.to_owned(),
        };
        steps.push(SetupStep::Config(scope, change));
    }
    if !held.contains(&REWRITE_REF) {
        let change =
            ConfigChange::Add { key: "notes.rewriteRef".to_owned(), value: REWRITE_REF.to_owned() };
        steps.push(SetupStep::Config(scope, change));
    }
    plan.add("what is known of a commit follows it through amend and rebase", steps);
}

pub(crate) fn plan_notes_removal(state: &SetupState, reach: SetupReach, plan: &mut SetupPlan) {
    let (config, scope) = (&state.config, reach.scope());
    let mut steps = Vec::new();
    let mut remove = |key: &str, value: &str| {
        let change = ConfigChange::Remove { key: key.to_owned(), value: value.to_owned() };
        steps.push(SetupStep::Config(scope, change));
    };
    let held = config.values_in_scope(scope, "notes.rewriteRef");
    if held.contains(&REWRITE_REF) {
        remove("notes.rewriteRef", REWRITE_REF);
        // The mode came with the ref, unless other notes live by it.
        let alone = held.iter().all(|name| *name == REWRITE_REF);
        if alone && config.values_in_scope(scope, "notes.rewriteMode") == [REWRITE_MODE] {
            remove("notes.rewriteMode", REWRITE_MODE);
        }
    }
    if reach == SetupReach::Repository {
        for remote in config.subsections("remote") {
            for refspec in
                state.fetch_refspecs(remote).into_iter().filter(|refspec| is_own_refspec(refspec))
            {
                remove(&format!("remote.{remote}.fetch"), refspec);
            }
        }
    }
    plan.add("the notes settings", steps);
}
