//! A small picture in a line of a terminal. Nothing of the file goes to the terminal but
//! the colours of its pixels, packed anew here.

use std::fmt::Write;

use comfy_media::picture::Thumbnail;
use data_encoding::BASE64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureProtocol {
    /// The graphics protocol of kitty, which Ghostty and Konsole speak too.
    Kitty,
    /// The inline images of iTerm2, which WezTerm shows too.
    ITerm,
    /// Two pixels in each letter: every terminal with 24-bit colour.
    Blocks,
}

impl PictureProtocol {
    /// The longest side of a picture to send, in pixels.
    pub fn max_side(self) -> u32 {
        match self {
            PictureProtocol::Kitty | PictureProtocol::ITerm => 256,
            PictureProtocol::Blocks => MAX_COLUMNS,
        }
    }
}

/// The widest a picture stands, in columns.
const MAX_COLUMNS: u32 = 24;
/// The tallest, in lines.
const MAX_LINES: u32 = 12;
/// Bytes of one piece of kitty's protocol.
const KITTY_CHUNK_LEN: usize = 4096;

/// The escape sequences or letters that show the picture, with a line end.
pub(crate) fn encode_picture(picture: &Thumbnail, way: PictureProtocol) -> String {
    let (columns, lines) = picture_cells(picture);
    match way {
        PictureProtocol::Blocks => encode_blocks(picture),
        PictureProtocol::Kitty => {
            let data = BASE64.encode(&encode_png(picture));
            let mut out = String::new();
            let pieces = data.as_bytes().chunks(KITTY_CHUNK_LEN);
            let last = pieces.len().saturating_sub(1);
            for (at, piece) in pieces.enumerate() {
                let more = u8::from(at < last);
                let head = if at == 0 {
                    format!("a=T,f=100,q=2,c={columns},r={lines},m={more}")
                } else {
                    format!("m={more}")
                };
                // base64 is ASCII.
                let piece = std::str::from_utf8(piece).unwrap_or_default();
                let _ = write!(out, "\x1b_G{head};{piece}\x1b\\");
            }
            out.push('\n');
            out
        }
        PictureProtocol::ITerm => {
            let png = encode_png(picture);
            let size = png.len();
            let data = BASE64.encode(&png);
            format!(
                "\x1b]1337;File=inline=1;size={size};width={columns};height={lines};\
                 preserveAspectRatio=1:{data}\x07\n"
            )
        }
    }
}

/// Columns and lines it takes; a letter is twice as tall as wide.
fn picture_cells(picture: &Thumbnail) -> (u32, u32) {
    let (width, height) = (picture.width.max(1), picture.height.max(1));
    let lines = (MAX_COLUMNS * height).div_ceil(width * 2).clamp(1, MAX_LINES);
    let columns = (lines * 2 * width).div_ceil(height).clamp(1, MAX_COLUMNS);
    (columns, lines)
}

fn encode_blocks(picture: &Thumbnail) -> String {
    let width = picture.width.max(1) as usize;
    let rows: Vec<&[[u8; 3]]> = picture.pixels.chunks(width).collect();
    let mut out = String::new();
    for pair in rows.chunks(2) {
        for (at, [r, g, b]) in pair[0].iter().enumerate() {
            let _ = write!(out, "\x1b[38;2;{r};{g};{b}m");
            if let Some([r, g, b]) = pair.get(1).and_then(|lower| lower.get(at)) {
                let _ = write!(out, "\x1b[48;2;{r};{g};{b}m");
            }
            out.push('▀');
        }
        out.push_str("\x1b[0m\n");
    }
    out
}

/// A small picture as a PNG file.
pub fn encode_png(picture: &Thumbnail) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    // Into memory, with as many pixels as were announced: it cannot fail.
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(picture.pixels.as_flattened()));
    if written.is_err() {
        out.clear();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Thumbnail {
        let pixels = (0..width * height).map(|n| [n as u8, 0, 255]).collect();
        Thumbnail { width, height, pixels }
    }

    #[test]
    fn each_terminal_gets_what_it_understands() {
        let kitty = encode_picture(&picture(200, 100), PictureProtocol::Kitty);
        assert!(kitty.starts_with("\x1b_Ga=T,f=100,q=2,c=24,r=6,m="), "{}", &kitty[..40]);
        assert!(kitty.ends_with("\x1b\\\n") && kitty.contains("m=0"));
        assert!(kitty.split("\x1b_G").all(|piece| piece.len() < KITTY_CHUNK_LEN + 60));
        let iterm = encode_picture(&picture(10, 10), PictureProtocol::ITerm);
        assert!(iterm.starts_with("\x1b]1337;File=inline=1;size=") && iterm.ends_with("\x07\n"));
        assert_eq!(
            encode_picture(&picture(1, 3), PictureProtocol::Blocks),
            "\x1b[38;2;0;0;255m\x1b[48;2;1;0;255m▀\x1b[0m\n\x1b[38;2;2;0;255m▀\x1b[0m\n"
        );
    }

    #[test]
    fn no_picture_is_larger_than_its_place() {
        for (width, height) in [(1, 1), (256, 1), (1, 256), (256, 256), (100, 256)] {
            let (columns, lines) = picture_cells(&picture(width, height));
            assert!((1..=MAX_COLUMNS).contains(&columns) && (1..=MAX_LINES).contains(&lines));
        }
    }
}
