//! A bare repository and people who clone it: with git-comfy set up as the README says, or
//! without it.

use std::rc::Rc;

use super::sheet::{FILE, LATENT, LOADER, PROMPT, SAMPLER, Sheet};
use crate::support::{Repo, World};

pub(super) const LAYOUTS: &str = "refs/notes/comfy-layout";

/// One folder with everybody's repositories.
pub(super) struct Team {
    pub(super) world: Rc<World>,
    pub(super) bare: Repo,
}

impl Team {
    /// Nobody yet, and an empty bare repository.
    pub(super) fn new() -> Team {
        let world = World::new();
        let mut git = world.command("git");
        git.args(["config", "--global", "comfy.server", "off"]);
        assert!(git.status().unwrap().success());
        let bare = world.bare("studio.git");
        Team { world, bare }
    }

    /// Ann, who began with one file and pushed it, and Ben, who cloned.
    pub(super) fn of_two() -> (Team, Repo, Repo) {
        let team = Team::new();
        let ann = team.founder("ann", &Sheet::new());
        let ben = team.member("ben");
        (team, ann, ben)
    }

    /// Somebody whose first commit, of one file, is on the remote.
    pub(super) fn founder(&self, name: &str, sheet: &Sheet) -> Repo {
        let repo = self.world.repo(name);
        repo.comfy(["init", "-q"]);
        sheet.write(&repo, FILE);
        repo.commit_all("first");
        repo.git(["remote", "add", "origin", self.address()]);
        repo.comfy(["init", "-q"]);
        repo.git(["push", "-q", "-u", "origin", "main"]);
        repo
    }

    /// A fresh clone with git-comfy.
    pub(super) fn member(&self, name: &str) -> Repo {
        let repo = self.outsider(name);
        repo.comfy(["init", "-q"]);
        repo
    }

    /// A fresh clone by somebody who does not know git-comfy.
    #[track_caller]
    pub(super) fn outsider(&self, name: &str) -> Repo {
        let mut git = self.world.command("git");
        git.args(["clone", "-q", self.address()]).arg(self.world.path(name));
        let output = git.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.world.at(name)
    }

    pub(super) fn address(&self) -> &str {
        self.bare.path.to_str().unwrap()
    }
}

/// Reads a file, changes it, saves it.
#[track_caller]
pub(super) fn edit(repo: &Repo, path: &str, change: impl FnOnce(&mut Sheet)) -> Sheet {
    let mut sheet = Sheet::read(repo, path);
    change(&mut sheet);
    sheet.write(repo, path);
    sheet
}

/// Edits the usual file and commits it.
#[track_caller]
pub(super) fn edit_and_commit(repo: &Repo, change: impl FnOnce(&mut Sheet)) -> Sheet {
    let sheet = edit(repo, FILE, change);
    // Two empty commits of one second must not be the same.
    let message = format!("edited by {}", repo.path.file_name().unwrap().display());
    repo.git(["commit", "-q", "--allow-empty", "-a", "-m", &message]);
    sheet
}

/// Has git write a file anew from what it keeps.
#[track_caller]
pub(super) fn anew(repo: &Repo, path: &str) -> Sheet {
    std::fs::remove_file(repo.path.join(path)).unwrap();
    repo.git(["checkout", "-q", "--", path]);
    Sheet::read(repo, path)
}

/// A node lies there, now and after git writes the file anew.
#[track_caller]
pub(super) fn assert_lies(repo: &Repo, path: &str, id: u64, at: [i64; 2]) {
    let wanted = Some([at[0] as f64, at[1] as f64]);
    let whose = repo.path.file_name().unwrap().display();
    let here = Sheet::read(repo, path);
    assert_eq!(here.place(id), wanted, "{whose}: {path} as it lies: {}", here.told());
    let there = anew(repo, path);
    assert_eq!(there.place(id), wanted, "{whose}: {path} checked out: {}", there.told());
    assert_quiet(repo);
}

/// A file is that one to the byte, now and after git writes it anew.
#[track_caller]
pub(super) fn assert_is(repo: &Repo, path: &str, sheet: &Sheet) {
    assert_same(repo, path, sheet, "as it lies");
    anew(repo, path);
    assert_same(repo, path, sheet, "checked out");
    assert_quiet(repo);
}

#[track_caller]
fn assert_same(repo: &Repo, path: &str, sheet: &Sheet, when: &str) {
    let (here, wanted) = (repo.text(path), sheet.text());
    let whose = repo.path.file_name().unwrap().display();
    let (places, wanted_places) = (Sheet::parse(&here).told(), sheet.told());
    assert_eq!(places, wanted_places, "{whose}: {path} {when}");
    assert!(here == wanted, "{whose}: {path} {when}:\n{here}\nfor\n{wanted}");
}

/// git sees nothing to commit.
#[track_caller]
pub(super) fn assert_quiet(repo: &Repo) {
    let whose = repo.path.file_name().unwrap().display();
    assert_eq!(repo.git(["status", "--porcelain"]), "", "{whose}");
}

/// Whether a layout note is about this revision of a file.
pub(super) fn has_note(repo: &Repo, revision: &str) -> bool {
    let blob = repo.id(revision);
    repo.try_git(["notes", "--ref=comfy-layout", "show", &blob]).status.success()
}

pub(super) const NEW: &str = "new.json";

/// Another workflow, laid out as no arrangement would.
fn other() -> Sheet {
    let mut sheet = Sheet::of(&[LATENT, SAMPLER, PROMPT, LOADER]);
    sheet.put(LATENT, [1717, -404]).put(SAMPLER, [-919, 33]).put(PROMPT, [77, 2020]);
    sheet.set(PROMPT, 0, "an owl at night");
    sheet
}

/// Adds the other workflow and commits it.
pub(super) fn add_other(repo: &Repo) -> Sheet {
    let sheet = other();
    sheet.write(repo, NEW);
    repo.commit_all("another workflow");
    sheet
}
