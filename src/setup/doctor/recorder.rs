//! What the recorder found on this machine, as `git comfy doctor` tells it.

use std::path::PathBuf;

use crate::error::Result;
use crate::platform::git::Repository;
use crate::platform::machine::comfyui::{FoundBy, Installation, ServerAgrees};
use crate::records::commands::record::here::{Asked, Here, Patience, Places};
use crate::session::Session;
use crate::setup::doctor::{Finding, Health};

/// Looks for ComfyUI, its model folders, its server and unfinished records.
pub(crate) fn findings(session: &Session, repository: &Repository) -> Result<Vec<Finding>> {
    let places = Places::of(session, repository)?;
    if places.off {
        return Ok(vec![note(
            "recorder",
            "commits are not recorded here (comfy.record)",
            Some("git config --unset comfy.record"),
        )]);
    }
    let here = Here::look_around(session, repository, &places, Patience::Whole);
    let mut findings = Vec::new();
    match &here.installation {
        Some(found) => installation(found, &mut findings),
        None => findings.push(note(
            "comfyui",
            "no ComfyUI was found, so records can say nothing of models and packs",
            Some("git config comfy.root <folder of ComfyUI>"),
        )),
    }
    findings.push(server(&here));
    let waiting = here.desk.pending().len();
    if waiting > 0 && here.desk.progress().is_none() {
        let what = match waiting {
            1 => "1 commit's record is not complete".to_owned(),
            count => format!("{count} commits' records are not complete"),
        };
        findings.push(note("recorder", &what, Some("git comfy record")));
    }
    Ok(findings)
}

fn installation(found: &Installation, findings: &mut Vec<Finding>) {
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
    findings.push(finding("comfyui", Health::Good, what, None));
    if !found.others.is_empty() {
        let others: Vec<String> = found.others.iter().map(|o| o.display().to_string()).collect();
        let what = format!("other installations are as near: {}", others.join(", "));
        findings.push(note("comfyui", &what, Some("git config comfy.root <the right one>")));
    }
    let kinds: Vec<usize> = found
        .folders
        .kinds()
        .map(|(_, kind)| kind.folders.iter().filter(|folder| folder.path.is_dir()).count())
        .filter(|count| *count > 0)
        .collect();
    let types = if kinds.len() == 1 { "type" } else { "types" };
    let what = format!("{} of {} {types}", folders(kinds.iter().sum()), kinds.len());
    findings.push(if kinds.is_empty() {
        note("models", "ComfyUI has no model folders here", None)
    } else {
        finding("models", Health::Good, what, None)
    });
    for extra in &found.extra {
        let path = extra.path.display();
        findings.push(match &extra.outcome {
            Ok(count) => {
                finding("models", Health::Good, format!("{path} adds {}", folders(*count)), None)
            }
            Err(why) => note("models", &format!("{path} does not count: {why}"), None),
        });
    }
    let packs: Vec<&PathBuf> = found.folders.custom_nodes.iter().filter(|f| f.is_dir()).collect();
    if packs.is_empty() {
        findings.push(note("packs", "ComfyUI has no folder of custom nodes here", None));
    }
}

fn folders(count: usize) -> String {
    if count == 1 { "1 model folder".to_owned() } else { format!("{count} model folders") }
}

fn server(here: &Here) -> Finding {
    let address = here.address.as_ref().map_or(String::new(), ToString::to_string);
    let other = || here.installation.as_ref().is_some_and(|found| found.server == ServerAgrees::No);
    match &here.asked {
        Asked::Told(stats) if other() => {
            let version = stats.system.comfyui_version.as_deref().unwrap_or_default();
            let what = format!(
                "the server at {address} (ComfyUI {version}) is another installation: records do \
                 not draw on it"
            );
            note("server", &what, Some("git config comfy.root <its folder>"))
        }
        Asked::Told(stats) => {
            let version = stats.system.comfyui_version.as_deref().unwrap_or_default();
            let what = format!("ComfyUI {version} runs at {address}");
            finding("server", Health::Good, what, None)
        }
        Asked::Nobody if address.is_empty() => {
            finding("server", Health::Good, "no server is asked (comfy.server)".to_owned(), None)
        }
        Asked::Nobody => {
            let what = format!("no ComfyUI runs at {address}; nothing needs one");
            finding("server", Health::Good, what, None)
        }
        Asked::Silent(error) => {
            note("server", &error.to_string(), Some("git config comfy.server <host:port>, or off"))
        }
    }
}

fn finding(check: &'static str, health: Health, what: String, mend: Option<&str>) -> Finding {
    Finding { check, health, what, mend: mend.map(str::to_owned) }
}

fn note(check: &'static str, what: &str, mend: Option<&str>) -> Finding {
    finding(check, Health::Note, what.to_owned(), mend)
}
