//! Putting back what a check found to be otherwise: node packs at the commit that was recorded,
//! lost input files. Nothing is fetched, and nothing that a repository brought along is run.

use std::path::{Path, PathBuf};

use super::lost_inputs::read_lost_bytes;
use super::plan::ReproductionPlan;
use super::{InputState, PackCheck, PackState};
use crate::error::{CommandError, Result};
use crate::platform::file_argument;
use crate::platform::git::Repository;
use crate::platform::git::command::GitCommand;
use crate::platform::text::sanitize;

/// One thing that is put back.
pub(crate) enum ApplyStep<'r> {
    CheckOutPack {
        pack: &'r PackCheck,
        path: &'r str,
        commit: &'r str,
        back: &'r str,
    },
    /// Writes a file into the input folder.
    RestoreInput {
        name: &'r str,
        from: &'r str,
        sha256: &'r str,
        to: PathBuf,
    },
}

/// What can be put back.
pub(crate) fn collect_steps(plan: &ReproductionPlan) -> Vec<ApplyStep<'_>> {
    let packs = plan.check.packs.iter().filter_map(|pack| match &pack.state {
        PackState::Other { held: true, dirty: false, back: Some(back), .. } => {
            let (path, commit) = (pack.path.as_deref()?, pack.commit.as_deref()?);
            Some(ApplyStep::CheckOutPack { pack, path, commit, back })
        }
        _ => None,
    });
    let folder = plan.base.as_ref().map(|base| base.join("input"));
    let inputs = plan.check.inputs.iter().filter_map(|input| match &input.state {
        InputState::Restorable { from } => {
            let to = folder.as_ref()?.join(contained_path(&input.name)?);
            Some(ApplyStep::RestoreInput {
                name: &input.name,
                from,
                sha256: input.sha256.as_deref()?,
                to,
            })
        }
        _ => None,
    });
    packs.chain(inputs).collect()
}

/// A name that stays inside its folder.
fn contained_path(name: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = name.split(['/', '\\']).collect();
    let plain = |part: &&str| {
        !part.is_empty() && *part != ".." && *part != "." && !part.contains([':', '\0'])
    };
    parts.iter().all(plain).then(|| parts.iter().collect())
}

impl ApplyStep<'_> {
    pub(crate) fn describe(&self) -> String {
        match self {
            ApplyStep::CheckOutPack { pack, path, commit, back } => {
                let short: String = commit.chars().take(10).collect();
                format!("{}: check out {short} in {path} ({back}    goes back)", pack.name)
            }
            ApplyStep::RestoreInput { name, from, to, .. } => {
                format!("{name}: from {from} to {}", to.display())
            }
        }
    }

    pub(crate) fn apply(&self, repository: &Repository) -> Result<()> {
        match self {
            ApplyStep::CheckOutPack { path, commit, .. } => check_out_commit(path, commit),
            ApplyStep::RestoreInput { from, sha256, to, .. } => {
                restore_input(repository, from, sha256, to)
            }
        }
    }
}

/// Checks out a commit that is there. No hook, no monitor and no filter of that repository
/// runs, and nothing is fetched.
fn check_out_commit(path: &str, commit: &str) -> Result<()> {
    let git = GitCommand::outside_environment(path)
        .setting("core.hooksPath", "/dev/null")
        .setting("core.fsmonitor", "false")
        .setting("protocol.allow", "never");
    let filters = ["config", "--local", "--get-regexp", r"^filter\..*\.(smudge|process)$"];
    if git.with_args(filters).output_if_found()?.is_some_and(|found| !found.is_empty()) {
        return Err(CommandError::repository(format!(
            "{path} has filters of its own, which would run"
        ))
        .with_hint(format!("git -C {path} checkout {commit}    if you trust it")));
    }
    git.with_args(["checkout", "--quiet", "--detach", commit, "--"]).output()?;
    Ok(())
}

/// Writes the bytes that were lost; over nothing that is there.
fn restore_input(repository: &Repository, from: &str, sha256: &str, to: &Path) -> Result<()> {
    let bytes = read_lost_bytes(repository, from, sha256)?;
    if to.exists() {
        return Err(CommandError::system(format!("{}: another file is there", sanitize::path(to)))
            .with_hint("move it away, and --apply puts the recorded one in its place"));
    }
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .map_err(|error| CommandError::system(error).with_context(sanitize::path(to)))?;
    file_argument::replace_file(to, &bytes)
}
