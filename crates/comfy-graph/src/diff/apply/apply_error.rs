//! Why a script cannot be replayed on a document.

use std::fmt;

use compact_str::CompactString;

use crate::diff::edit::{EditScript, ScriptFormat};
use crate::graph::{GraphScope, LinkId, NodeKey, SubgraphId};
use crate::json::{JsonPath, JsonStyle, Value, print};

/// The document is not in the state that the script starts from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The document is something else altogether.
    #[error("the changes are those of {}, which this document is not", kind(*.0))]
    WrongFormat(ScriptFormat),
    /// A node is missing; what a person calls it, where the script says so.
    #[error("there is no node {}", node(.0, .1.as_deref()))]
    NoNode(NodeKey, Option<CompactString>),
    /// A node would be there twice.
    #[error("a node {0} is already there")]
    NodeTaken(NodeKey),
    /// A graph is missing.
    #[error("there is no {}", graph(.0))]
    NoGraph(GraphScope),
    /// A subgraph would be there twice.
    #[error("a subgraph {0} is already there")]
    GraphTaken(SubgraphId),
    /// A link is missing.
    #[error("there is no link {link} in {}", graph(.0), link = .1)]
    NoLink(GraphScope, LinkId),
    /// Two links would have one number.
    #[error("a link {link} is already in {}", graph(.0), link = .1)]
    LinkTaken(GraphScope, LinkId),
    /// A slot is missing that a wire needs.
    #[error("{of} has no slot {name}")]
    NoSlot {
        /// What should have it.
        of: CompactString,
        /// Its name.
        name: CompactString,
    },
    /// A list is shorter than it was.
    #[error("{of} has no element {at} in its {list}")]
    NoElement {
        /// What has the list.
        of: CompactString,
        /// Which list.
        list: &'static str,
        /// The index.
        at: usize,
    },
    /// The edit itself makes no sense.
    #[error("{0} is no {1}")]
    Misshapen(CompactString, &'static str),
    /// A value is not what the script says it was.
    #[error("{of}{at} is {}, not {} as the changes say", shown(found), shown(expected))]
    Differs {
        /// What has the value.
        of: CompactString,
        /// Where in it.
        at: JsonPath,
        /// What the script says.
        expected: Option<Value>,
        /// What is there.
        found: Option<Value>,
    },
}

impl ApplyError {
    /// The same with the name of the node in question, as the script has it.
    pub(super) fn with_node_name(self, script: &EditScript) -> ApplyError {
        let ApplyError::NoNode(key, None) = self else { return self };
        let mut nodes = script.entries.iter().filter_map(|entry| entry.edit.node());
        let name = nodes.find(|node| node.key == key).map(|node| node.display_name().into());
        ApplyError::NoNode(key, name)
    }
}

fn node(key: &NodeKey, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{name} #{key}"),
        None => key.to_string(),
    }
}

fn kind(format: ScriptFormat) -> &'static str {
    match format {
        ScriptFormat::Workflow => "a workflow",
        ScriptFormat::Prompt => "an API prompt",
        ScriptFormat::Json => "another document",
    }
}

fn graph(scope: &GraphScope) -> impl fmt::Display {
    match scope {
        GraphScope::Root => "root graph".to_owned(),
        GraphScope::Definition(id) => format!("subgraph {id}"),
    }
}

/// How much of a value is worth showing.
const MAX_VALUE_CHARS: usize = 60;

fn shown(value: &Option<Value>) -> String {
    let Some(value) = value else { return "absent".to_owned() };
    let text = print(value, &JsonStyle::SAVE);
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
