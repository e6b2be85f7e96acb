//! The answers to a doubt, and what each makes of the plan.

use super::version_lines::{
    ImportDoubt, ImportPlan, VersionLine, WorkflowVersion, merge_duplicates, sort_versions,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportChoice {
    AsPlanned,
    /// The whole line goes by the dates.
    OrderByDate,
    /// The second of the two is the older one.
    SwapOrder,
    /// It is a version of the line after all.
    JoinLine,
    /// It is a workflow of its own.
    SeparateLine,
    /// It is not imported.
    LeaveOut,
}

impl ImportDoubt {
    /// What can be answered; the first is what is planned.
    pub(crate) fn choices(&self) -> &'static [ImportChoice] {
        use self::ImportChoice::{
            AsPlanned, JoinLine, LeaveOut, OrderByDate, SeparateLine, SwapOrder,
        };
        match self {
            ImportDoubt::DateContradictsName { .. } => &[AsPlanned, OrderByDate],
            ImportDoubt::UnrelatedGraph { .. } => &[AsPlanned, JoinLine, LeaveOut],
            ImportDoubt::PlacedByGraph { .. } => &[AsPlanned, SeparateLine, LeaveOut],
            ImportDoubt::SharedWorkflowId { .. } => &[AsPlanned, JoinLine],
            ImportDoubt::SameVersion { .. } => &[AsPlanned, SwapOrder],
        }
    }
}

impl ImportPlan {
    /// Carries out an answer. One that no longer fits after others changes nothing.
    pub(crate) fn apply_choice(&mut self, remark: &ImportDoubt, choice: ImportChoice) {
        match (remark, choice) {
            (ImportDoubt::DateContradictsName { later, .. }, ImportChoice::OrderByDate) => {
                if let Some((line, _)) = self.find_version(later) {
                    self.lines[line].versions.sort_by_key(WorkflowVersion::day_and_second);
                }
            }
            (ImportDoubt::SameVersion { one, other }, ImportChoice::SwapOrder) => {
                if let (Some((line, a)), Some((same, b))) =
                    (self.find_version(one), self.find_version(other))
                    && line == same
                {
                    self.lines[line].versions.swap(a, b);
                }
            }
            (ImportDoubt::UnrelatedGraph { line, own, .. }, ImportChoice::JoinLine) => {
                self.join_lines(own, line)
            }
            (ImportDoubt::SharedWorkflowId { line, other }, ImportChoice::JoinLine) => {
                self.join_lines(line, other)
            }
            (ImportDoubt::PlacedByGraph { from, .. }, ImportChoice::SeparateLine) => {
                if let Some(version) = self.remove_version(from) {
                    let file = self.free_line_path(&version);
                    self.lines.push(VersionLine { file, versions: vec![version] });
                }
            }
            (
                ImportDoubt::UnrelatedGraph { from, .. } | ImportDoubt::PlacedByGraph { from, .. },
                ImportChoice::LeaveOut,
            ) => {
                self.remove_version(from);
            }
            _ => {}
        }
        self.lines.retain(|line| !line.versions.is_empty());
        self.lines.sort_by(|a, b| a.file.cmp(&b.file));
    }

    fn find_version(&self, from: &str) -> Option<(usize, usize)> {
        self.lines.iter().enumerate().find_map(|(at, line)| {
            let version = line.versions.iter().position(|version| version.export.from == from)?;
            Some((at, version))
        })
    }

    fn remove_version(&mut self, from: &str) -> Option<WorkflowVersion> {
        let (line, version) = self.find_version(from)?;
        Some(self.lines[line].versions.remove(version))
    }

    /// All versions of the line `one` become versions of the line `into`.
    fn join_lines(&mut self, one: &str, into: &str) {
        let at = |file: &str| self.lines.iter().position(|line| line.file == file);
        let (Some(one), Some(into)) = (at(one), at(into)) else { return };
        let more = std::mem::take(&mut self.lines[one].versions);
        let line = &mut self.lines[into];
        line.versions.extend(more);
        sort_versions(&mut line.versions);
        line.versions = merge_duplicates(std::mem::take(&mut line.versions));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::model::Day;
    use crate::import::model::GraphFingerprint;
    use crate::import::model::{ExportedWorkflow, group_exports};
    use comfy_graph::graph::Workflow;
    use comfy_graph::json;

    fn export(from: &str, id: &str, class: &str, day: u8) -> ExportedWorkflow {
        let text =
            format!(r#"{{"id":"{id}","nodes":[{{"id":1,"type":"{class}"}}],"version":0.4}}"#);
        let workflow = Workflow::from_value(json::parse_text(&text).unwrap()).unwrap();
        ExportedWorkflow {
            from: from.into(),
            content_id: from.into(),
            fingerprint: GraphFingerprint::from_workflow(&workflow),
            saved_seconds: 0,
            saved_day: Day { year: 2026, month: 2, day },
            saved_second_of_day: 0,
        }
    }

    fn describe(plan: &ImportPlan) -> String {
        let line = |line: &VersionLine| {
            let from: Vec<&str> = line.versions.iter().map(|v| v.export.from.as_str()).collect();
            format!("{}: {}", line.file, from.join(", "))
        };
        plan.lines.iter().map(line).collect::<Vec<_>>().join("; ")
    }

    /// Each doubt with what each of its answers makes of the plan.
    fn answers(exports: Vec<ExportedWorkflow>) -> Vec<String> {
        let planned = group_exports(exports);
        let mut all = Vec::new();
        for remark in &planned.doubts {
            for choice in remark.choices() {
                let mut plan = planned.clone();
                plan.apply_choice(remark, *choice);
                all.push(format!("{choice:?}: {}", describe(&plan)));
            }
        }
        all
    }

    #[test]
    fn every_answer_makes_another_plan() {
        let graphs = vec![export("fox v1.json", "a", "A", 1), export("fox v2.json", "b", "B", 2)];
        assert_eq!(
            answers(graphs),
            [
                "AsPlanned: fox-2.json: fox v2.json; fox.json: fox v1.json",
                "JoinLine: fox.json: fox v1.json, fox v2.json",
                "LeaveOut: fox.json: fox v1.json",
            ]
        );
        let nameless = vec![export("fox.json", "a", "A", 1), export("workflow.json", "b", "A", 2)];
        assert_eq!(
            answers(nameless),
            [
                "AsPlanned: fox.json: fox.json, workflow.json",
                "SeparateLine: fox.json: fox.json; workflow.json: workflow.json",
                "LeaveOut: fox.json: fox.json",
            ]
        );
        let renamed = vec![export("fox.json", "a", "A", 1), export("cat.json", "a", "A", 2)];
        assert_eq!(
            answers(renamed),
            [
                "AsPlanned: cat.json: cat.json; fox.json: fox.json",
                "JoinLine: fox.json: fox.json, cat.json",
            ]
        );
        let clocks = vec![export("a v1.json", "a", "A", 2), export("a v2.json", "a", "A", 1)];
        assert_eq!(
            answers(clocks),
            [
                "AsPlanned: a.json: a v1.json, a v2.json",
                "OrderByDate: a.json: a v2.json, a v1.json"
            ]
        );
        let twice = vec![export("a v1.json", "a", "A", 1), export("A-v1.json", "a", "A", 2)];
        assert_eq!(
            answers(twice),
            ["AsPlanned: a.json: a v1.json, A-v1.json", "SwapOrder: a.json: A-v1.json, a v1.json"]
        );
    }
}
