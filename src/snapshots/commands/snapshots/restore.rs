//! `git comfy snapshots restore`: files as they were, to the byte.

use std::path::{Component, Path, PathBuf};

use super::{chosen, is_among, paths, policy, short};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git::shell::typed_name;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::machine::write_file;
use crate::platform::text::{sanitize, time_argument};
use crate::session::Session;
use crate::snapshots::{Kept, Reason, Scope, Snapshot, Taken, Wish};
use crate::{layouts, snapshots};

/// Bring files back as they were; what is there now is kept first.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An id, or a moment (an hour ago, 14:30, yesterday), and perhaps files: without any,
    /// all that the snapshot has. A file that came later stays.
    #[arg(value_name = "ID|WHEN [FILE]", required = true)]
    what: Vec<String>,
    /// Write the one file there instead, beside what you have now.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only tell what would be written.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let (snapshot, words) = chosen(&repository, &args.what)?;
    let files = wanted(session, &repository, &snapshot, &words)?;
    let when = time_argument::exactly(snapshot.at);
    if let Some(output) = &args.output {
        return beside(session, &repository, &snapshot, &files, output);
    }
    let mut changes = Vec::new();
    for (path, kept) in &files {
        let place = place(&repository, path)?;
        let bytes = snapshots::bytes(&repository, kept)?;
        let now = read(&place)?;
        if now.as_ref() != Some(&bytes) {
            changes.push(Change { path: path.clone(), place, now, bytes });
        }
    }
    if changes.is_empty() {
        session.ui.tell(&format!("nothing to do: it is as it was at {when}"))?;
        return Ok(Exit::Done);
    }
    if args.dry_run {
        for change in &changes {
            session.ui.out(&format!("would restore {}\n", change.path))?;
        }
        return Ok(Exit::Done);
    }
    let kept = keep_present(session, &repository, &changes)?;
    for change in &changes {
        if read(&change.place)? != change.now {
            return Err(Failure::new(format!("{} was saved just now", change.path))
                .hint("try again; nothing is lost: `git comfy snapshots`"));
        }
        if let Some(folder) = change.place.parent() {
            std::fs::create_dir_all(folder)?;
        }
        write_file::write(&change.place, &change.bytes)?;
        session.ui.tell(&format!("{} is as it was at {when}", change.path))?;
    }
    // A file that is again what git knows of does not count as modified.
    layouts::refresh(&repository)?;
    if let Some(kept) = kept.new.or(kept.before).filter(|_| has_present(&changes)) {
        session.ui.tell(&format!("what was there is kept as snapshot {}", short(&kept)))?;
    }
    session.ui.say("reload the page in ComfyUI, or its next Save writes the old one over it");
    Ok(Exit::Done)
}

/// A file that is not as it was.
struct Change {
    path: RepoPath,
    place: PathBuf,
    now: Option<Vec<u8>>,
    bytes: Vec<u8>,
}

fn has_present(changes: &[Change]) -> bool {
    changes.iter().any(|change| change.now.is_some())
}

fn wanted(
    session: &Session,
    repository: &Repository,
    snapshot: &Snapshot,
    words: &[String],
) -> Result<Vec<(RepoPath, Kept)>> {
    let named = paths(session, repository, words)?;
    let files = snapshots::files(repository, snapshot)?;
    for (name, word) in named.iter().zip(words) {
        if !files.keys().any(|path| is_among(path, std::slice::from_ref(name))) {
            let shown = sanitize::line(word).into_owned();
            return Err(Failure::new(format!("{shown} is not in snapshot {}", short(snapshot)))
                .hint(format!(
                    "git comfy snapshots {} lists those that have it",
                    typed_name(word)
                )));
        }
    }
    Ok(files.into_iter().filter(|(path, _)| is_among(path, &named)).collect())
}

/// Keeps what is about to be replaced, whatever it is.
fn keep_present(session: &Session, repository: &Repository, changes: &[Change]) -> Result<Taken> {
    let present = changes.iter().filter(|change| change.now.is_some());
    let wish = Wish {
        scope: Scope::Named(present.map(|change| change.path.clone()).collect()),
        reason: Reason::Restore,
        text: None,
        policy: &policy(session, repository)?,
    };
    let taken = snapshots::take(repository, &wish)?;
    match taken.remarks.first() {
        None => Ok(taken),
        Some(remark) => {
            Err(Failure::new(format!("nothing was restored: {}", sanitize::line(remark)))
                .hint("move the file away, and try again"))
        }
    }
}

/// Where a file belongs: in the work tree, whatever a snapshot says and wherever links lead.
fn place(repository: &Repository, path: &RepoPath) -> Result<PathBuf> {
    let top = repository.require_work_tree()?;
    let below = path.to_path();
    let refused = || Failure::new(format!("{path} does not lie in the work tree"));
    let is_plain = |part: Component<'_>| match part {
        Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
        _ => false,
    };
    if !below.components().all(is_plain) {
        return Err(refused());
    }
    let place = top.join(below);
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let nearest = place.ancestors().find_map(real);
    match (nearest, real(top)) {
        (Some(nearest), Some(top)) if nearest.starts_with(&top) => Ok(place),
        _ => Err(refused()),
    }
}

fn read(place: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(place) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let name = place.display().to_string();
            Err(Failure::new(format!("{}: {error}", sanitize::line(&name))))
        }
    }
}

/// Writes the one file to another place.
fn beside(
    session: &Session,
    repository: &Repository,
    snapshot: &Snapshot,
    files: &[(RepoPath, Kept)],
    output: &Path,
) -> Result<Exit> {
    let [(path, kept)] = files else {
        return Err(Failure::new(format!("--output takes one file, not {}", files.len()))
            .hint("name the file after the snapshot"));
    };
    let target = session.cwd.join(output);
    let name = sanitize::line(&output.display().to_string()).into_owned();
    if target.exists() {
        return Err(Failure::new(format!("{name} is there already")).hint("choose another name"));
    }
    write_file::write(&target, &snapshots::bytes(repository, kept)?)?;
    let when = time_argument::exactly(snapshot.at);
    session.ui.tell(&format!("{name} is {path} as it was at {when}"))?;
    Ok(Exit::Done)
}
