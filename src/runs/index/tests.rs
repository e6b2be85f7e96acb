//! The index by itself.

use comfy_media::picture::PerceptualHash;

use super::*;
use crate::runs::run_data::{OutputFile, Run, RunModel, Seed};

fn index() -> (tempfile::TempDir, RunIndex) {
    let folder = tempfile::tempdir().unwrap();
    let index = RunIndex::open_in(folder.path()).unwrap();
    (folder, index)
}

fn run(id: &str, minute: u32, text: &str, model: &str, seed: u64) -> (String, Option<Run>) {
    let run = Run {
        id: id.to_owned(),
        content: format!("sha256:{id}"),
        graph: Some("sha256:graph".to_owned()),
        start: Some(format!("2026-11-22T10:{minute:02}:00.000Z")),
        positive: vec![text.to_owned()],
        models: vec![
            RunModel { folder: "checkpoints".into(), name: model.into(), ..RunModel::default() },
            RunModel {
                folder: "loras".into(),
                name: "sub\\Rain.safetensors".into(),
                ..RunModel::default()
            },
        ],
        seeds: vec![Seed { node: "3".into(), input: "seed".into(), value: seed.into() }],
        classes: [("KSampler".to_owned(), String::new())].into(),
        outputs: vec![OutputFile {
            path: format!("{id}.png"),
            sha256: Some(format!("{seed:064x}")),
            perceptual: Some(PerceptualHash::from_words([seed, u64::MAX, 0, 0]).to_string()),
            ..OutputFile::default()
        }],
        ..Run::default()
    };
    (format!("2026/{id}"), Some(run))
}

fn found(index: &RunIndex, keys: &[SearchKey]) -> Vec<String> {
    let query = RunQuery {
        keys: keys.to_vec(),
        since: None,
        until: None,
        filter: RunFilter::All,
        limit: 10,
    };
    index.find_runs(&query).unwrap().into_iter().map(|row| row.run_id).collect()
}

#[test]
fn runs_are_found_by_every_key_and_all_together() {
    let (_folder, mut index) = index();
    let runs = [
        run("aaaa-1", 1, "a neon fox, night", "sd15.safetensors", 7),
        run("bbbb-2", 2, "a fox in the snow", "sd15.safetensors", 8),
        run("cccc-3", 3, "neon city", "xl/Base.safetensors", u64::MAX),
    ];
    index.apply_changes(&runs, Some("state")).unwrap();
    assert_eq!(index.indexed_state().unwrap(), "state");
    assert_eq!(index.counts().unwrap(), IndexCounts { runs: 3, files: 3 });
    let text = |text: &str| SearchKey::Text(text.to_owned());
    assert_eq!(found(&index, &[]), ["cccc-3", "bbbb-2", "aaaa-1"]);
    assert_eq!(found(&index, &[text("neon fox")]), ["aaaa-1"]);
    assert_eq!(found(&index, &[text("FO")]), ["bbbb-2", "aaaa-1"]);
    assert_eq!(found(&index, &[text("\"fox neon\"")]), Vec::<String>::new());
    assert_eq!(found(&index, &[SearchKey::Model("sd15".into())]), ["bbbb-2", "aaaa-1"]);
    assert_eq!(found(&index, &[SearchKey::Model("xl\\base".into())]), ["cccc-3"]);
    assert_eq!(found(&index, &[SearchKey::Lora("rain".into())]).len(), 3);
    assert_eq!(found(&index, &[SearchKey::Seed(u64::MAX.to_string())]), ["cccc-3"]);
    assert_eq!(
        found(
            &index,
            &[SearchKey::Class("ksampler".into()), text("fox"), SearchKey::Seed("8".into())]
        ),
        ["bbbb-2"]
    );
    assert_eq!(
        found(
            &index,
            &[SearchKey::Graphs(vec!["sha256:graph".into()]), SearchKey::Model("base".into())]
        ),
        ["cccc-3"]
    );
    assert_eq!(found(&index, &[SearchKey::Seed("9".into())]), Vec::<String>::new());
    // What people type is no query language.
    for odd in ["", "\"", "a AND", "NEAR(", "col:x", "*", "(fox)", "'"] {
        let _ = found(&index, &[text(odd)]);
    }
    let since = 1_795_341_690_000;
    let query = RunQuery {
        keys: vec![],
        since: Some(since),
        until: None,
        filter: RunFilter::WithFiles,
        limit: 1,
    };
    assert_eq!(index.find_runs(&query).unwrap()[0].paths, ["cccc-3.png"]);
}

#[test]
fn a_run_that_changes_or_goes_leaves_nothing_behind() {
    let (_folder, mut index) = index();
    index.apply_changes(&[run("aaaa-1", 1, "a neon fox", "old.safetensors", 7)], None).unwrap();
    // In another place, with another text.
    let (_, changed) = run("aaaa-1", 2, "a cat", "new.safetensors", 8);
    index.apply_changes(&[("elsewhere".to_owned(), changed)], None).unwrap();
    assert_eq!(index.counts().unwrap(), IndexCounts { runs: 1, files: 1 });
    assert_eq!(found(&index, &[SearchKey::Text("fox".into())]), Vec::<String>::new());
    assert_eq!(found(&index, &[SearchKey::Model("old".into())]), Vec::<String>::new());
    assert_eq!(found(&index, &[SearchKey::Text("cat".into())]), ["aaaa-1"]);
    index.apply_changes(&[("elsewhere".to_owned(), None)], Some("2")).unwrap();
    assert_eq!(index.counts().unwrap(), IndexCounts { runs: 0, files: 0 });
    let hash = PerceptualHash::from_words([8, u64::MAX, 0, 0]);
    for near in index.find_similar(&hash, 1000, 10).unwrap() {
        assert_eq!(index.find_by_picture(near).unwrap(), None);
    }
}

#[test]
fn files_are_found_by_digest_path_and_likeness() {
    let (_folder, mut index) = index();
    let runs: Vec<_> =
        (0..3000u32).map(|n| run(&format!("run-{n}"), n % 60, "x", "m.pt", u64::from(n))).collect();
    index.apply_changes(&runs, None).unwrap();
    assert_eq!(index.find_by_digest(&format!("{:064x}", 2999)).unwrap()[0].run_id, "run-2999");
    assert_eq!(index.find_by_path("run-7.png").unwrap()[0].run_id, "run-7");
    assert_eq!(index.find_by_content("sha256:run-9").unwrap()[0].run_id, "run-9");
    assert_eq!(index.find_by_id("run-299").unwrap().len(), 1);
    assert_eq!(index.find_by_id("run-2").unwrap().len(), 1, "one is called so");
    let hash = PerceptualHash::from_words([2999, u64::MAX, 0, 0]);
    let near = index.find_similar(&hash, PerceptualHash::MAX_SAME_DISTANCE, 5).unwrap();
    assert_eq!(near[0].distance, 0);
    let (row, path) = index.find_by_picture(near[0]).unwrap().unwrap();
    assert_eq!((row.run_id.as_str(), path.as_str()), ("run-2999", "run-2999.png"));
}

#[test]
fn a_damaged_index_is_made_anew() {
    let (folder, index) = index();
    drop(index);
    std::fs::write(index_path(folder.path()), "this is no database, whatever its name says")
        .unwrap();
    let mut index = RunIndex::open_in(folder.path()).unwrap();
    index.apply_changes(&[run("aaaa-1", 1, "x", "m", 7)], Some("s")).unwrap();
    index.mark_scanned(&[("a.png".to_owned(), "1".to_owned())]).unwrap();
    index.clear().unwrap();
    assert_eq!(index.counts().unwrap(), IndexCounts { runs: 0, files: 0 });
    assert_eq!(index.indexed_state().unwrap(), "");
    assert!(index.has_scanned("a.png", "1").unwrap() && !index.has_scanned("a.png", "2").unwrap());
}
