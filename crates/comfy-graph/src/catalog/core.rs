//! The classes that ComfyUI itself brings, as of version 0.33.0.
//!
//! The table `core.tsv` holds one class a line, sorted: name, tab, a reduced
//! `/object_info` entry. It states facts about ComfyUI's public interface (names, types,
//! defaults); it holds no code and no texts of ComfyUI. A line is parsed when its class is
//! first asked for, so that starting up costs nothing.
//!
//! It is regenerated from the recorded answer of a server by
//! `cargo test --test main regenerate_the_core_table -- --ignored`.

use std::sync::LazyLock;

use super::class::NodeClass;
use super::class_table::ClassTable;

/// The ComfyUI version that the table was made from.
pub const CORE_VERSION: &str = "0.33.0";

const CORE_TABLE_TEXT: &str = include_str!("core.tsv");

static CORE_TABLE: LazyLock<ClassTable> =
    LazyLock::new(|| ClassTable::from_static(CORE_TABLE_TEXT));

pub(super) fn core_class(name: &str) -> Option<&'static NodeClass> {
    CORE_TABLE.class(name)
}

/// The names of all classes that ComfyUI brings, sorted.
pub(super) fn core_names() -> impl Iterator<Item = &'static str> {
    CORE_TABLE_TEXT.lines().filter_map(|line| line.split_once('\t')).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_class() {
        let names: Vec<&str> = core_names().collect();
        assert_eq!(names.len(), 886);
        assert!(names.is_sorted());
        assert!(names.iter().all(|name| core_class(name).is_some_and(|class| class.name == *name)));
        assert!(core_class("NoSuchNode").is_none());
    }
}
