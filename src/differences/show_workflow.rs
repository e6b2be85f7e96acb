//! Prints a workflow, or the one a picture was made with, as a summary or with every value.

use super::content::FileContent;
use super::operands::OperandKind;
use super::{operands, text};
use crate::differences::text::terminal::{TerminalStyle, WordDiff};
use crate::differences::text::workflow_summary;
use crate::error::{CommandError, Result};
use crate::platform::machine::node_catalog;
use crate::platform::text::sanitize;
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SummaryDetail {
    /// Models, prompts, sampling: a few lines.
    Summary,
    /// Every value.
    Full,
}

/// Whether a word of the command line names a file or `REVISION:FILE`.
pub(crate) fn is_file_operand(session: &Session, what: &str) -> Result<bool> {
    Ok(matches!(
        operands::classify_operand(session, what)?,
        OperandKind::File(_) | OperandKind::Blob(_)
    ))
}

/// Prints the workflow that a file or `REVISION:FILE` holds.
pub(crate) fn show_workflow(
    session: &Session,
    what: &str,
    extent: SummaryDetail,
    args: &ScreenArgs,
) -> Result<()> {
    let document =
        operands::read_operand(session, what, &operands::classify_operand(session, what)?)?;
    let catalog = node_catalog::catalog_for_session(session);
    let mut screen = Screen::open(session, args, "show");
    let style = TerminalStyle { colour: screen.colour, words: WordDiff::Auto, width: screen.width };
    let no_workflow = || {
        CommandError::user(format!("{} holds no workflow", document.name))
            .with_hint(format!("git show {} prints what it is", sanitize::line(what)))
    };
    let (head, graph) = match &document.content {
        FileContent::Graph(value) => (String::new(), value),
        FileContent::Output(output) => (
            format!("{}\n", sanitize::line(&output.description)),
            output.graph().ok_or_else(no_workflow)?,
        ),
        FileContent::Other(_) => return Err(no_workflow()),
    };
    // An API prompt has no summary: it is printed with every value.
    let text = match extent {
        SummaryDetail::Summary => workflow_summary::summarize_workflow(graph, &catalog, style),
        SummaryDetail::Full => None,
    };
    let text = text.or_else(|| text::outline(graph.clone(), &catalog)).ok_or_else(no_workflow)?;
    screen.write(format!("{head}{text}").as_bytes())?;
    Ok(())
}
