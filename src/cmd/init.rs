//! `git comfy init`: teaches git what a workflow is, in one repository or for all.

use std::path::PathBuf;

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::git::plan::Plan;
use crate::git::setup::settings::{Program, lasting_path};
use crate::git::setup::{self, Foreign, HookStyle, Reach, State, Wish};
use crate::session::Session;

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
    /// Stage workflows that were committed before git-comfy in their clean form: one
    /// change, ready to be committed.
    #[arg(long)]
    pub renormalize: bool,
    /// Replace what someone else wrote where git-comfy's settings belong, and put hooks
    /// into a folder that others use too.
    #[arg(long)]
    pub force: bool,
    /// How hooks are put in place.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub hooks: Hooks,
    /// Put no hooks in place.
    #[arg(long, conflicts_with = "hooks")]
    pub no_hooks: bool,
    /// What git is to call instead of this program's absolute path, such as `git-comfy`
    /// for a configuration that several machines share.
    #[arg(long, value_name = "PROGRAM")]
    pub command: Option<String>,
}

/// How hooks are put in place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Hooks {
    /// From the configuration where this git can, else as files.
    #[default]
    Auto,
    /// From the configuration (git 2.54 and newer).
    Config,
    /// As files: for a machine with older gits too.
    Files,
}

/// Plans, shows or carries out.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let state = State::read(&session.cwd, session.environment.config_home.as_deref())?;
    let wish = wish(args, session)?;
    if wish.reach == Reach::Repository && state.place.is_none() {
        return Err(Failure::from(setup::Error::NoWorkTree(session.cwd.clone()))
            .hint("go into the folder of your workflows; `git init` makes it a repository")
            .hint("`git comfy init --global` sets up this machine for every repository"));
    }
    let plan = setup::init(&state, &wish)?;
    if args.dry_run {
        return show(&plan, session);
    }
    plan.apply(&state.git)?;
    report(&plan, &state, &wish, session)?;
    Ok(Exit::Done)
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
        _ if args.no_hooks => HookStyle::None,
        Hooks::Auto => HookStyle::Auto,
        Hooks::Config => HookStyle::Config,
        Hooks::Files => HookStyle::Files,
    };
    Ok(Wish {
        reach: if args.global { Reach::Machine } else { Reach::Repository },
        program: Program::new(&program),
        attributes: args.attributes.as_ref().map(|file| session.cwd.join(file)),
        hooks,
        foreign: if args.force { Foreign::Replace } else { Foreign::Leave },
    })
}

pub(super) fn show(plan: &Plan, session: &Session) -> Result<Exit> {
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
