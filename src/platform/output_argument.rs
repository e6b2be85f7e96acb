//! Where a command writes what it was asked for: into the file that `-o` names, or to
//! standard output.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::platform::AtomicWrite;
use crate::platform::text::sanitize;

/// The file that a person named for it, if any.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct OutputArgs {
    /// Write to this file instead of printing.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write also over a file that is there.
    #[arg(long, requires = "output")]
    pub force: bool,
}

impl OutputArgs {
    /// Writes into the named file and gives its name as it may be shown; nothing where none
    /// was named.
    pub(crate) fn write_if_named(&self, text: &str) -> Result<Option<String>> {
        let Some(output) = &self.output else { return Ok(None) };
        let over = if self.force { Overwrite::Always } else { Overwrite::Never };
        write_output_file(output, text, over)?;
        Ok(Some(sanitize::path(output)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overwrite {
    Never,
    Always,
}

/// Writes the file whole or not at all. A file that is there is an error unless `over` allows it.
pub(crate) fn write_output_file(
    output: &Path,
    text: impl AsRef<[u8]>,
    over: Overwrite,
) -> Result<()> {
    let name = sanitize::path(output);
    let way = match over {
        Overwrite::Always => AtomicWrite::new().follow_links(),
        Overwrite::Never => AtomicWrite::new().refuse_existing(),
    };
    way.write(output, text.as_ref()).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CommandError::user("this file is there already")
            .with_context(name)
            .with_hint("--force writes over it"),
        _ => CommandError::system(error).with_context(name),
    })
}
