//! How fast embedded workflows are read, as ratios to reading the first 64 KiB of the same
//! files in the same run; and what the perceptual hash adds to decoding and hashing.
//!
//! `cargo bench --bench media [-- FILES]`. The promises: 2,000 PNGs a second, warm, on two
//! cores, decoded; with SHA-256 and the perceptual hash 0.8 or more of plainly decoding
//! the pixels and hashing the bytes with the same crates. Long videos are sparse files: only what is read exists. Every figure is
//! the best of several rounds, taken in turns so that a busy machine slows all alike.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

mod pictures;

use pictures::{decode_and_hash, picture};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;

/// A workflow of some 40 KiB, as a middling one is.
fn workflow() -> String {
    let node = |id: usize| {
        format!(
            r#"{{"id": {id}, "type": "KSampler", "pos": [{id}.5, 100], "size": [315, 262], "flags": {{}}, "order": {id}, "mode": 0, "inputs": [{{"name": "model", "type": "MODEL", "link": {id}}}], "outputs": [{{"name": "LATENT", "type": "LATENT", "links": [{id}]}}], "properties": {{"Node name for S&R": "KSampler"}}, "widgets_values": [42, "randomize", 20, 8, "euler", "normal", 1]}}"#
        )
    };
    let nodes: Vec<String> = (1..110).map(node).collect();
    format!(r#"{{"id": "x", "nodes": [{}], "links": [], "version": 0.4}}"#, nodes.join(", "))
}

fn prompt() -> String {
    let node = |id: usize| {
        format!(
            r#""{id}": {{"inputs": {{"seed": 42, "steps": 20, "cfg": 8.0, "text": "a fox", "model": ["{id}", 0]}}, "class_type": "KSampler"}}"#
        )
    };
    format!("{{{}}}", (1..60).map(node).collect::<Vec<_>>().join(", "))
}

fn chunk(file: &mut File, name: &[u8; 4], body: &[u8]) {
    file.write_all(&u32::try_from(body.len()).unwrap().to_be_bytes()).unwrap();
    file.write_all(&[name, body, &[0; 4]].concat()).unwrap();
}

/// A picture of a megapixel or so: 24 pixel chunks of 64 KiB behind the texts.
fn png(path: &Path) {
    let mut file = File::create(path).unwrap();
    file.write_all(b"\x89PNG\r\n\x1a\n").unwrap();
    chunk(&mut file, b"IHDR", b"\0\0\x04\0\0\0\x04\0\x08\x02\0\0\0");
    chunk(&mut file, b"tEXt", format!("prompt\0{}", prompt()).as_bytes());
    chunk(&mut file, b"tEXt", format!("workflow\0{}", workflow()).as_bytes());
    for _ in 0..24 {
        file.write_all(b"\0\x01\0\0IDAT").unwrap();
        file.seek(SeekFrom::Current((64 << 10) + 4)).unwrap();
    }
    chunk(&mut file, b"IEND", b"");
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], kind, body].concat()
}

/// 4 GiB of samples, then the metadata.
fn mp4(path: &Path) {
    let data = [&1u32.to_be_bytes()[..], &[0; 4], workflow().as_bytes()].concat();
    let item = boxed(&1u32.to_be_bytes(), &boxed(b"data", &data));
    let keys = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &boxed(b"mdta", b"workflow")].concat();
    let meta = [boxed(b"keys", &keys), boxed(b"ilst", &item)].concat();
    let moov = boxed(b"moov", &boxed(b"udta", &boxed(b"meta", &[&[0; 4], &meta[..]].concat())));
    let mut file = File::create(path).unwrap();
    file.write_all(&boxed(b"ftyp", b"isom")).unwrap();
    file.write_all(b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0").unwrap();
    file.seek(SeekFrom::Start(12 + (4 << 30))).unwrap();
    file.write_all(&moov).unwrap();
}

fn element(id: &[u8], size: u64) -> Vec<u8> {
    [id, &(1u64 << 56 | size).to_be_bytes()].concat()
}

/// 4 GiB in 4,096 clusters, then the tags, and no seek head to say so.
fn webm(path: &Path) {
    let field = |id: &[u8], text: &str| [element(id, text.len() as u64), text.into()].concat();
    let tag = [field(&[0x45, 0xa3], "WORKFLOW"), field(&[0x44, 0x87], &workflow())].concat();
    let tag = [element(&[0x67, 0xc8], tag.len() as u64), tag].concat();
    let tag = [element(&[0x73, 0x73], tag.len() as u64), tag].concat();
    let tags = [element(&[0x12, 0x54, 0xc3, 0x67], tag.len() as u64), tag].concat();
    let mut file = File::create(path).unwrap();
    file.write_all(&element(&[0x1a, 0x45, 0xdf, 0xa3], 0)).unwrap();
    let clusters = 4096 * ((1 << 20) + 12);
    file.write_all(&element(&[0x18, 0x53, 0x80, 0x67], clusters + tags.len() as u64)).unwrap();
    for _ in 0..4096 {
        file.write_all(&element(&[0x1f, 0x43, 0xb6, 0x75], 1 << 20)).unwrap();
        file.seek(SeekFrom::Current(1 << 20)).unwrap();
    }
    file.write_all(&tags).unwrap();
}

fn plain(path: &Path) {
    let mut buffer = vec![0; 64 << 10];
    let mut file = File::open(path).unwrap();
    let _ = file.read(&mut buffer).unwrap();
    std::hint::black_box(buffer);
}

fn read(path: &Path) {
    let embedded = comfy_media::read(&mut File::open(path).unwrap()).unwrap();
    assert!(!embedded.entries.is_empty() && embedded.defects.is_empty());
}

fn decode(path: &Path) {
    let embedded = comfy_media::read(&mut File::open(path).unwrap()).unwrap();
    assert!(embedded.payload().workflow.is_some());
}

/// All that a scan of a picture does.
fn whole_scan(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::hint::black_box(Sha256::digest(&bytes));
    std::hint::black_box(comfy_media::read(&mut std::io::Cursor::new(&bytes)).unwrap().payload());
    assert!(comfy_media::picture::perceptual_hash(&bytes).unwrap().is_some());
}

fn timed(threads: usize, files: &[PathBuf], work: fn(&Path)) -> Duration {
    let start = Instant::now();
    thread::scope(|scope| {
        for part in files.chunks(files.len().div_ceil(threads)) {
            scope.spawn(move || part.iter().for_each(|file| work(file)));
        }
    });
    start.elapsed()
}

fn main() {
    let count = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1000);
    let folder = tempfile::tempdir().unwrap();
    let pngs: Vec<PathBuf> = (0..count).map(|n| folder.path().join(format!("{n}.png"))).collect();
    pngs.iter().for_each(|path| png(path));
    let (long_mp4, long_webm) = (folder.path().join("long.mp4"), folder.path().join("long.webm"));
    mp4(&long_mp4);
    webm(&long_webm);
    let (long_mp4, long_webm) = ([long_mp4], [long_webm]);
    let pictures: Vec<PathBuf> =
        (0..16).map(|n| folder.path().join(format!("picture{n}.png"))).collect();
    (1..).zip(&pictures).for_each(|(seed, path)| picture(path, seed, &[]));
    type Case<'a> = (&'a str, usize, &'a [PathBuf], fn(&Path));
    let cases: [Case<'_>; 9] = [
        ("first 64 KiB, one thread", 1, &pngs, plain),
        ("texts, one thread", 1, &pngs, read),
        ("texts decoded, one thread", 1, &pngs, decode),
        ("first 64 KiB, two threads", 2, &pngs, plain),
        ("texts decoded, two threads", 2, &pngs, decode),
        ("an MP4 of 4 GiB, metadata last", 1, &long_mp4, read),
        ("a WebM of 4 GiB, no seek head", 1, &long_webm, read),
        ("megapixels decoded and hashed", 1, &pictures, decode_and_hash),
        ("with texts and perceptual hash", 1, &pictures, whole_scan),
    ];
    let mut best = [Duration::MAX; 9];
    for _ in 0..ROUNDS {
        for (best, (_, threads, files, work)) in best.iter_mut().zip(&cases) {
            *best = (*best).min(timed(*threads, files, *work));
        }
    }
    let per_file = |at: usize| best[at].as_secs_f64() / cases[at].2.len() as f64;
    for (at, (name, threads, ..)) in cases.iter().enumerate() {
        let baseline = per_file(match at {
            7.. => 7,
            _ if *threads == 2 => 3,
            _ => 0,
        });
        let per_file = per_file(at);
        println!(
            "{name:<32} {:>9.1} us a file {:>9.0} files/s  ratio {:.2}",
            per_file * 1e6,
            1.0 / per_file,
            baseline / per_file
        );
    }
}
