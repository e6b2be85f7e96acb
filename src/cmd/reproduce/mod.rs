//! `git comfy reproduce`: a picture made again, or a precise list of why not.
//!
//! ```text
//! what ── original ──▶ Original ── prepare ──▶ Ready ──▶ write | open | run
//! ```

mod plan;

use std::io::IsTerminal;
use std::path::PathBuf;

use super::inspect::{Over, make_finite, write};
use super::naming;
use super::original::{self, Original, without_residue};
use crate::catalog::Catalog;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::graph::{Prompt, Workflow};
use crate::json::{self, Style, Value};
use crate::record::run::{Hold, fix_values};
use crate::render::sanitize;
use crate::session::Session;

/// Make a picture again: check what it needs, repair the workflow.
///
/// Nothing but the file that is written is changed, nothing is downloaded, and no code of
/// a repository is run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A picture or other output, the id of a run, or a revision (REV or REV:PATH).
    #[arg(value_name = "IMAGE|RUN|REV")]
    pub what: String,
    /// Write the workflow to this file instead of printing it.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write also over a file that is there.
    #[arg(long, requires = "output")]
    pub force: bool,
    /// The prompt in API format instead of the workflow.
    #[arg(long)]
    pub api: bool,
}

/// Everything that is needed to make a picture again: what was found, and the two documents
/// repaired for this machine. They agree: ComfyUI makes this prompt of this workflow.
#[derive(Debug)]
pub(crate) struct Ready {
    /// What the person named.
    pub(crate) original: Original,
    /// The workflow to load.
    pub(crate) workflow: Option<Value>,
    /// The prompt to queue, in API format.
    pub(crate) prompt: Option<Value>,
}

/// Reproduces.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let ready = prepare(args, session)?;
    deliver(args, session, &ready)?;
    Ok(Exit::Done)
}

/// Finds the original and repairs it. What `--run` begins with.
pub(crate) fn prepare(args: &Args, session: &Session) -> Result<Ready> {
    let mut original = original::of(session, &args.what)?;
    original.look_up(session)?;
    let catalog = naming::cached(session);
    repaired(original, &catalog)
}

fn repaired(original: Original, catalog: &Catalog) -> Result<Ready> {
    let (mut workflow, mut prompt) = (original.workflow.clone(), original.prompt.clone());
    if let Some(value) = &mut prompt {
        without_residue(value);
        make_finite(value);
    }
    if let Some(value) = &mut workflow {
        make_finite(value);
    }
    let ran = prompt.clone().and_then(|value| Prompt::from_value(value).ok());
    let graph = workflow.clone().and_then(|value| Workflow::from_value(value).ok());
    if let Some(mut graph) = graph {
        fix_values(&mut graph, ran.as_ref(), Hold::All, catalog);
        if prompt.is_none() {
            prompt = graph.to_prompt(catalog).ok().map(Prompt::into_value);
        }
        workflow = Some(graph.into_value());
    }
    Ok(Ready { original, workflow, prompt })
}

fn deliver(args: &Args, session: &Session, ready: &Ready) -> Result<()> {
    let from = &ready.original.from;
    let wanted = if args.api { &ready.prompt } else { &ready.workflow };
    let Some(value) = wanted.as_ref().or(ready.prompt.as_ref()) else {
        return Err(Failure::new(format!("there is nothing to make again {from}")));
    };
    let text = json::print(value, &Style { final_newline: true, ..Style::EXPORT });
    match &args.output {
        Some(output) => {
            let over = if args.force { Over::Anything } else { Over::Nothing };
            write(&session.cwd.join(output), &text, over)?;
            let name = sanitize::line(&output.display().to_string()).into_owned();
            session.ui.say(&format!("{name}: the workflow {from}"));
        }
        // A terminal would act on what it is sent; a pipe gets every byte.
        None if std::io::stdout().is_terminal() => {
            session.ui.out(&format!("{}\n", sanitize::json(text.trim_end())))?;
        }
        None => session.ui.out_bytes(text.as_bytes())?,
    }
    Ok(())
}
