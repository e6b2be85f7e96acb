//! `git comfy template`: a sensible `.gitignore` and `.gitattributes`, printed or written.

use std::path::Path;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::command::GitCommand;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::setup::SetupState;
use crate::setup::attributes::{self, LinePrecedence};
use crate::setup::plan::SetupPlan;
use crate::setup::template::{self, LfsState, Template};

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
pub struct TemplateArgs {
    /// For what kind of folder [default: what this one looks like].
    kind: Option<TemplateKindArg>,
    /// Write it, instead of printing it.
    #[arg(long)]
    write: bool,
}

/// What a repository is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TemplateKindArg {
    /// A folder with workflows in it.
    Workflows,
    /// ComfyUI's base folder, with user, models, output and the rest.
    Comfyui,
}

impl From<TemplateKindArg> for template::TemplateKind {
    fn from(kind: TemplateKindArg) -> template::TemplateKind {
        match kind {
            TemplateKindArg::Workflows => template::TemplateKind::Workflows,
            TemplateKindArg::Comfyui => template::TemplateKind::ComfyUi,
        }
    }
}

pub(crate) fn run(args: &TemplateArgs, session: &Session) -> Result<Exit> {
    let state = SetupState::read(&session.cwd, session.environment.config_home.as_deref())?;
    let top = state.work_tree.as_ref().map_or(session.cwd.as_path(), |place| place.top.as_path());
    let kind =
        args.kind.map_or_else(|| template::TemplateKind::detect(top), template::TemplateKind::from);
    let lfs = LfsState::detect(&state.git)?;
    let template = Template::new(kind, lfs);
    if !args.write {
        let attributes = template.attributes().into_iter().chain([attributes::attribute_block()]);
        let attributes = attributes.collect::<Vec<_>>().join("\n");
        let ignore = template.ignore();
        session.ui.print(&format!(
            "# ---- .gitignore ----\n{ignore}\n\n# ---- .gitattributes ----\n{attributes}\n"
        ))?;
        report_lfs(lfs, kind, session);
        return Ok(Exit::Done);
    }
    let mut plan = SetupPlan::default();
    if state.work_tree.is_none() || !attributes::probe_attributes(&state.git)?.is_ours() {
        let step = attributes::plan_block(&top.join(".gitattributes"), LinePrecedence::Yield);
        plan.add(".gitattributes gives *.json to git-comfy", step.into_iter().collect());
    }
    plan_template_files(&template, top, &state.git, &mut plan)?;
    plan.apply(&state.git)?;
    if plan.is_empty() {
        session.ui.report("nothing to add: everything is there")?;
    }
    for section in &plan.sections {
        session.ui.report(&section.title)?;
    }
    report_lfs(lfs, kind, session);
    warn_if_ignored(&state.git, kind, session)?;
    Ok(Exit::Done)
}

/// A template that `init` has in its plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddedTemplate {
    kind: template::TemplateKind,
    lfs: LfsState,
}

/// Adds the template for `init` to its plan.
pub(crate) fn plan_template(
    request: Option<TemplateKindArg>,
    top: &Path,
    git: &GitCommand,
    plan: &mut SetupPlan,
) -> Result<AddedTemplate> {
    let kind =
        request.map_or_else(|| template::TemplateKind::detect(top), template::TemplateKind::from);
    let lfs = LfsState::detect(git)?;
    plan_template_files(&Template::new(kind, lfs), top, git, plan)?;
    Ok(AddedTemplate { kind, lfs })
}

/// Remarks to print once the template is written.
pub(crate) fn report_template(
    added: AddedTemplate,
    git: &GitCommand,
    session: &Session,
) -> Result<()> {
    report_lfs(added.lfs, added.kind, session);
    warn_if_ignored(git, added.kind, session)
}

fn plan_template_files(
    template: &Template,
    top: &Path,
    git: &GitCommand,
    plan: &mut SetupPlan,
) -> Result<()> {
    if template::is_comfyui_itself(git)? {
        return Err(CommandError::user(
            "this is ComfyUI's own repository; lines of yours would be in the way of its updates",
        )
        .with_hint("make a repository of your own in the folder of your workflows:")
        .with_hint("cd user/default/workflows; git init; git comfy init --template"));
    }
    template.plan_files(top, plan);
    Ok(())
}

fn report_lfs(lfs: LfsState, kind: template::TemplateKind, session: &Session) {
    let what = match kind {
        template::TemplateKind::Workflows => "videos and other large files are given to it",
        template::TemplateKind::ComfyUi => "input files go in through it, and stay out without",
    };
    match lfs {
        LfsState::Ready => {}
        LfsState::NotSetUp => session.ui.info(&format!(
            "git-lfs is there but not set up: after `git lfs install` {what} (run this again)"
        )),
        LfsState::Missing => session.ui.info(&format!(
            "git-lfs is not there: with it (https://git-lfs.com) {what}; run this again then"
        )),
    }
}

fn warn_if_ignored(
    git: &GitCommand,
    kind: template::TemplateKind,
    session: &Session,
) -> Result<()> {
    if let Some(line) = template::find_ignoring_line(git, kind)? {
        let line = sanitize::line(&line).into_owned();
        session.ui.warn(&format!("note: workflows are ignored all the same, by {line}"));
    }
    Ok(())
}
