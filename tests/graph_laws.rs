//! The typed face over workflows, held against every real file.

use std::collections::BTreeMap;

use git_comfy::graph::{
    Fault, GraphKind, Kind, LinkId, List, NodeId, NodeKey, Prompt, Renumbering, Weight, Wires,
    Workflow, check, kind,
};
use git_comfy::json::Value;

use crate::data::{documents, name};

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
    let graphs = all.filter(|(_, value)| kind(value).is_workflow());
    graphs.map(|(file, value)| (name(&file), value)).collect()
}

#[test]
fn every_real_workflow_reads_and_writes_back_unchanged() {
    for (file, value) in workflows() {
        let workflow = Workflow::from_value(value.clone()).unwrap();
        assert!(workflow.clone().into_value() == value, "{file} changed");
        let odd = workflow.graphs().map(|(_, g)| g.odd.clone()).collect::<Vec<_>>();
        assert!(odd.iter().all(|odd| *odd == Default::default()), "{file}: {odd:?}");
    }
}

#[test]
fn every_real_prompt_reads_and_writes_back_unchanged() {
    for (file, value) in documents("roundtrip/prompt") {
        assert_eq!(kind(&value), Kind::Graph(GraphKind::Prompt), "{}", name(&file));
        let prompt = Prompt::from_value(value.clone()).unwrap();
        assert!(prompt.into_value() == value, "{} changed", name(&file));
    }
}

#[test]
fn realigning_a_sound_workflow_changes_nothing_that_matters() {
    for (file, value) in workflows() {
        let workflow = Workflow::from_value(value).unwrap();
        let faults = |workflow: &Workflow| {
            let defects = check(workflow).into_iter();
            defects.filter(|d| d.weight() >= Weight::Heavy).collect::<Vec<_>>()
        };
        if !faults(&workflow).is_empty() {
            continue;
        }
        let mut aligned = workflow.clone();
        for (_, graph) in aligned.graphs_mut() {
            graph.realign();
        }
        aligned.raise_counters();
        assert!(faults(&aligned).is_empty(), "{file}");
        for ((_, a), (_, b)) in workflow.graphs().zip(aligned.graphs()) {
            assert!(Wires::of(a).iter().eq(Wires::of(b).iter()), "{file}: wires changed");
        }
    }
}

/// Each of these was looked up in the file: the check says what is there, and no more.
#[test]
fn defects_of_real_files_are_few_and_known() {
    let mut heavy: BTreeMap<String, usize> = BTreeMap::new();
    for (file, value) in documents("templates").into_iter().chain(documents("edits")) {
        let Ok(workflow) = Workflow::from_value(value) else { continue };
        for defect in check(&workflow) {
            if defect.weight() >= Weight::Heavy {
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
            let faults = check(w).into_iter().map(|d| d.fault);
            faults.filter(|f| !matches!(f, Fault::Shared { .. } | Fault::LowCounter { .. })).count()
        };
        assert_eq!(inside(&moved), inside(&workflow), "{file}");
        let shared = |f: &Fault| matches!(f, Fault::Shared { list: List::Nodes | List::Links, .. });
        assert!(!check(&moved).iter().any(|d| shared(&d.fault)), "{file}");
        moved.renumber(&back);
        assert!(moved.into_value() == value, "{file} did not come back");
    }
}
