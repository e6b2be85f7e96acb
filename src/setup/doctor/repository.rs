//! Checks of a repository: attributes, remotes, notes, the index, workflows with positions.

use std::collections::BTreeMap;

use super::{DoctorContext, DoctorFinding, INIT};
use crate::layouts::raw_files::RawFile;
use crate::platform::git::shared_refs::{covers_notes, fetch_refspec, is_records_rewrite};
use crate::platform::git::{Repository, Result};
use crate::platform::text::plural::{counted, plural};
use crate::setup::check_clean_form::CheckTarget;
use crate::setup::notes_setup::SAFE_REWRITE_MODES;
use crate::setup::{attributes, check_clean_form};

/// Whether workflows are given to the filter.
pub(crate) fn check_attributes(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let Some(place) = &context.state.work_tree else { return Ok(Vec::new()) };
    let given = attributes::probe_attributes(&context.state.git)?;
    let found = if given.is_ours() {
        DoctorFinding::good("attributes", "*.json is given to git-comfy")
    } else if given.filter == "comfy" {
        let what = format!("*.json has other drivers: diff={} merge={}", given.diff, given.merge);
        DoctorFinding::note("attributes", what).with_mend("git comfy init --force")
    } else if attributes::has_block(&place.top.join(".gitattributes")) {
        let what =
            format!("another line takes *.json away from git-comfy: filter={}", given.filter);
        DoctorFinding::broken("attributes", what).with_mend("git comfy init --force")
    } else {
        DoctorFinding::broken("attributes", "no line of .gitattributes gives *.json to git-comfy")
            .with_mend(INIT)
    };
    Ok(vec![found])
}

/// JSON files that have another filter.
pub(crate) fn check_foreign_filters(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    if context.state.work_tree.is_none() {
        return Ok(Vec::new());
    }
    let git = &context.state.git;
    let listing = git.with_args(["ls-files", "-z", "--", "*.json"]).output()?;
    let paths: Vec<&[u8]> =
        listing.split(|byte| *byte == 0).filter(|path| !path.is_empty()).collect();
    let mut taken: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for given in attributes::read_attributes(git, &paths)? {
        if let Some(filter) = given.foreign_filter() {
            taken.entry(filter.to_owned()).or_default().push(given.path.clone());
        }
    }
    Ok(taken
        .into_iter()
        .map(|(filter, paths)| {
            let first = paths.first().map(String::as_str).unwrap_or_default();
            let what = match paths.len() {
                1 => format!("{first} goes through the filter `{filter}` instead"),
                many => format!(
                    "{many} files go through the filter `{filter}` instead, such as {first}"
                ),
            };
            DoctorFinding::note("other-filter", what).with_mend(format!(
                "git check-attr filter -- '{first}' shows it; .gitattributes decides"
            ))
        })
        .collect())
}

/// Whether a fetch brings layouts.
pub(crate) fn check_remotes(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let state = &context.state;
    if state.work_tree.is_none() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    let mut served = Vec::new();
    for remote in state.remotes() {
        let fetches = state.fetch_refspecs(remote);
        if covers_notes(&fetches) {
            let what = format!("a fetch from {remote} overwrites layouts and records made here");
            findings.push(DoctorFinding::note("remotes", what).with_mend(format!(
                "git config --edit, remote.{remote}.fetch: take out the notes"
            )));
        } else if fetches.contains(&fetch_refspec(remote).as_str()) {
            served.push(remote);
        } else {
            let what = format!("layouts are not fetched from {remote}");
            findings.push(DoctorFinding::broken("remotes", what).with_mend(INIT));
        }
    }
    if !served.is_empty() {
        let what = format!("layouts are fetched from {}", served.join(", "));
        findings.push(DoctorFinding::good("remotes", what));
    }
    Ok(findings)
}

/// Whether records follow a rewritten commit.
pub(crate) fn check_note_rewriting(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let config = &context.state.config;
    let carried = config.entries("notes.rewriteRef").any(|entry| is_records_rewrite(&entry.value));
    let mode = config.value("notes.rewriteMode");
    let joins = !mode.is_some_and(|mode| SAFE_REWRITE_MODES.contains(&mode));
    let found = (carried && joins).then(|| {
        DoctorFinding::broken(
            "rewrite",
            "git joins records when it rewrites commits (notes.rewriteMode)",
        )
        .with_mend("git config notes.rewriteMode ignore")
    });
    Ok(found.into_iter().collect())
}

/// Workflows that git marks as modified although nothing is to be committed.
pub(crate) fn check_modified_marks(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    if context.state.work_tree.is_none() {
        return Ok(Vec::new());
    }
    let git = &context.state.git;
    let count = |listing: Vec<u8>| listing.iter().filter(|byte| **byte == 0).count();
    // The first compares size and time, the second the content. A filter that fails makes
    // both fail, and is reported by another check.
    let marked = git.with_args(["diff-files", "--name-only", "-z", "--", "*.json"]).answer()?;
    if marked.code != 0 || marked.stdout.is_empty() {
        return Ok(Vec::new());
    }
    let marked = marked.stdout;
    let changed =
        git.with_args(["diff", "--name-only", "-z", "--no-ext-diff", "--", "*.json"]).answer()?;
    let only_marked = count(marked).saturating_sub(count(changed.stdout));
    let found = (changed.code == 0 && only_marked > 0).then(|| {
        let what =
            format!("{only_marked} workflows count as modified, though only their layout is");
        DoctorFinding::note("marks", what).with_mend("git comfy refresh")
    });
    Ok(found.into_iter().collect())
}

/// Workflows that were committed without git-comfy.
pub(crate) fn check_raw_workflows(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let Some(place) = &context.state.work_tree else { return Ok(Vec::new()) };
    // What cannot be read is reported by another check.
    let report = Repository::open_at(&place.top)
        .and_then(|repo| check_clean_form::check_workflows(&repo, &CheckTarget::Staged));
    let raw = report.map(|report| report.unclean).unwrap_or_default();
    if raw.is_empty() {
        return Ok(Vec::new());
    }
    let name = |file: &RawFile| match &file.origin {
        Some(origin) => format!("{} (committed by {})", file.path, origin.author),
        None => file.path.to_string(),
    };
    let mut names: Vec<_> = raw.iter().take(MAX_NAMED_FILES).map(name).collect();
    if raw.len() > MAX_NAMED_FILES {
        names.push(format!("{} more", raw.len() - MAX_NAMED_FILES));
    }
    let lying = counted(raw.len(), "workflow lies", "workflows lie");
    let they_stay = plural(raw.len(), "it stays", "they stay");
    let names = names.join(", ");
    let what = format!(
        "{lying} in git with positions, which git takes as no change: {names}; {they_stay} so until \
         somebody changes and commits it"
    );
    Ok(vec![
        DoctorFinding::note("raw", what).with_mend("git comfy init --renormalize, then commit"),
    ])
}

/// The most files that are named in a finding.
const MAX_NAMED_FILES: usize = 5;
