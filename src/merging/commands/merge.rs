//! `git comfy merge`: merges three files without git, previews the merge of a branch, and
//! explains the last merge.

use std::path::PathBuf;

use comfy_graph::merge::{CardVisibility, SideLabels};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts::Handling;
use crate::merging::describe;
use crate::merging::merge_files::{self, FileMergeContext, MergeInputs};
use crate::merging::merge_preview::{self, FileToMerge};
use crate::merging::{merge_journal, merge_layouts};
use crate::platform::file_argument;
use crate::platform::git::shell::quote_path;
use crate::platform::git::{RefName, Repository};
use crate::platform::text::sanitize;
use crate::session::Session;

/// Merge three files, preview a merge, or explain the last one.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
  git comfy merge base.json mine.json theirs.json -o merged.json
  git comfy merge --preview their-branch       what `git merge their-branch` would do
  git comfy merge --explain                    every decision of the last merge, and why
  git comfy merge --explain portrait.json      of the last merge of that file

To merge branches use `git merge`. Leaves with 1 when there are conflicts.")]
pub struct MergeArgs {
    /// BASE OURS THEIRS: the common ancestor and both sides.
    #[arg(value_name = "FILE", num_args = 0..=3)]
    pub files: Vec<PathBuf>,
    /// Where the result goes; standard output if not given.
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["preview", "explain"])]
    pub output: Option<PathBuf>,
    /// Tell what a merge of that branch or commit would do. Touches nothing.
    #[arg(long, value_name = "REV", conflicts_with_all = ["explain", "files"])]
    pub preview: Option<String>,
    /// Tell every decision of the last merge, and why.
    #[arg(long)]
    pub explain: bool,
}

pub fn run(args: &MergeArgs, session: &Session) -> Result<Exit> {
    if let Some(revision) = &args.preview {
        return print_preview(session, revision);
    }
    match (args.explain, args.files.as_slice()) {
        (true, []) => explain_last_merge(session, None),
        (true, [file]) => explain_last_merge(session, Some(file)),
        (false, [base, ours, theirs]) => merge_three_files(args, session, [base, ours, theirs]),
        (true, _) => Err(CommandError::user("--explain takes one file at most")),
        (false, _) => Err(CommandError::user("three files are needed: BASE OURS THEIRS")
            .with_hint(
                "branches are merged by `git merge`; `--preview BRANCH` tells what it would do",
            )),
    }
}

fn merge_three_files(
    args: &MergeArgs,
    session: &Session,
    [base, ours, theirs]: [&PathBuf; 3],
) -> Result<Exit> {
    let inputs = MergeInputs::read(base, ours, theirs)?;
    let repository = session.repository().ok();
    let strategies = merge_files::load_strategies(session, repository.as_ref());
    // Where a file lies on this machine is nobody's business in what may be shared.
    let name = |file: &PathBuf| {
        file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
    };
    let labels = SideLabels { ours: Some(name(ours)), theirs: Some(name(theirs)) };
    let Some(documents) = inputs.parse() else {
        return merge_doubtful_json(
            args,
            session,
            &inputs,
            [&name(ours), &name(base), &name(theirs)],
        );
    };
    let context = FileMergeContext {
        repository: repository.as_ref(),
        handling: Handling::Off,
        labels,
        cards: CardVisibility::Shown,
        strategies: &strategies,
    };
    let product = merge_files::merge_documents(&inputs, documents, &context);
    let content = match &product.content {
        Some(content) => merge_files::keep_formatting(session, &inputs, &product, content),
        None => {
            let labels = [name(ours), name(base), name(theirs)];
            let labels = labels.each_ref().map(String::as_str);
            merge_files::content_with_markers(session, &inputs, &product.merged, labels, None)?
        }
    };
    match &args.output {
        Some(file) => file_argument::replace_file(file, &content)?,
        None => session.ui.print_bytes(&content)?,
    }
    let told = args.output.as_ref().unwrap_or(ours);
    let way_out = match (&args.output, &product.content) {
        (_, None) => "it has conflict markers".to_owned(),
        (Some(file), _) => {
            let file = quote_path(file);
            format!("it holds ours; `git comfy resolve {file}` settles them")
        }
        (None, _) => "the result holds ours".to_owned(),
    };
    merge_files::report_merge(session, &told.to_string_lossy(), &product.merged, &way_out);
    Ok(if product.merged.conflicts.is_empty() { Exit::Done } else { Exit::Conflicts })
}

/// JSON with a key twice in one object says nothing that everybody reads alike: its lines are
/// merged, and where they meet is a conflict.
fn merge_doubtful_json(
    args: &MergeArgs,
    session: &Session,
    inputs: &MergeInputs,
    labels: [&str; 3],
) -> Result<Exit> {
    let is_json = |text: &[u8]| comfy_graph::json::parse_lenient(text).is_ok();
    if ![&inputs.ours, &inputs.theirs].into_iter().all(|side| is_json(side)) {
        return Err(CommandError::user("one of the sides is no JSON")
            .with_hint("`git merge-file` merges other texts"));
    }
    let merged = merge_files::merge_texts(session, inputs, labels, None)?;
    match &args.output {
        Some(file) => file_argument::replace_file(file, &merged.content)?,
        None => session.ui.print_bytes(&merged.content)?,
    }
    session.ui.warn("a side has a key twice in one object: the lines were merged, as git does");
    Ok(if merged.conflicts { Exit::Conflicts } else { Exit::Done })
}

fn print_preview(session: &Session, revision: &str) -> Result<Exit> {
    let repository = session.repository()?;
    let shown = sanitize::line(revision).into_owned();
    let preview = merge_preview::preview_merge(&repository, revision)?.ok_or_else(|| {
        CommandError::user(format!("there is no commit {shown} that could be merged here"))
            .with_hint("`git branch --all` lists branches")
    })?;
    if preview.ancestors > 1 {
        session.ui.info(
            "the branches have several common ancestors; git joins them first, so the merge \
             itself can come out differently",
        );
    }
    for path in &preview.only_theirs {
        session
            .ui
            .print(&format!("{}: taken from {shown}\n", sanitize::line(&path.to_string())))?;
    }
    let mut any = false;
    for file in &preview.both {
        any |= print_file_preview(session, &repository, file, revision)?;
    }
    if preview.both.is_empty() && preview.only_theirs.is_empty() {
        session.ui.report(&format!("no workflow would change by merging {shown}"))?;
        let tracking = RefName::new(format!("refs/remotes/{revision}"));
        if repository.reference(&tracking)?.is_some() {
            session.ui.info(&format!(
                "that is {shown} as it was fetched last; `git fetch` brings what is new there"
            ));
        }
    }
    Ok(if any { Exit::Conflicts } else { Exit::Done })
}

/// Prints what a merge would do to one file; returns whether it would have conflicts.
fn print_file_preview(
    session: &Session,
    repository: &Repository,
    file: &FileToMerge,
    revision: &str,
) -> Result<bool> {
    let name = sanitize::line(&file.path.to_string()).into_owned();
    let (Some(ours), Some(theirs)) = (&file.ours, &file.theirs) else {
        let side = if file.ours.is_none() { "ours" } else { "theirs" };
        session
            .ui
            .print(&format!("{name}: removed by {side}, changed by the other: a conflict\n"))?;
        return Ok(true);
    };
    let base = file.base.clone().unwrap_or_default();
    let inputs = MergeInputs { base, ours: ours.clone(), theirs: theirs.clone() };
    let Some(documents) = inputs.parse() else {
        session.ui.print(&format!("{name}: no workflow; git merges its lines\n"))?;
        return Ok(false);
    };
    let strategies = merge_files::load_strategies(session, Some(repository));
    let context = FileMergeContext {
        repository: Some(repository),
        handling: merge_layouts::layout_handling(repository, &file.path).0,
        labels: SideLabels { ours: None, theirs: Some(revision.to_owned()) },
        cards: CardVisibility::Shown,
        strategies: &strategies,
    };
    let product = merge_files::merge_documents(&inputs, documents, &context);
    let merged = &product.merged;
    let outcome = match merged.conflicts.len() {
        0 => "merges by itself".to_owned(),
        count => merge_files::describe_count(count),
    };
    let mut text = format!("{name}: {outcome}\n");
    for line in describe::notable_decisions(merged) {
        text += &format!("  {line}\n");
    }
    for line in describe::conflict_lines(merged) {
        text += &format!("  conflict: {line}\n");
    }
    session.ui.print(&text)?;
    Ok(!merged.conflicts.is_empty())
}

/// Lines of the journal with the same labels belong to one merge if they are at most so far
/// apart, in milliseconds.
const SAME_MERGE_MILLISECONDS: u64 = 60_000;

fn explain_last_merge(session: &Session, file: Option<&PathBuf>) -> Result<Exit> {
    let repository = session.repository()?;
    let wanted = match file {
        None => None,
        Some(file) => {
            let file = session.cwd.join(file);
            let path = repository.path_of(&file).ok_or_else(|| {
                let name = file.to_string_lossy();
                CommandError::user(format!("{} is not in this repository", sanitize::line(&name)))
            })?;
            Some(path.to_string())
        }
    };
    let journal = merge_journal::read_journal(&repository);
    let mut told: Vec<String> = Vec::new();
    let mut last: Option<describe::MergeJournalHeader> = None;
    for line in journal.iter().rev() {
        let Some(about) = describe::parse_journal_header(line) else { continue };
        if wanted.as_ref().is_some_and(|path| *path != about.path) {
            continue;
        }
        if let Some(last) = &last {
            let same = about.ours == last.ours && about.theirs == last.theirs;
            if wanted.is_some()
                || !same
                || last.at.saturating_sub(about.at) > SAME_MERGE_MILLISECONDS
            {
                break;
            }
        }
        told.extend(describe::explain_journal_line(line));
        last = Some(about);
    }
    if told.is_empty() {
        session.ui.report("no merge of workflows is known here")?;
        return Ok(Exit::Done);
    }
    told.reverse();
    session.ui.print(&told.join("\n"))?;
    Ok(Exit::Done)
}
