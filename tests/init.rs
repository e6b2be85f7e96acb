//! `git comfy init`: what it writes, that it can be run again, and that it leaves alone
//! what others wrote.

use std::fs;
use std::path::PathBuf;

use crate::support::{Format, GIT_COMFY, Repo, World, workflow};

/// The program as the configuration names it, told by one word.
fn told(text: &str) -> String {
    text.replace(GIT_COMFY, "PROGRAM")
}

#[test]
fn a_repository_is_set_up() {
    let repo = Repo::new();
    repo.comfy(["init"]);
    let wanted = format!("{GIT_COMFY} filter-process\n");
    assert_eq!(repo.git(["config", "--local", "filter.comfy.process"]), wanted);
    assert_eq!(
        told(&repo.git([
            "config",
            "--local",
            "--get-regexp",
            "^(filter|merge|mergetool|notes)\\."
        ])),
        "filter.comfy.process PROGRAM filter-process\n\
         filter.comfy.clean PROGRAM clean -- %f\n\
         filter.comfy.smudge PROGRAM smudge -- %f\n\
         filter.comfy.required true\n\
         merge.comfy.name ComfyUI workflows, as graphs\n\
         merge.comfy.driver PROGRAM merge-driver -p %P -l %L -s %S -x %X -y %Y -- %O %A %B\n\
         merge.comfy.recursive comfy-ancestor\n\
         merge.comfy-ancestor.name ComfyUI workflows, for git itself\n\
         merge.comfy-ancestor.driver PROGRAM merge-driver --virtual-ancestor -p %P -l %L \
         -- %O %A %B\n\
         mergetool.comfy.cmd PROGRAM resolve -- \"$MERGED\"\n\
         mergetool.comfy.trustexitcode true\n\
         notes.rewritemode ignore\n\
         notes.rewriteref refs/notes/comf[y]\n"
    );
    insta::assert_snapshot!(repo.text(".gitattributes"), @r"
    # >>> git-comfy >>>
    # ComfyUI workflows. In each clone run `git comfy init` once.
    *.json filter=comfy diff=comfy merge=comfy
    *.png diff=comfy
    *.webp diff=comfy
    *.jpg diff=comfy
    *.jpeg diff=comfy
    *.avif diff=comfy
    *.mp4 diff=comfy
    *.webm diff=comfy
    *.mkv diff=comfy
    *.mov diff=comfy
    *.flac diff=comfy
    *.mp3 diff=comfy
    *.opus diff=comfy
    *.glb diff=comfy
    *.latent diff=comfy
    # <<< git-comfy <<<
    ");
}

#[test]
fn a_second_run_changes_nothing_and_says_so() {
    let repo = Repo::new();
    repo.git(["remote", "add", "origin", "/nowhere"]);
    repo.comfy(["init"]);
    let before = snapshot(&repo);
    let said = repo.comfy(["init"]);
    assert!(said.contains("already"), "{said}");
    assert_eq!(snapshot(&repo), before);
}

#[test]
fn a_dry_run_shows_every_step_and_takes_none() {
    let repo = Repo::new();
    let before = snapshot(&repo);
    let shown = repo.comfy(["init", "--dry-run", "--hooks", "files"]);
    assert_eq!(snapshot(&repo), before);
    for part in [
        "git config --local filter.comfy.process = ",
        "git config --local notes.rewriteRef += refs/notes/comf[y]",
        ".gitattributes",
        "hooks/post-commit",
    ] {
        assert!(shown.contains(part), "{part} is missing in:\n{shown}");
    }
}

#[test]
fn a_moved_program_takes_the_place_of_the_old_one() {
    let repo = Repo::new();
    repo.comfy(["init", "--command", "/old place/it's/git-comfy"]);
    let old = repo.git(["config", "filter.comfy.process"]);
    assert_eq!(old, "'/old place/it'\\''s/git-comfy' filter-process\n");
    repo.comfy(["init"]);
    let values = repo.git(["config", "--get-all", "filter.comfy.process"]);
    assert_eq!(told(&values), "PROGRAM filter-process\n");
    assert_eq!(repo.git(["config", "--list"]).matches("old place").count(), 0);
}

#[test]
fn a_foreign_value_stays_until_forced() {
    let repo = Repo::new();
    repo.git(["config", "filter.comfy.process", "nice my-wrapper"]);
    let said = repo.comfy(["init"]);
    assert!(said.contains("nice my-wrapper"), "{said}");
    assert_eq!(repo.git(["config", "filter.comfy.process"]), "nice my-wrapper\n");
    repo.comfy(["init", "--force"]);
    assert_eq!(told(&repo.git(["config", "filter.comfy.process"])), "PROGRAM filter-process\n");
}

#[test]
fn other_peoples_attribute_lines_stay_and_win() {
    let repo = Repo::new();
    repo.write(".gitattributes", "* text=auto\nmodels/*.json filter=lfs -text\n");
    repo.comfy(["init"]);
    let text = repo.text(".gitattributes");
    assert!(text.ends_with("\n* text=auto\nmodels/*.json filter=lfs -text\n"), "{text}");
    let given = repo.git(["check-attr", "filter", "a.json", "models/b.json"]);
    assert_eq!(given, "a.json: filter: comfy\nmodels/b.json: filter: lfs\n");
}

#[test]
fn lines_a_person_wrote_by_hand_are_enough() {
    let repo = Repo::new();
    let own = "*.json filter=comfy diff=comfy merge=comfy\n";
    repo.write(".gitattributes", own);
    repo.comfy(["init"]);
    assert_eq!(repo.text(".gitattributes"), own);
}

#[test]
fn the_lines_can_stand_in_a_file_that_is_not_committed() {
    let repo = Repo::new();
    repo.comfy(["init"]);
    repo.comfy(["init", "--attributes", ".git/info/attributes"]);
    assert!(!repo.path.join(".gitattributes").exists(), "they stand in one place only");
    assert_eq!(repo.git(["check-attr", "filter", "a.json"]), "a.json: filter: comfy\n");
    // And a plain second run leaves them there.
    repo.comfy(["init"]);
    assert!(!repo.path.join(".gitattributes").exists());
}

#[test]
fn a_file_git_does_not_read_attributes_from_is_refused() {
    let repo = Repo::new();
    let output = repo.comfy_with(["init", "--attributes", "attributes.txt"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("attributes.txt"));
    assert!(!repo.path.join("attributes.txt").exists());
}

#[test]
fn outside_a_repository_it_says_what_to_do() {
    let world = World::new();
    let folder = world.at("plain");
    fs::create_dir(&folder.path).unwrap();
    let output = folder.comfy_with(["init"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("git init"));
}

#[test]
fn every_remote_fetches_layouts_and_a_plain_fetch_still_works() {
    let world = World::new();
    let bare = world.bare("bare.git");
    let repo = world.repo("repo");
    repo.write("a.txt", "a");
    repo.commit_all("one");
    repo.git(["remote", "add", "origin", bare.path.to_str().unwrap()]);
    repo.git(["remote", "add", "my/fork", bare.path.to_str().unwrap()]);
    repo.git(["config", "remote.pushonly.url", "/nowhere"]);
    repo.git(["push", "-q", "-u", "origin", "main"]);
    repo.comfy(["init"]);
    assert_eq!(
        repo.git(["config", "--get-all", "remote.my/fork.fetch"]),
        "+refs/heads/*:refs/remotes/my/fork/*\n+refs/notes/comfy*:refs/notes/remotes/my/fork/comfy*\n"
    );
    assert!(!repo.try_git(["config", "remote.pushonly.fetch"]).status.success());
    repo.git(["fetch", "-q"]);
    repo.git(["pull", "-q"]);
    // A remote that was renamed gets its notes under its new name.
    repo.git(["remote", "rename", "my/fork", "fork"]);
    repo.comfy(["init"]);
    assert_eq!(
        repo.git(["config", "--get-all", "remote.fork.fetch"]),
        "+refs/heads/*:refs/remotes/fork/*\n+refs/notes/comfy*:refs/notes/remotes/fork/comfy*\n"
    );
}

#[test]
fn git_warns_of_no_record_where_there_is_none() {
    let repo = Repo::new();
    // As an older git-comfy set it up.
    repo.git(["config", "notes.rewriteRef", "refs/notes/comfy"]);
    repo.comfy(["init"]);
    repo.git(["config", "comfy.record", "false"]);
    repo.write("a.txt", "a");
    repo.git(["add", "."]);
    repo.git(["commit", "-q", "-m", "one"]);
    let amended = repo.try_git(["commit", "-q", "--amend", "-m", "two"]);
    assert!(amended.status.success());
    assert_eq!(String::from_utf8_lossy(&amended.stderr), "");
    assert_eq!(repo.git(["config", "--get-all", "notes.rewriteRef"]), "refs/notes/comf[y]\n");
}

#[test]
fn notes_of_others_that_are_joined_on_rewrite_stay_so() {
    let repo = Repo::new();
    repo.git(["config", "notes.rewriteRef", "refs/notes/commits"]);
    repo.comfy(["init"]);
    assert_eq!(repo.git(["config", "--get-all", "notes.rewriteRef"]), "refs/notes/commits\n");
    assert!(!repo.try_git(["config", "notes.rewriteMode"]).status.success());
}

#[test]
fn for_the_whole_machine() {
    let world = World::new();
    let repo = world.repo("repo");
    let before = fs::read(repo.path.join(".git/config")).unwrap();
    repo.comfy(["init", "--global"]);
    assert_eq!(fs::read(repo.path.join(".git/config")).unwrap(), before);
    assert!(!repo.path.join(".gitattributes").exists());
    let other = world.repo("other");
    assert_eq!(other.git(["check-attr", "filter", "a.json"]), "a.json: filter: comfy\n");
    assert_eq!(told(&other.git(["config", "filter.comfy.process"])), "PROGRAM filter-process\n");
    // In a repository only what is missing is added.
    other.comfy(["init"]);
    assert!(!other.path.join(".gitattributes").exists());
    assert!(!other.try_git(["config", "--local", "filter.comfy.process"]).status.success());
}

#[test]
fn the_persons_own_attributes_file_is_honoured() {
    let world = World::new();
    let repo = world.repo("repo");
    repo.git(["config", "--global", "core.attributesFile", "~/my attributes"]);
    repo.comfy(["init", "--global"]);
    assert!(fs::read_to_string(world.home().join("my attributes")).unwrap().contains("*.json"));
    assert!(!world.home().join(".config/git/attributes").exists());
}

#[test]
fn linked_work_trees_and_subfolders_are_the_same_repository() {
    let repo = Repo::new();
    repo.write("deep/er/a.json", workflow(20, 0));
    repo.commit_all("one");
    repo.git(["worktree", "add", "-q", "../tree", "-b", "side"]);
    let tree = repo.world.at("tree");
    let deep = repo.world.at("repo/deep/er");
    deep.comfy(["init"]);
    assert!(repo.path.join(".gitattributes").exists());
    assert!(!deep.path.join(".gitattributes").exists());
    assert_eq!(told(&tree.git(["config", "filter.comfy.process"])), "PROGRAM filter-process\n");
    tree.comfy(["init"]);
    assert!(tree.path.join(".gitattributes").exists(), "an attributes file for each branch");
}

#[test]
fn a_folder_with_every_kind_of_letter_works() {
    let world = World::new();
    let repo = world.repo("it's a \"ü\"\nfolder");
    repo.comfy(["init"]);
    assert_eq!(repo.git(["check-attr", "filter", "a.json"]), "a.json: filter: comfy\n");
    let said = repo.comfy(["init"]);
    assert!(said.contains("already"), "{said}");
    repo.comfy(["uninstall"]);
    assert!(!repo.path.join(".gitattributes").exists());
}

#[test]
fn a_fresh_clone_gets_its_layouts() {
    let world = World::new();
    let bare = world.bare("bare.git");
    let repo = world.repo("repo");
    repo.git(["remote", "add", "origin", bare.path.to_str().unwrap()]);
    repo.comfy(["init", "--hooks", "files"]);
    for (name, shift) in [("a.json", 0), ("sub/b.json", 333)] {
        repo.write(name, workflow(20, shift));
    }
    repo.write("package.json", "{\"no\": \"workflow\"}");
    repo.commit_all("one");
    repo.git(["push", "-q", "-u", "origin", "main"]);
    let clone = world.at("clone");
    world.command("git").arg("clone").arg("-q").arg(&bare.path).arg(&clone.path).status().unwrap();
    assert_ne!(clone.text("a.json"), workflow(20, 0));
    clone.write("mine.json", workflow(1, 1));
    let said = clone.comfy(["init"]);
    assert!(said.contains("2 workflows have their layouts again"), "{said}");
    assert_eq!(clone.text("a.json"), workflow(20, 0));
    assert_eq!(clone.text("sub/b.json"), workflow(20, 333));
    assert_eq!(clone.text("package.json"), "{\"no\": \"workflow\"}");
    assert_eq!(clone.git(["status", "--porcelain"]), "?? mine.json\n");
}

#[test]
fn on_a_machine_that_is_set_up_a_clone_needs_nothing_more() {
    let Some(world) = crate::hooks::world_with_configured_hooks() else { return };
    let bare = world.bare("bare.git");
    let repo = world.repo("repo");
    repo.comfy(["init", "--global"]);
    repo.git(["remote", "add", "origin", bare.path.to_str().unwrap()]);
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("one");
    repo.git(["push", "-q", "-u", "origin", "main"]);
    let clone = world.at("clone");
    world.command("git").arg("clone").arg("-q").arg(&bare.path).arg(&clone.path).status().unwrap();
    assert_eq!(clone.text("a.json"), workflow(20, 0));
    assert_eq!(clone.git(["status", "--porcelain"]), "");
    clone.comfy(["doctor"]);
    // And its own layouts travel back.
    clone.write("a.json", workflow(20, 99));
    clone.write("b.json", workflow(5, 1));
    clone.commit_all("two");
    clone.git(["push", "-q"]);
    repo.comfy(["init"]);
    repo.git(["pull", "-q"]);
    assert_eq!(repo.text("b.json"), workflow(5, 1));
    assert_eq!(repo.text("a.json"), workflow(20, 99));
}

#[test]
fn a_remote_that_cannot_be_reached_is_no_failure() {
    let repo = Repo::new();
    repo.git(["remote", "add", "origin", "/no/such/place"]);
    let said = repo.comfy(["init"]);
    assert!(said.contains("no layouts were fetched from origin"), "{said}");
}

#[test]
fn every_format_of_repository_is_set_up_and_taken_apart() {
    for format in Format::all() {
        let repo = Repo::with(format);
        repo.write("a.json", workflow(20, 0));
        repo.commit_all("before");
        repo.comfy(["init", "--renormalize", "--hooks", "files"]);
        repo.git(["commit", "-q", "-m", "clean"]);
        assert!(repo.comfy(["doctor"]).ends_with("everything works\n"), "{format:?}");
        repo.comfy(["check"]);
        repo.comfy(["uninstall"]);
        assert!(!repo.try_git(["config", "filter.comfy.process"]).status.success(), "{format:?}");
    }
}

#[test]
fn every_command_that_is_configured_exists() {
    use clap::CommandFactory;
    let known = git_comfy::internals::Cli::command();
    let settings = git_comfy::internals::platform::SETTINGS;
    let program = git_comfy::internals::platform::ConfiguredProgram::new("/x/git-comfy");
    let lines = settings.iter().map(|setting| setting.value.render(&program));
    let calls: Vec<_> = lines.filter(|line| line.contains("git-comfy")).collect();
    assert!(calls.len() >= 3);
    for call in calls {
        let name = call.split(' ').nth(1).unwrap();
        assert!(known.find_subcommand(name).is_some(), "there is no command {name}: {call}");
    }
}

/// Every file of the work tree and of git's folder, but for objects and logs.
pub(crate) fn snapshot(repo: &Repo) -> Vec<(PathBuf, Vec<u8>, u32)> {
    let mut files = Vec::new();
    let mut folders = vec![repo.path.clone(), repo.world.home()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let about = path.symlink_metadata().unwrap();
            if about.is_dir() {
                if !path.ends_with(".git/objects") && !path.ends_with(".git/logs") {
                    folders.push(path);
                }
            } else if about.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                files.push((path, target.to_string_lossy().into_owned().into_bytes(), 0));
            } else if !path.ends_with(".git/index") {
                let content = fs::read(&path).unwrap();
                files.push((path, content, mode(&about)));
            }
        }
    }
    files.sort();
    files
}

#[cfg(unix)]
fn mode(about: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode()
}

#[cfg(not(unix))]
fn mode(_about: &fs::Metadata) -> u32 {
    0
}

/// A repository whose only commit has an attributes file.
fn with_attributes(world: &std::rc::Rc<World>, lines: &str) -> Repo {
    let repo = world.repo("source");
    repo.write(".gitattributes", lines);
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("one");
    repo
}

#[test]
fn an_attributes_file_that_is_not_checked_out_yet_is_not_in_its_own_way() {
    let world = World::new();
    let source = with_attributes(&world, "*.psd filter=lfs\n");
    source.git(["config", "commit.gpgsign", "false"]);
    for how in ["clone", "apart", "worktree"] {
        let clone = world.at(how);
        match how {
            "clone" => drop(source.git(["clone", "-q", "--no-checkout", ".", "../clone"])),
            "apart" => drop(source.git([
                "clone",
                "-q",
                "--no-checkout",
                "--separate-git-dir=../apart.git",
                ".",
                "../apart",
            ])),
            _ => drop(source.git(["worktree", "add", "-q", "--no-checkout", "../worktree"])),
        }
        let said = clone.comfy(["init"]);
        assert!(!clone.path.join(".gitattributes").exists(), "{how}");
        assert!(said.contains("--attributes .gitattributes"), "{how}: {said}");
        assert_eq!(clone.git(["check-attr", "filter", "a.json"]), "a.json: filter: comfy\n");
        clone.git(["reset", "-q"]);
        clone.git(["checkout", "-q", "--", "."]);
        assert_eq!(clone.text(".gitattributes"), "*.psd filter=lfs\n", "{how}");
        assert_eq!(clone.git(["status", "--porcelain"]), "", "{how}");
        clone.comfy(["init", "--attributes", ".gitattributes"]);
        assert!(clone.text(".gitattributes").ends_with("*.psd filter=lfs\n"));
        assert_eq!(clone.git(["check-attr", "filter", "a.json"]), "a.json: filter: comfy\n");
    }
}

#[test]
fn a_clone_that_is_not_checked_out_can_be_checked_out_after_set_up() {
    let world = World::new();
    for (name, lines) in [("foreign", "*.psd filter=lfs\n"), ("own", "*.json filter=comfy\n")] {
        let source = world.repo(&format!("source of {name}"));
        source.write(".gitattributes", lines);
        source.write("a.json", workflow(20, 0));
        source.commit_all("one");
        let clone = world.at(name);
        source.git(["clone", "-q", "--no-checkout", ".", clone.path.to_str().unwrap()]);
        clone.comfy(["init"]);
        clone.git(["checkout", "-q"]);
        assert_eq!(clone.text(".gitattributes"), lines);
        assert_eq!(clone.git(["status", "--porcelain"]), "");
        assert_eq!(clone.git(["check-attr", "filter", "a.json"]), "a.json: filter: comfy\n");
    }
}

#[test]
fn a_first_pull_of_what_was_fetched_is_not_held_up_by_set_up() {
    let world = World::new();
    let source = with_attributes(&world, "*.psd filter=lfs\n");
    for how in ["remote", "address"] {
        let repo = world.repo(how);
        let url = source.path.to_str().unwrap();
        if how == "remote" {
            repo.git(["remote", "add", "origin", url]);
            repo.git(["fetch", "-q", "origin"]);
        } else {
            repo.git(["fetch", "-q", url, "main"]);
        }
        repo.comfy(["init"]);
        assert!(!repo.path.join(".gitattributes").exists(), "{how}");
        repo.git(["pull", "-q", url, "main"]);
        assert_eq!(repo.text(".gitattributes"), "*.psd filter=lfs\n");
        assert_eq!(repo.git(["check-attr", "filter", "a.json"]), "a.json: filter: comfy\n");
        assert_eq!(repo.git(["status", "--porcelain"]), "");
    }
}

#[test]
fn before_a_first_pull_it_says_what_may_be_in_the_way() {
    let world = World::new();
    let source = with_attributes(&world, "*.psd filter=lfs\n");
    let repo = world.repo("new");
    repo.git(["remote", "add", "origin", source.path.to_str().unwrap()]);
    let said = repo.comfy(["init"]);
    assert!(said.contains("if a first pull brings a .gitattributes"), "{said}");
    // Nothing is fetched from a repository without commits, or to be: there it is written.
    let fresh = world.repo("fresh");
    let said = fresh.comfy(["init"]);
    assert!(fresh.path.join(".gitattributes").exists());
    assert!(!said.contains("first pull"), "{said}");
}

#[test]
fn an_attributes_file_that_cannot_be_fetched_now_is_not_held_up_either() {
    let world = World::new();
    let source = with_attributes(&world, "*.psd filter=lfs\n");
    source.git(["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", source.path.display());
    let clone = world.at("clone");
    let mut git = world.command("git");
    let git = git.args(["clone", "-q", "--no-checkout", "--filter=blob:none", &url]);
    assert!(git.arg(&clone.path).status().unwrap().success());
    let away = world.path("away");
    fs::rename(&source.path, &away).unwrap();
    let said = clone.comfy(["init"]);
    assert!(!clone.path.join(".gitattributes").exists(), "{said}");
    fs::rename(&away, &source.path).unwrap();
    clone.git(["checkout", "-q"]);
    assert_eq!(clone.text(".gitattributes"), "*.psd filter=lfs\n");
    assert_eq!(clone.git(["check-attr", "filter", "a.json"]), "a.json: filter: comfy\n");
    assert_eq!(clone.git(["status", "--porcelain"]), "");
}
