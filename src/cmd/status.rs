//! `git comfy status`: the work tree in the words of workflows.

use serde_json::json;

use crate::error::Result;
use crate::exit::Exit;
use crate::git::{self, Change, FileStatus, Staging, Status};
use crate::render::sanitize;
use crate::session::Session;

/// Tell which workflows changed, and which only had nodes moved.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

/// Looks and tells.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let status = git::status(&session.repository()?)?;
    let text = if args.json { in_json(&status) } else { in_words(&status) };
    session.ui.out(&text)?;
    Ok(Exit::Done)
}

fn in_words(status: &Status) -> String {
    let mut text = String::new();
    for file in &status.files {
        text += &format!("{:<12}{}", word(file.change), sanitize::line(&file.path.to_string()));
        text += match (file.change, file.staging) {
            (Change::Layout, _) => "  (positions are kept; nothing to commit)",
            (Change::Conflicted, _) => "  (settle it, then git add)",
            (_, Staging::Staged) => "  (staged)",
            (_, Staging::Unstaged) => "",
        };
        text.push('\n');
    }
    if status.files.is_empty() {
        text += "all workflows are as they were committed\n";
    }
    match status.pending_layouts {
        0 => {}
        1 => text += "1 layout waits for its commit\n",
        count => text += &format!("{count} layouts wait for their commits\n"),
    }
    text
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Conflicted => "conflict",
        Change::Content => "changed",
        Change::New => "new",
        Change::Deleted => "deleted",
        Change::Renamed => "renamed",
        Change::Layout => "moved nodes",
    }
}

fn in_json(status: &Status) -> String {
    let file = |file: &FileStatus| {
        let change = match file.change {
            Change::Conflicted => "conflict",
            Change::Content => "content",
            Change::New => "new",
            Change::Deleted => "deleted",
            Change::Renamed => "renamed",
            Change::Layout => "layout",
        };
        let path = String::from_utf8_lossy(file.path.as_bytes());
        json!({ "path": path, "change": change, "staged": file.staging == Staging::Staged })
    };
    let files: Vec<_> = status.files.iter().map(file).collect();
    let told = json!({ "schema": 1, "files": files, "pendingLayouts": status.pending_layouts });
    format!("{told}\n")
}
