//! The patch that git itself shows: for files that are no workflow, byte for byte.
//!
//! Must not know what a workflow is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::platform::git::GitError;
use crate::platform::git::command::GitCommand;
use crate::platform::text::Colour;

/// One side of a difference, as git hands it to a diff driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatchSide {
    /// A file with the content; nothing if there is none on this side.
    pub(crate) file: Option<PathBuf>,
    /// The blob's id in hex, if the content is one.
    pub(crate) blob: Option<String>,
}

/// The argument that makes git colour what it shows, or not.
pub(crate) fn colour_argument(colour: Colour) -> &'static str {
    match colour {
        Colour::Off => "--color=never",
        Colour::On => "--color=always",
    }
}

/// The hunks git would show, without the lines that name the files; `None` where git
/// calls the contents binary. Empty if they are the same.
///
/// Where the second side is the file of the work tree git compares it with the blob
/// itself, so that line end conversions count as git counts them.
pub(crate) fn git_hunks(
    folder: &Path,
    path: &Path,
    before: &PatchSide,
    after: &PatchSide,
    colour: Colour,
) -> Result<Option<Vec<u8>>, GitError> {
    let nothing = PathBuf::from("/dev/null");
    let compared: Vec<OsString> = match (&before.blob, &after.blob) {
        (Some(before), Some(after)) => vec![before.into(), after.into()],
        (Some(blob), None) if after.file.as_deref() == Some(path) => {
            vec![blob.into(), "--".into(), path.into()]
        }
        _ => {
            let file = |side: &PatchSide| side.file.clone().unwrap_or_else(|| nothing.clone());
            vec!["--no-index".into(), "--".into(), file(before).into(), file(after).into()]
        }
    };
    let mut arguments: Vec<OsString> =
        ["diff", "--no-ext-diff", "--no-textconv"].map(Into::into).into();
    arguments.push(colour_argument(colour).into());
    arguments.extend(compared);
    let answer = GitCommand::in_folder(folder).args(&arguments).answer()?;
    Ok(strip_header(&answer.stdout))
}

/// Cuts off everything above the first hunk. `None` if git says `Binary files differ`
/// instead of showing hunks.
fn strip_header(patch: &[u8]) -> Option<Vec<u8>> {
    let mut at = 0;
    for line in patch.split_inclusive(|&byte| byte == b'\n') {
        let text = strip_colour(line);
        if text.starts_with(b"@@") {
            return Some(patch[at..].to_vec());
        }
        if text.starts_with(b"Binary files ") {
            return None;
        }
        at += line.len();
    }
    Some(Vec::new())
}

fn strip_colour(mut line: &[u8]) -> &[u8] {
    while line.starts_with(b"\x1b[") {
        let Some(end) = line.iter().position(|&byte| byte == b'm') else { break };
        line = &line[end + 1..];
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_cut_off_coloured_or_not() {
        let plain = b"diff --git a/x b/x\nindex 1..2\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(strip_header(plain).unwrap(), b"@@ -1 +1 @@\n-a\n+b\n");
        let coloured = b"\x1b[1mdiff --git a/x b/x\x1b[m\n\x1b[36m@@ -1 +1 @@\x1b[m\n";
        assert_eq!(strip_header(coloured).unwrap(), b"\x1b[36m@@ -1 +1 @@\x1b[m\n");
        assert_eq!(strip_header(b"diff --git a/x b/x\nBinary files a/x and b/x differ\n"), None);
        assert_eq!(strip_header(b"").unwrap(), b"");
    }
}
