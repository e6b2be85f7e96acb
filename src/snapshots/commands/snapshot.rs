//! `git comfy snapshot`: keeps the present state of the workflows, without a commit.

use std::path::PathBuf;

use super::snapshots::{configured_policy, short_id, summarize_changes};
use crate::differences::node_catalog;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::snapshots;
use crate::snapshots::{SnapshotReason, SnapshotRequest, SnapshotScope};

const EXAMPLES: &str = "\
Examples:
  git comfy snapshot                       keep what is there now
  git comfy snapshot -m \"before the big cleanup\"
  git comfy snapshots                      what is kept?
  git comfy snapshots show an hour ago     what did I have an hour ago?
  git comfy watch --files                  keep every save by itself

Nothing is staged or committed. A snapshot that would be the last one again is not taken.";

/// Keep the present state of your workflows, without a commit.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SnapshotArgs {
    /// What to remember it by. A snapshot with a text is not thinned out with the others.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Only these files, or this folder; the others stay as the last snapshot knew them.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub fn run(args: &SnapshotArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    repository.require_work_tree()?;
    let wish = SnapshotRequest {
        scope: parse_scope(args, session, &repository)?,
        reason: SnapshotReason::Hand,
        text: args.message.as_deref(),
        policy: &configured_policy(session, &repository)?,
    };
    let taken = snapshots::create_snapshot(&repository, &wish)?;
    session.print_remarks(&taken.remarks);
    let text = match (&taken.new, &taken.previous) {
        (Some(new), before) => {
            let changed = snapshots::diff_snapshots(&repository, before.as_ref(), Some(new))?;
            let told = summarize_changes(
                &repository,
                &node_catalog::load_catalog(&repository),
                &changed,
                80,
            )?;
            let count = match taken.file_count {
                1 => "1 workflow".to_owned(),
                count => format!("{count} workflows"),
            };
            match told.is_empty() {
                true => format!("snapshot {} of {count}", short_id(new)),
                false => format!("snapshot {} of {count}; {told}", short_id(new)),
            }
        }
        (None, Some(last)) => {
            format!("nothing has changed since snapshot {}", short_id(last))
        }
        (None, None) => "there are no workflows here".to_owned(),
    };
    session.ui.report(&text)?;
    Ok(Exit::Done)
}

fn parse_scope(
    args: &SnapshotArgs,
    session: &Session,
    repository: &Repository,
) -> Result<SnapshotScope> {
    match args.files.as_slice() {
        [] => Ok(SnapshotScope::Everything),
        [folder] if session.cwd.join(folder).is_dir() => {
            Ok(SnapshotScope::Below(repo_folder_path(session, repository, folder)?))
        }
        files => {
            let mut paths = Vec::new();
            for file in files {
                let place = session.cwd.join(file);
                if !place.is_file() {
                    let name = file.display().to_string();
                    return Err(CommandError::new(format!("{} is no file", sanitize::line(&name)))
                        .with_hint("name files, or one folder"));
                }
                let path = repository.path_of(&place);
                paths.push(path.ok_or_else(|| outside_repository(file))?);
            }
            Ok(SnapshotScope::NamedFiles(paths))
        }
    }
}

/// The path of a folder of the work tree; empty for its top.
pub(crate) fn repo_folder_path(
    session: &Session,
    repository: &Repository,
    folder: &std::path::Path,
) -> Result<RepoPath> {
    let real = std::fs::canonicalize(session.cwd.join(folder))?;
    let top = std::fs::canonicalize(repository.require_work_tree()?)?;
    let below = real.strip_prefix(top).map_err(|_| outside_repository(folder))?;
    Ok(RepoPath::from_path(below))
}

fn outside_repository(path: &std::path::Path) -> CommandError {
    let name = path.display().to_string();
    CommandError::new(format!("{} is not in this repository", sanitize::line(&name)))
}
