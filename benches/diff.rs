//! What differences cost, as ratios to git without git-comfy, taken in turns in one run.
//!
//! `cargo bench --bench diff [-- ROUNDS]`. The promises: `git diff` of the largest template
//! against an edited copy at most 5 times plain `git diff` (aim 3); `git log -p` over many
//! edits at most 2 times plain when git has kept the texts, and at most 1.5 times a
//! textconv of `cat` when it has not; the engine grows no faster than n log n from 100 to
//! 100,000 nodes, also when every id was renumbered. A ratio is the median of the ratios
//! of the rounds.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use comfy_graph::catalog::Catalog;
use comfy_graph::diff::diff;
use comfy_graph::json::{JsonStyle, Value, parse, parse_text, print};

mod support;

use support::{Table, isolated, timed};

const GIT_COMFY: &str = env!("CARGO_BIN_EXE_git-comfy");

/// Commits of the history that is shown.
const EDITS: usize = 60;

/// The largest official template where they lie beside the project, else a made one.
fn largest() -> Value {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/templates");
    let files = fs::read_dir(templates).into_iter().flatten().flatten();
    let files = files.map(|entry| fs::read(entry.path()).unwrap());
    let workflows =
        files.filter(|bytes| memchr::memmem::find(bytes, b"\"last_node_id\"").is_some());
    let largest = workflows.max_by_key(Vec::len);
    largest.map_or_else(|| made(400, 0), |bytes| parse(&bytes).unwrap())
}

/// A chain of nodes with a value, a text and three inputs each; ids start where told.
fn made(nodes: usize, first: usize) -> Value {
    let mut text = String::from("{\"version\":0.4,\"nodes\":[");
    let mut links = String::new();
    for n in 0..nodes {
        let id = n + first;
        let comma = if n == 0 { "" } else { "," };
        let mut inputs = String::new();
        let mut into = Vec::new();
        for (slot, back) in [1, 2, 7].into_iter().enumerate() {
            let link = id * 3 + slot + 1;
            let is_there = n >= back;
            let shown = if is_there { link.to_string() } else { "null".to_owned() };
            let _ = write!(
                inputs,
                "{}{{\"name\":\"in{slot}\",\"type\":\"X\",\"link\":{shown}}}",
                if slot == 0 { "" } else { "," }
            );
            if is_there {
                let comma = if links.is_empty() { "" } else { "," };
                let from = id - back;
                let _ = write!(links, "{comma}[{link},{from},0,{id},{slot},\"X\"]");
            }
            if n + back < nodes {
                into.push(((id + back) * 3 + slot + 1).to_string());
            }
        }
        let _ = write!(
            text,
            "{comma}{{\"id\":{id},\"type\":\"Kind{}\",\"pos\":[{},{}],\"size\":[200,80],\
             \"flags\":{{}},\"order\":{n},\"mode\":0,\"inputs\":[{inputs}],\
             \"outputs\":[{{\"name\":\"out\",\"type\":\"X\",\"links\":[{}]}}],\
             \"properties\":{{}},\"widgets_values\":[{n},\"text of {n}\"]}}",
            n % 40,
            n * 210,
            n % 9 * 90,
            into.join(",")
        );
    }
    text.push_str("],\"links\":[");
    text.push_str(&links);
    text.push_str("],\"groups\":[],\"extra\":{}}");
    parse_text(&text).unwrap()
}

/// One value changed, of the node at that place.
fn edited(mut workflow: Value, at: usize, to: &str) -> Value {
    let nodes = workflow.get_mut("nodes").and_then(Value::as_array_mut).unwrap();
    let count = nodes.len();
    for step in 0..count {
        let node = &mut nodes[(at + step) % count];
        let values = node.get_mut("widgets_values").and_then(Value::as_array_mut);
        if let Some(value) = values.and_then(|values| values.first_mut()) {
            *value = Value::from(to);
            return workflow;
        }
    }
    workflow
}

struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn git(&self, repo: &str, arguments: &[&str]) -> Duration {
        let at = self.folder.path().join(repo);
        timed(&mut isolated(self.folder.path(), "git", &at, arguments))
    }

    /// The three repositories: without git-comfy, with it, and with a textconv of `cat`.
    fn repos(&self) -> [&'static str; 3] {
        let repos = ["plain", "comfy", "cat"];
        for repo in repos {
            let path = self.folder.path().join(repo);
            fs::create_dir(&path).unwrap();
            self.git(repo, &["init", "-q"]);
        }
        let comfy = self.folder.path().join("comfy");
        let init = ["init", "--no-hooks", "-q"];
        timed(&mut isolated(self.folder.path(), GIT_COMFY, &comfy, init));
        self.git("cat", &["config", "diff.cat.textconv", "cat"]);
        // Keeping texts costs git time, whoever makes them.
        self.git("cat", &["config", "diff.cat.cachetextconv", "true"]);
        let attributes = self.folder.path().join("cat/.git/info/attributes");
        fs::write(attributes, "*.json diff=cat\n").unwrap();
        repos
    }

    fn write(&self, repo: &str, workflow: &Value) {
        let file = self.folder.path().join(repo).join("a.json");
        fs::write(file, print(workflow, &JsonStyle::EXPORT)).unwrap();
    }
}

fn main() {
    let rounds = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(11);
    doors(rounds);
    engine(rounds.min(5));
}

fn doors(rounds: usize) {
    let workflow = largest();
    let bytes = print(&workflow, &JsonStyle::EXPORT).len();
    let nodes = workflow.get("nodes").and_then(Value::as_array).unwrap().len();
    println!("a workflow of {nodes} nodes at its root, {} KB; {rounds} rounds", bytes / 1000);
    let ground = Ground { folder: tempfile::tempdir().unwrap() };
    let identity = "[user]\n\tname = A Person\n\temail = a@example.com\n[gc]\n\tauto = 0\n";
    fs::write(ground.folder.path().join(".gitconfig"), identity).unwrap();
    let repos = ground.repos();
    for repo in repos {
        for edit in 0..EDITS {
            ground.write(repo, &edited(workflow.clone(), edit * 7, &format!("edit {edit}")));
            ground.git(repo, &["add", "-A"]);
            ground.git(repo, &["commit", "-q", "-m", "edit"]);
        }
        ground.write(repo, &edited(workflow.clone(), 3, "not committed"));
    }
    let (mut work, mut warm, mut cold) = (Table::default(), Table::default(), Table::default());
    let log = ["log", "-p"];
    for _ in 0..rounds {
        work.row(&repos.map(|repo| ground.git(repo, &["diff"])));
        // Deleted first, so that every round is cold.
        for repo in ["comfy", "cat"] {
            ground.git(repo, &["update-ref", "-d", &format!("refs/notes/textconv/{repo}")]);
        }
        cold.row(&repos.map(|repo| ground.git(repo, &log)));
        warm.row(&repos.map(|repo| ground.git(repo, &log)));
    }
    work.tell("git diff", 1, 0, "(at most 5, aim 3)");
    warm.tell(&format!("git log -p, {EDITS} edits, texts kept"), 1, 0, "(at most 2)");
    cold.tell("git log -p, no texts kept", 1, 2, "(against cat: at most 1.5)");
    cold.tell("git log -p through cat", 2, 0, "(what processes cost)");
}

/// The engine alone, documents read already.
fn engine(rounds: usize) {
    println!("\n  nodes    one edit   renumbered  other ids and edits    us per node and log2");
    for nodes in [100, 1_000, 10_000, 100_000] {
        let base = made(nodes, 1);
        let pairs = [
            edited(base.clone(), nodes / 2, "edited"),
            made(nodes, nodes * 2),
            edited(made(nodes - nodes / 50, nodes + 17), nodes / 3, "edited"),
        ];
        let catalog = Catalog::core();
        let times = pairs.map(|other| {
            let one = |_| {
                let (before, after) = (base.clone(), other.clone());
                let start = Instant::now();
                let script = diff(before, after, &catalog).unwrap();
                assert!(!script.is_empty());
                start.elapsed().as_secs_f64()
            };
            let mut all: Vec<f64> = (0..rounds).map(one).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        });
        let log = (nodes as f64).log2();
        let per = times.map(|time| format!("{:.2}", time * 1e6 / nodes as f64 / log));
        println!(
            "{nodes:>7} {:>8.1} ms {:>9.1} ms {:>17.1} ms    {}",
            times[0] * 1e3,
            times[1] * 1e3,
            times[2] * 1e3,
            per.join(" ")
        );
    }
}
