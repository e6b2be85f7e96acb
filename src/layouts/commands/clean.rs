//! `git comfy clean`: the one-shot form of the clean filter, for tools that do not speak
//! git's long-running protocol.

use std::ffi::OsString;

use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::one_shot_filter;
use crate::layouts::one_shot_filter::FilterDirection;
use crate::session::Session;

/// Clean one workflow from standard input to standard output.
#[derive(Debug, clap::Args)]
pub struct CleanArgs {
    /// The path of the file in the repository, as git passes it with %f.
    pub path: Option<OsString>,
}

/// Reads standard input, files the layout, writes the clean form.
pub fn run(args: &CleanArgs, session: &Session) -> Result<Exit> {
    one_shot_filter::filter_stdin(FilterDirection::In, args.path.as_deref(), session)
}
