//! What an input is to hold in turn: `7`, `20,30`, `6..8/0.5`, `euler,heun`, a text.

use comfy_graph::catalog::InputSpec;
use comfy_graph::json::{Value, parse_text};

use super::decimal::ExactDecimal;

/// Why a text is no value of an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingValueError {
    /// Nothing stands behind the `=`.
    #[error("there is no value")]
    Empty,
    #[error("it takes numbers, and {0} is none")]
    Number(String),
    #[error("it takes whole numbers, and {0} is none")]
    Whole(String),
    #[error("it takes true or false, and {0} is neither")]
    Boolean(String),
    /// A range without an end, or without steps.
    #[error("{0} is no range: write FROM..TO/STEP")]
    Range(String),
    /// A range of too many values.
    #[error("{range} are more than {most} values")]
    TooMany { range: String, most: usize },
    /// A quotation mark is open, or something stands between the texts.
    #[error("the quotation marks do not fit: write \"one\",\"another\"")]
    Quotes,
    /// What it holds is no single value.
    #[error("it holds {0}, which cannot be set here")]
    Kind(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AcceptedType {
    Whole,
    Number,
    Boolean,
    /// One of several names.
    Choice,
    /// Any text, with commas and all.
    Text,
}

/// Reads the values for an input, of which its class and what it holds tell the type.
pub(crate) fn parse_values(
    text: &str,
    held: &Value,
    spec: Option<&InputSpec>,
    most: usize,
) -> Result<Vec<Value>, SettingValueError> {
    let takes = accepted_type(held, spec)?;
    let trimmed = text.trim();
    match takes {
        AcceptedType::Text | AcceptedType::Choice if trimmed.starts_with('"') => {
            parse_quoted(trimmed)
        }
        AcceptedType::Text => Ok(vec![Value::from(text)]),
        _ if trimmed.is_empty() => Err(SettingValueError::Empty),
        AcceptedType::Choice => {
            Ok(trimmed.split(',').map(|name| Value::from(name.trim())).collect())
        }
        AcceptedType::Boolean => {
            trimmed.split(',').map(|word| parse_boolean(word.trim())).collect()
        }
        AcceptedType::Whole | AcceptedType::Number => parse_numbers(trimmed, takes, most),
    }
}

fn accepted_type(
    held: &Value,
    spec: Option<&InputSpec>,
) -> Result<AcceptedType, SettingValueError> {
    let kind = spec.map(|spec| spec.kind.as_str()).unwrap_or_default();
    match held {
        // The server casts what it runs: a number of that spelling is of that type.
        Value::Number(number) => Ok(match kind {
            "FLOAT" => AcceptedType::Number,
            "INT" => AcceptedType::Whole,
            _ if number.as_i64().is_some() || number.as_u64().is_some() => AcceptedType::Whole,
            _ => AcceptedType::Number,
        }),
        Value::Bool(_) => Ok(AcceptedType::Boolean),
        Value::String(_) if kind == "COMBO" => Ok(AcceptedType::Choice),
        Value::String(_) if kind == "STRING" => Ok(AcceptedType::Text),
        // Of an unknown class: one word may be one of several, a sentence is a text.
        Value::String(text) if !text.is_empty() && !text.contains([' ', ',', '\n']) => {
            Ok(AcceptedType::Choice)
        }
        Value::String(_) => Ok(AcceptedType::Text),
        other => Err(SettingValueError::Kind(other.kind_name())),
    }
}

/// `"one", "another"`, each as JSON spells it.
fn parse_quoted(text: &str) -> Result<Vec<Value>, SettingValueError> {
    match parse_text(&format!("[{text}]")) {
        Ok(Value::Array(values)) if values.iter().all(|value| value.as_str().is_some()) => {
            Ok(values)
        }
        _ => Err(SettingValueError::Quotes),
    }
}

fn parse_boolean(word: &str) -> Result<Value, SettingValueError> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(Value::Bool(true)),
        "false" | "no" | "off" | "0" => Ok(Value::Bool(false)),
        _ => Err(SettingValueError::Boolean(word.to_owned())),
    }
}

fn parse_numbers(
    text: &str,
    takes: AcceptedType,
    most: usize,
) -> Result<Vec<Value>, SettingValueError> {
    let number = |text: &str| {
        let text = text.trim();
        match (ExactDecimal::parse(text), takes) {
            (Some(read), AcceptedType::Whole) if read.is_whole() => Ok(read),
            (_, AcceptedType::Whole) => Err(SettingValueError::Whole(text.to_owned())),
            (Some(read), _) => Ok(read),
            (None, _) => Err(SettingValueError::Number(text.to_owned())),
        }
    };
    let mut values = Vec::new();
    for part in text.split(',') {
        let Some((from, rest)) = part.split_once("..") else {
            values.push(number(part)?.to_value());
            continue;
        };
        let wrong = || SettingValueError::Range(part.trim().to_owned());
        let (to, step) = rest.split_once('/').unwrap_or((rest, "1"));
        if from.trim().is_empty() || to.trim().is_empty() {
            return Err(wrong());
        }
        let (from, to, step) = (number(from)?, number(to)?, number(step)?);
        let range = ExactDecimal::range(from, to, step).ok_or_else(wrong)?;
        if values.len() as u128 + range.count > most as u128 {
            return Err(SettingValueError::TooMany { range: part.trim().to_owned(), most });
        }
        values.extend(range.values().map(ExactDecimal::to_value));
    }
    Ok(values)
}
