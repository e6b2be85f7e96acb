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
            false if path.ends_with("settled") => {}
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

fn synced(files: &[(&str, &str)]) -> (std::rc::Rc<World>, std::path::PathBuf) {
    let world = World::new();
    let folder = world.path("synced");
    for (name, content) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    (world, folder)
}

/// Says when a file was saved, in minutes of some day.
fn saved(file: &std::path::Path, minute: u64) {
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_771_600_000 + minute * 60);
    std::fs::File::options().write(true).open(file).unwrap().set_modified(at).unwrap();
}

fn told_in(world: &World, folder: &std::path::Path, arguments: &[&str], code: i32) -> String {
    let mut command = world.command(env!("CARGO_BIN_EXE_git-comfy"));
    let output = command.arg("conflicts").arg(folder).args(arguments).output().unwrap();
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

#[test]
fn what_was_merged_can_be_taken_back() {
    let repo = Repo::new();
    repo.use_filter();
    repo.write("sub/fox.json", workflow(20, 0));
    repo.commit_all("base");
    let (ours, theirs) = (cfg(&workflow(20, 0), "5.5"), workflow(30, 0));
    let copy = format!("sub/{COPY}");
    repo.write("sub/fox.json", &ours);
    repo.write(&copy, &theirs);
    // From another folder, and twice in a second: nothing takes the place of anything.
    told(&repo, &["sub", "--merge"], 0);
    let merged = repo.text("sub/fox.json");
    let second = merged.replace("euler", "heun");
    repo.write(&copy, &second);
    told(&repo, &["--merge"], 0);
    let all = kept(&repo.path.join(".git/comfy/set-aside"));
    for text in [&ours, &theirs, &merged] {
        assert!(all.contains(&text.clone().into_bytes()));
    }
    let text = told(&repo, &["--undo"], 0);
    assert!(text.contains("sub/fox.json is as it was"), "{text}");
    assert_eq!(repo.text("sub/fox.json"), merged);
    assert_eq!(repo.text(&copy), second);
    told(&repo, &["--undo"], 0);
    assert_eq!(repo.text("sub/fox.json"), ours);
    assert_eq!(repo.text(&copy), second, "a copy that lies there stays");
    told(&repo, &["--undo"], 2);
}

#[test]
fn work_done_since_is_not_taken_back() {
    let (world, folder) = synced(&[("fox.json", &workflow(20, 0)), (COPY, &workflow(30, 0))]);
    told_in(&world, &folder, &["--merge"], 1);
    std::fs::write(folder.join("fox.json"), workflow(77, 0)).unwrap();
    let text = told_in(&world, &folder, &["--undo"], 0);
    assert!(text.contains("was changed since and stays"), "{text}");
    assert_eq!(std::fs::read_to_string(folder.join("fox.json")).unwrap(), workflow(77, 0));
    assert_eq!(std::fs::read_to_string(folder.join(COPY)).unwrap(), workflow(30, 0));
}

#[test]
fn older_versions_that_the_service_keeps_tell_where_both_began() {
    let (base, ours) = (workflow(20, 0), cfg(&workflow(20, 0), "5.5"));
    let copy = "flows/fox.sync-conflict-20260220-143059-ABCDEF7.json";
    for kept in [".stversions/flows/fox~20260219-120000.json", ".sync/Archive/flows/fox.json"] {
        let (world, folder) = synced(&[
            (kept, &base),
            (".stversions/flows/foxes~20260219-120000.json", &ours),
            ("flows/fox.json", &ours),
            (copy, &workflow(30, 0)),
        ]);
        let text = told_in(&world, &folder, &["--merge"], 0);
        assert!(text.contains("from an older version both began with: KSampler steps"), "{text}");
        let merged = std::fs::read_to_string(folder.join("flows/fox.json")).unwrap();
        assert!(merged.contains(",30,5.5,"), "{merged}");
    }
}

#[test]
fn an_older_copy_may_be_what_both_began_with() {
    let (base, ours, theirs) = (workflow(20, 0), cfg(&workflow(20, 0), "5.5"), workflow(30, 0));
    let older = "fox (Ann's conflicted copy 2026-02-19).json";
    let files = [("fox.json", ours.as_str()), (COPY, &theirs), (older, &base)];
    let (world, folder) = synced(&files);
    for (minute, name) in [(1, older), (2, "fox.json"), (3, COPY)] {
        saved(&folder.join(name), minute);
    }
    let text = told_in(&world, &folder, &["--merge"], 0);
    assert!(text.contains("from an older copy both began with"), "{text}");
    assert!(text.contains("an earlier state of the file"), "{text}");
    let merged = std::fs::read_to_string(folder.join("fox.json")).unwrap();
    assert!(merged.contains(",30,5.5,"), "{merged}");
    // Where it is newer it may have taken both changes back: no guess.
    let (world, folder) = synced(&files);
    for (minute, name) in [(9, older), (2, "fox.json"), (3, COPY)] {
        saved(&folder.join(name), minute);
    }
    let text = told_in(&world, &folder, &[], 1);
    assert!(!text.contains("both began with"), "{text}");
}

#[test]
fn copies_of_copies_find_their_file_and_lost_ones_are_told() {
    let twice = "fox (Ann's conflicted copy 2026-02-20) (Bo's conflicted copy 2026-02-21).json";
    let (world, folder) = synced(&[
        ("fox.json", &workflow(20, 0)),
        (twice, &workflow(20, 300)),
        ("cat (Ann's conflicted copy 2026-02-20).json", &workflow(20, 0)),
        ("dog-DESKTOP-AB12CD3.json", &workflow(20, 0)),
        ("elk (1).json", &workflow(20, 0)),
        ("elk.json", &workflow(20, 0)),
        ("My Drive/elk (1).json", &workflow(20, 5)),
        ("My Drive/elk.json", &workflow(20, 0)),
    ]);
    let text = told_in(&world, &folder, &[], 0);
    insta::assert_snapshot!(text, @r"
    My Drive/elk.json
      elk (1).json  (Google Drive): means the same; it is only set aside
    cat.json
      cat (Ann's conflicted copy 2026-02-20).json  (Dropbox): left as it is: the file is not here; give the copy its name if it is the one
    fox.json
      fox (Ann's conflicted copy 2026-02-20) (Bo's conflicted copy 2026-02-21).json  (Dropbox): means the same; it is only set aside
    `git comfy conflicts --merge` does this
    ");
}
