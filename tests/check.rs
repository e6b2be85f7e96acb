//! `git comfy check`, and `git comfy init --renormalize`, which mends what it finds.

use serde_json::Value;

use crate::support::{Repo, workflow};

/// A repository with history from before git-comfy.
fn with_a_past() -> Repo {
    let repo = Repo::new();
    repo.write("a.json", workflow(20, 0));
    repo.write("deep/ü b\".json", workflow(25, 7));
    repo.write("package.json", "{ \"name\": \"no workflow\" }\n");
    repo.commit_all("before");
    repo
}

fn check(repo: &Repo, arguments: &[&str]) -> (i32, Value) {
    let output = repo.comfy_with(["check", "--json"].iter().chain(arguments), b"");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema"], 1);
    (output.status.code().unwrap(), report)
}

#[test]
fn raw_workflows_are_named_without_any_set_up() {
    let repo = with_a_past();
    let (code, report) = check(&repo, &[]);
    assert_eq!(code, 1);
    assert_eq!(report["checked"], 3);
    assert_eq!(report["revision"], repo.id("HEAD"));
    let paths: Vec<_> = report["unclean"].as_array().unwrap().iter().map(|u| &u["path"]).collect();
    assert_eq!(paths, ["a.json", "deep/ü b\".json"]);
    let output = repo.comfy_with(["check"], b"");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "not clean: a.json (committed by A Person)\nnot clean: deep/ü b\".json (committed by A Person)\n"
    );
}

#[test]
fn clean_workflows_pass() {
    let repo = Repo::new();
    repo.comfy(["init"]);
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("one");
    assert_eq!(check(&repo, &[]).0, 0);
    assert_eq!(check(&repo, &["--staged"]).0, 0);
    assert_eq!(check(&repo, &["HEAD"]).1["checked"], 1);
}

#[test]
fn only_what_is_for_us_is_looked_at() {
    let repo = with_a_past();
    repo.write(".gitattributes", "deep/*.json filter=comfy\n");
    assert_eq!(check(&repo, &[]).1["unclean"].as_array().unwrap().len(), 1);
    repo.write(".gitattributes", "*.json filter=comfy\n*.json comfy=off\n");
    assert_eq!(check(&repo, &[]).0, 0);
}

#[test]
fn a_commit_that_is_not_there_is_a_failure() {
    let repo = with_a_past();
    let output = repo.comfy_with(["check", "nowhere"], b"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn set_up_says_what_to_do_about_the_past() {
    let repo = with_a_past();
    let said = repo.comfy(["init"]);
    assert!(
        said.contains("2 workflows were committed without") && said.contains("--renormalize"),
        "{said}"
    );
    assert_eq!(repo.text("a.json"), workflow(20, 0), "files are left as they are");
    assert_eq!(repo.text("package.json"), "{ \"name\": \"no workflow\" }\n");
}

#[test]
fn the_past_is_staged_as_one_change() {
    let repo = with_a_past();
    let said = repo.comfy(["init", "--renormalize"]);
    assert!(said.contains("2 workflows and .gitattributes are staged"), "{said}");
    assert_eq!(
        repo.git(["-c", "core.quotePath=false", "status", "--porcelain"]),
        "A  .gitattributes\nM  a.json\nM  \"deep/ü b\\\".json\"\n"
    );
    assert_eq!(repo.git(["log", "--format=%s"]), "before\n");
    assert_eq!(repo.text("a.json"), workflow(20, 0));
    repo.git(["commit", "-q", "-m", "clean"]);
    assert_eq!(check(&repo, &[]).0, 0);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    // The layouts were kept on the way.
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "-q", "--", "a.json"]);
    assert_eq!(repo.text("a.json"), workflow(20, 0));
    let again = repo.comfy(["init", "--renormalize"]);
    assert!(again.contains("nothing was staged"), "{again}");
}

#[test]
fn a_dry_run_names_what_would_be_staged() {
    let repo = with_a_past();
    let shown = repo.comfy(["init", "--renormalize", "--dry-run"]);
    assert!(shown.contains("stage in its clean form: a.json\n"), "{shown}");
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}

#[test]
fn changes_of_a_files_own_are_not_swept_along() {
    let repo = with_a_past();
    repo.write("a.json", workflow(30, 0));
    let said = repo.comfy(["init", "--renormalize"]);
    assert!(said.contains("changes of its own are not staged: a.json"), "{said}");
    assert!(repo.git(["status", "--porcelain", "a.json"]).starts_with("MM"));
    assert!(!repo.git(["diff", "--cached", "--no-ext-diff", "a.json"]).contains("30"));
}

#[test]
fn other_changes_do_not_slip_into_the_same_commit() {
    let repo = with_a_past();
    repo.write("note.txt", "x");
    repo.git(["add", "note.txt"]);
    let output = repo.comfy_with(["init", "--renormalize"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(!repo.path.join(".gitattributes").exists(), "and nothing is set up half-way");
    // Attribute lines of one's own are not swept along either.
    repo.git(["commit", "-q", "-m", "note"]);
    repo.write(".gitattributes", "*.txt text\n");
    let said = repo.comfy(["init", "--renormalize"]);
    assert!(said.contains("2 workflows are staged"), "{said}");
    assert!(repo.git(["status", "--porcelain", ".gitattributes"]).starts_with("??"));
}

#[test]
fn positions_are_staged_after_the_mode_went_from_strip_to_keep() {
    let repo = Repo::new();
    repo.comfy(["init", "-q", "--hooks", "files"]);
    repo.write("a.json", workflow(20, 500));
    repo.commit_all("stripped");
    repo.git(["config", "comfy.mode", "keep"]);
    let said = repo.comfy(["init"]);
    assert!(said.contains("without positions") && said.contains("--renormalize"), "{said}");
    let said = repo.comfy(["init", "--renormalize"]);
    assert!(said.contains("1 workflow is staged"), "{said}");
    repo.git(["commit", "-q", "-m", "kept"]);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    assert!(repo.git(["cat-file", "blob", "HEAD:a.json"]).contains("\"pos\""));
    assert_eq!(repo.text("a.json"), workflow(20, 500));
    assert!(!repo.comfy(["init"]).contains("without positions"));
}
