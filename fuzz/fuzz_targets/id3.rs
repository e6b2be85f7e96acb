//! Reads MP3 with an ID3 tag.
#![no_main]

git_comfy_fuzz::container!(b"ID3");
