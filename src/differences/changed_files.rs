//! Which files differ between two states according to git: revisions, index, work tree, and
//! one commit after another.
//!
//! git reads the arguments (`A..B`, `--cached`, paths, pathspecs), so that they mean here
//! what they mean to `git diff` and `git log`. Must not know what a workflow is.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout};

use super::patch;
use crate::platform::git::command::{self, GitCommand};
use crate::platform::git::{CommitId, GitError, ObjectId, RepoPath, Result};
use crate::platform::text::Colour;

/// A file in one of the two states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileVersion {
    pub(crate) path: RepoPath,
    /// Its mode in octal, such as `100644`.
    pub(crate) mode: String,
    /// Its blob (the commit, for a submodule); nothing for a file of the work tree.
    pub(crate) blob: Option<ObjectId>,
}

impl FileVersion {
    /// Whether it is an ordinary file: no link, no submodule.
    pub(crate) fn is_file(&self) -> bool {
        self.mode.starts_with("100")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileChange {
    pub(crate) kind: FileChangeKind,
    /// The file before; nothing if it is new.
    pub(crate) before: Option<FileVersion>,
    /// The file after; nothing if it is gone.
    pub(crate) after: Option<FileVersion>,
}

/// How a file differs, by git's status letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FileChangeKind {
    /// `A`
    Added,
    /// `D`
    Deleted,
    /// `M`
    Modified,
    /// `R`
    Renamed,
    /// `C`
    Copied,
    /// `T`: a file became a link or a submodule, or the other way round.
    Retyped,
    /// `U`
    Unmerged,
}

impl FileChangeKind {
    fn from_letter(letter: u8) -> Option<FileChangeKind> {
        Some(match letter {
            b'A' => FileChangeKind::Added,
            b'D' => FileChangeKind::Deleted,
            b'M' => FileChangeKind::Modified,
            b'R' => FileChangeKind::Renamed,
            b'C' => FileChangeKind::Copied,
            b'T' => FileChangeKind::Retyped,
            b'U' => FileChangeKind::Unmerged,
            _ => return None,
        })
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            FileChangeKind::Added => "added",
            FileChangeKind::Deleted => "deleted",
            FileChangeKind::Modified => "modified",
            FileChangeKind::Renamed => "renamed",
            FileChangeKind::Copied => "copied",
            FileChangeKind::Retyped => "retyped",
            FileChangeKind::Unmerged => "unmerged",
        }
    }
}

impl FileChange {
    /// The new path; of a deleted file the old one.
    pub(crate) fn path(&self) -> &RepoPath {
        let version = self.after.as_ref().or(self.before.as_ref());
        &version.expect("a changed file is there before or after").path
    }

    /// The blob before, where the file was there.
    pub(crate) fn blob_before(&self) -> Option<ObjectId> {
        self.before.as_ref().and_then(|version| version.blob)
    }

    /// The blob after, where the file is there.
    pub(crate) fn blob_after(&self) -> Option<ObjectId> {
        self.after.as_ref().and_then(|version| version.blob)
    }
}

/// The files that `git diff ARGUMENTS` would show, in its order. Renames are found as
/// configured.
///
/// # Errors
/// git's own, where it does not understand the arguments.
pub(crate) fn list_changes<A: AsRef<str>>(
    folder: &Path,
    arguments: &[A],
) -> Result<Vec<FileChange>> {
    let fixed = ["diff", "--raw", "-z", "--no-abbrev", "--no-relative", "--no-ext-diff"];
    let all = fixed.into_iter().chain(arguments.iter().map(AsRef::as_ref));
    parse_raw_diff(&GitCommand::in_folder(folder).args(all).output()?)
}

/// Parses what `git diff --raw -z --no-abbrev` writes.
pub(crate) fn parse_raw_diff(told: &[u8]) -> Result<Vec<FileChange>> {
    let mut tokens = told.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let mut found = Vec::new();
    while let Some(token) = tokens.next().filter(|token| !token.is_empty()) {
        let change = parse_raw_record(&token, || tokens.next()).ok_or_else(unexpected_output)?;
        // For an unmerged file git writes a second record with the state of the work tree.
        let again = |last: &FileChange| {
            last.kind == FileChangeKind::Unmerged && last.path() == change.path()
        };
        if !found.last().is_some_and(again) {
            found.push(change);
        }
    }
    Ok(found)
}

/// The patch that `git diff ARGUMENTS` shows of some paths without our diff driver.
pub(crate) fn git_patch<A: AsRef<str>>(
    folder: &Path,
    colour: Colour,
    arguments: &[A],
    paths: &[&RepoPath],
) -> Result<Vec<u8>> {
    let mut all: Vec<std::ffi::OsString> =
        ["diff", "--no-ext-diff", "--no-relative"].map(Into::into).into_iter().collect();
    all.push(patch::colour_argument(colour).into());
    all.extend(arguments.iter().map(|argument| argument.as_ref().into()));
    all.push("--".into());
    for path in paths {
        let mut spec = std::ffi::OsString::from(":(top,literal)");
        spec.push(path.to_path());
        all.push(spec);
    }
    GitCommand::in_folder(folder).args(all).output()
}

fn unexpected_output() -> GitError {
    GitError::Unexpected { command: "diff --raw".into() }
}

/// Parses a record of `--raw -z`; `next` gives the paths, which follow it as tokens.
fn parse_raw_record(
    record: &[u8],
    mut next: impl FnMut() -> Option<Vec<u8>>,
) -> Option<FileChange> {
    let text = std::str::from_utf8(record).ok()?.trim_start_matches('\n').strip_prefix(':')?;
    let mut fields = text.split(' ');
    let modes = [fields.next()?, fields.next()?];
    let ids = [fields.next()?, fields.next()?].map(|id| ObjectId::from_hex(id.as_bytes()));
    let how = FileChangeKind::from_letter(*fields.next()?.as_bytes().first()?)?;
    let path = RepoPath::new(next()?);
    let new_path = match how {
        FileChangeKind::Renamed | FileChangeKind::Copied => RepoPath::new(next()?),
        _ => path.clone(),
    };
    let version = |path: RepoPath, mode: &str, id: Option<ObjectId>| {
        let is_there = mode.bytes().any(|digit| digit != b'0') || how == FileChangeKind::Unmerged;
        let blob = id.filter(|id| !id.is_null());
        is_there.then(|| FileVersion { path, mode: mode.to_owned(), blob })
    };
    let before = version(path, modes[0], ids[0]);
    let after = version(new_path, modes[1], ids[1]);
    Some(FileChange { kind: how, before, after })
}

/// A commit and the files it changed against its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitChanges {
    pub(crate) commit: CommitId,
    pub(crate) files: Vec<FileChange>,
}

/// The commits that `git log ARGUMENTS` shows, each as soon as git has found it. Merges have
/// no files.
#[derive(Debug)]
pub(crate) struct GitLog {
    child: Child,
    tokens: BufReader<ChildStdout>,
    next_commit: Option<CommitId>,
}

/// Marks the tokens that name a commit (`%x01` in the format).
const COMMIT_MARKER: u8 = 1;

impl GitLog {
    /// Starts `git log`.
    ///
    /// # Errors
    /// There is no git.
    pub(crate) fn start<A: AsRef<str>>(folder: &Path, arguments: &[A]) -> Result<GitLog> {
        let fixed = ["log", "--raw", "-z", "--no-abbrev", "--format=tformat:%x01%H", "--root"];
        let git = GitCommand::in_folder(folder);
        let mut child =
            git.args(fixed).args(arguments.iter().map(AsRef::as_ref)).spawn_with_stderr()?;
        drop(child.stdin.take());
        let out = child.stdout.take().ok_or_else(unexpected_output)?;
        Ok(GitLog { child, tokens: BufReader::new(out), next_commit: None })
    }

    fn read_token(&mut self) -> Option<Vec<u8>> {
        let mut token = Vec::new();
        match self.tokens.read_until(0, &mut token) {
            Ok(0) | Err(_) => None,
            Ok(_) => {
                if token.last() == Some(&0) {
                    token.pop();
                }
                Some(token)
            }
        }
    }

    fn read_commit(&mut self) -> Result<Option<CommitChanges>> {
        let mut found: Option<CommitChanges> =
            self.next_commit.take().map(|commit| CommitChanges { commit, files: Vec::new() });
        while let Some(token) = self.read_token() {
            let token = token.trim_ascii_start();
            match (token.first(), &mut found) {
                (None, _) => {}
                (Some(&COMMIT_MARKER), found) => {
                    let id = ObjectId::from_hex(token[1..].trim_ascii_end());
                    let commit = CommitId(id.ok_or_else(unexpected_output)?);
                    if let Some(done) = found.take() {
                        self.next_commit = Some(commit);
                        return Ok(Some(done));
                    }
                    *found = Some(CommitChanges { commit, files: Vec::new() });
                }
                (Some(_), Some(found)) => {
                    let change = parse_raw_record(token, || self.read_token())
                        .ok_or_else(unexpected_output)?;
                    found.files.push(change);
                }
                (Some(_), None) => return Err(unexpected_output()),
            }
        }
        if found.is_none() {
            self.check_exit()?;
        }
        Ok(found)
    }

    /// Waits for git and gives its error, such as about arguments it did not understand.
    fn check_exit(&mut self) -> Result<()> {
        let status = self
            .child
            .wait()
            .map_err(|source| GitError::GitNotStarted { command: "log".to_owned(), source })?;
        if status.success() {
            return Ok(());
        }
        let mut stderr = Vec::new();
        if let Some(pipe) = &mut self.child.stderr {
            let _ = std::io::Read::read_to_end(pipe, &mut stderr);
        }
        let output = std::process::Output { status, stdout: Vec::new(), stderr };
        Err(command::command_failed("log".to_owned(), &output))
    }
}

impl Iterator for GitLog {
    type Item = Result<CommitChanges>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_commit().transpose()
    }
}

impl Drop for GitLog {
    fn drop(&mut self) {
        // git may still be walking when the caller stops early.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_all_kinds_are_read() {
        let id = "a".repeat(40);
        let zero = "0".repeat(40);
        let paths = ["old.json", ":new\n.json"].map(|path| path.as_bytes().to_vec());
        let mut rest = paths.into_iter();
        let record = format!(":100644 100755 {id} {zero} R090");
        let change = parse_raw_record(record.as_bytes(), || rest.next()).unwrap();
        assert_eq!(change.kind, FileChangeKind::Renamed);
        assert_eq!(change.before.unwrap().path, RepoPath::new("old.json"));
        let after = change.after.unwrap();
        assert_eq!((after.path, after.blob), (RepoPath::new(":new\n.json"), None));
        let record = format!(":000000 100644 {zero} {id} A");
        let change = parse_raw_record(record.as_bytes(), || Some(b"x".to_vec())).unwrap();
        assert_eq!(change.before, None);
        assert!(parse_raw_record(b":nonsense", || None).is_none());
    }
}
