//! `git comfy status`: the work tree in the words of workflows.

use serde_json::json;

use crate::error::Result;
use crate::exit::Exit;
use crate::layouts;
use crate::layouts::keeping::Obstacle;
use crate::layouts::raw::RawFile;
use crate::layouts::{Change, FileStatus, Staging, Status, keeping, raw_words};
use crate::merging::merge_files;
use crate::platform::git::shell::typed_name;
use crate::platform::text::sanitize;
use crate::records::describe::size;
use crate::records::recorder_state::{Desk, Progress};
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
    let repository = session.repository_in_step()?;
    let status = layouts::status(&repository)?;
    let desk = Desk::within(&repository.state_dir());
    let records = Records { waiting: desk.pending().len(), progress: desk.progress() };
    let text = if args.json { in_json(&status, &records) } else { in_words(&status, &records) };
    session.ui.out(&text)?;
    Ok(Exit::Done)
}

/// How far the recorder is.
struct Records {
    /// Commits whose record is not complete.
    waiting: usize,
    /// What the process that completes them is doing; none runs where there is none.
    progress: Option<Progress>,
}

impl Records {
    fn in_words(&self) -> String {
        let what = match self.waiting {
            1 => "1 commit's record is".to_owned(),
            count => format!("{count} commits' records are"),
        };
        match &self.progress {
            _ if self.waiting == 0 => String::new(),
            Some(Progress { files, bytes, bytes_done, .. }) if *files > 0 => {
                let models = if *files == 1 { "model" } else { "models" };
                format!(
                    "{what} being completed: hashing {files} {models}, {} of {}\n",
                    size(*bytes_done),
                    size(*bytes)
                )
            }
            Some(_) => format!("{what} being completed\n"),
            None => format!("{what} not complete (git comfy record completes them)\n"),
        }
    }

    fn in_json(&self) -> serde_json::Value {
        let hashing = self.progress.as_ref().map(|progress| {
            json!({
                "files": progress.files,
                "filesDone": progress.files_done,
                "bytes": progress.bytes,
                "bytesDone": progress.bytes_done,
            })
        });
        json!({ "waiting": self.waiting, "hashing": hashing })
    }
}

fn in_words(status: &Status, records: &Records) -> String {
    let mut text = String::new();
    for damage in &status.damages {
        let what = damage.error.to_string();
        text += &format!(
            "{:<12}{}  ({})\n",
            "damaged",
            sanitize::line(&what),
            keeping::remedy(&damage.error)
        );
    }
    let is_blocked = status.damages.iter().any(|damage| damage.is_in_the_way);
    if is_blocked {
        text += "layouts cannot be kept until then, and `git add` fails\n";
    }
    for file in &status.files {
        text += &format!("{:<12}{}", word(file.change), sanitize::line(&file.path.to_string()));
        text += &match (file.change, file.staging) {
            _ if file.conflicts > 0 => {
                let path = typed_name(file.path.to_path());
                let count = merge_files::count(file.conflicts);
                format!("  ({count}; settle with `git comfy resolve {path}`)")
            }
            (Change::Layout, _) => "  (positions are kept; nothing to commit)".to_owned(),
            (Change::Conflicted, _) => "  (settle it, then git add)".to_owned(),
            (_, Staging::Staged) => "  (staged)".to_owned(),
            (_, Staging::Unstaged) if status.raw.iter().any(|raw| raw.path == file.path) => {
                "  (raw in git; committing it stores the clean form)".to_owned()
            }
            (_, Staging::Unstaged) => String::new(),
        };
        text.push('\n');
    }
    if status.files.is_empty() && !is_blocked {
        text += "all workflows are as they were committed\n";
    }
    let is_told = |raw: &&RawFile| status.files.iter().any(|file| file.path == raw.path);
    let mut quiet = status.raw.iter().filter(|raw| !is_told(raw)).peekable();
    if quiet.peek().is_some() {
        let mut lines = String::new();
        for file in quiet {
            let path = sanitize::line(&file.path.to_string()).into_owned();
            let by = raw_words::by(file);
            lines += &format!("{:<12}{path}  (committed without git-comfy{by})\n", "raw");
        }
        text += &format!("{lines}raw files: {}\n", raw_words::FATE);
    }
    match status.pending_layouts {
        0 => {}
        1 => text += "1 layout waits for its commit\n",
        count => text += &format!("{count} layouts wait for their commits\n"),
    }
    text + &records.in_words()
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

fn in_json(status: &Status, records: &Records) -> String {
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
        let staged = file.staging == Staging::Staged;
        json!({ "path": path, "change": change, "staged": staged, "conflicts": file.conflicts })
    };
    let files: Vec<_> = status.files.iter().map(file).collect();
    let damage = |damage: &Obstacle| {
        json!({
            "what": damage.error.to_string(),
            "mend": keeping::remedy(&damage.error),
            "inTheWay": damage.is_in_the_way,
        })
    };
    let told = json!({
        "schema": 1,
        "files": files,
        "raw": status.raw.iter().map(raw_words::in_json).collect::<Vec<_>>(),
        "damaged": status.damages.iter().map(damage).collect::<Vec<_>>(),
        "pendingLayouts": status.pending_layouts,
        "records": records.in_json(),
    });
    format!("{told}\n")
}
