//! `git comfy verify`: a lock compared with this machine.

use std::path::{Path, PathBuf};

use super::lock::{beside, graph, is_lock};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git::index;
use crate::platform::git::shell::typed_name;
use crate::platform::text::sanitize;
use crate::reproduce::commands::reproduce::plan::{self, Bench};
use crate::reproduce::specs::read_lock;
use crate::reproduce::{Lock, Verdict, describe};
use crate::runs::source_of_picture::Original;
use crate::session::Session;

/// Check a lock, or what another program wrote as one, against this machine.
///
/// Besides locks it reads snapshots of ComfyUI-Manager, and comfy-cli's build specs and
/// comfy-lock.yaml.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The exit code tells the verdict: 0 same, 1 repairable, 3 not reproducible here; 2 means that \
the question could not be answered. docs/reproduce-schema.md describes --json.")]
pub struct Args {
    /// A workflow with a lock beside it, or the lock; none means every lock in the work
    /// tree that git does not ignore.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Tell it for programs, a document for each lock.
    #[arg(long)]
    pub json: bool,
}

/// The largest lock that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// Verifies. Of several locks the gravest verdict counts.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let bench = Bench::open(session)?;
    let files = match &args.file {
        Some(file) => vec![file.clone()],
        None => locks(&bench)?,
    };
    if files.is_empty() {
        return Err(
            Failure::new("there is no lock here").hint("git comfy lock portrait.json makes one")
        );
    }
    let mut gravest = Verdict::Same;
    for file in files {
        let verdict = verify(args, session, &bench, &file)?;
        gravest = match (gravest, verdict) {
            (Verdict::NotHere, _) | (_, Verdict::NotHere) => Verdict::NotHere,
            (Verdict::Repairable, _) | (_, Verdict::Repairable) => Verdict::Repairable,
            _ => Verdict::Same,
        };
    }
    Ok(match gravest {
        Verdict::Same => Exit::Done,
        Verdict::Repairable => Exit::Found,
        Verdict::NotHere => Exit::NotHere,
    })
}

/// The locks of the work tree, committed or not.
fn locks(bench: &Bench) -> Result<Vec<PathBuf>> {
    let repository = &bench.shelf.repository;
    let top = repository.require_work_tree()?;
    let paths = index::listed(repository)?.into_iter().map(|path| top.join(path.to_path()));
    Ok(paths.filter(|path| is_lock(path) && path.is_file()).collect())
}

fn verify(args: &Args, session: &Session, bench: &Bench, file: &Path) -> Result<Verdict> {
    let path = session.cwd.join(file);
    let locked = if is_lock(&path) || !beside(&path).is_file() { path } else { beside(&path) };
    let lock = read(&locked, file)?;
    let mut wanted = lock.wanted();
    let check = bench.check(session, &Original::default(), &mut wanted)?;
    let shown = file.strip_prefix(&session.cwd).unwrap_or(file);
    let name = sanitize::line(&shown.display().to_string()).into_owned();
    let lacks = lacks(bench, &lock, &locked);
    let told = match args.json {
        true => describe::json(&name, None, &check, None),
        false => describe::tell(&name, &check),
    };
    session.ui.out(&told)?;
    if !lacks.is_empty() {
        session.ui.warn(&format!(
            "{name}: the workflow names what the lock does not have: {}",
            sanitize::line(&lacks.join(", "))
        ));
        session.ui.warn(&format!("  git comfy lock {}", typed_name(&lock.workflow)));
        // The lock holds, but the workflow needs more than it says.
        return Ok(match check.verdict {
            Verdict::Same => Verdict::Repairable,
            verdict => verdict,
        });
    }
    Ok(check.verdict)
}

fn read(path: &Path, name: &Path) -> Result<Lock> {
    let failed = |problem: &dyn std::fmt::Display| {
        Failure::new(format!("{}: {problem}", sanitize::line(&name.display().to_string())))
    };
    let size = path.metadata().map_err(|error| failed(&error))?.len();
    if size > LARGEST {
        return Err(failed(&"it is too large for a lock"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    read_lock(&text).map_err(|error| failed(&error).hint("git comfy lock makes one of a workflow"))
}

/// What the workflow beside a lock names that the lock does not have.
fn lacks(bench: &Bench, lock: &Lock, path: &Path) -> Vec<String> {
    // The name comes out of a file that may be a stranger's.
    let Some(name) = Path::new(&lock.workflow).file_name().filter(|_| is_lock(path)) else {
        return Vec::new();
    };
    let Ok(original) = graph(&path.with_file_name(name)) else { return Vec::new() };
    lock.lacks(&plan::known(&original, &bench.catalog).named)
}
