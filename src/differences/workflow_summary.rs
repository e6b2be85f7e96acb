//! Prints a workflow, or the one a picture was made with, as a summary or with every value.

use super::content::Content;
use super::operands::Named;
use super::{operands, text, widget_names};
use crate::differences::text::telling;
use crate::differences::text::terminal::{Look, WordDiff};
use crate::error::{Failure, Result};
use crate::platform::text::sanitize;
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Models, prompts, sampling: a few lines.
    Story,
    /// Every value.
    Everything,
}

/// Whether a word of the command line names a file or `REVISION:FILE`.
pub(crate) fn names_file(session: &Session, what: &str) -> Result<bool> {
    Ok(matches!(operands::named(session, what)?, Named::File(_) | Named::Blob(_)))
}

/// Prints the workflow that a file or `REVISION:FILE` holds.
pub(crate) fn tell_workflow(
    session: &Session,
    what: &str,
    extent: Extent,
    args: &ScreenArgs,
) -> Result<()> {
    let document = operands::read(session, what, &operands::named(session, what)?)?;
    let naming = widget_names::cached(session);
    let mut screen = Screen::open(session, args, "show");
    let look = Look { colour: screen.colour, words: WordDiff::Auto, width: screen.width };
    let no_workflow = || {
        Failure::new(format!("{} holds no workflow", document.name))
            .hint(format!("git show {} prints what it is", sanitize::line(what)))
    };
    let (head, graph) = match &document.content {
        Content::Graph(value) => (String::new(), value),
        Content::Output(output) => {
            (format!("{}\n", sanitize::line(&output.told)), output.graph().ok_or_else(no_workflow)?)
        }
        Content::Other(_) => return Err(no_workflow()),
    };
    // An API prompt has no summary: it is printed with every value.
    let story = match extent {
        Extent::Story => telling::telling(graph, &naming, look),
        Extent::Everything => None,
    };
    let text = story.or_else(|| text::outline(graph.clone(), &naming)).ok_or_else(no_workflow)?;
    screen.put(format!("{head}{text}").as_bytes())?;
    Ok(())
}
