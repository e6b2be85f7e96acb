//! Reads SVG.
#![no_main]

git_comfy_fuzz::container!(b"<svg><metadata>");
