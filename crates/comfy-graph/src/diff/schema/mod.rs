//! An edit script as JSON and back: what `git comfy diff --format json` prints and
//! `git comfy apply` reads. `docs/diff-schema.md` describes it.
//!
//! One table (`table.rs`) serves both ways, so that what is written can be read. Values of
//! the workflow stand in it as they are: absent is not null, numbers keep their spelling.
//! Must not know files.
//!
//! Not derived with serde: to a derived reader absent and `null` are one, and it cannot say
//! what should stand where nothing does (`edits 0 node key id: an id is expected, not nothing`).

mod json_codec;
mod table;

use json_codec::{CodeFields, JsonCodec};

use super::edit::{Edit, EditClass, EditEntry, EditScript, ScriptFormat};
use crate::json::{Object, Value};

/// The version of the form. A reader takes its own and older ones.
pub const DIFF_SCHEMA_VERSION: i64 = 1;

/// A text that is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ScriptParseError {
    /// Where: the keys on the way, such as `edits 3 node`.
    place: String,
    problem: String,
}

impl ScriptParseError {
    fn new(problem: impl Into<String>) -> Self {
        ScriptParseError { place: String::new(), problem: problem.into() }
    }

    /// The same, one key further out.
    pub(super) fn within_key(mut self, key: &str) -> Self {
        if !self.place.is_empty() {
            self.place.insert(0, ' ');
        }
        self.place.insert_str(0, key);
        self
    }
}

impl EditScript {
    /// The script as JSON.
    pub fn to_json(&self) -> Value {
        self.to_code().unwrap_or(Value::Null)
    }

    /// Reads what [`EditScript::to_json`] gave.
    ///
    /// # Errors
    /// The JSON is no script; the error says where.
    pub fn from_json(json: &Value) -> Result<EditScript, ScriptParseError> {
        EditScript::from_code(Some(json))
    }
}

impl JsonCodec for EditScript {
    fn to_code(&self) -> Option<Value> {
        let mut object = Object::default();
        self.format.append_to("format", &mut object);
        let edits: Vec<Value> = self.entries.iter().filter_map(JsonCodec::to_code).collect();
        object.insert("edits", edits);
        Some(Value::Object(object))
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        let fields = CodeFields::from_value(value)?;
        Ok(EditScript {
            format: fields.parse_field::<ScriptFormat>("format")?,
            entries: fields.parse_field("edits")?,
        })
    }
}

impl JsonCodec for EditEntry {
    fn to_code(&self) -> Option<Value> {
        let Some(Value::Object(mut object)) = self.edit.to_code() else { return None };
        // For readers that only want to know what is worth showing; not read back.
        self.edit.class().append_to("level", &mut object);
        self.because.append_to("because", &mut object);
        Some(Value::Object(object))
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        let fields = CodeFields::from_value(value)?;
        Ok(EditEntry { edit: Edit::from_code(value)?, because: fields.parse_field("because")? })
    }
}

impl JsonCodec for EditClass {
    fn to_code(&self) -> Option<Value> {
        Some(Value::from(match self {
            EditClass::Content => "content",
            EditClass::Layout => "layout",
            EditClass::Bookkeeping => "bookkeeping",
        }))
    }

    fn from_code(_: Option<&Value>) -> Result<Self, ScriptParseError> {
        Err(ScriptParseError::new("a class follows from the edit"))
    }
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn the_document_knows_every_edit_source_and_sink() {
        let text = include_str!("../../../../../docs/diff-schema.md");
        let kinds = [table::EDIT_NAMES, table::SOURCE_NAMES, table::SINK_NAMES];
        for kind in kinds.into_iter().flatten() {
            assert!(text.contains(&format!("`{kind}`")), "{kind} is not told of");
        }
    }
}
