//! `git comfy clean`: the one-shot form of the clean filter, for tools that do not speak
//! git's long-running protocol.

use std::ffi::OsString;

use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::filtered;
use crate::layouts::filtered::Way;
use crate::session::Session;

/// Clean one workflow from standard input to standard output.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The path of the file in the repository, as git passes it with %f.
    pub path: Option<OsString>,
}

/// Reads standard input, files the layout, writes the clean form.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    filtered::run(Way::In, args.path.as_deref(), session)
}
