//! `git comfy log`: a short line for each commit and workflow that it changed.

use anstyle::AnsiColor;
use comfy_graph::catalog::Catalog;
use serde_json::json;

use crate::differences::changed_files::{FileChange, FileChangeKind, FileVersion, GitLog};
use crate::differences::content::{self, FileContent};
use crate::differences::graph_diff::compare_contents;
use crate::differences::operands::{self, OperandKind};
use crate::differences::text::diff_description::DiffDescription;
use crate::differences::text::{LayoutDetail, one_line_summary};
use crate::error::Result;
use crate::exit::Exit;
use crate::platform::git::{Commit, CommitId, Repository, commit_text};
use crate::platform::machine::node_catalog;
use crate::platform::text::plural::counted;
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::ui::OutputPipe;

const EXAMPLES: &str = "\
Examples:
  git comfy log                       all workflows, newest change first
  git comfy log portrait.json         one file, through all its renames
  git comfy log -n 5 main..sketch     the last five changes of a branch
  git comfy log --since yesterday     what did I do today?";

/// Tell the history of workflows, a short line for each change.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct LogArgs {
    /// Revisions and ranges to start from, files and folders to tell of.
    #[arg(value_name = "WHAT")]
    what: Vec<String>,
    /// Only these files and folders.
    #[arg(last = true, value_name = "PATHS")]
    paths: Vec<String>,
    /// Only so many lines.
    #[arg(short = 'n', long, value_name = "NUMBER")]
    max_count: Option<usize>,
    /// Only what is newer: `2026-11-01`, `yesterday`, `2 weeks ago`.
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Only what is older.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// From all branches and tags.
    #[arg(long)]
    all: bool,
    /// Oldest first.
    #[arg(long)]
    reverse: bool,
    /// One JSON object a line, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// The width of a summary in JSON, where no terminal limits it.
const MAX_JSON_COLUMNS: usize = 4000;

/// A change of a workflow in a commit.
struct WorkflowLogLine<'r> {
    id: CommitId,
    commit: &'r Commit,
    change: &'r FileChange,
    description: DiffDescription,
}

pub fn run(args: &LogArgs, session: &Session) -> Result<Exit> {
    let repository = session.up_to_date_repository()?;
    let (arguments, paths) = log_arguments(args, session)?;
    if repository.head()?.is_none() && !args.all {
        session.ui.info("nothing is committed yet");
        return Ok(Exit::Done);
    }
    let catalog = node_catalog::load_catalog(&repository);
    let mut screen = Screen::open(session, &args.screen, "log");
    let one_file = matches!(paths.as_slice(), [path] if !session.cwd.join(path).is_dir());
    let mut left = args.max_count.unwrap_or(usize::MAX);
    for found in GitLog::start(&session.cwd, &arguments)? {
        let found = found.map_err(operands::git_failure)?;
        let Some(commit) = repository.commit(found.commit)? else { continue };
        for change in &found.files {
            if left == 0 {
                return Ok(Exit::Done);
            }
            // Reading every file of the history would take long.
            if !one_file && !change.path().is_json() {
                continue;
            }
            let Some(description) = describe_change(&repository, change, &catalog)? else {
                continue;
            };
            left -= 1;
            let line = WorkflowLogLine { id: found.commit, commit: &commit, change, description };
            let text = if args.json { line.to_json() } else { line.render(&screen, one_file) };
            if screen.write(text.as_bytes())? == OutputPipe::Closed {
                return Ok(Exit::Done);
            }
        }
    }
    Ok(Exit::Done)
}

/// The arguments for `git log`, and the paths among them.
fn log_arguments(args: &LogArgs, session: &Session) -> Result<(Vec<String>, Vec<String>)> {
    let mut revisions = Vec::new();
    let mut paths = args.paths.clone();
    for word in &args.what {
        match operands::classify_operand(session, word)? {
            OperandKind::Revision(_) => revisions.push(word.clone()),
            OperandKind::Other if word.contains("..") && !session.cwd.join(word).exists() => {
                revisions.push(word.clone());
            }
            // Also a file that was deleted since.
            _ => paths.push(word.clone()),
        }
    }
    let mut all = vec!["--find-renames".to_owned()];
    let flags = [(args.all, "--all"), (args.reverse, "--reverse")];
    all.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag.to_owned()));
    all.extend(args.since.iter().map(|date| format!("--since={date}")));
    all.extend(args.until.iter().map(|date| format!("--until={date}")));
    // git turns its walk around only once it has seen all of it, and forgets renames then.
    if let [path] = paths.as_slice()
        && !session.cwd.join(path).is_dir()
    {
        all.push("--follow".to_owned());
    }
    all.extend(revisions);
    all.push("--".to_owned());
    all.extend(paths.iter().cloned());
    Ok((all, paths))
}

/// How a workflow changed; `None` if the file is none.
fn describe_change(
    repository: &Repository,
    change: &FileChange,
    catalog: &Catalog,
) -> Result<Option<DiffDescription>> {
    let content = |version: &Option<FileVersion>| -> Result<FileContent> {
        match version {
            Some(version) if version.is_file() => {
                Ok(content::parse_content(operands::read_version(repository, version)?))
            }
            _ => Ok(FileContent::ABSENT),
        }
    };
    let Some(compared) =
        compare_contents(content(&change.before)?, content(&change.after)?, catalog)
    else {
        return Ok(None);
    };
    Ok(Some(compared.describe(LayoutDetail::Counted)))
}

impl WorkflowLogLine<'_> {
    fn render(&self, screen: &Screen, one_file: bool) -> String {
        let head = commit_text::format_commit(self.id, self.commit);
        let name = self.path_label(one_file);
        let used = head.chars().count() + 2 + name.chars().count();
        let room = screen.width.saturating_sub(used).max(30);
        let told = self.summary(room);
        let (id, date) = head.split_once(' ').unwrap_or((&head, ""));
        let id = screen.colour.paint(AnsiColor::Yellow.on_default(), id);
        let name = screen.colour.paint(AnsiColor::Cyan.on_default(), &name);
        format!("{id} {date}  {name}{told}\n")
    }

    fn summary(&self, columns: usize) -> String {
        let line = one_line_summary(&self.description, columns);
        match self.change.kind {
            FileChangeKind::Added => {
                format!(
                    "new workflow: {}",
                    counted(self.description.count_added_nodes(), "node", "nodes")
                )
            }
            FileChangeKind::Deleted => "deleted".to_owned(),
            FileChangeKind::Renamed if line.is_empty() => "renamed".to_owned(),
            FileChangeKind::Copied if line.is_empty() => "copied".to_owned(),
            _ if line.is_empty() => "the same workflow".to_owned(),
            _ => line,
        }
    }

    fn path_label(&self, one_file: bool) -> String {
        let renamed = match (self.change.kind, &self.change.before) {
            (FileChangeKind::Renamed, Some(before)) => Some(format!("{} => ", before.path)),
            (FileChangeKind::Copied, Some(before)) => Some(format!("copy of {} => ", before.path)),
            _ => None,
        };
        match (renamed, one_file) {
            (None, true) => String::new(),
            (renamed, _) => {
                format!("{}{}: ", renamed.unwrap_or_default(), self.change.path())
            }
        }
    }

    fn to_json(&self) -> String {
        let author = &self.commit.author;
        let path = |version: &Option<FileVersion>| {
            version.as_ref().map(|v| String::from_utf8_lossy(v.path.as_bytes()).into_owned())
        };
        let told = json!({
            "commit": self.id.to_string(),
            "date": commit_text::format_time(author),
            "author": author.name,
            "subject": self.commit.subject(),
            "how": self.change.kind.as_str(),
            "before": path(&self.change.before),
            "after": path(&self.change.after),
            "told": self.summary(MAX_JSON_COLUMNS),
        });
        format!("{told}\n")
    }
}
