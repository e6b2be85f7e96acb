//! Merges of real histories, replayed: every merge commit that a person made, and commits of
//! one workflow against each other with the state both come of as their base.
//!
//! `cargo bench --bench merge_replay -- GIT_DIR...` (bare repositories with workflows in their
//! history). The same three files go through git-comfy, `git merge-file` and, where it is on
//! PATH, Mergiraf; a checker of its own, which shares no code with the merge, says whether a
//! result is broken. Prints the table of `docs/merging-measured.md`; with `KEEP=FOLDER` leaves the
//! inputs of every conflict there, to look at.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

const GIT_COMFY: &str = env!("CARGO_BIN_EXE_git-comfy");

/// The most triples of one file that are no merges of a person, so that one long history does
/// not stand for all.
const MAX_TRIPLES_OF_FILE: usize = 12;

/// A larger file is left out.
const MAX_SIZE: usize = 8 << 20;

/// Three states of a file, and what a person made of them.
struct Triple {
    name: String,
    base: Vec<u8>,
    ours: Vec<u8>,
    theirs: Vec<u8>,
    human: Option<Vec<u8>>,
}

fn git(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut git = Command::new("git");
    git.arg("--git-dir").arg(folder).args(arguments).stderr(Stdio::null());
    git.output().unwrap().stdout
}

fn lines(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let told = git(folder, arguments);
    String::from_utf8_lossy(&told).lines().map(str::to_owned).collect()
}

fn blob(folder: &Path, commit: &str, path: &str) -> Option<Vec<u8>> {
    let content = git(folder, &["cat-file", "blob", &format!("{commit}:{path}")]);
    (!content.is_empty() && content.len() <= MAX_SIZE).then_some(content)
}

/// Whether a file is a workflow or a prompt.
fn is_graph(content: &[u8]) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_slice(content) else { return false };
    let is_workflow = object.get("nodes").is_some_and(Value::is_array)
        && object.get("version").is_some_and(Value::is_number);
    let is_prompt = !object.is_empty()
        && object.values().all(|node| node.get("class_type").is_some_and(Value::is_string));
    is_workflow || is_prompt
}

/// Every file that both parents of a merge changed, each otherwise.
fn human_merges(folder: &Path, found: &mut Vec<Triple>) {
    for merge in lines(folder, &["rev-list", "--all", "--merges", "--parents"]) {
        let words: Vec<&str> = merge.split(' ').collect();
        let [commit, ours, theirs] = words[..] else { continue };
        let base = lines(folder, &["merge-base", ours, theirs]);
        let Some(base) = base.first() else { continue };
        let changed = |side: &str| -> HashSet<String> {
            let range = ["diff", "--name-only", "-z", base, side, "--", "*.json"];
            let told = git(folder, &range);
            let names = told.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
        };
        let (by_ours, by_theirs) = (changed(ours), changed(theirs));
        let mut both: Vec<&String> = by_ours.intersection(&by_theirs).collect();
        both.sort();
        for path in both {
            let state = |commit: &str| blob(folder, commit, path);
            let (Some(base), Some(ours), Some(theirs)) = (state(base), state(ours), state(theirs))
            else {
                continue;
            };
            if ours != theirs && [&base, &ours, &theirs].into_iter().all(|c| is_graph(c)) {
                let name = format!("{} {path}", &commit[..10]);
                found.push(Triple { name, base, ours, theirs, human: state(commit) });
            }
        }
    }
}

/// States of one file that grew apart: the heads of other branches against the main one, and what
/// one commit did applied anew to the head, or taken back from it, as cherry-pick and revert do.
fn apart(folder: &Path, found: &mut Vec<Triple>) {
    let heads =
        lines(folder, &["for-each-ref", "--format=%(objectname)", "refs/heads", "refs/remotes"]);
    let Some(main) = lines(folder, &["rev-parse", "HEAD"]).into_iter().next() else { return };
    let mut seen: HashSet<(Vec<u8>, Vec<u8>, Vec<u8>)> = HashSet::new();
    let mut count: HashMap<String, usize> = HashMap::new();
    let mut pairs: Vec<(String, String, String)> = Vec::new();
    for head in heads.iter().filter(|head| **head != main) {
        let base = lines(folder, &["merge-base", &main, head]);
        if let Some(base) = base.into_iter().next() {
            pairs.push((base, main.clone(), head.clone()));
        }
    }
    let mut take = |base: &str, ours: &str, theirs: &str, path: &str, found: &mut Vec<Triple>| {
        let taken = count.entry(path.to_owned()).or_default();
        if *taken >= MAX_TRIPLES_OF_FILE {
            return;
        }
        let state = |commit: &str| blob(folder, commit, path);
        let (Some(base), Some(own), Some(other)) = (state(base), state(ours), state(theirs)) else {
            return;
        };
        let apart = base != own && base != other && own != other;
        let graphs = || [&base, &own, &other].into_iter().all(|content| is_graph(content));
        if apart && graphs() && seen.insert((base.clone(), own.clone(), other.clone())) {
            *taken += 1;
            let name = format!("{}+{} {path}", &ours[..10], &theirs[..10]);
            found.push(Triple { name, base, ours: own, theirs: other, human: None });
        }
    };
    for (base, ours, theirs) in &pairs {
        let range = ["diff", "--name-only", "-z", base, theirs, "--", "*.json"];
        for name in git(folder, &range).split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            take(base, ours, theirs, &String::from_utf8_lossy(name), found);
        }
    }
    // What one commit did, taken over onto the head as a cherry-pick would.
    let mut states: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut commit = String::new();
    let log = [
        "log",
        "--all",
        "--no-renames",
        "--diff-filter=M",
        "--format=>%H",
        "--name-only",
        "HEAD",
        "--",
        "*.json",
    ];
    for line in lines(folder, &log) {
        match line.strip_prefix('>') {
            Some(id) => commit = id.to_owned(),
            None if line.is_empty() => {}
            None => states.entry(line).or_default().push(commit.clone()),
        }
    }
    for (path, commits) in states {
        // The newest made the head; what came before it is picked again, or taken back.
        for commit in commits.iter().skip(1) {
            let parent = format!("{commit}~1");
            take(&parent, &main, commit, &path, found);
            take(commit, &main, &parent, &path, found);
        }
    }
}

/// What a merge of three files came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Outcome {
    Clean,
    Conflict,
    Broken,
    Failed,
}

/// What is wrong with a workflow or prompt, by rules that know nothing of merging.
fn check(content: &[u8]) -> Vec<String> {
    let Ok(document) = serde_json::from_slice::<Value>(content) else {
        return vec!["no JSON".to_owned()];
    };
    let mut wrong = Vec::new();
    match document.get("nodes").and_then(Value::as_array) {
        Some(_) => check_workflow(&document, &mut wrong),
        None => check_prompt(&document, &mut wrong),
    }
    wrong
}

fn check_prompt(document: &Value, wrong: &mut Vec<String>) {
    let Some(nodes) = document.as_object() else { return wrong.push("no object".to_owned()) };
    for (id, node) in nodes {
        for (input, value) in node.get("inputs").and_then(Value::as_object).into_iter().flatten() {
            if let Some([Value::String(from), Value::Number(_)]) =
                value.as_array().map(Vec::as_slice)
                && !nodes.contains_key(from)
            {
                wrong.push(format!("{id}.{input} is fed by nothing"));
            }
        }
    }
}

fn check_workflow(document: &Value, wrong: &mut Vec<String>) {
    let mut ids: HashMap<String, usize> = HashMap::new();
    let definitions = document.get("definitions").and_then(|d| d.get("subgraphs")?.as_array());
    let graphs = std::iter::once(document).chain(definitions.into_iter().flatten());
    for (at, graph) in graphs.enumerate() {
        let mut nodes: HashMap<String, &Value> = HashMap::new();
        for node in graph.get("nodes").and_then(Value::as_array).into_iter().flatten() {
            let id = node.get("id").unwrap_or(&Value::Null).to_string();
            if nodes.insert(id.clone(), node).is_some() {
                wrong.push(format!("two nodes {id}"));
            }
            if ids.insert(id.clone(), at).is_some_and(|other| other != at) {
                wrong.push(format!("node {id} is in two graphs"));
            }
        }
        check_links(graph, &nodes, wrong);
    }
}

fn check_links(graph: &Value, nodes: &HashMap<String, &Value>, wrong: &mut Vec<String>) {
    let field = |link: &Value, at: usize, key: &str| match link {
        Value::Array(list) => list.get(at).cloned().unwrap_or_default(),
        link => link.get(key).cloned().unwrap_or_default(),
    };
    let mut links: HashMap<String, (String, Value)> = HashMap::new();
    for link in graph.get("links").and_then(Value::as_array).into_iter().flatten() {
        let id = field(link, 0, "id").to_string();
        let (from, to) = (field(link, 1, "origin_id"), field(link, 3, "target_id"));
        let slot = field(link, 4, "target_slot");
        for end in [&from, &to] {
            if !["-10", "-20"].contains(&end.to_string().as_str())
                && !nodes.contains_key(&end.to_string())
            {
                wrong.push(format!("link {id} ends at nothing"));
            }
        }
        if links.insert(id.clone(), (to.to_string(), slot)).is_some() {
            wrong.push(format!("two links {id}"));
        }
    }
    for (id, node) in nodes {
        for (slot, input) in
            node.get("inputs").and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            let Some(link) = input.get("link").filter(|link| !link.is_null()) else { continue };
            match links.get(&link.to_string()) {
                None => wrong.push(format!("input {slot} of {id} names a link that is not there")),
                Some((to, at)) if to != id || at.as_u64() != Some(slot as u64) => {
                    wrong.push(format!("input {slot} of {id} and link {link} disagree"));
                }
                Some(_) => {}
            }
        }
    }
}

/// New faults of a result, that no side had.
fn is_broken(triple: &Triple, result: &[u8]) -> bool {
    let found = check(result);
    // Ids change in a merge: kinds of faults are counted, not their words.
    let known = [&triple.base, &triple.ours, &triple.theirs].map(|side| check(side).len());
    found.len() > known.into_iter().sum::<usize>() || found.iter().any(|fault| fault == "no JSON")
}

/// What a graph says: nodes by id with class, values, mode, title, and what feeds each input.
fn meaning(content: &[u8]) -> Option<Value> {
    let document: Value = serde_json::from_slice(content).ok()?;
    let plain = |node: &Value, links: &HashMap<String, Value>| {
        let mut own = serde_json::Map::new();
        for key in ["id", "type", "mode", "title", "widgets_values"] {
            own.insert(key.to_owned(), node.get(key).cloned().unwrap_or_default());
        }
        let inputs = node.get("inputs").and_then(Value::as_array).into_iter().flatten();
        let fed = inputs.filter_map(|input| {
            let from = links.get(&input.get("link")?.to_string())?.clone();
            Some((input.get("name")?.as_str()?.to_owned(), from))
        });
        own.insert("fed".to_owned(), Value::Object(fed.collect()));
        own
    };
    let Some(_) = document.get("nodes") else { return Some(document) };
    let definitions = document.get("definitions").and_then(|d| d.get("subgraphs")?.as_array());
    let graphs = std::iter::once(&document).chain(definitions.into_iter().flatten());
    let graphs = graphs.map(|graph| {
        let list = |key: &str| graph.get(key).and_then(Value::as_array).into_iter().flatten();
        let links: HashMap<String, Value> = list("links")
            .filter_map(|link| match link {
                Value::Array(link) => {
                    Some((link.first()?.to_string(), Value::from(link.get(1..3)?.to_vec())))
                }
                link => Some((
                    link.get("id")?.to_string(),
                    Value::from(vec![
                        link.get("origin_id")?.clone(),
                        link.get("origin_slot")?.clone(),
                    ]),
                )),
            })
            .collect();
        let mut nodes: Vec<_> = list("nodes").map(|node| plain(node, &links)).collect();
        nodes.sort_by_key(|node| node["id"].to_string());
        Value::from(nodes.into_iter().map(Value::Object).collect::<Vec<_>>())
    });
    Some(Value::from(graphs.collect::<Vec<_>>()))
}

/// The values of both as numbers, so that 1.0 and 1 are one.
fn same_meaning(a: &[u8], b: &[u8]) -> bool {
    fn plain(value: Value) -> Value {
        match value {
            Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
            Value::Array(list) => list.into_iter().map(plain).collect(),
            Value::Object(object) => {
                object.into_iter().map(|(key, value)| (key, plain(value))).collect()
            }
            value => value,
        }
    }
    match (meaning(a), meaning(b)) {
        (Some(a), Some(b)) => plain(a) == plain(b),
        _ => false,
    }
}

/// Runs a tool on `base.json`, `ours.json` and `theirs.json` in a folder; gives its result, and
/// what it told.
fn run(tool: &str, folder: &Path) -> (Option<i32>, Vec<u8>, String) {
    let mut command = match tool {
        "git-comfy" => {
            let mut command = Command::new(GIT_COMFY);
            command.args(["merge", "base.json", "ours.json", "theirs.json"]);
            command
        }
        "git" => {
            let mut command = Command::new("git");
            command.args(["merge-file", "-p", "-q", "ours.json", "base.json", "theirs.json"]);
            command
        }
        _ => {
            let mut command = Command::new("mergiraf");
            command.args(["merge", "base.json", "ours.json", "theirs.json"]);
            command
        }
    };
    let output = command.current_dir(folder).output().unwrap();
    (output.status.code(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[derive(Default)]
struct Tally {
    outcomes: BTreeMap<Outcome, usize>,
    equal_to_human: usize,
}

fn main() {
    let folders: Vec<PathBuf> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).map(PathBuf::from).collect();
    let keep = std::env::var_os("KEEP").map(PathBuf::from);
    let mut tools = vec!["git-comfy", "git"];
    if Command::new("mergiraf").arg("--version").stdout(Stdio::null()).status().is_ok() {
        tools.push("mergiraf");
    }
    let (mut merges, mut picks) = (Vec::new(), Vec::new());
    for folder in &folders {
        let before = (merges.len(), picks.len());
        human_merges(folder, &mut merges);
        apart(folder, &mut picks);
        let name = folder.parent().unwrap_or(folder).file_name().unwrap_or_default();
        println!(
            "{}: {} merges, {} states apart",
            name.to_string_lossy(),
            merges.len() - before.0,
            picks.len() - before.1
        );
    }
    for (kind, triples) in [("merges of people", merges), ("states apart", picks)] {
        replay(kind, &triples, &tools, keep.as_deref());
    }
}

fn replay(kind: &str, triples: &[Triple], tools: &[&str], keep: Option<&Path>) {
    let work = tempfile::tempdir().unwrap();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for (nth, triple) in triples.iter().enumerate() {
        for (name, content) in
            [("base", &triple.base), ("ours", &triple.ours), ("theirs", &triple.theirs)]
        {
            fs::write(work.path().join(format!("{name}.json")), content).unwrap();
        }
        for tool in tools {
            let (code, result, told) = run(tool, work.path());
            let outcome = match code {
                Some(0) if is_broken(triple, &result) => Outcome::Broken,
                Some(0) => Outcome::Clean,
                Some(1..=127)
                    if *tool == "git-comfy"
                        && !result.starts_with(b"<")
                        && is_broken(triple, &result)
                        && !told.contains("markers") =>
                {
                    Outcome::Broken
                }
                Some(1..=127) => Outcome::Conflict,
                _ => Outcome::Failed,
            };
            let tally = tallies.entry(tool).or_default();
            *tally.outcomes.entry(outcome).or_default() += 1;
            let human = triple.human.as_deref();
            let equal = outcome == Outcome::Clean
                && human.is_some_and(|human| same_meaning(human, &result));
            tally.equal_to_human += usize::from(equal);
            if *tool == "git-comfy" {
                for kind in conflict_kinds(&result, &told) {
                    *kinds.entry(kind).or_default() += 1;
                }
                let differs = outcome == Outcome::Clean && human.is_some() && !equal;
                if let Some(keep) = keep.filter(|_| outcome != Outcome::Clean || differs) {
                    let folder =
                        keep.join(kind.replace(' ', "-")).join(format!("{nth:04}-{outcome:?}"));
                    fs::create_dir_all(&folder).unwrap();
                    for name in ["base.json", "ours.json", "theirs.json"] {
                        fs::copy(work.path().join(name), folder.join(name)).unwrap();
                    }
                    fs::write(folder.join("result.json"), &result).unwrap();
                    fs::write(folder.join("told.txt"), format!("{}\n{told}", triple.name)).unwrap();
                    if let Some(human) = human {
                        fs::write(folder.join("human.json"), human).unwrap();
                    }
                }
            }
        }
    }
    println!("\n{kind}: {}", triples.len());
    println!("| tool | clean | conflict | broken | failed | equal to the person's |");
    println!("|---|---|---|---|---|---|");
    for (tool, tally) in &tallies {
        let count = |outcome| tally.outcomes.get(&outcome).copied().unwrap_or_default();
        println!(
            "| {tool} | {} | {} | {} | {} | {} |",
            count(Outcome::Clean),
            count(Outcome::Conflict),
            count(Outcome::Broken),
            count(Outcome::Failed),
            tally.equal_to_human
        );
    }
    let mut kinds: Vec<(String, usize)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (kind, count) in kinds {
        println!("{count:5}  {kind}");
    }
}

/// The kinds of all conflicts that a result carries; where it carries none, of those told.
fn conflict_kinds(result: &[u8], told: &str) -> Vec<String> {
    fn carried(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                let list = object.get("git_comfy").and_then(|header| header.get("conflicts"));
                let is_conflict = |entry: &&Value| entry.get("kind").is_some();
                let list = list.and_then(Value::as_array).into_iter().flatten();
                for conflict in list.filter(is_conflict) {
                    let text = |key: &str| conflict.get(key).and_then(Value::as_str).unwrap_or("");
                    let place = place_kind(text("at"));
                    found.push(format!("{place}: {}", text("kind")));
                }
                object.values().for_each(|member| carried(member, found));
            }
            Value::Array(list) => list.iter().for_each(|element| carried(element, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(document) = serde_json::from_slice::<Value>(result) {
        carried(&document, &mut found);
    }
    if found.is_empty() {
        found.extend(told.lines().skip(1).filter_map(conflict_kind));
    }
    found
}

/// What sort of place a conflict is about.
fn place_kind(at: &str) -> &str {
    let place = at.rsplit(": ").next().unwrap_or_default();
    match place {
        "title" | "mode" | "the list of values" | "the whole file" => place,
        place if place.contains('#') => "a node",
        place if place.starts_with("the wire") => "a wire",
        place if place.starts_with("value ") => "an unnamed value",
        place if place.starts_with("group ") || place.contains(" of group ") => "a group",
        place if place.starts_with("properties/") || place.starts_with("extra/") => place,
        _ => "a named value",
    }
}

/// The reason of a conflict and what sort of place it is about, without names of nodes.
fn conflict_kind(line: &str) -> Option<String> {
    let reasons = [
        "was changed on both sides",
        "was removed by ours and changed by theirs",
        "was removed by theirs and changed by ours",
        "was wired differently on both sides",
        "was replaced on one side and changed on the other",
        "could not be brought together",
        "would be lost",
        "would be damaged",
    ];
    let reason = reasons.into_iter().find(|reason| line.contains(reason))?;
    let before = line.split(reason).next().unwrap_or_default().trim();
    let place = place_kind(before);
    Some(format!("{place} {reason}"))
}
