//! What the recorder found on this machine, as `git comfy doctor` tells it.

use std::path::PathBuf;

use crate::error::Result;
use crate::platform::git::Repository;
use crate::platform::machine::comfyui::{FoundBy, Installation, ServerMatch};
use crate::records::machine_state::{LocationSettings, MachineState, ServerAnswer, TimeBudget};
use crate::session::Session;
use crate::setup::doctor::{DoctorFinding, FindingHealth};

/// Looks for ComfyUI, its model folders, its server and unfinished records.
pub(crate) fn check_recorder(
    session: &Session,
    repository: &Repository,
) -> Result<Vec<DoctorFinding>> {
    let places = LocationSettings::load(session, repository)?;
    if places.recording_off {
        return Ok(vec![note_finding(
            "recorder",
            "commits are not recorded here (comfy.record)",
            Some("git config --unset comfy.record"),
        )]);
    }
    let here = MachineState::detect(session, repository, &places, TimeBudget::Full);
    let mut findings = Vec::new();
    match &here.installation {
        Some(found) => check_installation(found, &mut findings),
        None => findings.push(note_finding(
            "comfyui",
            "no ComfyUI was found, so records can say nothing of models and packs",
            Some("git config comfy.root <folder of ComfyUI>"),
        )),
    }
    findings.push(check_server(&here));
    let waiting = here.recorder_state.pending().len();
    if waiting > 0 && here.recorder_state.progress().is_none() {
        let what = match waiting {
            1 => "1 commit's record is not complete".to_owned(),
            count => format!("{count} commits' records are not complete"),
        };
        findings.push(note_finding("recorder", &what, Some("git comfy record")));
    }
    Ok(findings)
}

fn check_installation(found: &Installation, findings: &mut Vec<DoctorFinding>) {
    let version = found.version.as_ref().map_or(String::new(), |version| format!(" {version}"));
    let place = found.source.as_ref().unwrap_or(&found.parts.base).display();
    let how = match found.found_by {
        FoundBy::Configuration => "as configured".to_owned(),
        FoundBy::Inside => "the repository lies in it".to_owned(),
        FoundBy::Beside => "beside the repository".to_owned(),
        FoundBy::Server => "its server runs".to_owned(),
        FoundBy::Settings(whose) => format!("by the settings of {whose}"),
        FoundBy::UsualPlace => "in the usual place".to_owned(),
    };
    let base = match &found.source {
        Some(source) if *source != found.parts.base => {
            format!("; its models and nodes are in {}", found.parts.base.display())
        }
        _ => String::new(),
    };
    let what = format!("ComfyUI{version} in {place} ({how}){base}");
    findings.push(new_finding("comfyui", FindingHealth::Good, what, None));
    if !found.others.is_empty() {
        let others: Vec<String> = found.others.iter().map(|o| o.display().to_string()).collect();
        let what = format!("other installations are as near: {}", others.join(", "));
        findings.push(note_finding(
            "comfyui",
            &what,
            Some("git config comfy.root <the right one>"),
        ));
    }
    let kinds: Vec<usize> = found
        .folders
        .folder_types()
        .map(|(_, kind)| kind.folders.iter().filter(|folder| folder.path.is_dir()).count())
        .filter(|count| *count > 0)
        .collect();
    let types = if kinds.len() == 1 { "type" } else { "types" };
    let what = format!("{} of {} {types}", count_folders(kinds.iter().sum()), kinds.len());
    findings.push(if kinds.is_empty() {
        note_finding("models", "ComfyUI has no model folders here", None)
    } else {
        new_finding("models", FindingHealth::Good, what, None)
    });
    for extra in &found.extra {
        let path = extra.path.display();
        findings.push(match &extra.outcome {
            Ok(count) => new_finding(
                "models",
                FindingHealth::Good,
                format!("{path} adds {}", count_folders(*count)),
                None,
            ),
            Err(why) => note_finding("models", &format!("{path} does not count: {why}"), None),
        });
    }
    let packs: Vec<&PathBuf> = found.folders.custom_nodes.iter().filter(|f| f.is_dir()).collect();
    if packs.is_empty() {
        findings.push(note_finding("packs", "ComfyUI has no folder of custom nodes here", None));
    }
}

fn count_folders(count: usize) -> String {
    if count == 1 { "1 model folder".to_owned() } else { format!("{count} model folders") }
}

fn check_server(here: &MachineState) -> DoctorFinding {
    let address = here.address.as_ref().map_or(String::new(), ToString::to_string);
    let other = || here.installation.as_ref().is_some_and(|found| found.server == ServerMatch::No);
    match &here.server_answer {
        ServerAnswer::Answered(stats) if other() => {
            let version = stats.system.comfyui_version.as_deref().unwrap_or_default();
            let what = format!(
                "the server at {address} (ComfyUI {version}) is another installation: records do \
                 not draw on it"
            );
            note_finding("server", &what, Some("git config comfy.root <its folder>"))
        }
        ServerAnswer::Answered(stats) => {
            let version = stats.system.comfyui_version.as_deref().unwrap_or_default();
            let what = format!("ComfyUI {version} runs at {address}");
            new_finding("server", FindingHealth::Good, what, None)
        }
        ServerAnswer::NotRunning if address.is_empty() => new_finding(
            "server",
            FindingHealth::Good,
            "no server is asked (comfy.server)".to_owned(),
            None,
        ),
        ServerAnswer::NotRunning => {
            let what = format!("no ComfyUI runs at {address}; nothing needs one");
            new_finding("server", FindingHealth::Good, what, None)
        }
        ServerAnswer::Failed(error) => note_finding(
            "server",
            &error.to_string(),
            Some("git config comfy.server <host:port>, or off"),
        ),
    }
}

fn new_finding(
    check: &'static str,
    health: FindingHealth,
    what: String,
    mend: Option<&str>,
) -> DoctorFinding {
    DoctorFinding { check, health, what, mend: mend.map(str::to_owned) }
}

fn note_finding(check: &'static str, what: &str, mend: Option<&str>) -> DoctorFinding {
    new_finding(check, FindingHealth::Note, what.to_owned(), mend)
}
