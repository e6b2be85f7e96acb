//! `git comfy init`: teaches git what a workflow is, in one repository or for all.

use std::path::PathBuf;

use super::separate::{AfterSeparate, SeparateMode};
use super::{separate, template};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts::storage_check::DamagedFile;
use crate::platform::git::program_settings::{ConfiguredProgram, stable_program_path};
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::plural::{counted, plural};
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::setup::check_clean_form::CheckTarget;
use crate::setup::plan::SetupPlan;
use crate::setup::{
    ForeignValues, HookStyle, SetupReach, SetupRequest, SetupState, check_clean_form,
};
use crate::sharing::Interactivity;
use crate::{layouts, setup, sharing};

/// Set this repository up, or with --global every repository of yours.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Writes the filter into git's configuration, one line into .gitattributes, and hooks beside \
the ones you have. Run it once in each clone: it then also fetches the layouts of the \
workflows. Running it again is safe and brings an older set-up up to date. `git comfy \
uninstall` takes it all out again.")]
pub struct InitArgs {
    /// Only show what would be written.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Once for this machine: your own git configuration, for every repository.
    #[arg(long, conflicts_with = "renormalize")]
    pub global: bool,
    /// Put the attribute lines into this file instead of .gitattributes, such as
    /// .git/info/attributes, which is not committed.
    #[arg(long, value_name = "FILE")]
    pub attributes: Option<PathBuf>,
    /// Keep .git outside of this folder, because a service such as Dropbox or Syncthing
    /// copies it: below your own data, or in DIR. An existing .git moves there.
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with = "global")]
    pub separate: Option<Option<PathBuf>>,
    /// Also write a .gitignore and .gitattributes that keep workflows in and models out
    /// (see `git comfy template`).
    #[arg(long, value_name = "KIND", num_args = 0..=1, conflicts_with = "global")]
    pub template: Option<Option<template::TemplateKindArg>>,
    /// Stage workflows that were committed before git-comfy in their clean form: one
    /// change, ready to be committed.
    #[arg(long)]
    pub renormalize: bool,
    /// Replace what someone else wrote where git-comfy's settings belong, and put hooks
    /// into a folder that others use too.
    #[arg(long)]
    pub force: bool,
    /// How hooks are put in place, now and at later runs.
    #[arg(long, value_name = "HOW", value_enum)]
    pub hooks: Option<HookStyleArg>,
    /// Put no hooks in place, and take out those of an earlier run.
    #[arg(long, conflicts_with = "hooks")]
    pub no_hooks: bool,
    /// A drag is no change for git: status is clean, and nothing is refused because of it
    /// (`--quiet-drags=false` takes it back). Kept for later runs.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true",
        require_equals = true, conflicts_with = "global")]
    pub quiet_drags: Option<bool>,
    /// What git is to call instead of this program's absolute path, such as `git-comfy`
    /// for a configuration that several machines share.
    #[arg(long, value_name = "PROGRAM")]
    pub command: Option<String>,
}

/// How hooks are put in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum HookStyleArg {
    /// From the configuration where this git can, else as files.
    Auto,
    /// From the configuration (git 2.54 and newer).
    Config,
    /// As files: for a machine with older gits too.
    Files,
}

/// Plans set-up, then shows the plan (`--dry-run`) or carries it out.
pub(crate) fn run(args: &InitArgs, session: &Session) -> Result<Exit> {
    if let Some(place) = &args.separate {
        let how = if args.dry_run { SeparateMode::DryRun } else { SeparateMode::Apply };
        if separate::separate_git_folder(place.as_deref(), how, session)? == AfterSeparate::Stop {
            return Ok(Exit::Done);
        }
    }
    let state = SetupState::read(&session.cwd, session.environment.config_home.as_deref())?;
    let request = setup_request(args, session)?;
    if request.reach == SetupReach::Repository && state.work_tree.is_none() {
        if let Some(trouble) = separate::explain_missing_repository(session) {
            return Err(trouble);
        }
        return Err(CommandError::from(setup::SetupError::NoWorkTree(session.cwd.clone()))
            .with_hint("go into the folder of your workflows; `git init` makes it a repository")
            .with_hint("`git comfy init --global` sets up this machine for every repository"));
    }
    let mut plan = setup::plan_init(&state, &request)?;
    let added = match (&args.template, &state.work_tree) {
        (Some(kind), Some(place)) => {
            Some(template::plan_template(*kind, &place.top, &state.git, &mut plan)?)
        }
        _ => None,
    };
    if args.dry_run {
        print_plan(&plan, session)?;
        if request.reach == SetupReach::Repository {
            would_mend(session)?;
        }
        return if args.renormalize { print_renormalization(session) } else { Ok(Exit::Done) };
    }
    if args.renormalize && check_clean_form::has_staged_changes(&session.repository()?)? {
        return Err(CommandError::repository(
            "something is staged already; it would go into the same commit",
        )
        .with_hint("commit it first, or `git restore --staged .` takes it out of the index"));
    }
    plan.apply(&state.git)?;
    report_plan(&plan, &state, &request, session)?;
    if let Some(added) = added {
        template::report_template(added, &state.git, session)?;
    }
    if request.reach == SetupReach::Repository {
        let repository = session.repository()?;
        mend(&repository, session)?;
        fetch_and_restore_layouts(&repository, &plan, session)?;
        layouts::drag_marks::mark_workflows(&repository)?;
        if args.renormalize {
            renormalize_and_report(&repository, session)?;
        } else {
            note_raw_workflows(&repository, session)?;
        }
    }
    Ok(Exit::Done)
}

/// Sets aside what is damaged of what layouts are kept in.
fn mend(repository: &Repository, session: &Session) -> Result<()> {
    for DamagedFile { was, is, why, saved } in layouts::mend(repository)? {
        let saved = match saved {
            0 => "a new one is begun".to_owned(),
            count => format!(
                "a new one begins with the {} in it that {} whole",
                counted(count, "layout", "layouts"),
                plural(count, "is", "are")
            ),
        };
        session.ui.report(&format!(
            "note: {} was damaged ({why}); it is {} now, and {saved}",
            sanitize::path(&was),
            sanitize::path(&is)
        ))?;
    }
    Ok(())
}

/// What a checkout before set-up could not do: fetch the layouts, and give every workflow
/// that nobody changed its positions.
fn fetch_and_restore_layouts(
    repository: &Repository,
    plan: &SetupPlan,
    session: &Session,
) -> Result<()> {
    let ui = session.ui;
    // A run that changes nothing has nothing new to fetch, and should not wait.
    let remotes = if plan.is_empty() { Vec::new() } else { sharing::remote_names(repository)? };
    for remote in remotes {
        if let Err(error) = sharing::fetch_shared_refs(repository, &remote, Interactivity::Hook) {
            let reason = sanitize::line(&error.reason()).into_owned();
            ui.report(&format!(
                "note: no layouts were fetched from {} ({reason}); `git comfy sync` tries again",
                sanitize::line(&remote)
            ))?;
        }
    }
    let followed = sharing::receive_layouts(repository)?.files;
    let restored = layouts::restore_layouts(repository)?;
    session.print_remarks(&restored.remarks);
    match followed.len() + restored.files.len() {
        0 => {}
        count => ui.report(&format!(
            "{} {} again",
            counted(count, "workflow", "workflows"),
            plural(count, "has its layout", "have their layouts")
        ))?,
    }
    Ok(())
}

fn would_mend(session: &Session) -> Result<()> {
    for damage in layouts::damages(&session.repository()?) {
        let what = damage.error.to_string();
        session.ui.print(&format!("set aside what is damaged: {}\n", sanitize::line(&what)))?;
    }
    Ok(())
}

fn print_renormalization(session: &Session) -> Result<Exit> {
    let report = check_clean_form::check_workflows(&session.repository()?, &CheckTarget::Staged)?;
    for unclean in &report.unclean {
        session.ui.print(&format!("stage in its clean form: {}\n", display_path(&unclean.path)))?;
    }
    Ok(Exit::Done)
}

fn note_raw_workflows(repository: &Repository, session: &Session) -> Result<()> {
    let bare = check_clean_form::without_positions(repository)?;
    if bare > 0 {
        session.ui.report(&format!(
            "{} in git without positions, and with comfy=keep git calls that modified: `git comfy \
             init --renormalize` stages the positions of all as one change",
            counted(bare, "workflow is", "workflows are")
        ))?;
    }
    let raw = check_clean_form::check_workflows(repository, &CheckTarget::Staged)?.unclean.len();
    if raw > 0 {
        session.ui.report(&format!(
            "{} committed without git-comfy, with positions, and stay so until somebody changes \
             them: `git comfy init --renormalize` stages the clean form of all as one change",
            counted(raw, "workflow was", "workflows were")
        ))?;
    }
    Ok(())
}

fn renormalize_and_report(repository: &Repository, session: &Session) -> Result<()> {
    let ui = session.ui;
    let done = check_clean_form::renormalize(repository)?;
    for path in &done.changed {
        ui.report(&format!("changes of its own are not staged: {}", display_path(path)))?;
    }
    if done.staged.is_empty() && !done.attributes {
        return Ok(ui.report("every workflow is in its clean form already; nothing was staged")?);
    }
    let what = match (done.staged.len(), done.attributes) {
        (0, _) => ".gitattributes is".to_owned(),
        (count, false) => counted(count, "workflow is", "workflows are"),
        (count, true) => {
            format!("{} and .gitattributes are", counted(count, "workflow", "workflows"))
        }
    };
    if done.with_positions {
        return Ok(ui.report(&format!(
            "{what} staged, and nothing is committed yet. The change puts positions into what git \
             stores wherever comfy=keep says so.\n\
             Commit it by itself:\n    git commit -m \"Keep positions in commits\""
        ))?);
    }
    ui.report(&format!(
        "{what} staged, and nothing is committed yet. The change takes positions out of what \
         git stores and puts nodes, links and keys into one order; nothing that ComfyUI runs \
         changes, and your files keep their positions.\n\
         Commit it by itself:\n    git commit -m \"Store workflows in their clean form\"\n\
         Everyone else then runs `git comfy init` once. A branch that was begun before is \
         merged most easily after the same `git comfy init --renormalize` and a commit there."
    ))?;
    Ok(())
}

fn display_path(path: &RepoPath) -> String {
    sanitize::line(&path.to_string()).into_owned()
}

fn setup_request(args: &InitArgs, session: &Session) -> Result<SetupRequest> {
    let program = match (&args.command, &session.environment.program) {
        (Some(name), _) => name.clone(),
        (None, Some(file)) => {
            let path = stable_program_path(file, session.environment.path.as_deref());
            path.into_os_string().into_string().map_err(|path| {
                CommandError::system(format!(
                    "the path of this program is no text: {}",
                    path.display()
                ))
                .with_hint("put git-comfy into a folder on PATH and use --command git-comfy")
            })?
        }
        (None, None) => {
            return Err(CommandError::system("the system does not tell where this program is")
                .with_hint("name it: git comfy init --command /path/to/git-comfy"));
        }
    };
    let hooks = match args.hooks {
        _ if args.no_hooks => Some(HookStyle::None),
        Some(HookStyleArg::Auto) => Some(HookStyle::Auto),
        Some(HookStyleArg::Config) => Some(HookStyle::Config),
        Some(HookStyleArg::Files) => Some(HookStyle::Files),
        None => None,
    };
    Ok(SetupRequest {
        reach: if args.global { SetupReach::Machine } else { SetupReach::Repository },
        program: ConfiguredProgram::new(&program),
        attributes: args.attributes.as_ref().map(|file| session.cwd.join(file)),
        hooks,
        quiet_drags: args.quiet_drags,
        foreign: if args.force { ForeignValues::Replace } else { ForeignValues::Leave },
    })
}

pub(crate) fn print_plan(plan: &SetupPlan, session: &Session) -> Result<Exit> {
    let mut text = String::new();
    for section in &plan.sections {
        text += &format!("{}\n", section.title);
        for step in &section.steps {
            text += &format!("    {}\n", step.describe());
        }
    }
    for remark in &plan.remarks {
        text += &format!("note: {remark}\n");
    }
    if plan.is_empty() {
        text += "nothing to do: everything is in place\n";
    }
    session.ui.print(&text)?;
    Ok(Exit::Done)
}

fn report_plan(
    plan: &SetupPlan,
    state: &SetupState,
    request: &SetupRequest,
    session: &Session,
) -> Result<()> {
    let reached = match (&state.work_tree, request.reach) {
        (Some(place), SetupReach::Repository) => format!("in {}", place.top.display()),
        _ => "for every repository of yours on this machine".to_owned(),
    };
    let ui = session.ui;
    if plan.is_empty() {
        ui.report(&format!("git-comfy is set up {reached} already"))?;
    } else {
        ui.report(&format!("git-comfy is set up {reached}:"))?;
    }
    for section in &plan.sections {
        ui.report(&format!("  - {}", section.title))?;
    }
    for remark in &plan.remarks {
        ui.report(&format!("note: {remark}"))?;
    }
    Ok(())
}
