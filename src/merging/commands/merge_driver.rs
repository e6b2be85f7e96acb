//! `git comfy merge-driver`: what git calls for a workflow that both sides changed.
//!
//! The exit code is a protocol: 0 merged, 1 conflicts, 129 and more: failed, git aborts.
//! The result replaces `%A` whole or not at all; standard output stays empty.

use std::path::PathBuf;

use comfy_graph::merge::{Cards, Labels};

use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::Handling;
use crate::merging::merge_files::{self, Frame, Inputs};
use crate::merging::{driver, text};
use crate::platform::git::{self, RepoPath, shell};
use crate::platform::machine::write_file;
use crate::session::Session;

/// Merge one workflow three ways (git calls this).
#[derive(Debug, clap::Args)]
pub struct Args {
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

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    fail_above_128();
    let inputs = Inputs::read(&args.base, &args.ours, &args.theirs)?;
    if session.environment.switched_off {
        return as_text(args, session, &inputs);
    }
    let repository = session.repository().ok();
    let path = args.path.as_deref().map(|path| RepoPath::from_path(path.as_ref()));
    let (handling, limit) = match (&repository, &path) {
        (Some(repository), Some(path)) => driver::handling(repository, path),
        _ => (Handling::Off, u64::MAX),
    };
    let longest = inputs.base.len().max(inputs.ours.len()).max(inputs.theirs.len());
    let documents = inputs.documents().filter(|_| longest as u64 <= limit);
    let Some(documents) = documents else { return as_text(args, session, &inputs) };
    let strategies = merge_files::strategies(session, repository.as_ref());
    let labels = Labels { ours: label(&args.our_label), theirs: label(&args.their_label) };
    let cards = if is_virtual(args) { Cards::Hidden } else { Cards::Shown };
    let frame = Frame {
        repository: repository.as_ref(),
        handling,
        labels: labels.clone(),
        cards,
        strategies: &strategies,
    };
    let product = merge_files::merge(&inputs, documents, &frame);
    let name = match (&path, &args.path) {
        (Some(path), _) => path.to_string(),
        _ => args.ours.to_string_lossy().into_owned(),
    };
    let exit = match &product.content {
        None => {
            // Markers where the conflicts are; if texts cannot show them, where lines differ.
            let texts = merge_files::contested_texts(&inputs, &product.merged);
            if as_text(args, session, &texts)? == Exit::Done {
                as_text(args, session, &inputs)?;
            }
            Exit::Conflicts
        }
        Some(content) => {
            let content = &merge_files::in_old_looks(session, &inputs, &product, content);
            if let (Some(repository), Some(path)) = (frame.repository, &path) {
                // Before the result is written: without its layout it must not be taken.
                let (ours, theirs) = (&inputs.ours, &inputs.theirs);
                let contents = driver::Contents { ours, theirs, merged: content };
                let nodes = &product.merged.renumbered.nodes;
                driver::keep_layout(repository, path, contents, nodes)?;
            }
            write_file::write(&args.ours, content)?;
            if product.merged.conflicts.is_empty() { Exit::Done } else { Exit::Conflicts }
        }
    };
    if cards == Cards::Shown {
        let about = text::About {
            path: name.clone(),
            ours: labels.ours,
            theirs: labels.theirs,
            at: git::now(),
        };
        if let Some(repository) = &repository {
            let line = text::journal(&about, &product.merged);
            // A failing journal is no reason to fail the merge.
            let _ = driver::note(repository, &line);
        }
        let way_out = match &product.content {
            Some(_) => format!(
                "it holds ours and opens in ComfyUI, with a card beside each; \
                 `git comfy resolve {}` settles them",
                shell::typed_name(&name)
            ),
            None => "it has conflict markers".to_owned(),
        };
        merge_files::tell(session, &name, &product.merged, &way_out);
    }
    Ok(exit)
}

/// A panic must not look like a conflict: git takes 1 to 128 for one. Builds that unwind
/// would leave with 101.
fn fail_above_128() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(i32::from(Exit::DriverFailed.code()));
    }));
}

/// A label, if git knew one: before git 2.44 `%X` comes as it stands. A pull names the
/// other side by its whole id, of which ten digits are enough.
fn label(label: &Option<String>) -> Option<String> {
    let label = label.clone().filter(|label| !label.is_empty() && !label.starts_with('%'))?;
    let is_id = label.len() >= 40 && label.bytes().all(|digit| digit.is_ascii_hexdigit());
    Some(if is_id { label[..10].to_owned() } else { label })
}

/// Whether the result is a virtual ancestor, which git merges from several for itself.
fn is_virtual(args: &Args) -> bool {
    let temporary = |label: &Option<String>| {
        label.as_deref().is_some_and(|label| label.starts_with("Temporary merge branch"))
    };
    args.virtual_ancestor || (temporary(&args.our_label) && temporary(&args.their_label))
}

/// Merges as text, as git does without a driver.
fn as_text(args: &Args, session: &Session, inputs: &Inputs) -> Result<Exit> {
    let [ours, base, theirs] =
        [&args.our_label, &args.ancestor_label, &args.their_label].map(label);
    let names = [
        ours.as_deref().unwrap_or("ours"),
        base.as_deref().unwrap_or("base"),
        theirs.as_deref().unwrap_or("theirs"),
    ];
    let size = args.marker_size.as_deref().filter(|size| size.parse::<u16>().is_ok());
    let text = merge_files::merge_texts(session, inputs, names, size)?;
    write_file::write(&args.ours, &text.content)?;
    Ok(if text.conflicts { Exit::Conflicts } else { Exit::Done })
}
