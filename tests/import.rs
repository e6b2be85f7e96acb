//! `git comfy import`: folders of exports become history, again and again, and nothing is
//! ever lost over it.

use std::path::Path;

use crate::support::{Format, Repo, shared_data, workflow};

/// Writes an export, saved on that day of February 2026 at 18:30 UTC.
fn export(folder: &Path, name: &str, content: &str, day: u64) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    let saved = std::time::UNIX_EPOCH
        + std::time::Duration::from_secs(1_769_904_000 + (day - 1) * 86_400 + 66_600);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(saved).unwrap();
}

fn history(repo: &Repo) -> String {
    repo.git(["log", "--reverse", "--date=format:%Y-%m-%d %H:%M", "--format=%ad %s"])
}

fn drawer(repo: &Repo) -> std::path::PathBuf {
    let folder = repo.path.parent().unwrap().join("drawer");
    export(&folder, "portrait-v1.json", &workflow(20, 0), 3);
    export(&folder, "portrait-v1 (1).json", &workflow(20, 0), 4);
    export(&folder, "portrait-v2-2026-02-10.json", &workflow(24, 10), 10);
    export(&folder, "portrait-v3-final.json", &workflow(30, 20), 12);
    export(&folder, "notes.json", r#"{"nodes": "none of ours"}"#, 1);
    folder
}

#[test]
fn exports_become_commits_with_their_dates() {
    for format in Format::all() {
        let repo = Repo::with(format);
        repo.use_filter();
        let folder = drawer(&repo);
        repo.comfy(["import".as_ref(), folder.as_os_str()]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(history(&repo), @r"
            2026-02-03 18:30 portrait: new workflow: 2 nodes
            2026-02-10 18:30 portrait: KSampler steps 20 -> 24
            2026-02-12 18:30 portrait: KSampler steps 24 -> 30
            ");
        }
        // With its layout, in the work tree and in the history.
        assert_eq!(repo.text("portrait.json"), workflow(30, 20));
        assert_eq!(repo.git(["status", "--porcelain"]), "");
        repo.git(["checkout", "-q", "HEAD~1", "--", "portrait.json"]);
        assert_eq!(repo.text("portrait.json"), workflow(24, 10));
        repo.git(["fsck", "--strict"]);
    }
}

#[test]
fn bringing_them_in_again_adds_only_what_is_new() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = drawer(&repo);
    let import = || repo.comfy(["import".as_ref(), folder.as_os_str()]);
    import();
    let tip = repo.id("HEAD");
    import();
    assert_eq!(repo.id("HEAD"), tip);
    export(&folder, "portrait-v4.json", &workflow(33, 5), 14);
    // Too late: a newer version is there already.
    export(&folder, "portrait-v2.5.json", &workflow(26, 5), 11);
    let told = import();
    assert!(told.contains("portrait-v2.5.json is left out"), "{told}");
    assert_eq!(repo.id("HEAD~1"), tip);
    assert_eq!(repo.text("portrait.json"), workflow(33, 5));
}

#[test]
fn what_lies_there_is_never_written_over() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = drawer(&repo);
    repo.write("portrait.json", "mine, not committed");
    let told = repo.comfy(["import".as_ref(), folder.as_os_str()]);
    assert!(told.contains("left as it is: such a file lies there"), "{told}");
    assert_eq!(repo.text("portrait.json"), "mine, not committed");
    repo.write("portrait.json", workflow(99, 1));
    repo.commit_all("mine");
    let tip = repo.id("HEAD");
    let told = repo.comfy(["import".as_ref(), folder.as_os_str()]);
    assert!(told.contains("none of these versions"), "{told}");
    assert_eq!(repo.id("HEAD"), tip);
    // Under another name it works, beside what was there and what is staged.
    repo.write("staged.txt", "staged");
    repo.git(["add", "staged.txt"]);
    repo.comfy(["import".as_ref(), folder.as_os_str(), "--into".as_ref(), "past".as_ref()]);
    assert_eq!(repo.text("past/portrait.json"), workflow(30, 20));
    assert_eq!(repo.git(["status", "--porcelain"]), "A  staged.txt\n");
}

#[test]
fn a_plan_can_be_edited_and_fed_back() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = drawer(&repo);
    let plan = repo.path.parent().unwrap().join("plan.json");
    let with = |option: &str| {
        repo.comfy(["import".as_ref(), folder.as_os_str(), option.as_ref(), plan.as_os_str()])
    };
    with("--write-plan");
    assert_eq!(repo.try_git(["rev-parse", "HEAD"]).status.code(), Some(128));
    let text = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, text.replace("\"portrait.json\"", "\"people/anna.json\"")).unwrap();
    with("--plan");
    assert_eq!(repo.text("people/anna.json"), workflow(30, 20));
    // A plan is a stranger's: it names files below the folder, and paths in the work tree.
    for (ours, evil) in [("portrait-v1.json", "../portrait-v1.json"), ("portrait.json", ".git/x")] {
        std::fs::write(&plan, text.replace(&format!("\"{ours}\""), &format!("\"{evil}\"")))
            .unwrap();
        let output = repo
            .command(env!("CARGO_BIN_EXE_git-comfy"))
            .args(["import".as_ref(), folder.as_os_str(), "--plan".as_ref(), plan.as_os_str()])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{evil}");
    }
}

#[test]
fn a_dry_run_tells_what_changed_and_touches_nothing() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = drawer(&repo);
    let told = repo.comfy(["import".as_ref(), folder.as_os_str(), "--dry-run".as_ref()]);
    insta::assert_snapshot!(told, @r"
    portrait.json
      2026-02-03 18:30  portrait-v1.json  new workflow: 2 nodes
      2026-02-10 18:30  portrait-v2-2026-02-10.json  KSampler steps 20 -> 24
      2026-02-12 18:30  portrait-v3-final.json  KSampler steps 24 -> 30
    ");
    assert_eq!(repo.try_git(["rev-parse", "HEAD"]).status.code(), Some(128));
    assert!(!repo.path.join("portrait.json").exists());
}

#[test]
fn a_real_history_of_saves_comes_in_whole() {
    let Some(data) = shared_data() else { return };
    let repo = Repo::new();
    repo.use_filter();
    let folder = repo.path.parent().unwrap().join("drawer");
    let mut count = 0;
    for entry in std::fs::read_dir(data.join("edits")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(number) = name.strip_prefix('v').and_then(|rest| rest.strip_suffix(".json"))
        else {
            continue;
        };
        let content = std::fs::read_to_string(data.join("edits").join(&name)).unwrap();
        let day: u64 = number.parse().unwrap();
        export(&folder, &format!("fox-v{day}-2026-02-{day:02}.json"), &content, day);
        count += 1;
    }
    assert!(count > 10);
    repo.comfy(["import".as_ref(), folder.as_os_str()]);
    let commits: usize = repo.git(["rev-list", "--count", "HEAD"]).trim().parse().unwrap();
    let mut contents: Vec<String> = Vec::new();
    for day in 1..=count {
        let file = folder.join(format!("fox-v{day}-2026-02-{day:02}.json"));
        let clean = repo.comfy_with(["clean"], &std::fs::read(file).unwrap());
        contents.push(String::from_utf8(clean.stdout).unwrap());
    }
    contents.sort();
    contents.dedup();
    assert_eq!(commits, contents.len(), "one commit for each content");
    assert_eq!(repo.git(["ls-files"]), "fox.json\n");
}
