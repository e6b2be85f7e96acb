//! What a file, a blob or a picture holds for the commands that compare and describe
//! workflows.

use std::io::Cursor;

use comfy_graph::graph::{Kind, kind};
use comfy_graph::json::{self, Value};
use comfy_media::Embedded;
use sha2::{Digest, Sha256};

#[derive(Debug)]
pub(crate) enum Content {
    /// A document with a graph in it.
    Graph(Value),
    /// A picture, video or other output; with the graph embedded in it, if there is one.
    Output(Box<Output>),
    /// Anything else, as it is.
    Other(Vec<u8>),
}

#[derive(Debug)]
pub(crate) struct Output {
    /// The workflow it was made with.
    pub(crate) workflow: Option<Value>,
    /// The prompt that was executed.
    pub(crate) prompt: Option<Value>,
    /// The file itself in a line: its kind, dimensions and hash.
    pub(crate) told: String,
}

impl Output {
    /// The workflow, else the prompt.
    pub(crate) fn graph(&self) -> Option<&Value> {
        self.workflow.as_ref().or(self.prompt.as_ref())
    }
}

impl Content {
    /// The content of a file that does not exist.
    pub(crate) const NOTHING: Content = Content::Other(Vec::new());

    /// The line about a picture or another output file.
    pub(crate) fn told(&self) -> Option<&str> {
        match self {
            Content::Output(output) => Some(&output.told),
            Content::Graph(_) | Content::Other(_) => None,
        }
    }
}

/// Detects what the bytes are, whatever the file is called.
pub(crate) fn read(bytes: Vec<u8>) -> Content {
    match json::parse(&bytes) {
        Ok(value) => match kind(&value) {
            Kind::Graph(_) | Kind::Wrapped(_) => Content::Graph(value),
            Kind::Templates | Kind::Other => Content::Other(bytes),
        },
        Err(_) => match comfy_media::read(&mut Cursor::new(&bytes)) {
            Ok(embedded) => Content::Output(Box::new(output(&bytes, &embedded))),
            Err(_) => Content::Other(bytes),
        },
    }
}

fn output(bytes: &[u8], embedded: &Embedded) -> Output {
    let payload = embedded.payload();
    let size = embedded.size.map(|size| format!(" {} x {}", size.width, size.height));
    let digest = Sha256::digest(bytes);
    let digest: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let told = format!(
        "{}{}, {} bytes, sha256 {digest}…",
        embedded.container,
        size.unwrap_or_default(),
        bytes.len()
    );
    Output { workflow: payload.workflow, prompt: payload.prompt, told }
}
