//! Names the values of nodes that are none of a graph's own: the parts of a legacy group
//! node, and second nodes under one id.
//!
//! Works on the raw edits that were found for them. Must not know how those were found.

use compact_str::CompactString;

use super::edit::{Edit, EditTarget, EmbeddedHome, RawEdit};
use crate::graph::{Node, NodeId, Widget, WidgetLocation, WidgetNaming, WidgetRole, Workflow};
use crate::json::{JsonPath, JsonStep, Value};

/// Makes a raw edit of such a value say which widget of which node it is; any other edit
/// comes back as it is. `document` is the second one.
pub(super) fn name_embedded_value(
    edit: Edit,
    document: &Value,
    workflow: &Workflow,
    naming: &dyn WidgetNaming,
) -> Edit {
    let Edit::Raw(raw) = edit else { return edit };
    match find_value(&raw, document) {
        Some(found) => found.into_edit(raw, workflow, naming),
        None => Edit::Raw(raw),
    }
}

struct EmbeddedValue<'d> {
    home: EmbeddedHome,
    node: &'d Value,
    location: WidgetLocation,
}

fn find_value<'d>(raw: &RawEdit, document: &'d Value) -> Option<EmbeddedValue<'d>> {
    let EditTarget::Graph(crate::graph::GraphScope::Root) = raw.place else { return None };
    let (way, home) = match raw.at.0.as_slice() {
        [JsonStep::Key(extra), JsonStep::Key(all), JsonStep::Key(name), way @ ..]
            if extra == "extra" && all == "groupNodes" =>
        {
            (way, Some(EmbeddedHome::GroupNode(name.clone())))
        }
        way => (way, None),
    };
    let [JsonStep::Key(list), JsonStep::Index(_), JsonStep::Key(values), at] = way else {
        return None;
    };
    if list != "nodes" || values != "widgets_values" {
        return None;
    }
    let to_node = JsonPath(raw.at.0[..raw.at.0.len() - 2].to_vec());
    let node = to_node.get(document)?;
    let home = match home {
        Some(home) => home,
        None => EmbeddedHome::SharedId(NodeId::from_value(node.get("id")?)?),
    };
    let location = match at {
        JsonStep::Index(at) => WidgetLocation::Index(*at),
        JsonStep::Key(key) => WidgetLocation::Key(key.clone()),
    };
    Some(EmbeddedValue { home, node, location })
}

impl EmbeddedValue<'_> {
    fn into_edit(self, raw: RawEdit, workflow: &Workflow, naming: &dyn WidgetNaming) -> Edit {
        let mut node = self.node.clone();
        if let Some(object) = node.as_object_mut() {
            // The parts of a group node have no id of their own.
            object.get_or_insert_with("id", || Value::from(0i64));
        }
        let Ok(node) = Node::from_value(node) else { return Edit::Raw(raw) };
        let widgets = naming.widgets(workflow, &node);
        let named = widgets.into_iter().find(|widget| widget.location == self.location);
        let (name, role) = match (named, &self.location) {
            (Some(Widget { name, role, .. }), _) => (name, role),
            (None, WidgetLocation::Index(at)) => {
                (crate::graph::WidgetName::Position(*at), WidgetRole::Plain)
            }
            (None, WidgetLocation::Key(key) | WidgetLocation::Input(key)) => {
                (crate::graph::WidgetName::new(key), WidgetRole::Plain)
            }
        };
        let shown = CompactString::new(node.display_name());
        Edit::EmbeddedValue { home: self.home, node: shown, name, role, raw }
    }
}
