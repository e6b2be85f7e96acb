//! The settings by which notes follow a rewritten commit and are fetched with the branches.
//! Records do; layout notes are on blobs, which no rewrite changes.

use super::plan::{SetupPlan, SetupStep};
use super::state::SetupState;
use super::{SetupReach, SetupRequest};
use crate::platform::git::config::{ConfigChange, ConfigScope};
use crate::platform::git::shared_refs::{
    RECORDS_REF, RECORDS_REWRITE_PATTERN, RUNS_SHARING_KEY, RunsSharing, covers_notes,
    is_records_rewrite, missing_refspecs, wanted_refspecs,
};

/// How git treats a note that is there already when it carries one over. A record is one
/// JSON document: joining two makes none. `ignore` keeps what post-commit has just written
/// for the new commit; the old one stays where it was, and the post-rewrite hook, which
/// runs afterwards, sees both.
const REWRITE_MODE: &str = "ignore";
/// The values of `notes.rewriteMode` that never join two notes.
pub(crate) const SAFE_REWRITE_MODES: [&str; 2] = [REWRITE_MODE, "overwrite"];

/// Whether a refspec is ours, under whatever name the remote had then.
fn is_own_refspec(refspec: &str) -> bool {
    let between = |start: &str, end: &str| {
        refspec.strip_prefix(start).is_some_and(|rest| rest.ends_with(end))
    };
    between("+refs/notes/comfy*:refs/notes/", "/comfy*")
        || between("+refs/comfy/runs*:refs/comfy/remotes/", "/runs*")
}

pub(crate) fn plan_notes(state: &SetupState, request: &SetupRequest, plan: &mut SetupPlan) {
    plan_rewrite(state, request, plan);
    if request.reach == SetupReach::Machine {
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
    let runs = RunsSharing::from_setting(state.config.value(RUNS_SHARING_KEY));
    let mut steps = Vec::new();
    let mut served = Vec::new();
    for remote in state.remotes() {
        let fetches = state.fetch_refspecs(remote);
        let wanted = wanted_refspecs(remote, runs);
        let key = format!("remote.{remote}.fetch");
        let stale = fetches
            .iter()
            .filter(|refspec| is_own_refspec(refspec) && !wanted.iter().any(|own| own == *refspec));
        steps.extend(stale.map(|refspec| {
            SetupStep::Config(ConfigScope::Local, ConfigChange::remove(&key, *refspec))
        }));
        let missing = missing_refspecs(remote, &fetches, runs);
        if !missing.is_empty() {
            served.push(remote);
        }
        steps.extend(missing.into_iter().map(|refspec| {
            SetupStep::Config(ConfigScope::Local, ConfigChange::add(&key, refspec))
        }));
        if covers_notes(&fetches) {
            plan.remarks.push(format!(
                "remote {remote} overwrites all local notes when it fetches \
                 (remote.{remote}.fetch); layouts and records of your own can be lost there"
            ));
        }
    }
    plan.add(format!("layouts are fetched with the branches from {}", served.join(", ")), steps);
}

fn plan_rewrite(state: &SetupState, request: &SetupRequest, plan: &mut SetupPlan) {
    let (config, scope) = (&state.config, request.reach.scope());
    let held: Vec<_> =
        config.entries("notes.rewriteRef").map(|entry| entry.value.as_str()).collect();
    let foreign = held.iter().any(|name| !is_records_rewrite(name));
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
        let change = ConfigChange::set("notes.rewriteMode", REWRITE_MODE);
        steps.push(SetupStep::Config(scope, change));
    }
    if config.values_in_scope(scope, "notes.rewriteRef").contains(&RECORDS_REF) {
        let change = ConfigChange::remove("notes.rewriteRef", RECORDS_REF);
        steps.push(SetupStep::Config(scope, change));
    }
    if !held.contains(&RECORDS_REWRITE_PATTERN) {
        let change = ConfigChange::add("notes.rewriteRef", RECORDS_REWRITE_PATTERN);
        steps.push(SetupStep::Config(scope, change));
    }
    plan.add("what is known of a commit follows it through amend and rebase", steps);
}

pub(crate) fn plan_notes_removal(state: &SetupState, reach: SetupReach, plan: &mut SetupPlan) {
    let (config, scope) = (&state.config, reach.scope());
    let mut steps = Vec::new();
    let mut remove = |key: &str, value: &str| {
        steps.push(SetupStep::Config(scope, ConfigChange::remove(key, value)));
    };
    let held = config.values_in_scope(scope, "notes.rewriteRef");
    let own: Vec<_> = held.iter().filter(|name| is_records_rewrite(name)).collect();
    if !own.is_empty() {
        own.iter().for_each(|name| remove("notes.rewriteRef", name));
        // The mode came with the ref, unless other notes live by it.
        let alone = own.len() == held.len();
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
