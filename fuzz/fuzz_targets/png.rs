//! Reads PNG and APNG.
#![no_main]

git_comfy_fuzz::container!(b"\x89PNG\r\n\x1a\n");
