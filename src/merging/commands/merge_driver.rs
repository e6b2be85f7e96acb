//! `git comfy merge-driver`: what git calls for a workflow that both sides changed.
//!
//! The exit code is a protocol: 0 merged, 1 conflicts, 129 and more: failed, git aborts.
//! The result replaces `%A` whole or not at all; standard output stays empty.

use std::path::PathBuf;

use comfy_graph::clean::PlaceTitles;
use comfy_graph::merge::{CardVisibility, SideLabels};

use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::Handling;
use crate::layouts::describe::{PlaceLabels, describe_moves};
use crate::merging::merge_files::{self, FileMergeContext, MergeInputs};
use crate::merging::merge_layouts::{
    IncomingSide, MergeContents, RawMoves, RawMovesFate, RawMovesSide,
};
use crate::merging::{describe, merge_journal, merge_layouts};
use crate::platform::file_argument;
use crate::platform::git::{RepoPath, Repository, shell};
use crate::platform::time::now_millis;
use crate::session::Session;

/// Merge one workflow three ways (git calls this).
#[derive(Debug, clap::Args)]
pub struct MergeDriverArgs {
    /// The common ancestor (%O).
    pub base: PathBuf,
    /// Our side, which the result replaces (%A).
    pub ours: PathBuf,
    /// Their side (%B).
    pub theirs: PathBuf,
    /// What the ancestor is called (%S).
    #[arg(short = 's', long, value_name = "LABEL", allow_hyphen_values = true)]
    pub ancestor_label: Option<String>,
    /// What our side is called (%X).
    #[arg(short = 'x', long, value_name = "LABEL", allow_hyphen_values = true)]
    pub our_label: Option<String>,
    /// What their side is called (%Y).
    #[arg(short = 'y', long, value_name = "LABEL", allow_hyphen_values = true)]
    pub their_label: Option<String>,
    /// The path of the file in the repository (%P).
    #[arg(short = 'p', long, value_name = "PATH", allow_hyphen_values = true)]
    pub path: Option<std::ffi::OsString>,
    /// The length of conflict markers (%L).
    #[arg(short = 'l', long, value_name = "SIZE")]
    pub marker_size: Option<String>,
    /// Make a common ancestor for a criss-cross merge, which no person sees.
    #[arg(long)]
    pub virtual_ancestor: bool,
}

pub fn run(args: &MergeDriverArgs, session: &Session) -> Result<Exit> {
    exit_above_128_on_panic();
    let inputs = MergeInputs::read(&args.base, &args.ours, &args.theirs)?;
    if session.environment.switched_off {
        return merge_as_text(args, session, &inputs);
    }
    let repository = session.repository().ok();
    let path = args.path.as_deref().map(|path| RepoPath::from_path(path.as_ref()));
    let (handling, limit) = match (&repository, &path) {
        (Some(repository), Some(path)) => merge_layouts::layout_handling(repository, path),
        _ => (Handling::Off, u64::MAX),
    };
    let longest = inputs.base.len().max(inputs.ours.len()).max(inputs.theirs.len());
    let documents = if longest as u64 <= limit { inputs.parse() } else { None };
    let Some(documents) = documents else { return merge_as_text(args, session, &inputs) };
    let strategies = merge_files::load_strategies(session, repository.as_ref());
    let labels =
        SideLabels { ours: clean_label(&args.our_label), theirs: clean_label(&args.their_label) };
    let cards =
        if is_virtual_ancestor(args) { CardVisibility::Hidden } else { CardVisibility::Shown };
    let context = FileMergeContext {
        repository: repository.as_ref(),
        handling,
        labels: labels.clone(),
        cards,
        strategies: &strategies,
    };
    let product = merge_files::merge_documents(&inputs, documents, &context);
    let name = match (&path, &args.path) {
        (Some(path), _) => path.to_string(),
        _ => args.ours.to_string_lossy().into_owned(),
    };
    let mut raw_moves = Vec::new();
    let exit = match &product.content {
        None => {
            let labels = marker_labels(args);
            let labels = labels.each_ref().map(String::as_str);
            let (merged, size) = (&product.merged, marker_size(args));
            let content =
                merge_files::content_with_markers(session, &inputs, merged, labels, size)?;
            file_argument::replace_file(&args.ours, &content)?;
            Exit::Conflicts
        }
        Some(content) => {
            let content = &merge_files::keep_formatting(session, &inputs, &product, content);
            if let (Some(repository), Some(path)) = (context.repository, &path) {
                // Before the result is written: without its layout it must not be taken.
                let contents = contents_for_layout(args, &inputs, content, repository);
                let nodes = &product.merged.renumbered.nodes;
                raw_moves = merge_layouts::store_merged_layout(repository, path, contents, nodes)?;
            }
            file_argument::replace_file(&args.ours, content)?;
            if product.merged.conflicts.is_empty() { Exit::Done } else { Exit::Conflicts }
        }
    };
    if cards == CardVisibility::Shown {
        if let (Some(repository), Some(path)) = (&repository, &path) {
            for moves in &raw_moves {
                report_raw_moves(session, repository, path, moves, (&labels, &inputs))?;
            }
        }
        let about = describe::MergeJournalHeader {
            path: name.clone(),
            ours: labels.ours,
            theirs: labels.theirs,
            at: now_millis(),
        };
        if let Some(repository) = &repository {
            let line = describe::journal_line(&about, &product.merged);
            // A failing journal is no reason to fail the merge.
            let _ = merge_journal::append_to_journal(repository, &line);
        }
        let way_out = match &product.content {
            Some(_) => format!(
                "it holds ours and opens in ComfyUI, with a card beside each; \
                 `git comfy resolve {}` settles them",
                shell::quote_path(&name)
            ),
            None => "it has conflict markers".to_owned(),
        };
        merge_files::report_merge(session, &name, &product.merged, &way_out);
    }
    Ok(exit)
}

fn contents_for_layout<'a>(
    args: &MergeDriverArgs,
    inputs: &'a MergeInputs,
    merged: &'a [u8],
    repository: &Repository,
) -> MergeContents<'a> {
    let [ancestor, theirs] = [&args.ancestor_label, &args.their_label].map(clean_label);
    MergeContents {
        base: &inputs.base,
        ours: &inputs.ours,
        theirs: &inputs.theirs,
        merged,
        incoming: IncomingSide::detect(ancestor.as_deref(), theirs.as_deref(), repository),
        head: repository.head().unwrap_or_default(),
    }
}

/// Tells of moves in a raw file that do not go the usual way, and what to do.
fn report_raw_moves(
    session: &Session,
    repository: &Repository,
    path: &RepoPath,
    raw: &RawMoves,
    (labels, inputs): (&SideLabels, &MergeInputs),
) -> Result<()> {
    match raw.fate {
        RawMovesFate::GaveWay(side) => {
            session.ui.info(&describe::lost_raw_moves_line(path, &raw.moves, side));
            suggest_restoring(session, repository, path, side, (labels, inputs))?;
        }
        RawMovesFate::WereEarlier => {
            session.ui.info(&describe::earlier_raw_moves_line(path, &raw.moves));
            suggest_restoring(session, repository, path, RawMovesSide::Theirs, (labels, inputs))?;
        }
        RawMovesFate::AllThatChanged => {
            let titles = [PlaceTitles::from_content(&inputs.theirs)];
            let told = describe_moves(&raw.moves, PlaceLabels(&titles));
            session.ui.info(&format!(
                "{path}: {told}; that is kept, though git sees no change in this file and \
                 writes nothing"
            ));
            session.ui.info(
                "  the next commit or `git comfy status` brings it into the file; where git \
                 calls the commit empty: `git cherry-pick --skip`",
            );
        }
    }
    Ok(())
}

/// Says how to have the places that a side of the merge has.
fn suggest_restoring(
    session: &Session,
    repository: &Repository,
    path: &RepoPath,
    side: RawMovesSide,
    (labels, inputs): (&SideLabels, &MergeInputs),
) -> Result<()> {
    let (commit, content) = match side {
        // Of a commit that is applied anew the subject follows.
        RawMovesSide::Theirs => {
            let label = labels.theirs.as_deref().and_then(|label| label.split(' ').next());
            (label.map(str::to_owned), &inputs.theirs)
        }
        // What HEAD is now has another name afterwards.
        RawMovesSide::Ours => (repository.head()?.map(|head| head.to_string()), &inputs.ours),
    };
    let is_known = match &commit {
        Some(commit) => merge_layouts::holds_content(repository, commit, path, content)?,
        None => false,
    };
    let commit = clean_label(&commit.filter(|_| is_known)).map(shell::quote_path);
    session.ui.info(&format!(
        "  `git comfy layout restore {} {}` puts them where that commit has them",
        commit.as_deref().unwrap_or("COMMIT"),
        shell::quote_path(path.to_string())
    ));
    Ok(())
}

/// A panic must not look like a conflict: git takes 1 to 128 for one. Builds that unwind
/// would leave with 101.
fn exit_above_128_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(i32::from(Exit::DriverFailed.code()));
    }));
}

/// A label, if git knew one: before git 2.44 `%X` comes as it stands. A pull names the
/// other side by its whole id, of which ten digits are enough.
fn clean_label(label: &Option<String>) -> Option<String> {
    let label = label.clone().filter(|label| !label.is_empty() && !label.starts_with('%'))?;
    let is_id = label.len() >= 40 && label.bytes().all(|digit| digit.is_ascii_hexdigit());
    Some(if is_id { label[..10].to_owned() } else { label })
}

/// Whether the result is a virtual ancestor, which git merges from several for itself.
fn is_virtual_ancestor(args: &MergeDriverArgs) -> bool {
    let temporary = |label: &Option<String>| {
        label.as_deref().is_some_and(|label| label.starts_with("Temporary merge branch"))
    };
    args.virtual_ancestor || (temporary(&args.our_label) && temporary(&args.their_label))
}

/// What the sides are called between conflict markers.
fn marker_labels(args: &MergeDriverArgs) -> [String; 3] {
    let label = |label: &Option<String>, otherwise: &str| {
        clean_label(label).unwrap_or_else(|| otherwise.to_owned())
    };
    [
        label(&args.our_label, "ours"),
        label(&args.ancestor_label, "base"),
        label(&args.their_label, "theirs"),
    ]
}

/// How long git wants conflict markers.
fn marker_size(args: &MergeDriverArgs) -> Option<&str> {
    args.marker_size.as_deref().filter(|size| size.parse::<u16>().is_ok())
}

/// Merges as text, as git does without a driver.
fn merge_as_text(args: &MergeDriverArgs, session: &Session, inputs: &MergeInputs) -> Result<Exit> {
    let names = marker_labels(args);
    let names = names.each_ref().map(String::as_str);
    let text = merge_files::merge_texts(session, inputs, names, marker_size(args))?;
    file_argument::replace_file(&args.ours, &text.content)?;
    Ok(if text.conflicts { Exit::Conflicts } else { Exit::Done })
}
