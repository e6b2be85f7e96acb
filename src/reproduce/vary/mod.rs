//! Variations of a prompt: what a person sets, as the prompts that come of it.
//!
//! ```text
//! "KSampler.seed=7"  ── target_input ──▶ an input of a node ── values ──▶ what it holds in turn
//! ```
//!
//! A pure function of the prompt and the person's words. Must not know how prompts are run.

pub(crate) mod decimal;
pub(crate) mod target_input;
pub(crate) mod values;

pub(crate) use target_input::{CanvasAlias, TargetError, canvas_aliases};
pub(crate) use values::SettingValueError;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::Prompt;
use comfy_graph::json::Value;
use target_input::TargetInput;

use crate::runs::run_data::InputSetting;

/// Why there are no variations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VaryError {
    #[error("{0:?} sets nothing: write INPUT=VALUE or NODE.INPUT=VALUE")]
    Malformed(String),
    /// It names no input.
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{input} of {node}: {problem}")]
    Value {
        /// The node, by title and id.
        node: String,
        input: String,
        problem: SettingValueError,
    },
    #[error("{input} of {node} is set twice: write all its values in one, 1,2,3 or 1..3/1")]
    SetTwice {
        /// The node, by title and id.
        node: String,
        input: String,
    },
    /// More prompts than the person wants to wait for.
    #[error("that makes {count} variations, more than {most}")]
    TooMany { count: usize, most: usize },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Variation {
    /// What is set otherwise than it was, in the order it was asked for. Empty: the run
    /// itself is among its variations.
    pub set: Vec<InputSetting>,
    pub prompt: Prompt,
}

/// Inputs with all that they are to hold.
struct SettingAxis {
    targets: Vec<TargetInput>,
    values: Vec<Value>,
}

/// All combinations of what is set; the last changes fastest.
pub(crate) fn list_variations(
    base: &VariationBase<'_>,
    asked: &[String],
    most: usize,
) -> Result<Vec<Variation>, VaryError> {
    let mut axes: Vec<SettingAxis> = Vec::new();
    for asked in asked {
        let axis = parse_axis(base, asked, most)?;
        for target in &axis.targets {
            let mut known = axes.iter().flat_map(|axis| &axis.targets);
            if known.any(|known| (&known.id, &known.input) == (&target.id, &target.input)) {
                let node = format!("{} #{}", target.title, target.id);
                return Err(VaryError::SetTwice { node, input: target.input.clone() });
            }
        }
        axes.push(axis);
    }
    let count = axes.iter().try_fold(1usize, |count, axis| count.checked_mul(axis.values.len()));
    let count = count.unwrap_or(usize::MAX);
    if count > most {
        return Err(VaryError::TooMany { count, most });
    }
    Ok((0..count).map(|number| variation_at(base.prompt, &axes, number)).collect())
}

/// What is varied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VariationBase<'b> {
    /// The prompt that ran.
    pub prompt: &'b Prompt,
    /// What its inputs are called on the canvas.
    pub aliases: &'b [CanvasAlias],
    pub catalog: &'b Catalog,
}

fn parse_axis(
    base: &VariationBase<'_>,
    asked: &str,
    most: usize,
) -> Result<SettingAxis, VaryError> {
    let form = || VaryError::Malformed(asked.chars().take(200).collect());
    let (name, text) = asked.split_once('=').ok_or_else(form)?;
    let targets = target_input::find_targets(base.prompt, base.aliases, name.trim())?;
    let mut values = Vec::new();
    for target in &targets {
        let class = base.prompt.nodes.get(&target.id).map(|node| node.class());
        let class = class.and_then(|class| base.catalog.class(class));
        let spec = class.and_then(|class| class.input(&target.input));
        values = values::parse_values(text, &target.value, spec, most).map_err(|problem| {
            let node = format!("{} #{}", target.title, target.id);
            VaryError::Value { node, input: target.input.clone(), problem }
        })?;
    }
    Ok(SettingAxis { targets, values })
}

/// The variation of that number: its digits, each to the base of its axis.
fn variation_at(prompt: &Prompt, axes: &[SettingAxis], number: usize) -> Variation {
    let mut prompt = prompt.clone();
    let (mut set, mut rest) = (Vec::new(), number);
    for axis in axes.iter().rev() {
        let value = &axis.values[rest % axis.values.len()];
        rest /= axis.values.len();
        for target in axis.targets.iter().rev() {
            let node = prompt.nodes.get_mut(&target.id);
            if let Some(inputs) = node.and_then(|node| node.raw_inputs_mut()) {
                inputs.insert(target.input.as_str(), value.clone());
            }
            if value.is_equivalent(&target.value) {
                continue;
            }
            set.push(InputSetting {
                node: target.id.to_string(),
                title: target.title.clone(),
                input: target.input.clone(),
                from: target.value.clone(),
                to: value.clone(),
            });
        }
    }
    set.reverse();
    Variation { set, prompt }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::graph::{NodeId, Workflow};
    use comfy_graph::json::parse_text;

    fn prompt() -> Prompt {
        let text = r#"{"3":{"class_type":"KSampler","inputs":{"seed":5,"steps":20,"cfg":8.0,"sampler_name":"euler",
              "scheduler":"normal","denoise":1.0,"model":["4",0],"positive":["6",0]}},
            "4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a.safetensors"}},
            "6":{"class_type":"CLIPTextEncode","inputs":{"text":"a fox, in snow","clip":["4",1]},"_meta":{"title":"What to see"}},
            "7":{"class_type":"CLIPTextEncode","inputs":{"text":"blurry","clip":["4",1]},"_meta":{"title":"What not"}},
            "12:34":{"class_type":"ImageScale","inputs":{"crop":"disabled","resize.width":64,"upscale_method":"area","keep":true}}}"#;
        Prompt::from_value(parse_text(text).unwrap()).unwrap()
    }

    /// What each variation sets, a line each; or why there are none.
    fn describe(asked: &[&str]) -> String {
        let asked: Vec<String> = asked.iter().map(|text| (*text).to_owned()).collect();
        describe_all(&prompt(), &[], &asked)
    }

    fn describe_all(prompt: &Prompt, aliases: &[CanvasAlias], asked: &[String]) -> String {
        let base = VariationBase { prompt, aliases, catalog: &Catalog::core() };
        match list_variations(&base, asked, 100) {
            Ok(all) => {
                let line = |variation: &Variation| {
                    let set = variation.set.iter().map(|set| {
                        let held = &variation.prompt.nodes[&NodeId::from_text(&set.node)];
                        let held = held.raw_inputs().unwrap().get(&set.input).unwrap();
                        assert_eq!(*held, set.to);
                        format!("{}.{} {} -> {}", set.node, set.input, set.from, set.to)
                    });
                    set.collect::<Vec<_>>().join(", ")
                };
                all.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            Err(error) => format!("{error}"),
        }
    }

    #[test]
    fn inputs_are_named_by_title_class_id_or_alone() {
        for name in ["KSampler.seed", "ksampler.seed", "3.seed", "#3.seed", "seed"] {
            assert_eq!(describe(&[&format!("{name}=7")]), "3.seed 5 -> 7", "{name}");
        }
        assert_eq!(describe(&["What not.text=noise"]), "7.text \"blurry\" -> \"noise\"");
        assert_eq!(describe(&["12:34.resize.width=32"]), "12:34.resize.width 64 -> 32");
        assert_eq!(describe(&["resize.width=32"]), "12:34.resize.width 64 -> 32");
        insta::assert_snapshot!(describe(&["text=x"]), @"text may be: #6.text (What to see), #7.text (What not)");
        insta::assert_snapshot!(describe(&["CLIPTextEncode.text=x"]), @"CLIPTextEncode.text may be: #6.text (What to see), #7.text (What not)");
        insta::assert_snapshot!(describe(&["KSampler.sede=7"]), @"KSampler #3 has no input sede; it has seed, steps, cfg, sampler_name, scheduler, denoise");
        insta::assert_snapshot!(describe(&["Sampler.seed=7"]), @"nothing in the prompt is called Sampler.seed; there are KSampler #3, CheckpointLoaderSimple #4, What to see #6, What not #7, ImageScale #12:34");
        insta::assert_snapshot!(describe(&["KSampler.model=7"]), @"model of KSampler #3 is fed by CheckpointLoaderSimple #4: set what that holds");
        insta::assert_snapshot!(describe(&["seed"]), @r#""seed" sets nothing: write INPUT=VALUE or NODE.INPUT=VALUE"#);
    }

    #[test]
    fn a_widget_of_the_canvas_stands_for_all_it_feeds() {
        let text = r#"{"version":0.4,"nodes":[
            {"id":1,"type":"u","title":"Grow","inputs":[{"name":"width","widget":{"name":"width"},"link":null}],"widgets_values":[512]},
            {"id":2,"type":"PrimitiveNode","title":"All seeds","outputs":[{"name":"INT","links":[1,2]}],"widgets_values":[7,"fixed"]},
            {"id":3,"type":"KSampler","inputs":[{"name":"seed","widget":{"name":"seed"},"link":1}],"widgets_values":[0,"fixed",20,8,"euler","normal",1]},
            {"id":4,"type":"KSampler","inputs":[{"name":"seed","widget":{"name":"seed"},"link":2}],"widgets_values":[0,"fixed",20,8,"euler","normal",1]}],
            "links":[[1,2,0,3,0,"INT"],[2,2,0,4,0,"INT"]],"definitions":{"subgraphs":[{"id":"u","name":"Grow",
            "inputs":[{"name":"width","linkIds":[5]}],"nodes":[{"id":9,"type":"ImageScale",
            "inputs":[{"name":"width","widget":{"name":"width"},"link":5}],"widgets_values":["area",64,512,"disabled"]}],
            "links":[{"id":5,"origin_id":-10,"origin_slot":0,"target_id":9,"target_slot":0}]}]}}"#;
        let workflow = Workflow::from_value(parse_text(text).unwrap()).unwrap();
        let catalog = Catalog::core();
        let (prompt, aliases) =
            (workflow.to_prompt(&catalog).unwrap(), canvas_aliases(&workflow, &catalog));
        let describe = |asked: &str| describe_all(&prompt, &aliases, &[asked.to_owned()]);
        assert_eq!(describe("Grow.width=100"), "1:9.width 512 -> 100");
        assert_eq!(describe("#1.width=100"), "1:9.width 512 -> 100");
        assert_eq!(describe("All seeds.value=9"), "3.seed 7 -> 9, 4.seed 7 -> 9");
    }

    #[test]
    fn lists_and_ranges_are_multiplied() {
        insta::assert_snapshot!(describe(&["cfg=6..7/0.5", "seed=1,2"]), @r"
        3.cfg 8.0 -> 6, 3.seed 5 -> 1
        3.cfg 8.0 -> 6, 3.seed 5 -> 2
        3.cfg 8.0 -> 6.5, 3.seed 5 -> 1
        3.cfg 8.0 -> 6.5, 3.seed 5 -> 2
        3.cfg 8.0 -> 7, 3.seed 5 -> 1
        3.cfg 8.0 -> 7, 3.seed 5 -> 2
        ");
        insta::assert_snapshot!(describe(&["steps=30..22/5"]), @r"
        3.steps 20 -> 30
        3.steps 20 -> 25
        ");
        // Tenths are tenths.
        assert!(describe(&["cfg=0..1/0.1"]).contains("-> 0.3\n"));
        assert_eq!(describe(&["seed=18446744073709551615"]), "3.seed 5 -> 18446744073709551615");
        insta::assert_snapshot!(describe(&["seed=1..50", "steps=1..50"]), @"that makes 2500 variations, more than 100");
        insta::assert_snapshot!(describe(&["seed=1..5000000000"]), @"seed of KSampler #3: 1..5000000000 are more than 100 values");
        insta::assert_snapshot!(describe(&["seed=1", "3.seed=2"]), @"seed of KSampler #3 is set twice: write all its values in one, 1,2,3 or 1..3/1");
    }

    #[test]
    fn values_keep_their_type() {
        insta::assert_snapshot!(describe(&["steps=20.5"]), @"steps of KSampler #3: it takes whole numbers, and 20.5 is none");
        insta::assert_snapshot!(describe(&["cfg=high"]), @"cfg of KSampler #3: it takes numbers, and high is none");
        insta::assert_snapshot!(describe(&["cfg=1..2/0"]), @"cfg of KSampler #3: 1..2/0 is no range: write FROM..TO/STEP");
        assert_eq!(describe(&["keep=off"]), "12:34.keep true -> false");
        insta::assert_snapshot!(describe(&["keep=1,2"]), @"keep of ImageScale #12:34: it takes true or false, and 2 is neither");
        insta::assert_snapshot!(describe(&["sampler_name=dpm_2, heun"]), @r#"
        3.sampler_name "euler" -> "dpm_2"
        3.sampler_name "euler" -> "heun"
        "#);
        assert_eq!(describe(&["steps=20"]), "", "the run itself");
        // A text is one text; quoted ones are as many as there are.
        assert_eq!(
            describe(&["#6.text=a cat, in snow"]),
            r#"6.text "a fox, in snow" -> "a cat, in snow""#
        );
        insta::assert_snapshot!(describe(&[r#"#6.text="a cat, in snow","a \"dog\"""#]), @r#"
        6.text "a fox, in snow" -> "a cat, in snow"
        6.text "a fox, in snow" -> "a \"dog\""
        "#);
        insta::assert_snapshot!(describe(&["seed="]), @"seed of KSampler #3: there is no value");
    }
}
