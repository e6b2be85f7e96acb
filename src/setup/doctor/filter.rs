//! The filter's settings, and the program they name.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{DoctorContext, DoctorFinding, INIT};
use crate::platform::git::program_settings::{
    ConfiguredProgram, parse_program, settings_for_version,
};
use crate::platform::git::{Result, program_settings};

const PROCESS_KEY: &str = "filter.comfy.process";

/// Whether every setting is there, and ours.
pub(crate) fn check_settings(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let config = &context.state.config;
    let program = config.value(PROCESS_KEY).and_then(parse_program).map(|(program, _)| program);
    let mut findings = Vec::new();
    let mut missing = Vec::new();
    for setting in settings_for_version(context.state.version) {
        let Some(value) = config.value(setting.key) else {
            missing.push(setting.key);
            continue;
        };
        let wanted = program.as_ref().map(|program| setting.value.render(program));
        if !setting.is_own(value) {
            findings.push(
                DoctorFinding::note(
                    "settings",
                    format!("{} is not git-comfy's: `{value}`", setting.key),
                )
                .with_mend(format!("{INIT} --force")),
            );
        } else if wanted.is_some_and(|wanted| !setting.is_current(value, &wanted)) {
            findings.push(
                DoctorFinding::note(
                    "settings",
                    format!("{} is of another set-up: `{value}`", setting.key),
                )
                .with_mend(INIT),
            );
        }
    }
    if missing.is_empty() && findings.is_empty() {
        let scope = config.last_entry(PROCESS_KEY).map_or("", |entry| entry.scope.name());
        findings
            .push(DoctorFinding::good("settings", format!("the filter is configured ({scope})")));
    } else if !missing.is_empty() {
        let what = if missing.contains(&PROCESS_KEY) {
            "this clone is not set up: git knows no filter for workflows".to_owned()
        } else {
            format!("settings are missing: {}", missing.join(", "))
        };
        findings.push(DoctorFinding::broken("settings", what).with_mend(INIT));
    }
    Ok(findings)
}

/// Whether the program that git is to call is there, wherever git is called from.
pub(crate) fn check_program(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let value = context.state.config.value(PROCESS_KEY);
    let Some((program, _)) = value.and_then(parse_program) else { return Ok(Vec::new()) };
    let file = if program.is_bare() {
        match find_on_path(&program, context) {
            Some(file) => file,
            None => {
                let what = format!("git is to call {}, which is not on PATH", program.path());
                return Ok(vec![DoctorFinding::broken("program", what).with_mend(INIT)]);
            }
        }
    } else {
        PathBuf::from(program.path())
    };
    let Some(version) = run_version(&file) else {
        let what = format!("git is to call {}, which does not run", file.display());
        return Ok(vec![DoctorFinding::broken("program", what).with_mend(INIT)]);
    };
    let mut findings = Vec::new();
    let own = concat!("git-comfy ", env!("CARGO_PKG_VERSION"));
    if version != own {
        let what = format!("git calls {} ({version}), but this is {own}", file.display());
        findings.push(DoctorFinding::note("program", what).with_mend(INIT));
    }
    if program.is_bare() {
        findings.push(
            DoctorFinding::note(
                "program",
                "git is to look for git-comfy on PATH; programs that are not started from a \
                 terminal often have a shorter one",
            )
            .with_mend(INIT),
        );
    }
    if findings.is_empty() {
        findings.push(DoctorFinding::good("program", format!("git calls {}", file.display())));
    }
    Ok(findings)
}

fn find_on_path(program: &ConfiguredProgram, context: &DoctorContext) -> Option<PathBuf> {
    let name = program.path();
    let folders = context.path.iter().flat_map(std::env::split_paths);
    let mut files = folders.flat_map(|folder| {
        [folder.join(name), folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))]
    });
    files.find(|file| file.is_file())
}

fn run_version(file: &Path) -> Option<String> {
    let mut command = Command::new(file);
    let output = command.arg("--version").stdin(Stdio::null()).output().ok()?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(version)
}

/// The filter's settings as they hold here, to try them in a scratch repository.
pub(crate) fn filter_settings(context: &DoctorContext) -> Vec<(&'static str, String)> {
    let filter = program_settings::SETTINGS.iter().filter(|row| row.key.starts_with("filter."));
    let config = &context.state.config;
    filter.filter_map(|row| Some((row.key, config.value(row.key)?.to_owned()))).collect()
}
