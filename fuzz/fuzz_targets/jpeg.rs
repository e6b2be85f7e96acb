//! Reads JPEG.
#![no_main]

git_comfy_fuzz::container!(b"\xff\xd8\xff");
