//! Where a picture goes: into the file that was named, to who reads standard output, or into
//! the browser.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::picture_args::{PictureArgs, PictureFormat};
use crate::platform::git::command::GitCommand;
use crate::platform::output_argument::{Overwrite, write_output_file};
use crate::platform::text::sanitize;
use crate::session::Session;

/// Refuses, before anything is drawn, what would fill a terminal with markup.
///
/// # Errors
/// Nobody said where the picture is to go.
pub(super) fn require_destination(args: &PictureArgs, session: &Session) -> Result<()> {
    if args.output.is_some() || args.open || !session.ui.is_terminal() {
        return Ok(());
    }
    Err(CommandError::user("where is the picture to go?")
        .with_hint("--open shows it in the browser")
        .with_hint(format!("-o FILE.{} writes it", args.format().extension())))
}

/// Writes a picture where it was asked for.
///
/// # Errors
/// It cannot be written, or no browser was found.
pub(super) fn deliver(picture: &[u8], args: &PictureArgs, session: &Session) -> Result<()> {
    match &args.output {
        Some(output) => {
            let over = if args.force { Overwrite::Always } else { Overwrite::Never };
            write_output_file(&session.cwd.join(output), picture, over)?;
            session.ui.info(&format!("wrote {}", sanitize::path(output)));
            if args.open { open_in_browser(&session.cwd.join(output), session) } else { Ok(()) }
        }
        None if args.open => {
            let file = keep_temporary(picture, args.format())?;
            open_in_browser(&file, session)
        }
        None => Ok(session.ui.print_bytes(picture)?),
    }
}

/// A file that outlives the program: the browser reads it later. Only its owner may read it.
fn keep_temporary(picture: &[u8], format: PictureFormat) -> Result<PathBuf> {
    let suffix = format!(".{}", format.extension());
    let mut file = tempfile::Builder::new().prefix("git-comfy-").suffix(&suffix).tempfile()?;
    file.write_all(picture)?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

/// Opens a file as git opens its own help pages: `web.browser` and `browser.<tool>` say how.
fn open_in_browser(file: &Path, session: &Session) -> Result<()> {
    let name = sanitize::path(file);
    let browse = GitCommand::in_folder(&session.cwd).arg("web--browse").arg(file);
    let told = browse.output();
    told.map(drop).map_err(|error| {
        CommandError::config(error)
            .with_context(format!("git found no browser to open {name} with"))
            .with_hint("open that file yourself, or name a browser: git config web.browser NAME")
    })?;
    session.ui.info(&format!("opened {name}"));
    Ok(())
}
