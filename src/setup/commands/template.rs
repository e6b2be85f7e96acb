//! `git comfy template`: a sensible `.gitignore` and `.gitattributes`, printed or written.

use std::path::Path;

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git::plumbing::Git;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::setup::State;
use crate::setup::attributes::{self, Rank};
use crate::setup::plan::Plan;
use crate::setup::template::{self, Lfs, Template};

const EXAMPLES: &str = "\
Examples:
  git comfy template                 what would fit this folder?
  git comfy template --write         add what is missing
  git comfy template comfyui         for a whole ComfyUI folder: user, input, models, output
  git comfy init --template          set up and write it in one go

Nothing that stands in the files is changed: the lines are a marked block at the top, and
later lines win. Running it again brings the block up to date.";

/// Print or write a .gitignore and .gitattributes that keep workflows in and models out.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// For what kind of folder [default: what this one looks like].
    kind: Option<Kind>,
    /// Write it, instead of printing it.
    #[arg(long)]
    write: bool,
}

/// What a repository is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A folder with workflows in it.
    Workflows,
    /// ComfyUI's base folder, with user, models, output and the rest.
    Comfyui,
}

impl From<Kind> for template::Kind {
    fn from(kind: Kind) -> template::Kind {
        match kind {
            Kind::Workflows => template::Kind::Workflows,
            Kind::Comfyui => template::Kind::ComfyUi,
        }
    }
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let state = State::read(&session.cwd, session.environment.config_home.as_deref())?;
    let top = state.place.as_ref().map_or(session.cwd.as_path(), |place| place.top.as_path());
    let kind = args.kind.map_or_else(|| template::Kind::of(top), template::Kind::from);
    let lfs = Lfs::of(&state.git)?;
    let template = Template::new(kind, lfs);
    if !args.write {
        let attributes = template.attributes().into_iter().chain([attributes::block()]);
        let attributes = attributes.collect::<Vec<_>>().join("\n");
        let ignore = template.ignore();
        session.ui.out(&format!(
            "# ---- .gitignore ----\n{ignore}\n\n# ---- .gitattributes ----\n{attributes}\n"
        ))?;
        tell_lfs(lfs, kind, session);
        return Ok(Exit::Done);
    }
    let mut plan = Plan::default();
    if state.place.is_none() || !attributes::of_probe(&state.git)?.is_ours() {
        let step = attributes::put(&top.join(".gitattributes"), Rank::Yield);
        plan.add(".gitattributes gives *.json to git-comfy", step.into_iter().collect());
    }
    put(&template, top, &state.git, &mut plan)?;
    plan.apply(&state.git)?;
    if plan.is_empty() {
        session.ui.tell("nothing to add: everything is there")?;
    }
    for chapter in &plan.chapters {
        session.ui.tell(&chapter.title)?;
    }
    tell_lfs(lfs, kind, session);
    warn_of_hindrance(&state.git, kind, session)?;
    Ok(Exit::Done)
}

/// Adds the template for `init` to its plan.
pub(crate) fn add(
    wish: Option<Kind>,
    top: &Path,
    git: &Git,
    plan: &mut Plan,
) -> Result<(template::Kind, Lfs)> {
    let kind = wish.map_or_else(|| template::Kind::of(top), template::Kind::from);
    let lfs = Lfs::of(git)?;
    put(&Template::new(kind, lfs), top, git, plan)?;
    Ok((kind, lfs))
}

/// Remarks to print once the template is written.
pub(crate) fn tell((kind, lfs): (template::Kind, Lfs), git: &Git, session: &Session) -> Result<()> {
    tell_lfs(lfs, kind, session);
    warn_of_hindrance(git, kind, session)
}

fn put(template: &Template, top: &Path, git: &Git, plan: &mut Plan) -> Result<()> {
    if template::is_comfyui_itself(git)? {
        return Err(Failure::new(
            "this is ComfyUI's own repository; lines of yours would be in the way of its updates",
        )
        .hint("make a repository of your own in the folder of your workflows:")
        .hint("cd user/default/workflows; git init; git comfy init --template"));
    }
    template.put(top, plan);
    Ok(())
}

fn tell_lfs(lfs: Lfs, kind: template::Kind, session: &Session) {
    let what = match kind {
        template::Kind::Workflows => "videos and other large files are given to it",
        template::Kind::ComfyUi => "input files go in through it, and stay out without",
    };
    match lfs {
        Lfs::Ready => {}
        Lfs::NotSetUp => session.ui.say(&format!(
            "git-lfs is there but not set up: after `git lfs install` {what} (run this again)"
        )),
        Lfs::Missing => session.ui.say(&format!(
            "git-lfs is not there: with it (https://git-lfs.com) {what}; run this again then"
        )),
    }
}

fn warn_of_hindrance(git: &Git, kind: template::Kind, session: &Session) -> Result<()> {
    if let Some(line) = template::hindrance(git, kind)? {
        let line = sanitize::line(&line).into_owned();
        session.ui.warn(&format!("note: workflows are ignored all the same, by {line}"));
    }
    Ok(())
}
