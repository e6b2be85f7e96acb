//! Pictures of noise and waves, as large as those that are generated, and the plainest way
//! to read them: what scanning is held against.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Writes a PNG of 1024 x 1024 with these texts.
pub(crate) fn picture(path: &Path, seed: u32, texts: &[(&str, String)]) {
    let mut state = seed;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 28) as u8
    };
    let wave = |x: u32, y: u32| ((x * (seed % 7 + 1)) / 9 + (y * (seed % 5 + 1)) / 7) as u8 / 2;
    let places = (0..1024).flat_map(|y| (0..1024).map(move |x| (x, y)));
    let pixels: Vec<u8> = places
        .flat_map(|(x, y)| [wave(x, y) + noise(), wave(y, x) + noise(), wave(x + y, x) + noise()])
        .collect();
    let file = BufWriter::new(File::create(path).unwrap());
    let mut encoder = png::Encoder::new(file, 1024, 1024);
    encoder.set_color(png::ColorType::Rgb);
    for (keyword, text) in texts {
        encoder.add_text_chunk((*keyword).to_owned(), text.clone()).unwrap();
    }
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

/// Decoding the pixels and hashing the bytes, as plainly as it goes.
pub(crate) fn decode_and_hash(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::hint::black_box(Sha256::digest(&bytes));
    let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    std::hint::black_box(pixels);
}
