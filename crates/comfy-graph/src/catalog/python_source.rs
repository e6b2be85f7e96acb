//! Reads what node classes declare out of the Python sources of a pack, without running them:
//! `INPUT_TYPES` that return a dictionary as it stands there, and `NODE_CLASS_MAPPINGS`.
//!
//! What is computed is not guessed: a class whose inputs are put together by code is left out.
//! Must not know files.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::python_literal::{Literal, parse_literal};
use crate::json::{Object, Value};

/// Longer sources are data.
const MAX_SOURCE: usize = 4 << 20;

/// What the sources of one pack declare.
#[derive(Debug, Clone, Default)]
pub struct PackSources {
    /// Inputs by the name of the Python class; nothing where two files disagree.
    inputs: FxHashMap<CompactString, Option<Value>>,
    /// The Python class that another is derived from.
    bases: FxHashMap<CompactString, CompactString>,
    /// Node class and Python class.
    registered: Vec<(CompactString, CompactString)>,
}

impl PackSources {
    /// Reads one file.
    pub fn read_source(&mut self, source: &str) {
        if source.len() > MAX_SOURCE {
            return;
        }
        for class in python_classes(source) {
            if let Some(base) = class.base {
                self.bases.insert(class.name.into(), base.into());
            }
            if let Some(inputs) = class.body.and_then(read_input_types) {
                let known = self.inputs.entry(class.name.into()).or_insert(Some(inputs.clone()));
                if known.as_ref() != Some(&inputs) {
                    *known = None;
                }
            }
        }
        for (at, _) in source.match_indices("NODE_CLASS_MAPPINGS") {
            self.read_mappings(&source[at + "NODE_CLASS_MAPPINGS".len()..]);
        }
        for (at, _) in source.match_indices("NODE_CONFIG") {
            self.read_mappings(&source[at + "NODE_CONFIG".len()..]);
        }
    }

    /// `= {"Name": Class}`, `.update({"Name": Class})`, `= {"Name": {"class": Class}}`,
    /// `["Name"] = Class`.
    fn read_mappings(&mut self, rest: &str) {
        let rest = rest.trim_start();
        if let Some(key) = rest.strip_prefix('[') {
            if let Some((Literal::Text(name), after)) = parse_literal(key)
                && let Some(after) = after.trim_start().strip_prefix(']')
                && let Some(after) = after.trim_start().strip_prefix('=')
                && let Some((Literal::Other(class), _)) = parse_literal(after)
            {
                self.register(&name, &class);
            }
            return;
        }
        let dictionary = rest
            .strip_prefix(".update(")
            .or_else(|| rest.split_once('=').filter(|(head, _)| is_annotation(head)).map(|s| s.1));
        let Some((Literal::Dictionary(members), _)) = dictionary.and_then(parse_literal) else {
            return;
        };
        for (key, value) in members {
            let Literal::Text(name) = key else { continue };
            match value {
                Literal::Other(class) => self.register(&name, &class),
                Literal::Dictionary(config) => {
                    let class = config.into_iter().find_map(|(key, value)| match (key, value) {
                        (Literal::Text(key), Literal::Other(class)) if key == "class" => {
                            Some(class)
                        }
                        _ => None,
                    });
                    if let Some(class) = class {
                        self.register(&name, &class);
                    }
                }
                _ => {}
            }
        }
    }

    fn register(&mut self, name: &str, class: &str) {
        let class = class.rsplit('.').next().unwrap_or_default().trim();
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        if !class.is_empty() && class.chars().all(is_name) {
            self.registered.push((name.into(), class.into()));
        }
    }

    /// The classes as a server's `/object_info` tells of them, as far as they are sure.
    pub fn into_object_info(self) -> Value {
        let mut info = Object::new();
        for (name, class) in &self.registered {
            if let Some(inputs) = self.find_inputs(class) {
                let members = [("input", inputs.clone()), ("output", Value::Array(Vec::new()))];
                info.insert(name.clone(), Value::Object(members.into_iter().collect()));
            }
        }
        Value::Object(info)
    }

    fn find_inputs(&self, class: &str) -> Option<&Value> {
        let mut class = CompactString::new(class);
        let mut seen = FxHashSet::default();
        while seen.insert(class.clone()) {
            if let Some(inputs) = self.inputs.get(&class) {
                return inputs.as_ref();
            }
            class = self.bases.get(&class)?.clone();
        }
        None
    }
}

/// What may stand between a name and `=`: a type.
fn is_annotation(head: &str) -> bool {
    head.trim().is_empty() || (head.trim_start().starts_with(':') && !head.contains('\n'))
}

struct PythonClass<'s> {
    name: &'s str,
    base: Option<&'s str>,
    /// What follows `def INPUT_TYPES`, if it has one.
    body: Option<&'s str>,
}

/// The classes at the start of lines.
fn python_classes(source: &str) -> Vec<PythonClass<'_>> {
    let starts: Vec<usize> = source
        .match_indices("class ")
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || source.as_bytes()[at - 1] == b'\n')
        .collect();
    let ends = starts.iter().skip(1).copied().chain([source.len()]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|(&start, end)| {
            let text = &source[start + "class ".len()..end];
            let name_end = text.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            let (name, rest) = text.split_at(name_end);
            let bases = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
            let base = bases.and_then(|(bases, _)| bases.split(',').next());
            let base = base.map(|base| base.rsplit('.').next().unwrap_or_default().trim());
            // What follows a class at the start of a line is none of it.
            let body = text.find("def INPUT_TYPES").map(|at| &text[at..]);
            Some(PythonClass { name, base: base.filter(|base| !base.is_empty()), body })
        })
        .collect()
}

/// The dictionary that a function returns as it stands there, if nothing else is returned.
fn read_input_types(body: &str) -> Option<Value> {
    let body = &body[body.find(':')? + 1..];
    let at = body.find("return")?;
    let (before, returned) = body.split_at(at);
    // A condition before it is another way out; another function is not this one.
    let is_plain = |line: &str| {
        let line = line.trim_start();
        !["if ", "for ", "while ", "with ", "try", "def ", "class "]
            .iter()
            .any(|w| line.starts_with(w))
    };
    if !before.lines().all(is_plain) {
        return None;
    }
    let (literal, after) = parse_literal(&returned["return".len()..])?;
    let Literal::Dictionary(sections) = literal else { return None };
    if !ends_function(before, after) {
        return None;
    }
    let mut inputs = Object::new();
    for (section, specs) in sections {
        let Literal::Text(section) = section else { return None };
        if !matches!(section.as_str(), "required" | "optional") {
            continue;
        }
        let Literal::Dictionary(specs) = specs else { return None };
        let mut read = Object::new();
        for (name, spec) in specs {
            let Literal::Text(name) = name else { return None };
            read.insert(name, input_spec(spec, before)?);
        }
        inputs.insert(section, Value::Object(read));
    }
    (!inputs.is_empty()).then_some(Value::Object(inputs))
}

/// Whether nothing follows in the function: the next line is not indented as deep as the one
/// that returns.
fn ends_function(before: &str, after: &str) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let depth = before.rsplit('\n').next().map_or(0, str::len);
    let mut lines = after.split('\n');
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    lines.next().is_some_and(is_blank)
        && lines.find(|line| !is_blank(line)).is_none_or(|line| indent(line) < depth)
}

/// The declaration of one input as `/object_info` has it; nothing where its type is not sure.
/// `before` is what the function does before it returns.
fn input_spec(spec: Literal, before: &str) -> Option<Value> {
    let Literal::List(parts) = spec else { return None };
    let mut parts = parts.into_iter();
    let kind = match parts.next()? {
        Literal::Text(kind) => Value::from(kind),
        Literal::List(choices) => {
            let choices = choices.into_iter().filter_map(|choice| match choice {
                Literal::Text(text) => Some(Value::from(text)),
                Literal::Value(value) => Some(value),
                _ => None,
            });
            Value::Array(choices.collect())
        }
        Literal::Other(code) if is_made_of_code(&code, before) => Value::Array(Vec::new()),
        Literal::Other(code) => kind_of_code(&code)?,
        Literal::Value(_) | Literal::Dictionary(_) => return None,
    };
    let mut options = Object::new();
    if let Some(Literal::Dictionary(members)) = parts.next() {
        for (key, value) in members {
            let Literal::Text(key) = key else { return None };
            let value = match value {
                Literal::Value(value) => value,
                Literal::Text(text) => Value::from(text),
                // A default that is computed is not known.
                _ if matches!(key.as_str(), "forceInput" | "control_after_generate") => {
                    return None;
                }
                _ => continue,
            };
            if KEPT_OPTIONS.contains(&key.as_str()) {
                options.insert(key, value);
            }
        }
    }
    Some(match options.is_empty() {
        true => Value::Array(vec![kind]),
        false => Value::Array(vec![kind, Value::Object(options)]),
    })
}

/// Whether a name was given to something computed in the same function: choices, as types are
/// not computed.
fn is_made_of_code(name: &str, before: &str) -> bool {
    let assigned = before.lines().filter_map(|line| line.trim().split_once('='));
    let mut values = assigned.filter(|(left, _)| left.trim().trim_end_matches('+') == name);
    values.next().is_some_and(|(_, value)| !value.trim_start().starts_with(['"', '\'']))
}

const KEPT_OPTIONS: [&str; 8] = [
    "control_after_generate",
    "default",
    "forceInput",
    "image_upload",
    "multiline",
    "socketless",
    "video_upload",
    "audio_upload",
];

/// The type that code in the place of one stands for: a list of choices, or any type at all.
fn kind_of_code(code: &str) -> Option<Value> {
    let code = code.trim();
    if let Some(kind) = ["IO.", "io."].iter().find_map(|head| code.strip_prefix(head)) {
        return match kind {
            "ANY" => Some(Value::from("*")),
            kind => Some(Value::from(kind)),
        };
    }
    let lower = code.to_ascii_lowercase();
    if lower.contains("any") || lower.contains("alwaysequal") || lower.contains("flexible") {
        return Some(Value::from("*"));
    }
    let lists =
        ["get_filename_list", ".samplers", ".schedulers", "sorted(", "list(", "_list", ".keys()"];
    let is_list = code.starts_with('[')
        || lists.iter().any(|part| lower.contains(part))
        || lower.ends_with('s');
    is_list.then(|| Value::Array(Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{JsonStyle, print};

    const SOURCE: &str = r#"
import folder_paths
class Blend:
    """A node: {"not": "this"}."""
    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "image": ("IMAGE",),
                "mode": (["add", 'sub'], {"default": "add"}),  # "comment": (
                "lora": (folder_paths.get_filename_list("loras"), ),
                "factor": ("FLOAT", {"default": 0.5, "min": -1e3, "tooltip": "a (long) "
                    "text"}),
                "text": ("STRING", {"multiline": True, "default": """a
b"""}),
            },
            "optional": {"any": (any_typ, {"forceInput": True})},
            "hidden": {"unique_id": "UNIQUE_ID"},
        }
    RETURN_TYPES = ("IMAGE",)

    def run(self):
        return {"required": {}}

class Child(Blend):
    pass

class Local:
    @classmethod
    def INPUT_TYPES(s):
        preset = ["None"]
        preset += load()
        return {"required": {"preset": (preset,)}}

class Computed:
    @classmethod
    def INPUT_TYPES(s):
        types = {"required": {}}
        types["required"]["x"] = ("INT",)
        return types

class Doubtful:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"x": (WHATEVER, )}}

NODE_CLASS_MAPPINGS = {
    "My Blend": Blend, "Child": nodes.Child,
    "Computed": Computed,
    "Doubtful": Doubtful, "Local": Local,
}
NODE_CLASS_MAPPINGS["Other"] = Blend
NODE_DISPLAY_NAME_MAPPINGS = {"My Blend": "Blend!"}
"#;

    fn info(source: &str) -> Value {
        let mut pack = PackSources::default();
        pack.read_source(source);
        pack.into_object_info()
    }

    #[test]
    fn classes_are_read_as_they_stand_there() {
        let info = info(SOURCE);
        let names: Vec<&str> = info.as_object().unwrap().keys().map(|key| key.as_str()).collect();
        assert_eq!(names, ["My Blend", "Child", "Local", "Other"]);
        let blend = print(info.get("My Blend").unwrap(), &JsonStyle::SAVE);
        insta::assert_snapshot!(blend, @r#"{"input":{"required":{"image":["IMAGE"],"mode":[["add","sub"],{"default":"add"}],"lora":[[]],"factor":["FLOAT",{"default":0.5}],"text":["STRING",{"multiline":true,"default":"a\nb"}]},"optional":{"any":["*",{"forceInput":true}]}},"output":[]}"#);
    }

    #[test]
    fn nonsense_and_strangers_code_is_left_out() {
        for source in [
            "class A:\n    def INPUT_TYPES(s):\n        return {\"required\": {**base}}\nNODE_CLASS_MAPPINGS = {\"A\": A}",
            "class A:\n    def INPUT_TYPES(s):\n        return {\"required\": {\"x\": (\"INT\"",
            "class A:\n    def INPUT_TYPES(s):\n        if x: return {}\n        return {\"required\": {}}\nNODE_CLASS_MAPPINGS = {\"A\": A}",
            "NODE_CLASS_MAPPINGS = {\"A\": A}",
            "class ",
            "class A(",
        ] {
            assert_eq!(info(source), Value::Object(Object::new()), "{source}");
        }
        let deep = format!("class A:\n def INPUT_TYPES(s):\n  return {}", "[".repeat(100_000));
        assert_eq!(info(&deep), Value::Object(Object::new()));
    }
}
