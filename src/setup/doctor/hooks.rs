//! Whether git runs the hooks.

use std::path::Path;

use super::{DoctorContext, DoctorFinding, INIT};
use crate::platform::git::Result;
use crate::platform::git::program_settings::{ConfiguredProgram, parse_program};
use crate::platform::git::version::GitVersion;
use crate::setup::hook_files::{HOOKS, HookFile, HookScript, HooksFolder, HooksFolderOwner};
use crate::setup::{HookStyle, hook_files};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum HookCondition {
    /// git runs it.
    Runs,
    /// There is neither file nor configuration.
    Missing,
    /// It calls another program than the filter does.
    Outdated,
    /// The file is not executable, so git skips it.
    NotExecutable,
    /// It is in the repository's own folder, but git looks elsewhere.
    Shadowed,
    /// It is configured, but switched off, or this git does not read it there.
    Unread,
}

pub(crate) fn check_hooks(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let state = &context.state;
    let Some(place) = &state.work_tree else { return Ok(Vec::new()) };
    if HookStyle::from_config(&state.config) == Some(HookStyle::None) {
        return Ok(vec![DoctorFinding::note(
            "hooks",
            "no hooks, as was asked for: layouts are kept, \
            but shared only by `git comfy sync`",
        )]);
    }
    let value = state.config.value("filter.comfy.process");
    let Some((program, _)) = value.and_then(parse_program) else { return Ok(Vec::new()) };
    let folder = HooksFolder::find(&state.git, &place.common)?;
    let own = place.common.join("hooks");
    let conditions: Vec<_> = HOOKS
        .iter()
        .map(|hook| (hook, hook_condition(hook, context, &program, &folder.path, &own)))
        .collect();
    if conditions.iter().all(|(_, condition)| *condition == HookCondition::Runs) {
        return Ok(vec![DoctorFinding::good("hooks", format!("git runs all {}", HOOKS.len()))]);
    }
    let mut findings = Vec::new();
    for kind in [
        HookCondition::Missing,
        HookCondition::Outdated,
        HookCondition::NotExecutable,
        HookCondition::Shadowed,
        HookCondition::Unread,
    ] {
        let names: Vec<_> =
            conditions.iter().filter(|(_, c)| *c == kind).map(|(hook, _)| hook.event).collect();
        if !names.is_empty() {
            findings.push(describe_condition(kind, &names.join(", "), &folder, context));
        }
    }
    Ok(findings)
}

fn hook_condition(
    hook: &HookScript,
    context: &DoctorContext,
    program: &ConfiguredProgram,
    folder: &Path,
    own: &Path,
) -> HookCondition {
    let state = &context.state;
    let config = &state.config;
    if let Some(command) = config.value(&hook.config_key("command")) {
        let off = [hook.config_key("enabled"), format!("hook.{}.enabled", hook.event)];
        if state.version < GitVersion::CONFIGURED_HOOKS
            || off.iter().any(|key| config.bool_value(key) == Some(false))
            || config.value(&hook.config_key("event")) != Some(hook.event)
        {
            return HookCondition::Unread;
        }
        return if command == hook.configured_command(program) {
            HookCondition::Runs
        } else {
            HookCondition::Outdated
        };
    }
    match hook_files::inspect_hook_file(folder, hook) {
        HookFile::Ours { runs: false, .. } => HookCondition::NotExecutable,
        HookFile::Ours { .. } | HookFile::Legacy(..) => {
            let current = hook_files::plan_hook_file(folder, hook, program).is_empty();
            if current { HookCondition::Runs } else { HookCondition::Outdated }
        }
        _ if folder != own
            && matches!(hook_files::inspect_hook_file(own, hook), HookFile::Ours { .. }) =>
        {
            HookCondition::Shadowed
        }
        _ => HookCondition::Missing,
    }
}

fn describe_condition(
    kind: HookCondition,
    names: &str,
    folder: &HooksFolder,
    context: &DoctorContext,
) -> DoctorFinding {
    let shown = context.state.display_path(&folder.path);
    let broken = |what: String| DoctorFinding::broken("hooks", what);
    match kind {
        HookCondition::Shadowed => broken(format!(
            "git looks for hooks in {shown} (core.hooksPath), where these are not: {names}"
        )),
        HookCondition::NotExecutable => {
            broken(format!("git skips what is no program: {names} in {shown}"))
                .with_mend(format!("chmod +x {shown}/*"))
        }
        HookCondition::Unread => {
            broken(format!("configured, but not run by git {}: {names}", context.state.version))
        }
        HookCondition::Outdated => broken(format!("of another set-up: {names}")),
        HookCondition::Missing | HookCondition::Runs => broken(format!("missing: {names}")),
    }
    .with_default_mend(match folder.owner {
        HooksFolderOwner::Team | HooksFolderOwner::Elsewhere => "git comfy init --force",
        HooksFolderOwner::Nobody => "git config --unset core.hooksPath, then git comfy init",
        HooksFolderOwner::Repository | HooksFolderOwner::Generated => INIT,
    })
}

impl DoctorFinding {
    fn with_default_mend(mut self, command: &str) -> DoctorFinding {
        self.mend.get_or_insert_with(|| command.to_owned());
        self
    }
}
