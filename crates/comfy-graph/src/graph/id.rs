//! Ids as types, so that a link's number is never taken for a node's.
//!
//! Node ids are compared by their canonical text: `12`, `12.0` and `"12"` are one id. The
//! spelling a file uses stays in the file's own tree and is kept when an id is rewritten
//! ([`NodeId::respell`]). Knows nothing of where ids occur; that is `renumber`.

use std::cmp::Ordering;
use std::fmt;

use compact_str::{CompactString, ToCompactString};

use crate::json::Value;

/// The id of a node in one graph, or of a node in an API prompt (`"12:34"`).
///
/// Frontends from 1.58 on may mint ids up to 2^52; an API import makes ids of text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NodeId {
    /// A whole number, however the file spells it.
    Number(i64),
    /// Any other text. Never text that is a whole number in its canonical spelling.
    Text(CompactString),
}

impl NodeId {
    /// Where links leave from that come in through the boundary of a subgraph.
    pub(crate) const GRAPH_INPUT: NodeId = NodeId::Number(-10);
    /// Where links end that go out through the boundary of a subgraph.
    pub(crate) const GRAPH_OUTPUT: NodeId = NodeId::Number(-20);
    /// The loose end of a floating link.
    pub(crate) const NOWHERE: NodeId = NodeId::Number(-1);

    /// The id that a text names.
    pub fn from_text(text: &str) -> Self {
        match whole_number(text) {
            Some(number) => NodeId::Number(number),
            None => NodeId::Text(CompactString::new(text)),
        }
    }

    /// The id that a value names; nothing for values that are neither number nor text.
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Number(_) => Some(match whole(value) {
                Some(number) => NodeId::Number(number),
                None => NodeId::Text(value.as_number()?.to_compact_string()),
            }),
            Value::String(text) => Some(NodeId::from_text(text)),
            _ => None,
        }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<i64> {
        match self {
            NodeId::Number(number) => Some(*number),
            NodeId::Text(_) => None,
        }
    }

    /// The id as a file of today spells it: numbers as numbers.
    pub fn to_value(&self) -> Value {
        match self {
            NodeId::Number(number) => Value::from(*number),
            NodeId::Text(text) => Value::from(text.clone()),
        }
    }

    /// The id spelled the way `old` was: as text where that was text.
    pub(crate) fn respell(&self, old: &Value) -> Value {
        match old {
            Value::String(_) => Value::from(self.to_compact_string()),
            _ => self.to_value(),
        }
    }

    /// Whether this stands for a boundary or a loose end: such ids are never renumbered.
    pub(crate) fn is_reserved(&self) -> bool {
        matches!(self, NodeId::Number(-10 | -20 | -1))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeId::Number(number) => write!(f, "{number}"),
            NodeId::Text(text) => f.write_str(text),
        }
    }
}

impl From<i64> for NodeId {
    fn from(number: i64) -> Self {
        NodeId::Number(number)
    }
}

impl PartialOrd for NodeId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NodeId {
    /// Numbers by value, before text; text piece by piece between colons, so that
    /// `12:9` comes before `12:34`.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (NodeId::Number(a), NodeId::Number(b)) => a.cmp(b),
            (NodeId::Number(_), NodeId::Text(_)) => Ordering::Less,
            (NodeId::Text(_), NodeId::Number(_)) => Ordering::Greater,
            (NodeId::Text(a), NodeId::Text(b)) => compare_pieces(a, b),
        }
    }
}

fn compare_pieces(a: &str, b: &str) -> Ordering {
    let pieces = |text| str::split(text, ':').map(|piece| (whole_number(piece), piece));
    pieces(a).cmp_by_piece(pieces(b)).then_with(|| a.cmp(b))
}

/// Comparing sequences of pieces, numbers before words.
trait ComparePieces<'a>: Iterator<Item = (Option<i64>, &'a str)> + Sized {
    fn cmp_by_piece(mut self, mut other: Self) -> Ordering {
        loop {
            let order = match (self.next(), other.next()) {
                (None, None) => return Ordering::Equal,
                (None, Some(_)) => Ordering::Less,
                (Some(_), None) => Ordering::Greater,
                (Some((Some(a), _)), Some((Some(b), _))) => a.cmp(&b),
                (Some((Some(_), _)), Some((None, _))) => Ordering::Less,
                (Some((None, _)), Some((Some(_), _))) => Ordering::Greater,
                (Some((None, a)), Some((None, b))) => a.cmp(b),
            };
            if order.is_ne() {
                return order;
            }
        }
    }
}

impl<'a, I: Iterator<Item = (Option<i64>, &'a str)>> ComparePieces<'a> for I {}

/// A whole number in its one canonical spelling: no sign but `-`, no leading zeros.
fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

/// A whole number as JavaScript would read it: `12.0` is 12.
fn whole(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = value.as_number()?;
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let float = number.as_f64();
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i64)
}

/// Ids that are whole numbers in every known file.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl $name {
            /// The id that a value names: a whole number, or text that is one.
            pub fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::String(text) => whole_number(text).map($name),
                    other => whole(other).map($name),
                }
            }

            /// The id as files spell it.
            pub fn to_value(self) -> Value {
                Value::from(self.0)
            }

            /// The id spelled the way `old` was: as text where that was text.
            pub(crate) fn respell(self, old: &Value) -> Value {
                match old {
                    Value::String(_) => Value::from(self.0.to_compact_string()),
                    _ => self.to_value(),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

numbered!(
    /// The id of a link in one graph. May repeat between the root and a definition.
    LinkId
);
numbered!(
    /// The id of a reroute (a bend of a link, not the `Reroute` node) in one graph.
    RerouteId
);
numbered!(
    /// The id of a group in one graph. Nothing refers to it.
    GroupId
);

/// The uuid of a subgraph definition, which is also the type of its instances.
///
/// The same uuid in two unrelated files says nothing about their contents.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubgraphId(pub CompactString);

impl SubgraphId {
    /// Takes a uuid as the file spells it.
    pub fn new(text: &str) -> Self {
        SubgraphId(CompactString::new(text))
    }

    /// The uuid as the file spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubgraphId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which graph of a workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GraphScope {
    /// The graph a person sees on opening the file.
    #[default]
    Root,
    /// The inside of a subgraph definition.
    Definition(SubgraphId),
}

/// A node of a workflow: which graph, and its id there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeKey {
    /// The graph.
    pub scope: GraphScope,
    /// The id in that graph.
    pub id: NodeId,
}

impl NodeKey {
    /// A node of the root graph.
    pub fn root(id: impl Into<NodeId>) -> Self {
        NodeKey { scope: GraphScope::Root, id: id.into() }
    }
}

impl fmt::Display for NodeKey {
    /// `12`, or `<uuid>:12` inside a definition: the frontend's locator form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            GraphScope::Root => write!(f, "{}", self.id),
            GraphScope::Definition(subgraph) => write!(f, "{subgraph}:{}", self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    fn id(text: &str) -> NodeId {
        NodeId::from_value(&parse_text(text).unwrap()).unwrap()
    }

    #[test]
    fn one_id_in_all_its_spellings() {
        assert_eq!(id("12"), id("\"12\""));
        assert_eq!(id("12"), id("12.0"));
        assert_ne!(id("12"), id("\"012\""));
        assert_ne!(id("12"), id("\"+12\""));
        assert_eq!(id("-10"), NodeId::GRAPH_INPUT);
        assert_eq!(id("4503599627370496"), NodeId::Number(1 << 52));
        assert_eq!(id("\"12:34\""), NodeId::Text("12:34".into()));
        assert_eq!(id("99999999999999999999").to_string(), "99999999999999999999");
        assert_eq!(NodeId::from_value(&Value::Null), None);
    }

    #[test]
    fn an_id_is_written_back_the_way_it_was_spelled() {
        let text = parse_text("\"12\"").unwrap();
        assert_eq!(NodeId::Number(13).respell(&text), Value::from("13"));
        assert_eq!(NodeId::Number(13).respell(&Value::from(12i64)), Value::from(13i64));
        assert_eq!(LinkId(5).respell(&text), Value::from("5"));
    }

    #[test]
    fn ids_sort_as_a_person_counts() {
        let mut ids: Vec<NodeId> =
            ["12:34", "b", "12:9", "7", "12", "12:9:1", "a1", "10"].map(NodeId::from_text).into();
        ids.sort();
        let text: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(text.join(" "), "7 10 12 12:9 12:9:1 12:34 a1 b");
    }
}
