//! What the filter costs, as ratios to git without it, taken in turns in one run.
//!
//! `cargo bench --bench git_add [-- ROUNDS]`. The promises: `git add` of all templates at
//! most 1.3 times the time without a filter (aim 1.15), moving their layouts into notes at
//! most half the time of that add, a checkout at most 1.8 times (aim 1.3), `--version` at
//! most twice git's, the memory of the filter process under 30 MB plus 12 times the
//! largest file. A ratio is the median of the ratios of the rounds. The recorder has a
//! benchmark of its own, so it is off here.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

mod support;

use support::{Table, isolated, timed};

const GIT_COMFY: &str = env!("CARGO_BIN_EXE_git-comfy");

/// The files to work with: the official templates where they lie beside the project, else
/// as many made ones of the same size.
fn files() -> Vec<(String, Vec<u8>)> {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/templates");
    if let Ok(folder) = fs::read_dir(templates) {
        let mut files: Vec<_> = folder
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read(path).unwrap())
            })
            .collect();
        files.sort();
        return files;
    }
    (0..328).map(|n| (format!("{n}.json"), made(n, 60).into_bytes())).collect()
}

/// A workflow as ComfyUI's Export writes it.
fn made(seed: usize, nodes: usize) -> String {
    let mut text =
        String::from("{\n  \"last_node_id\": 9999,\n  \"last_link_id\": 9999,\n  \"nodes\": [\n");
    for n in 0..nodes {
        let comma = if n + 1 == nodes { "" } else { "," };
        text += &format!(
            "    {{\n      \"id\": {n},\n      \"type\": \"CLIPTextEncode\",\n      \"pos\": [\n        {}.125,\n        {}\n      ],\n      \"size\": [\n        425,\n        180\n      ],\n      \"flags\": {{}},\n      \"order\": {n},\n      \"mode\": 0,\n      \"inputs\": [],\n      \"outputs\": [\n        {{\n          \"name\": \"CONDITIONING\",\n          \"type\": \"CONDITIONING\",\n          \"links\": []\n        }}\n      ],\n      \"properties\": {{\n        \"Node name for S&R\": \"CLIPTextEncode\"\n      }},\n      \"widgets_values\": [\n        \"a prompt about thing {seed} of {n}\"\n      ]\n    }}{comma}\n",
            n * 450 + seed,
            n % 7 * 200
        );
    }
    text + "  ],\n  \"links\": [],\n  \"groups\": [],\n  \"config\": {},\n  \"extra\": {},\n  \"version\": 0.4\n}"
}

struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn git<A: AsRef<OsStr>>(&self, repo: &str, arguments: impl IntoIterator<Item = A>) -> Duration {
        self.run("git", repo, arguments)
    }

    fn run<A: AsRef<OsStr>>(
        &self,
        program: &str,
        repo: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Duration {
        let at = self.folder.path().join(repo);
        let mut command = isolated(self.folder.path(), program, &at, arguments);
        timed(command.env("GIT_COMFY", if repo == "through" { "0" } else { "1" }))
    }

    /// A fresh repository with all files, not added yet.
    fn fresh(&self, repo: &str, files: &[(String, Vec<u8>)]) {
        let path = self.folder.path().join(repo);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        self.git(repo, ["init", "-q"]);
        for (name, bytes) in files {
            fs::write(path.join(name), bytes).unwrap();
        }
        if repo != "plain" {
            let process = format!("'{GIT_COMFY}' filter-process");
            self.git(repo, ["config", "filter.comfy.process", &process]);
            self.git(repo, ["config", "filter.comfy.required", "true"]);
            fs::write(path.join(".git/info/attributes"), "*.json filter=comfy\n").unwrap();
        }
    }

    fn remove(&self, repo: &str, files: &[(String, Vec<u8>)]) {
        for (name, _) in files {
            fs::remove_file(self.folder.path().join(repo).join(name)).unwrap();
        }
    }
}

fn main() {
    let rounds = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(11);
    let files = files();
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    println!("{} files, {:.1} MB, {rounds} rounds", files.len(), bytes as f64 / 1e6);
    let ground = Ground { folder: tempfile::tempdir().unwrap() };
    fs::write(
        ground.folder.path().join(".gitconfig"),
        "[user]\n\tname = A Person\n\temail = a@example.com\n[gc]\n\tauto = 0\n\
         [comfy]\n\trecord = false\n",
    )
    .unwrap();
    let repos = ["plain", "through", "filtered"];
    let (mut add, mut checkout, mut promote, mut idle) =
        (Table::default(), Table::default(), Table::default(), Table::default());
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..repos.len()).collect();
        order.rotate_left(round % repos.len());
        for repo in repos {
            ground.fresh(repo, &files);
        }
        let mut added = [Duration::ZERO; 3];
        for &at in &order {
            added[at] = ground.git(repos[at], ["add", "."]);
        }
        add.row(&added);
        for repo in repos {
            ground.git(repo, ["commit", "-q", "-m", "all"]);
        }
        let promoted = ground.run(GIT_COMFY, "filtered", ["hook", "post-commit"]);
        promote.row(&[promoted, added[2]]);
        let nothing = ground.run(GIT_COMFY, "filtered", ["hook", "post-commit"]);
        idle.row(&[nothing, ground.git("filtered", ["--version"])]);
        let mut out = [Duration::ZERO; 3];
        for &at in &order {
            ground.remove(repos[at], &files);
            out[at] = ground.git(repos[at], ["checkout", "--", "."]);
        }
        checkout.row(&out);
        for (name, bytes) in &files {
            let file = ground.folder.path().join("filtered").join(name);
            assert!(fs::read(file).unwrap() == *bytes, "{name} did not come back");
        }
    }
    let mut version = Table::default();
    for _ in 0..rounds * 5 {
        let ours = ground.run(GIT_COMFY, "plain", ["--version"]);
        version.row(&[ours, ground.git("plain", ["--version"])]);
    }
    add.tell("git add, filter", 2, 0, "(at most 1.3, aim 1.15)");
    add.tell("git add, filter that lets all pass", 1, 0, "(what the protocol costs)");
    promote.tell("layouts into notes, against the add", 0, 1, "(at most 0.5)");
    checkout.tell("git checkout, filter", 2, 0, "(at most 1.8, aim 1.3)");
    checkout.tell("git checkout, filter that lets all pass", 1, 0, "(what the protocol costs)");
    idle.tell("post-commit hook with nothing to do", 0, 1, "(against git --version)");
    version.tell("git-comfy --version", 0, 1, "(at most 2)");
    memory(&ground, &files);
}

/// The highest memory of a filter process that is given some files.
fn memory(ground: &Ground, files: &[(String, Vec<u8>)]) {
    let large = vec![("large.json".to_owned(), made(0, 60_000).into_bytes())];
    for (what, files) in [("all files", files), ("one large file", &large)] {
        let largest = files.iter().map(|(_, bytes)| bytes.len()).max().unwrap() as f64 / 1e6;
        if let Some(peak) = peak(&ground.folder.path().join("filtered"), files) {
            let promise = 30.0 + 12.0 * largest;
            println!(
                "memory of the process, {what:<15} {peak:>8.1} MB  largest file {largest:.1} MB \
                 (at most {promise:.0})"
            );
        }
    }
}

/// Speaks the protocol with a process of its own and reads its high-water mark.
fn peak(repo: &PathBuf, files: &[(String, Vec<u8>)]) -> Option<f64> {
    let packet = |text: &[u8]| [format!("{:04x}", text.len() + 4).as_bytes(), text].concat();
    let mut child = Command::new(GIT_COMFY)
        .arg("filter-process")
        .current_dir(repo)
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
