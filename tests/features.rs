//! The house holds: parts of the program use what is above them in the table of
//! `src/architecture.md`, and what is to be pure is.

use std::fs;
use std::path::{Path, PathBuf};

/// The parts of the program: each may use those before it.
const PARTS: &[&str] = &[
    "platform",
    "layouts",
    "differences",
    "merging",
    "records",
    "snapshots",
    "runs",
    "sharing",
    "reproduce",
    "import",
    "pictures",
    "watch",
    "setup",
    "hooks",
];

/// What takes values and gives values: no files, processes, clocks or printing.
const PURE: &[&str] = &[
    "crates/comfy-draw/src",
    "crates/comfy-graph/src",
    "crates/comfy-media/src",
    "src/differences/text",
    "src/import/model",
    "src/layouts/describe.rs",
    "src/merging/describe.rs",
    "src/platform/text/sanitize.rs",
    "src/pictures/diff_drawing.rs",
    "src/pictures/drawn_document.rs",
    "src/pictures/html_page.rs",
    "src/pictures/prompt_graph.rs",
    "src/pictures/scripts.rs",
    "src/pictures/sentences.rs",
    "src/records/describe.rs",
    "src/records/prompt_summary.rs",
    "src/records/join.rs",
    "src/records/dependencies.rs",
    "src/records/schema.rs",
    "src/records/summary.rs",
    "src/records/note_format.rs",
    "src/reproduce/check.rs",
    "src/reproduce/a1111_hashes.rs",
    "src/reproduce/describe.rs",
    "src/reproduce/check_findings.rs",
    "src/reproduce/available_files.rs",
    "src/reproduce/command_lines.rs",
    "src/reproduce/lock.rs",
    "src/reproduce/rename.rs",
    "src/reproduce/rerun_report.rs",
    "src/reproduce/repair.rs",
    "src/reproduce/prompt_differences.rs",
    "src/reproduce/environment_specs.rs",
    "src/reproduce/vary",
    "src/reproduce/requirements.rs",
    "src/reproduce/yaml.rs",
    "src/runs/finite_json.rs",
    "src/runs/run_data",
    "src/runs/text",
    "src/snapshots/retention.rs",
];

/// What only an impure module may name.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "println!",
    "print!(",
    "git2::",
    "gix::",
];

/// The libraries that reach git, and the places that may name them.
const GIT_LIBRARIES: &[&str] = &["git2::", "gix::"];
const GIT_DOORS: &[&str] = &["src/platform/git", "src/layouts/filter_process"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    if folder.is_file() {
        return vec![folder.to_owned()];
    }
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The code of a file without comments and without what is there for tests alone: each line
/// with its number.
fn code(text: &str) -> Vec<(usize, &str)> {
    let mut code = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            skip_item(&mut lines);
        } else if !line.trim_start().starts_with("//") {
            code.push((at + 1, line));
        }
    }
    code
}

/// Goes on behind the next item: as rustfmt writes it, one that has a body ends with a brace
/// in the column where it began.
fn skip_item<'t>(lines: &mut impl Iterator<Item = (usize, &'t str)>) {
    let mut end = None;
    for (_, line) in lines {
        let indent = line.len() - line.trim_start().len();
        match end {
            None if line.trim_start().starts_with("#[") => {}
            None if line.ends_with(';') || line.ends_with('}') => return,
            None => end = Some(format!("{}}}", " ".repeat(indent))),
            Some(ref end) if line == end => return,
            Some(_) => {}
        }
    }
}

/// The modules that a piece of code names behind `crate::`, also in braces.
fn used(code: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let list = match rest.strip_prefix('{') {
            Some(rest) => top_level(rest),
            None => vec![rest],
        };
        for item in list {
            let item = item.trim_start();
            let end = item.find(|c: char| !(c.is_ascii_lowercase() || c == '_'));
            names.push(&item[..end.unwrap_or(item.len())]);
        }
    }
    names
}

/// The items of a list in braces, up to the one that closes it.
fn top_level(text: &str) -> Vec<&str> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&text[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn parts_use_what_is_above_them() {
    let src = root().join("src");
    let place = |name: &str| PARTS.iter().position(|part| *part == name);
    let mut against = Vec::new();
    for part in PARTS {
        let is_code = |file: &PathBuf| !file.to_string_lossy().ends_with("tests.rs");
        for file in sources(&src.join(part)).into_iter().filter(is_code) {
            let inside = file.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
            let text = fs::read_to_string(&file).unwrap();
            let code: Vec<&str> = code(&text).into_iter().map(|(_, line)| line).collect();
            for name in used(&code.join("\n")) {
                if place(name).is_some_and(|used| Some(used) > place(part)) {
                    against.push((inside.clone(), name.to_owned()));
                }
            }
        }
    }
    against.sort();
    against.dedup();
    assert_eq!(against, []);
}

#[test]
fn what_is_to_be_pure_is() {
    let mut broken = Vec::new();
    for file in PURE.iter().flat_map(|place| sources(&root().join(place))) {
        let text = fs::read_to_string(&file).unwrap();
        for (line, code) in code(&text) {
            if IMPURE.iter().any(|word| code.contains(word)) {
                broken.push(format!("{}:{line}: {}", file.display(), code.trim()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn one_door_leads_to_git() {
    let is_door = |file: &Path| GIT_DOORS.iter().any(|door| file.starts_with(root().join(door)));
    let mut beside = Vec::new();
    for file in sources(&root().join("src")).into_iter().filter(|file| !is_door(file)) {
        let text = fs::read_to_string(&file).unwrap();
        for (line, code) in code(&text) {
            if GIT_LIBRARIES.iter().any(|library| code.contains(library)) {
                beside.push(format!("{}:{line}: {}", file.display(), code.trim()));
            }
        }
    }
    assert!(beside.is_empty(), "{}", beside.join("\n"));
}

#[test]
fn what_is_there_for_tests_alone_is_left_out_and_lists_are_read() {
    let text = "use crate::{\n    git,\n    render::{a, b},\n};\n#[cfg(test)]\nuse crate::cmd;\n\
                #[cfg(test)]\nmod tests {\n    use crate::cli;\n}\nuse crate::host::x; // crate::ui\n";
    let code: Vec<&str> = code(text).into_iter().map(|(_, line)| line).collect();
    assert_eq!(used(&code.join("\n"))[..3], ["git", "render", ""]);
    assert!(!code.join("\n").contains("cli") && !code.join("\n").contains("cmd"));
    assert!(used(&code.join("\n")).contains(&"host"));
}

/// What several parts need lies beside the commands, not in one of them.
#[test]
fn no_part_uses_the_commands_of_another() {
    let src = root().join("src");
    let mut against = Vec::new();
    for part in PARTS {
        for file in sources(&src.join(part)) {
            let text = fs::read_to_string(&file).unwrap();
            for other in PARTS.iter().filter(|other| *other != part) {
                let path = format!("crate::{other}::commands");
                if code(&text).iter().any(|(_, line)| line.contains(&path)) {
                    against.push((file.display().to_string(), path));
                }
            }
        }
    }
    assert_eq!(against, []);
}

#[test]
fn the_files_that_the_architecture_names_are_there() {
    let text = fs::read_to_string(root().join("src/architecture.md")).unwrap();
    let all: Vec<String> = ["src", "crates"]
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .map(|file| format!("/{}", file.strip_prefix(root()).unwrap().display()))
        .map(|file| file.replace('\\', "/"))
        .collect();
    let named = text.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs"));
    let missing: Vec<&str> = named
        .filter(|name| !root().join(name).exists())
        .filter(|name| !all.iter().any(|file| file.ends_with(&format!("/{name}"))))
        .filter(|name| {
            // `clean/document.rs` of a crate lies below its `src`.
            let (first, rest) = name.split_once('/').unwrap_or(("", name));
            !all.iter().any(|file| file.ends_with(&format!("/{first}/src/{rest}")))
        })
        .collect();
    assert_eq!(missing, [""; 0]);
}
