//! Which values name files: models, and files to read.
//!
//! Names only. Where a folder lies on a machine, and whether the file is there, is known
//! higher up.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::builtin_file_inputs::{self, VIRTUAL_VAES};
use super::{Catalog, InputSpec};
use crate::graph::{Node, Prompt, PromptInput, WidgetNaming, Workflow};
use crate::json::Value;

/// Below which of ComfyUI's folders a name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum BuiltinFolder {
    /// A folder type of models: `checkpoints`, `loras`, …
    Models(&'static str),
    /// `input`, or a folder in it.
    Input(&'static str),
    /// `output`.
    Output,
}

/// Below which folder a name is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FileFolder {
    /// A folder type of models.
    Models(CompactString),
    /// `input`, or a folder in it; empty for `input` itself.
    Input(CompactString),
    /// `output`.
    Output,
    /// `temp`.
    Temp,
    /// A model of some type, by the ending of its name.
    Unknown,
}

/// How it is known that a value names a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileEvidence {
    /// The built-in class's input names files.
    Class,
    /// The choices that the server listed are the files of that folder.
    Choices,
    /// The node's `properties.models` names it, with its folder.
    Property,
    /// The value ends like a model file.
    Ending,
    /// The text says `embedding:`.
    Text,
}

/// A file that a node names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUse {
    /// The widget or input; as shown, not always unique.
    pub input: CompactString,
    /// The name as the node has it: relative to the folder, with the writer's separator.
    pub name: CompactString,
    /// Below which folder.
    pub folder: FileFolder,
    /// How that is known.
    pub evidence: FileEvidence,
}

/// Endings of model files; `.yaml` belongs to `configs` only.
const MODEL_ENDINGS: [&str; 8] =
    [".bin", ".ckpt", ".pkl", ".pt", ".pt2", ".pth", ".safetensors", ".sft"];

/// The files in each folder of models, as the server's `/models/<folder>` lists them.
pub type FolderListing = FxHashMap<CompactString, Vec<CompactString>>;

impl Catalog {
    /// The files that a node of a workflow names.
    pub fn node_files(&self, workflow: &Workflow, node: &Node) -> Vec<FileUse> {
        let directories = declared_models(node);
        let mut found = Vec::new();
        for widget in self.widgets(workflow, node) {
            if widget.role.runs() {
                let input = CompactString::from(widget.name.to_string());
                self.push_files(node.class(), input, widget.value, &directories, &mut found);
            }
        }
        found
    }

    /// The files that a value names where a widget of that node holds it: for a value
    /// that comes from elsewhere, such as the instance of a subgraph.
    pub fn value_files(&self, node: &Node, input: &str, value: &Value) -> Vec<FileUse> {
        let mut found = Vec::new();
        self.push_files(node.class(), input.into(), value, &declared_models(node), &mut found);
        found
    }

    /// The files that the nodes of a prompt name, node by node in file order.
    pub fn prompt_files<'p>(&self, prompt: &'p Prompt) -> Vec<(&'p crate::graph::NodeId, FileUse)> {
        let none = FxHashMap::default();
        let mut all = Vec::new();
        for (id, node) in &prompt.nodes {
            let mut found = Vec::new();
            for (name, input) in node.inputs() {
                if let PromptInput::Literal(value) = input {
                    self.push_files(node.class(), name.into(), value, &none, &mut found);
                }
            }
            all.extend(found.into_iter().map(|file| (id, file)));
        }
        all
    }

    fn push_files(
        &self,
        class: &str,
        input: CompactString,
        value: &Value,
        declared: &FxHashMap<&str, &str>,
        found: &mut Vec<FileUse>,
    ) {
        let Some(text) = value.as_str() else { return };
        if text.is_empty() {
            return;
        }
        for name in embedding_names(text) {
            let name = CompactString::new(name);
            let folder = FileFolder::Models(CompactString::const_new("embeddings"));
            found.push(FileUse {
                input: input.clone(),
                name,
                folder,
                evidence: FileEvidence::Text,
            });
        }
        let spec = self.class(class).and_then(|class| class.input(&input));
        if let Some((folder, evidence)) = self.find_folder(class, &input, text, spec, declared) {
            let (name, folder) = split_annotation(text, folder);
            found.push(FileUse { input, name: CompactString::new(name), folder, evidence });
        }
    }

    fn find_folder(
        &self,
        class: &str,
        input: &str,
        text: &str,
        spec: Option<&InputSpec>,
        declared: &FxHashMap<&str, &str>,
    ) -> Option<(FileFolder, FileEvidence)> {
        let models = |folder: &str| FileFolder::Models(CompactString::new(folder));
        if let Some(root) = builtin_file_inputs::builtin_folder(class, input) {
            let folder = match root {
                // `[None]` is a choice of its own.
                BuiltinFolder::Models("loras") if text == "[None]" => return None,
                BuiltinFolder::Models("vae") if VIRTUAL_VAES.contains(&text) => return None,
                BuiltinFolder::Models(folder) => models(folder),
                BuiltinFolder::Input(folder) => FileFolder::Input(CompactString::const_new(folder)),
                BuiltinFolder::Output => FileFolder::Output,
            };
            return Some((folder, FileEvidence::Class));
        }
        if let Some(folder) = self.model_folders.get(&(class.into(), input.into())) {
            return Some((FileFolder::Models(folder.clone()), FileEvidence::Choices));
        }
        if let Some(directory) = declared.get(text) {
            return Some((models(directory), FileEvidence::Property));
        }
        if spec.is_some_and(|spec| spec.upload.is_some() && spec.kind == "COMBO") {
            return Some((FileFolder::Input(CompactString::default()), FileEvidence::Class));
        }
        let multiline = text.contains('\n') || spec.is_some_and(|spec| spec.multiline);
        let model =
            !multiline && MODEL_ENDINGS.iter().any(|end| ends_with_ignoring_case(text, end));
        model.then_some((FileFolder::Unknown, FileEvidence::Ending))
    }

    /// Learns from a server which inputs of packs name models: those whose choices hold
    /// all the files of a folder. Where several folders would do, the one with the most
    /// files; an empty folder tells nothing.
    pub fn learn_folders(&mut self, listing: &FolderListing) {
        let mut learned = FxHashMap::default();
        for class in self.server_classes.classes() {
            for input in class.inputs.iter().filter(|input| !input.choices.is_empty()) {
                let choices: FxHashSet<&str> =
                    input.choices.iter().filter_map(Value::as_str).collect();
                let holds = |files: &[CompactString]| {
                    !files.is_empty() && files.iter().all(|file| choices.contains(file.as_str()))
                };
                let fitting = listing.iter().filter(|(_, files)| holds(files));
                // The name decides between equals, so that the answer is always the same.
                let best = fitting.max_by_key(|(folder, files)| {
                    (files.len(), std::cmp::Reverse((*folder).clone()))
                });
                if let Some((folder, _)) = best {
                    learned.insert((class.name.clone(), input.name.clone()), folder.clone());
                }
            }
        }
        self.model_folders = learned;
    }
}

/// What a node's `properties.models` says: name of the file, folder type.
fn declared_models(node: &Node) -> FxHashMap<&str, &str> {
    let models = node.property("models").and_then(Value::as_array).unwrap_or_default();
    let mut found = FxHashMap::default();
    for model in models {
        if let (Some(name), Some(folder)) = (
            model.get("name").and_then(Value::as_str),
            model.get("directory").and_then(Value::as_str),
        ) && !folder.is_empty()
        {
            found.insert(name, folder);
        }
    }
    found
}

/// `embedding:<name>` in a text. The name ends like the server's reader ends it: at white
/// space, a comma, or a bracket of a weight.
fn embedding_names(text: &str) -> impl Iterator<Item = &str> {
    text.split("embedding:").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ')' | '(' | ':'));
        let name = rest.split_at(end.unwrap_or(rest.len())).0;
        (!name.is_empty()).then_some(name)
    })
}

/// `cat.png [output]` names a file in another root.
fn split_annotation(text: &str, folder: FileFolder) -> (&str, FileFolder) {
    if matches!(folder, FileFolder::Models(_) | FileFolder::Unknown) {
        return (text, folder);
    }
    for (mark, root) in [
        (" [output]", FileFolder::Output),
        (" [input]", FileFolder::Input(CompactString::default())),
        (" [temp]", FileFolder::Temp),
    ] {
        if let Some(name) = text.strip_suffix(mark) {
            return (name, root);
        }
    }
    (text, folder)
}

fn ends_with_ignoring_case(text: &str, ending: &str) -> bool {
    let at = text.len().checked_sub(ending.len());
    at.and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    fn files(catalog: &Catalog, prompt: &str) -> Vec<String> {
        let prompt = Prompt::from_value(parse_text(prompt).unwrap()).unwrap();
        let files = catalog.prompt_files(&prompt).into_iter();
        files
            .map(|(id, f)| format!("{id}.{} {} {:?} {:?}", f.input, f.name, f.folder, f.evidence))
            .collect()
    }

    #[test]
    fn files_are_known_by_class_text_and_ending() {
        let prompt = r#"{
            "1":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a\\b.safetensors"}},
            "2":{"class_type":"LoadImage","inputs":{"image":"clip/x.png [output]"}},
            "3":{"class_type":"CLIPTextEncode","inputs":{"text":"fox, embedding:neg, (embedding:b.pt:1.2)","clip":["1",1]}},
            "4":{"class_type":"VAELoader","inputs":{"vae_name":"taesd"}},
            "5":{"class_type":"SomePackLoader","inputs":{"which":"x.SAFETENSORS","note":"y.txt"}}}"#;
        insta::assert_debug_snapshot!(files(&Catalog::core(), prompt), @r#"
        [
            "1.ckpt_name a\\b.safetensors Models(\"checkpoints\") Class",
            "2.image clip/x.png Output Class",
            "3.text neg Models(\"embeddings\") Text",
            "3.text b.pt Models(\"embeddings\") Text",
            "5.which x.SAFETENSORS Unknown Ending",
        ]
        "#);
    }

    #[test]
    fn choices_tell_the_folder_of_a_packs_input() {
        let info = r#"{"PackLora":{"input":{"required":{"lora":[["None","a.sft","b.sft"]],"mode":[["x"]]}}}}"#;
        let mut catalog = Catalog::with_object_info(&parse_text(info).unwrap());
        let listing: FolderListing = [
            ("loras".into(), vec!["a.sft".into(), "b.sft".into()]),
            ("vae".into(), vec!["a.sft".into()]),
            ("empty".into(), vec![]),
        ]
        .into_iter()
        .collect();
        catalog.learn_folders(&listing);
        let prompt = r#"{"1":{"class_type":"PackLora","inputs":{"lora":"b.sft","mode":"x"}}}"#;
        assert_eq!(files(&catalog, prompt), [r#"1.lora b.sft Models("loras") Choices"#]);
    }
}
