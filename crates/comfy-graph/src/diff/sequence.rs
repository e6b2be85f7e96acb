//! Orders: which elements of a list stayed in order, so that the fewest must be said to
//! have moved.

/// The longest strictly rising part of a list of different numbers, in n log n steps.
pub(super) fn longest_increasing_subsequence(numbers: &[usize]) -> Vec<usize> {
    // For each length, the index of the smallest number that ends a rise of that length.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(numbers.len());
    for (at, &number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|&end| numbers[end] < number);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut rise = Vec::with_capacity(ends.len());
    let mut at = ends.last().copied();
    while let Some(index) = at {
        rise.push(numbers[index]);
        at = before[index];
    }
    rise.reverse();
    rise
}

/// The most elements that two lists have in common in one order, as pairs of indices.
/// Lists whose product of lengths is beyond `2^20` are compared at their ends only.
pub(super) fn longest_common_subsequence(
    old: usize,
    new: usize,
    same: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let start = (0..old.min(new)).take_while(|&at| same(at, at)).count();
    let rest = old.min(new) - start;
    let end = (1..=rest).take_while(|&back| same(old - back, new - back)).count();
    let (rows, columns) = (old - start - end, new - start - end);
    let mut pairs: Vec<(usize, usize)> = (0..start).map(|at| (at, at)).collect();
    if rows.saturating_mul(columns) <= 1 << 20 {
        pairs.extend(common_middle(start, rows, columns, &same));
    }
    pairs.extend((1..=end).rev().map(|back| (old - back, new - back)));
    pairs
}

fn common_middle(
    start: usize,
    rows: usize,
    columns: usize,
    same: &impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    // The length of the longest common part of what follows each pair of places.
    let mut lengths = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            lengths[row][column] = match same(start + row, start + column) {
                true => lengths[row + 1][column + 1] + 1,
                false => lengths[row + 1][column].max(lengths[row][column + 1]),
            };
        }
    }
    let mut pairs = Vec::new();
    let (mut row, mut column) = (0, 0);
    while row < rows && column < columns {
        if same(start + row, start + column) {
            pairs.push((start + row, start + column));
            (row, column) = (row + 1, column + 1);
        } else if lengths[row + 1][column] >= lengths[row][column + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_lists_share_is_found_in_order() {
        let common = |old: &str, new: &str| {
            let (old, new) = (old.as_bytes(), new.as_bytes());
            let pairs = longest_common_subsequence(old.len(), new.len(), |a, b| old[a] == new[b]);
            assert!(pairs.is_sorted(), "{pairs:?}");
            pairs.into_iter().map(|(at, _)| char::from(old[at])).collect::<String>()
        };
        assert_eq!(common("abcd", "axbcd"), "abcd");
        assert_eq!(common("abcd", "acd"), "acd");
        assert_eq!(common("aXbYc", "abc"), "abc");
        assert_eq!(common("aaa", "aa"), "aa");
        assert_eq!(common("", "a"), "");
    }
    use proptest::prelude::*;

    #[test]
    fn the_longest_rise() {
        assert_eq!(longest_increasing_subsequence(&[]), [0; 0]);
        assert_eq!(longest_increasing_subsequence(&[0, 1, 2]), [0, 1, 2]);
        assert_eq!(longest_increasing_subsequence(&[2, 0, 1]), [0, 1]);
        assert_eq!(longest_increasing_subsequence(&[2, 1, 0]).len(), 1);
    }

    proptest! {
        #[test]
        fn it_rises_and_comes_from_the_list(
            numbers in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let rise = longest_increasing_subsequence(&numbers);
            prop_assert!(rise.is_sorted());
            let mut left = numbers.iter();
            prop_assert!(rise.iter().all(|n| left.any(|m| m == n)));
        }
    }
}
