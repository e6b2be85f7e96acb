//! What the index remembers for `core.fsmonitor`: of which files git believes its hook that
//! they did not change. git never looks at such a file unless the hook names it.
//!
//! The extension `FSMN` is read here, since no library tells it: a version, the token of the
//! last answer, and a compressed bitmap of the entries that git looks at by itself.

use gix::index::entry::Mode;

use super::changes::is_filtered;
use super::command::GitCommand;
use super::error::Result;
use super::id::RepoPath;
use super::index::{index_path, load_command_index};
use super::repository::Repository;
use crate::platform::files;

/// The setting by which git is told of the hook.
pub(crate) const SETTING: &str = "core.fsmonitor";

/// The variable that tells the hook that files are being marked: it answers at once then.
pub(crate) const MARKING_VARIABLE: &str = "GIT_COMFY_MARKING_FILES";

/// A larger index is left alone: git shows drags then.
const MAX_INDEX_SIZE: u64 = 1 << 30;

/// What came of marking files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkedFiles {
    Done,
    /// Another git command has the index.
    IndexBusy,
}

/// Whether a value of the setting is a hook that this program wrote.
pub(crate) fn is_own_hook(value: &str) -> bool {
    value.contains("git-comfy") && value.ends_with(" fsmonitor \"$@\"; }; f")
}

/// The workflows of which git does not take the word of the hook: git looks at them by itself,
/// and finds that they were dragged.
///
/// # Errors
/// The index cannot be read.
pub(crate) fn unmarked_workflows(repository: &Repository) -> Result<Vec<RepoPath>> {
    let Some(index) = load_command_index(repository)? else { return Ok(Vec::new()) };
    let bytes = files::read_up_to(&index_path(repository), MAX_INDEX_SIZE).unwrap_or_default();
    let is_unmarked = unmarked_entries(&bytes, repository.format().id_len());
    let mut found = Vec::new();
    for (at, entry) in index.entries().iter().enumerate() {
        let is_file = entry.mode == Mode::FILE || entry.mode == Mode::FILE_EXECUTABLE;
        if !is_file || is_unmarked.as_ref().is_some_and(|bits| bits.get(at) == Some(&false)) {
            continue;
        }
        let path = RepoPath::new(entry.path(&index).to_vec());
        if is_filtered(repository, &path) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Tells git to take the word of the hook for files, whatever state they are in. Where another
/// git command has the index, nothing happens; the next one does it.
///
/// # Errors
/// git cannot be started.
pub(crate) fn mark_files(git: &GitCommand, paths: &[RepoPath]) -> Result<MarkedFiles> {
    let mut names = Vec::new();
    for path in paths {
        names.extend_from_slice(path.as_bytes());
        names.push(0);
    }
    let words = ["update-index", "-q", "-z", "--fsmonitor-valid", "--stdin"];
    let git = git.with_args(words).env(MARKING_VARIABLE, "1");
    let is_done = git.run_to_end(&names)?.status.success();
    Ok(if is_done { MarkedFiles::Done } else { MarkedFiles::IndexBusy })
}

/// For each entry of an index whether git looks at it by itself; nothing where it looks at all.
fn unmarked_entries(index: &[u8], id_len: usize) -> Option<Vec<bool>> {
    let extension = find_extension(index, id_len, b"FSMN")?;
    let (version, rest) = extension.split_first_chunk::<4>()?;
    if u32::from_be_bytes(*version) != 2 {
        return None;
    }
    let token_end = memchr::memchr(0, rest)?;
    let (length, bitmap) = rest.get(token_end + 1..)?.split_first_chunk::<4>()?;
    let bitmap = bitmap.get(..u32::from_be_bytes(*length) as usize)?;
    let (bitmap, _) = gix_bitmap::ewah::decode(bitmap).ok()?;
    let mut bits = vec![false; bitmap.num_bits()];
    bitmap.for_each_set_bit(|at| {
        *bits.get_mut(at)? = true;
        Some(())
    })?;
    Some(bits)
}

/// The content of an extension. Extensions stand behind the entries, each with its length, up
/// to the checksum: where the entries end only they tell.
fn find_extension<'i>(index: &'i [u8], id_len: usize, name: &[u8; 4]) -> Option<&'i [u8]> {
    let body = index.get(..index.len().checked_sub(id_len)?)?;
    memchr::memmem::rfind_iter(body, name).find_map(|at| {
        let (own, mut rest) = split_extension(&body[at..])?;
        while !rest.is_empty() {
            (_, rest) = split_extension(rest)?;
        }
        Some(own)
    })
}

fn split_extension(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&name[..], &(content.len() as u32).to_be_bytes(), content].concat()
    }

    #[test]
    fn an_extension_is_found_only_where_the_rest_is_extensions_too() {
        let tail = [extension(b"FSMN", b"mine"), extension(b"EOIE", b"1234")].concat();
        let index = [&b"DIRC entries named FSMN\0\0\0\x02xx"[..], &tail, &[0; 20]].concat();
        assert_eq!(find_extension(&index, 20, b"FSMN"), Some(&b"mine"[..]));
        assert_eq!(find_extension(&index[..index.len() - 1], 20, b"FSMN"), None);
        assert_eq!(find_extension(b"", 20, b"FSMN"), None);
    }

    #[test]
    fn an_extension_that_is_cut_marks_nothing() {
        for length in 0..12 {
            let content = &[0, 0, 0, 2, b't', 0, 0, 0, 0, 40, 1, 2][..length];
            let index = [extension(b"FSMN", content), vec![0; 20]].concat();
            assert_eq!(unmarked_entries(&index, 20), None, "{length}");
        }
    }
}
