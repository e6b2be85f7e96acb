//! Real git repositories for tests, cut off from the machine they run on: an empty HOME,
//! no system configuration, a fixed identity, no prompts.
//!
//! ```ignore
//! let repo = Repo::new();
//! repo.use_filter();
//! repo.write("a.json", workflow(3, 0));
//! repo.git(["add", "a.json"]);
//! assert_eq!(repo.git(["status", "--porcelain"]), "A  a.json\n");
//! ```

// Each theme uses its own part of this.
#![allow(dead_code)]

pub(crate) mod browser;
pub(crate) mod comfy;
pub(crate) mod machine;
pub(crate) mod outputs;
pub(crate) mod queueing;
pub(crate) mod server;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The program under test.
pub(crate) const GIT_COMFY: &str = env!("CARGO_BIN_EXE_git-comfy");

/// How a repository stores its objects and refs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// SHA-1 objects, refs in files: what nearly everyone has.
    Usual,
    /// SHA-256 objects.
    Sha256,
    /// Refs in reftables (git 2.45 and newer).
    Reftable,
}

impl Format {
    /// The formats that the git on this machine can make.
    pub(crate) fn all() -> Vec<Format> {
        let mut all = vec![Format::Usual, Format::Sha256];
        let probe = TempDir::new().unwrap();
        let mut git = isolated(OsStr::new("git"), probe.path());
        let made = git
            .args(["init", "-q", "--ref-format=reftable", "probe"])
            .current_dir(probe.path())
            .output()
            .unwrap();
        if made.status.success() {
            all.push(Format::Reftable);
        }
        all
    }

    fn init_arguments(self) -> &'static [&'static str] {
        match self {
            Format::Usual => &[],
            Format::Sha256 => &["--object-format=sha256"],
            Format::Reftable => &["--ref-format=reftable"],
        }
    }
}

/// A command that sees nothing of the machine's git: HOME is `home`.
fn isolated(program: &OsStr, home: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("GIT_") || text.starts_with("XDG_") || text.starts_with("SSH_") {
            command.env_remove(&name);
        }
    }
    command
        .env("HOME", home)
        .env("USERPROFILE", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", home.join(".gitconfig"))
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_EDITOR", "true")
        .env("GIT_PAGER", "cat")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

/// A folder with an own HOME in which repositories lie side by side.
#[derive(Debug)]
pub(crate) struct World {
    folder: TempDir,
    /// The folder that holds the `git` to use; none: the one on PATH.
    git_folder: Option<PathBuf>,
}

impl World {
    /// An empty world with an identity and nothing else configured.
    pub(crate) fn new() -> std::rc::Rc<World> {
        World::with_git(None)
    }

    /// A world whose `git` is the one in that folder.
    pub(crate) fn with_git(git_folder: Option<PathBuf>) -> std::rc::Rc<World> {
        let mut folder = TempDir::new().unwrap();
        // For whoever looks into what a failed test left.
        folder.disable_cleanup(std::env::var_os("KEEP_TEST_FOLDERS").is_some());
        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(
            home.join(".gitconfig"),
            "[user]\n\tname = A Person\n\temail = person@example.com\n\
             [init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n\
             [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[advice]\n\tdetachedHead = false\n",
        )
        .unwrap();
        std::rc::Rc::new(World { folder, git_folder })
    }

    /// The folders of the different `git` programs of this machine, the one on PATH first.
    pub(crate) fn gits() -> Vec<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = Vec::new();
        let mut versions = Vec::new();
        for folder in std::env::split_paths(&path) {
            let git = folder.join("git");
            let Ok(output) = Command::new(&git).arg("--version").output() else { continue };
            if !versions.contains(&output.stdout) {
                versions.push(output.stdout);
                folders.push(folder);
            }
        }
        folders
    }

    /// A path in this world.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The HOME folder.
    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Any program, run in this world.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = isolated(program.as_ref(), &self.home());
        let git = self.git_folder.iter().cloned();
        let rest = std::env::var_os("PATH").unwrap_or_default();
        // `git comfy` must find the program under test.
        let own = Path::new(GIT_COMFY).parent().unwrap().to_path_buf();
        let all = git.chain([own]).chain(std::env::split_paths(&rest));
        command.env("PATH", std::env::join_paths(all).unwrap());
        command
    }

    /// A repository whose folder has that name.
    pub(crate) fn repo(self: &std::rc::Rc<Self>, name: &str) -> Repo {
        self.repo_with(name, Format::Usual)
    }

    /// The same in a format of its own.
    pub(crate) fn repo_with(self: &std::rc::Rc<Self>, name: &str, format: Format) -> Repo {
        let repo = self.at(name);
        fs::create_dir_all(&repo.path).unwrap();
        let mut arguments = vec!["init", "-q"];
        arguments.extend(format.init_arguments());
        repo.git(arguments);
        repo
    }

    /// A bare repository, to push to and fetch from.
    pub(crate) fn bare(self: &std::rc::Rc<Self>, name: &str) -> Repo {
        self.bare_with(name, Format::Usual)
    }

    /// The same in a format of its own.
    pub(crate) fn bare_with(self: &std::rc::Rc<Self>, name: &str, format: Format) -> Repo {
        let repo = self.at(name);
        fs::create_dir_all(&repo.path).unwrap();
        let mut arguments = vec!["init", "-q", "--bare"];
        arguments.extend(format.init_arguments());
        repo.git(arguments);
        repo
    }

    /// A handle on a repository or work tree that something else made.
    pub(crate) fn at(self: &std::rc::Rc<Self>, name: &str) -> Repo {
        Repo { world: self.clone(), path: self.path(name) }
    }
}

/// One repository (or work tree of one).
#[derive(Debug)]
pub(crate) struct Repo {
    /// Where it lies; keeps the folder alive.
    pub(crate) world: std::rc::Rc<World>,
    /// The work tree, or the repository itself where it is bare.
    pub(crate) path: PathBuf,
}

impl Repo {
    /// A fresh repository in a world of its own.
    pub(crate) fn new() -> Repo {
        World::new().repo("repo")
    }

    /// The same in a format of its own.
    pub(crate) fn with(format: Format) -> Repo {
        World::new().repo_with("repo", format)
    }

    /// A command that runs in the repository.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.world.command(program);
        command.current_dir(&self.path);
        command
    }

    /// Runs git and gives what happened, failed or not.
    pub(crate) fn try_git<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Output {
        self.command("git").args(arguments).output().unwrap()
    }

    /// Runs git, which must succeed, and gives its standard output.
    #[track_caller]
    pub(crate) fn git<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let arguments: Vec<OsString> =
            arguments.into_iter().map(|a| a.as_ref().to_os_string()).collect();
        let output = self.try_git(&arguments);
        told(&format!("git {arguments:?}"), output)
    }

    /// Runs git-comfy, which must succeed, and gives its standard output.
    #[track_caller]
    pub(crate) fn comfy<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let arguments: Vec<OsString> =
            arguments.into_iter().map(|a| a.as_ref().to_os_string()).collect();
        let output = self.command(GIT_COMFY).args(&arguments).output().unwrap();
        told(&format!("git-comfy {arguments:?}"), output)
    }

    /// Runs git-comfy with something on standard input and gives what happened.
    pub(crate) fn comfy_with<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Output {
        let mut command = self.command(GIT_COMFY);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// Writes a file of the work tree, with its folders.
    pub(crate) fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Reads a file of the work tree.
    #[track_caller]
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.path.join(path)).unwrap()
    }

    /// Reads a file of the work tree as text.
    #[track_caller]
    pub(crate) fn text(&self, path: impl AsRef<Path>) -> String {
        String::from_utf8(self.read(path)).unwrap()
    }

    /// The bytes git stores: `git cat-file blob` of a revision such as `HEAD:a.json`.
    #[track_caller]
    pub(crate) fn blob(&self, revision: &str) -> Vec<u8> {
        let output = self.try_git(["cat-file", "blob", revision]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// The id of a revision.
    #[track_caller]
    pub(crate) fn id(&self, revision: &str) -> String {
        self.git(["rev-parse", "--verify", revision]).trim().to_owned()
    }

    /// Stages everything and commits it.
    #[track_caller]
    pub(crate) fn commit_all(&self, message: &str) -> String {
        self.git(["add", "-A"]);
        self.git(["commit", "-q", "-m", message]);
        self.id("HEAD")
    }

    /// Stages everything and commits, whether or not there is a change.
    #[track_caller]
    pub(crate) fn commit_all_allowing_nothing(&self) {
        self.git(["add", "-A"]);
        self.git(["commit", "-q", "--allow-empty", "-m", "perhaps nothing"]);
    }

    /// The folder that all work trees share.
    pub(crate) fn common_dir(&self) -> PathBuf {
        let told = self.git(["rev-parse", "--git-common-dir"]);
        self.path.join(told.trim_end_matches('\n'))
    }

    /// Configures the filter for `*.json`, by hand and without hooks: for tests of the
    /// filter itself. Tests of the whole use `git comfy init`.
    pub(crate) fn use_filter(&self) {
        self.git(["config", "filter.comfy.process", &format!("\"{GIT_COMFY}\" filter-process")]);
        self.git(["config", "filter.comfy.clean", &format!("\"{GIT_COMFY}\" clean %f")]);
        self.git(["config", "filter.comfy.smudge", &format!("\"{GIT_COMFY}\" smudge %f")]);
        self.git(["config", "filter.comfy.required", "true"]);
        let info = self.common_dir().join("info");
        fs::create_dir_all(&info).unwrap();
        fs::write(info.join("attributes"), "*.json filter=comfy\n").unwrap();
    }

    /// Puts plain hook files in place that call git-comfy.
    pub(crate) fn use_hooks(&self) {
        let hooks = self.common_dir().join("hooks");
        fs::create_dir_all(&hooks).unwrap();
        for name in ["post-commit", "post-checkout", "post-merge", "post-rewrite", "pre-push"] {
            let script = format!("#!/bin/sh\nexec \"{GIT_COMFY}\" hook {name} \"$@\"\n");
            fs::write(hooks.join(name), script).unwrap();
            make_executable(&hooks.join(name));
        }
    }
}

#[track_caller]
fn told(what: &str, output: Output) -> String {
    assert!(
        output.status.success(),
        "{what} failed with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[cfg(unix)]
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) {}

/// A small workflow as ComfyUI's Save writes it: one line, no final newline. `steps` is
/// content, `shift` moves every node and the view.
pub(crate) fn workflow(steps: u32, shift: i32) -> String {
    let at = |x: i32, y: i32| format!("[{},{}]", x + shift, y + shift);
    let loader = format!(
        r#"{{"id":4,"type":"CheckpointLoaderSimple","pos":{},"size":[315,98],"flags":{{}},"order":0,"mode":0,"inputs":[],"outputs":[{{"name":"MODEL","type":"MODEL","links":[1]}},{{"name":"CLIP","type":"CLIP","links":[]}},{{"name":"VAE","type":"VAE","links":[]}}],"properties":{{"Node name for S&R":"CheckpointLoaderSimple"}},"widgets_values":["v1-5.safetensors"]}}"#,
        at(26, 474)
    );
    let sampler = format!(
        r#"{{"id":3,"type":"KSampler","pos":{},"size":[315,262.5],"flags":{{"collapsed":false}},"order":1,"mode":0,"inputs":[{{"name":"model","type":"MODEL","link":1}}],"outputs":[{{"name":"LATENT","type":"LATENT","links":[]}}],"properties":{{"Node name for S&R":"KSampler"}},"widgets_values":[156680208700286,"randomize",{steps},8,"euler","normal",1]}}"#,
        at(863, 186)
    );
    let group = format!(
        r##"{{"id":1,"title":"Sampling","bounding":[{},180,340,300],"color":"#3f789e","font_size":24,"flags":{{}}}}"##,
        850 + shift
    );
    format!(
        r#"{{"id":"0f8c7a52-2f9b-4a76-9d2e-5b8f3d3b1f11","revision":0,"last_node_id":9,"last_link_id":9,"nodes":[{loader},{sampler}],"links":[[1,4,0,3,0,"MODEL"]],"groups":[{group}],"config":{{}},"extra":{{"ds":{{"scale":1,"offset":[{shift},0]}},"frontendVersion":"1.49.6"}},"version":0.4}}"#
    )
}

/// The folder of the real test data, where it lies beside the project.
pub(crate) fn shared_data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    data.is_dir().then_some(data)
}
