//! Kinds of edits that are easily told as something else. For each, the script says what a
//! person did, and replaying it gives the second document.

use comfy_graph::diff::{ChangeOrigin, Edit, EditClass, EditScript};
use comfy_graph::json::{Value, parse_text};

use crate::diff_laws::holds;

fn compare(before: &str, after: &str) -> EditScript {
    let [before, after] = [before, after].map(|text| parse_text(text).unwrap());
    holds(&after, &before, "back");
    holds(&before, &after, "there")
}

/// A workflow of nodes, each the members of its object behind the id.
fn workflow(nodes: &[&str]) -> String {
    let node = |(at, node): (usize, &&str)| format!(r#"{{"id":{},{node}}}"#, at + 1);
    let nodes: Vec<String> = nodes.iter().enumerate().map(node).collect();
    format!(r#"{{"nodes":[{}],"links":[],"version":0.4}}"#, nodes.join(","))
}

/// What a person made of it: `name before -> after`.
fn told(script: &EditScript) -> Vec<String> {
    let text = |value: &Option<Value>| match value {
        Some(value) => comfy_graph::json::print(value, &comfy_graph::json::JsonStyle::SAVE),
        None => "-".to_owned(),
    };
    let line = |edit: &Edit| match edit {
        Edit::Widget { name, change, .. } => {
            format!("{name} {} -> {}", text(&change.before), text(&change.after))
        }
        Edit::EmbeddedValue { node, name, raw, .. } => {
            let change = &raw.change;
            format!("{node} {name} {} -> {}", text(&change.before), text(&change.after))
        }
        other => format!("{other:?}").chars().take_while(|c| c.is_alphanumeric()).collect(),
    };
    script.content_edits().map(|(_, edit)| line(edit)).collect()
}

#[test]
fn a_value_put_into_an_unnamed_list_is_one_value() {
    let list = |values: &str| workflow(&[&format!(r#""type":"Mine","widgets_values":{values}"#)]);
    let of = |before: &str, after: &str| told(&compare(&list(before), &list(after)));
    assert_eq!(of(r#"["a",1,"b",2]"#, r#"["a","new",1,"b",2]"#), [r#"value 2 - -> "new""#]);
    assert_eq!(of(r#"["a",1,"b",2]"#, r#"["a","b",2]"#), ["value 2 1 -> -"]);
    assert_eq!(
        of(r#"["a",1,"b",2]"#, r#"["a",7,"b","new",2]"#),
        ["value 2 1 -> 7", r#"value 4 - -> "new""#]
    );
    assert_eq!(of("[1,2,3]", "[1,5,3]"), ["value 2 2 -> 5"]);
}

#[test]
fn an_output_whose_name_a_run_wrote_is_no_other_output() {
    let graph = |width: &str| {
        format!(
            r#"{{"nodes":[{{"id":1,"type":"Size","outputs":[{{"name":"image","type":"IMAGE","links":[]}},
            {{"name":"{width}","type":"INT","links":[1]}}]}},{{"id":2,"type":"Scale",
            "inputs":[{{"name":"width","type":"INT","link":1}}]}}],
            "links":[[1,1,1,2,0,"INT"]],"version":0.4}}"#
        )
    };
    for (before, after) in [("width", "720 width"), ("720 width", "1024 width")] {
        let script = compare(&graph(before), &graph(after));
        assert_eq!(script.count_of_class(EditClass::Content), 0, "{script:?}");
        assert!(!script.is_empty());
    }
}

#[test]
fn a_part_of_a_group_node_is_told_by_its_widget() {
    let graph = |steps: u32| {
        format!(
            r#"{{"nodes":[{{"id":1,"type":"workflow>My"}}],"links":[],"version":0.4,"extra":{{"groupNodes":
            {{"My":{{"nodes":[{{"type":"KSampler","index":0,"pos":[1,{steps}],
            "widgets_values":[1,"fixed",{steps},8,"euler","normal",1]}}],"links":[]}}}}}}}}"#
        )
    };
    assert_eq!(told(&compare(&graph(20), &graph(44))), ["KSampler steps 20 -> 44"]);
}

#[test]
fn a_node_under_a_doubled_id_keeps_its_edits() {
    let graph = |steps: u32| {
        let node = |id: u32, steps: u32| {
            format!(
                r#"{{"id":{id},"type":"KSampler","widgets_values":[1,"fixed",{steps},8,"euler","normal",1]}}"#
            )
        };
        let nodes = [node(1, 20), node(1, steps), node(2, 9)].join(",");
        format!(r#"{{"nodes":[{nodes}],"links":[],"version":0.4}}"#)
    };
    assert_eq!(told(&compare(&graph(30), &graph(31))), ["KSampler steps 30 -> 31"]);
}

#[test]
fn the_other_separator_names_the_same_model() {
    let node = |path: &str| {
        workflow(&[&format!(r#""type":"CheckpointLoaderSimple","widgets_values":["{path}"]"#)])
    };
    let script = compare(&node(r"sdxl\\base.safetensors"), &node("sdxl/base.safetensors"));
    assert_eq!(told(&script), [""; 0]);
    let prompt = |path: &str| {
        format!(r#"{{"1":{{"class_type":"LoraLoader","inputs":{{"lora_name":"{path}"}}}}}}"#)
    };
    let script = compare(&prompt(r"a\\b.safetensors"), &prompt("a/b.safetensors"));
    assert_eq!(told(&script), [""; 0]);
    let other = compare(&node(r"sdxl\\base.safetensors"), &node("sdxl/other.safetensors"));
    assert_eq!(told(&other).len(), 1);
    // In a text it may mean anything.
    let text = |text: &str| workflow(&[&format!(r#""type":"Mine","widgets_values":["{text}"]"#)]);
    assert_eq!(told(&compare(&text(r"a\\b"), &text("a/b"))).len(), 1);
}

#[test]
fn a_value_that_its_instance_overrules_is_told_as_without_effect() {
    let graph = |inner: f64| {
        format!(
            r#"{{"nodes":[{{"id":1,"type":"s-1","inputs":[{{"name":"cfg","type":"FLOAT","widget":{{"name":"cfg"}}}}],
            "widgets_values":[7]}}],"links":[],"version":0.4,"definitions":{{"subgraphs":[{{"id":"s-1","name":"S",
            "inputs":[{{"id":"i-1","name":"cfg","type":"FLOAT","linkIds":[1]}}],"outputs":[],
            "inputNode":{{"id":-10}},"outputNode":{{"id":-20}},
            "nodes":[{{"id":7,"type":"KSampler","inputs":[{{"name":"cfg","type":"FLOAT","widget":{{"name":"cfg"}},"link":1}}],
            "widgets_values":[1,"fixed",20,{inner},"euler","normal",1]}}],
            "links":[{{"id":1,"origin_id":-10,"origin_slot":0,"target_id":7,"target_slot":0,"type":"FLOAT"}}],"groups":[]}}]}}}}"#
        )
    };
    let script = compare(&graph(5.0), &graph(4.321));
    assert_eq!(told(&script), [""; 0]);
    let overruled = |edit: &Edit| matches!(edit, Edit::Widget { origin: ChangeOrigin::SetByInstance, name, .. } if name.as_str() == Some("cfg"));
    assert!(script.entries.iter().any(|entry| overruled(&entry.edit)), "{script:?}");
}

#[test]
fn what_is_beside_the_nodes_of_a_prompt_is_kept_and_told() {
    let prompt = |rest: &str| {
        format!(r#"{{{rest}"2":{{"class_type":"B","inputs":{{"x":1}}}},"1":{{"class_type":"A"}}}}"#)
    };
    let script = compare(&prompt(r#""_comment":"old","#), &prompt(r#""_comment":"new","#));
    assert_eq!(told(&script), ["Raw"]);
    assert_eq!(told(&compare(&prompt(""), &prompt(r#""_notes":{"by":["me"]},"#))), ["Raw"]);
    let titled = r#"{"1":{"class_type":"A","inputs":{"x":1},"_meta":{"title":"T"}}}"#;
    let bare = r#"{"1":{"class_type":"A","inputs":{}}}"#;
    assert_eq!(told(&compare(bare, titled)), ["x - -> 1", "PromptMeta"]);
}

#[test]
fn what_programs_note_of_every_node_is_no_edit() {
    let node = |label: &str, ue: &str| {
        workflow(&[&format!(
            r#""type":"Mine","inputs":[{{"name":"model","type":"MODEL"{label}}}],"properties":{{"ue_properties":{ue}}}"#
        )])
    };
    let plain = node("", r#"{"version":"7.8","widget_ue_connectable":{}}"#);
    let noted =
        node(r#","label":"model""#, r#"{"version":"8","widget_ue_connectable":{"cfg":true}}"#);
    assert_eq!(told(&compare(&plain, &noted)), [""; 0]);
    let named =
        node(r#","label":"the model""#, r#"{"version":"7.8","input_ue_unconnectable":{"a":1}}"#);
    assert_eq!(told(&compare(&plain, &named)), ["SlotLabelled", "Property"]);
}

#[test]
fn an_instance_that_shows_by_reference_names_its_values_so() {
    let graph = |values: &str, shown: &str| {
        format!(
            r#"{{"nodes":[{{"id":1,"type":"s-1","properties":{{"proxyWidgets":{shown}}},"widgets_values":{values}}}],
            "links":[],"version":0.4,"definitions":{{"subgraphs":[{{"id":"s-1","name":"S","inputs":[],"outputs":[],
            "inputNode":{{"id":-10}},"outputNode":{{"id":-20}},"nodes":[],"links":[],"groups":[]}}]}}}}"#
        )
    };
    let shown = r#"[["-1","height"],["7","seed"]]"#;
    assert_eq!(
        told(&compare(&graph("[1920,null]", shown), &graph("[1088,null]", shown))),
        ["height 1920 -> 1088"]
    );
}
