//! The `git-comfy` program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use git_comfy::cli::Cli;
use git_comfy::exit::Exit;
use git_comfy::session::{Environment, Session};
use git_comfy::ui::Ui;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::new(cli.quiet);
    let exit = match start(&cli, ui) {
        Ok(exit) => exit,
        Err(failure) => {
            ui.fail(&failure);
            Exit::Failed
        }
    };
    ExitCode::from(exit.code())
}

fn start(cli: &Cli, ui: Ui) -> git_comfy::error::Result<Exit> {
    if let Some(directory) = &cli.directory {
        std::env::set_current_dir(directory)?;
    }
    let session = Session { ui, cwd: std::env::current_dir()?, environment: Environment::read() };
    cli.command.run(&session)
}
