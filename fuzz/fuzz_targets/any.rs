//! Reads any file at all.
#![no_main]

git_comfy_fuzz::container!(b"");
