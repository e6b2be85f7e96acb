//! `git comfy runs scan`: records what output files carry.

use std::path::PathBuf;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_store::RunStore;
use crate::runs::scan::{scan_outputs, summarize_scan};
use crate::session::Session;

/// Record the runs behind output files, from what they carry.
#[derive(Debug, clap::Args)]
pub(crate) struct RunsScanArgs {
    /// Folders or files; none means ComfyUI's output folder and the pictures that git
    /// tracks here.
    #[arg(value_name = "DIR")]
    pub(crate) places: Vec<PathBuf>,
    /// Look at files again that were looked at before.
    #[arg(long)]
    pub(crate) again: bool,
}

pub(crate) fn run(args: &RunsScanArgs, session: &Session) -> Result<Exit> {
    let mut run_store = RunStore::open(session)?;
    let folders = OutputFolders::detect(session, &run_store.repository)?;
    let roots = if args.places.is_empty() {
        folders.scan_roots(&run_store.repository)?
    } else {
        args.places.iter().map(|place| session.cwd.join(place)).collect()
    };
    if roots.is_empty() {
        return Err(CommandError::config("no ComfyUI output folder was found")
            .with_hint("name the folder: git comfy runs scan DIR")
            .with_hint("git config comfy.output DIR remembers it"));
    }
    let bar = session.ui.count_bar("reading files");
    let scanned = scan_outputs(session, &mut run_store, &folders, &roots, args.again, Some(&bar))?;
    bar.finish();
    let mut text = summarize_scan(&scanned);
    if let Some(output) = folders.output_folder().filter(|_| args.places.is_empty()) {
        text += &format!(", in {}", sanitize::path(&output));
    }
    session.ui.report(&text)?;
    Ok(if scanned.unreadable > 0 { Exit::Negative } else { Exit::Done })
}
