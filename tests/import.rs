//! `git comfy import`: folders of exports become history, again and again, and nothing is
//! ever lost over it.

use std::path::Path;

use crate::support::outputs::{Picture, canvas, prompt};
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
    // Not even a layout is filed, and a folder that is named is not made.
    let before = everything(&repo.path);
    repo.comfy([
        "import".as_ref(),
        folder.as_os_str(),
        "--dry-run".as_ref(),
        "--into".as_ref(),
        "new/folder".as_ref(),
    ]);
    assert_eq!(everything(&repo.path), before);
}

/// Every file below a folder with its content.
fn everything(folder: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut all = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(everything(&path));
            all.insert(path, Vec::new());
        } else {
            all.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    all
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

/// Runs an import that may fail; gives its exit code and all it said.
fn try_import(repo: &Repo, folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = repo.command(env!("CARGO_BIN_EXE_git-comfy"));
    let output = command.arg("import").arg(folder).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn who_has_not_set_anything_up_is_told_how() {
    let world = crate::support::World::new();
    let repo = world.repo("repo");
    let folder = drawer(&repo);
    let (code, text) = try_import(&repo, &folder, &["--dry-run"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("`git comfy init` is still to be done here"), "{text}");
    let outside = world.at("home");
    let (code, text) = try_import(&outside, &folder, &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("git init; git comfy init"), "{text}");
}

#[test]
fn time_zones_and_times_in_names_are_kept() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = repo.path.parent().unwrap().join("drawer");
    export(&folder, "fox-v1.json", &workflow(20, 0), 3);
    // A name says the moment, or another day than the disk.
    export(&folder, "fox-v2 2026-02-10 14-30-59.json", &workflow(21, 0), 12);
    export(&folder, "fox-v3-2026-07-11.json", &workflow(22, 0), 12);
    let mut command = repo.command(env!("CARGO_BIN_EXE_git-comfy"));
    let output = command.env("TZ", "Europe/Berlin").arg("import").arg(&folder).output().unwrap();
    assert!(output.status.success());
    assert_eq!(
        repo.git(["log", "--reverse", "--format=%ai"]),
        "2026-02-03 19:30:00 +0100\n2026-02-10 14:30:59 +0100\n2026-07-11 12:00:00 +0200\n"
    );
}

#[test]
fn wrong_clocks_are_told_and_the_names_decide() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = repo.path.parent().unwrap().join("drawer");
    export(&folder, "fox-v1.json", &workflow(20, 0), 9);
    export(&folder, "fox-v2.json", &workflow(30, 0), 4);
    let (code, text) = try_import(&repo, &folder, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("fox-v2.json comes after fox-v1.json by its name, but was saved"),
        "{text}"
    );
    assert!(text.contains("--write-plan plan.json"), "{text}");
    insta::assert_snapshot!(history(&repo), @r"
    2026-02-09 18:30 fox: new workflow: 2 nodes
    2026-02-04 18:30 fox: KSampler steps 20 -> 30
    ");
}

#[test]
fn lines_stand_in_the_history_as_they_were_worked_on() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = repo.path.parent().unwrap().join("drawer");
    for (at, name) in ["fox v1", "cat v1", "fox v2", "cat v2"].iter().enumerate() {
        let at = at as u32;
        export(&folder, &format!("{name}.json"), &workflow(20 + at, 9), 1 + u64::from(at));
    }
    try_import(&repo, &folder, &[]);
    insta::assert_snapshot!(history(&repo), @r"
    2026-02-01 18:30 fox: new workflow: 2 nodes
    2026-02-02 18:30 cat: new workflow: 2 nodes
    2026-02-03 18:30 fox: KSampler steps 20 -> 22
    2026-02-04 18:30 cat: KSampler steps 21 -> 23
    ");
}

#[test]
fn a_message_tells_all_that_changed() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = repo.path.parent().unwrap().join("drawer");
    let other = workflow(30, 0)
        .replace("v1-5.safetensors", "a-checkpoint-with-a-rather-long-name.safetensors")
        .replace("euler", "dpmpp_2m_sde_gpu");
    export(&folder, "fox-v1.json", &workflow(20, 0), 1);
    export(&folder, "fox-v2.json", &other, 2);
    try_import(&repo, &folder, &[]);
    let message = repo.git(["log", "-1", "--format=%B"]);
    let subject = message.lines().next().unwrap();
    assert!(subject.ends_with("more") && subject.len() <= 72, "{message}");
    for told in ["steps", "dpmpp_2m_sde_gpu", "rather-long-name", "Imported from fox-v2.json"] {
        assert!(message.contains(told), "{told}: {message}");
    }
}

#[test]
fn exports_that_lie_in_the_repository_come_in_where_they_are() {
    let repo = Repo::new();
    repo.use_filter();
    export(&repo.path, "fox-v1.json", &workflow(20, 0), 1);
    export(&repo.path, "fox.json", &workflow(30, 7), 2);
    let (code, text) = try_import(&repo, Path::new("."), &[]);
    assert_eq!((code, history(&repo).lines().count()), (Some(0), 2), "{text}");
    // The file is what it was, with its own layout, and is the newest version.
    assert_eq!(repo.text("fox.json"), workflow(30, 7));
    assert_eq!(repo.git(["status", "--porcelain"]), "?? fox-v1.json\n");
    // Where it is an older one it is not written over.
    export(&repo.path, "cat.json", &workflow(40, 0), 1);
    export(&repo.path, "cat-v2.json", &workflow(50, 0), 2);
    let (_, text) = try_import(&repo, Path::new("."), &[]);
    assert!(text.contains("is not the newest version"), "{text}");
    assert_eq!(repo.text("cat.json"), workflow(40, 0));
}

#[test]
fn what_is_in_the_way_stays() {
    let repo = Repo::new();
    repo.use_filter();
    repo.write("people", "a file\n");
    repo.write("cats/fox.json/inside.txt", "a folder\n");
    repo.commit_all("in the way");
    let folder = repo.path.parent().unwrap().join("drawer");
    export(&folder, "people/anna v1.json", &workflow(20, 0), 1);
    export(&folder, "cats/fox v1.json", &workflow(21, 0), 1);
    export(&folder, "free v1.json", &workflow(22, 0), 1);
    let tip = repo.id("HEAD");
    let (code, text) = try_import(&repo, &folder, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("people is in the way"), "{text}");
    assert!(text.contains("cats/fox.json is in the way"), "{text}");
    assert_eq!(repo.id("HEAD~1"), tip);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    assert_eq!(repo.text("people"), "a file\n");
    // In the middle of a merge nothing is committed on top of it.
    std::fs::write(repo.common_dir().join("MERGE_HEAD"), repo.id("HEAD")).unwrap();
    export(&folder, "free v2.json", &workflow(23, 0), 2);
    let (code, text) = try_import(&repo, &folder, &[]);
    assert_eq!(code, Some(2), "{text}");
}

#[test]
fn odd_names_come_in_under_plain_ones() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = repo.path.parent().unwrap().join("drawer");
    for (at, name) in ["con v1.json", "Fox v1.json", "fox V2.json", "Cats/a.json", "cats/a v2.json"]
        .iter()
        .enumerate()
    {
        export(&folder, name, &workflow(20 + at as u32, 0), 1 + at as u64);
    }
    let prompt = r#"{"3":{"class_type":"KSampler","inputs":{"steps":20}}}"#;
    export(&folder, "fox_api.json", prompt, 7);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        export(&folder, "line\nend: v1.json", &workflow(70, 0), 1);
        let name = std::ffi::OsStr::from_bytes(b"\xff.json");
        std::fs::write(folder.join(name), workflow(80, 0)).unwrap();
        std::os::unix::fs::symlink(&folder, folder.join("round")).unwrap();
    }
    let (code, text) = try_import(&repo, &folder, &[]);
    assert_eq!(code, Some(0), "{text}");
    let files = repo.git(["ls-files", "-z"]).replace('\0', "\n");
    #[cfg(target_os = "linux")]
    {
        assert!(text.contains("its name is no text"), "{text}");
        assert!(files.contains("line-end-.json\n"), "{files}");
    }
    for file in ["_con.json\n", "Fox.json\n", "Cats/a.json\n", "fox_api.json\n"] {
        assert!(files.contains(file), "{file}: {files}");
    }
    assert_eq!(repo.git(["rev-list", "--count", "HEAD", "--", "Fox.json"]), "2\n");
    assert_eq!(repo.git(["rev-list", "--count", "HEAD", "--", "Cats/a.json"]), "2\n");
    let tip = repo.id("HEAD");
    try_import(&repo, &folder, &[]);
    assert_eq!(repo.id("HEAD"), tip, "again nothing is new");
}

/// A `git` that is the real one until it was called so often; then whoever called is killed
/// before or after it did its work.
#[cfg(unix)]
fn deadly_git(world: &crate::support::World, real: &Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = world.path("deadly");
    std::fs::create_dir_all(&folder).unwrap();
    let git = folder.join("git");
    let script = format!(
        "#!/bin/sh\n\
         count=$(cat \"$DEADLY/count\" 2>/dev/null || echo 0)\n\
         echo $((count + 1)) > \"$DEADLY/count\"\n\
         if [ \"$count\" = \"$DEADLY_BEFORE\" ]; then kill -9 $PPID; exit 1; fi\n\
         \"{0}\" \"$@\"\n\
         code=$?\n\
         if [ \"$count\" = \"$DEADLY_AFTER\" ]; then kill -9 $PPID; fi\n\
         exit $code\n",
        real.display()
    );
    std::fs::write(&git, script).unwrap();
    std::fs::set_permissions(&git, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The folder of that git, and a PATH on which it comes first.
#[cfg(unix)]
fn deadly(repo: &Repo, real: &Path) -> (std::path::PathBuf, std::ffi::OsString) {
    let deadly = deadly_git(&repo.world, real);
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths([deadly.clone()].into_iter().chain(std::env::split_paths(&rest)));
    (deadly, path.unwrap())
}

#[cfg(unix)]
#[test]
fn whatever_kills_it_the_history_is_the_old_or_the_new_one_and_a_second_run_finishes() {
    let Some(real) = crate::support::World::gits().first().map(|folder| folder.join("git")) else {
        return;
    };
    let mut kills = 0;
    for when in ["DEADLY_BEFORE", "DEADLY_AFTER"] {
        for call in 0.. {
            let repo = Repo::new();
            repo.use_filter();
            repo.write("fox.json", workflow(5, 0));
            let old = repo.commit_all("what was there");
            let folder = drawer(&repo);
            export(&folder, "fox.json", &workflow(5, 0), 1);
            export(&folder, "fox v2.json", &workflow(6, 0), 2);
            let (deadly, path) = deadly(&repo, &real);
            let mut command = repo.command(env!("CARGO_BIN_EXE_git-comfy"));
            command.env("PATH", path).env("DEADLY", &deadly).env(when, call.to_string());
            let output = command.arg("import").arg(&folder).output().unwrap();
            let was_killed = output.status.code().is_none();
            let tip = repo.id("HEAD");
            let count = repo.git(["rev-list", "--count", "HEAD"]);
            assert!(tip == old || count == "5\n", "{when} {call}: {count}");
            // What lies there is whole: the old file, the new one, or none.
            let fox = repo.text("fox.json");
            assert!([workflow(5, 0), workflow(6, 0)].contains(&fox), "{when} {call}");
            let lock = repo.common_dir().join("index.lock");
            let _ = std::fs::remove_file(lock);
            let (code, text) = try_import(&repo, &folder, &[]);
            assert_eq!(code, Some(0), "{when} {call}: {text}");
            assert_eq!(repo.git(["rev-list", "--count", "HEAD"]), "5\n", "{when} {call}: {text}");
            assert_eq!(repo.git(["status", "--porcelain"]), "", "{when} {call}: {text}");
            assert_eq!(repo.text("portrait.json"), workflow(30, 20), "{when} {call}");
            assert_eq!(repo.text("fox.json"), workflow(6, 0), "{when} {call}");
            if !was_killed {
                break;
            }
            kills += 1;
        }
    }
    assert!(kills >= 6, "it was killed {kills} times");
}

#[test]
fn a_branch_that_cannot_be_moved_stays_and_a_second_run_finishes() {
    let repo = Repo::new();
    repo.use_filter();
    repo.write("readme", "here\n");
    let old = repo.commit_all("what was there");
    let folder = drawer(&repo);
    // The first one stops what the others would find done.
    let locks = ["refs/notes/comfy-layout.lock", "refs/heads/main.lock", "index.lock"];
    for lock in locks {
        let lock = repo.common_dir().join(lock);
        std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
        std::fs::write(&lock, "").unwrap();
        let (code, text) = try_import(&repo, &folder, &[]);
        assert_eq!((code, repo.id("HEAD")), (Some(2), old.clone()), "{text}");
        std::fs::remove_file(lock).unwrap();
    }
    let (code, text) = try_import(&repo, &folder, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    assert_eq!(repo.git(["rev-list", "--count", "HEAD"]), "4\n");
    repo.git(["fsck", "--strict"]);
}

/// In a terminal of its own, where the system has the tool for it.
#[cfg(target_os = "linux")]
#[test]
fn doubts_are_asked_about_in_a_terminal() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = repo.path.parent().unwrap().join("drawer");
    export(&folder, "fox-v1.json", &workflow(20, 0), 9);
    export(&folder, "fox-v2.json", &workflow(30, 0), 4);
    let ask = |answer: &[u8]| {
        use std::io::Write;
        let import =
            format!("{} import {}", env!("CARGO_BIN_EXE_git-comfy"), folder.to_str().unwrap());
        let mut command = repo.command("script");
        command.args(["-qec", &import, "/dev/null"]).stdin(std::process::Stdio::piped());
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().ok()?;
        child.stdin.take().unwrap().write_all(answer).unwrap();
        Some(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
    };
    let Some(told) = ask(b"q\n") else { return };
    assert!(told.contains("the dates decide for all its versions"), "{told}");
    assert_eq!(repo.try_git(["rev-parse", "-q", "--verify", "HEAD"]).status.code(), Some(1));
    ask(b"7\n2\n");
    insta::assert_snapshot!(history(&repo), @r"
    2026-02-04 18:30 fox: new workflow: 2 nodes
    2026-02-09 18:30 fox: KSampler steps 30 -> 20
    ");
}

#[test]
fn a_stranger_s_plan_reads_and_writes_nowhere_else() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = drawer(&repo);
    let plan = repo.path.parent().unwrap().join("plan.json");
    let with = |file: &str, from: &str| {
        let line = format!(
            r#"{{"file":"{file}","versions":[{{"from":"{from}","date":"2026-02-20T18:30:00+01:00"}}]}}"#
        );
        std::fs::write(&plan, format!(r#"{{"git_comfy_import":1,"lines":[{line}]}}"#)).unwrap();
        try_import(&repo, &folder, &["--plan", plan.to_str().unwrap()]).0
    };
    #[cfg(unix)]
    {
        let secret = repo.path.parent().unwrap().join("secret.json");
        std::fs::write(&secret, workflow(1, 1)).unwrap();
        std::os::unix::fs::symlink(&secret, folder.join("link.json")).unwrap();
        assert_eq!(with("a.json", "link.json"), Some(2));
    }
    for file in [".GIT/hooks/x", "a/.git./x", "../x", "/x", "git~1/x", "a//x"] {
        assert_eq!(with(file, "portrait-v1.json"), Some(2), "{file}");
    }
    assert_eq!(with("a.json", "/etc/hostname"), Some(2));
    assert_eq!(with("a.json", "portrait-v1.json"), Some(0));
}

/// A picture of that seed and text, made on that day.
fn picture(folder: &Path, name: &str, seed: u64, text: &str, day: u64) {
    made(folder, name, &Picture { seed, side: 16 }.saved(text), day);
}

fn made(folder: &Path, name: &str, bytes: &[u8], day: u64) {
    export(folder, name, "", day);
    let path = folder.join(name);
    let saved = path.metadata().unwrap().modified().unwrap();
    std::fs::write(&path, bytes).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(saved).unwrap();
}

/// Outputs of five graphs, one of them by a prompt alone, and files of none.
fn pile(repo: &Repo) -> std::path::PathBuf {
    repo.git(["config", "comfy.server", "off"]);
    let folder = repo.path.parent().unwrap().join("pile");
    picture(&folder, "fox/ComfyUI_00001_.png", 7, "a fox", 3);
    picture(&folder, "fox/ComfyUI_00002_.png", 8, "a fox", 2);
    picture(&folder, "fox/ComfyUI_00003_.png", 9, "a red fox", 5);
    picture(&folder, "fox/ComfyUI_00004_.png", 7, "a fox", 6);
    let api = prompt(4, "by a script").to_string();
    let api = Picture { seed: 4, side: 16 }.png(&[("prompt", api)]);
    made(&folder, "script_00001_.png", &api, 4);
    made(&folder, "holiday.png", &Picture { seed: 5, side: 16 }.png(&[]), 1);
    folder
}

#[test]
fn outputs_become_a_history_with_their_runs() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = pile(&repo);
    let import = |more: &[&str]| {
        let (code, text) = try_import(&repo, &folder, &[&["--outputs"], more].concat());
        assert_eq!(code, Some(0), "{text}");
        text
    };
    let dry = import(&["--dry-run"]);
    insta::assert_snapshot!(dry, @r"
    fox.json
      2026-02-02 18:30  fox/ComfyUI_00002_.png  new workflow: 7 nodes
      2026-02-05 18:30  fox/ComfyUI_00003_.png  KSampler seed 8 -> 9; CLIPTextEncode text edited
    script_api.json
      2026-02-04 18:30  script_00001_.png  new workflow: 7 nodes
    3 commits would be made
    ");
    assert_eq!(repo.try_git(["rev-parse", "-q", "--verify", "HEAD"]).status.code(), Some(1));
    assert_eq!(repo.git(["for-each-ref"]), "");
    let text = import(&[]);
    assert!(text.contains("3 commits made"), "{text}");
    assert!(text.contains("6 files read, 4 new: 4 runs recorded"), "{text}");
    assert!(text.contains("without anything about a run: holiday.png"), "{text}");
    insta::assert_snapshot!(history(&repo), @r"
    2026-02-02 18:30 fox: new workflow: 7 nodes
    2026-02-04 18:30 script_api: new workflow: 7 nodes
    2026-02-05 18:30 fox: KSampler seed 8 -> 9; CLIPTextEncode text edited
    ");
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    // With the layout of the canvas; and a run knows the commit, even one that is past.
    assert!(repo.text("fox.json").contains("[300,40.5]"));
    // By its bytes: which of two equal files the run names is not said.
    let shown = folder.join("fox/ComfyUI_00001_.png");
    let shown = repo.comfy(["runs", "show", shown.to_str().unwrap()]);
    let first =
        repo.git(["log", "--format=%h", "--abbrev=10", "--grep=new workflow", "--", "fox.json"]);
    assert!(shown.contains("fox.json in") && shown.contains(first.trim()), "{first}: {shown}");
    let found = repo.comfy(["find", "--workflow", "script_api.json"]);
    assert!(found.contains("script_00001_.png"), "{found}");

    // Again: nothing twice. New ones go on; one that is older than the newest stays out.
    let (tip, runs) = (repo.id("HEAD"), repo.id("refs/comfy/runs"));
    let text = import(&[]);
    assert!(text.contains("nothing new to commit; 3 in history already"), "{text}");
    assert_eq!((repo.id("HEAD"), repo.id("refs/comfy/runs")), (tip.clone(), runs));
    picture(&folder, "fox/ComfyUI_00005_.png", 1, "a blue fox", 8);
    picture(&folder, "fox/ComfyUI_00006_.png", 1, "an old fox", 1);
    std::fs::remove_file(folder.join("fox/ComfyUI_00002_.png")).unwrap();
    let text = import(&[]);
    assert!(text.contains("ComfyUI_00006_.png is left out"), "{text}");
    assert_eq!(repo.id("HEAD~1"), tip);
    assert!(repo.text("fox.json").contains("a blue fox"));
}

#[test]
fn outputs_go_on_from_a_workflow_that_is_committed() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = pile(&repo);
    repo.write("people/anna.json", canvas(99, "a red fox").to_string());
    repo.write("script_api.json", "{}");
    repo.commit_all("mine");
    picture(&folder, "fox/ComfyUI_00007_.png", 1, "a blue fox", 9);
    let (code, text) = try_import(&repo, &folder, &["--outputs"]);
    assert_eq!(code, Some(0), "{text}");
    // The graph that is there is known by what it is; what came later goes on from it.
    assert!(text.contains("ComfyUI_00002_.png is left out: people/anna.json"), "{text}");
    assert_eq!(repo.git(["rev-list", "--count", "HEAD", "--", "people/anna.json"]), "2\n");
    assert!(repo.text("people/anna.json").contains("a blue fox"));
    assert_eq!(repo.text("script_api.json"), "{}");
    assert!(repo.path.join("script_api-2.json").is_file());
}

#[test]
fn a_plan_for_outputs_can_be_edited() {
    let repo = Repo::new();
    repo.use_filter();
    let folder = pile(&repo);
    let plan = repo.path.parent().unwrap().join("plan.json");
    let name = plan.to_str().unwrap();
    try_import(&repo, &folder, &["--outputs", "--write-plan", name]);
    let text = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, text.replace("\"fox.json\"", "\"animals/red.json\"")).unwrap();
    let (code, text) = try_import(&repo, &folder, &["--outputs", "--plan", name]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(repo.git(["rev-list", "--count", "HEAD", "--", "animals/red.json"]), "2\n");
    let tip = repo.id("HEAD");
    try_import(&repo, &folder, &["--outputs", "--plan", name]);
    try_import(&repo, &folder, &["--outputs"]);
    assert_eq!(repo.id("HEAD"), tip, "the line is known by its graphs, whatever it is called");
}

#[cfg(unix)]
#[test]
fn killed_while_it_takes_outputs_in_it_goes_on_and_records_nothing_twice() {
    let Some(real) = crate::support::World::gits().first().map(|folder| folder.join("git")) else {
        return;
    };
    let whole = Repo::new();
    whole.use_filter();
    let folder = pile(&whole);
    try_import(&whole, &folder, &["--outputs"]);
    let runs = |repo: &Repo| repo.git(["rev-parse", "refs/comfy/runs^{tree}:undated"]);
    let files = |repo: &Repo| repo.git(["ls-tree", "-r", "--name-only", "refs/comfy/runs"]);
    for call in 0.. {
        let repo = Repo::new();
        repo.use_filter();
        let folder = pile(&repo);
        let (deadly, path) = deadly(&repo, &real);
        let mut command = repo.command(env!("CARGO_BIN_EXE_git-comfy"));
        command.env("PATH", path).env("DEADLY", &deadly).env("DEADLY_AFTER", call.to_string());
        let output = command.arg("import").arg(&folder).arg("--outputs").output().unwrap();
        let was_killed = output.status.code().is_none();
        let _ = std::fs::remove_file(repo.common_dir().join("index.lock"));
        let (code, text) = try_import(&repo, &folder, &["--outputs"]);
        assert_eq!(code, Some(0), "{call}: {text}");
        assert_eq!(history(&repo), history(&whole), "{call}");
        assert_eq!(files(&repo), files(&whole), "{call}");
        assert!(!runs(&repo).is_empty());
        if !was_killed {
            assert!(call >= 3, "it was killed {call} times");
            break;
        }
    }
}

#[test]
fn a_real_pile_of_outputs_comes_in() {
    let Some(data) = shared_data() else { return };
    let repo = Repo::new();
    repo.use_filter();
    repo.git(["config", "comfy.server", "off"]);
    let folder = data.join("outputs");
    let (code, text) = try_import(&repo, &folder, &["--outputs"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("131 new: 56 runs recorded"), "{text}");
    assert!(repo.path.join("fox.json").is_file(), "{text}");
    let runs = repo.id("refs/comfy/runs");
    let (_, text) = try_import(&repo, &folder, &["--outputs"]);
    assert!(text.contains("nothing new to commit; 16 in history"), "{text}");
    assert_eq!(repo.id("refs/comfy/runs"), runs);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    repo.git(["fsck", "--strict"]);
}

/// The drawer of somebody who kept versions in names, in more than one language, with
/// copies, and two workflows under one name.
#[test]
fn a_real_drawer_becomes_the_lines_a_person_would_see() {
    let Some(data) = shared_data() else { return };
    let repo = Repo::new();
    repo.use_filter();
    let folder = repo.path.parent().unwrap().join("drawer");
    let edit = |number: u32| {
        std::fs::read_to_string(data.join(format!("edits/v{number:02}.json"))).unwrap()
    };
    let template = |name: &str| std::fs::read_to_string(data.join("templates").join(name)).ok();
    for (day, name) in [
        "Fox portrait v1.json",
        "Fox portrait - Kopie.json",
        "fox_portrait-v2-2026-02-03.json",
        "Copy of fox portrait v3.json",
        "old/fox portrait v4 (1).json",
        "fox-portrait-v5-final.json",
        "fox portrait v5 final2 2026-02-07 18-30.json",
        "fox portraitのコピー.json",
        "fox portrait Save As v6 Final.json",
    ]
    .iter()
    .enumerate()
    {
        let day = day as u32 + 1;
        export(&folder, name, &edit(day), u64::from(day));
    }
    export(&folder, "fox portrait v6 (2).json", &edit(9), 20);
    let mut others = 0;
    for (name, file) in [
        ("api_anthropic_claude.json", "Claude hilft.json"),
        ("api_beeble_switchx_image_edit.json", "switch x [done] 20260220.json"),
        ("3d_hunyuan3d_image_to_model.json", "Fox portrait v7.json"),
    ] {
        if let Some(content) = template(name) {
            export(&folder, file, &content, 21);
            others += 1;
        }
    }
    let (code, text) = try_import(&repo, &folder, &[]);
    assert_eq!(code, Some(0), "{text}");
    let files = repo.git(["ls-files"]);
    assert_eq!(files.lines().count(), 1 + others, "{files}");
    let name = files.lines().find(|file| file.to_lowercase() == "fox portrait.json").unwrap();
    // The same content under three names, and v3 is v2 with other positions.
    let mut contents: Vec<Vec<u8>> =
        (1..=9).map(|number| repo.comfy_with(["clean"], edit(number).as_bytes()).stdout).collect();
    contents.sort();
    contents.dedup();
    let commits = repo.git(["rev-list", "--count", "HEAD", "--", name]);
    assert_eq!(commits.trim(), contents.len().to_string(), "{text}");
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    if others == 3 {
        assert!(text.contains("Fox portrait v7.json has the name of"), "{text}");
    }
    // Every commit opens: what git gives out is the export it came from.
    let newest = serde_json::from_str::<serde_json::Value>(&repo.text(name)).unwrap();
    assert_eq!(newest, serde_json::from_str::<serde_json::Value>(&edit(9)).unwrap());
    let tip = repo.id("HEAD");
    try_import(&repo, &folder, &[]);
    assert_eq!(repo.id("HEAD"), tip);
}
