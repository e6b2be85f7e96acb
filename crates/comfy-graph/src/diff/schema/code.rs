//! Single values as JSON and back.

use compact_str::CompactString;

use super::Misread;
use crate::diff::edit::Change;
use crate::graph::{
    GroupId, LinkId, Mode, NodeId, RerouteId, Scope, SlotName, SubgraphId, WidgetName,
};
use crate::json::{Key, Object, Path, Step, Value};

/// What has one spelling in JSON, or is absent.
pub(super) trait Coded: Sized {
    /// The spelling; nothing for what is absent.
    fn put(&self) -> Option<Value>;

    /// Reads the spelling; nothing is given for what is absent.
    fn take(value: Option<&Value>) -> Result<Self, Misread>;

    /// Adds itself to an object, if there is something to add.
    fn field(&self, key: &str, object: &mut Object) {
        if let Some(value) = self.put() {
            object.insert(key, value);
        }
    }
}

/// The members of an object, to be read one by one.
#[derive(Clone, Copy)]
pub(super) struct Fields<'v>(&'v Object);

impl<'v> Fields<'v> {
    pub(super) fn of(value: Option<&'v Value>) -> Result<Self, Misread> {
        value.and_then(Value::as_object).map(Fields).ok_or_else(|| wanted("an object", value))
    }

    pub(super) fn get<T: Coded>(self, key: &str) -> Result<T, Misread> {
        T::take(self.0.get(key)).map_err(|error| error.inside(key))
    }
}

/// What is there instead of what should be.
pub(super) fn wanted(what: &str, value: Option<&Value>) -> Misread {
    let found = value.map_or("nothing", Value::kind);
    Misread::new(format!("{what} is expected, not {found}"))
}

impl<T: Coded> Coded for Option<T> {
    fn put(&self) -> Option<Value> {
        self.as_ref().and_then(Coded::put)
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        value.map(|value| T::take(Some(value))).transpose()
    }
}

impl<T: Coded> Coded for Box<T> {
    fn put(&self) -> Option<Value> {
        self.as_ref().put()
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        T::take(value).map(Box::new)
    }
}

impl<T: Coded> Coded for Vec<T> {
    fn put(&self) -> Option<Value> {
        let elements: Vec<Value> = self.iter().filter_map(Coded::put).collect();
        Some(Value::Array(elements))
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        let elements =
            value.and_then(Value::as_array).ok_or_else(|| wanted("a list", value))?.iter();
        let read = |(at, element): (usize, &Value)| {
            T::take(Some(element)).map_err(|error: Misread| error.inside(&at.to_string()))
        };
        elements.enumerate().map(read).collect()
    }
}

impl<T: Coded> Coded for Change<T> {
    fn put(&self) -> Option<Value> {
        let mut object = Object::default();
        self.before.field("before", &mut object);
        self.after.field("after", &mut object);
        Some(Value::Object(object))
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        let fields = Fields::of(value)?;
        Ok(Change { before: fields.get("before")?, after: fields.get("after")? })
    }
}

impl<T: Coded> Coded for (T, T) {
    fn put(&self) -> Option<Value> {
        Some(Value::Array([&self.0, &self.1].into_iter().filter_map(Coded::put).collect()))
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        match value.and_then(Value::as_array) {
            Some([one, other]) => Ok((T::take(Some(one))?, T::take(Some(other))?)),
            _ => Err(wanted("a pair", value)),
        }
    }
}

/// Implements [`Coded`] by an expression for each way.
macro_rules! coded {
    ($($type:ty, $what:literal: |$own:ident| $put:expr, |$value:ident| $take:expr;)*) => {
        $(impl Coded for $type {
            fn put(&self) -> Option<Value> {
                let $own = self;
                Some(Value::from($put))
            }

            fn take(value: Option<&Value>) -> Result<Self, Misread> {
                let read = |$value: &Value| -> Option<Self> { $take };
                value.and_then(read).ok_or_else(|| wanted($what, value))
            }
        })*
    };
}

coded! {
    Value, "a value": |own| own.clone(), |value| Some(value.clone());
    Object, "an object": |own| own.clone(), |value| value.as_object().cloned();
    CompactString, "a text": |own| own.clone(), |value| value.as_str().map(CompactString::new);
    usize, "a number": |own| *own, |value| usize::try_from(value.as_i64()?).ok();
    Mode, "a mode's number": |own| own.number(), |value| value.as_i64().map(Mode::from_number);
    NodeId, "an id": |own| own.to_value(), |value| NodeId::from_value(value);
    LinkId, "a link's id": |own| own.to_value(), |value| LinkId::from_value(value);
    GroupId, "a group's id": |own| own.to_value(), |value| GroupId::from_value(value);
    RerouteId, "a reroute's id": |own| own.to_value(), |value| RerouteId::from_value(value);
    SubgraphId, "a subgraph's id": |own| own.0.clone(), |value| value.as_str().map(SubgraphId::new);
    Step, "a key or an index": |own| match own {
        Step::Key(key) => Value::from(key.as_str()),
        Step::Index(at) => Value::from(*at),
    }, |value| match value.as_str() {
        Some(key) => Some(Step::Key(Key::new(key))),
        None => usize::try_from(value.as_i64()?).ok().map(Step::Index),
    };
}

/// Absent for the root.
impl Coded for Scope {
    fn put(&self) -> Option<Value> {
        match self {
            Scope::Root => None,
            Scope::Definition(id) => id.put(),
        }
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        let id: Option<SubgraphId> = Coded::take(value)?;
        Ok(id.map_or(Scope::Root, Scope::Definition))
    }
}

impl Coded for Path {
    fn put(&self) -> Option<Value> {
        self.0.put()
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        Coded::take(value).map(Path)
    }
}

/// The name; with its number where an earlier slot has the same.
impl Coded for SlotName {
    fn put(&self) -> Option<Value> {
        match self.nth {
            0 => self.name.put(),
            nth => Some(Value::Array(vec![self.name.clone().into(), nth.into()])),
        }
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        match value.and_then(Value::as_array) {
            Some([name, nth]) => {
                Ok(SlotName { name: Coded::take(Some(name))?, nth: Coded::take(Some(nth))? })
            }
            _ => Ok(SlotName { name: Coded::take(value)?, nth: 0 }),
        }
    }
}

/// The name; the position where nothing names it.
impl Coded for WidgetName {
    fn put(&self) -> Option<Value> {
        match self {
            WidgetName::Named(name) => name.put(),
            WidgetName::Position(at) => at.put(),
        }
    }

    fn take(value: Option<&Value>) -> Result<Self, Misread> {
        match value.and_then(Value::as_str) {
            Some(name) => Ok(WidgetName::new(name)),
            None => Coded::take(value).map(WidgetName::Position),
        }
    }
}
