//! Bytes to text in the encodings that containers use. Nothing is refused: a character
//! that cannot be read becomes U+FFFD, and readable JSON around it stays readable.

/// UTF-8 where it is, else Latin-1. For formats that say Latin-1 (PNG `tEXt`, EXIF ASCII)
/// while writers put UTF-8 there; Latin-1 letters hardly ever form UTF-8.
pub(super) fn utf8_or_latin1(bytes: &[u8]) -> String {
    let bytes = trim_nul_padding(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => latin1(bytes),
    }
}

/// UTF-8, what is not becoming U+FFFD.
pub(super) fn utf8_lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(trim_nul_padding(bytes)).into_owned()
}

/// UTF-8 that is taken over without copying where it is valid.
pub(super) fn utf8_lossy_owned(mut bytes: Vec<u8>) -> String {
    bytes.truncate(trim_nul_padding(&bytes).len());
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Latin-1: every byte is a character.
pub(super) fn latin1(bytes: &[u8]) -> String {
    trim_nul_padding(bytes).iter().map(|byte| char::from(*byte)).collect()
}

/// The byte order of two-byte characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Big,
    Little,
}

/// UTF-16; a byte order mark overrules the order that is given.
pub(super) fn utf16(bytes: &[u8], order: ByteOrder) -> String {
    let (bytes, order) = match bytes {
        [0xfe, 0xff, rest @ ..] => (rest, ByteOrder::Big),
        [0xff, 0xfe, rest @ ..] => (rest, ByteOrder::Little),
        _ => (bytes, order),
    };
    let units = bytes.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        match order {
            ByteOrder::Big => u16::from_be_bytes(pair),
            ByteOrder::Little => u16::from_le_bytes(pair),
        }
    });
    let text: String =
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_end_matches('\0').to_owned()
}

/// The order that UTF-16 without a mark most likely has: JSON and prompts are mostly
/// ASCII, so one byte of each pair is mostly zero.
pub(super) fn guess_byte_order(bytes: &[u8], otherwise: ByteOrder) -> ByteOrder {
    let pairs = bytes.chunks_exact(2).take(64);
    let (mut high, mut low) = (0, 0);
    for pair in pairs {
        high += u32::from(pair[0] == 0);
        low += u32::from(pair[1] == 0);
    }
    match high.cmp(&low) {
        std::cmp::Ordering::Greater => ByteOrder::Big,
        std::cmp::Ordering::Less => ByteOrder::Little,
        std::cmp::Ordering::Equal => otherwise,
    }
}

fn trim_nul_padding(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_read_and_none_refused() {
        assert_eq!(utf8_or_latin1("füchsin\0\0".as_bytes()), "füchsin");
        assert_eq!(utf8_or_latin1(b"f\xfcchsin"), "füchsin");
        assert_eq!(utf8_lossy(b"f\xfcchsin"), "f\u{fffd}chsin");
        assert_eq!(utf8_lossy_owned(b"f\xfc\0".to_vec()), "f\u{fffd}");
        assert_eq!(utf16(b"\0f\0o\0x\0\0", ByteOrder::Big), "fox");
        assert_eq!(utf16(b"\xff\xfef\0\xd8", ByteOrder::Big), "f");
        assert_eq!(utf16(b"\xd8\x00\0x", ByteOrder::Big), "\u{fffd}x");
        assert_eq!(guess_byte_order(b"f\0o\0x\0", ByteOrder::Big), ByteOrder::Little);
        assert_eq!(guess_byte_order(b"\0f\0o\0x", ByteOrder::Little), ByteOrder::Big);
    }
}
