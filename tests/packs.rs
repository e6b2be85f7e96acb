//! Node packs as real git repositories, and which class comes from which.

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

use git_comfy::internals::platform::Checkout;
use git_comfy::internals::platform::comfyui::gpu::Gpus;
use git_comfy::internals::platform::comfyui::{InstallationClues, find_installation};
use git_comfy::internals::platform::foreign_checkout;
use git_comfy::internals::platform::hash::cache::HashCache;
use git_comfy::internals::records::machine_evidence::{
    CheckoutReader, ClassModules, MachineView, PackFacts,
};
use git_comfy::internals::records::{ClassUse, ComfyEnvironment, PackEvidence, PackKind};

use crate::support::World;
use crate::support::machine::Machine;

struct Git;

impl CheckoutReader for Git {
    fn checkout(&self, folder: &Path) -> Option<Checkout> {
        foreign_checkout::read_checkout(folder)
    }

    fn remote(&self, folder: &Path) -> Option<String> {
        foreign_checkout::shareable_origin(folder)
    }
}

fn look<T>(
    world: &Rc<World>,
    machine: &Machine,
    modules: &ClassModules,
    work: impl FnOnce(&MachineView<'_>) -> T,
) -> T {
    let clues = InstallationClues {
        root: Some(machine.path("")),
        base_directory: None,
        extra_model_paths: Vec::new(),
        model_roots: Vec::new(),
        repository: None,
        home: None,
        settings: Vec::new(),
        server: None,
        variable: &|_| None,
        from_repository: &|_| false,
    };
    let installation = find_installation(&clues).unwrap();
    let state = world.path("state");
    work(&MachineView {
        installation: Some(&installation),
        server: None,
        class_modules: modules,
        gpus: &Gpus::default(),
        cache: &HashCache::in_folder(&state),
        pack_cache_folder: Some(&state),
        checkouts: &Git,
        seen_at: "2026-11-22T10:00:00Z",
    })
}

fn seen(
    world: &Rc<World>,
    machine: &Machine,
    modules: &ClassModules,
    classes: &[ClassUse],
) -> PackFacts {
    look(world, machine, modules, |look| look.collect_pack_facts(classes, SystemTime::now()))
}

fn class(name: &str) -> ClassUse {
    ClassUse { class: name.into(), cnr_id: None, aux_id: None, placed_with: Default::default() }
}

#[test]
fn a_git_pack_tells_commit_tag_remote_and_change() {
    let world = World::new();
    let machine = Machine::new(&world);
    let pack = machine.git_pack("Fancy-Pack", &["Fancy Node"]);
    pack.git(["remote", "set-url", "origin", "https://me:token@github.com/o/Fancy-Pack.git"]);
    let clean =
        seen(&world, &machine, &ClassModules::new(), &[class("Fancy Node"), class("Nobody's")]);
    let fact = &clean.facts[0];
    assert_eq!((fact.kind, fact.classes["Fancy Node"]), (PackKind::Git, PackEvidence::Source));
    assert_eq!(
        fact.checkout,
        Checkout {
            commit: Some(pack.id("HEAD")),
            tag: Some("v1.10.0".into()),
            remote: Some("https://github.com/o/Fancy-Pack.git".into()),
            dirty: Some(false),
        }
    );
    assert_eq!(clean.unplaced.iter().collect::<Vec<_>>(), ["Nobody's"]);
    pack.write("untracked.txt", "this is no change of the pack");
    assert_eq!(
        seen(&world, &machine, &ClassModules::new(), &[class("Fancy Node")]).facts[0]
            .checkout
            .dirty,
        Some(false)
    );
    pack.write("__init__.py", "NODE_CLASS_MAPPINGS = {'Fancy Node': 2}\n");
    assert_eq!(
        seen(&world, &machine, &ClassModules::new(), &[class("Fancy Node")]).facts[0]
            .checkout
            .dirty,
        Some(true)
    );
}

#[test]
fn a_remote_on_this_machine_is_not_told() {
    let world = World::new();
    let machine = Machine::new(&world);
    machine.git_pack("Local", &["L"]);
    let seen = seen(&world, &machine, &ClassModules::new(), &[class("L")]);
    assert_eq!(seen.facts[0].checkout.remote, None);
    let home = world.path("");
    assert!(!serde_json::to_string(&seen.facts).unwrap().contains(home.to_str().unwrap()));
}

#[test]
fn detached_packs_and_submodules_have_a_commit_too() {
    let world = World::new();
    let machine = Machine::new(&world);
    let pack = machine.git_pack("P", &["A"]);
    pack.git(["checkout", "-q", "--detach"]);
    pack.git(["pack-refs", "--all"]);
    let fact = seen(&world, &machine, &ClassModules::new(), &[class("A")]).facts.remove(0);
    assert_eq!(fact.checkout.commit, Some(pack.id("HEAD")));
    // `.git` as a file.
    let real = world.path("elsewhere.git");
    fs::rename(pack.path.join(".git"), &real).unwrap();
    fs::write(pack.path.join(".git"), format!("gitdir: {}\n", real.display())).unwrap();
    let fact = seen(&world, &machine, &ClassModules::new(), &[class("A")]).facts.remove(0);
    assert_eq!(fact.checkout.tag.as_deref(), Some("v1.10.0"));
}

#[test]
fn nothing_of_a_packs_repository_is_run() {
    let world = World::new();
    let machine = Machine::new(&world);
    let pack = machine.git_pack("Evil", &["E"]);
    let trap = world.path("sprung");
    let command = format!("touch '{}'", trap.display());
    for key in
        ["core.fsmonitor", "filter.x.clean", "filter.x.process", "diff.external", "core.sshCommand"]
    {
        pack.git(["config", key, &command]);
    }
    fs::write(pack.path.join(".git/info/attributes"), "* filter=x\n").unwrap();
    fs::write(pack.path.join("__init__.py"), "NODE_CLASS_MAPPINGS = {'E': 1}  # changed\n")
        .unwrap();
    assert_eq!(seen(&world, &machine, &ClassModules::new(), &[class("E")]).facts.len(), 1);
    assert!(!trap.exists());
}

#[test]
fn registry_packs_files_and_disabled_ones() {
    let world = World::new();
    let machine = Machine::new(&world);
    machine.file("custom_nodes/reg/.tracking", "__init__.py\n");
    machine.file(
        "custom_nodes/reg/pyproject.toml",
        "[project]\nname = \"reg-pack\"\nversion = \"8.1.2\"\n",
    );
    machine.file("custom_nodes/reg/__init__.py", "NODE_CLASS_MAPPINGS = make()");
    machine.file("custom_nodes/one.py", "NODE_CLASS_MAPPINGS = {'Single': 1}");
    machine.file("custom_nodes/off.disabled/__init__.py", "NODE_CLASS_MAPPINGS = {'Off': 1}");
    let claimed = ClassUse { cnr_id: Some("Reg_Pack".into()), ..class("Made At Run Time") };
    let seen =
        seen(&world, &machine, &ClassModules::new(), &[claimed, class("Single"), class("Off")]);
    let told: Vec<String> = seen
        .facts
        .iter()
        .map(|f| {
            format!(
                "{} {:?} {:?} {:?} {} {:?}",
                f.name, f.kind, f.version, f.cnr_id, f.disabled, f.classes
            )
        })
        .collect();
    insta::assert_debug_snapshot!(told, @r#"
    [
        "off Folder None None true {\"Off\": Source}",
        "one File None None false {\"Single\": Source}",
        "reg Registry Some(\"8.1.2\") Some(\"reg-pack\") false {\"Made At Run Time\": Claimed}",
    ]
    "#);
    let one = seen.facts.iter().find(|f| f.name == "one").unwrap();
    assert_eq!(one.sha256.as_ref().unwrap().len(), 64);
}

#[test]
fn the_repository_a_workflow_claims_decides_between_two() {
    let world = World::new();
    let machine = Machine::new(&world);
    for name in ["A-Pack", "B-Pack"] {
        let pack = machine.git_pack(name, &["Shared"]);
        pack.git(["remote", "set-url", "origin", &format!("https://github.com/someone/{name}")]);
    }
    let plain = seen(&world, &machine, &ClassModules::new(), &[class("Shared")]);
    assert_eq!(plain.facts[0].name, "A-Pack");
    assert_eq!(plain.facts[0].also.iter().collect::<Vec<_>>(), ["B-Pack"]);
    let claimed = ClassUse { aux_id: Some("someone/B-Pack".into()), ..class("Shared") };
    assert_eq!(seen(&world, &machine, &ClassModules::new(), &[claimed]).facts[0].name, "B-Pack");
    // A server that runs knows best.
    let modules = ClassModules::from([
        ("Shared".to_owned(), "custom_nodes.B-Pack".to_owned()),
        ("Newer".to_owned(), "comfy_extras.nodes_newer".to_owned()),
    ]);
    let told = seen(&world, &machine, &modules, &[class("Shared"), class("Newer")]);
    assert_eq!((told.facts.len(), told.unplaced.len()), (1, 0));
    assert_eq!(told.facts[0].classes["Shared"], PackEvidence::Server);
}

#[test]
fn the_environment_is_read_from_files() {
    let world = World::new();
    let machine = Machine::new(&world);
    let site = "venv/lib/python3.12/site-packages";
    for package in ["torch-2.7.0+cu128", "comfyui_frontend_package-1.49.6"] {
        fs::create_dir_all(machine.path(&format!("{site}/{package}.dist-info"))).unwrap();
    }
    machine.file("venv/pyvenv.cfg", "version = 3.12.4\n");
    let source = world.at("ComfyUI");
    source.git(["init", "-q"]);
    source.write(".gitignore", "venv\n");
    let commit = source.commit_all("ComfyUI");
    let (environment, packages) =
        look(&world, &machine, &ClassModules::new(), |look| look.collect_environment());
    let ComfyEnvironment { comfyui, source, python, torch, frontend, .. } = environment;
    assert_eq!(comfyui.as_deref(), Some("0.33.0"));
    assert_eq!(source.unwrap().commit, Some(commit));
    assert_eq!(python.as_deref(), Some("3.12.4"));
    assert_eq!(torch.as_deref(), Some("2.7.0+cu128"));
    assert_eq!(frontend.as_deref(), Some("1.49.6"));
    assert_eq!(packages.unwrap(), "comfyui-frontend-package==1.49.6\ntorch==2.7.0+cu128\n");
}
