//! Exported files into lines of versions: by their names, and where names lie by the
//! graphs; each line in the order in which it was worked on.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::likeness::Portrait;
use super::names::{Day, Name};

/// Below this two files under one name are two workflows.
const OTHER_GRAPH: f64 = 0.3;

/// From this on a file whose name says nothing belongs to the line it resembles.
const SAME_GRAPH: f64 = 0.8;

/// Names that ComfyUI and people give when they mean none; keys of lines.
const NAMELESS: &[&str] = &[
    "workflow",
    "workflow api",
    "unsaved workflow",
    "untitled",
    "untitled workflow",
    "new workflow",
    "comfyui",
    "comfyui workflow",
    "my workflow",
    "test",
    "final",
    "latest",
    "export",
    "download",
];

/// Folders that hold old versions of what lies beside them.
const ARCHIVES: &[&str] =
    &["old", "archive", "archived", "backup", "backups", "versions", "history", "bak"];

/// One exported file.
#[derive(Debug, Clone)]
pub struct Export {
    /// Its path below the folder that is brought in, with `/`.
    pub from: String,
    /// What it holds, as a digest: equal for files that mean the same.
    pub content: String,
    /// Its graph.
    pub portrait: Portrait,
    /// When it was saved, in seconds since 1970, by the file system.
    pub saved: i64,
    /// That moment's day where the person is.
    pub saved_on: Day,
}

/// One state of a workflow.
#[derive(Debug, Clone)]
pub struct Version {
    /// The file.
    pub export: Export,
    /// What its name says.
    pub name: Name,
    /// Other files with the same content.
    pub also: Vec<String>,
}

impl Version {
    /// The day it is from: the name's, else the file system's.
    pub fn day(&self) -> Day {
        self.name.day.unwrap_or(self.export.saved_on)
    }

    /// The moment of its save where that is on its day, else nothing.
    pub fn saved(&self) -> Option<i64> {
        (self.day() == self.export.saved_on).then_some(self.export.saved)
    }

    fn moment(&self) -> (Day, i64) {
        (self.day(), self.saved().unwrap_or(0))
    }

    /// Whether this one says it was made before the other: only days are compared where
    /// one of them has no moment.
    fn is_before(&self, other: &Version) -> bool {
        match (self.day().cmp(&other.day()), self.saved(), other.saved()) {
            (Ordering::Equal, Some(one), Some(two)) => one < two,
            (days, _, _) => days == Ordering::Less,
        }
    }
}

/// The versions of one workflow, oldest first.
#[derive(Debug, Clone)]
pub struct Line {
    /// The file they become versions of, with `/`.
    pub file: String,
    /// The versions; never empty.
    pub versions: Vec<Version>,
}

/// What a person should look at before believing the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// The second comes later by its name and was saved earlier.
    Clock {
        /// The version before.
        earlier: String,
        /// The version after, with the older date.
        later: String,
    },
    /// It has the name of a line and another graph; so it is a line of its own.
    OtherGraph {
        /// The file.
        from: String,
        /// The line whose name it has.
        line: String,
        /// The line it became.
        own: String,
    },
    /// Its name says nothing; its graph put it into that line.
    ByGraph {
        /// The file.
        from: String,
        /// The line.
        line: String,
    },
    /// Both say they are the same version; the date decides.
    SameVersion {
        /// The older.
        one: String,
        /// The newer.
        other: String,
    },
}

/// What is to become of all files.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The lines, by name.
    pub lines: Vec<Line>,
    /// What is doubtful about them.
    pub remarks: Vec<Remark>,
}

/// Puts files into lines.
pub fn plan(exports: Vec<Export>) -> Plan {
    let mut plan = Plan::default();
    let mut named: BTreeMap<(String, String), Vec<Version>> = BTreeMap::new();
    let mut nameless = Vec::new();
    for export in exports {
        let (folder, stem) = place(&export.from);
        let version = Version { name: Name::parse(&stem), export, also: Vec::new() };
        let key = version.name.key();
        if says_nothing(&version.name, &key) {
            nameless.push((folder, version));
        } else {
            named.entry((folder, key)).or_default().push(version);
        }
    }
    for (folder, version) in nameless {
        let key = home(&version, &folder, &named);
        if let Some(key) = &key {
            let line = named[key].first().map(|first| first.name.line.clone()).unwrap_or_default();
            plan.remarks.push(Remark::ByGraph { from: version.export.from.clone(), line });
        }
        let own = (folder, version.name.key());
        named.entry(key.unwrap_or(own)).or_default().push(version);
    }
    for ((folder, _), versions) in named {
        add_lines(&mut plan, &folder, versions);
    }
    plan.lines.sort_by(|a, b| a.file.cmp(&b.file));
    plan
}

/// The folder a file belongs to and its name without the extension.
fn place(from: &str) -> (String, String) {
    let (folder, file) = from.rsplit_once('/').unwrap_or(("", from));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let kept: Vec<&str> = folder
        .split('/')
        .filter(|part| !part.is_empty() && !ARCHIVES.contains(&part.to_lowercase().as_str()))
        .collect();
    (kept.join("/"), stem.to_owned())
}

/// A name of versions, dates and copies alone, or one that means none.
fn says_nothing(name: &Name, key: &str) -> bool {
    let again = Name::parse(&name.line);
    let only_marks = !again.version.is_empty() || again.day.is_some();
    NAMELESS.contains(&key) || (only_marks && again.line == name.line)
}

/// The one line of that folder that a file without a name resembles.
fn home(
    version: &Version,
    folder: &str,
    named: &BTreeMap<(String, String), Vec<Version>>,
) -> Option<(String, String)> {
    let mut alike = named.iter().filter(|((place, key), versions)| {
        place == folder
            && !NAMELESS.contains(&key.as_str())
            && versions
                .iter()
                .any(|known| known.export.portrait.likeness(&version.export.portrait) >= SAME_GRAPH)
    });
    match (alike.next(), alike.next()) {
        (Some((key, _)), None) => Some(key.clone()),
        _ => None,
    }
}

/// One line, or several where one name stands for several graphs.
fn add_lines(plan: &mut Plan, folder: &str, mut versions: Vec<Version>) {
    put_in_order(&mut versions);
    let mut clusters: Vec<Vec<Version>> = Vec::new();
    for version in versions {
        let fits = |cluster: &Vec<Version>| {
            cluster.iter().any(|known| {
                known.export.portrait.likeness(&version.export.portrait) >= OTHER_GRAPH
                    || known.export.content == version.export.content
            })
        };
        match clusters.iter_mut().find(|cluster| fits(cluster)) {
            Some(cluster) => cluster.push(version),
            None => clusters.push(vec![version]),
        }
    }
    let name = clusters.first().and_then(|c| c.first()).map(|first| first.name.line.clone());
    let name = name.unwrap_or_default();
    let path = |name: &str| match folder {
        "" => format!("{name}.json"),
        folder => format!("{folder}/{name}.json"),
    };
    for (at, cluster) in clusters.into_iter().enumerate() {
        let file = if at == 0 { path(&name) } else { path(&format!("{name}-{}", at + 1)) };
        if at > 0 {
            plan.remarks.extend(cluster.iter().map(|version| Remark::OtherGraph {
                from: version.export.from.clone(),
                line: path(&name),
                own: file.clone(),
            }));
        }
        let versions = distinct(cluster);
        plan.remarks.extend(doubts(&versions));
        plan.lines.push(Line { file, versions });
    }
}

/// Those with versions by version; those without stand where their moment puts them.
fn put_in_order(versions: &mut Vec<Version>) {
    let (mut ordered, mut others): (Vec<_>, Vec<_>) =
        std::mem::take(versions).into_iter().partition(|v| !v.name.version.is_empty());
    ordered.sort_by(|a, b| {
        let by_name = a.name.order().cmp(&b.name.order());
        by_name.then(a.moment().cmp(&b.moment())).then(a.export.from.cmp(&b.export.from))
    });
    others.sort_by(|a, b| {
        let finished = |v: &Version| (v.name.finality, v.name.copy);
        let by_day = a.day().cmp(&b.day());
        by_day
            .then_with(|| match (a.saved(), b.saved()) {
                (Some(one), Some(two)) => one.cmp(&two),
                _ => Ordering::Equal,
            })
            .then(finished(a).cmp(&finished(b)))
            .then(a.export.from.cmp(&b.export.from))
    });
    for other in others {
        let at = ordered.iter().rposition(|known| !other.is_before(known)).map_or(0, |at| at + 1);
        ordered.insert(at, other);
    }
    *versions = ordered;
}

/// Files of one content are one version: the first.
fn distinct(versions: Vec<Version>) -> Vec<Version> {
    let mut kept: Vec<Version> = Vec::new();
    for version in versions {
        match kept.iter_mut().find(|known| known.export.content == version.export.content) {
            Some(known) => known.also.push(version.export.from),
            None => kept.push(version),
        }
    }
    kept
}

fn doubts(versions: &[Version]) -> Vec<Remark> {
    let mut doubts = Vec::new();
    for pair in versions.windows(2) {
        let [one, two] = pair else { continue };
        let (earlier, later) = (one.export.from.clone(), two.export.from.clone());
        if two.is_before(one) {
            doubts.push(Remark::Clock { earlier, later });
        } else if !one.name.version.is_empty() && one.name.order() == two.name.order() {
            doubts.push(Remark::SameVersion { one: earlier, other: later });
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Workflow;
    use crate::json;

    fn export(from: &str, classes: &[&str], content: &str, day: u8) -> Export {
        let nodes: Vec<String> = classes
            .iter()
            .enumerate()
            .map(|(id, class)| format!(r#"{{"id":{id},"type":"{class}"}}"#))
            .collect();
        let text = format!(r#"{{"nodes":[{}],"links":[],"version":0.4}}"#, nodes.join(","));
        let workflow = Workflow::from_value(json::parse_text(&text).unwrap()).unwrap();
        Export {
            from: from.into(),
            content: content.into(),
            portrait: Portrait::of(&workflow),
            saved: 1_700_000_000 + i64::from(day) * 86_400,
            saved_on: Day { year: 2026, month: 2, day },
        }
    }

    fn told(plan: &Plan) -> String {
        let mut text = String::new();
        for line in &plan.lines {
            text += &format!("{}\n", line.file);
            for version in &line.versions {
                text += &format!("  {}", version.export.from);
                for also in &version.also {
                    text += &format!(" = {also}");
                }
                text += "\n";
            }
        }
        for remark in &plan.remarks {
            text += &format!("{remark:?}\n");
        }
        text
    }

    const TEXT: &[&str] = &["KSampler", "CLIPTextEncode", "VAEDecode", "SaveImage"];
    const VIDEO: &[&str] = &["LoadVideo", "Upscale", "Interpolate", "SaveVideo"];

    #[test]
    fn a_drawer_of_exports_becomes_lines() {
        let plan = plan(vec![
            export("portrait-v2-final-2026-02-20.json", TEXT, "c", 20),
            export("portrait-v1.json", TEXT, "a", 3),
            export("old/portrait-v1 (1).json", TEXT, "a", 4),
            export("portrait-v2.json", TEXT, "b", 19),
            export("portrait-v3.json", TEXT, "d", 1),
            export("video v1.json", VIDEO, "e", 1),
            export("video v2.json", TEXT, "f", 2),
            export("workflow (3).json", VIDEO, "g", 9),
            export("clips/video v1.json", VIDEO, "h", 9),
        ]);
        insta::assert_snapshot!(told(&plan), @r#"
        clips/video.json
          clips/video v1.json
        portrait.json
          portrait-v1.json = old/portrait-v1 (1).json
          portrait-v2.json
          portrait-v2-final-2026-02-20.json
          portrait-v3.json
        video-2.json
          video v2.json
        video.json
          video v1.json
          workflow (3).json
        ByGraph { from: "workflow (3).json", line: "video" }
        Clock { earlier: "portrait-v2-final-2026-02-20.json", later: "portrait-v3.json" }
        OtherGraph { from: "video v2.json", line: "video.json", own: "video-2.json" }
        "#);
    }

    #[test]
    fn the_plan_does_not_depend_on_the_order_of_the_files() {
        let exports: Vec<Export> = (1..9)
            .map(|n| export(&format!("a v{}.json", n % 4), TEXT, &n.to_string(), n))
            .chain((1..5).map(|n| export(&format!("a {n} copy.json"), TEXT, &format!("c{n}"), n)))
            .collect();
        let straight = told(&plan(exports.clone()));
        assert_eq!(told(&plan(exports.into_iter().rev().collect())), straight);
    }
}
