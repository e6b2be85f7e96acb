//! How fast runs are found and recorded, among as many as a person may have.
//!
//! `cargo bench --bench runs [-- OUTPUTS [RUNS]]`; 1,000,000 outputs in the index and
//! 100,000 runs in git unless told otherwise. The promises: any single key in under 50 ms,
//! a picture by its looks in under 200 ms, one more run recorded and indexed in under
//! 30 ms, a scan at 0.8 or more of plainly decoding and hashing the same files. Every
//! figure is the worst of several, apart from the scan, where the best of both is taken,
//! and the whole process, where it is the middle one.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

mod pictures;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use comfy_media::picture::{PerceptualHash, perceptual_hash};
use git_comfy::internals::platform::Repository;
use git_comfy::internals::runs::index::{RunFilter, RunIndex, RunQuery, SearchKey};
use git_comfy::internals::runs::run_data::{OutputFile, Run, RunModel, Sampler, Seed};
use git_comfy::internals::runs::runs_ref::{RunChanges, RunPath, StoredRun, record_runs};
use pictures::{decode_and_hash, picture};

const WORDS: &[&str] = &[
    "fox",
    "neon",
    "city",
    "rain",
    "portrait",
    "lighthouse",
    "snow",
    "forest",
    "keeper",
    "night",
    "river",
    "castle",
    "cat",
    "robot",
    "garden",
    "storm",
];

/// Numbers without a pattern.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn run(number: u64) -> Run {
    let roll = mixed(number);
    let word = |shift: u32| WORDS[(roll >> shift) as usize % WORDS.len()];
    let time = 1_700_000_000_000 + number as i64 * 20_000;
    let moment = jiff::Timestamp::from_millisecond(time).unwrap();
    let seed = comfy_graph::json::Value::from(roll >> 14);
    let model = |folder: &str, name: String| RunModel {
        folder: folder.to_owned(),
        name,
        ..RunModel::default()
    };
    let hash = PerceptualHash::from_words([roll, mixed(roll), !roll, !mixed(roll)]);
    Run {
        id: format!("{:08x}-{number:04x}", roll as u32),
        content: format!("sha256:{:064x}", mixed(roll)),
        graph: Some(format!("sha256:{:064x}", roll % 5000)),
        start: Some(moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
        positive: vec![format!("a {} in the {} by a {}, {number}", word(1), word(9), word(17))],
        negative: vec!["blurry, low quality".to_owned()],
        samplers: vec![Sampler { seed: Some(seed.clone()), ..Sampler::default() }],
        seeds: vec![Seed { node: "3".into(), input: "seed".into(), value: seed }],
        models: vec![
            model("checkpoints", format!("model-{}.safetensors", roll % 20)),
            model("loras", format!("style-{}.safetensors", roll % 3000)),
        ],
        classes: ["KSampler", "CLIPTextEncode", "VAEDecode", "SaveImage", "LoraLoader"]
            .map(|class| (class.to_owned(), String::new()))
            .into(),
        outputs: vec![OutputFile {
            path: format!("out/fox_{number:08}_.png"),
            sha256: Some(format!("{:016x}{:048x}", mixed(roll + 1), number)),
            perceptual: Some(hash.to_string()),
            ..OutputFile::default()
        }],
        ..Run::default()
    }
}

fn worst(name: &str, promise: u64, times: u32, mut work: impl FnMut(u32)) {
    let longest = times_of(times, &mut work).last().copied().unwrap_or_default();
    tell(name, promise, longest);
}

/// Of a whole process, which waits for a core like any other, the middle one.
fn middle(name: &str, promise: u64, times: u32, mut work: impl FnMut(u32)) {
    let all = times_of(times, &mut work);
    tell(name, promise, all[all.len() / 2]);
}

/// How long each took, in order.
fn times_of(times: u32, work: &mut dyn FnMut(u32)) -> Vec<Duration> {
    let mut all: Vec<Duration> = (0..times)
        .map(|time| {
            let start = Instant::now();
            work(time);
            start.elapsed()
        })
        .collect();
    all.sort();
    all
}

fn tell(name: &str, promise: u64, time: Duration) {
    let verdict = if time < Duration::from_millis(promise) { "" } else { "  TOO SLOW" };
    println!("{name:<44} {:>9.2} ms of {promise}{verdict}", time.as_secs_f64() * 1000.0);
}

fn searching(outputs: u64) {
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let mut index = RunIndex::open_in(folder.path()).unwrap();
    for first in (0..outputs).step_by(10_000) {
        let runs: Vec<_> = (first..(first + 10_000).min(outputs))
            .map(|number| (format!("p/{number}"), Some(run(number))))
            .collect();
        index.apply_changes(&runs, None).unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    let size = std::fs::metadata(git_comfy::internals::runs::index::index_path(folder.path()))
        .unwrap()
        .len();
    println!(
        "{outputs} outputs indexed in {took:.0} s ({:.0} a second), {} MiB",
        outputs as f64 / took,
        size >> 20
    );
    // As a command does: opened anew.
    drop(index);
    let find = |keys: Vec<SearchKey>, since: Option<i64>| {
        let index = RunIndex::open_in(folder.path()).unwrap();
        let query = RunQuery { keys, since, until: None, filter: RunFilter::All, limit: 20 };
        let rows = index.find_runs(&query).unwrap();
        assert!(!rows.is_empty());
    };
    let text = |text: &str| SearchKey::Text(text.to_owned());
    let some = |time: u32| run(mixed(u64::from(time)) % outputs);
    worst("find --text, a rare word", 50, 5, |t| {
        find(vec![text(&(mixed(t.into()) % outputs).to_string())], None);
    });
    worst("find --text, a word of every run", 50, 5, |_| find(vec![text("blurry")], None));
    worst("find --text, three words", 50, 5, |_| find(vec![text("neon city robot")], None));
    worst("find --model, in a twentieth of all", 50, 5, |t| {
        find(vec![SearchKey::Model(format!("model-{t}.safetensors"))], None);
    });
    worst("find --model, a part of every name", 50, 5, |_| {
        find(vec![SearchKey::Model("model".into())], None);
    });
    worst("find --lora", 50, 5, |t| find(vec![SearchKey::Lora(format!("style-{t}.s"))], None));
    worst("find --seed", 50, 5, |t| {
        find(vec![SearchKey::Seed(some(t).seeds[0].value.to_string())], None);
    });
    worst("find --node, in every run", 50, 5, |_| {
        find(vec![SearchKey::Class("KSampler".into())], None)
    });
    worst("find --since", 50, 5, |_| find(Vec::new(), Some(1_700_000_500_000)));
    worst("find --workflow", 50, 5, |t| {
        find(vec![SearchKey::Graphs(vec![some(t).graph.unwrap()])], None)
    });
    worst("find --model --text", 50, 5, |_| {
        find(vec![SearchKey::Model("model-3.safetensors".into()), text("castle")], None);
    });
    worst("find PICTURE, by its bytes", 50, 5, |t| {
        let index = RunIndex::open_in(folder.path()).unwrap();
        let digest = some(t).outputs[0].sha256.clone().unwrap();
        assert_eq!(index.find_by_digest(&digest).unwrap().len(), 1);
    });
    worst("find PICTURE, by its looks", 200, 5, |t| {
        let index = RunIndex::open_in(folder.path()).unwrap();
        let hash = some(t).outputs[0].perceptual.clone().unwrap().parse().unwrap();
        let near = index.find_similar(&hash, PerceptualHash::MAX_SAME_DISTANCE, 20).unwrap();
        assert!(index.find_by_picture(near[0]).unwrap().is_some());
    });
}

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", folder.join("none"))
        .status();
    assert!(status.unwrap().success());
}

fn kept(number: u64) -> (RunPath, StoredRun) {
    let run = run(number);
    let document = format!("{{\"seed\": {number}, \"padding\": \"{}\"}}", "x".repeat(2000));
    let document = Some(document.into_bytes());
    (RunPath::for_run(&run), StoredRun { run, prompt: document.clone(), workflow: document })
}

fn recording(runs: u64) {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["init", "-q"][..],
        &["config", "user.name", "A"],
        &["config", "user.email", "a@example.com"],
    ] {
        git(folder.path(), arguments);
    }
    let repository = Repository::open_at(folder.path()).unwrap();
    let start = Instant::now();
    for first in (0..runs).step_by(5_000) {
        let keep = (first..(first + 5_000).min(runs)).map(kept).collect();
        record_runs(&repository, &RunChanges { runs: keep, replaced: Vec::new() }).unwrap();
    }
    println!("{runs} runs recorded in {:.0} s, 5,000 in a step", start.elapsed().as_secs_f64());
    let mut index = RunIndex::open_in(folder.path()).unwrap();
    worst("one more run, recorded and indexed", 30, 20, |time| {
        let (place, kept) = kept(runs + u64::from(time));
        let change = (place.as_str().to_owned(), Some(kept.run.clone()));
        let keep = vec![(place, kept)];
        assert_eq!(
            record_runs(&repository, &RunChanges { runs: keep, replaced: Vec::new() }).unwrap(),
            1
        );
        index.apply_changes(&[change], Some("state")).unwrap();
    });
    whole_process(folder.path());
}

/// The same as a person meets it: a program that starts, finds a run that the bridge noted,
/// records and indexes it and ends.
fn whole_process(repository: &Path) {
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_git-comfy"));
        command.arg("-q").current_dir(repository);
        command
    };
    git(repository, &["config", "comfy.server", "off"]);
    git(repository, &["config", "comfy.output", "."]);
    let start = Instant::now();
    assert!(program().args(["index", "rebuild"]).status().unwrap().success());
    println!("all of them indexed in {:.0} s", start.elapsed().as_secs_f64());
    let spool = repository.join(".git/comfy/spool");
    std::fs::create_dir_all(&spool).unwrap();
    middle("one more run, from the start of the program to its end", 30, 20, |time| {
        let id = format!("bbbb{time:04}-0000-4000-8000-000000000000");
        let noted = format!(
            r#"{{"format": 1, "id": "{id}", "events": [], "history": {{"prompt": [1, "{id}",
            {{"3": {{"class_type": "KSampler", "inputs": {{"seed": {time}, "steps": 20}}}}}}, {{}}, ["3"]],
            "outputs": {{}}, "status": {{"status_str": "success", "messages": []}}}}}}"#
        );
        std::fs::write(spool.join(format!("{id}.json")), noted).unwrap();
        assert!(program().args(["bridge", "collect"]).status().unwrap().success());
    });
}

fn scanning() {
    const FILES: u32 = 96;
    let folder = tempfile::tempdir().unwrap();
    let (repository, outputs) = (folder.path().join("r"), folder.path().join("o"));
    std::fs::create_dir(&repository).unwrap();
    std::fs::create_dir(&outputs).unwrap();
    git(&repository, &["init", "-q"]);
    let paths: Vec<_> = (0..FILES).map(|n| outputs.join(format!("{n:05}.png"))).collect();
    paths.iter().enumerate().for_each(|(seed, path)| {
        let prompt = format!(
            r#"{{"3": {{"class_type": "KSampler", "inputs": {{"seed": {seed}, "steps": 20}}}}}}"#
        );
        picture(path, seed as u32, &[("prompt", prompt)]);
    });
    assert!(perceptual_hash(&std::fs::read(&paths[0]).unwrap()).unwrap().is_some());
    let (mut plain, mut scan) = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        let start = Instant::now();
        std::thread::scope(|scope| {
            let threads = std::thread::available_parallelism().map_or(2, usize::from);
            for part in paths.chunks(paths.len().div_ceil(threads)) {
                scope.spawn(move || part.iter().for_each(|path| decode_and_hash(path)));
            }
        });
        plain = plain.min(start.elapsed());
        let start = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_git-comfy"))
            .args(["-q", "runs", "scan", "--again"])
            .arg(&outputs)
            .current_dir(&repository)
            .status();
        assert!(status.unwrap().success());
        scan = scan.min(start.elapsed());
    }
    let rate = |time: Duration| f64::from(FILES) / time.as_secs_f64();
    println!(
        "scan of megapixel PNGs: {:.0} a second, plainly decoding and hashing {:.0}: {:.2} of 0.8",
        rate(scan),
        rate(plain),
        rate(scan) / rate(plain)
    );
}

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    scanning();
    recording(numbers.get(1).copied().unwrap_or(100_000));
    searching(numbers.first().copied().unwrap_or(1_000_000));
}
