//! `git comfy snapshot`: keeps the present state of the workflows, without a commit.

use std::path::PathBuf;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::Repository;
use crate::platform::machine::node_catalog;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::snapshots;
use crate::snapshots::named_paths::{outside_repository, repo_folder_path};
use crate::snapshots::settings::configured_policy;
use crate::snapshots::summarize::summarize_changes;
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

pub(crate) fn run(args: &SnapshotArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    repository.require_work_tree()?;
    let request = SnapshotRequest {
        scope: parse_scope(args, session, &repository)?,
        reason: SnapshotReason::Hand,
        text: args.message.as_deref(),
        policy: &configured_policy(session, &repository)?,
    };
    let outcome = snapshots::create_snapshot(&repository, &request)?;
    session.print_remarks(&outcome.remarks);
    let text = match (&outcome.new, &outcome.previous) {
        (Some(new), before) => {
            let changed = snapshots::diff_snapshots(&repository, before.as_ref(), Some(new))?;
            let summary = summarize_changes(
                &repository,
                &node_catalog::load_catalog(&repository),
                &changed,
                80,
            )?;
            let count = counted(outcome.file_count, "workflow", "workflows");
            match summary.is_empty() {
                true => format!("snapshot {} of {count}", new.short_id()),
                false => format!("snapshot {} of {count}; {summary}", new.short_id()),
            }
        }
        (None, Some(last)) => {
            format!("nothing has changed since snapshot {}", last.short_id())
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
                    return Err(CommandError::user(format!(
                        "{} is no file",
                        sanitize::line(&name)
                    ))
                    .with_hint("name files, or one folder"));
                }
                let path = repository.path_of(&place);
                paths.push(path.ok_or_else(|| outside_repository(file))?);
            }
            Ok(SnapshotScope::NamedFiles(paths))
        }
    }
}
