//! Reads JPEG XL.
#![no_main]

git_comfy_fuzz::container!(b"\0\0\0\x0cJXL \r\n\x87\n");
