//! Names of widget values, measured on every real workflow.

use comfy_graph::catalog::{Catalog, FileFolder};
use comfy_graph::graph::{Node, Widget, WidgetName, WidgetNaming, Workflow};
use comfy_graph::json::Value;

use crate::support::data::{documents, name};

const FOLDERS: [&str; 4] = ["templates", "workflows", "edits", "roundtrip/saved"];

fn workflows() -> Vec<(String, Workflow)> {
    let all = FOLDERS.iter().flat_map(|folder| documents(folder));
    all.filter_map(|(file, value)| Some((name(&file), Workflow::from_value(value).ok()?))).collect()
}

fn names(catalog: &Catalog, workflow: &Workflow, node: &Node) -> Vec<String> {
    catalog.widgets(workflow, node).iter().map(|widget| widget.name.to_string()).collect()
}

#[test]
fn nearly_every_real_value_has_a_name() {
    let catalog = Catalog::core();
    let (mut all, mut unnamed) = (0, 0);
    for (file, workflow) in workflows() {
        for (_, node) in workflow.nodes() {
            let widgets = catalog.widgets(&workflow, node);
            assert_eq!(widgets.len(), node.widget_values().len(), "{file}");
            let mut names: Vec<&WidgetName> = widgets.iter().map(|w| &w.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), widgets.len(), "{file}: a name twice on {}", node.id());
            all += widgets.len();
            let position = |w: &&Widget<'_>| matches!(w.name, WidgetName::Position(_));
            unnamed += widgets.iter().filter(position).count();
        }
    }
    println!("{unnamed} of {all} values have no name");
    assert!(unnamed * 100 <= all, "{unnamed} of {all} values have no name");
}

/// The names that a file brings are hidden, and must be found again by the rules.
#[test]
fn the_rules_name_what_the_files_name() {
    let catalog = Catalog::core();
    let (mut right, mut wrong, mut silent) = (0, 0, 0);
    for (_, workflow) in workflows() {
        for (_, node) in workflow.nodes() {
            let Some(named) = node.named_values() else { continue };
            if named.len() != node.widget_values().len() {
                continue;
            }
            let mut bare = node.clone();
            bare.raw_mut().remove("widgets_values_named");
            for (got, want) in names(&catalog, &workflow, &bare).iter().zip(named.keys()) {
                match got {
                    got if got == want => right += 1,
                    got if got.starts_with("value ") => silent += 1,
                    _ => wrong += 1,
                }
            }
        }
    }
    println!("right {right}, wrong {wrong}, left without a name {silent}");
    assert!(wrong * 200 <= right, "{wrong} wrong, {right} right");
    assert!(silent * 6 <= right, "{silent} without a name, {right} right");
}

/// Where a node says where its models belong, the catalog says the same.
#[test]
fn folders_agree_with_what_files_declare() {
    let catalog = Catalog::core();
    let (mut agree, mut differ) = (0, Vec::new());
    for (file, workflow) in workflows() {
        for (_, node) in workflow.nodes() {
            let models = node.property("models").and_then(Value::as_array).unwrap_or_default();
            for used in catalog.node_files(&workflow, node) {
                let declared =
                    models.iter().find(|m| m.get("name") == Some(&used.name.clone().into()));
                let declared = declared.and_then(|m| m.get("directory")?.as_str());
                match (&used.folder, declared) {
                    (FileFolder::Models(folder), Some(declared)) if folder == declared => {
                        agree += 1
                    }
                    (_, Some(_)) => differ.push(format!("{file}: {used:?}")),
                    (_, None) => {}
                }
            }
        }
    }
    println!("{agree} agree");
    assert!(differ.is_empty(), "{differ:#?}");
}
