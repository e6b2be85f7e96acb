//! Groups: titled boxes on the canvas. Geometry alone decides what is in one.

use super::GroupId;
use crate::json::{Object, Value};

/// A group. Files of before 2025 have groups without ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    raw: Object,
}

impl Group {
    /// Takes a raw group.
    ///
    /// # Errors
    /// Gives the value back if it is no object.
    pub fn from_value(value: Value) -> Result<Group, Value> {
        match value {
            Value::Object(raw) => Ok(Group { raw }),
            value => Err(value),
        }
    }

    /// The raw group again.
    pub fn into_value(self) -> Value {
        Value::Object(self.raw)
    }

    /// The id, if it has one.
    pub fn id(&self) -> Option<GroupId> {
        GroupId::from_value(self.raw.get("id")?)
    }

    /// Gives it another id.
    pub(crate) fn set_id(&mut self, id: GroupId) {
        let spelled = id.respell(self.raw.get("id").unwrap_or(&Value::Null));
        self.raw.insert("id", spelled);
    }

    /// The title; empty where there is none.
    pub fn title(&self) -> &str {
        self.raw.get("title").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a conflict means this group: by the id, else by the title.
    pub(crate) fn is_called(&self, id: Option<GroupId>, title: &str) -> bool {
        match id {
            Some(id) => self.id() == Some(id),
            None => self.title() == title,
        }
    }

    /// The colour, if one was chosen.
    pub fn color(&self) -> Option<&str> {
        self.raw.get("color").and_then(Value::as_str)
    }

    /// The box: x, y, width, height.
    pub fn bounding(&self) -> Option<[f64; 4]> {
        let numbers = self.raw.get("bounding")?.as_array()?;
        let mut bounding = [0.0; 4];
        for (place, number) in bounding.iter_mut().zip(numbers) {
            *place = number.as_f64()?;
        }
        (numbers.len() == 4).then_some(bounding)
    }

    /// The object in the file.
    pub fn raw(&self) -> &Object {
        &self.raw
    }

    /// The object in the file, to change.
    pub fn raw_mut(&mut self) -> &mut Object {
        &mut self.raw
    }
}
