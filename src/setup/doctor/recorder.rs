//! What the recorder found on this machine, as `git comfy doctor` tells it.

use std::path::PathBuf;

use crate::error::Result;
use crate::platform::git::Repository;
use crate::platform::machine::comfyui::{ExtraPathsOutcome, FoundBy, Installation, ServerMatch};
use crate::platform::text::plural::counted;
use crate::records::recorder_context::{LocationSettings, MachineState, ServerAnswer, TimeBudget};
use crate::session::Session;
use crate::setup::doctor::DoctorFinding;

/// Looks for ComfyUI, its model folders, its server and unfinished records.
pub(crate) fn check_recorder(
    session: &Session,
    repository: &Repository,
) -> Result<Vec<DoctorFinding>> {
    let places = LocationSettings::load(session, repository)?;
    if places.recording_off {
        return Ok(vec![
            DoctorFinding::note("recorder", "commits are not recorded here (comfy.record)")
                .with_mend("git config --unset comfy.record"),
        ]);
    }
    let machine = MachineState::detect(session, repository, &places, TimeBudget::Full);
    let mut findings = Vec::new();
    match &machine.installation {
        Some(found) => check_installation(found, &mut findings),
        None => findings.push(
            DoctorFinding::note(
                "comfyui",
                "no ComfyUI was found, so records can say nothing of models and packs",
            )
            .with_mend("git config comfy.root <folder of ComfyUI>"),
        ),
    }
    findings.push(check_server(&machine));
    let waiting = machine.recorder_state.pending().len();
    if waiting > 0 && machine.recorder_state.progress().is_none() {
        let records = counted(waiting, "commit's record is", "commits' records are");
        let what = format!("{records} not complete");
        findings.push(DoctorFinding::note("recorder", what).with_mend("git comfy record"));
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
    findings.push(DoctorFinding::good("comfyui", what));
    if !found.others.is_empty() {
        let others: Vec<String> = found.others.iter().map(|o| o.display().to_string()).collect();
        let what = format!("other installations are as near: {}", others.join(", "));
        findings.push(
            DoctorFinding::note("comfyui", what).with_mend("git config comfy.root <the right one>"),
        );
    }
    let kinds: Vec<usize> = found
        .folders
        .folder_types()
        .map(|(_, kind)| kind.folders.iter().filter(|folder| folder.path.is_dir()).count())
        .filter(|count| *count > 0)
        .collect();
    let types = counted(kinds.len(), "type", "types");
    let what = format!("{} of {types}", count_folders(kinds.iter().sum()));
    findings.push(if kinds.is_empty() {
        DoctorFinding::note("models", "ComfyUI has no model folders here")
    } else {
        DoctorFinding::good("models", what)
    });
    for extra in &found.extra {
        let path = extra.path.display();
        findings.push(match &extra.outcome {
            ExtraPathsOutcome::Adds { folders } => {
                DoctorFinding::good("models", format!("{path} adds {}", count_folders(*folders)))
            }
            ExtraPathsOutcome::Ignored(why) => {
                DoctorFinding::note("models", format!("{path} does not count: {why}"))
            }
        });
    }
    let packs: Vec<&PathBuf> = found.folders.custom_nodes.iter().filter(|f| f.is_dir()).collect();
    if packs.is_empty() {
        findings.push(DoctorFinding::note("packs", "ComfyUI has no folder of custom nodes here"));
    }
}

fn count_folders(count: usize) -> String {
    counted(count, "model folder", "model folders")
}

fn check_server(machine: &MachineState) -> DoctorFinding {
    let address = machine.address.as_ref().map_or(String::new(), ToString::to_string);
    let other =
        || machine.installation.as_ref().is_some_and(|found| found.server == ServerMatch::No);
    match &machine.server_answer {
        ServerAnswer::Answered(stats) if other() => {
            let version = stats.system.comfyui_version.as_deref().unwrap_or_default();
            let what = format!(
                "the server at {address} (ComfyUI {version}) is another installation: records do \
                 not draw on it"
            );
            DoctorFinding::note("server", what).with_mend("git config comfy.root <its folder>")
        }
        ServerAnswer::Answered(stats) => {
            let version = stats.system.comfyui_version.as_deref().unwrap_or_default();
            let what = format!("ComfyUI {version} runs at {address}");
            DoctorFinding::good("server", what)
        }
        ServerAnswer::NotRunning if address.is_empty() => {
            DoctorFinding::good("server", "no server is asked (comfy.server)")
        }
        ServerAnswer::NotRunning => {
            let what = format!("no ComfyUI runs at {address}; nothing needs one");
            DoctorFinding::good("server", what)
        }
        ServerAnswer::Failed(error) => DoctorFinding::note("server", error.to_string())
            .with_mend("git config comfy.server <host:port>, or off"),
    }
}
