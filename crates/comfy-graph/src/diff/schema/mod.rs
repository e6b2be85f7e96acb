//! An edit script as JSON and back: what `git comfy diff --format json` prints and
//! `git comfy apply` reads. `docs/diff-schema.md` describes it.
//!
//! One table (`table.rs`) serves both ways, so that what is written can be read. Values of
//! the workflow stand in it as they are: absent is not null, numbers keep their spelling.
//! Must not know files.

mod code;
mod table;

use code::{Coded, Fields};

use super::edit::{Class, Edit, EditScript, Entry, Format};
use crate::json::{Object, Value};

/// The version of the form. A reader takes its own and older ones.
pub const VERSION: i64 = 1;

/// A text that is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Misread {
    /// Where: the keys on the way, such as `edits 3 node`.
    place: String,
    problem: String,
}

impl Misread {
    fn new(problem: impl Into<String>) -> Self {
        Misread { place: String::new(), problem: problem.into() }
    }

    /// The same, one key further out.
    pub(super) fn inside(mut self, key: &str) -> Self {
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
        self.put().unwrap_or(Value::Null)
    }

    /// Reads what [`EditScript::to_json`] gave.
    ///
    /// # Errors
    /// The JSON is no script; the error says where.
    pub fn from_json(json: &Value) -> Result<EditScript, Misread> {
        EditScript::take(Some(json))
    }
}

/// All words that say which kind of edit, source or sink something is.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    [table::EDIT_NAMES, table::SOURCE_NAMES, table::SINK_NAMES].into_iter().flatten().copied()
}

impl Coded for EditScript {
    fn put(&self) -> Option<Value> {
        let mut object = Object::default();
        self.format.field("format", &mut object);
        let edits: Vec<Value> = self.entries.iter().filter_map(Coded::put).collect();
        object.insert("edits", edits);
        Some(Value::Object(object))
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        let fields = Fields::of(value)?;
        Ok(EditScript { format: fields.get::<Format>("format")?, entries: fields.get("edits")? })
    }
}

impl Coded for Entry {
    fn put(&self) -> Option<Value> {
        let Some(Value::Object(mut object)) = self.edit.put() else { return None };
        // For readers that only want to know what is worth showing; not read back.
        self.edit.class().field("level", &mut object);
        self.because.field("because", &mut object);
        Some(Value::Object(object))
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        let fields = Fields::of(value)?;
        Ok(Entry { edit: Edit::take(value)?, because: fields.get("because")? })
    }
}

impl Coded for Class {
    fn put(&self) -> Option<Value> {
        Some(Value::from(match self {
            Class::Content => "content",
            Class::Layout => "layout",
            Class::Bookkeeping => "bookkeeping",
        }))
    }

    fn take(_: Option<&Value>) -> Result<Self, Misread> {
        Err(Misread::new("a class follows from the edit"))
    }
}
