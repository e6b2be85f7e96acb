//! The two documents to make a picture again with, repaired for this machine.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{NodeId, Prompt, Workflow};
use comfy_graph::json::Value;

use super::prompt_differences::{PromptDifference, diff_prompts};
use super::rename::FileRenames;
use crate::runs::run_data::{PinResult, PinScope, pin_values};

/// Whether ComfyUI would make the prompt of the workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentAgreement {
    Agrees,
    Differs(Vec<PromptDifference>),
    /// The workflow is another one's: it is left out.
    Foreign,
    /// There is only one of the two.
    Alone,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RepairedDocuments {
    /// The workflow to load.
    pub workflow: Option<Value>,
    /// The prompt to queue.
    pub prompt: Option<Value>,
    /// Values that name something otherwise now.
    pub renamed: usize,
    /// Controls that were set to fixed, and values that were put back to what ran.
    pub fixed: PinResult,
    pub agreement: DocumentAgreement,
    /// The prompt was made of the workflow: nobody knows what was decided on queueing.
    pub is_prompt_derived: bool,
}

/// Repairs what was found. A document that is none of ComfyUI's is passed on untouched.
pub fn repair_documents(
    workflow: Option<Value>,
    prompt: Option<Value>,
    renames: &FileRenames,
    catalog: &Catalog,
) -> RepairedDocuments {
    let graph = workflow.clone().and_then(|value| Workflow::from_value(value).ok());
    let mut ran = prompt.clone().and_then(|value| Prompt::from_value(value).ok());
    let mut repaired = RepairedDocuments {
        workflow,
        prompt,
        renamed: 0,
        fixed: PinResult::default(),
        agreement: DocumentAgreement::Alone,
        is_prompt_derived: false,
    };
    if let Some(ran) = &mut ran {
        repaired.renamed += renames.rename_in_prompt(ran, catalog);
    }
    let Some(mut graph) = graph else {
        repaired.prompt = ran.map(Prompt::into_value).or(repaired.prompt);
        return repaired;
    };
    if ran.as_ref().is_some_and(|ran| is_foreign_workflow(&graph, ran, catalog)) {
        repaired.agreement = DocumentAgreement::Foreign;
        repaired.workflow = None;
        repaired.prompt = ran.map(Prompt::into_value);
        return repaired;
    }
    let renamed = renames.rename_in_workflow(&mut graph, catalog);
    repaired.renamed = repaired.renamed.max(renamed);
    repaired.fixed = pin_values(&mut graph, ran.as_ref(), PinScope::All, catalog);
    let made = graph.to_prompt(catalog).ok();
    if let (Some(made), Some(ran)) = (&made, &ran) {
        let found = diff_prompts(made, ran);
        repaired.agreement = match found.is_empty() {
            true => DocumentAgreement::Agrees,
            false => DocumentAgreement::Differs(found),
        };
    }
    if ran.is_none() {
        repaired.is_prompt_derived = made.is_some();
        ran = made;
    }
    repaired.prompt = ran.map(Prompt::into_value).or(repaired.prompt);
    repaired.workflow = Some(graph.into_value());
    repaired
}

/// Whether most of what ran is not in the workflow: other programs embed any workflow
/// beside their prompt.
fn is_foreign_workflow(workflow: &Workflow, ran: &Prompt, catalog: &Catalog) -> bool {
    let Ok(made) = workflow.to_prompt(catalog) else { return true };
    let has = |id: &NodeId| {
        let class = |prompt: &Prompt| prompt.nodes.get(id).map(|node| node.class().to_owned());
        class(&made) == class(ran)
    };
    let there = ran.nodes.keys().filter(|id| has(id)).count();
    there * 2 < ran.nodes.len()
}
