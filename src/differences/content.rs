//! What a file, a blob or a picture holds for the commands that compare and describe
//! workflows.

use std::io::{self, BufReader, Cursor};
use std::path::Path;

use comfy_graph::graph::{DocumentKind, document_kind};
use comfy_graph::json::{self, Value};
use comfy_media::{Container, EmbeddedMetadata};

use crate::platform::file_argument::MAX_WHOLE_FILE;
use crate::platform::files;
use crate::platform::hex::{sha256_hex, to_hex};
use crate::platform::machine::hash;

#[derive(Debug)]
pub(crate) enum FileContent {
    /// A document with a graph in it.
    Graph(Value),
    /// A picture, video or other output; with the graph embedded in it, if there is one.
    Output(Box<MediaOutput>),
    /// Anything else, as it is.
    Other(Vec<u8>),
}

#[derive(Debug)]
pub(crate) struct MediaOutput {
    /// The workflow it was made with.
    pub(crate) workflow: Option<Value>,
    /// The prompt that was executed.
    pub(crate) prompt: Option<Value>,
    /// The file itself in a line: its kind, dimensions and hash.
    pub(crate) description: String,
}

impl MediaOutput {
    /// The workflow, else the prompt.
    pub(crate) fn graph(&self) -> Option<&Value> {
        self.workflow.as_ref().or(self.prompt.as_ref())
    }
}

impl FileContent {
    /// The content of a file that does not exist.
    pub(crate) const ABSENT: FileContent = FileContent::Other(Vec::new());

    /// The line about a picture or another output file.
    pub(crate) fn output_description(&self) -> Option<&str> {
        match self {
            FileContent::Output(output) => Some(&output.description),
            FileContent::Graph(_) | FileContent::Other(_) => None,
        }
    }
}

/// Reads what a file is. `None` for one that is too large to be read as a whole and no output.
pub(crate) fn read_content(file: &Path) -> io::Result<Option<FileContent>> {
    match files::read_up_to(file, MAX_WHOLE_FILE) {
        Ok(bytes) => Ok(Some(parse_content(bytes))),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => read_large_output(file),
        Err(error) => Err(error),
    }
}

/// What a long file carries that is a video, say; it is read in pieces.
fn read_large_output(file: &Path) -> io::Result<Option<FileContent>> {
    let (mut file, metadata) = files::open_ordinary(file)?;
    let Ok(embedded) = comfy_media::read(&mut BufReader::new(&mut file)) else { return Ok(None) };
    let digest = to_hex(&hash::sha256_of_file(&mut file)?);
    let output = describe_output(metadata.len(), &digest, &embedded);
    Ok(Some(FileContent::Output(Box::new(output))))
}

/// Detects what the bytes are, whatever the file is called.
pub(crate) fn parse_content(bytes: Vec<u8>) -> FileContent {
    match json::parse(&bytes) {
        Ok(value) => match document_kind(&value) {
            DocumentKind::Graph(_) | DocumentKind::Wrapped(_) => FileContent::Graph(value),
            DocumentKind::Templates | DocumentKind::Other => FileContent::Other(bytes),
        },
        Err(_) => match comfy_media::read(&mut Cursor::new(&bytes)) {
            Ok(embedded) => {
                let digest = sha256_hex(&bytes);
                let output = describe_output(bytes.len() as u64, &digest, &embedded);
                // Broken JSON without a graph is no output, but text.
                match output.graph() {
                    None if embedded.container == Container::Json => FileContent::Other(bytes),
                    _ => FileContent::Output(Box::new(output)),
                }
            }
            Err(_) => FileContent::Other(bytes),
        },
    }
}

fn describe_output(length: u64, digest: &str, embedded: &EmbeddedMetadata) -> MediaOutput {
    let payload = embedded.payload();
    let size = embedded.size.map(|size| format!(" {} x {}", size.width, size.height));
    let told = format!(
        "{}{}, {length} bytes, sha256 {}…",
        embedded.container,
        size.unwrap_or_default(),
        &digest[..16]
    );
    MediaOutput { workflow: payload.workflow, prompt: payload.prompt, description: told }
}
