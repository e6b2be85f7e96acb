//! The two documents to make a picture again with, repaired for this machine.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{NodeId, Prompt, Workflow};
use comfy_graph::json::Value;

use super::rename::Renames;
use super::same::{Difference, differences};
use crate::runs::model::{Fixed, Hold, fix_values};

/// Whether ComfyUI would make the prompt of the workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement {
    Agrees,
    Differs(Vec<Difference>),
    /// The workflow is another one's: it is left out.
    Foreign,
    /// There is only one of the two.
    Alone,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Repaired {
    /// The workflow to load.
    pub workflow: Option<Value>,
    /// The prompt to queue.
    pub prompt: Option<Value>,
    /// Values that name something otherwise now.
    pub renamed: usize,
    /// Controls that were set to fixed, and values that were put back to what ran.
    pub fixed: Fixed,
    pub agreement: Agreement,
    /// The prompt was made of the workflow: nobody knows what was decided on queueing.
    pub is_made: bool,
}

/// Repairs what was found. A document that is none of ComfyUI's is passed on untouched.
pub fn repair(
    workflow: Option<Value>,
    prompt: Option<Value>,
    renames: &Renames,
    catalog: &Catalog,
) -> Repaired {
    let graph = workflow.clone().and_then(|value| Workflow::from_value(value).ok());
    let mut ran = prompt.clone().and_then(|value| Prompt::from_value(value).ok());
    let mut repaired = Repaired {
        workflow,
        prompt,
        renamed: 0,
        fixed: Fixed::default(),
        agreement: Agreement::Alone,
        is_made: false,
    };
    if let Some(ran) = &mut ran {
        repaired.renamed += renames.in_prompt(ran, catalog);
    }
    let Some(mut graph) = graph else {
        repaired.prompt = ran.map(Prompt::into_value).or(repaired.prompt);
        return repaired;
    };
    if ran.as_ref().is_some_and(|ran| is_foreign(&graph, ran, catalog)) {
        repaired.agreement = Agreement::Foreign;
        repaired.workflow = None;
        repaired.prompt = ran.map(Prompt::into_value);
        return repaired;
    }
    let renamed = renames.in_workflow(&mut graph, catalog);
    repaired.renamed = repaired.renamed.max(renamed);
    repaired.fixed = fix_values(&mut graph, ran.as_ref(), Hold::All, catalog);
    let made = graph.to_prompt(catalog).ok();
    if let (Some(made), Some(ran)) = (&made, &ran) {
        let found = differences(made, ran);
        repaired.agreement = match found.is_empty() {
            true => Agreement::Agrees,
            false => Agreement::Differs(found),
        };
    }
    if ran.is_none() {
        repaired.is_made = made.is_some();
        ran = made;
    }
    repaired.prompt = ran.map(Prompt::into_value).or(repaired.prompt);
    repaired.workflow = Some(graph.into_value());
    repaired
}

/// Whether most of what ran is not in the workflow: other programs embed any workflow
/// beside their prompt.
fn is_foreign(workflow: &Workflow, ran: &Prompt, catalog: &Catalog) -> bool {
    let Ok(made) = workflow.to_prompt(catalog) else { return true };
    let has = |id: &NodeId| {
        let class = |prompt: &Prompt| prompt.nodes.get(id).map(|node| node.class().to_owned());
        class(&made) == class(ran)
    };
    let there = ran.nodes.keys().filter(|id| has(id)).count();
    there * 2 < ran.nodes.len()
}
