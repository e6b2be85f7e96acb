//! Where to put boxes that are joined by arrows. Pure geometry: knows no workflows.
//!
//! [`arrange_layers`] lays out a whole graph in layers from left to right; [`place_beside`] finds
//! a free place for a few boxes among many that stay where they are. Both are
//! deterministic: the same boxes in the same order give the same picture.

use std::collections::HashMap;

/// Space between two columns.
const COLUMN_GAP: f64 = 80.0;
/// Space between two boxes of a column, title bars included.
const ROW_GAP: f64 = 30.0;
/// Sweeps of the crossing reduction; more change little.
const CROSSING_SWEEPS: usize = 6;
/// Space between two bands of a graph that was too wide for one.
const BAND_GAP: f64 = 140.0;
/// A graph no wider than this is not broken into bands.
const LEAST_BAND_WIDTH: f64 = 3600.0;
/// Bands are about so many times as wide as all of them are high.
const BAND_ASPECT: f64 = 1.9;
/// Edge of a cell of the overlap index.
const CELL_SIZE: f64 = 512.0;

/// A box with its title bar.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct LayoutBox {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl LayoutBox {
    pub(super) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    fn middle(&self) -> f64 {
        self.y + self.height / 2.0
    }

    /// Whether the two share any area.
    pub(super) fn overlaps(&self, other: &LayoutBox) -> bool {
        self.x < other.right()
            && other.x < self.right()
            && self.y < other.bottom()
            && other.y < self.bottom()
    }

    /// The smallest box around both.
    pub(super) fn around(&self, other: &LayoutBox) -> LayoutBox {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        LayoutBox {
            x,
            y,
            width: self.right().max(other.right()) - x,
            height: self.bottom().max(other.bottom()) - y,
        }
    }
}

/// Arrows between boxes, by their places in a list.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrows {
    pub(super) after: Vec<Vec<usize>>,
    pub(super) before: Vec<Vec<usize>>,
}

impl Arrows {
    /// Arrows among `count` boxes; arrows from a box to itself mean nothing here.
    pub(super) fn new(count: usize, arrows: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut all = Arrows { after: vec![Vec::new(); count], before: vec![Vec::new(); count] };
        for (from, to) in arrows.filter(|(from, to)| from != to) {
            all.after[from].push(to);
            all.before[to].push(from);
        }
        for list in all.after.iter_mut().chain(&mut all.before) {
            list.sort_unstable();
            list.dedup();
        }
        all
    }

    /// An order in which every arrow runs forward, and where each box stands in it.
    /// Boxes on a cycle are entered at the first of them.
    pub(super) fn topological_order(&self) -> Vec<usize> {
        let count = self.after.len();
        let mut waiting: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut done = vec![false; count];
        let mut order = Vec::with_capacity(count);
        let mut ready: std::collections::BTreeSet<usize> =
            (0..count).filter(|&at| waiting[at] == 0).collect();
        let mut next_forced = 0;
        while order.len() < count {
            let at = ready.pop_first().unwrap_or_else(|| {
                while done[next_forced] {
                    next_forced += 1;
                }
                next_forced
            });
            done[at] = true;
            order.push(at);
            for &to in &self.after[at] {
                waiting[to] = waiting[to].saturating_sub(1);
                if waiting[to] == 0 && !done[to] {
                    ready.insert(to);
                }
            }
        }
        order
    }

    /// The layer of each box: one more than the furthest box before it.
    fn layers(&self) -> Vec<usize> {
        let order = self.topological_order();
        let mut rank = vec![0; order.len()];
        for (at, &node) in order.iter().enumerate() {
            rank[node] = at;
        }
        let mut layer = vec![0; order.len()];
        for &node in &order {
            let forward = self.before[node].iter().filter(|&&b| rank[b] < rank[node]);
            layer[node] = forward.map(|&b| layer[b] + 1).max().unwrap_or(0);
        }
        self.draw_sources_near(&order, &rank, &mut layer);
        layer
    }

    /// Moves what can wait to just before what needs it first: a loader stands beside its
    /// sampler, not at the far left. A box moves where that shortens its arrows, or leaves
    /// them as long and lets those before it follow.
    fn draw_sources_near(&self, order: &[usize], rank: &[usize], layer: &mut [usize]) {
        for &node in order.iter().rev() {
            let forward = self.after[node].iter().filter(|&&to| rank[to] > rank[node]);
            let Some(first) = forward.map(|&to| layer[to]).min() else { continue };
            if self.after[node].len() >= self.before[node].len() {
                layer[node] = layer[node].max(first.saturating_sub(1));
            }
        }
    }
}

/// Lays out all boxes; each starts with its size, and its position is set. Boxes without
/// arrows follow below the graph in rows. A graph that would be a long strip goes on in a
/// second band below the first, as text does.
pub(super) fn arrange_layers(boxes: &mut [LayoutBox], arrows: &Arrows) {
    let is_loose = |at: usize| arrows.after[at].is_empty() && arrows.before[at].is_empty();
    let layer_of = arrows.layers();
    let mut columns: Vec<Vec<usize>> = Vec::new();
    for at in (0..boxes.len()).filter(|&at| !is_loose(at)) {
        if columns.len() <= layer_of[at] {
            columns.resize(layer_of[at] + 1, Vec::new());
        }
        columns[layer_of[at]].push(at);
    }
    columns.retain(|column| !column.is_empty());
    reduce_crossings(&mut columns, arrows, boxes.len());
    let mut top = 0.0;
    let mut extent = LayoutBox::default();
    for band in break_into_bands(&columns, boxes) {
        let placed = place_band(band, boxes, arrows, top);
        extent = extent.around(&placed);
        top = placed.bottom() + BAND_GAP;
    }
    let loose: Vec<usize> = (0..boxes.len()).filter(|&at| is_loose(at)).collect();
    place_rows_below(boxes, &loose, extent);
}

/// The columns of a graph in bands that go below each other: one where it is not too wide.
fn break_into_bands<'c>(columns: &'c [Vec<usize>], boxes: &[LayoutBox]) -> Vec<&'c [Vec<usize>]> {
    let width = |column: &Vec<usize>| {
        column.iter().map(|&at| boxes[at].width).fold(0.0, f64::max) + COLUMN_GAP
    };
    let height = |column: &Vec<usize>| column.iter().map(|&at| boxes[at].height + ROW_GAP).sum();
    let total: f64 = columns.iter().map(width).sum();
    let tallest: f64 = columns.iter().map(height).fold(0.0, f64::max);
    let mut bands = 1.0;
    while total / bands > LEAST_BAND_WIDTH && total / bands > BAND_ASPECT * tallest * bands {
        bands += 1.0;
    }
    let limit = total / bands;
    let mut broken = Vec::new();
    let (mut start, mut used) = (0, 0.0);
    for (at, column) in columns.iter().enumerate() {
        if used > 0.0 && used + width(column) / 2.0 > limit {
            broken.push(&columns[start..at]);
            (start, used) = (at, 0.0);
        }
        used += width(column);
    }
    broken.push(&columns[start..]);
    broken
}

/// Sets columns beside each other below a line, each box about as high as what leads into it.
/// Gives the box around them.
fn place_band(
    columns: &[Vec<usize>],
    boxes: &mut [LayoutBox],
    arrows: &Arrows,
    top: f64,
) -> LayoutBox {
    let mut placed = vec![false; boxes.len()];
    let mut x = 0.0;
    for column in columns {
        let wishes: Vec<Option<f64>> = column
            .iter()
            .map(|&at| {
                let before = arrows.before[at].iter().filter(|&&from| placed[from]);
                let middles: Vec<f64> = before.map(|&from| boxes[from].middle()).collect();
                let count = middles.len() as f64;
                let middle = middles.iter().sum::<f64>() / count;
                (count > 0.0).then(|| middle - boxes[at].height / 2.0)
            })
            .collect();
        place_column(column, &wishes, boxes, x);
        for &at in column {
            placed[at] = true;
        }
        x += column.iter().map(|&at| boxes[at].width).fold(0.0, f64::max) + COLUMN_GAP;
    }
    let all = columns.iter().flatten();
    let highest = all.clone().map(|&at| boxes[at].y).fold(f64::MAX, f64::min);
    for &at in all.clone() {
        boxes[at].y = round_to_tens(boxes[at].y - highest + top).max(top);
    }
    // Rounding brings two boxes no closer than half the room between rows.
    all.map(|&at| boxes[at]).reduce(|a, b| a.around(&b)).unwrap_or_default()
}

/// Places the boxes of a column in their order, each as near to its wish as the others allow:
/// boxes that would overlap form a block, which stands where that suits all of them.
fn place_column(column: &[usize], wishes: &[Option<f64>], boxes: &mut [LayoutBox], x: f64) {
    struct Block {
        first: usize,
        height: f64,
        /// Sum of the tops that its boxes wish the block to have, and how many wish.
        wish: f64,
        count: f64,
    }
    impl Block {
        fn top(&self, otherwise: f64) -> f64 {
            if self.count > 0.0 { self.wish / self.count } else { otherwise }
        }
    }
    let mut blocks: Vec<Block> = Vec::new();
    let mut end = 0.0;
    for (at, &node) in column.iter().enumerate() {
        let height = boxes[node].height + ROW_GAP;
        let wish = wishes[at];
        let mut block = Block {
            first: at,
            height,
            wish: wish.unwrap_or_default(),
            count: f64::from(u8::from(wish.is_some())),
        };
        // A box without a wish stands below the one before it.
        while let Some(last) = blocks.last() {
            let last_end = last.top(end - last.height) + last.height;
            if block.count > 0.0 && block.top(0.0) >= last_end {
                break;
            }
            let Some(last) = blocks.pop() else { break };
            block = Block {
                first: last.first,
                height: last.height + block.height,
                wish: last.wish + block.wish - last.height * block.count,
                count: last.count + block.count,
            };
        }
        end = block.top(0.0) + block.height;
        blocks.push(block);
    }
    for (index, block) in blocks.iter().enumerate() {
        let next = blocks.get(index + 1).map_or(column.len(), |next| next.first);
        let mut y = block.top(0.0);
        for &node in &column[block.first..next] {
            (boxes[node].x, boxes[node].y) = (x, y);
            y += boxes[node].height + ROW_GAP;
        }
    }
}

/// Orders the boxes of each column by the middle of their neighbours, back and forth.
fn reduce_crossings(columns: &mut [Vec<usize>], arrows: &Arrows, count: usize) {
    let mut place = vec![0.0_f64; count];
    for column in columns.iter() {
        rank_column(column, &mut place);
    }
    for sweep in 0..CROSSING_SWEEPS {
        let forward = sweep % 2 == 0;
        let neighbours = if forward { &arrows.before } else { &arrows.after };
        let last = columns.len().saturating_sub(1);
        let turn = |step: usize| if forward { step } else { last - step };
        for step in 0..columns.len() {
            let column = &mut columns[turn(step)];
            let wish = |at: usize| {
                let near = &neighbours[at];
                match near.len() {
                    0 => place[at],
                    many => near.iter().map(|&n| place[n]).sum::<f64>() / many as f64,
                }
            };
            let mut wishes: Vec<(f64, usize)> = column.iter().map(|&at| (wish(at), at)).collect();
            wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
            column.clear();
            column.extend(wishes.into_iter().map(|(_, at)| at));
            rank_column(column, &mut place);
        }
    }
}

/// Places in a column run from 0 to 1, so that short and long columns compare.
fn rank_column(column: &[usize], place: &mut [f64]) {
    for (at, &node) in column.iter().enumerate() {
        place[node] = (at as f64 + 0.5) / column.len() as f64;
    }
}

/// Sets boxes in rows below an extent, each row about as wide as it.
pub(super) fn place_rows_below(boxes: &mut [LayoutBox], which: &[usize], extent: LayoutBox) {
    let limit = extent.right().max(extent.x + 1200.0);
    let (mut x, mut y, mut row_bottom) = (extent.x, extent.bottom(), extent.bottom());
    if extent.height > 0.0 {
        y += COLUMN_GAP;
        row_bottom = y;
    }
    for &at in which {
        if x > extent.x && x + boxes[at].width > limit {
            (x, y) = (extent.x, row_bottom + ROW_GAP);
        }
        (boxes[at].x, boxes[at].y) = (x, y);
        x = boxes[at].right() + COLUMN_GAP;
        row_bottom = row_bottom.max(boxes[at].bottom());
    }
}

/// Sets boxes in columns on the left of an extent, each about as high as it.
pub(super) fn place_columns_left(boxes: &mut [LayoutBox], which: &[usize], extent: LayoutBox) {
    let limit = extent.bottom().max(extent.y + 900.0);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new()];
    let mut y = extent.y;
    for &at in which {
        if y > extent.y && y + boxes[at].height > limit {
            columns.push(Vec::new());
            y = extent.y;
        }
        boxes[at].y = y;
        y = boxes[at].bottom() + ROW_GAP;
        if let Some(column) = columns.last_mut() {
            column.push(at);
        }
    }
    let mut right = extent.x;
    for column in columns.iter().rev() {
        right -= column.iter().map(|&at| boxes[at].width).fold(0.0, f64::max) + COLUMN_GAP;
        for &at in column {
            boxes[at].x = right;
        }
    }
}

/// How sure a box's place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoxPosition {
    /// It stays where it is, whatever it covers.
    Fixed,
    /// It has no place.
    None,
}

/// The nearest place where a box covers none of the obstacles.
pub(super) fn nearest_clear_place(rect: LayoutBox, obstacles: &[LayoutBox]) -> LayoutBox {
    let is_clear = |rect: &LayoutBox| !obstacles.iter().any(|obstacle| obstacle.overlaps(rect));
    if is_clear(&rect) {
        return rect;
    }
    // The nearest clear place touches an obstacle, or two of them.
    let near = |mut places: Vec<f64>, from: f64| {
        places.sort_by(|a, b| (a - from).abs().total_cmp(&(b - from).abs()));
        places.dedup();
        places
    };
    let beside = obstacles.iter().flat_map(|o| [o.right().ceil(), (o.x - rect.width).floor()]);
    let beside = near(beside.chain([rect.x]).collect(), rect.x);
    let above = obstacles.iter().flat_map(|o| [o.bottom().ceil(), (o.y - rect.height).floor()]);
    let above = near(above.chain([rect.y]).collect(), rect.y);
    let distance = |at: &LayoutBox| (at.x - rect.x).hypot(at.y - rect.y);
    let mut best: Option<LayoutBox> = None;
    let mut try_at = |x: f64, y: f64| {
        let at = LayoutBox { x, y, ..rect };
        if best.is_none_or(|best| distance(&at) < distance(&best)) && is_clear(&at) {
            best = Some(at);
        }
    };
    beside.iter().for_each(|&x| try_at(x, rect.y));
    above.iter().for_each(|&y| try_at(rect.x, y));
    if obstacles.len() <= MAX_CORNER_OBSTACLES {
        for &x in &beside {
            above.iter().for_each(|&y| try_at(x, y));
        }
    }
    best.unwrap_or(rect)
}

/// Among more obstacles a box moves along one axis only: corners are tried in pairs.
const MAX_CORNER_OBSTACLES: usize = 200;

/// Finds free places for the boxes that have none, beside their neighbours where they
/// have some, below everything where not. Afterwards every box is [`BoxPosition::Fixed`].
pub(super) fn place_beside(boxes: &mut [LayoutBox], holds: &mut [BoxPosition], arrows: &Arrows) {
    let mut taken = OccupiedCells::default();
    let mut placed: Vec<bool> = holds.iter().map(|hold| *hold != BoxPosition::None).collect();
    for at in (0..boxes.len()).filter(|&at| holds[at] == BoxPosition::Fixed) {
        taken.insert(boxes[at]);
    }
    holds.fill(BoxPosition::Fixed);
    let known = (0..boxes.len()).filter(|&at| placed[at]).map(|at| boxes[at]);
    let extent = known.reduce(|a, b| a.around(&b)).unwrap_or_default();
    let order = arrows.topological_order();
    // Once with the flow, for what hangs off a placed box; then against it, for what
    // only leads into one; what is left belongs to no placed box.
    for against in [false, true] {
        let mut turn: Vec<usize> = order.clone();
        if against {
            turn.reverse();
        }
        for at in turn {
            if !placed[at]
                && let Some(wish) = preferred_place(boxes, &placed, arrows, at)
            {
                boxes[at] = taken.claim_place(wish);
                placed[at] = true;
            }
        }
    }
    let left: Vec<usize> = (0..boxes.len()).filter(|&at| !placed[at]).collect();
    if left.is_empty() {
        return;
    }
    let mut alone: Vec<LayoutBox> = left.iter().map(|&at| boxes[at]).collect();
    let place_of: HashMap<usize, usize> = left.iter().enumerate().map(|(a, &b)| (b, a)).collect();
    let inner = left.iter().enumerate().flat_map(|(from, &at)| {
        let to = arrows.after[at].iter().filter_map(|to| place_of.get(to));
        to.map(move |&to| (from, to))
    });
    let inner = Arrows::new(alone.len(), inner.collect::<Vec<_>>().into_iter());
    arrange_layers(&mut alone, &inner);
    let below = extent.bottom() + COLUMN_GAP;
    for (&at, alone) in left.iter().zip(&alone) {
        let wish = LayoutBox { x: extent.x + alone.x, y: below + alone.y, ..*alone };
        boxes[at] = taken.claim_place(wish);
        placed[at] = true;
    }
}

/// Right of the boxes that lead into it, at their height; else left of those it leads to.
fn preferred_place(
    boxes: &[LayoutBox],
    placed: &[bool],
    arrows: &Arrows,
    at: usize,
) -> Option<LayoutBox> {
    let near = |list: &[usize]| -> Vec<LayoutBox> {
        list.iter().filter(|&&n| placed[n]).map(|&n| boxes[n]).collect()
    };
    let (before, after) = (near(&arrows.before[at]), near(&arrows.after[at]));
    let own = boxes[at];
    let average = |rects: &[LayoutBox]| {
        rects.iter().map(LayoutBox::middle).sum::<f64>() / rects.len() as f64 - own.height / 2.0
    };
    if !before.is_empty() {
        let x = before.iter().map(LayoutBox::right).fold(f64::MIN, f64::max) + COLUMN_GAP;
        return Some(LayoutBox { x, y: average(&before), ..own });
    }
    if after.is_empty() {
        return None;
    }
    let x = after.iter().map(|r| r.x).fold(f64::MAX, f64::min) - COLUMN_GAP - own.width;
    Some(LayoutBox { x, y: average(&after), ..own })
}

/// Boxes that are taken, found by the cells they touch.
#[derive(Debug, Default)]
struct OccupiedCells {
    cells: HashMap<(i64, i64), Vec<LayoutBox>>,
}

impl OccupiedCells {
    fn touched_cells(rect: &LayoutBox) -> impl Iterator<Item = (i64, i64)> + use<> {
        let cell = |at: f64| (at / CELL_SIZE).floor() as i64;
        let (left, right) = (cell(rect.x), cell(rect.right()));
        let (top, bottom) = (cell(rect.y), cell(rect.bottom()));
        (left..=right).flat_map(move |x| (top..=bottom).map(move |y| (x, y)))
    }

    fn insert(&mut self, rect: LayoutBox) {
        for cell in OccupiedCells::touched_cells(&rect) {
            self.cells.entry(cell).or_default().push(rect);
        }
    }

    /// Moves a wish down until nothing is in its way, and takes the place.
    fn claim_place(&mut self, mut wish: LayoutBox) -> LayoutBox {
        (wish.x, wish.y) = (round_to_tens(wish.x), round_to_tens(wish.y));
        while let Some(bottom) = self.lowest_overlap(&wish) {
            wish.y = (bottom + ROW_GAP).max(wish.y + 10.0);
            wish.y = (wish.y / 10.0).ceil() * 10.0;
        }
        self.insert(wish);
        wish
    }

    fn lowest_overlap(&self, wish: &LayoutBox) -> Option<f64> {
        let near =
            OccupiedCells::touched_cells(wish).filter_map(|cell| self.cells.get(&cell)).flatten();
        near.filter(|rect| rect.overlaps(wish)).map(LayoutBox::bottom).reduce(f64::max)
    }
}

fn round_to_tens(value: f64) -> f64 {
    (value / 10.0).round() * 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graphs() -> impl Strategy<Value = (Vec<LayoutBox>, Vec<(usize, usize)>)> {
        (1..40_usize).prop_flat_map(|count| {
            let sizes = proptest::collection::vec((50..400_u32, 40..500_u32), count);
            let arrows = proptest::collection::vec((0..count, 0..count), 0..count * 2);
            (sizes, arrows).prop_map(|(sizes, arrows)| {
                let size =
                    |(w, h)| LayoutBox { width: f64::from(w), height: f64::from(h), x: 0., y: 0. };
                (sizes.into_iter().map(size).collect(), arrows)
            })
        })
    }

    fn overlapping(boxes: &[LayoutBox]) -> Option<(usize, usize)> {
        (0..boxes.len())
            .flat_map(|a| (0..a).map(move |b| (b, a)))
            .find(|&(a, b)| boxes[a].overlaps(&boxes[b]))
    }

    proptest! {
        #[test]
        fn nothing_overlaps_and_arrows_run_forward((mut boxes, arrows) in graphs()) {
            let forward: Vec<_> = arrows.into_iter().filter(|(a, b)| a < b).collect();
            let all = Arrows::new(boxes.len(), forward.iter().copied());
            arrange_layers(&mut boxes, &all);
            prop_assert_eq!(overlapping(&boxes), None);
            for (from, to) in forward {
                let (from, to) = (boxes[from], boxes[to]);
                // To the right, or into a band further down.
                prop_assert!(from.right() < to.x || from.bottom() < to.y);
            }
        }

        #[test]
        fn cycles_are_laid_out_too((mut boxes, arrows) in graphs()) {
            let all = Arrows::new(boxes.len(), arrows.into_iter());
            let mut again = boxes.clone();
            arrange_layers(&mut boxes, &all);
            arrange_layers(&mut again, &all);
            prop_assert_eq!(overlapping(&boxes), None);
            prop_assert_eq!(boxes, again);
        }

        #[test]
        fn new_boxes_find_free_places(
            (mut boxes, arrows) in graphs(),
            which in proptest::collection::vec(any::<bool>(), 40),
        ) {
            let all = Arrows::new(boxes.len(), arrows.into_iter());
            arrange_layers(&mut boxes, &all);
            let hold = |is: &bool| if *is { BoxPosition::Fixed } else { BoxPosition::None };
            let mut holds: Vec<BoxPosition> = which[..boxes.len()].iter().map(hold).collect();
            let before = boxes.clone();
            place_beside(&mut boxes, &mut holds, &all);
            prop_assert_eq!(overlapping(&boxes), None);
            for at in (0..boxes.len()).filter(|&at| which[at]) {
                prop_assert_eq!(boxes[at], before[at]);
            }
        }
    }

    #[test]
    fn a_box_moves_aside_by_the_least_that_clears_it() {
        let square = |x: f64, y: f64| LayoutBox { x, y, width: 100.0, height: 100.0 };
        let obstacles = [square(0.0, 0.0), square(0.0, 100.0)];
        assert_eq!(nearest_clear_place(square(300.0, 0.0), &obstacles), square(300.0, 0.0));
        assert_eq!(nearest_clear_place(square(90.0, 0.0), &obstacles), square(100.0, 0.0));
        assert_eq!(nearest_clear_place(square(30.0, -95.0), &obstacles), square(30.0, -100.0));
        let corner = [square(0.0, 0.0), square(110.0, -60.0)];
        let moved = nearest_clear_place(square(60.0, 5.0), &corner);
        assert!(corner.iter().all(|obstacle| !obstacle.overlaps(&moved)), "{moved:?}");
    }
}
