//! The house holds: imports go down only, and the pure floors stay pure.

use std::fs;
use std::path::{Path, PathBuf};

/// Every module with its floor, as `src/architecture.md` tells it.
const FLOORS: &[(&str, u8)] = &[
    ("json", 0),
    ("graph", 1),
    ("media", 1),
    ("catalog", 2),
    ("canon", 2),
    ("pair", 3),
    ("diff", 4),
    ("merge", 5),
    ("record", 5),
    ("render", 6),
    ("git", 7),
    ("host", 7),
    ("cmd", 8),
    ("error", 8),
    ("exit", 8),
    ("session", 8),
    ("ui", 8),
    ("cli", 9),
    ("main", 9),
    ("lib", 10),
];

/// What only an impure floor may name.
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

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The code of a file without its comments and its inline test module.
fn code(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .collect()
}

#[test]
fn imports_go_down_only_and_pure_floors_are_pure() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 10, "the sources were not found in {}", src.display());
    let mut broken = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&src).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs");
        let Some(own) = floor(module) else {
            broken.push(format!("{}: no floor is known for it", inside.display()));
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        for (line, code) in code(&text) {
            for used in code.split("crate::").skip(1) {
                let name: String =
                    used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                let above = floor(&name).is_some_and(|used| used > own);
                let beside = own < 8 && name != module && floor(&name) == Some(own);
                if above || beside {
                    broken.push(format!("{}:{line}: uses {name}", inside.display()));
                }
            }
            if own <= 6 && IMPURE.iter().any(|word| code.contains(word)) {
                broken.push(format!("{}:{line}: is not pure: {}", inside.display(), code.trim()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
