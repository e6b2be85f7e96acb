//! Reads WebP.
#![no_main]

git_comfy_fuzz::container!(b"RIFF\xff\xff\0\0WEBP");
