//! The laws of the clean form, over real files where they are present and over generated
//! ones everywhere.

use std::fs;
use std::path::PathBuf;

use comfy_graph::clean::{
    CleanOutcome, CleanResult, CleanStart, ClockStamp, CloneId, EarlierLayouts, LayoutMode,
    begin_clean, clean_document, smudge, stamp_layout,
};
use comfy_graph::json::{self, JsonStyle};
use proptest::prelude::*;

use crate::support::{data, laid_out};

/// All JSON files below a folder of the shared real data; none where it is not present.
fn real_files(folder: &str) -> Vec<PathBuf> {
    let is_json = |file: &PathBuf| file.extension().is_some_and(|e| e == "json");
    data::files(folder).into_iter().filter(is_json).collect()
}

fn cleaned(bytes: &[u8], mode: LayoutMode) -> Option<CleanResult> {
    match clean_document(bytes, mode) {
        CleanOutcome::Cleaned(cleaned) => Some(cleaned),
        CleanOutcome::Untouched(_) => None,
    }
}

/// The laws for one file; the name is for the message.
fn check_laws(name: &str, bytes: &[u8], other_layout: Option<&str>) {
    for mode in [LayoutMode::Strip, LayoutMode::Keep] {
        let Some(first) = cleaned(bytes, mode) else { return };
        let again = cleaned(&first.content, mode).unwrap();
        assert!(again.content == first.content, "{name} {mode:?}: cleaning twice differs");
        assert_eq!(again.layout, None, "{name} {mode:?}: clean content has no layout");
        let back = match &first.layout {
            Some(layout) => smudge(&first.content, layout).unwrap(),
            None => first.content.clone(),
        };
        if back != bytes {
            let (a, b) = (String::from_utf8_lossy(&back), String::from_utf8_lossy(bytes));
            let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
            panic!(
                "{name} {mode:?}: not given back; at {at}: {:?} for {:?}",
                a.get(at.saturating_sub(40)..(at + 60).min(a.len())),
                b.get(at.saturating_sub(40)..(at + 60).min(b.len()))
            );
        }
        let files = [
            laid_out(&first.content, None),
            first.layout.as_deref().and_then(|line| laid_out(&first.content, Some(line))),
            other_layout.and_then(|line| laid_out(&first.content, Some(line))),
            other_layout.and_then(|line| smudge(&first.content, line)),
        ];
        for (which, file) in files.into_iter().enumerate() {
            let Some(file) = file else { continue };
            let round = cleaned(&file, mode).unwrap();
            // In mode `keep` positions are content, so only arranged files change it.
            if mode == LayoutMode::Strip {
                assert!(
                    round.content == first.content,
                    "{name}: clean(smudge(c, layout {which})) is not c"
                );
            }
        }
    }
}

/// What is kept of a file that nobody knew before is told without reading its layout again.
fn check_new_file(name: &str, bytes: &[u8]) {
    let saved = ClockStamp { millis: 1_700_000_000_000, clone_id: CloneId::from_bits(7) };
    let CleanStart::Split { rest, .. } = begin_clean(bytes, LayoutMode::Strip) else { return };
    let (line, stamped) = rest.new_file_lines(saved);
    let layout = stamp_layout(&line, &EarlierLayouts::default(), saved);
    let known = layout.map(|layout| (layout.latest_millis(), layout.to_line()));
    assert_eq!(stamped.map(|new| (new.latest_millis, new.line)), known, "{name}");
}

#[test]
fn real_files_obey_the_laws() {
    let mut files = real_files("templates");
    files.extend(real_files("edits"));
    files.extend(real_files("workflows"));
    files.extend(real_files("roundtrip"));
    let mut other: Option<String> = None;
    for file in files {
        let bytes = fs::read(&file).unwrap();
        check_laws(&file.display().to_string(), &bytes, other.as_deref());
        check_new_file(&file.display().to_string(), &bytes);
        if let Some(cleaned) = cleaned(&bytes, LayoutMode::Strip) {
            other = cleaned.layout;
        }
    }
}

/// How much of the real files needs a residue: a rule that were missing would show here.
#[test]
fn real_files_hardly_need_a_residue() {
    let files = real_files("templates");
    let with_residue: Vec<_> = files
        .iter()
        .filter(|file| {
            let cleaned = cleaned(&fs::read(file).unwrap(), LayoutMode::Strip);
            cleaned.and_then(|c| c.layout).is_some_and(|l| l.contains("\"residue\""))
        })
        .collect();
    assert!(with_residue.len() * 50 <= files.len(), "{with_residue:?}");
}

/// A value of any shape, for the places where a workflow may hold anything.
fn anything() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|all| format!("[{}]", all.join(","))),
            proptest::collection::btree_map("[a-z#_]{1,6}", inner, 0..4).prop_map(|all| {
                let all: Vec<_> = all.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", all.join(","))
            }),
        ]
    })
}

/// Members in any order, some missing.
fn object(members: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let count = members.len();
    let (keys, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    (values, proptest::collection::vec(0..9_u8, count), any::<proptest::sample::Index>())
        .prop_map(move |(values, presence, turn)| {
            let mut members: Vec<_> = keys
                .iter()
                .zip(values)
                .zip(presence)
                .filter(|(_, presence)| *presence > 0)
                .map(|((key, value), _)| format!("\"{key}\":{value}"))
                .collect();
            if !members.is_empty() && members.len() % 3 == 0 {
                let turn = turn.index(members.len());
                members.rotate_left(turn);
            }
            format!("{{{}}}", members.join(","))
        })
        .boxed()
}

fn list(element: BoxedStrategy<String>) -> BoxedStrategy<String> {
    proptest::collection::vec(element, 0..5).prop_map(|all| format!("[{}]", all.join(","))).boxed()
}

fn number() -> BoxedStrategy<String> {
    prop_oneof![(0..20_i64).prop_map(|n| n.to_string()), Just("-120.50000000000001".to_owned())]
        .boxed()
}

fn id() -> BoxedStrategy<String> {
    prop_oneof![
        8 => (0..20_i64).prop_map(|n| n.to_string()),
        1 => (0..20_i64).prop_map(|n| format!("\"{n}\"")),
        1 => Just("4398046511105".to_owned()),
        1 => "\"[a-z]{1,3}\"",
    ]
    .boxed()
}

fn point() -> BoxedStrategy<String> {
    prop_oneof![
        6 => (number(), number()).prop_map(|(x, y)| format!("[{x},{y}]")),
        1 => (number(), number()).prop_map(|(x, y)| format!("{{\"0\":{x},\"1\":{y}}}")),
        1 => anything(),
    ]
    .boxed()
}

fn slot() -> BoxedStrategy<String> {
    object(vec![
        ("localized_name", "\"[a-z]{1,5}\"".boxed()),
        ("name", "\"[a-z]{1,5}\"".boxed()),
        ("type", Just("\"MODEL\"".to_owned()).boxed()),
        ("widget", anything().boxed()),
        ("pos", point()),
        ("link", prop_oneof![number(), Just("null".to_owned())].boxed()),
        ("slot_index", number()),
        ("links", prop_oneof![list(number()), anything()].boxed()),
    ])
}

fn node() -> BoxedStrategy<String> {
    let optional = object(vec![
        ("pos", point()),
        ("size", point()),
        (
            "flags",
            prop_oneof![
                anything().boxed(),
                object(vec![
                    ("collapsed", Just("true".to_owned()).boxed()),
                    ("skip_repeated_outputs", Just("true".to_owned()).boxed()),
                ])
            ]
            .boxed(),
        ),
        ("order", number()),
        ("mode", number()),
        ("showAdvanced", anything().boxed()),
        ("inputs", prop_oneof![list(slot()), anything()].boxed()),
        ("outputs", prop_oneof![list(slot()), anything()].boxed()),
        ("title", "\"[a-zé🦊]{0,4}\"".boxed()),
        ("properties", anything().boxed()),
        ("widgets_values", anything().boxed()),
        ("unknown", anything().boxed()),
    ]);
    (id(), optional)
        .prop_map(|(id, rest)| match rest.as_str() {
            "{}" => format!("{{\"id\":{id},\"type\":\"K\"}}"),
            rest => format!("{{\"id\":{id},\"type\":\"KSampler\",{}", &rest[1..]),
        })
        .boxed()
}

fn link() -> BoxedStrategy<String> {
    prop_oneof![
        (number(), id(), number(), id(), number())
            .prop_map(|(a, b, c, d, e)| format!("[{a},{b},{c},{d},{e},\"MODEL\"]")),
        (number(), id(), number(), id(), number()).prop_map(|(a, b, c, d, e)| format!(
            "{{\"id\":{a},\"origin_id\":{b},\"origin_slot\":{c},\"target_id\":{d},\
             \"target_slot\":{e},\"type\":\"*\"}}"
        )),
        anything(),
    ]
    .boxed()
}

fn reroute() -> BoxedStrategy<String> {
    object(vec![
        ("id", number()),
        ("parentId", number()),
        ("pos", point()),
        ("linkIds", list(number())),
    ])
}

fn group() -> BoxedStrategy<String> {
    object(vec![
        ("id", number()),
        ("title", "\"[a-z]{1,3}\"".boxed()),
        (
            "bounding",
            prop_oneof![(point(), point()).prop_map(|(a, b)| format!("[{a},{b}]")), anything()]
                .boxed(),
        ),
        ("flags", anything().boxed()),
    ])
}

fn graph(definitions: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let rest = object(vec![
        ("id", "\"[0-9a-f]{4}\"".boxed()),
        ("revision", number()),
        ("last_node_id", number()),
        ("last_link_id", prop_oneof![number(), anything().boxed()].boxed()),
        ("state", object(vec![("lastNodeId", number()), ("lastRerouteId", number())])),
        ("links", prop_oneof![6 => list(link()), 1 => anything()].boxed()),
        ("floatingLinks", list(link())),
        ("reroutes", list(reroute())),
        ("groups", prop_oneof![6 => list(group()), 1 => anything()].boxed()),
        ("inputNode", object(vec![("id", number()), ("bounding", anything().boxed())])),
        ("inputs", list(slot())),
        ("definitions", definitions),
        (
            "extra",
            object(vec![
                ("ds", anything().boxed()),
                ("reroutes", list(reroute())),
                ("linkExtensions", list(link())),
                ("workflowRendererVersion", anything().boxed()),
                ("unknown", anything().boxed()),
            ]),
        ),
        ("unknown", anything().boxed()),
    ]);
    (proptest::collection::vec(node(), 1..6), rest)
        .prop_map(|(nodes, rest)| {
            let rest = &rest[1..rest.len() - 1];
            let comma = if rest.is_empty() { "" } else { "," };
            format!("{{\"version\":0.4,\"nodes\":[{}]{comma}{rest}}}", nodes.join(","))
        })
        .boxed()
}

fn workflow() -> BoxedStrategy<String> {
    let definition = graph(Just("{}".to_owned()).boxed());
    let definitions = list(definition).prop_map(|d| format!("{{\"subgraphs\":{d}}}")).boxed();
    graph(definitions)
}

fn styles() -> impl Strategy<Value = JsonStyle> {
    prop_oneof![
        Just(JsonStyle::SAVE),
        Just(JsonStyle::EXPORT),
        Just(JsonStyle::CANONICAL),
        Just(JsonStyle::PYTHON),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn generated_graphs_obey_the_laws(
        text in workflow(),
        other in workflow(),
        style in styles(),
    ) {
        let Ok(value) = json::parse_text(&text) else { return Ok(()) };
        let text = json::print(&value, &style);
        let other = cleaned(other.as_bytes(), LayoutMode::Strip).and_then(|c| c.layout);
        check_laws("generated", text.as_bytes(), other.as_deref());
        check_new_file("generated", text.as_bytes());
    }
}

/// The generator must make workflows, or the laws above hold for nothing.
#[test]
fn most_generated_graphs_are_cleaned() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let made = (0..100).filter(|_| {
        let text = workflow().new_tree(&mut runner).unwrap().current();
        cleaned(text.as_bytes(), LayoutMode::Strip).is_some()
    });
    assert!(made.count() > 80);
}

#[test]
fn what_is_no_workflow_stays_as_it_is() {
    for (bytes, remarked) in [
        (&b""[..], false),
        (b"{", false),
        (b"\x89PNG\r\n\x1a\n", false),
        (b"{\"name\":\"package\",\"version\":\"1.0.0\"}", false),
        (b"{\"nodes\":[{\"name\":\"a\"}],\"version\":1}", false),
        (b"{\"nodes\":[{\"id\":1,\"type\":\"K\",\"id\":2}],\"version\":0.4}", true),
        (b"{\"nodes\":[{\"id\":1,\"type\":\"K\",\"x\":NaN}],\"version\":0.4}", true),
        (b"{\"nodes\":[{\"id\":1,\"type\":\"\\ud800\"}],\"version\":0.4}", true),
        (b"\xef\xbb\xbf{\"nodes\":[{\"id\":1,\"type\":\"K\"}],\"version\":0.4}", true),
        (b"{\"nodes\":[{\"id\":1,\"type\":\"K\"}],\"version\":0.4", true),
    ] {
        match clean_document(bytes, LayoutMode::Strip) {
            CleanOutcome::Untouched(remark) => {
                assert_eq!(remark.is_some(), remarked, "{}", String::from_utf8_lossy(bytes));
            }
            CleanOutcome::Cleaned(_) => panic!("{}", String::from_utf8_lossy(bytes)),
        }
        assert_eq!(laid_out(bytes, None), None);
    }
    let utf16: Vec<u8> =
        "\u{feff}{\"nodes\":[]}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(matches!(clean_document(&utf16, LayoutMode::Strip), CleanOutcome::Untouched(Some(_))));
}

#[test]
fn a_smudge_with_a_strange_layout_is_harmless() {
    let file = br#"{"nodes":[{"id":1,"type":"K","pos":[1,2]}],"links":[],"version":0.4}"#;
    let cleaned = cleaned(file, LayoutMode::Strip).unwrap();
    for line in [
        "",
        "null",
        "{\"v\":2}",
        r#"{"v":1,"style":"0","graphs":{"":{"nodes":[{"id":1,"type":"K","pos":"x","type":0}]}}}"#,
        r#"{"v":1,"style":"0","graphs":{"":{"nodes":[{"id":1,"type":"K","pos":[1e999,2]}]}}}"#,
        r##"{"v":1,"style":"0","graphs":{"":{"nodes":{"#order":[0,0],"#items":[]},"links":1}}}"##,
        r#"{"v":1,"style":"999","graphs":{"":{"nodes":5,"id":"evil"}},"residue":{"from":9,"to":1}}"#,
    ] {
        let files = [smudge(&cleaned.content, line), laid_out(&cleaned.content, Some(line))];
        assert!(files[1].is_some(), "{line}");
        for file in files.into_iter().flatten() {
            let CleanOutcome::Cleaned(again) = clean_document(&file, LayoutMode::Strip) else {
                panic!("{line}")
            };
            assert_eq!(again.content, cleaned.content, "{line}");
        }
    }
}
