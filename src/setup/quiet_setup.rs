//! Plans the settings by which git takes our word for workflows that were only rearranged.

use super::plan::{SetupPlan, SetupStep};
use super::state::SetupState;
use super::{HookStyle, SetupReach, SetupRequest};
use crate::platform::git::config::{ConfigChange, ConfigScope, GitConfig, parse_bool};
use crate::platform::git::fsmonitor;
use crate::platform::git::program_settings::ConfiguredProgram;

/// The setting that remembers whether a drag is to be no change.
pub(crate) const KEY: &str = "comfy.quietDrags";

const VERSION_KEY: &str = "core.fsmonitorHookVersion";
/// With git's cache of untracked files, a new file in a folder that the hook names nothing of
/// is never shown.
const UNTRACKED_KEY: &str = "core.untrackedCache";

/// Whether drags are to be quiet, as the last run had it.
pub(crate) fn is_wanted(config: &GitConfig) -> bool {
    config.value(KEY).and_then(parse_bool).unwrap_or(false)
}

/// What git runs: it fails without a word where the program is gone, and git then looks itself.
pub(crate) fn hook_command(program: &ConfiguredProgram) -> String {
    let word = program.shell_word();
    format!("f() {{ command -v {word} >/dev/null || exit 1; exec {word} fsmonitor \"$@\"; }}; f")
}

pub(crate) fn plan_quiet_drags(state: &SetupState, request: &SetupRequest, plan: &mut SetupPlan) {
    if request.reach == SetupReach::Machine {
        return;
    }
    let scope = ConfigScope::Local;
    let mut steps = Vec::new();
    if let Some(wanted) = request.quiet_drags {
        steps.extend(set_missing(&state.config, KEY, if wanted { "true" } else { "false" }));
    }
    let wanted = request.quiet_drags.unwrap_or_else(|| is_wanted(&state.config));
    let foreign = state.config.value(fsmonitor::SETTING).filter(|v| !fsmonitor::is_own_hook(v));
    match foreign {
        _ if !wanted => steps.extend(removal_steps(state)),
        Some(value) => plan.remarks.push(format!(
            "{} is set to something else: `{value}`; left as it is, so git shows a drag as a \
             change until `git comfy refresh`",
            fsmonitor::SETTING
        )),
        None if request.hooks == Some(HookStyle::None) => plan
            .remarks
            .push("without hooks git shows a drag as a change until `git comfy refresh`".into()),
        None => {
            let command = hook_command(&request.program);
            // First: without it git asks twice where the program is gone.
            steps.extend(set_missing(&state.config, VERSION_KEY, "2"));
            steps.extend(set_missing(&state.config, UNTRACKED_KEY, "false"));
            if state.config.values_in_scope(scope, fsmonitor::SETTING) != [command.as_str()] {
                let change = ConfigChange::set(fsmonitor::SETTING, command);
                steps.push(SetupStep::Config(scope, change));
            }
        }
    }
    let title = if wanted { "a drag is no change for git" } else { "git shows drags as changes" };
    plan.add(title, steps);
}

pub(crate) fn plan_quiet_drags_removal(state: &SetupState, plan: &mut SetupPlan) {
    let mut steps = removal_steps(state);
    let held = state.config.values_in_scope(ConfigScope::Local, KEY);
    steps.extend(held.into_iter().map(|value| remove(KEY, value)));
    plan.add("git's trust in what git-comfy says of drags", steps);
}

/// Takes out what stands beside our hook; another hook needs the same settings.
fn removal_steps(state: &SetupState) -> Vec<SetupStep> {
    let held = |key| state.config.values_in_scope(ConfigScope::Local, key);
    let ours: Vec<_> =
        held(fsmonitor::SETTING).into_iter().filter(|v| fsmonitor::is_own_hook(v)).collect();
    if ours.is_empty() {
        return Vec::new();
    }
    let mut steps: Vec<_> =
        ours.into_iter().map(|value| remove(fsmonitor::SETTING, value)).collect();
    for (key, own) in [(VERSION_KEY, "2"), (UNTRACKED_KEY, "false")] {
        steps.extend(held(key).into_iter().filter(|v| *v == own).map(|value| remove(key, value)));
    }
    steps
}

fn remove(key: &str, value: &str) -> SetupStep {
    SetupStep::Config(ConfigScope::Local, ConfigChange::remove(key, value))
}

fn set_missing(config: &GitConfig, key: &str, value: &str) -> Option<SetupStep> {
    let holds = config.values_in_scope(ConfigScope::Local, key) == [value];
    (!holds).then(|| SetupStep::Config(ConfigScope::Local, ConfigChange::set(key, value)))
}
