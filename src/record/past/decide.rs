//! What a person can say to a doubt, and what the plan is then.

use super::lines::{Line, Plan, Remark, Version, distinct, put_in_order};

/// An answer to a remark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// As it is planned.
    AsPlanned,
    /// The whole line goes by the dates.
    ByDate,
    /// The second of the two is the older one.
    Swapped,
    /// It is a version of the line after all.
    Together,
    /// It is a workflow of its own.
    Apart,
    /// It does not come in.
    LeftOut,
}

impl Remark {
    /// What can be answered; the first is what is planned.
    pub fn choices(&self) -> &'static [Choice] {
        use Choice::{Apart, AsPlanned, ByDate, LeftOut, Swapped, Together};
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

    /// All versions of one line become versions of another.
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
