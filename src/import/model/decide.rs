//! The answers to a doubt, and what each makes of the plan.

use super::lines::{Line, Plan, Remark, Version, distinct, put_in_order};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    AsPlanned,
    /// The whole line goes by the dates.
    ByDate,
    /// The second of the two is the older one.
    Swapped,
    /// It is a version of the line after all.
    Together,
    /// It is a workflow of its own.
    Apart,
    /// It is not imported.
    LeftOut,
}

impl Remark {
    /// What can be answered; the first is what is planned.
    pub fn choices(&self) -> &'static [Choice] {
        use self::Choice::{Apart, AsPlanned, ByDate, LeftOut, Swapped, Together};
        match self {
            Remark::Clock { .. } => &[AsPlanned, ByDate],
            Remark::OtherGraph { .. } => &[AsPlanned, Together, LeftOut],
            Remark::ByGraph { .. } => &[AsPlanned, Apart, LeftOut],
            Remark::Alike { .. } => &[AsPlanned, Together],
            Remark::SameVersion { .. } => &[AsPlanned, Swapped],
        }
    }
}

impl Plan {
    /// Carries out an answer. One that no longer fits after others changes nothing.
    pub fn decide(&mut self, remark: &Remark, choice: Choice) {
        match (remark, choice) {
            (Remark::Clock { later, .. }, Choice::ByDate) => {
                if let Some((line, _)) = self.find(later) {
                    self.lines[line].versions.sort_by_key(Version::moment);
                }
            }
            (Remark::SameVersion { one, other }, Choice::Swapped) => {
                if let (Some((line, a)), Some((same, b))) = (self.find(one), self.find(other))
                    && line == same
                {
                    self.lines[line].versions.swap(a, b);
                }
            }
            (Remark::OtherGraph { line, own, .. }, Choice::Together) => self.join(own, line),
            (Remark::Alike { line, other }, Choice::Together) => self.join(line, other),
            (Remark::ByGraph { from, .. }, Choice::Apart) => {
                if let Some(version) = self.take(from) {
                    let file = self.free_file(&version);
                    self.lines.push(Line { file, versions: vec![version] });
                }
            }
            (Remark::OtherGraph { from, .. } | Remark::ByGraph { from, .. }, Choice::LeftOut) => {
                self.take(from);
            }
            _ => {}
        }
        self.lines.retain(|line| !line.versions.is_empty());
        self.lines.sort_by(|a, b| a.file.cmp(&b.file));
    }

    fn find(&self, from: &str) -> Option<(usize, usize)> {
        self.lines.iter().enumerate().find_map(|(at, line)| {
            let version = line.versions.iter().position(|version| version.export.from == from)?;
            Some((at, version))
        })
    }

    fn take(&mut self, from: &str) -> Option<Version> {
        let (line, version) = self.find(from)?;
        Some(self.lines[line].versions.remove(version))
    }

    /// All versions of the line `one` become versions of the line `into`.
    fn join(&mut self, one: &str, into: &str) {
        let at = |file: &str| self.lines.iter().position(|line| line.file == file);
        let (Some(one), Some(into)) = (at(one), at(into)) else { return };
        let more = std::mem::take(&mut self.lines[one].versions);
        let line = &mut self.lines[into];
        line.versions.extend(more);
        put_in_order(&mut line.versions);
        line.versions = distinct(std::mem::take(&mut line.versions));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::model::Day;
    use crate::import::model::Portrait;
    use crate::import::model::{Export, plan};
    use comfy_graph::graph::Workflow;
    use comfy_graph::json;

    fn export(from: &str, id: &str, class: &str, day: u8) -> Export {
        let text =
            format!(r#"{{"id":"{id}","nodes":[{{"id":1,"type":"{class}"}}],"version":0.4}}"#);
        let workflow = Workflow::from_value(json::parse_text(&text).unwrap()).unwrap();
        Export {
            from: from.into(),
            content: from.into(),
            portrait: Portrait::of(&workflow),
            saved: 0,
            saved_on: Day { year: 2026, month: 2, day },
            saved_at: 0,
        }
    }

    fn told(plan: &Plan) -> String {
        let line = |line: &Line| {
            let from: Vec<&str> = line.versions.iter().map(|v| v.export.from.as_str()).collect();
            format!("{}: {}", line.file, from.join(", "))
        };
        plan.lines.iter().map(line).collect::<Vec<_>>().join("; ")
    }

    /// Each doubt with what each of its answers makes of the plan.
    fn answers(exports: Vec<Export>) -> Vec<String> {
        let planned = plan(exports);
        let mut all = Vec::new();
        for remark in &planned.remarks {
            for choice in remark.choices() {
                let mut plan = planned.clone();
                plan.decide(remark, *choice);
                all.push(format!("{choice:?}: {}", told(&plan)));
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
                "Together: fox.json: fox v1.json, fox v2.json",
                "LeftOut: fox.json: fox v1.json",
            ]
        );
        let nameless = vec![export("fox.json", "a", "A", 1), export("workflow.json", "b", "A", 2)];
        assert_eq!(
            answers(nameless),
            [
                "AsPlanned: fox.json: fox.json, workflow.json",
                "Apart: fox.json: fox.json; workflow.json: workflow.json",
                "LeftOut: fox.json: fox.json",
            ]
        );
        let renamed = vec![export("fox.json", "a", "A", 1), export("cat.json", "a", "A", 2)];
        assert_eq!(
            answers(renamed),
            [
                "AsPlanned: cat.json: cat.json; fox.json: fox.json",
                "Together: fox.json: fox.json, cat.json",
            ]
        );
        let clocks = vec![export("a v1.json", "a", "A", 2), export("a v2.json", "a", "A", 1)];
        assert_eq!(
            answers(clocks),
            ["AsPlanned: a.json: a v1.json, a v2.json", "ByDate: a.json: a v2.json, a v1.json"]
        );
        let twice = vec![export("a v1.json", "a", "A", 1), export("A-v1.json", "a", "A", 2)];
        assert_eq!(
            answers(twice),
            ["AsPlanned: a.json: a v1.json, A-v1.json", "Swapped: a.json: A-v1.json, a v1.json"]
        );
    }
}
