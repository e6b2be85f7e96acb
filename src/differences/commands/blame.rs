//! `git comfy blame`: which commit last changed each value of a workflow.
//!
//! Follows each value back through the history, through renumbering, retitling and moves
//! into subgraphs, until a commit changed it. At a merge a value goes on to a parent that
//! has it in the same form.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use anstyle::AnsiColor;
use comfy_graph::catalog::Catalog;
use comfy_graph::diff::{Lineage, NodeAspect};
use comfy_graph::json::Value;
use serde_json::json;

use crate::differences::changed_files::FileChangeKind;
use crate::differences::content::FileContent;
use crate::differences::graph_diff::compare_contents;
use crate::differences::text::blame_lines::{NodeValues, list_values};
use crate::differences::text::terminal::BOLD;
use crate::differences::{changed_files, content, operands};
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

/// Where a value was changed last.
#[derive(Debug, Clone, PartialEq, Eq)]
enum BlameOrigin {
    /// In the work tree; it is not committed.
    WorkTree,
    Commit(CommitId),
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
    let mut walk = BlameWalk {
        repository: &repository,
        catalog: &catalog,
        blamed: HashMap::new(),
        queue: BinaryHeap::new(),
        suspects: BTreeMap::new(),
    };
    walk.follow_values(start, document, held)?;
    let mut screen = Screen::open(session, &args.screen, "blame");
    let mut known = HashMap::new();
    for node_values in &nodes {
        let text = if args.json {
            render_json(node_values, &walk, &mut known)?
        } else {
            render_text(node_values, &walk, &mut known, &screen)?
        };
        if screen.write(text.as_bytes())? == OutputPipe::Closed {
            break;
        }
    }
    Ok(Exit::Done)
}

/// The file that is annotated, and the commit to search from.
struct BlameStart {
    bytes: Vec<u8>,
    path: RepoPath,
    /// The commit to go back from.
    commit: Option<CommitId>,
    /// Whether the bytes are those of the commit.
    committed: bool,
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

/// The values whose commit is not found yet, with the index of each in the request: a value
/// can have another node id or name in an older commit.
type SoughtValues = Vec<(usize, NodeAspect)>;

/// A file in a commit that may have changed the values.
struct BlameSuspect {
    path: RepoPath,
    blob: ObjectId,
    sought: SoughtValues,
}

struct BlameWalk<'r> {
    repository: &'r Repository,
    catalog: &'r Catalog,
    /// The result, by the value in the newest state.
    blamed: HashMap<NodeAspect, BlameOrigin>,
    /// The commits still to look at, by their times: the newest first, so that all its children
    /// have been there before it.
    queue: BinaryHeap<(i64, ObjectId)>,
    suspects: BTreeMap<ObjectId, Vec<BlameSuspect>>,
}

impl BlameWalk<'_> {
    fn follow_values(
        &mut self,
        start: BlameStart,
        document: Value,
        held: Vec<NodeAspect>,
    ) -> Result<()> {
        let asked = held.clone();
        let mut sought: SoughtValues = held.into_iter().enumerate().collect();
        let Some(commit) = start.commit else {
            self.assign(&asked, sought, BlameOrigin::WorkTree);
            return Ok(());
        };
        let tree = operands::blob_at_path(self.repository, commit.0, &start.path)?;
        let Some(blob) = tree else {
            self.assign(&asked, sought, BlameOrigin::WorkTree);
            return Ok(());
        };
        if !start.committed {
            let (passed, own) = self.split_inherited(blob, document, sought)?;
            self.assign(&asked, own, BlameOrigin::WorkTree);
            sought = passed;
        }
        self.enqueue(commit, BlameSuspect { path: start.path, blob, sought })?;
        while let Some((_, id)) = self.queue.pop() {
            let commit = CommitId(id);
            let Some(about) = self.repository.commit(commit)? else { continue };
            for suspect in self.suspects.remove(&id).unwrap_or_default() {
                let own = self.pass_to_parents(commit, &about, suspect)?;
                self.assign(&asked, own, BlameOrigin::Commit(commit));
            }
        }
        Ok(())
    }

    fn assign(&mut self, asked: &[NodeAspect], sought: SoughtValues, blamed: BlameOrigin) {
        for (at, _) in sought {
            self.blamed.insert(asked[at].clone(), blamed.clone());
        }
    }

    fn enqueue(&mut self, commit: CommitId, suspect: BlameSuspect) -> Result<()> {
        if suspect.sought.is_empty() {
            return Ok(());
        }
        let here = self.suspects.entry(commit.0).or_default();
        if here.is_empty() {
            let seconds = self.repository.commit(commit)?.map_or(0, |c| c.committer.seconds);
            self.queue.push((seconds, commit.0));
        }
        match here.iter_mut().find(|other| other.path == suspect.path) {
            Some(other) => other.sought.extend(suspect.sought),
            None => here.push(suspect),
        }
        Ok(())
    }

    /// Passes values on to the parents that have them in the same form; gives the rest, which
    /// this commit changed.
    fn pass_to_parents(
        &mut self,
        commit: CommitId,
        about: &Commit,
        suspect: BlameSuspect,
    ) -> Result<SoughtValues> {
        let mut sought = suspect.sought;
        let mut document = None;
        for parent in &about.parents {
            if sought.is_empty() {
                break;
            }
            // The edge of a shallow clone.
            if self.repository.commit(*parent)?.is_none() {
                continue;
            }
            let Some((path, blob)) = self.file_in_parent(*parent, commit, &suspect.path)? else {
                continue;
            };
            let passed = if blob == suspect.blob {
                std::mem::take(&mut sought)
            } else {
                if document.is_none() {
                    document = self.read_document(suspect.blob)?;
                }
                let Some(document) = document.clone() else { continue };
                let (passed, own) = self.split_inherited(blob, document, sought)?;
                sought = own;
                passed
            };
            self.enqueue(*parent, BlameSuspect { path, blob, sought: passed })?;
        }
        Ok(sought)
    }

    /// The file in a parent, also if it was renamed since.
    fn file_in_parent(
        &self,
        parent: CommitId,
        commit: CommitId,
        path: &RepoPath,
    ) -> Result<Option<(RepoPath, ObjectId)>> {
        if let Some(blob) = operands::blob_at_path(self.repository, parent.0, path)? {
            return Ok(Some((path.clone(), blob)));
        }
        let arguments =
            ["--find-renames".to_owned(), parent.to_string(), commit.to_string(), "--".to_owned()];
        let changes = changed_files::list_changes(self.repository.common_dir(), &arguments)?;
        let renamed = changes.into_iter().find(|change| {
            matches!(change.kind, FileChangeKind::Renamed | FileChangeKind::Copied)
                && change.path() == path
        });
        let before = renamed.and_then(|change| change.before);
        Ok(before.and_then(|version| Some((version.path, version.blob?))))
    }

    fn read_document(&self, blob: ObjectId) -> Result<Option<Value>> {
        let bytes = self.repository.blob(blob)?.unwrap_or_default();
        Ok(match content::parse_content(bytes) {
            FileContent::Graph(value) => Some(value),
            _ => None,
        })
    }

    /// Splits values into those that an earlier blob has in the same form (as they are named
    /// there) and those that are new in `after`.
    fn split_inherited(
        &self,
        before: ObjectId,
        after: Value,
        sought: SoughtValues,
    ) -> Result<(SoughtValues, SoughtValues)> {
        let Some(before) = self.read_document(before)? else { return Ok((Vec::new(), sought)) };
        let (before, after) = (FileContent::Graph(before), FileContent::Graph(after));
        let Some(compared) = compare_contents(before, after, self.catalog) else {
            return Ok((Vec::new(), sought));
        };
        let lineage = Lineage::from_script(&compared.script);
        let (mut passed, mut own) = (Vec::new(), Vec::new());
        for (at, held) in sought {
            match lineage.trace_back(&held) {
                Some(before) => passed.push((at, before)),
                None => own.push((at, held)),
            }
        }
        Ok((passed, own))
    }
}

/// Commits that were read for the output.
type CommitCache = HashMap<ObjectId, Option<Commit>>;

fn blamed_commit<'k>(
    walk: &BlameWalk<'_>,
    held: &NodeAspect,
    known: &'k mut CommitCache,
) -> Result<Option<(CommitId, &'k Commit)>> {
    let Some(BlameOrigin::Commit(id)) = walk.blamed.get(held) else { return Ok(None) };
    let commit = match known.entry(id.0) {
        Entry::Occupied(there) => there.into_mut(),
        Entry::Vacant(free) => free.insert(walk.repository.commit(*id)?),
    };
    Ok(commit.as_ref().map(|commit| (*id, commit)))
}

fn render_text(
    node_values: &NodeValues,
    walk: &BlameWalk<'_>,
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
        let who = match blamed_commit(walk, &entry.key, known)? {
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
    walk: &BlameWalk<'_>,
    known: &mut CommitCache,
) -> Result<String> {
    let mut text = String::new();
    for entry in &node_values.values {
        let commit = blamed_commit(walk, &entry.key, known)?;
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
