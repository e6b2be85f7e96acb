//! What a script says, against what the person says they did.

use std::fmt::Write;

use comfy_graph::catalog::Catalog;
use comfy_graph::diff::{Edit, EditClass, SinkRef, SourceRef, diff};
use comfy_graph::graph::GraphScope;
use comfy_graph::json::{JsonStyle, Value, print};

use crate::support::data::{documents, name};

fn value(value: Option<&Value>) -> String {
    let text = value.map_or("nothing".into(), |value| print(value, &JsonStyle::SAVE));
    if text.len() > 70 { format!("{}…", text.chars().take(70).collect::<String>()) } else { text }
}

fn line(edit: &Edit) -> String {
    let node = |node: &comfy_graph::diff::NodeRef| {
        let inside = if node.key.scope == GraphScope::Root { "" } else { " (inside)" };
        format!("{} #{}{inside}", node.display_name(), node.key.id)
    };
    let source = |from: &SourceRef| match from {
        SourceRef::Output { node: n, name, .. } => format!("{}.{name}", node(n)),
        SourceRef::Boundary { name, .. } => format!("boundary {name}"),
    };
    let sink = |to: &SinkRef| match to {
        SinkRef::Input { node: n, name } => format!("{}.{name}", node(n)),
        SinkRef::Boundary { name, .. } => format!("boundary {name}"),
    };
    let raw = |raw: &comfy_graph::diff::RawEdit| {
        let place = match &raw.place {
            comfy_graph::diff::EditTarget::Node(n) => node(n),
            comfy_graph::diff::EditTarget::Group(group) => format!("group {:?}", group.title),
            other => short(&format!("{other:?}")),
        };
        let (before, after) = (raw.change.before.as_ref(), raw.change.after.as_ref());
        format!("{place} {}: {} -> {}", raw.at, value(before), value(after))
    };
    match edit {
        Edit::NodeAdded { node: n, .. } => format!("added {}", node(n)),
        Edit::NodeRemoved { node: n, .. } => format!("removed {}", node(n)),
        Edit::NodeMoved { node: n, from } => format!("moved {} from {from}", node(n)),
        Edit::Retitled { node: n, title } => {
            format!("{} titled {:?} -> {:?}", node(n), title.before, title.after)
        }
        Edit::ModeChanged { node: n, mode } => {
            format!("{} {:?} -> {:?}", node(n), mode.before, mode.after)
        }
        Edit::Coloured { node: n, key, change } => {
            let (before, after) = (change.before.as_ref(), change.after.as_ref());
            format!("{} {key} {} -> {}", node(n), value(before), value(after))
        }
        Edit::Widget { node: n, name, change, origin, .. } => {
            let (before, after) = (change.before.as_ref(), change.after.as_ref());
            format!("{} {name} {} -> {} [{origin:?}]", node(n), value(before), value(after))
        }
        Edit::Wire { to, from, .. } => {
            let from = [&from.before, &from.after]
                .map(|from| from.as_ref().map_or("nothing".into(), source));
            format!("{} from {} -> {}", sink(to), from[0], from[1])
        }
        Edit::Packed { subgraph, host, nodes } => {
            let nodes: Vec<String> = nodes.iter().map(node).collect();
            format!("packed {} into {} {:?}", nodes.join(", "), node(host), subgraph.name)
        }
        Edit::Unpacked { subgraph, host, nodes } => {
            let nodes: Vec<String> = nodes.iter().map(node).collect();
            format!("unpacked {} from {} {:?}", nodes.join(", "), node(host), subgraph.name)
        }
        Edit::SubgraphAdded { subgraph, .. } => format!("new subgraph {:?}", subgraph.name),
        Edit::SubgraphRemoved { subgraph, .. } => format!("no subgraph {:?}", subgraph.name),
        Edit::GroupAdded { group, .. } => format!("new group {:?}", group.title),
        Edit::GroupRemoved { group, .. } => format!("no group {:?}", group.title),
        Edit::Reroute { id, wires, raw, .. } => {
            let wires: Vec<String> = wires.iter().map(sink).collect();
            let turn = match (&raw.before, &raw.after) {
                (None, _) => "new",
                (_, None) => "no",
                _ => "other",
            };
            format!("{turn} bend {id} on the wire to {}", wires.join(", "))
        }
        Edit::Slot { node: n, side, name, at, .. } => {
            format!(
                "{} {side:?} {:?} -> {:?} at {:?} -> {:?}",
                node(n),
                name.before,
                name.after,
                at.before,
                at.after
            )
        }
        Edit::Raw(r) | Edit::Bookkeeping(r) | Edit::Layout(r) => raw(r),
        other => short(&format!("{other:?}")),
    }
}

fn short(text: &str) -> String {
    if text.len() > 120 {
        format!("{}…", text.chars().take(120).collect::<String>())
    } else {
        text.to_owned()
    }
}

/// What a person is told of each step: edits that stand on their own and mean something.
pub(crate) fn told_steps() -> String {
    let states = documents("edits").into_iter().filter(|(file, _)| name(file).starts_with('v'));
    let states: Vec<_> = states.collect();
    let mut out = String::new();
    for pair in states.windows(2) {
        let script = diff(pair[0].1.clone(), pair[1].1.clone(), &Catalog::core()).unwrap();
        writeln!(out, "{}", name(&pair[1].0)).unwrap();
        for (_, edit) in script.content_edits() {
            writeln!(out, "    {}", line(edit)).unwrap();
        }
        let more =
            [EditClass::Layout, EditClass::Bookkeeping].map(|class| script.count_of_class(class));
        if more != [0, 0] {
            writeln!(out, "    beside: layout {}, bookkeeping {}", more[0], more[1]).unwrap();
        }
    }
    out
}

/// `JOURNAL.json` says what was done at each step; this is the same, and nothing else.
#[test]
fn every_step_of_a_person_is_told_as_they_would() {
    let told = told_steps();
    if told.is_empty() {
        return; // The real files are not here.
    }
    insta::assert_snapshot!(told, @r##"
    v02.json
        KSampler #5 cfg 7 -> 6.5 [Person]
        beside: layout 0, bookkeeping 1
    v03.json
        beside: layout 3, bookkeeping 0
    v04.json
        Positive #2.clip from CheckpointLoaderSimple #1.CLIP -> LoraLoader #8.CLIP
        Negative #3.clip from CheckpointLoaderSimple #1.CLIP -> LoraLoader #8.CLIP
        KSampler #5.model from CheckpointLoaderSimple #1.MODEL -> LoraLoader #8.MODEL
        added LoraLoader #8
    v05.json
        LoraLoader #8 Always -> Bypass
    v06.json
        Main prompt #2 titled Some("Positive") -> Some("Main prompt")
        Main prompt #2 text "a red fox in the snow, masterpiece" -> "a red fox in deep snow, masterpiece, (detailed fur:1.2)\nnight" [Person]
    v07.json
        Main prompt #2 color nothing -> "#232"
        Main prompt #2 bgcolor nothing -> "#353"
        new group "Prompts"
    v08.json
        KSampler #5 seed 402171062493636 -> 360652505290727 [Reroll]
        LoraLoader #8 Bypass -> Always
    v09.json
        KSampler #5 seed 360652505290727 -> 195379883211432 [Reroll]
    v10.json
    v11.json
        added Reroute #9
        beside: layout 5, bookkeeping 0
    v12.json
        packed Main prompt #2 (inside), Negative #3 (inside), KSampler #5 (inside) into Prompt+sample #10 "New Subgraph"
        beside: layout 1, bookkeeping 0
    v13.json
        unpacked Main prompt #11, Negative #12, KSampler #13 from Prompt+sample #10 "New Subgraph"
        beside: layout 1, bookkeeping 1
    v14.json
        removed Reroute #9
    v15.json
        new bend 1 on the wire to SaveImage #7.images
        beside: layout 0, bookkeeping 1
    v16.json
        no bend 1 on the wire to SaveImage #7.images
        beside: layout 0, bookkeeping 2
    v17.json
    "##);
}

/// The scripts of a merge case: from its base to both sides.
fn steps_of_case(case: &str) -> [Vec<String>; 2] {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/merge").join(case);
    let read =
        |file: &str| comfy_graph::json::parse(&std::fs::read(folder.join(file)).unwrap()).unwrap();
    ["ours.json", "theirs.json"].map(|side| {
        let script = diff(read("base.json"), read(side), &Catalog::core()).unwrap();
        script.entries.iter().map(|entry| line(&entry.edit)).collect()
    })
}

#[test]
fn numbers_that_are_rolled_into_each_other_are_values_of_the_same_nodes() {
    let case = "one-re-rolls-two-noises-into-each-other-the-other-renames-one";
    let [rolled, _] = steps_of_case(case);
    assert_eq!(rolled.len(), 2, "{rolled:?}");
    assert!(rolled[0].contains("#1 noise_seed 42 -> 43"), "{rolled:?}");
    assert!(rolled[1].contains("#2 noise_seed 43 -> 44"), "{rolled:?}");
}

#[test]
fn exchanged_ids_are_told_as_new_ids_and_exchanged_texts_as_texts() {
    let [edited, exchanged] =
        steps_of_case("one-exchanges-the-ids-of-two-prompts-the-other-edits-one");
    assert!(edited[0].contains("#2 text \"cat\" -> \"a red cat\""), "{edited:?}");
    assert!(!exchanged.iter().any(|step| step.contains("text")), "{exchanged:?}");
    let [_, texts] = steps_of_case("one-exchanges-the-texts-of-two-prompts-the-other-retunes");
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts.iter().all(|step| step.contains("text")), "{texts:?}");
}
