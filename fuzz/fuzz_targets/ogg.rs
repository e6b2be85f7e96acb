//! Reads Opus and Vorbis in Ogg.
#![no_main]

git_comfy_fuzz::container!(b"OggS\0\x02");
