//! Puts exported files into lines of versions: by their names, and where names mislead by the
//! graphs; each line in the order in which it was worked on.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::likeness::Portrait;
use super::names::{Day, Name, portable};
use super::words::{ARCHIVES, NAMELESS};

/// Below this overlap two files under one name are two workflows.
const OTHER_GRAPH: f64 = 0.3;

/// From this similarity on a file whose name says nothing belongs to the line it resembles.
const HOME: f64 = 0.6;

/// From this overlap on two lines under one workflow id are told as perhaps one.
const SAME_GRAPH: f64 = 0.8;

/// One exported file.
#[derive(Debug, Clone)]
pub struct Export {
    /// Its path below the folder that is brought in, with `/`.
    pub from: String,
    /// What it holds, as a digest: equal for files that mean the same.
    pub content: String,
    pub portrait: Portrait,
    /// When it was saved, in seconds since 1970, by the file system.
    pub saved: i64,
    /// That moment's day where the person is.
    pub saved_on: Day,
    /// That moment's seconds since midnight.
    pub saved_at: u32,
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

    /// Its time of day, in seconds: the name's, else the file system's where that is on its
    /// day, else unknown.
    pub fn clock(&self) -> Option<u32> {
        let said = self.name.day.and(self.name.time);
        let said = said.map(|(h, m, s)| (u32::from(h) * 60 + u32::from(m)) * 60 + u32::from(s));
        said.or((self.day() == self.export.saved_on).then_some(self.export.saved_at))
    }

    pub(crate) fn moment(&self) -> (Day, u32) {
        (self.day(), self.clock().unwrap_or(0))
    }

    /// Whether this one says it was made before the other: only days are compared where
    /// one of them has no moment.
    fn is_before(&self, other: &Version) -> bool {
        match (self.day().cmp(&other.day()), self.clock(), other.clock()) {
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
        line: String,
    },
    /// Their names differ, and yet they are states of one workflow: ComfyUI gave it one id,
    /// and the graphs are alike.
    Alike {
        /// The line with the later versions.
        line: String,
        /// The line it may go on from.
        other: String,
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

/// The versions of files by folder and name, as both are compared.
type Named = BTreeMap<(String, String), Vec<Version>>;

/// Puts files into lines.
pub fn plan(exports: Vec<Export>) -> Plan {
    let mut plan = Plan::default();
    let mut named = Named::new();
    let mut nameless = Vec::new();
    for export in exports {
        let (folder, stem) = place(&export.from);
        let version = Version { name: Name::parse(&stem), export, also: Vec::new() };
        let key = version.name.key();
        let folder = folder.to_lowercase();
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
    for versions in named.into_values() {
        add_lines(&mut plan, versions);
    }
    plan.lines.sort_by(|a, b| a.file.cmp(&b.file));
    find_alike(&mut plan);
    plan
}

/// Adds a doubt for lines with one workflow id and overlapping graphs, each with the one
/// before it.
fn find_alike(plan: &mut Plan) {
    let mut by_id: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in &plan.lines {
        if let Some(id) = line.versions[0].export.portrait.id() {
            by_id.entry(id).or_default().push(line);
        }
    }
    let mut alike = Vec::new();
    for mut lines in by_id.into_values() {
        lines.sort_by_key(|line| line.versions[0].moment());
        for pair in lines.windows(2) {
            let [other, line] = pair else { continue };
            let (Some(end), Some(start)) = (other.versions.last(), line.versions.first()) else {
                continue;
            };
            if end.export.portrait.likeness(&start.export.portrait) >= SAME_GRAPH {
                let (line, other) = (line.file.clone(), other.file.clone());
                alike.push(Remark::Alike { line, other });
            }
        }
    }
    plan.remarks.extend(alike);
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

/// The line of that folder that a file without a name resembles, if it is the only one.
fn home(version: &Version, folder: &str, named: &Named) -> Option<(String, String)> {
    let mut alike = named.iter().filter(|((place, key), versions)| {
        place == folder
            && !NAMELESS.contains(&key.as_str())
            && versions
                .iter()
                .any(|known| known.export.portrait.sameness(&version.export.portrait) >= HOME)
    });
    match (alike.next(), alike.next()) {
        (Some((key, _)), None) => Some(key.clone()),
        _ => None,
    }
}

/// One line, or several where one name stands for several graphs.
fn add_lines(plan: &mut Plan, mut versions: Vec<Version>) {
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
    let mut first = None;
    for cluster in clusters {
        let file = plan.free_file(first.as_ref().unwrap_or(&cluster[0]));
        if let Some(first) = &first {
            let line = path_of(first);
            plan.remarks.extend(cluster.iter().map(|version| Remark::OtherGraph {
                from: version.export.from.clone(),
                line: line.clone(),
                own: file.clone(),
            }));
        }
        first = first.or_else(|| cluster.first().cloned());
        let versions = distinct(cluster);
        plan.remarks.extend(doubts(&versions));
        plan.lines.push(Line { file, versions });
    }
}

/// The file that a version's own line would be.
fn path_of(version: &Version) -> String {
    let (folder, _) = place(&version.export.from);
    let name = portable(&version.name.line);
    let folders = folder.split('/').filter(|part| !part.is_empty()).map(portable);
    folders.chain([format!("{name}.json")]).collect::<Vec<_>>().join("/")
}

impl Plan {
    /// A file for a line that no other line has, whatever the case of letters.
    pub(crate) fn free_file(&self, version: &Version) -> String {
        self.free(&path_of(version), &|_| false)
    }

    /// The same at the top, for a line with that name; nor one that is taken otherwise.
    pub(crate) fn free_file_called(&self, name: &str, is_taken: &dyn Fn(&str) -> bool) -> String {
        self.free(&format!("{}.json", portable(name)), is_taken)
    }

    fn free(&self, path: &str, is_taken: &dyn Fn(&str) -> bool) -> String {
        let free = |path: &String| {
            let lower = path.to_lowercase();
            !is_taken(path) && !self.lines.iter().any(|line| line.file.to_lowercase() == lower)
        };
        let stem = path.strip_suffix(".json").unwrap_or(path);
        let numbers = (2..).map(|number| format!("{stem}-{number}.json"));
        std::iter::once(path.to_owned()).chain(numbers).find(free).unwrap_or_default()
    }
}

/// Those with versions by version; those without stand where their moment puts them.
pub(crate) fn put_in_order(versions: &mut Vec<Version>) {
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
            .then_with(|| match (a.clock(), b.clock()) {
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
pub(crate) fn distinct(versions: Vec<Version>) -> Vec<Version> {
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
    use comfy_graph::graph::Workflow;
    use comfy_graph::json;

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
            saved_at: 0,
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
    fn a_large_graph_is_no_version_of_a_small_one_that_it_holds_all_classes_of() {
        let large = [VIDEO, TEXT, &["Reroute", "PreviewImage"]].concat();
        let plan = plan(vec![
            export("fox v1.json", TEXT, "a", 1),
            export("workflow (3).json", &large, "b", 2),
            export("workflow (4).json", TEXT, "c", 3),
        ]);
        insta::assert_snapshot!(told(&plan), @r#"
        fox.json
          fox v1.json
          workflow (4).json
        workflow.json
          workflow (3).json
        ByGraph { from: "workflow (4).json", line: "fox" }
        "#);
    }

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
