//! Bytes as hexadecimal digits, and the SHA-256 of bytes as such.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use sha2::{Digest, Sha256};

/// Lower case digits.
pub fn to_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Exactly `N` bytes from digits of either case.
pub(crate) fn parse_hex<const N: usize>(digits: impl AsRef<[u8]>) -> Option<[u8; N]> {
    let digits = digits.as_ref();
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    HEXLOWER_PERMISSIVE.decode_mut(digits, &mut bytes).ok()?;
    Some(bytes)
}

/// As many bytes as there are pairs of digits of either case.
pub(crate) fn bytes_from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(digits).ok()
}

/// A CRC-32 as eight lower case digits.
pub(crate) fn crc_to_hex(crc: u32) -> String {
    to_hex(&crc.to_be_bytes())
}

/// A CRC-32 from eight digits.
pub(crate) fn parse_crc(digits: &str) -> Option<u32> {
    parse_hex(digits).map(u32::from_be_bytes)
}

/// The SHA-256 of some bytes, as 64 digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// Random digits that tell nothing about the machine and that nobody else has.
pub(crate) fn random_hex(digits: usize) -> String {
    let mut bytes = vec![0; digits.div_ceil(2)];
    getrandom::fill(&mut bytes).expect("every supported system has random bytes");
    let mut hex = to_hex(&bytes);
    hex.truncate(digits);
    hex
}

/// The same as a number.
pub(crate) fn random_u64() -> u64 {
    getrandom::u64().expect("every supported system has random bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_go_there_and_back() {
        assert_eq!(to_hex(&[0, 0xab]), "00ab");
        assert_eq!(parse_hex("00AB"), Some([0, 0xab]));
        assert_eq!(parse_hex::<2>("00ab00"), None);
        assert_eq!(parse_hex::<1>("0g"), None);
        assert_eq!(bytes_from_hex(b"00Ab"), Some(vec![0, 0xab]));
        assert_eq!(bytes_from_hex(b"00a"), None);
        assert_eq!(crc_to_hex(0xab), "000000ab");
        assert_eq!(parse_crc("000000ab"), Some(0xab));
        assert_eq!(parse_crc("ab"), None);
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_hex(b""), empty);
        assert_eq!(random_hex(9).len(), 9);
        assert_ne!(random_hex(16), random_hex(16));
        assert_ne!(random_u64(), random_u64());
    }
}
