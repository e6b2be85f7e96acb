//! Which node classes a piece of Python registers, read from its text.
//!
//! Nothing is run. A small tokenizer finds the assignments to `NODE_CLASS_MAPPINGS`
//! (`= {…}`, `["X"] = …`, `.update({…})`, `|= {…}`, `dict(X=…)`) and, for nodes of the
//! newer kind, `node_id="X"` in a schema. What is put together at run time is beyond
//! reading: the result then says that it may be incomplete.

use std::collections::BTreeSet;

/// The node classes that a source registers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RegisteredClasses {
    pub classes: BTreeSet<String>,
    /// Whether something was registered in a way that reading does not see.
    pub is_partial: bool,
}

impl RegisteredClasses {
    /// Adds the classes of another source.
    pub(crate) fn extend(&mut self, other: RegisteredClasses) {
        self.classes.extend(other.classes);
        self.is_partial |= other.is_partial;
    }
}

/// The longest class name that is believed, in characters.
const LONGEST_NAME: usize = 200;
/// The dictionary every pack fills.
const CLASS_MAPPINGS: &str = "NODE_CLASS_MAPPINGS";

pub(crate) fn parse_registered_classes(source: &str) -> RegisteredClasses {
    if !source.contains(CLASS_MAPPINGS) && !source.contains("node_id") {
        return RegisteredClasses::default();
    }
    let mut tokens: Vec<PythonToken> = Vec::new();
    for token in (PythonTokenizer { rest: source }) {
        match (tokens.last_mut(), token) {
            // Python joins literals that stand side by side.
            (Some(PythonToken::Text(before)), PythonToken::Text(text)) => before.push_str(&text),
            (_, token) => tokens.push(token),
        }
    }
    let mut found = RegisteredClasses::default();
    for at in 0..tokens.len() {
        let after = tokens.get(at + 1..).unwrap_or_default();
        match tokens.get(at) {
            Some(PythonToken::Name(name)) if *name == CLASS_MAPPINGS => {
                read_mapping(after, &mut found)
            }
            Some(PythonToken::Name("node_id")) => {
                if let [PythonToken::Sign('='), PythonToken::Text(id), ..] = after
                    && matches!(tokens.get(at.wrapping_sub(1)), Some(PythonToken::Sign('(' | ',')))
                {
                    found.add(id);
                }
            }
            _ => {}
        }
    }
    found
}

impl RegisteredClasses {
    fn add(&mut self, name: &str) {
        let plain = !name.is_empty()
            && name.chars().count() <= LONGEST_NAME
            && !name.chars().any(char::is_control);
        if plain {
            self.classes.insert(name.to_owned());
        }
    }
}

/// What follows the name of the dictionary.
fn read_mapping(after: &[PythonToken<'_>], found: &mut RegisteredClasses) {
    match after {
        [PythonToken::Sign('='), PythonToken::Sign('='), ..] => {}
        [PythonToken::Sign('='), rest @ ..] => read_value(rest, found),
        [PythonToken::Sign('|'), PythonToken::Sign('='), rest @ ..] => read_value(rest, found),
        // NODE_CLASS_MAPPINGS: dict[str, type] = …
        [PythonToken::Sign(':'), rest @ ..] => {
            let equals = rest.iter().take(24).position(|token| *token == PythonToken::Sign('='));
            if let Some(rest) = equals.and_then(|at| rest.get(at + 1..)) {
                read_value(rest, found);
            }
        }
        [
            PythonToken::Sign('['),
            PythonToken::Text(name),
            PythonToken::Sign(']'),
            PythonToken::Sign('='),
            next,
            ..,
        ] if *next != PythonToken::Sign('=') => {
            found.add(name);
        }
        [
            PythonToken::Sign('['),
            PythonToken::Name(_),
            PythonToken::Sign(']'),
            PythonToken::Sign('='),
            ..,
        ] => {
            found.is_partial = true;
        }
        [
            PythonToken::Sign('.'),
            PythonToken::Name("update"),
            PythonToken::Sign('('),
            rest @ ..,
        ] => {
            read_value(rest, found);
        }
        _ => {}
    }
}

/// The right-hand side: a dictionary, several joined by `|`, or something we cannot read.
fn read_value(tokens: &[PythonToken<'_>], found: &mut RegisteredClasses) {
    match tokens {
        [PythonToken::Sign('{'), rest @ ..] => {
            let end = read_dictionary(rest, found);
            if let Some([PythonToken::Sign('|'), rest @ ..]) = rest.get(end..) {
                read_value(rest, found);
            }
        }
        [PythonToken::Name("dict"), PythonToken::Sign('('), rest @ ..] => {
            read_keywords(rest, found)
        }
        [
            PythonToken::Name(name),
            PythonToken::Sign('.'),
            PythonToken::Name(CLASS_MAPPINGS),
            ..,
        ] if !name.is_empty() => {}
        // Filled from another dictionary of the pack, which is read where it stands.
        [PythonToken::Name(_), ..] => found.is_partial = true,
        _ => {}
    }
}

/// The keys of a dictionary whose brace was just opened; gives where it ends.
fn read_dictionary(tokens: &[PythonToken<'_>], found: &mut RegisteredClasses) -> usize {
    let mut depth = 1usize;
    let mut key = true;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            PythonToken::Sign('{' | '[' | '(') => depth += 1,
            PythonToken::Sign('}' | ']' | ')') => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            PythonToken::Sign(',') if depth == 1 => {
                key = true;
                continue;
            }
            PythonToken::Text(name) if depth == 1 && key => match tokens.get(at + 1) {
                Some(PythonToken::Sign(':')) => found.add(name),
                _ => found.is_partial = true,
            },
            // `**OTHERS` or a key that is no literal.
            PythonToken::Name(_) | PythonToken::Sign('*') | PythonToken::Unreadable
                if depth == 1 && key =>
            {
                found.is_partial = true;
            }
            _ => {}
        }
        key = false;
    }
    tokens.len()
}

/// The names in `dict(Name=…, …)`.
fn read_keywords(tokens: &[PythonToken<'_>], found: &mut RegisteredClasses) {
    let mut depth = 1usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            PythonToken::Sign('{' | '[' | '(') => depth += 1,
            PythonToken::Sign('}' | ']' | ')') => {
                depth -= 1;
                if depth == 0 {
                    return;
                }
            }
            PythonToken::Name(name)
                if depth == 1 && tokens.get(at + 1) == Some(&PythonToken::Sign('=')) =>
            {
                found.add(name);
            }
            _ => {}
        }
    }
}

/// As much of Python's tokens as the search needs.
#[derive(Debug, PartialEq, Eq)]
enum PythonToken<'a> {
    /// An identifier, keyword or number.
    Name(&'a str),
    /// A string literal's value.
    Text(String),
    /// A string that is computed (`f"…"`).
    Unreadable,
    /// Any other character.
    Sign(char),
}

struct PythonTokenizer<'a> {
    rest: &'a str,
}

impl<'a> Iterator for PythonTokenizer<'a> {
    type Item = PythonToken<'a>;

    fn next(&mut self) -> Option<PythonToken<'a>> {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with('#') {
                break;
            }
            self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
        }
        let first = self.rest.chars().next()?;
        if first == '"' || first == '\'' {
            return Some(self.read_string(""));
        }
        if first.is_alphanumeric() || first == '_' {
            let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            self.rest = rest;
            let prefix = name.len() <= 2
                && rest.starts_with(['"', '\''])
                && name.bytes().all(|b| b"rRbBuUfFtT".contains(&b));
            return Some(if prefix { self.read_string(name) } else { PythonToken::Name(name) });
        }
        self.rest = &self.rest[first.len_utf8()..];
        Some(PythonToken::Sign(first))
    }
}

impl<'a> PythonTokenizer<'a> {
    /// The string literal that `rest` begins with.
    fn read_string(&mut self, prefix: &str) -> PythonToken<'a> {
        let quote = if self.rest.starts_with('\'') { '\'' } else { '"' };
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let long = self.rest.starts_with(&triple);
        let open = if long { 3 } else { 1 };
        let raw = prefix.contains(['r', 'R']);
        let body = &self.rest[open..];
        let mut text = String::new();
        let mut chars = body.char_indices();
        let mut end = body.len();
        while let Some((at, c)) = chars.next() {
            if c == '\\' {
                match chars.next() {
                    Some((_, escaped)) => push_unescaped(escaped, raw, &mut text),
                    None => break,
                }
            } else if c == quote && (!long || body[at..].starts_with(&triple)) {
                end = at;
                break;
            } else if c == '\n' && !long {
                // Not closed: no string after all. Go on with the next line.
                end = at;
                break;
            } else {
                text.push(c);
            }
        }
        let closed = body.get(end..).is_some_and(|rest| rest.starts_with(quote));
        let after = if closed { end + open } else { end };
        self.rest = body.get(after..).unwrap_or_default();
        if !closed || prefix.contains(['f', 'F', 't', 'T', 'b', 'B']) {
            return PythonToken::Unreadable;
        }
        PythonToken::Text(text)
    }
}

fn push_unescaped(c: char, raw: bool, text: &mut String) {
    match c {
        _ if raw => text.extend(['\\', c]),
        '\n' => {}
        'n' => text.push('\n'),
        't' => text.push('\t'),
        '\\' | '\'' | '"' => text.push(c),
        // Numbers and names of characters: kept as written, such a name matches nothing.
        other => text.extend(['\\', other]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(source: &str, classes: &[&str], more: bool) {
        let found = parse_registered_classes(source);
        let names: Vec<&str> = found.classes.iter().map(String::as_str).collect();
        assert_eq!((names.as_slice(), found.is_partial), (classes, more), "{source}");
    }

    #[test]
    fn the_usual_ways_are_read() {
        check(
            r#"
from .nodes import A  # NODE_CLASS_MAPPINGS = {"No": 1}
"""NODE_CLASS_MAPPINGS = {"Nor this": 1}"""
NODE_CLASS_MAPPINGS = {
    "Load Thing": A,   # a comment, with "quotes": and {
    'Jo' "ined": B,
    'Two': wrap({"inner": 1, "x": [2]}),
    r'Raw\x': C, "Last": (D),
}
NODE_DISPLAY_NAME_MAPPINGS = {"Load Thing": "Shown"}
"#,
            &["Joined", "Last", "Load Thing", "Raw\\x", "Two"],
            false,
        );
        check("NODE_CLASS_MAPPINGS: dict[str, type] = {\"A\": A}", &["A"], false);
        check(
            "NODE_CLASS_MAPPINGS['B'] = B\nif NODE_CLASS_MAPPINGS['C'] == C: pass",
            &["B"],
            false,
        );
        check("NODE_CLASS_MAPPINGS.update({'D': D})", &["D"], false);
        check("NODE_CLASS_MAPPINGS |= {'E': E} | {'F': F}", &["E", "F"], false);
        check("NODE_CLASS_MAPPINGS = dict(G=G, H=make(x=1))", &["G", "H"], false);
        check("NODE_CLASS_MAPPINGS = {}", &[], false);
    }

    #[test]
    fn the_newer_nodes_name_themselves() {
        let source = "class A(io.ComfyNode):\n def define_schema(cls):\n  return io.Schema(\n   node_id=\"New One\", display_name='x')\nnode_id = 'not this'";
        check(source, &["New One"], false);
    }

    #[test]
    fn what_is_made_at_run_time_is_said_to_be() {
        check("NODE_CLASS_MAPPINGS = {**A, 'B': B}", &["B"], true);
        check("NODE_CLASS_MAPPINGS = {Thing.NAME: Thing}", &[], true);
        check("NODE_CLASS_MAPPINGS = {f'{x} y': B}", &[], true);
        check("NODE_CLASS_MAPPINGS = load_all()", &[], true);
        check("for k in x: NODE_CLASS_MAPPINGS[k] = x[k]", &[], true);
        // Another module of the same pack, which is read itself.
        check("NODE_CLASS_MAPPINGS.update(other.NODE_CLASS_MAPPINGS)", &[], false);
    }

    #[test]
    fn broken_source_does_not_derail() {
        check("x = 'never closed\nNODE_CLASS_MAPPINGS = {'A': A}", &["A"], false);
        check("NODE_CLASS_MAPPINGS = {'A': A", &["A"], false);
        check("NODE_CLASS_MAPPINGS = {'A'", &[], true);
        check("}}}} NODE_CLASS_MAPPINGS", &[], false);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(NODE_CLASS_MAPPINGS|node_id|[=\\[\\]{}().'\":,|*#\\\\\nA-c é]){0,60}") {
            parse_registered_classes(&text);
        }
    }
}
