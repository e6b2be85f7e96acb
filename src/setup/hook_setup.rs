//! Plans how hooks are put in place and taken out: as configuration or as files.

use super::hook_files::{self, HOOKS, HooksFolder, HooksFolderOwner};
use super::plan::{SetupPlan, SetupStep};
use super::state::SetupState;
use super::{ForeignValues, HookStyle, SetupError, SetupReach, SetupRequest};
use crate::platform::git::config::{ConfigChange, ConfigScope};
use crate::platform::git::version::GitVersion;
use crate::setup;

pub(crate) fn plan_hooks(
    state: &SetupState,
    request: &SetupRequest,
    plan: &mut SetupPlan,
) -> Result<(), SetupError> {
    let knows = state.version >= GitVersion::CONFIGURED_HOOKS;
    plan_style(state, request, plan);
    let style =
        match request.hooks.or_else(|| HookStyle::from_config(&state.config)).unwrap_or_default() {
            HookStyle::Auto if knows => HookStyle::Config,
            HookStyle::Auto => HookStyle::Files,
            chosen => chosen,
        };
    match (style, request.reach) {
        (HookStyle::None, reach) => plan_hooks_removal(state, reach, plan),
        (HookStyle::Config, reach) => plan_configured_hooks(state, request, reach, plan),
        (_, SetupReach::Machine) => {
            plan.remarks.push(format!(
                "git {} has no hooks for all repositories at once (2.54 has): \
                 run `git comfy init` in each repository too",
                state.version
            ));
            Ok(())
        }
        (_, SetupReach::Repository) => plan_hook_files(state, request, plan),
    }
}

/// Keeps the choice of style for the next run.
fn plan_style(state: &SetupState, request: &SetupRequest, plan: &mut SetupPlan) {
    let (Some(style), scope) = (request.hooks, request.reach.scope()) else { return };
    let held = state.config.values_in_scope(scope, HookStyle::KEY);
    let steps = match style.config_value() {
        Some(word) if held != [word] => {
            vec![SetupStep::Config(scope, ConfigChange::set(HookStyle::KEY, word))]
        }
        Some(_) => Vec::new(),
        None => style_removal_steps(state, request.reach),
    };
    plan.add("your choice of hooks is kept for the next time", steps);
}

fn style_removal_steps(state: &SetupState, reach: SetupReach) -> Vec<SetupStep> {
    let held = state.config.values_in_scope(reach.scope(), HookStyle::KEY);
    held.into_iter()
        .map(|value| SetupStep::Config(reach.scope(), ConfigChange::remove(HookStyle::KEY, value)))
        .collect()
}

fn plan_configured_hooks(
    state: &SetupState,
    request: &SetupRequest,
    reach: SetupReach,
    plan: &mut SetupPlan,
) -> Result<(), SetupError> {
    if state.version < GitVersion::CONFIGURED_HOOKS {
        plan.remarks.push(format!(
            "hooks are written to the configuration, but git {} does not read them there",
            state.version
        ));
    }
    // What the person's file says for every repository need not be said again here.
    let scope = reach.scope();
    let known = |hook: &&hook_files::HookScript| {
        reach == SetupReach::Repository
            && state.config.value(&hook.config_key("command"))
                == Some(&*hook.configured_command(&request.program))
            && state.config.value(&hook.config_key("event")) == Some(hook.event)
    };
    let missing = HOOKS.iter().filter(|hook| !known(hook));
    let steps = missing
        .flat_map(|hook| hook_files::plan_hook_config(hook, &request.program, &state.config, scope))
        .collect();
    plan.add(format!("git runs git-comfy's hooks, beside any others: {}", event_names()), steps);
    // An earlier set-up with an older git wrote them as files; they would run twice.
    let mut before = Vec::new();
    if let (SetupReach::Repository, Some(place)) = (reach, &state.work_tree) {
        let folder = HooksFolder::find(&state.git, &place.common)?;
        before.extend(
            HOOKS.iter().flat_map(|hook| hook_files::plan_hook_file_removal(&folder.path, hook)),
        );
    }
    plan.add("the hook files of an earlier set-up go", before);
    Ok(())
}

fn plan_hook_files(
    state: &SetupState,
    request: &SetupRequest,
    plan: &mut SetupPlan,
) -> Result<(), SetupError> {
    let Some(place) = &state.work_tree else { return Ok(()) };
    let folder = HooksFolder::find(&state.git, &place.common)?;
    let shown = state.display_path(&folder.path);
    match folder.owner {
        HooksFolderOwner::Repository => {}
        HooksFolderOwner::Generated => plan.remarks.push(format!(
            "hooks go into {shown} (core.hooksPath), which another tool makes: \
             run `git comfy init` again when it has made it anew"
        )),
        HooksFolderOwner::Nobody => {
            plan.remarks.push(format!(
                "hooks are switched off here (core.hooksPath = {shown}); none were put in place"
            ));
            return Ok(());
        }
        HooksFolderOwner::Team | HooksFolderOwner::Elsewhere
            if request.foreign == ForeignValues::Leave =>
        {
            let whose = if folder.owner == HooksFolderOwner::Team {
                "is shared with everyone who clones this repository"
            } else {
                "is used by other repositories too"
            };
            plan.remarks.push(format!(
                "no hooks were put in place: {shown} (core.hooksPath) {whose}; \
                 `git comfy init --force` puts them there, git 2.54 needs no such file"
            ));
            return Ok(());
        }
        HooksFolderOwner::Team | HooksFolderOwner::Elsewhere => {
            plan.remarks
                .push(format!("hooks go into {shown} (core.hooksPath), which others use too"));
        }
    }
    let steps = HOOKS
        .iter()
        .flat_map(|hook| hook_files::plan_hook_file(&folder.path, hook, &request.program));
    plan.add(format!("hooks in {shown}, beside any others: {}", event_names()), steps.collect());
    // This git, or another one on the machine, may read both.
    let before = HOOKS.iter().flat_map(|hook| {
        hook_files::plan_hook_config_removal(hook, &state.config, ConfigScope::Local)
    });
    plan.add("the configured hooks of an earlier set-up go", before.collect());
    Ok(())
}

/// Takes out the hooks, and the choice of how they were put in place.
pub(crate) fn plan_hooks_uninstall(
    state: &SetupState,
    reach: SetupReach,
    plan: &mut SetupPlan,
) -> Result<(), SetupError> {
    plan_hooks_removal(state, reach, plan)?;
    plan.add("your choice of hooks", style_removal_steps(state, reach));
    Ok(())
}

fn plan_hooks_removal(
    state: &SetupState,
    reach: SetupReach,
    plan: &mut SetupPlan,
) -> Result<(), SetupError> {
    let scope = reach.scope();
    let mut steps: Vec<_> = HOOKS
        .iter()
        .flat_map(|hook| hook_files::plan_hook_config_removal(hook, &state.config, scope))
        .collect();
    if let (SetupReach::Repository, Some(place)) = (reach, &state.work_tree) {
        let mut folders = vec![place.common.join("hooks")];
        let found = HooksFolder::find(&state.git, &place.common)?.path;
        if !setup::is_same_file(&found, &folders[0]) {
            folders.push(found);
        }
        for folder in folders {
            steps.extend(
                HOOKS.iter().flat_map(|hook| hook_files::plan_hook_file_removal(&folder, hook)),
            );
        }
    }
    plan.add("the hooks", steps);
    Ok(())
}

fn event_names() -> String {
    HOOKS.iter().map(|hook| hook.event).collect::<Vec<_>>().join(", ")
}
