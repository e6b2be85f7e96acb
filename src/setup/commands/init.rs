//! `git comfy init`: teaches git what a workflow is, in one repository or for all.

use std::path::PathBuf;

use super::separate::{How, Next};
use super::{separate, template};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::layouts::keeping::SetAside;
use crate::platform::git::program_settings::{Program, lasting_path};
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::setup::check::Checked;
use crate::setup::plan::Plan;
use crate::setup::{Foreign, HookStyle, Reach, State, Wish, check};
use crate::sharing::Asking;
use crate::{layouts, setup, sharing};

/// Set this repository up, or with --global every repository of yours.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Writes the filter into git's configuration, one line into .gitattributes, and hooks beside \
the ones you have. Run it once in each clone: it then also fetches the layouts of the \
workflows. Running it again is safe and brings an older set-up up to date. `git comfy \
uninstall` takes it all out again.")]
pub struct Args {
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
    pub template: Option<Option<template::Kind>>,
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
    pub hooks: Option<Hooks>,
    /// Put no hooks in place, and take out those of an earlier run.
    #[arg(long, conflicts_with = "hooks")]
    pub no_hooks: bool,
    /// What git is to call instead of this program's absolute path, such as `git-comfy`
    /// for a configuration that several machines share.
    #[arg(long, value_name = "PROGRAM")]
    pub command: Option<String>,
}

/// How hooks are put in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Hooks {
    /// From the configuration where this git can, else as files.
    Auto,
    /// From the configuration (git 2.54 and newer).
    Config,
    /// As files: for a machine with older gits too.
    Files,
}

/// Plans set-up, then shows the plan (`--dry-run`) or carries it out.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    if let Some(place) = &args.separate {
        let how = if args.dry_run { How::OnlyTell } else { How::Do };
        if separate::run(place.as_deref(), how, session)? == Next::Nothing {
            return Ok(Exit::Done);
        }
    }
    let state = State::read(&session.cwd, session.environment.config_home.as_deref())?;
    let wish = wish(args, session)?;
    if wish.reach == Reach::Repository && state.place.is_none() {
        if let Some(trouble) = separate::trouble(session) {
            return Err(trouble);
        }
        return Err(Failure::from(setup::Error::NoWorkTree(session.cwd.clone()))
            .hint("go into the folder of your workflows; `git init` makes it a repository")
            .hint("`git comfy init --global` sets up this machine for every repository"));
    }
    let mut plan = setup::init(&state, &wish)?;
    let added = match (&args.template, &state.place) {
        (Some(kind), Some(place)) => Some(template::add(*kind, &place.top, &state.git, &mut plan)?),
        _ => None,
    };
    if args.dry_run {
        show(&plan, session)?;
        if wish.reach == Reach::Repository {
            would_mend(session)?;
        }
        return if args.renormalize { would_renormalize(session) } else { Ok(Exit::Done) };
    }
    if args.renormalize && check::has_staged_changes(&session.repository()?)? {
        return Err(Failure::new("something is staged already; it would go into the same commit")
            .hint("commit it first, or `git restore --staged .` takes it out of the index"));
    }
    plan.apply(&state.git)?;
    report(&plan, &state, &wish, session)?;
    if let Some(added) = added {
        template::tell(added, &state.git, session)?;
    }
    if wish.reach == Reach::Repository {
        let repository = session.repository()?;
        mend(&repository, session)?;
        bring_layouts(&repository, &plan, session)?;
        if args.renormalize {
            renormalize(&repository, session)?;
        } else {
            mention_raw(&repository, session)?;
        }
    }
    Ok(Exit::Done)
}

/// Sets aside what is damaged of what layouts are kept in.
fn mend(repository: &Repository, session: &Session) -> Result<()> {
    for SetAside { was, is, why, saved } in layouts::mend(repository)? {
        let saved = match saved {
            0 => "a new one is begun".to_owned(),
            1 => "a new one begins with the 1 layout in it that is whole".to_owned(),
            count => format!("a new one begins with the {count} layouts in it that are whole"),
        };
        session.ui.tell(&format!(
            "note: {} was damaged ({why}); it is {} now, and {saved}",
            sanitize::line(&was.display().to_string()),
            sanitize::line(&is.display().to_string())
        ))?;
    }
    Ok(())
}

/// What a checkout before set-up could not do: fetch the layouts, and give every workflow
/// that nobody changed its positions.
fn bring_layouts(repository: &Repository, plan: &Plan, session: &Session) -> Result<()> {
    let ui = session.ui;
    // A run that changes nothing has nothing new to fetch, and should not wait.
    let remotes = if plan.is_empty() { Vec::new() } else { sharing::remotes(repository)? };
    for remote in remotes {
        if let Err(error) = sharing::fetch(repository, &remote, Asking::Nobody) {
            let reason = sanitize::line(&error.reason()).into_owned();
            ui.tell(&format!(
                "note: no layouts were fetched from {} ({reason}); `git comfy sync` tries again",
                sanitize::line(&remote)
            ))?;
        }
    }
    let followed = sharing::receive(repository)?.files;
    let restored = layouts::restore_layouts(repository)?;
    session.tell_remarks(&restored.remarks);
    match followed.len() + restored.files.len() {
        0 => {}
        1 => ui.tell("1 workflow has its layout again")?,
        count => ui.tell(&format!("{count} workflows have their layouts again"))?,
    }
    Ok(())
}

fn would_mend(session: &Session) -> Result<()> {
    for damage in layouts::damages(&session.repository()?) {
        let what = damage.error.to_string();
        session.ui.out(&format!("set aside what is damaged: {}\n", sanitize::line(&what)))?;
    }
    Ok(())
}

fn would_renormalize(session: &Session) -> Result<Exit> {
    let report = check::check(&session.repository()?, &Checked::Staged)?;
    for unclean in &report.unclean {
        session.ui.out(&format!("stage in its clean form: {}\n", shown(&unclean.path)))?;
    }
    Ok(Exit::Done)
}

fn mention_raw(repository: &Repository, session: &Session) -> Result<()> {
    let bare = check::without_positions(repository)?;
    if bare > 0 {
        session.ui.tell(&format!(
            "{} in git without positions, and with comfy=keep git calls that modified: `git comfy \
             init --renormalize` stages the positions of all as one change",
            if bare == 1 { "1 workflow is".to_owned() } else { format!("{bare} workflows are") }
        ))?;
    }
    let raw = check::check(repository, &Checked::Staged)?.unclean.len();
    if raw > 0 {
        session.ui.tell(&format!(
            "{} committed without git-comfy, with positions, and stay so until somebody changes \
             them: `git comfy init --renormalize` stages the clean form of all as one change",
            if raw == 1 { "1 workflow was".to_owned() } else { format!("{raw} workflows were") }
        ))?;
    }
    Ok(())
}

fn renormalize(repository: &Repository, session: &Session) -> Result<()> {
    let ui = session.ui;
    let done = check::renormalize(repository)?;
    for path in &done.changed {
        ui.tell(&format!("changes of its own are not staged: {}", shown(path)))?;
    }
    if done.staged.is_empty() && !done.attributes {
        return Ok(ui.tell("every workflow is in its clean form already; nothing was staged")?);
    }
    let what = match (done.staged.len(), done.attributes) {
        (0, _) => ".gitattributes is".to_owned(),
        (1, false) => "1 workflow is".to_owned(),
        (count, false) => format!("{count} workflows are"),
        (1, true) => "1 workflow and .gitattributes are".to_owned(),
        (count, true) => format!("{count} workflows and .gitattributes are"),
    };
    if done.with_positions {
        return Ok(ui.tell(&format!(
            "{what} staged, and nothing is committed yet. The change puts positions into what git \
             stores wherever comfy=keep says so.\n\
             Commit it by itself:\n    git commit -m \"Keep positions in commits\""
        ))?);
    }
    ui.tell(&format!(
        "{what} staged, and nothing is committed yet. The change takes positions out of what \
         git stores and puts nodes, links and keys into one order; nothing that ComfyUI runs \
         changes, and your files keep their positions.\n\
         Commit it by itself:\n    git commit -m \"Store workflows in their clean form\"\n\
         Everyone else then runs `git comfy init` once. A branch that was begun before is \
         merged most easily after the same `git comfy init --renormalize` and a commit there."
    ))?;
    Ok(())
}

fn shown(path: &RepoPath) -> String {
    sanitize::line(&path.to_string()).into_owned()
}

fn wish(args: &Args, session: &Session) -> Result<Wish> {
    let program = match (&args.command, &session.environment.program) {
        (Some(name), _) => name.clone(),
        (None, Some(file)) => {
            let path = lasting_path(file, session.environment.path.as_deref());
            path.into_os_string().into_string().map_err(|path| {
                Failure::new(format!("the path of this program is no text: {}", path.display()))
                    .hint("put git-comfy into a folder on PATH and use --command git-comfy")
            })?
        }
        (None, None) => {
            return Err(Failure::new("the system does not tell where this program is")
                .hint("name it: git comfy init --command /path/to/git-comfy"));
        }
    };
    let hooks = match args.hooks {
        _ if args.no_hooks => Some(HookStyle::None),
        Some(Hooks::Auto) => Some(HookStyle::Auto),
        Some(Hooks::Config) => Some(HookStyle::Config),
        Some(Hooks::Files) => Some(HookStyle::Files),
        None => None,
    };
    Ok(Wish {
        reach: if args.global { Reach::Machine } else { Reach::Repository },
        program: Program::new(&program),
        attributes: args.attributes.as_ref().map(|file| session.cwd.join(file)),
        hooks,
        foreign: if args.force { Foreign::Replace } else { Foreign::Leave },
    })
}

pub(crate) fn show(plan: &Plan, session: &Session) -> Result<Exit> {
    let mut text = String::new();
    for chapter in &plan.chapters {
        text += &format!("{}\n", chapter.title);
        for step in &chapter.steps {
            text += &format!("    {}\n", step.describe());
        }
    }
    for remark in &plan.remarks {
        text += &format!("note: {remark}\n");
    }
    if plan.is_empty() {
        text += "nothing to do: everything is in place\n";
    }
    session.ui.out(&text)?;
    Ok(Exit::Done)
}

fn report(plan: &Plan, state: &State, wish: &Wish, session: &Session) -> Result<()> {
    let reached = match (&state.place, wish.reach) {
        (Some(place), Reach::Repository) => format!("in {}", place.top.display()),
        _ => "for every repository of yours on this machine".to_owned(),
    };
    let ui = session.ui;
    if plan.is_empty() {
        ui.tell(&format!("git-comfy is set up {reached} already"))?;
    } else {
        ui.tell(&format!("git-comfy is set up {reached}:"))?;
    }
    for chapter in &plan.chapters {
        ui.tell(&format!("  - {}", chapter.title))?;
    }
    for remark in &plan.remarks {
        ui.tell(&format!("note: {remark}"))?;
    }
    Ok(())
}
