//! Reads an EXIF block in a WebP, where it may be of any length.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let size = (data.len() as u32).to_le_bytes();
    git_comfy_fuzz::container(&[b"RIFF\0\0\0\0WEBPEXIF", &size[..]].concat(), data);
});
