//! `git comfy init --separate`: where `.git` goes, and what else a person should know. No
//! command itself.

use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::platform::file_argument;
use crate::platform::git::command::GitCommand;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::setup::separate::{self, GitFolderState};
use crate::setup::sync_services::{self, ExcludeMethod};

/// Whether `.git` is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeparateMode {
    Apply,
    /// It is only printed what would be done.
    DryRun,
}

/// What `init` does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterSeparate {
    /// It goes on: there is a repository now.
    SetUp,
    /// It ends: in a dry run `.git` is not where it would be.
    Stop,
}

/// Moves `.git` outside, or makes a repository with its `.git` there.
pub(crate) fn separate_git_folder(
    named: Option<&Path>,
    how: SeparateMode,
    session: &Session,
) -> Result<AfterSeparate> {
    let cwd = std::fs::canonicalize(&session.cwd)?;
    let mut found = separate::inspect_git_folder(&cwd);
    if let (GitFolderState::Interrupted(top), SeparateMode::Apply) = (&found, how) {
        separate::resume_move(top)?;
        session.ui.report("went on where moving .git had been broken off")?;
        found = separate::inspect_git_folder(&cwd);
    }
    let next = if how == SeparateMode::Apply { AfterSeparate::SetUp } else { AfterSeparate::Stop };
    match found {
        GitFolderState::Separated { top, place } => {
            refuse_linked_work_tree(&top, &place)?;
            if how == SeparateMode::Apply {
                separate::remove_old(&top);
                exclude_from_sync(&top, session)?;
            }
            session.ui.report(&format!(".git is outside already: {}", sanitize::path(&place)))?;
            if let Some(found) = sync_services::find_sync_service(&place) {
                let (service, undo) = (found.service, "put it back as .git and run this again");
                session.ui.warn(&format!("but {service} copies that place, too: {undo}"));
            }
            Ok(AfterSeparate::SetUp)
        }
        GitFolderState::Interrupted(top) => {
            session
                .ui
                .print(&format!("go on with moving .git out of {}\n", sanitize::path(&top)))?;
            Ok(next)
        }
        GitFolderState::Dangling { place, .. } => {
            restore_dangling(&place, named, how, session)?;
            Ok(next)
        }
        GitFolderState::Inside(top) => {
            let place = choose_place(named, &top, session)?;
            if how == SeparateMode::DryRun {
                let (from, to) = (sanitize::path(&top.join(".git")), sanitize::path(&place));
                session
                    .ui
                    .print(&format!("move {from} to {to}, and leave a line that names it\n"))?;
                return Ok(next);
            }
            separate::move_git_folder(&top, &place)?;
            exclude_from_sync(&top, session)?;
            session.ui.report(&format!(".git is now outside, at {}", sanitize::path(&place)))?;
            session.ui.info(&format!(
                "to undo it: delete the file .git, and move {} back as .git",
                sanitize::path(&place)
            ));
            Ok(next)
        }
        GitFolderState::NoRepository => {
            let bare = GitCommand::outside_environment(&cwd)
                .args(["rev-parse", "--is-bare-repository"])
                .answer()?;
            if bare.stdout.starts_with(b"true") {
                return Err(CommandError::repository(
                    "this is a bare repository; there is nothing to separate",
                ));
            }
            let place = choose_place(named, &cwd, session)?;
            if how == SeparateMode::DryRun {
                let text =
                    format!("make a repository here with its .git at {}\n", sanitize::path(&place));
                session.ui.print(&text)?;
                return Ok(next);
            }
            separate::init_separate(&cwd, &place)?;
            exclude_from_sync(&cwd, session)?;
            session.ui.report(&format!(
                "new repository; its .git is outside, at {}",
                sanitize::path(&place)
            ))?;
            Ok(next)
        }
    }
}

/// The error to show instead of "no repository" where `.git` leads nowhere or was half moved.
pub(crate) fn explain_missing_repository(session: &Session) -> Option<CommandError> {
    let what = match separate::inspect_git_folder(&session.cwd) {
        GitFolderState::Dangling { place, .. } => {
            format!(".git leads to {}, which is not on this machine", sanitize::path(&place))
        }
        GitFolderState::Interrupted(_) => "moving .git outside was broken off half-way".to_owned(),
        _ => return None,
    };
    Some(
        CommandError::repository(what)
            .with_hint("git comfy init --separate; see docs/synced-folders.md"),
    )
}

/// Refuses a linked work tree, whose `.git` leads elsewhere for another reason.
fn refuse_linked_work_tree(top: &Path, place: &Path) -> Result<()> {
    if place.join("commondir").is_file() {
        return Err(CommandError::repository(format!(
            "{} is a linked work tree",
            sanitize::path(top)
        ))
        .with_hint("do it in the main one: git worktree list"));
    }
    Ok(())
}

/// Where `.git` is to lie.
fn choose_place(named: Option<&Path>, top: &Path, session: &Session) -> Result<PathBuf> {
    let place = match named {
        Some(named) => std::path::absolute(session.cwd.join(named))?,
        None => {
            let data = session.environment.data_home.as_ref();
            let data = data.ok_or_else(|| {
                CommandError::system("the folder of your own data is not known")
                    .with_hint("name a place: git comfy init --separate DIR")
            })?;
            separate::default_git_folder(data, top)
        }
    };
    // As far as it is there already, links followed.
    let real = place.ancestors().find_map(|folder| {
        let real = std::fs::canonicalize(folder).ok()?;
        Some(real.join(place.strip_prefix(folder).ok()?))
    });
    let real = real.unwrap_or(place);
    let elsewhere = |why: String| {
        Err(CommandError::user(format!("{} {why}", sanitize::path(&real)))
            .with_hint("name a place outside: git comfy init --separate DIR"))
    };
    if real.starts_with(top) {
        return elsewhere("lies in this folder".to_owned());
    }
    match sync_services::find_sync_service(&real) {
        Some(found) => elsewhere(format!("lies in a folder that {} copies, too", found.service)),
        None => Ok(real),
    }
}

/// What can be done with a `.git` from another machine: the same place can be made here,
/// if it is one of this person's.
fn restore_dangling(
    place: &Path,
    named: Option<&Path>,
    how: SeparateMode,
    session: &Session,
) -> Result<()> {
    let home = session.environment.home.as_deref();
    let is_own = home.is_some_and(|home| place.starts_with(home));
    let other = named.is_some_and(|named| session.cwd.join(named) != place);
    if !is_own || other {
        return Err(CommandError::repository(format!(
            ".git leads to {}, which is not on this machine: it came with the folder from another",
            sanitize::path(place)
        ))
        .with_hint("keep .git out of the copying on both machines, delete the file here, and run this again")
        .with_hint("docs/synced-folders.md says how, service by service"));
    }
    if how == SeparateMode::DryRun {
        return Ok(session
            .ui
            .print(&format!("make an empty repository at {}\n", sanitize::path(place)))?);
    }
    separate::init_named_place(place)?;
    session
        .ui
        .report(&format!("made the repository that .git names, at {}", sanitize::path(place)))?;
    session.ui.info("its history is not copied with the folder; bring it from a remote:");
    session.ui.info("  git remote add origin URL; git fetch; git reset origin/main");
    Ok(())
}

/// Excludes the `.git` file, which is for this machine alone, from what the service copies.
fn exclude_from_sync(top: &Path, session: &Session) -> Result<()> {
    let Some(found) = sync_services::find_sync_service(top) else { return Ok(()) };
    match found.keeps_out {
        ExcludeMethod::Pattern(name) => {
            let file = found.root.join(name);
            let below = top.strip_prefix(&found.root).unwrap_or(Path::new(""));
            let below = below.to_string_lossy().replace('\\', "/");
            let slash = if below.is_empty() { "" } else { "/" };
            let pattern = format!("/{below}{slash}.git");
            if below.contains(['*', '?', '[', ']', '{', '}', '(']) {
                session.ui.info(&format!("add {pattern} to {} yourself", sanitize::path(&file)));
                return Ok(());
            }
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if text.lines().any(|line| line.trim() == pattern) {
                return Ok(());
            }
            // The first pattern that fits decides.
            let text =
                format!("// each machine has a .git of its own (git-comfy)\n{pattern}\n{text}");
            file_argument::replace_file(&file, text.as_bytes())?;
            session
                .ui
                .report(&format!("{} keeps .git from the other machines", sanitize::path(&file)))?;
        }
        ExcludeMethod::ByHand(what) => session.ui.info(&manual_exclusion_text(found.service, what)),
        ExcludeMethod::Command { mac, windows, linux } => {
            let command = match std::env::consts::OS {
                "macos" => mac,
                "windows" => windows,
                _ => linux,
            };
            session.ui.info(&manual_exclusion_text(found.service, command));
        }
        ExcludeMethod::No => {
            session.ui.info(&format!(
                "{} copies the file .git to your other machines, where it leads nowhere unless \
                 the same path is there: docs/synced-folders.md",
                found.service
            ));
        }
    }
    Ok(())
}

fn manual_exclusion_text(service: &str, what: &str) -> String {
    format!(
        "{service} copies the file .git to your other machines, where it leads nowhere; to keep \
         it here: {what}"
    )
}
