//! Runs and what was made of them, as a tree. Text that comes from files is sanitized
//! here. Must not print.

use std::fmt::Write;

use anstyle::Style;
use serde_json::{Value, json as value};

use super::lineage;
use crate::platform::text::sanitize;
use crate::runs::run_data::{Run, RunOutcome};

const BOLD: Style = Style::new().bold();
const MUTED: Style = Style::new().dimmed();

/// The number of the JSON form, raised when a reader of it would break.
pub(crate) const SCHEMA: u32 = 1;

/// Settings that a line names.
const MAX_SETTINGS: usize = 4;

/// A run with all that was made from it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RunTree {
    pub id: String,
    /// What is known of it; nothing: it is not recorded here.
    pub run: Option<Run>,
    /// What was made from it, oldest first.
    pub made: Vec<RunTree>,
    /// How many more were made from it and are not shown.
    pub more: usize,
}

/// The tree for a person. `meant` is the run that they asked for.
pub(crate) fn format_tree(tree: &RunTree, asked_id: Option<&str>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", format_tree_line(tree, asked_id));
    write_children(&mut out, tree, "", asked_id);
    out
}

fn write_children(out: &mut String, branch: &RunTree, indent: &str, asked_id: Option<&str>) {
    for (number, made) in branch.made.iter().enumerate() {
        let last = number + 1 == branch.made.len() && branch.more == 0;
        let (corner, deeper) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let _ =
            writeln!(out, "{indent}{MUTED}{corner}{MUTED:#}{}", format_tree_line(made, asked_id));
        write_children(out, made, &format!("{indent}{MUTED}{deeper}{MUTED:#}"), asked_id);
    }
    if branch.more > 0 {
        let _ = writeln!(out, "{indent}{MUTED}└─ {MUTED:#}and {} more", branch.more);
    }
}

/// `5f0c7a31-9b1f  cfg 8 -> 7.5  fox_00002_.png`.
fn format_tree_line(branch: &RunTree, asked_id: Option<&str>) -> String {
    let id: String = branch.id.chars().take(13).collect();
    let id = sanitize::line(&id).into_owned();
    let id = format!("{BOLD}{id}{BOLD:#}");
    let mark = if asked_id == Some(branch.id.as_str()) { " *" } else { "" };
    let Some(run) = &branch.run else { return format!("{id}{mark}  not recorded here") };
    let mut facts = Vec::new();
    facts.extend(describe_changes(run));
    facts.extend(match run.outcome {
        RunOutcome::Error => Some("failed".to_owned()),
        RunOutcome::Interrupted => Some("stopped".to_owned()),
        RunOutcome::Success | RunOutcome::Unknown => None,
    });
    let files = if run.outputs.is_empty() { &run.reused } else { &run.outputs };
    match files.len() {
        0 => {}
        1 => facts.push(files[0].path.clone()),
        count => facts.push(format!("{} and {} more", files[0].path, count - 1)),
    }
    format!("{id}{mark}  {}", sanitize::line(&facts.join("  ")))
}

/// What is different from its parent.
fn describe_changes(run: &Run) -> Option<String> {
    let parent = run.parent.as_ref()?;
    if parent.set.is_empty() {
        return Some(lineage::describe_reproduction(&run.compared));
    }
    let mut settings: Vec<String> =
        parent.set.iter().take(MAX_SETTINGS).map(lineage::describe_setting_short).collect();
    if parent.set.len() > MAX_SETTINGS {
        settings.push(format!("{} more", parent.set.len() - MAX_SETTINGS));
    }
    Some(settings.join(", "))
}

/// The tree for programs: one JSON object and a line end.
pub(crate) fn tree_json(tree: &RunTree) -> String {
    let mut object = node_json(tree);
    object["schema"] = SCHEMA.into();
    format!("{}\n", sanitize::json(&object.to_string()))
}

fn node_json(branch: &RunTree) -> Value {
    let run = branch.run.as_ref();
    let files = run.map(|run| run.outputs.iter().map(|file| &file.path).collect::<Vec<_>>());
    value!({
        "run": branch.id,
        "recorded": run.is_some(),
        "outcome": run.map(|run| run.outcome),
        "parent": run.and_then(|run| run.parent.as_ref()),
        "files": files,
        "compared": run.map(|run| &run.compared),
        "made": branch.made.iter().map(node_json).collect::<Vec<_>>(),
        "more": branch.more,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::run_data;
    use crate::runs::run_data::{
        ComparisonVerdict, Derivation, InputSetting, OutputFile, RunParent,
    };

    fn run(parent: Option<&str>, set: &[(&str, i64, i64)], file: &str) -> Run {
        let setting = |(input, from, to): &(&str, i64, i64)| InputSetting {
            node: "3".to_owned(),
            title: "KSampler".to_owned(),
            input: (*input).to_owned(),
            from: (*from).into(),
            to: (*to).into(),
        };
        let parent = parent.map(|id| RunParent {
            run: id.to_owned(),
            how: if set.is_empty() { Derivation::Reproduced } else { Derivation::Varied },
            set: set.iter().map(setting).collect(),
        });
        let outputs = vec![OutputFile { path: file.to_owned(), ..OutputFile::default() }];
        Run { parent, outputs, ..Run::default() }
    }

    fn branch(id: &str, run: Option<Run>, made: Vec<RunTree>) -> RunTree {
        RunTree { id: id.to_owned(), run, made, more: 0 }
    }

    #[test]
    fn a_family_is_a_tree() {
        let mut again = run(Some("aaaa"), &[], "fox_2.png");
        again.compared = vec![run_data::OutputComparison {
            verdict: ComparisonVerdict::Pixels,
            ..Default::default()
        }];
        let deep = branch("dddd", Some(run(Some("cccc"), &[("seed", 5, 9)], "fox_4.png")), vec![]);
        let varied = run(Some("aaaa"), &[("cfg", 8, 7), ("steps", 20, 30)], "fox\u{1b}[2J.png");
        let tree = branch(
            "aaaa",
            Some(run(None, &[], "fox_1.png")),
            vec![
                branch("bbbb", Some(again), vec![]),
                branch("cccc", Some(varied), vec![deep]),
                branch("eeee", None, vec![]),
            ],
        );
        let plain = anstream::adapter::strip_str(&format_tree(&tree, Some("dddd"))).to_string();
        insta::assert_snapshot!(plain, @r"
        aaaa  fox_1.png
        ├─ bbbb  the same again  fox_2.png
        ├─ cccc  KSampler.cfg 8 -> 7, KSampler.steps 20 -> 30  fox\x1b[2J.png
        │  └─ dddd *  KSampler.seed 5 -> 9  fox_4.png
        └─ eeee  not recorded here
        ");
        assert!(tree_json(&tree).contains(r#""run":"dddd""#));
    }
}
