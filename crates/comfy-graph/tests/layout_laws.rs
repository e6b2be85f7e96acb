//! Laws of layouts with clocks: joining is a join, and every place lies where a simple
//! model says, whatever clones did in which order.
//!
//! `GIT_COMFY_STEPS` sets how many random steps are made (default 2,000).

use std::collections::BTreeMap;

use comfy_graph::clean::{
    CleanOutcome, Clock, ClockStamp, ClockedLayout, CloneId, EarlierLayouts, LayoutMode,
    LayoutRelation, LayoutSource, clean_document, compose_file, smudge, stamp_layout,
    stamp_uniformly,
};
use comfy_graph::json;
use proptest::prelude::*;

/// The nodes of a file: id and place; one group may stand around some of them.
type Places = BTreeMap<i64, (i64, i64)>;

fn file(places: &Places, (x, y): (i64, i64), steps: i64, scale: f64) -> String {
    file_with_groups(places, &[(1, [x, y, 1000, 1000])], steps, scale)
}

/// A group: its id, corner and size.
type Group = (i64, [i64; 4]);

fn file_with_groups(places: &Places, groups: &[Group], steps: i64, scale: f64) -> String {
    let number = |n: i64| {
        let n = n as f64 * scale;
        if n.fract() == 0.0 { format!("{n:.0}") } else { format!("{n}") }
    };
    let node = |(id, (x, y)): (&i64, &(i64, i64))| {
        format!(
            r#"{{"id":{id},"type":"K{id}","pos":[{},{}],"size":[{},{}],"flags":{{}},"order":0,"mode":0,"inputs":[],"outputs":[],"properties":{{}},"widgets_values":[{steps}]}}"#,
            number(*x),
            number(*y),
            number(20),
            number(10)
        )
    };
    let nodes: Vec<String> = places.iter().map(node).collect();
    let group = |(id, bounding): &Group| {
        let [x, y, width, height] = bounding.map(number);
        format!(
            r#"{{"id":{id},"title":"G{id}","bounding":[{x},{y},{width},{height}],"flags":{{}}}}"#
        )
    };
    let groups: Vec<String> = groups.iter().map(group).collect();
    let renderer = if scale == 1.0 { "LG" } else { "Vue" };
    format!(
        r#"{{"last_node_id":9,"last_link_id":0,"nodes":[{}],"links":[],"groups":[{}],"config":{{}},"extra":{{"ds":{{"scale":1,"offset":[{},0]}},"workflowRendererVersion":"{renderer}"}},"version":0.4}}"#,
        nodes.join(","),
        groups.join(","),
        places.len()
    )
}

/// Far from every node: nothing belongs to it.
const AWAY: (i64, i64) = (1_000_000, 1_000_000);

fn parts(text: &str) -> (Vec<u8>, String) {
    match clean_document(text.as_bytes(), LayoutMode::Strip) {
        CleanOutcome::Cleaned(cleaned) => (cleaned.content, cleaned.layout.unwrap()),
        CleanOutcome::Untouched(why) => panic!("{why:?}: {text}"),
    }
}

fn at(at: u64, by: u64) -> ClockStamp {
    ClockStamp { millis: at, clone_id: CloneId::from_bits(by) }
}

fn places_of(text: &[u8]) -> BTreeMap<i64, (f64, f64)> {
    let value = json::parse(text).unwrap();
    let nodes = value.get("nodes").unwrap().as_array().unwrap();
    let place = |node: &json::Value| {
        let number = |at| node.get("pos").unwrap().get_index(at).unwrap().as_f64().unwrap();
        (node.get("id").unwrap().as_i64().unwrap(), (number(0), number(1)))
    };
    nodes.iter().map(place).collect()
}

fn past(layout: &ClockedLayout) -> EarlierLayouts<'_> {
    let last = LayoutSource { layout, relation: LayoutRelation::SameContent };
    EarlierLayouts { last: Some(last), ..EarlierLayouts::default() }
}

/// What a person does to one of two groups.
#[derive(Debug, Clone, Copy)]
enum GroupEdit {
    /// Drags it with all that is in it.
    Drag(usize, i64, i64),
    /// Draws its frame elsewhere.
    MoveFrame(usize, i64, i64),
    Resize(usize, i64),
}

fn group_edit() -> impl Strategy<Value = GroupEdit> {
    let by = || -40..40_i64;
    prop_oneof![
        (0..2_usize, by(), by()).prop_map(|(at, x, y)| GroupEdit::Drag(at, x, y)),
        (0..2_usize, by(), by()).prop_map(|(at, x, y)| GroupEdit::MoveFrame(at, x, y)),
        (0..2_usize, by()).prop_map(|(at, by)| GroupEdit::Resize(at, by)),
    ]
}

impl GroupEdit {
    fn apply(self, places: &mut Places, groups: &mut [Group]) {
        match self {
            GroupEdit::Drag(at, by_x, by_y) => {
                let [left, top, width, height] = groups[at].1;
                let is_inside = |x: i64, y: i64| {
                    (left..=left + width).contains(&x) && (top..=top + height).contains(&y)
                };
                for (x, y) in places.values_mut() {
                    if is_inside(*x + 10, *y - 10) {
                        (*x, *y) = (*x + by_x, *y + by_y);
                    }
                }
                for (_, [x, y, wide, high]) in groups.iter_mut() {
                    if is_inside(*x, *y) && is_inside(*x + *wide, *y + *high) {
                        (*x, *y) = (*x + by_x, *y + by_y);
                    }
                }
            }
            GroupEdit::MoveFrame(at, by_x, by_y) => {
                let [x, y, _, _] = &mut groups[at].1;
                (*x, *y) = (*x + by_x, *y + by_y);
            }
            GroupEdit::Resize(at, by) => groups[at].1[2] += by,
        }
    }
}

/// Layouts of one content, as clones may have made them from a common one.
fn layouts() -> impl Strategy<Value = Vec<ClockedLayout>> {
    let moved = proptest::collection::vec((1..5_i64, 0..40_i64, 0..40_i64), 0..5);
    let clone =
        (moved, 1..6_u64, 0..3_u64, any::<bool>(), proptest::collection::vec(group_edit(), 0..3));
    proptest::collection::vec(clone, 3).prop_map(|clones| {
        let start: Places = (1..5).map(|id| (id, (id * 100, 50))).collect();
        let outer_and_inner: [Group; 2] = [(1, [0, 0, 1000, 1000]), (2, [90, 40, 150, 50])];
        let (_, line) = parts(&file_with_groups(&start, &outer_and_inner, 1, 1.0));
        let base = stamp_uniformly(&line, Clock::At(at(1, 9))).unwrap();
        let made = clones.into_iter().map(|(moved, when, by, is_vue, edits)| {
            let mut places = start.clone();
            for (id, x, y) in moved {
                places.insert(id, (x * 10, y * 10));
            }
            let mut groups = outer_and_inner;
            for edit in edits {
                edit.apply(&mut places, &mut groups);
            }
            let scale = if is_vue { 1.2 } else { 1.0 };
            let (_, line) = parts(&file_with_groups(&places, &groups, 1, scale));
            stamp_layout(&line, &past(&base), at(10 * when, by)).unwrap()
        });
        made.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_join_is_commutative_associative_and_idempotent(layouts in layouts()) {
        let [a, b, c] = &layouts[..] else { panic!() };
        let join = |a: &ClockedLayout, b: &ClockedLayout| a.clone().join(b.clone());
        prop_assert_eq!(join(a, a).to_line(), a.to_line());
        prop_assert_eq!(join(a, b).to_line(), join(b, a).to_line());
        prop_assert_eq!(join(&join(a, b), c).to_line(), join(a, &join(b, c)).to_line());
    }

    #[test]
    fn a_line_says_all_that_the_layout_knows(layouts in layouts()) {
        let joined = layouts.iter().cloned().reduce(ClockedLayout::join).unwrap();
        for layout in layouts.iter().chain([&joined]) {
            let line = layout.to_line();
            let read = ClockedLayout::parse(&line, Clock::Unknown(0)).unwrap();
            prop_assert_eq!(&read, layout);
            prop_assert_eq!(read.to_line(), line);
        }
    }

    #[test]
    fn joining_lines_is_joining_layouts(layouts in layouts()) {
        let read = |layout: &ClockedLayout| {
            ClockedLayout::parse(&layout.to_line(), Clock::Unknown(0)).unwrap()
        };
        let [a, b, c] = &layouts[..] else { panic!() };
        let by_lines = read(&read(a).join(read(b))).join(read(c));
        prop_assert_eq!(by_lines.to_line(), a.clone().join(b.clone()).join(c.clone()).to_line());
    }
}

#[test]
fn a_node_follows_its_group_with_its_own_nudge_added() {
    let start: Places = [(1, (100, 100)), (2, (5000, 100))].into();
    let (content, line) = parts(&file(&start, (0, 0), 1, 1.0));
    let base = stamp_uniformly(&line, Clock::At(at(1, 0))).unwrap();
    // One side drags the group and the node in it, the other nudges the node.
    let dragged = file(&[(1, (600, 100)), (2, (5000, 100))].into(), (500, 0), 1, 1.0);
    let nudged = file(&[(1, (100, 130)), (2, (5000, 100))].into(), (0, 0), 1, 1.0);
    for (group_at, nudge_at) in [(10, 20), (20, 10)] {
        let one = stamp_layout(&parts(&dragged).1, &past(&base), at(group_at, 1)).unwrap();
        let two = stamp_layout(&parts(&nudged).1, &past(&base), at(nudge_at, 2)).unwrap();
        let joined = one.join(two).to_line();
        let places = places_of(&smudge(&content, &joined).unwrap());
        assert_eq!(places[&1], (600.0, 130.0), "group at {group_at}, nudge at {nudge_at}");
        assert_eq!(places[&2], (5000.0, 100.0));
        // Saved as it is shown, nothing was moved.
        let shown = String::from_utf8(smudge(&content, &joined).unwrap()).unwrap();
        let joined = ClockedLayout::parse(&joined, Clock::Unknown(0)).unwrap();
        let again = stamp_layout(&parts(&shown).1, &past(&joined), at(99, 1)).unwrap();
        assert!(again.clone().join(joined).to_line().contains("\"saved\":\"2r:"));
        assert_eq!(smudge(&content, &again.to_line()).unwrap(), shown.as_bytes());
    }
}

/// Two people change a file each for themselves; what lies where when their layouts are joined,
/// in either order of time, for the content that the second one has.
struct TwoPeople {
    base: ClockedLayout,
}

impl TwoPeople {
    fn from(places: &Places, groups: &[Group]) -> TwoPeople {
        let (_, line) = parts(&file_with_groups(places, groups, 1, 1.0));
        TwoPeople { base: stamp_uniformly(&line, Clock::At(at(1, 0))).unwrap() }
    }

    /// Both keep the content.
    #[track_caller]
    fn join(
        &self,
        one: (&Places, &[Group]),
        two: (&Places, &[Group]),
        wanted: (&Places, &[Group]),
    ) {
        for (first, second) in [(10, 20), (20, 10)] {
            let (content, line) = parts(&file_with_groups(one.0, one.1, 1, 1.0));
            let one = stamp_layout(&line, &past(&self.base), at(first, 1)).unwrap();
            let (_, line) = parts(&file_with_groups(two.0, two.1, 1, 1.0));
            let two = stamp_layout(&line, &past(&self.base), at(second, 2)).unwrap();
            let joined = smudge(&content, &one.clone().join(two.clone()).to_line()).unwrap();
            let (content_only, _) = parts(std::str::from_utf8(&joined).unwrap());
            assert_eq!(content_only, content);
            assert_lies(&joined, wanted, &format!("joined, {first} and {second}"));
            // The same where the content's own layout has what one moved, and another one's what
            // the other did.
            for (own, other) in [(&one, &two), (&two, &one)] {
                let sources = [
                    LayoutSource { layout: other, relation: LayoutRelation::ById },
                    LayoutSource { layout: own, relation: LayoutRelation::SameContent },
                ];
                let composed = compose_file(&content, &sources, Clock::At(at(30, 3))).unwrap();
                assert_lies(&composed.bytes, wanted, &format!("composed, {first} and {second}"));
                let again = smudge(&content, &composed.layout.to_line()).unwrap();
                assert_eq!(again, composed.bytes);
            }
        }
    }

    /// The second one has other content.
    #[track_caller]
    fn compose(
        &self,
        one: (&Places, &[Group]),
        two: (&Places, &[Group]),
        wanted: (&Places, &[Group]),
    ) {
        for (first, second) in [(10, 20), (20, 10)] {
            let (_, line) = parts(&file_with_groups(one.0, one.1, 1, 1.0));
            let one = stamp_layout(&line, &past(&self.base), at(first, 1)).unwrap();
            let (content, line) = parts(&file_with_groups(two.0, two.1, 2, 1.0));
            let before = LayoutSource { layout: &self.base, relation: LayoutRelation::ById };
            let past = EarlierLayouts { last: Some(before), ..EarlierLayouts::default() };
            let two = stamp_layout(&line, &past, at(second, 2)).unwrap();
            let sources = [
                LayoutSource { layout: &one, relation: LayoutRelation::ById },
                LayoutSource { layout: &two, relation: LayoutRelation::SameContent },
            ];
            let composed = compose_file(&content, &sources, Clock::At(at(30, 3))).unwrap();
            assert_lies(&composed.bytes, wanted, &format!("{first} and {second}"));
        }
    }
}

#[track_caller]
fn assert_lies(file: &[u8], (places, groups): (&Places, &[Group]), when: &str) {
    let here: Places = places_of(file)
        .into_iter()
        .map(|(id, (x, y))| (id, (x.round() as i64, y.round() as i64)))
        .collect();
    assert_eq!(here, *places, "{when}");
    let value = json::parse(file).unwrap();
    let frames = value.get("groups").unwrap().as_array().unwrap().iter().map(|group| {
        let number = |at| group.get("bounding").unwrap().get_index(at).unwrap().as_f64().unwrap();
        let frame = [0, 1, 2, 3].map(|at| number(at).round() as i64);
        (group.get("id").unwrap().as_i64().unwrap(), frame)
    });
    assert_eq!(frames.collect::<Vec<_>>(), groups, "{when}");
}

fn at_places<const N: usize>(places: [(i64, (i64, i64)); N]) -> Places {
    places.into()
}

const FRAME: Group = (1, [350, 50, 700, 300]);
const DRAGGED: Group = (1, [1350, 1050, 700, 300]);

#[test]
fn a_frame_that_is_drawn_elsewhere_displaces_nothing() {
    let start = at_places([(1, (400, 100)), (2, (800, 100))]);
    let people = TwoPeople::from(&start, &[FRAME]);
    let dragged = at_places([(1, (430, 130)), (2, (800, 100))]);
    for frame in [[250, -50, 800, 400], [380, 80, 670, 270], [250, -50, 700, 300]] {
        let drawn = [(1, frame)];
        people.join((&start, &drawn), (&dragged, &[FRAME]), (&dragged, &drawn));
        people.compose((&dragged, &[FRAME]), (&start, &drawn), (&dragged, &drawn));
        people.compose((&start, &drawn), (&dragged, &[FRAME]), (&dragged, &drawn));
    }
}

#[test]
fn a_group_that_one_drags_and_the_other_resizes_is_both() {
    let start = at_places([(1, (400, 100)), (2, (800, 100)), (3, (1200, 100))]);
    let people = TwoPeople::from(&start, &[FRAME]);
    let dragged = at_places([(1, (1400, 1100)), (2, (1800, 1100)), (3, (1200, 100))]);
    // Smaller, so that node 2 is outside; larger, so that node 3 is inside.
    for width in [300, 1100] {
        let resized = [(1, [350, 50, width, 300])];
        let both = [(1, [1350, 1050, width, 300])];
        people.join((&dragged, &[DRAGGED]), (&start, &resized), (&dragged, &both));
        people.compose((&dragged, &[DRAGGED]), (&start, &resized), (&dragged, &both));
    }
}

#[test]
fn what_was_dragged_with_a_group_stays_when_its_frame_is_gone() {
    let start = at_places([(1, (400, 100)), (2, (800, 100))]);
    let people = TwoPeople::from(&start, &[FRAME]);
    let dragged = at_places([(1, (1400, 1100)), (2, (1800, 1100))]);
    people.compose((&dragged, &[DRAGGED]), (&start, &[]), (&dragged, &[]));
    let another: [Group; 1] = [(7, [300, 0, 900, 400])];
    people.compose((&dragged, &[DRAGGED]), (&start, &another), (&dragged, &another));
}

#[test]
fn a_nudge_is_added_to_the_drag_of_its_group_whatever_else_was_edited() {
    let start = at_places([(1, (400, 100)), (2, (800, 100))]);
    let people = TwoPeople::from(&start, &[FRAME]);
    let dragged = at_places([(1, (1400, 1100)), (2, (1800, 1100))]);
    let nudged = at_places([(1, (400, 100)), (2, (850, 150))]);
    let both = at_places([(1, (1400, 1100)), (2, (1850, 1150))]);
    people.join((&dragged, &[DRAGGED]), (&nudged, &[FRAME]), (&both, &[DRAGGED]));
    people.compose((&dragged, &[DRAGGED]), (&nudged, &[FRAME]), (&both, &[DRAGGED]));
    people.compose((&nudged, &[FRAME]), (&dragged, &[DRAGGED]), (&both, &[DRAGGED]));
}

#[test]
fn an_inner_group_that_is_nudged_goes_along_with_the_outer_one() {
    let start = at_places([(1, (400, 100)), (2, (800, 100))]);
    let inner = (2, [390, 60, 100, 100]);
    let people = TwoPeople::from(&start, &[FRAME, inner]);
    let dragged = at_places([(1, (1400, 1100)), (2, (1800, 1100))]);
    let nudged = at_places([(1, (420, 110)), (2, (800, 100))]);
    let both = at_places([(1, (1420, 1110)), (2, (1800, 1100))]);
    let drag = [DRAGGED, (2, [1390, 1060, 100, 100])];
    let nudge = [FRAME, (2, [410, 70, 100, 100])];
    let wanted = [DRAGGED, (2, [1410, 1070, 100, 100])];
    people.join((&dragged, &drag), (&nudged, &nudge), (&both, &wanted));
    people.compose((&dragged, &drag), (&nudged, &nudge), (&both, &wanted));
    people.compose((&nudged, &nudge), (&dragged, &drag), (&both, &wanted));
}

#[test]
fn another_renderer_moves_nothing() {
    let start: Places = [(1, (100, 100)), (2, (555, 77))].into();
    let (content, line) = parts(&file(&start, AWAY, 1, 1.0));
    let base = stamp_uniformly(&line, Clock::At(at(1, 0))).unwrap();
    let vue = stamp_layout(&parts(&file(&start, AWAY, 1, 1.2)).1, &past(&base), at(50, 1)).unwrap();
    let moved: Places = [(1, (100, 100)), (2, (900, 77))].into();
    let theirs =
        stamp_layout(&parts(&file(&moved, AWAY, 1, 1.0)).1, &past(&base), at(10, 2)).unwrap();
    let places = places_of(&smudge(&content, &vue.join(theirs).to_line()).unwrap());
    assert_eq!((places[&1], places[&2]), ((120.0, 120.0), (1080.0, 92.4)));
}

#[test]
fn what_was_arranged_gives_way_to_whatever_a_person_placed() {
    let start: Places = [(1, (100, 100)), (2, (555, 77))].into();
    let (content, line) = parts(&file(&start, AWAY, 1, 1.0));
    let author = stamp_uniformly(&line, Clock::At(at(1, 0))).unwrap();
    let arranged = compose_file(&content, &[], Clock::Unknown(0)).unwrap();
    assert!(arranged.layout.has_arranged_place() && !arranged.layout.has_place_by_person());
    // A copy of the file is known by its mark.
    let copied = stamp_layout(
        &parts(std::str::from_utf8(&arranged.bytes).unwrap()).1,
        &EarlierLayouts::default(),
        at(99, 1),
    );
    assert!(!copied.clone().unwrap().has_place_by_person());
    for guess in [arranged.layout.clone(), copied.unwrap()] {
        assert_eq!(guess.latest_millis(), 0, "it has no time under which it could be sent");
        let joined = guess.join(author.clone());
        let file_of = |layout: &ClockedLayout| smudge(&content, &layout.to_line()).unwrap();
        assert_eq!(file_of(&joined), file_of(&author));
    }
    // One node moved by hand: that layout comes back to the byte, and the other node of it
    // is still nobody's.
    let mut shown = json::parse(&arranged.bytes).unwrap();
    let node = shown.get_mut("nodes").unwrap().as_array_mut().unwrap()[0].as_object_mut().unwrap();
    node.insert("pos", vec![4321_i64, 5]);
    let moved = json::print(&shown, &json::JsonStyle::SAVE);
    let mixed = stamp_layout(&parts(&moved).1, &past(&arranged.layout), at(99, 1)).unwrap();
    assert!(mixed.has_place_by_person());
    assert_eq!(smudge(&content, &mixed.to_line()).unwrap(), moved.as_bytes());
    let places = places_of(&smudge(&content, &mixed.join(author).to_line()).unwrap());
    assert_eq!((places[&1].0, places[&2]), (4321.0, (555.0, 77.0)));
}

/// A generator of numbers that is the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// One clone: what its file holds, and the layouts it has heard of, by content.
#[derive(Clone)]
struct Here {
    steps: i64,
    layout: ClockedLayout,
    places: Places,
    known: BTreeMap<i64, ClockedLayout>,
}

#[test]
fn every_node_lies_where_it_was_moved_last() {
    let steps: u64 =
        std::env::var("GIT_COMFY_STEPS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut done = 0;
    while done < steps {
        let seed = random.0;
        done += walk(&mut random, 200.min(steps), seed);
    }
}

/// Three clones save, exchange layouts and bring other content in; the model remembers of
/// each node the latest move that reached a clone.
fn walk(random: &mut Random, steps: u64, seed: u64) -> u64 {
    let start: Places = (1..6).map(|id| (id, (id * 100, 50))).collect();
    let (_, line) = parts(&file(&start, AWAY, 0, 1.0));
    let layout = stamp_uniformly(&line, Clock::At(at(1, 9))).unwrap();
    let here = Here {
        steps: 0,
        layout: layout.clone(),
        places: start.clone(),
        known: [(0, layout)].into(),
    };
    let mut clones = vec![here; 3];
    let known: BTreeMap<i64, (u64, (i64, i64))> =
        start.iter().map(|(id, place)| (*id, (1, *place))).collect();
    let mut model = vec![known; 3];
    let mut now = 10;
    for step in 0..steps {
        now += 1;
        let which = random.below(3) as usize;
        match random.below(3) {
            0 => {
                let clone = &mut clones[which];
                for _ in 0..random.below(3) {
                    let id = 1 + random.below(5) as i64;
                    let place = (10 * random.below(500) as i64, 10 * random.below(500) as i64);
                    if clone.places[&id] != place {
                        clone.places.insert(id, place);
                        model[which].insert(id, (now, place));
                    }
                }
                let is_edited = random.below(3) == 0;
                let pairs =
                    if is_edited { LayoutRelation::ById } else { LayoutRelation::SameContent };
                clone.steps += i64::from(is_edited);
                let (_, line) = parts(&file(&clone.places, AWAY, clone.steps, 1.0));
                let last = LayoutSource { layout: &clone.layout, relation: pairs };
                let past = EarlierLayouts { last: Some(last), ..EarlierLayouts::default() };
                let layout = stamp_layout(&line, &past, at(now, which as u64)).unwrap();
                file_under(clone, layout);
            }
            _ => {
                let from = random.below(3) as usize;
                let theirs = clones[from].clone();
                bring_in(&mut clones[which], &theirs, &start, at(now, which as u64));
                let other = model[from].clone();
                for (id, moved) in other {
                    let known = model[which].entry(id).or_insert(moved);
                    *known = (*known).max(moved);
                }
            }
        }
        for (id, (_, place)) in &model[which] {
            assert_eq!(
                clones[which].places[id], *place,
                "node {id} in clone {which} at step {step} of seed {seed:#x}"
            );
        }
    }
    steps
}

/// Another clone's content and layouts come into one.
fn bring_in(clone: &mut Here, theirs: &Here, start: &Places, now: ClockStamp) {
    for (steps, layout) in &theirs.known {
        let joined = match clone.known.remove(steps) {
            Some(known) => known.join(layout.clone()),
            None => layout.clone(),
        };
        clone.known.insert(*steps, joined);
    }
    clone.steps = clone.steps.max(theirs.steps);
    let (content, _) = parts(&file(start, AWAY, clone.steps, 1.0));
    let own = clone.known.get(&clone.steps).cloned();
    let sources = [
        own.as_ref().map(|layout| LayoutSource { layout, relation: LayoutRelation::SameContent }),
        Some(LayoutSource { layout: &clone.layout, relation: LayoutRelation::ById }),
        Some(LayoutSource { layout: &theirs.layout, relation: LayoutRelation::ById }),
    ];
    let sources: Vec<LayoutSource<'_>> = sources.into_iter().flatten().collect();
    let composed = compose_file(&content, &sources, Clock::At(now)).unwrap();
    clone.places = places_of(&composed.bytes)
        .into_iter()
        .map(|(id, (x, y))| (id, (x as i64, y as i64)))
        .collect();
    file_under(clone, composed.layout);
}

fn file_under(clone: &mut Here, layout: ClockedLayout) {
    let joined = match clone.known.remove(&clone.steps) {
        Some(known) => known.join(layout.clone()),
        None => layout.clone(),
    };
    clone.known.insert(clone.steps, joined);
    clone.layout = layout;
}
