//! `git comfy show`: what a commit was made with, or a workflow as text.

use serde_json::json;

use crate::differences::workflow_summary;
use crate::differences::workflow_summary::Extent;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git;
use crate::platform::git::shell::typed_name;
use crate::platform::git::{CommitId, Order, Repository, Walk, changes};
use crate::platform::text::{Colour, sanitize};
use crate::records;
use crate::records::commands::record::workflows;
use crate::records::describe::{Detail, Viewer, show};
use crate::records::recorder_state::Desk;
use crate::records::{Record, notes};
use crate::runs::after;
use crate::screen::ScreenArgs;
use crate::session::Session;

/// Show what a commit was made with: models, node packs, ComfyUI; or a file as text.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The record of a commit is a git note: `git notes --ref=comfy show REV` prints it as it is \
stored, `git log --notes=comfy` shows it with each commit. docs/record-schema.md describes it.")]
pub struct Args {
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
const LOOK_BACK: usize = 1000;

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    if let Some(what) = &args.what
        && workflow_summary::names_file(session, what)?
    {
        return text(args, what, session);
    }
    let revision = args.what.as_deref().unwrap_or("HEAD");
    let repository = session.repository_in_step()?;
    let Some(commit) = repository.resolve_commit(revision)? else {
        return Err(Failure::new(format!("{revision:?} is no commit and no file"))
            .hint("git log --oneline shows the commits there are"));
    };
    let told = Told::of(&repository, commit)?;
    if args.json {
        let runs = after::values_of_commit(session, commit)?;
        session.ui.out(&sanitize::json(&told.in_json(&runs)))?;
    } else {
        session.ui.out(&told.in_words(&repository, args)?)?;
        session.ui.out(&after::of_commit(session, commit)?)?;
    }
    Ok(Exit::Done)
}

fn text(args: &Args, what: &str, session: &Session) -> Result<Exit> {
    if args.json {
        return Err(Failure::new(format!("{what} is a file; --json shows records of commits"))
            .hint(format!(
                "git comfy inspect --json {} tells what is embedded in a file",
                typed_name(what)
            )));
    }
    let extent = if args.full { Extent::Everything } else { Extent::Story };
    workflow_summary::tell_workflow(session, what, extent, &args.screen)?;
    Ok(Exit::Done)
}

/// A commit and what is recorded of it.
struct Told {
    commit: CommitId,
    subject: String,
    /// Workflows the commit touches.
    touched: usize,
    record: Option<Record>,
    /// Why the note cannot be shown, or not all of it.
    trouble: Option<String>,
}

impl Told {
    fn of(repository: &Repository, commit: CommitId) -> Result<Told> {
        let subject = repository.commit(commit)?.map(|c| c.subject()).unwrap_or_default();
        let touched = workflows(repository, commit)?;
        let mut told =
            Told { commit, subject, touched: touched.len(), record: None, trouble: None };
        let Some(note) = notes::read(repository, commit)? else { return Ok(told) };
        match records::parse(&note) {
            Ok(parsed) => {
                told.record = parsed.record;
                if parsed.damaged {
                    let part =
                        if told.record.is_some() { "a part of its note" } else { "its note" };
                    told.trouble = Some(format!("{part} is no record"));
                }
            }
            Err(error) => told.trouble = Some(error.to_string()),
        }
        if let Some(record) = &mut told.record {
            record.summary = records::summary(record);
            let all = record.workflows.len();
            record.retain(|path| changes::blob_at(&touched, path));
            if record.workflows.len() < all {
                let text = "a part of its record is about other files; \
                            `git comfy record --reattach` repairs it";
                told.trouble = Some(text.to_owned());
            }
        }
        Ok(told)
    }

    fn in_words(&self, repository: &Repository, args: &Args) -> Result<String> {
        let id = self.commit.to_string();
        let short = &id[..id.len().min(10)];
        let style = anstyle::AnsiColor::Yellow.on_default();
        let mut text = format!("{style}{short}{style:#} {}\n", sanitize::line(&self.subject));
        if let Some(trouble) = &self.trouble {
            text += &format!("{}\n", sanitize::line(trouble));
        }
        match &self.record {
            Some(record) => {
                let machine = Desk::within(&repository.state_dir()).machine();
                let detail = if args.full { Detail::Full } else { Detail::Short };
                text += &show(record, Viewer { machine: &machine, detail, colour: Colour::On });
            }
            None if self.touched == 0 => {
                text += "touches no workflow\n";
                if let Some(other) = last_with_workflows(repository, self.commit)? {
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

    fn in_json(&self, runs: &[serde_json::Value]) -> String {
        let told = json!({
            "schema": 1,
            "commit": self.commit.to_string(),
            "subject": self.subject,
            "touches": self.touched,
            "record": self.record,
            "trouble": self.trouble,
            "runs": runs,
        });
        format!("{told:#}\n")
    }
}

/// The nearest commit before this one that touches workflows.
fn last_with_workflows(repository: &Repository, commit: CommitId) -> git::Result<Option<CommitId>> {
    let walk = Walk { from: vec![commit], without: Vec::new(), order: Order::Newest };
    for earlier in repository.walk(&walk)?.take(LOOK_BACK) {
        let earlier = earlier?;
        if !workflows(repository, earlier)?.is_empty() {
            return Ok(Some(earlier));
        }
    }
    Ok(None)
}
