//! `git comfy runs import`: records what the server's history says, or a file of it, or
//! what comfy-cli noted (`journal`).

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::machine::server::ComfyServer;
use crate::platform::text::plural::counted;
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_import::RunImport;
use crate::runs::run_store::RunStore;
use crate::runs::server_queries;
use crate::session::Session;

/// Record the runs that a ComfyUI server remembers, or that a file tells of.
#[derive(Debug, clap::Args)]
pub(crate) struct RunsImportArgs {
    /// Saved answers of /history, or comfy-cli's .comfy/runs.jsonl; none asks the server.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The address of the ComfyUI; comfy-cli notes only that a run was, the rest is asked
    /// here.
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
}

/// ComfyUI may be busy loading a model.
const SERVER_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn run(args: &RunsImportArgs, session: &Session) -> Result<Exit> {
    let mut run_store = RunStore::open(session)?;
    let mut importing = RunImport::default();
    let named = args.server.as_deref();
    let address = server_queries::configured_address(session, &run_store.repository, named)?;
    let server = address.map(|address| ComfyServer::new(address, SERVER_TIMEOUT));
    if args.files.is_empty() {
        let server = server.as_ref().ok_or_else(|| {
            CommandError::config("no server is asked (comfy.server)")
                .with_hint("--server names one")
        })?;
        server_queries::visit_history(server, &mut |entries| {
            importing.add_history(session, &mut run_store, entries)
        })?;
    }
    for file in &args.files {
        importing.add_file(session, &mut run_store, &session.cwd.join(file), server.as_ref())?;
    }
    importing.finish(session, &mut run_store)?;
    print_summary(&importing, session)?;
    // The history names files; what they are only they say.
    if importing.recorded > 0
        && OutputFolders::detect(session, &run_store.repository)?.output_folder().is_some()
    {
        session.ui.info("git comfy runs scan adds what the files themselves show");
    }
    Ok(Exit::Done)
}

fn print_summary(done: &RunImport, session: &Session) -> Result<()> {
    let runs = counted(done.seen_ids.len(), "run", "runs");
    let new = match done.recorded {
        0 => "nothing new".to_owned(),
        count => format!("{count} recorded or completed"),
    };
    session.ui.report(&format!("{runs} told of: {new}"))?;
    if done.id_only > 0 {
        session.ui.info(&format!(
            "{} of them: no more is known than that they were queued; ComfyUI remembers \
             runs until it is restarted",
            done.id_only
        ));
    }
    Ok(())
}
