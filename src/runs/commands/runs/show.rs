//! `git comfy runs show`: all that is known of one run.

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::runs::branch::Meant;
use crate::runs::commands::find;
use crate::runs::commands::thumbnails::{ThumbnailArgs, Thumbnails};
use crate::runs::folders::Folders;
use crate::runs::index::Row;
use crate::runs::run_store::Shelf;
use crate::runs::store::{Kept, Place};
use crate::runs::text::runs::{show, show_part};
use crate::runs::{branch, model, store};
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
    #[command(flatten)]
    pub(crate) thumbnails: ThumbnailArgs,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let shelf = Shelf::open(session)?;
    let named = named(session, &shelf, &args.run)?;
    let run = &named.kept.run;
    if args.json {
        session.ui.out(&sanitize::json(&model::print(run)))?;
        return Ok(Exit::Done);
    }
    let folders = Folders::of(session, &shelf.repository)?;
    let is_there = |output: &model::Output| folders.file(output).map(|path| path.is_file());
    let part = branch::of_file(&shelf, &named.kept, &named.meant);
    let text = match &part {
        Some(part) => show_part(part, run, &is_there),
        None => show(run, &is_there),
    };
    session.ui.out(&text)?;
    let thumbnails = Thumbnails::of(session, &shelf, args.thumbnails)?;
    for mut row in shelf.index.by_id(&run.id)? {
        branch::narrow_to_file(&shelf, &mut row, &named.meant)?;
        thumbnails.show(&shelf, &row)?;
    }
    Ok(Exit::Done)
}

/// A run that a person named, by its id or by one of its files.
pub(crate) struct Named {
    pub(crate) kept: Kept,
    /// Whether it was named by one of its files.
    pub(crate) meant: Meant,
}

/// The run that a person means by an id, its beginning, or a file.
pub(crate) fn named(session: &Session, shelf: &Shelf, text: &str) -> Result<Named> {
    let with = |rows: Vec<Row>, meant: Meant| rows.into_iter().map(move |row| (row, meant.clone()));
    let mut rows: Vec<(Row, Meant)> = with(shelf.index.by_id(text)?, Meant::Run).collect();
    if rows.is_empty() {
        let path = text.replace('\\', "/");
        rows = with(shelf.index.by_path(&path)?, Meant::Path(path)).collect();
    }
    let path = session.cwd.join(text);
    if rows.is_empty() && path.is_file() {
        let found = find::behind(shelf, &path)?.into_iter();
        rows = found.map(|found| (found.row, found.meant)).collect();
    }
    let shown = sanitize::line(text).into_owned();
    match &rows[..] {
        [] => Err(Failure::new(format!("no run is called {shown}"))
            .hint("git comfy runs lists the newest; git comfy find looks for others")),
        [(row, meant)] => {
            let place = Place::new(row.place.as_str());
            let kept = store::at(&shelf.repository, &place)?;
            let kept =
                kept.ok_or_else(|| Failure::new(format!("the run {shown} cannot be read")))?;
            Ok(Named { kept, meant: meant.clone() })
        }
        several => {
            let ids: Vec<&str> = several.iter().take(5).map(|(row, _)| row.run.as_str()).collect();
            let count = several.len();
            Err(Failure::new(format!("{shown} may be {count} runs"))
                .hint(format!("{} …", sanitize::line(&ids.join(", ")))))
        }
    }
}
