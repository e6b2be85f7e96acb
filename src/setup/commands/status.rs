//! `git comfy status`: the work tree in the words of workflows.

use serde_json::json;

use crate::differences::lost_graph::{LostGraph, find_lost_graphs};
use crate::error::Result;
use crate::exit::Exit;
use crate::layouts;
use crate::layouts::raw_files::RawFile;
use crate::layouts::storage_check::Obstacle;
use crate::layouts::{
    FileStatus, Staging, WorkTreeStatus, WorkflowChange, describe_raw, storage_check,
};
use crate::merging::merge_files;
use crate::platform::git::shell::quote_path;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::records::describe::format_size;
use crate::records::recorder_state::{RecorderProgress, RecorderState};
use crate::session::Session;

/// Tell which workflows changed, and which only had nodes moved.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

/// Looks and tells.
pub(crate) fn run(args: &StatusArgs, session: &Session) -> Result<Exit> {
    let repository = session.up_to_date_repository()?;
    let status = layouts::work_tree_status(&repository)?;
    let recorder_state = RecorderState::new(&repository.state_dir());
    let records = RecorderStatus {
        waiting: recorder_state.pending().len(),
        progress: recorder_state.progress(),
    };
    let lost = find_lost_graphs(&repository, &session.cwd, &["HEAD"]);
    let text = match args.json {
        true => render_json(&status, &records, &lost),
        false => render_text(&status, &records, &lost),
    };
    session.ui.print(&text)?;
    Ok(Exit::Done)
}

/// How far the recorder is.
struct RecorderStatus {
    /// Commits whose record is not complete.
    waiting: usize,
    /// What the process that completes them is doing; none runs where there is none.
    progress: Option<RecorderProgress>,
}

impl RecorderStatus {
    fn render_text(&self) -> String {
        let what = counted(self.waiting, "commit's record is", "commits' records are");
        match &self.progress {
            _ if self.waiting == 0 => String::new(),
            Some(RecorderProgress { files, bytes, bytes_done, .. }) if *files > 0 => {
                format!(
                    "{what} being completed: hashing {}, {} of {}\n",
                    counted(*files, "model", "models"),
                    format_size(*bytes_done),
                    format_size(*bytes)
                )
            }
            Some(_) => format!("{what} being completed\n"),
            None => format!("{what} not complete (git comfy record completes them)\n"),
        }
    }

    fn to_json(&self) -> serde_json::Value {
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

fn render_text(status: &WorkTreeStatus, records: &RecorderStatus, lost: &[LostGraph]) -> String {
    let mut text = String::new();
    for damage in &status.damages {
        let what = damage.error.to_string();
        text += &format!(
            "{:<12}{}  ({})\n",
            "damaged",
            sanitize::line(&what),
            storage_check::remedy(&damage.error)
        );
    }
    let is_blocked = status.damages.iter().any(|damage| damage.is_in_the_way);
    if is_blocked {
        text += "layouts cannot be kept until then, and `git add` fails\n";
    }
    for file in &status.files {
        text +=
            &format!("{:<12}{}", change_name(file.change), sanitize::line(&file.path.to_string()));
        if let Some(lost) = lost.iter().find(|lost| lost.path == file.path) {
            text += &format!("  (! {})\n", lost.sentence);
            continue;
        }
        text += &match (file.change, file.staging) {
            _ if file.conflicts > 0 => {
                let path = quote_path(file.path.to_path());
                let count = merge_files::describe_count(file.conflicts);
                format!("  ({count}; settle with `git comfy resolve {path}`)")
            }
            (WorkflowChange::Layout, _) => "  (positions are kept; nothing to commit)".to_owned(),
            (WorkflowChange::Conflicted, _) => "  (settle it, then git add)".to_owned(),
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
            let by = describe_raw::author_suffix(file);
            lines += &format!("{:<12}{path}  (committed without git-comfy{by})\n", "raw");
        }
        text += &format!("{lines}raw files: {}\n", describe_raw::RAW_EXPLANATION);
    }
    match status.pending_layouts {
        0 => {}
        count => {
            let waiting =
                counted(count, "layout waits for its commit", "layouts wait for their commits");
            text += &format!("{waiting}\n");
        }
    }
    text + &records.render_text()
}

fn change_name(change: WorkflowChange) -> &'static str {
    match change {
        WorkflowChange::Conflicted => "conflict",
        WorkflowChange::Content => "changed",
        WorkflowChange::New => "new",
        WorkflowChange::Deleted => "deleted",
        WorkflowChange::Renamed => "renamed",
        WorkflowChange::Layout => "moved nodes",
    }
}

fn render_json(status: &WorkTreeStatus, records: &RecorderStatus, lost: &[LostGraph]) -> String {
    let file = |file: &FileStatus| {
        let change = match file.change {
            WorkflowChange::Conflicted => "conflict",
            WorkflowChange::Content => "content",
            WorkflowChange::New => "new",
            WorkflowChange::Deleted => "deleted",
            WorkflowChange::Renamed => "renamed",
            WorkflowChange::Layout => "layout",
        };
        let path = String::from_utf8_lossy(file.path.as_bytes());
        let staged = file.staging == Staging::Staged;
        let lost = lost.iter().find(|lost| lost.path == file.path);
        json!({
            "path": path,
            "change": change,
            "staged": staged,
            "conflicts": file.conflicts,
            "lost": lost.map(|lost| lost.sentence.as_str()),
        })
    };
    let files: Vec<_> = status.files.iter().map(file).collect();
    let damage = |damage: &Obstacle| {
        json!({
            "what": damage.error.to_string(),
            "mend": storage_check::remedy(&damage.error),
            "inTheWay": damage.is_in_the_way,
        })
    };
    let report = json!({
        "schema": 1,
        "files": files,
        "raw": status.raw.iter().map(describe_raw::raw_file_to_json).collect::<Vec<_>>(),
        "damaged": status.damages.iter().map(damage).collect::<Vec<_>>(),
        "pendingLayouts": status.pending_layouts,
        "records": records.to_json(),
    });
    format!("{report}\n")
}
