//! The filter and the drivers: settings with one value.

use super::plan::{Plan, Step};
use super::state::State;
use super::{Foreign, Reach, Wish};
use crate::platform::git::config::{Change, Configuration};
use crate::platform::git::program_settings;
use crate::platform::git::program_settings::{SETTINGS, Setting};

/// Whose value a key has.
enum Standing<'a> {
    /// Exactly what is wanted holds already.
    Right,
    /// Nothing, or something that this program wrote earlier.
    Ours,
    Foreign(&'a str),
}

pub(crate) fn put(state: &State, wish: &Wish, plan: &mut Plan) {
    let scope = wish.reach.scope();
    let mut steps = Vec::new();
    for setting in program_settings::for_version(state.version) {
        let wanted = setting.value.text(&wish.program);
        match (standing(&state.config, setting, &wanted, wish.reach), wish.foreign) {
            (Standing::Right, _) => {}
            (Standing::Foreign(value), Foreign::Leave) => plan.remarks.push(format!(
                "{} is set to something else: `{value}`; left as it is (--force replaces it)",
                setting.key
            )),
            _ => {
                let change = Change::Set { key: setting.key.to_owned(), value: wanted };
                steps.push(Step::Config(scope, change));
            }
        }
    }
    plan.add("workflows go into git without positions, and come back with them", steps);
}

fn standing<'a>(
    config: &'a Configuration,
    setting: &Setting,
    wanted: &str,
    reach: Reach,
) -> Standing<'a> {
    let own_file = config.in_scope(reach.scope(), setting.key);
    match own_file.as_slice() {
        [] => {
            // A repository needs nothing of its own where the person's file says the same.
            let holds = config.value(setting.key) == Some(wanted);
            if reach == Reach::Repository && holds { Standing::Right } else { Standing::Ours }
        }
        [value] if *value == wanted => Standing::Right,
        values => match values.iter().find(|value| !setting.is_own(value)) {
            Some(value) => Standing::Foreign(value),
            None => Standing::Ours,
        },
    }
}

pub(crate) fn take(state: &State, reach: Reach, plan: &mut Plan) {
    let scope = reach.scope();
    let mut keys: Vec<&Setting> = Vec::new();
    for setting in SETTINGS {
        if keys.iter().all(|known| known.key != setting.key) {
            keys.push(setting);
        }
    }
    let mut steps = Vec::new();
    for setting in keys {
        for value in state.config.in_scope(scope, setting.key) {
            if setting.is_own(value) {
                let change =
                    Change::Remove { key: setting.key.to_owned(), value: value.to_owned() };
                steps.push(Step::Config(scope, change));
            } else {
                plan.remarks.push(format!("{} = `{value}` is not ours; it stays", setting.key));
            }
        }
    }
    plan.add("the filter and the drivers", steps);
}
