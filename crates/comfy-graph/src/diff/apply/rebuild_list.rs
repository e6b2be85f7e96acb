//! Lists from which elements are taken and into which others are put.

/// A list again: what stayed, in its order, with the new elements at their indices. An
/// index beyond the end is the end.
pub(in crate::diff) fn rebuild_list<T>(
    stayed: impl IntoIterator<Item = T>,
    mut placed: Vec<(usize, T)>,
) -> Vec<T> {
    placed.sort_by_key(|(at, _)| *at);
    let stayed = stayed.into_iter();
    let mut list = Vec::with_capacity(stayed.size_hint().0 + placed.len());
    let mut placed = placed.into_iter().peekable();
    for element in stayed {
        while let Some((_, next)) = placed.next_if(|(at, _)| *at <= list.len()) {
            list.push(next);
        }
        list.push(element);
    }
    list.extend(placed.map(|(_, element)| element));
    list
}

#[cfg(test)]
mod tests {
    use super::rebuild_list;

    #[test]
    fn elements_land_where_they_are_sent() {
        assert_eq!(rebuild_list(["a", "b"], vec![(3, "y"), (0, "x")]), ["x", "a", "b", "y"]);
        assert_eq!(rebuild_list(["a"], vec![(0, "x"), (1, "y")]), ["x", "y", "a"]);
        assert_eq!(rebuild_list([], vec![(9, "x")]), ["x"]);
    }
}
