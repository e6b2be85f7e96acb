//! What each file of a work tree held last, and what it held before git wrote it: whoever
//! saves a file is held against that (`clean::stamp`).
//!
//! `L` says that a person saved the file so, `W` that git wrote it so, `R` that git wrote it
//! and left everything where it lay, `A` that a hook brought the file to what it was known to
//! hold, `S` up to which time its moves are in notes, `B` that a person saved the file so, and
//! that something in it was taken for what an old tab shows: the file is then written anew as
//! it was. One work tree has one such log; it can be deleted at any time, and then the notes
//! tell what the file held.

use std::collections::VecDeque;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::append_log::{
    IndexedLog, LayoutExtent, LockKind, LogEvent, LogIndex, RecordHeader, format_record,
};
use super::state_files;
use crate::platform::git::{ObjectId, RepoPath, Repository, Result};
use crate::platform::time::now_millis;

/// How many states from before git's writes are remembered of a file: a pull may move nodes
/// more than once while ComfyUI has an old one open. States that look the same count once.
const MAX_STATES_BEFORE: usize = 8;

/// Who brought a file into a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileWriter {
    /// A person, by saving.
    Person,
    /// git, by checking out.
    Git,
}

/// A layout that a file had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileState {
    /// The clean content it had it with.
    pub(crate) blob: ObjectId,
    /// One line of JSON.
    pub(crate) layout: String,
}

/// What is remembered of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileHistory {
    /// What it holds, as far as we saw.
    pub(crate) last: Option<FileState>,
    /// What git wrote last, if a person saved since.
    pub(crate) written: Option<FileState>,
    /// What it held before git wrote it, the newest first.
    pub(crate) before: Vec<FileState>,
    /// How many of those, from the oldest on, are older than what git wrote last.
    pub(crate) older_than_write: usize,
    /// What was saved, did not count, and was written over since.
    pub(crate) set_aside: Option<FileState>,
}

/// A state that is written down.
#[derive(Debug, Clone)]
pub(crate) struct RecordedState {
    pub(crate) path: RepoPath,
    /// Who brought it into that state.
    pub(crate) writer: FileWriter,
    /// Its clean content.
    pub(crate) blob: ObjectId,
    extent: LayoutExtent,
}

impl RecordedState {
    /// When it was written down, in milliseconds since 1970; 0 if nobody said.
    pub(crate) fn at(&self) -> u64 {
        self.extent.at
    }

    /// The checksum of its layout.
    pub(crate) fn crc(&self) -> u32 {
        self.extent.crc
    }
}

/// The states of all files of a work tree.
#[derive(Debug)]
pub(crate) struct FileStates {
    log: IndexedLog<TrackedFiles>,
}

type StatePosition = (ObjectId, LayoutExtent);

#[derive(Debug, Default)]
struct TrackedFiles {
    files: FxHashMap<RepoPath, TrackedFile>,
    /// The files that ever held a content.
    holders: FxHashMap<ObjectId, Vec<RepoPath>>,
    dead: u64,
}

#[derive(Debug, Default)]
struct TrackedFile {
    last: Option<StatePosition>,
    written: Option<StatePosition>,
    before: VecDeque<StatePosition>,
    set_aside: Option<SetAside>,
    /// The first of them looks as the last state does.
    looks_as_before: bool,
    /// A person brought it into the last state.
    is_saved: bool,
    noted_at: u64,
}

/// What the file showed when something in it did not count.
#[derive(Debug, Clone, Copy)]
struct SetAside {
    shown: StatePosition,
    is_written_over: bool,
}

impl FileStates {
    /// The log of the work tree at hand.
    pub(crate) fn open(repository: &Repository) -> FileStates {
        FileStates {
            log: IndexedLog::new(repository.work_tree_state_dir(), state_files::FILE_STATES),
        }
    }

    /// One that remembers nothing.
    pub(crate) fn detached() -> FileStates {
        FileStates { log: IndexedLog::detached(state_files::FILE_STATES) }
    }

    /// What a file held last.
    pub(crate) fn last(&mut self, path: &RepoPath) -> Result<Option<FileState>> {
        let last = self.log.index()?.files.get(path).and_then(|tracked| tracked.last);
        Ok(last.and_then(|position| self.read_state(position)))
    }

    fn read_state(&self, (blob, extent): StatePosition) -> Option<FileState> {
        self.log.read_layout(&extent).map(|layout| FileState { blob, layout })
    }

    /// All that is remembered of a file.
    pub(crate) fn history(&mut self, path: &RepoPath) -> Result<FileHistory> {
        let Some(tracked) = self.log.index()?.files.get(path) else {
            return Ok(FileHistory::default());
        };
        let last = tracked.last;
        let written = tracked.written_before_last();
        let before = tracked.before.clone();
        let older_than_write = before.iter().filter(|position| tracked.is_older(position)).count();
        let set_aside = tracked
            .set_aside
            .filter(|set_aside| set_aside.is_written_over)
            .map(|set_aside| set_aside.shown);
        Ok(FileHistory {
            last: last.and_then(|position| self.read_state(position)),
            written: written.and_then(|position| self.read_state(position)),
            older_than_write,
            before: before.into_iter().filter_map(|position| self.read_state(position)).collect(),
            set_aside: set_aside.and_then(|position| self.read_state(position)),
        })
    }

    /// Every state that is still written down of a file, the newest first: also what a person
    /// saved over since.
    pub(crate) fn remembered(&mut self, path: &RepoPath, most: usize) -> Result<Vec<FileState>> {
        let states = self.recorded_states(|of| of == path)?;
        let states = states.iter().rev().take(most).filter_map(|state| {
            Some(FileState { blob: state.blob, layout: self.layout_of(state)? })
        });
        Ok(states.collect())
    }

    /// Remembers what a file shows that a person saved, where something in it does not count.
    pub(crate) fn set_aside(&mut self, path: &RepoPath, shown: &FileState) -> Result<()> {
        let known = self.log.index()?.files.get(path).and_then(|tracked| tracked.set_aside);
        let crc = crc32fast::hash(shown.layout.as_bytes());
        let is_known = known.is_some_and(|known| {
            let (blob, extent) = known.shown;
            !known.is_written_over && (blob, extent.crc) == (shown.blob, crc)
        });
        if is_known { Ok(()) } else { self.append(b'B', path, shown) }
    }

    /// The files that show something that did not count when it was saved, and the content
    /// they had.
    pub(crate) fn files_set_aside(&mut self) -> Result<Vec<(RepoPath, ObjectId)>> {
        let shows = |(path, tracked): (&RepoPath, &TrackedFile)| {
            let set_aside = tracked.set_aside.filter(|set_aside| !set_aside.is_written_over)?;
            Some((path.clone(), set_aside.shown.0))
        };
        Ok(self.log.index()?.files.iter().filter_map(shows).collect())
    }

    /// The files that held a content last.
    pub(crate) fn holders_of(&mut self, blob: ObjectId) -> Result<Vec<RepoPath>> {
        let index = self.log.index()?;
        let ever = index.holders.get(&blob).into_iter().flatten();
        let mut holders: Vec<RepoPath> =
            ever.filter(|path| index.last_blob(path) == Some(blob)).cloned().collect();
        holders.sort();
        holders.dedup();
        Ok(holders)
    }

    /// Whether a file is remembered to have held a content.
    pub(crate) fn has_held(&mut self, path: &RepoPath, blob: ObjectId) -> Result<bool> {
        let holders = self.log.index()?.holders.get(&blob);
        Ok(holders.is_some_and(|holders| holders.contains(path)))
    }

    /// What every file held last.
    pub(crate) fn all_last(&mut self) -> Result<Vec<(RepoPath, ObjectId)>> {
        let files = self.log.index()?.files.iter();
        let last = files.filter_map(|(path, tracked)| Some((path.clone(), tracked.last?.0)));
        Ok(last.collect())
    }

    /// Up to which time the moves of a file are in notes.
    pub(crate) fn noted_at(&mut self, path: &RepoPath) -> Result<u64> {
        Ok(self.log.index()?.files.get(path).map_or(0, |tracked| tracked.noted_at))
    }

    /// Remembers that notes hold the moves of files, each up to a time.
    pub(crate) fn mark_noted<'p>(
        &mut self,
        noted: impl Iterator<Item = (&'p RepoPath, ObjectId, u64)>,
    ) -> Result<()> {
        let index = self.log.index()?;
        let mut records = Vec::new();
        for (path, blob, at) in noted {
            if index.files.get(path).is_none_or(|tracked| tracked.noted_at < at) {
                records.extend(format_record(b'S', at, blob, path, b"", 0));
            }
        }
        if records.is_empty() { Ok(()) } else { self.log.log().append(&records) }
    }

    /// Remembers what a file holds now. The very same again is not written.
    pub(crate) fn record(
        &mut self,
        path: &RepoPath,
        writer: FileWriter,
        state: &FileState,
    ) -> Result<()> {
        let crc = crc32fast::hash(state.layout.as_bytes());
        let last = self.log.index()?.files.get(path).and_then(|tracked| tracked.last);
        let is_same = |(blob, extent): StatePosition| {
            blob == state.blob && (extent.crc, extent.length) == (crc, state.layout.len() as u64)
        };
        if last.is_some_and(is_same) {
            return Ok(());
        }
        let looks_the_same = || {
            let last = last.and_then(|position| self.read_state(position));
            last.is_some_and(|last| has_same_places(&last.layout, &state.layout))
        };
        let kind = match writer {
            FileWriter::Person => b'L',
            FileWriter::Git if looks_the_same() => b'R',
            FileWriter::Git => b'W',
        };
        self.append(kind, path, state)
    }

    /// Remembers that a hook writes a file anew which showed something else than what it was
    /// known to hold: a tab may still show what was saved before that.
    pub(crate) fn record_rewrite(&mut self, path: &RepoPath) -> Result<()> {
        let saved = self.log.index()?.files.get(path).filter(|tracked| tracked.is_saved);
        let last = saved.and_then(|tracked| tracked.last);
        let last = last.and_then(|position| self.read_state(position));
        last.map_or(Ok(()), |last| self.append(b'A', path, &last))
    }

    fn append(&mut self, kind: u8, path: &RepoPath, state: &FileState) -> Result<()> {
        let crc = crc32fast::hash(state.layout.as_bytes());
        let layout = state.layout.as_bytes();
        let record = format_record(kind, now_millis(), state.blob, path, layout, crc);
        self.log.log().append(&record)?;
        let dead = self.log.index()?.dead;
        if dead > 1 << 18 && dead * 2 > self.log.log().read_to() {
            self.compact()?;
        }
        Ok(())
    }

    /// Every state that is still written down, of files that are wanted, the oldest first:
    /// more than what counts for the next save.
    pub(crate) fn recorded_states(
        &mut self,
        mut is_wanted: impl FnMut(&RepoPath) -> bool,
    ) -> Result<Vec<RecordedState>> {
        let mut all = Vec::new();
        self.log.reset();
        self.log.log().read_all(&mut |event| match event {
            LogEvent::Record(RecordHeader { kind, blob, path, extent }) if is_wanted(&path) => {
                let writer = match kind {
                    b'L' => FileWriter::Person,
                    b'W' | b'R' | b'A' => FileWriter::Git,
                    _ => return,
                };
                all.push(RecordedState { path, writer, blob, extent });
            }
            LogEvent::Replaced => all.clear(),
            LogEvent::Record(_) | LogEvent::Damage(_) => {}
        })?;
        Ok(all)
    }

    /// The layout of a state; nothing if it is not there any more.
    pub(crate) fn layout_of(&self, state: &RecordedState) -> Option<String> {
        self.log.read_layout(&state.extent)
    }

    fn compact(&mut self) -> Result<()> {
        let patience = Duration::from_millis(100);
        let Some(_lock) = self.log.log().lock(LockKind::Exclusive, patience)? else {
            return Ok(());
        };
        self.log.reset();
        let mut kept = Vec::new();
        let mut noted = Vec::new();
        for (path, tracked) in &self.log.index()?.files {
            if let (true, Some((blob, _))) = (tracked.noted_at > 0, tracked.last) {
                noted.push(format_record(b'S', tracked.noted_at, blob, path, b"", 0));
            }
            // In an order that leads to the same.
            let (older, newer): (Vec<&StatePosition>, Vec<&StatePosition>) =
                tracked.before.iter().rev().partition(|position| tracked.is_older(position));
            let before = older.into_iter().map(|position| (b'W', *position));
            let newer =
                newer.into_iter().flat_map(|position| [(b'L', *position), (b'A', *position)]);
            let written = tracked.written.map(|position| (b'W', position));
            let is_written = tracked.written.map(|(_, extent)| extent.record);
            let last = tracked.last.filter(|(_, extent)| is_written != Some(extent.record));
            let last = last.map(|position| (b'L', position));
            let states = before.chain(written).chain(newer).chain(last);
            kept.extend(states.map(|(kind, position)| (path.clone(), kind, position)));
        }
        kept.sort_by(|a, b| a.0.cmp(&b.0));
        let mut records = Vec::new();
        for (path, kind, (blob, extent)) in kept {
            if let Some(layout) = self.log.read_layout(&extent) {
                let layout = layout.as_bytes();
                records.push(format_record(kind, extent.at, blob, &path, layout, extent.crc));
            }
        }
        let replaced = self.log.log().replace(records.into_iter().chain(noted));
        self.log.reset();
        replaced
    }
}

/// Whether two layouts show the same, by different clocks. One that came with a raw file has
/// no clocks, and never stands for one that has.
fn has_same_places(one: &str, other: &str) -> bool {
    let shown = |line: &str| memchr::memmem::rfind(line.as_bytes(), b",\"saved\":");
    match (shown(one), shown(other)) {
        (Some(end), Some(other_end)) => {
            let has_no_clocks = |rest: &str| rest.starts_with(",\"saved\":\"?0\"");
            one[..end] == other[..other_end]
                && !has_no_clocks(&one[end..])
                && !has_no_clocks(&other[other_end..])
        }
        _ => false,
    }
}

impl LogIndex for TrackedFiles {
    fn apply(&mut self, event: LogEvent) {
        match event {
            LogEvent::Replaced => *self = TrackedFiles::default(),
            LogEvent::Damage(bytes) => self.dead += bytes,
            LogEvent::Record(header) => self.apply_record(header),
        }
    }
}

impl TrackedFile {
    /// What git wrote last, if a person saved since.
    fn written_before_last(&self) -> Option<StatePosition> {
        let last = self.last.map(|(_, extent)| extent.record);
        self.written.filter(|(_, extent)| Some(extent.record) != last)
    }

    /// Whether a state was there before git wrote the file last.
    fn is_older(&self, state: &StatePosition) -> bool {
        self.written.is_some_and(|written| state.1.record < written.1.record)
    }
}

impl TrackedFiles {
    fn last_blob(&self, path: &RepoPath) -> Option<ObjectId> {
        self.files.get(path)?.last.map(|(blob, _)| blob)
    }

    fn apply_record(&mut self, header: RecordHeader) {
        let RecordHeader { kind, blob, path, extent } = header;
        let tracked = self.files.entry(path.clone()).or_default();
        if kind == b'S' {
            tracked.noted_at = tracked.noted_at.max(extent.at);
            self.dead += extent.record_size();
            return;
        }
        if kind == b'B' {
            let shown = (blob, extent);
            tracked.set_aside = Some(SetAside { shown, is_written_over: false });
            self.dead += extent.record_size();
            return;
        }
        match &mut tracked.set_aside {
            Some(set_aside) if matches!(kind, b'W' | b'R' | b'A') => {
                set_aside.is_written_over = true;
            }
            // A save that shows it again says so itself.
            shown => *shown = None,
        }
        if tracked.last.is_none_or(|(held, _)| held != blob) {
            self.holders.entry(blob).or_default().push(path);
        }
        let before = tracked.last.replace((blob, extent));
        let looks_as_before = matches!(kind, b'R' | b'A');
        let looked_as_before = std::mem::replace(&mut tracked.looks_as_before, looks_as_before);
        tracked.is_saved = !matches!(kind, b'W' | b'R' | b'A');
        if !tracked.is_saved {
            if kind != b'A' {
                tracked.written = tracked.last;
            }
            if kind == b'R' && looked_as_before {
                let stood_for = tracked.before.pop_front();
                self.dead += stood_for.map_or(0, |(_, extent)| extent.record_size());
            }
            if let Some(before) = before {
                tracked.before.push_front(before);
            }
            while let Some(forgotten) = tracked.before.get(MAX_STATES_BEFORE).copied() {
                self.dead += forgotten.1.record_size();
                tracked.before.truncate(MAX_STATES_BEFORE);
            }
        } else if let Some(before) = before
            && tracked.written.is_none_or(|written| written.1.record != before.1.record)
        {
            self.dead += before.1.record_size();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::git::{ObjectFormat, ObjectKind};

    fn states(folder: &std::path::Path) -> FileStates {
        FileStates { log: IndexedLog::new(folder, state_files::FILE_STATES) }
    }

    fn held(layout: &str) -> FileState {
        let blob = ObjectFormat::Sha1.object_id(ObjectKind::Blob, b"content");
        FileState { blob, layout: layout.to_owned() }
    }

    fn layouts(history: &FileHistory) -> (Option<&str>, Option<&str>, Vec<&str>) {
        let text = |state: &'_ FileState| -> &'_ str { Box::leak(state.layout.clone().into()) };
        (
            history.last.as_ref().map(text),
            history.written.as_ref().map(text),
            history.before.iter().map(text).collect(),
        )
    }

    #[test]
    fn what_git_wrote_and_what_lay_there_before_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = RepoPath::new("a.json");
        let mut here = states(folder.path());
        here.record(&path, FileWriter::Person, &held("saved")).unwrap();
        here.record(&path, FileWriter::Git, &held("pulled")).unwrap();
        let told = here.history(&path).unwrap();
        assert_eq!(layouts(&told), (Some("pulled"), None, vec!["saved"]));
        here.record(&path, FileWriter::Person, &held("dragged")).unwrap();
        let told = states(folder.path()).history(&path).unwrap();
        assert_eq!(layouts(&told), (Some("dragged"), Some("pulled"), vec!["saved"]));
    }

    #[test]
    fn writes_that_move_nothing_do_not_displace_what_lay_there_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = RepoPath::new("a.json");
        let mut here = states(folder.path());
        let line = |places: &str, at: usize| format!("{{{places},\"saved\":\"{at}:k3f9x2ab\"}}");
        here.record(&path, FileWriter::Person, &held(&line("mine", 1))).unwrap();
        for at in 2..50 {
            here.record(&path, FileWriter::Git, &held(&line("theirs", at))).unwrap();
        }
        let told = here.history(&path).unwrap();
        let (mine, theirs, last) = (line("mine", 1), line("theirs", 48), line("theirs", 49));
        assert_eq!(layouts(&told), (Some(&*last), None, vec![&*theirs, &*mine]));
    }

    #[test]
    fn a_log_that_was_compacted_tells_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (RepoPath::new("a.json"), RepoPath::new("b.json"));
        let mut here = states(folder.path());
        for n in 0..9 {
            let writer = if n % 3 == 0 { FileWriter::Person } else { FileWriter::Git };
            here.record(&path, writer, &held(&format!("{n}"))).unwrap();
            here.record(&other, FileWriter::Git, &held(&format!("other {n}"))).unwrap();
        }
        let before = (here.history(&path).unwrap(), here.history(&other).unwrap());
        here.compact().unwrap();
        assert_eq!((here.history(&path).unwrap(), here.history(&other).unwrap()), before);
        let mut again = states(folder.path());
        assert_eq!((again.history(&path).unwrap(), again.history(&other).unwrap()), before);
    }
}
