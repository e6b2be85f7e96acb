//! The `git-comfy` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    git_comfy::run_from(std::env::args_os().collect())
}
