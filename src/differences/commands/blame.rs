//! `git comfy blame`: which commit last changed each value of a workflow.
//!
//! Follows each value back through the history, through renumbering, retitling and moves
//! into subgraphs, until a commit changed it. At a merge a value goes on to a parent that
//! has it in the same form.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use anstyle::AnsiColor;
use comfy_graph::diff::NodeAspect;
use serde_json::json;

use crate::differences::blame::{BlameOrigin, BlameStart, find_origins};
use crate::differences::content::FileContent;
use crate::differences::text::blame_lines::{NodeValues, list_values};
use crate::differences::text::terminal::BOLD;
use crate::differences::{content, operands};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::{Commit, CommitId, ObjectId, RepoPath, Repository, commit_text};
use crate::platform::machine::node_catalog;
use crate::platform::text::sanitize;
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::ui::OutputPipe;

const EXAMPLES: &str = "\
Examples:
  git comfy blame portrait.json                 every value of every node
  git comfy blame portrait.json KSampler        one node, by its title, class or #id
  git comfy blame portrait.json KSampler.cfg    one value
  git comfy blame v1.0:portrait.json '#3'       as it was then";

/// Tell which commit gave every value of a workflow its present form.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct BlameArgs {
    /// The workflow, or `REVISION:FILE`.
    file: String,
    /// One node, by its title, class or id; with `.WIDGET` one value of it.
    #[arg(value_name = "NODE[.WIDGET]")]
    node: Option<String>,
    /// One JSON object a line, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

pub fn run(args: &BlameArgs, session: &Session) -> Result<Exit> {
    let repository = session.up_to_date_repository()?;
    let catalog = node_catalog::load_catalog(&repository);
    let start = find_start(args, session, &repository)?;
    let no_graph =
        || CommandError::user(format!("{} holds no workflow", sanitize::line(&args.file)));
    let FileContent::Graph(document) = content::parse_content(start.bytes.clone()) else {
        return Err(no_graph());
    };
    let mut nodes = list_values(&document, &catalog).ok_or_else(no_graph)?;
    if let Some(wanted) = &args.node {
        select_values(&mut nodes, wanted, &args.file)?;
    }
    let held: Vec<NodeAspect> = nodes
        .iter()
        .flat_map(|node_values| &node_values.values)
        .map(|entry| entry.key.clone())
        .collect();
    let origins = find_origins(&repository, &catalog, start, document, held)?;
    let blamed = BlamedValues { repository: &repository, origins };
    let mut screen = Screen::open(session, &args.screen, "blame");
    let mut known = HashMap::new();
    for node_values in &nodes {
        let text = if args.json {
            render_json(node_values, &blamed, &mut known)?
        } else {
            render_text(node_values, &blamed, &mut known, &screen)?
        };
        if screen.write(text.as_bytes())? == OutputPipe::Closed {
            break;
        }
    }
    Ok(Exit::Done)
}

fn find_start(args: &BlameArgs, session: &Session, repository: &Repository) -> Result<BlameStart> {
    let file = session.cwd.join(&args.file);
    if !file.is_file()
        && let Some((revision, path)) = args.file.split_once(':')
    {
        let unknown = || CommandError::user(format!("{} is not there", sanitize::line(&args.file)));
        let commit = repository.resolve_commit(revision)?.ok_or_else(unknown)?;
        let path = match path.strip_prefix("./") {
            Some(path) => repository.path_of(&session.cwd.join(path)),
            None => Some(RepoPath::new(path.as_bytes())),
        };
        let path = path.ok_or_else(unknown)?;
        let blob = operands::blob_at_path(repository, commit.0, &path)?.ok_or_else(unknown)?;
        let bytes = repository.blob(blob)?.ok_or_else(unknown)?;
        return Ok(BlameStart { bytes, path, commit: Some(commit), committed: true });
    }
    let bytes = operands::read_file(&file)?;
    let outside =
        || CommandError::user(format!("{} is not in this repository", sanitize::line(&args.file)));
    let path = repository.path_of(&file).ok_or_else(outside)?;
    Ok(BlameStart { bytes, path, commit: repository.head()?, committed: false })
}

/// Keeps the nodes that `NODE[.WIDGET]` names, and of them the value.
fn select_values(nodes: &mut Vec<NodeValues>, wanted: &str, file: &str) -> Result<()> {
    let known = |name: &str| nodes.iter().any(|node_values| node_values.matches_name(name));
    let dots = wanted.match_indices('.').map(|(at, _)| at);
    let split = dots.map(|at| (&wanted[..at], &wanted[at + 1..])).find(|(node, _)| known(node));
    let (node, value) = match split {
        _ if known(wanted) => (wanted, None),
        Some((node, value)) => (node, Some(value)),
        None => {
            let failure = CommandError::user(format!(
                "{} has no node {}",
                sanitize::line(file),
                sanitize::line(wanted)
            ));
            let some: Vec<String> =
                nodes.iter().take(12).map(|node_values| node_values.name.clone()).collect();
            return Err(
                failure.with_hint(format!("there are: {}", sanitize::line(&some.join(", "))))
            );
        }
    };
    nodes.retain(|node_values| node_values.matches_name(node));
    let Some(value) = value else { return Ok(()) };
    let values: Vec<String> = nodes
        .iter()
        .flat_map(|node_values| &node_values.values)
        .map(|entry| entry.key.aspect.name().to_string())
        .collect();
    for node_values in nodes.iter_mut() {
        node_values.values.retain(|entry| entry.key.aspect.name().eq_ignore_ascii_case(value));
    }
    nodes.retain(|node_values| !node_values.values.is_empty());
    if nodes.is_empty() {
        let failure = CommandError::user(format!(
            "{} has no value {}",
            sanitize::line(node),
            sanitize::line(value)
        ));
        return Err(failure.with_hint(format!("there are: {}", sanitize::line(&values.join(", ")))));
    }
    Ok(())
}

struct BlamedValues<'r> {
    repository: &'r Repository,
    origins: HashMap<NodeAspect, BlameOrigin>,
}

/// Commits that were read for the output.
type CommitCache = HashMap<ObjectId, Option<Commit>>;

fn blamed_commit<'k>(
    blamed: &BlamedValues<'_>,
    held: &NodeAspect,
    known: &'k mut CommitCache,
) -> Result<Option<(CommitId, &'k Commit)>> {
    let Some(BlameOrigin::Commit(id)) = blamed.origins.get(held) else { return Ok(None) };
    let commit = match known.entry(id.0) {
        Entry::Occupied(there) => there.into_mut(),
        Entry::Vacant(free) => free.insert(blamed.repository.commit(*id)?),
    };
    Ok(commit.as_ref().map(|commit| (*id, commit)))
}

fn render_text(
    node_values: &NodeValues,
    blamed: &BlamedValues<'_>,
    known: &mut CommitCache,
    screen: &Screen,
) -> Result<String> {
    let inside = node_values.subgraph.as_ref().map(|name| format!("{name} / ")).unwrap_or_default();
    let class = if node_values.class == node_values.name {
        String::new()
    } else {
        format!(" ({})", node_values.class)
    };
    let head = format!("{inside}{} #{}{class}", node_values.name, node_values.node.id);
    let mut text = format!("{}\n", screen.colour.paint(BOLD, &sanitize::line(&head)));
    let names = node_values.values.iter().map(|entry| entry.key.aspect.name().chars().count());
    let names = names.max().unwrap_or(0).min(24);
    for entry in &node_values.values {
        let who = match blamed_commit(blamed, &entry.key, known)? {
            Some((id, commit)) => {
                let author = sanitize::excerpt(&commit.author.name, 12);
                let id = commit_text::short_id(id);
                let id = screen.colour.paint(AnsiColor::Yellow.on_default(), &id);
                format!("{id} {} {author:<12}", commit_text::format_day(&commit.author))
            }
            None => format!("{:<31}", "not committed yet"),
        };
        let name = entry.key.aspect.name();
        let name = sanitize::line(&name);
        let room = screen.width.saturating_sub(31 + names + 6).max(20);
        let shown = sanitize::excerpt(&entry.text, room);
        text.push_str(&format!("  {who}  {name:<names$}  {shown}\n"));
    }
    Ok(text)
}

fn render_json(
    node_values: &NodeValues,
    blamed: &BlamedValues<'_>,
    known: &mut CommitCache,
) -> Result<String> {
    let mut text = String::new();
    for entry in &node_values.values {
        let commit = blamed_commit(blamed, &entry.key, known)?;
        let told = json!({
            "node": node_values.node.to_string(),
            "title": node_values.name,
            "class": node_values.class,
            "subgraph": node_values.subgraph,
            "value": entry.key.aspect.name().as_str(),
            "shown": entry.text,
            "commit": commit.map(|(id, _)| id.to_string()),
            "date": commit.and_then(|(_, commit)| commit_text::format_time(&commit.author)),
            "author": commit.map(|(_, commit)| commit.author.name.clone()),
            "subject": commit.map(|(_, commit)| commit.subject()),
        });
        text.push_str(&format!("{told}\n"));
    }
    Ok(text)
}
