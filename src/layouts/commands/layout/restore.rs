//! `git comfy layout restore`: an earlier layout, put back as a new move.

use super::{Book, id_and_file, look, path_of};
use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::bring_back::{Desk, Next};
use crate::layouts::past::Past;
use crate::session::Session;

/// Bring an earlier layout back, as if you had dragged everything there; what is there now
/// is kept. Where the workflow was changed since, its nodes are found again, and new ones
/// stay where they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An ID of `git comfy layout log`, and the file.
    #[arg(value_names = ["ID", "FILE"], required = true, num_args = 2)]
    what: Vec<String>,
}

/// Restores.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let (id, file) = id_and_file(&args.what);
    let path = path_of(session, &repository, file)?;
    let mut desk = Desk::of(&repository)?;
    let workflow = look(session, &repository, &mut desk, &path)?;
    let mut past = Past::of(&repository)?;
    let mut book = Book::open(session, &repository, &mut desk, &mut past, path, workflow)?;
    let at = book.named(id.unwrap_or_default())?;
    book.workflow()?;
    let outcome = match &book.workflow {
        Some(workflow) => {
            book.desk.bring_back(book.past, workflow, &book.states[at], Next::Here)?
        }
        None => return Ok(Exit::Failed),
    };
    book.tell(session, at, outcome)
}
