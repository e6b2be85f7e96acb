//! One state.

use comfy_draw::drawing::{FontStyle, ItemKind, Shape};
use comfy_draw::text::text_width;
use comfy_draw::{Drawing, Theme, draw_workflow, drawing_to_json, render_svg};
use comfy_graph::catalog::Catalog;
use comfy_graph::graph::Workflow;
use comfy_graph::json;

use super::{SMALL, document, real_workflows, workflow};

/// What must hold of any drawing.
fn assert_sound(drawing: &Drawing, name: &str) {
    for canvas in &drawing.canvases {
        for item in &canvas.items {
            let b = item.bounds;
            let numbers = [b.x, b.y, b.width, b.height];
            assert!(numbers.iter().all(|n| n.is_finite()), "{name}: {item:?}");
            assert!(canvas.bounds.grown(0.5).contains(&b), "{name}: {} is outside", item.id);
            assert!(item.opens.is_none_or(|at| at < drawing.canvases.len()), "{name}");
            for shape in &item.shapes {
                let Shape::Text(line) = shape else { continue };
                let width = text_width(&line.text, line.size, line.style);
                assert!(width <= line.room + 0.5 || line.text == "…", "{name}: {line:?}");
                assert!(!line.text.chars().any(char::is_control), "{name}: {line:?}");
                let inside = item.kind == ItemKind::Link || line.at.x <= b.width + 1.0;
                assert!(inside, "{name}: {line:?} in {b:?}");
            }
        }
    }
    let text = drawing_to_json(drawing);
    json::parse_text(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!text.contains('<'), "{name}");
}

#[test]
fn a_small_workflow_is_drawn() {
    let drawing = draw_workflow(&workflow(&document(SMALL)), &Catalog::core());
    assert_sound(&drawing, "small");
    insta::assert_snapshot!(render_svg(&drawing.canvases[0], Theme::Dark));
}

#[test]
fn real_workflows_are_drawn_soundly() {
    let catalog = Catalog::core();
    for (path, value) in real_workflows() {
        let drawing = draw_workflow(&workflow(&value), &catalog);
        assert_sound(&drawing, &path.display().to_string());
        let nodes = |canvas: &comfy_draw::Canvas| {
            let is_node = |kind| matches!(kind, ItemKind::Node | ItemKind::Note);
            canvas.items.iter().filter(|item| is_node(item.kind)).count()
        };
        let drawn: usize = drawing.canvases.iter().map(nodes).sum();
        assert_eq!(drawn, workflow(&value).nodes().count(), "{}", path.display());
    }
}

#[test]
fn damage_is_drawn_without_harm() {
    let cases = [
        r#"{"version":0.4,"nodes":[]}"#,
        r#"{"version":0.4,"nodes":[null,7,{"id":1}],
            "links":[[1,1,0,9,0,"X"],[2,1,99999,1,5,"*"]]}"#,
        r#"{"version":0.4,"nodes":[{"id":1,"type":"A","pos":[1e308,-1e308],"size":[1e300,-5]}]}"#,
        r#"{"version":0.4,"nodes":[{"id":1,"type":"u","pos":[0,0]}],"definitions":{"subgraphs":[
            {"id":"u","nodes":[{"id":2,"type":"u","pos":[0,0]}],"links":[],
                "inputNode":{"bounding":[1]}}]}}"#,
        r#"{"version":0.4,"nodes":[{"id":1,"type":"A","pos":[0,0],
            "title":"\u202e\u0000\u001b[2J</script>",
            "color":"red;}","flags":{"collapsed":true}}],
            "groups":[{"title":7,"bounding":[0,0,"x",1]},{}],
            "extra":{"reroutes":[{"id":1,"parentId":1,"pos":[0,0],"linkIds":[]}]}}"#,
    ];
    for case in cases {
        // What the frontend itself would not open is no workflow.
        let Ok(damaged) = Workflow::from_value(document(case)) else { continue };
        let drawing = draw_workflow(&damaged, &Catalog::core());
        assert_sound(&drawing, case);
        for canvas in &drawing.canvases {
            let svg = render_svg(canvas, Theme::Light);
            assert!(!svg.contains("</script") && !svg.contains('\u{202e}'), "{svg}");
        }
    }
}

#[test]
fn a_node_with_two_hundred_inputs_and_a_huge_prompt_fit_their_boxes() {
    let inputs: Vec<String> = (0..200)
        .map(|at| {
            format!(r#"{{"name":"input number {at} with a long name","type":"IMAGE","link":null}}"#)
        })
        .collect();
    let text = "a very long prompt ".repeat(20_000);
    let file = format!(
        r#"{{"version":0.4,"nodes":[{{"id":1,"type":"Many","pos":[0,0],
        "size":[200,100],"title":"{}",
        "inputs":[{}],"outputs":[],"widgets_values":["{text}",1,2,3]}}]}}"#,
        "Title ".repeat(200),
        inputs.join(",")
    );
    let drawing = draw_workflow(&workflow(&document(&file)), &Catalog::core());
    assert_sound(&drawing, "many");
    let node = &drawing.canvases[0].items[0];
    assert!(node.bounds.height > 4000.0);
    assert!(drawing_to_json(&drawing).len() < 200_000);
    let widest = node.shapes.iter().filter_map(|shape| match shape {
        Shape::Text(line) => Some(text_width(&line.text, line.size, FontStyle::Regular)),
        _ => None,
    });
    assert!(widest.fold(0.0, f64::max) <= node.bounds.width);
}
