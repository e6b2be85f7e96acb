//! Taking a snapshot: what the files hold is written first, then the ref moves.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_graph::canon::Mode;
use comfy_graph::{canon, json};
use jiff::{SignedDuration, Timestamp};

use super::keep::Policy;
use super::present::{Scope, candidates};
use super::{
    ABOUT, About, Edits, FILES, Halves, Kept, LAYOUTS, Snapshot, WorkTree, change, drop_old,
    listed, print_name,
};
use crate::layouts::Settings;
use crate::layouts::refresh::read_within;
use crate::platform::git::{
    Batch, EntryKind, Kind, ObjectId, RepoPath, Repository, Result, TreeEntry, tree,
};
use crate::snapshots;

/// Why a snapshot is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The person asked for it.
    Hand,
    /// A file was saved.
    Watch,
    /// What is there is about to be replaced by an older state.
    Restore,
}

impl Reason {
    /// The word in `snapshot.json`.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Hand => "hand",
            Reason::Watch => "watch",
            Reason::Restore => "restore",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wish<'w> {
    pub scope: Scope,
    pub reason: Reason,
    /// What the person says of it. A snapshot with a text is taken also when nothing has
    /// changed, and is not thinned out.
    pub text: Option<&'w str>,
    /// What is let go in the same step.
    pub policy: &'w Policy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The new one; none where the last one holds the same.
    pub new: Option<Snapshot>,
    /// The one before: the newest of this work tree until now.
    pub before: Option<Snapshot>,
    /// Workflows in the state it stands for.
    pub files: usize,
    /// What is worth telling, each a line.
    pub remarks: Vec<String>,
}

/// How many digits the name of a snapshot has.
const ID_DIGITS: usize = 12;
/// How far the clocks of two processes may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// The most bytes of new objects that are held in memory.
const HELD: usize = 32 << 20;

/// What became of a file since the last snapshot: what it holds now, or that it is gone.
type Differences = BTreeMap<RepoPath, Option<Kept>>;

/// Takes a snapshot, if it would differ from the last one.
pub fn take(repository: &Repository, wish: &Wish<'_>) -> Result<Taken> {
    let of = WorkTree::of(repository)?;
    let own = snapshots::list(repository, Some(&of))?;
    let last = last_before(own, snapshots::now());
    let known = match &last {
        Some(last) => snapshots::files(repository, last)?,
        None => BTreeMap::new(),
    };
    let mut look = Look { repository, known, batch: Batch::new(repository.format()), held: 0 };
    let (differences, remarks) = look.differences(&wish.scope)?;
    let gone = differences.values().filter(|kept| kept.is_none()).count();
    let fresh = differences.keys().filter(|path| !look.known.contains_key(*path)).count();
    let files = look.known.len() + fresh - gone;
    let mut about = About {
        schema: 1,
        at: String::new(),
        reason: wish.reason.word().to_owned(),
        head: repository.head()?.map(|head| head.to_string()),
        text: wish.text.map(str::to_owned),
    };
    let (new, before) = change(repository, "keep a snapshot", |root, batch| {
        let own = listed(repository, root, Some(&of))?;
        let now = after(&own, snapshots::now());
        let last = last_before(own.clone(), now);
        let old = match &last {
            Some(last) => Halves::of(repository, last.tree)?,
            None => Halves::default(),
        };
        let halves = halves(repository, old, &differences, batch)?;
        let same = halves == old || last.is_none() && differences.is_empty();
        if same && wish.text.is_none() {
            return Ok((Edits::new(), (None, last)));
        }
        about.at = now.to_string();
        let snapshot = assembled(repository, &of, now, halves, &about, batch);
        let folder = snapshot.folder.clone().into_bytes();
        let mut edits = Edits::from([(folder, Some((EntryKind::Tree, snapshot.tree)))]);
        let mut all = own;
        all.push(snapshot.clone());
        all.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        drop_old(repository, &all, wish.policy, now, &mut edits)?;
        Ok((edits, (Some(snapshot), last)))
    })?;
    Ok(Taken { new, before, files, remarks })
}

/// A time after that of every snapshot, so that of two that are taken at once the later one
/// holds both. One that lies further ahead than two clocks may be apart comes from a clock
/// that was wrong, and does not count.
fn after(newest_first: &[Snapshot], now: Timestamp) -> Timestamp {
    let ahead = |snapshot: &&Snapshot| snapshot.at <= now + SKEW;
    let newest = newest_first.iter().find(ahead).map(|snapshot| snapshot.at);
    let next = newest.and_then(|at| at.checked_add(SignedDuration::from_millis(1)).ok());
    next.map_or(now, |next| next.max(now))
}

/// The newest that is not in the future; one from a clock that was wrong does not hide it.
fn last_before(newest_first: Vec<Snapshot>, now: Timestamp) -> Option<Snapshot> {
    let mut all = newest_first.into_iter();
    let first = all.next()?;
    if first.at <= now { Some(first) } else { all.find(|s| s.at <= now).or(Some(first)) }
}

/// Compares the files of the work tree with the last snapshot, and writes what is new.
struct Look<'r> {
    repository: &'r Repository,
    known: BTreeMap<RepoPath, Kept>,
    batch: Batch,
    held: usize,
}

/// What a file holds.
enum Held {
    /// A state to keep.
    State { content: Vec<u8>, layout: Option<Vec<u8>> },
    /// No workflow.
    Nothing,
    /// It cannot be read, for this reason.
    Broken(String),
}

impl Look<'_> {
    fn differences(&mut self, scope: &Scope) -> Result<(Differences, Vec<String>)> {
        let top = self.repository.require_work_tree()?.to_owned();
        let longest = Settings::of(self.repository)?.max_file_size;
        let mut found = Differences::new();
        let mut remarks = Vec::new();
        let mut there = std::collections::BTreeSet::new();
        for path in candidates(self.repository, scope)? {
            let file = top.join(path.to_path());
            if !file.symlink_metadata().is_ok_and(|about| about.is_file()) {
                continue;
            }
            let expected = match scope {
                Scope::Named(_) => Expected::Anything,
                _ if self.known.contains_key(&path) => Expected::Workflow,
                _ => Expected::Nothing,
            };
            match held(&file, longest, expected) {
                Held::Nothing => {}
                Held::Broken(why) => {
                    remarks.push(format!("{path} is not in the snapshot: {why}"));
                    // The state in the last snapshot stays.
                    there.insert(path);
                }
                Held::State { content, layout } => {
                    let kept = self.keep(&path, content, layout)?;
                    if self.known.get(&path) != Some(&kept) {
                        found.insert(path.clone(), Some(kept));
                    }
                    there.insert(path);
                }
            }
        }
        self.flush()?;
        let gone = self.known.keys().filter(|path| scope.covers(path) && !there.contains(*path));
        found.extend(gone.map(|path| (path.clone(), None)));
        Ok((found, remarks))
    }

    /// Writes what the last snapshot does not hold yet.
    fn keep(&mut self, path: &RepoPath, content: Vec<u8>, layout: Option<Vec<u8>>) -> Result<Kept> {
        let id = |bytes: &[u8]| self.repository.format().id_of(Kind::Blob, bytes);
        let kept = Kept { content: id(&content), layout: layout.as_deref().map(id) };
        if self.known.get(path) != Some(&kept) {
            self.held += content.len() + layout.as_ref().map_or(0, Vec::len);
            self.batch.blob(content);
            if let Some(layout) = layout {
                self.batch.blob(layout);
            }
            if self.held > HELD {
                self.flush()?;
            }
        }
        Ok(kept)
    }

    fn flush(&mut self) -> Result<()> {
        let batch = std::mem::replace(&mut self.batch, Batch::new(self.repository.format()));
        self.held = 0;
        if batch.is_empty() { Ok(()) } else { self.repository.write(&batch) }
    }
}

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Whatever it holds is kept.
    Anything,
    /// It held a workflow: one that cannot be read is not whole.
    Workflow,
    /// What is no workflow is passed over.
    Nothing,
}

/// What a file holds now, in two parts that give it back to the byte.
fn held(file: &Path, longest: u64, expected: Expected) -> Held {
    let Some(bytes) = read_within(file, longest) else {
        return Held::Broken("it cannot be read, or is too long (comfy.maxFileSize)".to_owned());
    };
    let (content, layout) = match (canon::begin(&bytes, Mode::Strip), expected) {
        (Ok((content, rest)), _) => (content, rest.map(|rest| rest.layout())),
        (Err(_), Expected::Anything) => (bytes.clone(), None),
        // Python and browsers read more than we can print back: such a file is kept whole.
        (Err(remark), expected) => match (json::parse_lenient(&bytes), remark) {
            (Ok(_), None) => return Held::Nothing,
            (Ok(_), Some(_)) => (bytes.clone(), None),
            (Err(_), None) if expected == Expected::Nothing => return Held::Nothing,
            (Err(error), _) => return Held::Broken(error.to_string()),
        },
    };
    let whole = match &layout {
        Some(layout) => canon::smudge(&content, layout).as_ref() == Some(&bytes),
        None => content == bytes,
    };
    match layout {
        Some(layout) if whole => Held::State { content, layout: Some(layout.into_bytes()) },
        _ => Held::State { content: bytes, layout: None },
    }
}

/// The folders of the new snapshot, on top of those of the last one.
fn halves(
    repository: &Repository,
    old: Halves,
    differences: &Differences,
    batch: &mut Batch,
) -> Result<Halves> {
    let mut contents = BTreeMap::new();
    let mut layouts = BTreeMap::new();
    for (path, kept) in differences {
        let put = |id: ObjectId| (EntryKind::File, id);
        contents.insert(path.as_bytes(), kept.map(|kept| put(kept.content)));
        layouts.insert(path.as_bytes(), kept.and_then(|kept| kept.layout).map(put));
    }
    Ok(Halves {
        files: Some(tree::edited(repository, old.files, &contents, batch)?),
        layouts: Some(tree::edited(repository, old.layouts, &layouts, batch)?),
    })
}

fn assembled(
    repository: &Repository,
    of: &WorkTree,
    at: Timestamp,
    halves: Halves,
    about: &About,
    batch: &mut Batch,
) -> Snapshot {
    let hex = |half: Option<ObjectId>| half.map(|id| id.to_hex()).unwrap_or_default();
    let parts = [hex(halves.files), hex(halves.layouts), at.to_string(), of.0.clone()];
    let mut id = repository.format().digest(&[parts.join(" ").as_bytes()]).to_hex();
    id.truncate(ID_DIGITS);
    let text = serde_json::to_vec(about).unwrap_or_default();
    let file = |name: &str, kind, id| TreeEntry { kind, name: name.into(), id };
    let mut entries = vec![file(ABOUT, EntryKind::File, batch.blob(text))];
    for (name, half) in [(FILES, halves.files), (LAYOUTS, halves.layouts)] {
        entries.extend(half.map(|id| file(name, EntryKind::Tree, id)));
    }
    let tree = batch.tree(&entries);
    let folder = format!("{}/{}", of.0, print_name(at, &id));
    Snapshot { id, at, of: of.clone(), folder, tree }
}
