//! `git comfy runs show`: all that is known of one run.

use super::folders::Folders;
use super::shelf::Shelf;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::git::runs::{self, Kept, Place};
use crate::record::run;
use crate::render::runs::show;
use crate::render::sanitize;
use crate::session::Session;

/// Which run to show.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its id, or the beginning of it, or one of its files.
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// The document as it is kept.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let shelf = Shelf::open(session)?;
    let kept = named(session, &shelf, &args.run)?;
    if args.json {
        session.ui.out(&sanitize::json(&run::print(&kept.run)))?;
        return Ok(Exit::Done);
    }
    let folders = Folders::of(session, &shelf.repository)?;
    let is_there = |output: &run::Output| folders.file(output).map(|path| path.is_file());
    session.ui.out(&show(&kept.run, &is_there))?;
    Ok(Exit::Done)
}

/// The run that a person means by an id, its beginning, or a file.
pub(crate) fn named(session: &Session, shelf: &Shelf, text: &str) -> Result<Kept> {
    let mut rows = shelf.index.by_id(text)?;
    if rows.is_empty() {
        rows = shelf.index.by_path(&text.replace('\\', "/"))?;
    }
    let path = session.cwd.join(text);
    if rows.is_empty() && path.is_file() {
        rows = super::super::find::behind(shelf, &path)?.into_iter().map(|(_, row)| row).collect();
    }
    let shown = sanitize::line(text).into_owned();
    match rows.len() {
        0 => Err(Failure::new(format!("no run is called {shown}"))
            .hint("git comfy runs lists the newest; git comfy find looks for others")),
        1 => {
            let place = Place::new(rows[0].place.as_str());
            let kept = runs::at(&shelf.repository, &place)?;
            kept.ok_or_else(|| Failure::new(format!("the run {shown} cannot be read")))
        }
        count => {
            let ids: Vec<&str> = rows.iter().take(5).map(|row| row.run.as_str()).collect();
            Err(Failure::new(format!("{shown} may be {count} runs"))
                .hint(format!("{} …", sanitize::line(&ids.join(", ")))))
        }
    }
}
