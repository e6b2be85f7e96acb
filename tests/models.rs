//! What stands behind the models a workflow names, on a machine made of real files.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::Workflow;
use comfy_graph::json;
use git_comfy::internals::platform::Checkout;
use git_comfy::internals::platform::comfyui::gpu::Gpus;
use git_comfy::internals::platform::comfyui::{Installation, InstallationClues, find_installation};
use git_comfy::internals::platform::hash::cache::HashCache;
use git_comfy::internals::platform::hash::{DigestSelection, NoHashProgress, hash_files};
use git_comfy::internals::records::dependencies::workflow_dependencies;
use git_comfy::internals::records::machine_evidence::{
    CheckoutReader, ClassModules, HashFailure, MachineView, ModelFacts,
};
use git_comfy::internals::records::{ModelFact, ModelStatus, ModelUse};

use crate::support::World;
use crate::support::machine::{Machine, safetensors, settle};

struct NoGit;

impl CheckoutReader for NoGit {
    fn checkout(&self, _folder: &std::path::Path) -> Option<Checkout> {
        None
    }

    fn remote(&self, _folder: &std::path::Path) -> Option<String> {
        None
    }
}

/// A world with a ComfyUI and what is needed to look at it.
struct Place {
    world: Rc<World>,
    machine: Machine,
    cache: HashCache,
}

impl Place {
    fn new() -> Place {
        let world = World::new();
        let cache = HashCache::in_folder(&world.path("state"));
        Place { machine: Machine::new(&world), world, cache }
    }

    fn installation(&self, model_roots: Vec<PathBuf>) -> Installation {
        let clues = InstallationClues {
            root: Some(self.machine.path("")),
            base_directory: None,
            extra_model_paths: Vec::new(),
            model_roots,
            repository: None,
            home: Some(self.world.home()),
            settings: Vec::new(),
            server: None,
            variable: &|_| None,
            from_repository: &|_| false,
        };
        find_installation(&clues).unwrap()
    }

    fn look<T>(&self, work: impl FnOnce(&MachineView<'_>) -> T) -> T {
        let installation = self.installation(Vec::new());
        work(&MachineView {
            installation: Some(&installation),
            server: None,
            class_modules: &ClassModules::new(),
            gpus: &Gpus::default(),
            cache: &self.cache,
            pack_cache_folder: None,
            checkouts: &NoGit,
            seen_at: "2026-11-22T10:00:00Z",
        })
    }

    fn seen(&self, models: &[ModelUse]) -> ModelFacts {
        self.look(|look| look.collect_model_facts(models, &HashMap::new()))
    }

    /// Looks, hashes what waits as a worker does, looks again.
    fn hashed(&self, models: &[ModelUse]) -> Vec<ModelFact> {
        let waiting: Vec<PathBuf> =
            self.seen(models).unhashed.into_iter().map(|waiting| waiting.file).collect();
        let mut failures = HashMap::new();
        let results =
            hash_files(&waiting, DigestSelection::All, 2, &SystemTime::now, &NoHashProgress);
        for (file, result) in waiting.into_iter().zip(results) {
            match result {
                Ok(hashed) => self.cache.insert(&file, &hashed).unwrap(),
                Err(error) => drop(failures.insert(file, HashFailure::from_hash_error(&error))),
            }
        }
        let seen = self.look(|look| look.collect_model_facts(models, &failures));
        assert!(seen.unhashed.is_empty());
        seen.facts
    }

    fn fact(&self, folder: &str, name: &str) -> ModelFact {
        self.hashed(&[named(folder, name)]).remove(0)
    }
}

fn named(folder: &str, name: &str) -> ModelUse {
    let text = serde_json::json!({"folder": folder, "name": name, "by": "catalog", "at": []});
    serde_json::from_value(text).unwrap()
}

#[test]
fn a_cold_model_waits_and_a_hashed_one_is_known() {
    let place = Place::new();
    place.machine.model("checkpoints/a.safetensors");
    let models = [named("checkpoints", "a.safetensors")];
    let cold = place.seen(&models);
    assert_eq!((cold.facts[0].status, cold.unhashed.len()), (ModelStatus::Pending, 1));
    let fact = place.hashed(&models).remove(0);
    assert_eq!(fact.status, ModelStatus::Hashed);
    let hashes = fact.hashes.unwrap();
    assert_eq!(hashes.autov2, hashes.sha256[..10]);
    assert_eq!(hashes.autov3.unwrap().len(), 12);
    assert_eq!(fact.header["modelspec.title"], "checkpoints/a.safetensors");
    assert_eq!(fact.search_folder.as_deref(), Some("models/checkpoints"));
    assert!(place.seen(&models).unhashed.is_empty(), "warm");
    // Written again: cold again.
    place.machine.model_of("checkpoints/a.safetensors", b"other bytes");
    assert_eq!(place.seen(&models).unhashed.len(), 1);
}

#[test]
fn an_ambiguous_name_lists_every_file() {
    let place = Place::new();
    place.machine.model("unet/x.safetensors");
    place.machine.model("diffusion_models/x.safetensors");
    place.hashed(&[named("diffusion_models", "x.safetensors")]);
    let fact = place.fact("diffusion_models", "x.safetensors");
    assert_eq!(fact.search_folder.as_deref(), Some("models/unet"));
    assert_eq!(fact.also.len(), 1);
    assert_eq!(fact.also[0].search_folder, "models/diffusion_models");
}

#[test]
fn claims_and_hints_are_held_against_the_fact() {
    let place = Place::new();
    let path = place.machine.model("loras/a.safetensors");
    fs::write(path.with_extension("sha256"), "ab".repeat(32)).unwrap();
    fs::write(path.with_extension("civitai.info"), r#"{"modelId": 5, "id": 6}"#).unwrap();
    let mut model = named("loras", "a.safetensors");
    model.claims.hashes.insert("autov2:0123456789".parse().unwrap());
    let fact = place.hashed(&[model]).remove(0);
    let told: Vec<(String, &str)> =
        fact.disagrees.iter().map(|(digest, who)| (digest.to_string(), who.as_str())).collect();
    assert_eq!(
        told,
        [
            (format!("sha256:{}", "ab".repeat(32)), ".sha256"),
            ("autov2:0123456789".to_owned(), "workflow")
        ]
    );
    assert_eq!(fact.hints.len(), 2);
    assert_eq!(fact.hints[1].url.as_deref(), Some("https://civitai.com/models/5?modelVersionId=6"));
}

#[test]
fn the_headers_own_claim_is_about_the_tensors() {
    let place = Place::new();
    let metadata = serde_json::json!({"modelspec.hash_sha256": format!("0x{}", "0f".repeat(32))});
    place.machine.model_of("loras/a.safetensors", &safetensors(&metadata, &[1; 100]));
    let fact = place.fact("loras", "a.safetensors");
    assert_eq!(fact.disagrees.values().collect::<Vec<_>>(), ["header modelspec.hash_sha256"]);
}

#[test]
fn a_half_written_file_is_not_hashed() {
    let place = Place::new();
    let whole = safetensors(&serde_json::json!({}), &[7; 5000]);
    place.machine.model_of("loras/cut.safetensors", &whole[..4000]);
    let cut = place.fact("loras", "cut.safetensors");
    assert_eq!((cut.status, cut.hashes), (ModelStatus::Unfinished, None));
    assert!(cut.why.unwrap().contains("promises"));
    // Written this moment.
    let fresh = place.machine.model("loras/fresh.safetensors");
    fs::write(&fresh, &whole).unwrap();
    assert_eq!(place.fact("loras", "fresh.safetensors").status, ModelStatus::Unfinished);
    settle(&fresh);
    assert_eq!(place.fact("loras", "fresh.safetensors").status, ModelStatus::Hashed);
}

#[test]
fn a_missing_model_is_found_by_its_claimed_bytes() {
    let place = Place::new();
    place.machine.model("loras/sub/new-name.safetensors");
    let known = place.fact("loras", "sub/new-name.safetensors").hashes.unwrap().sha256;
    let mut model = named("loras", "old-name.safetensors");
    model.claims.hashes.insert(format!("sha256:{known}").parse().unwrap());
    let fact = place.hashed(&[model]).remove(0);
    assert_eq!(fact.status, ModelStatus::Missing);
    assert_eq!(fact.elsewhere, ["models/loras/sub/new-name.safetensors"]);
}

#[test]
fn names_that_leave_the_model_folders_open_nothing() {
    let place = Place::new();
    fs::write(place.world.path("secret.safetensors"), "secret").unwrap();
    for name in ["../../../secret.safetensors", "<absolute>/secret.safetensors", "..\\x"] {
        let fact = place.fact("loras", name);
        assert_eq!(
            (fact.status, fact.hashes, fact.size),
            (ModelStatus::Refused, None, None),
            "{name}"
        );
    }
    assert_eq!(place.fact("loras", "nothing.safetensors").status, ModelStatus::Missing);
    assert_eq!(place.fact("no_such_type", "x.safetensors").status, ModelStatus::Missing);
}

#[test]
#[cfg(unix)]
fn links_out_pipes_and_devices_are_refused_unless_the_person_allows_the_place() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    place.machine.model("loras/a.safetensors");
    let loras = place.machine.path("models/loras");
    let private = place.world.path("private");
    fs::create_dir(&private).unwrap();
    fs::write(private.join("key.safetensors"), "secret").unwrap();
    settle(&private.join("key.safetensors"));
    symlink(private.join("key.safetensors"), loras.join("leak.safetensors")).unwrap();
    symlink("/dev/zero", loras.join("zero.safetensors")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(loras.join("pipe.safetensors")).status();
    assert!(pipe.unwrap().success());
    for name in ["leak.safetensors", "zero.safetensors", "pipe.safetensors"] {
        let fact = place.fact("loras", name);
        assert_eq!((fact.status, fact.hashes), (ModelStatus::Refused, None), "{name}");
        assert!(!serde_json::to_string(&fact.why).unwrap().contains("private"));
    }
    let allowed = place.installation(vec![private]);
    let real = loras.join("leak.safetensors").canonicalize().unwrap();
    assert!(allowed.folders.contains(&real));
}

#[test]
fn an_unknown_packs_model_is_matched_by_its_name() {
    let place = Place::new();
    place.machine.model("ipadapter/plus.safetensors");
    let text = r#"{"nodes":[{"id":1,"type":"SomePackLoader","pos":[0,0],"size":[1,1],"flags":{},
        "order":0,"mode":0,"inputs":[],"outputs":[],"properties":{},
        "widgets_values":["plus.safetensors","gone.safetensors"]}],"links":[],"version":0.4}"#;
    let workflow = Workflow::from_value(json::parse_text(text).unwrap()).unwrap();
    let mut models = workflow_dependencies(&workflow, &Catalog::core()).models;
    place.look(|look| look.resolve_unknown_folders(&mut models));
    let told: Vec<_> =
        models.iter().map(|m| format!("{}/{} {:?}", m.folder, m.name, m.by)).collect();
    assert_eq!(told, ["ipadapter/plus.safetensors Matched", "unknown/gone.safetensors Matched"]);
}

#[test]
fn without_comfyui_everything_is_missing_and_says_why() {
    let place = Place::new();
    let look = MachineView {
        installation: None,
        server: None,
        class_modules: &ClassModules::new(),
        gpus: &Gpus::default(),
        cache: &place.cache,
        pack_cache_folder: None,
        checkouts: &NoGit,
        seen_at: "",
    };
    let seen = look.collect_model_facts(&[named("loras", "a.safetensors")], &HashMap::new());
    assert_eq!(seen.facts[0].status, ModelStatus::Missing);
    assert!(seen.facts[0].why.as_deref().unwrap().contains("no ComfyUI"));
}
