//! Reads Matroska and WebM.
#![no_main]

git_comfy_fuzz::container!(b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\xff");
