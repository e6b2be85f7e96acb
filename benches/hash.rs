//! How fast models are hashed, as ratios to `openssl dgst -sha256` in the same run.
//!
//! `cargo bench --bench hash [-- MIB]`. The promises: SHA-256 alone at 0.95 or more on
//! one core, all five digests on two cores at 0.6 or more. Every figure is the best of
//! several rounds, taken in turns so that a busy machine slows all of them alike.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use git_comfy::internals::platform::hash::{
    DigestSelection, HashThreads, NoHashProgress, SETTLING_TIME, hash_file, hash_files,
};

const ROUNDS: usize = 7;

/// A safetensors file of about `mib` MiB whose tensor area is nearly all of it.
fn model(folder: &Path, name: &str, mib: usize) -> PathBuf {
    let bytes = mib << 20;
    let header =
        format!("{{\"w\":{{\"dtype\":\"U8\",\"shape\":[{bytes}],\"data_offsets\":[0,{bytes}]}}}}");
    let path = folder.join(name);
    let mut file = File::create(&path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    let mut block = vec![0u8; 1 << 20];
    for round in 0..mib {
        for (at, byte) in block.iter_mut().enumerate() {
            *byte = (at.wrapping_mul(2_654_435_761) >> 7) as u8 ^ round as u8;
        }
        file.write_all(&block).unwrap();
    }
    path
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn openssl(path: &Path) -> Option<Duration> {
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256"]).arg(path).stdout(Stdio::null());
    let mut ok = false;
    let time = timed(|| ok = command.status().is_ok_and(|status| status.success()));
    ok.then_some(time)
}

fn main() {
    let mib = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(512);
    let folder = tempfile::tempdir().unwrap();
    let path = model(folder.path(), "model.safetensors", mib);
    let pair = vec![path.clone(), model(folder.path(), "second.safetensors", mib)];
    let later = || SystemTime::now() + SETTLING_TIME * 2;
    let hash = |wanted, threads| {
        timed(|| drop(hash_file(&path, wanted, threads, later(), &NoHashProgress).unwrap()))
    };
    type Case<'a> = (&'a str, usize, Box<dyn Fn() -> Option<Duration> + 'a>);
    let cases: Vec<Case<'_>> = vec![
        ("openssl dgst -sha256", 1, Box::new(|| openssl(&path))),
        (
            "sha256, one thread",
            1,
            Box::new(|| Some(hash(DigestSelection::Sha256, HashThreads::One))),
        ),
        (
            "all five, one thread",
            1,
            Box::new(|| Some(hash(DigestSelection::All, HashThreads::One))),
        ),
        (
            "all five, pipeline",
            1,
            Box::new(|| Some(hash(DigestSelection::All, HashThreads::Pipeline))),
        ),
        (
            "all five, two files on two cores",
            2,
            Box::new(|| {
                Some(timed(|| {
                    for hashed in
                        hash_files(&pair, DigestSelection::All, 2, &later, &NoHashProgress)
                    {
                        hashed.unwrap();
                    }
                }))
            }),
        ),
    ];
    let mut best: Vec<Option<Duration>> = vec![None; cases.len()];
    for _ in 0..ROUNDS {
        for ((_, _, run), best) in cases.iter().zip(&mut best) {
            let time = run();
            *best = match (*best, time) {
                (Some(best), Some(time)) => Some(best.min(time)),
                (best, time) => best.or(time),
            };
        }
    }
    let speed = |files: usize, time: Duration| (mib * files) as f64 / time.as_secs_f64();
    let anchor = best.first().copied().flatten().map(|time| speed(1, time));
    for ((name, files, _), time) in cases.iter().zip(best) {
        let Some(time) = time else {
            println!("{name:34} not available");
            continue;
        };
        let speed = speed(*files, time);
        match anchor {
            Some(anchor) => println!("{name:34} {speed:7.0} MiB/s  {:5.2}", speed / anchor),
            None => println!("{name:34} {speed:7.0} MiB/s"),
        }
    }
}
