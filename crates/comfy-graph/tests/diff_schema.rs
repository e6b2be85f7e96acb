//! The JSON form of a difference: what is written can be read, and the document about it
//! is true.

use comfy_graph::catalog::Catalog;
use comfy_graph::diff::{EditScript, diff, schema};
use comfy_graph::graph::{DocumentKind, document_kind};
use comfy_graph::json::{JsonStyle, Value, parse_text, print};

use crate::support::data::{documents, name};

/// The script after a journey through text.
fn journey(script: &EditScript) -> EditScript {
    let text = print(&script.to_json(), &JsonStyle::EXPORT);
    EditScript::from_json(&parse_text(&text).unwrap()).unwrap()
}

fn graphs(folder: &str) -> Vec<(String, Value)> {
    let all = documents(folder).into_iter();
    let all = all.filter(|(_, value)| matches!(document_kind(value), DocumentKind::Graph(_)));
    all.map(|(file, value)| (name(&file), value)).collect()
}

#[test]
fn every_script_comes_back_from_its_text() {
    for folder in ["edits", "templates", "roundtrip/prompt"] {
        for pair in graphs(folder).windows(2) {
            for (a, b) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
                let script = diff(a.1.clone(), b.1.clone(), &Catalog::core());
                let script = script.unwrap_or_else(|| panic!("{} {}", a.0, b.0));
                assert!(journey(&script) == script, "{} to {}", a.0, b.0);
            }
        }
    }
}

#[test]
fn numbers_keep_their_spelling_and_null_is_not_nothing() {
    let document = |value: &str| {
        parse_text(&format!(
            r#"{{"version":0.4,"nodes":[{{"id":1,"type":"X","pos":[0,0],"size":[1,1],
            "properties":{{"a":{value}}},"widgets_values":[]}}],"links":[]}}"#
        ))
        .unwrap()
    };
    for (a, b) in [("1.0", "1e5"), ("null", "12345678901234567890123"), ("\"\\u0000\"", "[]")] {
        let script = diff(document(a), document(b), &Catalog::core()).unwrap();
        assert_eq!(script.entries.len(), 1);
        assert_eq!(journey(&script), script, "{a} {b}");
    }
}

#[test]
fn what_is_no_script_is_refused_with_its_place() {
    let refused =
        |text: &str| EditScript::from_json(&parse_text(text).unwrap()).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            refused("[]"),
            refused(r#"{"format":"workflow"}"#),
            refused(r#"{"format":"novel","edits":[]}"#),
            refused(r#"{"format":"workflow","edits":[{"edit":"exploded"}]}"#),
            refused(r#"{"format":"workflow","edits":[{"edit":"retitled","node":{"key":{}}}]}"#),
        ]
        .join("\n"),
        @r#"
    : an object is expected, not a list
    edits: a list is expected, not nothing
    format: "novel" is no word for this
    edits 0 edit: "exploded" is not known here
    edits 0 node key id: an id is expected, not nothing
    "#
    );
}

/// The example in `docs/diff-schema.md` is a script.
#[test]
fn the_example_of_the_document_is_a_script() {
    let text = include_str!("../../../docs/diff-schema.md");
    let version = format!("\"version\": {}", schema::DIFF_SCHEMA_VERSION);
    assert!(text.contains(&version), "the example is of another version");
    let start = text.find("```json\n").unwrap() + 8;
    let example = &text[start..start + text[start..].find("```").unwrap()];
    let example = parse_text(example).unwrap();
    let file = example.get("files").unwrap().get_index(0).unwrap();
    let script = EditScript::from_json(file.get("script").unwrap()).unwrap();
    assert_eq!(script.entries.len(), 2);
    assert_eq!(&script.to_json(), file.get("script").unwrap());
}
