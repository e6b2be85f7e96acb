//! Two states as one.

use comfy_draw::comparison::count_marks;
use comfy_draw::drawing::{ChangeMark, ItemKind, Views};
use comfy_draw::{Comparison, Drawing, Theme, draw_comparison, render_svg_stack};
use comfy_graph::catalog::Catalog;
use comfy_graph::diff::{diff, pair_nodes};
use comfy_graph::json::Value;

use super::{SMALL, document, real_workflows, workflow};

fn compared(before: &Value, after: &Value) -> Drawing {
    let catalog = Catalog::core();
    let script = diff(before.clone(), after.clone(), &catalog).unwrap();
    let pairs = pair_nodes(before.clone(), after.clone()).unwrap();
    let (before, after) = (workflow(before), workflow(after));
    let comparison = Comparison {
        before: &before,
        after: &after,
        script: &script,
        nodes: &pairs.nodes,
        graphs: &pairs.graphs,
    };
    draw_comparison(&comparison, &catalog)
}

fn marks(drawing: &Drawing) -> String {
    let count = |(mark, count): &(ChangeMark, usize)| format!("{} {count}", mark.word());
    count_marks(drawing).iter().map(count).collect::<Vec<_>>().join(", ")
}

/// What is seen in one view: kind, id and place of each thing.
fn seen(drawing: &Drawing, view: fn(&Views) -> bool) -> Vec<(String, String)> {
    let canvas = drawing.canvases.iter();
    let items = canvas.flat_map(|canvas| canvas.items.iter().map(move |item| (canvas, item)));
    let kept = items.filter(|(_, item)| view(&item.views) && item.kind == ItemKind::Node);
    let mut all: Vec<(String, String)> =
        kept.map(|(canvas, item)| (canvas.scope.clone(), item.id.clone())).collect();
    all.sort();
    all
}

#[test]
fn a_workflow_against_itself_has_no_marks() {
    for (path, value) in real_workflows().into_iter().take(60) {
        let drawing = compared(&value, &value);
        for item in drawing.canvases.iter().flat_map(|canvas| &canvas.items) {
            assert_eq!((item.mark, item.views), (None, Views::ALL), "{}", path.display());
        }
    }
}

#[test]
fn every_view_shows_the_nodes_of_its_state() {
    let real = real_workflows();
    for pair in real.windows(2).take(60) {
        let [(name, before), (_, after)] = pair else { continue };
        let drawing = compared(before, after);
        let count = |value: &Value| {
            let is_note = |class: &str| matches!(class, "Note" | "MarkdownNote");
            workflow(value).nodes().filter(|(_, node)| !is_note(node.class())).count()
        };
        // A graph that only one state has is a canvas of its own.
        assert_eq!(seen(&drawing, |v| v.before).len(), count(before), "{}", name.display());
        assert_eq!(seen(&drawing, |v| v.after).len(), count(after), "{}", name.display());
    }
}

#[test]
fn what_is_added_one_way_is_removed_the_other() {
    let real = real_workflows();
    for pair in real.windows(2).take(40) {
        let [(name, before), (_, after)] = pair else { continue };
        let count = |drawing: &Drawing, mark| {
            count_marks(drawing).iter().find(|(m, _)| *m == mark).map_or(0, |(_, count)| *count)
        };
        let (there, back) = (compared(before, after), compared(after, before));
        let (added, removed) = (ChangeMark::Added, ChangeMark::Removed);
        assert_eq!(count(&there, added), count(&back, removed), "{}", name.display());
    }
}

#[test]
fn a_change_of_each_kind_has_its_mark() {
    let before = document(SMALL);
    let change = |from: &str, to: &str| {
        let text = SMALL.replace(from, to);
        assert_ne!(text, SMALL, "{from}");
        marks(&compared(&before, &document(&text)))
    };
    assert_eq!(change("7.5", "6"), "changed 1");
    assert_eq!(change("\"pos\":[380,60]", "\"pos\":[900,60]"), "moved 1");
    assert_eq!(change("\"title\":\"Load\"", "\"title\":\"Loaders\""), "changed 1");
    assert_eq!(change("[[1,4,0,3,0,\"MODEL\"]]", "[]").as_str(), "rewired 1");
    let gone = SMALL.find("{\"id\":2,").unwrap();
    let end = SMALL.find("}],\n    \"links\"").unwrap();
    let text = format!("{}{}", SMALL[..gone].trim_end().trim_end_matches(','), &SMALL[end + 1..]);
    assert_eq!(marks(&compared(&before, &document(&text))), "removed 1");
}

#[test]
fn a_changed_value_shows_what_it_was() {
    let after = document(&SMALL.replace("7.5", "6").replace("\"mode\":4", "\"mode\":0"));
    let drawing = compared(&document(SMALL), &after);
    let svg =
        render_svg_stack(&[("a.json", &drawing.canvases[0])], &count_marks(&drawing), Theme::Dark);
    assert!(svg.contains("7.5 \u{2192} 6"), "{svg}");
    assert!(svg.contains("bypassed \u{2192} active"), "{svg}");
}

#[test]
fn what_is_gone_covers_nothing() {
    // The sampler is replaced by another node in the same place.
    let after = SMALL.replace("{\"id\":3,\"type\":\"KSampler\"", "{\"id\":9,\"type\":\"Other\"");
    let drawing = compared(&document(SMALL), &document(&after.replace("1,4,0,3,0", "1,4,0,9,0")));
    let items = &drawing.canvases[0].items;
    let nodes: Vec<_> =
        items.iter().filter(|i| i.kind == ItemKind::Node && i.views.union).collect();
    for (at, one) in nodes.iter().enumerate() {
        for other in &nodes[..at] {
            let (a, b) = (one.bounds, other.bounds);
            let apart =
                a.right() <= b.x || b.right() <= a.x || a.bottom() <= b.y || b.bottom() <= a.y;
            assert!(apart, "{} and {}", one.id, other.id);
        }
    }
}
