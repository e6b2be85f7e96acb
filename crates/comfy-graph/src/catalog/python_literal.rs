//! Python's literals, as far as node classes are declared with them. Anything else is kept as
//! the code it is, to its end.
//!
//! Must not know node classes.

use compact_str::CompactString;

use crate::json::{Value, parse_text};

/// How deep literals are followed.
const MAX_DEPTH: u32 = 32;

/// A value in a Python source.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    /// A text.
    Text(CompactString),
    /// A number, `True`, `False`, `None`.
    Value(Value),
    /// A list or a tuple.
    List(Vec<Literal>),
    /// A dictionary in its order.
    Dictionary(Vec<(Literal, Literal)>),
    /// Code.
    Other(CompactString),
}

/// The literal at the start of a text, and what follows; nothing where it has no end.
pub(super) fn parse_literal(text: &str) -> Option<(Literal, &str)> {
    parse_at(text, 0)
}

fn parse_at(text: &str, depth: u32) -> Option<(Literal, &str)> {
    if depth > MAX_DEPTH {
        return None;
    }
    let text = skip_space(text);
    let (literal, rest) = match text.chars().next()? {
        '"' | '\'' => parse_texts(text)?,
        '(' | '[' => parse_list(text, depth)?,
        '{' => parse_dictionary(text, depth)?,
        _ => return parse_code(text, text),
    };
    // `[...] + more`, `"a".join(...)`, `(x for x in y)` are code.
    match skip_space(rest).chars().next() {
        None | Some(',' | ')' | ']' | '}' | ':' | '=') => Some((literal, rest)),
        Some(_) if skip_space(rest).starts_with("for ") || depth > 0 => parse_code(text, rest),
        Some(_) => Some((literal, rest)),
    }
}

/// White space, comments and continued lines.
pub(super) fn skip_space(text: &str) -> &str {
    let mut text = text;
    loop {
        let rest = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
        match rest.strip_prefix('#') {
            Some(comment) => text = comment.split_once('\n').map_or("", |(_, rest)| rest),
            None => return rest,
        }
    }
}

/// Texts beside each other are one.
fn parse_texts(text: &str) -> Option<(Literal, &str)> {
    let mut all = CompactString::default();
    let mut rest = text;
    while rest.starts_with(['"', '\'']) {
        let (one, after) = parse_text_literal(rest)?;
        all.push_str(&one);
        rest = after;
        let next = skip_space(rest);
        if next.starts_with(['"', '\'']) {
            rest = next;
        }
    }
    Some((Literal::Text(all), rest))
}

fn parse_text_literal(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    let triple: String = [quote; 3].iter().collect();
    let (fence, body) = match text.strip_prefix(triple.as_str()) {
        Some(body) => (triple, body),
        None => (quote.to_string(), &text[1..]),
    };
    let mut read = String::new();
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        if body[at..].starts_with(&fence) {
            return Some((read, &body[at + fence.len()..]));
        }
        match c {
            '\n' if fence.len() == 1 => return None,
            '\\' => match chars.next()?.1 {
                'n' => read.push('\n'),
                't' => read.push('\t'),
                '\n' => {}
                other => read.push(other),
            },
            c => read.push(c),
        }
    }
    None
}

fn parse_list(text: &str, depth: u32) -> Option<(Literal, &str)> {
    let close = if text.starts_with('(') { ')' } else { ']' };
    let mut rest = skip_space(&text[1..]);
    let mut elements = Vec::new();
    let mut commas = 0;
    while !rest.starts_with(close) {
        let (element, after) = parse_at(rest, depth + 1)?;
        elements.push(element);
        rest = skip_space(after);
        match rest.strip_prefix(',') {
            Some(after) => {
                commas += 1;
                rest = skip_space(after);
            }
            None if rest.starts_with(close) => {}
            None => return None,
        }
    }
    let rest = &rest[1..];
    // Brackets around one thing are no tuple.
    match (close, commas, elements.len()) {
        (')', 0, 1) => elements.pop().map(|only| (only, rest)),
        _ => Some((Literal::List(elements), rest)),
    }
}

fn parse_dictionary(text: &str, depth: u32) -> Option<(Literal, &str)> {
    let mut rest = skip_space(&text[1..]);
    let mut members = Vec::new();
    while !rest.starts_with('}') {
        let (key, after) = parse_at(rest, depth + 1)?;
        rest = skip_space(after).strip_prefix(':')?;
        let (value, after) = parse_at(rest, depth + 1)?;
        members.push((key, value));
        rest = skip_space(after);
        match rest.strip_prefix(',') {
            Some(after) => rest = skip_space(after),
            None if rest.starts_with('}') => {}
            None => return None,
        }
    }
    Some((Literal::Dictionary(members), &rest[1..]))
}

/// Code up to the comma or bracket that ends it; `from` is where to go on reading.
fn parse_code<'t>(text: &'t str, from: &'t str) -> Option<(Literal, &'t str)> {
    let mut depth = 0_u32;
    let mut rest = from;
    while let Some(c) = rest.chars().next() {
        match c {
            '"' | '\'' => {
                rest = parse_text_literal(rest)?.1;
                continue;
            }
            '#' => {
                rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
                continue;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' | ',' | ':' | '=' | '\n' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        rest = &rest[c.len_utf8()..];
    }
    let code = text[..text.len() - rest.len()].trim();
    let value = match code {
        "" => return None,
        "True" => Value::from(true),
        "False" => Value::from(false),
        "None" => Value::Null,
        code => match parse_text(code) {
            Ok(number @ Value::Number(_)) => number,
            _ => return Some((Literal::Other(CompactString::new(code)), rest)),
        },
    };
    Some((Literal::Value(value), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        format!("{:?}", parse_literal(text).map(|(literal, rest)| (literal, rest.to_owned())))
    }

    #[test]
    fn what_python_writes_is_read() {
        insta::assert_snapshot!(read("('a' \"b\", 1.5, True, None,)"), @r#"Some((List([Text("ab"), Value(Number(JsonNumber("1.5"))), Value(Bool(true)), Value(Null)]), ""))"#);
        insta::assert_snapshot!(read("{'a': x.y(1, 2), # c\n 'b': [*z],}"), @r#"Some((Dictionary([(Text("a"), Other("x.y(1, 2)")), (Text("b"), List([Other("*z")]))]), ""))"#);
        insta::assert_snapshot!(read("(['None'] + folder.list('a'), {})"), @r#"Some((List([Other("['None'] + folder.list('a')"), Dictionary([])]), ""))"#);
        insta::assert_snapshot!(read("[f for f in g(x)]"), @r#"Some((List([Other("f for f in g(x)")]), ""))"#);
        assert_eq!(read("(1, 2"), "None");
        assert_eq!(read("'open"), "None");
    }
}
