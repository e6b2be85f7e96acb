//! Which boxes stand in which groups, and an arrangement that keeps them there: what is in a
//! group is arranged by itself, and the group stands for it in what is around it. Pure geometry.

use super::layered::{Arrows, LayoutBox, arrange_layers};

/// Room between a group's border and what is inside.
const GROUP_MARGIN: f64 = 24.0;
/// Room for the title of a group.
const GROUP_TITLE: f64 = 40.0;

/// Arranges boxes so that those which lie in a group now lie in it afterwards, and sets the
/// groups around them. Groups that hold nothing stay as they are; gives which those are.
pub(super) fn arrange_in_groups(
    boxes: &mut [LayoutBox],
    arrows: &Arrows,
    groups: &mut [LayoutBox],
) -> Vec<bool> {
    let parents = nest_groups(groups);
    let homes: Vec<Option<usize>> =
        boxes.iter().map(|rect| smallest_around(rect, groups)).collect();
    let mut tree = GroupTree { parents, homes, is_filled: vec![false; groups.len()] };
    for at in 0..boxes.len() {
        let mut next = tree.homes[at];
        while let Some(group) = next {
            tree.is_filled[group] = true;
            next = tree.parents[group];
        }
    }
    tree.arrange_level(None, boxes, arrows, groups);
    tree.is_filled.iter().map(|filled| !filled).collect()
}

struct GroupTree {
    /// The group around each group.
    parents: Vec<Option<usize>>,
    /// The group around each box.
    homes: Vec<Option<usize>>,
    is_filled: Vec<bool>,
}

/// What is arranged on one level: a box, or a group with all that is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Node(usize),
    Group(usize),
}

impl GroupTree {
    /// Arranges what is directly in a group, or in none, from 0, 0 on.
    fn arrange_level(
        &self,
        level: Option<usize>,
        boxes: &mut [LayoutBox],
        arrows: &Arrows,
        groups: &mut [LayoutBox],
    ) {
        let inner: Vec<usize> = (0..groups.len())
            .filter(|&at| self.parents[at] == level && self.is_filled[at])
            .collect();
        for &group in &inner {
            self.arrange_level(Some(group), boxes, arrows, groups);
            groups[group] = self.around_members(group, boxes, groups);
        }
        let nodes = (0..boxes.len()).filter(|&at| self.homes[at] == level).map(Part::Node);
        let parts: Vec<Part> = nodes.chain(inner.into_iter().map(Part::Group)).collect();
        let mut index = vec![None; boxes.len()];
        let mut group_index = vec![None; groups.len()];
        for (at, part) in parts.iter().enumerate() {
            match *part {
                Part::Node(node) => index[node] = Some(at),
                Part::Group(group) => group_index[group] = Some(at),
            }
        }
        let part_of = |node: usize| {
            index[node].or_else(|| group_index[self.outermost_below(level, self.homes[node]?)?])
        };
        let place: Vec<Option<usize>> = (0..boxes.len()).map(part_of).collect();
        let between = arrows.after.iter().enumerate().flat_map(|(from, after)| {
            let pairs = after.iter().map(move |&to| (from, to));
            pairs.filter_map(|(from, to)| Some((place[from]?, place[to]?)))
        });
        let between: Vec<(usize, usize)> = between.collect();
        let mut rects: Vec<LayoutBox> = parts
            .iter()
            .map(|part| match part {
                Part::Node(at) => boxes[*at],
                Part::Group(at) => groups[*at],
            })
            .collect();
        arrange_layers(&mut rects, &Arrows::new(parts.len(), between.into_iter()));
        for (part, rect) in parts.iter().zip(rects) {
            match *part {
                Part::Node(at) => boxes[at] = rect,
                Part::Group(at) => {
                    let shift = (rect.x - groups[at].x, rect.y - groups[at].y);
                    self.shift(at, shift, boxes, groups);
                }
            }
        }
    }

    /// The group directly below a level that a group is, or lies in.
    fn outermost_below(&self, level: Option<usize>, group: usize) -> Option<usize> {
        let mut at = group;
        while self.parents[at] != level {
            at = self.parents[at]?;
        }
        Some(at)
    }

    fn is_inside(&self, inner: usize, group: usize) -> bool {
        let mut next = Some(inner);
        while let Some(at) = next {
            if at == group {
                return true;
            }
            next = self.parents[at];
        }
        false
    }

    fn around_members(&self, group: usize, boxes: &[LayoutBox], groups: &[LayoutBox]) -> LayoutBox {
        let nodes = (0..boxes.len()).filter(|&at| self.homes[at] == Some(group));
        let inner =
            (0..groups.len()).filter(|&at| self.parents[at] == Some(group) && self.is_filled[at]);
        let all = nodes.map(|at| boxes[at]).chain(inner.map(|at| groups[at]));
        let around = all.reduce(|a, b| a.around(&b)).unwrap_or_default();
        LayoutBox {
            x: around.x - GROUP_MARGIN,
            y: around.y - GROUP_TITLE,
            width: around.width + 2.0 * GROUP_MARGIN,
            height: around.height + GROUP_MARGIN + GROUP_TITLE,
        }
    }

    fn shift(
        &self,
        group: usize,
        (dx, dy): (f64, f64),
        boxes: &mut [LayoutBox],
        groups: &mut [LayoutBox],
    ) {
        for (at, rect) in boxes.iter_mut().enumerate() {
            if self.homes[at].is_some_and(|home| self.is_inside(home, group)) {
                rect.x += dx;
                rect.y += dy;
            }
        }
        for (at, rect) in groups.iter_mut().enumerate() {
            if self.is_filled[at] && self.is_inside(at, group) {
                rect.x += dx;
                rect.y += dy;
            }
        }
    }
}

/// The smallest group that the middle of a box lies in.
fn smallest_around(rect: &LayoutBox, groups: &[LayoutBox]) -> Option<usize> {
    let (x, y) = (rect.x + rect.width / 2.0, rect.y + rect.height / 2.0);
    let around = (0..groups.len()).filter(|&at| {
        let group = &groups[at];
        group.x <= x && x <= group.right() && group.y <= y && y <= group.bottom()
    });
    around.min_by(|a, b| area(&groups[*a]).total_cmp(&area(&groups[*b])))
}

/// The smallest group that holds all of each group; of two alike the earlier holds the later.
fn nest_groups(groups: &[LayoutBox]) -> Vec<Option<usize>> {
    let holds = |outer: usize, inner: usize| {
        let (a, b) = (&groups[outer], &groups[inner]);
        let inside = a.x <= b.x && a.y <= b.y && a.right() >= b.right() && a.bottom() >= b.bottom();
        inside && (area(a) > area(b) || (area(a) == area(b) && outer < inner))
    };
    let parent = |inner: usize| {
        let around = (0..groups.len()).filter(|&outer| outer != inner && holds(outer, inner));
        around.min_by(|a, b| {
            // Of two alike the later is the nearer.
            area(&groups[*a]).total_cmp(&area(&groups[*b])).then(b.cmp(a))
        })
    };
    (0..groups.len()).map(parent).collect()
}

fn area(rect: &LayoutBox) -> f64 {
    rect.width * rect.height
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rect((x, y, width, height): (u16, u16, u16, u16)) -> LayoutBox {
        let [x, y, width, height] = [x, y, width, height].map(f64::from);
        LayoutBox { x, y, width: width + 20.0, height: height + 20.0 }
    }

    fn any_rect(most: u16) -> impl Strategy<Value = LayoutBox> {
        (0..1000_u16, 0..1000_u16, 0..most, 0..most).prop_map(rect)
    }

    proptest! {
        #[test]
        fn members_stay_members_and_nothing_overlaps(
            mut boxes in proptest::collection::vec(any_rect(200), 1..14),
            mut groups in proptest::collection::vec(any_rect(900), 0..5),
            arrows in proptest::collection::vec((0..14_usize, 0..14_usize), 0..20),
        ) {
            let count = boxes.len();
            let arrows = arrows.into_iter().filter(|(a, b)| *a < count && *b < count);
            let arrows = Arrows::new(count, arrows);
            let homes: Vec<_> = boxes.iter().map(|rect| smallest_around(rect, &groups)).collect();
            let empty = arrange_in_groups(&mut boxes, &arrows, &mut groups);
            for (at, home) in homes.into_iter().enumerate() {
                if let Some(group) = home {
                    prop_assert!(!empty[group]);
                    prop_assert_eq!(groups[group].around(&boxes[at]), groups[group]);
                }
                for other in 0..at {
                    prop_assert!(!boxes[at].overlaps(&boxes[other]), "{at} {other}");
                }
            }
        }
    }
}
