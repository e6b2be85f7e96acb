//! A picture made again: what it needed, what is here of it, and the documents repaired.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::records::studio;
use crate::support::machine::Machine;
use crate::support::outputs::{Picture, node, out, slot};
use crate::support::queueing::{Fate, Queueing};
use crate::support::server::{Answer, Server};
use crate::support::{Repo, World};

const LORA: &str = "film_grain_v2.safetensors";
const CHECKPOINT: &str = "sdxl.safetensors";
const PACK: &str = "Studio-Pack";

/// A canvas with a LoRA, a node of a pack and a seed that is rolled after each run.
fn canvas(seed: u64) -> Value {
    json!({
        "id": "8e8b1c1e-0000-4000-8000-000000000002", "revision": 0,
        "last_node_id": 11, "last_link_id": 12,
        "nodes": [
            node(4, "CheckpointLoaderSimple", json!([]), json!([out("MODEL", &[1]), out("CLIP", &[2]), out("VAE", &[8])]), json!([CHECKPOINT])),
            node(10, "LoraLoader", json!([slot("model", "MODEL", 1), slot("clip", "CLIP", 2)]), json!([out("MODEL", &[3]), out("CLIP", &[4, 5])]), json!([LORA, 0.8, 1])),
            node(5, "EmptyLatentImage", json!([]), json!([out("LATENT", &[6])]), json!([64, 64, 1])),
            node(6, "CLIPTextEncode", json!([slot("clip", "CLIP", 4)]), json!([out("CONDITIONING", &[9])]), json!(["a lighthouse"])),
            node(7, "CLIPTextEncode", json!([slot("clip", "CLIP", 5)]), json!([out("CONDITIONING", &[10])]), json!(["blurry"])),
            node(3, "KSampler", json!([slot("model", "MODEL", 3), slot("positive", "CONDITIONING", 9), slot("negative", "CONDITIONING", 10), slot("latent_image", "LATENT", 6)]), json!([out("LATENT", &[7])]), json!([seed, "randomize", 20, 8, "euler", "normal", 1])),
            node(8, "VAEDecode", json!([slot("samples", "LATENT", 7), slot("vae", "VAE", 8)]), json!([out("IMAGE", &[11])]), json!([])),
            node(11, "StudioGrade", json!([slot("image", "IMAGE", 11)]), json!([out("IMAGE", &[12])]), json!([])),
            node(9, "SaveImage", json!([slot("images", "IMAGE", 12)]), json!([]), json!(["ComfyUI"])),
        ],
        "links": [[1, 4, 0, 10, 0, "MODEL"], [2, 4, 1, 10, 1, "CLIP"], [3, 10, 0, 3, 0, "MODEL"],
            [4, 10, 1, 6, 0, "CLIP"], [5, 10, 1, 7, 0, "CLIP"], [6, 5, 0, 3, 3, "LATENT"],
            [7, 3, 0, 8, 0, "LATENT"], [8, 4, 2, 8, 1, "VAE"], [9, 6, 0, 3, 1, "CONDITIONING"],
            [10, 7, 0, 3, 2, "CONDITIONING"], [11, 8, 0, 11, 0, "IMAGE"], [12, 11, 0, 9, 0, "IMAGE"]],
        "groups": [], "config": {}, "extra": {}, "version": 0.4,
    })
}

/// What the server ran for that canvas.
fn prompt(seed: u64) -> Value {
    json!({
        "3": {"class_type": "KSampler", "inputs": {"seed": seed, "steps": 20, "cfg": 8.0,
            "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0, "model": ["10", 0],
            "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": CHECKPOINT}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lighthouse", "clip": ["10", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["10", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["11", 0]}},
        "10": {"class_type": "LoraLoader", "inputs": {"lora_name": LORA, "strength_model": 0.8,
            "strength_clip": 1.0, "model": ["4", 0], "clip": ["4", 1]}},
        "11": {"class_type": "StudioGrade", "inputs": {"image": ["8", 0]}},
    })
}

/// A studio three weeks ago: a committed workflow, its record, a picture of it.
struct Studio {
    world: Rc<World>,
    machine: Machine,
    repo: Repo,
    pack: Repo,
    picture: String,
}

impl Studio {
    fn new() -> Studio {
        let (world, machine, repo) = studio();
        machine.model(&format!("checkpoints/{CHECKPOINT}"));
        machine.model(&format!("loras/{LORA}"));
        let pack = machine.git_pack(PACK, &["StudioGrade"]);
        repo.write("keeper.json", canvas(1234).to_string());
        repo.commit_all("The keeper");
        repo.comfy(["record"]);
        // The canvas in the picture has the seed that ran, the saved one the next.
        let bytes = Picture { seed: 7, side: 64 }
            .png(&[("prompt", prompt(7).to_string()), ("workflow", canvas(7).to_string())]);
        let path = world.path("output").join("keeper_00001_.png");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let picture = path.to_str().unwrap().to_owned();
        Studio { world, machine, repo, pack, picture }
    }

    /// What three weeks do: the pack was updated, the LoRA renamed in a clean-up.
    fn three_weeks(&self) {
        let remote = self.world.at(&format!("remotes/{PACK}"));
        remote.write("more.py", "# a new release\n");
        remote.commit_all("A new release");
        self.pack.git(["pull", "-q"]);
        let loras = self.machine.path("models/loras");
        fs::create_dir_all(loras.join("looks")).unwrap();
        fs::rename(loras.join(LORA), loras.join("looks/grain.safetensors")).unwrap();
    }

    /// The check of something as JSON, and the exit code.
    #[track_caller]
    fn check(&self, what: &str) -> (Value, i32) {
        let output = self.repo.comfy_with(["reproduce", "--check", "--json", what], b"");
        let told = serde_json::from_slice(&output.stdout);
        let told = told.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (told, output.status.code().unwrap())
    }
}

/// `name state` of every model.
fn models(told: &Value) -> Vec<String> {
    let all = told["check"]["models"].as_array().unwrap().iter();
    all.map(|m| format!("{} {}", m["name"].as_str().unwrap(), m["state"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_picture_of_a_moment_ago_is_the_same() {
    let studio = Studio::new();
    let (told, code) = studio.check(&studio.picture);
    assert_eq!((told["verdict"].as_str(), code), (Some("same"), 0), "{told:#}");
    assert_eq!(models(&told), [format!("{CHECKPOINT} same"), format!("{LORA} same")], "{told:#}");
    assert_eq!(told["check"]["packs"][0]["state"], "same", "{told:#}");
    assert_eq!(told["check"]["unplaced"], json!([]), "{told:#}");
}

#[test]
fn three_weeks_later_the_picture_can_be_made_again() {
    let studio = Studio::new();
    let before = studio.pack.id("HEAD");
    studio.three_weeks();
    let (told, code) = studio.check(&studio.picture);
    assert_eq!((told["verdict"].as_str(), code), (Some("repairable"), 1), "{told:#}");
    assert_eq!(models(&told), [format!("{CHECKPOINT} same"), format!("{LORA} renamed")]);
    assert_eq!(told["check"]["models"][1]["to"], "looks/grain.safetensors");
    let pack = &told["check"]["packs"][0];
    assert_eq!((&pack["state"], &pack["held"]), (&json!("other"), &json!(true)), "{pack:#}");
    assert!(pack["get"].as_str().unwrap().ends_with(&format!("checkout {before}")), "{pack:#}");
    assert!(pack["back"].as_str().unwrap().ends_with("checkout main"), "{pack:#}");
    assert_eq!(told["check"]["environment_by"]["by"], "commit", "{told:#}");
    // The repaired workflow names the LoRA by its new name and holds the seed that ran.
    let target = studio.world.path("again.json");
    let target = target.to_str().unwrap();
    studio.repo.comfy(["reproduce", &studio.picture, "-o", target]);
    let again: Value = serde_json::from_slice(&fs::read(target).unwrap()).unwrap();
    let node = |id: u32| {
        let nodes = again["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["id"] == id).unwrap()["widgets_values"].clone()
    };
    assert_eq!(node(10)[0], "looks/grain.safetensors");
    assert_eq!(node(3), json!([7, "fixed", 20, 8, "euler", "normal", 1]));
    // A picture that comes out otherwise is told with what may be behind it.
    let other = Queueing::new([Fate::Done { other: 1 }]);
    let run = ["--run", "--server", &other.address(), "--into", "other"];
    let arguments: Vec<&str> = ["reproduce", &studio.picture].into_iter().chain(run).collect();
    let (text, code) = self::told(&studio.repo, &arguments);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&format!("perhaps because of {PACK}")), "{text}");
    // Nothing else was touched.
    assert_ne!(studio.pack.id("HEAD"), before);
    let path = Path::new(target);
    let api = path.with_extension("api.json");
    studio.repo.comfy(["reproduce", &studio.picture, "--api", "-o", api.to_str().unwrap()]);
    let api: Value = serde_json::from_slice(&fs::read(api).unwrap()).unwrap();
    let mut wanted = prompt(7);
    wanted["10"]["inputs"]["lora_name"] = json!("looks/grain.safetensors");
    assert_eq!(api, wanted);
    // The packs go back when they are asked to.
    studio.repo.comfy(["reproduce", &studio.picture, "--apply", "--yes", "-o", target, "--force"]);
    assert_eq!(studio.pack.id("HEAD"), before);
    let (told, _) = studio.check(&studio.picture);
    assert_eq!(told["check"]["packs"][0]["state"], "same", "{told:#}");
    // And the picture itself, by its new names, held against the original.
    let server = Queueing::new([]);
    let arguments =
        ["reproduce", &studio.picture, "--run", "--server", &server.address(), "--into", "out"];
    let (text, code) = self::told(&studio.repo, &arguments);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("the same picture, pixel for pixel (keeper_00001_.png)"), "{text}");
    assert_eq!(server.posted("/prompt")[0]["prompt"], wanted);
}

/// A server may know names of widgets that the repository never heard of.
#[test]
fn a_running_server_makes_no_other_workflow_of_it() {
    let studio = Studio::new();
    let mut canvas = canvas(7);
    canvas["nodes"][7]["widgets_values"] = json!([0.6]);
    studio.repo.write("keeper.json", canvas.to_string());
    studio.repo.commit_all("Graded");
    studio.repo.comfy(["record"]);
    let mut prompt = prompt(7);
    prompt["11"]["inputs"]["strength"] = json!(0.6);
    let texts = [("prompt", prompt.to_string()), ("workflow", canvas.to_string())];
    let graded = picture(&studio.world, "graded.png", &Picture { seed: 7, side: 64 }.png(&texts));
    let inputs = json!({"image": ["IMAGE"], "strength": ["FLOAT", {"default": 1}]});
    let class = json!({"StudioGrade": {"input": {"required": inputs}, "output": ["IMAGE"],
        "output_name": ["IMAGE"], "name": "StudioGrade", "category": "studio",
        "python_module": format!("custom_nodes.{PACK}")}});
    let stats = json!({"system": {}, "devices": []});
    let server = Server::new([
        ("/system_stats", Answer::Json(stats.to_string().into_bytes())),
        ("/object_info", Answer::Json(class.to_string().into_bytes())),
    ]);
    studio.repo.git(["config", "comfy.server", &server.address()]);
    // Recording asks the server and remembers what it told.
    studio.repo.comfy(["record", "--all"]);
    let (told, _) = studio.check(&graded);
    assert_eq!(told["check"]["environment_by"]["by"], "commit", "{told:#}");
}

/// What a person is told.
fn told(repo: &Repo, arguments: &[&str]) -> (String, i32) {
    let output = repo.comfy_with(arguments, b"");
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (text, output.status.code().unwrap())
}

#[test]
fn a_lock_lies_beside_the_workflow_and_is_the_same_each_time() {
    let studio = Studio::new();
    let repo = &studio.repo;
    let (text, _) = told(repo, &["lock", "keeper.json"]);
    assert_eq!(text, "keeper.lock.json: 2 models, 1 node pack\n");
    let first = repo.text("keeper.lock.json");
    let lock: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(lock["models"][0]["name"], CHECKPOINT);
    assert_eq!(lock["models"][1]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(lock["packs"][0]["commit"], studio.pack.id("HEAD"));
    assert!(!first.contains(studio.world.path("").to_str().unwrap()), "{first}");
    // A lock counts from when it is there.
    let (text, code) = told(repo, &["verify"]);
    assert_eq!(code, 0, "{text}");
    repo.commit_all("Lock it");
    // Every workflow of the commit, without naming any; the lock is no workflow.
    let (text, _) = told(repo, &["lock"]);
    assert_eq!(text, "keeper.lock.json: 2 models, 1 node pack, as before\n");
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    let (text, code) = told(repo, &["verify"]);
    assert_eq!(code, 0, "{text}");
    studio.three_weeks();
    let (text, code) = told(repo, &["verify", "keeper.json"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("is called looks/grain.safetensors here"), "{text}");
    assert!(text.contains("gets what it was"), "{text}");
    // A workflow that went on without its lock.
    let mut canvas = canvas(1);
    canvas["nodes"][0]["widgets_values"] = json!(["other.safetensors"]);
    repo.write("keeper.json", canvas.to_string());
    let (text, _) = told(repo, &["verify", "keeper.json"]);
    assert!(text.contains("the lock does not have: checkpoints/other.safetensors"), "{text}");
    fs::remove_file(studio.machine.path("models/loras/looks/grain.safetensors")).unwrap();
    assert_eq!(told(repo, &["verify"]).1, 3);
}

#[test]
fn locks_speak_the_languages_of_the_manager_and_of_comfy_cli() {
    let studio = Studio::new();
    let repo = &studio.repo;
    let before = studio.pack.id("HEAD");
    // A pack that others can get, and one from the registry that this workflow does not use.
    let remote = "https://github.com/studio/Studio-Pack";
    studio.pack.git(["remote", "set-url", "origin", remote]);
    let snapshot: Value =
        serde_json::from_str(&repo.comfy(["lock", "keeper.json", "--manager-snapshot"])).unwrap();
    let packs = json!({remote: {"hash": before, "disabled": false}});
    assert_eq!(snapshot["git_custom_nodes"], packs);
    let build: Value =
        serde_json::from_str(&repo.comfy(["lock", "keeper.json", "--comfy-cli"])).unwrap();
    let definition = &build["definition"];
    assert_eq!(definition["customNodes"][0]["gitRef"], before);
    assert_eq!(definition["models"][1]["filename"], LORA);
    assert_eq!(definition["baseComfyVersion"], "v0.33.0");
    for (name, document) in [("snapshot.json", &snapshot), ("build.json", &build)] {
        repo.write(name, document.to_string());
        let (text, code) = told(repo, &["verify", name]);
        assert_eq!(code, 0, "{text}");
    }
    studio.pack.git(["commit", "-q", "--allow-empty", "-m", "later"]);
    let (text, code) = told(repo, &["verify", "snapshot.json"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&format!("checkout {before}")), "{text}");
    let (text, code) = told(repo, &["verify", "keeper.json"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("git comfy lock makes one"), "{text}");
}

/// A repository that knows nothing, beside a ComfyUI with these models.
fn stranger(models: &[&str]) -> (Rc<World>, Machine, Repo) {
    let (world, machine, repo) = studio();
    for model in models {
        machine.model(model);
    }
    (world, machine, repo)
}

/// Writes a picture and gives its path.
fn picture(world: &World, name: &str, bytes: &[u8]) -> String {
    let path = world.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The picture that ComfyUI saved.
fn saved() -> Vec<u8> {
    Picture { seed: 7, side: 64 }
        .png(&[("prompt", prompt(7).to_string()), ("workflow", canvas(7).to_string())])
}

#[track_caller]
fn check(repo: &Repo, what: &str) -> (Value, i32) {
    let output = repo.comfy_with(["reproduce", "--check", "--json", what], b"");
    let told = serde_json::from_slice(&output.stdout);
    let told = told.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (told, output.status.code().unwrap())
}

#[test]
fn of_a_picture_alone_what_is_unknown_is_said_to_be() {
    let (world, machine, repo) =
        stranger(&["checkpoints/sdxl.safetensors", "loras/film_grain_v2.safetensors"]);
    machine.git_pack(PACK, &["StudioGrade"]);
    let path = picture(&world, "from-a-friend.png", &saved());
    let (told, code) = check(&repo, &path);
    assert_eq!((told["verdict"].as_str(), code), (Some("repairable"), 1), "{told:#}");
    assert_eq!(models(&told), [format!("{CHECKPOINT} unknown"), format!("{LORA} unknown")]);
    // Nobody said where the node is from; something here brings it.
    assert_eq!(told["check"]["unplaced"], json!([]), "{told:#}");
    let reasons = told["reasons"].to_string();
    assert!(reasons.contains("nobody recorded which bytes it had"), "{reasons}");
    // Also where there is no repository at all, in ComfyUI's own folders.
    let output = machine.path("output");
    fs::create_dir_all(&output).unwrap();
    let outside = ["-C", output.to_str().unwrap(), "reproduce", "--check", "--json", &path];
    let outside = repo.comfy_with(outside, b"");
    let alone: Value = serde_json::from_slice(&outside.stdout).unwrap();
    assert_eq!(models(&alone), models(&told), "{alone:#}");
    // Once more without the pack and the LoRA.
    fs::remove_dir_all(machine.path("custom_nodes").join(PACK)).unwrap();
    fs::remove_file(machine.path("models/loras").join(LORA)).unwrap();
    let (told, code) = check(&repo, &path);
    assert_eq!((told["verdict"].as_str(), code), (Some("not_here"), 3), "{told:#}");
    assert_eq!(models(&told)[1], format!("{LORA} missing"));
    assert_eq!(told["check"]["unplaced"], json!(["StudioGrade"]));
    assert!(told["check"].get("environment_by").is_none(), "{told:#}");
    // The workflow is written all the same, and says so by its exit code.
    let output = repo.comfy_with(["reproduce", &path, "-o", "again.json"], b"");
    assert_eq!(output.status.code(), Some(3));
    assert!(repo.path.join("again.json").is_file());
}

#[test]
fn the_short_digests_that_savers_write_are_evidence() {
    let (world, machine, repo) = stranger(&["checkpoints/sdxl.safetensors"]);
    let own = machine.model(&format!("loras/{LORA}"));
    let digest: String = {
        use sha2::Digest;
        let digest = sha2::Sha256::digest(fs::read(own).unwrap());
        digest.iter().map(|byte| format!("{byte:02x}")).take(5).collect()
    };
    let state = |digest: &str| {
        let parameters = format!(
            "a lighthouse\nSteps: 20, Sampler: Euler, CFG scale: 8, Seed: 7, Size: 64x64, \
             Hashes: {{\"LORA:film_grain_v2\": \"{digest}\"}}, Version: ComfyUI"
        );
        let bytes = Picture { seed: 7, side: 64 }.png(&[
            ("prompt", prompt(7).to_string()),
            ("workflow", canvas(7).to_string()),
            ("parameters", parameters),
        ]);
        let (told, _) = check(&repo, &picture(&world, "saved.png", &bytes));
        models(&told)
    };
    assert_eq!(state(&digest)[1], format!("{LORA} same"));
    assert_eq!(state("0123456789")[1], format!("{LORA} replaced"));
}

#[test]
fn what_this_machine_once_hashed_under_a_name_it_remembers() {
    let (world, machine, repo) =
        stranger(&["checkpoints/sdxl.safetensors", "loras/film_grain_v2.safetensors"]);
    // Hashed for another workflow, which was never committed.
    repo.write("other.json", canvas(1).to_string());
    repo.comfy(["lock", "other.json"]);
    let loras = machine.path("models/loras");
    fs::rename(loras.join(LORA), loras.join("grain.safetensors")).unwrap();
    let path = picture(&world, "from-a-friend.png", &saved());
    let (told, _) = check(&repo, &path);
    let model = &told["check"]["models"][1];
    assert_eq!((&model["state"], &model["to"]), (&json!("renamed"), &json!("grain.safetensors")));
    assert_eq!(model["recorded_by"]["by"], "machine");
}

#[test]
fn a_picture_that_lost_everything_is_made_again_from_runs_and_notes() {
    let studio = Studio::new();
    let repo = &studio.repo;
    repo.comfy(["runs", "scan", studio.world.path("output").to_str().unwrap()]);
    studio.three_weeks();
    let stripped = picture(&studio.world, "web.jpg", &Picture { seed: 7, side: 100 }.jpeg());
    let (told, code) = check(repo, &stripped);
    assert_eq!((told["verdict"].as_str(), code), (Some("repairable"), 1), "{told:#}");
    assert_eq!(models(&told), [format!("{CHECKPOINT} same"), format!("{LORA} renamed")]);
    assert!(told["original"].as_str().unwrap().contains("looks like this one"), "{told:#}");
    let run = told["run"].as_str().unwrap().to_owned();
    // The same by the run's own name.
    let (by_run, _) = check(repo, &run);
    assert_eq!(by_run["check"], told["check"]);
    // And of the commit alone, with the seed as it was saved.
    let (by_commit, _) = check(repo, "HEAD:keeper.json");
    // The run was recorded while its picture was new, and knows its models by itself.
    let told_by = |told: &Value| {
        let all = told["check"]["models"].as_array().unwrap().iter();
        let by: Vec<Value> = all.map(|model| model["recorded_by"]["by"].clone()).collect();
        by
    };
    assert_eq!(
        (told_by(&told), told_by(&by_commit)),
        (vec!["run".into(); 2], vec!["commit".into(); 2])
    );
    assert_eq!(models(&by_commit), models(&told));
    assert_eq!(by_commit["check"]["packs"], told["check"]["packs"]);
    repo.comfy(["reproduce", &run, "--api", "-o", "prompt.json"]);
    let api: Value = serde_json::from_str(&repo.text("prompt.json")).unwrap();
    assert_eq!(api["3"]["inputs"]["seed"], 7);
    assert_eq!(api["10"]["inputs"]["lora_name"], "looks/grain.safetensors");
}

#[test]
fn a_model_is_told_by_its_bytes_and_never_by_its_name() {
    let studio = Studio::new();
    let loras = studio.machine.path("models/loras");
    // Another file took its name, and it lies in another folder type now.
    let own = fs::read(loras.join(LORA)).unwrap();
    studio.machine.model_of(&format!("loras/{LORA}"), b"something else altogether");
    let (told, code) = studio.check(&studio.picture);
    assert_eq!((models(&told)[1].as_str(), code), (format!("{LORA} replaced").as_str(), 3));
    studio.machine.model_of("checkpoints/lora-by-mistake.safetensors", &own);
    let (told, code) = studio.check(&studio.picture);
    assert_eq!((models(&told)[1].as_str(), code), (format!("{LORA} misplaced").as_str(), 1));
    studio.machine.model_of("loras/deep/er/other.safetensors", &own);
    let (told, _) = studio.check(&studio.picture);
    assert_eq!(told["check"]["models"][1]["to"], "deep/er/other.safetensors", "{told:#}");
    // A copy that its loader would not reach is none.
    fs::remove_file(loras.join("deep/er/other.safetensors")).unwrap();
    fs::remove_file(studio.machine.path("models/checkpoints/lora-by-mistake.safetensors")).unwrap();
    fs::write(loras.join("notes.txt"), &own).unwrap();
    assert_eq!(models(&studio.check(&studio.picture).0)[1], format!("{LORA} replaced"));
}

/// The picture of an image that was read, with the digest that ComfyUI embeds.
fn with_input(digest: &str) -> Vec<u8> {
    let node = |id: u32, class: &str, inputs: Value, outputs: Value, values: Value| {
        json!({"id": id, "type": class, "pos": [0, 0], "size": [1, 1], "flags": {}, "order": id,
            "mode": 0, "inputs": inputs, "outputs": outputs, "properties": {}, "widgets_values": values})
    };
    let canvas = json!({"last_node_id": 2, "last_link_id": 1, "nodes": [
            node(1, "LoadImage", json!([]), json!([{"name": "IMAGE", "type": "IMAGE", "links": [1]}, {"name": "MASK", "type": "MASK", "links": null}]), json!(["sketch.png", "image"])),
            node(2, "SaveImage", json!([{"name": "images", "type": "IMAGE", "link": 1}]), json!([]), json!(["x"]))],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]], "groups": [], "config": {}, "extra": {}, "version": 0.4});
    let prompt = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "sketch.png"}, "is_changed": [digest]},
        "2": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["1", 0]}}});
    Picture { seed: 3, side: 64 }
        .png(&[("prompt", prompt.to_string()), ("workflow", canvas.to_string())])
}

#[test]
fn input_images_are_found_again_wherever_their_bytes_went() {
    let (world, machine, repo) = stranger(&[]);
    let sketch = Picture { seed: 5, side: 64 }.png(&[]);
    let digest: String = {
        use sha2::Digest;
        sha2::Sha256::digest(&sketch).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let path = picture(&world, "result.png", &with_input(&digest));
    let state = || {
        let (told, code) = check(&repo, &path);
        (told["check"]["inputs"][0].clone(), code)
    };
    assert_eq!(
        state(),
        (
            json!({"node": "1", "input": "image", "name": "sketch.png", "sha256": digest, "state": "missing"}),
            3
        )
    );
    machine.file("input/sketch.png", &sketch);
    assert_eq!(state().0["state"], "same");
    // Sorted into a folder: the repaired workflow follows.
    fs::create_dir_all(machine.path("input/2026")).unwrap();
    fs::rename(machine.path("input/sketch.png"), machine.path("input/2026/old.png")).unwrap();
    assert_eq!(
        (state().0["state"].clone(), state().0["to"].clone()),
        (json!("moved"), json!("2026/old.png"))
    );
    repo.comfy(["reproduce", &path, "-o", "again.json"]);
    let again: Value = serde_json::from_str(&repo.text("again.json")).unwrap();
    assert_eq!(again["nodes"][0]["widgets_values"], json!(["2026/old.png", "image"]));
    // Thrown away, but committed once: put back when asked to, and only then.
    fs::remove_file(machine.path("input/2026/old.png")).unwrap();
    repo.write("references/sketch.png", &sketch);
    repo.commit_all("References");
    assert_eq!(state().0["from"], "HEAD:references/sketch.png");
    assert!(!machine.path("input/sketch.png").exists());
    let output = repo.comfy_with(["reproduce", &path, "--apply", "-o", "b.json"], b"");
    assert_eq!(output.status.code(), Some(2), "nobody is there to ask");
    repo.comfy(["reproduce", &path, "--apply", "--yes", "-o", "b.json"]);
    assert_eq!(fs::read(machine.path("input/sketch.png")).unwrap(), sketch);
    // Another picture of that name.
    machine.file("input/sketch.png", b"another one");
    repo.git(["rm", "-q", "-r", "references"]);
    repo.commit_all("Tidy up");
    assert_eq!(
        state(),
        (
            json!({"node": "1", "input": "image", "name": "sketch.png", "sha256": digest, "state": "replaced"}),
            3
        )
    );
}

#[test]
fn packs_are_only_taken_back_where_nothing_is_lost_and_nothing_runs() {
    let studio = Studio::new();
    let before = studio.pack.id("HEAD");
    studio.three_weeks();
    let apply = || {
        let arguments =
            ["reproduce", &studio.picture, "--apply", "--yes", "-o", "x.json", "--force"];
        told(&studio.repo, &arguments)
    };
    // Work that is not committed is not touched.
    studio.pack.write("__init__.py", "NODE_CLASS_MAPPINGS = {\"StudioGrade\": 2}\n");
    let later = studio.pack.id("HEAD");
    let (text, _) = apply();
    assert!(
        text.contains("there is nothing to apply") && text.contains("git stash first"),
        "{text}"
    );
    assert_eq!(studio.pack.id("HEAD"), later);
    studio.pack.git(["checkout", "-q", "--", "."]);
    // Neither its hooks nor its filters run.
    let mark = studio.world.path("it-ran");
    let script = format!("#!/bin/sh\ntouch '{}'\n", mark.display());
    let hook = studio.pack.path.join(".git/hooks/post-checkout");
    fs::write(&hook, &script).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    }
    studio.pack.git(["config", "filter.x.smudge", "cat"]);
    let (text, code) = apply();
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("filters of its own"), "{text}");
    studio.pack.git(["config", "--remove-section", "filter.x"]);
    let (text, _) = apply();
    assert_eq!(studio.pack.id("HEAD"), before, "{text}");
    assert!(!mark.exists());
    // A commit that is not there is never fetched.
    let remote = studio.world.at(&format!("remotes/{PACK}"));
    remote.write("unseen.py", "# never fetched\n");
    let unseen = remote.commit_all("Unseen");
    let note = studio.repo.git(["notes", "--ref=comfy", "show"]).replace(&before, &unseen);
    studio.repo.git(["notes", "--ref=comfy", "add", "-f", "-m", &note]);
    let (told, _) = studio.check(&studio.picture);
    let pack = &told["check"]["packs"][0];
    assert_eq!(pack["held"], false, "{pack:#}");
    assert!(pack["get"].as_str().unwrap().contains(" fetch && git -C "), "{pack:#}");
    let (text, _) = apply();
    assert!(text.contains("there is nothing to apply"), "{text}");
}

#[test]
fn the_workflow_is_put_where_comfyui_lists_it_and_over_nothing() {
    let studio = Studio::new();
    let folder = studio.machine.path("user/default/workflows");
    let names = || {
        let entries = fs::read_dir(&folder).unwrap().flatten();
        let mut names: Vec<_> = entries.map(|e| e.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    for _ in 0..2 {
        studio.repo.comfy(["reproduce", &studio.picture, "--open"]);
        assert_eq!(names(), ["keeper_00001_ again.json"]);
    }
    fs::write(folder.join("keeper_00001_ again.json"), "{}").unwrap();
    studio.repo.comfy(["reproduce", &studio.picture, "--open"]);
    assert_eq!(names(), ["keeper_00001_ again 2.json", "keeper_00001_ again.json"]);
    assert_eq!(fs::read_to_string(folder.join("keeper_00001_ again.json")).unwrap(), "{}");
}
