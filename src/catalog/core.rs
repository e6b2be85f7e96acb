//! The classes that ComfyUI itself brings, as of version 0.33.0.
//!
//! The table `core.tsv` holds one class a line, sorted: name, tab, a reduced
//! `/object_info` entry. It states facts about ComfyUI's public interface (names, types,
//! defaults); it holds no code and no texts of ComfyUI. A line is parsed when its class is
//! first asked for, so that starting up costs nothing.
//!
//! It is regenerated from the recorded answer of a server by
//! `cargo test --test main regenerate_the_core_table -- --ignored`.

use std::sync::{LazyLock, OnceLock};

use rustc_hash::FxHashMap;

use super::class::NodeClass;
use super::object_info;
use crate::json::parse_text;

/// The ComfyUI version that the table was made from.
pub const CORE_VERSION: &str = "0.33.0";

/// The table.
const TABLE: &str = include_str!("core.tsv");

struct Line {
    text: &'static str,
    class: OnceLock<Option<Box<NodeClass>>>,
}

static LINES: LazyLock<FxHashMap<&'static str, Line>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter_map(|line| line.split_once('\t'));
    lines.map(|(name, text)| (name, Line { text, class: OnceLock::new() })).collect()
});

/// A class that ComfyUI brings.
pub(super) fn class(name: &str) -> Option<&'static NodeClass> {
    let line = LINES.get(name)?;
    let parse = || {
        let info = parse_text(line.text).ok()?;
        object_info::class(name, &info).map(Box::new)
    };
    line.class.get_or_init(parse).as_deref()
}

/// The names of all classes that ComfyUI brings, sorted.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter_map(|line| line.split_once('\t')).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_class() {
        let names: Vec<&str> = names().collect();
        assert_eq!(names.len(), 886);
        assert!(names.is_sorted());
        assert!(names.iter().all(|name| class(name).is_some_and(|class| class.name == *name)));
        assert!(class("NoSuchNode").is_none());
    }
}
