//! Lays the inputs of a node that ran beside the values it was queued with.
//!
//! The frontend makes a prompt widget by widget, in the order of the values, and leaves out
//! what does not run: controls, buttons. A wire stands in the place of its widget if it has
//! one, and behind the widgets if not. What can be laid in two ways names nothing.

use compact_str::CompactString;

use super::naming::is_control_value;
use crate::graph::{PromptInput, PromptNode};
use crate::json::Value;

/// A name for every value, where the prompt leaves no doubt; nothing if they do not go
/// together. Where the value before a control is sure, the control is called as the frontend
/// calls it.
pub(super) fn align_with_prompt(
    values: &[Value],
    ran: &PromptNode,
) -> Option<Vec<Option<CompactString>>> {
    let inputs: Vec<(&str, PromptInput<'_>)> = ran.inputs().collect();
    let literals = inputs.iter().filter(|(_, input)| matches!(input, PromptInput::Literal(_)));
    if values.is_empty() || literals.count() == 0 {
        return None;
    }
    let first = lay(values.iter(), inputs.iter())?;
    let last = lay(values.iter().rev(), inputs.iter().rev())?;
    let last: Vec<Option<&str>> = last.into_iter().rev().collect();
    let names: Vec<Option<CompactString>> = first
        .into_iter()
        .zip(last)
        .map(|(first, last)| first.filter(|_| first == last).map(CompactString::new))
        .collect();
    Some(with_control(names, values))
}

/// Lays every value input at the first value that equals it, in order. Values are passed over
/// if they do not run, or if a wire may have brought what they held.
fn lay<'v, 'p, 'i: 'p>(
    values: impl Iterator<Item = &'v Value>,
    inputs: impl Iterator<Item = &'p (&'i str, PromptInput<'i>)>,
) -> Option<Vec<Option<&'i str>>> {
    let mut names = Vec::new();
    let mut inputs = inputs.peekable();
    // Wires met since the last value that was laid: each may stand for one value.
    let mut wires: usize = 0;
    for value in values {
        while inputs.next_if(|(_, input)| matches!(input, PromptInput::Link { .. })).is_some() {
            wires += 1;
        }
        let same = |input: &PromptInput<'_>| matches!(input, PromptInput::Literal(literal) if literal.is_equivalent(value));
        if let Some((name, _)) = inputs.next_if(|(_, input)| same(input)) {
            names.push(Some(*name));
            wires = 0;
        } else if does_not_run(value) {
            names.push(None);
        } else if wires > 0 {
            wires -= 1;
            names.push(None);
        } else {
            return None;
        }
    }
    // What is left over came from no value.
    let rest = inputs.all(|(_, input)| matches!(input, PromptInput::Link { .. }));
    rest.then_some(names)
}

fn does_not_run(value: &Value) -> bool {
    value.is_null() || is_control_value(value) || value.as_str() == Some("image")
}

fn with_control(
    mut names: Vec<Option<CompactString>>,
    values: &[Value],
) -> Vec<Option<CompactString>> {
    const CONTROL: &str = "control_after_generate";
    let controls = values.iter().filter(|value| is_control_value(value)).count();
    for at in 1..names.len() {
        let is_control = names[at].is_none() && is_control_value(&values[at]);
        if controls == 1
            && is_control
            && names[at - 1].is_some()
            && values[at - 1].as_number().is_some()
        {
            names[at] = Some(CompactString::const_new(CONTROL));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Prompt;
    use crate::json::parse_text;

    fn aligned(values: &str, inputs: &str) -> String {
        let values = parse_text(values).unwrap();
        let text = format!(r#"{{"1":{{"class_type":"A","inputs":{inputs}}}}}"#);
        let prompt = Prompt::from_value(parse_text(&text).unwrap()).unwrap();
        let names = align_with_prompt(values.as_array().unwrap(), &prompt.nodes[0]);
        let Some(names) = names else { return "nothing".to_owned() };
        names.iter().map(|name| name.as_deref().unwrap_or("?")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_ran_names_the_values_it_came_from() {
        assert_eq!(
            aligned(
                r#"[7,"randomize",20,"euler"]"#,
                r#"{"seed":7,"steps":20,"sampler":"euler","model":["4",0]}"#
            ),
            "seed control_after_generate steps sampler"
        );
        // The widget of `steps` is fed by a wire, which stands in its place.
        assert_eq!(aligned(r#"["a",20,"b"]"#, r#"{"x":"a","steps":["4",0],"y":"b"}"#), "x ? y");
        assert_eq!(aligned(r#"["cat.png","image"]"#, r#"{"image":"cat.png"}"#), "image ?");
    }

    #[test]
    fn what_can_be_laid_in_two_ways_names_nothing() {
        // Which of the two the wire fed cannot be said.
        assert_eq!(aligned("[1,1]", r#"{"a":1,"b":["4",0]}"#), "nothing");
        assert_eq!(aligned(r#"[1,"fixed"]"#, r#"{"a":1,"b":"fixed"}"#), "a b");
        assert_eq!(aligned(r#"["fixed","fixed"]"#, r#"{"a":"fixed"}"#), "? ?");
        assert_eq!(aligned("[1,2]", r#"{"a":1,"b":3}"#), "nothing");
        assert_eq!(aligned("[1]", r#"{"a":1,"b":3}"#), "nothing");
    }
}
