//! `git comfy restore`: the workflow that made a picture, ready to load.

use std::io::IsTerminal;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json;
use comfy_graph::json::{JsonStyle, Value};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::machine::node_catalog;
use crate::platform::output_argument::OutputArgs;
use crate::platform::text::sanitize;
use crate::runs::run_data::{PinScope, pin_values};
use crate::runs::source_of_picture;
use crate::runs::source_of_picture::PictureSource;
use crate::runs::text::run_text::summarize_branch;
use crate::session::Session;

/// Write the workflow that made a picture, exactly as it ran, ready to load in ComfyUI.
///
/// Seeds are those that were used, and are held fixed; the layout is there. A picture that
/// lost what it carried is looked up among the runs.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// A picture or other output, the id of a run, or a revision (REV or REV:PATH).
    #[arg(value_name = "IMAGE|RUN|REV")]
    pub what: String,
    /// The file.
    #[command(flatten)]
    pub target: OutputArgs,
    /// The executed prompt in API format instead of the workflow.
    #[arg(long)]
    pub api: bool,
    /// Leave seeds and their controls as they were on the canvas.
    #[arg(long, conflicts_with = "api")]
    pub as_queued: bool,
}

pub(crate) fn run(args: &RestoreArgs, session: &Session) -> Result<Exit> {
    let mut source = source_of_picture::find_source(session, &args.what)?;
    // Only to tell more of a file that speaks for itself.
    let _ = source.look_up_run(session);
    let catalog = node_catalog::catalog_for_session(session);
    let (value, description) = restored_document(args, source, &catalog)?;
    let text = json::print(&value, &JsonStyle { final_newline: true, ..JsonStyle::EXPORT });
    if let Some(name) = args.target.write_if_named(&text)? {
        session.ui.info(&format!("{name}: {description}"));
    } else if std::io::stdout().is_terminal() {
        // A terminal would act on what it is sent; a pipe gets every byte.
        session.ui.print(&format!("{}\n", sanitize::json(text.trim_end())))?;
    } else {
        session.ui.print_bytes(text.as_bytes())?;
    }
    Ok(Exit::Done)
}

/// What is written, and what is said of it.
fn restored_document(
    args: &RestoreArgs,
    source: PictureSource,
    catalog: &Catalog,
) -> Result<(Value, String)> {
    let (workflow, prompt) = source.clean_documents();
    let PictureSource { description: origin, branch, .. } = source;
    if args.api {
        let prompt = prompt
            .ok_or_else(|| CommandError::user(format!("there is no executed prompt {origin}")))?;
        return Ok((prompt, format!("the executed prompt {origin}")));
    }
    let Some(value) = workflow else {
        let prompt =
            prompt.ok_or_else(|| CommandError::user(format!("there is no workflow {origin}")))?;
        // ComfyUI opens this as well, with an arrangement of its own.
        return Ok((
            prompt,
            format!(
                "the executed prompt {origin}; it was queued without a canvas: drop the file on \
                 ComfyUI's canvas to open it"
            ),
        ));
    };
    if args.as_queued {
        return Ok((value, format!("the workflow {origin}, as it was queued")));
    }
    let Ok(mut graph) = Workflow::from_value(value.clone()) else {
        return Ok((value, format!("the workflow {origin}")));
    };
    let prompt = prompt.and_then(|value| Prompt::from_value(value).ok());
    let fixed = pin_values(&mut graph, prompt.as_ref(), PinScope::Seeds, catalog);
    let mut description = format!("the workflow {origin}");
    if fixed.controls > 0 || fixed.values > 0 {
        description += ", seeds held fixed";
    }
    if !fixed.unpinned.is_empty() {
        description +=
            &format!("; the seed of #{} is not the one that was used", fixed.unpinned.join(", #"));
    }
    if !fixed.rolled_within.is_empty() {
        description += &format!(
            "; #{} ran with a seed below zero and rolled its own, which is not recorded",
            fixed.rolled_within.join(", #")
        );
    }
    if let Some(branch) = branch {
        description += &format!("; {}", summarize_branch(&branch));
    }
    Ok((graph.into_value(), description))
}
