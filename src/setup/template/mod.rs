//! A sensible `.gitignore` and `.gitattributes` for a folder of workflows or a whole
//! ComfyUI folder: workflows in, models and outputs out, what is large to git-lfs.
//!
//! It is a marked block at the top of each file: later lines win, so whatever else stands
//! there keeps its say.

pub(crate) mod patterns;

use std::fs;
use std::path::Path;

use super::marked_block::{self, BlockPosition};
use super::plan::{self, SetupPlan, SetupStep};
use crate::platform::git::Result;
use crate::platform::git::command::GitCommand;

const BEGIN: &str = "# >>> git-comfy template >>>";
const END: &str = "# <<< git-comfy template <<<";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TemplateKind {
    Workflows,
    /// ComfyUI's base folder, with `user`, `models`, `output` and the rest.
    ComfyUi,
}

impl TemplateKind {
    /// Tells the kind of a folder by the folders in it.
    pub(crate) fn detect(folder: &Path) -> TemplateKind {
        let has = |name: &str| folder.join(name).is_dir();
        let beside = ["models", "output", "input", "custom_nodes"];
        if has("user") && beside.into_iter().any(has) {
            TemplateKind::ComfyUi
        } else {
            TemplateKind::Workflows
        }
    }

    /// The path of a workflow in such a folder, to test the ignore patterns with.
    fn probe_path(self) -> &'static str {
        match self {
            TemplateKind::Workflows => "git-comfy-probe.json",
            TemplateKind::ComfyUi => "user/default/workflows/git-comfy-probe.json",
        }
    }
}

/// Whether git-lfs is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LfsState {
    /// It is, and its filter is configured.
    Ready,
    /// It is, but `git lfs install` was never run.
    NotSetUp,
    /// It is not.
    Missing,
}

impl LfsState {
    /// Asks git for both.
    pub(crate) fn detect(git: &GitCommand) -> Result<LfsState> {
        if git.with_args(["lfs", "version"]).answer()?.code != 0 {
            return Ok(LfsState::Missing);
        }
        let configured = git
            .with_args(["config", "--get-regexp", r"^filter\.lfs\.(clean|process)$"])
            .output_if_found()?;
        Ok(if configured.is_some() { LfsState::Ready } else { LfsState::NotSetUp })
    }
}

/// The lines for `.gitignore` and `.gitattributes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    ignore: Vec<String>,
    attributes: Vec<String>,
}

impl Template {
    pub(crate) fn new(kind: TemplateKind, lfs: LfsState) -> Template {
        let mut ignore = Vec::new();
        let mut add = |title: &str, patterns: &[&str]| {
            ignore.push(format!("# {title}"));
            ignore.extend(patterns.iter().map(|pattern| (*pattern).to_owned()));
        };
        let lfs = lfs == LfsState::Ready;
        if kind == TemplateKind::ComfyUi {
            add(
                "Out: models, outputs, programs, settings. In: what you made.",
                patterns::COMFYUI_IGNORES,
            );
            if lfs {
                add("Input files go to git-lfs.", patterns::INPUT_IGNORES);
            }
        }
        add("Weights, wherever they lie.", patterns::WEIGHTS);
        add("What systems and synced folders leave about.", patterns::SYSTEM_FILES);
        let large = match kind {
            _ if !lfs => &[],
            TemplateKind::Workflows => patterns::LARGE_FILES,
            TemplateKind::ComfyUi => patterns::INPUT_ATTRIBUTES,
        };
        let attributes =
            large.iter().map(|pattern| format!("{pattern} {}", patterns::LFS_ATTRIBUTES)).collect();
        Template { ignore, attributes }
    }

    /// The block for `.gitignore`.
    pub(crate) fn ignore(&self) -> String {
        wrap_in_block(&self.ignore)
    }

    /// The block for `.gitattributes`, if there is anything to say.
    pub(crate) fn attributes(&self) -> Option<String> {
        (!self.attributes.is_empty()).then(|| wrap_in_block(&self.attributes))
    }

    /// Adds to a plan what is missing in the files of a folder. What the plan writes there
    /// already counts as written.
    pub(crate) fn plan_files(&self, top: &Path, plan: &mut SetupPlan) {
        let ignore = plan_lines(&top.join(".gitignore"), &self.ignore, plan);
        plan.add(".gitignore keeps out what belongs in no repository", ignore);
        let attributes = plan_lines(&top.join(".gitattributes"), &self.attributes, plan);
        plan.add(".gitattributes gives large files to git-lfs", attributes);
    }
}

fn wrap_in_block(lines: &[String]) -> String {
    format!("{BEGIN}\n{}\n{END}", lines.join("\n"))
}

/// The step that brings a block up to date; none where nothing is missing.
fn plan_lines(file: &Path, lines: &[String], plan: &SetupPlan) -> Vec<SetupStep> {
    let planned = plan.steps().filter_map(|step| match step {
        SetupStep::Write { path, content, .. } if path == file => Some(content.clone()),
        _ => None,
    });
    let before = planned.last().unwrap_or_else(|| fs::read(file).unwrap_or_default());
    let lines = missing_lines(&before, lines);
    let has_block = before.windows(BEGIN.len()).any(|part| part == BEGIN.as_bytes());
    if lines.is_empty() && !has_block {
        return Vec::new();
    }
    let content = marked_block::insert_block(&before, &wrap_in_block(&lines), BlockPosition::Top);
    let kind = plan::NewFileKind::Text;
    let step =
        (content != before).then(|| SetupStep::Write { path: file.to_owned(), content, kind });
    step.into_iter().collect()
}

/// The lines that do not stand outside of the block already. Where some take back what
/// others say, they only make sense together.
fn missing_lines(text: &[u8], lines: &[String]) -> Vec<String> {
    if lines.iter().any(|line| line.starts_with('!')) {
        return lines.to_vec();
    }
    let text = String::from_utf8_lossy(text);
    let mut inside = false;
    let mut known = Vec::new();
    for line in text.lines().map(str::trim_end) {
        inside = (inside || line == BEGIN) && line != END;
        if !inside {
            known.push(line);
        }
    }
    let is_title = |line: &String| line.starts_with('#');
    let kept: Vec<&String> =
        lines.iter().filter(|line| is_title(line) || !known.contains(&line.as_str())).collect();
    let has_more = |at: usize| kept.get(at + 1).is_some_and(|next| !is_title(next));
    let kept = kept.iter().enumerate().filter(|(at, line)| !is_title(line) || has_more(*at));
    kept.map(|(_, line)| (*line).clone()).collect()
}

/// The line that keeps workflows of such a folder out of git all the same, as git tells it
/// (`.gitignore:3:*.json`).
pub(crate) fn find_ignoring_line(git: &GitCommand, kind: TemplateKind) -> Result<Option<String>> {
    let answer =
        git.with_args(["check-ignore", "-v", "--no-index", "--", kind.probe_path()]).answer()?;
    let output = String::from_utf8_lossy(&answer.stdout).into_owned();
    let line = output.split('\t').next().unwrap_or_default().to_owned();
    // git names the line that takes a pattern back, too.
    let taken_back = line.splitn(3, ':').nth(2).is_some_and(|pattern| pattern.starts_with('!'));
    Ok((answer.code == 0 && !taken_back).then_some(line))
}

/// Whether a folder is the repository of ComfyUI itself, whose files are not a person's.
pub(crate) fn is_comfyui_itself(git: &GitCommand) -> Result<bool> {
    let output = git.with_args(["ls-files", "--", "main.py", "comfy/cli_args.py"]).answer()?;
    Ok(output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[&str]) -> Vec<String> {
        text.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn what_stands_there_already_is_not_said_twice() {
        let wanted = lines(&["# one", "*.pt", "*.bin", "# two", "*.tmp"]);
        let text =
            b"*.tmp\n*.pt  \n# >>> git-comfy template >>>\n*.bin\n# <<< git-comfy template <<<\n";
        assert_eq!(missing_lines(text, &wanted), lines(&["# one", "*.bin"]));
        assert_eq!(missing_lines(b"", &wanted), wanted);
        let with_exceptions = lines(&["/*", "!/user/"]);
        assert_eq!(missing_lines(b"/*\n", &with_exceptions), with_exceptions);
    }

    #[test]
    fn a_folder_is_known_by_what_lies_in_it() {
        let world = tempfile::tempdir().unwrap();
        assert_eq!(TemplateKind::detect(world.path()), TemplateKind::Workflows);
        fs::create_dir_all(world.path().join("user/default")).unwrap();
        assert_eq!(TemplateKind::detect(world.path()), TemplateKind::Workflows);
        fs::create_dir(world.path().join("models")).unwrap();
        assert_eq!(TemplateKind::detect(world.path()), TemplateKind::ComfyUi);
    }
}
