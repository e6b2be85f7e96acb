//! A picture of any size to a grid of 64 x 64, each cell the exact average of the area it
//! covers. Rows come one at a time.

/// Cells along a side.
pub(super) const GRID_SIDE: usize = 64;

/// Average luma of each cell in 1/256 of a level, row by row.
pub(super) type LumaGrid = [[u32; GRID_SIDE]; GRID_SIDE];

/// A picture being shrunk.
///
/// Along an axis of `n` pixels, pixel `i` covers `64 i .. 64 (i + 1)` and cell `c` covers
/// `n c .. n (c + 1)` on one scale of whole numbers; the length both share is the weight
/// of the pixel in the cell, and a cell's weights sum up to `n`.
pub(super) struct PictureShrinker {
    width: usize,
    height: usize,
    /// The index of the next row.
    row: usize,
    /// The row of cells being filled.
    cell_row: usize,
    /// Weighted sums down the columns of the picture. At most 255 times the height.
    columns: Vec<u32>,
    grid: Box<LumaGrid>,
}

impl PictureShrinker {
    /// For a picture of at least one pixel.
    pub(super) fn new(width: usize, height: usize) -> Self {
        let grid = Box::new([[0; GRID_SIDE]; GRID_SIDE]);
        PictureShrinker { width, height, row: 0, cell_row: 0, columns: vec![0; width], grid }
    }

    /// Whether every row was given.
    pub(super) fn is_complete(&self) -> bool {
        self.row == self.height
    }

    /// The next row of luma. Rows beyond the height, or of another width, are ignored.
    pub(super) fn push_row(&mut self, luma: &[u8]) {
        if self.is_complete() || luma.len() != self.width {
            return;
        }
        let end = (self.row + 1) * GRID_SIDE;
        let mut at = self.row * GRID_SIDE;
        while at < end {
            let cell_end = (self.cell_row + 1) * self.height;
            let weight = u32::try_from(cell_end.min(end) - at).unwrap_or(0);
            for (sum, luma) in self.columns.iter_mut().zip(luma) {
                *sum += u32::from(*luma) * weight;
            }
            at = cell_end.min(end);
            if at == cell_end {
                self.close_cell_row();
            }
        }
        self.row += 1;
    }

    /// Shares the column sums out to the cells of a row.
    fn close_cell_row(&mut self) {
        let mut sums = [0u64; GRID_SIDE];
        let mut cell = 0;
        for (x, sum) in self.columns.iter_mut().enumerate() {
            let (mut at, end) = (x * GRID_SIDE, (x + 1) * GRID_SIDE);
            while at < end {
                let cell_end = (cell + 1) * self.width;
                let next = cell_end.min(end);
                sums[cell] += u64::from(*sum) * (next - at) as u64;
                at = next;
                if at == cell_end {
                    cell += 1;
                }
            }
            *sum = 0;
        }
        let area = self.width as u64 * self.height as u64;
        for (cell, sum) in self.grid[self.cell_row].iter_mut().zip(sums) {
            *cell = u32::try_from(sum * 256 / area).unwrap_or(u32::MAX);
        }
        self.cell_row += 1;
    }

    /// The grid; nothing while rows are missing.
    pub(super) fn finish(self) -> Option<LumaGrid> {
        self.is_complete().then_some(*self.grid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrunk(width: usize, height: usize, luma: impl Fn(usize, usize) -> u8) -> LumaGrid {
        let mut shrink = PictureShrinker::new(width, height);
        for y in 0..height {
            let row: Vec<u8> = (0..width).map(|x| luma(x, y)).collect();
            shrink.push_row(&row);
        }
        shrink.finish().unwrap()
    }

    #[test]
    fn every_size_keeps_an_even_colour() {
        for (width, height) in [(1, 1), (3, 200), (63, 65), (64, 64), (1000, 7), (513, 511)] {
            assert_eq!(shrunk(width, height, |_, _| 200), [[200 * 256; GRID_SIDE]; GRID_SIDE]);
        }
    }

    #[test]
    fn cells_average_the_area_they_cover() {
        let halves = shrunk(3, 1, |x, _| if x == 1 { 255 } else { 0 });
        // A third of the width is 21 1/3 cells.
        assert_eq!(halves[0][20], 0);
        assert_eq!(halves[0][21], 255 * 256 * 2 / 3);
        assert_eq!(halves[0][22], 255 * 256);
        let stripes = shrunk(128, 128, |_, y| if y % 2 == 0 { 100 } else { 200 });
        assert_eq!(stripes, [[150 * 256; GRID_SIDE]; GRID_SIDE]);
    }

    #[test]
    fn missing_rows_give_nothing() {
        let mut shrink = PictureShrinker::new(4, 4);
        shrink.push_row(&[0; 4]);
        shrink.push_row(&[0; 3]);
        assert!(shrink.finish().is_none());
    }
}
