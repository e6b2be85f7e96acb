//! Decides which embedded text is the workflow, which the prompt, which the parameters.
//!
//! Names alone do not tell: a field named `prompt` may hold a UI graph and the other way
//! round, upper and lower case differ by container, savers pack everything as one JSON
//! object into a comment, write JSON as a string up to three times over, and join several
//! JSON texts in one field. So a text is decoded first and judged by its shape; the name
//! decides only between several of the same shape.

use comfy_graph::json::{self, JsonErrorKind, Object, Value};

use super::budget::{MAX_JOINED, MAX_STRING_LAYERS};
use super::{A1111Parameters, EmbeddedMetadata, EmbeddedText};

/// The shape of a JSON value, as ComfyUI tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonShape {
    /// A UI graph: `nodes` with what the canvas shows.
    Graph,
    /// The API format: each member a node with `class_type`.
    Prompt,
    /// Any other JSON.
    Other,
}

impl JsonShape {
    /// Tells the shape of a value. More generous than `comfy_graph::graph`, which decides
    /// whether a file is ours to change: a text found under these names is a graph unless it
    /// clearly is not.
    pub(crate) fn detect(value: &Value) -> JsonShape {
        let Some(object) = value.as_object() else { return JsonShape::Other };
        let class = |node: &Value| node.get("class_type").is_some_and(|t| t.as_str().is_some());
        // The frontend leaves out the class of a node that is not installed.
        let is_node = |node: &Value| {
            class(node) || node.get("class_type").is_none() && node.get("inputs").is_some()
        };
        if object.get("nodes").is_some_and(|nodes| nodes.as_array().is_some())
            && (object.contains_key("links") || object.contains_key("version"))
        {
            JsonShape::Graph
        } else if object.values().any(class) && object.values().all(is_node) {
            JsonShape::Prompt
        } else {
            JsonShape::Other
        }
    }
}

/// What the embedded texts of a file hold, decoded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Payload {
    /// The workflow: the graph as the canvas shows it.
    pub workflow: Option<Value>,
    /// The executed prompt in API format: the values the run really had, seeds among them.
    pub prompt: Option<Value>,
    /// A1111 parameters; of several texts one named `parameters` wins.
    pub parameters: Option<A1111Parameters>,
}

impl EmbeddedMetadata {
    /// Decodes all entries. Costs the parsing of all embedded JSON; call it once.
    ///
    /// Of several graphs or prompts the one under the fitting name wins, of those the
    /// last, as in ComfyUI's own reading. `prompt` and `workflow` need not be a pair from
    /// one moment: tools write one without the other.
    pub fn payload(&self) -> Payload {
        let mut judged = PayloadCandidates::default();
        for entry in &self.entries {
            judged.add_entry(entry);
        }
        let parameters =
            self.entries.iter().filter_map(parse_parameters).max_by_key(|(named, _)| *named);
        Payload {
            workflow: judged.workflow.map(|(_, value)| value),
            prompt: judged.prompt.map(|(_, value)| value),
            parameters: parameters.map(|(_, parameters)| parameters),
        }
    }

    /// The workflow, see [`Payload::workflow`].
    pub fn workflow(&self) -> Option<Value> {
        self.payload().workflow
    }

    /// The executed prompt, see [`Payload::prompt`].
    pub fn prompt(&self) -> Option<Value> {
        self.payload().prompt
    }

    /// A1111 parameters, see [`Payload::parameters`].
    pub fn parameters(&self) -> Option<A1111Parameters> {
        self.payload().parameters
    }

    /// The entry with a name, in any spelling (`PROMPT`, `Prompt:`); the last of several.
    pub fn entry(&self, keyword: &str) -> Option<&EmbeddedText> {
        self.entries.iter().rev().find(|entry| is_same_keyword(&entry.keyword, keyword))
    }
}

/// How well a name fits a graph or prompt: the larger the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum NameFit {
    /// Under some other name.
    Anywhere,
    /// Under the name of the other of the two.
    Swapped,
    /// Under its own name, inside an object that was packed into one text.
    Packed,
    /// Under its own name.
    Named,
}

#[derive(Default)]
struct PayloadCandidates {
    workflow: Option<(NameFit, Value)>,
    prompt: Option<(NameFit, Value)>,
}

impl PayloadCandidates {
    fn add_entry(&mut self, entry: &EmbeddedText) {
        let name = PayloadName::from_keyword(&entry.keyword);
        if name == PayloadName::Other && !may_hold_graph(&entry.text) {
            return;
        }
        for value in parse_joined_json(&entry.text) {
            self.add_value(name, false, value);
        }
    }

    fn add_value(&mut self, name: PayloadName, packed: bool, value: Value) {
        let value = decode_nested_strings(value);
        let fit = |own: PayloadName| match name {
            name if name == own && packed => NameFit::Packed,
            name if name == own => NameFit::Named,
            PayloadName::Other => NameFit::Anywhere,
            _ => NameFit::Swapped,
        };
        match JsonShape::detect(&value) {
            JsonShape::Graph => {
                replace_if_better(&mut self.workflow, fit(PayloadName::Workflow), value)
            }
            JsonShape::Prompt => {
                replace_if_better(&mut self.prompt, fit(PayloadName::Prompt), value)
            }
            JsonShape::Other if !packed => self.add_packed(value),
            JsonShape::Other => {}
        }
    }

    /// One JSON object that holds what other files hold in several texts; also a body
    /// that was posted to the server.
    fn add_packed(&mut self, value: Value) {
        let Value::Object(object) = value else { return };
        for (key, value) in posted_members(object) {
            let name = PayloadName::from_keyword(&key);
            if name != PayloadName::Other {
                self.add_value(name, true, value);
            }
        }
    }
}

/// The members, those of `extra_data.extra_pnginfo` among them.
fn posted_members(mut object: Object) -> Vec<(json::JsonKey, Value)> {
    let extra = object.remove("extra_data").and_then(|mut extra| {
        let info = extra.get_mut("extra_pnginfo")?;
        match std::mem::take(info) {
            Value::Object(info) => Some(info),
            _ => None,
        }
    });
    object.into_iter().chain(extra.unwrap_or_default()).collect()
}

/// Replaces a value that fits no better: of equals the last is kept.
fn replace_if_better(slot: &mut Option<(NameFit, Value)>, fit: NameFit, value: Value) {
    if slot.as_ref().is_none_or(|(old, _)| *old <= fit) {
        *slot = Some((fit, value));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PayloadName {
    Workflow,
    Prompt,
    Other,
}

impl PayloadName {
    fn from_keyword(keyword: &str) -> PayloadName {
        if is_same_keyword(keyword, "workflow") {
            PayloadName::Workflow
        } else if is_same_keyword(keyword, "prompt") {
            PayloadName::Prompt
        } else {
            PayloadName::Other
        }
    }
}

/// Compares names as readers do: without case, without a closing colon.
fn is_same_keyword(a: &str, b: &str) -> bool {
    let bare = |name: &str| name.trim().trim_end_matches(':').trim_end().to_lowercase();
    bare(a) == bare(b)
}

/// Whether it is worth parsing a text that has no telling name.
fn may_hold_graph(text: &str) -> bool {
    let finds = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    text.trim_start().starts_with(['{', '"']) && (finds("class_type") || finds("nodes"))
}

/// The JSON values in a text: one, or several that were joined. What follows the last
/// that parses is dropped.
fn parse_joined_json(text: &str) -> Vec<Value> {
    let (mut values, mut rest) = (vec![], text);
    while values.len() < MAX_JOINED
        && let Some((value, behind)) = parse_leading_json(rest)
    {
        values.push(value);
        rest = behind;
    }
    values
}

/// The JSON value that a text begins with, read leniently, and what follows it.
pub(super) fn parse_leading_json(text: &str) -> Option<(Value, &str)> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\0');
    if text.is_empty() {
        return None;
    }
    match json::parse_lenient(text.as_bytes()) {
        Ok(value) => Some((value, "")),
        Err(error) if error.kind == JsonErrorKind::TrailingText => {
            let (document, behind) = text.split_at_checked(error.offset)?;
            Some((json::parse_lenient(document.as_bytes()).ok()?, behind))
        }
        Err(_) => None,
    }
}

/// Decodes JSON that is itself a string that holds JSON, as often as it takes.
fn decode_nested_strings(value: Value) -> Value {
    let mut value = value;
    for _ in 0..MAX_STRING_LAYERS {
        let Value::String(text) = &value else { break };
        match parse_leading_json(text) {
            Some((inner, _)) => value = inner,
            None => break,
        }
    }
    value
}

/// Parameters, and whether they lie under their own name.
fn parse_parameters(entry: &EmbeddedText) -> Option<(bool, A1111Parameters)> {
    if PayloadName::from_keyword(&entry.keyword) != PayloadName::Other {
        return None;
    }
    Some((is_same_keyword(&entry.keyword, "parameters"), A1111Parameters::parse(&entry.text)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Container, TextLocation};

    const GRAPH: &str = r#"{"id": "g", "nodes": [], "links": [], "version": 0.4}"#;
    const PROMPT: &str = r#"{"3": {"class_type": "KSampler", "inputs": {"x": NaN}}}"#;

    fn embedded(entries: &[(&str, &str)]) -> EmbeddedMetadata {
        let entry = |(keyword, text): &(&str, &str)| EmbeddedText {
            keyword: (*keyword).to_owned(),
            text: (*text).to_owned(),
            location: TextLocation::Comment,
        };
        let entries = entries.iter().map(entry).collect();
        EmbeddedMetadata {
            container: Container::Png,
            size: None,
            entries,
            credentials: None,
            defects: vec![],
        }
    }

    fn value(text: &str) -> Value {
        json::parse_lenient(text.as_bytes()).unwrap()
    }

    fn string(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }

    fn assert_both(entries: &[(&str, &str)]) {
        let payload = embedded(entries).payload();
        assert_eq!(payload.workflow, Some(value(GRAPH)), "{entries:?}");
        assert_eq!(payload.prompt, Some(value(PROMPT)), "{entries:?}");
    }

    #[test]
    fn both_are_found_under_every_spelling() {
        assert_both(&[("prompt", PROMPT), ("workflow", GRAPH)]);
        assert_both(&[("PROMPT", PROMPT), ("WORKFLOW", GRAPH)]);
        assert_both(&[("Prompt:", PROMPT), ("Workflow", GRAPH)]);
        assert_both(&[("Make", PROMPT), ("ImageDescription", GRAPH)]);
        assert_both(&[("prompt", GRAPH), ("workflow", PROMPT)]);
        assert_both(&[("JSON", &format!("{PROMPT}\n{GRAPH}"))]);
    }

    #[test]
    fn strings_of_strings_are_decoded() {
        let thrice = string(&string(&string(GRAPH)));
        assert_both(&[("prompt", &string(PROMPT)), ("workflow", &thrice)]);
    }

    #[test]
    fn one_object_may_hold_both() {
        let packed = format!(r#"{{"prompt": {}, "workflow": {GRAPH}}}"#, string(PROMPT));
        assert_both(&[("comment", &packed)]);
        assert_both(&[("UserComment", &packed), ("title", "a fox")]);
        assert_both(&[("Prompt", PROMPT), ("Workflow", &format!(r#"{{"workflow": {GRAPH}}}"#))]);
        let posted = format!(
            r#"{{"prompt": {PROMPT}, "extra_data": {{"extra_pnginfo": {{"workflow": {GRAPH}}}}}}}"#
        );
        assert_both(&[("JSON", &posted)]);
        assert_both(&[("prompt", PROMPT), ("Workflow", &format!("{GRAPH}{{\"more\": 1}}"))]);
    }

    #[test]
    fn the_best_name_wins_and_of_equals_the_last() {
        let other = r#"{"id": "other", "nodes": [], "version": 0.4}"#;
        let found = |entries: &[(&str, &str)]| {
            let workflow = embedded(entries).workflow().unwrap();
            workflow.get("id").unwrap().as_str().unwrap().to_owned()
        };
        assert_eq!(found(&[("workflow", GRAPH), ("comment", other)]), "g");
        assert_eq!(found(&[("comment", other), ("workflow", GRAPH)]), "g");
        assert_eq!(found(&[("workflow", GRAPH), ("prompt", other)]), "g");
        assert_eq!(found(&[("workflow", other), ("workflow", GRAPH)]), "g");
    }

    #[test]
    fn leftovers_inside_a_graph_are_not_trusted() {
        let graph = format!(r#"{{"nodes": [], "version": 0.4, "prompt": {PROMPT}}}"#);
        let payload = embedded(&[("workflow", &graph)]).payload();
        assert!(payload.workflow.is_some() && payload.prompt.is_none());
    }

    #[test]
    fn text_that_is_no_payload_is_none() {
        for text in ["", "a fox", "{", "{}", "[1]", "{\"a\": 1}", "\"x\"", "NaN", "1 1 1"] {
            let payload = embedded(&[("prompt", text), ("workflow", text)]).payload();
            assert_eq!(payload, Payload::default(), "{text}");
        }
    }

    #[test]
    fn parameters_under_their_own_name_win() {
        let a1111 = |seed: u32| format!("a fox\nSteps: 20, Sampler: Euler, Seed: {seed}");
        let found = embedded(&[("parameters", &a1111(1)), ("UserComment", &a1111(2))]);
        assert_eq!(found.parameters().unwrap().seed(), Some(1));
        let found = embedded(&[("UserComment", &a1111(2))]);
        assert_eq!(found.parameters().unwrap().seed(), Some(2));
    }
}
