//! The typed face over workflows, held against every real file.

use std::collections::BTreeMap;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{
    DefectKind, DocumentKind, GraphKind, GraphList, GraphScope, LinkId, NodeId, NodeKey, Prompt,
    Renumbering, Severity, WidgetNaming, Wires, Workflow, check_workflow, document_kind,
};
use comfy_graph::json::{Object, Value};
use proptest::prelude::*;

use crate::generate::{self, Encoding, Plan};
use crate::support::data::{documents, name};

const FOLDERS: [&str; 6] = [
    "templates",
    "workflows",
    "edits",
    "roundtrip/opened",
    "roundtrip/saved",
    "roundtrip/embedded",
];

fn workflows() -> Vec<(String, Value)> {
    let all = FOLDERS.iter().flat_map(|folder| documents(folder));
    let graphs = all.filter(|(_, value)| document_kind(value).is_workflow());
    graphs.map(|(file, value)| (name(&file), value)).collect()
}

#[test]
fn every_real_workflow_reads_and_writes_back_unchanged() {
    for (file, value) in workflows() {
        let workflow = Workflow::from_value(value.clone()).unwrap();
        assert!(workflow.clone().into_value() == value, "{file} changed");
        let odd = workflow.graphs().map(|(_, g)| g.untyped.clone()).collect::<Vec<_>>();
        assert!(odd.iter().all(|odd| *odd == Default::default()), "{file}: {odd:?}");
    }
}

#[test]
fn every_real_prompt_reads_and_writes_back_unchanged() {
    for (file, value) in documents("roundtrip/prompt") {
        assert_eq!(
            document_kind(&value),
            DocumentKind::Graph(GraphKind::Prompt),
            "{}",
            name(&file)
        );
        let prompt = Prompt::from_value(value.clone()).unwrap();
        assert!(prompt.into_value() == value, "{} changed", name(&file));
    }
}

#[test]
fn realigning_a_sound_workflow_changes_nothing_that_matters() {
    for (file, value) in workflows() {
        let workflow = Workflow::from_value(value).unwrap();
        let faults = |workflow: &Workflow| {
            let defects = check_workflow(workflow).into_iter();
            defects.filter(|d| d.severity() >= Severity::Heavy).collect::<Vec<_>>()
        };
        if !faults(&workflow).is_empty() {
            continue;
        }
        let mut aligned = workflow.clone();
        for (_, graph) in aligned.graphs_mut() {
            graph.sync_slots_with_links();
        }
        aligned.raise_counters();
        assert!(faults(&aligned).is_empty(), "{file}");
        for ((_, a), (_, b)) in workflow.graphs().zip(aligned.graphs()) {
            assert!(
                Wires::from_graph(a).iter().eq(Wires::from_graph(b).iter()),
                "{file}: wires changed"
            );
        }
    }
}

/// Each of these was looked up in the file: the check says what is there, and no more.
#[test]
fn defects_of_real_files_are_few_and_known() {
    let mut heavy: BTreeMap<String, usize> = BTreeMap::new();
    for (file, value) in documents("templates").into_iter().chain(documents("edits")) {
        let Ok(workflow) = Workflow::from_value(value) else { continue };
        for defect in check_workflow(&workflow) {
            if defect.severity() >= Severity::Heavy {
                *heavy.entry(name(&file)).or_default() += 1;
            }
        }
    }
    if heavy.is_empty() {
        return; // The real files are not here.
    }
    insta::assert_debug_snapshot!(heavy, @r#"
    {
        "api_google_nano_banana2_image_edit_continuation.json": 1,
        "api_openrouter_gpt5_6_sol.json": 1,
        "api_openrouter_kimi_k3.json": 1,
        "basic_image_color_adjustment.json": 1,
        "image-qwen_image_edit_2511_lora_inflation.json": 1,
        "image_moss_image_edit.json": 1,
        "image_qwen_Image_2512.json": 1,
        "video_ltx2_i2v_lora.json": 1,
        "video_wan2_2_14B_s2v.json": 6,
    }
    "#);
}

/// Renumbering everything and back gives the same file, and the same defects on the way.
#[test]
fn renumbering_there_and_back() {
    for (file, value) in workflows() {
        let workflow = Workflow::from_value(value.clone()).unwrap();
        let (mut there, mut back) = (Renumbering::default(), Renumbering::default());
        let mut next = 1_000_000;
        for (scope, graph) in workflow.graphs() {
            for id in graph.nodes.keys() {
                next += 1;
                let key = |id: &NodeId| NodeKey { scope: scope.clone(), id: id.clone() };
                there.nodes.insert(key(id), next.into());
                back.nodes.insert(key(&next.into()), id.clone());
            }
            for id in graph.links.keys() {
                next += 1;
                there.links.insert((scope.clone(), *id), LinkId(next));
                back.links.insert((scope.clone(), LinkId(next)), *id);
            }
        }
        let mut moved = workflow.clone();
        moved.renumber(&there);
        let inside = |w: &Workflow| {
            let faults = check_workflow(w).into_iter().map(|d| d.kind);
            faults
                .filter(|f| !matches!(f, DefectKind::Shared { .. } | DefectKind::LowCounter { .. }))
                .count()
        };
        assert_eq!(inside(&moved), inside(&workflow), "{file}");
        let shared = |f: &DefectKind| {
            matches!(f, DefectKind::Shared { list: GraphList::Nodes | GraphList::Links, .. })
        };
        assert!(!check_workflow(&moved).iter().any(|d| shared(&d.kind)), "{file}");
        moved.renumber(&back);
        assert!(moved.into_value() == value, "{file} did not come back");
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let plan = |(nodes, subgraphs, seed)| Plan { nodes, subgraphs, seed };
    (0usize..60, 0usize..3, any::<u64>()).prop_map(plan)
}

fn generated(plan: Plan, encoding: Encoding) -> Workflow {
    Workflow::from_value(generate::workflow(plan, encoding)).unwrap()
}

/// Gives every node and link another id, in an order that has nothing to do with the old.
fn shuffled(workflow: &Workflow, salt: i64) -> Renumbering {
    let mut renumbering = Renumbering::default();
    let ids: usize = workflow.graphs().map(|(_, g)| g.nodes.len() + g.links.len()).sum();
    let prime = 1_000_003;
    let other = |at: i64| 1 + (at * 7919 + salt.rem_euclid(prime)) % prime;
    assert!(ids < 1_000_000);
    let mut at = 0;
    for (scope, graph) in workflow.graphs() {
        for id in graph.nodes.keys() {
            at += 1;
            let key = NodeKey { scope: scope.clone(), id: id.clone() };
            renumbering.nodes.insert(key, other(at).into());
        }
        for id in graph.links.keys() {
            at += 1;
            renumbering.links.insert((scope.clone(), *id), LinkId(other(at)));
        }
    }
    renumbering
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn generated_workflows_are_sound_and_read_back(plan in plans()) {
        for encoding in [Encoding::Save, Encoding::Export] {
            let value = generate::workflow(plan, encoding);
            let workflow = Workflow::from_value(value.clone()).unwrap();
            prop_assert_eq!(check_workflow(&workflow), vec![]);
            let mut aligned = workflow.clone();
            for (_, graph) in aligned.graphs_mut() {
                graph.sync_slots_with_links();
            }
            aligned.raise_counters();
            for (_, graph) in aligned.graphs_mut() {
                graph.rest.remove("state");
            }
            prop_assert!(aligned.into_value() == value, "realigning changed a sound workflow");
            prop_assert!(workflow.into_value() == value);
        }
    }

    #[test]
    fn both_encodings_mean_the_same(plan in plans()) {
        let (save, export) = (generated(plan, Encoding::Save), generated(plan, Encoding::Export));
        for ((_, save), (_, export)) in save.graphs().zip(export.graphs()) {
            prop_assert!(Wires::from_graph(save).iter().eq(Wires::from_graph(export).iter()));
        }
        let catalog = Catalog::core();
        let prompts = [save, export].map(|w| w.to_prompt(&catalog).unwrap().into_value());
        prop_assert!(prompts[0].is_equivalent(&prompts[1]));
    }

    #[test]
    fn ids_do_not_matter(plan in plans(), salt in any::<i64>()) {
        let workflow = generated(plan, Encoding::Save);
        let renumbering = shuffled(&workflow, salt);
        let mut moved = workflow.clone();
        moved.renumber(&renumbering);
        moved.raise_counters();
        prop_assert_eq!(check_workflow(&moved), vec![]);
        // The prompt under new ids is the old prompt with its ids rewritten.
        let catalog = Catalog::core();
        let new = |key: NodeKey| renumbering.nodes.get(&key).cloned().unwrap_or(key.id);
        let mut ids = rustc_hash_map();
        for (scope, graph) in workflow.graphs() {
            for id in graph.nodes.keys() {
                let key = NodeKey { scope: scope.clone(), id: id.clone() };
                match &scope {
                    GraphScope::Root => { ids.insert(id.clone(), new(key)); }
                    GraphScope::Definition(definition) => {
                        let host = workflow.root.nodes.values().find(|n| n.as_subgraph() == *definition).unwrap();
                        let outer = new(NodeKey::root(host.id().clone()));
                        let text = format!("{outer}:{}", new(key));
                        ids.insert(NodeId::from_text(&format!("{}:{id}", host.id())), NodeId::from_text(&text));
                    }
                }
            }
        }
        let mut wanted = workflow.to_prompt(&catalog).unwrap();
        wanted.renumber(&ids);
        prop_assert!(moved.to_prompt(&catalog).unwrap().into_value().is_equivalent(&wanted.into_value()));
    }

    /// Every kind of damage is seen, and seen as what it is.
    #[test]
    fn damage_is_found(seed in any::<u64>(), damage in 0usize..DAMAGES.len(), at in any::<prop::sample::Index>()) {
        let mut value = generate::workflow(Plan { nodes: 20, subgraphs: 1, seed }, Encoding::Save);
        let (name, hurt, expected) = DAMAGES[damage];
        prop_assume!(hurt(&mut value, at));
        let defects = check_workflow(&Workflow::from_value(value).unwrap());
        prop_assert!(defects.iter().any(|d| expected(&d.kind)), "{}: {:?}", name, defects);
    }
}

fn rustc_hash_map() -> rustc_hash::FxHashMap<NodeId, NodeId> {
    rustc_hash::FxHashMap::default()
}

type Damage = (&'static str, fn(&mut Value, prop::sample::Index) -> bool, fn(&DefectKind) -> bool);

const DAMAGES: &[Damage] = &[
    (
        "a node twice",
        |v, at| {
            edit(v, "nodes", |nodes| {
                let n = at.get(nodes).clone();
                nodes.push(n);
                true
            })
        },
        |f| matches!(f, DefectKind::Repeated { list: GraphList::Nodes, .. }),
    ),
    (
        "a hole among nodes",
        |v, _| {
            edit(v, "nodes", |nodes| {
                nodes.push(Value::Null);
                true
            })
        },
        |f| matches!(f, DefectKind::Misshapen { list: GraphList::Nodes, .. }),
    ),
    (
        "a link twice",
        |v, at| {
            edit(v, "links", |links| {
                let l = at.get(links).clone();
                links.push(l);
                true
            })
        },
        |f| matches!(f, DefectKind::Repeated { list: GraphList::Links, .. }),
    ),
    (
        "a link gone",
        |v, at| {
            edit(v, "links", |links| {
                links.remove(at.index(links.len()));
                true
            })
        },
        |f| matches!(f, DefectKind::InputDisagrees { .. }),
    ),
    (
        "a link from nowhere",
        |v, at| set(v, "links", at, 1, 999_999),
        |f| matches!(f, DefectKind::NoOrigin { .. }),
    ),
    (
        "a link to nowhere",
        |v, at| set(v, "links", at, 3, 999_999),
        |f| matches!(f, DefectKind::NoTarget { .. }),
    ),
    (
        "an output that is not there",
        |v, at| set(v, "links", at, 2, 99),
        |f| matches!(f, DefectKind::NoOutput { .. }),
    ),
    (
        "an input that is not there",
        |v, at| set(v, "links", at, 4, 99),
        |f| matches!(f, DefectKind::NoInput { .. }),
    ),
    (
        "a counter too low",
        |v, _| {
            v.as_object_mut().unwrap().insert("last_link_id", 1i64);
            true
        },
        |f| matches!(f, DefectKind::LowCounter { counter: "last_link_id", .. }),
    ),
    (
        "no definitions",
        |v, _| v.as_object_mut().unwrap().remove("definitions").is_some(),
        |f| matches!(f, DefectKind::NoDefinition { .. }),
    ),
    (
        "no boundary box",
        |v, _| definition(v).remove("inputNode").is_some(),
        |f| matches!(f, DefectKind::NoBoundaryBox("inputNode")),
    ),
    (
        "a boundary that forgets its links",
        |v, _| {
            definition(v).get_mut("outputs").unwrap().as_array_mut().unwrap()[0]
                .as_object_mut()
                .unwrap()
                .insert("linkIds", Value::Array(vec![]));
            true
        },
        |f| matches!(f, DefectKind::BoundaryDisagrees(_)),
    ),
    (
        "a boundary renamed without its instance",
        |v, _| {
            definition(v).get_mut("outputs").unwrap().as_array_mut().unwrap()[0]
                .as_object_mut()
                .unwrap()
                .insert("name", "other");
            true
        },
        |f| matches!(f, DefectKind::InstanceSlot { .. }),
    ),
    (
        "a subgraph inside itself",
        |v, _| {
            let id = definition(v).get("id").unwrap().clone();
            let nodes = definition(v).get_mut("nodes").unwrap().as_array_mut().unwrap();
            nodes[0].as_object_mut().unwrap().insert("type", id);
            true
        },
        |f| matches!(f, DefectKind::Recursive(_)),
    ),
    (
        "an id of the root inside",
        |v, _| {
            let nodes = definition(v).get_mut("nodes").unwrap().as_array_mut().unwrap();
            nodes.last_mut().unwrap().as_object_mut().unwrap().insert("id", 1i64);
            true
        },
        |f| matches!(f, DefectKind::Shared { list: GraphList::Nodes, .. }),
    ),
];

fn edit(value: &mut Value, key: &str, change: impl FnOnce(&mut Vec<Value>) -> bool) -> bool {
    let list = value.get_mut(key).unwrap().as_array_mut().unwrap();
    !list.is_empty() && change(list)
}

fn set(value: &mut Value, key: &str, at: prop::sample::Index, field: usize, to: i64) -> bool {
    edit(value, key, |list| {
        let at = at.index(list.len());
        list[at].as_array_mut().unwrap()[field] = to.into();
        true
    })
}

fn definition(value: &mut Value) -> &mut Object {
    let listed = value.get_mut("definitions").unwrap().get_mut("subgraphs").unwrap();
    listed.as_array_mut().unwrap()[0].as_object_mut().unwrap()
}

#[test]
#[ignore = "a measurement: how the cost of each reading grows with the graph"]
fn measure_growth() {
    let catalog = Catalog::core();
    for nodes in [100, 1_000, 10_000, 100_000] {
        let value = generate::workflow(Plan { nodes, subgraphs: 5, seed: 7 }, Encoding::Save);
        let mut line = format!("{nodes} nodes:");
        let mut step = |name: &str, work: &mut dyn FnMut()| {
            let start = std::time::Instant::now();
            work();
            line += &format!(" {name} {:.1?}", start.elapsed());
        };
        let mut workflow = None;
        step("types", &mut || workflow = Workflow::from_value(value.clone()).ok());
        let mut workflow = workflow.unwrap();
        step("wires", &mut || assert!(!Wires::from_graph(&workflow.root).by_sink.is_empty()));
        step("check", &mut || assert_eq!(check_workflow(&workflow), vec![]));
        step("names", &mut || {
            for (_, node) in workflow.nodes() {
                catalog.widgets(&workflow, node);
            }
        });
        step("prompt", &mut || assert!(workflow.to_prompt(&catalog).is_ok()));
        let other = shuffled(&workflow, 3);
        step("renumber", &mut || workflow.renumber(&other));
        println!("{line}");
    }
}
