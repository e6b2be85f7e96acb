//! The refs that travel between clones beside the branches, and their twins: the tracking
//! refs, one for each remote, which a fetch moves.

use super::id::RefName;

/// Layouts: notes on cleaned blobs.
pub const LAYOUTS_REF: &str = "refs/notes/comfy-layout";
/// Records: notes on commits.
pub const RECORDS_REF: &str = "refs/notes/comfy";
/// Runs: a chain of commits. Shared on request only (`comfy.runs.share`).
pub const RUNS_REF: &str = "refs/comfy/runs";

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
pub fn covers_notes(fetches: &[&str]) -> bool {
    fetches.iter().any(|refspec| {
        let (_, to) = refspec.split_once(':').unwrap_or(("", ""));
        matches!(to, "refs/*" | "refs/notes/*" | "refs/notes/comfy*" | "refs/notes/comfy")
    })
}
