//! `git comfy reproduce --run` against a real websocket and HTTP server, with every end
//! that a run can have.

use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::outputs::Picture;
use crate::support::queueing::{Fate, Queueing};
use crate::support::{GIT_COMFY, Repo, World, shared_data};

pub(crate) fn repo() -> Repo {
    let repo = World::new().repo("repo");
    repo.git(["config", "comfy.output", "nowhere"]);
    repo.git(["config", "comfy.root", "nowhere"]);
    std::fs::create_dir(repo.world.path("pictures")).unwrap();
    let picture = Picture { seed: 5, side: 64 }.saved("a fox");
    std::fs::write(repo.world.path("pictures/fox.png"), picture).unwrap();
    repo
}

/// Runs a command against a server; its patience is short.
pub(crate) fn against(repo: &Repo, server: &Queueing, arguments: &[&str]) -> Output {
    let more = ["--server", &server.address(), "--patience", "1"];
    repo.command(GIT_COMFY).args(arguments).args(more).output().unwrap()
}

fn again(repo: &Repo, server: &Queueing, more: &[&str]) -> Output {
    let fox = repo.world.path("pictures/fox.png");
    let mut arguments = vec!["reproduce", fox.to_str().unwrap(), "--run"];
    arguments.extend(more);
    against(repo, server, &arguments)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn runs(repo: &Repo) -> Vec<Value> {
    let listed = repo.comfy(["runs", "--json", "-n", "1000"]);
    let ids = listed.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        row["run"].as_str().unwrap().to_owned()
    });
    let shown = ids.map(|id| repo.comfy(["runs", "show", "--json", &id]));
    shown.map(|text| serde_json::from_str(&text).unwrap()).collect()
}

#[test]
fn the_same_picture_is_known_pixel_for_pixel_and_both_runs_are_linked() {
    let (repo, server) = (repo(), Queueing::new([]));
    let output = again(&repo, &server, &[]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    assert!(told.contains("the same picture, pixel for pixel (fox.png)"), "{told}");
    // Beside the original, under ComfyUI's name.
    assert!(repo.world.path("pictures/again_00001_.png").is_file());
    let queued = server.posted("/prompt").remove(0);
    assert!(queued["client_id"].as_str().unwrap().starts_with("git-comfy-"));
    assert_eq!(queued["prompt"]["3"]["inputs"]["seed"], 5);
    let canvas = &queued["extra_data"]["extra_pnginfo"]["workflow"];
    assert_eq!(canvas["nodes"][4]["widgets_values"][1], "randomize", "exactly as it was");
    let all = runs(&repo);
    let old = all.iter().find(|run| run["id"].as_str().unwrap().starts_with('x')).unwrap();
    let new = all.iter().find(|run| run["id"] == queued["prompt_id"]).unwrap();
    assert_eq!(new["parent"], json!({"run": old["id"], "how": "reproduced"}));
    assert_eq!(new["compared"][0]["verdict"], "pixels");
    assert_eq!(new["compared"][0]["original"], "fox.png");
    assert!(new["outputs"][0]["sha256"].is_string(), "{new}");
    // The server keeps it as well: whoever imports its history learns of it.
    assert_eq!(queued["extra_data"]["git_comfy"]["parent"]["run"], old["id"]);
    let shown = repo.comfy(["runs", "show", new["id"].as_str().unwrap()]);
    assert!(shown.contains("reproduces") && shown.contains("pixel for pixel"), "{shown}");
}

#[test]
fn a_picture_that_differs_is_told_by_how_much() {
    let (repo, server) =
        (repo(), Queueing::new([Fate::Done { other: 1 }, Fate::Done { other: 1 }]));
    let output = again(&repo, &server, &["--into", "out"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(told.contains("not the same: ") && told.contains("PSNR"), "{told}");
    assert!(told.contains("nobody recorded then, or knows now: "), "{told}");
    assert!(repo.path.join("out/again_00001_.png").is_file());
    let output = again(&repo, &server, &["--json", "--into", "out"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((told["same"].clone(), told["computed"].clone()), (json!(false), json!(true)));
    let found = &told["compared"][0];
    assert_eq!(found["verdict"], "differ");
    assert!(found["max"][0].as_u64().unwrap() > 0 && found["psnr"].as_u64().unwrap() > 0);
    assert_eq!(runs(&repo).len(), 3);
}

#[test]
fn nothing_is_written_over() {
    let (repo, server) = (repo(), Queueing::new([]));
    let mine = repo.world.path("pictures/again_00001_.png");
    std::fs::write(&mine, "mine").unwrap();
    let told = text(&again(&repo, &server, &[]).stdout);
    assert!(told.contains("again_00001_ (2).png"), "{told}");
    assert_eq!(std::fs::read(mine).unwrap(), b"mine");
}

#[test]
fn what_comfyui_still_had_is_not_sold_as_computed() {
    let (repo, server) =
        (repo(), Queueing::new([Fate::Done { other: 0 }, Fate::Cached("again_00001_.png")]));
    again(&repo, &server, &[]);
    let output = again(&repo, &server, &[]);
    let told = text(&output.stdout);
    assert!(told.contains("ComfyUI computed nothing"), "{told}");
    assert!(server.posted("/free").is_empty());
    again(&repo, &server, &["--fresh"]);
    assert_eq!(server.posted("/free"), [json!({"free_memory": true})]);
}

#[test]
fn a_refusal_names_the_nodes() {
    let refused = json!({
        "error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": "", "extra_info": {}},
        "node_errors": {"4": {"class_type": "CheckpointLoaderSimple", "dependent_outputs": ["9"], "errors": [
            {"type": "value_not_in_list", "message": "Value not in list", "details": "ckpt_name: 'sd15.safetensors' not in ['\u{1b}[2Jother.safetensors']", "extra_info": {}}]}}
    });
    let (repo, server) = (repo(), Queueing::new([Fate::Refused(refused)]));
    let output = again(&repo, &server, &[]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told.contains("ComfyUI refused the prompt: Prompt outputs failed validation"),
        "{told}"
    );
    assert!(told.contains("CheckpointLoaderSimple #4: Value not in list: ckpt_name"), "{told}");
    assert!(!told.contains('\u{1b}'), "{told}");
}

#[test]
fn failures_and_interruptions_are_told_and_recorded() {
    let fates = [Fate::Fails("out of memory\u{1b}[31m"), Fate::Interrupted];
    let (repo, server) = (repo(), Queueing::new(fates));
    let output = again(&repo, &server, &[]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("the run failed at KSampler #3: out of memory"), "{told}");
    assert!(!told.contains('\u{1b}'), "{told}");
    let output = again(&repo, &server, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the run was stopped in ComfyUI at KSampler #3"));
    let outcomes: Vec<Value> = runs(&repo).iter().map(|run| run["outcome"].clone()).collect();
    assert!(outcomes.contains(&json!("error")) && outcomes.contains(&json!("interrupted")));
}

#[test]
fn a_connection_that_breaks_costs_nothing() {
    let (repo, server) = (repo(), Queueing::new([Fate::Unheard]));
    let output = again(&repo, &server, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("the connection to ComfyUI broke"));
    // One that never stood neither.
    let silent = Queueing::new([]).without_websocket();
    assert!(again(&repo, &silent, &[]).status.success());
}

#[test]
fn a_run_or_server_that_is_gone_is_given_up() {
    let (repo, server) = (repo(), Queueing::new([Fate::Vanishes, Fate::Dies]));
    let output = again(&repo, &server, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("knows nothing of the run"), "{}", text(&output.stderr));
    let output = again(&repo, &server, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("does not answer any more"), "{}", text(&output.stderr));
    let output = again(&repo, &server, &[]);
    assert_eq!(output.status.code(), Some(2));
    let unused = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let fox = repo.world.path("pictures/fox.png");
    let nobody = ["reproduce", fox.to_str().unwrap(), "--run", "--server", &unused.to_string()];
    let output = repo.command(GIT_COMFY).args(nobody).output().unwrap();
    let told = text(&output.stderr);
    assert!(told.contains("no ComfyUI answers at") && told.contains("--server"), "{told}");
}

/// A picture that lost what it carried, and whose file is gone, by what the runs know.
#[test]
fn a_run_is_made_again_without_its_picture() {
    let (repo, server) = (repo(), Queueing::new([]));
    repo.comfy(["runs", "scan", repo.world.path("pictures").to_str().unwrap()]);
    std::fs::remove_file(repo.world.path("pictures/fox.png")).unwrap();
    let id = runs(&repo)[0]["id"].as_str().unwrap().to_owned();
    let output = against(&repo, &server, &["reproduce", &id, "--run"]);
    let told = text(&output.stdout);
    assert!(told.contains("the original is not here; by its looks it looks the same"), "{told}");
    assert_eq!(output.status.code(), Some(1), "nobody saw that it is the same");
}

/// What is held against the new picture is what was made then, not a copy of it.
#[test]
fn a_copy_from_the_web_leads_to_the_original() {
    let (repo, server) = (repo(), Queueing::new([]));
    let pictures = repo.world.path("pictures");
    repo.git(["config", "comfy.output", pictures.to_str().unwrap()]);
    repo.comfy(["runs", "scan"]);
    let copy = repo.world.path("web.jpg");
    std::fs::write(&copy, Picture { seed: 5, side: 64 }.jpeg()).unwrap();
    let output = against(&repo, &server, &["reproduce", copy.to_str().unwrap(), "--run"]);
    let told = text(&output.stdout);
    assert!(told.contains("the same picture, pixel for pixel (fox.png)"), "{told}");
}

/// A file of the repository may not send prompts anywhere.
#[test]
fn no_file_of_a_repository_names_a_server() {
    let (repo, evil) = (repo(), Queueing::new([]));
    let named = format!("[comfy]\n\tserver = {}\n", evil.address());
    for name in [".gitconfig", ".comfyconfig", ".git-comfy", "comfy.config", ".lfsconfig"] {
        repo.write(name, &named);
    }
    repo.write(".gitattributes", format!("*.json comfy.server={}\n", evil.address()));
    repo.commit_all("a trap");
    repo.git(["config", "comfy.server", "off"]);
    let fox = repo.world.path("pictures/fox.png");
    let output = repo
        .command(GIT_COMFY)
        .args(["reproduce", fox.to_str().unwrap(), "--run"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no server is to be asked"), "{}", text(&output.stderr));
    assert!(evil.asked().is_empty(), "{:?}", evil.asked());
}

#[test]
#[cfg(unix)]
fn at_ctrl_c_the_run_goes_on_unless_it_is_to_stop() {
    for (more, told) in [(None, "goes on in ComfyUI"), (Some("--stop"), "was stopped in ComfyUI")] {
        let (repo, server) = (repo(), Queueing::new([Fate::Endless]));
        let fox = repo.world.path("pictures/fox.png");
        let child = repo
            .command(GIT_COMFY)
            .args(["reproduce", fox.to_str().unwrap(), "--run", "--server", &server.address()])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        server.wait_for("/queue", 1);
        let id = child.id().to_string();
        repo.command("kill").args(["-INT", &id]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert!(text(&output.stderr).contains(told), "{}", text(&output.stderr));
        assert_eq!(server.posted("/interrupt").len(), usize::from(more.is_some()));
    }
}

/// Frames that a real server sent to the client that queued, and what it kept.
#[test]
fn real_traffic_is_followed() {
    let Some(data) = shared_data() else { return };
    let history = std::fs::read(data.join("server/http/history_full.json")).unwrap();
    let history: Value = serde_json::from_slice(&history).unwrap();
    for (name, code, told) in [
        ("txt2img_1", 2, "cannot be fetched"),
        ("exec_error", 2, "the run failed at"),
        ("with_previews", 2, "cannot be fetched"),
        ("subgraph_1", 2, "cannot be fetched"),
    ] {
        let file = data.join(format!("server/ws/{name}.page.jsonl"));
        let frames: Vec<Value> = std::fs::read_to_string(file)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["json"].clone())
            .filter(|frame| !frame.is_null())
            .collect();
        let run = frames.iter().find_map(|frame| frame["data"]["prompt_id"].as_str()).unwrap();
        let entry = history[run].clone();
        let text_of = serde_json::to_string(&frames).unwrap().replace(run, "RUN");
        let frames: Vec<Value> = serde_json::from_str(&text_of).unwrap();
        if entry.is_null() {
            continue;
        }
        let (repo, server) = (repo(), Queueing::new([Fate::Replayed(frames, entry)]));
        let output = again(&repo, &server, &[]);
        assert_eq!(output.status.code(), Some(code), "{name}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(told), "{name}: {}", text(&output.stderr));
    }
}

/// What a real server answered to prompts that it refused.
#[test]
fn real_refusals_are_told() {
    let Some(data) = shared_data() else { return };
    let traffic = std::fs::read_to_string(data.join("server/ws/api_client_busy.jsonl")).unwrap();
    let lines = traffic.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let refused = lines.filter(|line| line["path"] == "/prompt" && line["status"] == 400);
    let bodies: Vec<Value> =
        refused.map(|line| serde_json::from_str(line["body"].as_str().unwrap()).unwrap()).collect();
    assert!(!bodies.is_empty());
    for body in bodies {
        let (repo, server) = (repo(), Queueing::new([Fate::Refused(body.clone())]));
        let output = again(&repo, &server, &[]);
        assert_eq!(output.status.code(), Some(2));
        let told = text(&output.stderr);
        assert!(told.contains(body["error"]["message"].as_str().unwrap()), "{told}");
        for (id, node) in body["node_errors"].as_object().into_iter().flatten() {
            let said = node["errors"][0]["message"].as_str().unwrap();
            assert!(told.contains(&format!("#{id}: {said}")), "{told}");
        }
    }
}
