//! `git comfy layout undo`: one state back, and again further back.

use super::{Book, look, path_of};
use crate::canon::is_elsewhere;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::git::bring_back::{Desk, Next, Outcome};
use crate::git::layouts::past::{self, Past};
use crate::git::{RepoPath, Repository};
use crate::session::Session;

/// Go one state back: to how the file lay before anything was moved last, here or by a
/// pull. Again goes further back, until you move something yourself.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file [default: the one that changed last].
    #[arg(value_name = "FILE")]
    file: Option<String>,
}

/// Goes back.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let mut desk = Desk::of(&repository)?;
    let path = match &args.file {
        Some(word) => path_of(session, &repository, word)?,
        None => changed_last(&repository, &mut desk)?,
    };
    let workflow = look(&mut desk, &path)?;
    let mut past = Past::of(&repository)?;
    let mut book = Book::open(&repository, &mut desk, &mut past, path, workflow)?;
    book.workflow()?;
    let Some((at, outcome)) = go_back(&mut book)? else {
        let path = &book.path;
        return Err(Failure::new(format!(
            "{path} cannot go further back: no older layout differs"
        ))
        .hint(format!("`git comfy layout log {path}` tells all that is known of it")));
    };
    book.tell(session, at, outcome)
}

fn go_back(book: &mut Book<'_, '_>) -> Result<Option<(usize, Outcome)>> {
    let (Some(workflow), Some(present)) = (&book.workflow, book.past.present(&book.path)) else {
        return Ok(None);
    };
    for at in past::way_back(&book.states, &present) {
        let state = &book.states[at];
        let known = (workflow.blob, workflow.content.as_slice());
        let Some(part) = book.desk.part(book.past, state, known)? else { continue };
        if !is_elsewhere(part.source(), &present.layout) {
            continue;
        }
        match book.desk.bring_back(book.past, workflow, state, Next::Further)? {
            Outcome::Same | Outcome::Gone => {}
            outcome => return Ok(Some((at, outcome))),
        }
    }
    Ok(None)
}

/// Files that changed within so many milliseconds changed together.
const TOGETHER: u64 = 2000;
/// So many of them are named.
const NAMED: usize = 10;

/// The file whose layout changed last, where that is one.
fn changed_last(repository: &Repository, desk: &mut Desk<'_>) -> Result<RepoPath> {
    let tracked = desk.look_at_all()?;
    let mut past = Past::of(repository)?;
    let mut changed = Vec::new();
    for path in tracked {
        if past.knows(&path) {
            changed.push((past.changed_at(&path)?, path));
        }
    }
    changed.sort_by(|a, b| b.cmp(a));
    let Some((last, newest)) = changed.first().cloned() else {
        return Err(Failure::new("no layout of any file is known yet")
            .hint("move a node in ComfyUI and save"));
    };
    changed.retain(|(at, _)| last - at <= TOGETHER);
    if changed.len() == 1 {
        return Ok(newest);
    }
    changed.sort_by(|a, b| a.1.cmp(&b.1));
    let named: Vec<String> = changed.iter().take(NAMED).map(|(_, path)| path.to_string()).collect();
    let more = match changed.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(Failure::new("which file? several changed last")
        .hint(format!("they are {}{more}", named.join(", ")))
        .hint("git comfy layout undo FILE"))
}
