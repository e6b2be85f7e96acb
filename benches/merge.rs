//! What a merge costs: the whole driver process, as git starts it, and how it grows.
//!
//! `cargo bench --bench merge [-- ROUNDS]`. The promises: the largest template three ways in
//! under 20 ms, and faster than Mergiraf on the same files where that is on PATH; 10,000
//! nodes in under a second, growing no faster than n log n. Times are medians; the two
//! programs take turns.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const GIT_COMFY: &str = env!("CARGO_BIN_EXE_git-comfy");

/// The largest template, where they lie beside the project; else a made one of its size.
fn largest() -> (String, String) {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/templates");
    let files = fs::read_dir(templates).ok().into_iter().flatten();
    let files = files.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    let workflows = files.filter(|text| text.contains("\"last_node_id\""));
    match workflows.max_by_key(String::len) {
        Some(text) => ("the largest template".to_owned(), text),
        None => ("a made workflow of 300 nodes".to_owned(), made(300)),
    }
}

/// A chain of nodes, as ComfyUI's Export writes it.
fn made(nodes: usize) -> String {
    let node = |n: usize| {
        let (before, after) = (n, n + 1);
        format!(
            r#"{{"id":{after},"type":"ImageScaleBy","pos":[{},{}],"size":[280,82],"flags":{{}},"order":{n},"mode":0,"inputs":[{{"name":"image","type":"IMAGE","link":{}}}],"outputs":[{{"name":"IMAGE","type":"IMAGE","links":[{}]}}],"properties":{{"Node name for S&R":"ImageScaleBy"}},"widgets_values":["lanczos",{n}]}}"#,
            n * 300,
            n % 9 * 100,
            if n == 0 { "null".to_owned() } else { before.to_string() },
            if after == nodes { String::new() } else { after.to_string() },
        )
    };
    let link = |n: usize| format!(r#"[{n},{n},0,{},0,"IMAGE"]"#, n + 1);
    let list = |items: Vec<String>| items.join(",\n");
    format!(
        "{{\"last_node_id\":{nodes},\"last_link_id\":{nodes},\"nodes\":[\n{}],\"links\":[\n{}],\
         \"groups\":[],\"config\":{{}},\"extra\":{{}},\"version\":0.4}}",
        list((0..nodes).map(node).collect()),
        list((1..nodes).map(link).collect()),
    )
}

/// Both sides: a title on every tenth node, apart, and a note each under the same id.
fn sides(base: &str) -> [String; 3] {
    use comfy_graph::json::{Value, parse_text};
    let side = |word: &str, which: usize| {
        let mut document = parse_text(base).unwrap();
        let next = document.get("last_node_id").and_then(Value::as_i64).unwrap() + 1;
        let nodes = document.get_mut("nodes").and_then(Value::as_array_mut).unwrap();
        for node in nodes.iter_mut().skip(which).step_by(10) {
            node.as_object_mut().unwrap().insert("title", word);
        }
        let note = format!(
            r#"{{"id":{next},"type":"Note","pos":[0,0],"size":[200,80],"flags":{{}},"order":0,"mode":0,"inputs":[],"outputs":[],"properties":{{}},"widgets_values":["{word}"]}}"#
        );
        nodes.push(parse_text(&note).unwrap());
        document.as_object_mut().unwrap().insert("last_node_id", next);
        document
    };
    let clean = |mut document: Value| {
        comfy_graph::clean::strip_layout(&mut document);
        String::from_utf8(comfy_graph::clean::print_clean(&document)).unwrap()
    };
    [clean(parse_text(base).unwrap()), clean(side("ours", 0)), clean(side("theirs", 5))]
}

struct Ground {
    folder: tempfile::TempDir,
    sides: [String; 3],
}

impl Ground {
    fn new(base: &str) -> Ground {
        let folder = tempfile::tempdir().unwrap();
        let init = Command::new("git").arg("init").arg("-q").arg(folder.path()).status();
        assert!(init.unwrap().success());
        let ground = Ground { folder, sides: sides(base) };
        ground.write();
        ground
    }

    fn write(&self) {
        for (name, text) in ["base.json", "ours.json", "theirs.json"].iter().zip(&self.sides) {
            fs::write(self.folder.path().join(name), text).unwrap();
        }
    }

    /// One process; what it leaves with, and how long it took.
    fn run(&self, program: &Path, arguments: &[&str]) -> (Option<i32>, Duration) {
        self.write();
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let status = command.status().unwrap();
        (status.code(), start.elapsed())
    }

    fn driver(&self) -> Duration {
        let arguments =
            ["merge-driver", "-p", "a.json", "--", "base.json", "ours.json", "theirs.json"];
        let (code, time) = self.run(Path::new(GIT_COMFY), &arguments);
        assert_eq!(code, Some(0));
        time
    }

    /// Mergiraf may find conflicts where there are none; it is timed all the same.
    fn mergiraf(&self, program: &Path) -> Duration {
        let arguments = ["merge", "base.json", "ours.json", "theirs.json", "-o", "ours.json"];
        self.run(program, &arguments).1
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

fn mergiraf() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("mergiraf")).find(|file| file.is_file())
}

fn main() {
    let rounds = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(21_usize);
    let (name, base) = largest();
    let ground = Ground::new(&base);
    println!("{name}: {} bytes in clean form, {rounds} rounds", ground.sides[0].len());
    let rival = mergiraf();
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        own.push(ground.driver());
        theirs.extend(rival.as_deref().map(|program| ground.mergiraf(program)));
    }
    println!("git-comfy merge-driver  {:8.1} ms", median(own));
    match rival {
        Some(_) => println!("mergiraf merge          {:8.1} ms", median(theirs)),
        None => println!("mergiraf is not on PATH"),
    }
    for nodes in [1_250, 2_500, 5_000, 10_000] {
        let ground = Ground::new(&made(nodes));
        let times = (0..rounds.div_ceil(3)).map(|_| ground.driver()).collect();
        let time = median(times);
        let per = time * 1e3 / (nodes as f64 * (nodes as f64).log2());
        println!("{nodes:6} nodes            {time:8.1} ms  ({per:.3} us per n log2 n)");
    }
}
