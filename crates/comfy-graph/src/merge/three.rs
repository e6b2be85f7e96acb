//! The three-way rule, once: what became of a thing on its way from the base to each side.
//!
//! Everything that is merged is brought into a [`Three`] and settled here: a widget, a
//! title, a wire, the presence of a node. Must not know what the thing is.

use crate::json::Value;

/// One of the three documents of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The common ancestor.
    Base,
    /// The side that is merged into.
    Ours,
    /// The side that is merged.
    Theirs,
}

impl Side {
    /// `base`, `ours` or `theirs`, as in commands and in files.
    pub fn word(self) -> &'static str {
        match self {
            Side::Base => "base",
            Side::Ours => "ours",
            Side::Theirs => "theirs",
        }
    }

    /// The other of the two sides; the base has none.
    pub fn other(self) -> Side {
        match self {
            Side::Base => Side::Base,
            Side::Ours => Side::Theirs,
            Side::Theirs => Side::Ours,
        }
    }
}

/// The same thing in the three documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Three<T> {
    /// In the common ancestor.
    pub base: T,
    /// On the side that is merged into.
    pub ours: T,
    /// On the side that is merged.
    pub theirs: T,
}

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Neither side changed it.
    Unchanged,
    /// Only ours changed it.
    Ours,
    /// Only theirs changed it.
    Theirs,
    /// Both sides made the same change.
    Alike,
    /// Both sides changed it, and not to the same.
    Apart,
}

impl<T> Three<T> {
    /// The three in their order.
    pub fn new(base: T, ours: T, theirs: T) -> Self {
        Three { base, ours, theirs }
    }

    /// One of the three.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::Base => &self.base,
            Side::Ours => &self.ours,
            Side::Theirs => &self.theirs,
        }
    }

    /// Something of each.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Three<U> {
        Three { base: f(self.base), ours: f(self.ours), theirs: f(self.theirs) }
    }

    /// Each by reference.
    pub fn as_ref(&self) -> Three<&T> {
        Three { base: &self.base, ours: &self.ours, theirs: &self.theirs }
    }

    /// Settles by a notion of sameness.
    pub fn settle_by(&self, mut same: impl FnMut(&T, &T) -> bool) -> Outcome {
        if same(&self.ours, &self.theirs) {
            return match same(&self.ours, &self.base) {
                true => Outcome::Unchanged,
                false => Outcome::Alike,
            };
        }
        if same(&self.ours, &self.base) {
            return Outcome::Theirs;
        }
        if same(&self.theirs, &self.base) {
            return Outcome::Ours;
        }
        Outcome::Apart
    }
}

impl<T: PartialEq> Three<T> {
    /// Settles by equality.
    pub fn settle(&self) -> Outcome {
        self.settle_by(|a, b| a == b)
    }
}

impl Three<Option<&Value>> {
    /// Settles values: by spelling first, so that a side which only respelled a number
    /// still counts as the one that changed it, and then by meaning, so that it never
    /// stands against a real change.
    pub fn settle_values(&self) -> Outcome {
        match self.settle() {
            Outcome::Apart => self.settle_by(|a, b| match (a, b) {
                (Some(a), Some(b)) => a.same(b),
                (a, b) => a.is_none() && b.is_none(),
            }),
            outcome => outcome,
        }
    }

    /// The three as values of their own.
    pub fn cloned(&self) -> Three<Option<Value>> {
        self.map(|value| value.cloned())
    }
}

impl Outcome {
    /// The side whose state stands. Conflicts keep ours.
    pub fn winner(self) -> Side {
        match self {
            Outcome::Theirs => Side::Theirs,
            _ => Side::Ours,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn one_rule_for_everything() {
        let settle = |b, o, t| Three::new(b, o, t).settle();
        assert_eq!(settle(1, 1, 1), Outcome::Unchanged);
        assert_eq!(settle(1, 2, 1), Outcome::Ours);
        assert_eq!(settle(1, 1, 2), Outcome::Theirs);
        assert_eq!(settle(1, 2, 2), Outcome::Alike);
        assert_eq!(settle(1, 2, 3), Outcome::Apart);
    }

    #[test]
    fn a_respelled_number_never_stands_against_a_change() {
        let values = ["1", "1.0", "2"].map(|text| parse_text(text).unwrap());
        let [one, one_again, two] = values.each_ref().map(Some);
        let settle = |b, o, t| Three::new(b, o, t).settle_values();
        assert_eq!(settle(one, one_again, one), Outcome::Ours);
        assert_eq!(settle(one, one_again, two), Outcome::Theirs);
        assert_eq!(settle(None, one, one_again), Outcome::Alike);
        assert_eq!(settle(None, one, two), Outcome::Apart);
        assert_eq!(settle(one, None, two), Outcome::Apart);
    }
}
