//! The filter and the drivers: settings with one value.

use super::plan::{SetupPlan, SetupStep};
use super::state::SetupState;
use super::{ForeignValues, SetupReach, SetupRequest};
use crate::platform::git::config::{ConfigChange, GitConfig};
use crate::platform::git::program_settings;
use crate::platform::git::program_settings::{GitSetting, SETTINGS};

/// Whose value a key has.
enum SettingState<'a> {
    /// Exactly what is wanted holds already.
    Right,
    /// Nothing, or something that this program wrote earlier.
    Ours,
    Foreign(&'a str),
}

pub(crate) fn plan_drivers(state: &SetupState, request: &SetupRequest, plan: &mut SetupPlan) {
    let scope = request.reach.scope();
    let mut steps = Vec::new();
    for setting in program_settings::settings_for_version(state.version) {
        let wanted = setting.value.render(&request.program);
        match (compare_setting(&state.config, setting, &wanted, request.reach), request.foreign) {
            (SettingState::Right, _) => {}
            (SettingState::Foreign(value), ForeignValues::Leave) => plan.remarks.push(format!(
                "{} is set to something else: `{value}`; left as it is (--force replaces it)",
                setting.key
            )),
            _ => {
                steps.push(SetupStep::Config(scope, ConfigChange::set(setting.key, wanted)));
            }
        }
    }
    plan.add("workflows go into git without positions, and come back with them", steps);
}

fn compare_setting<'a>(
    config: &'a GitConfig,
    setting: &GitSetting,
    wanted: &str,
    reach: SetupReach,
) -> SettingState<'a> {
    let own_file = config.values_in_scope(reach.scope(), setting.key);
    match own_file.as_slice() {
        [] => {
            // A repository needs nothing of its own where the person's file says the same.
            let holds = config.value(setting.key).is_some_and(|v| setting.is_current(v, wanted));
            if reach == SetupReach::Repository && holds {
                SettingState::Right
            } else {
                SettingState::Ours
            }
        }
        [value] if setting.is_current(value, wanted) => SettingState::Right,
        values => match values.iter().find(|value| !setting.is_own(value)) {
            Some(value) => SettingState::Foreign(value),
            None => SettingState::Ours,
        },
    }
}

pub(crate) fn plan_drivers_removal(state: &SetupState, reach: SetupReach, plan: &mut SetupPlan) {
    let scope = reach.scope();
    let mut keys: Vec<&GitSetting> = Vec::new();
    for setting in SETTINGS {
        if keys.iter().all(|known| known.key != setting.key) {
            keys.push(setting);
        }
    }
    let mut steps = Vec::new();
    for setting in keys {
        for value in state.config.values_in_scope(scope, setting.key) {
            if setting.is_own(value) {
                steps.push(SetupStep::Config(scope, ConfigChange::remove(setting.key, value)));
            } else {
                plan.remarks.push(format!("{} = `{value}` is not ours; it stays", setting.key));
            }
        }
    }
    plan.add("the filter and the drivers", steps);
}
