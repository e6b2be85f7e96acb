//! Reads safetensors whose header fits.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let size = (data.len() as u64 + 1).to_le_bytes();
    git_comfy_fuzz::container(&[&size[..], b"{"].concat(), data);
});
