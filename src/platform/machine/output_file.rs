//! Where a command writes what it was asked for: into the file that `-o` names, or to
//! standard output.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};
use crate::platform;
use crate::platform::text::sanitize;

/// The file that a person named for it, if any.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Target {
    /// Write to this file instead of printing.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write also over a file that is there.
    #[arg(long, requires = "output")]
    pub force: bool,
}

impl Target {
    /// Writes into the named file and gives its name as it may be shown; nothing where none
    /// was named.
    pub(crate) fn write(&self, text: &str) -> Result<Option<String>> {
        let Some(output) = &self.output else { return Ok(None) };
        let over = if self.force { Over::Anything } else { Over::Nothing };
        write(output, text, over)?;
        Ok(Some(sanitize::line(&output.display().to_string()).into_owned()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Nothing,
    Anything,
}

/// Writes the file whole or not at all. A file that is there is an error unless `over` allows it.
pub(crate) fn write(output: &Path, text: impl AsRef<[u8]>, over: Over) -> Result<()> {
    let failed = |problem: &dyn std::fmt::Display| {
        Failure::new(format!("{}: {problem}", sanitize::line(&output.display().to_string())))
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
        Over::Anything => file.persist(output),
        Over::Nothing => file.persist_noclobber(output),
    };
    match written {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(failed(&"this file is there already").hint("--force writes over it"))
        }
        Err(error) => Err(failed(&error.error)),
    }
}
