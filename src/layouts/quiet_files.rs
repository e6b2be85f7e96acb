//! Workflows that differ from the index in layout alone, for git's `core.fsmonitor`: git does
//! not look at a file that its hook does not name, and so sees no change in a drag.
//!
//! A mistake here would hide a change. So a file is quiet only if all that git would compare
//! has been compared, and its layout is kept; and the answer is everything that may differ,
//! less the files that were quiet before and after the look. Doubt names a file: git looks
//! then, and the drag shows.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};

use super::filter::Filter;
use super::settings::{FilterSettings, Handling};
use super::state_files;
use crate::platform::git::changes::is_filtered;
use crate::platform::git::index_changes::{DiskState, DoubtfulFile, doubtful_files};
use crate::platform::git::{
    AttributeDirection, ObjectId, ObjectKind, RepoPath, Repository, Result,
};
use crate::platform::hex::{crc_to_hex, parse_crc};
use crate::platform::time::now_millis;
use crate::platform::{files, write_atomic};

/// So long files are cleaned; git waits, and shows what was not looked at.
const MAX_LOOK: Duration = Duration::from_secs(5);

/// A change is remembered for a file that is older than this: a younger one may be written
/// again without its time telling.
const SETTLED: Duration = Duration::from_secs(3);

/// A longer one is made anew.
const MAX_VERDICTS_SIZE: u64 = 16 << 20;

/// The files that git must look at, in the order of the index.
///
/// # Errors
/// The index cannot be read.
pub(crate) fn files_to_look_at(repository: &Repository) -> Result<Vec<RepoPath>> {
    let top = repository.require_work_tree()?.to_owned();
    let doubtful = doubtful_files(repository, &top)?;
    if doubtful.is_empty() {
        return Ok(Vec::new());
    }
    let mut quiet = match doubtful.iter().any(DoubtfulFile::holds_attributes) {
        // Which files go through the filter is not known until that is staged: libgit2 goes by
        // the index and by the file, git by the file alone.
        true => QuietFiles::default(),
        false => QuietFiles::find(repository, &top, &doubtful),
    };
    let named = if quiet.states.is_empty() {
        doubtful
    } else {
        // Files may have been saved meanwhile, these and others.
        let now = doubtful_files(repository, &top)?;
        quiet.states.retain(|path, state| DiskState::of(&top.join(path.to_path())) == Some(*state));
        now
    };
    let named = named.into_iter().filter(|file| !quiet.covers(file)).map(|file| file.path);
    Ok(named.collect())
}

/// The files that differ in layout alone, with the states they were found in.
#[derive(Debug, Default)]
struct QuietFiles {
    states: FxHashMap<RepoPath, DiskState>,
    /// What the index held when they were compared.
    blobs: FxHashMap<RepoPath, ObjectId>,
}

impl QuietFiles {
    fn find(repository: &Repository, top: &Path, doubtful: &[DoubtfulFile]) -> QuietFiles {
        let mut quiet = QuietFiles::default();
        let began = Instant::now();
        let settings = FilterSettings::load(repository).unwrap_or_default();
        let mut filter = None;
        let mut known = LayoutOnlyCache::read(repository);
        for file in doubtful {
            let Some(blob) = file.comparable.filter(|_| began.elapsed() < MAX_LOOK) else {
                continue;
            };
            if !is_filtered(repository, &file.path) {
                continue;
            }
            let handling =
                settings.handling_of(repository, &file.path, AttributeDirection::Checkin);
            let place = top.join(file.path.to_path());
            let Some(state) = DiskState::of(&place) else { continue };
            let change = LayoutOnlyChange::new(&file.path, blob, handling, state);
            let is_known = known.hold(&change);
            let filter = filter.get_or_insert_with(|| Filter::new(Some(repository)));
            if is_known || is_kept_layout_only(repository, filter, file, blob, &place, state) {
                quiet.states.insert(file.path.clone(), state);
                quiet.blobs.insert(file.path.clone(), blob);
                known.keep(change, state);
            }
        }
        // It only saves time.
        let _ = known.write(repository);
        quiet
    }

    fn covers(&self, file: &DoubtfulFile) -> bool {
        self.states.contains_key(&file.path)
            && file.comparable.is_some()
            && self.blobs.get(&file.path) == file.comparable.as_ref()
    }
}

/// Whether a file has the content that the index holds, once its layout is taken out and kept.
fn is_kept_layout_only(
    repository: &Repository,
    filter: &mut Filter<'_>,
    file: &DoubtfulFile,
    blob: ObjectId,
    place: &Path,
    state: DiskState,
) -> bool {
    let Some(bytes) = read_in_state(place, state, filter.max_file_size()) else { return false };
    let Ok(cleaned) = filter.clean(&file.path, &bytes) else { return false };
    let content = cleaned.bytes_or(&bytes);
    repository.format().object_id(ObjectKind::Blob, content) == blob
}

/// The bytes of a file that is in that state before and after it is read.
fn read_in_state(place: &Path, state: DiskState, longest: u64) -> Option<Vec<u8>> {
    let (file, _) = files::open_ordinary(place).ok()?;
    let is_same = |file: &File| DiskState::of_open(file) == Some(state);
    if !is_same(&file) {
        return None;
    }
    let mut bytes = Vec::new();
    (&file).take(longest.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= longest && is_same(&file)).then_some(bytes)
}

/// That a file in some state holds a content but for its layout, which is kept: one line.
#[derive(Debug, PartialEq, Eq, Hash)]
struct LayoutOnlyChange(String);

impl LayoutOnlyChange {
    fn new(
        path: &RepoPath,
        blob: ObjectId,
        handling: Handling,
        state: DiskState,
    ) -> LayoutOnlyChange {
        // What counts as layout is another version's own affair.
        let version = env!("CARGO_PKG_VERSION");
        let numbers = state.to_numbers().map(|number| number.to_string()).join(" ");
        let path = crate::platform::hex::to_hex(path.as_bytes());
        LayoutOnlyChange(format!("{version} {handling:?} {blob} {numbers} {path}"))
    }

    /// The line with its checksum.
    fn to_line(&self) -> String {
        format!("{} {}", crc_to_hex(crc32fast::hash(self.0.as_bytes())), self.0)
    }

    fn parse(line: &str) -> Option<LayoutOnlyChange> {
        let (sum, text) = line.split_once(' ')?;
        let is_whole = parse_crc(sum)? == crc32fast::hash(text.as_bytes());
        is_whole.then(|| LayoutOnlyChange(text.to_owned()))
    }
}

/// The known of earlier calls, and those of this one.
#[derive(Debug, Default)]
struct LayoutOnlyCache {
    before: FxHashSet<LayoutOnlyChange>,
    now: Vec<LayoutOnlyChange>,
}

impl LayoutOnlyCache {
    fn read(repository: &Repository) -> LayoutOnlyCache {
        let file = repository.work_tree_state_dir().join(state_files::QUIET_VERDICTS);
        let text = files::read_text_up_to(&file, MAX_VERDICTS_SIZE).unwrap_or_default();
        LayoutOnlyCache {
            before: text.lines().filter_map(LayoutOnlyChange::parse).collect(),
            now: Vec::new(),
        }
    }

    fn hold(&self, change: &LayoutOnlyChange) -> bool {
        self.before.contains(change)
    }

    fn keep(&mut self, change: LayoutOnlyChange, state: DiskState) {
        let now = Duration::from_millis(now_millis());
        let changed = Duration::from_secs(u64::from(state.last_change()));
        if self.before.contains(&change) || changed + SETTLED < now {
            self.now.push(change);
        }
    }

    fn write(&self, repository: &Repository) -> std::io::Result<()> {
        let is_same = self.now.len() == self.before.len()
            && self.now.iter().all(|change| self.before.contains(change));
        if is_same {
            return Ok(());
        }
        let text: String = self.now.iter().map(|change| change.to_line() + "\n").collect();
        write_atomic(
            &repository.work_tree_state_dir().join(state_files::QUIET_VERDICTS),
            text.as_bytes(),
        )
    }
}
