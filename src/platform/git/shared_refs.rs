//! The refs that travel between clones beside the branches, and their twins: the tracking
//! refs, one for each remote, which a fetch moves.

use super::config;
use super::id::RefName;

/// Layouts: notes on cleaned blobs.
pub const LAYOUTS_REF: &str = "refs/notes/comfy-layout";
/// Records: notes on commits.
pub(crate) const RECORDS_REF: &str = "refs/notes/comfy";

/// The same for `notes.rewriteRef`: git warns of a ref that is not there yet, at every amend
/// and rebase, and not of a pattern that fits none.
pub(crate) const RECORDS_REWRITE_PATTERN: &str = "refs/notes/comf[y]";

/// Whether a value of `notes.rewriteRef` is ours. Before 0.2 it was the name itself.
pub(crate) fn is_records_rewrite(value: &str) -> bool {
    value == RECORDS_REWRITE_PATTERN || value == RECORDS_REF
}
/// Runs: a chain of commits. Shared on request only ([`RUNS_SHARING_KEY`]).
pub const RUNS_REF: &str = "refs/comfy/runs";

pub(crate) const RUNS_SHARING_KEY: &str = "comfy.runs.share";

/// Whether runs travel between clones ([`RUNS_SHARING_KEY`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunsSharing {
    Off,
    On,
}

impl RunsSharing {
    /// What the value of the setting says, if there is one.
    pub(crate) fn from_setting(value: Option<&str>) -> RunsSharing {
        match value.and_then(config::parse_bool) {
            Some(true) => RunsSharing::On,
            _ => RunsSharing::Off,
        }
    }
}

/// Where the tracking refs of notes begin.
pub(crate) const TRACKED_NOTES_PREFIX: &str = "refs/notes/remotes/";
/// Where the tracking refs of runs begin.
pub(crate) const TRACKED_OTHERS_PREFIX: &str = "refs/comfy/remotes/";

/// The value of `remote.<name>.fetch` that brings a remote's layouts and records with
/// every fetch and pull. Runs are not in it: see [`runs_refspec`].
pub fn fetch_refspec(remote: &str) -> String {
    format!("+refs/notes/comfy*:{TRACKED_NOTES_PREFIX}{remote}/comfy*")
}

/// The value of `remote.<name>.fetch` that brings a remote's runs.
pub fn runs_refspec(remote: &str) -> String {
    format!("+{RUNS_REF}*:{TRACKED_OTHERS_PREFIX}{remote}/runs*")
}

/// The values of `remote.<name>.fetch` that are missing where a remote fetches by `held`: those of
/// layouts and records, and of runs where they are shared. None where the remote overwrites all
/// notes anyway.
pub(crate) fn missing_refspecs(remote: &str, held: &[&str], runs: RunsSharing) -> Vec<String> {
    if covers_notes(held) {
        return Vec::new();
    }
    let mut missing = wanted_refspecs(remote, runs);
    missing.retain(|refspec| !held.contains(&refspec.as_str()));
    missing
}

/// What is fetched from a remote.
pub(crate) fn wanted_refspecs(remote: &str, runs: RunsSharing) -> Vec<String> {
    match runs {
        RunsSharing::Off => vec![fetch_refspec(remote)],
        RunsSharing::On => vec![fetch_refspec(remote), runs_refspec(remote)],
    }
}

/// The tracking ref of a shared ref.
pub(crate) fn tracking_ref(name: &str, remote: &str) -> RefName {
    let (folder, rest) = match name.strip_prefix("refs/notes/") {
        Some(rest) => (TRACKED_NOTES_PREFIX, rest),
        None => (TRACKED_OTHERS_PREFIX, name.strip_prefix("refs/comfy/").unwrap_or(name)),
    };
    RefName::new(format!("{folder}{remote}/{rest}"))
}

/// The shared ref that a tracking ref is the twin of.
pub(crate) fn shared_ref_of(name: &RefName) -> Option<String> {
    let (folder, rest) = match name.as_str().strip_prefix(TRACKED_NOTES_PREFIX) {
        Some(rest) => ("refs/notes/", rest),
        None => ("refs/comfy/", name.as_str().strip_prefix(TRACKED_OTHERS_PREFIX)?),
    };
    let (_, rest) = rest.rsplit_once('/')?;
    Some(format!("{folder}{rest}"))
}

/// Whether refspecs write into the local notes themselves.
pub(crate) fn covers_notes(fetches: &[&str]) -> bool {
    fetches.iter().any(|refspec| {
        let (_, to) = refspec.split_once(':').unwrap_or(("", ""));
        matches!(to, "refs/*" | "refs/notes/*" | "refs/notes/comfy*" | "refs/notes/comfy")
    })
}
