//! Which value of a promoted widget counts: the instance's or the one inside.
//!
//! Three generations of files: on the instance without a mark, inside with
//! `proxyWidgets`, on the instance again. What tells them apart is only whether the
//! boundary feeds the widget's socket and the instance holds a value for it.

use super::{
    FxIndexMap, Graph, LinkEnd, Node, NodeId, Slot, SlotName, SubgraphDefinition, SubgraphId,
    WidgetLocation, WidgetValues, Workflow,
};
use crate::json::Value;

/// A boundary input of a definition that shows a widget of its inside.
#[derive(Debug, Clone, Copy)]
pub struct PromotedWidget<'w> {
    /// The boundary input. Its name is that of the widget on the instance.
    pub input: Slot<'w>,
    /// The node inside that it feeds first.
    pub node: &'w Node,
    /// The widget there.
    pub widget: &'w str,
}

impl SubgraphDefinition {
    /// The widgets that instances of this definition show, in the order of an instance's
    /// values.
    pub fn promoted_widgets(&self) -> Vec<PromotedWidget<'_>> {
        let promoted = |input: Slot<'_>| {
            let mut links = input.link_ids().filter_map(|link| self.graph.links.get(&link));
            let LinkEnd::Node { id, slot } = links.next()?.to() else { return None };
            let node = self.graph.nodes.get(id)?;
            Some((node, node.input_at(*slot)?.widget()?))
        };
        let inputs = self.inputs();
        inputs
            .filter_map(|input| {
                let (node, widget) = promoted(input)?;
                Some(PromotedWidget { input, node, widget })
            })
            .collect()
    }

    /// Where an instance holds the value of a boundary input. Nothing if it holds none:
    /// then the value inside counts.
    pub(crate) fn location_on(&self, host: &Node, input: &str) -> Option<WidgetLocation> {
        match host.widget_values() {
            WidgetValues::Array(values) => {
                let promoted = self.promoted_widgets();
                let at = promoted.iter().position(|promoted| promoted.input.name() == input)?;
                (promoted.len() == values.len()).then_some(WidgetLocation::Index(at))
            }
            WidgetValues::Object(values) => {
                values.contains_key(input).then(|| WidgetLocation::Key(input.into()))
            }
            WidgetValues::None => None,
        }
    }

    /// The value that an instance holds for a boundary input.
    pub fn value_on<'n>(&self, host: &'n Node, input: &str) -> Option<&'n Value> {
        match (self.location_on(host, input), host.widget_values()) {
            (Some(WidgetLocation::Index(at)), WidgetValues::Array(values)) => values.get(at),
            (Some(WidgetLocation::Key(key)), WidgetValues::Object(values)) => values.get(&key),
            // Values were added or lost; the copy by name still tells them apart.
            (None, WidgetValues::Array(values)) if !values.is_empty() => {
                host.named_values()?.get(input)
            }
            _ => None,
        }
    }
}

/// What overrules the value that a widget holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WidgetOverride {
    /// A wire into its socket.
    Wire,
    /// Every instance of the subgraph, with a value or a wire of its own.
    Instance,
}

/// The instances of every definition: kept while many widgets are asked about.
#[derive(Debug, Default)]
pub struct SubgraphInstances<'w> {
    by_definition: FxIndexMap<SubgraphId, Vec<&'w Node>>,
}

impl<'w> SubgraphInstances<'w> {
    /// Finds all instances in a workflow.
    pub fn from_workflow(workflow: &'w Workflow) -> Self {
        let mut by_definition: FxIndexMap<SubgraphId, Vec<&Node>> = FxIndexMap::default();
        if !workflow.definitions.is_empty() {
            for (_, graph) in workflow.graphs() {
                for node in graph.nodes.values() {
                    if let Some(definition) = workflow.definition_of(node) {
                        by_definition.entry(definition.id().clone()).or_default().push(node);
                    }
                }
            }
        }
        SubgraphInstances { by_definition }
    }

    /// The instances of one definition.
    pub(crate) fn of_definition(&self, definition: &SubgraphId) -> &[&'w Node] {
        self.by_definition.get(definition).map(Vec::as_slice).unwrap_or_default()
    }

    /// What overrules the value that a widget of a node holds; nothing if the value
    /// counts. `definition` is the one whose inside the node is in.
    pub fn find_override(
        &self,
        definition: Option<&SubgraphDefinition>,
        graph: &Graph,
        node: &Node,
        widget: &str,
    ) -> Option<WidgetOverride> {
        let socket = node.inputs().find(|input| input.widget() == Some(widget))?;
        let link = graph.links.get(&socket.link()?)?;
        match (link.from(), definition) {
            (LinkEnd::Node { id, .. }, _) => {
                graph.nodes.contains_key(id).then_some(WidgetOverride::Wire)
            }
            (LinkEnd::GraphInput { slot }, Some(definition)) => {
                let name = definition.input_at(*slot)?.name();
                let hosts = self.of_definition(definition.id());
                let rules = |host: &&Node| {
                    definition.value_on(host, name).is_some() || is_wired(host, name)
                };
                let all = !hosts.is_empty() && hosts.iter().all(rules);
                all.then_some(WidgetOverride::Instance)
            }
            _ => None,
        }
    }
}

fn is_wired(host: &Node, input: &str) -> bool {
    host.input(&SlotName::new(input)).and_then(Slot::link).is_some()
}

/// Nodes that exist for the editor only and never reach the server: the frontend's own,
/// and those of widespread packs.
pub fn is_virtual_class(class: &str) -> bool {
    const VIRTUAL: [&str; 17] = [
        "Bookmark (rgthree)",
        "Fast Actions Button (rgthree)",
        "Fast Bypasser (rgthree)",
        "Fast Groups Bypasser (rgthree)",
        "Fast Groups Muter (rgthree)",
        "Fast Muter (rgthree)",
        "GetNode",
        "Label (rgthree)",
        "MarkdownNote",
        "Mute / Bypass Relay (rgthree)",
        "Mute / Bypass Repeater (rgthree)",
        "Node Collector (rgthree)",
        "Note",
        "PrimitiveNode",
        "Reroute",
        "Reroute (rgthree)",
        "SetNode",
    ];
    VIRTUAL.binary_search(&class).is_ok()
}

/// The id of a node of an instance, as prompts spell it: `12:7:3`.
pub(super) fn prompt_node_id(path: &str, id: &NodeId) -> NodeId {
    if path.is_empty() { id.clone() } else { NodeId::from_text(&format!("{path}:{id}")) }
}

#[cfg(test)]
mod tests {
    use super::super::GraphScope;
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn virtual_classes_are_in_order() {
        assert!(
            is_virtual_class("Reroute")
                && is_virtual_class("SetNode")
                && is_virtual_class("Bookmark (rgthree)")
        );
        assert!(is_virtual_class("MarkdownNote") && !is_virtual_class("KSampler"));
    }

    fn workflow(host: &str) -> Workflow {
        let text = format!(
            r#"{{"version":0.4,"nodes":[{{"id":1,"type":"u",{host}}}],"links":[],"definitions":{{"subgraphs":[
            {{"id":"u","inputs":[{{"name":"m","linkIds":[1]}},{{"name":"cfg","linkIds":[2]}}],
            "nodes":[{{"id":5,"type":"K","inputs":[{{"name":"model","link":1}},
                {{"name":"c","widget":{{"name":"c"}},"link":2}}],"widgets_values":[7]}}],
            "links":[{{"id":1,"origin_id":-10,"origin_slot":0,"target_id":5,"target_slot":0}},
                {{"id":2,"origin_id":-10,"origin_slot":1,"target_id":5,"target_slot":1}}]}}]}}}}"#
        );
        Workflow::from_value(parse_text(&text).unwrap()).unwrap()
    }

    #[test]
    fn an_instance_with_a_value_overrules_the_inside() {
        let overruled = |host: &str| {
            let workflow = workflow(host);
            let definition = &workflow.definitions[0];
            let node = &definition.graph.nodes[0];
            SubgraphInstances::from_workflow(&workflow).find_override(
                Some(definition),
                &definition.graph,
                node,
                "c",
            )
        };
        assert_eq!(overruled(r#""widgets_values":[8]"#), Some(WidgetOverride::Instance));
        assert_eq!(
            overruled(r#""widgets_values":[],"properties":{"proxyWidgets":[["5","c"]]}"#),
            None
        );
        assert_eq!(
            overruled(r#""inputs":[{"name":"cfg","link":9}]"#),
            Some(WidgetOverride::Instance)
        );
        let named = r#""widgets_values":[8,9],"widgets_values_named":{"cfg":8}"#;
        assert_eq!(overruled(named), Some(WidgetOverride::Instance));
        assert!(workflow("\"x\":1").graph(&GraphScope::Root).is_some());
    }
}
