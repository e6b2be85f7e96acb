//! A difference in words, before it is rendered: sections for graphs, items for nodes and
//! groups, details for values and wires.
//!
//! All texts are as the files have them. A renderer must pass every one of them through
//! its own escaping. Must not know terminals, Markdown or HTML.

use comfy_graph::diff::WordDiffPart;
use comfy_graph::graph::{GraphScope, NodeKey, SubgraphId};

/// A difference in words.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct DiffDescription {
    /// One for each graph that changed, the root first.
    pub(crate) sections: Vec<GraphChanges>,
    /// Layout, bookkeeping and pack versions, which are shown last and muted. One line each.
    pub(crate) asides: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GraphChanges {
    /// Where the graph lies in a document that is none itself: `prompt`, `extra/workflow`.
    pub(crate) member: Option<String>,
    /// The name of the subgraph; `None` for the root.
    pub(crate) subgraph: Option<String>,
    pub(crate) items: Vec<ItemChange>,
}

impl GraphChanges {
    /// What stands over the items: `subgraph Upscale`, `prompt`; nothing over those of a root.
    pub(crate) fn heading(&self) -> Option<String> {
        let subgraph = self.subgraph.as_ref().map(|name| format!("subgraph {name}"));
        match (&self.member, subgraph) {
            (Some(member), Some(subgraph)) => Some(format!("{member}, {subgraph}")),
            (member, subgraph) => member.clone().or(subgraph),
        }
    }
}

/// Whether an item was added, removed or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ChangeSign {
    Added,
    Removed,
    Changed,
}

/// What an item is about, so that all edits of one thing become one item, and a page can show
/// where it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ItemKey {
    Node(NodeKey),
    /// A group, by its index in its graph.
    Group(GraphScope, usize),
    /// A removed node or group: another one may have its id now.
    Removed(Box<ItemKey>),
    Subgraph(SubgraphId),
    Other(String),
}

/// A node, group, subgraph or the like that changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ItemChange {
    pub(crate) key: ItemKey,
    pub(crate) sign: ChangeSign,
    pub(crate) subject: Subject,
    /// What changed, in a word or two, where no detail says it: `moved into subgraph Upscale`.
    pub(crate) remark: Option<String>,
    pub(crate) details: Vec<ChangeDetail>,
}

/// How an item is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) name: String,
    /// Its id, as `#3`.
    pub(crate) id: Option<String>,
    /// Its class, where the name does not say it; or what kind of thing it is.
    pub(crate) kind: Option<String>,
}

/// A change of an item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ChangeDetail {
    /// A value. `before` is `None` if it is new, `after` if it is gone.
    Value {
        name: String,
        before: Option<String>,
        after: Option<String>,
        /// Who changed it: `re-rolled`.
        remark: Option<&'static str>,
    },
    /// A text, compared by words.
    Text {
        name: String,
        words: Vec<WordDiffPart>,
    },
    /// A wire into an input, or out of a new node.
    Wire {
        /// An input of the item.
        to: String,
        /// Where the wire comes from now.
        from: Option<String>,
        /// Where it came from.
        was: Option<String>,
    },
    Note(String),
    /// What is worth knowing, but not worth looking at: shown muted.
    Muted(String),
}

impl DiffDescription {
    /// How many nodes were added; those inside of new subgraphs are not counted.
    pub(crate) fn count_added_nodes(&self) -> usize {
        let items = self.sections.iter().flat_map(|section| &section.items);
        items.filter(|item| item.sign == ChangeSign::Added && item.subject.id.is_some()).count()
    }
}
