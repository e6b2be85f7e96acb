//! Files of git-comfy's own that are empty, damaged or no files: no workflow is lost from the
//! work tree, no position is stripped, and what to do is said.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::support::{GIT_COMFY, Repo, workflow};

const NAMES: &[&str] = &["files", "layouts", "clock", "fetched", "layout-path-index", "told-raw"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Empty,
    Garbage,
    Truncated,
    Folder,
}

const DAMAGES: &[Damage] = &[Damage::Empty, Damage::Garbage, Damage::Truncated, Damage::Folder];

/// The drag of one file is in a note, and that of another one waits for it.
fn dragged_twice() -> Repo {
    let repo = Repo::new();
    repo.comfy(["init", "-q", "--hooks", "files"]);
    repo.write("a.json", workflow(20, 5));
    repo.write("d.json", workflow(4, 5));
    repo.commit_all("first");
    repo.write("a.json", workflow(20, 900));
    repo.git(["commit", "-q", "--allow-empty", "-a", "-m", "dragged"]);
    repo.write("d.json", workflow(4, 50));
    // git looks again into files that are as young as its index.
    let file = fs::File::options().write(true).open(repo.path.join("d.json")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    repo.comfy(["refresh", "-q"]);
    repo
}

fn store(repo: &Repo, name: &str) -> PathBuf {
    repo.common_dir().join("comfy").join(name)
}

fn do_damage(repo: &Repo, name: &str, damage: Damage) -> PathBuf {
    let file = store(repo, name);
    let whole = fs::read(&file).unwrap_or_default();
    let _ = fs::remove_file(&file);
    match damage {
        Damage::Empty => fs::write(&file, "").unwrap(),
        Damage::Garbage => fs::write(&file, "{\"garbage\": \"longer than any head\"}\n").unwrap(),
        Damage::Truncated => fs::write(&file, &whole[..whole.len() - whole.len() / 8]).unwrap(),
        Damage::Folder => fs::create_dir(&file).unwrap(),
    }
    file
}

/// All else makes itself again.
fn is_named(name: &str, damage: Damage) -> bool {
    match name {
        "files" | "layouts" => true,
        "clock" => damage != Damage::Truncated,
        _ => damage == Damage::Folder,
    }
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_checkout_brings_every_file_whatever_is_damaged() {
    for name in NAMES {
        for damage in DAMAGES {
            let repo = dragged_twice();
            do_damage(&repo, name, *damage);
            fs::remove_file(repo.path.join("a.json")).unwrap();
            let output = repo.try_git(["checkout", "--", "a.json"]);
            let told = said(&output);
            assert!(output.status.success(), "{name} {damage:?}: {told}");
            assert_eq!(repo.text("a.json"), workflow(20, 900), "{name} {damage:?}");
            if ["files", "layouts"].contains(name) && *damage != Damage::Truncated {
                let file = store(&repo, name);
                assert!(told.contains(file.to_str().unwrap()), "{name} {damage:?}: {told}");
                assert!(told.contains("`git comfy init`"), "{name} {damage:?}: {told}");
            }
            assert_eq!(repo.git(["status", "--porcelain"]), "", "{name} {damage:?}");
        }
    }
}

#[test]
fn a_layout_that_cannot_be_stored_is_not_stripped() {
    for name in ["files", "layouts"] {
        for damage in [Damage::Empty, Damage::Garbage, Damage::Folder] {
            let repo = dragged_twice();
            let file = do_damage(&repo, name, damage);
            repo.write("a.json", workflow(21, 40));
            let output = repo.try_git(["add", "a.json"]);
            let told = said(&output);
            assert!(!output.status.success(), "{name} {damage:?}: {told}");
            assert!(told.contains(file.to_str().unwrap()), "{name} {damage:?}: {told}");
            assert!(told.contains("`git comfy init`"), "{name} {damage:?}: {told}");
            assert!(!repo.try_git(["commit", "-q", "-a", "-m", "x"]).status.success());
            assert_eq!(repo.text("a.json"), workflow(21, 40), "{name} {damage:?}");
        }
    }
}

#[test]
fn status_and_doctor_name_what_is_damaged_and_the_remedy() {
    for name in NAMES {
        for damage in DAMAGES {
            if !is_named(name, *damage) {
                continue;
            }
            let repo = dragged_twice();
            let file = do_damage(&repo, name, *damage);
            let file = file.to_str().unwrap();
            let told = repo.comfy(["status"]);
            assert!(told.contains(file) && told.contains("git comfy init"), "{damage:?}: {told}");
            let report = repo.comfy_with(["doctor"], b"");
            let report = String::from_utf8_lossy(&report.stdout).into_owned();
            assert!(report.contains(file), "{damage:?}: {report}");
            assert!(report.contains("git comfy init, which sets it aside"), "{damage:?}: {report}");
        }
    }
}

#[test]
fn init_sets_aside_what_is_damaged_and_begins_anew() {
    for name in NAMES {
        for damage in DAMAGES {
            let repo = dragged_twice();
            let is_named = is_named(name, *damage);
            let file = do_damage(&repo, name, *damage);
            let shown = repo.comfy(["init", "--dry-run"]);
            assert_eq!(shown.contains(file.to_str().unwrap()), is_named, "{name} {damage:?}");
            let told = repo.comfy_with(["init"], b"");
            let told = String::from_utf8_lossy(&told.stdout).into_owned() + &said(&told);
            let aside = file.with_file_name(format!("{name}.damaged"));
            assert_eq!(aside.exists(), is_named, "{name} {damage:?}: {told}");
            assert_eq!(told.contains(aside.to_str().unwrap()), is_named, "{name}: {told}");
            // Nothing that lies in the work tree is lost by it.
            repo.git(["commit", "-q", "--allow-empty", "-m", "kept"]);
            fs::remove_file(repo.path.join("d.json")).unwrap();
            repo.git(["checkout", "-q", "--", "d.json"]);
            assert_eq!(repo.text("d.json"), workflow(4, 50), "{name} {damage:?}");
            let report = repo.comfy_with(["doctor"], b"");
            assert!(report.status.success(), "{name} {damage:?}: {report:?}");
        }
    }
}

#[test]
fn a_second_damage_does_not_replace_what_was_set_aside() {
    let repo = dragged_twice();
    for name in ["layouts.damaged", "layouts.damaged-2"] {
        do_damage(&repo, "layouts", Damage::Garbage);
        repo.comfy(["init", "-q"]);
        assert!(store(&repo, name).exists(), "{name}");
    }
}

#[test]
fn layouts_that_are_whole_are_saved_from_a_damaged_file() {
    let repo = dragged_twice();
    repo.write("b.json", workflow(7, 70));
    repo.git(["add", "b.json"]);
    let file = store(&repo, "layouts");
    let whole = fs::read(&file).unwrap();
    // Neither the beginning is right nor the end.
    fs::write(&file, [&b"garbage"[..], &whole[7..], b"\0L cut off"].concat()).unwrap();
    let told = repo.comfy_with(["init"], b"");
    assert!(
        said(&told).contains("whole") || String::from_utf8_lossy(&told.stdout).contains("whole")
    );
    repo.write("b.json", "gone");
    repo.git(["commit", "-q", "-m", "b"]);
    repo.git(["checkout", "-q", "--", "b.json"]);
    assert_eq!(repo.text("b.json"), workflow(7, 70));
}

#[test]
fn a_file_in_place_of_the_folder_is_set_aside() {
    let repo = dragged_twice();
    let folder = repo.common_dir().join("comfy");
    fs::rename(&folder, folder.with_file_name("elsewhere")).unwrap();
    fs::write(&folder, "x").unwrap();
    fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "-q", "--", "a.json"]);
    assert_eq!(repo.text("a.json"), workflow(20, 900));
    let output = repo.command(GIT_COMFY).args(["init"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(folder.is_dir() && folder.with_file_name("comfy.damaged").is_file());
}
