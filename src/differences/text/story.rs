//! What is to be told, before anyone decides how it looks: sections, items, facts.
//!
//! All texts are as the files have them. A renderer must pass every one of them through
//! its own escaping. Must not know terminals, Markdown or HTML.

use crate::platform::text::words::Word;

/// A difference as a person would tell it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Story {
    /// One for each graph in which something happened, the root first.
    pub sections: Vec<Section>,
    /// What nobody has to read: layout, bookkeeping, version bumps. One line each.
    pub asides: Vec<String>,
}

/// What happened in one graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// The name of the subgraph; nothing for the root.
    pub subgraph: Option<String>,
    /// What happened, thing by thing.
    pub items: Vec<Item>,
}

/// Whether a thing came, went or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It was and is there.
    Changed,
}

/// One thing and what happened to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Whether it came, went or changed.
    pub sign: Sign,
    /// What it is.
    pub subject: Subject,
    /// What happened, in a word or two, where no fact says it.
    pub remark: Option<String>,
    /// The particulars.
    pub facts: Vec<Fact>,
}

/// How a thing is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// What a person calls it.
    pub name: String,
    /// Its id, as `#3`.
    pub id: Option<String>,
    /// Its class, where the name does not say it; or what kind of thing it is.
    pub kind: Option<String>,
}

/// A particular of an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A value. Nothing before: it is new; nothing after: it is gone.
    Value {
        /// Its name.
        name: String,
        /// What it was.
        before: Option<String>,
        /// What it is.
        after: Option<String>,
        /// A word on who changed it.
        remark: Option<&'static str>,
    },
    /// A text, compared by words.
    Text {
        /// Its name.
        name: String,
        /// The words.
        words: Vec<Word>,
    },
    /// A wire into an input, or out of a new node.
    Wire {
        /// The end that is named first: an input of the item.
        to: String,
        /// Where the wire comes from now.
        from: Option<String>,
        /// Where it came from.
        was: Option<String>,
    },
    /// Something else, in words.
    Said(String),
}

impl Story {
    /// How many nodes came; those inside of new subgraphs are not counted.
    pub fn items_added(&self) -> usize {
        let items = self.sections.iter().flat_map(|section| &section.items);
        items.filter(|item| item.sign == Sign::Added && item.subject.id.is_some()).count()
    }
}
