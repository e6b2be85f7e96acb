//! What the benchmarks share: programs that see nothing of this machine's settings, and
//! times in columns that are compared as ratios.

#![allow(dead_code, reason = "every benchmark takes the part it needs")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// A folder in memory where the system has such, so that no disk takes part.
pub(crate) fn scratch_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// So many workflows: the official templates where they lie beside the project, as often as it
/// takes, else made ones of the same size.
pub(crate) fn workflows(count: usize) -> Vec<(String, Vec<u8>)> {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/templates");
    let Ok(folder) = fs::read_dir(templates) else {
        return (0..count)
            .map(|n| (format!("{n}.json"), made_workflow(n, 60).into_bytes()))
            .collect();
    };
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    // Beside the workflows lie lists of them.
    paths.retain(|path| fs::read_to_string(path).unwrap().contains("\"nodes\":"));
    let template = |n: usize| {
        let path = &paths[n % paths.len()];
        let mut text = fs::read_to_string(path).unwrap();
        if let (again @ 1.., Some(open)) = (n / paths.len(), text.find('{')) {
            insert_member(&mut text, open + 1, again);
        }
        (format!("{n}-{}", path.file_name().unwrap().to_str().unwrap()), text.into_bytes())
    };
    (0..count).map(template).collect()
}

/// A first member, spelled as the others are: what no printer writes costs more.
fn insert_member(text: &mut String, open: usize, number: usize) {
    let rest = &text[open..];
    let space = &rest[..rest.len() - rest.trim_start().len()];
    let colon = if space.is_empty() { ":" } else { ": " };
    let member = format!("{space}\"copy\"{colon}{number},");
    text.insert_str(open, &member);
}

/// A workflow as ComfyUI's Export writes it.
pub(crate) fn made_workflow(seed: usize, nodes: usize) -> String {
    let mut text =
        String::from("{\n  \"last_node_id\": 9999,\n  \"last_link_id\": 9999,\n  \"nodes\": [\n");
    for n in 0..nodes {
        let comma = if n + 1 == nodes { "" } else { "," };
        text += &format!(
            "    {{\n      \"id\": {n},\n      \"type\": \"CLIPTextEncode\",\n      \"pos\": [\n        {}.125,\n        {}\n      ],\n      \"size\": [\n        425,\n        180\n      ],\n      \"flags\": {{}},\n      \"order\": {n},\n      \"mode\": 0,\n      \"inputs\": [],\n      \"outputs\": [\n        {{\n          \"name\": \"CONDITIONING\",\n          \"type\": \"CONDITIONING\",\n          \"links\": []\n        }}\n      ],\n      \"properties\": {{\n        \"Node name for S&R\": \"CLIPTextEncode\"\n      }},\n      \"widgets_values\": [\n        \"a prompt about thing {seed} of {n}\"\n      ]\n    }}{comma}\n",
            n * 450 + seed,
            n % 7 * 200
        );
    }
    text + "  ],\n  \"links\": [],\n  \"groups\": [],\n  \"config\": {},\n  \"extra\": {},\n  \"version\": 0.4\n}"
}

/// The first list of values that has a digit gets another one before it.
pub(crate) fn with_one_value_edited(workflow: &str) -> String {
    let lists = workflow.match_indices("\"widgets_values\"").map(|(at, _)| at);
    let digit = |at: usize| {
        let list = &workflow[at..at + workflow[at..].find(']')?];
        list.find(|c: char| c.is_ascii_digit()).map(|digit| at + digit)
    };
    let digit = lists.filter_map(digit).next().unwrap();
    format!("{}7{}", &workflow[..digit], &workflow[digit..])
}

/// `home/ComfyUI`, with three models and twenty node packs that are git repositories.
pub(crate) fn comfyui(home: &Path) {
    let source = home.join("ComfyUI");
    for below in ["comfy", "models/checkpoints", "models/loras", "custom_nodes"] {
        fs::create_dir_all(source.join(below)).unwrap();
    }
    fs::write(source.join("main.py"), "").unwrap();
    fs::write(source.join("folder_paths.py"), "").unwrap();
    fs::write(source.join("comfyui_version.py"), "__version__ = \"0.33.0\"\n").unwrap();
    for name in ["checkpoints/v1-5.safetensors", "loras/a.safetensors", "loras/b.safetensors"] {
        let path = source.join("models").join(name);
        fs::write(&path, vec![7; 1 << 20]).unwrap();
        let before = SystemTime::now() - Duration::from_secs(3600);
        fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    }
    for n in 0..20 {
        let pack = source.join("custom_nodes").join(format!("Pack{n}"));
        fs::create_dir(&pack).unwrap();
        timed(&mut isolated(home, "git", &pack, ["init", "-q"]));
        fs::write(pack.join("__init__.py"), format!("NODE_CLASS_MAPPINGS = {{\"P{n}\": 1}}\n"))
            .unwrap();
        timed(&mut isolated(home, "git", &pack, ["add", "."]));
        timed(&mut isolated(home, "git", &pack, ["commit", "-q", "-m", "A pack"]));
    }
}

/// A small workflow with those models and one of those packs.
pub(crate) fn recorded_workflow(steps: usize) -> String {
    let node = |id: usize, class: &str, values: String| {
        format!(
            "{{\"id\":{id},\"type\":\"{class}\",\"pos\":[0,0],\"size\":[1,1],\"flags\":{{}},\
             \"order\":0,\"mode\":0,\"inputs\":[],\"outputs\":[],\"properties\":{{}},\
             \"widgets_values\":[{values}]}}"
        )
    };
    let nodes = [
        node(1, "CheckpointLoaderSimple", "\"v1-5.safetensors\"".into()),
        node(2, "LoraLoaderModelOnly", "\"a.safetensors\",1".into()),
        node(3, "LoraLoaderModelOnly", "\"b.safetensors\",1".into()),
        node(4, "KSampler", format!("1,\"fixed\",{steps},8,\"euler\",\"normal\",1")),
        node(5, "P3", String::new()),
    ];
    format!(
        "{{\"last_node_id\":5,\"last_link_id\":0,\"nodes\":[{}],\"links\":[],\"groups\":[],\
         \"config\":{{}},\"extra\":{{}},\"version\":0.4}}",
        nodes.join(",")
    )
}

/// Prepares a program that reads no other configuration than `home/.gitconfig`.
pub(crate) fn isolated<A: AsRef<OsStr>>(
    home: &Path,
    program: &str,
    at: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(at)
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", home.join(".gitconfig"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// Runs a program that has to succeed, and says how long it took.
pub(crate) fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status().unwrap();
    let time = start.elapsed();
    assert!(status.success(), "{command:?}");
    time
}

/// The times of one thing under several conditions, one column each.
#[derive(Default)]
pub(crate) struct Table(Vec<Vec<f64>>);

impl Table {
    pub(crate) fn row(&mut self, times: &[Duration]) {
        self.0.push(times.iter().map(Duration::as_secs_f64).collect());
    }

    pub(crate) fn median(&self, of: impl Fn(&[f64]) -> f64) -> f64 {
        let mut all: Vec<f64> = self.0.iter().map(|row| of(row)).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }

    /// One line: a column against another, as medians and as the median of their ratios.
    pub(crate) fn tell(&self, what: &str, column: usize, against: usize, promise: &str) {
        let ratio = self.median(|row| row[column] / row[against]);
        let (time, base) = (self.median(|row| row[column]), self.median(|row| row[against]));
        println!(
            "{what:<40} {:>8.1} ms  against {:>8.1} ms  = {ratio:.2}  {promise}",
            time * 1e3,
            base * 1e3
        );
    }
}
