//! A repository whose `.git` is outside its folder: a service that copies the folder copies
//! the files and one line that names the place, and never half a repository.
//!
//! Moving is done so that whatever stops it, the repository is whole in one of the two
//! places, and [`inspect_git_folder`] finds out what is left to do:
//!
//! ```text
//! write the line aside ─▶ move .git away ─▶ the line becomes .git ─▶ compare
//! ```
//!
//! Onto another disk a checked copy goes first, and the old one goes last. Must not know
//! where such places lie by custom.

pub(crate) mod copy;
pub(crate) mod move_obstacles;

use std::path::{Path, PathBuf};
use std::{fs, io};

use copy::{copy_folder, has_same_files};
use move_obstacles::find_obstacle;

use crate::error::CommandError;
use crate::platform::git::command::GitCommand;
use crate::platform::git::{GitError, ObjectFormat, Repository};

/// The line, before it becomes `.git`.
const GITDIR_LINE_FILE: &str = ".git-comfy-separate";
/// What was `.git`, until the copy takes its place.
const OLD_GIT_FOLDER: &str = ".git-comfy-old";
/// The ending of a copy that is being made.
const PARTIAL_ENDING: &str = "partial";

#[derive(Debug, thiserror::Error)]
pub enum SeparateError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("cannot {what} {}", path.display())]
    File {
        /// The verb in the message: `move`.
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// It depends on where it lies, or git is at work in it.
    #[error("this repository cannot be moved as it is: {0}")]
    Unfit(String),
    /// The place is not empty.
    #[error("{} is there already", .0.display())]
    Taken(PathBuf),
    /// Git's answers differed after the move, which was undone.
    #[error("{0} would not be the same there; everything is as it was")]
    Differs(&'static str),
}

impl From<SeparateError> for CommandError {
    fn from(error: SeparateError) -> Self {
        let hint = match &error {
            SeparateError::Unfit(_) => "mend that first; nothing has been moved",
            SeparateError::Taken(_) => "name another place: git comfy init --separate DIR",
            SeparateError::Differs(_) => {
                "something in it depends on where it lies, such as include.path"
            }
            SeparateError::Git(_) | SeparateError::File { .. } => {
                "nothing is lost; run it again to go on"
            }
        };
        let failure = match error {
            SeparateError::Taken(_) => CommandError::user(error),
            SeparateError::File { .. } => CommandError::system(error),
            SeparateError::Unfit(_) | SeparateError::Differs(_) | SeparateError::Git(_) => {
                CommandError::repository(error)
            }
        };
        failure.with_hint(hint)
    }
}

type Result<T> = std::result::Result<T, SeparateError>;

fn file_error<'a>(
    what: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> SeparateError + 'a {
    move |source| SeparateError::File { what, path: path.to_owned(), source }
}

/// Where the `.git` of a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GitFolderState {
    /// No `.git` in the folder or above it.
    NoRepository,
    /// `.git` is a folder inside this one.
    Inside(PathBuf),
    /// `.git` leads to a repository outside.
    Separated {
        /// The folder that `.git` is in.
        top: PathBuf,
        place: PathBuf,
    },
    /// `.git` leads to a place that is not there: another machine wrote it.
    Dangling {
        /// The folder that `.git` is in.
        top: PathBuf,
        place: PathBuf,
    },
    /// A separation was broken off here; [`resume_move`] goes on.
    Interrupted(PathBuf),
}

/// Looks for `.git` in a folder and those above.
pub(crate) fn inspect_git_folder(folder: &Path) -> GitFolderState {
    for top in folder.ancestors() {
        let git = top.join(".git");
        let top = top.to_owned();
        match git.symlink_metadata() {
            Ok(about) if about.is_dir() => return GitFolderState::Inside(top),
            Ok(_) => {
                let place = match fs::canonicalize(&git) {
                    Ok(place) if place.is_dir() => Some(place),
                    _ => read_gitdir_line(&git),
                };
                return match place {
                    Some(place) if is_repository(&place) => {
                        GitFolderState::Separated { top, place }
                    }
                    Some(place) => GitFolderState::Dangling { top, place },
                    None => GitFolderState::NoRepository,
                };
            }
            Err(_) if top.join(GITDIR_LINE_FILE).is_file() => {
                return GitFolderState::Interrupted(top);
            }
            Err(_) => {}
        }
    }
    GitFolderState::NoRepository
}

/// The path behind `gitdir:` in a `.git` file.
fn read_gitdir_line(file: &Path) -> Option<PathBuf> {
    let text = fs::read(file).ok().filter(|text| text.len() < 1 << 16)?;
    let text = String::from_utf8(text).ok()?;
    let place = text.strip_prefix("gitdir:")?.trim();
    Some(file.parent()?.join(place))
}

fn is_repository(place: &Path) -> bool {
    place.join("HEAD").symlink_metadata().is_ok()
        && (place.join("objects").is_dir() || place.join("commondir").is_file())
}

/// The usual place for the repository of a folder, below the person's own data.
pub(crate) fn default_git_folder(data: &Path, top: &Path) -> PathBuf {
    let name = top.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let id = ObjectFormat::Sha1.hash_parts(&[top.to_string_lossy().as_bytes()]).to_hex();
    data.join("git-comfy").join("repositories").join(format!("{name}-{}.git", &id[..8]))
}

/// Makes a new repository with its `.git` at a place.
pub(crate) fn init_separate(top: &Path, place: &Path) -> Result<()> {
    ensure_free(place)?;
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(file_error("make", parent))?;
    }
    let git = GitCommand::outside_environment(top);
    let words = ["init", "-q", "--separate-git-dir"].map(std::ffi::OsStr::new);
    git.with_args(words.into_iter().chain([place.as_os_str()])).output()?;
    Ok(())
}

/// Makes an empty repository at the place that a `.git` from another machine names.
pub(crate) fn init_named_place(place: &Path) -> Result<()> {
    ensure_free(place)?;
    Repository::init_bare(place)?;
    GitCommand::outside_environment(place).args(["config", "core.bare", "false"]).output()?;
    Ok(())
}

fn ensure_free(place: &Path) -> Result<()> {
    let is_empty = fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_none());
    if place.symlink_metadata().is_ok() && !is_empty {
        return Err(SeparateError::Taken(place.to_owned()));
    }
    Ok(())
}

/// Moves the repository of a folder to a place and leaves a line that names it.
pub(crate) fn move_git_folder(top: &Path, place: &Path) -> Result<()> {
    let git = top.join(".git");
    if let Some(reason) = find_obstacle(top, &git)? {
        return Err(SeparateError::Unfit(reason));
    }
    ensure_free(place)?;
    // An empty folder would be in the way of a rename on some systems.
    let _ = fs::remove_dir(place);
    let before = RepositoryFacts::read(top)?;
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(file_error("make", parent))?;
    }
    write_gitdir_line(top, place)?;
    let moved = match fs::rename(&git, place) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => move_by_copy(top, place),
        result => result.map_err(file_error("move", &git)),
    };
    if let Err(error) = moved {
        let _ = fs::remove_file(top.join(GITDIR_LINE_FILE));
        return Err(error);
    }
    install_gitdir_line(top)?;
    match before.first_difference(&RepositoryFacts::read(top)?) {
        None => {
            remove_old(top);
            Ok(())
        }
        Some(what) => {
            undo_move(top, place)?;
            Err(SeparateError::Differs(what))
        }
    }
}

/// Goes on where a separation was broken off. The folder then lies as [`inspect_git_folder`] says.
pub(crate) fn resume_move(top: &Path) -> Result<()> {
    let line = top.join(GITDIR_LINE_FILE);
    match read_gitdir_line(&line) {
        Some(place) if is_repository(&place) => {
            install_gitdir_line(top)?;
            remove_old(top);
            Ok(())
        }
        // The copy was not there yet: what was `.git` still is.
        _ if top.join(OLD_GIT_FOLDER).is_dir() => {
            fs::rename(top.join(OLD_GIT_FOLDER), top.join(".git"))
                .map_err(file_error("move", &top.join(OLD_GIT_FOLDER)))?;
            fs::remove_file(&line).map_err(file_error("delete", &line))
        }
        _ => Err(SeparateError::Unfit(format!(
            "{} names no repository; whoever moved it knows where it is",
            line.display()
        ))),
    }
}

/// Deletes the old folder that a separation left which was stopped before its last step.
pub(crate) fn remove_old(top: &Path) {
    let old = top.join(OLD_GIT_FOLDER);
    if old.is_dir() {
        let _ = fs::remove_dir_all(old);
    }
}

fn write_gitdir_line(top: &Path, place: &Path) -> Result<()> {
    let line = top.join(GITDIR_LINE_FILE);
    let named = place
        .to_str()
        .ok_or_else(|| SeparateError::Unfit(format!("the path {} is no text", place.display())))?;
    // git reads slashes everywhere.
    let named = if cfg!(windows) { named.replace('\\', "/") } else { named.to_owned() };
    fs::write(&line, format!("gitdir: {named}\n")).map_err(file_error("write", &line))
}

fn install_gitdir_line(top: &Path) -> Result<()> {
    let line = top.join(GITDIR_LINE_FILE);
    fs::rename(&line, top.join(".git")).map_err(file_error("move", &line))
}

fn undo_move(top: &Path, place: &Path) -> Result<()> {
    let git = top.join(".git");
    fs::remove_file(&git).map_err(file_error("delete", &git))?;
    let old = top.join(OLD_GIT_FOLDER);
    if old.is_dir() {
        fs::rename(&old, &git).map_err(file_error("move", &old))?;
        return fs::remove_dir_all(place).map_err(file_error("delete", place));
    }
    fs::rename(place, &git).map_err(file_error("move", place))
}

/// Moves to another disk: by a checked copy, then the old folder is renamed.
fn move_by_copy(top: &Path, place: &Path) -> Result<()> {
    let git = top.join(".git");
    let mut partial = place.as_os_str().to_owned();
    partial.push(format!(".{PARTIAL_ENDING}"));
    let partial = PathBuf::from(partial);
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(file_error("delete", &partial))?;
    }
    copy_folder(&git, &partial)?;
    if !has_same_files(&git, &partial)? {
        let _ = fs::remove_dir_all(&partial);
        return Err(SeparateError::Differs("what lies in .git"));
    }
    let old = top.join(OLD_GIT_FOLDER);
    fs::rename(&git, &old).map_err(file_error("move", &git))?;
    if let Err(source) = fs::rename(&partial, place) {
        fs::rename(&old, &git).map_err(file_error("move", &old))?;
        return Err(file_error("move", &partial)(source));
    }
    Ok(())
}

fn list_folder(folder: &Path) -> Result<Vec<(std::ffi::OsString, fs::FileType)>> {
    let read = || {
        let mut all = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            all.push((entry.file_name(), entry.file_type()?));
        }
        Ok(all)
    };
    read().map_err(file_error("read", folder))
}

/// Answers of git that must be the same before and after a move.
#[derive(Debug, PartialEq, Eq)]
struct RepositoryFacts([(&'static str, Vec<u8>); 4]);

impl RepositoryFacts {
    fn read(top: &Path) -> Result<RepositoryFacts> {
        let git = GitCommand::outside_environment(top);
        let answer = |words: &[&str]| git.with_args(words).answer().map(|answer| answer.stdout);
        Ok(RepositoryFacts([
            ("HEAD", answer(&["rev-parse", "HEAD"])?),
            ("the refs", answer(&["for-each-ref", "--format=%(objectname) %(refname)"])?),
            ("the configuration", answer(&["config", "--list", "-z"])?),
            ("what has changed", answer(&["status", "--porcelain", "-z", "--untracked-files=no"])?),
        ]))
    }

    fn first_difference(&self, after: &RepositoryFacts) -> Option<&'static str> {
        let pairs = self.0.iter().zip(&after.0);
        pairs.into_iter().find(|(before, after)| before != after).map(|((what, _), _)| *what)
    }
}
