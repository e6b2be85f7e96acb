//! Reads FLAC.
#![no_main]

git_comfy_fuzz::container!(b"fLaC");
