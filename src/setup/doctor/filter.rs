//! The filter's settings, and the program they name.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Finding, INIT, Patient};
use crate::platform::git::program_settings::{Program, for_version, program_of};
use crate::platform::git::{Result, program_settings};

const PROCESS: &str = "filter.comfy.process";

/// Whether every setting is there, and ours.
pub(crate) fn settings(patient: &Patient) -> Result<Vec<Finding>> {
    let config = &patient.state.config;
    let program = config.value(PROCESS).and_then(program_of).map(|(program, _)| program);
    let mut findings = Vec::new();
    let mut missing = Vec::new();
    for setting in for_version(patient.state.version) {
        let Some(value) = config.value(setting.key) else {
            missing.push(setting.key);
            continue;
        };
        let wanted = program.as_ref().map(|program| setting.value.text(program));
        if !setting.is_own(value) {
            findings.push(
                Finding::note("settings", format!("{} is not git-comfy's: `{value}`", setting.key))
                    .mend(format!("{INIT} --force")),
            );
        } else if wanted.is_some_and(|wanted| wanted != value) {
            findings.push(
                Finding::note(
                    "settings",
                    format!("{} is of another set-up: `{value}`", setting.key),
                )
                .mend(INIT),
            );
        }
    }
    if missing.is_empty() && findings.is_empty() {
        let scope = config.last(PROCESS).map_or("", |entry| entry.scope.word());
        findings.push(Finding::good("settings", format!("the filter is configured ({scope})")));
    } else if !missing.is_empty() {
        let what = if missing.contains(&PROCESS) {
            "this clone is not set up: git knows no filter for workflows".to_owned()
        } else {
            format!("settings are missing: {}", missing.join(", "))
        };
        findings.push(Finding::broken("settings", what).mend(INIT));
    }
    Ok(findings)
}

/// Whether the program that git is to call is there, wherever git is called from.
pub(crate) fn program(patient: &Patient) -> Result<Vec<Finding>> {
    let value = patient.state.config.value(PROCESS);
    let Some((program, _)) = value.and_then(program_of) else { return Ok(Vec::new()) };
    let file = if program.is_bare() {
        match on_path(&program, patient) {
            Some(file) => file,
            None => {
                let what = format!("git is to call {}, which is not on PATH", program.path());
                return Ok(vec![Finding::broken("program", what).mend(INIT)]);
            }
        }
    } else {
        PathBuf::from(program.path())
    };
    let Some(told) = version_of(&file) else {
        let what = format!("git is to call {}, which does not run", file.display());
        return Ok(vec![Finding::broken("program", what).mend(INIT)]);
    };
    let mut findings = Vec::new();
    let own = concat!("git-comfy ", env!("CARGO_PKG_VERSION"));
    if told != own {
        let what = format!("git calls {} ({told}), but this is {own}", file.display());
        findings.push(Finding::note("program", what).mend(INIT));
    }
    if program.is_bare() {
        findings.push(
            Finding::note(
                "program",
                "git is to look for git-comfy on PATH; programs that are not started from a \
                 terminal often have a shorter one",
            )
            .mend(INIT),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::good("program", format!("git calls {}", file.display())));
    }
    Ok(findings)
}

fn on_path(program: &Program, patient: &Patient) -> Option<PathBuf> {
    let name = program.path();
    let folders = patient.path.iter().flat_map(std::env::split_paths);
    let mut files = folders.flat_map(|folder| {
        [folder.join(name), folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))]
    });
    files.find(|file| file.is_file())
}

fn version_of(file: &Path) -> Option<String> {
    let mut command = Command::new(file);
    let output = command.arg("--version").stdin(Stdio::null()).output().ok()?;
    let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(told)
}

/// The filter's settings as they hold here, to try them in a scratch repository.
pub(crate) fn held(patient: &Patient) -> Vec<(&'static str, String)> {
    let filter = program_settings::SETTINGS.iter().filter(|row| row.key.starts_with("filter."));
    let config = &patient.state.config;
    filter.filter_map(|row| Some((row.key, config.value(row.key)?.to_owned()))).collect()
}
