//! Files as they were before conflict copies were merged, and the way back to them.
//!
//! Each call has a folder of its own, named by its time, in git-comfy's folder of the
//! repository; outside of one a hidden folder in the synced folder itself. Below it the
//! files lie as they lay, and `settled` says, a line of JSON for each copy, what was done.

use std::cell::OnceCell;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use serde::{Deserialize, Serialize};

use super::synced_folder::ConflictCopy;
use crate::error::{CommandError, Result};
use crate::platform::contained_path::goes_down_only;
use crate::platform::file_argument;
use crate::platform::git::Repository;
use crate::platform::hex::sha256_hex;
use crate::platform::text::sanitize;

/// The name of the log of a call: a line of JSON for each copy.
const LOG_NAME: &str = "settled";

/// Where files are set aside.
pub(crate) struct SetAsideFiles {
    /// The folder that paths in the log are relative to.
    top: PathBuf,
    calls_folder: PathBuf,
    current: OnceCell<PathBuf>,
}

/// A line of the log.
#[derive(Debug, Serialize, Deserialize)]
struct SetAsideEntry {
    file: String,
    copy: String,
    /// SHA-256 of what the file held from then on.
    became: String,
}

impl SetAsideFiles {
    /// In the repository if there is one, else in the folder itself. Creates nothing yet.
    pub(crate) fn new(folder: &Path, repository: Option<&Repository>) -> SetAsideFiles {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (top, calls_folder) = match repository.and_then(|r| Some((r, r.work_tree()?))) {
            Some((repository, top)) => (real(top), repository.state_dir().join("set-aside")),
            None => (real(folder), folder.join(".git-comfy-set-aside")),
        };
        SetAsideFiles { top, calls_folder, current: OnceCell::new() }
    }

    /// The folder of this call, if anything was set aside.
    pub(crate) fn current_folder(&self) -> Option<&Path> {
        self.current.get().map(PathBuf::as_path)
    }

    /// Stores a file with the bytes that were read of it.
    pub(crate) fn store_file(&self, file: &Path, bytes: &[u8]) -> Result<()> {
        let below = self.ensure_current_folder()?.join(self.relative_path(file));
        let mut place = below.clone();
        for number in 2.. {
            match std::fs::read(&place) {
                // The first of several copies of one file meets it as it was.
                Ok(known) if known == bytes => return Ok(()),
                Ok(_) => place = numbered_path(&below, number),
                Err(_) => break,
            }
        }
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent)?;
        }
        file_argument::replace_file(&place, bytes)
    }

    /// Appends to the log what became of a copy.
    pub(crate) fn log_outcome(&self, copy: &ConflictCopy, became: &[u8]) -> Result<()> {
        let slashes = |path: &Path| self.relative_path(path).to_string_lossy().replace('\\', "/");
        let line = SetAsideEntry {
            file: slashes(&copy.file),
            copy: slashes(&copy.copy),
            became: sha256_hex(became),
        };
        let failed =
            |error: serde_json::Error| CommandError::internal(error).with_context(LOG_NAME);
        let line = serde_json::to_string(&line).map_err(failed)?;
        let list = self.ensure_current_folder()?.join(LOG_NAME);
        let mut list = std::fs::File::options().create(true).append(true).open(list)?;
        Ok(list.write_all(format!("{line}\n").as_bytes())?)
    }

    /// All files that were set aside under that name, by any call.
    pub(crate) fn earlier_files(&self, file: &Path) -> Vec<PathBuf> {
        let below = self.relative_path(file);
        let calls = std::fs::read_dir(&self.calls_folder).into_iter().flatten().flatten();
        calls.map(|call| call.path().join(&below)).filter(|file| file.is_file()).collect()
    }

    /// Puts the files of the last call back where they were, copies and all. A file that was
    /// changed since stays. Gives what was put back and what was not, as lines to tell.
    pub(crate) fn restore_last_call(&self) -> Result<Vec<String>> {
        let calls = std::fs::read_dir(&self.calls_folder).into_iter().flatten().flatten();
        // Folders are named by their time, so the last call has the greatest name.
        let last = calls.map(|call| call.path()).filter(|call| call.join(LOG_NAME).is_file()).max();
        let Some(call) = last else {
            return Err(CommandError::repository("nothing was set aside here"));
        };
        let mut report = Vec::new();
        let lines = file_argument::read_limited(&call.join(LOG_NAME))?.unwrap_or_default();
        let lines = String::from_utf8_lossy(&lines);
        let settled: Vec<SetAsideEntry> =
            lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        for line in &settled {
            let last = settled.iter().rev().find(|later| later.file == line.file);
            let became = last.map(|last| last.became.as_str()).unwrap_or_default();
            self.restore_file(&call, &line.file, became, &mut report)?;
            self.restore_copy(&call, &line.copy, &mut report)?;
        }
        // What is back is no longer the last.
        std::fs::rename(call.join(LOG_NAME), call.join("put-back"))?;
        Ok(report)
    }

    fn restore_file(
        &self,
        call: &Path,
        name: &str,
        became: &str,
        report: &mut Vec<String>,
    ) -> Result<()> {
        let (stored, file) = (call.join(name), self.top.join(name));
        let Some(before) = goes_down_only(Path::new(name))
            .then(|| file_argument::read_limited(&stored).ok())
            .flatten()
            .flatten()
        else {
            return Ok(());
        };
        let now = file_argument::read_limited(&file).ok().flatten().unwrap_or_default();
        let shown = sanitize::line(name);
        if now == before {
            return Ok(());
        }
        if sha256_hex(&now) != became {
            let stored = stored.to_string_lossy();
            report.push(format!(
                "{shown} was changed since and stays; {} is how it was",
                sanitize::line(&stored)
            ));
            return Ok(());
        }
        file_argument::replace_file(&file, &before)?;
        report.push(format!("{shown} is as it was"));
        Ok(())
    }

    fn restore_copy(&self, call: &Path, name: &str, report: &mut Vec<String>) -> Result<()> {
        let copy = self.top.join(name);
        if !goes_down_only(Path::new(name)) || copy.symlink_metadata().is_ok() {
            return Ok(());
        }
        if let Some(bytes) = file_argument::read_limited(&call.join(name)).ok().flatten() {
            file_argument::replace_file(&copy, &bytes)?;
            report.push(format!("{} is back", sanitize::line(name)));
        }
        Ok(())
    }

    fn ensure_current_folder(&self) -> Result<&Path> {
        if let Some(current) = self.current.get() {
            return Ok(current);
        }
        std::fs::create_dir_all(&self.calls_folder)?;
        let now = Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
        let mut current = self.calls_folder.join(&now);
        // Another call of the same second.
        for number in 2.. {
            match std::fs::create_dir(&current) {
                Ok(()) => break,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    current = self.calls_folder.join(format!("{now}-{number}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.current.get_or_init(|| current))
    }

    /// A file's path below the top; its name alone where it lies elsewhere.
    fn relative_path(&self, file: &Path) -> PathBuf {
        let name = PathBuf::from(file.file_name().unwrap_or_default());
        let folder = file.parent().and_then(|folder| std::fs::canonicalize(folder).ok());
        let below = folder.and_then(|f| f.strip_prefix(&self.top).ok().map(Path::to_owned));
        below.map_or(name.clone(), |below| below.join(name))
    }
}

fn numbered_path(place: &Path, number: usize) -> PathBuf {
    let stem = place.file_stem().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!("{stem} ({number}).json"))
}
