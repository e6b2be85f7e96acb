//! `git comfy show`: what a commit was made with, or a workflow as text.

use serde_json::json;

use crate::differences::show_workflow;
use crate::differences::show_workflow::SummaryDetail;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git;
use crate::platform::git::shell::quote_path;
use crate::platform::git::{CommitId, HistoryWalk, Repository, WalkOrder, changes};
use crate::platform::text::{Colour, sanitize};
use crate::records;
use crate::records::collect_record::touched_workflows;
use crate::records::describe::{DescribeOptions, DetailLevel, describe_record};
use crate::records::recorder_state::RecorderState;
use crate::records::{CommitRecord, record_notes};
use crate::runs::pick_up;
use crate::screen::ScreenArgs;
use crate::session::Session;

/// Show what a commit was made with: models, node packs, ComfyUI; or a file as text.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The record of a commit is a git note: `git notes --ref=comfy show REV` prints it as it is \
stored, `git log --notes=comfy` shows it with each commit. docs/record-schema.md describes it.")]
pub struct ShowArgs {
    /// A commit, or a workflow or picture (`FILE`, `REV:FILE`); none means HEAD.
    #[arg(value_name = "REV|FILE")]
    pub what: Option<String>,
    /// Show every hash and header field of each model; of a workflow every value.
    #[arg(long, conflicts_with = "json")]
    pub full: bool,
    /// For programs.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// How many commits are looked through for one that touches workflows.
const MAX_COMMITS: usize = 1000;

pub(crate) fn run(args: &ShowArgs, session: &Session) -> Result<Exit> {
    if let Some(what) = &args.what
        && show_workflow::is_file_operand(session, what)?
    {
        return show_file(args, what, session);
    }
    let revision = args.what.as_deref().unwrap_or("HEAD");
    let repository = session.up_to_date_repository()?;
    let Some(commit) = repository.resolve_commit(revision)? else {
        return Err(CommandError::user(format!("{revision:?} is no commit and no file"))
            .with_hint("git log --oneline shows the commits there are"));
    };
    let shown = RecordedCommit::load(&repository, commit)?;
    if args.json {
        let runs = pick_up::commit_runs_json(session, commit)?;
        session.ui.print(&sanitize::json(&shown.to_json(&runs)))?;
    } else {
        session.ui.print(&shown.describe(&repository, args)?)?;
        session.ui.print(&pick_up::describe_commit_runs(session, commit)?)?;
    }
    Ok(Exit::Done)
}

fn show_file(args: &ShowArgs, what: &str, session: &Session) -> Result<Exit> {
    if args.json {
        return Err(CommandError::user(format!(
            "{what} is a file; --json shows records of commits"
        ))
        .with_hint(format!(
            "git comfy inspect --json {} tells what is embedded in a file",
            quote_path(what)
        )));
    }
    let extent = if args.full { SummaryDetail::Full } else { SummaryDetail::Summary };
    show_workflow::show_workflow(session, what, extent, &args.screen)?;
    Ok(Exit::Done)
}

/// A commit and what is recorded of it.
struct RecordedCommit {
    commit: CommitId,
    subject: String,
    /// Workflows the commit touches.
    touched: usize,
    record: Option<CommitRecord>,
    /// Why the note cannot be shown, or not all of it.
    trouble: Option<String>,
}

impl RecordedCommit {
    fn load(repository: &Repository, commit: CommitId) -> Result<RecordedCommit> {
        let subject = repository.commit(commit)?.map(|c| c.subject()).unwrap_or_default();
        let touched = touched_workflows(repository, commit)?;
        let mut shown =
            RecordedCommit { commit, subject, touched: touched.len(), record: None, trouble: None };
        let Some(note) = record_notes::read_note(repository, commit)? else { return Ok(shown) };
        match records::parse_note(&note) {
            Ok(parsed) => {
                shown.record = parsed.record;
                if parsed.damaged {
                    let part =
                        if shown.record.is_some() { "a part of its note" } else { "its note" };
                    shown.trouble = Some(format!("{part} is no record"));
                }
            }
            Err(error) => shown.trouble = Some(error.to_string()),
        }
        if let Some(record) = &mut shown.record {
            record.summary = records::summarize_record(record);
            let all = record.workflows.len();
            record.retain(|path| changes::blob_at(&touched, path));
            if record.workflows.len() < all {
                let text = "a part of its record is about other files; \
                            `git comfy record --reattach` repairs it";
                shown.trouble = Some(text.to_owned());
            }
        }
        Ok(shown)
    }

    fn describe(&self, repository: &Repository, args: &ShowArgs) -> Result<String> {
        let id = self.commit.to_string();
        let short = &id[..id.len().min(10)];
        let style = anstyle::AnsiColor::Yellow.on_default();
        let mut text = format!("{style}{short}{style:#} {}\n", sanitize::line(&self.subject));
        if let Some(trouble) = &self.trouble {
            text += &format!("{}\n", sanitize::line(trouble));
        }
        match &self.record {
            Some(record) => {
                let machine = RecorderState::new(&repository.state_dir()).machine_id();
                let detail = if args.full { DetailLevel::Full } else { DetailLevel::Short };
                text += &describe_record(
                    record,
                    DescribeOptions { machine: &machine, detail, colour: Colour::On },
                );
            }
            None if self.touched == 0 => {
                text += "touches no workflow\n";
                if let Some(other) = last_commit_with_workflows(repository, self.commit)? {
                    let other = other.to_string();
                    text += &format!("the last that does: git comfy show {}\n", &other[..10]);
                }
            }
            None => {
                text += &format!(
                    "nothing is recorded of it; git comfy record {short} does it with what is on \
                     this machine now\n"
                );
            }
        }
        Ok(text)
    }

    fn to_json(&self, runs: &[serde_json::Value]) -> String {
        let shown = json!({
            "schema": 1,
            "commit": self.commit.to_string(),
            "subject": self.subject,
            "touches": self.touched,
            "record": self.record,
            "trouble": self.trouble,
            "runs": runs,
        });
        format!("{shown:#}\n")
    }
}

/// The nearest commit before this one that touches workflows.
fn last_commit_with_workflows(
    repository: &Repository,
    commit: CommitId,
) -> git::Result<Option<CommitId>> {
    let walk = HistoryWalk { from: vec![commit], exclude: Vec::new(), order: WalkOrder::Newest };
    for earlier in repository.walk_history(&walk)?.take(MAX_COMMITS) {
        let earlier = earlier?;
        if !touched_workflows(repository, earlier)?.is_empty() {
            return Ok(Some(earlier));
        }
    }
    Ok(None)
}
