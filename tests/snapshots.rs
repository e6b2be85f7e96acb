//! `git comfy snapshot` and `snapshots`: every state comes back to the byte, and nothing
//! else is touched.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Format, GIT_COMFY, Repo, World, shared_data, workflow};

fn fails(repo: &Repo, arguments: &[&str]) -> String {
    let output = repo.command(GIT_COMFY).args(arguments).output().unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn rows(repo: &Repo, more: &[&str]) -> Vec<Value> {
    let text = repo.comfy([&["snapshots", "--json"], more].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ids(repo: &Repo) -> Vec<String> {
    rows(repo, &[]).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Moves all snapshots back in time, by plain git.
fn age(repo: &Repo, seconds: i64) {
    let index = repo.world.path("aged-index");
    let git = |arguments: &[&str]| {
        let mut command = repo.command("git");
        let output = command.args(arguments).env("GIT_INDEX_FILE", &index).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["read-tree", "--empty"]);
    let listed = git(&["ls-tree", "-d", "-r", "refs/comfy/snapshots"]);
    for line in listed.lines() {
        let (meta, path) = line.split_once('\t').unwrap();
        let [tree, day, name] = path.split('/').collect::<Vec<_>>()[..] else { continue };
        let (time, id) = name.split_once('-').unwrap();
        let text = format!("{day}T{}:{}:{}Z", &time[..2], &time[2..4], &time[4..]);
        let at = text.parse::<jiff::Timestamp>().unwrap();
        let at = at - jiff::SignedDuration::from_secs(seconds);
        let name = format!("{}-{id}", at.strftime("%Y-%m-%d/%H%M%S.%3f"));
        let object = meta.split(' ').nth(2).unwrap();
        git(&["read-tree", &format!("--prefix={tree}/{name}/"), object]);
    }
    let tree = git(&["write-tree"]);
    let commit = git(&["commit-tree", "-m", "aged", tree.trim()]);
    git(&["update-ref", "refs/comfy/snapshots", commit.trim()]);
    std::fs::remove_file(index).unwrap();
}

/// Workflows in every spelling that there is, by name.
fn many() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::from([
        ("plain.json".to_owned(), workflow(20, 0).into_bytes()),
        ("sub/Ümlaut und Platz.json".to_owned(), workflow(21, 7).into_bytes()),
        ("crlf.json".to_owned(), workflow(22, 7).replace(',', ",\r\n").into_bytes()),
        // Read by ComfyUI, not printed back by us.
        (
            "twice.json".to_owned(),
            workflow(23, 0).replace("\"revision\":0", "\"a\":1,\"a\":2").into_bytes(),
        ),
        (
            "nan.json".to_owned(),
            workflow(24, 0).replace("\"revision\":0", "\"a\":NaN").into_bytes(),
        ),
        ("bom.json".to_owned(), format!("\u{feff}{}", workflow(25, 0)).into_bytes()),
        (
            "api.json".to_owned(),
            br#"{"3": {"class_type":"KSampler","inputs":{"seed":1}}}"#.to_vec(),
        ),
    ]);
    if let Some(data) = shared_data() {
        for (at, entry) in std::fs::read_dir(data.join("templates")).unwrap().enumerate() {
            let path = entry.unwrap().path();
            if at % 12 == 0 && path.extension().is_some_and(|e| e == "json") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let bytes = std::fs::read(path).unwrap();
                // Among them are lists of templates.
                if bytes.windows(9).any(|part| part == b"\"version\"") {
                    files.insert(format!("templates/{name}"), bytes);
                }
            }
        }
    }
    files
}

#[test]
fn every_file_comes_back_to_the_byte_and_nothing_else_is_touched() {
    for format in Format::all() {
        let repo = Repo::with(format);
        // Whatever the filter does with a file.
        repo.use_filter();
        repo.write(".gitattributes", "crlf.json comfy=keep\nplain.json comfy=off\n");
        let files = many();
        for (name, bytes) in &files {
            repo.write(name, bytes);
        }
        repo.write("package.json", r#"{"name": "no workflow"}"#);
        repo.git(["add", "plain.json"]);
        let index = std::fs::read(repo.path.join(".git/index")).unwrap();
        let told = repo.comfy(["snapshot"]);
        assert!(told.contains(&format!("{} workflows", files.len())), "{told}");
        // No commit yet, and no file of anybody's was written.
        assert_eq!(std::fs::read(repo.path.join(".git/index")).unwrap(), index);
        assert_eq!(repo.git(["for-each-ref", "--format=%(refname)"]), "refs/comfy/snapshots\n");
        repo.git(["fsck", "--strict"]);
        for name in files.keys() {
            repo.write(name, workflow(99, 1));
        }
        let id = ids(&repo).remove(0);
        repo.comfy(["snapshots", "restore", &id]);
        for (name, bytes) in &files {
            assert!(repo.read(name) == *bytes, "{name}");
        }
        // What was replaced is there as well.
        let before = ids(&repo).remove(0);
        repo.comfy(["snapshots", "restore", &before, "plain.json"]);
        assert_eq!(repo.text("plain.json"), workflow(99, 1));
    }
}

#[test]
fn the_same_state_is_kept_once_and_a_mere_move_is_a_state() {
    let repo = Repo::new();
    assert!(repo.comfy(["snapshot"]).contains("no workflows"));
    repo.write("fox.json", workflow(20, 0));
    repo.comfy(["snapshot"]);
    assert!(repo.comfy(["snapshot"]).contains("nothing has changed"));
    repo.write("fox.json", workflow(20, 500));
    repo.comfy(["snapshot"]);
    repo.write("fox.json", workflow(30, 500));
    repo.write("owl.json", workflow(20, 0));
    repo.comfy(["snapshot"]);
    repo.git(["rm", "-q", "--cached", "--ignore-unmatch", "owl.json"]);
    std::fs::remove_file(repo.path.join("owl.json")).unwrap();
    repo.comfy(["snapshot", "-m", "without the owl"]);
    let rows = rows(&repo, &[]);
    let told: Vec<Vec<(&str, &str)>> = rows
        .iter()
        .map(|row| {
            let files = row["changed"].as_array().unwrap();
            files
                .iter()
                .map(|f| (f["how"].as_str().unwrap(), f["told"].as_str().unwrap()))
                .collect()
        })
        .collect();
    assert_eq!(told[0], [("deleted", "deleted")]);
    assert_eq!(told[1], [("changed", "KSampler steps 20 -> 30"), ("added", "new workflow")]);
    assert_eq!(told[2][0].0, "layout");
    assert_eq!(told[3], [("added", "new workflow")]);
    assert_eq!(rows[0]["text"], "without the owl");
    let of_owl = repo.comfy(["snapshots", "owl.json"]);
    assert_eq!(of_owl.lines().count(), 2, "{of_owl}");
}

#[test]
fn what_did_i_have_an_hour_ago() {
    let repo = Repo::new();
    repo.write("fox.json", workflow(20, 0));
    repo.comfy(["snapshot"]);
    age(&repo, 3 * 3600);
    repo.write("fox.json", workflow(25, 0));
    repo.comfy(["snapshot"]);
    age(&repo, 2 * 3600);
    repo.write("fox.json", workflow(30, 0));
    repo.comfy(["snapshot"]);
    repo.write("fox.json", workflow(40, 0));
    // The last state up to then, whether or not the words stand in quotes.
    for when in [vec!["an", "hour", "ago"], vec!["1h"], vec!["an hour ago"]] {
        let told = repo.comfy([vec!["snapshots", "show"], when].concat());
        assert!(told.contains("2 hours ago") && told.contains("25 -> 40"), "{told}");
    }
    let listed = repo.comfy(["snapshots"]);
    let ago: Vec<&str> = ["just now", "2 hours ago", "5 hours ago"].to_vec();
    assert!(listed.lines().zip(ago).all(|(line, ago)| line.contains(ago)), "{listed}");
    let told = repo.comfy(["snapshots", "restore", "-n", "an", "hour", "ago", "fox.json"]);
    assert_eq!(
        (told.as_str(), repo.text("fox.json")),
        ("would restore fox.json\n", workflow(40, 0))
    );
    repo.comfy(["snapshots", "restore", "an", "hour", "ago", "fox.json"]);
    assert_eq!(repo.text("fox.json"), workflow(25, 0));
    let told = repo.comfy(["snapshots", "show"]);
    assert!(told.contains("25") && !told.contains("hours ago"), "since the last one: {told}");
    // Nobody had kept what was there.
    repo.comfy(["snapshots", "restore", "now"]);
    assert_eq!(repo.text("fox.json"), workflow(40, 0));
    repo.comfy(["snapshots", "restore", "four", "hours", "ago", "fox.json", "-o", "old.json"]);
    assert_eq!((repo.text("old.json"), repo.text("fox.json")), (workflow(20, 0), workflow(40, 0)));
    assert!(fails(&repo, &["snapshots", "show", "1d"]).contains("the oldest is"));
    assert!(fails(&repo, &["snapshots", "show", "soonish"]).contains("neither a snapshot nor"));
    assert!(fails(&repo, &["snapshots", "show", "now", "owl.json"]).contains("not in snapshot"));
}

#[test]
fn whatever_is_replaced_is_kept_first() {
    let repo = Repo::new();
    repo.write("fox.json", workflow(20, 0));
    repo.comfy(["snapshot"]);
    // Somebody's merge left markers in it: no workflow at all.
    repo.write("fox.json", "<<<<<<< ours\n{}\n=======\n");
    let told = repo.comfy(["snapshots", "restore", "now"]);
    assert_eq!(repo.text("fox.json"), workflow(20, 0));
    let kept = ids(&repo).remove(0);
    assert!(told.contains(&kept[..7]), "{told}");
    repo.comfy(["snapshots", "restore", &kept]);
    assert_eq!(repo.text("fox.json"), "<<<<<<< ours\n{}\n=======\n");
    // What is not whole is no state of its own.
    repo.comfy(["snapshots", "restore", &ids(&repo)[0]]);
    repo.write("fox.json", &workflow(20, 0)[..300]);
    let output = repo.command(GIT_COMFY).arg("snapshot").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && told.contains("fox.json is not in the snapshot"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_restore_writes_nowhere_but_into_the_work_tree() {
    let repo = Repo::new();
    repo.write("a/fox.json", workflow(20, 0));
    repo.comfy(["snapshot"]);
    std::fs::remove_dir_all(repo.path.join("a")).unwrap();
    let elsewhere = repo.world.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, repo.path.join("a")).unwrap();
    assert!(fails(&repo, &["snapshots", "restore", "now"]).contains("work tree"));
    assert_eq!(std::fs::read_dir(elsewhere).unwrap().count(), 0);
}

#[test]
fn workflows_that_git_ignores_are_kept_too() {
    let repo = Repo::new();
    // As ComfyUI's own repository has it.
    repo.write(".gitignore", "/user/\n/models/\n/custom_nodes/\n/output/\nscratch.json\n");
    repo.write("user/default/workflows/deep/fox.json", workflow(20, 0));
    repo.write("user/default/subgraphs/blue.json", workflow(21, 0));
    repo.write("user/default/comfy.settings.json", workflow(22, 0));
    repo.write("scratch.json", workflow(23, 0));
    repo.write("custom_nodes/pack/workflows/example.json", workflow(24, 0));
    repo.write("output/workflows.json", workflow(25, 0));
    repo.write("inner/fox.json", workflow(26, 0));
    repo.world.at("repo/inner").git(["init", "-q"]);
    repo.comfy(["snapshot"]);
    let all = rows(&repo, &[]);
    let files = all[0]["changed"].as_array().unwrap();
    let paths: Vec<&str> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "scratch.json",
            "user/default/subgraphs/blue.json",
            "user/default/workflows/deep/fox.json"
        ]
    );
    // A folder alone leaves the rest as it was known.
    repo.write("user/default/workflows/deep/fox.json", workflow(30, 0));
    repo.write("scratch.json", workflow(31, 0));
    repo.comfy(["snapshot", "user/default/workflows"]);
    let newest = &rows(&repo, &[])[0]["changed"];
    assert_eq!(newest.as_array().unwrap().len(), 1, "{newest}");
    repo.comfy(["snapshot", "scratch.json"]);
    assert_eq!(rows(&repo, &[])[0]["changed"][0]["path"], "scratch.json");
}

#[test]
fn each_work_tree_has_its_own_and_gc_and_push_leave_them_alone() {
    let world = World::new();
    let repo = world.repo("repo");
    let remote = world.bare("remote");
    repo.use_filter();
    repo.use_hooks();
    repo.write("fox.json", workflow(20, 0));
    repo.commit_all("one");
    repo.git(["remote", "add", "origin", remote.path.to_str().unwrap()]);
    repo.git(["worktree", "add", "-q", "../linked", "-b", "side"]);
    let linked = world.at("linked");
    repo.write("fox.json", workflow(25, 0));
    linked.write("fox.json", workflow(30, 0));
    repo.comfy(["snapshot"]);
    linked.comfy(["snapshot"]);
    assert_eq!((ids(&repo).len(), ids(&linked).len()), (1, 1));
    let all = rows(&repo, &["--all"]);
    let of: Vec<&str> = all.iter().map(|row| row["worktree"].as_str().unwrap()).collect();
    assert_eq!(of, ["linked", "main"]);
    repo.git(["push", "-q", "origin", "main", "side"]);
    assert!(!remote.git(["for-each-ref"]).contains("snapshots"));
    // The work tree goes, its snapshots stay.
    let id = ids(&linked).remove(0);
    repo.git(["worktree", "remove", "--force", "../linked"]);
    repo.git(["reflog", "expire", "--expire=now", "--all"]);
    repo.git(["gc", "-q", "--prune=now"]);
    repo.comfy(["snapshots", "restore", &id, "fox.json", "-o", "theirs.json"]);
    assert_eq!(repo.text("theirs.json"), workflow(30, 0));
    let bare = fails(&remote, &["snapshot"]);
    assert!(bare.contains("bare"), "{bare}");
}

#[test]
fn old_ones_go_by_the_policy_and_those_with_a_text_stay() {
    let repo = Repo::new();
    let save = |steps: u32, more: &[&str]| {
        repo.write("fox.json", workflow(steps, 0));
        repo.comfy([&["snapshot"], more].concat());
    };
    save(1, &["-m", "the good one"]);
    for steps in 2..=30 {
        save(steps, &[]);
    }
    age(&repo, 3 * 86_400);
    for steps in 31..=85 {
        save(steps, &[]);
    }
    // The usual: of three days ago the last of the hour is there, and what has a name. The
    // newest fifty are always there.
    let steps = |row: &Value| row["changed"][0]["told"].as_str().unwrap().to_owned();
    let kept = rows(&repo, &[]);
    assert!(kept.len() == 57 || kept.len() == 58, "an hour may have ended between: {}", kept.len());
    assert_eq!(kept.last().unwrap()["text"], "the good one");
    assert!(steps(&kept[55]).contains("1 -> 30") || steps(&kept[55]).contains("-> 30"));
    assert!(repo.comfy(["snapshots", "prune"]).contains("no snapshot had to go"));
    repo.git(["config", "comfy.snapshots.keep", "all 1h"]);
    repo.comfy(["snapshots", "prune"]);
    assert!(rows(&repo, &[]).iter().all(|row| row["text"].is_null()), "older than anything kept");
    repo.git(["config", "comfy.snapshots.keep", "gibberish"]);
    let output = repo.command(GIT_COMFY).arg("snapshot").output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("is not understood"));
    assert!(fails(&repo, &["snapshots", "prune", "--keep", "often"]).contains("says not"));
    repo.comfy(["snapshots", "prune", "--all"]);
    assert_eq!(repo.git(["for-each-ref", "refs/comfy"]), "");
    assert!(fails(&repo, &["snapshots", "show", "now"]).contains("nothing is kept yet"));
}

#[test]
fn several_at_once_lose_nothing() {
    let repo = Repo::new();
    for at in 0..6 {
        repo.write(format!("flow{at}.json"), workflow(at, 0));
    }
    let children: Vec<_> = (0..6)
        .map(|at| {
            let mut command = repo.command(GIT_COMFY);
            command.args(["snapshot", &format!("flow{at}.json")]).stdout(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let all = ids(&repo);
    assert_eq!(all.len(), 6);
    repo.git(["fsck", "--strict"]);
    for at in 0..6 {
        std::fs::remove_file(repo.path.join(format!("flow{at}.json"))).unwrap();
    }
    repo.comfy(["snapshots", "restore", &all[0]]);
    assert!((0..6).all(|at| repo.text(format!("flow{at}.json")) == workflow(at, 0)));
}

/// Lets the lock of a process that was killed look as it does a while later.
fn abandon(lock: &Path, make: bool) {
    if make || lock.exists() {
        let file = std::fs::File::create(lock).unwrap();
        let past = std::time::SystemTime::now() - std::time::Duration::from_secs(120);
        file.set_modified(past).unwrap();
    }
}

#[test]
fn one_that_is_killed_leaves_the_last_one_or_the_new_one() {
    let repo = Repo::new();
    let files: Vec<String> = (0..120).map(|at| format!("flow{at}.json")).collect();
    for (steps, name) in files.iter().enumerate() {
        repo.write(name, workflow(steps as u32, 0));
    }
    repo.comfy(["snapshot"]);
    let objects = repo.path.join(".git/objects");
    let lock = repo.path.join(".git/refs/comfy/snapshots.lock");
    let count = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
    for round in 1..8 {
        for (steps, name) in files.iter().enumerate() {
            repo.write(name, workflow(1000 * round + steps as u32, 0));
        }
        let before = count(&objects);
        let mut child =
            repo.command(GIT_COMFY).arg("snapshot").stdout(Stdio::null()).spawn().unwrap();
        // Once as it starts, later when objects begin to appear.
        while round > 2 && count(&objects) == before && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        abandon(&lock, round == 7);
        repo.git(["fsck", "--strict"]);
        let newest = ids(&repo).remove(0);
        repo.comfy(["snapshots", "show", &newest]);
    }
    repo.comfy(["snapshot"]);
    repo.write(&files[0], workflow(1, 1));
    repo.comfy(["snapshots", "restore", "now", &files[7]]);
    assert_eq!(repo.text(&files[7]), workflow(7007, 0));
}
