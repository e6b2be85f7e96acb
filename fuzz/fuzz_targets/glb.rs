//! Reads binary glTF.
#![no_main]

git_comfy_fuzz::container!(b"glTF\x02\0\0\0");
