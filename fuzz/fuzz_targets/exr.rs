//! Reads OpenEXR.
#![no_main]

git_comfy_fuzz::container!(b"\x76\x2f\x31\x01\x02\0\0\0");
