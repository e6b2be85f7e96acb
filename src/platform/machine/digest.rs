//! The digests of a file, each saying its kind.
//!
//! A bare hex string is worthless years later: the field has at least five notions of
//! "the hash of a model". Every digest here names its kind, and what a workflow or a
//! sidecar file *claims* is compared with what was computed, never trusted instead.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::platform::hex::to_hex;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestKind {
    /// SHA-256 of all bytes: the identity of a file.
    Sha256,
    /// BLAKE3 of all bytes; what ComfyUI's own asset table uses.
    Blake3,
    /// The first 10 hex digits of [`DigestKind::Sha256`] (Civitai, A1111).
    AutoV2,
    /// The first 12 hex digits of [`DigestKind::Tensors`] (Civitai, A1111).
    AutoV3,
    /// CRC-32 (IEEE) of all bytes.
    Crc32,
    /// SHA-256 of the tensor area of a safetensors file, without its header: unchanged
    /// when only metadata is edited. Training tools write it as `sshs_model_hash` and
    /// `modelspec.hash_sha256`.
    Tensors,
}

impl DigestKind {
    /// The prefix in front of the digits in records: `sha256`.
    pub const fn name(self) -> &'static str {
        match self {
            DigestKind::Sha256 => "sha256",
            DigestKind::Blake3 => "blake3",
            DigestKind::AutoV2 => "autov2",
            DigestKind::AutoV3 => "autov3",
            DigestKind::Crc32 => "crc32",
            DigestKind::Tensors => "tensors",
        }
    }

    /// How many hex digits a whole digest of this kind has.
    pub const fn digits(self) -> usize {
        match self {
            DigestKind::Sha256 | DigestKind::Blake3 | DigestKind::Tensors => 64,
            DigestKind::AutoV2 => 10,
            DigestKind::AutoV3 => 12,
            DigestKind::Crc32 => 8,
        }
    }

    /// The kind behind a name as workflows and model sites spell it (`SHA256`,
    /// `sha-256`, `AutoV2`).
    pub fn from_name(name: &str) -> Option<Self> {
        let plain: String =
            name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        [
            DigestKind::Sha256,
            DigestKind::Blake3,
            DigestKind::AutoV2,
            DigestKind::AutoV3,
            DigestKind::Crc32,
            DigestKind::Tensors,
        ]
        .into_iter()
        .find(|kind| kind.name() == plain)
    }
}

/// A digest with its kind, written `sha256:6ce0…` in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    kind: DigestKind,
    hex: String,
}

/// Why a text is no digest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DigestError {
    #[error("{0:?} is not a kind of digest that git-comfy knows")]
    Kind(String),
    /// Not hex, or not as long as its kind is.
    #[error("{0:?} is not {1} hex digits")]
    Digits(String, usize),
}

impl Digest {
    /// A digest from its digits; upper case and a leading `0x` are understood.
    pub fn new(kind: DigestKind, digits: &str) -> Result<Self, DigestError> {
        let plain = digits.trim();
        let plain = plain.strip_prefix("0x").unwrap_or(plain).to_ascii_lowercase();
        if plain.len() != kind.digits() || !plain.bytes().all(|b| b.is_ascii_hexdigit()) {
            let shown: String = digits.chars().take(80).collect();
            return Err(DigestError::Digits(shown, kind.digits()));
        }
        Ok(Digest { kind, hex: plain })
    }

    pub fn kind(&self) -> DigestKind {
        self.kind
    }

    /// The digits, lower case, without the kind.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.hex)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (name, digits) = text.split_once(':').ok_or(DigestError::Kind(String::new()))?;
        let kind = DigestKind::from_name(name)
            .ok_or_else(|| DigestError::Kind(name.chars().take(40).collect()))?;
        Digest::new(kind, digits)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The digests of one file, from one reading of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHashes {
    #[serde(with = "hex_bytes")]
    pub sha256: [u8; 32],
    #[serde(with = "hex_bytes_option", default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<[u8; 32]>,
    /// SHA-256 of the tensor area; only safetensors files have one.
    #[serde(with = "hex_bytes_option", default, skip_serializing_if = "Option::is_none")]
    pub tensors: Option<[u8; 32]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc32: Option<u32>,
}

impl FileHashes {
    /// The digest of one kind, where it was computed.
    pub fn digest(&self, kind: DigestKind) -> Option<Digest> {
        let hex = match kind {
            DigestKind::Sha256 => to_hex(&self.sha256),
            DigestKind::Blake3 => to_hex(&self.blake3?),
            DigestKind::Tensors => to_hex(&self.tensors?),
            DigestKind::AutoV2 => truncate_hex(to_hex(&self.sha256), kind),
            DigestKind::AutoV3 => truncate_hex(to_hex(&self.tensors?), kind),
            DigestKind::Crc32 => format!("{:08x}", self.crc32?),
        };
        Some(Digest { kind, hex })
    }

    /// Whether a claimed digest is the file's; `None` when that kind was not computed.
    pub fn matches(&self, claim: &Digest) -> Option<bool> {
        self.digest(claim.kind).map(|fact| fact == *claim)
    }
}

fn truncate_hex(mut hex: String, kind: DigestKind) -> String {
    hex.truncate(kind.digits());
    hex
}

mod hex_bytes {
    use std::borrow::Cow;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::platform::hex;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::to_hex(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<[u8; 32], D::Error> {
        parse(&Cow::<'de, str>::deserialize(d)?)
    }

    pub(super) fn parse<E: Error>(digits: &str) -> Result<[u8; 32], E> {
        hex::parse_hex(digits).ok_or_else(|| E::custom("not 64 hex digits"))
    }
}

mod hex_bytes_option {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::hex_bytes;

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<[u8; 32]>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => hex_bytes::serialize(bytes, s),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<[u8; 32]>, D::Error> {
        Option::<Cow<'de, str>>::deserialize(d)?.map(|digits| hex_bytes::parse(&digits)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes() -> FileHashes {
        FileHashes {
            sha256: [0xab; 32],
            blake3: Some([1; 32]),
            tensors: Some([0xcd; 32]),
            crc32: Some(0x00ff_1234),
        }
    }

    #[test]
    fn a_claim_is_compared_in_its_own_kind() {
        let hashes = hashes();
        let claim = |text: &str| hashes.matches(&text.parse().unwrap());
        assert_eq!(claim("autov2:ababababab"), Some(true));
        assert_eq!(claim("AutoV3:CDCDCDCDCDCD"), Some(true));
        assert_eq!(claim("autov3:abababababab"), Some(false));
        assert_eq!(claim("crc32:00FF1234"), Some(true));
        let plain = FileHashes { tensors: None, ..hashes.clone() };
        assert_eq!(plain.matches(&"autov3:cdcdcdcdcdcd".parse().unwrap()), None);
    }

    #[test]
    fn digests_are_spelled_one_way() {
        let loud = Digest::new(DigestKind::Sha256, &format!("0x{}", "AB".repeat(32))).unwrap();
        assert_eq!(loud.to_string(), format!("sha256:{}", "ab".repeat(32)));
        assert_eq!(loud.to_string().parse::<Digest>().unwrap(), loud);
        assert!(Digest::new(DigestKind::AutoV2, "ababab").is_err());
        assert!("md5:00".parse::<Digest>().is_err());
        assert!(Digest::new(DigestKind::Crc32, "zzzzzzzz").is_err());
    }

    #[test]
    fn hashes_survive_their_stored_form() {
        let text = serde_json::to_string(&hashes()).unwrap();
        assert_eq!(serde_json::from_str::<FileHashes>(&text).unwrap(), hashes());
    }
}
