//! Reads GIF.
#![no_main]

git_comfy_fuzz::container!(b"GIF89a");
