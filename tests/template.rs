//! `git comfy template`: what real git makes of the lines for real folders.

use std::fs;

use crate::support::{GIT_COMFY, Repo, World, workflow};

/// What a ComfyUI folder holds, and whether it belongs in a repository.
const COMFYUI: &[(&str, bool)] = &[
    ("user/default/workflows/portrait.json", true),
    ("user/default/workflows/sub folder/Ümlaut.app.json", true),
    ("user/default/workflows/.index.json", true),
    ("user/default/workflows/cover.png", true),
    ("user/ann/workflows/fox.json", true),
    ("user/default/subgraphs/upscale.json", true),
    ("user/default/comfy.templates.json", true),
    ("user/__manager/snapshots/2026-11-22_12-00-00_snapshot.json", true),
    ("README.md", true),
    ("user/default/comfy.settings.json", false),
    ("user/default/workflows/stray.safetensors", false),
    ("user/default/workflows/.DS_Store", false),
    ("user/__manager/config.ini", false),
    ("user/__manager/cache/1514988643_custom-node-list.json", false),
    ("user/comfyui.db", false),
    ("user/comfyui_8188.log", false),
    ("models/checkpoints/sd_xl_base_1.0.safetensors", false),
    ("models/loras/style/film_grain_v2.safetensors", false),
    ("models/configs/v1-inference.yaml", false),
    ("output/ComfyUI_00001_.png", false),
    ("output/video/clip_00001.mp4", false),
    ("temp/ComfyUI_temp_abcde_00001_.png", false),
    ("custom_nodes/ComfyUI-Impact-Pack/__init__.py", false),
    ("custom_nodes/ComfyUI-Impact-Pack/example_workflows/a.json", false),
    (".venv/lib/python3.12/site-packages/torch/version.py", false),
    ("extra_model_paths.yaml", false),
];

fn fill(repo: &Repo, files: &[(&str, bool)]) {
    for (name, _) in files {
        repo.write(name, if name.ends_with(".json") { workflow(20, 0) } else { "x".to_owned() });
    }
}

fn staged(repo: &Repo) -> Vec<String> {
    repo.git(["add", "-A"]);
    let told = repo.git(["ls-files", "-z"]);
    told.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn is_ignored(repo: &Repo, path: &str) -> bool {
    repo.try_git(["check-ignore", "-q", "--no-index", path]).status.success()
}

fn filter_of(repo: &Repo, path: &str) -> String {
    let told = repo.git(["check-attr", "filter", "--", path]);
    told.trim_end().rsplit(' ').next().unwrap().to_owned()
}

/// A git-lfs that does nothing, set up as the real one.
fn with_lfs(repo: &Repo) -> impl Fn(&[&str]) -> String {
    let folder = repo.world.path("bin");
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("git-lfs");
    fs::write(&program, "#!/bin/sh\nexec cat\n").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    repo.git(["config", "filter.lfs.clean", "cat"]);
    repo.git(["config", "filter.lfs.smudge", "cat"]);
    move |arguments| {
        let mut command = repo.command(GIT_COMFY);
        let path = std::env::var_os("PATH").unwrap();
        let own = [folder.clone()].into_iter();
        let path = std::env::join_paths(own.chain(std::env::split_paths(&path))).unwrap();
        let output = command.args(arguments).env("PATH", path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn of_a_comfyui_folder_workflows_go_in_and_the_rest_stays_out() {
    let repo = Repo::new();
    fill(&repo, COMFYUI);
    repo.write("input/pose.png", "x");
    repo.comfy(["template", "--write"]);
    let mut wanted: Vec<&str> = COMFYUI.iter().filter(|(_, is_in)| *is_in).map(|f| f.0).collect();
    wanted.extend([".gitattributes", ".gitignore"]);
    wanted.sort_unstable();
    assert_eq!(staged(&repo), wanted);
    assert_eq!(filter_of(&repo, "user/default/workflows/portrait.json"), "comfy");
    // As on Windows, where names are what they are in any case.
    repo.git(["config", "core.ignorecase", "true"]);
    for (path, is_in) in COMFYUI {
        let path = path.to_uppercase().replace("__MANAGER", "__Manager");
        assert_eq!(is_ignored(&repo, &path), !is_in, "{path}");
    }
    assert_eq!(filter_of(&repo, "USER/DEFAULT/WORKFLOWS/PORTRAIT.JSON"), "comfy");
}

#[test]
fn with_git_lfs_inputs_go_in_and_what_is_large_goes_there() {
    let repo = Repo::new();
    fill(&repo, COMFYUI);
    repo.comfy(["template", "--write"]);
    assert!(is_ignored(&repo, "input/pose.png"));
    // It was installed meanwhile: the block is brought up to date.
    let comfy = with_lfs(&repo);
    comfy(&["template", "--write"]);
    assert!(!is_ignored(&repo, "input/pose.png") && !is_ignored(&repo, "input/3d/mesh.glb"));
    assert!(is_ignored(&repo, "input/clipspace/clipspace-mask-1.png"));
    for (path, filter) in [
        ("input/pose.png", "lfs"),
        ("input/sub folder/VIDEO.MP4", "lfs"),
        ("input/flow.json", "comfy"),
        ("user/default/workflows/portrait.json", "comfy"),
        ("user/default/workflows/cover.png", "unspecified"),
    ] {
        assert_eq!(filter_of(&repo, path), filter, "{path}");
    }
    let told = repo.git(["check-attr", "diff", "--", "input/pose.png"]);
    assert!(told.ends_with("diff: comfy\n"), "{told}");
    let before = (repo.read(".gitignore"), repo.read(".gitattributes"));
    assert!(comfy(&["template", "--write"]).contains("nothing to add"));
    assert_eq!((repo.read(".gitignore"), repo.read(".gitattributes")), before);
}

#[test]
fn of_a_folder_of_workflows_only_weights_and_leavings_stay_out() {
    let repo = Repo::new();
    let files = [
        ("portrait.json", true),
        ("old/portrait (2).json", true),
        ("fox.sync-conflict-20261122-120000-ABCDEFG.json", true),
        ("cover.png", true),
        ("notes.md", true),
        ("clip.mp4", true),
        ("lora.safetensors", false),
        ("old/Thumbs.db", false),
        (".stfolder/x", false),
        (".stignore", false),
        ("~syncthing~fox.json.tmp", false),
        ("._portrait.json", false),
    ];
    fill(&repo, &files);
    let comfy = with_lfs(&repo);
    comfy(&["template", "workflows", "--write"]);
    let mut wanted: Vec<&str> = files.iter().filter(|(_, is_in)| *is_in).map(|f| f.0).collect();
    wanted.extend([".gitattributes", ".gitignore"]);
    wanted.sort_unstable();
    assert_eq!(staged(&repo), wanted);
    assert_eq!(filter_of(&repo, "clip.mp4"), "lfs");
    assert_eq!(filter_of(&repo, "cover.png"), "unspecified");
}

#[test]
fn whatever_stands_there_keeps_its_say() {
    let repo = Repo::new();
    repo.write(".gitignore", "*.bak\r\n*.pt\r\n!keep.safetensors\r\n");
    repo.write(".gitattributes", "posters/*.json comfy=keep\n");
    let told = repo.comfy(["init", "--template", "-n"]);
    assert!(told.contains(".gitignore"), "{told}");
    assert_eq!(repo.text(".gitignore"), "*.bak\r\n*.pt\r\n!keep.safetensors\r\n", "only told");
    repo.comfy(["init", "--template"]);
    let text = repo.text(".gitignore");
    assert!(text.ends_with("*.bak\r\n*.pt\r\n!keep.safetensors\r\n"), "{text:?}");
    assert_eq!(text.matches("*.pt\r\n").count(), 1, "not said twice: {text:?}");
    assert!(!text.replace("\r\n", "").contains('\n'), "its own line ends");
    assert!(is_ignored(&repo, "x.safetensors") && !is_ignored(&repo, "keep.safetensors"));
    assert!(repo.text(".gitattributes").ends_with("posters/*.json comfy=keep\n"));
    assert!(repo.comfy(["init", "--template"]).contains("already"));
    assert_eq!(repo.text(".gitignore"), text);
    // Taken out is what init alone put in.
    repo.comfy(["uninstall"]);
    assert_eq!(repo.text(".gitignore"), text);
    assert_eq!(repo.text(".gitattributes"), "posters/*.json comfy=keep\n");
    // Where a line of the person's is in the way, it is named.
    repo.write(".gitignore", format!("{text}*.json\r\n"));
    let output = repo.command(GIT_COMFY).args(["template", "--write"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("ignored all the same") && told.contains("*.json"), "{told}");
}

#[test]
fn it_is_printed_as_it_would_be_written_and_comfyui_itself_is_left_alone() {
    let repo = Repo::new();
    let printed = repo.comfy(["template", "comfyui"]);
    repo.comfy(["template", "comfyui", "--write"]);
    for file in [".gitignore", ".gitattributes"] {
        assert!(printed.contains(repo.text(file).trim_end()), "{file}: {printed}");
    }
    // Without a repository it is written where we are.
    let world = World::new();
    let plain = world.at("plain");
    fs::create_dir(&plain.path).unwrap();
    plain.comfy(["template", "--write"]);
    assert!(plain.text(".gitignore").contains("*.safetensors"));
    // A clone of ComfyUI has a .gitignore of its own.
    let comfyui = world.repo("ComfyUI");
    comfyui.write("main.py", "");
    comfyui.write("comfy/cli_args.py", "");
    comfyui.write(".gitignore", "/user/\n");
    comfyui.commit_all("ComfyUI");
    let output = comfyui.command(GIT_COMFY).args(["init", "--template"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("ComfyUI's own repository"), "{told}");
    assert_eq!(comfyui.text(".gitignore"), "/user/\n");
    assert!(!comfyui.path.join(".gitattributes").exists());
}
