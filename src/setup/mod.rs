//! What `git comfy init` and `git comfy uninstall` do, planned from what is there.
//!
//! Everything that init writes is known again later by what it says, wherever the program
//! lay when it wrote it: so it can run any number of times, and uninstall takes out that
//! and nothing else. What someone else wrote under the same key is left alone and told.

pub(crate) mod attributes;
pub(crate) mod check_clean_form;
pub(crate) mod commands;
pub(crate) mod doctor;
pub(crate) mod drivers;
pub(crate) mod hook_files;
pub(crate) mod hook_setup;
pub(crate) mod marked_block;
pub(crate) mod notes_setup;
pub(crate) mod plan;
pub(crate) mod quiet_setup;
pub(crate) mod separate;
pub(crate) mod state;
pub(crate) mod sync_services;
pub(crate) mod template;

pub(crate) use state::{SetupState, WorkTreePaths};

use std::path::{Path, PathBuf};

use attributes::LinePrecedence;
use plan::{SetupPlan, SetupStep};

use crate::error::CommandError;
use crate::platform::files::resolve_links;
use crate::platform::git;
use crate::platform::git::config::{ConfigScope, GitConfig};
use crate::platform::git::program_settings::ConfiguredProgram;
use crate::platform::git::version::GitVersion;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetupReach {
    /// This repository with all its work trees.
    Repository,
    /// All repositories of this person on this machine.
    Machine,
}

impl SetupReach {
    /// The scope of the configuration file that is written.
    pub(crate) fn scope(self) -> ConfigScope {
        match self {
            SetupReach::Repository => ConfigScope::Local,
            SetupReach::Machine => ConfigScope::Global,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum HookStyle {
    /// From the configuration where git knows that, else as files.
    #[default]
    Auto,
    /// From the configuration (git 2.54).
    Config,
    /// As files, for every git.
    Files,
    None,
}

impl HookStyle {
    /// The setting that remembers a choice, so that the next run keeps it.
    pub(crate) const KEY: &str = "comfy.hooks";

    /// The value under that setting; an automatic choice needs none.
    fn config_value(self) -> Option<&'static str> {
        match self {
            HookStyle::Auto => None,
            HookStyle::Config => Some("config"),
            HookStyle::Files => Some("files"),
            HookStyle::None => Some("none"),
        }
    }

    /// The choice of an earlier run, as the configuration has it.
    pub(crate) fn from_config(config: &GitConfig) -> Option<HookStyle> {
        let word = config.value(HookStyle::KEY)?;
        let all = [HookStyle::Config, HookStyle::Files, HookStyle::None];
        all.into_iter().find(|style| style.config_value() == Some(word))
    }
}

/// What becomes of a value that someone else wrote where ours belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForeignValues {
    /// It stays, with a remark.
    Leave,
    Replace,
}

#[derive(Debug, Clone)]
pub(crate) struct SetupRequest {
    pub reach: SetupReach,
    /// The program that git is to call.
    pub program: ConfiguredProgram,
    /// The attributes file, if not the usual one.
    pub attributes: Option<PathBuf>,
    /// How hooks are put in place; `None` keeps the choice of an earlier run.
    pub hooks: Option<HookStyle>,
    pub foreign: ForeignValues,
    /// Whether a drag is to be no change for git; `None` keeps the choice of an earlier run.
    pub quiet_drags: Option<bool>,
}

#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// git could not be asked for the present state.
    #[error(transparent)]
    Git(#[from] git::GitError),
    #[error("{} is not inside the work tree of a git repository", .0.display())]
    NoWorkTree(PathBuf),
    #[error("git reads no attributes from {}", .0.display())]
    NotAttributes(PathBuf),
    #[error("git {0} is too old: git-comfy needs {min} or newer", min = GitVersion::OLDEST)]
    OldGit(GitVersion),
}

impl From<SetupError> for CommandError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Git(error) => CommandError::from(error),
            SetupError::NoWorkTree(_) => CommandError::repository(error),
            SetupError::NotAttributes(_) => CommandError::user(error),
            SetupError::OldGit(_) => CommandError::system(error),
        }
    }
}

/// Plans what `git comfy init` does; an empty plan where everything is in place.
pub(crate) fn plan_init(
    state: &SetupState,
    request: &SetupRequest,
) -> Result<SetupPlan, SetupError> {
    if state.version < GitVersion::OLDEST {
        return Err(SetupError::OldGit(state.version));
    }
    let mut plan = SetupPlan::default();
    drivers::plan_drivers(state, request, &mut plan);
    plan_attributes(state, request, &mut plan)?;
    quiet_setup::plan_quiet_drags(state, request, &mut plan);
    hook_setup::plan_hooks(state, request, &mut plan)?;
    notes_setup::plan_notes(state, request, &mut plan);
    Ok(plan)
}

/// Plans what is still missing in a repository that was cloned on a machine which is set
/// up as a whole: the remotes' refspecs. Nothing where it was not, or where the repository
/// has a set-up of its own.
pub(crate) fn plan_after_clone(state: &SetupState) -> SetupPlan {
    let mut plan = SetupPlan::default();
    let filter = state.config.last_entry("filter.comfy.process");
    if filter.is_some_and(|entry| entry.scope == ConfigScope::Global) {
        notes_setup::plan_remotes(state, &mut plan);
    }
    plan
}

/// Plans the opposite: everything that init wrote in that reach, and nothing else.
pub(crate) fn plan_uninstall(
    state: &SetupState,
    reach: SetupReach,
) -> Result<SetupPlan, SetupError> {
    let mut plan = SetupPlan::default();
    // The attributes go first: a filter that is named but not configured does nothing,
    // hooks and filters that are gone half-way would.
    let mut steps = Vec::new();
    for file in find_attribute_files(state, reach)? {
        steps.extend(attributes::plan_block_removal(&file));
    }
    plan.add("the attribute lines", steps);
    if reach == SetupReach::Repository {
        quiet_setup::plan_quiet_drags_removal(state, &mut plan);
    }
    hook_setup::plan_hooks_uninstall(state, reach, &mut plan)?;
    drivers::plan_drivers_removal(state, reach, &mut plan);
    notes_setup::plan_notes_removal(state, reach, &mut plan);
    Ok(plan)
}

/// The attribute files in which the block stands.
pub(crate) fn find_attribute_files(
    state: &SetupState,
    reach: SetupReach,
) -> Result<Vec<PathBuf>, SetupError> {
    let mut files = Vec::new();
    match (reach, &state.work_tree) {
        (SetupReach::Machine, _) => files.extend(state.global_attributes.clone()),
        (SetupReach::Repository, Some(place)) => {
            files.push(place.info_attributes());
            files.extend(attributes::files_with_block(&state.git, &place.top)?);
        }
        (SetupReach::Repository, None) => {}
    }
    files.retain(|file| attributes::has_block(file));
    Ok(files)
}

fn plan_attributes(
    state: &SetupState,
    request: &SetupRequest,
    plan: &mut SetupPlan,
) -> Result<(), SetupError> {
    let rank = match request.foreign {
        ForeignValues::Leave => LinePrecedence::Yield,
        ForeignValues::Replace => LinePrecedence::Prevail,
    };
    let with_block = find_attribute_files(state, request.reach)?;
    let mut steps = Vec::new();
    if let Some(file) = &request.attributes {
        check_attributes_file(state, file)?;
        steps.extend(attributes::plan_block(file, rank));
        // It is to stand in one place only.
        let others = with_block.iter().filter(|other| !is_same_file(other, file));
        steps.extend(others.filter_map(|other| attributes::plan_block_removal(other)));
    } else if with_block.is_empty() {
        if request.reach == SetupReach::Repository
            && attributes::probe_attributes(&state.git)?.is_ours()
        {
            plan.remarks.push(
                "*.json is given to git-comfy already (your own attribute lines); left as it is"
                    .to_owned(),
            );
        } else {
            let file = match (request.reach, &state.work_tree) {
                (SetupReach::Repository, Some(place)) => {
                    choose_attributes_file(state, place, plan)?
                }
                _ => state.global_attributes.clone(),
            };
            steps.extend(file.and_then(|file| attributes::plan_block(&file, rank)));
        }
    } else {
        steps.extend(with_block.iter().filter_map(|file| attributes::plan_block(file, rank)));
    }
    let title = match steps.first() {
        Some(SetupStep::Write { path, .. }) => {
            format!("{} gives {} to git-comfy", state.display_path(path), "*.json")
        }
        _ => "attributes".to_owned(),
    };
    plan.add(title, steps);
    Ok(())
}

/// The attributes file of a repository, as long as git would not find it in its way: git
/// checks out no file over one that it does not know.
fn choose_attributes_file(
    state: &SetupState,
    place: &WorkTreePaths,
    plan: &mut SetupPlan,
) -> Result<Option<PathBuf>, SetupError> {
    let usual = place.top.join(".gitattributes");
    if usual.symlink_metadata().is_ok() {
        return Ok(Some(usual));
    }
    let is_unborn = state
        .git
        .with_args(["rev-parse", "--verify", "--quiet", "HEAD"])
        .output_if_found()?
        .is_none();
    match attributes::find_upcoming_attributes(&state.git, is_unborn)? {
        None => {
            if is_unborn && !state.remotes().is_empty() {
                plan.remarks.push(
                    "if a first pull brings a .gitattributes, git refuses it while this one is in \
                     no commit: delete it then, pull, and run `git comfy init` again"
                        .to_owned(),
                );
            }
            Ok(Some(usual))
        }
        Some(coming) if coming.names_filter() => {
            plan.remarks.push(format!(
                "{} gives *.json to git-comfy already, once it is checked out",
                coming.object_name
            ));
            Ok(None)
        }
        Some(coming) => {
            let file = place.info_attributes();
            plan.remarks.push(format!(
                "{} is not checked out, and git would not write it over another one: the lines \
                 stand in {} for the time being. After the checkout `git comfy init --attributes \
                 .gitattributes` puts them where they can be committed",
                coming.object_name,
                state.display_path(&file)
            ));
            Ok(Some(file))
        }
    }
}

fn check_attributes_file(state: &SetupState, file: &Path) -> Result<(), SetupError> {
    let named = file.file_name().is_some_and(|name| name == ".gitattributes");
    let inside = |top: &Path| file.starts_with(top);
    let known = match &state.work_tree {
        Some(place) => named && inside(&place.top) || is_same_file(file, &place.info_attributes()),
        None => false,
    };
    let global = state.global_attributes.as_ref().is_some_and(|global| is_same_file(file, global));
    if known || global { Ok(()) } else { Err(SetupError::NotAttributes(file.to_owned())) }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    one == other || resolve_links(one) == resolve_links(other)
}
