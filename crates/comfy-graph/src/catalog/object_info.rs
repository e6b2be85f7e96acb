//! Node classes out of a server's `/object_info`.
//!
//! Packs write what they like into it, so every key may be missing or of another type;
//! what cannot be read is left out and never fails the rest.

use compact_str::CompactString;

use super::class::{
    ControlSpec, DynamicOption, InputSpec, NodeClass, OutputSpec, Presence, UploadKind,
};
use crate::json::Value;

/// How deep dynamic options may nest; real ones reach three.
const MAX_OPTION_DEPTH: usize = 16;

/// Reads one class.
pub(crate) fn parse_class(name: &str, info: &Value) -> Option<NodeClass> {
    let input = info.get("input")?;
    let text = |key| info.get(key).and_then(Value::as_str).map(CompactString::new);
    let title = text("display_name").filter(|title| title != name).unwrap_or_default();
    Some(NodeClass {
        name: CompactString::new(name),
        title,
        module: text("python_module").unwrap_or_default(),
        inputs: parse_inputs(input, info.get("input_order"), 0),
        outputs: parse_outputs(info),
        is_output: info.get("output_node").and_then(Value::as_bool).unwrap_or_default(),
    })
}

fn parse_outputs(info: &Value) -> Vec<OutputSpec> {
    let text = |value: Option<&Value>| {
        value.and_then(Value::as_str).map(CompactString::new).unwrap_or_default()
    };
    let kinds = info.get("output").and_then(Value::as_array).unwrap_or_default();
    let names = info.get("output_name");
    let output = |(at, kind): (usize, &Value)| {
        // A literal list of choices is a combo.
        let kind = match kind {
            Value::Array(_) => CompactString::const_new("COMBO"),
            kind => text(Some(kind)),
        };
        let name = names.and_then(|names| names.get_index(at));
        let name = Some(text(name)).filter(|n| !n.is_empty()).unwrap_or_else(|| kind.clone());
        OutputSpec { name, kind }
    };
    kinds.iter().enumerate().map(output).collect()
}

/// Required inputs, then optional ones; each in the stated order, what it leaves out last.
fn parse_inputs(input: &Value, order: Option<&Value>, depth: usize) -> Vec<InputSpec> {
    let mut found = Vec::new();
    for (section, presence) in [("required", Presence::Required), ("optional", Presence::Optional)]
    {
        let Some(specs) = input.get(section).and_then(Value::as_object) else { continue };
        let stated = order.and_then(|order| order.get(section)).and_then(Value::as_array);
        let stated: Vec<&str> = stated.into_iter().flatten().filter_map(Value::as_str).collect();
        let rank = |name: &str| stated.iter().position(|s| *s == name).unwrap_or(usize::MAX);
        let mut specs: Vec<(&str, &Value)> = specs.iter().map(|(k, v)| (k.as_str(), v)).collect();
        specs.sort_by_key(|(name, _)| rank(name));
        found.extend(
            specs.into_iter().filter_map(|(name, s)| parse_input(name, s, presence, depth)),
        );
    }
    found
}

fn parse_input(name: &str, value: &Value, presence: Presence, depth: usize) -> Option<InputSpec> {
    let none = Value::Null;
    let kind = value.get_index(0)?;
    let options = value.get_index(1).unwrap_or(&none);
    let text = |key| options.get(key).and_then(Value::as_str).map(CompactString::new);
    let is = |key| options.get(key).and_then(Value::as_bool).unwrap_or_default();
    let mut spec = InputSpec {
        name: CompactString::new(name),
        presence,
        widget_type: text("widgetType"),
        default: options.get("default").cloned(),
        control: parse_control(options.get("control_after_generate")),
        upload: parse_upload(options),
        multiline: is("multiline"),
        dynamic_prompts: is("dynamicPrompts"),
        force_input: is("forceInput"),
        socketless: is("socketless"),
        ..InputSpec::default()
    };
    match kind {
        Value::String(kind) => {
            spec.kind = kind.clone();
            let listed = options.get("options").and_then(Value::as_array).unwrap_or_default();
            if kind == "COMFY_DYNAMICCOMBO_V3" && depth < MAX_OPTION_DEPTH {
                spec.options =
                    listed.iter().filter_map(|o| parse_dynamic_option(o, depth + 1)).collect();
            } else {
                spec.choices = listed.to_vec();
            }
        }
        Value::Array(choices) => {
            spec.kind = CompactString::const_new("COMBO");
            spec.choices = choices.clone();
        }
        _ => return None,
    }
    Some(spec)
}

fn parse_dynamic_option(option: &Value, depth: usize) -> Option<DynamicOption> {
    let key = match option.get("key")? {
        Value::String(key) => key.clone(),
        Value::Number(number) => CompactString::new(number.as_str()),
        Value::Bool(value) => CompactString::new(if *value { "true" } else { "false" }),
        _ => return None,
    };
    let inputs = option.get("inputs").map(|i| parse_inputs(i, option.get("input_order"), depth));
    Some(DynamicOption { key, inputs: inputs.unwrap_or_default() })
}

fn parse_control(value: Option<&Value>) -> ControlSpec {
    match value {
        None => ControlSpec::Unsaid,
        Some(Value::String(name)) if !name.is_empty() => ControlSpec::Named(name.clone()),
        Some(Value::Bool(true)) => ControlSpec::Yes,
        Some(Value::Number(number)) if number.as_f64() != 0.0 => ControlSpec::Yes,
        Some(Value::Object(_) | Value::Array(_)) => ControlSpec::Yes,
        Some(_) => ControlSpec::No,
    }
}

fn parse_upload(options: &Value) -> Option<UploadKind> {
    let is = |key| options.get(key).and_then(Value::as_bool).unwrap_or_default();
    if is("image_upload") || is("animated_image_upload") {
        Some(UploadKind::Image)
    } else if is("video_upload") {
        Some(UploadKind::Video)
    } else if is("audio_upload") {
        Some(UploadKind::Audio)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Object, parse_text};

    fn parse_classes(document: &Value) -> Vec<NodeClass> {
        let members = document.as_object().into_iter().flat_map(Object::iter);
        members.filter_map(|(name, info)| parse_class(name, info)).collect()
    }

    #[test]
    fn a_class_is_read_as_the_frontend_reads_it() {
        let info = parse_text(
            r#"{"K":{"input":{"required":{"b":["INT",{"control_after_generate":"fixed"}],
                "a":[["x","y"]],"m":["MODEL"]},"optional":{"mode":["COMFY_DYNAMICCOMBO_V3",
                {"options":[{"key":"p","inputs":{"required":{"w":["FLOAT",{"default":0.5}]}}}]}],
                "t":["STRING",{"multiline":true,"forceInput":true}]},"broken":7},
                "input_order":{"required":["a","b"]},"output":["MODEL",["q"]],
                "output_name":["model"],"display_name":"Kay","output_node":true}}"#,
        );
        let classes = parse_classes(&info.unwrap());
        let class = &classes[0];
        let names: Vec<&str> = class.inputs.iter().map(|i| i.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "m", "mode", "t"]);
        assert_eq!(class.inputs[0].initial_value(), Some("x".into()));
        assert_eq!(class.inputs[1].control, ControlSpec::Named("fixed".into()));
        assert_eq!(class.input("mode.w").unwrap().default, Some(0.5.into()));
        assert!(class.inputs[3].has_widget() && !class.inputs[4].has_widget());
        assert_eq!(class.outputs[1], OutputSpec { name: "COMBO".into(), kind: "COMBO".into() });
        assert_eq!((class.display_name(), class.is_output), ("Kay", true));
    }

    #[test]
    fn nonsense_is_left_out() {
        for text in ["[]", r#"{"a":7}"#, r#"{"a":{"input":{"required":{"x":[],"y":{},"z":[1]}}}}"#]
        {
            let classes = parse_classes(&parse_text(text).unwrap());
            assert!(classes.iter().all(|class| class.inputs.is_empty()));
        }
    }
}
