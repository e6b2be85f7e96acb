//! `git comfy layout undo`: one state back, and again further back.

use comfy_graph::canon::{is_elsewhere, is_made_up};

use super::{Book, lasting, look, path_of};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::layouts::bring_back::{Desk, Next, Outcome};
use crate::layouts::past;
use crate::layouts::past::{Past, State};
use crate::platform::git::{RepoPath, Repository};
use crate::session::Session;

/// Go one state back: to how the file lay before anything was moved last, here or by a
/// pull. Again goes further back, until you move something yourself. What was arranged
/// because nobody had placed it yet, and gave way to what somebody placed elsewhere, is no
/// state to go back to.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file [default: the one that changed last].
    #[arg(value_name = "FILE")]
    file: Option<String>,
}

/// Goes back.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let mut desk = Desk::of(&repository)?;
    let path = match &args.file {
        Some(word) => path_of(session, &repository, word)?,
        None => changed_last(&repository, &mut desk)?,
    };
    let workflow = look(session, &repository, &mut desk, &path)?;
    let mut past = Past::of(&repository)?;
    let mut book = Book::open(session, &repository, &mut desk, &mut past, path, workflow)?;
    book.workflow()?;
    match go_back(&mut book)? {
        Step::To(at, outcome) => book.tell(session, at, outcome),
        Step::Nowhere(arranged) => Err(nowhere(&book, arranged)),
    }
}

fn nowhere(book: &Book<'_, '_>, arranged: Option<usize>) -> Failure {
    let path = &book.path;
    let see_log = book.see_log("tells all that is known of it");
    let Some(state) = arranged.and_then(|at| book.states.get(at)) else {
        let why = format!("{path} cannot go further back: no older layout differs");
        return Failure::new(why).hint(see_log);
    };
    let why = format!("{path} cannot go further back: before that nobody had placed its nodes");
    let back = format!("git comfy layout restore {} {}", lasting(state), book.typed);
    Failure::new(why).hint(format!("`{back}` brings back how it was arranged")).hint(see_log)
}

/// Where one step back leads.
enum Step {
    /// To a state.
    To(usize, Outcome),
    /// Nowhere, or only to what was arranged.
    Nowhere(Option<usize>),
}

fn go_back(book: &mut Book<'_, '_>) -> Result<Step> {
    let (Some(workflow), Some(present)) = (&book.workflow, book.past.present(&book.path)) else {
        return Ok(Step::Nowhere(None));
    };
    let mut arranged = None;
    // Whether git wrote what came after the state at hand.
    let mut is_overwritten = book.present().is_some_and(State::is_written_by_git);
    for at in past::way_back(&book.states, &present) {
        let state = &book.states[at];
        let was_overwritten = std::mem::replace(&mut is_overwritten, state.is_written_by_git());
        let known = (workflow.blob, workflow.content.as_slice());
        let Some(part) = book.desk.part(book.past, state, known)? else { continue };
        if !is_elsewhere(part.source(), &present.layout) {
            continue;
        }
        // What nobody placed gave way to what somebody did: nothing that anybody would undo.
        let is_guess = state.is_written_by_git() && was_overwritten;
        // But a drag in what was arranged is one.
        let is_arranged = !part.source().layout.has_place_by_person();
        if (is_arranged && was_overwritten)
            || (is_guess && is_made_up(part.source(), &present.layout))
        {
            arranged = arranged.or(Some(at));
            continue;
        }
        match book.desk.bring_back(book.past, workflow, state, Next::Further)? {
            Outcome::Same | Outcome::Gone => {}
            outcome => return Ok(Step::To(at, outcome)),
        }
    }
    Ok(Step::Nowhere(arranged))
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
