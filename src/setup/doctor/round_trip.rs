//! A trial: a tiny workflow goes into a scratch repository and comes out again, through
//! the very commands that are configured here.

use std::fs;
use std::path::Path;

use super::{DoctorContext, DoctorFinding, INIT, filter};
use crate::error;
use crate::platform::git::Result;
use crate::platform::git::command::GitCommand;

/// A workflow as ComfyUI saves it, with one node.
const SAMPLE: &str = r#"{"id":"7d1f6f0e-3c53-4e0b-8f2f-0a4d1d2c9b10","revision":0,"last_node_id":1,"last_link_id":0,"nodes":[{"id":1,"type":"Note","pos":[123.5,45],"size":[210,58],"flags":{},"order":0,"mode":0,"inputs":[],"outputs":[],"properties":{},"widgets_values":["git-comfy doctor"]}],"links":[],"groups":[],"config":{},"extra":{"ds":{"scale":0.9,"offset":[1,2]}},"version":0.4}"#;

pub(crate) fn check_round_trip(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let held = filter::filter_settings(context);
    if held.is_empty() || context.switched_off {
        return Ok(Vec::new());
    }
    let Ok(folder) = tempfile::tempdir() else { return Ok(Vec::new()) };
    let mut git = GitCommand::outside_environment(folder.path());
    for (key, value) in &held {
        git = git.setting(key, value);
    }
    // Conversion of line ends is tried as it is configured here.
    if let Some(mode) = context.state.config.value("core.autocrlf") {
        git = git.setting("core.autocrlf", mode);
    }
    Ok(vec![match run_round_trip(&git, folder.path()) {
        Ok(RoundTripOutcome::Exact) => DoctorFinding::good(
            "round-trip",
            "a workflow went into git without positions and came back to the byte",
        ),
        Ok(RoundTripOutcome::NotCleaned) => {
            DoctorFinding::broken("round-trip", "a workflow went into git with its positions")
                .with_mend(INIT)
        }
        Ok(RoundTripOutcome::Changed) => {
            DoctorFinding::broken("round-trip", "a workflow did not come back as it was")
                .with_mend(INIT)
        }
        Err(complaint) => {
            DoctorFinding::broken("round-trip", format!("the filter fails: {complaint}"))
                .with_mend(INIT)
        }
    }])
}

enum RoundTripOutcome {
    Exact,
    NotCleaned,
    Changed,
}

fn run_round_trip(git: &GitCommand, folder: &Path) -> error::Result<RoundTripOutcome> {
    let file = folder.join("sample.json");
    let run = |arguments: &[&str]| git.with_args(arguments).output();
    run(&["init", "--quiet", "--template="])?;
    let info = folder.join(".git").join("info");
    fs::create_dir_all(&info)?;
    fs::write(info.join("attributes"), "*.json filter=comfy\n")?;
    fs::write(&file, SAMPLE)?;
    run(&["add", "sample.json"])?;
    let blob = run(&["cat-file", "blob", ":sample.json"])?;
    if memchr::memmem::find(&blob, b"123.5").is_some() {
        return Ok(RoundTripOutcome::NotCleaned);
    }
    fs::remove_file(&file)?;
    run(&["checkout", "--quiet", "--", "sample.json"])?;
    let back = fs::read(&file)?;
    Ok(if back == SAMPLE.as_bytes() { RoundTripOutcome::Exact } else { RoundTripOutcome::Changed })
}
