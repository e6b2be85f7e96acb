//! `--apply`: node packs back to what was recorded, lost input files back to where they
//! lay. Nothing is fetched, and nothing that a repository brought along is run.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{PreparedReproduction, ReproduceArgs};
use crate::error::{CommandError, Result};
use crate::platform::git::command::GitCommand;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::machine::{file_io, to_hex};
use crate::platform::text::sanitize;
use crate::reproduce::{InputState, PackCheck, PackState};
use crate::session::Session;

/// The largest file that is put back, in bytes.
const MAX_RESTORED_BYTES: u64 = 96 << 20;

enum ApplyStep<'r> {
    /// Checks out a commit in a pack.
    CheckOutPack { pack: &'r PackCheck, path: &'r str, commit: &'r str, back: &'r str },
    /// Writes a file into the input folder.
    RestoreInput { name: &'r str, from: &'r str, sha256: &'r str, to: PathBuf },
}

/// Shows what can be done, asks, and does it. Gives whether anything was.
pub(crate) fn apply_steps(
    session: &Session,
    ready: &PreparedReproduction,
    args: &ReproduceArgs,
) -> Result<bool> {
    let steps = collect_steps(ready);
    if steps.is_empty() {
        session.ui.info("there is nothing to apply");
        return Ok(false);
    }
    for step in &steps {
        session.ui.warn(&format!("  {}", sanitize::line(&step.describe())));
    }
    if !args.yes && !confirm_steps(session)? {
        session.ui.info("nothing was changed");
        return Ok(false);
    }
    let repository = session.repository()?;
    for step in &steps {
        step.apply(&repository)?;
    }
    if steps.iter().any(|step| matches!(step, ApplyStep::CheckOutPack { .. })) {
        session.ui.info("restart ComfyUI, so that it loads the packs as they are now");
    }
    Ok(true)
}

fn confirm_steps(session: &Session) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(
            CommandError::new("nobody is here to ask").with_hint("--yes does it without asking")
        );
    }
    session.ui.warn("Do this? [y/N]");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn collect_steps(ready: &PreparedReproduction) -> Vec<ApplyStep<'_>> {
    let packs = ready.plan.check.packs.iter().filter_map(|pack| match &pack.state {
        PackState::Other { held: true, dirty: false, back: Some(back), .. } => {
            let (path, commit) = (pack.path.as_deref()?, pack.commit.as_deref()?);
            Some(ApplyStep::CheckOutPack { pack, path, commit, back })
        }
        _ => None,
    });
    let folder = ready.plan.base.as_ref().map(|base| base.join("input"));
    let inputs = ready.plan.check.inputs.iter().filter_map(|input| match &input.state {
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
    fn describe(&self) -> String {
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

    fn apply(&self, repository: &Repository) -> Result<()> {
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
        return Err(CommandError::new(format!("{path} has filters of its own, which would run"))
            .with_hint(format!("git -C {path} checkout {commit}    if you trust it")));
    }
    git.with_args(["checkout", "--quiet", "--detach", commit, "--"]).output()?;
    Ok(())
}

/// Writes the bytes that were lost; over nothing that is there.
fn restore_input(repository: &Repository, from: &str, sha256: &str, to: &Path) -> Result<()> {
    let failed = |problem: &dyn std::fmt::Display| {
        CommandError::new(format!("{}: {problem}", sanitize::line(&to.display().to_string())))
    };
    let bytes = read_lost_bytes(repository, from, sha256)?;
    if to.exists() {
        return Err(failed(&"another file is there")
            .with_hint("move it away, and --apply puts the recorded one in its place"));
    }
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    file_io::replace_file(to, &bytes)
}

/// The bytes of a lost input, from where the plan found them: a path, or `REV:PATH` in git.
pub(crate) fn read_lost_bytes(
    repository: &Repository,
    from: &str,
    sha256: &str,
) -> Result<Vec<u8>> {
    let failed = |problem: &dyn std::fmt::Display| {
        CommandError::new(format!("{}: {problem}", sanitize::line(from)))
    };
    let bytes = match Path::new(from).is_absolute() {
        true => std::fs::read(from).map_err(|error| failed(&error))?,
        false => read_from_git(repository, from)?.ok_or_else(|| failed(&"it is gone"))?,
    };
    if to_hex(&Sha256::digest(&bytes)) != sha256 {
        return Err(failed(&"it has changed meanwhile"));
    }
    Ok(bytes)
}

fn read_from_git(repository: &Repository, place: &str) -> Result<Option<Vec<u8>>> {
    let Some((revision, path)) = place.split_once(':') else { return Ok(None) };
    let Some(commit) = repository.resolve_commit(revision)? else { return Ok(None) };
    let Some(commit) = repository.commit(commit)? else { return Ok(None) };
    match repository.entry_at(commit.tree, &RepoPath::new(path))? {
        Some(entry) => Ok(repository.blob_up_to(entry.id, MAX_RESTORED_BYTES)?),
        None => Ok(None),
    }
}
