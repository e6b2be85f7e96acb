//! What must hold of every merge, on generated edits and on real files.

use comfy_graph::catalog::Catalog;
use comfy_graph::clean;
use comfy_graph::graph::{
    DocumentKind, GraphKind, GraphScope, Link, Node, NodeId, NodeMode, Severity, SlotName,
    WidgetValues, WireSink, WireSource, Wires, Workflow, check_workflow, document_kind,
};
use comfy_graph::json::{Object, Value};
use comfy_graph::merge::{MergeOptions, MergeResult, MergeStrategies, merge_documents};
use proptest::prelude::*;

use crate::support::canvas::{Canvas, json};
use crate::support::data::{documents, name};
use crate::support::meaning::{gists, meaning};

fn merged(base: Option<&Value>, ours: &Value, theirs: &Value) -> MergeResult {
    let (strategies, catalog) = (MergeStrategies::default(), Catalog::core());
    merge_documents(base, ours, theirs, MergeOptions { strategies: &strategies, naming: &catalog })
}

fn clean(value: &Value) -> Value {
    let mut value = value.clone();
    clean::strip_layout(&mut value);
    value
}

/// A step of editing, as numbers that find their thing in whatever graph there is.
#[derive(Debug, Clone, Copy)]
struct Step {
    what: u8,
    which: usize,
    with: usize,
}

fn steps(
    what: std::ops::Range<u8>,
    most: usize,
) -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    let step = (what, any::<u16>(), any::<u16>());
    let step = step.prop_map(|(what, which, with)| Step {
        what,
        which: usize::from(which),
        with: usize::from(with),
    });
    proptest::collection::vec(step, 0..most)
}

const RETITLE: u8 = 0;
const TUNE: u8 = 1;
const SWITCH: u8 = 2;
const COLOUR: u8 = 3;
const ADD: u8 = 4;
const GROUP: u8 = 5;
const REWIRE: u8 = 6;
const CUT: u8 = 7;
const REMOVE: u8 = 8;
const DRAG: u8 = 9;
const KINDS: u8 = 10;

/// Edits a workflow. Only nodes that `may` is true for are touched.
///
/// Ids of new nodes are never ones that were in use before, as in ComfyUI.
#[expect(clippy::too_many_lines, reason = "one arm for each kind of edit")]
fn edit(
    workflow: &mut Workflow,
    scope: &GraphScope,
    step: Step,
    word: &str,
    may: impl Fn(&NodeId) -> bool,
) {
    let mut top = workflow.highest_ids();
    top.node = top.node.max(workflow.counters().node);
    let Some(graph) = workflow.graph_mut(scope) else { return };
    let ids: Vec<NodeId> = graph.nodes.keys().filter(|id| may(id)).cloned().collect();
    if ids.is_empty() {
        return;
    }
    let id = ids[step.which % ids.len()].clone();
    match step.what {
        RETITLE => {
            graph.nodes[&id].raw_mut().insert("title", format!("{word} {}", step.with));
        }
        TUNE => tune(&mut graph.nodes[&id], step.with, word),
        SWITCH => graph.nodes[&id].set_mode(NodeMode::from_number([0, 2, 4][step.with % 3])),
        COLOUR => {
            let colour = format!("#{:03x}", step.with % 4096);
            graph.nodes[&id].raw_mut().insert("color", colour);
        }
        ADD => {
            let new = NodeId::from(top.node + 1);
            let text = format!(
                r#"{{"id":{new},"type":"VAEDecode","mode":0,"inputs":[{{"name":"samples","type":"LATENT","link":null}},{{"name":"vae","type":"VAE","link":null}}],"outputs":[{{"name":"IMAGE","type":"IMAGE","links":[]}}],"properties":{{}},"title":"{word} {}"}}"#,
                step.with
            );
            graph.nodes.insert(new, Node::from_value(json(&text)).unwrap());
        }
        GROUP => {
            let text = format!(
                r#"{{"id":{},"title":"{word} {}","bounding":[0,0,140,80]}}"#,
                top.group + 1,
                step.with
            );
            graph.groups.push(comfy_graph::graph::Group::from_value(json(&text)).unwrap());
        }
        REWIRE => {
            let inputs: Vec<(usize, String)> = graph.nodes[&id]
                .inputs()
                .map(|input| (input.at, input.kind().to_owned()))
                .collect();
            if inputs.is_empty() {
                return;
            }
            let (slot, kind) = inputs[step.with % inputs.len()].clone();
            let origins: Vec<(NodeId, usize)> = graph
                .nodes
                .iter()
                .filter(|(from, _)| **from != id && may(from))
                .flat_map(|(from, node)| {
                    node.outputs()
                        .filter(|o| o.kind() == kind)
                        .map(|o| (from.clone(), o.at))
                        .collect::<Vec<_>>()
                })
                .collect();
            if origins.is_empty() {
                return;
            }
            let (from, output) = origins[step.which % origins.len()].clone();
            unplug(graph, &id, slot);
            let link = Link::new(
                graph.link_format(),
                comfy_graph::graph::LinkId(top.link + 1),
                comfy_graph::graph::LinkEnd::Node { id: from, slot: output },
                comfy_graph::graph::LinkEnd::Node { id, slot },
                Value::from(kind),
            );
            graph.links.insert(link.id(), link);
            graph.sync_slots_with_links();
        }
        CUT => {
            let count = graph.nodes[&id].inputs().count();
            if count > 0 {
                unplug(graph, &id, step.with % count);
            }
        }
        REMOVE => {
            graph.nodes.shift_remove(&id);
            let touches = |link: &&Link| {
                link.from().node_id() == Some(&id) || link.to().node_id() == Some(&id)
            };
            let gone = graph.links.values().filter(touches).map(Link::id).collect();
            graph.remove_links(&gone);
            let used: Vec<_> = workflow.nodes().map(|(_, node)| node.as_subgraph()).collect();
            workflow.definitions.retain(|id, _| used.contains(id));
        }
        _ => {
            let node = graph.nodes[&id].raw_mut();
            node.insert("pos", vec![step.with, step.which]);
            node.insert("size", vec![step.which, step.with]);
            node.insert("order", step.with);
        }
    }
    workflow.raise_counters();
}

fn unplug(graph: &mut comfy_graph::graph::Graph, id: &NodeId, slot: usize) {
    let end = comfy_graph::graph::LinkEnd::Node { id: id.clone(), slot };
    let gone = graph.links.values().filter(|link| *link.to() == end).map(Link::id).collect();
    graph.remove_links(&gone);
}

fn tune(node: &mut Node, with: usize, word: &str) {
    let WidgetValues::Array(values) = node.widget_values() else { return };
    if values.is_empty() {
        return;
    }
    let at = with % values.len();
    let value = match &values[at] {
        Value::Number(_) => Value::from(with),
        Value::String(text) => Value::from(format!("{text}, {word} {with}")),
        Value::Bool(value) => Value::from(!value),
        other => other.clone(),
    };
    let mut values = values.to_vec();
    values[at] = value;
    node.raw_mut().insert("widgets_values", values);
    node.raw_mut().remove("widgets_values_named");
}

fn edited(base: &Value, steps: &[Step], word: &str, may: impl Fn(&NodeId) -> bool + Copy) -> Value {
    let mut workflow = Workflow::from_value(base.clone()).unwrap();
    let scopes: Vec<GraphScope> = workflow.graphs().map(|(scope, _)| scope).collect();
    for step in steps {
        let scope = &scopes[(step.which / 7) % scopes.len()];
        edit(&mut workflow, scope, *step, word, may);
    }
    clean(&workflow.into_value())
}

/// Graphs to start from: our own, and a few real ones where they are present.
fn bases() -> Vec<Value> {
    let mut all = vec![Canvas::txt2img().value()];
    let mut packed = Canvas::txt2img();
    packed.pack(
        &[3, 6, 7],
        10,
        "11111111-2222-4333-8444-555555555555",
        "Sample",
        &[(6, "text"), (3, "seed")],
    );
    all.push(packed.value());
    for (file, value) in documents("edits").into_iter().chain(documents("roundtrip/saved")) {
        if [
            "v08.json",
            "v12.json",
            "subgraph_nested.json",
            "media_all.json",
            "tpl_api_luma_ray3_3_t2v.json",
        ]
        .contains(&name(&file).as_str())
        {
            all.push(clean(&value));
        }
    }
    all
}

fn assert_sound(merged: &MergeResult, sides: [&Value; 3]) {
    let doubts: Vec<String> = merged.audit_findings.iter().map(ToString::to_string).collect();
    assert!(doubts.is_empty(), "{}", doubts.join("\n"));
    let defects = |value: &Value| {
        let found = check_workflow(&Workflow::from_value(value.clone()).unwrap());
        found.into_iter().filter(|d| d.severity() >= Severity::Heavy).count()
    };
    let known: usize = sides.iter().map(|side| defects(side)).sum();
    if known == 0 {
        let found = check_workflow(&Workflow::from_value(merged.document.clone()).unwrap());
        let found: Vec<String> = found
            .iter()
            .filter(|d| d.severity() >= Severity::Heavy)
            .map(ToString::to_string)
            .collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
    assert_eq!(clean(&merged.document), merged.document, "the result is not clean");
}

fn everywhere(_: &NodeId) -> bool {
    true
}

fn even(id: &NodeId) -> bool {
    id.as_number().is_some_and(|id| id % 2 == 0)
}

fn odd(id: &NodeId) -> bool {
    !even(id)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// What one does to nodes that the other packs into a subgraph arrives in there.
    #[test]
    fn edits_follow_nodes_into_a_new_subgraph(other in steps(RETITLE..ADD, 6), shown in any::<bool>()) {
        let base = Canvas::txt2img().value();
        let mut packed = Canvas::txt2img();
        let uuid = "11111111-2222-4333-8444-555555555555";
        let all: &[(i64, &str)] = &[(6, "text"), (3, "cfg")];
        packed.pack(&[3, 6, 7], 10, uuid, "Sample", if shown { all } else { &[] });
        let other = edited(&base, &other, "theirs", everywhere);
        for (ours, theirs) in [(&packed.value(), &other), (&other, &packed.value())] {
            let merged = merged(Some(&base), ours, theirs);
            assert_sound(&merged, [&base, ours, theirs]);
            prop_assert!(merged.conflicts.is_empty(), "{:?}", merged.conflicts);
            let result = Workflow::from_value(merged.document.clone()).unwrap();
            let before = Workflow::from_value(other.clone()).unwrap();
            let inside = result.definitions.values().next().unwrap();
            for id in [3, 6, 7] {
                let (was, is) = (&before.root.nodes[&NodeId::from(id)], &inside.graph.nodes[&NodeId::from(id)]);
                prop_assert_eq!(was.title(), is.title());
                prop_assert_eq!(was.mode(), is.mode());
                prop_assert_eq!(was.raw().get("widgets_values"), is.raw().get("widgets_values"));
            }
        }
    }

    #[test]
    fn whatever_two_people_do_nothing_is_lost_or_broken(
        at in any::<proptest::sample::Index>(),
        ours in steps(0..KINDS, 8),
        theirs in steps(0..KINDS, 8),
    ) {
        let bases = bases();
        let base = &bases[at.index(bases.len())];
        let (ours, theirs) = (edited(base, &ours, "ours", everywhere), edited(base, &theirs, "theirs", everywhere));
        let one_way = merged(Some(base), &ours, &theirs);
        assert_sound(&one_way, [base, &ours, &theirs]);
        let other_way = merged(Some(base), &theirs, &ours);
        assert_sound(&other_way, [base, &ours, &theirs]);
        prop_assert_eq!(gists(&one_way, true), gists(&other_way, false));
    }

    #[test]
    fn edits_apart_from_each_other_never_conflict(
        at in any::<proptest::sample::Index>(),
        ours in steps(0..REWIRE, 8),
        theirs in steps(0..REWIRE, 8),
    ) {
        let bases = bases();
        let base = &bases[at.index(bases.len())];
        let left = edited(base, &ours, "ours", even);
        let right = edited(base, &theirs, "theirs", odd);
        let merged = merged(Some(base), &left, &right);
        prop_assert_eq!(gists(&merged, false), Vec::<String>::new());
        assert_sound(&merged, [base, &left, &right]);
        // The same as if theirs had been done after ours. New nodes are touched by nobody:
        // which of the sides may would depend on their number.
        let adds = |steps: &[Step]| steps.iter().filter(|s| s.what == ADD).count();
        if adds(&ours) + adds(&theirs) == 0 {
            let after = edited(&left, &theirs, "theirs", odd);
            prop_assert_eq!(meaning(&merged.document), meaning(&after));
        }
    }

    #[test]
    fn what_only_one_side_did_stands(
        at in any::<proptest::sample::Index>(),
        steps in steps(0..KINDS, 8),
    ) {
        let bases = bases();
        let base = &bases[at.index(bases.len())];
        let side = edited(base, &steps, "side", everywhere);
        for (ours, theirs) in [(&side, base), (base, &side), (&side, &side)] {
            let merged = merged(Some(base), ours, theirs);
            prop_assert_eq!(&merged.document, &side);
            prop_assert!(merged.conflicts.is_empty());
        }
        // An edit beside it, so that nothing can be decided for the file as a whole.
        let beside = |value: &Value| {
            let mut value = value.clone();
            let extra = value.as_object_mut().unwrap().get_or_insert_with("extra", || Object::new().into());
            extra.as_object_mut().unwrap().insert("beside", true);
            clean(&value)
        };
        let wanted = meaning(&beside(&side));
        let (marked, both) = (beside(base), beside(&side));
        for (ours, theirs) in [(&side, &marked), (&marked, &side), (&both, &side), (&side, &both)] {
            let merged = merged(Some(base), ours, theirs);
            prop_assert_eq!(gists(&merged, false), Vec::<String>::new());
            prop_assert_eq!(&meaning(&merged.document), &wanted);
            let extra = merged.document.get("extra").and_then(|e| e.get("beside"));
            prop_assert_eq!(extra.and_then(Value::as_bool), Some(true));
        }
    }

    #[test]
    fn dragging_never_conflicts(
        at in any::<proptest::sample::Index>(),
        ours in steps(DRAG..KINDS, 8),
        theirs in steps(0..KINDS, 6),
    ) {
        let bases = bases();
        let base = &bases[at.index(bases.len())];
        let drag = |value: &Value, steps: &[Step], word: &str| {
            let mut workflow = Workflow::from_value(value.clone()).unwrap();
            for step in steps {
                edit(&mut workflow, &GraphScope::Root, *step, word, everywhere);
            }
            workflow.into_value()
        };
        let ours = drag(base, &ours, "ours");
        let theirs = edited(base, &theirs, "theirs", everywhere);
        let merged = merged(Some(base), &ours, &theirs);
        prop_assert!(merged.conflicts.is_empty());
        prop_assert_eq!(merged.document, theirs);
    }
}

/// Two subgraphs that use the same ids, as files of older frontends do; the second under others if
/// a frontend renumbered it on opening: the next free numbers over all graphs, the same way for
/// everybody.
fn shared_ids(renumbered: bool, edits: &[(usize, usize, usize)]) -> Value {
    let definition = |which: usize| {
        let id = |nth: usize| match renumbered && which == 1 {
            true => 12 + nth,
            false => 1 + nth,
        };
        let edited = |nth: usize, what: usize| edits.contains(&(which, nth, what));
        let node = |nth: usize, class: &str, value: &str, more: &str| {
            let title = if edited(nth, 0) { r#","title":"edited""# } else { "" };
            let value = if edited(nth, 1) { r#""edited""# } else { value };
            format!(
                r#"{{"id":{},"type":"{class}","mode":0,{more},"properties":{{}},"widgets_values":[{value}]{title}}}"#,
                id(nth)
            )
        };
        let nodes = [
            node(
                0,
                "LoadImage",
                r#""a.png""#,
                r#""inputs":[],"outputs":[{"name":"IMAGE","type":"IMAGE","links":[1]}]"#,
            ),
            node(
                1,
                "ImageScaleBy",
                r#""lanczos""#,
                r#""inputs":[{"name":"image","type":"IMAGE","link":1}],"outputs":[{"name":"IMAGE","type":"IMAGE","links":[2]}]"#,
            ),
            node(
                2,
                "SaveImage",
                r#""shot""#,
                r#""inputs":[{"name":"images","type":"IMAGE","link":2}],"outputs":[]"#,
            ),
        ];
        let link = |n: usize| {
            format!(
                r#"{{"id":{n},"origin_id":{},"origin_slot":0,"target_id":{},"target_slot":0,"type":"IMAGE"}}"#,
                id(n - 1),
                id(n)
            )
        };
        format!(
            r#"{{"id":"{which}{which}111111-1111-4111-8111-111111111111","version":1,"state":{{"lastGroupId":0,"lastNodeId":3,"lastLinkId":2,"lastRerouteId":0}},"name":"S{which}","inputNode":{{"id":-10}},"outputNode":{{"id":-20}},"inputs":[],"outputs":[],"widgets":[],"nodes":[{}],"groups":[],"links":[{},{}],"extra":{{}}}}"#,
            nodes.join(","),
            link(1),
            link(2)
        )
    };
    let instance = |which: usize| {
        format!(
            r#"{{"id":{},"type":"{which}{which}111111-1111-4111-8111-111111111111","mode":0,"inputs":[],"outputs":[],"properties":{{}}}}"#,
            10 + which
        )
    };
    clean(&json(&format!(
        r#"{{"last_node_id":11,"last_link_id":2,"nodes":[{},{}],"links":[],"groups":[],"definitions":{{"subgraphs":[{},{}]}},"extra":{{}},"version":0.4}}"#,
        instance(0),
        instance(1),
        definition(0),
        definition(1)
    )))
}

/// A node of a pack nobody knows, with its values by name if a newer frontend saved it, which
/// also fills in a value that the older did not have.
fn pack_node(values: &[i64], newer: bool) -> Value {
    let mut all: Vec<String> = values.iter().map(i64::to_string).collect();
    let mut named = String::new();
    if newer {
        all.insert(1, "true".to_owned());
        let members = all.iter().enumerate().map(|(at, value)| format!(r#""w{at}":{value}"#));
        named = format!(r#","widgets_values_named":{{{}}}"#, members.collect::<Vec<_>>().join(","));
    }
    clean(&json(&format!(
        r#"{{"last_node_id":7,"last_link_id":0,"nodes":[{{"id":7,"type":"PackNode","mode":0,"inputs":[],"outputs":[],"properties":{{}},"widgets_values":[{}]{named}}}],"links":[],"groups":[],"extra":{{}},"version":0.4}}"#,
        all.join(",")
    )))
}

fn values_of(document: &Value, id: i64) -> Vec<Value> {
    let workflow = Workflow::from_value(document.clone()).unwrap();
    let values = workflow.root.nodes[&NodeId::from(id)].raw().get("widgets_values").cloned();
    values.and_then(|values| values.as_array().map(<[Value]>::to_vec)).unwrap_or_default()
}

#[test]
fn a_graph_that_was_renumbered_and_edited_throughout_is_the_same() {
    let base = shared_ids(false, &[]);
    let edits = [(1, 0, 1), (1, 1, 1), (1, 2, 1)];
    let (left, right) = (shared_ids(true, &[]), shared_ids(true, &edits));
    let merged = merged(Some(&base), &left, &right);
    assert_eq!(gists(&merged, false), Vec::<String>::new());
    assert_eq!(meaning(&merged.document), meaning(&right));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whoever had ids renumbered on opening, a node stays one node, with what both did to it.
    #[test]
    fn what_a_frontend_renumbered_is_the_same_node(
        ours in proptest::collection::btree_set((0..2_usize, 0..3_usize, 0..2_usize), 0..4),
        theirs in proptest::collection::btree_set((0..2_usize, 0..3_usize, 0..2_usize), 0..4),
        by_ours in any::<bool>(),
        by_theirs in any::<bool>(),
    ) {
        let list = |edits: &std::collections::BTreeSet<_>| edits.iter().copied().collect::<Vec<_>>();
        let base = shared_ids(false, &[]);
        let (left, right) = (shared_ids(by_ours, &list(&ours)), shared_ids(by_theirs, &list(&theirs)));
        let merged = merged(Some(&base), &left, &right);
        assert_sound(&merged, [&base, &left, &right]);
        prop_assert_eq!(gists(&merged, false), Vec::<String>::new());
        let both: Vec<_> = ours.union(&theirs).copied().collect();
        prop_assert_eq!(meaning(&merged.document), meaning(&shared_ids(by_ours || by_theirs, &both)));
    }

    /// A frontend that names values and brings a new one never takes back what was tuned.
    #[test]
    fn a_newer_list_of_widgets_keeps_every_choice(
        values in proptest::collection::vec(2..90_i64, 2..7),
        at in any::<proptest::sample::Index>(),
        newer_is_ours in any::<bool>(),
    ) {
        let at = at.index(values.len());
        let mut tuned = values.clone();
        tuned[at] = 1000;
        let (base, newer) = (pack_node(&values, false), pack_node(&values, true));
        let older = pack_node(&tuned, false);
        let (ours, theirs) = if newer_is_ours { (&newer, &older) } else { (&older, &newer) };
        let merged = merged(Some(&base), ours, theirs);
        prop_assert_eq!(gists(&merged, false), Vec::<String>::new());
        prop_assert_eq!(values_of(&merged.document, 7), values_of(&pack_node(&tuned, true), 7));
    }

    /// Lists that nothing names: what is appended and what is tuned are both there.
    #[test]
    fn an_appended_value_and_a_tuned_one_do_not_touch(
        values in proptest::collection::vec(2..90_i64, 2..7),
        appended in proptest::collection::vec(100..200_i64, 1..3),
        at in any::<proptest::sample::Index>(),
    ) {
        let at = at.index(values.len());
        let (mut tuned, mut longer) = (values.clone(), values.clone());
        tuned[at] = 1000;
        longer.extend(&appended);
        let base = pack_node(&values, false);
        let (left, right) = (pack_node(&tuned, false), pack_node(&longer, false));
        tuned.extend(&appended);
        for (ours, theirs) in [(&left, &right), (&right, &left)] {
            let merged = merged(Some(&base), ours, theirs);
            prop_assert_eq!(gists(&merged, false), Vec::<String>::new());
            prop_assert_eq!(values_of(&merged.document, 7), values_of(&pack_node(&tuned, false), 7));
        }
    }

    /// The same chain added on both sides, whatever numbers the nodes got, is there once.
    #[test]
    fn a_chain_that_both_added_is_there_once(length in 1..5_i64, offset in 0..4_i64) {
        let base = Canvas::txt2img();
        let with_chain = |first: i64| {
            let mut canvas = base.clone();
            for nth in 0..length {
                let id = first + nth;
                canvas.add(id, "ImageScaleBy");
                canvas.wire(if nth == 0 { 8 } else { id - 1 }, 0, id, "image");
            }
            canvas.value()
        };
        let (left, right) = (with_chain(20), with_chain(20 + offset));
        let merged = merged(Some(&base.value()), &left, &right);
        assert_sound(&merged, [&base.value(), &left, &right]);
        prop_assert_eq!(gists(&merged, false), Vec::<String>::new());
        prop_assert_eq!(meaning(&merged.document), meaning(&left));
    }
}

/// Every two states of one real workflow, with every third as their base.
#[test]
fn real_edits_merge_without_loss() {
    let edits = documents("edits");
    let edits: Vec<_> = edits.into_iter().filter(|(f, _)| name(f) != "JOURNAL.json").collect();
    let mut clean_merges = 0;
    for (base_name, base) in &edits {
        for (at, (ours_name, ours)) in edits.iter().enumerate() {
            for (theirs_name, theirs) in &edits[..at] {
                let case = [base_name, ours_name, theirs_name].map(|file| name(file)).join(" ");
                let one_way = merged(Some(base), ours, theirs);
                let doubts: Vec<String> =
                    one_way.audit_findings.iter().map(ToString::to_string).collect();
                assert!(doubts.is_empty(), "{case}: {}", doubts.join("; "));
                clean_merges += usize::from(one_way.conflicts.is_empty());
            }
        }
    }
    if !edits.is_empty() {
        assert!(clean_merges > 0);
    }
}

/// Every official template with an edit on each side.
#[test]
fn real_templates_merge_without_loss() {
    for (file, template) in documents("templates") {
        if document_kind(&template)
            != DocumentKind::Graph(GraphKind::Workflow(comfy_graph::graph::WorkflowSchema::V04))
        {
            continue;
        }
        let base = clean(&template);
        let all = |what: std::ops::Range<u8>, seed: usize| {
            what.map(|what| Step { what, which: seed + usize::from(what) * 13, with: seed * 3 + 1 })
                .collect::<Vec<_>>()
        };
        let ours = edited(&base, &all(0..KINDS, 5), "ours", everywhere);
        let theirs = edited(&base, &all(0..KINDS, 8), "theirs", everywhere);
        let merged = merged(Some(&base), &ours, &theirs);
        let doubts: Vec<String> = merged.audit_findings.iter().map(ToString::to_string).collect();
        assert!(doubts.is_empty(), "{}: {}", name(&file), doubts.join("; "));
    }
}

/// Both legal encodings of one graph are one.
#[test]
fn encodings_never_conflict() {
    for (file, saved) in documents("roundtrip/saved") {
        let embedded = documents("roundtrip/embedded");
        let Some((_, embedded)) = embedded.into_iter().find(|(f, _)| name(f) == name(&file)) else {
            continue;
        };
        let base = clean(&saved);
        let theirs = edited(&base, &[Step { what: TUNE, which: 3, with: 5 }], "theirs", everywhere);
        let merged = merged(Some(&base), &embedded, &theirs);
        assert!(merged.audit_findings.is_empty(), "{}: {:?}", name(&file), merged.audit_findings);
        let conflicts = gists(&merged, false);
        assert!(conflicts.is_empty(), "{}: {conflicts:?}", name(&file));
    }
}

#[test]
fn wires_are_known_by_the_input_they_feed() {
    let base = Canvas::txt2img().value();
    let mut ours = Canvas::txt2img();
    ours.cut(3, "positive");
    let mut theirs = Canvas::txt2img();
    theirs.wire(7, 0, 3, "positive");
    let merged = merged(Some(&base), &ours.value(), &theirs.value());
    assert_eq!(merged.conflicts.len(), 1);
    let graph = Workflow::from_value(merged.document).unwrap().root;
    let sink = WireSink::Node { id: 3.into(), input: SlotName::new("positive") };
    assert!(!Wires::from_graph(&graph).by_sink.contains_key(&sink));
    let source = WireSource::Node { id: 4.into(), slot: 0 };
    let model = WireSink::Node { id: 3.into(), input: SlotName::new("model") };
    assert_eq!(Wires::from_graph(&graph).by_sink[&model].from, source);
}
