//! `git comfy verify`: a lock compared with this machine.

use std::path::{Path, PathBuf};

use super::lock::{is_lock_file, lock_path, read_graph_file};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::index;
use crate::platform::git::shell::quote_path;
use crate::platform::text::sanitize;
use crate::reproduce::commands::reproduce::plan::{self, ReproductionContext};
use crate::reproduce::environment_specs::parse_lock;
use crate::reproduce::{Lock, ReproductionVerdict, describe};
use crate::runs::source_of_picture::PictureSource;
use crate::session::Session;

/// Check a lock, or what another program wrote as one, against this machine.
///
/// Besides locks it reads snapshots of ComfyUI-Manager, and comfy-cli's build specs and
/// comfy-lock.yaml.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The exit code tells the verdict: 0 same, 1 repairable, 3 not reproducible here; 2 means that \
the question could not be answered. docs/reproduce-schema.md describes --json.")]
pub struct VerifyArgs {
    /// A workflow with a lock beside it, or the lock; none means every lock in the work
    /// tree that git does not ignore.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Tell it for programs, a document for each lock.
    #[arg(long)]
    pub json: bool,
}

/// The largest lock that is read, in bytes.
const MAX_LOCK_BYTES: u64 = 16 << 20;

/// Verifies. Of several locks the gravest verdict counts.
pub fn run(args: &VerifyArgs, session: &Session) -> Result<Exit> {
    let bench = ReproductionContext::open(session)?;
    let files = match &args.file {
        Some(file) => vec![file.clone()],
        None => list_locks(&bench)?,
    };
    if files.is_empty() {
        return Err(CommandError::new("there is no lock here")
            .with_hint("git comfy lock portrait.json makes one"));
    }
    let mut gravest = ReproductionVerdict::Same;
    for file in files {
        let verdict = verify_lock(args, session, &bench, &file)?;
        gravest = match (gravest, verdict) {
            (ReproductionVerdict::NotHere, _) | (_, ReproductionVerdict::NotHere) => {
                ReproductionVerdict::NotHere
            }
            (ReproductionVerdict::Repairable, _) | (_, ReproductionVerdict::Repairable) => {
                ReproductionVerdict::Repairable
            }
            _ => ReproductionVerdict::Same,
        };
    }
    Ok(match gravest {
        ReproductionVerdict::Same => Exit::Done,
        ReproductionVerdict::Repairable => Exit::Found,
        ReproductionVerdict::NotHere => Exit::CannotReproduce,
    })
}

/// The locks of the work tree, committed or not.
fn list_locks(bench: &ReproductionContext) -> Result<Vec<PathBuf>> {
    let repository = &bench.shelf.repository;
    let top = repository.require_work_tree()?;
    let paths =
        index::unignored_paths(repository)?.into_iter().map(|path| top.join(path.to_path()));
    Ok(paths.filter(|path| is_lock_file(path) && path.is_file()).collect())
}

fn verify_lock(
    args: &VerifyArgs,
    session: &Session,
    bench: &ReproductionContext,
    file: &Path,
) -> Result<ReproductionVerdict> {
    let path = session.cwd.join(file);
    let locked =
        if is_lock_file(&path) || !lock_path(&path).is_file() { path } else { lock_path(&path) };
    let lock = read_lock_file(&locked, file)?;
    let mut wanted = lock.requirements();
    let check = bench.check_requirements(session, &PictureSource::default(), &mut wanted)?;
    let shown = file.strip_prefix(&session.cwd).unwrap_or(file);
    let name = sanitize::line(&shown.display().to_string()).into_owned();
    let lacks = missing_from_lock(bench, &lock, &locked);
    let told = match args.json {
        true => describe::check_to_json(&name, None, &check, None),
        false => describe::describe_check(&name, &check),
    };
    session.ui.print(&told)?;
    if !lacks.is_empty() {
        session.ui.warn(&format!(
            "{name}: the workflow names what the lock does not have: {}",
            sanitize::line(&lacks.join(", "))
        ));
        session.ui.warn(&format!("  git comfy lock {}", quote_path(&lock.workflow)));
        // The lock holds, but the workflow needs more than it says.
        return Ok(match check.verdict {
            ReproductionVerdict::Same => ReproductionVerdict::Repairable,
            verdict => verdict,
        });
    }
    Ok(check.verdict)
}

fn read_lock_file(path: &Path, name: &Path) -> Result<Lock> {
    let failed = |problem: &dyn std::fmt::Display| {
        CommandError::new(format!("{}: {problem}", sanitize::line(&name.display().to_string())))
    };
    let size = path.metadata().map_err(|error| failed(&error))?.len();
    if size > MAX_LOCK_BYTES {
        return Err(failed(&"it is too large for a lock"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    parse_lock(&text)
        .map_err(|error| failed(&error).with_hint("git comfy lock makes one of a workflow"))
}

/// What the workflow beside a lock names that the lock does not have.
fn missing_from_lock(bench: &ReproductionContext, lock: &Lock, path: &Path) -> Vec<String> {
    // The name comes out of a file that may be a stranger's.
    let Some(name) = Path::new(&lock.workflow).file_name().filter(|_| is_lock_file(path)) else {
        return Vec::new();
    };
    let Ok(original) = read_graph_file(&path.with_file_name(name)) else { return Vec::new() };
    lock.missing_names(&plan::read_documented_run(&original, &bench.catalog).named)
}
