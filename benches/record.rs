//! What recording costs: the time a warm post-commit adds to a commit, and reading and
//! writing one record among ten thousand.
//!
//! `cargo bench --bench record [-- ROUNDS]`. The promises: at most 25 ms more for a commit,
//! one of 10,000 notes read in under 5 ms, one written in under 20 ms. How fast models are
//! hashed is `--bench hash`. Every figure is a median, taken in turns.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use git_comfy::internals::platform::{CommitId, ObjectId, Repository};
use git_comfy::internals::records::record_notes as records;

mod support;

use support::{comfyui, isolated, recorded_workflow, timed};

const GIT_COMFY: &str = env!("CARGO_BIN_EXE_git-comfy");
const NOTES: usize = 10_000;

fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(40);
    let folder = tempfile::tempdir().unwrap();
    commits(folder.path(), rounds);
    notes(folder.path(), rounds);
}

fn run<A: AsRef<OsStr>>(
    home: &Path,
    program: &str,
    at: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Duration {
    timed(&mut isolated(home, program, at, arguments))
}

fn repository(home: &Path, name: &str) -> PathBuf {
    let config = "[user]\n\tname = A Person\n\temail = person@example.com\n\
                  [maintenance]\n\tauto = false\n[gc]\n\tauto = 0\n";
    fs::write(home.join(".gitconfig"), config).unwrap();
    let path = home.join(name);
    fs::create_dir(&path).unwrap();
    run(home, "git", &path, ["init", "-q"]);
    path
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// A commit without hooks, with hooks that do not record, and with those that do.
fn commits(home: &Path, rounds: usize) {
    let repo = repository(home, "repo");
    comfyui(home);
    run(home, GIT_COMFY, &repo, ["init", "--hooks", "files", "-q"]);
    fs::write(repo.join("a.json"), recorded_workflow(0)).unwrap();
    run(home, "git", &repo, ["add", "."]);
    run(home, "git", &repo, ["commit", "-q", "-m", "first"]);
    run(home, GIT_COMFY, &repo, ["record", "-q"]);
    // Set in the file: what `git -c` sets costs a process of its own to find out.
    let ways = [
        ("git commit, no hooks", "core.hooksPath", "/nowhere"),
        ("  hooks, comfy.record=false", "comfy.record", "false"),
        ("  hooks that record", "comfy.record", "true"),
    ];
    let mut times = vec![Vec::new(); ways.len()];
    for round in 0..rounds {
        for (way, (_, key, value)) in ways.iter().enumerate() {
            run(home, "git", &repo, ["config", key, value]);
            fs::write(repo.join("a.json"), recorded_workflow(1 + round * ways.len() + way))
                .unwrap();
            run(home, "git", &repo, ["add", "."]);
            times[way].push(run(home, "git", &repo, ["commit", "-q", "-m", "next"]));
            run(home, "git", &repo, ["config", "--unset", key]);
        }
    }
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    for ((name, ..), time) in ways.iter().zip(&medians) {
        println!("{name:34} {time:7.2} ms");
    }
    println!("{:34} {:7.2} ms", "recording adds", medians[2] - medians[1]);
    // Two in three commits had no hook or did not record.
    let mut git = Command::new("git");
    let list = git.args(["notes", "--ref=comfy", "list"]).current_dir(&repo).output().unwrap();
    assert_eq!(list.stdout.split(|b| *b == b'\n').count() - 1, rounds + 1);
}

/// One record among ten thousand.
fn notes(home: &Path, rounds: usize) {
    let path = repository(home, "many");
    let repository = Repository::open_at(&path).unwrap();
    let id = |n: usize| {
        let digest = blake3::hash(&n.to_le_bytes()).to_hex();
        CommitId(ObjectId::from_hex(&digest.as_bytes()[..40]).unwrap())
    };
    let text = |n: usize| format!("{{\n \"comfy_record\": 1,\n \"n\": {n}\n}}\n").repeat(40);
    let join = |_: Option<&[u8]>, new: &[u8]| Some(new.to_vec());
    let all: Vec<_> = (0..NOTES).map(|n| (id(n), text(n).into_bytes())).collect();
    let start = Instant::now();
    records::write_notes(&repository, &all, &[], &join).unwrap();
    println!(
        "{NOTES} notes written at once          {:7.0} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // As each command does it: the repository is opened, one note is read.
        let start = Instant::now();
        let opened = Repository::open_at(&path).unwrap();
        assert!(records::read_note(&opened, id(round * 97 % NOTES)).unwrap().is_some());
        reads.push(start.elapsed());
        let start = Instant::now();
        let opened = Repository::open_at(&path).unwrap();
        let one = [(id(NOTES + round), text(round).into_bytes())];
        assert!(records::write_notes(&opened, &one, &[], &join).unwrap());
        writes.push(start.elapsed());
    }
    println!("one of them read                   {:7.2} ms", median(reads));
    println!("one more written                   {:7.2} ms", median(writes));
}
