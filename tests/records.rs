//! The recorder as a person meets it: real commits, real models, real processes.

use std::path::Path;
use std::rc::Rc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::machine::{Machine, safetensors, settle};
use crate::support::server::{Answer, Server};
use crate::support::{Format, Repo, World, shared_data, workflow};

/// A repository beside a ComfyUI, set up by `git comfy init`.
pub(crate) fn studio() -> (Rc<World>, Machine, Repo) {
    let world = World::new();
    let machine = Machine::new(&world);
    let repo = world.repo("repo");
    repo.git(["config", "comfy.server", "off"]);
    repo.comfy(["init", "--hooks", "files"]);
    (world, machine, repo)
}

/// The record of a commit: the note must be one JSON document.
#[track_caller]
pub(crate) fn record(repo: &Repo, revision: &str) -> Value {
    let text = repo.git(["notes", "--ref=comfy", "show", revision]);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What the only machine of a record saw.
#[track_caller]
pub(crate) fn seen(record: &Value) -> &Value {
    let machines = record["seen"].as_object().unwrap();
    assert_eq!(machines.len(), 1, "{record:#}");
    machines.values().next().unwrap()
}

/// `folder/name status` of every model.
#[track_caller]
fn models(record: &Value) -> Vec<String> {
    let all = seen(record)["models"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.map(|m| format!("{}/{} {}", text(&m["folder"]), text(&m["name"]), text(&m["status"])))
        .collect()
}

/// A workflow of one loader with this class, input name and value.
fn loader(class: &str, value: &str) -> String {
    json!({"last_node_id": 1, "last_link_id": 0, "nodes": [{
        "id": 1, "type": class, "pos": [0, 0], "size": [1, 1], "flags": {}, "order": 0, "mode": 0,
        "inputs": [], "outputs": [], "properties": {}, "widgets_values": [value]}],
        "links": [], "groups": [], "config": {}, "extra": {}, "version": 0.4})
    .to_string()
}

const MODEL: &str = "checkpoints/v1-5.safetensors";

#[test]
fn a_commit_knows_what_it_was_made_with() {
    let (world, machine, repo) = studio();
    let file = machine.model(MODEL);
    repo.write("sub/a.json", workflow(20, 0));
    repo.write("readme.txt", "no workflow");
    repo.commit_all("first");
    repo.comfy(["record"]);
    let told = record(&repo, "HEAD");
    assert_eq!(told["summary"], "1 workflow, 1 model, ComfyUI 0.33.0");
    assert_eq!(told["workflows"][0]["path"], "sub/a.json");
    assert_eq!(told["workflows"][0]["blob"], repo.id("HEAD:sub/a.json"));
    let fact = &seen(&told)["models"][0];
    let bytes = std::fs::read(&file).unwrap();
    let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!((&fact["status"], &fact["in"]), (&json!("hashed"), &json!("models/checkpoints")));
    assert_eq!((&fact["hashes"]["sha256"], &fact["size"]), (&json!(digest), &json!(bytes.len())));
    // Nothing of this machine's places goes where others see it.
    let text = repo.git(["notes", "--ref=comfy", "show"]);
    assert!(!text.contains(world.path("").to_str().unwrap()), "{text}");
    assert!(text.starts_with("{\n \"comfy_record\": 1,\n \"summary\": "), "{text}");
    let shown = repo.comfy(["show"]);
    assert!(shown.contains("first\nsub/a.json\n  checkpoints/v1-5.safetensors"), "{shown}");
    assert!(shown.contains(&digest[..10]) && shown.contains("ComfyUI 0.33.0"), "{shown}");
    assert!(repo.comfy(["show", "--full"]).contains(&digest));
    let json: Value = serde_json::from_str(&repo.comfy(["show", "--json", "HEAD"])).unwrap();
    assert_eq!(json["record"], told);
}

#[test]
fn a_commit_that_touches_no_workflow_has_no_record() {
    let (_world, _machine, repo) = studio();
    repo.write("a.json", workflow(20, 0));
    let first = repo.commit_all("first");
    repo.write("b.txt", "x");
    repo.write("settings.json", "{\"a\": 1}");
    repo.commit_all("second");
    assert!(!repo.try_git(["notes", "--ref=comfy", "show"]).status.success());
    let told = repo.comfy(["show"]);
    assert!(told.contains("touches no workflow"), "{told}");
    assert!(told.contains(&first[..10]), "{told}");
    let output = repo.comfy_with(["record"], b"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_cold_commit_returns_before_anything_is_hashed() {
    let (_world, machine, repo) = studio();
    // Written this moment, so that nobody can hash it for two seconds.
    let file = machine.model(MODEL);
    std::fs::write(&file, safetensors(&json!({}), &[1; 5000])).unwrap();
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("first");
    let told = record(&repo, "HEAD");
    assert_eq!(models(&told), [format!("{MODEL} pending")]);
    assert_eq!(told["summary"], "1 workflow, 1 model (1 not hashed yet), ComfyUI 0.33.0");
    let status = repo.comfy(["status"]);
    assert!(status.contains("1 commit's record is"), "{status}");
    let status: Value = serde_json::from_str(&repo.comfy(["status", "--json"])).unwrap();
    assert_eq!(status["records"]["waiting"], 1);
    settle(&file);
    // Waits for its turn.
    repo.comfy(["record"]);
    assert_eq!(models(&record(&repo, "HEAD")), [format!("{MODEL} hashed")]);
    assert!(!repo.comfy(["status"]).contains("record"));
}

#[test]
fn a_worker_that_is_killed_leaves_nothing_undone() {
    let (_world, machine, repo) = studio();
    let file = machine.model(MODEL);
    std::fs::write(&file, safetensors(&json!({}), &[1; 5000])).unwrap();
    repo.write("a.json", workflow(20, 0));
    repo.git(["add", "."]);
    // Without hooks: this test starts the worker itself.
    repo.git(["-c", "core.hooksPath=/nowhere", "commit", "-q", "-m", "first"]);
    std::fs::create_dir_all(repo.common_dir().join("comfy/pending")).unwrap();
    std::fs::write(repo.common_dir().join("comfy/pending").join(repo.id("HEAD")), "0").unwrap();
    let mut worker =
        repo.command(crate::support::GIT_COMFY).args(["record", "--finish"]).spawn().unwrap();
    let lock = repo.common_dir().join("comfy/recorder.lock");
    let held = |lock: &Path| {
        let file = std::fs::File::options().read(true).write(true).open(lock);
        file.is_ok_and(|file| file.try_lock().is_err())
    };
    while !held(&lock) {
        std::thread::yield_now();
        assert!(worker.try_wait().unwrap().is_none(), "it ended by itself");
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
    let status: Value = serde_json::from_str(&repo.comfy(["status", "--json"])).unwrap();
    assert_eq!(status["records"], json!({"waiting": 1, "hashing": null}));
    settle(&file);
    // The next hook of any kind takes it up; `record` waits for that one's end.
    repo.comfy(["hook", "post-checkout"]);
    repo.comfy(["record"]);
    assert_eq!(models(&record(&repo, "HEAD")), [format!("{MODEL} hashed")]);
}

#[test]
fn many_recorders_at_once_write_every_record_once() {
    let (_world, machine, repo) = studio();
    repo.git(["config", "comfy.record", "false"]);
    for n in 0..6 {
        machine.model(&format!("checkpoints/m{n}.safetensors"));
        let name = format!("m{n}.safetensors");
        repo.write("a.json", loader("CheckpointLoaderSimple", &name));
        repo.commit_all(&format!("number {n}"));
    }
    assert!(!repo.try_git(["rev-parse", "--verify", "-q", "refs/notes/comfy"]).status.success());
    repo.git(["config", "comfy.record", "true"]);
    let all: Vec<_> = (0..4)
        .map(|_| repo.command(crate::support::GIT_COMFY).args(["record", "--all"]).spawn().unwrap())
        .collect();
    for mut child in all {
        assert!(child.wait().unwrap().success());
    }
    for n in 0..6 {
        let told = record(&repo, &format!("HEAD~{}", 5 - n));
        assert_eq!(models(&told), [format!("checkpoints/m{n}.safetensors hashed")]);
    }
    assert_eq!(repo.git(["notes", "--ref=comfy", "list"]).lines().count(), 6);
    repo.git(["fsck", "--strict"]);
}

#[test]
fn a_recorder_that_cannot_write_fails_no_commit() {
    let (_world, _machine, repo) = studio();
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("first");
    // Somebody holds the ref, and the list is no folder.
    let git_dir = repo.common_dir();
    std::fs::write(git_dir.join("refs/notes/comfy.lock"), "").unwrap();
    repo.write("a.json", workflow(21, 0));
    repo.git(["add", "."]);
    let output = repo.try_git(["commit", "-q", "-m", "second"]);
    assert!(output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("nothing was recorded"), "{told}");
    std::fs::remove_file(git_dir.join("refs/notes/comfy.lock")).unwrap();
    let _ = std::fs::remove_dir_all(git_dir.join("comfy/pending"));
    std::fs::write(git_dir.join("comfy/pending"), "no folder").unwrap();
    repo.write("a.json", workflow(22, 0));
    repo.commit_all("third");
    repo.comfy(["record", "HEAD~1"]);
    record(&repo, "HEAD~1");
}

#[test]
fn rehash_distrusts_what_is_known() {
    let (_world, machine, repo) = studio();
    let file = machine.model_of(MODEL, &safetensors(&json!({}), &[1; 5000]));
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("first");
    repo.comfy(["record"]);
    let digest = |repo: &Repo| {
        let told = record(repo, "HEAD");
        seen(&told)["models"][0]["hashes"]["sha256"].as_str().unwrap().to_owned()
    };
    let before = digest(&repo);
    // The same size, the same time: nothing shows that the bytes are others.
    let time = file.metadata().unwrap().modified().unwrap();
    std::fs::write(&file, safetensors(&json!({}), &[2; 5000])).unwrap();
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    repo.comfy(["record"]);
    assert_eq!(digest(&repo), before);
    repo.comfy(["record", "--rehash"]);
    assert_ne!(digest(&repo), before);
}

#[test]
fn names_that_lead_out_are_refused_and_said_to_be() {
    let (world, machine, repo) = studio();
    std::fs::write(world.path("secret.safetensors"), "secret").unwrap();
    machine.model("checkpoints/good.safetensors");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        let models = machine.path("models/checkpoints");
        symlink(world.path("secret.safetensors"), models.join("leak.safetensors")).unwrap();
        symlink("/dev/zero", models.join("zero.safetensors")).unwrap();
        assert!(
            std::process::Command::new("mkfifo")
                .arg(models.join("pipe.safetensors"))
                .status()
                .unwrap()
                .success()
        );
    }
    let names: &[&str] = if cfg!(unix) {
        &["../../../secret.safetensors", "leak.safetensors", "zero.safetensors", "pipe.safetensors"]
    } else {
        &["../../../secret.safetensors"]
    };
    let absolute = world.path("secret.safetensors").to_str().unwrap().to_owned();
    for (n, name) in names.iter().copied().chain([absolute.as_str()]).enumerate() {
        repo.write(format!("{n}.json"), loader("CheckpointLoaderSimple", name));
    }
    repo.commit_all("a stranger's workflows");
    repo.comfy(["record"]);
    let told = record(&repo, "HEAD");
    let facts = seen(&told)["models"].as_array().unwrap();
    assert_eq!(facts.len(), names.len() + 1);
    for fact in facts {
        assert_eq!((&fact["status"], &fact["hashes"]), (&json!("refused"), &Value::Null), "{fact}");
    }
    let text = repo.git(["notes", "--ref=comfy", "show"]);
    assert!(!text.contains(world.path("").to_str().unwrap()), "{text}");
    assert!(repo.comfy(["show"]).contains("refused"));
}

#[test]
fn a_running_server_tells_what_only_it_knows() {
    let (_world, machine, repo) = studio();
    machine.git_pack("Fancy", &[]);
    let stats = json!({"system": {"os": "linux", "comfyui_version": "0.40.1",
        "python_version": "3.12.4 (main)", "pytorch_version": "2.7.0+cu128",
        "argv": ["main.py", "--fast"]}, "devices": [{"name": "cuda:0 Real Card", "type": "cuda"}]});
    let classes = json!({"Fancy Loader": {
        "input": {"required": {"style_file": [["a.safetensors", "b.safetensors"], {}]}},
        "output": ["MODEL"], "output_name": ["MODEL"], "name": "Fancy Loader",
        "python_module": "custom_nodes.Fancy"}});
    machine.model("loras/a.safetensors");
    machine.model("loras/b.safetensors");
    let server = Server::new([
        ("/system_stats", Answer::Json(stats.to_string().into_bytes())),
        ("/object_info", Answer::Json(classes.to_string().into_bytes())),
    ]);
    repo.git(["config", "comfy.server", &server.address()]);
    repo.write("a.json", loader("Fancy Loader", "a.safetensors"));
    repo.commit_all("first");
    repo.comfy(["record"]);
    let told = record(&repo, "HEAD");
    let environment = &seen(&told)["environment"];
    assert_eq!(environment["from"], "server");
    assert_eq!(environment["comfyui"], "0.40.1");
    assert_eq!(environment["python"], "3.12.4");
    assert_eq!(environment["torch"], "2.7.0+cu128");
    assert_eq!(environment["devices"][0], "cuda:0 Real Card");
    let pack = &seen(&told)["packs"][0];
    assert_eq!(
        (&pack["name"], &pack["classes"]["Fancy Loader"]),
        (&json!("Fancy"), &json!("server"))
    );
    assert_eq!(models(&told), ["loras/a.safetensors hashed"]);
}

#[test]
fn a_running_server_says_where_comfyui_is() {
    let world = World::new();
    let machine = Machine::named(&world, "apps/deep/ComfyUI");
    machine.model(MODEL);
    let repo = world.repo("repo");
    repo.comfy(["init", "--hooks", "files"]);
    let folder = machine.path("models/checkpoints");
    let listed =
        json!([{"name": "checkpoints", "folders": [folder], "extensions": [".safetensors"]}]);
    let server = Server::new([
        ("/system_stats", Answer::Json(b"{\"system\": {}, \"devices\": []}".to_vec())),
        ("/experiment/models", Answer::Json(listed.to_string().into_bytes())),
    ]);
    repo.git(["config", "comfy.server", &server.address()]);
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("first");
    repo.comfy(["record"]);
    assert_eq!(models(&record(&repo, "HEAD")), [format!("{MODEL} hashed")]);
    assert!(repo.comfy_with(["doctor"], b"").stdout.windows(16).any(|w| w == b"its server runs)"));
}

#[test]
fn every_kind_of_repository_has_records() {
    for format in Format::all() {
        let world = World::new();
        let machine = Machine::new(&world);
        machine.model(MODEL);
        let repo = world.repo_with("repo", format);
        repo.git(["config", "comfy.server", "off"]);
        repo.comfy(["init", "--hooks", "files"]);
        repo.write("a.json", workflow(20, 0));
        repo.commit_all("first");
        // Another work tree of the same repository, which lies elsewhere.
        repo.git(["worktree", "add", "-q", "../elsewhere/tree"]);
        let tree = world.at("elsewhere/tree");
        tree.git(["config", "comfy.root", machine.path("").to_str().unwrap()]);
        tree.write("b.json", workflow(21, 0));
        tree.commit_all("second");
        tree.comfy(["record"]);
        assert_eq!(models(&record(&repo, "tree")), [format!("{MODEL} hashed")], "{format:?}");
        repo.comfy(["record"]);
        assert_eq!(models(&record(&tree, "main")), [format!("{MODEL} hashed")], "{format:?}");
        repo.git(["commit", "-q", "--amend", "-m", "again"]);
        assert_eq!(models(&record(&repo, "main")), [format!("{MODEL} hashed")], "{format:?}");
    }
}

#[test]
fn a_commit_of_very_many_workflows_is_left_to_the_worker() {
    let (_world, machine, repo) = studio();
    machine.model(MODEL);
    for n in 0..60 {
        repo.write(format!("{n}.json"), workflow(n, 0));
    }
    repo.commit_all("many");
    repo.comfy(["record"]);
    let told = record(&repo, "HEAD");
    assert_eq!(told["workflows"].as_array().unwrap().len(), 60);
    assert_eq!(models(&told), [format!("{MODEL} hashed")]);
}

#[test]
fn a_server_that_says_nothing_holds_nobody_up() {
    let (_world, _machine, repo) = studio();
    let server = Server::new([("/system_stats", Answer::Silence)]);
    repo.git(["config", "comfy.server", &server.address()]);
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("first");
    let told = record(&repo, "HEAD");
    assert_eq!(seen(&told)["pending"], json!(["environment"]));
    server.set("/system_stats", Answer::Json(b"not json".to_vec()));
    repo.comfy(["record"]);
    assert_eq!(seen(&record(&repo, "HEAD"))["pending"], Value::Null);
}

#[test]
fn real_workflows_name_what_they_need() {
    let Some(data) = shared_data() else { return };
    let (_world, machine, repo) = studio();
    for name in ["checkpoints/tiny_random_sd15.safetensors", "loras/sub/style_a.safetensors"] {
        machine.model(name);
    }
    let mut names = 0;
    for file in std::fs::read_dir(data.join("workflows")).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        repo.write(file.file_name().unwrap(), std::fs::read(&file).unwrap());
        names += 1;
    }
    repo.commit_all("all of them");
    repo.comfy(["record"]);
    let told = record(&repo, "HEAD");
    assert_eq!(told["workflows"].as_array().unwrap().len(), names);
    let facts = models(&told);
    assert!(facts.contains(&"checkpoints/tiny_random_sd15.safetensors hashed".to_owned()));
    assert!(facts.contains(&"loras/sub/style_a.safetensors hashed".to_owned()));
    assert!(facts.contains(&"upscale_models/RandomESRGAN_x2.safetensors missing".to_owned()));
}

#[test]
fn doctor_says_what_was_found() {
    let (world, machine, repo) = studio();
    machine.model(MODEL);
    machine.file("extra_model_paths.yaml", "shared:\n  base_path: ../shelf\n  loras: loras\n");
    std::fs::create_dir_all(world.path("shelf/loras")).unwrap();
    Machine::named(&world, "ComfyUI-old");
    let found = |repo: &Repo| -> Vec<(String, String)> {
        let output = repo.comfy_with(["doctor", "--json"], b"");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let all = report["findings"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of = ["comfyui", "models", "server", "recorder"];
        let home = world.path("").to_str().unwrap().to_owned();
        all.map(|f| (text(&f["check"]), text(&f["what"]).replace(&home, "")))
            .filter(|(check, _)| of.contains(&check.as_str()))
            .collect()
    };
    let told: Vec<String> =
        found(&repo).into_iter().map(|(check, what)| format!("{check}: {what}")).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    comfyui: ComfyUI 0.33.0 in ComfyUI (beside the repository)
    comfyui: other installations are as near: ComfyUI-old
    models: 2 model folders of 2 types
    models: ComfyUI/extra_model_paths.yaml adds 1 model folder
    server: no server is asked (comfy.server)
    ");
    repo.git(["config", "comfy.record", "false"]);
    assert_eq!(found(&repo).len(), 1);
}

#[test]
fn two_machines_records_become_one_on_the_way() {
    let world = World::new();
    let bare = world.bare("remote");
    let studio = |name: &str, tensor: u8| {
        std::fs::create_dir_all(world.path(name)).unwrap();
        let machine = Machine::named(&world, &format!("{name}/ComfyUI"));
        machine.model_of(MODEL, &safetensors(&json!({}), &[tensor; 500]));
        let repo = world.at(&format!("{name}/repo"));
        world
            .command("git")
            .args(["clone", "-q"])
            .arg(&bare.path)
            .arg(&repo.path)
            .status()
            .unwrap();
        repo.git(["config", "comfy.server", "off"]);
        repo.comfy(["init", "--hooks", "files"]);
        repo
    };
    let one = studio("one", 1);
    one.write("a.json", workflow(20, 0));
    one.commit_all("first");
    one.comfy(["record"]);
    // The record travels with the branch.
    one.git(["push", "-q", "origin", "main"]);
    assert_eq!(bare.id("refs/notes/comfy"), one.id("refs/notes/comfy"));
    let two = studio("two", 2);
    two.git(["pull", "-q"]);
    assert_eq!(record(&two, "HEAD"), record(&one, "HEAD"));
    // Both go on without each other.
    two.comfy(["record"]);
    one.write("b.json", workflow(21, 0));
    one.commit_all("second");
    one.comfy(["record"]);
    one.git(["push", "-q", "origin", "main"]);
    assert_eq!(one.comfy(["sync"]), "origin: up to date\n");
    two.comfy(["sync"]);
    one.comfy(["sync"]);
    let joined = record(&one, "HEAD~1");
    let digests: std::collections::BTreeSet<&str> = joined["seen"]
        .as_object()
        .unwrap()
        .values()
        .map(|seen| seen["models"][0]["hashes"]["sha256"].as_str().unwrap())
        .collect();
    assert_eq!((joined["seen"].as_object().unwrap().len(), digests.len()), (2, 2));
    let text =
        |repo: &Repo, revision: &str| repo.git(["notes", "--ref=comfy", "show", &one.id(revision)]);
    for revision in ["HEAD", "HEAD~1"] {
        assert_eq!(text(&one, revision), text(&two, revision));
        assert_eq!(text(&one, revision), text(&bare, revision));
    }
    let shown = two.comfy(["show"]);
    assert!(shown.contains("sha256") && shown.contains("saw"), "{shown}");
}

#[test]
fn a_pick_on_a_machine_without_the_models_keeps_what_is_known_of_the_file() {
    let (_world, machine, repo) = studio();
    machine.model(MODEL);
    repo.write("root.txt", "x");
    repo.commit_all("root");
    repo.git(["switch", "-q", "-c", "side"]);
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("a");
    repo.comfy(["record"]);
    std::fs::remove_file(machine.path("models").join(MODEL)).unwrap();
    repo.git(["switch", "-q", "main"]);
    repo.write("m.txt", "x");
    repo.commit_all("m");
    repo.git(["cherry-pick", "side"]);
    assert_ne!(repo.id("HEAD"), repo.id("side"));
    repo.comfy(["record"]);
    assert_eq!(models(&record(&repo, "HEAD")), [format!("{MODEL} hashed")]);
}

/// The contract and the code say the same: every record these tests make follows the
/// schema, and the schema knows every field of a record that has them all.
#[test]
fn the_schema_of_records_is_that_of_the_code() {
    let text = include_str!("../docs/record.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    let (world, machine, repo) = studio();
    machine.git_pack("Fancy", &["Fancy Node"]);
    machine.model("loras/a.safetensors");
    machine.model("checkpoints/sub/a.safetensors");
    std::fs::write(machine.path("models/loras/a.sha256"), "ab".repeat(32)).unwrap();
    repo.write("a.json", loader("LoraLoaderModelOnly", "a.safetensors"));
    repo.write("b.json", loader("Fancy Node", "sub/a.safetensors"));
    repo.write("c.json", loader("Nobody's", "../x.safetensors"));
    repo.write("d.json", workflow(3, 0));
    repo.commit_all("all sorts");
    repo.comfy(["record"]);
    let told = record(&repo, "HEAD");
    let mut used = std::collections::BTreeSet::new();
    follows(&told, &schema, &schema, "record", &mut used);
    assert!(used.len() > 30, "{used:?}");
    drop(world);
}

/// Holds a value against the part of JSON Schema that ours uses.
#[track_caller]
fn follows(
    value: &Value,
    schema: &Value,
    root: &Value,
    at: &str,
    used: &mut std::collections::BTreeSet<String>,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        let part = root.pointer(reference.trim_start_matches('#'));
        return follows(value, part.expect(reference), root, at, used);
    }
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "integer",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
    };
    if let Some(wanted) = schema["type"].as_str() {
        assert_eq!(kind, wanted, "{at}");
    }
    if let Some(choices) = schema["enum"].as_array() {
        assert!(choices.contains(value), "{at}: {value} is none of {choices:?}");
    }
    if let Some(only) = schema.get("const") {
        assert_eq!(value, only, "{at}");
    }
    if let Value::Array(items) = value {
        for item in items {
            follows(item, &schema["items"], root, &format!("{at}[]"), used);
        }
    }
    if let Value::Object(members) = value {
        for needed in schema["required"].as_array().into_iter().flatten() {
            assert!(members.contains_key(needed.as_str().unwrap()), "{at} has no {needed}");
        }
        for (key, member) in members {
            let known = schema["properties"].get(key);
            let other = schema.get("additionalProperties").filter(|other| other.is_object());
            let below = known.or(other).unwrap_or_else(|| panic!("{at}.{key} is not described"));
            used.insert(format!("{at}.{key}"));
            follows(member, below, root, &format!("{at}.{key}"), used);
        }
    }
}
