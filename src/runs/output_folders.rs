//! Where output files lie on this machine, and what they are called in runs.

use std::path::{Path, PathBuf};

use super::media_file::may_be_output;
use crate::error::Result;
use crate::platform::git::{Repository, index};
use crate::records::recorder_context::{LocationSettings, MachineState, TimeBudget, expand_path};
use crate::runs::run_data::{OutputBase, OutputFile};
use crate::session::Session;

/// The folders that paths in runs begin at.
pub(crate) struct OutputFolders {
    output: Option<PathBuf>,
    work_tree: Option<PathBuf>,
}

impl OutputFolders {
    /// From `comfy.output`, else the ComfyUI that was found.
    pub(crate) fn detect(session: &Session, repository: &Repository) -> Result<OutputFolders> {
        let configured = repository.setting("comfy.output")?;
        let output = match configured.filter(|value| !value.is_empty()) {
            Some(text) => expand_path(&text, session.environment.home.as_deref(), repository),
            None => {
                let settings = LocationSettings::load(session, repository)?;
                let machine =
                    MachineState::detect(session, repository, &settings, TimeBudget::Hook);
                machine.installation.map(|found| found.parts.output)
            }
        };
        Ok(OutputFolders::new(output, repository))
    }

    /// With an output folder that somebody named.
    pub(crate) fn new(output: Option<PathBuf>, repository: &Repository) -> OutputFolders {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let output = output.filter(|path| path.is_dir());
        OutputFolders {
            output: output.as_deref().map(real),
            work_tree: repository.work_tree().map(real),
        }
    }

    /// ComfyUI's output folder, where one is known.
    pub(crate) fn output_folder(&self) -> Option<PathBuf> {
        self.output.clone()
    }

    /// Where outputs are looked for when nobody names a place: ComfyUI's output folder, and
    /// what git tracks of the files that could be outputs.
    pub(crate) fn scan_roots(&self, repository: &Repository) -> Result<Vec<PathBuf>> {
        let mut roots: Vec<PathBuf> = self.output.iter().cloned().collect();
        if let Some(work_tree) = &self.work_tree {
            roots.extend(tracked_outputs(repository, work_tree)?.filter(|path| path.is_file()));
        }
        Ok(roots)
    }

    /// What a file is called in a run. `base` is the folder that was scanned.
    pub(crate) fn name_output(&self, base: &Path, file: &Path) -> OutputFile {
        let below = |folder: Option<&Path>| file.strip_prefix(folder?).ok().map(to_slash_path);
        let (path, origin) = match (below(self.output.as_deref()), below(self.work_tree.as_deref()))
        {
            (Some(path), _) => (path, OutputBase::Output),
            (None, Some(path)) => (path, OutputBase::Repository),
            (None, None) => {
                (below(Some(base)).unwrap_or_else(|| file_name(file)), OutputBase::Folder)
            }
        };
        OutputFile { path, base: origin, ..OutputFile::default() }
    }

    /// Where the file of a run would lie on this machine.
    pub(crate) fn locate(&self, output: &OutputFile) -> Option<PathBuf> {
        let folder = match output.base {
            OutputBase::Output => self.output.as_ref()?,
            OutputBase::Repository => self.work_tree.as_ref()?,
            OutputBase::Folder => return None,
        };
        let inside = |part: &str| !part.is_empty() && part != ".." && !part.contains(['\\', ':']);
        let stays = output.path.split('/').all(inside);
        stays.then(|| folder.join(&output.path))
    }
}

/// The files in a work tree that git tracks and that could be outputs.
pub(crate) fn tracked_outputs(
    repository: &Repository,
    work_tree: &Path,
) -> Result<impl Iterator<Item = PathBuf>> {
    let tracked = index::tracked_paths(repository)?.into_iter().map(|path| path.to_path());
    Ok(tracked.filter(|path| may_be_output(path)).map(move |path| work_tree.join(path)))
}

fn to_slash_path(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
