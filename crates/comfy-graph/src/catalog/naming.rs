//! The names of a node's widget values, from the best source there is.
//!
//! In this order: the file's own values by name; the rules for notes, primitives and
//! subgraph instances; the sockets of the node's widgets, if there is one for each value;
//! the class, if it expects as many values; the sockets with the one control or button that
//! has none; what was learned from other files of the repository; what is built in of packs;
//! the class as far as its types agree. What is left keeps its position. The positional array
//! is the truth: names only label it.

use compact_str::{CompactString, ToCompactString, format_compact};

use super::Catalog;
use super::class::NodeClass;
use super::core::pack_names;
use super::expected_widgets::{
    ExpectedWidget, accepts_value, expected_widgets, is_seed_name, widget_role,
};
use crate::graph::{
    MAX_DEFINITION_DEPTH, NameSource, Node, PromotedWidget, SubgraphDefinition, Widget,
    WidgetLocation, WidgetName, WidgetNaming, WidgetRole, WidgetValues, Workflow,
    widgets_by_position,
};
use crate::json::{Object, Value};

/// Texts that only a control widget holds.
const CONTROL_VALUES: [&str; 5] =
    ["decrement", "fixed", "increment", "increment-wrap", "randomize"];

/// A name with what is known of the widget's purpose.
pub(super) type WidgetLabel = (CompactString, WidgetRole);

impl WidgetNaming for Catalog {
    fn widgets<'w>(&self, workflow: &'w Workflow, node: &'w Node) -> Vec<Widget<'w>> {
        let values = match node.widget_values() {
            WidgetValues::Array(values) => values,
            WidgetValues::Object(values) => return widgets_by_key(self, node, values),
            WidgetValues::None => return Vec::new(),
        };
        let (labels, source) = self.widget_labels(workflow, node, values);
        let mut widgets = widgets_by_position(node);
        for (widget, label) in widgets.iter_mut().zip(labels) {
            if let Some((name, role)) = label {
                widget.name = WidgetName::Named(name);
                widget.role = role;
                widget.source = source;
            }
        }
        widgets
    }

    fn unset_widgets(&self, node: &Node) -> Vec<(CompactString, Value)> {
        let Some(class) = self.class(node.class()) else { return Vec::new() };
        let values = match node.widget_values() {
            WidgetValues::Array(values) => values,
            WidgetValues::Object(_) => return Vec::new(),
            WidgetValues::None => &[],
        };
        let expected = expected_widgets(class, values);
        let initial = |e: &ExpectedWidget<'_>| Some((e.name.clone(), e.spec?.initial_value()?));
        // A stored picture of the last run is not what the next one starts with.
        let unset = expected.iter().enumerate();
        let unset = unset.filter(|(at, e)| *at >= values.len() || e.role == WidgetRole::Residue);
        let unset = unset.map(|(_, expected)| expected);
        unset.filter_map(initial).collect()
    }

    fn class_title(&self, class: &str) -> Option<&str> {
        self.class(class).map(NodeClass::display_name)
    }
}

impl Catalog {
    /// A label for every value, as far as there is one. Never the same name twice.
    fn widget_labels(
        &self,
        workflow: &Workflow,
        node: &Node,
        values: &[Value],
    ) -> (Vec<Option<WidgetLabel>>, NameSource) {
        if values.is_empty() {
            return (Vec::new(), NameSource::Position);
        }
        let class = self.class(node.class());
        let (mut labels, source) = self.find_labels(workflow, node, values).unwrap_or_default();
        labels.resize(values.len(), None);
        refine_roles(&mut labels, class, values);
        number_repeats(&mut labels);
        (labels, source)
    }

    /// Labels from the best source there is.
    fn find_labels(
        &self,
        workflow: &Workflow,
        node: &Node,
        values: &[Value],
    ) -> Option<(Vec<Option<WidgetLabel>>, NameSource)> {
        let class = self.class(node.class());
        let definition = workflow.definition_of(node);
        let by_class = match self.is_server_class(node.class()) {
            true => NameSource::Server,
            false => NameSource::Builtin,
        };
        let from = |source: NameSource| move |labels| (labels, source);
        labels_by_file(node, class, values)
            .map(from(NameSource::File))
            .or_else(|| labels_by_special_class(node, values).map(from(NameSource::Builtin)))
            .or_else(|| {
                let labels = self
                    .labels_by_boundary(workflow, definition?, values, 0)
                    .or_else(|| labels_by_proxies(node, values))?;
                Some((labels, NameSource::File))
            })
            .or_else(|| labels_by_class_and_sockets(class?, node, values).map(from(by_class)))
            .or_else(|| labels_by_sockets(node, class, values).map(from(NameSource::File)))
            .or_else(|| labels_by_class(class?, values).map(from(by_class)))
            .or_else(|| labels_by_sockets_and_rules(node, values).map(from(NameSource::File)))
            .or_else(|| {
                let labels = self.learned.as_ref()?.labels(node.class(), values)?;
                Some((labels, NameSource::Repository))
            })
            .or_else(|| {
                let labels = self.installed.as_ref()?.labels(node.class(), values)?;
                Some((labels, NameSource::Packs))
            })
            .or_else(|| {
                let labels = pack_names().labels(node.class(), values)?;
                Some((labels, NameSource::Packs))
            })
            .or_else(|| class.map(|class| (labels_by_types(class, values), by_class)))
    }

    /// The host rule: the inputs on the boundary whose first inner link feeds a widget.
    fn labels_by_boundary(
        &self,
        workflow: &Workflow,
        definition: &SubgraphDefinition,
        values: &[Value],
        depth: usize,
    ) -> Option<Vec<Option<WidgetLabel>>> {
        let promoted = definition.promoted_widgets();
        if promoted.len() != values.len() {
            return None;
        }
        let label = |promoted: PromotedWidget<'_>| {
            let role = self.inner_role(workflow, promoted.node, promoted.widget, depth);
            Some((promoted.input.name().to_compact_string(), role))
        };
        Some(promoted.into_iter().map(label).collect())
    }

    /// What the widget behind a boundary input is for, through nested instances.
    fn inner_role(
        &self,
        workflow: &Workflow,
        inner: &Node,
        widget: &str,
        depth: usize,
    ) -> WidgetRole {
        if let Some(definition) = workflow.definition_of(inner) {
            // A definition may contain itself in a damaged file.
            if depth == MAX_DEFINITION_DEPTH {
                return WidgetRole::Plain;
            }
            let mut promoted = definition.promoted_widgets().into_iter();
            return match promoted.find(|promoted| promoted.input.name() == widget) {
                Some(inner) => self.inner_role(workflow, inner.node, inner.widget, depth + 1),
                None => WidgetRole::Plain,
            };
        }
        match self.class(inner.class()) {
            Some(class) => role_in_class(class, widget),
            None if is_seed_name(widget) => WidgetRole::Seed,
            None => WidgetRole::Plain,
        }
    }
}

/// What an instance shows by reference, where it holds a place for each: its own by name,
/// those inside by node and name.
fn labels_by_proxies(node: &Node, values: &[Value]) -> Option<Vec<Option<WidgetLabel>>> {
    let shown = node.property("proxyWidgets")?.as_array()?;
    let label = |proxy: &Value| {
        let (inner, name) = (proxy.get_index(0)?.as_str()?, proxy.get_index(1)?.as_str()?);
        let name = match inner {
            "-1" => CompactString::new(name),
            inner => format_compact!("{inner}: {name}"),
        };
        Some(Some((name, WidgetRole::Plain)))
    };
    (shown.len() == values.len()).then(|| shown.iter().map(label).collect::<Option<_>>())?
}

/// Values kept as an object bring their names.
fn widgets_by_key<'w>(catalog: &Catalog, node: &'w Node, values: &'w Object) -> Vec<Widget<'w>> {
    let class = catalog.class(node.class());
    let widget = |(key, value): (&CompactString, &'w Value)| Widget {
        name: WidgetName::Named(key.clone()),
        source: NameSource::File,
        value,
        location: WidgetLocation::Key(key.clone()),
        role: match class {
            // Video nodes keep the path of their last output among the values.
            _ if key == "videopreview" => WidgetRole::Residue,
            Some(class) => role_in_class(class, key),
            None => role_by_value(key, value),
        },
    };
    values.iter().map(widget).collect()
}

/// What a node says of all its values by itself: by name, or by the sockets of its widgets.
pub(super) fn labels_by_own_names(
    node: &Node,
    values: &[Value],
) -> Option<Vec<Option<WidgetLabel>>> {
    let named = node.named_values().filter(|named| named.len() == values.len());
    let whole = named.is_some_and(|named| !named.is_empty() && !is_shuffled(named));
    whole
        .then(|| labels_by_file(node, None, values))
        .flatten()
        .or_else(|| labels_by_sockets(node, None, values))
        .or_else(|| labels_by_sockets_and_rules(node, values))
        .filter(|labels| !labels.is_empty())
}

/// JavaScript moves keys that look like numbers to the front.
fn is_shuffled(named: &Object) -> bool {
    named.keys().any(|key| key.bytes().all(|b| b.is_ascii_digit()))
}

/// `widgets_values_named`. Its order is that of the widgets, but it may have fewer
/// entries (equal names collapse before frontend 1.53) or values of another hand.
fn labels_by_file(
    node: &Node,
    class: Option<&NodeClass>,
    values: &[Value],
) -> Option<Vec<Option<WidgetLabel>>> {
    let named = node.named_values().filter(|named| !named.is_empty())?;
    let plain = |key: &CompactString| Some((key.clone(), WidgetRole::Plain));
    if named.len() == values.len() && !is_shuffled(named) {
        return Some(named.keys().map(plain).collect());
    }
    if let Some(labels) = class.and_then(|class| labels_by_class(class, values)) {
        let known = |label: &Option<WidgetLabel>| {
            label.as_ref().is_some_and(|(n, _)| named.contains_key(n))
        };
        if labels.iter().filter(|label| known(label)).count() + 1 >= named.len() {
            return Some(labels);
        }
    }
    Some(align_labels(named, values))
}

/// Lays names beside values in order, leaving out values that are no name's.
fn align_labels(named: &Object, values: &[Value]) -> Vec<Option<WidgetLabel>> {
    let mut labels = vec![None; values.len()];
    let mut at = 0;
    for (key, value) in named.iter() {
        let here = values.iter().skip(at).position(|v| v.is_equivalent(value));
        if let Some(skipped) = here {
            at += skipped;
            labels[at] = Some((key.clone(), WidgetRole::Plain));
            at += 1;
        }
    }
    labels
}

fn labels_by_special_class(node: &Node, values: &[Value]) -> Option<Vec<Option<WidgetLabel>>> {
    let label = |name: &'static str, role| Some((CompactString::const_new(name), role));
    let all = match node.class() {
        "Note" | "MarkdownNote" => vec![label("text", WidgetRole::Text)],
        "PrimitiveNode" => {
            let seed = values.get(1).is_some_and(is_control_value);
            vec![
                label("value", if seed { WidgetRole::Seed } else { WidgetRole::Plain }),
                label("control_after_generate", WidgetRole::Control),
                label("control_filter_list", WidgetRole::Filter),
            ]
        }
        "Power Lora Loader (rgthree)" => return Some(label_lora_rows(values)),
        "Seed (rgthree)" if values.len() == 4 => vec![label("seed", WidgetRole::Seed)],
        "Image Comparer (rgthree)" => vec![label("images", WidgetRole::Residue)],
        _ => return None,
    };
    Some(all.into_iter().take(values.len()).collect())
}

/// The rows of rgthree's loader, as its prompts call them: `lora_1`, `lora_2`.
fn label_lora_rows(values: &[Value]) -> Vec<Option<WidgetLabel>> {
    let mut rows = 0;
    let label = |value: &Value| {
        value.get("lora")?;
        rows += 1;
        Some((format_compact!("lora_{rows}"), WidgetRole::Plain))
    };
    values.iter().map(label).collect()
}

/// The sockets that belong to widgets, in widget order.
fn widget_sockets(node: &Node) -> Vec<&str> {
    node.inputs().filter_map(crate::graph::Slot::widget).collect()
}

fn labels_by_sockets(
    node: &Node,
    class: Option<&NodeClass>,
    values: &[Value],
) -> Option<Vec<Option<WidgetLabel>>> {
    let sockets = widget_sockets(node);
    if sockets.len() != values.len() {
        return None;
    }
    let role = |name: &str, value| match class {
        Some(class) => role_in_class(class, name),
        None => role_by_value(name, value),
    };
    let labels = sockets
        .iter()
        .zip(values)
        .map(|(name, value)| Some((CompactString::new(name), role(name, value))));
    Some(labels.collect())
}

/// The class, if it expects exactly the widgets that have sockets: sockets of dynamic
/// inputs need not be in widget order.
fn labels_by_class_and_sockets(
    class: &NodeClass,
    node: &Node,
    values: &[Value],
) -> Option<Vec<Option<WidgetLabel>>> {
    let mut sockets = widget_sockets(node);
    if sockets.len() != values.len() {
        return None;
    }
    let labels = labels_by_class(class, values)?;
    let mut names: Vec<&str> = labels.iter().flatten().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    sockets.sort_unstable();
    (names == sockets).then_some(labels)
}

/// The class, if it expects exactly these values.
fn labels_by_class(class: &NodeClass, values: &[Value]) -> Option<Vec<Option<WidgetLabel>>> {
    let expected = drop_optional(expected_widgets(class, values), values.len())?;
    let agrees = expected.iter().zip(values).all(|(e, value)| fits_widget(e, value));
    agrees.then(|| expected.into_iter().map(|e| Some((e.name, e.role))).collect())
}

/// Leaves out optional widgets, the last first, until there are as many as values.
fn drop_optional(
    mut expected: Vec<ExpectedWidget<'_>>,
    values: usize,
) -> Option<Vec<ExpectedWidget<'_>>> {
    while expected.len() > values {
        let at = expected.iter().rposition(|widget| widget.optional)?;
        let gone = expected.remove(at);
        // The first of two controls is numbered only where there is a second.
        let first =
            |e: &&mut ExpectedWidget<'_>| e.name.strip_prefix(gone.name.as_str()) == Some("#1");
        if let Some(first) = expected.iter_mut().find(first) {
            first.name = gone.name;
        }
    }
    (expected.len() == values).then_some(expected)
}

fn fits_widget(expected: &ExpectedWidget<'_>, value: &Value) -> bool {
    match (expected.spec, expected.role) {
        (Some(spec), WidgetRole::Seed) => accepts_value(spec, value) || is_seed_text(value),
        (Some(spec), _) => accepts_value(spec, value),
        (None, WidgetRole::Control) => is_stored_control(value),
        (None, _) => true,
    }
}

/// Sockets for all values but a control after a seed, or an upload button at the end.
fn labels_by_sockets_and_rules(node: &Node, values: &[Value]) -> Option<Vec<Option<WidgetLabel>>> {
    let sockets = widget_sockets(node);
    let mut labels = Vec::with_capacity(values.len());
    let mut names = sockets.iter().peekable();
    for value in values {
        let after_seed = matches!(labels.last(), Some(Some((_, WidgetRole::Seed))));
        if after_seed && (is_control_value(value) || matches!(value, Value::Bool(_))) {
            let name = CompactString::const_new("control_after_generate");
            labels.push(Some((name, WidgetRole::Control)));
        } else if let Some(name) = names.next() {
            let role = role_by_value(name, value);
            labels.push(Some((CompactString::new(name), role)));
        } else if !sockets.is_empty() && labels.len() + 1 == values.len() && is_upload_value(value)
        {
            labels.push(Some((CompactString::const_new("upload"), WidgetRole::Button)));
        } else {
            return None;
        }
    }
    (names.next().is_none() && !sockets.is_empty()).then_some(labels)
}

/// The class as far as its types agree, from the front: later versions append inputs.
/// Where they stop agreeing, something was put in or taken out among the values of one
/// type just before, so those stay without a name.
fn labels_by_types(class: &NodeClass, values: &[Value]) -> Vec<Option<WidgetLabel>> {
    let expected = expected_widgets(class, values);
    let pairs = expected.iter().zip(values);
    let mut sure = pairs.take_while(|(expected, value)| fits_widget(expected, value)).count();
    if sure < expected.len().min(values.len()) {
        let last = sure.checked_sub(1).map(|last| values[last].kind_name());
        while sure > 0 && Some(values[sure - 1].kind_name()) == last {
            sure -= 1;
        }
    }
    expected.into_iter().take(sure).map(|expected| Some((expected.name, expected.role))).collect()
}

/// Roles for labels that only brought names.
fn refine_roles(labels: &mut [Option<WidgetLabel>], class: Option<&NodeClass>, values: &[Value]) {
    let mut after_seed = false;
    let expected = class.map(|class| expected_widgets(class, values)).unwrap_or_default();
    for (at, (label, value)) in labels.iter_mut().zip(values).enumerate() {
        let Some((name, role)) = label else {
            after_seed = false;
            continue;
        };
        let there = expected.get(at).filter(|expected| expected.name == *name);
        if let Some(expected) = there {
            *role = expected.role;
        } else if *role == WidgetRole::Plain {
            *role = if name.starts_with("control_after_generate")
                || (after_seed && is_control_value(value))
            {
                WidgetRole::Control
            } else if name == "control_filter_list" {
                WidgetRole::Filter
            } else if name == "upload" && (value.is_null() || is_upload_value(value)) {
                WidgetRole::Button
            } else {
                match class {
                    Some(class) => role_in_class(class, name),
                    None => role_by_value(name, value),
                }
            };
        }
        after_seed = *role == WidgetRole::Seed;
    }
    // A control at the end has no name where a map by name kept one of two, or where
    // the class is not known.
    let (earlier, last) = labels.split_at_mut(labels.len().saturating_sub(1));
    if let ([last @ None], Some(value)) = (last, values.last())
        && is_control_value(value)
    {
        let plain = CompactString::const_new("control_after_generate");
        let taken = earlier.iter().flatten().any(|(name, _)| *name == plain);
        let name = if taken { format_compact!("{plain}#2") } else { plain };
        *last = Some((name, WidgetRole::Control));
    }
    // What a control follows is a seed, whatever it is called.
    for at in 1..labels.len() {
        let (before, here) = labels.split_at_mut(at);
        if let (Some(Some((_, role @ WidgetRole::Plain))), Some((name, WidgetRole::Control))) =
            (before.last_mut(), &here[0])
            && name != "control_after_generate#2"
        {
            *role = WidgetRole::Seed;
        }
    }
}

/// Names that come again are counted: `control_after_generate#2`.
fn number_repeats(labels: &mut [Option<WidgetLabel>]) {
    for at in 1..labels.len() {
        let (before, here) = labels.split_at_mut(at);
        let Some((name, _)) = &mut here[0] else { continue };
        let taken = |name: &str| before.iter().flatten().any(|(earlier, _)| earlier == name);
        if taken(name) {
            let counted = (2..).map(|n| format_compact!("{name}#{n}")).find(|name| !taken(name));
            *name = counted.unwrap_or_default();
        }
    }
}

/// The role that a class gives a widget of this name.
fn role_in_class(class: &NodeClass, name: &str) -> WidgetRole {
    class.input(name).map_or(WidgetRole::Plain, |spec| widget_role(spec, name))
}

fn role_by_value(name: &str, value: &Value) -> WidgetRole {
    match value {
        Value::Number(_) if is_seed_name(name) => WidgetRole::Seed,
        Value::String(text) if text.contains('\n') => WidgetRole::Text,
        _ => WidgetRole::Plain,
    }
}

/// What files hold where a control is known to stand: those of 2023 say whether the number
/// is to change.
fn is_stored_control(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(_)) || is_control_value(value)
}

/// A seed that a script wrote as text.
fn is_seed_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
    })
}

pub(super) fn is_control_value(value: &Value) -> bool {
    value.as_str().is_some_and(|text| CONTROL_VALUES.binary_search(&text).is_ok())
}

fn is_upload_value(value: &Value) -> bool {
    value.as_str() == Some("image")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    /// The names and roles of one node's values.
    fn named(node: &str) -> String {
        let text = format!(r#"{{"version":0.4,"nodes":[{{"id":1,{node}}}],"links":[]}}"#);
        let workflow = Workflow::from_value(parse_text(&text).unwrap()).unwrap();
        let info = r#"{"PackSampler":{"input":{"required":{"seed":["INT",{}],"which":[["a","b"],{"control_after_generate":true}],
            "off":["INT",{"control_after_generate":false}],"kind":["COMFY_DYNAMICCOMBO_V3",{"options":[
            {"key":"p","inputs":{"required":{"w":["FLOAT",{}],"deep":["COMFY_DYNAMICCOMBO_V3",{"options":[{"key":"q","inputs":{"required":{"z":["STRING",{}]}}}]}]}}},
            {"key":"r","inputs":{}}]}],"picture":["STRING",{"forceInput":true}],"image":[[],{"image_upload":true}],"last":["BOOLEAN",{}]}}}}"#;
        let catalog = Catalog::with_object_info(&parse_text(info).unwrap());
        let node = &workflow.root.nodes[0];
        let widgets = catalog.widgets(&workflow, node);
        let shown = widgets.iter().map(|widget| match widget.role {
            WidgetRole::Plain => widget.name.to_string(),
            role => format!("{}:{role:?}", widget.name),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn seeds_have_controls_combos_a_filter_and_uploads_a_button_at_the_end() {
        let node = r#""type":"PackSampler","widgets_values":[1,"fixed","a","randomize","",5,"r","cat.png",true,"image"]"#;
        insta::assert_snapshot!(named(node), @"seed:Seed, control_after_generate:Control, which:Seed, control_after_generate#2:Control, control_filter_list:Filter, off, kind, image, last, upload:Button");
    }

    #[test]
    fn a_dynamic_combo_brings_its_own() {
        let node = r#""type":"PackSampler","widgets_values":[1,"fixed","a","randomize","",5,"p",0.5,"q","deep text","cat.png",true,"image"]"#;
        insta::assert_snapshot!(named(node), @"seed:Seed, control_after_generate:Control, which:Seed, control_after_generate#2:Control, control_filter_list:Filter, off, kind, kind.w, kind.deep, kind.deep.z, image, last, upload:Button");
    }

    #[test]
    fn null_holes_are_values_too() {
        insta::assert_snapshot!(named(r#""type":"LoadAudio","widgets_values":["a.mp3",null,null]"#), @"audio, upload:Button, audioUI:Button");
        insta::assert_snapshot!(named(r#""type":"PreviewAny","widgets_values":[null,null,null]"#), @"preview_markdown:Residue, preview_text:Residue, previewMode:Residue");
    }

    #[test]
    fn converted_inputs_keep_their_place() {
        let node = r#""type":"KSampler","inputs":[{"name":"model"},{"name":"seed","widget":{"name":"seed"},"link":3}],
            "widgets_values":[7,"fixed",20,8,"euler","normal",1]"#;
        insta::assert_snapshot!(named(node), @"seed:Seed, control_after_generate:Control, steps, cfg, sampler_name, scheduler, denoise");
    }

    #[test]
    fn the_frontends_own_nodes_have_their_rules() {
        insta::assert_snapshot!(named(r#""type":"Note","widgets_values":["hm"]"#), @"text:Text");
        insta::assert_snapshot!(named(r#""type":"PrimitiveNode","widgets_values":[7,"randomize"]"#), @"value:Seed, control_after_generate:Control");
        insta::assert_snapshot!(named(r#""type":"PrimitiveNode","widgets_values":["a","fixed",""]"#), @"value:Seed, control_after_generate:Control, control_filter_list:Filter");
        insta::assert_snapshot!(named(r#""type":"PrimitiveInt","widgets_values":[7,"fixed"]"#), @"value:Seed, fixed:Control");
        insta::assert_snapshot!(named(r#""type":"Load3D","widgets_values":["a.glb","upload3dmodel","uploadExtraResources","clear","",1024,512]"#), @"model_file, upload3dmodel:Button, uploadExtraResources:Button, clear:Button, image:Residue, width, height");
    }

    #[test]
    fn rows_of_loras_are_counted_as_their_prompts_do() {
        let node = r#""type":"Power Lora Loader (rgthree)","widgets_values":[{},{"type":"h"},{"on":true,"lora":"a"},{"on":true,"lora":"b"},{},""]"#;
        insta::assert_snapshot!(named(node), @"value 1, value 2, lora_1, lora_2, value 5, value 6");
    }

    #[test]
    fn the_file_names_before_the_class_does() {
        let node = r#""type":"KSampler","widgets_values":[7,20],"widgets_values_named":{"seed":7,"old_steps":21}"#;
        insta::assert_snapshot!(named(node), @"seed:Seed, old_steps");
        let sockets = r#""type":"Mystery","inputs":[{"name":"a","widget":{"name":"a"}},{"name":"seed","widget":{"name":"seed"}}],
            "widgets_values":["x",7,"randomize"]"#;
        insta::assert_snapshot!(named(sockets), @"a, seed:Seed, control_after_generate:Control");
        let object = r#""type":"VHS_VideoCombine","widgets_values":{"frame_rate":8,"videopreview":{"params":{}}}"#;
        insta::assert_snapshot!(named(object), @"frame_rate, videopreview:Residue");
    }

    #[test]
    fn samplers_of_2023_have_their_names() {
        let early = r#""type":"KSampler","widgets_values":[7,true,20,8,"euler","normal",1]"#;
        insta::assert_snapshot!(named(early), @"seed:Seed, control_after_generate:Control, steps, cfg, sampler_name, scheduler, denoise");
        let scripted = r#""type":"KSampler","widgets_values":["156680208700286","randomize",20,8,"euler","normal",1]"#;
        insta::assert_snapshot!(named(scripted), @"seed:Seed, control_after_generate:Control, steps, cfg, sampler_name, scheduler, denoise");
    }

    #[test]
    fn doubt_keeps_the_position() {
        insta::assert_snapshot!(named(r#""type":"Mystery","widgets_values":["x",7]"#), @"value 1, value 2");
        insta::assert_snapshot!(named(r#""type":"KSampler","widgets_values":[7,"fixed",20,"new","euler","normal",1]"#), @"seed:Seed, control_after_generate:Control, value 3, value 4, value 5, value 6, value 7");
        let later = r#""type":"EmptyLatentImage","widgets_values":[64,64,1,"later"]"#;
        insta::assert_snapshot!(named(later), @"width, height, batch_size, value 4");
        // Two values were put in somewhere among three texts: which, nobody can say.
        let shifted = r#""type":"CLIPTextEncodeFlux","widgets_values":["a","b","c",3.5]"#;
        insta::assert_snapshot!(named(shifted), @"value 1, value 2, value 3, value 4");
    }
}
