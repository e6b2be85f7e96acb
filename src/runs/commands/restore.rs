//! `git comfy restore`: the workflow that made a picture, ready to load.

use std::io::IsTerminal;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json;
use comfy_graph::json::{Style, Value};

use crate::differences::widget_names;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::machine::output_file::Target;
use crate::platform::text::sanitize;
use crate::runs::model::{Hold, fix_values};
use crate::runs::source_of_picture;
use crate::runs::source_of_picture::Original;
use crate::runs::text::runs::branch_in_words;
use crate::session::Session;

/// Write the workflow that made a picture, exactly as it ran, ready to load in ComfyUI.
///
/// Seeds are those that were used, and are held fixed; the layout is there. A picture that
/// lost what it carried is looked up among the runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A picture or other output, the id of a run, or a revision (REV or REV:PATH).
    #[arg(value_name = "IMAGE|RUN|REV")]
    pub what: String,
    /// The file.
    #[command(flatten)]
    pub target: Target,
    /// The executed prompt in API format instead of the workflow.
    #[arg(long)]
    pub api: bool,
    /// Leave seeds and their controls as they were on the canvas.
    #[arg(long, conflicts_with = "api")]
    pub as_queued: bool,
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let mut source = source_of_picture::of(session, &args.what)?;
    // Only to tell more of a file that speaks for itself.
    let _ = source.look_up(session);
    let catalog = widget_names::cached(session);
    let (value, told) = document(args, source, &catalog)?;
    let text = json::print(&value, &Style { final_newline: true, ..Style::EXPORT });
    if let Some(name) = args.target.write(&text)? {
        session.ui.say(&format!("{name}: {told}"));
    } else if std::io::stdout().is_terminal() {
        // A terminal would act on what it is sent; a pipe gets every byte.
        session.ui.out(&format!("{}\n", sanitize::json(text.trim_end())))?;
    } else {
        session.ui.out_bytes(text.as_bytes())?;
    }
    Ok(Exit::Done)
}

/// What is written, and what is said of it.
fn document(args: &Args, source: Original, catalog: &Catalog) -> Result<(Value, String)> {
    let (workflow, prompt) = source.documents();
    let Original { from, branch, .. } = source;
    if args.api {
        let prompt =
            prompt.ok_or_else(|| Failure::new(format!("there is no executed prompt {from}")))?;
        return Ok((prompt, format!("the executed prompt {from}")));
    }
    let Some(value) = workflow else {
        let prompt = prompt.ok_or_else(|| Failure::new(format!("there is no workflow {from}")))?;
        // ComfyUI opens this as well, with an arrangement of its own.
        return Ok((prompt, format!("the executed prompt {from}; it was queued without a canvas")));
    };
    if args.as_queued {
        return Ok((value, format!("the workflow {from}, as it was queued")));
    }
    let Ok(mut graph) = Workflow::from_value(value.clone()) else {
        return Ok((value, format!("the workflow {from}")));
    };
    let prompt = prompt.and_then(|value| Prompt::from_value(value).ok());
    let fixed = fix_values(&mut graph, prompt.as_ref(), Hold::Seeds, catalog);
    let mut told = format!("the workflow {from}");
    if fixed.controls > 0 || fixed.values > 0 {
        told += ", seeds held fixed";
    }
    if !fixed.left.is_empty() {
        told += &format!("; the seed of #{} is not the one that was used", fixed.left.join(", #"));
    }
    if let Some(branch) = branch {
        told += &format!("; {}", branch_in_words(&branch));
    }
    Ok((graph.into_value(), told))
}
