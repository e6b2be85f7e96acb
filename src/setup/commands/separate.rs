//! `git comfy init --separate`: where `.git` goes, and what else a person should know. No
//! command itself.

use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};
use crate::platform::git::plumbing::Git;
use crate::platform::machine::write_file;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::setup::separate::{self, Error, Found};
use crate::setup::synced::{self, KeepsOut};

/// Whether `.git` is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Do,
    /// It is only printed what would be done.
    OnlyTell,
}

/// What `init` does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It goes on: there is a repository now.
    SetUp,
    /// It ends: in a dry run `.git` is not where it would be.
    Nothing,
}

/// Moves `.git` outside, or makes a repository with its `.git` there.
pub(crate) fn run(named: Option<&Path>, how: How, session: &Session) -> Result<Next> {
    let here = std::fs::canonicalize(&session.cwd)?;
    let mut found = separate::look(&here);
    if let (Found::Halfway(top), How::Do) = (&found, how) {
        separate::resume(top)?;
        session.ui.tell("went on where moving .git had been broken off")?;
        found = separate::look(&here);
    }
    let next = if how == How::Do { Next::SetUp } else { Next::Nothing };
    match found {
        Found::Apart { top, place } => {
            apart(&top, &place)?;
            if how == How::Do {
                separate::take_old(&top);
                keep_out(&top, session)?;
            }
            session.ui.tell(&format!(".git is outside already: {}", shown(&place)))?;
            if let Some(found) = synced::service_of(&place) {
                let (service, undo) = (found.service, "put it back as .git and run this again");
                session.ui.warn(&format!("but {service} copies that place, too: {undo}"));
            }
            Ok(Next::SetUp)
        }
        Found::Halfway(top) => {
            session.ui.out(&format!("go on with moving .git out of {}\n", shown(&top)))?;
            Ok(next)
        }
        Found::Astray { place, .. } => {
            astray(&place, named, how, session)?;
            Ok(next)
        }
        Found::Inside(top) => {
            let place = place(named, &top, session)?;
            if how == How::OnlyTell {
                let (from, to) = (shown(&top.join(".git")), shown(&place));
                session
                    .ui
                    .out(&format!("move {from} to {to}, and leave a line that names it\n"))?;
                return Ok(next);
            }
            separate::move_out(&top, &place).map_err(told)?;
            keep_out(&top, session)?;
            session.ui.tell(&format!(".git is now outside, at {}", shown(&place)))?;
            session.ui.say(&format!(
                "to undo it: delete the file .git, and move {} back as .git",
                shown(&place)
            ));
            Ok(next)
        }
        Found::None => {
            let bare = Git::elsewhere(&here).answer(["rev-parse", "--is-bare-repository"])?;
            if bare.out.starts_with(b"true") {
                return Err(Failure::new(
                    "this is a bare repository; there is nothing to separate",
                ));
            }
            let place = place(named, &here, session)?;
            if how == How::OnlyTell {
                let text = format!("make a repository here with its .git at {}\n", shown(&place));
                session.ui.out(&text)?;
                return Ok(next);
            }
            separate::make(&here, &place).map_err(told)?;
            keep_out(&here, session)?;
            session
                .ui
                .tell(&format!("new repository; its .git is outside, at {}", shown(&place)))?;
            Ok(next)
        }
    }
}

/// The error to show instead of "no repository" where `.git` leads nowhere or was half moved.
pub(crate) fn trouble(session: &Session) -> Option<Failure> {
    let what = match separate::look(&session.cwd) {
        Found::Astray { place, .. } => {
            format!(".git leads to {}, which is not on this machine", shown(&place))
        }
        Found::Halfway(_) => "moving .git outside was broken off half-way".to_owned(),
        _ => return None,
    };
    Some(Failure::new(what).hint("git comfy init --separate; see docs/synced-folders.md"))
}

fn shown(path: &Path) -> String {
    sanitize::line(&path.display().to_string()).into_owned()
}

fn told(error: Error) -> Failure {
    let hint = match &error {
        Error::Unfit(_) => "mend that first; nothing has been moved",
        Error::Taken(_) => "name another place: git comfy init --separate DIR",
        Error::Differs(_) => "something in it depends on where it lies, such as include.path",
        Error::Git(_) | Error::File { .. } => "nothing is lost; run it again to go on",
    };
    Failure::from(error).hint(hint)
}

/// Refuses a linked work tree, whose `.git` leads elsewhere for another reason.
fn apart(top: &Path, place: &Path) -> Result<()> {
    if place.join("commondir").is_file() {
        return Err(Failure::new(format!("{} is a linked work tree", shown(top)))
            .hint("do it in the main one: git worktree list"));
    }
    Ok(())
}

/// Where `.git` is to lie.
fn place(named: Option<&Path>, top: &Path, session: &Session) -> Result<PathBuf> {
    let place = match named {
        Some(named) => std::path::absolute(session.cwd.join(named))?,
        None => {
            let data = session.environment.data_home.as_ref();
            let data = data.ok_or_else(|| {
                Failure::new("the folder of your own data is not known")
                    .hint("name a place: git comfy init --separate DIR")
            })?;
            separate::usual_place(data, top)
        }
    };
    // As far as it is there already, links followed.
    let real = place.ancestors().find_map(|folder| {
        let real = std::fs::canonicalize(folder).ok()?;
        Some(real.join(place.strip_prefix(folder).ok()?))
    });
    let real = real.unwrap_or(place);
    let elsewhere = |why: String| {
        Err(Failure::new(format!("{} {why}", shown(&real)))
            .hint("name a place outside: git comfy init --separate DIR"))
    };
    if real.starts_with(top) {
        return elsewhere("lies in this folder".to_owned());
    }
    match synced::service_of(&real) {
        Some(found) => elsewhere(format!("lies in a folder that {} copies, too", found.service)),
        None => Ok(real),
    }
}

/// What can be done with a `.git` from another machine: the same place can be made here,
/// if it is one of this person's.
fn astray(place: &Path, named: Option<&Path>, how: How, session: &Session) -> Result<()> {
    let home = session.environment.home.as_deref();
    let is_own = home.is_some_and(|home| place.starts_with(home));
    let other = named.is_some_and(|named| session.cwd.join(named) != place);
    if !is_own || other {
        return Err(Failure::new(format!(
            ".git leads to {}, which is not on this machine: it came with the folder from another",
            shown(place)
        ))
        .hint("keep .git out of the copying on both machines, delete the file here, and run this again")
        .hint("docs/synced-folders.md says how, service by service"));
    }
    if how == How::OnlyTell {
        return Ok(session.ui.out(&format!("make an empty repository at {}\n", shown(place)))?);
    }
    separate::make_named(place).map_err(told)?;
    session.ui.tell(&format!("made the repository that .git names, at {}", shown(place)))?;
    session.ui.say("its history is not copied with the folder; bring it from a remote:");
    session.ui.say("  git remote add origin URL; git fetch; git reset origin/main");
    Ok(())
}

/// Excludes the `.git` file, which is for this machine alone, from what the service copies.
fn keep_out(top: &Path, session: &Session) -> Result<()> {
    let Some(found) = synced::service_of(top) else { return Ok(()) };
    match found.keeps_out {
        KeepsOut::Pattern(name) => {
            let file = found.root.join(name);
            let below = top.strip_prefix(&found.root).unwrap_or(Path::new(""));
            let below = below.to_string_lossy().replace('\\', "/");
            let slash = if below.is_empty() { "" } else { "/" };
            let pattern = format!("/{below}{slash}.git");
            if below.contains(['*', '?', '[', ']', '{', '}', '(']) {
                session.ui.say(&format!("add {pattern} to {} yourself", shown(&file)));
                return Ok(());
            }
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if text.lines().any(|line| line.trim() == pattern) {
                return Ok(());
            }
            // The first pattern that fits decides.
            let text =
                format!("// each machine has a .git of its own (git-comfy)\n{pattern}\n{text}");
            write_file::write(&file, text.as_bytes())?;
            session.ui.tell(&format!("{} keeps .git from the other machines", shown(&file)))?;
        }
        KeepsOut::ByHand(what) => session.ui.say(&by_hand(found.service, what)),
        KeepsOut::Command { mac, windows, linux } => {
            let command = match std::env::consts::OS {
                "macos" => mac,
                "windows" => windows,
                _ => linux,
            };
            session.ui.say(&by_hand(found.service, command));
        }
        KeepsOut::No => {
            session.ui.say(&format!(
                "{} copies the file .git to your other machines, where it leads nowhere unless \
                 the same path is there: docs/synced-folders.md",
                found.service
            ));
        }
    }
    Ok(())
}

fn by_hand(service: &str, what: &str) -> String {
    format!(
        "{service} copies the file .git to your other machines, where it leads nowhere; to keep \
         it here: {what}"
    )
}
