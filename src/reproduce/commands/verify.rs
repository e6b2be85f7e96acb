//! `git comfy verify`: a lock compared with this machine.

use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::shell::quote_path;
use crate::platform::text::sanitize;
use crate::reproduce::lock_files::{
    is_lock_file, list_locks, lock_path, missing_from_lock, read_lock_file,
};
use crate::reproduce::plan::ReproductionContext;
use crate::reproduce::{ReproductionVerdict, describe};
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

/// Verifies. Of several locks the gravest verdict counts.
pub(crate) fn run(args: &VerifyArgs, session: &Session) -> Result<Exit> {
    let context = ReproductionContext::open(session)?;
    let files = match &args.file {
        Some(file) => vec![file.clone()],
        None => list_locks(&context)?,
    };
    if files.is_empty() {
        return Err(CommandError::user("there is no lock here")
            .with_hint("git comfy lock portrait.json makes one"));
    }
    let mut gravest = ReproductionVerdict::Same;
    for file in files {
        let verdict = verify_lock(args, session, &context, &file)?;
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
        ReproductionVerdict::Repairable => Exit::Negative,
        ReproductionVerdict::NotHere => Exit::CannotReproduce,
    })
}

fn verify_lock(
    args: &VerifyArgs,
    session: &Session,
    context: &ReproductionContext,
    file: &Path,
) -> Result<ReproductionVerdict> {
    let path = session.cwd.join(file);
    let locked =
        if is_lock_file(&path) || !lock_path(&path).is_file() { path } else { lock_path(&path) };
    let lock = read_lock_file(&locked, file)?;
    let mut wanted = lock.requirements();
    let check = context.check_requirements(session, &PictureSource::default(), &mut wanted)?;
    let shown = file.strip_prefix(&session.cwd).unwrap_or(file);
    let name = sanitize::path(shown);
    let lacks = missing_from_lock(context, &lock, &locked);
    let text = match args.json {
        true => describe::check_to_json(&name, None, &check, None),
        false => describe::describe_check(&name, &check),
    };
    session.ui.print(&text)?;
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
