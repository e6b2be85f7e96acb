//! The house holds: imports go down only, and what is to be pure is.

use std::fs;
use std::path::{Path, PathBuf};

/// Every module of the program with its floor, as `src/architecture.md` tells it.
const FLOORS: &[(&str, u8)] = &[
    ("record", 4),
    ("render", 5),
    ("git", 6),
    ("host", 6),
    ("cmd", 7),
    ("error", 7),
    ("exit", 7),
    ("session", 7),
    ("ui", 7),
    ("cli", 8),
    ("main", 8),
    ("lib", 9),
];

/// Modules below this floor are pure, as the libraries are.
const FIRST_IMPURE: u8 = 6;

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

fn sources(folder: &Path) -> Vec<PathBuf> {
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
    assert!(found.len() > 10, "the sources were not found");
    found
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
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
fn imports_go_down_only() {
    let src = root().join("src");
    let mut broken = Vec::new();
    for file in sources(&src) {
        let inside = file.strip_prefix(&src).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs");
        let Some(own) = floor(module) else {
            broken.push(format!("{}: no floor is known for it", inside.display()));
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        let code: Vec<&str> = code(&text).into_iter().map(|(_, line)| line).collect();
        for name in used(&code.join("\n")) {
            let above = floor(name).is_some_and(|used| used > own);
            let beside = own < 7 && name != module && floor(name) == Some(own);
            if above || beside {
                broken.push(format!("{}: uses {name}", inside.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_libraries_and_the_lower_floors_are_pure() {
    let src = root().join("src");
    let pure = FLOORS.iter().filter(|(_, floor)| *floor < FIRST_IMPURE);
    let mut folders: Vec<PathBuf> = pure.map(|(name, _)| src.join(name)).collect();
    folders.push(root().join("crates/comfy-graph/src"));
    folders.push(root().join("crates/comfy-media/src"));
    let mut broken = Vec::new();
    for file in folders.iter().flat_map(|folder| sources(folder)) {
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
fn what_is_there_for_tests_alone_is_left_out_and_lists_are_read() {
    let text = "use crate::{\n    git,\n    render::{a, b},\n};\n#[cfg(test)]\nuse crate::cmd;\n\
                #[cfg(test)]\nmod tests {\n    use crate::cli;\n}\nuse crate::host::x; // crate::ui\n";
    let code: Vec<&str> = code(text).into_iter().map(|(_, line)| line).collect();
    assert_eq!(used(&code.join("\n"))[..3], ["git", "render", ""]);
    assert!(!code.join("\n").contains("cli") && !code.join("\n").contains("cmd"));
    assert!(used(&code.join("\n")).contains(&"host"));
}
