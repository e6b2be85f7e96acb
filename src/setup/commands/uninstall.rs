//! `git comfy uninstall`: the opposite of init.

use std::path::Path;

use super::init;
use crate::differences::learn_names;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts;
use crate::layouts::raw_files;
use crate::merging::merge_journal;
use crate::platform::git::Repository;
use crate::platform::machine::node_catalog;
use crate::platform::text::sanitize;
use crate::records::recorder_state::RecorderState;
use crate::runs::index::RunIndex;
use crate::session::Session;
use crate::setup::{self, SetupReach, SetupState};
use crate::watch;

/// Take out exactly what init put in.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Settings, attribute lines and hooks of other tools stay as they are, to the byte. So do your \
workflows, with their node positions, and all layouts and records git keeps.")]
pub struct UninstallArgs {
    /// Only show what would be taken out.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// What `init --global` put in.
    #[arg(long)]
    pub global: bool,
}

/// Plans, then shows the plan (`--dry-run`) or carries it out.
pub(crate) fn run(args: &UninstallArgs, session: &Session) -> Result<Exit> {
    let state = SetupState::read(&session.cwd, session.environment.config_home.as_deref())?;
    let reach = if args.global { SetupReach::Machine } else { SetupReach::Repository };
    if reach == SetupReach::Repository && state.work_tree.is_none() {
        return Err(CommandError::from(setup::SetupError::NoWorkTree(session.cwd.clone()))
            .with_hint("`git comfy uninstall --global` takes out what `init --global` put in"));
    }
    let plan = setup::plan_uninstall(&state, reach)?;
    if args.dry_run {
        return init::print_plan(&plan, session);
    }
    plan.apply(&state.git)?;
    let ui = session.ui;
    if let (SetupReach::Repository, Ok(repository)) = (reach, session.repository()) {
        let waiting = forget_state(&repository);
        remove_state_files(&repository.state_dir());
        if waiting > 0 {
            ui.report(&format!(
                "note: layouts that no commit holds yet stay in {} ({waiting})",
                sanitize::path(&repository.state_dir().join("layouts"))
            ))?;
        }
    }
    if plan.is_empty() {
        ui.report("nothing of git-comfy was set up here")?;
        return Ok(Exit::Done);
    }
    ui.report("taken out:")?;
    for section in &plan.sections {
        ui.report(&format!("  - {}", section.title))?;
    }
    for remark in &plan.remarks {
        ui.report(&format!("note: {remark}"))?;
    }
    if reach == SetupReach::Repository {
        ui.report(
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
fn remove_state_files(folder: &Path) {
    RecorderState::new(folder).remove_files();
    let _ = RunIndex::remove(folder);
    watch::remove_state_files(folder);
    for part in node_catalog::CatalogPart::ALL {
        let _ = std::fs::remove_file(part.file(folder));
    }
    let _ = std::fs::remove_file(learn_names::seen_file(folder));
    for name in ["object_info.json", "scan.lock"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    for folder in [&folder.join("spool"), &folder.join("set-aside"), folder] {
        // Only an empty one goes.
        let _ = std::fs::remove_dir(folder);
    }
}

/// Takes out what is kept on this machine and can be made again; gives how many layouts wait
/// for a note and stay.
fn forget_state(repository: &Repository) -> usize {
    raw_files::forget_reported(repository);
    merge_journal::delete_journal(repository);
    layouts::delete_local_state(repository)
}
