//! `git comfy find`: which run made this picture, which runs used that model.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::file_argument::{self, MAX_WHOLE_FILE};
use crate::platform::git::CommitId;
use crate::platform::text::sanitize;
use crate::platform::text::time_argument::parse_since;
use crate::runs::find_run::find_runs_of_file;
use crate::runs::index::{RunFilter, RunQuery, RunRow, SearchKey};
use crate::runs::run_branches;
use crate::runs::run_store::RunStore;
use crate::runs::text::run_text::{MatchReason, RunLine, format_run_line, run_line_json};
use crate::runs::thumbnails::{ThumbnailArgs, Thumbnails};
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

/// Finds and tells. Finding nothing is exit 1, as with grep.
pub(crate) fn run(args: &FindArgs, session: &Session) -> Result<Exit> {
    let run_store = RunStore::open(session)?;
    let keys = search_keys(args, session, &run_store)?;
    if keys.is_empty() && args.files.is_empty() && args.since.is_none() {
        return Err(CommandError::user("what to look for?")
            .with_hint("git comfy find picture.png")
            .with_hint("git comfy find --text \"neon fox\" --model sdxl --since 2w"));
    }
    let thumbnails = Thumbnails::new(session, &run_store, args.thumbnails)?;
    let printer = FoundRunPrinter { args, session, run_store: &run_store, thumbnails };
    let mut found = 0;
    for path in &args.files {
        found += printer.print_runs_of_file(path)?;
    }
    if !keys.is_empty() || args.since.is_some() {
        let since =
            args.since.as_deref().map(|text| parse_since(text, Timestamp::now())).transpose()?;
        let since = since.map(Timestamp::as_millisecond);
        let query =
            RunQuery { keys, since, until: None, filter: RunFilter::All, limit: args.number };
        let rows = run_store.index.find_runs(&query)?;
        found += rows.len();
        for mut row in rows {
            run_branches::narrow_to_keys(&run_store, &mut row, &query.keys)?;
            printer.print_row(&row, None)?;
        }
    }
    Ok(if found == 0 { Exit::Negative } else { Exit::Done })
}

struct FoundRunPrinter<'a> {
    args: &'a FindArgs,
    session: &'a Session,
    run_store: &'a RunStore,
    thumbnails: Thumbnails<'a>,
}

impl FoundRunPrinter<'_> {
    fn print_row(&self, row: &RunRow, how: Option<&MatchReason>) -> Result<()> {
        let shown = RunLine::from(row);
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
            let name = sanitize::path(path);
            ui.info(&format!("{name}: no run is known that made it"));
            ui.info("  git comfy inspect shows what it carries, git comfy restore takes it out");
        }
        Ok(rows.len())
    }
}

fn search_keys(args: &FindArgs, session: &Session, run_store: &RunStore) -> Result<Vec<SearchKey>> {
    let mut keys = Vec::new();
    keys.extend(args.text.clone().map(SearchKey::Text));
    keys.extend(args.model.iter().cloned().map(SearchKey::Model));
    keys.extend(args.lora.iter().cloned().map(SearchKey::Lora));
    keys.extend(args.seed.clone().map(SearchKey::Seed));
    keys.extend(args.node.iter().cloned().map(SearchKey::Class));
    if let Some(revision) = &args.commit {
        let commit = resolve_commit(run_store, revision)?;
        keys.push(SearchKey::Graphs(run_store.graph_ids_of_commit(commit)?));
    }
    if let Some(revision) = &args.branch {
        let tip = resolve_commit(run_store, revision)?;
        keys.push(SearchKey::Graphs(run_store.graph_ids_of_history(tip)?));
    }
    if let Some(path) = &args.workflow {
        let path = session.cwd.join(path);
        let name = sanitize::path(&path);
        let text = file_argument::read_bounded(&path, &name, MAX_WHOLE_FILE)?;
        let graph = run_store.graph_id_of_text(&text);
        let graph = graph.ok_or_else(|| CommandError::user(format!("{name} is no workflow")))?;
        keys.push(SearchKey::Graphs(vec![graph]));
    }
    Ok(keys)
}

fn resolve_commit(run_store: &RunStore, revision: &str) -> Result<CommitId> {
    run_store
        .repository
        .resolve_commit(revision)?
        .ok_or_else(|| CommandError::user(format!("{} names no commit", sanitize::line(revision))))
}
