//! What `git comfy init` and `git comfy uninstall` do, planned from what is there.
//!
//! Everything that init writes is known again later by what it says, wherever the program
//! lay when it wrote it: so it can run any number of times, and uninstall takes out that
//! and nothing else. What someone else wrote under the same key is left alone and told.

pub mod attributes;
pub mod block;
pub mod check;
pub mod commands;
pub mod doctor;
pub mod drivers;
pub mod hook;
pub mod hooking;
pub mod hooks;
pub mod notes;
pub mod plan;
pub mod separate;
pub mod state;
pub mod synced;
pub mod template;

pub use notes::REWRITE_REF;
pub use state::{Place, State};

use std::path::{Path, PathBuf};

use attributes::Rank;
use plan::{Plan, Step};

use crate::platform::git;
use crate::platform::git::config::{Configuration, Scope};
use crate::platform::git::plumbing;
use crate::platform::git::program_settings::Program;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This repository with all its work trees.
    Repository,
    /// All repositories of this person on this machine.
    Machine,
}

impl Reach {
    /// The scope of the configuration file that is written.
    pub fn scope(self) -> Scope {
        match self {
            Reach::Repository => Scope::Local,
            Reach::Machine => Scope::Global,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HookStyle {
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
    pub const KEY: &str = "comfy.hooks";

    /// The value under that setting; an automatic choice needs none.
    fn word(self) -> Option<&'static str> {
        match self {
            HookStyle::Auto => None,
            HookStyle::Config => Some("config"),
            HookStyle::Files => Some("files"),
            HookStyle::None => Some("none"),
        }
    }

    /// The choice of an earlier run, as the configuration has it.
    pub fn chosen(config: &Configuration) -> Option<HookStyle> {
        let word = config.value(HookStyle::KEY)?;
        let all = [HookStyle::Config, HookStyle::Files, HookStyle::None];
        all.into_iter().find(|style| style.word() == Some(word))
    }
}

/// What becomes of a value that someone else wrote where ours belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// It stays, with a remark.
    Leave,
    Replace,
}

#[derive(Debug, Clone)]
pub struct Wish {
    pub reach: Reach,
    /// The program that git is to call.
    pub program: Program,
    /// The attributes file, if not the usual one.
    pub attributes: Option<PathBuf>,
    /// How hooks are put in place; `None` keeps the choice of an earlier run.
    pub hooks: Option<HookStyle>,
    pub foreign: Foreign,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// git could not be asked for the present state.
    #[error(transparent)]
    Git(#[from] git::Error),
    #[error("{} is not inside the work tree of a git repository", .0.display())]
    NoWorkTree(PathBuf),
    #[error("git reads no attributes from {}", .0.display())]
    NotAttributes(PathBuf),
    #[error("git {0} is too old: git-comfy needs {min} or newer", min = plumbing::Version::OLDEST)]
    OldGit(plumbing::Version),
}

/// Plans what `git comfy init` does; an empty plan where everything is in place.
pub fn init(state: &State, wish: &Wish) -> Result<Plan, Error> {
    if state.version < plumbing::Version::OLDEST {
        return Err(Error::OldGit(state.version));
    }
    let mut plan = Plan::default();
    drivers::put(state, wish, &mut plan);
    plan_attributes(state, wish, &mut plan)?;
    hooking::put(state, wish, &mut plan)?;
    notes::put(state, wish, &mut plan);
    Ok(plan)
}

/// Plans what is still missing in a repository that was cloned on a machine which is set
/// up as a whole: the remotes' refspecs. Nothing where it was not, or where the repository
/// has a set-up of its own.
pub fn after_clone(state: &State) -> Plan {
    let mut plan = Plan::default();
    let filter = state.config.last("filter.comfy.process");
    if filter.is_some_and(|entry| entry.scope == Scope::Global) {
        notes::plan_remotes(state, &mut plan);
    }
    plan
}

/// Plans the opposite: everything that init wrote in that reach, and nothing else.
pub fn uninstall(state: &State, reach: Reach) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    // The attributes go first: a filter that is named but not configured does nothing,
    // hooks and filters that are gone half-way would.
    let mut steps = Vec::new();
    for file in attribute_files(state, reach)? {
        steps.extend(attributes::take(&file));
    }
    plan.add("the attribute lines", steps);
    hooking::take_all(state, reach, &mut plan)?;
    drivers::take(state, reach, &mut plan);
    notes::take(state, reach, &mut plan);
    Ok(plan)
}

/// The attribute files in which the block stands.
pub fn attribute_files(state: &State, reach: Reach) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    match (reach, &state.place) {
        (Reach::Machine, _) => files.extend(state.global_attributes.clone()),
        (Reach::Repository, Some(place)) => {
            files.push(place.info_attributes());
            files.extend(attributes::files_with_block(&state.git, &place.top)?);
        }
        (Reach::Repository, None) => {}
    }
    files.retain(|file| attributes::stands_in(file));
    Ok(files)
}

fn plan_attributes(state: &State, wish: &Wish, plan: &mut Plan) -> Result<(), Error> {
    let rank = match wish.foreign {
        Foreign::Leave => Rank::Yield,
        Foreign::Replace => Rank::Prevail,
    };
    let standing = attribute_files(state, wish.reach)?;
    let mut steps = Vec::new();
    if let Some(file) = &wish.attributes {
        check_attributes_file(state, file)?;
        steps.extend(attributes::put(file, rank));
        // It is to stand in one place only.
        let others = standing.iter().filter(|other| !same_file(other, file));
        steps.extend(others.filter_map(|other| attributes::take(other)));
    } else if standing.is_empty() {
        if wish.reach == Reach::Repository && attributes::of_probe(&state.git)?.is_ours() {
            plan.remarks.push(
                "*.json is given to git-comfy already (your own attribute lines); left as it is"
                    .to_owned(),
            );
        } else {
            let file = match (wish.reach, &state.place) {
                (Reach::Repository, Some(place)) => usual_file(state, place, plan)?,
                _ => state.global_attributes.clone(),
            };
            steps.extend(file.and_then(|file| attributes::put(&file, rank)));
        }
    } else {
        steps.extend(standing.iter().filter_map(|file| attributes::put(file, rank)));
    }
    let title = match steps.first() {
        Some(Step::Write { path, .. }) => {
            format!("{} gives {} to git-comfy", state.shown(path), "*.json")
        }
        _ => "attributes".to_owned(),
    };
    plan.add(title, steps);
    Ok(())
}

/// The attributes file of a repository, as long as git would not find it in its way: git
/// checks out no file over one that it does not know.
fn usual_file(state: &State, place: &Place, plan: &mut Plan) -> Result<Option<PathBuf>, Error> {
    let usual = place.top.join(".gitattributes");
    if usual.symlink_metadata().is_ok() {
        return Ok(Some(usual));
    }
    let is_unborn = state.git.ask(["rev-parse", "--verify", "--quiet", "HEAD"])?.is_none();
    match attributes::to_come(&state.git, is_unborn)? {
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
                coming.named
            ));
            Ok(None)
        }
        Some(coming) => {
            let file = place.info_attributes();
            plan.remarks.push(format!(
                "{} is not checked out, and git would not write it over another one: the lines \
                 stand in {} for the time being. After the checkout `git comfy init --attributes \
                 .gitattributes` puts them where they can be committed",
                coming.named,
                state.shown(&file)
            ));
            Ok(Some(file))
        }
    }
}

fn check_attributes_file(state: &State, file: &Path) -> Result<(), Error> {
    let named = file.file_name().is_some_and(|name| name == ".gitattributes");
    let inside = |top: &Path| file.starts_with(top);
    let known = match &state.place {
        Some(place) => named && inside(&place.top) || same_file(file, &place.info_attributes()),
        None => false,
    };
    let global = state.global_attributes.as_ref().is_some_and(|global| same_file(file, global));
    if known || global { Ok(()) } else { Err(Error::NotAttributes(file.to_owned())) }
}

fn same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    one == other || real(one) == real(other)
}
