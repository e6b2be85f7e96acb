//! The table from a place to the rule that settles it when both sides changed it.
//!
//! Every row can be set in git's configuration as `comfy.merge.<class>`. Must not know
//! where settings come from.

use std::fmt;
use std::str::FromStr;

use super::conflict::{ConflictKind, Place};
use super::three::Side;

/// A kind of change that has a rule of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
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
pub enum Rule {
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
const TABLE: [(Class, &str); 9] = [
    (Class::Seeds, "seeds"),
    (Class::Texts, "texts"),
    (Class::Values, "values"),
    (Class::Wires, "wires"),
    (Class::Removals, "removals"),
    (Class::Titles, "titles"),
    (Class::Modes, "modes"),
    (Class::Looks, "looks"),
    (Class::Other, "other"),
];

impl Class {
    /// All classes.
    pub fn all() -> impl Iterator<Item = Class> {
        TABLE.iter().map(|(class, _)| *class)
    }

    /// The last part of its key in git's configuration.
    pub fn key(self) -> &'static str {
        TABLE.iter().find(|(class, _)| *class == self).map_or("other", |(_, key)| key)
    }

    /// The class that a key stands for.
    pub fn from_key(key: &str) -> Option<Class> {
        TABLE.iter().find(|(_, known)| *known == key).map(|(class, _)| *class)
    }

    /// The class of a conflict, as far as its place decides it. For
    /// widgets it takes their roles, so `widgets` says it itself.
    pub(super) fn of(kind: ConflictKind, place: Option<&Place>) -> Class {
        match (kind, place) {
            (ConflictKind::RemovedByOurs | ConflictKind::RemovedByTheirs, _) => Class::Removals,
            (_, Some(Place::Widget(_) | Place::Choice(_) | Place::Widgets)) => Class::Values,
            (_, Some(Place::Input(_) | Place::Boundary(_))) => Class::Wires,
            (_, Some(Place::InputKey(_, key))) if key == "label" => Class::Titles,
            (_, Some(Place::Key(path) | Place::Graph(path) | Place::Group(_, _, path))) => {
                match path.to_string().as_str() {
                    "/title" | "/name" => Class::Titles,
                    "/mode" => Class::Modes,
                    _ => Class::Other,
                }
            }
            _ => Class::Other,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::Auto => "auto",
            Rule::Ours => "ours",
            Rule::Theirs => "theirs",
            Rule::Conflict => "conflict",
        })
    }
}

/// A text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no rule for a merge: use auto, ours, theirs or conflict")]
pub struct NotARule(String);

impl FromStr for Rule {
    type Err = NotARule;

    fn from_str(word: &str) -> Result<Self, NotARule> {
        [Rule::Auto, Rule::Ours, Rule::Theirs, Rule::Conflict]
            .into_iter()
            .find(|rule| rule.to_string() == word)
            .ok_or_else(|| NotARule(word.to_owned()))
    }
}

/// The rules of one merge.
#[derive(Debug, Clone, Default)]
pub struct Strategies {
    rules: Vec<(Class, Rule)>,
    favour: Option<Side>,
}

impl Strategies {
    /// Sets the rule of a class.
    pub fn set(&mut self, class: Class, rule: Rule) {
        self.rules.retain(|(known, _)| *known != class);
        self.rules.push((class, rule));
    }

    /// Settles every conflict in favour of a side, as git's `-X ours` does for texts. A
    /// rule that somebody set for a class comes first.
    pub fn favour(&mut self, side: Side) {
        self.favour = Some(side);
    }

    /// The rule of a class.
    pub fn rule(&self, class: Class) -> Rule {
        let set = self.rules.iter().find(|(known, _)| *known == class);
        set.map_or(Rule::Auto, |(_, rule)| *rule)
    }

    /// The rule that decides about what would be a conflict.
    pub(super) fn on_conflict(&self, class: Class) -> Rule {
        match (self.rule(class), self.favour) {
            (Rule::Auto, Some(Side::Ours)) => Rule::Ours,
            (Rule::Auto, Some(Side::Theirs)) => Rule::Theirs,
            (rule, _) => rule,
        }
    }
}
