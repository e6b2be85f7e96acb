//! Records through everything that rewrites history: each commit that touches workflows
//! has exactly one record, which is about its own files, and what was seen when a commit
//! was first made is not lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::records::{record, studio};
use crate::support::machine::{Machine, safetensors};
use crate::support::{Repo, workflow};

const MODEL: &str = "checkpoints/v1-5.safetensors";

/// A repository whose workflows name a model that is there, hashed already.
fn warm() -> (Machine, Repo) {
    let (_world, machine, repo) = studio();
    machine.model(MODEL);
    repo.write("root.json", workflow(1, 0));
    repo.commit_all("root");
    repo.comfy(["record"]);
    (machine, repo)
}

/// Every commit of every branch has the record it should have, and nothing else has one.
#[track_caller]
fn right(repo: &Repo) {
    repo.comfy(["record"]);
    let commits = repo.git(["rev-list", "--branches", "HEAD"]);
    let mut wanted = BTreeSet::new();
    for commit in commits.lines() {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let how = ["log", "-1", "--raw", "--no-abbrev", "--no-renames", "--format="];
        let how = how.iter().copied().chain(["--diff-merges=first-parent", commit]);
        let changes = repo.git(how);
        for line in changes.lines() {
            let (about, path) = line.split_once('\t').unwrap();
            let about: Vec<&str> = about.split(' ').collect();
            if path.ends_with(".json") && about[4] != "D" {
                files.insert(path.to_owned(), about[3].to_owned());
            }
        }
        if files.is_empty() {
            assert!(!repo.try_git(["notes", "--ref=comfy", "show", commit]).status.success());
            continue;
        }
        wanted.insert(commit.to_owned());
        let told = record(repo, commit);
        let of: BTreeMap<String, String> = told["workflows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|w| (w["path"].as_str().unwrap().into(), w["blob"].as_str().unwrap().into()))
            .collect();
        assert_eq!(of, files, "{commit}: {told:#}");
        for seen in told["seen"].as_object().unwrap().values() {
            assert_eq!(seen["pending"], Value::Null);
            assert_eq!(seen["models"].as_array().unwrap().len(), 1, "{told:#}");
            assert_eq!(seen["models"][0]["status"], "hashed", "{told:#}");
        }
        assert_eq!(told["seen"].as_object().unwrap().len(), 1, "{told:#}");
    }
    assert!(wanted.len() > 1);
}

/// `n` commits on a branch, each with a workflow of its own.
fn commits(repo: &Repo, names: &[&str]) {
    for (n, name) in names.iter().enumerate() {
        repo.write(format!("{name}.json"), workflow(50 + n as u32, 0));
        repo.commit_all(name);
    }
}

/// What was seen of the model, by its digest.
fn digest(repo: &Repo, revision: &str) -> String {
    let told = record(repo, revision);
    let seen = told["seen"].as_object().unwrap().values().next().unwrap();
    seen["models"][0]["hashes"]["sha256"].as_str().unwrap_or_default().to_owned()
}

/// Records tell time in seconds.
fn next_second() {
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = second();
    while second() == now {
        std::thread::yield_now();
    }
}

fn rebase(repo: &Repo, todo: &str, arguments: &[&str]) {
    let output = repo
        .command("git")
        .args(["rebase", "-q", "-i"])
        .args(arguments)
        .env("GIT_SEQUENCE_EDITOR", format!("printf '%b' '{todo}' >"))
        .env("GIT_EDITOR", "true")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_amended_commit_has_one_record_of_what_was_first_seen() {
    let (machine, repo) = warm();
    commits(&repo, &["a"]);
    let first = digest(&repo, "HEAD");
    // By now the model is another one; the commit was made with the first.
    next_second();
    machine.model_of(MODEL, &safetensors(&serde_json::json!({}), &[2; 100]));
    repo.git(["commit", "-q", "--amend", "-m", "another message"]);
    right(&repo);
    assert_eq!(digest(&repo, "HEAD"), first);
    // New content is made with what is there now.
    repo.write("a.json", workflow(77, 0));
    repo.git(["commit", "-q", "-a", "--amend", "--no-edit"]);
    right(&repo);
    assert_ne!(digest(&repo, "HEAD"), first);
}

#[test]
fn a_rebase_carries_every_record() {
    let (machine, repo) = warm();
    repo.git(["switch", "-q", "-c", "side"]);
    commits(&repo, &["a", "b", "c"]);
    let first = digest(&repo, "HEAD~1");
    repo.git(["switch", "-q", "main"]);
    commits(&repo, &["m"]);
    next_second();
    machine.model_of(MODEL, &safetensors(&serde_json::json!({}), &[2; 100]));
    for how in [["--merge"], ["--apply"]] {
        repo.git(["switch", "-q", "side"]);
        repo.git(["rebase", "-q", "--force-rebase", how[0], "main"]);
        right(&repo);
        assert_eq!(digest(&repo, "HEAD~1"), first, "{how:?}");
    }
}

#[test]
fn squash_fixup_reorder_and_drop() {
    let (_machine, repo) = warm();
    commits(&repo, &["a", "b", "c", "d", "e", "f"]);
    let id = |revision: &str| repo.id(revision);
    let todo = format!(
        "pick {}\\nsquash {}\\npick {}\\nfixup {}\\npick {}\\n",
        id("HEAD~5"),
        id("HEAD~4"),
        id("HEAD~2"),
        id("HEAD~3"),
        id("HEAD"),
    );
    rebase(&repo, &todo, &["HEAD~6"]);
    assert_eq!(repo.git(["rev-list", "--count", "HEAD"]).trim(), "4");
    right(&repo);
}

#[test]
fn edit_reword_exec_and_a_rebase_that_stops() {
    let (_machine, repo) = warm();
    commits(&repo, &["a", "b", "c"]);
    let todo = format!(
        "reword {}\\nexec true\\nedit {}\\npick {}\\n",
        repo.id("HEAD~2"),
        repo.id("HEAD~1"),
        repo.id("HEAD")
    );
    rebase(&repo, &todo, &["HEAD~3"]);
    repo.write("b.json", workflow(99, 0));
    repo.git(["commit", "-q", "-a", "--amend", "--no-edit"]);
    // A commit in the middle of a rebase is one as any other.
    for name in ["between", "and_another"] {
        repo.write(format!("{name}.json"), workflow(98, 0));
        repo.commit_all(name);
    }
    repo.git(["rebase", "--continue"]);
    assert_eq!(repo.git(["rev-list", "--count", "HEAD"]).trim(), "6");
    right(&repo);
}

#[test]
fn cherry_picks_merges_and_squash_merges() {
    let (_machine, repo) = warm();
    repo.git(["switch", "-q", "-c", "side"]);
    commits(&repo, &["a", "b"]);
    repo.git(["switch", "-q", "main"]);
    commits(&repo, &["m"]);
    repo.git(["cherry-pick", "side"]);
    right(&repo);
    repo.git(["switch", "-q", "-c", "merged"]);
    repo.git(["merge", "-q", "--no-edit", "side"]);
    right(&repo);
    repo.git(["switch", "-q", "-c", "squashed", "main"]);
    repo.git(["merge", "-q", "--squash", "side"]);
    repo.git(["commit", "-q", "-m", "squashed"]);
    right(&repo);
    repo.git(["switch", "-q", "-c", "several", "main~1"]);
    repo.git(["cherry-pick", "main..side"]);
    right(&repo);
    repo.git(["revert", "--no-edit", "HEAD"]);
    repo.git(["revert", "--no-edit", "HEAD"]);
    right(&repo);
}

#[test]
fn what_another_tool_rewrote_is_found_again() {
    let (machine, repo) = warm();
    commits(&repo, &["a", "b", "c"]);
    let first = digest(&repo, "HEAD~1");
    std::fs::remove_file(machine.path("models").join(MODEL)).unwrap();
    let output = repo
        .command("git")
        .args(["filter-branch", "-f", "--msg-filter", "cat; echo rewritten", "--", "main"])
        .env("FILTER_BRANCH_SQUELCH_WARNING", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Into a folder as well, by hand.
    let script = "git ls-files -s | sed 's,\\t,&moved/,' | GIT_INDEX_FILE=$GIT_INDEX_FILE.new \
                  git update-index --index-info && mv $GIT_INDEX_FILE.new $GIT_INDEX_FILE";
    let output = repo
        .command("git")
        .args(["filter-branch", "-f", "--index-filter", script, "--", "main"])
        .env("FILTER_BRANCH_SQUELCH_WARNING", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = repo.comfy(["record", "--reattach"]);
    assert_eq!(told, "4 commits repaired, 0 were right\n");
    right(&repo);
    assert_eq!(digest(&repo, "HEAD~1"), first);
    assert_eq!(repo.comfy(["record", "--reattach"]), "0 commits repaired, 4 were right\n");
}

#[test]
fn notes_that_something_joined_are_one_again() {
    let (_machine, repo) = warm();
    commits(&repo, &["a"]);
    let before = repo.git(["notes", "--ref=comfy", "show"]);
    repo.git(["notes", "--ref=comfy", "append", "-m", &before]);
    repo.comfy(["record"]);
    assert_eq!(repo.git(["notes", "--ref=comfy", "show"]), before);
    // A person whose git joins notes when it rewrites.
    repo.git(["config", "notes.rewriteMode", "concatenate"]);
    repo.git(["commit", "-q", "--amend", "-m", "again"]);
    right(&repo);
    // Not JSON at all.
    repo.git(["notes", "--ref=comfy", "add", "-f", "-m", "some words"]);
    assert!(repo.comfy(["show"]).contains("its note is no record"));
    repo.comfy(["record", "--reattach"]);
    right(&repo);
}
