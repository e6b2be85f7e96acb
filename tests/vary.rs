//! `git comfy vary` and `git comfy runs tree` against a real websocket and HTTP server.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::reproduce_run::{against, repo, runs, text};
use crate::support::queueing::{Fate, Queueing};
use crate::support::{GIT_COMFY, Repo};

fn vary(repo: &Repo, server: &Queueing, more: &[&str]) -> std::process::Output {
    let fox = repo.world.path("pictures/fox.png");
    let mut arguments = vec!["vary", fox.to_str().unwrap(), "--into", "out"];
    arguments.extend(more);
    against(repo, server, &arguments)
}

#[test]
fn every_combination_runs_and_is_recorded_with_its_parent() {
    let (repo, server) = (repo(), Queueing::new([]));
    let sets = ["--set", "KSampler.seed=7,8", "--set", "cfg=6..7/0.5"];
    let output = vary(&repo, &server, &sets);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    assert!(told.starts_with("6 variations from what "), "{told}");
    let posted = server.posted("/prompt");
    let asked: Vec<(u64, f64)> = posted
        .iter()
        .map(|job| {
            let inputs = &job["prompt"]["3"]["inputs"];
            (inputs["seed"].as_u64().unwrap(), inputs["cfg"].as_f64().unwrap())
        })
        .collect();
    assert_eq!(asked, [(7, 6.0), (7, 6.5), (7, 7.0), (8, 6.0), (8, 6.5), (8, 7.0)]);
    for (job, (seed, cfg)) in posted.iter().zip(asked) {
        // Both documents agree.
        let canvas = &job["extra_data"]["extra_pnginfo"]["workflow"]["nodes"][4];
        let values = &canvas["widgets_values"];
        assert_eq!((values[0].as_u64(), values[3].as_f64()), (Some(seed), Some(cfg)), "{values}");
        // All of one client.
        assert_eq!(job["client_id"], posted[0]["client_id"]);
    }
    let all = runs(&repo);
    assert_eq!(all.len(), 7);
    let root = all.iter().find(|run| run["parent"].is_null()).unwrap()["id"].clone();
    let first = all.iter().find(|run| run["id"] == posted[0]["prompt_id"]).unwrap();
    assert_eq!(first["parent"]["run"], root);
    assert_eq!(first["parent"]["how"], "varied");
    let set = &first["parent"]["set"];
    assert_eq!(
        set[0],
        json!({"node": "3", "title": "KSampler", "input": "seed", "from": 5, "to": 7})
    );
    assert_eq!(std::fs::read_dir(repo.path.join("out")).unwrap().count(), 6);
    // A variation of a variation.
    let id = first["id"].as_str().unwrap();
    let output = against(&repo, &server, &["vary", id, "--set", "steps=30", "--into", "out"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let tree = repo.comfy(["runs", "tree", id]);
    assert!(tree.starts_with(&root.as_str().unwrap()[..13]), "{tree}");
    assert_eq!(tree.lines().count(), 8, "{tree}");
    assert!(tree.contains("KSampler.steps 20 -> 30"), "{tree}");
    let grown: Value = serde_json::from_str(&repo.comfy(["runs", "tree", "--json"])).unwrap();
    assert_eq!(grown["run"], root);
    let made = grown["made"].as_array().unwrap();
    assert_eq!(made.len(), 6);
    assert_eq!(made.iter().map(|run| run["made"].as_array().unwrap().len()).sum::<usize>(), 1);
}

#[test]
fn a_workflow_file_is_varied_and_is_no_run() {
    let (repo, server) = (repo(), Queueing::new([]));
    repo.write("fox.json", crate::support::outputs::canvas(5, "a fox").to_string());
    let arguments = ["vary", "fox.json", "--set", "steps=30", "--json", "--into", "out"];
    let output = against(&repo, &server, &arguments);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["set"][0]["to"], &told["problem"]), (&json!(30), &Value::Null), "{told}");
    assert!(told["files"][0].as_str().unwrap().ends_with("again_00001_.png"), "{told}");
    assert_eq!(runs(&repo).len(), 1);
}

#[test]
fn a_plan_touches_nothing() {
    let (repo, server) = (repo(), Queueing::new([]));
    let output = vary(&repo, &server, &["--set", "steps=20,25,30", "-n"]);
    let told = text(&output.stdout);
    assert!(told.contains("3 variations") && told.contains("steps 20 -> 25"), "{told}");
    assert!(server.asked().is_empty() && runs(&repo).is_empty());
}

#[test]
fn what_cannot_be_set_is_refused_with_what_can() {
    let (repo, server) = (repo(), Queueing::new([]));
    for (set, wanted) in [
        ("text=x", "text may be: #6.text (CLIPTextEncode), #7.text (CLIPTextEncode)"),
        ("KSampler.model=x", "model of KSampler #3 is fed by CheckpointLoaderSimple #4"),
        ("steps=many", "it takes whole numbers"),
        ("seed=1..1000000", "more than 64 values"),
        ("steps", "sets nothing"),
    ] {
        let output = vary(&repo, &server, &["--set", set]);
        assert_eq!(output.status.code(), Some(2), "{set}");
        assert!(text(&output.stderr).contains(wanted), "{set}: {}", text(&output.stderr));
    }
    assert!(server.asked().is_empty());
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let fates = [Fate::Done { other: 0 }, Fate::Fails("out of memory"), Fate::Done { other: 0 }];
    let (repo, server) = (repo(), Queueing::new(fates));
    let output = vary(&repo, &server, &["--set", "steps=21,22,23"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("the run failed at KSampler #3: out of memory"), "{told}");
    assert_eq!(std::fs::read_dir(repo.path.join("out")).unwrap().count(), 2);
    assert_eq!(runs(&repo).len(), 4);
    let tree = repo.comfy(["runs", "tree"]);
    assert!(tree.contains("KSampler.steps 20 -> 22  failed"), "{tree}");
}

#[test]
#[cfg(unix)]
fn at_ctrl_c_the_rest_stays_in_the_queue_unless_it_is_to_stop() {
    for (more, told) in [(None, "1 more left in"), (Some("--stop"), "1 more taken out of")] {
        let (repo, server) = (repo(), Queueing::new([Fate::Endless, Fate::Endless]));
        let fox = repo.world.path("pictures/fox.png");
        let child = repo
            .command(GIT_COMFY)
            .args(["vary", fox.to_str().unwrap(), "--set", "steps=21,22"])
            .args(["--server", &server.address()])
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        server.wait_for("/queue", 1);
        repo.command("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert!(text(&output.stderr).contains(told), "{}", text(&output.stderr));
        assert_eq!(server.posted("/interrupt").is_empty(), more.is_none());
    }
}
