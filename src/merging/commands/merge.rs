//! `git comfy merge`: merges three files without git, previews the merge of a branch, and
//! explains the last merge.

use std::path::PathBuf;

use comfy_graph::merge::{Cards, Labels};

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::layouts::Handling;
use crate::merging::driver::{self, Meeting};
use crate::merging::merge_files::{self, Frame, Inputs};
use crate::merging::text;
use crate::platform::git::Repository;
use crate::platform::git::shell::typed_name;
use crate::platform::machine::write_file;
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
pub struct Args {
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

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    if let Some(revision) = &args.preview {
        return preview(session, revision);
    }
    match (args.explain, args.files.as_slice()) {
        (true, []) => explain(session, None),
        (true, [file]) => explain(session, Some(file)),
        (false, [base, ours, theirs]) => files(args, session, [base, ours, theirs]),
        (true, _) => Err(Failure::new("--explain takes one file at most")),
        (false, _) => Err(Failure::new("three files are needed: BASE OURS THEIRS")
            .hint("branches are merged by `git merge`; `--preview BRANCH` tells what it would do")),
    }
}

fn files(args: &Args, session: &Session, [base, ours, theirs]: [&PathBuf; 3]) -> Result<Exit> {
    let inputs = Inputs::read(base, ours, theirs)?;
    let repository = session.repository().ok();
    let strategies = merge_files::strategies(session, repository.as_ref());
    let name = |file: &PathBuf| file.to_string_lossy().into_owned();
    let labels = Labels { ours: Some(name(ours)), theirs: Some(name(theirs)) };
    let Some(documents) = inputs.documents() else {
        return Err(
            Failure::new("one of the sides is no JSON").hint("`git merge-file` merges other texts")
        );
    };
    let frame = Frame {
        repository: repository.as_ref(),
        handling: Handling::Off,
        labels,
        cards: Cards::Shown,
        strategies: &strategies,
    };
    let product = merge_files::merge(&inputs, documents, &frame);
    let content = match &product.content {
        Some(content) => merge_files::in_old_looks(session, &inputs, &product, content),
        None => {
            let texts = merge_files::contested_texts(&inputs, &product.merged);
            let labels = [name(ours), name(base), name(theirs)];
            merge_files::merge_texts(session, &texts, labels.each_ref().map(String::as_str), None)?
                .content
        }
    };
    match &args.output {
        Some(file) => write_file::write(file, &content)?,
        None => session.ui.out_bytes(&content)?,
    }
    let told = args.output.as_ref().unwrap_or(ours);
    let way_out = match (&args.output, &product.content) {
        (_, None) => "it has conflict markers".to_owned(),
        (Some(file), _) => {
            let file = typed_name(file);
            format!("it holds ours; `git comfy resolve {file}` settles them")
        }
        (None, _) => "the result holds ours".to_owned(),
    };
    merge_files::tell(session, &told.to_string_lossy(), &product.merged, &way_out);
    Ok(if product.merged.conflicts.is_empty() { Exit::Done } else { Exit::Conflicts })
}

fn preview(session: &Session, revision: &str) -> Result<Exit> {
    let repository = session.repository()?;
    let shown = sanitize::line(revision).into_owned();
    let meetings = driver::meetings(&repository, revision)?.ok_or_else(|| {
        Failure::new(format!("there is no commit {shown} that could be merged here"))
            .hint("`git branch --all` lists branches")
    })?;
    if meetings.ancestors > 1 {
        session.ui.say(
            "the branches have several common ancestors; git joins them first, so the merge \
             itself can come out differently",
        );
    }
    for path in &meetings.only_theirs {
        session.ui.out(&format!("{}: taken from {shown}\n", sanitize::line(&path.to_string())))?;
    }
    let mut any = false;
    for meeting in &meetings.both {
        any |= one_meeting(session, &repository, meeting, revision)?;
    }
    if meetings.both.is_empty() && meetings.only_theirs.is_empty() {
        session.ui.tell(&format!("no workflow would change by merging {shown}"))?;
    }
    Ok(if any { Exit::Conflicts } else { Exit::Done })
}

/// Prints what a merge would do to one file; returns whether it would have conflicts.
fn one_meeting(
    session: &Session,
    repository: &Repository,
    meeting: &Meeting,
    revision: &str,
) -> Result<bool> {
    let name = sanitize::line(&meeting.path.to_string()).into_owned();
    let (Some(ours), Some(theirs)) = (&meeting.ours, &meeting.theirs) else {
        let side = if meeting.ours.is_none() { "ours" } else { "theirs" };
        session
            .ui
            .out(&format!("{name}: removed by {side}, changed by the other: a conflict\n"))?;
        return Ok(true);
    };
    let base = meeting.base.clone().unwrap_or_default();
    let inputs = Inputs { base, ours: ours.clone(), theirs: theirs.clone() };
    let Some(documents) = inputs.documents() else {
        session.ui.out(&format!("{name}: no workflow; git merges its lines\n"))?;
        return Ok(false);
    };
    let strategies = merge_files::strategies(session, Some(repository));
    let frame = Frame {
        repository: Some(repository),
        handling: driver::handling(repository, &meeting.path).0,
        labels: Labels { ours: None, theirs: Some(revision.to_owned()) },
        cards: Cards::Shown,
        strategies: &strategies,
    };
    let product = merge_files::merge(&inputs, documents, &frame);
    let merged = &product.merged;
    let outcome = match merged.conflicts.len() {
        0 => "merges by itself".to_owned(),
        count => merge_files::count(count),
    };
    let mut text = format!("{name}: {outcome}\n");
    for line in text::notable(merged) {
        text += &format!("  {line}\n");
    }
    for line in text::conflicts(merged) {
        text += &format!("  conflict: {line}\n");
    }
    session.ui.out(&text)?;
    Ok(!merged.conflicts.is_empty())
}

/// Lines of the journal with the same labels belong to one merge if they are at most so far
/// apart, in milliseconds.
const ONE_MERGE: u64 = 60_000;

fn explain(session: &Session, file: Option<&PathBuf>) -> Result<Exit> {
    let repository = session.repository()?;
    let wanted = match file {
        None => None,
        Some(file) => {
            let file = session.cwd.join(file);
            let path = repository.path_of(&file).ok_or_else(|| {
                let name = file.to_string_lossy();
                Failure::new(format!("{} is not in this repository", sanitize::line(&name)))
            })?;
            Some(path.to_string())
        }
    };
    let noted = driver::noted(&repository);
    let mut told: Vec<String> = Vec::new();
    let mut last: Option<text::About> = None;
    for line in noted.iter().rev() {
        let Some(about) = text::about(line) else { continue };
        if wanted.as_ref().is_some_and(|path| *path != about.path) {
            continue;
        }
        if let Some(last) = &last {
            let same = about.ours == last.ours && about.theirs == last.theirs;
            if wanted.is_some() || !same || last.at.saturating_sub(about.at) > ONE_MERGE {
                break;
            }
        }
        told.extend(text::explain(line));
        last = Some(about);
    }
    if told.is_empty() {
        session.ui.tell("no merge of workflows is known here")?;
        return Ok(Exit::Done);
    }
    told.reverse();
    session.ui.out(&told.join("\n"))?;
    Ok(Exit::Done)
}
