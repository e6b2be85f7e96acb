//! `git comfy conflicts`: copies that synced folders leave are merged, and nothing is lost.

use crate::support::{Repo, World, workflow};

const COPY: &str = "fox (Ann's conflicted copy 2026-02-20).json";

fn told(repo: &Repo, arguments: &[&str], code: i32) -> String {
    let mut command = repo.command(env!("CARGO_BIN_EXE_git-comfy"));
    let output = command.arg("conflicts").args(arguments).output().unwrap();
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

fn cfg(workflow: &str, value: &str) -> String {
    let changed = workflow.replace(",8,\"euler\"", &format!(",{value},\"euler\""));
    assert_ne!(changed, workflow);
    changed
}

fn kept(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(kept(&path)),
            false => files.push(std::fs::read(path).unwrap()),
        }
    }
    files
}

#[test]
fn a_copy_is_merged_from_where_both_began() {
    let repo = Repo::new();
    repo.use_filter();
    repo.write("fox.json", workflow(20, 0).replace("normal", "karras"));
    repo.commit_all("older");
    repo.write("fox.json", workflow(20, 0));
    repo.commit_all("where both began");
    // Here cfg was changed and nodes moved, elsewhere the steps.
    let ours = cfg(&workflow(20, 300), "5.5");
    let theirs = workflow(30, 0);
    repo.write("fox.json", &ours);
    repo.write(COPY, &theirs);
    let plan = told(&repo, &[], 0);
    assert!(
        plan.contains("merges by itself, from where both began: KSampler steps 20 -> 30"),
        "{plan}"
    );
    assert_eq!(repo.text("fox.json"), ours, "only told");
    told(&repo, &["--merge"], 0);
    let merged = repo.text("fox.json");
    let clean = |text: &str| repo.comfy_with(["clean"], text.as_bytes()).stdout;
    assert_eq!(clean(&merged), clean(&cfg(&workflow(30, 0), "5.5")), "both changes");
    assert!(merged.contains(r#""id":3,"type":"KSampler","pos":[1163,486]"#), "our positions");
    assert!(!repo.path.join(COPY).exists());
    let kept = kept(&repo.path.join(".git/comfy/set-aside"));
    assert!(kept.contains(&ours.into_bytes()) && kept.contains(&theirs.into_bytes()));
    assert!(told(&repo, &[], 0).contains("no conflict copies"));
}

#[test]
fn where_the_beginning_is_in_doubt_there_is_a_conflict() {
    let repo = Repo::new();
    repo.use_filter();
    for steps in [10, 20] {
        repo.write("fox.json", workflow(steps, 0));
        repo.commit_all("state");
    }
    // From 10 it is a conflict with the 20 here, from 20 it would be a change.
    repo.write(COPY, workflow(30, 0));
    assert!(told(&repo, &[], 1).contains("1 conflict"));
}

#[test]
fn what_both_changed_is_a_conflict_that_can_be_resolved() {
    let repo = Repo::new();
    repo.use_filter();
    repo.write("fox.json", workflow(20, 0));
    repo.commit_all("base");
    repo.write("fox.json", workflow(24, 0));
    repo.write("fox.sync-conflict-20260220-143059-ABCDEF7.json", workflow(30, 0));
    let text = told(&repo, &["--merge"], 1);
    assert!(text.contains("1 conflict left"), "{text}");
    repo.comfy(["resolve", "fox.json", "--theirs"]);
    assert!(repo.text("fox.json").contains("\"randomize\",30,8,"), "{}", repo.text("fox.json"));
}

#[test]
fn a_copy_that_is_an_earlier_state_changes_nothing() {
    let repo = Repo::new();
    repo.use_filter();
    repo.write("fox.json", workflow(20, 0));
    repo.commit_all("one");
    repo.write("fox.json", workflow(24, 0));
    repo.commit_all("two");
    repo.write(COPY, workflow(20, 5));
    repo.write("fox-DESKTOP-AB12CD3.json", workflow(24, 500));
    let text = told(&repo, &["--merge"], 0);
    assert!(text.contains("an earlier state") && text.contains("means the same"), "{text}");
    assert_eq!(repo.text("fox.json"), workflow(24, 0));
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}

#[test]
fn without_a_repository_what_differs_is_a_conflict() {
    let world = World::new();
    let folder = world.path("synced");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("fox.json"), workflow(20, 0)).unwrap();
    std::fs::write(folder.join(COPY), workflow(30, 0)).unwrap();
    std::fs::write(folder.join("notes (conflicted copy).json"), "{}").unwrap();
    let mut command = world.command(env!("CARGO_BIN_EXE_git-comfy"));
    let output = command.arg("conflicts").arg("--merge").arg(&folder).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!folder.join(COPY).exists() && folder.join("notes (conflicted copy).json").exists());
    assert_eq!(kept(&folder.join(".git-comfy-set-aside")).len(), 2);
    let merged = std::fs::read_to_string(folder.join("fox.json")).unwrap();
    assert!(merged.contains("git_comfy"), "the conflict is in the file");
}
