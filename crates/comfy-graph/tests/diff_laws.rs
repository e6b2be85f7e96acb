//! The law that proves scripts complete: `apply(a, diff(a, b))` is the clean form of `b`.

use comfy_graph::catalog::Catalog;
use comfy_graph::clean;
use comfy_graph::diff::{EditClass, EditScript, apply, diff};
use comfy_graph::graph::{DocumentKind, document_kind};
use comfy_graph::json::{JsonStyle, Value, print};

use crate::support::data::{documents, name};

fn clean(document: &Value) -> Value {
    let mut clean = document.clone();
    clean::strip_layout(&mut clean);
    clean
}

fn compared(a: &Value, b: &Value) -> EditScript {
    diff(a.clone(), b.clone(), &Catalog::core()).unwrap()
}

/// Holds the law for one pair; gives the script.
pub(crate) fn holds(a: &Value, b: &Value, what: &str) -> EditScript {
    let script = compared(a, b);
    let wanted = clean(b);
    match apply(a, &script) {
        Ok(made) if made == wanted => {}
        Ok(made) => {
            let texts = [made, wanted].map(|value| print(&value, &JsonStyle::CANONICAL));
            let lines = texts[0].lines().zip(texts[1].lines()).filter(|(a, b)| a != b);
            let first: Vec<_> = lines.take(5).collect();
            panic!("{what}: replaying gives something else: {first:#?}");
        }
        Err(refused) => panic!("{what}: {refused}"),
    }
    script
}

fn is_workflow(document: &Value) -> bool {
    matches!(document_kind(document), DocumentKind::Graph(_))
}

fn graphs(folder: &str) -> Vec<(String, Value)> {
    let all = documents(folder).into_iter().filter(|(_, value)| is_workflow(value));
    all.map(|(file, value)| (name(&file), value)).collect()
}

#[test]
fn every_state_of_an_edited_workflow_leads_to_every_other() {
    let states = graphs("edits");
    for (from, a) in &states {
        for (to, b) in &states {
            let script = holds(a, b, &format!("{from} to {to}"));
            assert!(from != to || script.is_empty(), "{from} differs from itself");
            // A cleaned file and the file it was cleaned from differ in nothing.
            let same = compared(&clean(b), b);
            assert!(same.is_empty(), "{to}: {same:?}");
        }
    }
}

#[test]
fn every_template_leads_to_the_next() {
    let templates = graphs("templates");
    for pair in templates.windows(2) {
        let [(from, a), (to, b)] = pair else { continue };
        holds(a, b, &format!("{from} to {to}"));
        holds(b, a, &format!("{to} to {from}"));
        assert!(compared(a, a).is_empty(), "{from} differs from itself");
    }
}

#[test]
fn opening_and_saving_says_nothing() {
    let opened = graphs("roundtrip/opened");
    // The frontend did not know the class of one node and cut its values off: that is said.
    let known = "RemeshMesh";
    for folder in ["roundtrip/saved", "roundtrip/embedded"] {
        for (file, b) in graphs(folder) {
            if let Some((_, a)) = opened.iter().find(|(name, _)| *name == file) {
                let script = holds(a, &b, &format!("{folder}/{file}"));
                let mut told = script.content_edits().filter(|(_, edit)| match edit.node() {
                    Some(node) => node.class != known,
                    None => true,
                });
                assert_eq!(told.next(), None, "{folder}/{file}");
                holds(&b, a, &format!("{folder}/{file} back"));
            }
        }
    }
}

#[test]
fn every_prompt_leads_to_the_next() {
    let prompts = graphs("roundtrip/prompt");
    for pair in prompts.windows(2) {
        let [(from, a), (to, b)] = pair else { continue };
        holds(a, b, &format!("{from} to {to}"));
        assert!(compared(a, a).is_empty(), "{from} differs from itself");
    }
}

#[test]
fn a_layout_only_save_says_nothing_but_layout() {
    let states = graphs("edits");
    for (from, to) in [("v02.json", "v03.json"), ("v09.json", "v10.json")] {
        let find = |wanted: &str| states.iter().find(|(name, _)| name == wanted);
        let (Some((_, a)), Some((_, b))) = (find(from), find(to)) else { continue };
        let script = compared(a, b);
        assert!(script.entries.iter().all(|e| e.edit.class() == EditClass::Layout), "{script:?}");
    }
}
