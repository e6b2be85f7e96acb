//! One thing or several.

use std::fmt::Display;

/// `1 node`, `2 nodes`: the number and its noun. The noun comes in both forms, so that it can
/// be searched for and need not be regular.
pub(crate) fn counted<N>(count: N, one: &str, many: &str) -> String
where
    N: Display + Copy + PartialEq + From<u8>,
{
    format!("{count} {}", plural(count, one, many))
}

/// The form of a word that goes with a number.
pub(crate) fn plural<'w, N>(count: N, one: &'w str, many: &'w str) -> &'w str
where
    N: PartialEq + From<u8>,
{
    if count == N::from(1) { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        let nodes = |count: usize| counted(count, "node", "nodes");
        assert_eq!([nodes(0), nodes(1), nodes(2)], ["0 nodes", "1 node", "2 nodes"]);
        assert_eq!(plural(1_u64, "is", "are"), "is");
    }
}
