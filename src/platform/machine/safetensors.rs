//! What a safetensors file says of itself: the identity fields of its header, where the
//! tensors begin, how long the file should be.
//!
//! The header is a stranger's JSON of up to a hundred megabytes. It is read through a
//! bound and walked without building a tree; of its metadata only fields that identify a
//! model are kept, and none that could name a folder of the machine it was trained on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// The longest header the format allows.
const LONGEST_HEADER: u64 = 100 << 20;
/// The longest value of an identity field that is kept, in characters.
const LONGEST_FIELD: usize = 200;
/// How many bytes the length in front of the header takes.
const LENGTH_BYTES: u64 = 8;

/// The metadata fields that say which model this is. Other fields are not read: training
/// tools write folders, tags and whole prompts into them.
const IDENTITY_FIELDS: &[&str] = &[
    "format",
    "modelspec.architecture",
    "modelspec.author",
    "modelspec.date",
    "modelspec.hash_sha256",
    "modelspec.implementation",
    "modelspec.license",
    "modelspec.prediction_type",
    "modelspec.resolution",
    "modelspec.sai_model_spec",
    "modelspec.title",
    "modelspec.version",
    "ss_base_model_version",
    "ss_network_module",
    "ss_new_sd_model_hash",
    "ss_output_name",
    "ss_sd_model_hash",
    "ss_session_id",
    "sshs_legacy_hash",
    "sshs_model_hash",
];

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafetensorsHeader {
    /// Byte at which the tensor area begins.
    pub tensors_at: u64,
    /// The length in bytes the file must have; `None` when the header could not be read
    /// as JSON.
    #[serde(default)]
    pub promised_size: Option<u64>,
    /// The identity fields, each cut at 200 characters.
    #[serde(default)]
    pub identity: BTreeMap<String, String>,
}

/// Whether the file's name says safetensors.
pub(crate) fn has_safetensors_ending(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("safetensors") || extension.eq_ignore_ascii_case("sft")
    })
}

/// Reads the header of an open file of `size` bytes. `None` when the file does not begin
/// as a safetensors file does, whatever its name says.
pub(crate) fn read_header(file: &mut File, size: u64) -> io::Result<Option<SafetensorsHeader>> {
    file.seek(SeekFrom::Start(0))?;
    let mut length = [0; LENGTH_BYTES as usize];
    match file.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let length = u64::from_le_bytes(length);
    if !(2..=LONGEST_HEADER).contains(&length) {
        return Ok(None);
    }
    let tensors_at = LENGTH_BYTES + length;
    if tensors_at > size {
        // Cut off inside its own header: a download that stopped early, if what is there
        // looks like a header at all.
        let mut first = [0];
        let begun = file.read(&mut first)? == 1 && first == [b'{'];
        let promised_size = Some(tensors_at);
        return Ok(begun.then_some(SafetensorsHeader {
            tensors_at,
            promised_size,
            ..SafetensorsHeader::default()
        }));
    }
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text)?;
    if text.first() != Some(&b'{') {
        return Ok(None);
    }
    let parsed = serde_json::from_slice::<HeaderFields>(&text).ok();
    Ok(Some(match parsed {
        Some(fields) => SafetensorsHeader {
            tensors_at,
            promised_size: tensors_at.checked_add(fields.tensor_bytes),
            identity: fields.identity,
        },
        None => SafetensorsHeader { tensors_at, ..SafetensorsHeader::default() },
    }))
}

/// The parts of the header that are kept while the rest is walked over.
#[derive(Default)]
struct HeaderFields {
    tensor_bytes: u64,
    identity: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct TensorEntry {
    data_offsets: (u64, u64),
}

/// `__metadata__`, of which only the identity fields are kept.
struct IdentityMetadata(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for HeaderFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = HeaderFields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a safetensors header")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HeaderFields, A::Error> {
                let mut fields = HeaderFields::default();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "__metadata__" {
                        fields.identity = map.next_value::<IdentityMetadata>()?.0;
                    } else {
                        let end = map.next_value::<TensorEntry>()?.data_offsets.1;
                        fields.tensor_bytes = fields.tensor_bytes.max(end);
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Walk)
    }
}

impl<'de> Deserialize<'de> for IdentityMetadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = IdentityMetadata;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("safetensors metadata")
            }

            fn visit_unit<E>(self) -> Result<IdentityMetadata, E> {
                Ok(IdentityMetadata(BTreeMap::new()))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<IdentityMetadata, A::Error> {
                let mut identity = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if IDENTITY_FIELDS.contains(&key.as_str()) {
                        if let MetadataValue::Text(text) = map.next_value()? {
                            identity.insert(key, text.chars().take(LONGEST_FIELD).collect());
                        }
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(IdentityMetadata(identity))
            }
        }
        deserializer.deserialize_any(Walk)
    }
}

/// The format wants strings; other values are passed over, not an error.
#[derive(Deserialize)]
#[serde(untagged)]
enum MetadataValue {
    Text(String),
    Other(IgnoredAny),
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;

    /// The bytes of a safetensors file with one tensor and this metadata.
    pub(crate) fn file_bytes(metadata: &serde_json::Value, tensor: &[u8]) -> Vec<u8> {
        let header = serde_json::json!({
            "__metadata__": metadata,
            "weight": {
                "dtype": "U8",
                "shape": [tensor.len()],
                "data_offsets": [0, tensor.len()],
            },
        });
        let mut text = header.to_string();
        while !text.len().is_multiple_of(8) {
            text.push(' ');
        }
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(tensor);
        bytes
    }

    fn header_of(bytes: &[u8]) -> Option<SafetensorsHeader> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        read_header(&mut file, bytes.len() as u64).unwrap()
    }

    #[test]
    fn identity_is_kept_and_the_trainers_folders_are_not() {
        let metadata = serde_json::json!({
            "modelspec.title": "Style A",
            "ss_dataset_dirs": "/home/someone/pictures",
            "sshs_model_hash": "0f",
            "modelspec.license": "x".repeat(500),
            "format": 3,
        });
        let bytes = file_bytes(&metadata, b"0123456789");
        let header = header_of(&bytes).unwrap();
        assert_eq!(header.promised_size, Some(bytes.len() as u64));
        assert_eq!(bytes.len() as u64 - header.tensors_at, 10);
        let kept: Vec<_> = header.identity.keys().map(String::as_str).collect();
        assert_eq!(kept, ["modelspec.license", "modelspec.title", "sshs_model_hash"]);
        assert_eq!(header.identity["modelspec.license"].len(), LONGEST_FIELD);
    }

    #[test]
    fn a_file_that_is_none_is_none() {
        assert_eq!(header_of(b"PK\x03\x04 a pickle in a zip file"), None);
        assert_eq!(header_of(b"short"), None);
        assert_eq!(header_of(&u64::MAX.to_le_bytes().repeat(4)), None);
        let mut wrong = 16u64.to_le_bytes().to_vec();
        wrong.extend_from_slice(b"not JSON but long enough");
        assert_eq!(header_of(&wrong), None);
    }

    #[test]
    fn a_cut_file_still_promises_its_whole_length() {
        let bytes = file_bytes(&serde_json::json!({}), &[7; 1000]);
        let whole = bytes.len() as u64;
        assert_eq!(header_of(&bytes[..bytes.len() - 400]).unwrap().promised_size, Some(whole));
        let in_header = header_of(&bytes[..20]).unwrap();
        assert!(in_header.promised_size.unwrap() > 20);
    }

    #[test]
    fn a_header_that_is_no_json_promises_nothing() {
        let mut bytes = 16u64.to_le_bytes().to_vec();
        bytes.extend_from_slice(b"{ this is wrong }and tensors");
        let header = header_of(&bytes).unwrap();
        assert_eq!((header.promised_size, header.tensors_at), (None, 24));
    }
}
