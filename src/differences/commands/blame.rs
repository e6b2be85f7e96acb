//! `git comfy blame`: which commit last changed each value of a workflow.
//!
//! Follows each value back through the history, through renumbering, retitling and moves
//! into subgraphs, until a commit changed it. At a merge a value goes on to a parent that
//! has it in the same form.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use comfy_graph::catalog::Catalog;
use comfy_graph::diff::{Held, Lineage};
use comfy_graph::json::Value;
use serde_json::json;

use crate::differences::compared::compare;
use crate::differences::content::Content;
use crate::differences::revisions::How;
use crate::differences::text::ledger::{Leaf, leaves};
use crate::differences::{content, operands, revisions, widget_names};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git::{Commit, CommitId, ObjectId, RepoPath, Repository, commit_range};
use crate::platform::text::{Colour, sanitize};
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::ui::Listener;

const EXAMPLES: &str = "\
Examples:
  git comfy blame portrait.json                 every value of every node
  git comfy blame portrait.json KSampler        one node, by its title, class or #id
  git comfy blame portrait.json KSampler.cfg    one value
  git comfy blame v1.0:portrait.json '#3'       as it was then";

/// Tell which commit gave every value of a workflow its present form.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
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
enum Blamed {
    /// In the work tree; it is not committed.
    Here,
    Commit(CommitId),
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository_in_step()?;
    let naming = widget_names::of(&repository);
    let start = start(args, session, &repository)?;
    let no_graph = || Failure::new(format!("{} holds no workflow", sanitize::line(&args.file)));
    let Content::Graph(document) = content::read(start.bytes.clone()) else {
        return Err(no_graph());
    };
    let mut leaves = leaves(&document, &naming).ok_or_else(no_graph)?;
    if let Some(wanted) = &args.node {
        choose(&mut leaves, wanted, &args.file)?;
    }
    let held: Vec<Held> =
        leaves.iter().flat_map(|leaf| &leaf.values).map(|entry| entry.held.clone()).collect();
    let mut trail = Trail { repository: &repository, naming: &naming, blamed: HashMap::new() };
    trail.follow(start, document, held)?;
    let mut screen = Screen::open(session, &args.screen, "blame");
    let mut known = HashMap::new();
    for leaf in &leaves {
        let text = if args.json {
            in_json(leaf, &trail, &mut known)?
        } else {
            in_words(leaf, &trail, &mut known, &screen)?
        };
        if screen.put(text.as_bytes())? == Listener::Gone {
            break;
        }
    }
    Ok(Exit::Done)
}

/// The file that is annotated, and the commit to search from.
struct Start {
    bytes: Vec<u8>,
    path: RepoPath,
    /// The commit to go back from.
    commit: Option<CommitId>,
    /// Whether the bytes are those of the commit.
    committed: bool,
}

fn start(args: &Args, session: &Session, repository: &Repository) -> Result<Start> {
    let file = session.cwd.join(&args.file);
    if !file.is_file()
        && let Some((revision, path)) = args.file.split_once(':')
    {
        let unknown = || Failure::new(format!("{} is not there", sanitize::line(&args.file)));
        let commit = repository.resolve_commit(revision)?.ok_or_else(unknown)?;
        let path = match path.strip_prefix("./") {
            Some(path) => operands::repo_path(repository, &session.cwd.join(path)),
            None => Some(RepoPath::new(path.as_bytes())),
        };
        let path = path.ok_or_else(unknown)?;
        let blob = operands::blob_in(repository, commit.0, &path)?.ok_or_else(unknown)?;
        let bytes = repository.blob(blob)?.ok_or_else(unknown)?;
        return Ok(Start { bytes, path, commit: Some(commit), committed: true });
    }
    let bytes = operands::bytes_of(&file)?;
    let outside =
        || Failure::new(format!("{} is not in this repository", sanitize::line(&args.file)));
    let path = operands::repo_path(repository, &file).ok_or_else(outside)?;
    Ok(Start { bytes, path, commit: repository.head()?, committed: false })
}

/// Keeps the nodes that `NODE[.WIDGET]` names, and of them the value.
fn choose(leaves: &mut Vec<Leaf>, wanted: &str, file: &str) -> Result<()> {
    let known = |name: &str| leaves.iter().any(|leaf| leaf.is_called(name));
    let dots = wanted.match_indices('.').map(|(at, _)| at);
    let split = dots.map(|at| (&wanted[..at], &wanted[at + 1..])).find(|(node, _)| known(node));
    let (node, value) = match split {
        _ if known(wanted) => (wanted, None),
        Some((node, value)) => (node, Some(value)),
        None => {
            let failure = Failure::new(format!(
                "{} has no node {}",
                sanitize::line(file),
                sanitize::line(wanted)
            ));
            let some: Vec<String> = leaves.iter().take(12).map(|leaf| leaf.name.clone()).collect();
            return Err(failure.hint(format!("there are: {}", sanitize::line(&some.join(", ")))));
        }
    };
    leaves.retain(|leaf| leaf.is_called(node));
    let Some(value) = value else { return Ok(()) };
    let values: Vec<String> = leaves
        .iter()
        .flat_map(|leaf| &leaf.values)
        .map(|entry| entry.held.aspect.name().to_string())
        .collect();
    for leaf in leaves.iter_mut() {
        leaf.values.retain(|entry| entry.held.aspect.name().eq_ignore_ascii_case(value));
    }
    leaves.retain(|leaf| !leaf.values.is_empty());
    if leaves.is_empty() {
        let failure = Failure::new(format!(
            "{} has no value {}",
            sanitize::line(node),
            sanitize::line(value)
        ));
        return Err(failure.hint(format!("there are: {}", sanitize::line(&values.join(", ")))));
    }
    Ok(())
}

/// The values whose commit is not found yet, with the index of each in the request: a value
/// can have another node id or name in an older commit.
type Sought = Vec<(usize, Held)>;

/// A file in a commit that may have changed the values.
struct Stop {
    path: RepoPath,
    blob: ObjectId,
    sought: Sought,
}

struct Trail<'r> {
    repository: &'r Repository,
    naming: &'r Catalog,
    /// The result, by the value in the newest state.
    blamed: HashMap<Held, Blamed>,
}

impl Trail<'_> {
    fn follow(&mut self, start: Start, document: Value, held: Vec<Held>) -> Result<()> {
        let asked = held.clone();
        let mut sought: Sought = held.into_iter().enumerate().collect();
        let Some(commit) = start.commit else {
            self.settle(&asked, sought, Blamed::Here);
            return Ok(());
        };
        let tree = operands::blob_in(self.repository, commit.0, &start.path)?;
        let Some(blob) = tree else {
            self.settle(&asked, sought, Blamed::Here);
            return Ok(());
        };
        if !start.committed {
            let (passed, own) = self.passed(blob, document, sought)?;
            self.settle(&asked, own, Blamed::Here);
            sought = passed;
        }
        // The newest commit first, so that all its children have been there before it.
        let mut queue: BinaryHeap<(i64, ObjectId)> = BinaryHeap::new();
        let mut stops: BTreeMap<ObjectId, Vec<Stop>> = BTreeMap::new();
        self.visit(commit, Stop { path: start.path, blob, sought }, &mut queue, &mut stops)?;
        while let Some((_, id)) = queue.pop() {
            let commit = CommitId(id);
            let Some(about) = self.repository.commit(commit)? else { continue };
            for stop in stops.remove(&id).unwrap_or_default() {
                let own = self.step(commit, &about, stop, &mut queue, &mut stops)?;
                self.settle(&asked, own, Blamed::Commit(commit));
            }
        }
        Ok(())
    }

    fn settle(&mut self, asked: &[Held], sought: Sought, blamed: Blamed) {
        for (at, _) in sought {
            self.blamed.insert(asked[at].clone(), blamed.clone());
        }
    }

    fn visit(
        &self,
        commit: CommitId,
        stop: Stop,
        queue: &mut BinaryHeap<(i64, ObjectId)>,
        stops: &mut BTreeMap<ObjectId, Vec<Stop>>,
    ) -> Result<()> {
        if stop.sought.is_empty() {
            return Ok(());
        }
        let here = stops.entry(commit.0).or_default();
        if here.is_empty() {
            let seconds = self.repository.commit(commit)?.map_or(0, |c| c.committer.seconds);
            queue.push((seconds, commit.0));
        }
        match here.iter_mut().find(|other| other.path == stop.path) {
            Some(other) => other.sought.extend(stop.sought),
            None => here.push(stop),
        }
        Ok(())
    }

    /// Passes values on to the parents that have them in the same form; gives the rest, which
    /// this commit changed.
    fn step(
        &self,
        commit: CommitId,
        about: &Commit,
        stop: Stop,
        queue: &mut BinaryHeap<(i64, ObjectId)>,
        stops: &mut BTreeMap<ObjectId, Vec<Stop>>,
    ) -> Result<Sought> {
        let mut sought = stop.sought;
        let mut document = None;
        for parent in &about.parents {
            if sought.is_empty() {
                break;
            }
            // The edge of a shallow clone.
            if self.repository.commit(*parent)?.is_none() {
                continue;
            }
            let Some((path, blob)) = self.before(*parent, commit, &stop.path)? else { continue };
            let passed = if blob == stop.blob {
                std::mem::take(&mut sought)
            } else {
                if document.is_none() {
                    document = self.document(stop.blob)?;
                }
                let Some(document) = document.clone() else { continue };
                let (passed, own) = self.passed(blob, document, sought)?;
                sought = own;
                passed
            };
            self.visit(*parent, Stop { path, blob, sought: passed }, queue, stops)?;
        }
        Ok(sought)
    }

    /// The file in a parent, also if it was renamed since.
    fn before(
        &self,
        parent: CommitId,
        commit: CommitId,
        path: &RepoPath,
    ) -> Result<Option<(RepoPath, ObjectId)>> {
        if let Some(blob) = operands::blob_in(self.repository, parent.0, path)? {
            return Ok(Some((path.clone(), blob)));
        }
        let arguments =
            ["--find-renames".to_owned(), parent.to_string(), commit.to_string(), "--".to_owned()];
        let changes = revisions::changes(self.repository.common_dir(), &arguments)?;
        let renamed = changes.into_iter().find(|change| {
            matches!(change.how, How::Renamed | How::Copied) && change.path() == path
        });
        let before = renamed.and_then(|change| change.before);
        Ok(before.and_then(|version| Some((version.path, version.blob?))))
    }

    fn document(&self, blob: ObjectId) -> Result<Option<Value>> {
        let bytes = self.repository.blob(blob)?.unwrap_or_default();
        Ok(match content::read(bytes) {
            Content::Graph(value) => Some(value),
            _ => None,
        })
    }

    /// Splits values into those that an earlier blob has in the same form (as they are named
    /// there) and those that are new in `after`.
    fn passed(&self, before: ObjectId, after: Value, sought: Sought) -> Result<(Sought, Sought)> {
        let Some(before) = self.document(before)? else { return Ok((Vec::new(), sought)) };
        let (before, after) = (Content::Graph(before), Content::Graph(after));
        let Some(compared) = compare(before, after, self.naming) else {
            return Ok((Vec::new(), sought));
        };
        let lineage = Lineage::of(&compared.script);
        let (mut passed, mut own) = (Vec::new(), Vec::new());
        for (at, held) in sought {
            match lineage.before(&held) {
                Some(before) => passed.push((at, before)),
                None => own.push((at, held)),
            }
        }
        Ok((passed, own))
    }
}

/// Commits that were read for the output.
type Known = HashMap<ObjectId, Option<Commit>>;

fn look_up<'k>(
    trail: &Trail<'_>,
    held: &Held,
    known: &'k mut Known,
) -> Result<Option<(CommitId, &'k Commit)>> {
    let Some(Blamed::Commit(id)) = trail.blamed.get(held) else { return Ok(None) };
    let commit = match known.entry(id.0) {
        Entry::Occupied(there) => there.into_mut(),
        Entry::Vacant(free) => free.insert(trail.repository.commit(*id)?),
    };
    Ok(commit.as_ref().map(|commit| (*id, commit)))
}

fn in_words(leaf: &Leaf, trail: &Trail<'_>, known: &mut Known, screen: &Screen) -> Result<String> {
    let (bold, plain, yellow) = match screen.colour {
        Colour::On => ("\x1b[1m", "\x1b[m", "\x1b[33m"),
        Colour::Off => ("", "", ""),
    };
    let inside = leaf.inside.as_ref().map(|name| format!("{name} / ")).unwrap_or_default();
    let class = if leaf.class == leaf.name { String::new() } else { format!(" ({})", leaf.class) };
    let head = format!("{inside}{} #{}{class}", leaf.name, leaf.node.id);
    let mut text = format!("{bold}{}{plain}\n", sanitize::line(&head));
    let names = leaf.values.iter().map(|entry| entry.held.aspect.name().chars().count());
    let names = names.max().unwrap_or(0).min(24);
    for entry in &leaf.values {
        let who = match look_up(trail, &entry.held, known)? {
            Some((id, commit)) => {
                let author = sanitize::excerpt(&commit.author.name, 12);
                format!(
                    "{yellow}{}{plain} {} {author:<12}",
                    commit_range::short(id),
                    commit_range::day(&commit.author)
                )
            }
            None => format!("{:<31}", "not committed yet"),
        };
        let name = entry.held.aspect.name();
        let name = sanitize::line(&name);
        let room = screen.width.saturating_sub(31 + names + 6).max(20);
        let shown = sanitize::excerpt(&entry.shown, room);
        text.push_str(&format!("  {who}  {name:<names$}  {shown}\n"));
    }
    Ok(text)
}

fn in_json(leaf: &Leaf, trail: &Trail<'_>, known: &mut Known) -> Result<String> {
    let mut text = String::new();
    for entry in &leaf.values {
        let commit = look_up(trail, &entry.held, known)?;
        let told = json!({
            "node": leaf.node.to_string(),
            "title": leaf.name,
            "class": leaf.class,
            "subgraph": leaf.inside,
            "value": entry.held.aspect.name().as_str(),
            "shown": entry.shown,
            "commit": commit.map(|(id, _)| id.to_string()),
            "date": commit.and_then(|(_, commit)| commit_range::moment(&commit.author)),
            "author": commit.map(|(_, commit)| commit.author.name.clone()),
            "subject": commit.map(|(_, commit)| commit.subject()),
        });
        text.push_str(&format!("{told}\n"));
    }
    Ok(text)
}
