//! `git comfy check`: for CI: does everything that is committed lie in its clean form?

use serde_json::json;

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::layouts::raw_words;
use crate::merging::merge_files;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::setup::check::{self, Checked, Report};

/// Name workflows that were committed without git-comfy, or with conflicts in them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Leaves with 0 when every workflow is in its clean form and free of conflicts, and with 1 when \
some are not. Needs \
nothing but a clone: use it in CI. The schema of --json is in docs/doctor.md.")]
pub struct Args {
    /// The commit to look at.
    #[arg(value_name = "REV", default_value = "HEAD")]
    pub revision: String,
    /// Look at what is staged instead.
    #[arg(long, conflicts_with = "revision")]
    pub staged: bool,
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let what = if args.staged { Checked::Staged } else { Checked::Commit(args.revision.clone()) };
    if let Checked::Commit(name) = &what
        && repository.resolve_commit(name)?.is_none()
    {
        return Err(Failure::new(format!("there is no commit {name}"))
            .hint("`git comfy check --staged` looks at what the next commit would hold"));
    }
    let report = check::check(&repository, &what)?;
    session.ui.out(&if args.json { in_json(&report) } else { in_words(&report) })?;
    if !report.unclean.is_empty() && !args.json {
        session.ui.say(&format!("such files are raw: {}", raw_words::FATE));
        session.ui.say("mend: git comfy init --renormalize, then commit");
    }
    if !report.conflicted.is_empty() && !args.json {
        session.ui.say("settle conflicts: git comfy resolve FILE, then commit");
    }
    let good = report.unclean.is_empty() && report.conflicted.is_empty();
    Ok(if good { Exit::Done } else { Exit::Found })
}

fn in_words(report: &Report) -> String {
    let mut text = String::new();
    for unclean in &report.unclean {
        let path = sanitize::line(&unclean.path.to_string()).into_owned();
        text += &match raw_words::by(unclean) {
            by if by.is_empty() => format!("not clean: {path}\n"),
            by => format!("not clean: {path} (committed{by})\n"),
        };
    }
    for unready in &report.conflicted {
        let path = sanitize::line(&unready.path.to_string()).into_owned();
        text += &format!("not settled: {path} ({})\n", merge_files::count(unready.conflicts));
    }
    if report.unclean.is_empty() && report.conflicted.is_empty() {
        text += &format!("{} files looked at, every workflow is clean\n", report.looked_at);
    }
    text
}

fn in_json(report: &Report) -> String {
    let unclean: Vec<_> = report.unclean.iter().map(raw_words::in_json).collect();
    let conflicted: Vec<_> = report
        .conflicted
        .iter()
        .map(|file| json!({ "path": file.path.to_string(), "conflicts": file.conflicts }))
        .collect();
    let report = json!({
        "schema": 1,
        "revision": report.commit.map(|id| id.to_string()),
        "checked": report.looked_at,
        "unclean": unclean,
        "conflicted": conflicted,
    });
    format!("{report:#}\n")
}
