//! Reads AVIF and HEIF.
#![no_main]

git_comfy_fuzz::container!(b"\0\0\0\x10ftypavif\0\0\0\0");
