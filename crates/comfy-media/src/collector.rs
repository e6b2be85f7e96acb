//! Collects what readers find, within the budget.

use std::fmt;

use super::budget::{MAX_DEFECTS, MAX_ENTRIES, MAX_KEYWORD, MAX_TEXT, MAX_TOTAL_BYTES, MAX_WORK};
use super::content_credentials::ContentCredentials;
use super::error::{ReadError, ReadResult};
use super::{Container, EmbeddedMetadata, FileDefect};

/// A picture's width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureSize {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl fmt::Display for PictureSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Where in its container a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextLocation {
    /// A PNG chunk: `tEXt`, `zTXt`, `iTXt`, or the `comf` of ComfyUI's APNG.
    PngChunk([u8; 4]),
    /// An EXIF tag, by number.
    Exif(u16),
    /// An XMP packet.
    Xmp,
    /// A data set of IPTC's older format, in the segment of Photoshop.
    Iptc,
    /// A comment segment or block of a JPEG or GIF.
    Comment,
    /// An item of the metadata of a movie: QuickTime keys, iTunes list, user data.
    MovieItem,
    /// A Matroska tag.
    MatroskaTag,
    /// A Vorbis comment in FLAC, Opus or Vorbis.
    VorbisComment,
    /// An ID3 frame, by its id.
    Id3Frame([u8; 4]),
    /// `asset.extras` of glTF.
    GltfExtras,
    /// The metadata element of an SVG.
    SvgMetadata,
    /// `__metadata__` of a safetensors header.
    SafetensorsMetadata,
    /// A string attribute of an OpenEXR header.
    ExrAttribute,
    /// The file itself, which is JSON.
    Document,
}

impl fmt::Display for TextLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextLocation::PngChunk(name) => write!(f, "{}", name.escape_ascii()),
            TextLocation::Exif(tag) => write!(f, "EXIF 0x{tag:04x}"),
            TextLocation::Xmp => f.write_str("XMP"),
            TextLocation::Iptc => f.write_str("IPTC"),
            TextLocation::Comment => f.write_str("comment"),
            TextLocation::MovieItem => f.write_str("movie metadata"),
            TextLocation::MatroskaTag => f.write_str("Matroska tag"),
            TextLocation::VorbisComment => f.write_str("Vorbis comment"),
            TextLocation::Id3Frame(id) => write!(f, "ID3 {}", id.escape_ascii()),
            TextLocation::GltfExtras => f.write_str("asset.extras"),
            TextLocation::SvgMetadata => f.write_str("metadata element"),
            TextLocation::SafetensorsMetadata => f.write_str("__metadata__"),
            TextLocation::ExrAttribute => f.write_str("EXR attribute"),
            TextLocation::Document => f.write_str("the file itself"),
        }
    }
}

/// One embedded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedText {
    /// The name the text has in the file, spelled as there. Where a saver packs name and
    /// text into one field (`Prompt:{…}`), that name, not the field's.
    pub keyword: String,
    /// The text, decoded to UTF-8; mostly JSON.
    pub text: String,
    /// Where in the container it is.
    pub location: TextLocation,
}

#[derive(Debug)]
pub(super) struct EmbeddedCollector {
    embedded: EmbeddedMetadata,
    text_len: usize,
    work_done: usize,
}

impl EmbeddedCollector {
    pub(super) fn new(container: Container) -> Self {
        let embedded = EmbeddedMetadata {
            container,
            size: None,
            entries: vec![],
            credentials: None,
            defects: vec![],
        };
        EmbeddedCollector { embedded, text_len: 0, work_done: 0 }
    }

    pub(super) fn into_embedded(self) -> EmbeddedMetadata {
        self.embedded
    }

    pub(super) fn container(&self) -> Container {
        self.embedded.container
    }

    /// Whether no text was found yet.
    pub(super) fn is_empty(&self) -> bool {
        self.embedded.entries.is_empty()
    }

    /// Sets a more exact format of the same family (APNG, WebM, Opus), found while reading.
    pub(super) fn set_container(&mut self, container: Container) {
        self.embedded.container = container;
    }

    /// Keeps the largest size by area: thumbnails and tiles are smaller.
    pub(super) fn set_size(&mut self, width: u32, height: u32) {
        let area = |size: PictureSize| u64::from(size.width) * u64::from(size.height);
        let size = PictureSize { width, height };
        if area(size) > self.embedded.size.map_or(0, area) {
            self.embedded.size = Some(size);
        }
    }

    /// Keeps what a C2PA manifest, or a part of one, claims.
    pub(super) fn add_credentials(&mut self, manifest: &[u8]) {
        let read = ContentCredentials::parse(manifest);
        self.embedded.credentials.get_or_insert_default().merge(read);
    }

    pub(super) fn has_credentials(&self) -> bool {
        self.embedded.credentials.is_some()
    }

    /// How long the next text may be.
    pub(super) fn max_text_len(&self) -> usize {
        MAX_TEXT.min(MAX_TOTAL_BYTES - self.text_len)
    }

    /// Counts bytes that are inflated or decoded against [`MAX_WORK`].
    pub(super) fn count_work(&mut self, bytes: usize) -> ReadResult<()> {
        self.work_done = self.work_done.saturating_add(bytes);
        if self.work_done > MAX_WORK { Err(work_limit_exceeded().into()) } else { Ok(()) }
    }

    /// Keeps a text, or records a defect where it is over the budget. Empty texts are dropped.
    pub(super) fn add_text(&mut self, place: TextLocation, keyword: &str, text: String) {
        if text.is_empty() {
            return;
        }
        if text.len() > self.max_text_len() {
            let limit = u64::try_from(self.max_text_len()).unwrap_or(u64::MAX);
            return self.add_defect(FileDefect::TooLarge { what: "an embedded text", limit });
        }
        if self.embedded.entries.len() == MAX_ENTRIES {
            let limit = u64::try_from(MAX_ENTRIES).unwrap_or(u64::MAX);
            return self.add_defect(FileDefect::TooMany { what: "embedded texts", limit });
        }
        self.text_len += text.len();
        let fits = keyword.char_indices().take_while(|(at, c)| at + c.len_utf8() <= MAX_KEYWORD);
        let keyword = fits.map(|(_, c)| c).collect();
        self.embedded.entries.push(EmbeddedText { keyword, text, location: place });
    }

    /// Records the defect of one part, so that reading goes on; only an I/O error stops it.
    pub(super) fn tolerate_defect<T>(&mut self, reading: ReadResult<T>) -> ReadResult<Option<T>> {
        match reading {
            Ok(value) => Ok(Some(value)),
            Err(ReadError::Defect(defect)) => {
                self.add_defect(defect);
                Ok(None)
            }
            Err(ReadError::Io(error)) => Err(ReadError::Io(error)),
        }
    }

    /// Records a defect once; those beyond the limit are dropped.
    pub(super) fn add_defect(&mut self, defect: FileDefect) {
        let defects = &mut self.embedded.defects;
        if defects.len() < MAX_DEFECTS && !defects.contains(&defect) {
            defects.push(defect);
        }
    }
}

/// The refusal when [`MAX_WORK`] is used up.
pub(super) fn work_limit_exceeded() -> FileDefect {
    let limit = u64::try_from(MAX_WORK).unwrap_or(u64::MAX);
    FileDefect::TooLarge { what: "all metadata together", limit }
}
