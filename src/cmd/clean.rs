//! `git comfy clean`: the one-shot form of the clean filter.

use std::io::Read;

use crate::canon::{self, Mode, Outcome};
use crate::error::Result;
use crate::exit::Exit;
use crate::session::Session;

/// Clean one workflow from standard input to standard output.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The path of the file in the repository, as git passes it with %f.
    pub path: Option<std::path::PathBuf>,
}

/// Reads standard input, writes the clean form.
pub fn run(_args: &Args, session: &Session) -> Result<Exit> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    match canon::clean(&bytes, Mode::Strip) {
        Outcome::Cleaned(cleaned) => session.ui.out_bytes(&cleaned.content)?,
        Outcome::Untouched(_) => session.ui.out_bytes(&bytes)?,
    }
    Ok(Exit::Done)
}
