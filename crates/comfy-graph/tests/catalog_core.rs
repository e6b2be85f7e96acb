//! The table of built-in node classes, and the tool that makes it.

use std::fs;
use std::path::Path;

use comfy_graph::json::{JsonStyle, Object, Value, parse, print};

use crate::support::data::folder;

const TABLE: &str = "src/catalog/core.tsv";

/// What is kept of an input's options. Dynamic options are kept one by one.
const KEPT: [&str; 11] = [
    "default",
    "control_after_generate",
    "widgetType",
    "multiline",
    "dynamicPrompts",
    "forceInput",
    "socketless",
    "image_upload",
    "animated_image_upload",
    "video_upload",
    "audio_upload",
];

/// One line for each class of `core-nodes.json`; the recorded `/object_info` beside it
/// adds what that leaves out: types of outputs and the first choice of combos.
fn table() -> Option<String> {
    let folder = folder("catalog")?;
    let read = |name: &str| parse(&fs::read(folder.join(name)).unwrap()).unwrap();
    let (core, info) = (read("core-nodes.json"), read("object_info-0.33.0.json"));
    let mut lines: Vec<String> = core
        .get("nodes")?
        .as_object()?
        .iter()
        .map(|(name, class)| {
            let line = reduced(name, class, info.get(name));
            format!("{name}\t{}\n", print(&Value::Object(line), &JsonStyle::SAVE))
        })
        .collect();
    lines.sort_unstable_by(|a, b| a.split('\t').next().cmp(&b.split('\t').next()));
    Some(lines.concat())
}

fn reduced(name: &str, class: &Value, info: Option<&Value>) -> Object {
    let mut line = Object::new();
    if let Some(title) = class.get("display_name").filter(|t| t.as_str().is_some_and(|t| t != name))
    {
        line.insert("display_name", title.clone());
    }
    line.insert("python_module", class.get("module").unwrap().clone());
    line.insert("input", inputs(class.get("inputs"), info.and_then(|i| i.get("input"))));
    let names = class.get("outputs").cloned().unwrap_or_default();
    let types = info.and_then(|i| i.get("output")).cloned().unwrap_or_else(|| names.clone());
    if types != names {
        line.insert("output_name", names);
    }
    if types.as_array().is_some_and(|types| !types.is_empty()) {
        line.insert("output", types);
    }
    if class.get("output_node") == Some(&Value::Bool(true)) {
        line.insert("output_node", true);
    }
    line
}

fn inputs(list: Option<&Value>, info: Option<&Value>) -> Object {
    let mut sections = Object::new();
    for input in list.and_then(Value::as_array).unwrap_or_default() {
        let name = input.get("name").and_then(Value::as_str).unwrap();
        let optional = input.get("optional") == Some(&Value::Bool(true));
        let section = if optional { "optional" } else { "required" };
        let known = info.and_then(|info| info.get(section)).and_then(|specs| specs.get(name));
        let section = sections.get_or_insert_with(section, || Object::new().into());
        section.as_object_mut().unwrap().insert(name, spec(input, known));
    }
    sections
}

fn spec(input: &Value, known: Option<&Value>) -> Value {
    let kind = input.get("type").unwrap().clone();
    let mut kept = Object::new();
    for key in KEPT {
        let plain = |value: &&Value| key != "default" || !goes_without(&kind, value);
        if let Some(value) = input.get(key).filter(plain) {
            kept.insert(key, value.clone());
        }
    }
    if let Some(options) = input.get("options").and_then(Value::as_array) {
        let option = |at: usize, option: &Value| {
            let known =
                known.and_then(|k| k.get_index(1)?.get("options")?.get_index(at)?.get("inputs"));
            let inputs = Value::Object(inputs(option.get("inputs"), known));
            let key = option.get("key").unwrap().clone();
            Value::Object(Object::from_iter([("key", key), ("inputs", inputs)]))
        };
        let options = options.iter().enumerate().map(|(at, o)| option(at, o));
        kept.insert("options", Value::Array(options.collect()));
    } else if kind.as_str() == Some("COMBO")
        && !kept.contains_key("default")
        && let Some(first) = first_choice(known)
    {
        kept.insert("options", vec![first.clone()]);
    }
    let mut spec = vec![kind];
    if !kept.is_empty() {
        spec.push(kept.into());
    }
    Value::Array(spec)
}

/// Defaults that every input of their type has anyhow.
fn goes_without(kind: &Value, default: &Value) -> bool {
    match default {
        _ if kind.as_str().is_some_and(|kind| kind.contains("COMBO")) => false,
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == 0.0,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Choices that are the files of one machine are no default of the class.
fn first_choice(known: Option<&Value>) -> Option<&Value> {
    let options = known?.get_index(1);
    let uploads = ["image_upload", "audio_upload", "video_upload", "file_upload", "remote"];
    if options.is_some_and(|options| uploads.iter().any(|key| options.get(key).is_some())) {
        return None;
    }
    let listed = known?.get_index(0)?.as_array().or_else(|| options?.get("options")?.as_array())?;
    listed.first().filter(|first| *first != &Value::from("pixel_space"))
}

#[test]
fn the_core_table_is_what_its_source_says() {
    let Some(table) = table() else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    assert!(
        fs::read_to_string(path).unwrap() == table,
        "regenerate it: cargo test -p comfy-graph --test main regenerate_the_core_table -- --ignored"
    );
}

#[test]
#[ignore = "a tool: writes src/catalog/core.tsv from the recorded answer of a server"]
fn regenerate_the_core_table() {
    let table = table().expect("../shared/data/catalog is needed for this");
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE), table).unwrap();
}
