//! The `git-comfy` program: arguments in, exit code out.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use git_comfy::cli::Cli;
use git_comfy::exit::Exit;
use git_comfy::session::{Environment, Session};
use git_comfy::ui::Ui;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let exit = match Cli::try_parse_from(&arguments) {
        Ok(cli) => {
            let ui = Ui::new(cli.quiet);
            start(&cli, ui).unwrap_or_else(|failure| {
                ui.fail(&failure);
                Exit::of_failure(&arguments)
            })
        }
        Err(answer) => explain(&answer, &arguments),
    };
    ExitCode::from(exit.code())
}

fn start(cli: &Cli, ui: Ui) -> git_comfy::error::Result<Exit> {
    if let Some(directory) = &cli.directory {
        std::env::set_current_dir(directory)?;
    }
    let session = Session::new(ui, std::env::current_dir()?, Environment::read());
    cli.command.run(&session)
}

/// The help that was asked for, or what is wrong with the arguments.
fn explain(answer: &clap::Error, arguments: &[OsString]) -> Exit {
    let ui = Ui::new(false);
    let text = answer.render().ansi().to_string();
    if answer.use_stderr() {
        ui.warn(text.trim_end());
        return Exit::of_failure(arguments);
    }
    let _ = ui.out(&text);
    Exit::Done
}
