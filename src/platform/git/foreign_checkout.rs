//! What other repositories on this machine have checked out: node packs, ComfyUI itself.
//!
//! They are strangers': nothing of their configuration is acted on, no filter, hook or
//! monitor of theirs is run. Only the folder itself counts, never a repository around it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::remote;

/// The most tags that are compared with the commit.
const MOST_TAGS: usize = 5000;

/// What a git repository has checked out.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkout {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// A tag on that commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Where it comes from, without anything personal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Whether a tracked file was changed; absent when that was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
}

/// The state of the repository in a folder; `None` when there is none that we can read.
pub fn read_checkout(folder: &Path) -> Option<Checkout> {
    let repository = open_isolated(folder)?;
    let commit = repository.head_id().ok().map(gix::Id::detach);
    Some(Checkout {
        commit: commit.map(|id| id.to_string()),
        tag: commit.and_then(|commit| tag_of_commit(&repository, commit)),
        remote: find_shareable_remote(&repository),
        dirty: is_dirty(folder),
    })
}

/// Where the repository in a folder comes from, as far as that may be shared.
pub fn shareable_origin(folder: &Path) -> Option<String> {
    find_shareable_remote(&open_isolated(folder)?)
}

/// The branch that the repository in a folder has checked out.
pub fn current_branch(folder: &Path) -> Option<String> {
    let name = open_isolated(folder)?.head_name().ok()??;
    Some(name.shorten().to_string())
}

/// Whether the repository in a folder has a commit.
pub fn has_commit(folder: &Path, commit: &str) -> bool {
    let Some(repository) = open_isolated(folder) else { return false };
    let Ok(id) = gix::ObjectId::from_hex(commit.as_bytes()) else { return false };
    repository.find_object(id).is_ok_and(|found| found.kind == gix::object::Kind::Commit)
}

fn open_isolated(folder: &Path) -> Option<gix::Repository> {
    // `.git` may be a file: submodules and linked work trees have one.
    if !folder.join(".git").exists() {
        return None;
    }
    let options = gix::open::Options::isolated().open_path_as_is(false).strict_config(false);
    gix::open_opts(folder, options).ok()
}

/// A tag on the commit; of several the last by name, which is the highest version in most
/// schemes.
fn tag_of_commit(repository: &gix::Repository, commit: gix::ObjectId) -> Option<String> {
    let references = repository.references().ok()?;
    let mut found: Vec<String> = references
        .tags()
        .ok()?
        .take(MOST_TAGS)
        .flatten()
        .filter_map(|mut tag| {
            let on = tag.peel_to_id().ok()?.detach();
            (on == commit).then(|| tag.name().shorten().to_string())
        })
        .collect();
    found.sort_by_key(|name| version_key(name));
    found.pop()
}

/// The numbers in a tag, so that 1.10 comes after 1.9; then the tag itself.
fn version_key(tag: &str) -> (Vec<u64>, String) {
    let parts = tag.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    (parts.collect(), tag.to_owned())
}

/// The remote of the checked-out branch, else `origin`, else the only one.
fn find_shareable_remote(repository: &gix::Repository) -> Option<String> {
    // Without the filter for trusted owners: nothing is done with it but writing it down.
    let config = repository.config_snapshot();
    let config = config.plumbing();
    let text = |key: &str| config.string(key).map(|value| value.to_string());
    let branch = repository.head_name().ok().flatten();
    let tracked = branch.and_then(|name| text(&format!("branch.{}.remote", name.shorten())));
    let mut names: Vec<String> = tracked.into_iter().chain(["origin".to_owned()]).collect();
    let sections = config.sections_by_name("remote").into_iter().flatten();
    let all: Vec<String> =
        sections.filter_map(|s| Some(s.header().subsection_name()?.to_string())).collect();
    if let [only] = all.as_slice() {
        names.push(only.clone());
    }
    names.iter().find_map(|name| remote::shareable_url(&text(&format!("remote.{name}.url"))?))
}

/// Whether a tracked file differs from the commit; `None` when that cannot be said.
fn is_dirty(folder: &Path) -> Option<bool> {
    let nothing = std::iter::empty::<&std::ffi::OsStr>();
    let flags = git2::RepositoryOpenFlags::NO_SEARCH;
    let repository = git2::Repository::open_ext(folder, flags, nothing).ok()?;
    let mut options = git2::StatusOptions::new();
    options
        .show(git2::StatusShow::IndexAndWorkdir)
        .include_untracked(false)
        .include_ignored(false)
        .exclude_submodules(true)
        .no_refresh(true)
        .update_index(false);
    let statuses = repository.statuses(Some(&mut options)).ok()?;
    Some(!statuses.is_empty())
}
