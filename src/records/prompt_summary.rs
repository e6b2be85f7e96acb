//! What a person wants to know first about a prompt: models, samplers, seeds, texts.
//!
//! It reads values and follows links, but knows no node definitions, so a pack's node that
//! names things its own way may be missed. Nothing is guessed: a seed that a node computes
//! is absent.

use std::collections::HashSet;

use comfy_graph::graph::{NodeId, Prompt, PromptInput, PromptNode};
use comfy_graph::json::Value;

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PromptSummary {
    /// Nodes in the prompt.
    pub node_count: usize,
    /// Model files that are named, in node order.
    pub models: Vec<NamedModel>,
    /// Embeddings that the texts name with `embedding:`.
    pub embeddings: Vec<String>,
    /// Nodes that sample, in node order.
    pub samplings: Vec<SamplingNode>,
    /// Texts that reach a sampler's positive input; where none samples, all prompt texts.
    pub positive: Vec<String>,
    /// Texts that reach a sampler's negative input.
    pub negative: Vec<String>,
}

/// A model file named by a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedModel {
    pub node: NodeId,
    pub class: String,
    pub input: String,
    /// The name, relative to a model folder, as spelled.
    pub name: String,
}

/// A node that samples, with the values it ran with. A value it took from a node that
/// computes it is absent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SamplingNode {
    pub node: NodeId,
    pub class: String,
    pub seed: Option<Value>,
    pub sampler: Option<Value>,
    pub scheduler: Option<Value>,
    pub steps: Option<Value>,
    /// Guidance scale.
    pub cfg: Option<Value>,
    pub denoise: Option<Value>,
    pub start_step: Option<Value>,
    pub end_step: Option<Value>,
}

/// Endings of model files.
const MODEL_EXTENSIONS: &[&str] =
    &[".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".gguf", ".onnx", ".pkl"];

/// Links followed from one value to where it was typed in.
const MAX_HOPS: usize = 16;

/// Nodes looked at around one sampler, and findings of each sort kept: a stranger's prompt
/// may have half a million nodes that all lead to each other.
const MAX_NODES: usize = 256;

/// Inputs of a custom sampler that lead to nodes holding its settings.
const SETTING_INPUTS: &[&str] = &["noise", "guider", "sampler", "sigmas"];

/// Inputs in which a node that passes a plain value on holds it.
const PASS_THROUGH_INPUTS: &[&str] =
    &["value", "seed", "noise_seed", "int", "number", "string", "text"];

/// Reads models, samplers, seeds and texts out of a prompt.
pub(crate) fn summarize_prompt(prompt: &Prompt) -> PromptSummary {
    let mut summary = PromptSummary { node_count: prompt.nodes.len(), ..PromptSummary::default() };
    for (id, node) in &prompt.nodes {
        for (input, value) in node.inputs() {
            if let PromptInput::Literal(Value::String(name)) = value
                && is_model_file(name)
                && summary.models.len() < MAX_NODES
            {
                let (class, input) = (node.class().to_owned(), input.to_owned());
                let named = NamedModel { node: id.clone(), class, input, name: name.to_string() };
                summary.models.push(named);
            }
        }
        if is_sampling_node(node) && summary.samplings.len() < MAX_NODES {
            summary.samplings.push(read_sampling_node(prompt, id, node));
            collect_texts(prompt, node, "positive", &mut summary.positive);
            collect_texts(prompt, node, "negative", &mut summary.negative);
        }
    }
    if summary.positive.is_empty() && summary.negative.is_empty() {
        let texts = prompt.nodes.values().flat_map(|node| node_texts(prompt, node));
        summary.positive.extend(texts.take(MAX_NODES));
    }
    remove_duplicates(&mut summary.positive);
    remove_duplicates(&mut summary.negative);
    let texts = summary.positive.iter().chain(&summary.negative);
    summary.embeddings = texts.flat_map(|text| embedding_names(text)).take(MAX_NODES).collect();
    remove_duplicates(&mut summary.embeddings);
    summary
}

/// The names behind `embedding:` in a prompt text.
fn embedding_names(text: &str) -> impl Iterator<Item = String> {
    text.split("embedding:").skip(1).filter_map(|rest| {
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ')' | '(' | ':' | '|'));
        let name = &rest[..end.unwrap_or(rest.len())];
        (!name.is_empty()).then(|| name.to_owned())
    })
}

/// Whether a value ends as model files do.
pub(crate) fn is_model_file(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    MODEL_EXTENSIONS.iter().any(|ending| value.len() > ending.len() && value.ends_with(ending))
}

fn is_sampling_node(node: &PromptNode) -> bool {
    let has = |name| node.input(name).is_some();
    let custom = has("latent_image") && node.class().to_ascii_lowercase().contains("sampler");
    custom || has("steps") && has("cfg") && (has("seed") || has("noise_seed"))
}

fn read_sampling_node(prompt: &Prompt, id: &NodeId, node: &PromptNode) -> SamplingNode {
    let setting =
        |names: &[&str]| names.iter().find_map(|name| find_setting(prompt, node, name)).cloned();
    SamplingNode {
        node: id.clone(),
        class: node.class().to_owned(),
        seed: setting(&["noise_seed", "seed"]),
        sampler: setting(&["sampler_name"]),
        scheduler: setting(&["scheduler"]),
        steps: setting(&["steps"]),
        cfg: setting(&["cfg"]),
        denoise: setting(&["denoise"]),
        start_step: setting(&["start_at_step"]),
        end_step: setting(&["end_at_step"]),
    }
}

/// A setting of the node itself or of the parts it is made of.
fn find_setting<'p>(prompt: &'p Prompt, node: &'p PromptNode, name: &str) -> Option<&'p Value> {
    let mut nodes = vec![node];
    let mut at = 0;
    while let Some(node) = nodes.get(at).copied() {
        if node.input(name).is_some() {
            return follow_to_literal(prompt, node, name);
        }
        for part in SETTING_INPUTS {
            if let Some(PromptInput::Link { node, .. }) = node.input(part)
                && let Some(part) = prompt.nodes.get(&node)
                && nodes.len() < MAX_NODES
                && !nodes.iter().any(|known| std::ptr::eq(*known, part))
            {
                nodes.push(part);
            }
        }
        at += 1;
    }
    None
}

/// The value of an input, followed to where a person typed it.
fn follow_to_literal<'p>(
    prompt: &'p Prompt,
    node: &'p PromptNode,
    name: &str,
) -> Option<&'p Value> {
    let mut input = node.input(name)?;
    for _ in 0..MAX_HOPS {
        match input {
            PromptInput::Literal(value) => return Some(value),
            PromptInput::Link { node, .. } => {
                let source = prompt.nodes.get(&node)?;
                let inputs = source.raw_inputs()?;
                // Only a node with one thing to pass on passes it on unchanged.
                let passed = PASS_THROUGH_INPUTS.iter().find(|name| inputs.contains_key(name))?;
                if inputs.len() > 2 {
                    return None;
                }
                input = source.input(passed)?;
            }
        }
    }
    None
}

/// Collects the texts that reach one side of a sampler.
fn collect_texts(prompt: &Prompt, sampler: &PromptNode, side: &str, found: &mut Vec<String>) {
    let mut seen = HashSet::new();
    let mut waiting: Vec<(&PromptNode, &str)> = vec![(sampler, side)];
    while let Some((node, side)) = waiting.pop() {
        for (name, input) in node.inputs() {
            let PromptInput::Link { node: source, slot } = input else { continue };
            let leads = name == side
                || matches!(name, "conditioning" | "guider")
                || name.starts_with("conditioning_")
                || side == "positive" && name == "cond";
            if !leads || seen.len() == MAX_NODES || !seen.insert((source.clone(), slot)) {
                continue;
            }
            let Some(source) = prompt.nodes.get(&source) else { continue };
            // Zeroed conditioning has no text left.
            if source.class() == "ConditioningZeroOut" {
                continue;
            }
            let own = node_texts(prompt, source);
            if !own.is_empty() {
                found.extend(own);
                continue;
            }
            // A node with both sides gives the positive one first.
            let both = source.input("positive").is_some() && source.input("negative").is_some();
            let side = match slot {
                0 if both && name != "guider" => "positive",
                1 if both && name != "guider" => "negative",
                _ => side,
            };
            waiting.push((source, side));
        }
    }
}

fn node_texts(prompt: &Prompt, node: &PromptNode) -> Vec<String> {
    let is_text = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["text", "prompt"].iter().any(|word| name.contains(word))
            || matches!(name.as_str(), "clip_l" | "clip_g" | "t5xxl" | "llama" | "tags" | "lyrics")
    };
    let names = node.inputs().map(|(name, _)| name).filter(|name| is_text(name));
    let values = names.filter_map(|name| follow_to_literal(prompt, node, name)?.as_str());
    values.filter(|text| !text.trim().is_empty()).map(str::to_owned).collect()
}

fn remove_duplicates(texts: &mut Vec<String>) {
    let mut seen = HashSet::new();
    texts.retain(|text| seen.insert(text.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::json::parse_text;

    fn summarize(text: &str) -> PromptSummary {
        summarize_prompt(&Prompt::from_value(parse_text(text).unwrap()).unwrap())
    }

    #[test]
    fn a_plain_sampler_is_read_with_its_texts_and_models() {
        let seen = summarize(
            r#"{"4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
            "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "sub\\rain.SafeTensors",
                "strength_model": 1, "model": ["4", 0], "clip": ["4", 1]}},
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["12", 0], "clip": ["10", 1]}},
            "12": {"class_type": "PrimitiveString", "inputs": {"value": "neon fox"}},
            "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry, (embedding:easy:1.2)", "clip": ["10", 1]}},
            "8": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["6", 0],
                "negative": ["7", 0], "strength": 1}},
            "11": {"class_type": "PrimitiveInt", "inputs": {"value": 18446744073709551615}},
            "3": {"class_type": "KSampler", "inputs": {"seed": ["11", 0], "steps": 20, "cfg": 7.5,
                "sampler_name": "euler", "scheduler": "normal", "denoise": 1, "model": ["10", 0],
                "positive": ["8", 0], "negative": ["8", 1], "latent_image": ["5", 0]}}}"#,
        );
        assert_eq!(seen.node_count, 8);
        let models: Vec<_> = seen.models.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(models, ["sd15.safetensors", "sub\\rain.SafeTensors"]);
        assert_eq!(
            (seen.positive, seen.negative),
            (vec!["neon fox".into()], vec!["blurry, (embedding:easy:1.2)".into()])
        );
        let [sampling] = &seen.samplings[..] else { panic!() };
        let text = |value: &Option<Value>| match value.as_ref().unwrap() {
            Value::Number(number) => number.to_string(),
            value => value.as_str().unwrap().to_owned(),
        };
        let SamplingNode { seed, sampler, scheduler, steps, cfg, denoise, .. } = sampling;
        let values = [seed, sampler, scheduler, steps, cfg, denoise].map(text);
        assert_eq!(values, ["18446744073709551615", "euler", "normal", "20", "7.5", "1"]);
    }

    #[test]
    fn a_custom_sampler_is_put_together_from_its_parts() {
        let seen = summarize(
            r#"{"1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0],
                "guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["9", 0]}},
            "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 7}},
            "3": {"class_type": "CFGGuider", "inputs": {"cfg": 3.5, "positive": ["6", 0],
                "negative": ["7", 0]}},
            "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
            "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "beta", "steps": 8,
                "denoise": 0.5}},
            "6": {"class_type": "CLIPTextEncodeFlux", "inputs": {"clip_l": "fox", "t5xxl": "a fox"}},
            "7": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}}}"#,
        );
        let [sampling] = &seen.samplings[..] else { panic!() };
        assert_eq!(sampling.seed, Some(Value::from(7i64)));
        assert_eq!(sampling.steps, Some(Value::from(8i64)));
        assert_eq!(sampling.sampler, Some(Value::from("euler")));
        assert_eq!(sampling.cfg, Some(Value::from(3.5)));
        assert_eq!(seen.positive, ["fox", "a fox"]);
        assert!(seen.negative.is_empty());
    }

    #[test]
    fn links_in_a_circle_end_and_computed_seeds_are_absent() {
        let seen = summarize(
            r#"{"1": {"class_type": "KSampler", "inputs": {"seed": ["2", 0], "steps": ["4", 0],
                "cfg": 1, "positive": ["3", 0], "latent_image": ["1", 0]}},
            "2": {"class_type": "Value", "inputs": {"value": ["2", 0]}},
            "3": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["3", 0]}},
            "4": {"class_type": "Math", "inputs": {"value": 1, "b": 2, "c": 3}},
            "5": {"class_type": "SamplerCustom", "inputs": {"noise": ["5", 0], "guider": ["6", 0],
                "sampler": ["5", 0], "sigmas": ["6", 0], "latent_image": ["1", 0]}},
            "6": {"class_type": "Guider", "inputs": {"noise": ["5", 0], "guider": ["6", 0],
                "sampler": ["5", 0], "sigmas": ["6", 0]}}}"#,
        );
        let [sampling, circle] = &seen.samplings[..] else { panic!() };
        assert_eq!((&sampling.seed, &sampling.steps, &circle.seed), (&None, &None, &None));
        assert!(seen.positive.is_empty());
    }
}
