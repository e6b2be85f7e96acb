//! What diff says of the real edits of public repositories, as the table of
//! `docs/diff-measured.md`.
//!
//! `cargo bench --bench diff_histories -- REPOSITORY...`: each is a git repository, with or
//! without a work tree; nothing of it is run. An edit is a commit's change of a workflow file.
//! For each repository: how many edits there are, how many of the changed values have a name
//! and where it comes from, whether replaying gives the second file, and how many lines the
//! terminal shows. Names learned from a repository are learned from all its files.
//!
//! Whether names are right is told by the pictures that hold a workflow and the prompt made of
//! it: every name is looked up in the prompt, and must hold the value it was given to. The
//! pictures a name is tried on are none of those it was learned from.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use comfy_graph::catalog::{Catalog, LearnedNames};
use comfy_graph::clean::strip_layout;
use comfy_graph::diff::{Edit, EditScript, apply, diff};
use comfy_graph::graph::{
    NameSource, Prompt, PromptInput, Widget, WidgetNaming, WidgetRole, Workflow,
};
use comfy_graph::json::{Value, parse};

/// Larger files are left out.
const MAX_FILE: usize = 16 << 20;

fn main() {
    let repositories: Vec<PathBuf> = std::env::args_os()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .map(PathBuf::from)
        .collect();
    println!(
        "| repository | edits | values | named | by file | built in | packs | repository | by position | checked | differ | wrong | p50 | p90 | p99 | not replayed |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    let mut total = Figures::default();
    for repository in &repositories {
        let figures = measure(repository);
        println!("{}", figures.row(&name_of(repository)));
        total.add(figures);
    }
    println!("{}", total.row("all"));
    for (class, count) in most(&total.unnamed) {
        eprintln!("{count} values of {class} have no name");
    }
    for wrong in &total.wrong {
        eprintln!("wrong: {wrong}");
    }
}

fn name_of(repository: &Path) -> String {
    let named = repository.components().rev().map(|part| part.as_os_str().to_string_lossy());
    named.into_iter().find(|part| part != "repo" && part != ".git").unwrap_or_default().into_owned()
}

fn most(counts: &HashMap<String, usize>) -> Vec<(&String, &usize)> {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    sorted.truncate(40);
    sorted
}

#[derive(Default)]
struct Figures {
    edits: usize,
    named: BTreeMap<&'static str, usize>,
    checked: usize,
    /// Names whose value the frontend changed when it queued: rounded, resolved, wired.
    differing: usize,
    wrong: Vec<String>,
    lines: Vec<usize>,
    not_replayed: usize,
    unnamed: HashMap<String, usize>,
}

impl Figures {
    fn add(&mut self, other: Figures) {
        self.edits += other.edits;
        self.checked += other.checked;
        self.differing += other.differing;
        self.wrong.extend(other.wrong);
        self.lines.extend(other.lines);
        self.not_replayed += other.not_replayed;
        for (source, count) in other.named {
            *self.named.entry(source).or_default() += count;
        }
        for (class, count) in other.unnamed {
            *self.unnamed.entry(class).or_default() += count;
        }
    }

    fn row(&self, name: &str) -> String {
        let of = |source: &str| self.named.get(source).copied().unwrap_or_default();
        let values: usize = self.named.values().sum();
        let named = (values - of("position")) * 1000 / values.max(1);
        let mut lines = self.lines.clone();
        lines.sort_unstable();
        let part = |percent: usize| match lines.len() {
            0 => 0,
            count => lines[(count - 1) * percent / 100],
        };
        format!(
            "| {name} | {} | {values} | {}.{} % | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.edits,
            named / 10,
            named % 10,
            of("file"),
            of("builtin"),
            of("packs"),
            of("repository"),
            of("position"),
            self.checked,
            self.differing,
            self.wrong.len(),
            part(50),
            part(90),
            part(99),
            self.not_replayed,
        )
    }
}

fn measure(repository: &Path) -> Figures {
    let mut blobs = Blobs::open(repository);
    let mut learned = LearnedNames::default();
    let mut pictures: [Vec<(Workflow, Prompt)>; 2] = Default::default();
    for (id, path) in all_files(repository) {
        let Some(bytes) = blobs.read(&id) else { continue };
        if path.ends_with(".json") {
            if let Ok(document) = parse(&bytes) {
                learned.learn_from_document(&document);
            }
        } else if let Ok(embedded) = comfy_media::read(&mut Cursor::new(&bytes)) {
            let payload = embedded.payload();
            if let (Some(workflow), Some(prompt)) = (payload.workflow, payload.prompt)
                && let (Ok(workflow), Ok(prompt)) =
                    (Workflow::from_value(workflow), Prompt::from_value(prompt))
            {
                let half = usize::from(id.as_bytes()[0] % 2 == 0);
                pictures[half].push((workflow, prompt));
            }
        }
    }
    let mut figures = Figures::default();
    let [one, other] = &pictures;
    for (known, tried) in [(one, other), (other, one)] {
        let mut names = learned.clone();
        for (workflow, prompt) in known {
            names.learn_from_run(workflow, prompt);
        }
        let catalog = Catalog::core().with_learned_names(names);
        for (workflow, prompt) in tried {
            check_names(&catalog, workflow, prompt, &mut figures);
        }
    }
    for (workflow, prompt) in pictures.iter().flatten() {
        learned.learn_from_run(workflow, prompt);
    }
    let catalog = Catalog::core().with_learned_names(learned);
    for (before, after) in all_edits(repository) {
        let (Some(before), Some(after)) = (blobs.read(&before), blobs.read(&after)) else {
            continue;
        };
        measure_edit(&before, &after, &catalog, &mut figures);
    }
    figures
}

/// Whether the names of the values are those under which the prompt holds them.
fn check_names(catalog: &Catalog, workflow: &Workflow, prompt: &Prompt, figures: &mut Figures) {
    for (id, ran) in &prompt.nodes {
        let Some(node) = workflow.root.nodes.get(id).filter(|node| node.class() == ran.class())
        else {
            continue;
        };
        let widgets = catalog.widgets(workflow, node);
        let assigned: Vec<(String, &Value)> =
            widgets.iter().map(|widget| (widget.name.to_string(), widget.value)).collect();
        for widget in widgets {
            let Widget { name, value, role, source, .. } = widget;
            let (Some(name), true) = (name.as_str(), role.runs()) else { continue };
            let Some(PromptInput::Literal(held)) = ran.input(name) else { continue };
            figures.checked += 1;
            // What the frontend resolves when it queues is another value by intention.
            let is_resolved = role == WidgetRole::Seed
                || value
                    .as_str()
                    .is_some_and(|text| text.contains(['{', '%']) || text.contains("__"));
            if held.is_equivalent(value) {
                continue;
            }
            figures.differing += usize::from(!is_resolved);
            // A value under a wrong name lies in the prompt under its own.
            let own = ran.inputs().find(|(own, input)| {
                let is_here =
                    matches!(input, PromptInput::Literal(held) if held.is_equivalent(value));
                is_here && !assigned.contains(&((*own).to_owned(), value))
            });
            if let Some((own, _)) = own {
                let class = node.class();
                figures.wrong.push(format!("{class} {name} by {source:?}, not {own}: {value:?}"));
            }
        }
    }
}

fn measure_edit(before: &[u8], after: &[u8], catalog: &Catalog, figures: &mut Figures) {
    let (Ok(was), Ok(is)) = (parse(before), parse(after)) else { return };
    let Some(script) = diff(was.clone(), is.clone(), catalog) else { return };
    figures.edits += 1;
    count_values(&script, figures);
    let mut wanted = is;
    strip_layout(&mut wanted);
    let replayed = apply(&was, &script);
    figures.not_replayed += usize::from(replayed.as_ref() != Ok(&wanted));
    figures.lines.push(count_lines(before, after));
}

fn count_values(script: &EditScript, figures: &mut Figures) {
    for (_, edit) in script.content_edits() {
        match edit {
            Edit::Widget { node, source, .. } => {
                let word = match source {
                    NameSource::Position => "position",
                    NameSource::File => "file",
                    NameSource::Builtin => "builtin",
                    NameSource::Server => "server",
                    NameSource::Repository => "repository",
                    NameSource::Packs => "packs",
                };
                *figures.named.entry(word).or_default() += 1;
                if *source == NameSource::Position {
                    *figures.unnamed.entry(node.class.to_string()).or_default() += 1;
                }
            }
            Edit::NestedGraph { script, .. } => count_values(script, figures),
            _ => {}
        }
    }
}

/// How many lines the terminal shows below the head.
fn count_lines(before: &[u8], after: &[u8]) -> usize {
    let folder = std::env::temp_dir().join(format!("diff-histories-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let files = ["before.json", "after.json"].map(|name| folder.join(name));
    fs::write(&files[0], before).unwrap();
    fs::write(&files[1], after).unwrap();
    let told = Command::new(env!("CARGO_BIN_EXE_git-comfy"))
        .arg("diff")
        .args(&files)
        .current_dir(&folder)
        .output()
        .unwrap();
    let lines = told.stdout.split(|byte| *byte == b'\n').count().saturating_sub(2);
    fs::remove_dir_all(&folder).unwrap();
    lines
}

fn git(repository: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.arg("-C").arg(repository).args(["-c", "safe.directory=*"]).args(arguments);
    command
}

/// Every version of every workflow and picture: id and path.
fn all_files(repository: &Path) -> Vec<(String, String)> {
    let arguments = ["rev-list", "--objects", "--all", "--missing=allow-any"];
    let listed = git(repository, &arguments).output().unwrap().stdout;
    let listed = String::from_utf8_lossy(&listed);
    let files = listed.lines().filter_map(|line| line.split_once(' '));
    let is_wanted = |path: &str| {
        let path = path.to_ascii_lowercase();
        [".json", ".png", ".webp"].iter().any(|suffix| path.ends_with(suffix))
    };
    files
        .filter(|(_, path)| is_wanted(path))
        .map(|(id, path)| (id.to_owned(), path.to_owned()))
        .collect()
}

/// The blobs before and after each change of a JSON file, each pair once.
fn all_edits(repository: &Path) -> Vec<(String, String)> {
    let arguments = [
        "log",
        "--all",
        "--raw",
        "--no-abbrev",
        "--format=",
        "-M",
        "--diff-filter=MR",
        "--",
        "*.json",
    ];
    let listed = git(repository, &arguments).output().unwrap().stdout;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let mut seen = HashSet::new();
    let pairs = listed.lines().filter_map(|line| {
        let mut parts = line.split(' ').skip(2);
        let pair = (parts.next()?.to_owned(), parts.next()?.to_owned());
        (pair.0 != pair.1 && seen.insert(pair.clone())).then_some(pair)
    });
    pairs.collect()
}

/// Contents by id.
struct Blobs {
    child: std::process::Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Blobs {
    fn open(repository: &Path) -> Blobs {
        let mut child = git(repository, &["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Blobs { child, answers }
    }

    fn read(&mut self, id: &str) -> Option<Vec<u8>> {
        writeln!(self.child.stdin.as_mut().unwrap(), "{id}").unwrap();
        let mut head = String::new();
        self.answers.read_line(&mut head).unwrap();
        let size: usize = head.trim().split(' ').nth(2)?.parse().ok()?;
        let mut bytes = vec![0; size + 1];
        self.answers.read_exact(&mut bytes).unwrap();
        bytes.pop();
        (size <= MAX_FILE).then_some(bytes)
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
