//! The attribute lines that give workflows to the filter, the diff driver and the merge
//! driver, and the file they stand in.
//!
//! They go to the top of the file: in git's attributes the later line wins, so whatever
//! else is written there about a path keeps its say.

use std::fs;
use std::path::{Path, PathBuf};

use super::marked_block::{self, BlockPosition};
use super::plan::{NewFileKind, SetupStep};
use crate::platform::git::Result;
use crate::platform::git::command::GitCommand;

/// What every line gives. An attribute whose driver is not configured does nothing.
const DRIVERS: &str = "filter=comfy diff=comfy merge=comfy";
/// The paths that are given. App mode's `*.app.json` is among them; a JSON file that is
/// no workflow passes through untouched.
const PATTERNS: &[&str] = &["*.json"];
/// Outputs that can carry a workflow: shown as text, stored untouched.
const OUTPUTS: &[&str] = &[
    "*.png", "*.webp", "*.jpg", "*.jpeg", "*.avif", "*.mp4", "*.webm", "*.mkv", "*.mov", "*.flac",
    "*.mp3", "*.opus", "*.glb", "*.latent",
];
/// A path that nothing but a general pattern names.
const PROBE: &str = "git-comfy-probe.json";

/// The block as it stands in a file, with its markers and without the final line break.
pub(crate) fn attribute_block() -> String {
    let mut lines = vec![
        marked_block::BEGIN.to_owned(),
        "# ComfyUI workflows. In each clone run `git comfy init` once.".to_owned(),
    ];
    lines.extend(self::attribute_lines());
    lines.push(marked_block::END.to_owned());
    lines.join("\n")
}

/// The lines of the block without its markers.
pub(crate) fn attribute_lines() -> Vec<String> {
    let workflows = PATTERNS.iter().map(|pattern| format!("{pattern} {DRIVERS}"));
    let outputs = OUTPUTS.iter().map(|pattern| format!("{pattern} diff=comfy"));
    workflows.chain(outputs).collect()
}

/// Whether the block goes above or below other lines: in git's attributes the last one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinePrecedence {
    /// At the top: other lines win over ours.
    Yield,
    /// At the bottom: ours win.
    Prevail,
}

/// The step that brings the block into a file; none where it is there already.
pub(crate) fn plan_block(file: &Path, rank: LinePrecedence) -> Option<SetupStep> {
    let before = fs::read(file).unwrap_or_default();
    let content = match rank {
        LinePrecedence::Yield => {
            marked_block::insert_block(&before, &attribute_block(), BlockPosition::Top)
        }
        LinePrecedence::Prevail => {
            // Where it stands already it may stand too high.
            let rest = marked_block::remove_block(&before);
            let rest = rest.as_deref().unwrap_or(&before);
            marked_block::insert_block(rest, &attribute_block(), BlockPosition::Bottom)
        }
    };
    let is_new = content != before;
    is_new.then(|| SetupStep::Write { path: file.to_owned(), content, kind: NewFileKind::Text })
}

/// The step that takes the block out of a file; the file goes with its last line.
pub(crate) fn plan_block_removal(file: &Path) -> Option<SetupStep> {
    let content = marked_block::remove_block(&fs::read(file).ok()?)?;
    let link = file.symlink_metadata().is_ok_and(|about| about.is_symlink());
    Some(if content.is_empty() && !link {
        SetupStep::Delete(file.to_owned())
    } else {
        SetupStep::Write { path: file.to_owned(), content, kind: NewFileKind::Text }
    })
}

pub(crate) fn has_block(file: &Path) -> bool {
    fs::read(file).is_ok_and(|content| marked_block::find_block(&content).is_some())
}

/// An attributes file that git may still put at the top of the work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpcomingAttributes {
    /// The name of the object in git's syntax: `HEAD:.gitattributes`.
    pub object_name: String,
    /// All its bytes, unless a partial clone cannot fetch them now.
    pub content: Option<Vec<u8>>,
}

impl UpcomingAttributes {
    /// Whether its lines, with markers or without, are seen to give something to the filter.
    pub(crate) fn names_filter(&self) -> bool {
        let content = self.content.as_deref().unwrap_or_default();
        memchr::memmem::find(content, b"filter=comfy").is_some()
    }
}

/// The attributes file that the index or the last commit has, for a work tree without one;
/// where nothing is committed yet, the one of a branch that was fetched.
pub(crate) fn find_upcoming_attributes(
    git: &GitCommand,
    is_unborn: bool,
) -> Result<Option<UpcomingAttributes>> {
    let mut states = vec![String::new(), "HEAD".to_owned()];
    if is_unborn {
        let output =
            git.with_args(["for-each-ref", "--format=%(refname)", "refs/remotes"]).output()?;
        states.push("FETCH_HEAD".to_owned());
        states.extend(String::from_utf8_lossy(&output).lines().map(str::to_owned));
    }
    for state in states {
        let named = format!("{state}:.gitattributes");
        if git.with_args(["rev-parse", "--verify", "--quiet", &named]).answer()?.code != 0 {
            continue;
        }
        let answer = git.with_args(["cat-file", "blob", &named]).answer()?;
        let content = (answer.code == 0).then_some(answer.stdout);
        return Ok(Some(UpcomingAttributes { object_name: named, content }));
    }
    Ok(None)
}

/// The filter and drivers that git's attributes give to one path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PathAttributes {
    /// The path, relative to the top.
    pub path: String,
    /// The filter; `unspecified` and `unset` are git's words for none.
    pub filter: String,
    pub diff: String,
    pub merge: String,
}

impl PathAttributes {
    pub(crate) fn is_ours(&self) -> bool {
        [&self.filter, &self.diff, &self.merge].iter().all(|driver| *driver == "comfy")
    }

    /// The filter of someone else, if it has one.
    pub(crate) fn foreign_filter(&self) -> Option<&str> {
        let none = ["unspecified", "unset", "set", "comfy"].contains(&self.filter.as_str());
        (!none).then_some(self.filter.as_str())
    }
}

/// The attributes of a workflow that only the general patterns match.
pub(crate) fn probe_attributes(git: &GitCommand) -> Result<PathAttributes> {
    Ok(read_attributes(git, &[PROBE.as_bytes()])?.pop().unwrap_or_default())
}

/// The attributes of paths, by one call of `git check-attr`.
pub(crate) fn read_attributes(git: &GitCommand, paths: &[&[u8]]) -> Result<Vec<PathAttributes>> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let mut input = Vec::new();
    for path in paths {
        input.extend_from_slice(path);
        input.push(0);
    }
    let output = git
        .with_args(["check-attr", "-z", "--stdin", "filter", "diff", "merge"])
        .output_with_input(&input)?;
    let fields: Vec<_> = output.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    // path, attribute, value; three times for each path.
    let rows = fields.chunks_exact(9);
    Ok(rows
        .map(|row| PathAttributes {
            path: row[0].to_string(),
            filter: row[2].to_string(),
            diff: row[5].to_string(),
            merge: row[8].to_string(),
        })
        .collect())
}

/// The attribute files of a work tree that carry the block, tracked or not.
pub(crate) fn files_with_block(git: &GitCommand, top: &Path) -> Result<Vec<PathBuf>> {
    let pattern = ":(glob)**/.gitattributes";
    let output =
        git.with_args(["ls-files", "-z", "--cached", "--others", "--", pattern]).output()?;
    let mut files: Vec<PathBuf> = output
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| top.join(String::from_utf8_lossy(path).as_ref()))
        .filter(|file| has_block(file))
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_what_git_reads() {
        insta::assert_snapshot!(attribute_block(), @r"
        # >>> git-comfy >>>
        # ComfyUI workflows. In each clone run `git comfy init` once.
        *.json filter=comfy diff=comfy merge=comfy
        *.png diff=comfy
        *.webp diff=comfy
        *.jpg diff=comfy
        *.jpeg diff=comfy
        *.avif diff=comfy
        *.mp4 diff=comfy
        *.webm diff=comfy
        *.mkv diff=comfy
        *.mov diff=comfy
        *.flac diff=comfy
        *.mp3 diff=comfy
        *.opus diff=comfy
        *.glb diff=comfy
        *.latent diff=comfy
        # <<< git-comfy <<<
        ");
    }

    #[test]
    fn a_file_without_other_lines_goes_with_the_block() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".gitattributes");
        assert_eq!(plan_block_removal(&file), None);
        fs::write(&file, attribute_block() + "\n").unwrap();
        assert_eq!(plan_block(&file, LinePrecedence::Yield), None);
        assert_eq!(plan_block_removal(&file), Some(SetupStep::Delete(file.clone())));
        fs::write(&file, attribute_block() + "\n* text=auto\n").unwrap();
        assert!(
            matches!(plan_block_removal(&file), Some(SetupStep::Write { content, .. }) if content == b"* text=auto\n")
        );
    }
}
