//! What a file says of how it was made: Content Credentials (C2PA), which sign it, and the
//! statements about AI in XMP and IPTC.
//!
//! Nothing is verified: a signature is only known to be there, with the name of who it claims
//! made the file. Must not know containers.

use crate::collector::EmbeddedText;

/// A C2PA manifest. It holds signed claims; whether the signature is right is not checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContentCredentials {
    /// The program that it claims made the file.
    pub generator: Option<String>,
    /// The kinds of source that it names, such as `trainedAlgorithmicMedia`.
    pub source_types: Vec<String>,
}

/// How much of a manifest is read: claims stand before thumbnails or behind them.
pub(crate) const MAX_MANIFEST: u64 = 1 << 20;
/// Longer names are cut.
const MAX_NAME: usize = 200;

/// The member of IPTC's vocabulary that addresses of source types share.
const SOURCE_TYPES: &[u8] = b"digitalsourcetype/";

impl ContentCredentials {
    /// Reads what a manifest claims out of its JUMBF boxes.
    pub(crate) fn parse(manifest: &[u8]) -> ContentCredentials {
        // Texts of CBOR: a byte with the length before the key, one or more before the value.
        let generator =
            find(manifest, b"\x6fclaim_generator").and_then(|at| cbor_text(&manifest[at..]));
        let named = || {
            let info = &manifest[find(manifest, b"\x74claim_generator_info")?..];
            cbor_text(&info[find(info, b"\x64name")?..])
        };
        ContentCredentials {
            generator: generator.or_else(named).filter(|name| !name.is_empty()),
            source_types: source_types(manifest),
        }
    }

    pub(crate) fn merge(&mut self, other: ContentCredentials) {
        self.generator = self.generator.take().or(other.generator);
        for kind in other.source_types {
            if !self.source_types.contains(&kind) {
                self.source_types.push(kind);
            }
        }
    }
}

/// What XMP and IPTC say about how a picture was made: kinds of digital source, who is to be
/// credited, the tool.
pub(crate) fn origin_statements(entries: &[EmbeddedText]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in entries {
        let text = entry.text.as_str();
        match entry.location {
            crate::TextLocation::Xmp => {
                let kinds = source_types(text.as_bytes()).into_iter();
                found.extend(kinds.map(|kind| ("DigitalSourceType".to_owned(), kind)));
                for key in ["Credit", "CreatorTool", "AISystemUsed", "AIPromptInformation"] {
                    found.extend(xmp_value(text, key).map(|value| (key.to_owned(), value)));
                }
            }
            crate::TextLocation::Iptc => found.push((entry.keyword.clone(), entry.text.clone())),
            _ => {}
        }
    }
    found
}

/// The value of a property, as an attribute or an element.
fn xmp_value(xmp: &str, key: &str) -> Option<String> {
    let at = xmp.find(&format!(":{key}"))?;
    let rest = &xmp[at + 1 + key.len()..];
    let value = match rest.strip_prefix("=\"") {
        Some(value) => value.split('"').next()?,
        None => rest.strip_prefix('>')?.split("</").next()?,
    };
    // Alternatives in several languages lie in elements of their own.
    let value = value.rsplit('>').next()?.trim();
    (!value.is_empty()).then(|| value.chars().take(MAX_NAME).collect())
}

fn source_types(bytes: &[u8]) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    let mut rest = bytes;
    while let Some(at) = find(rest, SOURCE_TYPES) {
        rest = &rest[at..];
        let kind = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).take(MAX_NAME);
        let kind: String = kind.map(|byte| char::from(*byte)).collect();
        if !kind.is_empty() && !kinds.contains(&kind) && kinds.len() < 8 {
            kinds.push(kind);
        }
    }
    kinds
}

/// The index behind a part.
fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part).map(|at| at + part.len())
}

/// The text at the start of CBOR.
fn cbor_text(bytes: &[u8]) -> Option<String> {
    let (length, rest) = match bytes {
        [head @ 0x60..=0x77, rest @ ..] => (usize::from(head - 0x60), rest),
        [0x78, length, rest @ ..] => (usize::from(*length), rest),
        [0x79, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    let text = std::str::from_utf8(rest.get(..length)?).ok()?;
    Some(text.chars().take(MAX_NAME).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextLocation;

    #[test]
    fn claims_are_read_out_of_a_manifest() {
        let manifest = [
            &b"\0\0\0\x20jumbc2pa"[..],
            b"\x6fclaim_generator\x78\x1dAdobe_Firefly/1.0 c2pa-rs/0.4",
            b"\x71digitalSourceType\x78\x46http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia\x01",
        ]
        .concat();
        let read = ContentCredentials::parse(&manifest);
        assert_eq!(read.generator.as_deref(), Some("Adobe_Firefly/1.0 c2pa-rs/0.4"));
        assert_eq!(read.source_types, ["trainedAlgorithmicMedia"]);
        let newer = b"\x74claim_generator_info\x81\xa1\x64name\x67ChatGPT";
        assert_eq!(ContentCredentials::parse(newer).generator.as_deref(), Some("ChatGPT"));
        for cut in 0..manifest.len() {
            ContentCredentials::parse(&manifest[..cut]);
        }
    }

    #[test]
    fn xmp_and_iptc_tell_how_a_picture_was_made() {
        let xmp = r#"<rdf:Description xmp:CreatorTool="Paint" photoshop:Credit="Made with Google AI"
            Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"/>"#;
        let text = |keyword: &str, text: &str, location| EmbeddedText {
            keyword: keyword.to_owned(),
            text: text.to_owned(),
            location,
        };
        let entries =
            [text("XMP", xmp, TextLocation::Xmp), text("Credit", "me", TextLocation::Iptc)];
        let told = origin_statements(&entries);
        let told: Vec<String> = told.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        assert_eq!(
            told,
            [
                "DigitalSourceType: compositeSynthetic",
                "Credit: Made with Google AI",
                "CreatorTool: Paint",
                "Credit: me"
            ]
        );
    }
}
