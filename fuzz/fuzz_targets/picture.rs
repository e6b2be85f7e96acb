//! Pictures that are decoded: their hash, a small copy, and how far they are from themselves.

#![no_main]

use git_comfy_fuzz::media::picture::{
    PictureComparison, compare_pictures, make_thumbnail, perceptual_hash,
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // Every picture starts with one of these; the fuzzer says which and how it goes on.
    let magics: [&[u8]; 4] =
        [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x00\x10\x00\x00WEBP", b""];
    let Some((first, rest)) = data.split_first() else { return };
    let file = [magics[usize::from(*first) % magics.len()], rest].concat();
    let hash = perceptual_hash(&file);
    assert_eq!(hash, perceptual_hash(&file));
    if let Ok(small) = make_thumbnail(&file, 64) {
        assert!(small.width <= 64 && small.height <= 64);
        assert_eq!(small.pixels.len(), small.width as usize * small.height as usize);
    }
    assert_eq!(compare_pictures(&file, &file), PictureComparison::SameBytes);
});
