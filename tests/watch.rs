//! The watcher against a real websocket and HTTP server with every fault there is, and
//! the bridge in a real Python.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::comfy::Comfy;
use crate::support::outputs::{Picture, entry};
use crate::support::{GIT_COMFY, Repo, World, shared_data};

pub(crate) const AT: u64 = 1_795_363_927_000;

pub(crate) fn repo() -> Repo {
    let repo = World::new().repo("repo");
    let outputs = repo.world.path("output");
    std::fs::create_dir_all(&outputs).unwrap();
    repo.git(["config", "comfy.output", outputs.to_str().unwrap()]);
    repo.git(["config", "comfy.server", "off"]);
    repo
}

pub(crate) fn watch(repo: &Repo, comfy: &Comfy, until: usize) -> Child {
    repo.command(GIT_COMFY)
        .args([
            "watch",
            "--server",
            &comfy.address(),
            "--every",
            "1",
            "--until",
            &until.to_string(),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

pub(crate) fn id(number: usize) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

/// A run ends: its picture is on the disk, its entry in the history.
pub(crate) fn generate(repo: &Repo, comfy: &Comfy, number: usize) {
    let (seed, name) = (number as u64, format!("fox_{number:05}_.png"));
    let picture = Picture { seed, side: 16 }.saved("a fox");
    std::fs::write(repo.world.path("output").join(&name), picture).unwrap();
    comfy.add(&id(number), entry(&id(number), AT + seed * 1000, seed, "a fox", &[&name]));
}

pub(crate) fn recorded(repo: &Repo) -> Vec<Value> {
    let text = repo.comfy(["runs", "--json", "-n", "100000"]);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_run_is_recorded_whatever_becomes_of_the_connection() {
    let (repo, comfy) = (repo(), Comfy::new());
    // It ran before anybody watched.
    generate(&repo, &comfy, 1);
    let mut child = watch(&repo, &comfy, 6);
    comfy.wait_for_clients(1);
    // Told of several times over.
    generate(&repo, &comfy, 2);
    comfy.tell(0, 5);
    // The connection breaks in the middle of a run.
    comfy.tell(1, 1);
    comfy.drop_connections();
    generate(&repo, &comfy, 3);
    comfy.wait_for_clients(2);
    // Nobody says a word.
    generate(&repo, &comfy, 4);
    // Junk, and what other clients are told.
    comfy.send(&json!([1, 2]));
    comfy.send(&json!({"type": "executing", "data": {"node": "3", "prompt_id": "x"}}));
    comfy.tell(0, 1);
    let so_far = comfy.asked().len();
    // Two whole looks, each of which asks twice and more.
    comfy.wait_for_questions(so_far + 6);
    // The server is restarted: its history is gone, new runs come.
    comfy.stop();
    generate(&repo, &comfy, 5);
    comfy.start();
    comfy.wait_for_clients(3);
    generate(&repo, &comfy, 6);
    comfy.tell(0, 1);
    assert!(child.wait().unwrap().success());
    let rows = recorded(&repo);
    let runs: Vec<&str> = rows.iter().map(|row| row["run"].as_str().unwrap()).collect();
    let wanted: Vec<String> = (1..=6).rev().map(id).collect();
    assert_eq!(runs, wanted);
    // With the picture itself, its node, its place.
    let shown: Value =
        serde_json::from_str(&repo.comfy(["runs", "show", "--json", &id(4)])).unwrap();
    let output = &shown["outputs"][0];
    assert!(
        output["sha256"].is_string() && output["node"] == "9" && output["index"] == 0,
        "{shown}"
    );
    // A client of its own, each time.
    let mut clients = comfy.clients();
    assert!(clients.iter().all(|client| client.starts_with("/ws?clientId=git-comfy-")));
    clients.sort();
    clients.dedup();
    assert_eq!(clients.len(), comfy.clients().len());
}

#[test]
fn a_watcher_that_is_killed_loses_nothing() {
    let (repo, comfy) = (repo(), Comfy::new());
    for number in 1..=40 {
        generate(&repo, &comfy, number);
    }
    for kill_after in 1..4 {
        let mut child = watch(&repo, &comfy, usize::MAX);
        comfy.wait_for_questions(comfy.asked().len() + kill_after);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    repo.comfy(["watch", "--once", "--server", &comfy.address()]);
    assert_eq!(recorded(&repo).len(), 40);
    assert_eq!(repo.comfy(["watch", "--once", "--server", &comfy.address()]), "nothing new\n");
    repo.git(["fsck", "--strict"]);
}

#[test]
fn a_long_history_is_read_in_parts_and_only_once() {
    let (repo, comfy) = (repo(), Comfy::new());
    for number in 1..=400 {
        comfy.add(&id(number), entry(&id(number), AT + number as u64, number as u64, "a fox", &[]));
    }
    let first = repo.comfy(["watch", "--once", "--server", &comfy.address()]);
    assert_eq!(first, "400 runs recorded\n");
    let asked = comfy.asked().len();
    comfy.add(&id(401), entry(&id(401), AT, 401, "a fox", &[]));
    repo.comfy(["watch", "--once", "--server", &comfy.address()]);
    let asked: Vec<String> = comfy.asked().split_off(asked);
    let histories = |path: &&String| path.starts_with("/history");
    assert_eq!(asked.iter().filter(histories).collect::<Vec<_>>(), ["/history?max_items=4"]);
    assert!(comfy.asked().iter().filter(histories).all(|path| path.contains("max_items=")));
    assert_eq!(recorded(&repo).len(), 401);
}

#[test]
fn a_file_whose_name_was_used_again_is_not_taken_for_the_runs() {
    let (repo, comfy) = (repo(), Comfy::new());
    generate(&repo, &comfy, 1);
    let other = Picture { seed: 77, side: 16 }.saved("another");
    std::fs::write(repo.world.path("output/fox_00001_.png"), other).unwrap();
    repo.comfy(["watch", "--once", "--server", &comfy.address()]);
    let shown: Value =
        serde_json::from_str(&repo.comfy(["runs", "show", "--json", &id(1)])).unwrap();
    assert_eq!(shown["outputs"][0]["sha256"], Value::Null);
}

/// The frames that a real server sent to an observer, and its real history.
#[test]
fn real_traffic_is_recorded() {
    let Some(data) = shared_data() else { return };
    let (repo, comfy) = (repo(), Comfy::new());
    repo.git(["config", "comfy.output", data.join("outputs").to_str().unwrap()]);
    let history = std::fs::read(data.join("server/http/history_full.json")).unwrap();
    let history: Value = serde_json::from_slice(&history).unwrap();
    let mut entries = history.as_object().unwrap().clone().into_iter();
    let mut child = watch(&repo, &comfy, entries.len());
    comfy.wait_for_clients(1);
    let mut files: Vec<_> = std::fs::read_dir(data.join("server/ws"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.retain(|path| path.to_string_lossy().ends_with(".observer.jsonl"));
    files.sort();
    for file in files {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let frame: Value = serde_json::from_str(line).unwrap();
            let message = &frame["json"];
            // A queue that is empty again: something ended.
            if message["data"]["status"]["exec_info"]["queue_remaining"] == 0 {
                for (id, entry) in entries.by_ref().take(2) {
                    comfy.add(&id, entry);
                }
            }
            comfy.send(message);
        }
    }
    for (id, entry) in entries {
        comfy.add(&id, entry);
    }
    comfy.tell(0, 1);
    assert!(child.wait().unwrap().success());
    let rows = recorded(&repo);
    assert_eq!(rows.len(), 33);
    let count = |outcome: &str| rows.iter().filter(|row| row["outcome"] == outcome).count();
    assert_eq!((count("success"), count("error"), count("interrupted")), (31, 1, 1));
}

/// The bridge in Python, against what it patches; spool files become runs.
#[test]
fn the_bridge_notes_runs_and_cannot_hurt() {
    if !Command::new("python3").arg("--version").output().is_ok_and(|o| o.status.success()) {
        return;
    }
    let repo = repo();
    let nodes = repo.world.path("ComfyUI/custom_nodes");
    std::fs::create_dir_all(&nodes).unwrap();
    let told = repo.comfy(["bridge", "install", nodes.to_str().unwrap()]);
    assert!(told.contains("restart ComfyUI"), "{told}");
    let history = json!({ id(1): entry(&id(1), AT, 1, "a fox", &["fox_00001_.png"]) });
    let script = format!(
        r#"
import importlib.util, json, os, sys, time, types
history = json.loads({history:?})
class Queue:
    currently_running = {{5: (0, {id:?}, {{}}, {{}}, [])}}
    def task_done(self, item_id, *args, **kwargs):
        self.currently_running.pop(item_id)
        return "done"
    def get_history(self, prompt_id=None):
        if prompt_id == "boom":
            raise RuntimeError("boom")
        return {{prompt_id: history[prompt_id]}} if prompt_id in history else {{}}
class Server:
    def __init__(self):
        self.prompt_queue = Queue()
        self.sent = []
    def send_sync(self, event, data, sid=None):
        self.sent.append(event)
        return "sent"
server = types.ModuleType("server")
server.PromptServer = types.SimpleNamespace(instance=Server())
sys.modules["server"] = server
instance = server.PromptServer.instance
spec = importlib.util.spec_from_file_location("bridge", {bridge:?})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
assert module.NODE_CLASS_MAPPINGS == {{}}
run = {id:?}
for event, data in [("executing", {{"node": "4", "prompt_id": run}}), ("executing", {{"node": "3", "prompt_id": run}}),
                    ("executing", {{"node": None, "prompt_id": run}}), ("execution_success", {{"prompt_id": run}}),
                    ("status", {{}}), (7, b"binary"), ("executing", None)]:
    assert instance.send_sync(event, data, "page") == "sent"
assert len(instance.sent) == 7
instance.prompt_queue.currently_running[6] = (0, "boom", {{}}, {{}}, [])
assert instance.prompt_queue.task_done(6, {{}}) == "done"
assert instance.prompt_queue.task_done(5, {{}}, status=None) == "done"
try:
    instance.prompt_queue.task_done(99)
    raise SystemExit("ComfyUI's own error must come through")
except KeyError:
    pass
path = os.path.join(module.SPOOL, run + ".json")
deadline = time.time() + 60
while not os.path.exists(path):
    assert time.time() < deadline, os.listdir(module.SPOOL)
    time.sleep(0.01)
assert os.listdir(module.SPOOL) == [run + ".json"]
"#,
        history = history.to_string(),
        id = id(1),
        bridge = nodes.join("git_comfy_bridge.py").to_str().unwrap(),
    );
    let output = Command::new("python3").args(["-B", "-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Half-written and foreign files are left out.
    let spool = repo.path.join(".git/comfy/spool");
    std::fs::write(spool.join("half.part"), "{").unwrap();
    std::fs::write(spool.join("foreign.json"), "[1]").unwrap();
    assert_eq!(repo.comfy(["bridge", "collect"]), "1 run recorded or completed\n");
    let shown: Value =
        serde_json::from_str(&repo.comfy(["runs", "show", "--json", &id(1)])).unwrap();
    assert_eq!(shown["known"], json!(["history", "bridge"]));
    assert!(shown["durations"]["4"].is_number() && shown["durations"]["3"].is_number(), "{shown}");
    assert_eq!(repo.comfy(["bridge", "collect"]), "nothing new\n");
    // Outside of ComfyUI it does nothing at all.
    let alone = nodes.join("git_comfy_bridge.py");
    assert!(Command::new("python3").arg("-B").arg(&alone).status().unwrap().success());
    assert_eq!(
        repo.comfy(["bridge", "uninstall", nodes.to_str().unwrap()]),
        "the bridge is gone\n"
    );
}
