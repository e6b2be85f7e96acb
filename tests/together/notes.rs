//! Copied clones, clocks that run ahead, notes of version 0.1.0, and how long a note may be.

use serde_json::{Value, json};

use super::sheet::{DECODE, FILE, LATENT, LOADER, SAMPLER, Sheet};
use super::team::{LAYOUTS, Team, anew, assert_is, assert_lies, edit_and_commit};
use crate::support::Repo;

/// A clone and its copy, made by copying the folder.
fn copied() -> (Team, Repo, Repo) {
    let team = Team::new();
    let ann = team.founder("ann", &Sheet::new());
    edit_and_commit(&ann, |sheet| {
        sheet.put(LOADER, [-100, 474]);
    });
    ann.git(["push", "-q"]);
    let mut copy = team.world.command("cp");
    copy.arg("-R").arg(&ann.path).arg(team.world.path("twin"));
    assert!(copy.status().unwrap().success());
    let twin = team.world.at("twin");
    (team, ann, twin)
}

#[cfg(unix)]
#[test]
fn a_copied_clone_and_its_original_may_both_move_nodes() {
    let (team, ann, twin) = copied();
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]).put(DECODE, [1111, 1111]);
    });
    edit_and_commit(&twin, |sheet| {
        sheet.put(LATENT, [600, 1600]).put(DECODE, [2222, 2222]);
    });
    ann.git(["push", "-q"]);
    twin.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    twin.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    for repo in [&ann, &twin, &team.member("carl")] {
        assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
        assert_lies(repo, FILE, LATENT, [600, 1600]);
        assert_lies(repo, FILE, DECODE, [2222, 2222]);
        assert_lies(repo, FILE, LOADER, [-100, 474]);
    }
}

/// The layout lines of a blob's note.
fn lines(repo: &Repo, revision: &str) -> Vec<Value> {
    let note = repo.git(["notes", "--ref=comfy-layout", "show", &repo.id(revision)]);
    note.lines().filter(|l| !l.is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Replaces the note about a revision of the file.
fn replace_note(repo: &Repo, revision: &str, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    repo.write("../note", text);
    let blob = repo.id(revision);
    repo.git(["notes", "--ref=comfy-layout", "add", "-f", "-F", "../note", &blob]);
}

const YEAR: u64 = 365 * 24 * 3600 * 1000;

/// Turns every time in a line forward by a year: the times of moves count back from when the
/// file was saved, milliseconds since 1970 in base 36, with a clone.
fn a_year_ahead(line: &mut Value) {
    line["at"] = json!(line["at"].as_u64().unwrap() + YEAR);
    let saved = &mut line["layout"]["saved"];
    let (at, clone) = saved.as_str().unwrap().split_once(':').unwrap();
    *saved = json!(format!("{}:{clone}", base36(u64::from_str_radix(at, 36).unwrap() + YEAR)));
}

fn base36(number: u64) -> String {
    let digit = char::from_digit((number % 36) as u32, 36).unwrap();
    if number < 36 { digit.to_string() } else { format!("{}{digit}", base36(number / 36)) }
}

fn put_in_line(line: &mut Value, id: u64, at: [i64; 2]) {
    let list = &mut line["layout"]["graphs"][""]["nodes"];
    let items = if list.is_array() { list } else { &mut list["#items"] };
    let items = items.as_array_mut().unwrap_or_else(|| panic!("no list of nodes in the layout"));
    let node = items.iter_mut().find(|node| node["id"] == json!(id)).unwrap();
    node["pos"] = json!(at);
}

#[test]
fn a_layout_of_a_clock_that_ran_ahead_does_not_keep_later_moves_out() {
    for everywhere in [false, true] {
        let team = Team::new();
        let ann = team.founder("ann", &Sheet::new());
        let mut noted = lines(&ann, "HEAD:w.json");
        for line in &mut noted {
            if everywhere {
                a_year_ahead(line);
            } else {
                let at = line["at"].as_u64().unwrap();
                line["at"] = json!(at + YEAR);
            }
            put_in_line(line, SAMPLER, [999, 999]);
        }
        replace_note(&ann, "HEAD:w.json", &noted);
        ann.git(["push", "-q", "-f", "origin", LAYOUTS]);
        edit_and_commit(&ann, |sheet| {
            sheet.put(SAMPLER, [222, 222]);
        });
        edit_and_commit(&ann, |sheet| {
            sheet.put(SAMPLER, [333, 333]);
        });
        ann.git(["push", "-q"]);
        ann.git(["fetch", "-q"]);
        ann.comfy(["sync"]);
        assert_lies(&ann, FILE, SAMPLER, [333, 333]);
        assert_lies(&team.member("carl"), FILE, SAMPLER, [333, 333]);
    }
}

#[test]
fn whoever_saw_a_clock_that_ran_ahead_moves_after_it() {
    let (_team, ann, ben) = Team::of_two();
    edit_and_commit(&ben, |sheet| {
        sheet.put(SAMPLER, [999, 999]);
    });
    let mut noted = lines(&ben, "HEAD:w.json");
    noted.iter_mut().for_each(a_year_ahead);
    replace_note(&ben, "HEAD:w.json", &noted);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    assert_lies(&ann, FILE, SAMPLER, [999, 999]);
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [222, 222]);
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_lies(&ben, FILE, SAMPLER, [222, 222]);
    assert_lies(&ann, FILE, SAMPLER, [222, 222]);
}

/// Takes out what version 0.1.0 did not write.
fn without_clocks(line: &mut Value) {
    let layout = line["layout"].as_object_mut().unwrap();
    layout.retain(|key, _| !["saved", "moved", "was"].contains(&key.as_str()));
}

/// The note of somebody's version 0.1.0 about the file, a year ahead, on the remote.
fn old_note(team: &Team) {
    let old = team.outsider("old");
    old.git(["fetch", "-q", "origin", &format!("{LAYOUTS}:{LAYOUTS}")]);
    let mut noted = lines(&old, "HEAD:w.json");
    for line in &mut noted {
        without_clocks(line);
        let at = line["at"].as_u64().unwrap();
        line["at"] = json!(at + YEAR);
        put_in_line(line, SAMPLER, [111, 111]);
        put_in_line(line, LATENT, [222, 2222]);
    }
    replace_note(&old, "HEAD:w.json", &noted);
    old.git(["push", "-q", "origin", LAYOUTS]);
}

#[test]
fn a_layout_of_version_0_1_0_is_followed_where_nothing_better_is_known() {
    let (team, _ann, _ben) = Team::of_two();
    old_note(&team);
    // All that is left in the world is the old note: nobody else's can be fetched.
    let carl = team.member("carl");
    let mut wanted = Sheet::new();
    wanted.put(SAMPLER, [111, 111]).put(LATENT, [222, 2222]);
    assert_is(&carl, FILE, &wanted);
    // A move on top of it counts.
    edit_and_commit(&carl, |sheet| {
        sheet.put(SAMPLER, [333, 333]);
    });
    carl.git(["push", "-q"]);
    let dora = team.member("dora");
    assert_lies(&dora, FILE, SAMPLER, [333, 333]);
    assert_lies(&dora, FILE, LATENT, [222, 2222]);
}

#[test]
fn a_layout_of_version_0_1_0_never_outranks_a_move_with_a_clock() {
    let (team, ann, _ben) = Team::of_two();
    let mine = edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    old_note(&team);
    ann.comfy(["sync"]);
    assert_is(&ann, FILE, &mine);
    ann.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    ann.git(["push", "-q"]);
    assert_is(&ann, FILE, &mine);
    assert_is(&team.member("carl"), FILE, &mine);
}

/// What plain git makes of two clones' notes is their join.
#[test]
fn several_lines_about_one_file_are_joined() {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    edit_and_commit(&ben, |sheet| {
        sheet.put(LATENT, [600, 1600]);
    });
    ann.git(["push", "-q"]);
    ben.git(["fetch", "-q", "origin", &format!("{LAYOUTS}:refs/notes/theirs")]);
    ben.git(["notes", "--ref=comfy-layout", "merge", "-q", "-s", "cat_sort_uniq", "theirs"]);
    assert_eq!(lines(&ben, "HEAD:w.json").len(), 2);
    let here = anew(&ben, FILE);
    assert_eq!(here.place(SAMPLER), Some([1000.0, 1000.0]), "{}", here.told());
    assert_eq!(here.place(LATENT), Some([600.0, 1600.0]), "{}", here.told());
    ben.git(["push", "-q", "--no-verify", "origin", &format!("+{LAYOUTS}:{LAYOUTS}")]);
    let carl = team.member("carl");
    assert_lies(&carl, FILE, SAMPLER, [1000, 1000]);
    assert_lies(&carl, FILE, LATENT, [600, 1600]);
}

#[test]
fn a_note_is_read_by_version_0_1_0_and_is_hardly_longer_for_its_clocks() {
    let (_team, ann, _ben) = Team::of_two();
    for (id, at) in [(LATENT, [600, 1600]), (LOADER, [-700, 7]), (DECODE, [2222, 2222])] {
        edit_and_commit(&ann, |sheet| {
            sheet.put(id, at);
        });
    }
    let noted = lines(&ann, "HEAD:w.json");
    assert_eq!(noted.len(), 1);
    let line = &noted[0];
    assert!(line["at"].is_u64() && line["path"] == "w.json", "{line}");
    assert!(line["layout"]["v"] == 1 && line["layout"]["graphs"][""].is_object(), "{line}");
    let mut without = line.clone();
    without_clocks(&mut without);
    let (with, without) = (line.to_string().len(), without.to_string().len());
    assert!(with * 10 <= without * 11, "{with} bytes for {without}: {line}");
}

#[test]
fn a_push_sees_to_it_that_layouts_come_from_a_remote_that_was_added_late() {
    let team = Team::new();
    let ann = team.world.repo("ann");
    ann.comfy(["init", "-q"]);
    Sheet::new().write(&ann, FILE);
    ann.commit_all("first");
    ann.git(["remote", "add", "late", team.address()]);
    ann.git(["push", "-q", "late", "main"]);
    let fetched = ann.git(["config", "--get-all", "remote.late.fetch"]);
    assert!(fetched.contains("refs/notes/comfy*"), "{fetched}");
}
