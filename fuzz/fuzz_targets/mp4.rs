//! Reads MP4 and QuickTime.
#![no_main]

git_comfy_fuzz::container!(b"\0\0\0\x10ftypisom\0\0\0\0");
