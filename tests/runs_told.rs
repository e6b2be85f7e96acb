//! What is told of a run: each file by the branch that made it, small pictures, comfy-cli's
//! list, the runs of a commit for programs.

use serde_json::{Value, json};

use crate::support::Repo;
use crate::support::comfy::Comfy;
use crate::support::outputs::{Picture, canvas, entry, prompt};
use crate::watch::{AT, id, recorded, repo};

fn shown(repo: &Repo, run: &str) -> Value {
    serde_json::from_str(&repo.comfy(["runs", "show", "--json", run])).unwrap()
}

/// A run with two branches: each with a sampler, a text and a model of its own.
fn two_branches(repo: &Repo) -> Value {
    let mut both = prompt(7, "a neon fox");
    let other = prompt(8, "a grey cat");
    for (name, node) in other.as_object().unwrap() {
        // Nodes 3 to 9 again, as 13 to 19.
        let mut text = node.to_string();
        for number in 3..=9 {
            text = text.replace(&format!("[\"{number}\""), &format!("[\"1{number}\""));
        }
        let mut node: Value = serde_json::from_str(&text).unwrap();
        if name == "4" {
            node["inputs"]["ckpt_name"] = json!("other.safetensors");
        }
        both[format!("1{name}")] = node;
    }
    let mut said = entry(&id(1), AT, 7, "a neon fox", &[]);
    said["prompt"][2] = both.clone();
    said["prompt"][4] = json!(["9", "19"]);
    let file =
        |name: &str| json!({"images": [{"filename": name, "subfolder": "", "type": "output"}]});
    said["outputs"] = json!({"9": file("fox.png"), "19": file("cat.png")});
    for (name, seed) in [("fox.png", 7), ("cat.png", 8)] {
        let texts =
            [("prompt", both.to_string()), ("workflow", canvas(7, "a neon fox").to_string())];
        let picture = Picture { seed, side: 64 }.png(&texts);
        std::fs::write(repo.world.path("output").join(name), picture).unwrap();
    }
    said
}

#[test]
fn a_file_is_told_by_the_branch_that_made_it() {
    let (repo, comfy) = (repo(), Comfy::new());
    comfy.add(&id(1), two_branches(&repo));
    repo.comfy(["watch", "--once", "--server", &comfy.address()]);
    let output = repo.world.path("output");
    let (fox, cat) = (output.join("fox.png"), output.join("cat.png"));
    let found = |arguments: &[&str]| -> Value {
        let all: Vec<&str> = ["find", "--json"].iter().chain(arguments).copied().collect();
        serde_json::from_str(&repo.comfy(all)).unwrap()
    };
    let row = found(&[cat.to_str().unwrap()]);
    assert_eq!((&row["seed"], &row["model"]), (&json!("8"), &json!("other.safetensors")));
    assert_eq!((&row["text"], &row["files"]), (&json!("a grey cat"), &json!(["cat.png"])));
    let row = found(&[fox.to_str().unwrap()]);
    assert_eq!((&row["seed"], &row["files"]), (&json!("7"), &json!(["fox.png"])));
    // Also a copy that lost everything but its looks.
    let copy = repo.world.path("copy.jpg");
    std::fs::write(&copy, Picture { seed: 8, side: 48 }.jpeg()).unwrap();
    assert_eq!(found(&[copy.to_str().unwrap()])["files"], json!(["cat.png"]));
    // And by what it was made of.
    for arguments in [["--seed", "8"], ["--model", "other"], ["--text", "grey"]] {
        assert_eq!(found(&arguments)["files"], json!(["cat.png"]), "{arguments:?}");
    }
    assert_eq!(found(&["--node", "KSampler"])["files"], json!(["cat.png", "fox.png"]));
    let of_file = repo.comfy(["runs", "show", "cat.png"]);
    assert!(of_file.contains("seed 8") && of_file.contains("a grey cat"), "{of_file}");
    assert!(!of_file.contains("seed 7") && !of_file.contains("neon"), "{of_file}");
    assert!(of_file.contains("1 file of other branches"), "{of_file}");
    let whole = repo.comfy(["runs", "show", &id(1)]);
    assert!(whole.contains("seed 7") && whole.contains("seed 8"), "{whole}");
    for what in [cat.to_str().unwrap(), "cat.png", copy.to_str().unwrap()] {
        let back = repo.comfy_with(["restore", what, "-o", "back.json", "--force"], b"");
        let told = String::from_utf8(back.stderr).unwrap();
        assert!(told.contains("node #19 made this file, with seed 8, other.safetensors"), "{told}");
    }
}

#[test]
fn comfy_clis_list_is_read_as_what_it_is() {
    let (repo, comfy) = (repo(), Comfy::new());
    comfy.add(&id(1), entry(&id(1), AT, 7, "a fox", &["a.png"]));
    let line = |number: usize, place: &str| {
        json!({"ts": "2026-11-22T16:12:00+00:00", "cmd": "run", "prompt_id": id(number),
            "workflow": repo.path.join("flows/fox.json"), "where": place})
        .to_string()
    };
    let compose = json!({"ts": "x", "cmd": "compose", "blueprint": "b", "written": []}).to_string();
    let list = [line(1, "local"), compose, line(2, "local"), line(3, "cloud"), "{\"cmd".to_owned()];
    repo.write(".comfy/runs.jsonl", list.join("\n"));
    let import =
        || repo.comfy(["runs", "import", ".comfy/runs.jsonl", "--server", &comfy.address()]);
    assert_eq!(import(), "3 runs told of: 3 recorded or completed\n");
    assert_eq!(import(), "3 runs told of: nothing new\n");
    // What the server remembers is there, of the others that they were.
    let first = shown(&repo, &id(1));
    assert_eq!((&first["outcome"], &first["seeds"][0]["value"]), (&json!("success"), &json!(7)));
    assert_eq!(
        (&first["known"], &first["from_file"]),
        (&json!(["history", "cli"]), &json!("flows/fox.json"))
    );
    let second = shown(&repo, &id(2));
    assert_eq!((&second["outcome"], &second["known"]), (&json!("unknown"), &json!(["cli"])));
    assert_eq!(second["queued"], "2026-11-22T16:12:00.000Z");
    // The cloud's runs are not asked for here.
    assert!(!comfy.asked().iter().any(|path| path.contains(&id(3))));
    assert_eq!(recorded(&repo).len(), 3);
}

#[test]
fn a_program_is_told_the_runs_of_a_commit() {
    let (repo, comfy) = (repo(), Comfy::new());
    repo.use_filter();
    repo.write("flow.json", canvas(1234, "a fox").to_string());
    repo.commit_all("the workflow");
    comfy.add(&id(1), entry(&id(1), AT, 7, "a fox", &["a.png"]));
    repo.comfy(["watch", "--once", "--server", &comfy.address()]);
    let told: Value = serde_json::from_str(&repo.comfy(["show", "--json", "HEAD"])).unwrap();
    let runs = told["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{told}");
    assert_eq!((&runs[0]["run"], &runs[0]["files"]), (&json!(id(1)), &json!(["a.png"])));
}

/// The files of a run, which read a file of its own.
#[test]
fn what_a_run_read_is_known_by_its_bytes() {
    let (repo, comfy) = (repo(), Comfy::new());
    let base = repo.world.path("ComfyUI");
    for folder in ["models/checkpoints", "input", "output", "custom_nodes", "comfy"] {
        std::fs::create_dir_all(base.join(folder)).unwrap();
    }
    for file in ["main.py", "nodes.py", "folder_paths.py", "comfyui_version.py"] {
        std::fs::write(base.join(file), "__version__ = \"0.3.64\"\n").unwrap();
    }
    repo.git(["config", "comfy.root", base.to_str().unwrap()]);
    let photo = Picture { seed: 3, side: 64 }.png(&[]);
    let digest = {
        use sha2::Digest;
        git_comfy::internals::platform::to_hex(&sha2::Sha256::digest(&photo))
    };
    std::fs::write(base.join("input/photo.png"), &photo).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = now.as_millis() as u64 + 60_000;
    let reads = |number: usize, at: u64| {
        let mut said = entry(&id(number), at, number as u64, "a fox", &[]);
        said["prompt"][2]["5"] =
            json!({"class_type": "LoadImage", "inputs": {"image": "photo.png"}});
        comfy.add(&id(number), said);
    };
    reads(1, now);
    // It was written since that one ran.
    reads(2, AT);
    repo.comfy(["watch", "--once", "--server", &comfy.address()]);
    let input = &shown(&repo, &id(1))["inputs"][0];
    assert_eq!((&input["sha256"], &input["size"]), (&json!(digest), &json!(photo.len())));
    assert!(input["perceptual"].is_string());
    assert_eq!(shown(&repo, &id(2))["inputs"][0]["sha256"], Value::Null);
    // What ran just now ran on this; what ran long ago need not have.
    assert_eq!(shown(&repo, &id(1))["environment"]["comfyui"], "0.3.64");
    assert_eq!(shown(&repo, &id(2))["environment"], Value::Null);
}

/// Nothing but a terminal is sent pictures, whatever is asked for.
#[test]
fn pictures_go_to_terminals_alone() {
    let (repo, comfy) = (repo(), Comfy::new());
    comfy.add(&id(1), two_branches(&repo));
    repo.comfy(["watch", "--once", "--server", &comfy.address()]);
    for arguments in [&["runs", "--thumbnails=kitty"][..], &["find", "--seed", "7", "--thumbnails"]]
    {
        let told = repo.comfy(arguments.iter().copied());
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
    // A terminal gets them: `script` makes one.
    let line = format!("{} runs --thumbnails=blocks", crate::support::GIT_COMFY);
    let seen = |how: &str| {
        let line = line.replace("blocks", how);
        let told = repo.command("script").args(["-qec", &line, "/dev/null"]).output();
        told.ok().filter(|told| told.status.success())
    };
    if cfg!(target_os = "linux")
        && let (Some(blocks), Some(kitty), Some(never)) =
            (seen("blocks"), seen("kitty"), seen("never"))
    {
        let text = |told: std::process::Output| String::from_utf8(told.stdout).unwrap();
        assert!(text(blocks).contains('▀'));
        assert!(text(kitty).contains("\u{1b}_Ga=T,f=100"));
        let never = text(never);
        assert!(!never.contains('▀') && !never.contains("\u{1b}_G"), "{never}");
        // A file that is not the run's any more is not shown for it.
        for name in ["fox.png", "cat.png"] {
            let other = Picture { seed: 99, side: 64 }.png(&[]);
            std::fs::write(repo.world.path("output").join(name), other).unwrap();
        }
        assert!(!text(seen("blocks").unwrap()).contains('▀'));
    }
}
