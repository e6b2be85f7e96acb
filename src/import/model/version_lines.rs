//! Puts exported files into lines of versions: by their names, and where names mislead by the
//! graphs; each line in the order in which it was worked on.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::export_name::{Day, ExportName, portable_file_name};
use super::graph_similarity::GraphFingerprint;
use super::name_words::{ARCHIVE_FOLDERS, MEANINGLESS_NAMES};

/// Below this overlap two files under one name are two workflows.
const MIN_SAME_NAME_OVERLAP: f64 = 0.3;

/// From this similarity on a file whose name says nothing belongs to the line it resembles.
const MIN_NAMELESS_SIMILARITY: f64 = 0.6;

/// From this overlap on two lines under one workflow id are told as perhaps one.
const MIN_SHARED_ID_OVERLAP: f64 = 0.8;

/// One exported file.
#[derive(Debug, Clone)]
pub(crate) struct ExportedWorkflow {
    /// Its path below the folder that is brought in, with `/`.
    pub from: String,
    /// What it holds, as a digest: equal for files that mean the same.
    pub content_id: String,
    pub fingerprint: GraphFingerprint,
    /// When it was saved, in seconds since 1970, by the file system.
    pub saved_seconds: i64,
    /// That moment's day where the person is.
    pub saved_day: Day,
    /// That moment's seconds since midnight.
    pub saved_second_of_day: u32,
}

/// One state of a workflow.
#[derive(Debug, Clone)]
pub(crate) struct WorkflowVersion {
    pub export: ExportedWorkflow,
    pub name: ExportName,
    /// Other files with the same content.
    pub duplicates: Vec<String>,
}

impl WorkflowVersion {
    /// The day it is from: the name's, else the file system's.
    pub(crate) fn day(&self) -> Day {
        self.name.day.unwrap_or(self.export.saved_day)
    }

    /// Its time of day, in seconds: the name's, else the file system's where that is on its
    /// day, else unknown.
    pub(crate) fn second_of_day(&self) -> Option<u32> {
        let named_second = self.name.day.and(self.name.time);
        let named_second =
            named_second.map(|(h, m, s)| (u32::from(h) * 60 + u32::from(m)) * 60 + u32::from(s));
        named_second
            .or((self.day() == self.export.saved_day).then_some(self.export.saved_second_of_day))
    }

    pub(crate) fn day_and_second(&self) -> (Day, u32) {
        (self.day(), self.second_of_day().unwrap_or(0))
    }

    /// Whether this one says it was made before the other: only days are compared where
    /// one of them has no moment.
    fn is_before(&self, other: &WorkflowVersion) -> bool {
        match (self.day().cmp(&other.day()), self.second_of_day(), other.second_of_day()) {
            (Ordering::Equal, Some(one), Some(two)) => one < two,
            (days, _, _) => days == Ordering::Less,
        }
    }
}

/// The versions of one workflow, oldest first.
#[derive(Debug, Clone)]
pub(crate) struct VersionLine {
    /// The file they become versions of, with `/`.
    pub file: String,
    /// The versions; never empty.
    pub versions: Vec<WorkflowVersion>,
}

/// What a person should look at before believing the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ImportDoubt {
    /// The second comes later by its name and was saved earlier.
    DateContradictsName {
        /// The version before.
        earlier: String,
        /// The version after, with the older date.
        later: String,
    },
    /// It has the name of a line and another graph; so it is a line of its own.
    UnrelatedGraph {
        /// The file.
        from: String,
        /// The line whose name it has.
        line: String,
        /// The line it became.
        own: String,
    },
    /// Its name says nothing; its graph put it into that line.
    PlacedByGraph {
        /// The file.
        from: String,
        line: String,
    },
    /// Their names differ, and yet they are states of one workflow: ComfyUI gave it one id,
    /// and the graphs are alike.
    SharedWorkflowId {
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
pub(crate) struct ImportPlan {
    pub lines: Vec<VersionLine>,
    /// What is doubtful about them.
    pub doubts: Vec<ImportDoubt>,
}

/// The versions of files by folder and name, as both are compared.
type VersionsByName = BTreeMap<(String, String), Vec<WorkflowVersion>>;

/// Puts files into lines.
pub(crate) fn group_exports(exports: Vec<ExportedWorkflow>) -> ImportPlan {
    let mut plan = ImportPlan::default();
    let mut named = VersionsByName::new();
    let mut nameless = Vec::new();
    for export in exports {
        let (folder, stem) = split_folder_and_stem(&export.from);
        let version =
            WorkflowVersion { name: ExportName::parse(&stem), export, duplicates: Vec::new() };
        let key = version.name.comparison_key();
        let folder = folder.to_lowercase();
        if is_nameless(&version.name, &key) {
            nameless.push((folder, version));
        } else {
            named.entry((folder, key)).or_default().push(version);
        }
    }
    for (folder, version) in nameless {
        let key = find_similar_line(&version, &folder, &named);
        if let Some(key) = &key {
            let line =
                named[key].first().map(|first| first.name.line_name.clone()).unwrap_or_default();
            plan.doubts
                .push(ImportDoubt::PlacedByGraph { from: version.export.from.clone(), line });
        }
        let own = (folder, version.name.comparison_key());
        named.entry(key.unwrap_or(own)).or_default().push(version);
    }
    for versions in named.into_values() {
        add_lines(&mut plan, versions);
    }
    plan.lines.sort_by(|a, b| a.file.cmp(&b.file));
    add_shared_id_doubts(&mut plan);
    plan
}

/// Adds a doubt for lines with one workflow id and overlapping graphs, each with the one
/// before it.
fn add_shared_id_doubts(plan: &mut ImportPlan) {
    let mut by_id: BTreeMap<&str, Vec<&VersionLine>> = BTreeMap::new();
    for line in &plan.lines {
        if let Some(id) = line.versions[0].export.fingerprint.workflow_id() {
            by_id.entry(id).or_default().push(line);
        }
    }
    let mut alike = Vec::new();
    for mut lines in by_id.into_values() {
        lines.sort_by_key(|line| line.versions[0].day_and_second());
        for pair in lines.windows(2) {
            let [other, line] = pair else { continue };
            let (Some(end), Some(start)) = (other.versions.last(), line.versions.first()) else {
                continue;
            };
            if end.export.fingerprint.overlap(&start.export.fingerprint) >= MIN_SHARED_ID_OVERLAP {
                let (line, other) = (line.file.clone(), other.file.clone());
                alike.push(ImportDoubt::SharedWorkflowId { line, other });
            }
        }
    }
    plan.doubts.extend(alike);
}

/// The folder a file belongs to and its name without the extension.
fn split_folder_and_stem(from: &str) -> (String, String) {
    let (folder, file) = from.rsplit_once('/').unwrap_or(("", from));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let kept: Vec<&str> = folder
        .split('/')
        .filter(|part| !part.is_empty() && !ARCHIVE_FOLDERS.contains(&part.to_lowercase().as_str()))
        .collect();
    (kept.join("/"), stem.to_owned())
}

/// A name of versions, dates and copies alone, or one that means none.
fn is_nameless(name: &ExportName, key: &str) -> bool {
    let again = ExportName::parse(&name.line_name);
    let only_marks = !again.version.is_empty() || again.day.is_some();
    MEANINGLESS_NAMES.contains(&key) || (only_marks && again.line_name == name.line_name)
}

/// The line of that folder that a file without a name resembles, if it is the only one.
fn find_similar_line(
    version: &WorkflowVersion,
    folder: &str,
    named: &VersionsByName,
) -> Option<(String, String)> {
    let mut alike = named.iter().filter(|((place, key), versions)| {
        place == folder
            && !MEANINGLESS_NAMES.contains(&key.as_str())
            && versions.iter().any(|known| {
                known.export.fingerprint.similarity(&version.export.fingerprint)
                    >= MIN_NAMELESS_SIMILARITY
            })
    });
    match (alike.next(), alike.next()) {
        (Some((key, _)), None) => Some(key.clone()),
        _ => None,
    }
}

/// One line, or several where one name stands for several graphs.
fn add_lines(plan: &mut ImportPlan, mut versions: Vec<WorkflowVersion>) {
    sort_versions(&mut versions);
    let mut clusters: Vec<Vec<WorkflowVersion>> = Vec::new();
    for version in versions {
        let fits = |cluster: &Vec<WorkflowVersion>| {
            cluster.iter().any(|known| {
                known.export.fingerprint.overlap(&version.export.fingerprint)
                    >= MIN_SAME_NAME_OVERLAP
                    || known.export.content_id == version.export.content_id
            })
        };
        match clusters.iter_mut().find(|cluster| fits(cluster)) {
            Some(cluster) => cluster.push(version),
            None => clusters.push(vec![version]),
        }
    }
    let mut first = None;
    for cluster in clusters {
        let file = plan.free_line_path(first.as_ref().unwrap_or(&cluster[0]));
        if let Some(first) = &first {
            let line = line_path(first);
            plan.doubts.extend(cluster.iter().map(|version| ImportDoubt::UnrelatedGraph {
                from: version.export.from.clone(),
                line: line.clone(),
                own: file.clone(),
            }));
        }
        first = first.or_else(|| cluster.first().cloned());
        let versions = merge_duplicates(cluster);
        plan.doubts.extend(find_order_doubts(&versions));
        plan.lines.push(VersionLine { file, versions });
    }
}

/// The file that a version's own line would be.
fn line_path(version: &WorkflowVersion) -> String {
    let (folder, _) = split_folder_and_stem(&version.export.from);
    let name = portable_file_name(&version.name.line_name);
    let folders = folder.split('/').filter(|part| !part.is_empty()).map(portable_file_name);
    folders.chain([format!("{name}.json")]).collect::<Vec<_>>().join("/")
}

impl ImportPlan {
    /// A file for a line that no other line has, whatever the case of letters.
    pub(crate) fn free_line_path(&self, version: &WorkflowVersion) -> String {
        self.first_free_path(&line_path(version), &|_| false)
    }

    /// The same at the top, for a line with that name; nor one that is taken otherwise.
    pub(crate) fn free_path_named(&self, name: &str, is_taken: &dyn Fn(&str) -> bool) -> String {
        self.first_free_path(&format!("{}.json", portable_file_name(name)), is_taken)
    }

    fn first_free_path(&self, path: &str, is_taken: &dyn Fn(&str) -> bool) -> String {
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
pub(crate) fn sort_versions(versions: &mut Vec<WorkflowVersion>) {
    let (mut ordered, mut others): (Vec<_>, Vec<_>) =
        std::mem::take(versions).into_iter().partition(|v| !v.name.version.is_empty());
    ordered.sort_by(|a, b| {
        let by_name = a.name.version_order().cmp(&b.name.version_order());
        by_name
            .then(a.day_and_second().cmp(&b.day_and_second()))
            .then(a.export.from.cmp(&b.export.from))
    });
    others.sort_by(|a, b| {
        let finished = |v: &WorkflowVersion| (v.name.finality, v.name.copy);
        let by_day = a.day().cmp(&b.day());
        by_day
            .then_with(|| match (a.second_of_day(), b.second_of_day()) {
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
pub(crate) fn merge_duplicates(versions: Vec<WorkflowVersion>) -> Vec<WorkflowVersion> {
    let mut kept: Vec<WorkflowVersion> = Vec::new();
    for version in versions {
        match kept.iter_mut().find(|known| known.export.content_id == version.export.content_id) {
            Some(known) => known.duplicates.push(version.export.from),
            None => kept.push(version),
        }
    }
    kept
}

fn find_order_doubts(versions: &[WorkflowVersion]) -> Vec<ImportDoubt> {
    let mut doubts = Vec::new();
    for pair in versions.windows(2) {
        let [one, two] = pair else { continue };
        let (earlier, later) = (one.export.from.clone(), two.export.from.clone());
        if two.is_before(one) {
            doubts.push(ImportDoubt::DateContradictsName { earlier, later });
        } else if !one.name.version.is_empty()
            && one.name.version_order() == two.name.version_order()
        {
            doubts.push(ImportDoubt::SameVersion { one: earlier, other: later });
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::graph::Workflow;
    use comfy_graph::json;

    fn export(from: &str, classes: &[&str], content: &str, day: u8) -> ExportedWorkflow {
        let nodes: Vec<String> = classes
            .iter()
            .enumerate()
            .map(|(id, class)| format!(r#"{{"id":{id},"type":"{class}"}}"#))
            .collect();
        let text = format!(r#"{{"nodes":[{}],"links":[],"version":0.4}}"#, nodes.join(","));
        let workflow = Workflow::from_value(json::parse_text(&text).unwrap()).unwrap();
        ExportedWorkflow {
            from: from.into(),
            content_id: content.into(),
            fingerprint: GraphFingerprint::from_workflow(&workflow),
            saved_seconds: 1_700_000_000 + i64::from(day) * 86_400,
            saved_day: Day { year: 2026, month: 2, day },
            saved_second_of_day: 0,
        }
    }

    fn describe(plan: &ImportPlan) -> String {
        let mut text = String::new();
        for line in &plan.lines {
            text += &format!("{}\n", line.file);
            for version in &line.versions {
                text += &format!("  {}", version.export.from);
                for also in &version.duplicates {
                    text += &format!(" = {also}");
                }
                text += "\n";
            }
        }
        for remark in &plan.doubts {
            text += &format!("{remark:?}\n");
        }
        text
    }

    const TEXT: &[&str] = &["KSampler", "CLIPTextEncode", "VAEDecode", "SaveImage"];
    const VIDEO: &[&str] = &["LoadVideo", "Upscale", "Interpolate", "SaveVideo"];

    #[test]
    fn a_large_graph_is_no_version_of_a_small_one_that_it_holds_all_classes_of() {
        let large = [VIDEO, TEXT, &["Reroute", "PreviewImage"]].concat();
        let plan = group_exports(vec![
            export("fox v1.json", TEXT, "a", 1),
            export("workflow (3).json", &large, "b", 2),
            export("workflow (4).json", TEXT, "c", 3),
        ]);
        insta::assert_snapshot!(describe(&plan), @r#"
        fox.json
          fox v1.json
          workflow (4).json
        workflow.json
          workflow (3).json
        PlacedByGraph { from: "workflow (4).json", line: "fox" }
        "#);
    }

    #[test]
    fn a_drawer_of_exports_becomes_lines() {
        let plan = group_exports(vec![
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
        insta::assert_snapshot!(describe(&plan), @r#"
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
        PlacedByGraph { from: "workflow (3).json", line: "video" }
        DateContradictsName { earlier: "portrait-v2-final-2026-02-20.json", later: "portrait-v3.json" }
        UnrelatedGraph { from: "video v2.json", line: "video.json", own: "video-2.json" }
        "#);
    }

    #[test]
    fn the_plan_does_not_depend_on_the_order_of_the_files() {
        let exports: Vec<ExportedWorkflow> = (1..9)
            .map(|n| export(&format!("a v{}.json", n % 4), TEXT, &n.to_string(), n))
            .chain((1..5).map(|n| export(&format!("a {n} copy.json"), TEXT, &format!("c{n}"), n)))
            .collect();
        let straight = describe(&group_exports(exports.clone()));
        assert_eq!(describe(&group_exports(exports.into_iter().rev().collect())), straight);
    }
}
