//! Groups outputs into lines of versions: every graph that made something is a version,
//! dated by the first thing it made, and graphs that are alike are versions of one workflow.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::export_name::{Day, ExportName};
use super::graph_similarity::GraphFingerprint;
use super::name_words::MEANINGLESS_NAMES;
use super::version_lines::{ExportedWorkflow, ImportPlan, VersionLine, WorkflowVersion};

/// From this similarity on two graphs are one workflow if they have one id and their files one
/// name.
const MIN_SIMILARITY_ID_AND_NAME: f64 = 0.3;
/// The same for those with one of both; who begins with "Save As" keeps the id.
const MIN_SIMILARITY_ID_OR_NAME: f64 = 0.5;
/// The same for any other.
const MIN_SIMILARITY_GRAPH_ALONE: f64 = 0.8;
/// How many fingerprints of a workflow a new graph is compared with: the latest.
const RECENT_FINGERPRINTS: usize = 4;

/// Prefixes that say nothing, beside those that no file is called by.
const MEANINGLESS_PREFIXES: &[&str] =
    &["comfyui", "img", "image", "images", "output", "outputs", "temp", "video", "audio", "mesh"];

/// A file that ComfyUI made, with the graph that made it.
#[derive(Debug, Clone)]
pub(crate) struct GeneratedOutput {
    /// The graph that made it: its identity.
    pub graph: String,
    /// The file, below the folder that is brought in.
    pub from: String,
    /// When it was made, in seconds since 1970.
    pub saved_seconds: i64,
    /// That moment's day where the person is.
    pub saved_day: Day,
    /// That moment's seconds since midnight.
    pub saved_second_of_day: u32,
    pub fingerprint: GraphFingerprint,
    /// What its workflow might be called, the best first: a name it has itself, the prefix
    /// of its files.
    pub names: Vec<String>,
    pub model: Option<String>,
}

/// The graphs of outputs, each with the first file it made.
#[derive(Debug, Clone, Default)]
pub(crate) struct OutputCollection {
    /// Each fingerprint once.
    fingerprints: Vec<GraphFingerprint>,
    fingerprint_indices: FxHashMap<String, usize>,
    graphs: BTreeMap<String, EarliestOutput>,
}

/// The first file that a graph made.
#[derive(Debug, Clone)]
struct EarliestOutput {
    version: WorkflowVersion,
    fingerprint_index: usize,
    names: Vec<String>,
    model: Option<String>,
}

impl OutputCollection {
    pub(crate) fn add(&mut self, made: GeneratedOutput) {
        let key = made.fingerprint.key();
        let shape = *self.fingerprint_indices.entry(key).or_insert_with(|| {
            self.fingerprints.push(made.fingerprint.clone());
            self.fingerprints.len() - 1
        });
        let first = EarliestOutput {
            version: WorkflowVersion {
                name: name_with_date(&made.from),
                export: ExportedWorkflow {
                    from: made.from,
                    content_id: made.graph.clone(),
                    fingerprint: GraphFingerprint::default(),
                    saved_seconds: made.saved_seconds,
                    saved_day: made.saved_day,
                    saved_second_of_day: made.saved_second_of_day,
                },
                duplicates: Vec::new(),
            },
            fingerprint_index: shape,
            names: made.names,
            model: made.model,
        };
        match self.graphs.get_mut(&made.graph) {
            Some(known) if known.sort_key() <= first.sort_key() => {}
            Some(known) => *known = first,
            None => drop(self.graphs.insert(made.graph, first)),
        }
    }

    /// The lines. `home` knows the file of the repository that holds a graph already,
    /// `is_taken` whether another line's name is one of its files.
    pub(crate) fn group_into_lines(
        self,
        home: &dyn Fn(&str) -> Option<String>,
        is_taken: &dyn Fn(&str) -> bool,
    ) -> GroupedOutputs {
        let OutputCollection { fingerprints, graphs, .. } = self;
        let mut all: Vec<EarliestOutput> = graphs.into_values().collect();
        all.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        let mut at_home: BTreeMap<String, Vec<EarliestOutput>> = BTreeMap::new();
        let mut free = ImportPlan::default();
        for cluster in cluster_by_similarity(all, &fingerprints) {
            if let Some(file) = cluster.iter().find_map(|one| home(one.graph_id())) {
                at_home.entry(file).or_default().extend(cluster);
                continue;
            }
            let is_prompt = fingerprints[cluster[0].fingerprint_index].is_prompt();
            let name = choose_line_name(&cluster) + if is_prompt { "_api" } else { "" };
            let file = free.free_path_named(&name, is_taken);
            free.lines.push(VersionLine { file, versions: sorted_versions(cluster) });
        }
        free.lines.sort_by(|a, b| a.file.cmp(&b.file));
        let line = |(file, cluster)| VersionLine { file, versions: sorted_versions(cluster) };
        let at_home =
            ImportPlan { lines: at_home.into_iter().map(line).collect(), ..ImportPlan::default() };
        GroupedOutputs { existing_files: at_home, new_files: free }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct GroupedOutputs {
    /// Those of files that the repository has, by their paths from its top.
    pub existing_files: ImportPlan,
    /// Those of new files, by their names alone.
    pub new_files: ImportPlan,
}

impl EarliestOutput {
    fn sort_key(&self) -> ((Day, u32), &str) {
        (self.version.day_and_second(), &self.version.export.from)
    }

    fn graph_id(&self) -> &str {
        &self.version.export.content_id
    }

    /// The best name that says something.
    fn informative_name(&self) -> Option<String> {
        self.names.iter().find_map(|name| parse_filename_prefix(name))
    }
}

fn sorted_versions(mut cluster: Vec<EarliestOutput>) -> Vec<WorkflowVersion> {
    cluster.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    cluster.into_iter().map(|first| first.version).collect()
}

/// The day that a file's name or one of its folders has, and nothing else of the name: the
/// counters of outputs are no versions.
fn name_with_date(from: &str) -> ExportName {
    let parts = from.rsplit('/');
    let dated = parts.map(ExportName::parse).find(|name| name.day.is_some());
    let (day, time) = dated.map_or((None, None), |name| (name.day, name.time));
    ExportName { day, time, ..ExportName::with_line_name("output") }
}

/// Graphs of one workflow.
#[derive(Default)]
struct OutputCluster {
    outputs: Vec<EarliestOutput>,
    /// Indices of the fingerprints in it, in order, each with the name it came with.
    fingerprints: Vec<(usize, Option<String>)>,
}

impl OutputCluster {
    /// How well a graph of that fingerprint and name fits in; 0: not at all. One workflow id counts
    /// for more than any similarity.
    fn fit_score(
        &self,
        fingerprints: &[GraphFingerprint],
        fingerprint: &GraphFingerprint,
        name: Option<&str>,
    ) -> f64 {
        let recent = self.fingerprints.iter().rev().take(RECENT_FINGERPRINTS);
        let fits = recent.map(|(shape, other)| {
            let known = &fingerprints[*shape];
            let likeness = known.similarity(fingerprint);
            let same_id =
                known.workflow_id().is_some() && known.workflow_id() == fingerprint.workflow_id();
            let same_name = name.is_some() && name == other.as_deref();
            let enough = match (same_id, same_name) {
                (true, true) => MIN_SIMILARITY_ID_AND_NAME,
                (true, false) | (false, true) => MIN_SIMILARITY_ID_OR_NAME,
                (false, false) => MIN_SIMILARITY_GRAPH_ALONE,
            };
            if likeness >= enough { likeness + f64::from(u8::from(same_id)) } else { 0.0 }
        });
        fits.fold(0.0, f64::max)
    }
}

/// Puts graphs together that are alike, in the order they were made.
fn cluster_by_similarity(
    all: Vec<EarliestOutput>,
    fingerprints: &[GraphFingerprint],
) -> Vec<Vec<EarliestOutput>> {
    let mut clusters: Vec<OutputCluster> = Vec::new();
    let mut home: FxHashMap<usize, usize> = FxHashMap::default();
    for first in all {
        let (fingerprint, name) =
            (&fingerprints[first.fingerprint_index], first.informative_name());
        let known = home.get(&first.fingerprint_index).copied().or_else(|| {
            let fit = |cluster: &OutputCluster| {
                cluster.fit_score(fingerprints, fingerprint, name.as_deref())
            };
            let fits = clusters.iter().map(fit).enumerate();
            let best = fits.max_by(|(a, one), (b, other)| one.total_cmp(other).then(b.cmp(a)));
            best.filter(|(_, fit)| *fit > 0.0).map(|(at, _)| at)
        });
        let at = known.unwrap_or_else(|| {
            clusters.push(OutputCluster::default());
            clusters.len() - 1
        });
        if home.insert(first.fingerprint_index, at).is_none() {
            clusters[at].fingerprints.push((first.fingerprint_index, name));
        }
        clusters[at].outputs.push(first);
    }
    clusters.into_iter().map(|cluster| cluster.outputs).collect()
}

/// What a line is called: the name that most of its versions give, if they give any; else
/// the model.
fn choose_line_name(cluster: &[EarliestOutput]) -> String {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (at, first) in cluster.iter().enumerate() {
        if let Some(name) = first.informative_name() {
            let count = counts.entry(name).or_insert((0, usize::MAX - at));
            count.0 += 1;
        }
    }
    let best = counts.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name);
    let model = || {
        let model = cluster.iter().find_map(|first| first.model.clone())?;
        let stem = model.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        Some(format!("ComfyUI-{stem}"))
    };
    best.or_else(model).unwrap_or_else(|| "ComfyUI".to_owned())
}

/// The part of a prefix that names something: `%date%/fox_%KSampler.seed%` is `fox`.
fn parse_filename_prefix(prefix: &str) -> Option<String> {
    let last = prefix.rsplit(['/', '\\']).next().unwrap_or_default();
    // What stands between two `%` is replaced when a file is saved.
    let plain: String = last.split('%').step_by(2).collect();
    // A long number is a seed that was put in.
    let is_seed = |word: &&str| word.len() > 5 && word.bytes().all(|b| b.is_ascii_digit());
    let breaks = |c: char| matches!(c, '_' | '-' | ' ');
    let plain = match plain.split(breaks).find(is_seed) {
        Some(seed) if ExportName::parse(&plain).day.is_none() => plain.replace(seed, ""),
        _ => plain,
    };
    let name = ExportName::parse(plain.trim_matches(|c: char| !c.is_alphanumeric()));
    let key = name.comparison_key();
    let says = key.chars().any(char::is_alphabetic)
        && !MEANINGLESS_PREFIXES.contains(&key.as_str())
        && !MEANINGLESS_NAMES.contains(&key.as_str());
    says.then_some(name.line_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::graph::Workflow;
    use comfy_graph::json;

    fn made(graph: &str, day: u8, id: &str, classes: &[&str], names: &[&str]) -> GeneratedOutput {
        let nodes: Vec<String> = classes
            .iter()
            .enumerate()
            .map(|(id, class)| format!(r#"{{"id":{id},"type":"{class}"}}"#))
            .collect();
        let text =
            format!(r#"{{"id":"{id}","nodes":[{}],"links":[],"version":0.4}}"#, nodes.join(","));
        let workflow = Workflow::from_value(json::parse_text(&text).unwrap()).unwrap();
        GeneratedOutput {
            graph: graph.into(),
            from: format!("{graph}_{day}.png"),
            saved_seconds: i64::from(day),
            saved_day: Day { year: 2026, month: 2, day },
            saved_second_of_day: 0,
            fingerprint: GraphFingerprint::from_workflow(&workflow),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            model: Some("sub/dream_8.safetensors".into()),
        }
    }

    #[test]
    fn a_pile_becomes_lines_by_likeness_with_names_that_say_something() {
        const TEXT: &[&str] = &["KSampler", "CLIPTextEncode", "VAEDecode", "SaveImage"];
        const MORE: &[&str] = &["KSampler", "CLIPTextEncode", "VAEDecode", "SaveImage", "Lora"];
        // All that the first has, and as much beside it.
        const LARGE: &[&str] = &[
            "LoadImage",
            "KSampler",
            "CLIPTextEncode",
            "VAEDecode",
            "SaveImage",
            "Depth",
            "ControlNet",
            "Mask",
            "Upscale",
        ];
        const VIDEO: &[&str] = &["LoadVideo", "Upscale", "Interpolate", "SaveVideo"];
        let mut collection = OutputCollection::default();
        for made in [
            made("b", 4, "one", MORE, &["%date:yyyy%/fox_%seed%"]),
            made("a", 3, "one", TEXT, &["ComfyUI"]),
            made("a", 2, "one", TEXT, &["2026-02-02/fox_00001_"]),
            made("c", 5, "two", VIDEO, &["ComfyUI", "ComfyUI_00007_"]),
            made("d", 6, "two", MORE, &["fox"]),
            made("e", 7, "three", LARGE, &["ComfyUI"]),
        ] {
            collection.add(made);
        }
        let describe = |piled: &GroupedOutputs| {
            let line = |line: &VersionLine| {
                let from: Vec<&str> =
                    line.versions.iter().map(|v| v.export.from.as_str()).collect();
                format!("{}: {}", line.file, from.join(" "))
            };
            let lines = piled.existing_files.lines.iter().chain(&piled.new_files.lines);
            lines.map(line).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(describe(&collection.clone().group_into_lines(&|_| None, &|_| false)), @r"
        ComfyUI-dream_8-2.json: e_7.png
        ComfyUI-dream_8.json: c_5.png
        fox.json: a_2.png b_4.png d_6.png
        ");
        let home = |graph: &str| (graph == "b").then(|| "people/anna.json".to_owned());
        let is_taken = |file: &str| file == "ComfyUI-dream_8.json";
        insta::assert_snapshot!(describe(&collection.group_into_lines(&home, &is_taken)), @r"
        people/anna.json: a_2.png b_4.png d_6.png
        ComfyUI-dream_8-2.json: c_5.png
        ComfyUI-dream_8-3.json: e_7.png
        ");
    }

    #[test]
    fn prefixes_say_something_or_nothing() {
        let prefix = |prefix: &str| parse_filename_prefix(prefix).unwrap_or_default();
        assert_eq!(prefix("portraits/fox_%date:yyyy-MM-dd%"), "fox");
        assert_eq!(prefix("neon fox_00012_"), "neon fox");
        assert_eq!(prefix(r"video\ComfyUI"), "");
        assert_eq!(prefix("ComfyUI_temp_abcde"), "ComfyUI_temp_abcde");
        assert_eq!(prefix("2026-02-20"), "");
        assert_eq!(prefix("%seed%"), "");
        assert_eq!(prefix("i2i_175978901522755"), "i2i");
        assert_eq!(prefix("20260220_fox"), "fox");
    }
}
