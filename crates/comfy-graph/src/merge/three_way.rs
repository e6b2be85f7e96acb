//! The three-way rule, once: what became of a thing on its way from the base to each side.
//!
//! Everything that is merged is brought into a [`ThreeWay`] and settled here: a widget, a
//! title, a wire, the presence of a node. Must not know what the thing is.

use crate::json::Value;

/// One of the three documents of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MergeSide {
    /// The common ancestor.
    Base,
    /// The side that is merged into.
    Ours,
    /// The side that is merged.
    Theirs,
}

impl MergeSide {
    /// `base`, `ours` or `theirs`, as in commands and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            MergeSide::Base => "base",
            MergeSide::Ours => "ours",
            MergeSide::Theirs => "theirs",
        }
    }

    /// The other of the two sides; the base has none.
    pub fn other(self) -> MergeSide {
        match self {
            MergeSide::Base => MergeSide::Base,
            MergeSide::Ours => MergeSide::Theirs,
            MergeSide::Theirs => MergeSide::Ours,
        }
    }
}

/// The same thing in the three documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreeWay<T> {
    /// In the common ancestor.
    pub base: T,
    /// On the side that is merged into.
    pub ours: T,
    /// On the side that is merged.
    pub theirs: T,
}

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreeWayOutcome {
    /// Neither side changed it.
    Unchanged,
    /// Only ours changed it.
    Ours,
    /// Only theirs changed it.
    Theirs,
    /// Both sides made the same change.
    SameChange,
    /// Both sides changed it, and not to the same.
    Conflicting,
}

impl<T> ThreeWay<T> {
    /// The three in their order.
    pub fn new(base: T, ours: T, theirs: T) -> Self {
        ThreeWay { base, ours, theirs }
    }

    /// One of the three.
    pub fn get(&self, side: MergeSide) -> &T {
        match side {
            MergeSide::Base => &self.base,
            MergeSide::Ours => &self.ours,
            MergeSide::Theirs => &self.theirs,
        }
    }

    /// One of the three, to change.
    pub(super) fn get_mut(&mut self, side: MergeSide) -> &mut T {
        match side {
            MergeSide::Base => &mut self.base,
            MergeSide::Ours => &mut self.ours,
            MergeSide::Theirs => &mut self.theirs,
        }
    }

    /// Something of each.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> ThreeWay<U> {
        ThreeWay { base: f(self.base), ours: f(self.ours), theirs: f(self.theirs) }
    }

    /// Each by reference.
    pub fn as_ref(&self) -> ThreeWay<&T> {
        ThreeWay { base: &self.base, ours: &self.ours, theirs: &self.theirs }
    }

    /// Settles by a notion of sameness.
    pub(crate) fn settle_by(&self, mut same: impl FnMut(&T, &T) -> bool) -> ThreeWayOutcome {
        if same(&self.ours, &self.theirs) {
            return match same(&self.ours, &self.base) {
                true => ThreeWayOutcome::Unchanged,
                false => ThreeWayOutcome::SameChange,
            };
        }
        if same(&self.ours, &self.base) {
            return ThreeWayOutcome::Theirs;
        }
        if same(&self.theirs, &self.base) {
            return ThreeWayOutcome::Ours;
        }
        ThreeWayOutcome::Conflicting
    }
}

impl<T: PartialEq> ThreeWay<T> {
    /// Settles by equality.
    pub fn settle(&self) -> ThreeWayOutcome {
        self.settle_by(|a, b| a == b)
    }
}

impl ThreeWay<Option<&Value>> {
    /// Settles values: by spelling first, so that a side which only respelled a number
    /// still counts as the one that changed it, and then by meaning, so that it never
    /// stands against a real change.
    pub(crate) fn settle_values(&self) -> ThreeWayOutcome {
        match self.settle() {
            ThreeWayOutcome::Conflicting => self.settle_by(|a, b| match (a, b) {
                (Some(a), Some(b)) => a.is_equivalent(b),
                (a, b) => a.is_none() && b.is_none(),
            }),
            outcome => outcome,
        }
    }

    /// The three as values of their own.
    pub fn cloned(&self) -> ThreeWay<Option<Value>> {
        self.map(|value| value.cloned())
    }
}

impl ThreeWayOutcome {
    /// The side whose state stands. Conflicts keep ours.
    pub fn winning_side(self) -> MergeSide {
        match self {
            ThreeWayOutcome::Theirs => MergeSide::Theirs,
            _ => MergeSide::Ours,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn one_rule_for_everything() {
        let settle = |b, o, t| ThreeWay::new(b, o, t).settle();
        assert_eq!(settle(1, 1, 1), ThreeWayOutcome::Unchanged);
        assert_eq!(settle(1, 2, 1), ThreeWayOutcome::Ours);
        assert_eq!(settle(1, 1, 2), ThreeWayOutcome::Theirs);
        assert_eq!(settle(1, 2, 2), ThreeWayOutcome::SameChange);
        assert_eq!(settle(1, 2, 3), ThreeWayOutcome::Conflicting);
    }

    #[test]
    fn a_respelled_number_never_stands_against_a_change() {
        let values = ["1", "1.0", "2"].map(|text| parse_text(text).unwrap());
        let [one, one_again, two] = values.each_ref().map(Some);
        let settle = |b, o, t| ThreeWay::new(b, o, t).settle_values();
        assert_eq!(settle(one, one_again, one), ThreeWayOutcome::Ours);
        assert_eq!(settle(one, one_again, two), ThreeWayOutcome::Theirs);
        assert_eq!(settle(None, one, one_again), ThreeWayOutcome::SameChange);
        assert_eq!(settle(None, one, two), ThreeWayOutcome::Conflicting);
        assert_eq!(settle(one, None, two), ThreeWayOutcome::Conflicting);
    }
}
