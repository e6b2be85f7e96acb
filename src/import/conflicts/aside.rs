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
use sha2::{Digest, Sha256};

use super::synced::Copy;
use crate::error::{Failure, Result};
use crate::platform::git::Repository;
use crate::platform::machine::{to_hex, write_file};
use crate::platform::text::sanitize;

/// The name of the log of a call: a line of JSON for each copy.
const SETTLED: &str = "settled";

/// Where files are set aside.
pub(crate) struct Aside {
    /// The folder that paths in the log are relative to.
    top: PathBuf,
    all: PathBuf,
    own: OnceCell<PathBuf>,
}

/// A line of the log.
#[derive(Debug, Serialize, Deserialize)]
struct Settled {
    file: String,
    copy: String,
    /// SHA-256 of what the file held from then on.
    became: String,
}

impl Aside {
    /// In the repository if there is one, else in the folder itself. Creates nothing yet.
    pub(crate) fn of(folder: &Path, repository: Option<&Repository>) -> Aside {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (top, all) = match repository.and_then(|r| Some((r, r.work_tree()?))) {
            Some((repository, top)) => (real(top), repository.state_dir().join("set-aside")),
            None => (real(folder), folder.join(".git-comfy-set-aside")),
        };
        Aside { top, all, own: OnceCell::new() }
    }

    /// The folder of this call, if anything was set aside.
    pub(crate) fn own(&self) -> Option<&Path> {
        self.own.get().map(PathBuf::as_path)
    }

    /// Stores a file with the bytes that were read of it.
    pub(crate) fn keep(&self, file: &Path, bytes: &[u8]) -> Result<()> {
        let below = self.own_folder()?.join(self.below(file));
        let mut place = below.clone();
        for number in 2.. {
            match std::fs::read(&place) {
                // The first of several copies of one file meets it as it was.
                Ok(known) if known == bytes => return Ok(()),
                Ok(_) => place = numbered(&below, number),
                Err(_) => break,
            }
        }
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent)?;
        }
        write_file::write(&place, bytes)
    }

    /// Appends to the log what became of a copy.
    pub(crate) fn note(&self, copy: &Copy, became: &[u8]) -> Result<()> {
        let slashes = |path: &Path| self.below(path).to_string_lossy().replace('\\', "/");
        let line = Settled {
            file: slashes(&copy.file),
            copy: slashes(&copy.copy),
            became: to_hex(&Sha256::digest(became)),
        };
        let failed = |error: serde_json::Error| Failure::new(format!("{SETTLED}: {error}"));
        let line = serde_json::to_string(&line).map_err(failed)?;
        let list = self.own_folder()?.join(SETTLED);
        let mut list = std::fs::File::options().create(true).append(true).open(list)?;
        Ok(list.write_all(format!("{line}\n").as_bytes())?)
    }

    /// All files that were set aside under that name, by any call.
    pub(crate) fn earlier(&self, file: &Path) -> Vec<PathBuf> {
        let below = self.below(file);
        let calls = std::fs::read_dir(&self.all).into_iter().flatten().flatten();
        calls.map(|call| call.path().join(&below)).filter(|file| file.is_file()).collect()
    }

    /// Puts the files of the last call back where they were, copies and all. A file that was
    /// changed since stays. Gives what was put back and what was not, as lines to tell.
    pub(crate) fn put_back(&self) -> Result<Vec<String>> {
        let calls = std::fs::read_dir(&self.all).into_iter().flatten().flatten();
        // Folders are named by their time, so the last call has the greatest name.
        let last = calls.map(|call| call.path()).filter(|call| call.join(SETTLED).is_file()).max();
        let Some(call) = last else {
            return Err(Failure::new("nothing was set aside here"));
        };
        let mut told = Vec::new();
        let lines = write_file::read(&call.join(SETTLED))?.unwrap_or_default();
        let lines = String::from_utf8_lossy(&lines);
        let settled: Vec<Settled> =
            lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        for line in &settled {
            let last = settled.iter().rev().find(|later| later.file == line.file);
            let became = last.map(|last| last.became.as_str()).unwrap_or_default();
            self.put_file_back(&call, &line.file, became, &mut told)?;
            self.put_copy_back(&call, &line.copy, &mut told)?;
        }
        // What is back is no longer the last.
        std::fs::rename(call.join(SETTLED), call.join("put-back"))?;
        Ok(told)
    }

    fn put_file_back(
        &self,
        call: &Path,
        name: &str,
        became: &str,
        told: &mut Vec<String>,
    ) -> Result<()> {
        let (kept, file) = (call.join(name), self.top.join(name));
        let Some(before) = inside(name).then(|| write_file::read(&kept).ok()).flatten().flatten()
        else {
            return Ok(());
        };
        let now = write_file::read(&file).ok().flatten().unwrap_or_default();
        let shown = sanitize::line(name);
        if now == before {
            return Ok(());
        }
        if to_hex(&Sha256::digest(&now)) != became {
            let kept = kept.to_string_lossy();
            told.push(format!(
                "{shown} was changed since and stays; {} is how it was",
                sanitize::line(&kept)
            ));
            return Ok(());
        }
        write_file::write(&file, &before)?;
        told.push(format!("{shown} is as it was"));
        Ok(())
    }

    fn put_copy_back(&self, call: &Path, name: &str, told: &mut Vec<String>) -> Result<()> {
        let copy = self.top.join(name);
        if !inside(name) || copy.symlink_metadata().is_ok() {
            return Ok(());
        }
        if let Some(bytes) = write_file::read(&call.join(name)).ok().flatten() {
            write_file::write(&copy, &bytes)?;
            told.push(format!("{} is back", sanitize::line(name)));
        }
        Ok(())
    }

    fn own_folder(&self) -> Result<&Path> {
        if let Some(own) = self.own.get() {
            return Ok(own);
        }
        std::fs::create_dir_all(&self.all)?;
        let now = Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
        let mut own = self.all.join(&now);
        // Another call of the same second.
        for number in 2.. {
            match std::fs::create_dir(&own) {
                Ok(()) => break,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    own = self.all.join(format!("{now}-{number}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.own.get_or_init(|| own))
    }

    /// A file's path below the top; its name alone where it lies elsewhere.
    fn below(&self, file: &Path) -> PathBuf {
        let name = PathBuf::from(file.file_name().unwrap_or_default());
        let folder = file.parent().and_then(|folder| std::fs::canonicalize(folder).ok());
        let below = folder.and_then(|f| f.strip_prefix(&self.top).ok().map(Path::to_owned));
        below.map_or(name.clone(), |below| below.join(name))
    }
}

/// Whether a path from the log stays below its folder: in a synced folder others can write it.
fn inside(name: &str) -> bool {
    use std::path::Component;
    Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

fn numbered(place: &Path, number: usize) -> PathBuf {
    let stem = place.file_stem().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!("{stem} ({number}).json"))
}
