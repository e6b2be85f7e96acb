//! Single values as JSON and back.

use compact_str::CompactString;

use super::ScriptParseError;
use crate::diff::edit::Change;
use crate::graph::{
    GraphScope, GroupId, LinkId, NodeId, NodeMode, RerouteId, SlotName, SubgraphId, WidgetName,
};
use crate::json::{JsonKey, JsonPath, JsonStep, Object, Value};

/// What has one spelling in JSON, or is absent.
pub(super) trait JsonCodec: Sized {
    /// The spelling; nothing for what is absent.
    fn to_code(&self) -> Option<Value>;

    /// Reads the spelling; nothing is given for what is absent.
    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError>;

    /// Adds itself to an object, if there is something to add.
    fn append_to(&self, key: &str, object: &mut Object) {
        if let Some(value) = self.to_code() {
            object.insert(key, value);
        }
    }
}

/// The members of an object, to be read one by one.
#[derive(Clone, Copy)]
pub(super) struct CodeFields<'v>(&'v Object);

impl<'v> CodeFields<'v> {
    pub(super) fn from_value(value: Option<&'v Value>) -> Result<Self, ScriptParseError> {
        value
            .and_then(Value::as_object)
            .map(CodeFields)
            .ok_or_else(|| expected_error("an object", value))
    }

    pub(super) fn parse_field<T: JsonCodec>(self, key: &str) -> Result<T, ScriptParseError> {
        T::from_code(self.0.get(key)).map_err(|error| error.within_key(key))
    }
}

/// What is there instead of what should be.
pub(super) fn expected_error(what: &str, value: Option<&Value>) -> ScriptParseError {
    let found = value.map_or("nothing", Value::kind_name);
    ScriptParseError::new(format!("{what} is expected, not {found}"))
}

impl<T: JsonCodec> JsonCodec for Option<T> {
    fn to_code(&self) -> Option<Value> {
        self.as_ref().and_then(JsonCodec::to_code)
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        value.map(|value| T::from_code(Some(value))).transpose()
    }
}

impl<T: JsonCodec> JsonCodec for Box<T> {
    fn to_code(&self) -> Option<Value> {
        self.as_ref().to_code()
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        T::from_code(value).map(Box::new)
    }
}

impl<T: JsonCodec> JsonCodec for Vec<T> {
    fn to_code(&self) -> Option<Value> {
        let elements: Vec<Value> = self.iter().filter_map(JsonCodec::to_code).collect();
        Some(Value::Array(elements))
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        let elements =
            value.and_then(Value::as_array).ok_or_else(|| expected_error("a list", value))?.iter();
        let read = |(at, element): (usize, &Value)| {
            T::from_code(Some(element))
                .map_err(|error: ScriptParseError| error.within_key(&at.to_string()))
        };
        elements.enumerate().map(read).collect()
    }
}

impl<T: JsonCodec> JsonCodec for Change<T> {
    fn to_code(&self) -> Option<Value> {
        let mut object = Object::default();
        self.before.append_to("before", &mut object);
        self.after.append_to("after", &mut object);
        Some(Value::Object(object))
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        let fields = CodeFields::from_value(value)?;
        Ok(Change { before: fields.parse_field("before")?, after: fields.parse_field("after")? })
    }
}

impl<T: JsonCodec> JsonCodec for (T, T) {
    fn to_code(&self) -> Option<Value> {
        Some(Value::Array([&self.0, &self.1].into_iter().filter_map(JsonCodec::to_code).collect()))
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        match value.and_then(Value::as_array) {
            Some([one, other]) => Ok((T::from_code(Some(one))?, T::from_code(Some(other))?)),
            _ => Err(expected_error("a pair", value)),
        }
    }
}

/// Implements [`JsonCodec`] by an expression for each way.
macro_rules! coded {
    ($($type:ty, $what:literal: |$own:ident| $put:expr, |$value:ident| $take:expr;)*) => {
        $(impl JsonCodec for $type {
            fn to_code(&self) -> Option<Value> {
                let $own = self;
                Some(Value::from($put))
            }

            fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
                let read = |$value: &Value| -> Option<Self> { $take };
                value.and_then(read).ok_or_else(|| expected_error($what, value))
            }
        })*
    };
}

coded! {
    Value, "a value": |own| own.clone(), |value| Some(value.clone());
    Object, "an object": |own| own.clone(), |value| value.as_object().cloned();
    CompactString, "a text": |own| own.clone(), |value| value.as_str().map(CompactString::new);
    usize, "a number": |own| *own, |value| usize::try_from(value.as_i64()?).ok();
    NodeMode, "a mode's number": |own| own.number(), |value| value.as_i64().map(NodeMode::from_number);
    NodeId, "an id": |own| own.to_value(), |value| NodeId::from_value(value);
    LinkId, "a link's id": |own| own.to_value(), |value| LinkId::from_value(value);
    GroupId, "a group's id": |own| own.to_value(), |value| GroupId::from_value(value);
    RerouteId, "a reroute's id": |own| own.to_value(), |value| RerouteId::from_value(value);
    SubgraphId, "a subgraph's id": |own| own.0.clone(), |value| value.as_str().map(SubgraphId::new);
    JsonStep, "a key or an index": |own| match own {
        JsonStep::Key(key) => Value::from(key.as_str()),
        JsonStep::Index(at) => Value::from(*at),
    }, |value| match value.as_str() {
        Some(key) => Some(JsonStep::Key(JsonKey::new(key))),
        None => usize::try_from(value.as_i64()?).ok().map(JsonStep::Index),
    };
}

/// Absent for the root.
impl JsonCodec for GraphScope {
    fn to_code(&self) -> Option<Value> {
        match self {
            GraphScope::Root => None,
            GraphScope::Definition(id) => id.to_code(),
        }
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        let id: Option<SubgraphId> = JsonCodec::from_code(value)?;
        Ok(id.map_or(GraphScope::Root, GraphScope::Definition))
    }
}

impl JsonCodec for JsonPath {
    fn to_code(&self) -> Option<Value> {
        self.0.to_code()
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        JsonCodec::from_code(value).map(JsonPath)
    }
}

/// The name; with its number where an earlier slot has the same.
impl JsonCodec for SlotName {
    fn to_code(&self) -> Option<Value> {
        match self.nth {
            0 => self.name.to_code(),
            nth => Some(Value::Array(vec![self.name.clone().into(), nth.into()])),
        }
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        match value.and_then(Value::as_array) {
            Some([name, nth]) => Ok(SlotName {
                name: JsonCodec::from_code(Some(name))?,
                nth: JsonCodec::from_code(Some(nth))?,
            }),
            _ => Ok(SlotName { name: JsonCodec::from_code(value)?, nth: 0 }),
        }
    }
}

/// The name; the position where nothing names it.
impl JsonCodec for WidgetName {
    fn to_code(&self) -> Option<Value> {
        match self {
            WidgetName::Named(name) => name.to_code(),
            WidgetName::Position(at) => at.to_code(),
        }
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        match value.and_then(Value::as_str) {
            Some(name) => Ok(WidgetName::new(name)),
            None => JsonCodec::from_code(value).map(WidgetName::Position),
        }
    }
}
