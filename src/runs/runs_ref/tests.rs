//! Runs in real repositories, written by both backends.

use std::path::Path;
use std::process::Command;

use super::merge::merge_trees;
use super::*;
use crate::runs::run_data::{OutputFile, RunOutcome};

fn repository(folder: &Path) -> Repository {
    for arguments in [
        &["init", "-q", "-b", "main"][..],
        &["config", "user.name", "A Person"],
        &["config", "user.email", "a@example.com"],
    ] {
        let git = Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", folder.join("none"))
            .status();
        assert!(git.unwrap().success());
    }
    Repository::open_at(folder).unwrap()
}

fn stored(id: &str, day: &str, path: &str) -> (RunPath, StoredRun) {
    let run = Run {
        id: id.to_owned(),
        start: Some(format!("2026-11-{day}T10:00:00.000Z")),
        positive: vec!["a neon fox".to_owned()],
        outputs: vec![OutputFile { path: path.to_owned(), ..OutputFile::default() }],
        ..Run::default()
    };
    let stored =
        StoredRun { run, prompt: Some(b"{\"p\":1}".to_vec()), workflow: Some(b"{}".to_vec()) };
    (RunPath::for_run(&stored.run), stored)
}

fn keep(repository: &Repository, runs: &[(RunPath, StoredRun)]) -> usize {
    record_runs(repository, &RunChanges { runs: runs.to_vec(), replaced: Vec::new() }).unwrap()
}

fn all(repository: &Repository) -> Vec<String> {
    let state = current_state(repository).unwrap();
    let found = diff_states(repository, RunsState::EMPTY, state).unwrap();
    found.iter().map(|found| found.path.as_str().to_owned()).collect()
}

#[test]
fn runs_are_kept_by_day_and_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let repository = repository(folder.path());
    let one = stored("5f0c-1", "22", "a.png");
    assert_eq!(one.0.as_str(), "2026/11/22/5f/5f0c-1");
    assert_eq!(keep(&repository, std::slice::from_ref(&one)), 1);
    let before = current_state(&repository).unwrap();
    assert_eq!(keep(&repository, std::slice::from_ref(&one)), 0, "seen twice");
    assert_eq!(current_state(&repository).unwrap(), before);
    // The same run, from somebody who knows more.
    let mut more = stored("5f0c-1", "22", "a.png");
    more.1.run.outcome = RunOutcome::Success;
    more.1.run.outputs[0].sha256 = Some("ab".repeat(32));
    assert_eq!(keep(&repository, &[more, stored("6000", "23", "b.png")]), 2);
    let read = load_run(&repository, &one.0).unwrap().unwrap();
    assert_eq!((read.run.outcome, read.run.outputs.len()), (RunOutcome::Success, 1));
    assert_eq!(read.prompt.as_deref(), Some(&b"{\"p\":1}"[..]));
    let since = diff_states(&repository, before, current_state(&repository).unwrap()).unwrap();
    assert_eq!(since.len(), 2);
    assert_eq!(all(&repository), ["2026/11/22/5f/5f0c-1", "2026/11/23/60/6000"]);
    assert!(has_state(&repository, before).unwrap());
}

#[test]
fn a_run_without_a_moment_has_a_place_too() {
    let run = Run { id: "xabcdef".to_owned(), ..Run::default() };
    assert_eq!(RunPath::for_run(&run).as_str(), "undated/ab/cd/xabcdef");
    let odd = Run { id: "\u{e9}x".to_owned(), start: Some("yesterday".into()), ..Run::default() };
    assert!(RunPath::for_run(&odd).as_str().starts_with("undated/"));
}

#[test]
fn many_processes_write_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                let repository = Repository::open_at(folder).unwrap();
                for number in 0..5 {
                    let run = stored(&format!("{thread}{number}00"), "22", "a.png");
                    assert_eq!(keep(&repository, &[run]), 1);
                }
            });
        }
    });
    assert_eq!(all(&Repository::open_at(folder.path()).unwrap()).len(), 20);
}

#[test]
fn what_is_redacted_or_pruned_is_gone_and_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let repository = repository(folder.path());
    let runs = [stored("1000", "22", "a.png"), stored("2000", "22", "b.png")];
    keep(&repository, &runs);
    assert_eq!(redact_runs(&repository, &[runs[0].0.clone()], "2026-11-23").unwrap(), 1);
    assert_eq!(prune_runs(&repository, &[runs[1].0.clone()]).unwrap(), 1);
    // Seen again by a scan.
    keep(&repository, &runs);
    let left = load_run(&repository, &runs[0].0).unwrap().unwrap();
    assert!(left.run.positive.is_empty() && left.prompt.is_none() && left.workflow.is_none());
    assert_eq!(all(&repository), ["2026/11/22/10/1000"]);
    // Nothing of it can be reached.
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(folder.path()).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let reachable = git(&["rev-list", "--objects", "refs/comfy/runs"]);
    for line in reachable.lines() {
        let id = line.split(' ').next().unwrap();
        assert!(!git(&["cat-file", "-p", id]).contains("neon fox"), "{line}");
    }
}

#[test]
fn two_clones_runs_become_one_in_either_order() {
    let folder = tempfile::tempdir().unwrap();
    let repository = repository(folder.path());
    let tree = |runs: &[(RunPath, StoredRun)], redacted: &[&RunPath], pruned: &[&RunPath]| {
        let name = RefName::new(RUNS_REF);
        let before = repository.reference(&name).unwrap();
        repository.swap_ref(&name, before, None, "test").unwrap();
        keep(&repository, runs);
        let owned = |places: &[&RunPath]| places.iter().map(|p| (*p).clone()).collect::<Vec<_>>();
        redact_runs(&repository, &owned(redacted), "2026").unwrap();
        prune_runs(&repository, &owned(pruned)).unwrap();
        current_state(&repository).unwrap().0.unwrap()
    };
    let (a, b, c) = (
        stored("1000", "22", "a.png"),
        stored("2000", "22", "b.png"),
        stored("3000", "23", "c.png"),
    );
    let mut more = stored("1000", "22", "a2.png");
    more.1.run.outcome = RunOutcome::Success;
    let ours = tree(&[a.clone(), b.clone(), c.clone()], &[&c.0], &[]);
    let theirs = tree(&[more, b.clone(), c.clone()], &[], &[&b.0]);
    let mut batch = ObjectBatch::new(repository.format());
    let one = merge_trees(&repository, ours, theirs, &mut batch).unwrap();
    let other = merge_trees(&repository, theirs, ours, &mut batch).unwrap();
    assert_eq!(one, other);
    repository.write_objects(&batch).unwrap();
    let again = merge_trees(&repository, one, ours, &mut batch).unwrap();
    assert_eq!(again, one, "nothing new");
    let found = diff_states(&repository, RunsState::EMPTY, RunsState(Some(one))).unwrap();
    let places: Vec<_> = found.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(places, ["2026/11/22/10/1000", "2026/11/23/30/3000"]);
    let joined = read_run(&repository, found[0].document.unwrap()).unwrap().unwrap();
    assert_eq!((joined.outputs.len(), joined.outcome), (2, RunOutcome::Success));
    assert!(read_run(&repository, found[1].document.unwrap()).unwrap().unwrap().redacted.is_some());
}
