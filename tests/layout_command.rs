//! `git comfy layout`: layouts have a past, and every state of it can be had back.

use std::rc::Rc;

use comfy_graph::clean::{self, LayoutMode};
use git_comfy::internals::platform;

use crate::support::{GIT_COMFY, Repo, World, workflow};

const NOTES: &str = "--ref=comfy-layout";

/// A repository with filter and hooks as `git comfy init` makes them, by hand.
fn fresh() -> Repo {
    let repo = Repo::new();
    repo.use_filter();
    repo.use_hooks();
    repo
}

/// Saves a workflow and commits it, or its layout alone.
fn save(repo: &Repo, path: &str, text: impl AsRef<[u8]>) {
    repo.write(path, text);
    repo.commit_all_allowing_nothing();
}

/// The lines of a log, each without the time, and without its id if that is a commit.
#[track_caller]
fn log(repo: &Repo, arguments: &[&str]) -> Vec<String> {
    let told = repo.comfy([&["layout", "log"], arguments].concat());
    let line = |line: &str| {
        let (id, rest) = line.split_once(' ').unwrap();
        let is_commit = id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = if is_commit { "" } else { &id[..1] };
        let told = &rest.trim()["2026-01-31 14:30".len()..];
        format!("{id} {}", told.trim().replace("  ", " ")).trim().to_owned()
    };
    told.lines().map(line).collect()
}

/// The ids of a log, the newest first.
#[track_caller]
fn ids(repo: &Repo, path: &str) -> Vec<String> {
    let told = repo.comfy(["layout", "log", path]);
    told.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[track_caller]
fn refused(repo: &Repo, arguments: &[&str]) -> String {
    let output = repo.command(GIT_COMFY).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    told
}

#[track_caller]
fn undo(repo: &Repo, path: &str) {
    repo.comfy(["layout", "undo", path]);
    assert_eq!(repo.git(["status", "--porcelain"]), "", "a layout is no change");
}

/// The sampler somewhere else, and nothing else moved.
fn sampler_at(steps: u32, at: &str) -> String {
    workflow(steps, 0).replace("[863,186]", at)
}

#[test]
fn the_log_tells_who_moved_what() {
    let repo = fresh();
    save(&repo, "a.json", workflow(1, 0));
    save(&repo, "a.json", sampler_at(1, "[900,300]"));
    repo.git(["config", "user.name", "Ann \u{202e}Example"]);
    save(&repo, "a.json", workflow(1, 40));
    repo.write("a.json", workflow(1, 40).replace("\"scale\":1", "\"scale\":2"));
    save(&repo, "other.json", workflow(7, 0));
    repo.write("a.json", workflow(1, 50));
    assert_eq!(
        log(&repo, &["a.json"]),
        [
            "n you moved KSampler #3, 1 more and group Sampling",
            "Ann \\u{202e}Example view only",
            "Ann \\u{202e}Example moved KSampler #3, 1 more and group Sampling",
            "A Person moved KSampler #3",
            "A Person placed KSampler #3, 1 more and group Sampling",
        ]
    );
    assert_eq!(log(&repo, &["-n", "1", "a.json"]).len(), 1);
    // What is remembered of notes is derived.
    let remembered = repo.common_dir().join("comfy/layout-past");
    let before = repo.comfy(["layout", "log", "a.json"]);
    let text = std::fs::read_to_string(&remembered).unwrap();
    for broken in ["", "garbage", &text[..text.len() / 2], &text.replace("\"layouts\"", "\"x\"")] {
        std::fs::write(&remembered, broken).unwrap();
        assert_eq!(repo.comfy(["layout", "log", "a.json"]), before);
        assert_eq!(std::fs::read_to_string(&remembered).unwrap().len(), text.len());
    }
    let all = log(&repo, &[]);
    assert_eq!(all.len(), 6);
    assert!(all[0].starts_with("n you a.json: moved"), "{all:?}");
    assert!(all.iter().any(|line| line.contains("other.json: placed KSampler")), "{all:?}");
    for line in repo.comfy(["layout", "log", "--json", "a.json"]).lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(row["schema"] == 1 && row["path"] == "a.json" && row["told"].is_string(), "{row}");
    }
}

#[test]
fn titles_of_the_content_are_used_and_shown_safely() {
    let repo = fresh();
    let titled = |text: String| {
        text.replace(
            "\"type\":\"KSampler\",",
            "\"type\":\"KSampler\",\"title\":\"Base \\u001b[31m\",",
        )
    };
    save(&repo, "a.json", titled(workflow(1, 0)));
    save(&repo, "a.json", titled(sampler_at(1, "[9,9]")));
    assert_eq!(log(&repo, &["a.json"])[0], "A Person moved Base \\x1b[31m #3");
    let told = repo.comfy(["layout", "show", "a.json"]);
    assert!(told.starts_with("a.json now\n"), "{told}");
    let row = told.lines().find(|line| line.contains("Base")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(&words[..8], ["Base", "\\x1b[31m", "#3", "KSampler", "9", "9", "315", "262.5"]);
    assert!(row.contains("A Person ("), "{row}");
    let first = ids(&repo, "a.json")[1].clone();
    let told = repo.comfy(["layout", "show", &first, "a.json"]);
    assert!(told.contains("863") && told.starts_with("a.json in "), "{told}");
    let told = repo.comfy(["layout", "show", "--json", "a.json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["places"][0]["pos"], serde_json::json!([9.0, 9.0]));
}

#[test]
fn undo_goes_further_back_each_time_until_something_is_moved() {
    let repo = fresh();
    for shift in [0, 100, 200, 300] {
        save(&repo, "a.json", workflow(1, shift));
    }
    for shift in [200, 100, 0] {
        undo(&repo, "a.json");
        assert_eq!(repo.text("a.json"), workflow(1, shift));
    }
    let told = refused(&repo, &["layout", "undo", "a.json"]);
    assert!(told.contains("cannot go further back"), "{told}");
    assert_eq!(repo.text("a.json"), workflow(1, 0));
    // A move of one's own, and from there.
    save(&repo, "a.json", workflow(1, 50));
    undo(&repo, "a.json");
    assert_eq!(repo.text("a.json"), workflow(1, 0));
    refused(&repo, &["layout", "undo", "a.json"]);
    // What was undone is still there.
    let lines = repo.comfy(["layout", "log", "a.json"]);
    let id = lines.lines().find(|line| line.contains("undo: ")).unwrap();
    assert!(id.contains("moved KSampler #3, 1 more"), "{lines}");
}

#[test]
fn undo_goes_on_across_commits_and_checkouts() {
    let repo = fresh();
    for shift in [0, 100, 200] {
        save(&repo, "a.json", workflow(1, shift));
    }
    undo(&repo, "a.json");
    repo.commit_all_allowing_nothing();
    repo.git(["checkout", "-q", "--detach"]);
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "--", "a.json"]);
    assert_eq!(repo.text("a.json"), workflow(1, 100));
    undo(&repo, "a.json");
    assert_eq!(repo.text("a.json"), workflow(1, 0));
    // Other content, nothing moved: still no move.
    save(&repo, "a.json", workflow(2, 0));
    refused(&repo, &["layout", "undo", "a.json"]);
}

#[test]
fn drags_that_were_never_committed_can_be_undone() {
    let repo = fresh();
    save(&repo, "a.json", workflow(1, 0));
    for shift in [10, 20, 30] {
        repo.write("a.json", workflow(1, shift));
        repo.git(["add", "a.json"]);
    }
    // The last one git never looked at.
    repo.write("a.json", workflow(1, 40));
    assert_eq!(log(&repo, &["a.json"]).len(), 5);
    for shift in [30, 20, 10, 0] {
        undo(&repo, "a.json");
        assert_eq!(repo.text("a.json"), workflow(1, shift));
    }
    let told = repo.comfy(["layout", "log", "a.json"]);
    let dragged = told.lines().filter(|line| line.starts_with('s')).nth(3).unwrap();
    let id = dragged.split(' ').next().unwrap();
    repo.comfy(["layout", "restore", id, "a.json"]);
    assert_eq!(repo.text("a.json"), workflow(1, 40), "{told}");
}

#[test]
fn a_restore_is_a_move_and_can_be_undone() {
    let repo = fresh();
    for shift in [0, 100, 200] {
        save(&repo, "a.json", workflow(1, shift));
    }
    let first = ids(&repo, "a.json").pop().unwrap();
    // Not even added.
    repo.write("a.json", workflow(1, 77));
    let told = repo.comfy(["layout", "restore", &first, "a.json"]);
    assert_eq!(repo.text("a.json"), workflow(1, 0));
    assert!(told.contains("what was there is kept: git comfy layout restore s"), "{told}");
    assert!(repo.comfy(["layout", "restore", &first, "a.json"]).starts_with("nothing to do"));
    undo(&repo, "a.json");
    assert_eq!(repo.text("a.json"), workflow(1, 77));
    undo(&repo, "a.json");
    assert_eq!(repo.text("a.json"), workflow(1, 200));
}

#[test]
fn a_restore_finds_the_nodes_again_where_content_changed_since() {
    let repo = fresh();
    save(&repo, "a.json", workflow(1, 0));
    let more = |text: String| {
        let note = r#"{"id":9,"type":"Note","pos":[5000,5000],"size":[200,100],"flags":{},"order":2,"mode":0,"inputs":[],"outputs":[],"properties":{},"widgets_values":["hello"]}"#;
        text.replacen("],\"links\":[[1,", &format!(",{note}],\"links\":[[1,"), 1)
    };
    save(&repo, "a.json", more(workflow(2, 500)));
    let first = ids(&repo, "a.json").pop().unwrap();
    repo.comfy(["layout", "restore", &first, "a.json"]);
    let text = repo.text("a.json");
    for place in ["[863,186]", "[26,474]", "[850,180,340,300]", "[5000,5000]"] {
        assert!(text.contains(place), "{place}: {text}");
    }
    assert_eq!(repo.git(["status", "--porcelain"]), "", "the content is as it was");
    undo(&repo, "a.json");
    assert_eq!(repo.text("a.json"), more(workflow(2, 500)));
}

#[test]
fn a_renamed_file_keeps_its_past() {
    let repo = fresh();
    save(&repo, "old.json", workflow(1, 0));
    save(&repo, "old.json", workflow(1, 100));
    repo.git(["mv", "old.json", "new.json"]);
    repo.git(["commit", "-q", "-m", "renamed"]);
    let told = log(&repo, &["new.json"]);
    assert!(told.len() < 3 || told[0] == "A Person renamed from old.json", "{told:?}");
    assert!(told[told.len() - 2].starts_with("A Person moved KSampler #3"), "{told:?}");
    undo(&repo, "new.json");
    assert_eq!(repo.text("new.json"), workflow(1, 0));
    save(&repo, "new.json", workflow(2, 300));
    undo(&repo, "new.json");
    let text = repo.text("new.json");
    assert!(text.contains("[863,186]") && text.contains("[850,180,340,300]"), "{text}");
    assert!(log(&repo, &["new.json"]).len() >= 4);
}

/// A bare remote and clones of it with filter, hooks and refspec.
fn clone(world: &Rc<World>, name: &str) -> Repo {
    let url = world.path("bare.git");
    let git = world.command("git").args(["clone", "-q"]).arg(&url).arg(world.path(name)).output();
    assert!(git.unwrap().status.success());
    let repo = world.at(name);
    repo.use_filter();
    repo.use_hooks();
    repo.git(["config", "user.name", name]);
    repo.git(["config", "--add", "remote.origin.fetch", &platform::fetch_refspec("origin")]);
    repo.git(["fetch", "-q"]);
    repo.git(["rm", "-rq", "--cached", "."]);
    repo.git(["reset", "-q", "--hard"]);
    repo
}

fn push(repo: &Repo) {
    repo.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    repo.git(["push", "-q", "origin", "HEAD:main"]);
}

fn world() -> (Rc<World>, Repo) {
    let world = World::new();
    world.bare("bare.git");
    let seed = world.repo("seed");
    seed.use_filter();
    seed.use_hooks();
    seed.git(["config", "user.name", "Seed"]);
    seed.git(["remote", "add", "origin", "../bare.git"]);
    seed.git(["config", "--add", "remote.origin.fetch", &platform::fetch_refspec("origin")]);
    save(&seed, "a.json", workflow(1, 0));
    seed.git(["push", "-q", "origin", "HEAD:main"]);
    (world, seed)
}

#[test]
fn three_clones_see_every_move_once() {
    let (world, _seed) = world();
    let names = ["Ann", "Bob", "Cleo"];
    let [ann, bob, cleo] = names.map(|name| clone(&world, name));
    save(&ann, "a.json", sampler_at(1, "[900,300]"));
    save(&bob, "a.json", workflow(1, 0).replace("[26,474]", "[30,500]"));
    push(&ann);
    push(&bob);
    // Fetched, and not merged yet.
    cleo.git(["fetch", "-q"]);
    for repo in [&cleo, &bob] {
        let told = log(repo, &["a.json"]);
        for line in [
            "Seed placed KSampler #3, 1 more and group Sampling",
            "Ann moved KSampler #3",
            "Bob moved CheckpointLoaderSimple #4",
        ] {
            let count = told.iter().filter(|told| *told == line).count();
            assert_eq!(count, 1, "{line}: {told:?}");
        }
        assert!(told.len() <= 4, "and perhaps that they were joined: {told:?}");
    }
    let told = bob.comfy(["layout", "show", "a.json"]);
    let by = |id: &str| told.lines().find(|line| line.contains(id)).unwrap().to_owned();
    assert!(by("#3").contains("Ann (") && by("#4").contains("Bob ("), "{told}");
    assert!(by("Sampling").contains("Seed ("), "{told}");
}

#[test]
fn what_a_pull_moved_can_be_undone_and_a_colleague_sees_it() {
    let (world, _seed) = world();
    let [ann, bob] = ["Ann", "Bob"].map(|name| clone(&world, name));
    save(&ann, "a.json", sampler_at(1, "[900,300]"));
    save(&bob, "a.json", workflow(1, 0).replace("[26,474]", "[30,500]"));
    let mine = bob.text("a.json");
    push(&ann);
    push(&bob);
    assert!(bob.text("a.json").contains("[900,300]"), "{}", bob.text("a.json"));
    undo(&bob, "a.json");
    assert_eq!(bob.text("a.json"), mine);
    bob.commit_all_allowing_nothing();
    push(&bob);
    ann.git(["pull", "-q", "--ff-only"]);
    let text = ann.text("a.json");
    assert!(text.contains("[863,186]") && text.contains("[30,500]"), "{text}");
    assert_eq!(ann.git(["status", "--porcelain"]), "");
}

/// The line of a note as version 0.1.0 wrote it.
fn old_line(at: u64, file: &str) -> String {
    let clean::CleanOutcome::Cleaned(cleaned) =
        clean::clean_document(file.as_bytes(), LayoutMode::Strip)
    else {
        panic!("no workflow");
    };
    format!("{{\"at\":{at},\"path\":\"a.json\",\"layout\":{}}}", cleaned.layout.unwrap())
}

#[test]
fn a_layout_that_an_old_version_overwrote_is_brought_back() {
    let repo = fresh();
    repo.write("a.json", workflow(1, 0));
    repo.git(["config", "core.hooksPath", "/nowhere"]);
    repo.commit_all("one");
    let _ = std::fs::remove_dir_all(repo.common_dir().join("comfy"));
    let guess = laid_out_by_nobody(&repo);
    for (at, file) in [(1_000_000, workflow(1, 640)), (2_000_000, guess.clone())] {
        let line = old_line(at, &file);
        repo.git(["notes", NOTES, "add", "-f", "-m", &line, "HEAD:a.json"]);
    }
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "--", "a.json"]);
    assert!(!repo.text("a.json").contains("[1503,826]"), "the guess won");
    let told = log(&repo, &["a.json"]);
    assert_eq!(told.len(), 2, "{told:?}");
    undo(&repo, "a.json");
    assert_eq!(repo.text("a.json"), workflow(1, 640));
    // It counts more than whatever has no clock.
    repo.git(["config", "--unset", "core.hooksPath"]);
    repo.commit_all_allowing_nothing();
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "--", "a.json"]);
    assert_eq!(repo.text("a.json"), workflow(1, 640));
}

fn laid_out_by_nobody(repo: &Repo) -> String {
    let content = repo.blob("HEAD:a.json");
    String::from_utf8(crate::graph_support::laid_out(&content, None).unwrap()).unwrap()
}

#[test]
fn undo_without_a_file_takes_the_one_that_changed_last() {
    let repo = fresh();
    save(&repo, "a.json", workflow(1, 0));
    save(&repo, "b.json", workflow(2, 0));
    std::thread::sleep(std::time::Duration::from_millis(2100));
    repo.write("a.json", workflow(1, 60));
    let told = repo.comfy(["layout", "undo"]);
    assert!(told.starts_with("a.json lies as in "), "{told}");
    assert_eq!(repo.text("a.json"), workflow(1, 0));
    repo.write("a.json", workflow(1, 70));
    repo.write("b.json", workflow(2, 70));
    repo.git(["add", "."]);
    let told = refused(&repo, &["layout", "undo"]);
    assert!(told.contains("which file?") && told.contains("a.json, b.json"), "{told}");
    assert_eq!(repo.text("a.json"), workflow(1, 70));
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do_next() {
    let repo = fresh();
    save(&repo, "a.json", workflow(1, 0));
    repo.write("new.json", workflow(2, 0));
    repo.write("text.txt", "x");
    repo.write("kept.json", workflow(3, 0));
    let attributes = repo.common_dir().join("info/attributes");
    std::fs::write(attributes, "*.json filter=comfy\nkept.json comfy=keep\n").unwrap();
    for (arguments, words) in [
        (&["layout", "log", "gone.json"][..], "gone.json is not tracked by git"),
        (&["layout", "log", "text.txt"], "does not handle text.txt"),
        (&["layout", "undo", "kept.json"], "comfy=keep"),
        (&["layout", "undo", "a.json"], "cannot go further back"),
        (&["layout", "restore", "abcdef0", "a.json"], "abcdef0 names no layout of a.json"),
        (&["layout", "restore", "x", "a.json"], "x names no layout of a.json"),
        (&["layout", "show", "../../out.json"], "is not in this repository"),
    ] {
        let told = refused(&repo, arguments);
        assert!(told.contains(words), "{arguments:?}: {told}");
        if !words.contains("not in this") {
            assert!(told.contains("hint: "), "{told}");
        }
    }
    assert_eq!(repo.text("a.json"), workflow(1, 0));
}

#[test]
fn a_lost_file_is_told_of_and_not_made_up() {
    let repo = fresh();
    save(&repo, "a.json", workflow(1, 0));
    save(&repo, "a.json", workflow(1, 100));
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    assert_eq!(log(&repo, &["a.json"]).len(), 2);
    let told = refused(&repo, &["layout", "undo", "a.json"]);
    assert!(told.contains("git checkout -- a.json"), "{told}");
}

#[test]
fn a_file_that_was_committed_with_its_positions_is_left_alone() {
    let repo = fresh();
    repo.git(["config", "filter.comfy.required", "false"]);
    repo.write("a.json", workflow(1, 0));
    let commit = "git add a.json && git commit -q -m raw";
    let status = repo.command("sh").args(["-c", commit]).env("GIT_COMFY", "0").status();
    assert!(status.unwrap().success());
    for arguments in [&["layout", "undo", "a.json"][..], &["layout", "log", "a.json"]] {
        let told = refused(&repo, arguments);
        assert!(told.contains("a.json was committed with its positions"), "{told}");
    }
    assert_eq!(repo.text("a.json"), workflow(1, 0));
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}

/// Whatever lies where now, a layout that is brought back gives the very file it came from.
#[test]
fn a_layout_that_is_brought_back_gives_the_file_it_came_from() {
    let stamp = |at| clean::ClockStamp { millis: at, clone_id: clean::CloneId::from_bits(1) };
    let mut files: Vec<(String, Vec<u8>)> = ["templates", "workflows", "edits"]
        .iter()
        .flat_map(|folder| crate::graph_support::data::files(folder))
        .filter(|file| file.extension().is_some_and(|e| e == "json"))
        .step_by(5)
        .map(|file| (file.display().to_string(), std::fs::read(&file).unwrap()))
        .collect();
    files.push(("a small one".into(), workflow(1, 7).into_bytes()));
    let mut exact = 0;
    let mut count = 0;
    for (name, bytes) in files {
        let clean::CleanOutcome::Cleaned(cleaned) =
            clean::clean_document(&bytes, LayoutMode::Strip)
        else {
            continue;
        };
        let Some(line) = &cleaned.layout else { continue };
        let then = clean::stamp_uniformly(line, clean::Clock::At(stamp(1))).unwrap();
        let unknown = clean::Clock::Unknown(0);
        let Some(now) = clean::compose_file(&cleaned.content, &[], unknown) else { continue };
        let earlier =
            clean::LayoutSource { layout: &then, relation: clean::LayoutRelation::SameContent };
        let back = clean::revert_layout(&cleaned.content, earlier, Some(&now.layout), stamp(9));
        let back = back.unwrap();
        let clean::CleanOutcome::Cleaned(again) =
            clean::clean_document(&back.bytes, LayoutMode::Strip)
        else {
            panic!("{name}: no workflow any more");
        };
        assert!(again.content == cleaned.content, "{name}: other content");
        let spots = |layout: &clean::ClockedLayout| -> Vec<_> {
            let places = clean::list_places(layout).into_iter();
            places.map(|place| (place.name, place.position, place.extent)).collect()
        };
        let (then, here) = (spots(&then), spots(&back.layout));
        for (spot, wanted) in here.iter().zip(&then) {
            assert_eq!(spot, wanted, "{name}");
        }
        let earlier = clean::LayoutSource {
            layout: &back.layout,
            relation: clean::LayoutRelation::SameContent,
        };
        let again = clean::revert_layout(&cleaned.content, earlier, Some(&back.layout), stamp(11));
        let moved = clean::compare_layouts(Some(earlier), &again.unwrap().layout);
        assert!(moved.is_empty(), "{name}: {moved:?}");
        exact += usize::from(back.bytes == bytes);
        count += 1;
    }
    println!("{exact} of {count} to the byte");
    assert!(exact * 10 >= count * 9, "only {exact} of {count} came back to the byte");
}

#[test]
fn each_line_of_the_log_has_an_id_of_its_own() {
    let (_world, repo) = world();
    // Commits past the hooks: one commit of notes brings the layouts of all of them.
    for step in 1..4 {
        repo.write("a.json", workflow(1 + step, 10 * step as i32));
        repo.git(["-c", "core.hooksPath=/nowhere", "commit", "-q", "-a", "-m", "past the hooks"]);
    }
    save(&repo, "a.json", workflow(9, 90));
    repo.git(["push", "-q", "origin", "HEAD:main"]);
    let told = repo.comfy(["layout", "log", "a.json"]);
    let ids = ids(&repo, "a.json");
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{told}");
    assert_eq!(ids.len(), 5, "{told}");
    for (id, shift) in ids.iter().rev().zip([0, 10, 20, 30, 90]) {
        let shown = repo.comfy(["layout", "show", id, "a.json"]);
        assert!(shown.contains(&format!(" {} ", 863 + shift)), "{id} is not {shift}: {shown}");
    }
}

#[test]
fn a_save_that_moved_nothing_is_no_line_of_the_log() {
    let repo = fresh();
    save(&repo, "a.json", workflow(1, 0));
    save(&repo, "a.json", workflow(2, 0));
    save(&repo, "a.json", workflow(2, 30));
    save(&repo, "a.json", workflow(3, 30));
    assert_eq!(
        log(&repo, &["a.json"]),
        [
            "A Person moved KSampler #3, 1 more and group Sampling",
            "A Person placed KSampler #3, 1 more and group Sampling",
        ]
    );
}

#[test]
fn a_file_that_was_renamed_there_and_back_tells_each_name_it_came_from() {
    let repo = fresh();
    let rename = |from: &str, to: &str, shift: i32| {
        repo.git(["mv", from, to]);
        save(&repo, to, workflow(1, shift));
    };
    save(&repo, "a.json", workflow(1, 0));
    rename("a.json", "b.json", 10);
    save(&repo, "b.json", workflow(1, 20));
    let told = log(&repo, &["b.json"]);
    let renamed = told.iter().filter(|line| line.contains("renamed")).collect::<Vec<_>>();
    assert!(renamed.len() == 1 && renamed[0].ends_with("renamed from a.json"), "{told:?}");
    let last = &told[told.len() - 2..];
    assert!(last[0] == *renamed[0] && last[1].contains("placed KSampler #3"), "{told:?}");
    // The old name is used again, and what it is says nothing of the new one.
    rename("b.json", "a.json", 30);
    let told = log(&repo, &["a.json"]);
    for line in &told[1..] {
        assert!(!line.contains("renamed from b.json"), "{told:?}");
    }
    for line in log(&repo, &["a.json"]).into_iter().chain(log(&repo, &[])) {
        assert!(!line.contains("a.json: placed") || !line.contains("renamed"), "{line}");
    }
}

#[test]
fn what_a_person_is_told_to_run_runs_as_it_is() {
    let repo = fresh();
    let name = "sub dir/it's $x.json";
    for shift in [0, 100] {
        save(&repo, name, workflow(1, shift));
    }
    let folder = repo.path.join("sub dir");
    let run = |line: &str| {
        let line = line.replace("git comfy", &format!("'{GIT_COMFY}'"));
        repo.command("sh").args(["-c", &line]).current_dir(&folder).output().unwrap()
    };
    let told = run("git comfy layout undo \"it's \\$x.json\"");
    let told = String::from_utf8(told.stdout).unwrap();
    assert_eq!(repo.text(name), workflow(1, 0), "{told}");
    let back = told.lines().find_map(|line| line.split_once("is kept: ")).unwrap().1;
    let output = run(back);
    assert!(output.status.success(), "{back}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(repo.text(name), workflow(1, 100), "{back}");
    run("git comfy layout undo \"it's \\$x.json\"");
    let told = run("git comfy layout restore abcdef0 \"it's \\$x.json\"");
    let told = String::from_utf8(told.stderr).unwrap();
    let hint = told.split('`').nth(1).unwrap();
    let output = run(hint);
    assert!(output.status.success(), "{hint}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_file(repo.path.join(name)).unwrap();
    let told = run("git comfy layout undo \"it's \\$x.json\"");
    let told = String::from_utf8(told.stderr).unwrap();
    let hint = told.lines().find_map(|line| line.split_once("hint: ")).unwrap().1;
    let output = run(hint);
    assert!(output.status.success(), "{hint}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(repo.path.join(name).exists());
}

#[test]
fn show_names_the_person_whom_the_log_names() {
    let (world, seed) = world();
    let ann = clone(&world, "Ann");
    // A copy: what lies in it was moved by somebody who never had this file.
    ann.write("copy.json", seed.text("a.json"));
    ann.commit_all("a copy");
    let told = ann.comfy(["layout", "show", "copy.json"]);
    let by =
        |told: &str, what: &str| told.lines().find(|line| line.contains(what)).unwrap().to_owned();
    assert!(by(&told, "#3").contains("  Seed ("), "{told}");
    ann.write("copy.json", sampler_at(1, "[5,6]"));
    let told = ann.comfy(["layout", "show", "copy.json"]);
    assert!(by(&told, "#3").contains("  you ("), "{told}");
    assert!(by(&told, "#4").contains("  Seed ("), "{told}");
    ann.commit_all_allowing_nothing();
    ann.write("copy.json", sampler_at(1, "[5,6]").replace("[26,474]", "[30,500]"));
    let told = ann.comfy(["layout", "show", "copy.json"]);
    assert!(by(&told, "#3").contains("  Ann ("), "the log names Ann for it: {told}");
    assert!(by(&told, "#4").contains("  you ("), "{told}");
}

#[test]
fn a_copy_of_a_file_that_was_undone_was_not_undone_itself() {
    let repo = fresh();
    for shift in [0, 100] {
        save(&repo, "a.json", workflow(1, shift));
    }
    undo(&repo, "a.json");
    repo.commit_all_allowing_nothing();
    save(&repo, "copy.json", repo.text("a.json"));
    assert_eq!(
        log(&repo, &["copy.json"]),
        ["A Person placed KSampler #3, 1 more and group Sampling"]
    );
}

#[test]
fn what_is_no_file_of_ours_is_told_apart() {
    let repo = fresh();
    save(&repo, "sub/a.json", workflow(1, 0));
    save(&repo, "sub/none.json", "{}");
    let id = ids(&repo, "sub/a.json")[0].clone();
    for (arguments, words) in [
        (&["layout", "show", &id][..], "git comfy layout show ID FILE"),
        (&["layout", "undo", "now"], "git comfy layout show ID FILE"),
        (&["layout", "log", "sub"], "sub is a folder; name a file"),
        (&["layout", "log", "."], "is a folder; name a file"),
        (&["layout", "log", "sub/none.json"], "sub/none.json is no workflow"),
        (&["layout", "log", "nowhere/a.json"], "there is no such file"),
    ] {
        let told = refused(&repo, arguments);
        assert!(told.contains(words) && told.contains("hint: "), "{arguments:?}: {told}");
    }
}

#[test]
fn a_file_that_was_broken_is_left_alone_and_said_to_be() {
    let repo = fresh();
    for shift in [0, 100] {
        save(&repo, "a.json", workflow(1, shift));
    }
    repo.write("a.json", "{\"nodes\":[");
    let first = ids(&repo, "a.json").pop().unwrap();
    for arguments in [&["layout", "undo", "a.json"][..], &["layout", "restore", &first, "a.json"]] {
        let told = refused(&repo, arguments);
        assert!(told.contains("a.json is no workflow as it is now"), "{told}");
        assert!(told.contains("hint: git checkout -- a.json"), "{told}");
    }
    assert_eq!(repo.text("a.json"), "{\"nodes\":[");
}

#[test]
fn a_workflow_without_anything_in_it_has_a_log_without_lines() {
    let repo = fresh();
    save(
        &repo,
        "a.json",
        r#"{"last_node_id":0,"last_link_id":0,"nodes":[],"links":[],"groups":[],"config":{},"extra":{},"version":0.4}"#,
    );
    let output = repo.command(GIT_COMFY).args(["layout", "log", "a.json"]).output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("nothing in a.json has been placed yet"), "{told}");
}

#[test]
fn a_file_that_was_deleted_in_a_commit_is_brought_back_by_the_hint() {
    let repo = fresh();
    save(&repo, "a.json", workflow(1, 0));
    repo.git(["rm", "-q", "a.json"]);
    repo.git(["commit", "-q", "-m", "deleted"]);
    assert_eq!(log(&repo, &["a.json"]).len(), 1);
    let told = refused(&repo, &["layout", "undo", "a.json"]);
    let hints: Vec<&str> =
        told.lines().filter_map(|line| Some(line.split_once("hint: ")?.1)).collect();
    let run = |hint: &str| {
        let output = repo.command("sh").args(["-c", hint]).output().unwrap();
        assert!(output.status.success(), "{hint}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let deleted = run(hints[0]);
    run(&hints[1].replace("COMMIT", deleted.split(' ').next().unwrap()));
    assert_eq!(repo.text("a.json"), workflow(1, 0));
    repo.git(["commit", "-q", "-m", "back"]);
    repo.git(["rm", "-q", "a.json"]);
    let told = refused(&repo, &["layout", "undo", "a.json"]);
    run(told.lines().find_map(|line| line.split_once("hint: ")).unwrap().1);
    assert_eq!(repo.text("a.json"), workflow(1, 0));
}

#[test]
fn a_file_that_is_gone_holds_nothing_now() {
    let repo = fresh();
    save(&repo, "a.json", workflow(1, 0));
    repo.write("a.json", workflow(1, 100));
    repo.git(["add", "a.json"]);
    assert_eq!(log(&repo, &["a.json"])[0], "n you moved KSampler #3, 1 more and group Sampling");
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    assert_eq!(log(&repo, &["a.json"])[0], "s you moved KSampler #3, 1 more and group Sampling");
    let told = repo.comfy(["layout", "show", "a.json"]);
    assert!(!told.starts_with("a.json now"), "{told}");
    let told = refused(&repo, &["layout", "show", "now", "a.json"]);
    assert!(told.contains("git checkout -- a.json"), "{told}");
}

#[test]
fn undo_of_a_drag_in_an_arranged_file_goes_back_to_the_arrangement() {
    let team = World::new();
    let bare = team.bare("bare.git");
    let ann = team.repo("ann");
    ann.comfy(["init", "-q", "--hooks", "files"]);
    ann.write("a.json", workflow(20, 500));
    ann.commit_all("first");
    ann.git(["push", "-q", "--no-verify", bare.path.to_str().unwrap(), "main"]);
    let mut git = team.command("git");
    git.args(["clone", "-q", bare.path.to_str().unwrap()]).arg(team.path("ben"));
    assert!(git.status().unwrap().success());
    let ben = team.at("ben");
    ben.comfy(["init", "-q", "--hooks", "files"]);
    let place = |repo: &Repo| {
        let file: serde_json::Value = serde_json::from_str(&repo.text("a.json")).unwrap();
        file["nodes"][1]["pos"].clone()
    };
    let arranged = place(&ben);
    let mut file: serde_json::Value = serde_json::from_str(&ben.text("a.json")).unwrap();
    file["nodes"][1]["pos"] = serde_json::json!([4000, 4000]);
    ben.write("a.json", file.to_string());
    ben.comfy(["layout", "undo", "a.json"]);
    assert_eq!(place(&ben), arranged);
    // And it goes on from there: nothing is older.
    assert!(!ben.comfy_with(["layout", "undo", "a.json"], b"").status.success());
}

#[test]
fn undo_of_a_raw_file_names_what_to_do() {
    let repo = Repo::new();
    repo.write("a.json", workflow(20, 500));
    repo.commit_all("raw");
    repo.comfy(["init", "-q", "--hooks", "files"]);
    let output = repo.comfy_with(["layout", "undo", "a.json"], b"");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    for hint in ["git log -- a.json", "git checkout COMMIT -- a.json", "--renormalize"] {
        assert!(told.contains(hint), "{told}");
    }
}

#[test]
fn what_was_arranged_on_request_can_be_taken_back() {
    let repo = Repo::new();
    repo.use_filter();
    repo.use_hooks();
    repo.write("a.json", crate::support::workflow(20, 0));
    repo.commit_all("one");
    let before = repo.read("a.json");
    repo.comfy(["arrange", "a.json"]);
    assert_ne!(repo.read("a.json"), before);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    repo.comfy(["layout", "undo", "a.json"]);
    assert_eq!(repo.read("a.json"), before);
    let answer = repo.comfy_with(["arrange", "a.json", "--selected", "nobody"], b"");
    assert_eq!(answer.status.code(), Some(2));
}

#[test]
fn a_move_is_told_once_and_of_the_person_who_made_it() {
    let (world, _seed) = world();
    let [ann, ben] = ["Ann", "Ben"].map(|name| clone(&world, name));
    for pull in [&["pull", "-q", "--rebase"][..], &["pull", "-q", "--no-rebase", "--no-edit"]] {
        ben.git(["pull", "-q"]);
        let mut sheet: serde_json::Value = serde_json::from_str(&ben.text("a.json")).unwrap();
        let node = &mut sheet["nodes"][0];
        let x = node["pos"][0].as_f64().unwrap();
        node["pos"] = serde_json::json!([x + 777.0, 77]);
        node["title"] = serde_json::json!(format!("by Ben at {x}"));
        save(&ben, "a.json", sheet.to_string());
        push(&ben);
        let mut sheet: serde_json::Value = serde_json::from_str(&ann.text("a.json")).unwrap();
        sheet["nodes"][1]["title"] = serde_json::json!(format!("by Ann at {x}"));
        save(&ann, "a.json", sheet.to_string());
        ann.git(pull);
        push(&ann);
    }
    ben.git(["pull", "-q"]);
    for repo in [&ann, &ben] {
        let lines = log(repo, &["a.json"]);
        let moves: Vec<&String> = lines.iter().filter(|line| line.contains("moved")).collect();
        assert_eq!(moves.len(), 2, "{lines:#?}");
        assert!(moves.iter().all(|line| line.contains("Ben")), "{lines:#?}");
    }
}

#[test]
fn the_card_beside_a_conflict_is_nothing_that_was_moved() {
    let repo = Repo::new();
    repo.comfy(["init", "-q"]);
    save(&repo, "a.json", workflow(1, 0));
    repo.git(["checkout", "-q", "-b", "side"]);
    save(&repo, "a.json", workflow(2, 0));
    repo.git(["checkout", "-q", "main"]);
    save(&repo, "a.json", workflow(3, 0));
    let before = log(&repo, &["a.json"]);
    assert!(!repo.try_git(["merge", "-q", "side"]).status.success());
    assert!(repo.text("a.json").contains("Merge conflict"));
    repo.comfy(["status"]);
    assert_eq!(log(&repo, &["a.json"]), before);
}

#[test]
fn undo_names_a_state_that_the_log_lists() {
    let repo = fresh();
    save(&repo, "a.json", workflow(1, 0));
    save(&repo, "a.json", sampler_at(1, "[900,300]"));
    save(&repo, "a.json", sampler_at(2, "[900,300]"));
    save(&repo, "a.json", sampler_at(2, "[901,301]"));
    let listed = ids(&repo, "a.json");
    for _ in 0..2 {
        let told = repo.comfy(["layout", "undo", "a.json"]);
        let (_, rest) = told.split_once("lies as in ").unwrap();
        let id = rest.split(' ').next().unwrap();
        assert!(listed.iter().any(|known| known == id), "{id} is not in {listed:?}: {told}");
        assert!(!told.contains("nothing moved"), "{told}");
    }
}

#[test]
fn a_restore_takes_any_commit_that_holds_the_file() {
    let repo = fresh();
    repo.write("text.txt", "x");
    repo.commit_all("no workflow yet");
    save(&repo, "a.json", workflow(1, 0));
    save(&repo, "a.json", sampler_at(2, "[900,300]"));
    save(&repo, "a.json", sampler_at(3, "[901,301]"));
    let told = repo.comfy(["layout", "show", "HEAD~1", "a.json"]);
    assert!(told.contains("a.json in commit ") && told.contains("900"), "{told}");
    let told = repo.comfy(["layout", "restore", "HEAD~1", "a.json"]);
    assert!(told.contains("lies as in commit "), "{told}");
    assert_eq!(repo.text("a.json"), sampler_at(3, "[900,300]"));
    repo.comfy(["layout", "undo", "a.json"]);
    assert_eq!(repo.text("a.json"), sampler_at(3, "[901,301]"));
    let told = refused(&repo, &["layout", "restore", "HEAD~3", "a.json"]);
    assert!(told.contains("holds no a.json"), "{told}");
    repo.git(["update-ref", "-d", "refs/notes/comfy-layout"]);
    std::fs::remove_dir_all(repo.common_dir().join("comfy")).unwrap();
    let told = refused(&repo, &["layout", "restore", "HEAD~1", "a.json"]);
    assert!(told.contains("layout") && told.contains("hint: "), "{told}");
}
