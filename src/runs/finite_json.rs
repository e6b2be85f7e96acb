//! Documents out of files of Python's, as JSON that every reader takes. Must not know where
//! they come from.

use comfy_graph::json::Value;

/// JSON has no `NaN` and no `Infinity`: a file with one would not load. ComfyUI reads
/// them as null. Whole numbers of any size end in a digit.
pub(crate) fn replace_non_finite(value: &mut Value) {
    match value {
        Value::Number(number)
            if !number.as_f64().is_finite() && number.as_str().ends_with(['N', 'y']) =>
        {
            *value = Value::Null;
        }
        Value::Array(elements) => elements.iter_mut().for_each(replace_non_finite),
        Value::Object(object) => object.values_mut().for_each(replace_non_finite),
        _ => {}
    }
}
