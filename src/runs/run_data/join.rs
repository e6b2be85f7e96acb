//! Two documents of one run become one that holds what both know.
//!
//! The join is commutative, associative and idempotent: clones that exchange runs in any
//! order end up with the same ones, and seeing a run twice changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::lineage::RunParent;
use super::schema::{InputFile, OutputFile, Run, RunModel};
use crate::records::join::{join_by_key, join_pack_facts, join_unknown_fields};
use crate::runs::run_data;

impl Run {
    /// Takes in what another document of the same run knows.
    pub fn join(&mut self, other: Run) {
        self.comfy_run = self.comfy_run.max(other.comfy_run);
        keep_greater(&mut self.content, other.content);
        keep_greater(&mut self.graph, other.graph);
        keep_greater(&mut self.outcome, other.outcome);
        // The first account of a moment is the nearest to it.
        keep_earlier(&mut self.queued, other.queued);
        keep_earlier(&mut self.start, other.start);
        keep_earlier(&mut self.end, other.end);
        for (node, time) in other.durations {
            let known = self.durations.entry(node).or_insert(time);
            *known = time.max(*known);
        }
        self.cached.extend(other.cached);
        self.outputs = join_files(&mut self.outputs, other.outputs);
        self.reused = join_files(&mut self.reused, other.reused);
        self.inputs = join_inputs(&mut self.inputs, other.inputs);
        self.models = join_models(&mut self.models, other.models);
        keep_longer(&mut self.samplers, other.samplers);
        keep_longer(&mut self.seeds, other.seeds);
        keep_longer(&mut self.positive, other.positive);
        keep_longer(&mut self.negative, other.negative);
        for (class, pack) in other.classes {
            keep_greater(self.classes.entry(class).or_default(), pack);
        }
        let packs = std::mem::take(&mut self.packs).into_iter().chain(other.packs);
        self.packs = join_by_key(packs, |pack| pack.name.clone(), join_pack_facts);
        keep_greater(&mut self.from_file, other.from_file);
        keep_greater(&mut self.problem, other.problem);
        keep_greater(&mut self.environment, other.environment);
        keep_greater(&mut self.committed, other.committed);
        self.known.extend(other.known);
        join_parents(&mut self.parent, other.parent);
        self.compared.extend(other.compared);
        self.compared.sort();
        self.compared.dedup();
        join_unknown_fields(&mut self.rest, other.rest);
        // What was taken out stays out, whoever still has it.
        for redacted in [self.redacted.clone(), other.redacted].into_iter().flatten() {
            self.redact(&redacted.at);
        }
    }

    /// The document in its normal order, as a join leaves it.
    #[must_use]
    pub fn normalized(mut self) -> Run {
        let same = self.clone();
        self.join(same);
        self
    }
}

fn keep_greater<T: Ord>(ours: &mut T, theirs: T) {
    if theirs > *ours {
        *ours = theirs;
    }
}

/// Of two parents the greater by its text; first by what a redaction leaves of it, so that
/// redacting one side before or after makes no difference.
fn join_parents(ours: &mut Option<RunParent>, theirs: Option<RunParent>) {
    let rank = |one: &Option<RunParent>| {
        let mut left = one.clone()?;
        left.redact();
        let text = |parent: &RunParent| serde_json::to_string(parent).unwrap_or_default();
        Some((text(&left), one.as_ref().map(text)))
    };
    if rank(&theirs) > rank(ours) {
        *ours = theirs;
    }
}

fn keep_earlier(ours: &mut Option<String>, theirs: Option<String>) {
    if ours.is_none() || theirs.as_ref().is_some_and(|theirs| ours.as_ref() > Some(theirs)) {
        *ours = theirs;
    }
}

/// Lists that come from one prompt and differ only where one side knows less: the longer
/// one, of two as long the one that is greater by its text.
fn keep_longer<T: serde::Serialize>(ours: &mut Vec<T>, theirs: Vec<T>) {
    let rank = |list: &Vec<T>| (list.len(), serde_json::to_string(list).unwrap_or_default());
    if rank(&theirs) > rank(ours) {
        *ours = theirs;
    }
}

/// Files by path. What is known of a path is known of all files that were seen there; a
/// file that nobody looked at is the one that somebody did.
fn join_files(ours: &mut Vec<OutputFile>, theirs: Vec<OutputFile>) -> Vec<OutputFile> {
    type OutputKey = (String, run_data::OutputBase);
    let mut by_path: BTreeMap<OutputKey, (OutputFile, BTreeMap<String, OutputFile>)> =
        BTreeMap::new();
    for file in std::mem::take(ours).into_iter().chain(theirs) {
        let key = (file.path.clone(), file.base);
        let (common, seen) = by_path.entry(key).or_default();
        keep_greater(&mut common.node, file.node.clone());
        keep_greater(&mut common.index, file.index);
        keep_greater(&mut common.kind, file.kind.clone());
        if let Some(digest) = file.sha256.clone() {
            let known = seen.entry(digest).or_insert_with(|| file.clone());
            keep_greater(&mut known.size, file.size);
            keep_greater(&mut known.perceptual, file.perceptual);
            keep_greater(&mut known.dimensions, file.dimensions);
            keep_earlier(&mut known.written, file.written);
        }
    }
    let mut all = Vec::new();
    for ((path, origin), (common, seen)) in by_path {
        let (node, index, kind) = (common.node, common.index, common.kind);
        let whole = |file: OutputFile| {
            let (path, node, kind) = (path.clone(), node.clone(), kind.clone());
            OutputFile { path, base: origin, node, index, kind, ..file }
        };
        if seen.is_empty() {
            all.push(whole(OutputFile::default()));
        }
        all.extend(seen.into_values().map(whole));
    }
    all
}

fn join_inputs(ours: &mut Vec<InputFile>, theirs: Vec<InputFile>) -> Vec<InputFile> {
    let all = std::mem::take(ours).into_iter().chain(theirs);
    join_by_key(
        all,
        |input| (input.node.clone(), input.name.clone()),
        |mut one, other| {
            keep_greater(&mut one.sha256, other.sha256);
            keep_greater(&mut one.size, other.size);
            keep_greater(&mut one.perceptual, other.perceptual);
            one
        },
    )
}

fn join_models(ours: &mut Vec<RunModel>, theirs: Vec<RunModel>) -> Vec<RunModel> {
    let mut all: BTreeMap<(String, String), (BTreeSet<String>, Option<String>)> = BTreeMap::new();
    for model in std::mem::take(ours).into_iter().chain(theirs) {
        let (nodes, digest) = all.entry((model.folder, model.name)).or_default();
        nodes.extend(model.nodes);
        keep_greater(digest, model.sha256);
    }
    let model = |((folder, name), (nodes, sha256)): (_, (BTreeSet<String>, _))| RunModel {
        folder,
        name,
        nodes: nodes.into_iter().collect(),
        sha256,
    };
    all.into_iter().map(model).collect()
}

#[cfg(test)]
mod tests {
    use comfy_graph::json::Value;
    use proptest::prelude::*;

    use crate::records::join;
    use crate::records::{PackEvidence, PackFact};
    use crate::runs::run_data::lineage::*;
    use crate::runs::run_data::schema::*;

    fn outputs() -> impl Strategy<Value = Vec<OutputFile>> {
        let output = (
            "[ab]",
            prop::option::of("[12]"),
            prop::option::of("[34]"),
            prop::option::of(0..2u64),
            prop::option::of("[56]"),
        )
            .prop_map(|(path, sha256, node, size, written)| OutputFile {
                path,
                sha256,
                node,
                size,
                written,
                ..OutputFile::default()
            });
        prop::collection::vec(output, 0..4)
    }

    fn parents() -> impl Strategy<Value = RunParent> {
        let value = prop_oneof![Just(Value::from(7_u64)), Just(Value::from("a text"))];
        ("[xy]", prop::collection::vec(value, 0..3)).prop_map(|(run, values)| RunParent {
            run,
            how: if values.is_empty() { Derivation::Reproduced } else { Derivation::Varied },
            set: values
                .into_iter()
                .map(|to| InputSetting {
                    node: "3".to_owned(),
                    title: String::new(),
                    input: "cfg".to_owned(),
                    from: Value::Null,
                    to,
                })
                .collect(),
        })
    }

    fn comparisons() -> impl Strategy<Value = OutputComparison> {
        ("[ab]", prop::option::of(0..2u32)).prop_map(|(output, psnr)| OutputComparison {
            output,
            psnr,
            ..OutputComparison::default()
        })
    }

    fn inputs() -> impl Strategy<Value = Vec<InputFile>> {
        let input = ("[12]", "[ab]", prop::option::of("[34]"), prop::option::of(0..2u64)).prop_map(
            |(node, name, sha256, size)| InputFile {
                node,
                name,
                sha256,
                size,
                ..InputFile::default()
            },
        );
        prop::collection::vec(input, 0..4)
    }

    fn packs() -> impl Strategy<Value = Vec<PackFact>> {
        let pack = ("[pq]", "[12]", prop::option::of("[34]"), "[CD]").prop_map(
            |(name, at, version, class)| PackFact {
                name,
                at,
                version,
                classes: [(class, PackEvidence::Server)].into(),
                ..PackFact::default()
            },
        );
        prop::collection::vec(pack, 0..3)
    }

    fn runs() -> impl Strategy<Value = Run> {
        let times = (prop::option::of("[12]"), prop::option::of("[12]"));
        let lists = (outputs(), outputs(), prop::collection::vec("[pq]", 0..3));
        let lists = (lists, inputs(), packs(), prop::option::of("[fg]"));
        let lineage = (prop::option::of(parents()), prop::collection::vec(comparisons(), 0..3));
        (times, lists, "[cd]", 0..3u8, prop::option::of("[78]"), lineage).prop_map(
            |(
                (start, end),
                (lists, inputs, packs, from_file),
                content,
                outcome,
                redacted,
                lineage,
            )| {
                let (outputs, reused, positive) = lists;
                let mut run = Run {
                    id: "i".to_owned(),
                    content,
                    inputs,
                    packs,
                    from_file,
                    start,
                    end,
                    outputs,
                    reused,
                    positive,
                    parent: lineage.0,
                    compared: lineage.1,
                    outcome: [RunOutcome::Unknown, RunOutcome::Success, RunOutcome::Error]
                        [usize::from(outcome)],
                    ..Run::default()
                };
                if let Some(at) = redacted {
                    run.redact(&at);
                }
                run.normalized()
            },
        )
    }

    proptest! {
        #[test]
        fn joining_is_a_union(a in runs(), b in runs(), c in runs()) {
            join::is_union(Run::join, [&a, &b, &c])?;
        }
    }

    #[test]
    fn what_was_taken_out_stays_out() {
        let set = |to: Value| InputSetting {
            node: "6".to_owned(),
            title: String::new(),
            input: "text".to_owned(),
            from: to.clone(),
            to,
        };
        let parent = RunParent {
            run: "p".to_owned(),
            how: Derivation::Varied,
            set: vec![set("a secret".into()), set(7_u64.into())],
        };
        let mut open = Run {
            positive: vec!["a secret".to_owned()],
            parent: Some(parent),
            id: "i".to_owned(),
            ..Run::default()
        };
        let mut redacted = open.clone();
        redacted.redact("2026");
        open.join(redacted);
        assert!(open.positive.is_empty() && open.redacted.is_some());
        assert_eq!(open.parent.unwrap().set.len(), 1);
    }
}
