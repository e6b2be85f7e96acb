//! The table from a place to the rule that settles it when both sides changed it.
//!
//! Every row can be set in git's configuration as `comfy.merge.<class>`. Must not know
//! where settings come from.

use std::fmt;
use std::str::FromStr;

use super::conflict::{ConflictKind, MergePlace};
use super::three_way::MergeSide;

/// A kind of change that has a rule of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeClass {
    /// Numbers that a run re-rolls.
    Seeds,
    /// Prompt texts and notes.
    Texts,
    /// Every other value of a widget.
    Values,
    /// What feeds an input.
    Wires,
    /// Removed by one side, changed by the other.
    Removals,
    /// Titles of nodes and groups, labels of slots, names of subgraphs.
    Titles,
    /// Muted, bypassed or running.
    Modes,
    /// Colours, shapes, and settings of the editor that a file carries along.
    Looks,
    /// Everything else.
    Other,
}

/// How a change of both sides is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MergeRule {
    /// As well as can be without guessing; what cannot is a conflict. For seeds: ours, if
    /// both merely re-rolled; for texts: by words; for looks: ours.
    Auto,
    /// Ours stands.
    Ours,
    /// Theirs stands.
    Theirs,
    /// Always a conflict, also where `Auto` would find a way.
    Conflict,
}

/// What each class is for, its word in git's configuration, and its rule where nobody set
/// one.
const CLASS_KEYS: [(ChangeClass, &str); 9] = [
    (ChangeClass::Seeds, "seeds"),
    (ChangeClass::Texts, "texts"),
    (ChangeClass::Values, "values"),
    (ChangeClass::Wires, "wires"),
    (ChangeClass::Removals, "removals"),
    (ChangeClass::Titles, "titles"),
    (ChangeClass::Modes, "modes"),
    (ChangeClass::Looks, "looks"),
    (ChangeClass::Other, "other"),
];

impl ChangeClass {
    /// All classes.
    pub fn all() -> impl Iterator<Item = ChangeClass> {
        CLASS_KEYS.iter().map(|(class, _)| *class)
    }

    /// The last part of its key in git's configuration.
    pub fn key(self) -> &'static str {
        CLASS_KEYS.iter().find(|(class, _)| *class == self).map_or("other", |(_, key)| key)
    }

    /// The class that a key stands for.
    pub fn from_key(key: &str) -> Option<ChangeClass> {
        CLASS_KEYS.iter().find(|(_, known)| *known == key).map(|(class, _)| *class)
    }

    /// The class of a conflict, as far as its place decides it. For
    /// widgets it takes their roles, so `widgets` says it itself.
    pub(super) fn of_conflict(kind: ConflictKind, place: Option<&MergePlace>) -> ChangeClass {
        match (kind, place) {
            (ConflictKind::RemovedByOurs | ConflictKind::RemovedByTheirs, _) => {
                ChangeClass::Removals
            }
            (_, Some(MergePlace::Widget(_) | MergePlace::Choice(_) | MergePlace::Widgets)) => {
                ChangeClass::Values
            }
            (_, Some(MergePlace::Input(_) | MergePlace::Boundary(_))) => ChangeClass::Wires,
            (_, Some(MergePlace::InputKey(_, key))) if key == "label" => ChangeClass::Titles,
            (
                _,
                Some(
                    MergePlace::Key(path)
                    | MergePlace::Graph(path)
                    | MergePlace::Group { path, .. },
                ),
            ) => match path.to_string().as_str() {
                "/title" | "/name" | "/_meta/title" => ChangeClass::Titles,
                "/mode" => ChangeClass::Modes,
                _ => ChangeClass::Other,
            },
            _ => ChangeClass::Other,
        }
    }
}

impl fmt::Display for MergeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MergeRule::Auto => "auto",
            MergeRule::Ours => "ours",
            MergeRule::Theirs => "theirs",
            MergeRule::Conflict => "conflict",
        })
    }
}

/// A text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no rule for a merge: use auto, ours, theirs or conflict")]
pub struct InvalidMergeRule(String);

impl FromStr for MergeRule {
    type Err = InvalidMergeRule;

    fn from_str(word: &str) -> Result<Self, InvalidMergeRule> {
        [MergeRule::Auto, MergeRule::Ours, MergeRule::Theirs, MergeRule::Conflict]
            .into_iter()
            .find(|rule| rule.to_string() == word)
            .ok_or_else(|| InvalidMergeRule(word.to_owned()))
    }
}

/// The rules of one merge.
#[derive(Debug, Clone, Default)]
pub struct MergeStrategies {
    rules: Vec<(ChangeClass, MergeRule)>,
    favour: Option<MergeSide>,
}

impl MergeStrategies {
    /// Sets the rule of a class.
    pub fn set_rule(&mut self, class: ChangeClass, rule: MergeRule) {
        self.rules.retain(|(known, _)| *known != class);
        self.rules.push((class, rule));
    }

    /// Settles every conflict in favour of a side, as git's `-X ours` does for texts. A
    /// rule that somebody set for a class comes first.
    pub fn favour_side(&mut self, side: MergeSide) {
        self.favour = Some(side);
    }

    /// The rule of a class.
    pub fn rule(&self, class: ChangeClass) -> MergeRule {
        let set = self.rules.iter().find(|(known, _)| *known == class);
        set.map_or(MergeRule::Auto, |(_, rule)| *rule)
    }

    /// The rule that decides about what would be a conflict.
    pub(super) fn conflict_rule(&self, class: ChangeClass) -> MergeRule {
        match (self.rule(class), self.favour) {
            (MergeRule::Auto, Some(MergeSide::Ours)) => MergeRule::Ours,
            (MergeRule::Auto, Some(MergeSide::Theirs)) => MergeRule::Theirs,
            (rule, _) => rule,
        }
    }
}
