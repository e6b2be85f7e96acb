//! Where nodes go whose places nobody knows, and what a merge does with two layouts.

use comfy_graph::clean::{
    CleanOutcome, LayoutMode, LayoutRelation, MergeSideLayout, PlaceMatches, clean_document,
    compose_merged_file, smudge,
};
use comfy_graph::graph::{NodeId, NodeKey};
use comfy_graph::json::{self, Value};
use rustc_hash::FxHashMap;

use crate::support::laid_out;

/// A chain loader -> sampler -> decoder with given positions.
fn chain(positions: &[(i64, [i64; 2])]) -> String {
    let kinds = ["CheckpointLoaderSimple", "KSampler", "VAEDecode", "LoraLoader", "Note"];
    let node = |(id, [x, y]): &(i64, [i64; 2])| {
        let kind = kinds[usize::try_from(id - 1).unwrap()];
        format!(
            r#"{{"id":{id},"type":"{kind}","pos":[{x},{y}],"size":[200,100],"flags":{{}},
            "order":0,"mode":0,"inputs":[],"outputs":[],"properties":{{}}}}"#
        )
    };
    let nodes: Vec<String> = positions.iter().map(node).collect();
    let has = |id| positions.iter().any(|(known, _)| *known == id);
    let links = [[1, 1, 2], [2, 2, 3], [3, 1, 4], [4, 4, 2]].into_iter();
    let links = links.filter(|[_, from, to]| has(*from) && has(*to));
    let links: Vec<String> =
        links.map(|[id, from, to]| format!(r#"[{id},{from},0,{to},0,"MODEL"]"#)).collect();
    format!(
        r#"{{"last_node_id":9,"last_link_id":9,"nodes":[{}],"links":[{}],"groups":[],
        "config":{{}},"extra":{{}},"version":0.4}}"#,
        nodes.join(","),
        links.join(",")
    )
}

fn parts(file: &str) -> (Vec<u8>, String) {
    match clean_document(file.as_bytes(), LayoutMode::Strip) {
        CleanOutcome::Cleaned(cleaned) => (cleaned.content, cleaned.layout.unwrap()),
        CleanOutcome::Untouched(why) => panic!("{why:?}"),
    }
}

/// Each node's id, left, top (with its title bar), right and bottom.
fn places(file: &[u8]) -> Vec<(i64, [f64; 4])> {
    let value = json::parse(file).unwrap();
    let number =
        |v: &Value, key: &str, at| v.get(key).unwrap().get_index(at).unwrap().as_f64().unwrap();
    let nodes = value.get("nodes").unwrap().as_array().unwrap();
    let place = |node: &Value| {
        let (x, y) = (number(node, "pos", 0), number(node, "pos", 1));
        let (w, h) = (number(node, "size", 0), number(node, "size", 1));
        (node.get("id").unwrap().as_i64().unwrap(), [x, y - 30.0, x + w, y + h])
    };
    nodes.iter().map(place).collect()
}

fn assert_apart(places: &[(i64, [f64; 4])]) {
    for (a, one) in places {
        for (b, two) in places.iter().filter(|(b, _)| b > a) {
            let apart =
                one[2] <= two[0] || two[2] <= one[0] || one[3] <= two[1] || two[3] <= one[1];
            assert!(apart, "{a} and {b} overlap: {one:?} {two:?}");
        }
    }
}

fn position(places: &[(i64, [f64; 4])], id: i64) -> (f64, f64) {
    let (_, [x, y, ..]) = places.iter().find(|(known, _)| *known == id).unwrap();
    (*x, *y + 30.0)
}

#[test]
fn an_unknown_workflow_reads_from_left_to_right() {
    let (content, _) = parts(&chain(&[(1, [0, 0]), (2, [0, 0]), (3, [0, 0]), (4, [0, 0])]));
    let file = laid_out(&content, None).unwrap();
    let places = places(&file);
    assert_apart(&places);
    let x = |id| position(&places, id).0;
    assert!(x(1) < x(4) && x(4) < x(2) && x(2) < x(3));
    assert_eq!(file, laid_out(&content, None).unwrap());
}

#[test]
fn a_new_node_comes_beside_its_neighbour_and_the_others_stay() {
    let (_, layout) = parts(&chain(&[(1, [10, 500]), (2, [900, 510]), (3, [1400, 500])]));
    let (content, _) = parts(&chain(&[(1, [0, 0]), (2, [0, 0]), (3, [0, 0]), (4, [0, 0])]));
    let places = places(&laid_out(&content, Some(&layout)).unwrap());
    assert_apart(&places);
    assert_eq!(position(&places, 1), (10.0, 500.0));
    assert_eq!(position(&places, 2), (900.0, 510.0));
    let (x, y) = position(&places, 4);
    assert!(x > 210.0 && x < 700.0 && (y - 500.0).abs() < 200.0, "{x} {y}");
}

fn merged(
    content: &[u8],
    ours: &str,
    theirs: &str,
    renumbered: FxHashMap<NodeKey, NodeId>,
) -> Vec<u8> {
    let renumbered = PlaceMatches::from_renumbering(&renumbered);
    let ours = MergeSideLayout { line: ours, pairs: LayoutRelation::ById };
    let theirs = MergeSideLayout { line: theirs, pairs: LayoutRelation::Matched(&renumbered) };
    compose_merged_file(content, None, Some(ours), Some(theirs)).unwrap().bytes
}

#[test]
fn a_merge_takes_their_places_for_their_nodes() {
    let (_, ours) = parts(&chain(&[(1, [0, 0]), (2, [800, 0])]));
    let (_, theirs) = parts(&chain(&[(1, [5, 5]), (2, [805, 5]), (3, [1300, 77])]));
    let (content, _) = parts(&chain(&[(1, [0, 0]), (2, [0, 0]), (3, [0, 0])]));
    let merged = merged(&content, &ours, &theirs, FxHashMap::default());
    let places = places(&merged);
    assert_eq!(position(&places, 1), (0.0, 0.0));
    assert_eq!(position(&places, 2), (800.0, 0.0));
    assert_eq!(position(&places, 3), (1300.0, 77.0));
    let (again, layout) = parts(std::str::from_utf8(&merged).unwrap());
    assert_eq!(again, content);
    assert_eq!(smudge(&content, &layout).unwrap(), merged);
}

#[test]
fn two_new_nodes_in_the_same_gap_do_not_cover_each_other() {
    let (_, ours) = parts(&chain(&[(1, [0, 0]), (2, [800, 0]), (4, [400, 0])]));
    let (_, theirs) = parts(&chain(&[(1, [0, 0]), (2, [800, 0]), (4, [410, 10])]));
    // Theirs was renumbered: their LoraLoader 4 is node 5 of the result.
    let file = chain(&[(1, [0, 0]), (2, [0, 0]), (4, [0, 0]), (5, [0, 0])]);
    let (content, _) =
        parts(&file.replace(r#""id":5,"type":"Note""#, r#""id":5,"type":"LoraLoader""#));
    let renumbered: FxHashMap<NodeKey, NodeId> =
        [(NodeKey::root(4), NodeId::Number(5))].into_iter().collect();
    let places = places(&merged(&content, &ours, &theirs, renumbered));
    assert_apart(&places);
    assert_eq!(position(&places, 4), (400.0, 0.0));
    let (x, y) = position(&places, 5);
    // By the least that clears it: straight down, until the title bar touches the other.
    assert_eq!((x, y), (410.0, 130.0));
}

#[test]
fn a_conflict_card_stands_beside_its_node() {
    let (_, layout) = parts(&chain(&[(1, [0, 0]), (2, [800, 0]), (3, [1300, 0])]));
    let file = chain(&[(1, [0, 0]), (2, [0, 0]), (3, [0, 0]), (5, [0, 0])])
        .replace(r#""extra":{}"#, r#""extra":{"git_comfy":{"conflicts":[{"node":2,"card":5}]}}"#);
    let (content, _) = parts(&file);
    let places = places(&laid_out(&content, Some(&layout)).unwrap());
    assert_apart(&places);
    let (x, y) = position(&places, 5);
    assert!(x > 1000.0 && x < 1300.0 && y < 400.0, "{x} {y}");
}

#[test]
fn groups_keep_their_boxes_and_grow_around_newcomers() {
    let with_group = |file: String, bounding: &str| {
        let group = format!(r#""groups":[{{"id":1,"title":"G","bounding":{bounding}}}]"#);
        file.replace(r#""groups":[]"#, &group)
    };
    let known = chain(&[(1, [50, 60]), (2, [900, 60])]);
    let (_, layout) = parts(&with_group(known, "[20,0,700,250]"));
    let grown = chain(&[(1, [0, 0]), (2, [0, 0]), (4, [0, 0])]);
    let (content, _) = parts(&with_group(grown, "[0,0,1,1]"));
    let file = laid_out(&content, Some(&layout)).unwrap();
    let value = json::parse(&file).unwrap();
    let bounding = value.get("groups").unwrap().get_index(0).unwrap().get("bounding").unwrap();
    let number = |at: usize| bounding.get_index(at).unwrap().as_f64().unwrap();
    for (id, [left, top, right, bottom]) in places(&file).into_iter().filter(|(id, _)| *id != 2) {
        assert!(
            number(0) < left
                && number(1) < top
                && number(0) + number(2) > right
                && number(1) + number(3) > bottom,
            "node {id} is not enclosed by {bounding:?}"
        );
    }
}
