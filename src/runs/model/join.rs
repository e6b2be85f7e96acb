//! Two documents of one run become one that holds what both know.
//!
//! The join is commutative, associative and idempotent: clones that exchange runs in any
//! order end up with the same ones, and seeing a run twice changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::lineage::Parent;
use super::schema::{Input, Model, Output, Run};
use crate::records::join::{join_packs, join_rest, joined};
use crate::runs::model;

impl Run {
    /// Takes in what another document of the same run knows.
    pub fn join(&mut self, other: Run) {
        self.comfy_run = self.comfy_run.max(other.comfy_run);
        greater(&mut self.content, other.content);
        greater(&mut self.graph, other.graph);
        greater(&mut self.outcome, other.outcome);
        // The first account of a moment is the nearest to it.
        earlier(&mut self.queued, other.queued);
        earlier(&mut self.start, other.start);
        earlier(&mut self.end, other.end);
        for (node, time) in other.durations {
            let known = self.durations.entry(node).or_insert(time);
            *known = time.max(*known);
        }
        self.cached.extend(other.cached);
        self.outputs = files(&mut self.outputs, other.outputs);
        self.reused = files(&mut self.reused, other.reused);
        self.inputs = inputs(&mut self.inputs, other.inputs);
        self.models = models(&mut self.models, other.models);
        longer(&mut self.samplers, other.samplers);
        longer(&mut self.seeds, other.seeds);
        longer(&mut self.positive, other.positive);
        longer(&mut self.negative, other.negative);
        for (class, pack) in other.classes {
            greater(self.classes.entry(class).or_default(), pack);
        }
        let packs = std::mem::take(&mut self.packs).into_iter().chain(other.packs);
        self.packs = joined(packs, |pack| pack.name.clone(), join_packs);
        greater(&mut self.from_file, other.from_file);
        greater(&mut self.problem, other.problem);
        greater(&mut self.environment, other.environment);
        greater(&mut self.committed, other.committed);
        self.known.extend(other.known);
        parent(&mut self.parent, other.parent);
        self.compared.extend(other.compared);
        self.compared.sort();
        self.compared.dedup();
        join_rest(&mut self.rest, other.rest);
        // What was taken out stays out, whoever still has it.
        for redacted in [self.redacted.clone(), other.redacted].into_iter().flatten() {
            self.redact(&redacted.at);
        }
    }

    /// The document in its normal order, as a join leaves it.
    #[must_use]
    pub fn normal(mut self) -> Run {
        let same = self.clone();
        self.join(same);
        self
    }
}

fn greater<T: Ord>(ours: &mut T, theirs: T) {
    if theirs > *ours {
        *ours = theirs;
    }
}

/// Of two parents the greater by its text; first by what a redaction leaves of it, so that
/// redacting one side before or after makes no difference.
fn parent(ours: &mut Option<Parent>, theirs: Option<Parent>) {
    let rank = |one: &Option<Parent>| {
        let mut left = one.clone()?;
        left.redact();
        let text = |parent: &Parent| serde_json::to_string(parent).unwrap_or_default();
        Some((text(&left), one.as_ref().map(text)))
    };
    if rank(&theirs) > rank(ours) {
        *ours = theirs;
    }
}

fn earlier(ours: &mut Option<String>, theirs: Option<String>) {
    if ours.is_none() || theirs.as_ref().is_some_and(|theirs| ours.as_ref() > Some(theirs)) {
        *ours = theirs;
    }
}

/// Lists that come from one prompt and differ only where one side knows less: the longer
/// one, of two as long the one that is greater by its text.
fn longer<T: serde::Serialize>(ours: &mut Vec<T>, theirs: Vec<T>) {
    let rank = |list: &Vec<T>| (list.len(), serde_json::to_string(list).unwrap_or_default());
    if rank(&theirs) > rank(ours) {
        *ours = theirs;
    }
}

/// Files by path. What is known of a path is known of all files that were seen there; a
/// file that nobody looked at is the one that somebody did.
fn files(ours: &mut Vec<Output>, theirs: Vec<Output>) -> Vec<Output> {
    type Place = (String, model::Origin);
    let mut by_path: BTreeMap<Place, (Output, BTreeMap<String, Output>)> = BTreeMap::new();
    for file in std::mem::take(ours).into_iter().chain(theirs) {
        let key = (file.path.clone(), file.origin);
        let (common, seen) = by_path.entry(key).or_default();
        greater(&mut common.node, file.node.clone());
        greater(&mut common.index, file.index);
        greater(&mut common.kind, file.kind.clone());
        if let Some(digest) = file.sha256.clone() {
            let known = seen.entry(digest).or_insert_with(|| file.clone());
            greater(&mut known.size, file.size);
            greater(&mut known.perceptual, file.perceptual);
            greater(&mut known.dimensions, file.dimensions);
            earlier(&mut known.written, file.written);
        }
    }
    let mut all = Vec::new();
    for ((path, origin), (common, seen)) in by_path {
        let (node, index, kind) = (common.node, common.index, common.kind);
        let whole = |file: Output| {
            let (path, node, kind) = (path.clone(), node.clone(), kind.clone());
            Output { path, origin, node, index, kind, ..file }
        };
        if seen.is_empty() {
            all.push(whole(Output::default()));
        }
        all.extend(seen.into_values().map(whole));
    }
    all
}

fn inputs(ours: &mut Vec<Input>, theirs: Vec<Input>) -> Vec<Input> {
    let all = std::mem::take(ours).into_iter().chain(theirs);
    joined(
        all,
        |input| (input.node.clone(), input.name.clone()),
        |mut one, other| {
            greater(&mut one.sha256, other.sha256);
            greater(&mut one.size, other.size);
            greater(&mut one.perceptual, other.perceptual);
            one
        },
    )
}

fn models(ours: &mut Vec<Model>, theirs: Vec<Model>) -> Vec<Model> {
    let mut all: BTreeMap<(String, String), (BTreeSet<String>, Option<String>)> = BTreeMap::new();
    for model in std::mem::take(ours).into_iter().chain(theirs) {
        let (nodes, digest) = all.entry((model.folder, model.name)).or_default();
        nodes.extend(model.nodes);
        greater(digest, model.sha256);
    }
    let model = |((folder, name), (nodes, sha256)): (_, (BTreeSet<String>, _))| Model {
        folder,
        name,
        nodes: nodes.into_iter().collect(),
        sha256,
    };
    all.into_iter().map(model).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::records::join;
    use crate::records::{PackEvidence, PackFact};
    use crate::runs::model::lineage::*;
    use crate::runs::model::schema::*;

    fn outputs() -> impl Strategy<Value = Vec<Output>> {
        let output = (
            "[ab]",
            prop::option::of("[12]"),
            prop::option::of("[34]"),
            prop::option::of(0..2u64),
            prop::option::of("[56]"),
        )
            .prop_map(|(path, sha256, node, size, written)| Output {
                path,
                sha256,
                node,
                size,
                written,
                ..Output::default()
            });
        prop::collection::vec(output, 0..4)
    }

    fn parents() -> impl Strategy<Value = Parent> {
        let value = prop_oneof![Just(serde_json::json!(7)), Just(serde_json::json!("a text"))];
        ("[xy]", prop::collection::vec(value, 0..3)).prop_map(|(run, values)| Parent {
            run,
            how: if values.is_empty() { Derived::Reproduced } else { Derived::Varied },
            set: values
                .into_iter()
                .map(|to| Setting {
                    node: "3".to_owned(),
                    title: String::new(),
                    input: "cfg".to_owned(),
                    from: serde_json::Value::Null,
                    to,
                })
                .collect(),
        })
    }

    fn comparisons() -> impl Strategy<Value = Comparison> {
        ("[ab]", prop::option::of(0..2u32)).prop_map(|(output, psnr)| Comparison {
            output,
            psnr,
            ..Comparison::default()
        })
    }

    fn inputs() -> impl Strategy<Value = Vec<Input>> {
        let input = ("[12]", "[ab]", prop::option::of("[34]"), prop::option::of(0..2u64)).prop_map(
            |(node, name, sha256, size)| Input { node, name, sha256, size, ..Input::default() },
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
                    outcome: [Outcome::Unknown, Outcome::Success, Outcome::Error]
                        [usize::from(outcome)],
                    ..Run::default()
                };
                if let Some(at) = redacted {
                    run.redact(&at);
                }
                run.normal()
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
        let set = |to: serde_json::Value| Setting {
            node: "6".to_owned(),
            title: String::new(),
            input: "text".to_owned(),
            from: to.clone(),
            to,
        };
        let parent = Parent {
            run: "p".to_owned(),
            how: Derived::Varied,
            set: vec![set("a secret".into()), set(7.into())],
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
