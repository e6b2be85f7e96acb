//! `git comfy find`: which run made this picture, which runs used that model.

use std::path::{Path, PathBuf};

use comfy_media::picture::PerceptualHash;
use jiff::Timestamp;

use super::thumbnails::{ThumbnailArgs, Thumbnails};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git::{Order, Walk};
use crate::platform::text::sanitize;
use crate::platform::text::time_argument::since;
use crate::runs::branch::Meant;
use crate::runs::commands::runs::as_line;
use crate::runs::index::{Key, Query, Row, Shown};
use crate::runs::model::embedded;
use crate::runs::run_store::Shelf;
use crate::runs::text::runs::{Match, line, row_json};
use crate::runs::{branch, file};
use crate::session::Session;

/// Find the run behind a picture, or runs by prompt, model, seed, commit.
///
/// A picture is found also when it was re-encoded, resized or stripped of what it carried.
/// All keys together narrow the search.
#[derive(Debug, clap::Args)]
pub struct Args {
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
const MOST_COMMITS: usize = 20_000;

/// Finds and tells. Finding nothing is exit 1, as with grep.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let shelf = Shelf::open(session)?;
    let keys = keys(args, session, &shelf)?;
    if keys.is_empty() && args.files.is_empty() && args.since.is_none() {
        return Err(Failure::new("what to look for?")
            .hint("git comfy find picture.png")
            .hint("git comfy find --text \"neon fox\" --model sdxl --since 2w"));
    }
    let thumbnails = Thumbnails::of(session, &shelf, args.thumbnails)?;
    let telling = Telling { args, session, shelf: &shelf, thumbnails };
    let mut found = 0;
    for path in &args.files {
        found += telling.file(path)?;
    }
    if !keys.is_empty() || args.since.is_some() {
        let since = args.since.as_deref().map(|text| since(text, Timestamp::now())).transpose()?;
        let since = since.map(Timestamp::as_millisecond);
        let query = Query { keys, since, until: None, shown: Shown::All, most: args.number };
        let rows = shelf.index.find(&query)?;
        found += rows.len();
        for mut row in rows {
            branch::narrow_to_keys(&shelf, &mut row, &query.keys)?;
            telling.row(&row, None)?;
        }
    }
    Ok(if found == 0 { Exit::Found } else { Exit::Done })
}

struct Telling<'a> {
    args: &'a Args,
    session: &'a Session,
    shelf: &'a Shelf,
    thumbnails: Thumbnails<'a>,
}

impl Telling<'_> {
    fn row(&self, row: &Row, how: Option<&Match>) -> Result<()> {
        let shown = as_line(row);
        if self.args.json {
            return Ok(self.session.ui.out(&row_json(&shown, how))?);
        }
        self.session.ui.out(&line(&shown, how))?;
        self.thumbnails.show(self.shelf, row)
    }

    fn file(&self, path: &Path) -> Result<usize> {
        let mut rows = behind(self.shelf, &self.session.cwd.join(path))?;
        rows.truncate(self.args.number);
        for found in &mut rows {
            branch::narrow_to_file(self.shelf, &mut found.row, &found.meant)?;
            self.row(&found.row, Some(&found.how))?;
        }
        if rows.is_empty() {
            let ui = self.session.ui;
            let name = sanitize::line(&path.display().to_string()).into_owned();
            ui.say(&format!("{name}: no run is known that made it"));
            ui.say("  git comfy inspect shows what it carries, git comfy restore takes it out");
        }
        Ok(rows.len())
    }
}

pub(crate) struct Behind {
    /// Why it was found.
    pub(crate) how: Match,
    pub(crate) row: Row,
    /// The file of the run that this one is.
    pub(crate) meant: Meant,
}

/// The runs behind a file: of exactly its bytes, else of the prompt it carries, else of
/// pictures that look alike, nearest first.
pub(crate) fn behind(shelf: &Shelf, path: &Path) -> Result<Vec<Behind>> {
    let name = || sanitize::line(&path.display().to_string()).into_owned();
    let looked = file::look(path)
        .map_err(|error| Failure::new(format!("{}: {error}", name())))?
        .ok_or_else(|| Failure::new(format!("{}: it is being written", name())))?;
    let all = |rows: Vec<Row>, how: Match, meant: Meant| -> Vec<Behind> {
        let found = |row| Behind { how: how.clone(), row, meant: meant.clone() };
        rows.into_iter().map(found).collect()
    };
    let digest = looked.output.sha256.unwrap_or_default();
    let rows = shelf.index.by_digest(&digest)?;
    if !rows.is_empty() {
        return Ok(all(rows, Match::Bytes, Meant::Digest(digest)));
    }
    if let Some(evidence) = embedded(looked.payload, &shelf.catalog) {
        let rows = shelf.index.by_content(&evidence.run.content)?;
        if !rows.is_empty() {
            return Ok(all(rows, Match::Prompt, Meant::Run));
        }
    }
    let Some(hash) = looked.output.perceptual.and_then(|text| text.parse().ok()) else {
        return Ok(Vec::new());
    };
    let mut found: Vec<Behind> = Vec::new();
    for near in shelf.index.near(&hash, PerceptualHash::SAME, 100)? {
        let Some((row, path)) = shelf.index.of_picture(near)? else { continue };
        if !found.iter().any(|known| known.row.run == row.run) {
            let how = Match::Likeness { distance: near.distance, path: path.clone() };
            found.push(Behind { how, row, meant: Meant::Path(path) });
        }
        if found.len() == 100 {
            break;
        }
    }
    Ok(found)
}

fn keys(args: &Args, session: &Session, shelf: &Shelf) -> Result<Vec<Key>> {
    let mut keys = Vec::new();
    keys.extend(args.text.clone().map(Key::Text));
    keys.extend(args.model.iter().cloned().map(Key::Model));
    keys.extend(args.lora.iter().cloned().map(Key::Lora));
    keys.extend(args.seed.clone().map(Key::Seed));
    keys.extend(args.node.iter().cloned().map(Key::Class));
    if let Some(revision) = &args.commit {
        let commit = shelf.repository.resolve_commit(revision)?;
        let commit = commit.ok_or_else(|| no_revision(revision))?;
        keys.push(Key::Graphs(shelf.graphs_of_commit(commit)?));
    }
    if let Some(revision) = &args.branch {
        keys.push(Key::Graphs(graphs_of_branch(shelf, revision)?));
    }
    if let Some(path) = &args.workflow {
        let path = session.cwd.join(path);
        let name = sanitize::line(&path.display().to_string()).into_owned();
        let text = std::fs::read(&path).map_err(|e| Failure::new(format!("{name}: {e}")))?;
        let graph = shelf.graph_of_text(&text);
        let graph = graph.ok_or_else(|| Failure::new(format!("{name} is no workflow")))?;
        keys.push(Key::Graphs(vec![graph]));
    }
    Ok(keys)
}

fn no_revision(revision: &str) -> Failure {
    Failure::new(format!("{} names no commit", sanitize::line(revision)))
}

fn graphs_of_branch(shelf: &Shelf, revision: &str) -> Result<Vec<String>> {
    let tip = shelf.repository.resolve_commit(revision)?;
    let tip = tip.ok_or_else(|| no_revision(revision))?;
    let walk = Walk { from: vec![tip], without: Vec::new(), order: Order::Newest };
    let mut graphs = std::collections::BTreeSet::new();
    for commit in shelf.repository.walk(&walk)?.take(MOST_COMMITS) {
        graphs.extend(shelf.graphs_of_commit(commit?)?);
    }
    Ok(graphs.into_iter().collect())
}
