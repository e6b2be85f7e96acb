//! `git comfy find`: which run made this picture, which runs used that model.

use std::path::{Path, PathBuf};

use comfy_media::picture::PerceptualHash;
use jiff::Timestamp;

use super::thumbnails::{ThumbnailArgs, Thumbnails};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::{HistoryWalk, WalkOrder};
use crate::platform::text::sanitize;
use crate::platform::text::time_argument::parse_since;
use crate::runs::commands::runs::to_run_line;
use crate::runs::index::{RunFilter, RunQuery, RunRow, SearchKey};
use crate::runs::run_branches::OutputSelector;
use crate::runs::run_data::run_from_payload;
use crate::runs::run_store::RunStore;
use crate::runs::text::run_text::{MatchReason, format_run_line, run_line_json};
use crate::runs::{media_file, run_branches};
use crate::session::Session;

/// Find the run behind a picture, or runs by prompt, model, seed, commit.
///
/// A picture is found also when it was re-encoded, resized or stripped of what it carried.
/// All keys together narrow the search.
#[derive(Debug, clap::Args)]
pub struct FindArgs {
    /// Pictures or other outputs.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Words of the prompt; "quoted words" stand together.
    #[arg(long, value_name = "WORDS")]
    pub text: Option<String>,
    /// A model of any type, by a part of its name.
    #[arg(long, value_name = "NAME")]
    pub model: Vec<String>,
    /// A LoRA, by a part of its name.
    #[arg(long, value_name = "NAME")]
    pub lora: Vec<String>,
    /// A seed as it was used.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<String>,
    /// A node class that ran.
    #[arg(long, value_name = "CLASS")]
    pub node: Vec<String>,
    /// Not before: 2026-01-31, yesterday, 3d, 2w, 12h.
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Runs of the workflows that a commit adds or changes.
    #[arg(long, value_name = "REV")]
    pub commit: Option<String>,
    /// Runs of any workflow in the history of a branch or tag.
    #[arg(long, value_name = "REV")]
    pub branch: Option<String>,
    /// Runs of a workflow, whatever its seeds.
    #[arg(long, value_name = "FILE")]
    pub workflow: Option<PathBuf>,
    /// How many at most.
    #[arg(short = 'n', long, default_value_t = 20)]
    pub number: usize,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Small pictures.
    #[command(flatten)]
    pub thumbnails: ThumbnailArgs,
}

/// Commits whose workflows are looked at for one branch.
const MAX_COMMITS: usize = 20_000;

/// Finds and tells. Finding nothing is exit 1, as with grep.
pub fn run(args: &FindArgs, session: &Session) -> Result<Exit> {
    let shelf = RunStore::open(session)?;
    let keys = search_keys(args, session, &shelf)?;
    if keys.is_empty() && args.files.is_empty() && args.since.is_none() {
        return Err(CommandError::new("what to look for?")
            .with_hint("git comfy find picture.png")
            .with_hint("git comfy find --text \"neon fox\" --model sdxl --since 2w"));
    }
    let thumbnails = Thumbnails::new(session, &shelf, args.thumbnails)?;
    let telling = FoundRunPrinter { args, session, run_store: &shelf, thumbnails };
    let mut found = 0;
    for path in &args.files {
        found += telling.print_runs_of_file(path)?;
    }
    if !keys.is_empty() || args.since.is_some() {
        let since =
            args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
        let since = since.map(Timestamp::as_millisecond);
        let query =
            RunQuery { keys, since, until: None, filter: RunFilter::All, limit: args.number };
        let rows = shelf.index.find_runs(&query)?;
        found += rows.len();
        for mut row in rows {
            run_branches::narrow_to_keys(&shelf, &mut row, &query.keys)?;
            telling.print_row(&row, None)?;
        }
    }
    Ok(if found == 0 { Exit::Found } else { Exit::Done })
}

struct FoundRunPrinter<'a> {
    args: &'a FindArgs,
    session: &'a Session,
    run_store: &'a RunStore,
    thumbnails: Thumbnails<'a>,
}

impl FoundRunPrinter<'_> {
    fn print_row(&self, row: &RunRow, how: Option<&MatchReason>) -> Result<()> {
        let shown = to_run_line(row);
        if self.args.json {
            return Ok(self.session.ui.print(&run_line_json(&shown, how))?);
        }
        self.session.ui.print(&format_run_line(&shown, how))?;
        self.thumbnails.print_first(self.run_store, row)
    }

    fn print_runs_of_file(&self, path: &Path) -> Result<usize> {
        let mut rows = find_runs_of_file(self.run_store, &self.session.cwd.join(path))?;
        rows.truncate(self.args.number);
        for found in &mut rows {
            run_branches::narrow_to_file(self.run_store, &mut found.row, &found.selector)?;
            self.print_row(&found.row, Some(&found.reason))?;
        }
        if rows.is_empty() {
            let ui = self.session.ui;
            let name = sanitize::line(&path.display().to_string()).into_owned();
            ui.info(&format!("{name}: no run is known that made it"));
            ui.info("  git comfy inspect shows what it carries, git comfy restore takes it out");
        }
        Ok(rows.len())
    }
}

pub(crate) struct FoundRun {
    /// Why it was found.
    pub(crate) reason: MatchReason,
    pub(crate) row: RunRow,
    /// The file of the run that this one is.
    pub(crate) selector: OutputSelector,
}

/// The runs behind a file: of exactly its bytes, else of the prompt it carries, else of
/// pictures that look alike, nearest first.
pub(crate) fn find_runs_of_file(shelf: &RunStore, path: &Path) -> Result<Vec<FoundRun>> {
    let name = || sanitize::line(&path.display().to_string()).into_owned();
    let looked = media_file::inspect_file(path)
        .map_err(|error| CommandError::new(format!("{}: {error}", name())))?
        .ok_or_else(|| CommandError::new(format!("{}: it is being written", name())))?;
    let all = |rows: Vec<RunRow>, how: MatchReason, meant: OutputSelector| -> Vec<FoundRun> {
        let found = |row| FoundRun { reason: how.clone(), row, selector: meant.clone() };
        rows.into_iter().map(found).collect()
    };
    let digest = looked.output.sha256.unwrap_or_default();
    let rows = shelf.index.find_by_digest(&digest)?;
    if !rows.is_empty() {
        return Ok(all(rows, MatchReason::Bytes, OutputSelector::Digest(digest)));
    }
    if let Some(evidence) = run_from_payload(looked.payload, &shelf.catalog) {
        let rows = shelf.index.find_by_content(&evidence.run.content)?;
        if !rows.is_empty() {
            return Ok(all(rows, MatchReason::Prompt, OutputSelector::Run));
        }
    }
    let Some(hash) = looked.output.perceptual.and_then(|text| text.parse().ok()) else {
        return Ok(Vec::new());
    };
    let mut found: Vec<FoundRun> = Vec::new();
    for near in shelf.index.find_similar(&hash, PerceptualHash::MAX_SAME_DISTANCE, 100)? {
        let Some((row, path)) = shelf.index.find_by_picture(near)? else { continue };
        if !found.iter().any(|known| known.row.run_id == row.run_id) {
            let how = MatchReason::Likeness { distance: near.distance, path: path.clone() };
            found.push(FoundRun { reason: how, row, selector: OutputSelector::Path(path) });
        }
        if found.len() == 100 {
            break;
        }
    }
    Ok(found)
}

fn search_keys(args: &FindArgs, session: &Session, shelf: &RunStore) -> Result<Vec<SearchKey>> {
    let mut keys = Vec::new();
    keys.extend(args.text.clone().map(SearchKey::Text));
    keys.extend(args.model.iter().cloned().map(SearchKey::Model));
    keys.extend(args.lora.iter().cloned().map(SearchKey::Lora));
    keys.extend(args.seed.clone().map(SearchKey::Seed));
    keys.extend(args.node.iter().cloned().map(SearchKey::Class));
    if let Some(revision) = &args.commit {
        let commit = shelf.repository.resolve_commit(revision)?;
        let commit = commit.ok_or_else(|| unknown_revision(revision))?;
        keys.push(SearchKey::Graphs(shelf.graph_ids_of_commit(commit)?));
    }
    if let Some(revision) = &args.branch {
        keys.push(SearchKey::Graphs(graph_ids_of_branch(shelf, revision)?));
    }
    if let Some(path) = &args.workflow {
        let path = session.cwd.join(path);
        let name = sanitize::line(&path.display().to_string()).into_owned();
        let text = std::fs::read(&path).map_err(|e| CommandError::new(format!("{name}: {e}")))?;
        let graph = shelf.graph_id_of_text(&text);
        let graph = graph.ok_or_else(|| CommandError::new(format!("{name} is no workflow")))?;
        keys.push(SearchKey::Graphs(vec![graph]));
    }
    Ok(keys)
}

fn unknown_revision(revision: &str) -> CommandError {
    CommandError::new(format!("{} names no commit", sanitize::line(revision)))
}

fn graph_ids_of_branch(shelf: &RunStore, revision: &str) -> Result<Vec<String>> {
    let tip = shelf.repository.resolve_commit(revision)?;
    let tip = tip.ok_or_else(|| unknown_revision(revision))?;
    let walk = HistoryWalk { from: vec![tip], exclude: Vec::new(), order: WalkOrder::Newest };
    let mut graphs = std::collections::BTreeSet::new();
    for commit in shelf.repository.walk_history(&walk)?.take(MAX_COMMITS) {
        graphs.extend(shelf.graph_ids_of_commit(commit?)?);
    }
    Ok(graphs.into_iter().collect())
}
