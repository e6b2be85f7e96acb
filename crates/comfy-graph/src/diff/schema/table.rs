//! The table of the form: every type with its fields, every edit with its name.

use super::ScriptParseError;
use super::json_codec::{CodeFields, JsonCodec, expected_error};
use crate::diff::edit::{
    AddedWidget, AppEntry, AppList, ChangeOrigin, DefaultMatch, Edit, EditTarget, EmbeddedHome,
    GroupRef, LinkRef, Migration, NodeRef, RawEdit, ScriptFormat, SinkRef, SlotSide, SourceRef,
    SubgraphRef,
};
use crate::graph::{self, GraphList, NameSource, NodeKey, WidgetRole};
use crate::json::{Object, Value};

/// Structures: the fields under their own names.
macro_rules! records {
    ($($type:ident { $($field:ident),* })*) => {
        $(impl JsonCodec for $type {
            fn to_code(&self) -> Option<Value> {
                let mut object = Object::default();
                $(self.$field.append_to(stringify!($field), &mut object);)*
                Some(Value::Object(object))
            }

            fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
                let fields = CodeFields::from_value(value)?;
                Ok($type { $($field: fields.parse_field(stringify!($field))?),* })
            }
        })*
    };
}

/// Choices without fields: words.
macro_rules! words {
    ($($type:path { $($variant:ident $word:literal),* })*) => {
        $(impl JsonCodec for $type {
            fn to_code(&self) -> Option<Value> {
                use $type as This;
                Some(Value::from(match self { $(This::$variant => $word),* }))
            }

            fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
                use $type as This;
                match value.and_then(Value::as_str) {
                    $(Some($word) => Ok(This::$variant),)*
                    Some(other) => Err(ScriptParseError::new(format!("{other:?} is no word for this"))),
                    None => Err(expected_error("a word", value)),
                }
            }
        })*
    };
}

/// Choices with fields: an object that says under `$tag` which one it is.
macro_rules! variants {
    ($type:ident $tag:literal $names:ident { $($variant:ident $word:literal { $($field:ident),* })* }
     $(wrapped { $($wrapper:ident $name:literal)* })?) => {
        /// The words in the order of the type: `docs/diff-schema.md` is to tell of each.
        #[cfg(test)]
        pub(super) const $names: &[&str] = &[$($word,)* $($($name,)*)?];

        impl JsonCodec for $type {
            fn to_code(&self) -> Option<Value> {
                let mut object = Object::default();
                match self {
                    $($type::$variant { $($field),* } => {
                        object.insert($tag, $word);
                        $($field.append_to(stringify!($field), &mut object);)*
                    })*
                    $($($type::$wrapper(inner) => {
                        object.insert($tag, $name);
                        if let Some(Value::Object(inner)) = inner.to_code() {
                            for (key, value) in inner.iter() {
                                object.insert(key.clone(), value.clone());
                            }
                        }
                    })*)?
                }
                Some(Value::Object(object))
            }

            fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
                let fields = CodeFields::from_value(value)?;
                let word: compact_str::CompactString = fields.parse_field($tag)?;
                match word.as_str() {
                    $($word => Ok($type::$variant { $($field: fields.parse_field(stringify!($field))?),* }),)*
                    $($($name => Ok($type::$wrapper(JsonCodec::from_code(value)?)),)*)?
                    other => {
                        Err(ScriptParseError::new(format!("{other:?} is not known here")).within_key($tag))
                    }
                }
            }
        }
    };
}

records! {
    NodeKey { scope, id }
    NodeRef { key, class, title, subgraph }
    LinkRef { scope, id, kind }
    GroupRef { scope, at, id, title }
    SubgraphRef { id, name }
    RawEdit { place, at, change }
    AddedWidget { name, value, role, usual }
    AppEntry { at, node, widget, raw }
}

words! {
    ScriptFormat { Workflow "workflow", Prompt "prompt", Json "json" }
    SlotSide { Input "input", Output "output" }
    AppList { Inputs "inputs", Outputs "outputs" }
    ChangeOrigin {
        Person "person", Reroll "reroll", Dead "dead", SetByInstance "setByInstance",
        SetByWire "setByWire", Respelled "respelled"
    }
    DefaultMatch { Default "default", Own "own", Unknown "unknown" }
    Migration {
        PromotedWidgets "promotedWidgets", GroupNode "groupNode", NamedValues "namedValues",
        Holes "holes", Values "values"
    }
    GraphList {
        Nodes "nodes", Links "links", Groups "groups", Reroutes "reroutes",
        Definitions "definitions"
    }
    WidgetRole {
        Plain "plain", Text "text", Seed "seed", Control "control", Filter "filter",
        Button "button", Residue "residue"
    }
}

variants! {
    SourceRef "of" SOURCE_NAMES {
        Output "node" { node, slot, name }
        Boundary "subgraph" { scope, name }
    }
}

variants! {
    SinkRef "of" SINK_NAMES {
        Input "node" { node, name }
        Boundary "subgraph" { scope, name }
    }
}

const NAME_SOURCES: [(NameSource, &str); 6] = [
    (NameSource::Position, "position"),
    (NameSource::File, "file"),
    (NameSource::Builtin, "builtin"),
    (NameSource::Server, "server"),
    (NameSource::Repository, "repository"),
    (NameSource::Packs, "packs"),
];

/// Where a name comes from. Scripts of earlier versions do not say it.
impl JsonCodec for NameSource {
    fn to_code(&self) -> Option<Value> {
        let word = NAME_SOURCES.iter().find(|(source, _)| source == self);
        word.map(|(_, word)| Value::from(*word))
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        let word = value.and_then(Value::as_str);
        let known = NAME_SOURCES.iter().find(|(_, known)| Some(*known) == word);
        Ok(known.map(|(source, _)| *source).unwrap_or_default())
    }
}

/// What an embedded node is part of: `{"groupNode": name}` or `{"id": id}`.
impl JsonCodec for EmbeddedHome {
    fn to_code(&self) -> Option<Value> {
        let member = match self {
            EmbeddedHome::GroupNode(name) => ("groupNode", Value::from(name.clone())),
            EmbeddedHome::SharedId(id) => ("id", id.to_value()),
        };
        Some(Value::Object([member].into_iter().collect()))
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        let fields = CodeFields::from_value(value)?;
        if let Some(name) = fields.parse_field("groupNode")? {
            return Ok(EmbeddedHome::GroupNode(name));
        }
        Ok(EmbeddedHome::SharedId(fields.parse_field("id")?))
    }
}

/// Where a widget's value lies: an index, or a list and a key.
impl JsonCodec for graph::WidgetLocation {
    fn to_code(&self) -> Option<Value> {
        let keyed = |list: &str, key: &compact_str::CompactString| {
            Value::Array(vec![list.into(), key.clone().into()])
        };
        Some(match self {
            graph::WidgetLocation::Index(at) => Value::from(*at),
            graph::WidgetLocation::Key(key) => keyed("widgets_values", key),
            graph::WidgetLocation::Input(key) => keyed("inputs", key),
        })
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        let Some([list, key]) = value.and_then(Value::as_array) else {
            return JsonCodec::from_code(value).map(graph::WidgetLocation::Index);
        };
        let key = JsonCodec::from_code(Some(key))?;
        match list.as_str() {
            Some("widgets_values") => Ok(graph::WidgetLocation::Key(key)),
            Some("inputs") => Ok(graph::WidgetLocation::Input(key)),
            _ => Err(expected_error("\"widgets_values\" or \"inputs\"", Some(list))),
        }
    }
}

/// A thing that has JSON of its own.
impl JsonCodec for EditTarget {
    fn to_code(&self) -> Option<Value> {
        let mut object = Object::default();
        let word = match self {
            EditTarget::Document => "document",
            EditTarget::Graph(scope) => {
                scope.append_to("scope", &mut object);
                "graph"
            }
            EditTarget::Node(node) => {
                node.append_to("node", &mut object);
                "node"
            }
            EditTarget::Link(scope, id) => {
                scope.append_to("scope", &mut object);
                id.append_to("id", &mut object);
                "link"
            }
            EditTarget::Group(group) => {
                group.append_to("group", &mut object);
                "group"
            }
            EditTarget::Reroute(scope, id) => {
                scope.append_to("scope", &mut object);
                id.append_to("id", &mut object);
                "reroute"
            }
        };
        object.insert("of", word);
        Some(Value::Object(object))
    }

    fn from_code(value: Option<&Value>) -> Result<Self, ScriptParseError> {
        let fields = CodeFields::from_value(value)?;
        let word: compact_str::CompactString = fields.parse_field("of")?;
        Ok(match word.as_str() {
            "document" => EditTarget::Document,
            "graph" => EditTarget::Graph(fields.parse_field("scope")?),
            "node" => EditTarget::Node(fields.parse_field("node")?),
            "link" => EditTarget::Link(fields.parse_field("scope")?, fields.parse_field("id")?),
            "group" => EditTarget::Group(fields.parse_field("group")?),
            "reroute" => {
                EditTarget::Reroute(fields.parse_field("scope")?, fields.parse_field("id")?)
            }
            other => {
                return Err(
                    ScriptParseError::new(format!("{other:?} is not known here")).within_key("of")
                );
            }
        })
    }
}

variants! {
    Edit "edit" EDIT_NAMES {
        NodeAdded "nodeAdded" { node, raw, widgets }
        NodeRemoved "nodeRemoved" { node, raw }
        NodeMoved "nodeMoved" { node, from }
        Retyped "retyped" { node, class }
        Retitled "retitled" { node, title }
        ModeChanged "modeChanged" { node, mode }
        Coloured "coloured" { node, key, change }
        Widget "widget" { node, name, source, role, change, place, origin }
        Wire "wire" { to, from, link }
        Slot "slot" { node, side, name, at, raw }
        SlotLabelled "slotLabelled" { node, side, name, label }
        Property "property" { node, key, change }
        PackVersion "packVersion" { node, pack, version }
        GroupAdded "groupAdded" { group, raw }
        GroupRemoved "groupRemoved" { group, raw }
        GroupRetitled "groupRetitled" { group, title }
        GroupColoured "groupColoured" { group, color }
        SubgraphAdded "subgraphAdded" { subgraph, raw, home }
        SubgraphRemoved "subgraphRemoved" { subgraph, raw }
        Packed "packed" { subgraph, host, nodes }
        Unpacked "unpacked" { subgraph, host, nodes }
        SubgraphRenamed "subgraphRenamed" { subgraph, name }
        Boundary "boundary" { subgraph, side, name, kind, label, at, raw }
        Reroute "reroute" { scope, id, wires, raw }
        AppModeEntry "app" { list, entry }
        EmbeddedValue "embeddedValue" { home, node, name, role, raw }
        PromptMeta "meta" { node, change }
        NestedGraph "inside" { at, script }
        Renumbered "renumbered" { scope, nodes, links, groups, reroutes, subgraph }
        DanglingElement "table" { scope, list, change }
        Migrated "migrated" { migration, nodes }
        KeyOrder "keys" { place, at, keys }
        Order "order" { scope, list, ids }
    }
    wrapped { Raw "raw" Layout "layout" Bookkeeping "bookkeeping" }
}
