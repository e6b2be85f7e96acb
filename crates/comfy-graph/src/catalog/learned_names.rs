//! Names of widgets learned from files: from workflows that name their values, from prompts
//! that were made of them, and from the sources of packs.
//!
//! A list of names is known for a class and a shape: how many values there are, and of which
//! kinds. It is used for no other shape, and a name that two files contradict each other
//! about is used for none: a wrong name is worse than none.
//!
//! Must not know where the files came from.

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use super::align_prompt::align_with_prompt;
use super::class::NodeClass;
use super::expected_widgets::expected_widgets;
use super::naming::{WidgetLabel, labels_by_own_names};
use super::object_info::parse_class;
use super::python_source::PackSources;
use crate::graph::{
    DocumentKind, GraphKind, Node, NodeId, Prompt, PromptNode, WidgetRole, WidgetValues, Workflow,
    document_kind, is_virtual_class,
};
use crate::json::{self, JsonStyle, Object, Value, parse_text};

/// More lists of one class than a class has versions: what is beyond is not learned.
const MAX_SHAPES: usize = 64;
/// Longer lists of values are data, not widgets.
const MAX_VALUES: usize = 256;

/// Names of widgets by class and shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LearnedNames {
    classes: FxHashMap<CompactString, Vec<LearnedList>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct LearnedList {
    /// A letter for the kind of each value; `?` where it was null, `c` for a control.
    shape: CompactString,
    names: Vec<LearnedName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum LearnedName {
    Unknown,
    Known(CompactString),
    /// Two files say different things.
    Contradicted,
}

impl LearnedNames {
    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// How many classes something is known of.
    pub fn class_count(&self) -> usize {
        self.classes.len()
    }

    /// Learns from a document: workflows, wherever they lie, and a prompt beside a workflow.
    pub fn learn_from_document(&mut self, document: &Value) {
        let graphs = match document_kind(document) {
            DocumentKind::Graph(GraphKind::Workflow(_)) => vec![document],
            DocumentKind::Wrapped(found) => {
                let found = found.iter().filter(|graph| graph.kind != GraphKind::Prompt);
                found.filter_map(|graph| graph.at.get(document)).collect()
            }
            _ => Vec::new(),
        };
        for graph in graphs {
            if let Ok(workflow) = Workflow::from_value(graph.clone()) {
                self.learn_from_workflow(&workflow);
                if let Some(prompt) = workflow.root.extra().and_then(|extra| extra.get("prompt"))
                    && let Ok(prompt) = Prompt::from_value(prompt.clone())
                {
                    self.learn_from_run(&workflow, &prompt);
                }
            }
        }
    }

    /// Learns from the nodes that name their own values.
    pub fn learn_from_workflow(&mut self, workflow: &Workflow) {
        for (_, node) in workflow.nodes() {
            let WidgetValues::Array(values) = node.widget_values() else { continue };
            if workflow.definition_of(node).is_none()
                && let Some(labels) = labels_by_own_names(node, values)
            {
                self.learn(node, values, labels.into_iter().map(|l| l.map(|(name, _)| name)));
            }
        }
    }

    /// Learns from a workflow and the prompt that was made of it.
    pub fn learn_from_run(&mut self, workflow: &Workflow, prompt: &Prompt) {
        for (id, ran) in &prompt.nodes {
            if let Some(node) = find_run_node(workflow, id, ran)
                && let WidgetValues::Array(values) = node.widget_values()
                && let Some(names) = align_with_prompt(values, ran)
            {
                self.learn(node, values, names.into_iter());
            }
        }
    }

    /// Learns from what a class declares, such as [`super::PackSources`] reads it.
    pub fn learn_from_class(&mut self, class: &NodeClass) {
        let expected = expected_widgets(class, &[]);
        let letters = expected.iter().map(|widget| match (widget.spec, widget.role) {
            (Some(spec), _) => match spec.widget_kind() {
                "INT" | "FLOAT" => Some('n'),
                "BOOLEAN" => Some('b'),
                "STRING" | "COMBO" => Some('s'),
                _ => None,
            },
            (None, WidgetRole::Control) => Some(CONTROL),
            (None, WidgetRole::Filter | WidgetRole::Button) => Some('s'),
            (None, _) => None,
        });
        let Some(shape) = letters.collect::<Option<CompactString>>() else { return };
        let is_text = |text: &str| !text.is_empty() && !text.contains(['\t', '\n', '\r']);
        if expected.is_empty() || expected.len() > MAX_VALUES || !is_text(&class.name) {
            return;
        }
        let names = expected.into_iter().map(|widget| match is_text(&widget.name) {
            true => LearnedName::Known(widget.name),
            false => LearnedName::Unknown,
        });
        let list = LearnedList { shape, names: names.collect() };
        self.merge_list(class.name.clone(), list);
    }

    /// Learns from everything that a pack's sources declare for sure.
    pub fn learn_from_pack(&mut self, sources: PackSources) {
        let info = sources.into_object_info();
        for (name, class) in info.as_object().into_iter().flat_map(Object::iter) {
            if let Some(class) = parse_class(name, class) {
                self.learn_from_class(&class);
            }
        }
    }

    fn learn(
        &mut self,
        node: &Node,
        values: &[Value],
        names: impl Iterator<Item = Option<CompactString>>,
    ) {
        let class = node.class();
        let is_text = |text: &str| !text.is_empty() && !text.contains(['\t', '\n', '\r']);
        if !is_text(class) || is_virtual_class(class) || values.len() > MAX_VALUES {
            return;
        }
        let names: Vec<LearnedName> = names
            .map(|name| name.filter(|name| is_text(name)))
            .map(|name| name.map_or(LearnedName::Unknown, LearnedName::Known))
            .collect();
        let letters = shape_of(values);
        let letters = letters.chars().zip(&names).map(|(letter, name)| match name {
            LearnedName::Known(name) if name.starts_with("control_after_generate") => CONTROL,
            _ => letter,
        });
        let list = LearnedList { shape: letters.collect(), names };
        self.merge_list(CompactString::new(class), list);
    }

    fn merge_list(&mut self, class: CompactString, list: LearnedList) {
        let nothing = list.names.iter().all(|name| *name == LearnedName::Unknown);
        if nothing || list.names.len() != list.shape.chars().count() {
            return;
        }
        let known = self.classes.entry(class).or_default();
        match known.iter().position(|known| known.shape == list.shape) {
            Some(at) => known[at].merge(list),
            None if known.len() < MAX_SHAPES => known.push(list),
            None => {}
        }
    }

    /// Everything that others know, too.
    pub fn merge(&mut self, others: LearnedNames) {
        for (class, lists) in others.classes {
            for list in lists {
                self.merge_list(class.clone(), list);
            }
        }
    }

    /// The names of a node's values, where all lists that fit agree.
    pub(super) fn labels(&self, class: &str, values: &[Value]) -> Option<Vec<Option<WidgetLabel>>> {
        let lists = self.classes.get(class)?;
        // Some files hold 1 for true.
        let letters = shape_of(values);
        let shape: CompactString = letters
            .chars()
            .zip(values)
            .map(|(letter, value)| match value.as_i64() {
                Some(0 | 1) => FLAG,
                _ => letter,
            })
            .collect();
        let mut found: Option<LearnedList> = None;
        for list in lists.iter().filter(|list| fits(&list.shape, &shape)) {
            match &mut found {
                Some(found) => found.merge(list.clone()),
                None => found = Some(list.clone()),
            }
        }
        let label = |name| match name {
            LearnedName::Known(name) => Some((name, WidgetRole::Plain)),
            LearnedName::Unknown | LearnedName::Contradicted => None,
        };
        let labels: Vec<_> = found?.names.into_iter().map(label).collect();
        labels.iter().any(Option::is_some).then_some(labels)
    }

    /// As text: a line for each class and shape, sorted, with tabs between class, shape and
    /// names as JSON; `null` for an unknown name, `0` for a contradicted one.
    pub fn to_text(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (class, lists) in &self.classes {
            lines.extend(lists.iter().map(|list| {
                let names: Vec<Value> = list.names.iter().map(LearnedName::to_value).collect();
                let names = json::print(&Value::Array(names), &JsonStyle::SAVE);
                format!("{class}\t{}\t{names}\n", list.shape)
            }));
        }
        lines.sort_unstable();
        lines.concat()
    }

    /// Reads what [`LearnedNames::to_text`] wrote; lines that say nothing are left out.
    pub fn from_text(text: &str) -> LearnedNames {
        let mut learned = LearnedNames::default();
        for line in text.lines() {
            let mut parts = line.split('\t');
            let (Some(class), Some(shape), Some(names)) =
                (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let Ok(Value::Array(names)) = parse_text(names) else { continue };
            let names = names.into_iter().map(LearnedName::from_value).collect();
            let list = LearnedList { shape: CompactString::new(shape), names };
            learned.merge_list(CompactString::new(class), list);
        }
        learned
    }
}

impl LearnedList {
    fn merge(&mut self, other: LearnedList) {
        for (known, other) in self.names.iter_mut().zip(other.names) {
            *known = match (std::mem::replace(known, LearnedName::Unknown), other) {
                (LearnedName::Unknown, name) | (name, LearnedName::Unknown) => name,
                (LearnedName::Known(a), LearnedName::Known(b)) if a == b => LearnedName::Known(a),
                _ => LearnedName::Contradicted,
            };
        }
        // What was null in one file has its kind in another.
        let merged = self.shape.chars().zip(other.shape.chars());
        self.shape = merged.map(|(a, b)| if a == '?' { b } else { a }).collect();
    }
}

impl LearnedName {
    fn to_value(&self) -> Value {
        match self {
            LearnedName::Unknown => Value::Null,
            LearnedName::Known(name) => Value::from(name.clone()),
            LearnedName::Contradicted => Value::from(0i64),
        }
    }

    fn from_value(value: Value) -> LearnedName {
        match value {
            Value::String(name) => LearnedName::Known(name),
            Value::Number(_) => LearnedName::Contradicted,
            _ => LearnedName::Unknown,
        }
    }
}

fn shape_of(values: &[Value]) -> CompactString {
    let letter = |value: &Value| match value {
        Value::Null => '?',
        Value::Bool(_) => 'b',
        Value::Number(_) => 'n',
        Value::String(_) => 's',
        Value::Array(_) => 'a',
        Value::Object(_) => 'o',
    };
    values.iter().map(letter).collect()
}

/// The letter of a control: files of 2023 hold `true` or `false` there.
const CONTROL: char = 'c';

/// The letter of a number that may mean true or false.
const FLAG: char = 'f';

/// Whether values of one shape may be those of another; null says nothing.
fn fits(known: &str, shape: &str) -> bool {
    let fits = |known: char, here: char| match (known, here) {
        ('?', _) | (_, '?') | (CONTROL, 's' | 'b') | ('n' | 'b', FLAG) => true,
        (known, here) => known == here,
    };
    known.len() == shape.len() && known.chars().zip(shape.chars()).all(|(a, b)| fits(a, b))
}

/// The node of a workflow that a node of its prompt was made of: `12:7` is node 7 in the
/// definition of which node 12 is an instance.
fn find_run_node<'w>(workflow: &'w Workflow, id: &NodeId, ran: &PromptNode) -> Option<&'w Node> {
    let text = id.to_string();
    let mut graph = &workflow.root;
    let mut parts = text.split(':').peekable();
    while let Some(part) = parts.next() {
        let node = graph.nodes.get(&NodeId::from_text(part))?;
        if parts.peek().is_none() {
            return (node.class() == ran.class()).then_some(node);
        }
        graph = &workflow.definition_of(node)?.graph;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::graph::WidgetNaming;

    fn workflow(node: &str) -> Workflow {
        let text = format!(r#"{{"nodes":[{{"id":1,{node}}}],"links":[],"version":0.4}}"#);
        Workflow::from_value(parse_text(&text).unwrap()).unwrap()
    }

    fn prompt(node: &str) -> Prompt {
        Prompt::from_value(parse_text(&format!(r#"{{"1":{node}}}"#)).unwrap()).unwrap()
    }

    fn names(learned: LearnedNames, node: &str) -> String {
        let catalog = Catalog::core().with_learned_names(learned);
        let workflow = workflow(node);
        let widgets = catalog.widgets(&workflow, &workflow.root.nodes[0]);
        widgets.iter().map(|w| w.name.to_string()).collect::<Vec<_>>().join(", ")
    }

    const PLAIN: &str = r#""type":"Mine","widgets_values":["x",7,"randomize",true]"#;

    #[test]
    fn names_come_from_values_by_name_and_from_prompts() {
        let mut learned = LearnedNames::default();
        learned.learn_from_workflow(&workflow(
            r#""type":"Mine","widgets_values":["a",1,"fixed",false],"widgets_values_named":
            {"mode":"a","seed":1,"control_after_generate":"fixed","tiled":false}"#,
        ));
        insta::assert_snapshot!(names(learned, PLAIN), @"mode, seed, control_after_generate, tiled");
        let mut learned = LearnedNames::default();
        learned.learn_from_run(
            &workflow(PLAIN),
            &prompt(r#"{"class_type":"Mine","inputs":{"mode":"x","seed":7,"tiled":true,"model":["4",0]}}"#),
        );
        insta::assert_snapshot!(names(learned.clone(), PLAIN), @"mode, seed, control_after_generate, tiled");
        assert_eq!(LearnedNames::from_text(&learned.to_text()), learned);
    }

    #[test]
    fn a_control_of_2023_fits_one_of_today() {
        let mut learned = LearnedNames::default();
        learned.learn_from_run(
            &workflow(PLAIN),
            &prompt(r#"{"class_type":"Mine","inputs":{"mode":"x","seed":7,"tiled":true}}"#),
        );
        let early = r#""type":"Mine","widgets_values":["x",7,true,false]"#;
        assert_eq!(names(learned, early), "mode, seed, control_after_generate, tiled");
    }

    #[test]
    fn another_number_or_kind_of_values_has_no_names() {
        let mut learned = LearnedNames::default();
        learned.learn_from_run(
            &workflow(r#""type":"Mine","widgets_values":["x",7]"#),
            &prompt(r#"{"class_type":"Mine","inputs":{"mode":"x","count":7}}"#),
        );
        let of = |values: &str| {
            names(learned.clone(), &format!(r#""type":"Mine","widgets_values":{values}"#))
        };
        assert_eq!(of(r#"["y",8]"#), "mode, count");
        assert_eq!(of(r#"[null,8]"#), "mode, count");
        assert_eq!(of(r#"["y",8,9]"#), "value 1, value 2, value 3");
        assert_eq!(of(r#"[8,"y"]"#), "value 1, value 2");
    }

    #[test]
    fn a_contradicted_name_is_no_name() {
        let mut learned = LearnedNames::default();
        for name in ["strength", "weight", "strength"] {
            let named = format!(
                r#""type":"Mine","widgets_values":["x",1],"widgets_values_named":{{"mode":"x","{name}":1}}"#
            );
            learned.learn_from_workflow(&workflow(&named));
        }
        let known = r#""type":"Mine","widgets_values":["y",2]"#;
        assert_eq!(names(learned.clone(), known), "mode, value 2");
        let mut again = LearnedNames::from_text(&learned.to_text());
        again.merge(learned.clone());
        assert_eq!(again, learned);
    }
}
