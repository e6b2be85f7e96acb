//! `git comfy uninstall`: the opposite of init.

use std::path::Path;

use super::init;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::layouts;
use crate::layouts::raw;
use crate::merging::driver;
use crate::platform::git::Repository;
use crate::platform::text::sanitize;
use crate::records::recorder_state::Desk;
use crate::runs::index::Index;
use crate::session::Session;
use crate::setup::{self, Reach, State};

/// Take out exactly what init put in.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Settings, attribute lines and hooks of other tools stay as they are, to the byte. So do your \
workflows, with their node positions, and all layouts and records git keeps.")]
pub struct Args {
    /// Only show what would be taken out.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// What `init --global` put in.
    #[arg(long)]
    pub global: bool,
}

/// Plans, then shows the plan (`--dry-run`) or carries it out.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let state = State::read(&session.cwd, session.environment.config_home.as_deref())?;
    let reach = if args.global { Reach::Machine } else { Reach::Repository };
    if reach == Reach::Repository && state.place.is_none() {
        return Err(Failure::from(setup::Error::NoWorkTree(session.cwd.clone()))
            .hint("`git comfy uninstall --global` takes out what `init --global` put in"));
    }
    let plan = setup::uninstall(&state, reach)?;
    if args.dry_run {
        return init::show(&plan, session);
    }
    plan.apply(&state.git)?;
    let ui = session.ui;
    if let (Reach::Repository, Ok(repository)) = (reach, session.repository()) {
        let waiting = forget_state(&repository);
        forget(&repository.state_dir());
        if waiting > 0 {
            ui.tell(&format!(
                "note: layouts that no commit holds yet stay in {} ({waiting})",
                sanitize::line(&repository.state_dir().join("layouts").display().to_string())
            ))?;
        }
    }
    if plan.is_empty() {
        ui.tell("nothing of git-comfy was set up here")?;
        return Ok(Exit::Done);
    }
    ui.tell("taken out:")?;
    for chapter in &plan.chapters {
        ui.tell(&format!("  - {}", chapter.title))?;
    }
    for remark in &plan.remarks {
        ui.tell(&format!("note: {remark}"))?;
    }
    if reach == Reach::Repository {
        ui.tell(
            "Your files keep their node positions. What is committed stays as it is: workflows \
             in the clean form, which ComfyUI opens as they are. Without the filter git shows a \
             workflow as modified once you save it, because the file has positions and the \
             commit has not; committing it then commits the positions.\n\
             Layouts and records stay in refs/notes/comfy-layout and refs/notes/comfy; \
             `git update-ref -d REF` deletes one.",
        )?;
    }
    Ok(Exit::Done)
}

/// Deletes what git-comfy's folder has beside layouts and can be made again. What
/// was set aside for a person stays, and so do runs that wait to be recorded.
fn forget(folder: &Path) {
    Desk::within(folder).forget();
    let _ = Index::remove(folder);
    for name in ["classes.tsv", "object_info.json", "scan.lock", "watch.lock"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_watchers = name.starts_with("watch-files-") && name.ends_with(".lock");
        let is_running = name.starts_with("running-") && name.ends_with(".json");
        if is_watchers || is_running {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    for folder in [&folder.join("spool"), &folder.join("set-aside"), folder] {
        // Only an empty one goes.
        let _ = std::fs::remove_dir(folder);
    }
}

/// Takes out what is kept on this machine and can be made again; gives how many layouts wait
/// for a note and stay.
fn forget_state(repository: &Repository) -> usize {
    raw::forget_told(repository);
    driver::forget_journal(repository);
    layouts::forget(repository)
}
