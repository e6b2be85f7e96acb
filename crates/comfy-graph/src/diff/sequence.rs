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

#[cfg(test)]
mod tests {
    use super::*;
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
