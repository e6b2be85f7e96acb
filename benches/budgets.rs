//! What git-comfy costs beside plain git, against its budgets, taken in turns in one run.
//!
//! `cargo bench --bench budgets [-- ROUNDS]` prints the table. It works in `/dev/shm` where
//! there is one, so that no disk hides what the program takes. `BENCH_PROGRAM` names another
//! program to measure, for a before and after. A figure is the median over the rounds, a
//! ratio the median of the ratios. Instructions are counted by `benches/instructions.sh`.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

mod support;

use support::{comfyui, isolated, scratch_folder, timed};

/// How many workflows a large studio repository starts with.
const WORKFLOWS: usize = 645;

/// How many there are when only `git status` is asked for.
const TRACKED: usize = 1000;

struct Scene {
    folder: tempfile::TempDir,
    program: String,
}

impl Scene {
    fn new() -> Scene {
        let own = env!("CARGO_BIN_EXE_git-comfy").to_owned();
        let program = std::env::var("BENCH_PROGRAM").unwrap_or(own);
        let scene = Scene { folder: scratch_folder(), program };
        scene.write(
            ".gitconfig",
            "[user]\n\tname = A Person\n\temail = a@example.com\n[gc]\n\tauto = 0\n\
             [maintenance]\n\tauto = false\n[init]\n\tdefaultBranch = main\n",
        );
        comfyui(scene.folder.path());
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn git<A: AsRef<OsStr>>(&self, repo: &str, arguments: impl IntoIterator<Item = A>) -> Duration {
        self.run("git", repo, arguments)
    }

    fn run<A: AsRef<OsStr>>(
        &self,
        program: &str,
        repo: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Duration {
        timed(&mut isolated(self.folder.path(), program, &self.path(repo), arguments))
    }

    /// A new repository with those files, set up by `git comfy init` where it is `ours`.
    fn repository(&self, name: &str, files: &[(String, Vec<u8>)], ours: bool) {
        let _ = fs::remove_dir_all(self.path(name));
        fs::create_dir(self.path(name)).unwrap();
        self.git(name, ["init", "-q"]);
        for (file, bytes) in files {
            self.write(&format!("{name}/{file}"), bytes);
        }
        if ours {
            self.run(&self.program, name, ["init", "--hooks", "files", "-q"]);
            self.git(name, ["config", "comfy.root", self.path("ComfyUI").to_str().unwrap()]);
        }
    }
}

/// One line of the table.
struct Budget {
    what: &'static str,
    ours: Vec<f64>,
    plain: Vec<f64>,
    limit: Limit,
    aim: f64,
}

#[derive(Clone, Copy)]
enum Limit {
    /// So many times what plain git takes.
    Ratio(f64),
    /// So many milliseconds more than plain git takes.
    Added(f64),
}

impl Budget {
    fn new(what: &'static str, limit: Limit, aim: f64) -> Budget {
        Budget { what, ours: Vec::new(), plain: Vec::new(), limit, aim }
    }

    fn add(&mut self, [plain, ours]: [Duration; 2]) {
        self.plain.push(plain.as_secs_f64() * 1e3);
        self.ours.push(ours.as_secs_f64() * 1e3);
    }

    fn print(&self) {
        let pairs = self.ours.iter().zip(&self.plain);
        let (figure, must, unit) = match self.limit {
            Limit::Ratio(must) => (median(pairs.map(|(a, b)| a / b)), must, "x"),
            Limit::Added(must) => (median(pairs.map(|(a, b)| a - b)), must, "ms more"),
        };
        let verdict = if figure > must {
            "over"
        } else if figure > self.aim {
            "holds"
        } else {
            "reaches the aim"
        };
        println!(
            "{:<44} {:>8.1} {:>8.1} {figure:>8.2} {unit:<8} must {must:>5} aim {:>5}  {verdict}",
            self.what,
            median(self.ours.iter().copied()),
            median(self.plain.iter().copied()),
            self.aim
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Measures two things in turns, the first of them first in every second round.
fn in_turns(round: usize, measure: impl Fn(bool) -> Duration) -> [Duration; 2] {
    if round.is_multiple_of(2) {
        let plain = measure(false);
        [plain, measure(true)]
    } else {
        let ours = measure(true);
        [measure(false), ours]
    }
}

fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(7);
    let scene = Scene::new();
    let files = support::workflows(WORKFLOWS);
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    println!(
        "{} workflows, {:.1} MB, {rounds} rounds, in {}",
        files.len(),
        bytes as f64 / 1e6,
        scene.folder.path().display()
    );
    println!("{:<44} {:>8} {:>8}", "", "ours ms", "plain ms");
    for budget in whole_trees(&scene, &files, rounds) {
        budget.print();
    }
    single_commit(&scene, rounds * 3).print();
    for budget in differences(&scene, &files, rounds * 3) {
        budget.print();
    }
    quiet_status(&scene, rounds * 3).print();
    start(&scene, rounds * 15).print();
    memory(&scene, &files);
    instructions(&scene);
}

/// Adding, first committing and checking out everything.
fn whole_trees(scene: &Scene, files: &[(String, Vec<u8>)], rounds: usize) -> [Budget; 3] {
    let mut add = Budget::new("git add of all", Limit::Ratio(1.3), 1.15);
    let mut commit = Budget::new("first git commit of all", Limit::Added(150.0), 60.0);
    let mut checkout = Budget::new("git checkout of all", Limit::Ratio(1.8), 1.3);
    let name = |ours| if ours { "ours" } else { "plain" };
    for round in 0..rounds {
        scene.repository("plain", files, false);
        scene.repository("ours", files, true);
        add.add(in_turns(round, |ours| scene.git(name(ours), ["add", "."])));
        commit.add(in_turns(round, |ours| scene.git(name(ours), ["commit", "-q", "-m", "all"])));
        for repo in ["plain", "ours"] {
            for (file, _) in files {
                fs::remove_file(scene.path(repo).join(file)).unwrap();
            }
        }
        checkout.add(in_turns(round, |ours| scene.git(name(ours), ["checkout", "--", "."])));
        for (file, bytes) in files {
            let back = fs::read(scene.path("ours").join(file)).unwrap();
            assert!(back == *bytes, "{file} did not come back");
        }
    }
    [add, checkout, commit]
}

/// Committing one edited workflow where hooks and recorder are warm.
fn single_commit(scene: &Scene, rounds: usize) -> Budget {
    let mut budget = Budget::new("git commit -a of one workflow", Limit::Added(18.0), 10.0);
    let files = [("a.json".to_owned(), support::recorded_workflow(0).into_bytes())];
    for (repo, ours) in [("plain", false), ("ours", true)] {
        scene.repository(repo, &files, ours);
        scene.git(repo, ["add", "."]);
        scene.git(repo, ["commit", "-q", "-m", "first"]);
    }
    scene.run(&scene.program, "ours", ["record", "-q"]);
    for round in 0..rounds {
        budget.add(in_turns(round, |ours| {
            let repo = if ours { "ours" } else { "plain" };
            scene.write(&format!("{repo}/a.json"), support::recorded_workflow(1 + round));
            scene.git(repo, ["commit", "-q", "-a", "-m", "next"])
        }));
    }
    budget
}

/// `git diff` of one edited workflow, a small one and the largest of all.
fn differences(scene: &Scene, files: &[(String, Vec<u8>)], rounds: usize) -> [Budget; 2] {
    let small = support::recorded_workflow(0).into_bytes();
    let largest = files.iter().map(|(_, bytes)| bytes).max_by_key(|bytes| bytes.len()).unwrap();
    let budgets = [
        ("git diff, one small workflow", &small, Limit::Added(9.0), 6.0),
        ("git diff, the largest", largest, Limit::Ratio(3.5), 2.5),
    ];
    budgets.map(|(what, bytes, limit, aim)| {
        let mut budget = Budget::new(what, limit, aim);
        let files = [("a.json".to_owned(), bytes.clone())];
        let text = String::from_utf8(bytes.clone()).unwrap();
        let edited = support::with_one_value_edited(&text);
        for (repo, ours) in [("plain", false), ("ours", true)] {
            scene.repository(repo, &files, ours);
            scene.git(repo, ["add", "."]);
            scene.git(repo, ["commit", "-q", "-m", "first"]);
            scene.write(&format!("{repo}/a.json"), &edited);
        }
        for round in 0..rounds {
            let repo = |ours| if ours { "ours" } else { "plain" };
            budget.add(in_turns(round, |ours| scene.git(repo(ours), ["diff"])));
        }
        budget
    })
}

/// `git status` where nothing changed.
fn quiet_status(scene: &Scene, rounds: usize) -> Budget {
    let mut budget = Budget::new("git status, 1000 workflows", Limit::Added(10.0), 4.0);
    let files: Vec<_> = (0..TRACKED)
        .map(|n| (format!("{n}.json"), support::recorded_workflow(n).into_bytes()))
        .collect();
    for (repo, ours) in [("plain", false), ("ours", true)] {
        scene.repository(repo, &files, ours);
        scene.git(repo, ["add", "."]);
        scene.git(repo, ["commit", "-q", "-m", "first"]);
    }
    // An index that is as young as its files makes git read them all again.
    std::thread::sleep(Duration::from_millis(1100));
    for repo in ["plain", "ours"] {
        scene.git(repo, ["update-index", "-q", "--really-refresh"]);
        scene.git(repo, ["status", "--short"]);
    }
    for round in 0..rounds {
        let repo = |ours| if ours { "ours" } else { "plain" };
        budget.add(in_turns(round, |ours| scene.git(repo(ours), ["status", "--short"])));
    }
    budget
}

fn start(scene: &Scene, rounds: usize) -> Budget {
    let mut budget = Budget::new("--version", Limit::Ratio(1.3), 1.0);
    for round in 0..rounds {
        budget.add(in_turns(round, |ours| {
            scene.run(if ours { &scene.program } else { "git" }, "plain", ["--version"])
        }));
    }
    budget
}

/// The highest memory of a filter process that is given some files.
fn memory(scene: &Scene, files: &[(String, Vec<u8>)]) {
    let large = vec![("large.json".to_owned(), support::made_workflow(0, 60_000).into_bytes())];
    for (what, files) in [("all files", files), ("one large file", &large)] {
        let largest = files.iter().map(|(_, bytes)| bytes.len()).max().unwrap() as f64 / 1e6;
        if let Some(peak) = peak_memory(scene, files) {
            println!(
                "memory of the filter, {what:<22} {peak:>8.1} MB, largest file {largest:.1} MB  \
                 must {:.0}",
                30.0 + 12.0 * largest
            );
        }
    }
}

/// Speaks the protocol with a process of its own and reads its high-water mark.
fn peak_memory(scene: &Scene, files: &[(String, Vec<u8>)]) -> Option<f64> {
    let packet = |text: &[u8]| [format!("{:04x}", text.len() + 4).as_bytes(), text].concat();
    let mut child = Command::new(&scene.program)
        .arg("filter-process")
        .current_dir(scene.path("ours"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut chunk = vec![0; 1 << 20];
        while let Ok(length @ 1..) = stdout.read(&mut chunk) {
            let _ = sender.send(length);
        }
    });
    let mut hello = [packet(b"git-filter-client\n"), packet(b"version=2\n")].concat();
    hello.extend_from_slice(b"0000");
    hello.extend(packet(b"capability=clean\n"));
    hello.extend_from_slice(b"0000");
    stdin.write_all(&hello).unwrap();
    for (name, bytes) in files {
        let mut request = packet(b"command=clean\n");
        request.extend(packet(format!("pathname={name}\n").as_bytes()));
        request.extend_from_slice(b"0000");
        for chunk in bytes.chunks(65_516) {
            request.extend(packet(chunk));
        }
        request.extend_from_slice(b"0000");
        stdin.write_all(&request).unwrap();
    }
    // Until it has answered everything and is waiting for more.
    while receiver.recv_timeout(Duration::from_secs(3)).is_ok() {}
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok();
    drop(stdin);
    child.wait().unwrap();
    reader.join().unwrap();
    let status = status?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_ascii_whitespace().nth(1)?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}

/// What is executed, which a busy machine does not change.
fn instructions(scene: &Scene) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.sh");
    let counted = Command::new(script).arg(&scene.program).output().unwrap();
    println!("\n{}", String::from_utf8_lossy(&counted.stdout).trim_end());
    if !counted.status.success() {
        println!("{}", String::from_utf8_lossy(&counted.stderr).trim_end());
    }
}
