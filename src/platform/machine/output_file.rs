//! Where a command writes what it was asked for: into the file that `-o` names, or to
//! standard output.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::platform;
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
        Ok(Some(sanitize::line(&output.display().to_string()).into_owned()))
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
    let failed = |problem: &dyn std::fmt::Display| {
        CommandError::new(format!("{}: {problem}", sanitize::line(&output.display().to_string())))
    };
    let folder = match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    platform::with_usual_rights(&mut builder);
    let mut file = builder.tempfile_in(folder).map_err(|e| failed(&e))?;
    file.write_all(text.as_ref()).map_err(|e| failed(&e))?;
    let written = match over {
        Overwrite::Always => file.persist(output),
        Overwrite::Never => file.persist_noclobber(output),
    };
    match written {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(failed(&"this file is there already").with_hint("--force writes over it"))
        }
        Err(error) => Err(failed(&error.error)),
    }
}
