//! `git comfy fsmonitor`: the hook of `core.fsmonitor`. git takes what it does not name for
//! unchanged, so the answer is whole or there is none.

use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::drag_marks;
use crate::layouts::quiet_files::files_to_look_at;
use crate::platform::git::fsmonitor;
use crate::session::Session;

/// Name the files that git must look at.
#[derive(Debug, clap::Args)]
pub struct FsmonitorArgs {
    /// The version of the protocol; 2 is answered.
    #[arg(allow_hyphen_values = true)]
    pub protocol: String,
    /// What the last answer began with.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub token: Vec<std::ffi::OsString>,
}

/// What an answer begins with; git gives it back at the next call.
const TOKEN: &[u8] = b"git-comfy:1\0";

/// Answers. Any failure has git look at everything itself.
pub fn run(args: &FsmonitorArgs, session: &Session) -> Result<Exit> {
    if args.protocol != "2" || session.environment.switched_off {
        return Ok(Exit::Failed);
    }
    let mut answer = TOKEN.to_vec();
    // That git only writes down whose word it takes.
    if !session.environment.is_marking_files {
        let repository = session.repository()?;
        for path in files_to_look_at(&repository)? {
            answer.extend_from_slice(path.as_bytes());
            answer.push(0);
        }
        // Another program wrote the index; git is about to.
        if fsmonitor::unmarked_workflows(&repository).is_ok_and(|files| !files.is_empty()) {
            drag_marks::expect_unmarked(&repository);
        }
    }
    session.ui.print_bytes(&answer)?;
    Ok(Exit::Done)
}
