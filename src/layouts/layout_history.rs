//! The states that the layouts of files were in: what each file held on this machine, and
//! what the notes of all clones say, as one line of states.
//!
//! Going back follows what the file itself held here, as far as that is remembered, and
//! then the notes. A state that was brought back names the one it is like, so that the next
//! step back goes on from there.
//!
//! Must not know how a state is told or chosen.

use std::rc::Rc;

use comfy_graph::clean::{Clock, ClockedLayout};
use rustc_hash::{FxHashMap, FxHashSet};

use super::file_states::{FileState, FileStates, FileWriter, RecordedState};
use super::layout_finder::LayoutFinder;
use super::layout_note::LayoutEntry;
use super::layout_store::PendingLayout;
use super::notes_history::{NotedLayout, NotesCommit};
use super::{layout_finder, notes_history};
use crate::layouts;
use crate::platform::git::{CommitId, ObjectId, RepoPath, Repository, Result, Signature};
use crate::platform::hex::{crc_to_hex, parse_crc};

/// The pasts of all files of a work tree.
#[derive(Debug)]
pub(crate) struct LayoutHistory<'r> {
    repository: &'r Repository,
    finder: LayoutFinder<'r>,
    states: FileStates,
    noted: FxHashMap<RepoPath, Vec<NotedLayout>>,
    held: FxHashMap<RepoPath, Vec<RecordedState>>,
    pending: FxHashMap<RepoPath, Vec<PendingLayout>>,
    /// The moves that states hold, as far as they were asked for.
    moves: FxHashMap<(ObjectId, u32), Rc<FxHashSet<Clock>>>,
}

/// A state that the layout of a file was in.
#[derive(Debug, Clone)]
pub(crate) struct LayoutState {
    /// The name the file had.
    pub(crate) path: RepoPath,
    /// The clean content it had.
    pub(crate) blob: ObjectId,
    /// When it came about, in milliseconds since 1970.
    pub(crate) at: u64,
    /// The notes that hold it.
    commit: Option<Rc<NotesCommit>>,
    /// The file held it in this work tree: how many others since.
    held: Option<usize>,
    /// git wrote the file so.
    is_written: bool,
    /// The file holds it.
    is_present: bool,
    /// A newer state of the file came with the same commit of notes.
    is_beside_newer: bool,
    /// How many digits tell it from the others.
    digits: usize,
    latest: u64,
    crc: u32,
    source: StateSource,
}

#[derive(Debug, Clone)]
enum StateSource {
    Noted(NotedLayout),
    Held(RecordedState),
    Pending(PendingLayout),
}

/// What a state is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StateId {
    /// What the file holds, and no note yet.
    Now,
    /// What a commit of notes brought in.
    Notes(CommitId),
    /// What no commit of notes names, or not it alone: digits of its own.
    Own(String),
}

/// Before a state's own digits: no digit of a commit's id.
const OWN_ID_PREFIX: char = 's';

/// So many of a state's own digits are shown, where they tell it from the others.
const SHOWN_DIGITS: usize = 6;

/// Fewer digits name nothing.
const FEWEST_DIGITS: usize = 4;

/// What a file holds.
#[derive(Debug, Clone)]
pub(crate) struct PresentLayout {
    /// Its clean content.
    pub(crate) blob: ObjectId,
    /// Where its nodes lie.
    pub(crate) layout: ClockedLayout,
    crc: u32,
}

/// What some digits name.
#[derive(Debug, Clone)]
pub(crate) enum StateMatch {
    /// A state, by its place in the past.
    One(usize),
    /// So many commits, or states, begin so.
    Several(usize),
    /// None.
    Nothing,
}

/// So many states are held against the one at hand before going back gives up.
const MAX_STEPS: usize = 1000;

impl LayoutState {
    /// Who brought it about: the author of the notes; nothing for what only this machine
    /// knows.
    pub(crate) fn author(&self) -> Option<&Signature> {
        self.commit.as_ref().map(|commit| &commit.author)
    }

    /// What it is called.
    pub(crate) fn id(&self) -> StateId {
        match &self.commit {
            Some(_) if self.is_beside_newer => StateId::Own(self.own_id()),
            Some(commit) => StateId::Notes(commit.id),
            None if self.is_present => StateId::Now,
            None => StateId::Own(self.own_id()),
        }
    }

    /// What it is called whatever the notes say, and whatever the file holds by now.
    pub(crate) fn own_id(&self) -> String {
        format!("{OWN_ID_PREFIX}{}", &self.all_digits()[..self.digits])
    }

    fn all_digits(&self) -> String {
        let named = format!("{} {}", self.blob, crc_to_hex(self.crc));
        crc_to_hex(crc32fast::hash(named.as_bytes()))
    }

    /// The file holds it.
    pub(crate) fn is_present(&self) -> bool {
        self.is_present
    }

    /// It was put together from what two clones said.
    pub(crate) fn is_joined(&self) -> bool {
        self.commit.as_ref().is_some_and(|commit| commit.is_merge)
    }

    /// git wrote the file so, and no note holds it.
    pub(crate) fn is_by_git(&self) -> bool {
        self.is_written && self.commit.is_none()
    }

    /// git wrote the file so in this work tree, whatever the notes say of it.
    pub(crate) fn is_written_by_git(&self) -> bool {
        self.is_written
    }

    /// As the state that is brought back from it names it.
    fn back_reference(&self) -> String {
        format!("{} {}", crc_to_hex(self.crc), self.latest)
    }
}

impl<'r> LayoutHistory<'r> {
    /// Reads the pasts of files that are wanted, and of all names they had.
    ///
    /// # Errors
    /// The notes or the local state cannot be read.
    pub(crate) fn load(repository: &'r Repository) -> Result<LayoutHistory<'r>> {
        let mut past = LayoutHistory {
            repository,
            finder: LayoutFinder::new(repository),
            states: FileStates::open(repository),
            noted: FxHashMap::default(),
            held: FxHashMap::default(),
            pending: FxHashMap::default(),
            moves: FxHashMap::default(),
        };
        for noted in notes_history::noted_layouts(repository)? {
            past.noted.entry(noted.path.clone()).or_default().push(noted);
        }
        for held in past.states.recorded_states(|_| true)? {
            past.held.entry(held.path.clone()).or_default().push(held);
        }
        for pending in past.finder.store.pending()? {
            if pending.at > 0 {
                past.pending.entry(pending.path.clone()).or_default().push(pending);
            }
        }
        Ok(past)
    }

    /// Whether a file has a past under that name.
    pub(crate) fn has_states(&self, path: &RepoPath) -> bool {
        self.noted.contains_key(path)
            || self.held.contains_key(path)
            || self.pending.contains_key(path)
    }

    /// What a file holds, as far as that was kept.
    pub(crate) fn present_layout(&self, path: &RepoPath) -> Option<PresentLayout> {
        let last = self.held.get(path)?.last()?;
        let line = self.states.layout_of(last)?;
        let layout = ClockedLayout::parse(&line, Clock::Unknown(0))?;
        Some(PresentLayout { blob: last.blob, layout, crc: last.crc() })
    }

    /// The files that have a past, under any of their names.
    pub(crate) fn paths(&self) -> FxHashSet<RepoPath> {
        let noted = self.noted.keys().chain(self.held.keys());
        noted.chain(self.pending.keys()).cloned().collect()
    }

    /// When a file came to lie as it does, in milliseconds since 1970.
    ///
    /// # Errors
    /// The notes or the local state cannot be read.
    pub(crate) fn changed_at(&mut self, path: &RepoPath) -> Result<u64> {
        let held = self.held.get(path).and_then(|held| held.last());
        let held = held.map_or(0, RecordedState::at);
        let newest = self.states_of_name(path)?.first().map_or(0, |state| state.at);
        Ok(if held > 0 { held } else { newest })
    }

    /// The states of a file, the newest first; also those under names it had. `blob` is what
    /// it holds, if it is there.
    ///
    /// # Errors
    /// The notes or the local state cannot be read.
    pub(crate) fn states(
        &mut self,
        path: &RepoPath,
        blob: Option<ObjectId>,
    ) -> Result<Vec<LayoutState>> {
        let mut states: Vec<LayoutState> = Vec::new();
        let mut names = vec![path.clone()];
        let mut at = 0;
        while let Some(name) = names.get(at).cloned() {
            let mut own = self.states_of_name(&name)?;
            let mut before = match own.first() {
                Some(newest) => self.previous_name(newest)?,
                None => None,
            };
            if before.is_none() {
                // Renamed by somebody without git-comfy, or by a command that saved nothing.
                before = self.renamed_from(&name, blob.filter(|_| at == 0))?;
            }
            let held = states.iter().filter(|state| state.held.is_some()).count();
            for state in &mut own {
                state.held = state.held.map(|rank| rank + held);
            }
            states = merge_by_time(states, own);
            at += 1;
            names.extend(before.filter(|before| !names.contains(before)));
        }
        make_ids_unique(&mut states);
        if let Some(holds) = self.held_key(path)? {
            let present = states.iter_mut().find(|s| s.path == *path && (s.blob, s.crc) == holds);
            if let Some(present) = present {
                present.is_present = true;
            }
        }
        Ok(states)
    }

    /// What a file that is there holds, as far as that was kept.
    fn held_key(&self, path: &RepoPath) -> Result<Option<(ObjectId, u32)>> {
        let last = self.held.get(path).and_then(|held| held.last());
        match last {
            Some(last) if !layouts::is_deleted(self.repository, path)? => Ok(Some(state_key(last))),
            _ => Ok(None),
        }
    }

    fn states_of_name(&self, path: &RepoPath) -> Result<Vec<LayoutState>> {
        let mut noted: Vec<LayoutState> =
            self.noted.get(path).into_iter().flatten().cloned().map(noted_state).collect();
        let mut here: Vec<LayoutState> = Vec::new();
        // The oldest first: what came back counts where it was first.
        let mut known = FxHashSet::default();
        let held = self.held.get(path).into_iter().flatten();
        let held: Vec<&RecordedState> = held.filter(|held| known.insert(state_key(held))).collect();
        for (rank, remembered) in held.into_iter().rev().enumerate() {
            let twin =
                noted.iter_mut().rfind(|noted| (noted.blob, noted.crc) == state_key(remembered));
            if let Some(twin) = twin {
                twin.held = Some(rank);
                twin.is_written = remembered.writer == FileWriter::Git;
                continue;
            }
            let said = remembered.at();
            let at = if said > 0 { said } else { self.latest_time(remembered) };
            here.push(LayoutState {
                path: path.clone(),
                blob: remembered.blob,
                at,
                latest: at,
                commit: None,
                held: Some(rank),
                is_written: remembered.writer == FileWriter::Git,
                is_present: false,
                is_beside_newer: false,
                digits: SHOWN_DIGITS,
                crc: remembered.crc(),
                source: StateSource::Held(remembered.clone()),
            });
        }
        let is_new = |pending: &&PendingLayout| {
            let is_it =
                |state: &LayoutState| (state.blob, state.crc) == (pending.blob, pending.crc);
            !here.iter().any(is_it) && !noted.iter().any(is_it)
        };
        let pending = self.pending.get(path).into_iter().flatten().rev().filter(is_new);
        let pending: Vec<LayoutState> = pending.cloned().map(pending_state).collect();
        Ok(merge_by_time(merge_by_time(here, pending), noted))
    }

    fn latest_time(&self, remembered: &RecordedState) -> u64 {
        let line = self.states.layout_of(remembered);
        let layout = line.and_then(|line| ClockedLayout::parse(&line, Clock::Unknown(0)));
        layout.map_or(0, |layout| layout.latest_millis())
    }

    /// The name a file had before, as its newest layout says.
    fn previous_name(&mut self, newest: &LayoutState) -> Result<Option<RepoPath>> {
        Ok(self.read_entry(newest)?.as_ref().and_then(layout_finder::previous_name))
    }

    /// The name under which a content has a layout, where that file is gone.
    fn renamed_from(
        &mut self,
        path: &RepoPath,
        blob: Option<ObjectId>,
    ) -> Result<Option<RepoPath>> {
        let Some(blob) = blob else { return Ok(None) };
        let from = self.finder.find_own(blob, path)?.and_then(|own| own.from);
        match from {
            Some(from) if layouts::is_deleted(self.repository, &from)? => Ok(Some(from)),
            _ => Ok(None),
        }
    }

    /// The layout of a state; nothing if it is not there any more.
    ///
    /// # Errors
    /// The notes or the local state cannot be read.
    pub(crate) fn layout(&mut self, state: &LayoutState) -> Result<Option<ClockedLayout>> {
        Ok(self.read_entry(state)?.and_then(|entry| entry.parse()))
    }

    /// Those of some moves that an older state holds, too: who brought that one about made them.
    ///
    /// # Errors
    /// The notes or the local state cannot be read.
    pub fn moves_made_before(
        &mut self,
        moves: FxHashSet<Clock>,
        older: &[LayoutState],
    ) -> Result<FxHashSet<Clock>> {
        let mut left = moves;
        let mut known = FxHashSet::default();
        for state in older {
            if left.is_empty() {
                break;
            }
            let held = self.moves_in(state)?;
            let (found, rest) = left.into_iter().partition(|moved| held.contains(moved));
            left = rest;
            known.extend::<FxHashSet<Clock>>(found);
        }
        Ok(known)
    }

    fn moves_in(&mut self, state: &LayoutState) -> Result<Rc<FxHashSet<Clock>>> {
        let key = (state.blob, state.crc);
        if let Some(known) = self.moves.get(&key) {
            return Ok(known.clone());
        }
        let layout = self.layout(state)?;
        let clocks = layout.iter().flat_map(ClockedLayout::clocks);
        let moves: Rc<FxHashSet<Clock>> =
            Rc::new(clocks.filter(|clock| matches!(clock, Clock::At(_))).collect());
        self.moves.insert(key, moves.clone());
        Ok(moves)
    }

    fn read_entry(&mut self, state: &LayoutState) -> Result<Option<LayoutEntry>> {
        match &state.source {
            StateSource::Noted(noted) => notes_history::read_entry(self.repository, noted),
            StateSource::Held(held) => {
                let layout = self.states.layout_of(held);
                Ok(layout.map(|layout| LayoutEntry { at: state.latest, layout }))
            }
            StateSource::Pending(pending) => self.finder.store.get(pending.blob, &pending.path),
        }
    }

    /// The state as the work tree remembers such.
    pub(crate) fn file_state(&mut self, state: &LayoutState) -> Result<Option<FileState>> {
        let layout = self.layout(state)?.map(|layout| layout.to_line());
        Ok(layout.map(|layout| FileState { blob: state.blob, layout }))
    }
}

/// Sees to it that no two states have one id.
fn make_ids_unique(states: &mut [LayoutState]) {
    let mut commits = FxHashSet::default();
    let mut alike: FxHashMap<String, usize> = FxHashMap::default();
    for state in states.iter_mut() {
        let commit = state.commit.as_ref().map(|commit| commit.id);
        state.is_beside_newer = commit.is_some_and(|commit| !commits.insert(commit));
        *alike.entry(state.own_id()).or_default() += 1;
    }
    for state in states.iter_mut() {
        if alike.get(&state.own_id()).is_some_and(|count| *count > 1) {
            state.digits = state.all_digits().len();
        }
    }
}

fn state_key(remembered: &RecordedState) -> (ObjectId, u32) {
    (remembered.blob, remembered.crc())
}

fn noted_state(noted: NotedLayout) -> LayoutState {
    let seconds = u64::try_from(noted.commit.author.seconds).unwrap_or(0);
    LayoutState {
        path: noted.path.clone(),
        blob: noted.blob,
        at: seconds.saturating_mul(1000),
        latest: noted.at,
        commit: Some(noted.commit.clone()),
        held: None,
        is_written: false,
        is_present: false,
        is_beside_newer: false,
        digits: SHOWN_DIGITS,
        crc: noted.crc,
        source: StateSource::Noted(noted),
    }
}

fn pending_state(pending: PendingLayout) -> LayoutState {
    LayoutState {
        path: pending.path.clone(),
        blob: pending.blob,
        at: pending.at,
        latest: pending.at,
        commit: None,
        held: None,
        is_written: false,
        is_present: false,
        is_beside_newer: false,
        digits: SHOWN_DIGITS,
        crc: pending.crc,
        source: StateSource::Pending(pending),
    }
}

/// Two lists, the newest first, as one. Each keeps its own order whatever the times say, and
/// what the file held here later comes first.
fn merge_by_time(one: Vec<LayoutState>, other: Vec<LayoutState>) -> Vec<LayoutState> {
    let mut all = Vec::with_capacity(one.len() + other.len());
    let mut waiting = [&one, &other].map(|list| latest_held(list).into_iter().peekable());
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    while let (Some(a), Some(b)) = (one.peek(), other.peek()) {
        let [held_in_one, held_in_other] = &mut waiting;
        let is_after = |held: Option<usize>, later: Option<&usize>| {
            held.zip(later).is_some_and(|(held, later)| held > *later)
        };
        let a_waits = is_after(a.held, held_in_other.peek());
        let b_waits = is_after(b.held, held_in_one.peek());
        let is_a = if a_waits == b_waits { a.latest >= b.latest } else { b_waits };
        if is_a {
            held_in_one.next();
            all.extend(one.next());
        } else {
            held_in_other.next();
            all.extend(other.next());
        }
    }
    all.extend(one);
    all.extend(other);
    all
}

/// For each place in a list, which of the states from there on the file held last here.
fn latest_held(states: &[LayoutState]) -> Vec<usize> {
    let mut latest = usize::MAX;
    let of = |state: &LayoutState| {
        latest = latest.min(state.held.unwrap_or(usize::MAX));
        latest
    };
    let mut all: Vec<usize> = states.iter().rev().map(of).collect();
    all.reverse();
    all
}

/// Whether a word may name a state.
pub(crate) fn may_be_state_id(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let digits = text.strip_prefix(OWN_ID_PREFIX).unwrap_or(&text);
    let is_long = digits.len() >= FEWEST_DIGITS;
    text == "now" || (is_long && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Which state some digits name.
pub(crate) fn match_state(states: &[LayoutState], text: &str) -> StateMatch {
    let text = text.to_ascii_lowercase();
    if text == "now" {
        return states
            .iter()
            .position(LayoutState::is_present)
            .map_or(StateMatch::Nothing, StateMatch::One);
    }
    if !may_be_state_id(&text) {
        return StateMatch::Nothing;
    }
    let own = text.strip_prefix(OWN_ID_PREFIX).is_some();
    let digits = text.strip_prefix(OWN_ID_PREFIX).unwrap_or(&text);
    if own {
        let is_it = |state: &LayoutState| state.all_digits().starts_with(digits);
        let count = states.iter().filter(|state| is_it(state)).count();
        return match states.iter().position(is_it) {
            Some(at) if count == 1 => StateMatch::One(at),
            Some(_) => StateMatch::Several(count),
            None => StateMatch::Nothing,
        };
    }
    let commit = |state: &LayoutState| state.commit.as_ref().map(|commit| commit.id.to_string());
    let is_it = |state: &LayoutState| commit(state).is_some_and(|id| id.starts_with(digits));
    let commits: FxHashSet<_> = states.iter().filter(|s| is_it(s)).filter_map(commit).collect();
    match commits.len() {
        0 => StateMatch::Nothing,
        1 => states.iter().position(is_it).map_or(StateMatch::Nothing, StateMatch::One),
        several => StateMatch::Several(several),
    }
}

/// The states that may come next on the way back, the nearest first: what the file held here
/// before, and then what notes say of the time before that. What others did while the file
/// was here is not on its way.
pub(crate) fn undo_candidates(states: &[LayoutState], now: &PresentLayout) -> Vec<usize> {
    let here = undo_origin(states, now);
    let mut held: Vec<(usize, usize)> =
        states.iter().enumerate().filter_map(|(at, state)| Some((state.held?, at))).collect();
    held.sort_unstable();
    let oldest = held.last().map(|(_, at)| *at);
    let rank = here.map(|here| states.get(here).and_then(|state| state.held));
    let noted_from = match (rank, here, oldest) {
        // Beyond what the file held here, or all that it did.
        (Some(None), Some(here), _) => here + 1,
        (_, _, oldest) => oldest.map_or(0, |oldest| oldest + 1),
    };
    let is_before = |held: usize| match rank {
        None => true,
        Some(None) => false,
        Some(Some(rank)) => held > rank,
    };
    let held = held.into_iter().filter(|(rank, _)| is_before(*rank)).map(|(_, at)| at);
    let noted = (noted_from..states.len()).filter(|at| states[*at].held.is_none());
    held.chain(noted).take(MAX_STEPS).collect()
}

/// The state that an undo goes back from: the one that an undo before it brought back, else
/// the one that the file is in. An undo that git brought here was somebody else's, and is a
/// change like any other.
pub(crate) fn undo_origin(states: &[LayoutState], now: &PresentLayout) -> Option<usize> {
    let present = states.iter().position(|state| (state.blob, state.crc) == (now.blob, now.crc));
    let came_with_git = present.is_some_and(|at| states[at].is_written_by_git());
    match now.layout.reverted_to().filter(|_| !came_with_git) {
        Some(back) => reference_position(states, back),
        None => present,
    }
}

/// How a state is named in the one that brings it back: as the one it brought back itself.
pub(crate) fn back_reference_to(state: &LayoutState, layout: &ClockedLayout) -> String {
    layout.reverted_to().map_or_else(|| state.back_reference(), str::to_owned)
}

/// Where a state is that was brought back; where it would be, if it is gone.
fn reference_position(states: &[LayoutState], back: &str) -> Option<usize> {
    let (crc, latest) = back.split_once(' ')?;
    let crc = parse_crc(crc)?;
    let latest: u64 = latest.parse().ok()?;
    let exact = states.iter().position(|state| state.crc == crc);
    exact.or_else(|| {
        let older = states.iter().position(|state| state.latest < latest);
        older.map_or(states.len().checked_sub(1), |older| older.checked_sub(1))
    })
}
