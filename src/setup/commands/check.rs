//! `git comfy check`: for CI: does everything that is committed lie in its clean form?

use serde_json::json;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts::describe_raw;
use crate::merging::merge_files;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::setup::check_clean_form::{self, CheckReport, CheckTarget};

/// Name workflows that were committed without git-comfy, or with conflicts in them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Leaves with 0 when every workflow is in its clean form and free of conflicts, and with 1 when \
some are not. Needs \
nothing but a clone: use it in CI. The schema of --json is in docs/doctor.md.")]
pub struct CheckArgs {
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

pub(crate) fn run(args: &CheckArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let what =
        if args.staged { CheckTarget::Staged } else { CheckTarget::Commit(args.revision.clone()) };
    if let CheckTarget::Commit(name) = &what
        && repository.resolve_commit(name)?.is_none()
    {
        return Err(CommandError::user(format!("there is no commit {name}"))
            .with_hint("`git comfy check --staged` looks at what the next commit would hold"));
    }
    let report = check_clean_form::check_workflows(&repository, &what)?;
    session.ui.print(&if args.json { format_json(&report) } else { format_text(&report) })?;
    if !report.unclean.is_empty() && !args.json {
        session.ui.info(&format!("such files are raw: {}", describe_raw::RAW_EXPLANATION));
        session.ui.info("mend: git comfy init --renormalize, then commit");
    }
    if !report.conflicted.is_empty() && !args.json {
        session.ui.info("settle conflicts: git comfy resolve FILE, then commit");
    }
    let good = report.unclean.is_empty() && report.conflicted.is_empty();
    Ok(if good { Exit::Done } else { Exit::Negative })
}

fn format_text(report: &CheckReport) -> String {
    let mut text = String::new();
    for unclean in &report.unclean {
        let path = sanitize::line(&unclean.path.to_string()).into_owned();
        text += &match describe_raw::author_suffix(unclean) {
            by if by.is_empty() => format!("not clean: {path}\n"),
            by => format!("not clean: {path} (committed{by})\n"),
        };
    }
    for unready in &report.conflicted {
        let path = sanitize::line(&unready.path.to_string()).into_owned();
        text +=
            &format!("not settled: {path} ({})\n", merge_files::describe_count(unready.conflicts));
    }
    if report.unclean.is_empty() && report.conflicted.is_empty() {
        text += &format!("{} files looked at, every workflow is clean\n", report.looked_at);
    }
    text
}

fn format_json(report: &CheckReport) -> String {
    let unclean: Vec<_> = report.unclean.iter().map(describe_raw::raw_file_to_json).collect();
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
