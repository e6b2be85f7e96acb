//! Every picture leads to its run, each run is there once whoever saw it, and the workflow
//! comes back.

use git_comfy::internals::platform;
use serde_json::{Value, json};

use crate::support::outputs::{Picture, canvas, entry};
use crate::support::{Repo, World, shared_data};

/// A repository beside a folder of outputs.
fn studio(pictures: &[(&str, u64, &str)]) -> Repo {
    let repo = World::new().repo("repo");
    let outputs = repo.world.path("output");
    std::fs::create_dir_all(outputs.join("sub")).unwrap();
    for (name, seed, text) in pictures {
        std::fs::write(outputs.join(name), Picture { seed: *seed, side: 64 }.saved(text)).unwrap();
    }
    repo.git(["config", "comfy.output", outputs.to_str().unwrap()]);
    repo.git(["config", "comfy.server", "off"]);
    repo
}

fn write(repo: &Repo, name: &str, bytes: &[u8]) -> String {
    let path = repo.world.path(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn found(repo: &Repo, arguments: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = ["find", "--json"].iter().chain(arguments).copied().collect();
    let output = repo.comfy_with(arguments, b"");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn history(repo: &Repo, entries: &[(&str, Value)]) -> String {
    let answer: serde_json::Map<String, Value> =
        entries.iter().map(|(id, entry)| ((*id).to_owned(), entry.clone())).collect();
    write(repo, "history.json", Value::Object(answer).to_string().as_bytes())
}

const AT: u64 = 1_795_363_927_000;

#[test]
fn a_picture_leads_to_its_run_whatever_became_of_it() {
    let repo = studio(&[("a.png", 7, "a neon fox"), ("sub/b.png", 8, "a cat")]);
    let told = repo.comfy(["runs", "scan"]);
    assert!(told.starts_with("2 files read, 2 new: 2 runs recorded or completed, in "), "{told}");
    let fox = Picture { seed: 7, side: 64 };
    let copies = [
        ("copy.png", fox.saved("a neon fox"), "bytes"),
        ("touched.png", Picture { side: 48, ..fox }.saved("a neon fox"), "prompt"),
        ("stripped.png", fox.png(&[]), "likeness"),
        ("small.jpg", Picture { side: 40, ..fox }.jpeg(), "likeness"),
    ];
    for (name, bytes, by) in copies {
        let path = write(&repo, name, &bytes);
        let rows = found(&repo, &[&path]);
        assert_eq!(rows.len(), 1, "{name}");
        assert_eq!(
            (rows[0]["by"].as_str(), rows[0]["files"][0].as_str()),
            (Some(by), Some("a.png"))
        );
        // And gives the workflow back.
        let back: Value = serde_json::from_str(&repo.comfy(["restore", &path])).unwrap();
        let sampler = back["nodes"].as_array().unwrap().iter().find(|n| n["id"] == 3).unwrap();
        assert_eq!(sampler["widgets_values"], json!([7, "fixed", 20, 8, "euler", "normal", 1]));
        assert_eq!(sampler["pos"], json!([300, 40.5]), "{name}: with its layout");
    }
    let stranger = write(&repo, "c.png", &Picture { seed: 99, side: 64 }.png(&[]));
    let output = repo.comfy_with(["find", &stranger], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no run is known that made it"));
    assert!(!repo.comfy_with(["restore", &stranger], b"").status.success());
}

#[test]
fn runs_are_found_by_what_they_were_made_of() {
    let repo =
        studio(&[("a.png", 7, "a neon fox"), ("b.png", 8, "a cat"), ("c.png", 9, "neon cat")]);
    repo.use_filter();
    repo.write("flow.json", canvas(1234, "a neon fox").to_string());
    repo.commit_all("the workflow");
    repo.comfy(["runs", "scan"]);
    let files = |arguments: &[&str]| {
        let rows = found(&repo, arguments);
        let mut files: Vec<String> =
            rows.iter().map(|row| row["files"][0].as_str().unwrap().to_owned()).collect();
        files.sort();
        files.join(" ")
    };
    assert_eq!(files(&["--text", "neon"]), "a.png c.png");
    assert_eq!(files(&["--text", "neon cat"]), "c.png");
    assert_eq!(files(&["--seed", "8"]), "b.png");
    assert_eq!(files(&["--model", "SD15"]), "a.png b.png c.png");
    assert_eq!(files(&["--model", "xl"]), "");
    assert_eq!(files(&["--node", "ksampler", "--text", "fox"]), "a.png");
    assert_eq!(files(&["--since", "1d", "--seed", "9"]), "c.png");
    // The committed workflow had another seed, as a saved file has.
    for arguments in [["--commit", "HEAD"], ["--branch", "main"], ["--workflow", "flow.json"]] {
        assert_eq!(files(&arguments), "a.png", "{arguments:?}");
    }
    let shown = repo.comfy(["runs", "show", "a.png"]);
    assert!(shown.contains("KSampler: seed 7, euler, normal, steps 20"), "{shown}");
    assert!(shown.contains("flow.json in"), "{shown}");
    // By the commit: the workflow as it was committed, with its layout.
    let back: Value = serde_json::from_str(&repo.comfy(["restore", "HEAD:flow.json"])).unwrap();
    let mut wanted = canvas(1234, "a neon fox");
    wanted["nodes"][4]["widgets_values"][1] = json!("fixed");
    assert_eq!(back["nodes"], wanted["nodes"]);
}

#[test]
fn nothing_is_recorded_twice_in_whatever_order_it_is_seen() {
    let pictures = [("a.png", 7, "a fox"), ("b.png", 7, "a fox"), ("old.png", 7, "a fox")];
    let told = entry("aaaaaaaa-1", AT, 7, "a fox", &["a.png", "b.png"]);
    let mut cached = entry("bbbbbbbb-2", AT + 5000, 7, "a fox", &["b.png"]);
    cached["status"]["messages"][1][1]["nodes"] = json!(["3", "4", "5", "6", "7", "8", "9"]);
    let orders = [["scan", "import"], ["import", "scan"]];
    let states: Vec<String> = orders
        .iter()
        .map(|order| {
            let repo = studio(&pictures);
            // One after the other, so that each is a picture of its own.
            for (at, (name, ..)) in pictures.iter().enumerate() {
                let path = repo.world.path("output").join(name);
                let bytes = Picture { seed: 7, side: 60 + at as u32 }.saved("a fox");
                std::fs::write(path, bytes).unwrap();
            }
            let file =
                history(&repo, &[("aaaaaaaa-1", told.clone()), ("bbbbbbbb-2", cached.clone())]);
            for _ in 0..2 {
                for step in order {
                    match *step {
                        "scan" => repo.comfy(["runs", "scan", "--again"]),
                        _ => repo.comfy(["runs", "import", &file]),
                    };
                }
            }
            assert_eq!(repo.comfy(["index", "status"]), "3 runs with 3 files are indexed\n");
            let first: Value =
                serde_json::from_str(&repo.comfy(["runs", "show", "--json", "aaaaaaaa-1"]))
                    .unwrap();
            let outputs = first["outputs"].as_array().unwrap();
            assert_eq!(outputs.len(), 2);
            assert_eq!((&outputs[1]["node"], &outputs[1]["index"]), (&json!("9"), &json!(1)));
            assert!(outputs.iter().all(|output| output["sha256"].is_string()), "{outputs:?}");
            let second: Value =
                serde_json::from_str(&repo.comfy(["runs", "show", "--json", "bbbbbbbb-2"]))
                    .unwrap();
            assert!(second.get("outputs").is_none(), "it made nothing");
            assert_eq!(second["reused"][0]["path"], "b.png");
            repo.git(["ls-tree", "-r", "--name-only", "refs/comfy/runs"])
        })
        .collect();
    assert_eq!(states[0], states[1]);
}

#[test]
fn the_index_is_derived() {
    let repo = studio(&[("a.png", 7, "a fox")]);
    repo.comfy(["runs", "scan"]);
    let before = found(&repo, &["--text", "fox"]);
    let index = repo.path.join(".git/comfy/index.sqlite");
    for damage in [&b""[..], b"this is no database at all, not even a little"] {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(index.with_extension(format!("sqlite{ending}")));
        }
        if !damage.is_empty() {
            std::fs::write(&index, damage).unwrap();
        }
        assert_eq!(found(&repo, &["--text", "fox"]), before);
    }
    assert_eq!(repo.comfy(["index", "rebuild"]), "1 runs with 1 files are indexed\n");
}

#[test]
fn runs_travel_on_request_and_what_is_taken_out_stays_out() {
    let world = World::new();
    let bare = world.bare("bare.git");
    let url = bare.path.to_str().unwrap().to_owned();
    let clone = |name: &str, share: bool| {
        let git = world.command("git").args(["clone", "-q", &url]).arg(world.path(name)).output();
        assert!(git.unwrap().status.success());
        let repo = world.at(name);
        repo.git(["config", "comfy.server", "off"]);
        if share {
            repo.git(["config", "comfy.runs.share", "true"]);
            repo.git(["config", "--add", "remote.origin.fetch", &platform::runs_refspec("origin")]);
        }
        repo
    };
    let scan = |repo: &Repo, seed: u64, text: &str| {
        let folder = world.path(&format!("out-{seed}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{seed}.png")), Picture { seed, side: 64 }.saved(text))
            .unwrap();
        repo.comfy(["runs", "scan", folder.to_str().unwrap()]);
    };
    let runs = |repo: &Repo| repo.comfy(["runs", "--json"]).lines().count();
    // A repository that shares runs fetches them with its branches.
    let fourth = clone("fourth", false);
    fourth.git(["config", "comfy.runs.share", "true"]);
    fourth.comfy(["init", "--quiet"]);
    let fetches = || fourth.git(["config", "--get-all", "remote.origin.fetch"]);
    assert!(fetches().contains(&platform::runs_refspec("origin")));
    fourth.git(["config", "comfy.runs.share", "false"]);
    fourth.comfy(["init", "--quiet"]);
    assert!(!fetches().contains("comfy/runs"));
    let (private, one, two) = (clone("private", false), clone("one", true), clone("two", true));
    scan(&private, 1, "mine alone");
    private.comfy(["sync"]);
    assert!(!bare.try_git(["rev-parse", "-q", "--verify", "refs/comfy/runs"]).status.success());
    scan(&one, 2, "a secret fox");
    scan(&two, 3, "a cat");
    one.comfy(["sync"]);
    two.comfy(["sync"]);
    one.comfy(["sync"]);
    assert_eq!((runs(&one), runs(&two)), (2, 2));
    one.comfy(["runs", "redact", "--text", "secret"]);
    one.comfy(["runs", "prune", "--text", "cat"]);
    one.comfy(["sync"]);
    two.comfy(["sync"]);
    one.comfy(["sync"]);
    for repo in [&one, &two, &bare] {
        let objects = repo.git(["rev-list", "--objects", "refs/comfy/runs"]);
        for line in objects.lines() {
            let text = repo.try_git(["cat-file", "-p", line.split(' ').next().unwrap()]).stdout;
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(!text.contains("secret"), "{}: {line}", repo.path.display());
        }
    }
    assert_eq!((runs(&one), runs(&two)), (1, 1));
    // Scanned again, it is still not there.
    scan(&two, 3, "a cat");
    scan(&two, 2, "a secret fox");
    assert_eq!(runs(&two), 1);
    assert!(found(&two, &["--text", "secret"]).is_empty());
}

#[test]
fn a_commit_picks_up_new_outputs_and_tells_of_its_own() {
    let repo = studio(&[("a.png", 7, "a neon fox")]);
    repo.use_filter();
    repo.use_hooks();
    repo.write("flow.json", canvas(1234, "a neon fox").to_string());
    repo.commit_all("the workflow");
    // By a process of its own, which this waits for.
    let is_there =
        || repo.try_git(["rev-parse", "-q", "--verify", "refs/comfy/runs"]).status.success();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !is_there() && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert!(is_there());
    let shown = repo.comfy(["show", "HEAD"]);
    assert!(shown.contains("made with it:") && shown.contains("a.png, seed 7"), "{shown}");
    // Nothing new: nothing happens.
    let before = repo.id("refs/comfy/runs");
    repo.comfy(["runs", "pick-up"]);
    assert_eq!(repo.id("refs/comfy/runs"), before);
}

#[test]
fn pictures_that_git_tracks_are_outputs_too() {
    let repo = World::new().repo("repo");
    repo.git(["config", "comfy.server", "off"]);
    repo.use_filter();
    repo.use_hooks();
    let picture = Picture { seed: 11, side: 64 }.saved("a glass heron");
    std::fs::write(repo.path.join("heron.png"), picture).unwrap();
    repo.commit_all("the picture that the client chose");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while found(&repo, &["heron.png"]).is_empty() && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    let rows = found(&repo, &["--text", "heron"]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(repo.comfy(["runs", "scan"]).contains("nothing new"));
}

/// Real outputs and the history of the server that made some of them.
#[test]
fn real_outputs_lead_to_their_runs() {
    let Some(data) = shared_data() else { return };
    let repo = studio(&[]);
    repo.git(["config", "comfy.output", data.join("outputs").to_str().unwrap()]);
    repo.comfy(["runs", "scan"]);
    let history = data.join("server/http/history_full.json");
    repo.comfy(["runs", "import", history.to_str().unwrap()]);
    assert!(repo.comfy(["runs", "import", history.to_str().unwrap()]).contains("nothing new"));
    assert!(repo.comfy(["runs", "scan", "--again"]).contains("nothing new"));
    let batch: Value =
        serde_json::from_str(&repo.comfy(["runs", "show", "--json", "77bf8529"])).unwrap();
    let nodes: Vec<&str> =
        batch["outputs"].as_array().unwrap().iter().map(|o| o["node"].as_str().unwrap()).collect();
    assert_eq!(nodes, ["11", "11", "12", "12"]);
    let cached: Value =
        serde_json::from_str(&repo.comfy(["runs", "show", "--json", "66c4c9d8"])).unwrap();
    assert!(cached.get("outputs").is_none());
    let failed: Value =
        serde_json::from_str(&repo.comfy(["runs", "show", "--json", "3fa19de6"])).unwrap();
    assert_eq!(failed["outcome"], "error");
    assert_eq!(failed["outputs"][0]["path"], "fail/before_00002_.png");
    for folder in ["media", "subgraph", "2026-11-22"] {
        for file in std::fs::read_dir(data.join("outputs").join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "txt") {
                continue;
            }
            let rows = found(&repo, &[path.to_str().unwrap()]);
            assert_eq!(rows[0]["by"], "bytes", "{}", path.display());
        }
    }
}
