//! What the tests of all crates need of workflows. No test binary uses all of it.

#![allow(dead_code)]

pub(crate) mod canvas;
pub(crate) mod data;
pub(crate) mod fixtures;
pub(crate) mod meaning;
pub(crate) mod prompts;

/// A clean content as a file: with what a layout of other content knows, and the rest
/// arranged.
pub(crate) fn laid_out(content: &[u8], related: Option<&str>) -> Option<Vec<u8>> {
    use comfy_graph::clean::{Clock, LayoutRelation, LayoutSource, compose_file, stamp_uniformly};
    let layout = related.and_then(|line| stamp_uniformly(line, Clock::Unknown(0)));
    let source =
        layout.as_ref().map(|layout| LayoutSource { layout, relation: LayoutRelation::ById });
    compose_file(content, source.as_slice(), Clock::Unknown(0)).map(|composed| composed.bytes)
}
