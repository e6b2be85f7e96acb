//! Whether git runs the hooks.

use std::path::Path;

use super::{Finding, INIT, Patient};
use crate::platform::git::Result;
use crate::platform::git::plumbing::Version;
use crate::platform::git::program_settings::{Program, program_of};
use crate::setup::hooks::{Folder, Found, HOOKS, Hook, Owner};
use crate::setup::{HookStyle, hooks};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Condition {
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

pub(crate) fn hooks(patient: &Patient) -> Result<Vec<Finding>> {
    let state = &patient.state;
    let Some(place) = &state.place else { return Ok(Vec::new()) };
    if HookStyle::chosen(&state.config) == Some(HookStyle::None) {
        return Ok(vec![Finding::note(
            "hooks",
            "no hooks, as was asked for: layouts are kept, \
            but shared only by `git comfy sync`",
        )]);
    }
    let value = state.config.value("filter.comfy.process");
    let Some((program, _)) = value.and_then(program_of) else { return Ok(Vec::new()) };
    let folder = Folder::find(&state.git, &place.common)?;
    let own = place.common.join("hooks");
    let conditions: Vec<_> = HOOKS
        .iter()
        .map(|hook| (hook, condition(hook, patient, &program, &folder.path, &own)))
        .collect();
    if conditions.iter().all(|(_, condition)| *condition == Condition::Runs) {
        return Ok(vec![Finding::good("hooks", format!("git runs all {}", HOOKS.len()))]);
    }
    let mut findings = Vec::new();
    for kind in [
        Condition::Missing,
        Condition::Outdated,
        Condition::NotExecutable,
        Condition::Shadowed,
        Condition::Unread,
    ] {
        let names: Vec<_> =
            conditions.iter().filter(|(_, c)| *c == kind).map(|(hook, _)| hook.event).collect();
        if !names.is_empty() {
            findings.push(told(kind, &names.join(", "), &folder, patient));
        }
    }
    Ok(findings)
}

fn condition(
    hook: &Hook,
    patient: &Patient,
    program: &Program,
    folder: &Path,
    own: &Path,
) -> Condition {
    let state = &patient.state;
    let config = &state.config;
    if let Some(command) = config.value(&hook.key("command")) {
        let off = [hook.key("enabled"), format!("hook.{}.enabled", hook.event)];
        if state.version < Version::CONFIGURED_HOOKS
            || off.iter().any(|key| config.truth(key) == Some(false))
            || config.value(&hook.key("event")) != Some(hook.event)
        {
            return Condition::Unread;
        }
        return if command == hook.command(program) {
            Condition::Runs
        } else {
            Condition::Outdated
        };
    }
    match hooks::look(folder, hook) {
        Found::Ours { runs: false, .. } => Condition::NotExecutable,
        Found::Ours { .. } | Found::Legacy(..) => {
            let current = hooks::put(folder, hook, program).is_empty();
            if current { Condition::Runs } else { Condition::Outdated }
        }
        _ if folder != own && matches!(hooks::look(own, hook), Found::Ours { .. }) => {
            Condition::Shadowed
        }
        _ => Condition::Missing,
    }
}

fn told(kind: Condition, names: &str, folder: &Folder, patient: &Patient) -> Finding {
    let shown = patient.state.shown(&folder.path);
    let broken = |what: String| Finding::broken("hooks", what);
    match kind {
        Condition::Shadowed => broken(format!(
            "git looks for hooks in {shown} (core.hooksPath), where these are not: {names}"
        )),
        Condition::NotExecutable => {
            broken(format!("git skips what is no program: {names} in {shown}"))
                .mend(format!("chmod +x {shown}/*"))
        }
        Condition::Unread => {
            broken(format!("configured, but not run by git {}: {names}", patient.state.version))
        }
        Condition::Outdated => broken(format!("of another set-up: {names}")),
        Condition::Missing | Condition::Runs => broken(format!("missing: {names}")),
    }
    .mend_unless(match folder.owner {
        Owner::Team | Owner::Elsewhere => "git comfy init --force",
        Owner::Nobody => "git config --unset core.hooksPath, then git comfy init",
        Owner::Repository | Owner::Generated => INIT,
    })
}

impl Finding {
    fn mend_unless(mut self, command: &str) -> Finding {
        self.mend.get_or_insert_with(|| command.to_owned());
        self
    }
}
