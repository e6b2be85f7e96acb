//! `git comfy conflicts`: the copies that Dropbox, Syncthing and the like leave when a
//! workflow was changed in two places, merged into the file they belong to.
//!
//! The ancestor is the state in the history that the copy is nearest to: that is where it
//! began. Without a history there is none, and what differs is a conflict. Whatever is
//! merged, both files as they were are set aside first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Zoned;

use super::compared::compare;
use super::content;
use super::folder::{self, Links};
use super::merging::{self, Frame, Inputs};
use super::{naming, whole_file};
use crate::canon::{self, Mode, Outcome};
use crate::catalog::Catalog;
use crate::error::Result;
use crate::exit::Exit;
use crate::git::{self, Handling, Repository, past};
use crate::graph::{Kind, kind};
use crate::json;
use crate::merge::{Cards, Labels};
use crate::record::past::copy_of;
use crate::render::{Layout, one_line, sanitize};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  git comfy conflicts                  which copies are here, and what would become of them?
  git comfy conflicts --merge          merge each into its file
  git comfy conflicts ~/Dropbox/flows

Nothing is thrown away: both files, as they were, are kept beside the repository's own data.
What cannot be settled is in the file, which opens in ComfyUI; `git comfy resolve` settles it.";

/// Find the conflict copies of synced folders, and merge them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder to look in, with its folders.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Merge each copy into the file it belongs to.
    #[arg(long)]
    merge: bool,
}

/// The most states of the history that are compared with a copy.
const MOST_STATES: usize = 60;

/// A copy and the file it belongs to.
struct Copy {
    service: &'static str,
    copy: PathBuf,
    file: PathBuf,
}

/// What would become, or became, of a copy.
enum Fate {
    /// Both mean the same.
    Same,
    /// The copy is an earlier state of the file.
    Older,
    /// This is the file with both.
    Merged { content: Vec<u8>, conflicts: usize, change: String, from: &'static str },
    /// It cannot be merged, because …
    Not(String),
}

/// Finds, tells and merges.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let folder = session.cwd.join(&args.folder);
    let repository = Repository::at(&folder).ok();
    let copies = copies(&folder)?;
    if copies.is_empty() {
        session.ui.say("there are no conflict copies here");
        return Ok(Exit::Done);
    }
    let aside = set_aside_folder(&folder, repository.as_ref());
    let mut by_file: BTreeMap<PathBuf, Vec<Copy>> = BTreeMap::new();
    for copy in copies {
        by_file.entry(copy.file.clone()).or_default().push(copy);
    }
    let (mut open, mut done) = (0, 0);
    for (file, copies) in by_file {
        session.ui.out(&format!("{}\n", shown(&folder, &file)))?;
        for copy in copies {
            let outcome = outcome(&copy, session, repository.as_ref())?;
            session.ui.out(&format!(
                "  {}  ({}): {}\n",
                sanitize::line(&name(&copy.copy)),
                copy.service,
                told(&outcome)
            ))?;
            if let Fate::Merged { conflicts, .. } = &outcome {
                open += conflicts;
            }
            if args.merge && !matches!(outcome, Fate::Not(_)) {
                settle(&copy, outcome, &aside, &folder)?;
                done += 1;
            }
        }
    }
    if !args.merge {
        session.ui.say("`git comfy conflicts --merge` does this");
    } else if done > 0 {
        let aside = aside.to_string_lossy();
        session.ui.say(&format!("the files as they were lie in {}", sanitize::line(&aside)));
    }
    if args.merge && open > 0 {
        let count = merging::count(open);
        session.ui.say(&format!("{count} left; `git comfy resolve FILE` settles them"));
    }
    Ok(if open > 0 { Exit::Conflicts } else { Exit::Done })
}

fn told(outcome: &Fate) -> String {
    match outcome {
        Fate::Same => "means the same; it is only set aside".into(),
        Fate::Older => "an earlier state of the file; it is only set aside".into(),
        Fate::Merged { conflicts: 0, change, from, .. } => {
            format!("merges by itself, {from}: {change}")
        }
        Fate::Merged { conflicts, change, from, .. } => {
            format!("{}, {from}: {change}", merging::count(*conflicts))
        }
        Fate::Not(why) => format!("left as it is: {why}"),
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn shown(folder: &Path, file: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file).to_string_lossy();
    sanitize::line(&below).into_owned()
}

/// The copies below a folder whose file lies beside them.
fn copies(folder: &Path) -> Result<Vec<Copy>> {
    let below = folder::files(folder, Links::None, &folder::is_json)?;
    let copy = |copy: PathBuf| {
        let (service, original) = copy_of(copy.file_name()?.to_str()?)?;
        let file = copy.with_file_name(original);
        let is_there = file.symlink_metadata().is_ok_and(|about| about.is_file());
        is_there.then_some(Copy { service, copy, file })
    };
    Ok(below.files.into_iter().filter_map(copy).collect())
}

/// What merging a copy gives; touches nothing.
fn outcome(copy: &Copy, session: &Session, repository: Option<&Repository>) -> Result<Fate> {
    let (ours, theirs) = (whole_file::read(&copy.file)?, whole_file::read(&copy.copy)?);
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return Ok(Fate::Not("it is too long".into()));
    };
    let (Some(clean_ours), Some(clean_theirs)) = (cleaned(&ours), cleaned(&theirs)) else {
        return Ok(Fate::Not("one of the two is no workflow".into()));
    };
    if git::merging::carried(&ours) + git::merging::carried(&theirs) > 0 {
        return Ok(Fate::Not("it holds conflicts; settle them first".into()));
    }
    if clean_ours == clean_theirs {
        return Ok(Fate::Same);
    }
    let naming = repository.map_or_else(Catalog::core, naming::of);
    let states = states(&copy.file, repository)?;
    if states.contains(&clean_theirs) {
        return Ok(Fate::Older);
    }
    let base = ancestor(&states, &clean_theirs, &naming);
    let from = if base.is_some() { "from where both began" } else { "without a common state" };
    let inputs = Inputs { base: base.unwrap_or_default(), ours, theirs };
    let Some(documents) = inputs.documents() else {
        return Ok(Fate::Not("one of the two is no JSON".into()));
    };
    let strategies = merging::strategies(session, repository);
    let frame = Frame {
        repository,
        handling: Handling::Off,
        labels: Labels { ours: Some(name(&copy.file)), theirs: Some(name(&copy.copy)) },
        cards: Cards::Shown,
        strategies: &strategies,
    };
    let product = merging::merge(&inputs, documents, &frame);
    let Some(content) = product.content else {
        return Ok(Fate::Not("what differs has no place in a workflow".into()));
    };
    let change = compare(content::read(inputs.ours), content::read(content.clone()), &naming)
        .map(|compared| one_line(&compared.story(Layout::Folded), 72))
        .unwrap_or_default();
    let conflicts = product.merged.conflicts.len();
    let change = if change.is_empty() { "the file has it all".to_owned() } else { change };
    Ok(Fate::Merged { content, conflicts, change, from })
}

/// The clean form of a workflow; nothing for anything else.
fn cleaned(bytes: &[u8]) -> Option<Vec<u8>> {
    let value = json::parse(bytes).ok()?;
    if !matches!(kind(&value), Kind::Graph(_) | Kind::Wrapped(_)) {
        return None;
    }
    Some(match canon::clean(bytes, Mode::Strip) {
        Outcome::Cleaned(cleaned) => cleaned.content,
        Outcome::Untouched(_) => bytes.to_vec(),
    })
}

/// The states the file had in the history, newest first, in their clean form.
fn states(file: &Path, repository: Option<&Repository>) -> Result<Vec<Vec<u8>>> {
    let Some(repository) = repository else { return Ok(Vec::new()) };
    let Some(path) = git::merging::path_of(repository, file) else { return Ok(Vec::new()) };
    let mut states: Vec<Vec<u8>> = Vec::new();
    for id in past::states_of(repository, &path)?.into_iter().take(MOST_STATES) {
        if let Some(state) =
            repository.blob_within(id, whole_file::LONGEST)?.and_then(|b| cleaned(&b))
            && !states.contains(&state)
        {
            states.push(state);
        }
    }
    Ok(states)
}

/// The state that the copy differs from least: there it began. Of several the oldest: a
/// change that both sides then share merges by itself, while one that seems taken back
/// would not.
fn ancestor(states: &[Vec<u8>], theirs: &[u8], naming: &Catalog) -> Option<Vec<u8>> {
    let distance = |state: &Vec<u8>| {
        let (before, after) = (json::parse(state).ok()?, json::parse(theirs).ok()?);
        Some(crate::diff::diff(before, after, naming)?.entries.len())
    };
    let far = states.iter().rev().filter_map(|state| Some((distance(state)?, state)));
    far.min_by_key(|(distance, _)| *distance).map(|(_, state)| state.clone())
}

/// Where files are kept as they were.
fn set_aside_folder(folder: &Path, repository: Option<&Repository>) -> PathBuf {
    let now = Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    match repository {
        Some(repository) => repository.state_dir().join("set-aside").join(now),
        None => folder.join(".git-comfy-set-aside").join(now),
    }
}

/// Sets both aside, writes what came of them, and takes the copy away: in that order, so
/// that whatever stops it, all is still there.
fn settle(copy: &Copy, outcome: Fate, aside: &Path, folder: &Path) -> Result<()> {
    let keep = |file: &Path| -> Result<()> {
        let place = aside.join(file.strip_prefix(folder).unwrap_or(Path::new(&name(file))));
        // The first of several copies of one file meets it as it was.
        if place.exists() {
            return Ok(());
        }
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let bytes = std::fs::read(file)?;
        whole_file::write(&place, &bytes)
    };
    keep(&copy.copy)?;
    if let Fate::Merged { content, .. } = outcome {
        keep(&copy.file)?;
        whole_file::write(&copy.file, &content)?;
    }
    std::fs::remove_file(&copy.copy)?;
    Ok(())
}
