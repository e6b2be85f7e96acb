//! Raw files: workflows that lie in git as ComfyUI saved them. They are no change until
//! somebody changes them, and stand in nobody's way.

use std::rc::Rc;

use comfy_graph::json::{JsonStyle, parse, print};

use crate::merging::text_of;
use crate::support::{Format, Repo, World, workflow};

/// The same workflow over many lines, as an editor would format it.
fn pretty(text: &str) -> String {
    format!("{}\n", print(&parse(text.as_bytes()).unwrap(), &JsonStyle::EXPORT).trim_end())
}

/// Commits every file as it is, past the filter.
fn commit_raw(repo: &Repo, message: &str) -> String {
    for arguments in [&["add", "-A"][..], &["commit", "-q", "--allow-empty", "-m", message]] {
        let mut git = repo.command("git");
        assert!(git.args(arguments).env("GIT_COMFY", "0").status().unwrap().success());
    }
    repo.id("HEAD")
}

/// A repository with history from before git-comfy, set up since.
fn with_a_past(format: Format) -> Repo {
    let repo = Repo::with(format);
    repo.write("a.json", workflow(1, 0));
    repo.write("b.json", pretty(&workflow(2, 7)));
    repo.commit_all("one");
    repo.write("a.json", workflow(3, 5));
    repo.write("c.json", workflow(4, 0));
    repo.commit_all("two");
    repo.write("c.json", workflow(5, 1));
    repo.commit_all("three");
    repo.comfy(["init", "-q"]);
    repo.git(["add", ".gitattributes"]);
    repo.git(["commit", "-q", "-m", "git-comfy"]);
    repo
}

/// git looks inside the files anew, because they were written again.
fn touch(repo: &Repo) {
    for name in ["a.json", "b.json", "c.json"] {
        if repo.path.join(name).exists() {
            repo.write(name, repo.read(name));
        }
    }
}

#[track_caller]
fn is_quiet(repo: &Repo) {
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    touch(repo);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    assert_eq!(repo.git(["diff", "--stat"]), "");
}

fn is_clean(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"\"pos\"").is_none() && bytes.ends_with(b"}\n")
}

#[test]
fn a_raw_file_is_no_change_whatever_git_does() {
    for format in Format::all() {
        let repo = with_a_past(format);
        is_quiet(&repo);
        for command in [
            &["stash"][..],
            &["reset", "-q", "--hard"],
            &["checkout", "--", "a.json"],
            &["checkout", "-q", "HEAD~2"],
            &["switch", "-q", "main"],
            &["checkout", "HEAD~1", "--", "a.json"],
            &["add", "-A"],
            &["commit", "-q", "--allow-empty", "-a", "-m", "nothing"],
            &["bisect", "start", "HEAD", "HEAD~3"],
            &["bisect", "reset"],
            &["rebase", "-q", "--force-rebase", "HEAD~2"],
            &["worktree", "add", "-q", "../tree"],
        ] {
            touch(&repo);
            repo.git(command);
            is_quiet(&repo);
        }
        let tree = repo.world.at("tree");
        is_quiet(&tree);
        assert_eq!(repo.text("a.json"), workflow(3, 5), "{format:?}");
        assert_eq!(repo.text("b.json"), pretty(&workflow(2, 7)));
        assert_eq!(repo.blob("HEAD:a.json"), workflow(3, 5).as_bytes());
        assert_eq!(repo.git(["stash", "list"]), "");
        repo.git(["fsck"]);
    }
}

#[test]
fn a_drag_or_an_edit_shows_and_is_committed_clean() {
    for format in Format::all() {
        let repo = with_a_past(format);
        for (steps, shift) in [(3, 700), (9, 5)] {
            repo.write("a.json", workflow(steps, shift));
            assert_eq!(repo.git(["status", "--porcelain"]), " M a.json\n");
            repo.comfy(["refresh"]);
            assert_eq!(repo.git(["status", "--porcelain"]), " M a.json\n");
            repo.git(["checkout", "-q", "--", "a.json"]);
            is_quiet(&repo);
            assert_eq!(repo.text("a.json"), workflow(3, 5));
            // Set back by hand is no change either.
            repo.write("a.json", workflow(steps, shift));
            repo.write("a.json", workflow(3, 5));
            is_quiet(&repo);
        }
        repo.write("a.json", workflow(3, 700));
        repo.git(["commit", "-q", "-a", "-m", "moved"]);
        assert!(is_clean(&repo.blob("HEAD:a.json")), "{format:?}");
        assert_eq!(repo.text("a.json"), workflow(3, 700));
        is_quiet(&repo);
        std::fs::remove_file(repo.path.join("a.json")).unwrap();
        repo.git(["checkout", "-q", "--", "a.json"]);
        assert_eq!(repo.text("a.json"), workflow(3, 700));
        // There and back again.
        repo.git(["checkout", "-q", "HEAD~1"]);
        assert_eq!(repo.text("a.json"), workflow(3, 5));
        is_quiet(&repo);
        repo.git(["checkout", "-q", "main"]);
        assert_eq!(repo.text("a.json"), workflow(3, 700));
        is_quiet(&repo);
    }
}

#[test]
fn a_drag_of_a_raw_file_goes_through_a_stash() {
    let repo = with_a_past(Format::Usual);
    repo.write("a.json", workflow(3, 700));
    repo.git(["stash"]);
    assert_eq!(repo.text("a.json"), workflow(3, 5));
    is_quiet(&repo);
    repo.git(["stash", "pop"]);
    assert_eq!(repo.text("a.json"), workflow(3, 700));
    assert_eq!(repo.git(["status", "--porcelain"]), " M a.json\n");
    // A branch with the same raw file takes it along.
    repo.git(["checkout", "-q", "-b", "other"]);
    repo.git(["checkout", "-q", "-m", "HEAD~1"]);
    assert_eq!(repo.text("a.json"), workflow(3, 700));
}

#[test]
fn every_raw_file_is_checked_out_as_it_is() {
    let node = |id: u32, pos: &str| {
        format!(
            r#"{{"id":{id},"type":"Note",{pos}"inputs":[],"outputs":[],"widgets_values":["x"]}}"#
        )
    };
    let graph = |nodes: &str| {
        format!(
            r#"{{"last_node_id":2,"last_link_id":0,"nodes":[{nodes}],"links":[],"version":0.4}}"#
        )
    };
    let some = graph(&format!("{},{}", node(1, r#""pos":[1,2],"#), node(2, "")));
    let none = graph(&format!("{},{}", node(2, ""), node(1, "")));
    let prompt = r#"{"9":{"inputs":{"text":"b"},"class_type":"Note"},"1":{"class_type":"Note","inputs":{}}}"#;
    let wrapped = format!(r#"{{"prompt":{prompt},"workflow":{none}}}"#);
    let files = [
        ("some.json", some.clone()),
        ("some-pretty.json", pretty(&some)),
        ("none.json", none.clone()),
        ("none-pretty.json", pretty(&none)),
        ("prompt.json", prompt.to_owned()),
        ("prompt-pretty.json", pretty(prompt)),
        ("wrapped.json", wrapped.clone()),
        ("empty.json", graph("")),
        ("empty-pretty.json", pretty(&graph(""))),
    ];
    for crlf in ["false", "true"] {
        let repo = Repo::new();
        repo.comfy(["init", "-q"]);
        // Another state of each is known with its layout.
        for (name, text) in &files {
            repo.write(name, text.replace("\"x\"", "\"y\"").replace("\"b\"", "\"c\""));
        }
        repo.commit_all("clean");
        for (name, text) in &files {
            repo.write(name, text);
        }
        commit_raw(&repo, "raw");
        repo.git(["config", "core.autocrlf", crlf]);
        for (name, _) in &files {
            std::fs::remove_file(repo.path.join(name)).unwrap();
        }
        repo.git(["reset", "-q", "--hard"]);
        for (name, text) in &files {
            let text = if crlf == "true" { text.replace('\n', "\r\n") } else { text.clone() };
            assert_eq!(repo.text(name), text, "{name} {crlf}");
            repo.write(name, text);
        }
        assert_eq!(repo.git(["status", "--porcelain"]), "", "{crlf}");
        repo.git(["checkout", "-q", "HEAD~1"]);
        repo.git(["checkout", "-q", "main"]);
        assert_eq!(repo.git(["status", "--porcelain"]), "", "{crlf}");
    }
}

#[test]
fn line_ends_make_no_change() {
    let text = pretty(&workflow(3, 5));
    let windows = text.replace('\n', "\r\n");
    // What lies in git, what lies on disk, and what git does with line ends.
    for (stored, on_disk, crlf) in [
        (&text, &windows, "true"),
        (&text, &text, "true"),
        (&text, &text, "input"),
        (&text, &windows, "input"),
        (&text, &windows, "false"),
        (&windows, &windows, "false"),
        (&windows, &windows, "true"),
    ] {
        let repo = Repo::new();
        repo.write("a.json", stored);
        commit_raw(&repo, "raw");
        repo.comfy(["init", "-q", "--attributes", ".git/info/attributes"]);
        repo.git(["config", "core.autocrlf", crlf]);
        repo.write("a.json", on_disk);
        // git goes by the size before it looks inside.
        repo.comfy(["refresh"]);
        let told = repo.git(["status", "--porcelain"]);
        assert_eq!(told, "", "{} {} {crlf}", stored.len(), on_disk.len());
        repo.git(["add", "-A"]);
        assert_eq!(repo.git(["status", "--porcelain"]), "");
        repo.git(["checkout", "-q", "--", "a.json"]);
        assert_eq!(repo.git(["status", "--porcelain"]), "");
        repo.write("a.json", workflow(4, 5));
        repo.git(["commit", "-q", "-a", "-m", "edit"]);
        assert!(is_clean(&repo.blob("HEAD:a.json")));
    }
}

#[test]
fn a_clean_file_with_other_line_ends_in_git_is_raw() {
    let repo = Repo::new();
    repo.comfy(["init", "-q"]);
    repo.write("a.json", workflow(3, 5));
    repo.commit_all("clean");
    let clean = String::from_utf8(repo.blob("HEAD:a.json")).unwrap();
    repo.write("a.json", clean.replace('\n', "\r\n"));
    commit_raw(&repo, "by another system");
    for crlf in ["false", "true"] {
        repo.git(["config", "core.autocrlf", crlf]);
        std::fs::remove_file(repo.path.join("a.json")).unwrap();
        repo.git(["checkout", "-q", "--", "a.json"]);
        assert_eq!(repo.text("a.json"), clean.replace('\n', "\r\n"));
        is_quiet(&repo);
    }
}

#[test]
fn the_one_shot_filter_knows_raw_files_too() {
    let repo = with_a_past(Format::Usual);
    repo.git(["config", "--unset", "filter.comfy.process"]);
    is_quiet(&repo);
    repo.git(["checkout", "-q", "HEAD~2"]);
    is_quiet(&repo);
    repo.git(["checkout", "-q", "main"]);
    is_quiet(&repo);
    repo.write("a.json", workflow(3, 99));
    repo.git(["commit", "-q", "-a", "-m", "moved"]);
    assert!(is_clean(&repo.blob("HEAD:a.json")));
}

#[test]
fn patches_and_autostashes_go_through() {
    let repo = with_a_past(Format::Usual);
    repo.git(["format-patch", "-q", "-o", "../patches", "--root", "HEAD~1"]);
    let patches = std::fs::read_dir(repo.world.path("patches")).unwrap();
    let mut patches: Vec<_> = patches.map(|patch| patch.unwrap().path()).collect();
    patches.sort();
    repo.git(["checkout", "-q", "--orphan", "again"]);
    repo.git(["rm", "-q", "-f", "a.json", "b.json", "c.json"]);
    repo.git(["commit", "-q", "-m", "anew"]);
    let mut am = repo.command("git");
    assert!(am.args(["am", "-q"]).args(patches).status().unwrap().success());
    assert_eq!(repo.text("a.json"), workflow(3, 5));
    assert_eq!(repo.blob("HEAD:b.json"), pretty(&workflow(2, 7)).as_bytes());
    is_quiet(&repo);
    repo.write("a.json", workflow(3, 700));
    repo.git(["rebase", "-q", "--autostash", "--force-rebase", "HEAD~2"]);
    assert_eq!(repo.text("a.json"), workflow(3, 700));
    assert_eq!(repo.git(["status", "--porcelain"]), " M a.json\n");
}

#[test]
fn other_shapes_of_the_index_are_understood() {
    for settings in [
        &["update-index", "--split-index"][..],
        &["update-index", "--index-version", "4"],
        &["sparse-checkout", "set", "--cone", "--sparse-index", "in"],
    ] {
        let repo = with_a_past(Format::Usual);
        for n in 1..4 {
            repo.write("in/a.json", workflow(n, 0));
            repo.write("out/b.json", workflow(n, 0));
            commit_raw(&repo, "folders");
        }
        repo.git(settings);
        let is_quiet = || {
            is_quiet(&repo);
            repo.write("in/a.json", repo.read("in/a.json"));
            assert_eq!(repo.git(["status", "--porcelain"]), "", "{settings:?}");
        };
        is_quiet();
        repo.git(["rebase", "-q", "--force-rebase", "HEAD~2"]);
        is_quiet();
        repo.git(["checkout", "-q", "HEAD~2"]);
        is_quiet();
        repo.write("in/a.json", workflow(1, 50));
        repo.git(["commit", "-q", "-a", "-m", "moved"]);
        assert!(is_clean(&repo.blob("HEAD:in/a.json")), "{settings:?}");
    }
}

#[test]
fn files_that_keep_their_positions_are_raw_until_they_are_in_order() {
    let repo = with_a_past(Format::Usual);
    repo.git(["config", "comfy.mode", "keep"]);
    is_quiet(&repo);
    repo.git(["checkout", "-q", "HEAD~1"]);
    repo.git(["checkout", "-q", "main"]);
    is_quiet(&repo);
    repo.write("a.json", workflow(3, 700));
    repo.git(["commit", "-q", "-a", "-m", "moved"]);
    let stored = String::from_utf8(repo.blob("HEAD:a.json")).unwrap();
    assert!(stored.contains("\"pos\"") && stored.ends_with("}\n"), "{stored}");
    // With positions out of git again, what lies there is as raw as any.
    repo.git(["config", "comfy.mode", "strip"]);
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "-q", "--", "a.json"]);
    assert_eq!(repo.text("a.json"), stored);
    is_quiet(&repo);
}

#[test]
fn the_index_that_git_goes_by_decides() {
    let repo = with_a_past(Format::Usual);
    let staged = |index: &str, from: &str| {
        let git = |arguments: &[&str]| {
            let output =
                repo.command("git").args(arguments).env("GIT_INDEX_FILE", index).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            output.stdout
        };
        git(&["read-tree", from]);
        repo.write("a.json", workflow(3, 5));
        git(&["add", "a.json"]);
        git(&["cat-file", "blob", ":a.json"])
    };
    // The work tree's own index holds the file raw; an index without it does not.
    let empty = repo.git(["hash-object", "-t", "tree", "--stdin"]);
    assert!(is_clean(&staged(".git/aside", empty.trim())));
    assert_eq!(staged(".git/aside", "HEAD"), workflow(3, 5).as_bytes());
    let absolute = repo.path.join("elsewhere");
    assert_eq!(staged(absolute.to_str().unwrap(), "HEAD"), workflow(3, 5).as_bytes());
    // Where other bytes lie raw in the index, these are a change.
    assert!(is_clean(&staged(".git/aside", "HEAD~3")));
}

#[test]
fn new_files_and_other_paths_become_clean() {
    let repo = with_a_past(Format::Usual);
    repo.write("deep/a.json", workflow(3, 5));
    repo.git(["mv", "b.json", "moved.json"]);
    repo.git(["add", "-A"]);
    assert!(is_clean(&repo.blob(":deep/a.json")));
    assert_eq!(repo.blob(":moved.json"), pretty(&workflow(2, 7)).as_bytes());
}

#[test]
fn a_side_of_an_unsettled_merge_can_be_taken_as_it_is() {
    let repo = with_a_past(Format::Usual);
    repo.git(["checkout", "-q", "-b", "theirs"]);
    repo.git(["rm", "-q", "a.json"]);
    repo.git(["commit", "-q", "-m", "removed"]);
    repo.git(["checkout", "-q", "main"]);
    repo.write("a.json", workflow(8, 8));
    commit_raw(&repo, "raw edit");
    assert!(!repo.try_git(["merge", "-q", "theirs"]).status.success());
    assert_eq!(repo.text("a.json"), workflow(8, 8));
    repo.git(["add", "a.json"]);
    repo.git(["commit", "-q", "-m", "kept"]);
    assert_eq!(repo.blob("HEAD:a.json"), workflow(8, 8).as_bytes());
    is_quiet(&repo);
}

/// What a repository did before git-comfy, on a branch, and main in its clean form since.
fn renormalized(format: Format) -> Repo {
    let repo = Repo::with(format);
    repo.write("a.json", workflow(1, 0));
    repo.write("b.json", workflow(2, 0));
    repo.commit_all("base");
    repo.git(["checkout", "-q", "-b", "old"]);
    repo.write("a.json", workflow(3, 0));
    repo.write("c.json", workflow(4, 4));
    repo.commit_all("old one");
    repo.write("c.json", workflow(5, 5));
    repo.commit_all("old two");
    repo.write("c.json", workflow(6, 6));
    repo.write("a.json", workflow(7, 0));
    repo.commit_all("old three");
    repo.git(["checkout", "-q", "main"]);
    repo.comfy(["init", "-q", "--renormalize"]);
    repo.git(["commit", "-q", "-m", "clean form"]);
    repo
}

fn steps(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let at = text.find("\"randomize\"").unwrap();
    text[at + 11..]
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(|c| c.is_ascii_digit())
        .collect()
}

#[test]
fn older_commits_are_picked_merged_and_rebased() {
    for format in Format::all() {
        for command in [
            &["cherry-pick", "main..old"][..],
            &["merge", "-q", "--no-edit", "old"],
            &["rebase", "-q", "main", "old"],
            &["rebase", "-q", "--apply", "main", "old"],
            &["cherry-pick", "--no-commit", "old~2", "old~1"],
        ] {
            if format != Format::Usual && command[0] == "merge" {
                continue;
            }
            let repo = renormalized(format);
            repo.git(command);
            let (a, c) = if command.contains(&"--no-commit") { ("3", "5") } else { ("7", "6") };
            assert_eq!(steps(&repo.read("a.json")), a, "{command:?} {format:?}");
            assert_eq!(steps(&repo.read("c.json")), c, "{command:?}");
            if command.contains(&"--no-commit") {
                repo.git(["commit", "-q", "-m", "picked"]);
            }
            is_quiet(&repo);
            repo.git(["checkout", "-q", "old~2"]);
            is_quiet(&repo);
            repo.git(["checkout", "-q", "main"]);
            is_quiet(&repo);
            repo.git(["fsck"]);
        }
    }
}

#[test]
fn older_commits_are_reverted() {
    let repo = renormalized(Format::Usual);
    repo.git(["merge", "-q", "--no-edit", "old"]);
    repo.git(["revert", "--no-edit", "old"]);
    assert_eq!(steps(&repo.read("a.json")), "3");
    assert_eq!(steps(&repo.read("c.json")), "5");
    is_quiet(&repo);
    repo.git(["revert", "--no-edit", "old~1", "old~2"]);
    assert_eq!(steps(&repo.read("a.json")), "1");
    assert!(!repo.path.join("c.json").exists());
    is_quiet(&repo);
    // The change to the clean form itself can be taken back.
    let clean = repo.git(["log", "--format=%H", "--grep=^clean form$"]);
    repo.git(["checkout", "-q", clean.trim()]);
    repo.git(["revert", "--no-edit", "HEAD"]);
    is_quiet(&repo);
}

#[test]
fn a_half_done_pick_of_older_commits_is_aborted() {
    for format in Format::all() {
        for (start, abort) in [
            (&["cherry-pick", "main..old", "gone"][..], &["cherry-pick", "--abort"][..]),
            (&["rebase", "-q", "main", "gone"], &["rebase", "--abort"]),
            (&["rebase", "-q", "--apply", "main", "gone"], &["rebase", "--abort"]),
            (&["merge", "-q", "gone"], &["merge", "--abort"]),
        ] {
            if format != Format::Usual && start[0] != "cherry-pick" {
                continue;
            }
            let repo = renormalized(format);
            // The last of the older commits removes what was changed here.
            repo.git(["checkout", "-q", "-b", "gone", "old"]);
            repo.git(["rm", "-q", "b.json"]);
            repo.git(["commit", "-q", "-m", "gone"]);
            repo.git(["checkout", "-q", "main"]);
            repo.write("b.json", workflow(22, 0));
            repo.git(["commit", "-q", "-a", "-m", "edit"]);
            let before = repo.id("HEAD");
            let (_, said) = text_of(&repo.try_git(start));
            assert!(!said.contains("overwritten"), "{start:?}: {said}");
            repo.git(abort);
            if start[0] == "rebase" {
                repo.git(["checkout", "-q", "main"]);
            }
            assert_eq!(repo.id("HEAD"), before, "{start:?} {format:?}");
            assert_eq!(repo.text("b.json"), workflow(22, 0));
            is_quiet(&repo);
        }
    }
}

#[test]
fn on_a_machine_that_is_set_up_every_old_commit_comes_and_goes() {
    let world = World::new();
    let pack = world.repo("pack");
    for n in 1..5 {
        pack.write("a.json", workflow(n, 0));
        pack.write("examples/b.json", pretty(&workflow(n, 1)));
        pack.commit_all(&format!("{n}"));
    }
    pack.comfy(["init", "-q", "--global"]);
    pack.world.at("").git(["clone", "-q", "pack", "mine"]);
    let mine = world.at("mine");
    is_quiet(&mine);
    for commit in ["HEAD~3", "main", "HEAD~2", "main~1", "main"] {
        mine.git(["checkout", "-q", commit]);
        is_quiet(&mine);
    }
    pack.write("a.json", workflow(9, 9));
    commit_raw(&pack, "new");
    mine.git(["pull", "-q"]);
    is_quiet(&mine);
    mine.git(["stash"]);
    mine.git(["reset", "-q", "--hard", "HEAD~2"]);
    is_quiet(&mine);
}

/// Clones of one bare repository. Mine and Ann's are set up, Bob has no git-comfy.
struct Team {
    mine: Repo,
    ann: Repo,
    bob: Repo,
}

fn clone(world: &Rc<World>, format: Format, name: &str) -> Repo {
    let repo = world.repo_with(name, format);
    repo.git(["config", "user.name", name]);
    repo.git(["remote", "add", "origin", "../bare"]);
    repo
}

fn join(repo: &Repo) {
    repo.git(["fetch", "-q"]);
    repo.git(["checkout", "-q", "-t", "origin/main"]);
}

fn team(format: Format) -> Team {
    let world = World::new();
    world.bare_with("bare", format);
    let mine = clone(&world, format, "mine");
    mine.comfy(["init", "-q"]);
    mine.write("w.json", workflow(1, 0));
    mine.write("other.json", workflow(50, 0));
    mine.commit_all("base");
    mine.git(["push", "-q", "-u", "origin", "main"]);
    let ann = clone(&world, format, "Ann");
    join(&ann);
    ann.comfy(["init", "-q"]);
    let bob = clone(&world, format, "Bob");
    join(&bob);
    Team { mine, ann, bob }
}

#[test]
fn a_colleague_without_git_comfy_stands_in_nobodys_way() {
    for format in Format::all() {
        let Team { mine, ann, bob } = team(format);
        let save = |steps: u32, shift: i32| {
            bob.git(["pull", "-q", "--no-rebase"]);
            bob.write("w.json", workflow(steps, shift));
            bob.git(["commit", "-q", "-a", "-m", "Bob's"]);
            bob.git(["push", "-q"]);
        };
        for round in 0..4 {
            let steps_before = 10 + 2 * round;
            // Bob saves and pushes without any filter.
            save(steps_before, 1000);
            for set_up in [&mine, &ann] {
                set_up.git(["pull", "-q", "--no-rebase"]);
                is_quiet(set_up);
                assert_eq!(set_up.read("w.json"), bob.read("w.json"), "{format:?}");
            }
            // I drag his file and one of my own, he saves again meanwhile.
            let shift = 40 + i32::try_from(round).unwrap();
            mine.write("other.json", workflow(50, shift));
            mine.write("w.json", workflow(steps_before, shift));
            assert_eq!(mine.git(["status", "--porcelain", "w.json"]), " M w.json\n");
            save(steps_before + 1, 2000);
            mine.git(["commit", "-q", "-a", "-m", "mine"]);
            is_quiet(&mine);
            mine.git(["pull", "-q", "--no-edit", "--no-rebase"]);
            is_quiet(&mine);
            assert_eq!(steps(&mine.read("w.json")), format!("{}", steps_before + 1));
            assert!(is_clean(&mine.blob("HEAD:w.json")));
            assert_eq!(mine.text("other.json"), workflow(50, shift));
            mine.git(["push", "-q"]);
            ann.git(["pull", "-q", "--no-rebase"]);
            is_quiet(&ann);
            assert_eq!(steps(&ann.read("w.json")), steps(&mine.read("w.json")));
            assert_eq!(ann.text("other.json"), mine.text("other.json"));
        }
        mine.git(["fsck"]);
    }
}

#[test]
fn a_pull_tells_of_a_raw_file_once() {
    let Team { mine, ann, bob } = team(Format::Usual);
    bob.write("w.json", workflow(10, 77));
    bob.git(["commit", "-q", "-a", "-m", "Bob's"]);
    bob.git(["push", "-q"]);
    let told = |repo: &Repo| text_of(&repo.try_git(["pull", "-q"])).1;
    let said = told(&mine);
    assert!(said.contains("w.json was committed without git-comfy by Bob\n"), "{said}");
    assert!(said.contains("until somebody changes"), "{said}");
    assert!(!said.contains("other.json"), "{said}");
    assert_eq!(told(&mine), "");
    // Ann changes another file; the raw one is known.
    ann.git(["pull", "-q"]);
    ann.write("other.json", workflow(51, 0));
    ann.git(["commit", "-q", "-a", "-m", "Ann's"]);
    ann.git(["push", "-q"]);
    assert_eq!(told(&mine), "");
    mine.git(["reset", "-q", "--hard", "HEAD~2"]);
    assert_eq!(told(&mine), "", "not even when it comes once more");
    bob.git(["pull", "-q"]);
    bob.write("w.json", workflow(11, 77));
    bob.git(["commit", "-q", "-a", "-m", "Bob's"]);
    bob.git(["push", "-q"]);
    assert!(told(&mine).contains("by Bob"), "another content is told");
}

#[test]
fn status_check_and_doctor_name_raw_files_and_who_committed_them() {
    let Team { mine, bob, .. } = team(Format::Usual);
    bob.write("w.json", workflow(10, 77));
    bob.git(["commit", "-q", "-a", "-m", "Bob's"]);
    bob.git(["push", "-q"]);
    mine.git(["pull", "-q"]);
    insta::assert_snapshot!(mine.comfy(["status"]), @"
    all workflows are as they were committed
    raw         w.json  (committed without git-comfy by Bob)
    raw files: they stay as they are until somebody changes them, and are then committed in their clean form; `git comfy init --renormalize` does that for all of them
    ");
    let json = mine.comfy(["status", "--json"]);
    assert!(json.contains(r#""author":"Bob""#) && json.contains(&mine.id("HEAD")), "{json}");
    let (told, _) = text_of(&mine.comfy_with(["check"], b""));
    assert_eq!(told, "not clean: w.json (committed by Bob)\n");
    let (told, _) = text_of(&mine.comfy_with(["check", "HEAD", "--json"], b""));
    assert!(told.contains(r#""author": "Bob""#), "{told}");
    let told = mine.comfy(["doctor"]);
    assert!(told.contains("1 workflow lies in git with positions"), "{told}");
    assert!(told.contains("w.json (committed by Bob)"), "{told}");
    // Changed, it is told as changed, and why a mere drag is a change.
    mine.write("w.json", workflow(10, 99));
    insta::assert_snapshot!(mine.comfy(["status"]), @"
    changed     w.json  (raw in git; committing it stores the clean form)
    1 layout waits for its commit
    ");
    // A rewritten file with the same bytes is nothing.
    mine.write("w.json", bob.read("w.json"));
    mine.comfy(["refresh"]);
    assert_eq!(mine.git(["diff-files", "--name-only"]), "");
    mine.git(["add", "-A"]);
    assert!(mine.comfy(["status"]).contains("by Bob"));
}

#[test]
fn a_raw_file_that_nobody_committed_yet_has_no_author() {
    let repo = with_a_past(Format::Usual);
    repo.write("new.json", workflow(1, 1));
    let mut git = repo.command("git");
    assert!(git.args(["add", "-A"]).env("GIT_COMFY", "0").status().unwrap().success());
    let (told, _) = text_of(&repo.comfy_with(["check", "--staged"], b""));
    assert!(told.contains("not clean: new.json\n"), "{told}");
    assert!(told.contains("not clean: a.json (committed by A Person)\n"), "{told}");
}

#[test]
fn a_shallow_clone_does_not_guess_who_committed_a_raw_file() {
    let repo = with_a_past(Format::Usual);
    let url = format!("file://{}", repo.path.display());
    repo.world.at("").git(["clone", "-q", "--depth=1", &url, "shallow"]);
    let shallow = repo.world.at("shallow");
    shallow.comfy(["init", "-q"]);
    let (told, _) = text_of(&shallow.comfy_with(["check"], b""));
    assert_eq!(told, "not clean: a.json\nnot clean: b.json\nnot clean: c.json\n");
}

#[test]
fn renormalizing_keeps_positions_modes_and_changes() {
    for format in Format::all() {
        let repo = Repo::with(format);
        let files =
            ["same.json", "moved.json", "edited.json", "gone.json", "run.json", "sp ace.json"];
        for (at, name) in files.iter().enumerate() {
            repo.write(name, workflow(at as u32, 100 + at as i32));
        }
        repo.git(["add", "-A"]);
        repo.git(["update-index", "--chmod=+x", "run.json"]);
        repo.git(["commit", "-q", "-m", "before"]);
        repo.git(["checkout", "-q", "--", "."]);
        repo.write("moved.json", workflow(1, 4000));
        repo.write("edited.json", workflow(22, 5000));
        std::fs::remove_file(repo.path.join("gone.json")).unwrap();
        let said = repo.comfy(["init", "--renormalize"]);
        assert!(said.contains("6 workflows and .gitattributes are staged"), "{said}");
        assert!(said.contains("not staged: edited.json\n"), "{said}");
        assert!(!said.contains("not staged: moved.json"), "{said}");
        let told = repo.git(["status", "--porcelain", "--untracked-files=no"]);
        let expected = "A  .gitattributes\nMM edited.json\nMD gone.json\nM  moved.json\n\
                        M  run.json\nM  same.json\nM  \"sp ace.json\"\n";
        assert_eq!(told, expected, "{format:?}");
        repo.git(["commit", "-q", "-m", "clean"]);
        for name in files {
            assert!(is_clean(&repo.blob(&format!("HEAD:{name}"))), "{name}");
        }
        assert!(repo.git(["ls-files", "--stage", "run.json"]).starts_with("100755 "));
        assert_eq!(repo.text("same.json"), workflow(0, 100));
        assert_eq!(repo.text("moved.json"), workflow(1, 4000));
        assert_eq!(repo.text("edited.json"), workflow(22, 5000));
        repo.git(["reset", "-q", "--hard"]);
        assert_eq!(repo.git(["status", "--porcelain"]), "");
        for name in files {
            let _ = std::fs::remove_file(repo.path.join(name));
        }
        repo.git(["checkout", "-q", "--", "."]);
        assert_eq!(repo.text("same.json"), workflow(0, 100), "{format:?}");
        assert_eq!(repo.text("moved.json"), workflow(1, 4000));
        // The edit is gone; the nodes stay where they were dragged, in the view of before.
        let dragged = workflow(2, 5000).replace(r#""offset":[5000,0]"#, r#""offset":[102,0]"#);
        assert_eq!(repo.text("edited.json"), dragged);
        assert_eq!(repo.text("gone.json"), workflow(3, 103));
        assert_eq!(repo.text("sp ace.json"), workflow(5, 105));
        assert_eq!(repo.git(["status", "--porcelain"]), "");
    }
}

#[test]
fn renormalizing_works_with_line_ends_of_windows() {
    let repo = Repo::new();
    repo.write("a.json", pretty(&workflow(3, 5)));
    repo.commit_all("before");
    repo.git(["config", "core.autocrlf", "true"]);
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "-q", "--", "a.json"]);
    let before = repo.text("a.json");
    assert!(before.contains("\r\n"));
    repo.comfy(["init", "-q", "--renormalize"]);
    repo.git(["commit", "-q", "-m", "clean"]);
    assert!(is_clean(&repo.blob("HEAD:a.json")));
    assert_eq!(repo.text("a.json"), before);
    is_quiet(&repo);
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "-q", "--", "a.json"]);
    assert_eq!(repo.text("a.json"), before);
}

#[test]
fn hash_object_and_the_clean_command_agree_with_the_index() {
    let repo = with_a_past(Format::Usual);
    let raw = repo.id("HEAD:a.json");
    assert_eq!(repo.git(["hash-object", "--path=a.json", "a.json"]).trim(), raw);
    let cleaned = |path: &str| {
        let output = repo.comfy_with(["clean", "--", path], workflow(3, 5).as_bytes());
        assert!(output.status.success());
        output.stdout
    };
    assert_eq!(cleaned("a.json"), workflow(3, 5).as_bytes());
    assert!(is_clean(&cleaned("new.json")));
}

#[test]
fn the_change_to_the_clean_form_is_reverted_where_positions_are_kept() {
    let text = workflow(20, 0);
    let mut nodes: serde_json::Value = serde_json::from_str(&text).unwrap();
    nodes["nodes"].as_array_mut().unwrap().rotate_left(1);
    let turned = serde_json::to_string(&nodes).unwrap();
    for raw in [text, turned.clone(), serde_json::to_string_pretty(&nodes).unwrap()] {
        let repo = Repo::new();
        repo.git(["config", "comfy.mode", "keep"]);
        repo.write("a.json", &raw);
        repo.commit_all("before");
        repo.comfy(["init", "--hooks", "files"]);
        repo.git(["add", ".gitattributes"]);
        repo.git(["commit", "-q", "-m", "attributes"]);
        repo.comfy(["init", "--renormalize"]);
        repo.git(["commit", "-q", "-m", "clean form"]);
        repo.git(["revert", "--no-edit", "HEAD"]);
        assert_eq!(repo.text("a.json"), raw);
        assert_eq!(repo.git(["status", "--porcelain"]), "");
    }
}
