//! Layouts arrive however content arrives: named refs, late remotes, forks, bundles and
//! submodules, a commit of nothing, a file nobody told git about. None of it asks anybody,
//! waits for long or fails a git command.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use crate::support::{Format, Repo, World, workflow};

const NOTES: &str = "refs/notes/comfy-layout";

/// A world without a ComfyUI in it.
fn world() -> Rc<World> {
    let world = World::new();
    fs::write(
        world.home().join(".gitconfig"),
        fs::read_to_string(world.home().join(".gitconfig")).unwrap()
            + "[comfy]\n\tserver = off\n[pull]\n\trebase = false\n[fetch]\n\tparallel = 1\n",
    )
    .unwrap();
    world
}

/// A repository that is set up as the README says, before it has any remote.
fn set_up(world: &Rc<World>, name: &str) -> Repo {
    let repo = world.repo(name);
    repo.comfy(["init"]);
    repo
}

fn clone(world: &Rc<World>, from: &str, name: &str) -> Repo {
    let mut git = world.command("git");
    let cloned = git.args(["clone", "-q"]).arg(world.path(from)).arg(world.path(name)).status();
    assert!(cloned.unwrap().success());
    let repo = world.at(name);
    repo.comfy(["init"]);
    repo
}

/// A bare remote, and two clones of it that share a first commit.
fn studio() -> (Rc<World>, Repo, Repo, Repo) {
    let world = world();
    let bare = world.bare("studio.git");
    let me = set_up(&world, "me");
    me.git(["remote", "add", "origin", bare.path.to_str().unwrap()]);
    me.write("a.json", workflow(1, 10));
    me.commit_all("first");
    me.git(["push", "-q", "-u", "origin", "main"]);
    let peer = clone(&world, "studio.git", "peer");
    (world, bare, me, peer)
}

/// What the layout note of a file's committed content says; nothing where there is none.
fn note(repo: &Repo, file: &str) -> String {
    note_of(repo, &repo.id(&format!("HEAD:{file}")))
}

fn note_of(repo: &Repo, blob: &str) -> String {
    let output = repo.try_git(["notes", "--ref=comfy-layout", "show", blob]);
    String::from_utf8(output.stdout).unwrap()
}

/// The tracking refs of layouts.
fn tracked(repo: &Repo) -> String {
    repo.git(["for-each-ref", "--format=%(refname)", "refs/notes/remotes"])
}

/// Counts from now on how often the remote is talked to.
struct Counter(std::path::PathBuf);

impl Counter {
    #[cfg(unix)]
    fn on(repo: &Repo) -> Counter {
        use std::os::unix::fs::PermissionsExt;
        let script = repo.world.path("upload-pack");
        let log = repo.world.path("upload-pack.log");
        let text =
            format!("#!/bin/sh\necho x >>'{}'\nexec git-upload-pack \"$@\"\n", log.display());
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        repo.git(["config", "remote.origin.uploadpack", script.to_str().unwrap()]);
        Counter(log)
    }

    fn count(&self) -> usize {
        let count = fs::read_to_string(&self.0).unwrap_or_default().lines().count();
        let _ = fs::remove_file(&self.0);
        count
    }
}

#[test]
fn a_pull_that_names_its_branch_brings_the_layouts() {
    for words in [
        &["pull", "-q", "origin", "main"][..],
        &["pull", "-q", "--tags", "origin", "main"],
        &["pull", "-q", "--rebase", "origin", "main"],
        &["pull", "-q", "--ff-only", "origin", "main:refs/remotes/origin/main"],
    ] {
        let (_world, bare, me, peer) = studio();
        peer.write("new.json", workflow(7, 777));
        peer.commit_all("theirs");
        peer.git(["push", "-q"]);
        let told = me.try_git(words);
        assert!(told.status.success());
        assert_eq!(String::from_utf8_lossy(&told.stderr), "", "{words:?}");
        assert_eq!(note(&me, "new.json"), note(&peer, "new.json"), "{words:?}");
        assert_eq!(me.text("new.json"), workflow(7, 777), "{words:?}");
        assert_eq!(me.git(["status", "--porcelain"]), "");
        assert_eq!(me.id(NOTES), bare.id(NOTES), "nothing made up");
    }
}

/// A rebase of ours onto something fetched by name.
fn rebased() -> (Rc<World>, Repo, Repo, Repo) {
    let (world, bare, me, peer) = studio();
    peer.write("new.json", workflow(7, 777));
    peer.commit_all("theirs");
    peer.git(["push", "-q"]);
    me.write("mine.json", workflow(3, 33));
    me.commit_all("mine");
    me.git(["pull", "-q", "--rebase", "origin", "main"]);
    (world, bare, me, peer)
}

#[test]
fn a_rebase_brings_the_layouts_too() {
    let (_world, bare, me, _peer) = rebased();
    assert_eq!(me.id("refs/notes/remotes/origin/comfy-layout"), bare.id(NOTES));
    assert!(me.try_git(["merge-base", "--is-ancestor", &bare.id(NOTES), NOTES]).status.success());
    assert_eq!(me.text("mine.json"), workflow(3, 33));
    assert_eq!(me.git(["status", "--porcelain"]), "");
}

#[test]
fn a_rebase_leaves_files_as_they_were_laid_out() {
    let (_world, _bare, me, peer) = rebased();
    assert_eq!(note(&me, "new.json"), note(&peer, "new.json"));
    assert_eq!(me.text("new.json"), workflow(7, 777));
}

#[cfg(unix)]
#[test]
fn the_remote_is_asked_only_where_layouts_may_be_missing() {
    let (_world, _bare, me, peer) = studio();
    let counter = Counter::on(&me);
    let publish = |path: &str, content: &str| {
        peer.write(path, content);
        peer.commit_all("theirs");
        peer.git(["push", "-q"]);
    };
    publish("b.json", &workflow(2, 20));
    me.git(["pull", "-q"]);
    assert_eq!(counter.count(), 1, "layouts came along");
    publish("c.json", &workflow(3, 30));
    me.git(["pull", "-q", "origin", "main"]);
    assert_eq!(counter.count(), 2, "they did not");
    me.git(["checkout", "-q", "-b", "side"]);
    me.git(["checkout", "-q", "main"]);
    me.write("d.json", workflow(4, 40));
    me.commit_all("d");
    assert_eq!(counter.count(), 0, "one look for each fetch");
}

#[cfg(unix)]
#[test]
fn a_remote_without_layouts_is_not_asked_again_and_again() {
    let world = world();
    world.bare("studio.git");
    let plain = world.repo("plain");
    plain.git(["remote", "add", "origin", world.path("studio.git").to_str().unwrap()]);
    plain.write("raw.json", workflow(1, 1));
    plain.write("notes.txt", "x");
    plain.commit_all("by somebody without git-comfy");
    plain.git(["push", "-q", "-u", "origin", "main"]);
    let me = clone(&world, "studio.git", "me");
    let counter = Counter::on(&me);
    for n in 2..5 {
        plain.write(format!("raw{n}.json"), workflow(n, n as i32));
        plain.commit_all("more");
        plain.git(["push", "-q"]);
        me.git(if n % 2 == 0 { &["pull", "-q"][..] } else { &["pull", "-q", "origin", "main"] });
        assert_eq!(counter.count(), 1, "raw files have their positions with them");
    }
}

#[test]
fn a_remote_that_was_added_later_gets_its_refspec_and_brings_layouts() {
    for format in Format::all() {
        let world = world();
        let bare = world.bare_with("studio.git", format);
        let me = world.repo_with("me", format);
        me.comfy(["init"]);
        me.write("a.json", workflow(1, 10));
        me.commit_all("first");
        me.git(["remote", "add", "origin", bare.path.to_str().unwrap()]);
        me.git(["push", "-q", "-u", "origin", "main"]);
        let wanted = "+refs/notes/comfy*:refs/notes/remotes/origin/comfy*";
        let fetches = me.git(["config", "--get-all", "remote.origin.fetch"]);
        assert!(fetches.lines().any(|line| line == wanted), "{fetches}");
        assert_eq!(fetches.lines().count(), 2, "{fetches}");
        assert_eq!(bare.id(NOTES), me.id(NOTES));
        let peer = clone(&world, "studio.git", "peer");
        peer.write("new.json", workflow(7, 777));
        peer.commit_all("theirs");
        peer.git(["push", "-q"]);
        me.git(["pull", "-q"]);
        assert_eq!(me.text("new.json"), workflow(7, 777), "{format:?}");
        me.git(["push", "-q"]);
        assert_eq!(me.git(["config", "--get-all", "remote.origin.fetch"]), fetches);
        me.comfy(["uninstall"]);
        let left = me.git(["config", "--get-all", "remote.origin.fetch"]);
        assert!(!left.contains("notes"), "{left}");
    }
}

/// A repository that got its remote after set-up and pulled from it into a branch without
/// a commit, for which git calls no hook.
fn late() -> (Rc<World>, Repo, Repo, Repo) {
    let (world, bare, _me, peer) = studio();
    let late = world.repo("late");
    late.comfy(["init", "--attributes", ".git/info/attributes"]);
    late.git(["remote", "add", "team", bare.path.to_str().unwrap()]);
    late.git(["pull", "-q", "team", "main"]);
    late.git(["checkout", "-q", "-b", "side"]);
    (world, bare, late, peer)
}

#[test]
fn a_later_remote_that_is_only_pulled_from_is_asked_too() {
    let (_world, bare, late, _peer) = late();
    assert_eq!(late.id("refs/notes/remotes/team/comfy-layout"), bare.id(NOTES));
    let fetches = late.git(["config", "--get-all", "remote.team.fetch"]);
    assert!(fetches.contains("refs/notes/remotes/team/"), "{fetches}");
}

#[test]
fn a_later_remote_that_is_only_pulled_from_brings_layouts_too() {
    let (_world, _bare, late, peer) = late();
    assert_eq!(note(&late, "a.json"), note(&peer, "a.json"));
    assert_eq!(late.text("a.json"), workflow(1, 10));
}

#[test]
fn content_of_a_fork_comes_with_its_layouts_and_leaves_no_remote_behind() {
    let (world, _bare, me, _peer) = studio();
    let fork = world.bare("their fork.git");
    let other = clone(&world, "studio.git", "other");
    other.git(["remote", "add", "fork", fork.path.to_str().unwrap()]);
    other.write("new.json", workflow(7, 777));
    other.commit_all("theirs");
    other.git(["push", "-q", "fork", "main"]);
    assert_eq!(note(&fork, "new.json"), note(&other, "new.json"));
    let before = tracked(&me);
    let path = world.path("their fork.git");
    let url = format!("file://{}", path.display());
    me.git(["pull", "-q", &url, "main"]);
    assert_eq!(note(&me, "new.json"), note(&other, "new.json"));
    assert_eq!(me.text("new.json"), workflow(7, 777));
    assert_eq!(tracked(&me), before);
    assert_eq!(me.git(["remote"]), "origin\n");
    // A pick of what was fetched is no merge.
    other.write("picked.json", workflow(8, 888));
    other.commit_all("more of theirs");
    other.git(["push", "-q", "fork", "main"]);
    me.git(["fetch", "-q", path.to_str().unwrap(), "main"]);
    me.git(["cherry-pick", "FETCH_HEAD"]);
    assert_eq!(note(&me, "picked.json"), note(&other, "picked.json"));
    assert_eq!(me.text("picked.json"), workflow(8, 888));
    assert_eq!(tracked(&me), before);
    // By hand, where nothing new is checked out.
    other.write("picked.json", workflow(8, 999));
    other.comfy(["refresh"]);
    other.git(["push", "-q", "fork", "main"]);
    assert!(me.comfy(["sync", path.to_str().unwrap()]).contains("received notes/comfy-layout"));
    assert_eq!(me.text("picked.json"), workflow(8, 999));
    assert!(me.comfy(["sync", &url]).contains("nothing new"));
}

#[test]
fn a_bundle_brings_the_layouts_that_are_in_it() {
    let (world, _bare, me, peer) = studio();
    peer.write("new.json", workflow(7, 777));
    peer.commit_all("theirs");
    let bundle = world.path("theirs.bundle");
    peer.git(["bundle", "create", "-q", bundle.to_str().unwrap(), "--all"]);
    me.git(["pull", "-q", "../theirs.bundle", "main"]);
    assert_eq!(note(&me, "new.json"), note(&peer, "new.json"));
    assert_eq!(me.text("new.json"), workflow(7, 777));
    // One without layouts is no error.
    peer.write("newer.json", workflow(8, 888));
    peer.commit_all("more");
    peer.git(["bundle", "create", "-q", bundle.to_str().unwrap(), "main"]);
    let told = me.try_git(["pull", "-q", "../theirs.bundle", "main"]);
    assert!(told.status.success());
    assert_eq!(String::from_utf8_lossy(&told.stderr), "");
}

#[test]
fn a_submodule_gets_its_layouts_with_the_pull_of_what_holds_it() {
    let (world, _bare, me, peer) = studio();
    let outer = world.repo("outer");
    outer.git(["submodule", "--quiet", "add", world.path("studio.git").to_str().unwrap(), "sub"]);
    outer.commit_all("with a submodule");
    let mut git = world.command("git");
    let here = world.path("mine");
    let git = git.args(["clone", "-q", "--recurse-submodules"]).arg(world.path("outer")).arg(&here);
    assert!(git.status().unwrap().success());
    let mine = world.at("mine");
    let sub = world.at("mine/sub");
    sub.comfy(["init"]);
    assert_eq!(sub.text("a.json"), workflow(1, 10));
    for (n, words) in [
        &["pull", "-q", "--recurse-submodules"][..],
        &["pull", "-q", "--recurse-submodules", "origin", "main"],
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("new{n}.json");
        peer.write(&path, workflow(7, 777));
        peer.commit_all("theirs");
        peer.git(["push", "-q"]);
        let inner = world.at("outer/sub");
        inner.git(["pull", "-q", "origin", "main"]);
        outer.commit_all("a newer submodule");
        mine.git(words);
        mine.git(["submodule", "--quiet", "update"]);
        assert_eq!(note(&sub, &path), note(&peer, &path), "{words:?}");
        assert_eq!(sub.text(&path), workflow(7, 777), "{words:?}");
        assert_eq!(mine.git(["status", "--porcelain"]), "", "{words:?}");
    }
    drop(me);
}

#[test]
fn a_commit_of_nothing_keeps_what_was_moved() {
    let (_world, _bare, me, _peer) = studio();
    for (shift, words) in [
        (111, &["commit", "-q", "-m", "only moved"][..]),
        (222, &["commit", "-q", "-a", "-m", "only moved"]),
        (333, &["commit", "-q", "-m", "only moved", "a.json"]),
    ] {
        let before = me.id("HEAD");
        me.write("a.json", workflow(1, shift));
        let output = me.try_git(words);
        assert!(!output.status.success(), "there is nothing to commit");
        assert_eq!(me.id("HEAD"), before);
        let noted = note(&me, "a.json");
        assert!(noted.contains(&(26 + shift).to_string()), "{words:?}: {noted}");
        assert!(!me.path.join(".git/index.lock").exists());
    }
    // Once for all where there is something to commit.
    me.write("a.json", workflow(1, 444));
    me.write("b.json", workflow(2, 555));
    let before = me.git(["rev-list", "--count", NOTES]).trim().parse::<u32>().unwrap();
    me.commit_all("another");
    let after = me.git(["rev-list", "--count", NOTES]).trim().parse::<u32>().unwrap();
    assert_eq!(after, before + 1);
    assert!(note(&me, "a.json").contains(&(26 + 444).to_string()));
}

#[test]
fn a_file_that_was_moved_and_then_edited_keeps_both_layouts() {
    let (_world, _bare, me, _peer) = studio();
    let old = me.id("HEAD:a.json");
    me.write("a.json", workflow(1, 111));
    me.comfy(["status"]);
    me.write("a.json", workflow(2, 222));
    me.commit_all("edited");
    assert!(note_of(&me, &old).contains(&(26 + 111).to_string()));
    assert!(note(&me, "a.json").contains(&(26 + 222).to_string()));
}

#[test]
fn a_push_takes_along_what_nobody_told_git_about() {
    let (_world, bare, me, peer) = studio();
    me.write("a.json", workflow(1, 888));
    // There is no commit to push.
    me.git(["push", "-q"]);
    assert_eq!(bare.id(NOTES), me.id(NOTES));
    assert!(note(&bare, "a.json").contains(&(26 + 888).to_string()));
    assert_eq!(me.git(["status", "--porcelain"]), "");
    // It reaches the file although there is nothing to check out.
    assert_eq!(peer.git(["pull"]), "Already up to date.\n");
    assert!(peer.comfy(["status"]).starts_with("all workflows are as they were committed"));
    assert_eq!(peer.text("a.json"), workflow(1, 888));
    assert_eq!(peer.git(["status", "--porcelain"]), "");
}

#[test]
fn every_look_brings_what_was_fetched() {
    for (n, words) in
        [&["refresh"][..], &["doctor"], &["sync"], &["log"], &["show"]].iter().enumerate()
    {
        let (_world, _bare, me, peer) = studio();
        let shift = 500 + n as i32;
        me.write("a.json", workflow(1, shift));
        me.git(["push", "-q"]);
        peer.git(["pull", "-q"]);
        peer.comfy(*words);
        assert_eq!(peer.text("a.json"), workflow(1, shift), "{words:?}");
    }
}

#[test]
fn a_push_joins_before_it_goes() {
    let (_world, bare, me, peer) = studio();
    peer.write("b.json", workflow(2, 20));
    peer.commit_all("b");
    peer.git(["push", "-q"]);
    me.git(["fetch", "-q"]);
    me.write("c.json", workflow(3, 30));
    me.commit_all("c");
    me.git(["push", "-q", "origin", "HEAD:refs/heads/side"]);
    assert_eq!(bare.id(NOTES), me.id(NOTES));
    let count = bare.git(["notes", "--ref=comfy-layout", "list"]).lines().count();
    assert_eq!(count, 3);
    assert_eq!(note(&me, "c.json"), note_of(&bare, &me.id("HEAD:c.json")));
}

#[test]
fn every_work_tree_follows() {
    let (world, _bare, me, peer) = studio();
    me.git(["worktree", "add", "-q", "../tree", "-b", "side"]);
    let tree = world.at("tree");
    assert_eq!(tree.text("a.json"), workflow(1, 10));
    tree.comfy(["status"]);
    peer.write("a.json", workflow(1, 600));
    peer.git(["push", "-q"]);
    me.git(["pull", "-q"]);
    me.comfy(["status"]);
    assert_eq!(me.text("a.json"), workflow(1, 600));
    // The other one merged it; this one has still to follow.
    tree.comfy(["status"]);
    assert_eq!(tree.text("a.json"), workflow(1, 600));
}

#[test]
fn a_merge_of_several_branches_leaves_no_file_without_positions() {
    for strategy in ["octopus", "resolve"] {
        let (_world, _bare, me, _peer) = studio();
        let mut branches = Vec::new();
        for (n, name) in ["one", "two", "three"].iter().enumerate() {
            me.git(["checkout", "-q", "-b", name, "main"]);
            me.write(format!("{name}.json"), workflow(10 + n as u32, 100 * n as i32));
            me.commit_all(name);
            branches.push(*name);
        }
        me.git(["checkout", "-q", "main"]);
        me.write("mine.json", workflow(20, 50));
        me.commit_all("mine");
        if strategy == "octopus" {
            me.git(["merge", "-q", "--no-edit"].iter().chain(&branches));
        } else {
            me.git(["merge", "-q", "--no-edit", "-s", "resolve", "two"]);
        }
        assert_eq!(me.text("two.json"), workflow(11, 100), "{strategy}");
        assert_eq!(me.git(["status", "--porcelain"]), "", "{strategy}");
    }
}

#[test]
fn an_address_that_is_gone_costs_one_line_and_no_merge() {
    let (world, _bare, me, _peer) = studio();
    let other = clone(&world, "studio.git", "other");
    other.git(["remote", "remove", "origin"]);
    other.write("new.json", workflow(7, 777));
    other.commit_all("theirs");
    me.git(["fetch", "-q", "../other", "main"]);
    fs::rename(&other.path, world.path("elsewhere")).unwrap();
    let output = me.try_git(["merge", "-q", "FETCH_HEAD"]);
    assert!(output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    let ours: Vec<_> = told.lines().collect();
    assert_eq!(ours.len(), 1, "{told}");
    assert!(ours[0].contains("git comfy sync ../other"), "{told}");
    // Nobody is told twice of one fetch.
    me.git(["checkout", "-q", "-b", "side"]);
    let output = me.try_git(["checkout", "-q", "main"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(me.try_git(["fsck", "--strict"]).status.success());
}

/// A program that stands for ssh, and does what the script says.
#[cfg(unix)]
fn use_ssh(repo: &Repo, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let ssh = repo.world.path("ssh");
    fs::write(&ssh, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    repo.git(["config", "core.sshCommand", &format!("{} -i key", ssh.display())]);
}

/// A fetch of something new, as if it had come from `host` by ssh.
#[cfg(unix)]
fn fetched_by_ssh() -> (Rc<World>, Repo) {
    let (world, _bare, me, peer) = studio();
    peer.write("new.json", workflow(7, 777));
    peer.commit_all("theirs");
    peer.git(["push", "-q"]);
    me.git(["fetch", "-q", "origin", "main"]);
    let head = me.path.join(".git/FETCH_HEAD");
    let written = fs::read_to_string(&head).unwrap();
    let (before, _) = written.split_once(" of ").unwrap();
    fs::write(head, format!("{before} of host:their/repository\n")).unwrap();
    (world, me)
}

#[cfg(unix)]
#[test]
fn nobody_is_asked_for_anything() {
    let (world, me) = fetched_by_ssh();
    let log = world.path("ssh.log");
    let call = "$* prompt=$GIT_TERMINAL_PROMPT askpass=$SSH_ASKPASS_REQUIRE";
    use_ssh(&me, &format!("echo \"{call}\" >>'{}'\nexit 255", log.display()));
    assert!(me.try_git(["merge", "-q", "FETCH_HEAD"]).status.success());
    let calls = fs::read_to_string(log).unwrap();
    assert!(calls.lines().next().unwrap().contains("git@host"), "{calls}");
    for call in calls.lines() {
        assert!(call.contains("-i key -o BatchMode=yes"), "{call}");
        assert!(call.contains("prompt=0 askpass=never"), "{call}");
    }
    assert!(calls.lines().count() <= 3, "{calls}");
}

#[cfg(unix)]
#[test]
fn a_fork_is_asked_as_the_person_named_it() {
    let (world, _bare, me, peer) = studio();
    let fork = world.bare("fork.git");
    peer.git(["remote", "add", "fork", fork.path.to_str().unwrap()]);
    peer.write("new.json", workflow(7, 777));
    peer.commit_all("theirs");
    peer.git(["push", "-q", "fork", "main"]);
    // Lets Ann in and nobody else.
    let here = world.path("");
    use_ssh(
        &me,
        &format!(
            "case \"$*\" in *ann@host*) ;; *) exit 255 ;; esac\n\
             for last; do :; done\ncd '{}' && eval \"$last\"",
            here.display()
        ),
    );
    me.git(["pull", "-q", "ann@host:fork.git", "main"]);
    assert!(fs::read_to_string(me.path.join(".git/FETCH_HEAD")).unwrap().contains(" of host:fork"));
    assert_eq!(note(&me, "new.json"), note(&peer, "new.json"));
    assert_eq!(me.text("new.json"), workflow(7, 777));
}

#[cfg(unix)]
#[test]
fn an_address_that_does_not_answer_is_not_waited_for() {
    let (_world, me) = fetched_by_ssh();
    use_ssh(&me, "sleep 120");
    let begun = std::time::Instant::now();
    let output = me.try_git(["merge", "-q", "FETCH_HEAD"]);
    assert!(output.status.success());
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("no answer in time") && told.lines().count() == 1, "{told}");
    assert!(!me.path.join(".git/index.lock").exists());
}

#[test]
fn sharing_that_is_switched_off_asks_nobody() {
    let (_world, _bare, me, peer) = studio();
    me.git(["config", "comfy.share", "false"]);
    peer.write("new.json", workflow(7, 777));
    peer.commit_all("theirs");
    peer.git(["push", "-q"]);
    me.git(["pull", "-q", "origin", "main"]);
    assert_eq!(note(&me, "new.json"), "");
    me.comfy(["sync"]);
    assert_eq!(note(&me, "new.json"), note(&peer, "new.json"));
}

#[test]
fn what_was_pushed_past_the_hooks_comes_later() {
    let (_world, _bare, me, peer) = studio();
    peer.write("a.json", workflow(5, 50));
    peer.commit_all("theirs");
    peer.git(["push", "-q", "--no-verify"]);
    me.git(["pull", "-q", "origin", "main"]);
    assert_eq!(me.git(["status", "--porcelain"]), "");
    peer.git(["push", "-q"]);
    me.git(["pull", "-q"]);
    me.comfy(["status"]);
    assert_eq!(me.text("a.json"), workflow(5, 50));
}

#[test]
fn no_lock_and_no_temporary_file_stays() {
    let (_world, _bare, me, peer) = studio();
    peer.write("new.json", workflow(7, 777));
    peer.commit_all("theirs");
    peer.git(["push", "-q"]);
    me.git(["pull", "-q", "origin", "main"]);
    let mut left = Vec::new();
    look(&me.path, &mut |path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Those of the store are there for good.
        let is_ours = path.parent().is_some_and(|folder| folder.ends_with("comfy"));
        if name.ends_with(".lock") && !is_ours
            || name.starts_with(".git-comfy-")
            || name.starts_with("index.comfy-")
        {
            left.push(path.to_path_buf());
        }
    });
    assert!(left.is_empty(), "{left:?}");
}

fn look(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            look(&path, visit);
        } else {
            visit(&path);
        }
    }
}
