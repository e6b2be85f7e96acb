//! `git comfy smudge`: the one-shot form of the smudge filter.

use std::ffi::OsString;

use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::one_shot_filter;
use crate::layouts::one_shot_filter::FilterDirection;
use crate::session::Session;

/// Give one workflow its layout back, from standard input to standard output.
#[derive(Debug, clap::Args)]
pub struct SmudgeArgs {
    /// The path of the file in the repository, as git passes it with %f.
    pub path: Option<OsString>,
}

/// Reads clean content, writes the file for ComfyUI.
pub fn run(args: &SmudgeArgs, session: &Session) -> Result<Exit> {
    one_shot_filter::filter_stdin(FilterDirection::Out, args.path.as_deref(), session)
}
