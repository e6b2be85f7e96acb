//! The Python that runs ComfyUI, read from its folders without running it: version,
//! packages, torch.

use std::fs;
use std::path::{Path, PathBuf};

/// A Python environment on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonEnvironment {
    pub folder: PathBuf,
    /// For example `3.12.4`, where the environment says it.
    pub version: Option<String>,
    /// The installed packages, by name.
    pub packages: Vec<PythonPackage>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PythonPackage {
    /// The name in its normal form: lower case, words joined by `-`.
    pub name: String,
    /// The version as the package states it (`2.7.0+cu128`).
    pub version: String,
}

/// Names of environments, in the order ComfyUI's installers make them.
const ENVIRONMENT_NAMES: &[&str] = &[".venv", "venv", "python_embeded", "python_embedded", "env"];

impl PythonEnvironment {
    /// The environment that belongs to an installation: in its folder, in the base folder
    /// or beside it (the portable build).
    pub fn find(source: Option<&Path>, base: &Path) -> Option<PythonEnvironment> {
        let beside = source.and_then(Path::parent);
        let places = [Some(base), source, beside].into_iter().flatten();
        places
            .flat_map(|place| ENVIRONMENT_NAMES.iter().map(|name| place.join(name)))
            .find_map(|folder| PythonEnvironment::in_folder(&folder))
    }

    /// The environment in a folder, if it is one.
    pub fn in_folder(folder: &Path) -> Option<PythonEnvironment> {
        let (site, from_folder) = find_site_packages(folder)?;
        let version = read_pyvenv_version(folder).or(from_folder);
        Some(PythonEnvironment {
            folder: folder.to_owned(),
            version,
            packages: list_packages(&site),
        })
    }

    /// The version of a package by its normal name.
    pub fn package_version(&self, name: &str) -> Option<&str> {
        let found = self.packages.iter().find(|package| package.name == name);
        found.map(|package| package.version.as_str())
    }
}

/// The packages as the lines of a requirements file, sorted; equal on machines that have
/// the same packages.
pub fn format_requirements(packages: &[PythonPackage]) -> String {
    packages.iter().map(|package| format!("{}=={}\n", package.name, package.version)).collect()
}

/// The folder of packages, and the version its own path tells (`python3.12`).
fn find_site_packages(folder: &Path) -> Option<(PathBuf, Option<String>)> {
    let windows = folder.join("Lib").join("site-packages");
    if windows.is_dir() {
        return Some((windows, read_embedded_version(folder)));
    }
    let entries = fs::read_dir(folder.join("lib")).ok()?.flatten();
    let mut found: Vec<(PathBuf, Option<String>)> = entries
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.strip_prefix("python")?.to_owned();
            Some((entry.path().join("site-packages"), Some(version)))
        })
        .filter(|(site, _)| site.is_dir())
        .collect();
    found.sort();
    found.pop()
}

/// `version` or `version_info` of a virtual environment's `pyvenv.cfg`.
fn read_pyvenv_version(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("pyvenv.cfg")).ok()?;
    let value = |wanted: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == wanted).then(|| value.trim().to_owned())
        })
    };
    let version = value("version").or_else(|| value("version_info"))?;
    // uv and virtualenv write `3.12.4.final.0`.
    let plain: Vec<&str> = version
        .split('.')
        .take_while(|part| part.bytes().all(|b| b.is_ascii_digit()))
        .take(3)
        .collect();
    (!plain.is_empty()).then(|| plain.join("."))
}

/// `3.12` from the `python312._pth` of an embeddable Python.
fn read_embedded_version(folder: &Path) -> Option<String> {
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name();
        let digits = name.to_str()?.strip_prefix("python")?.strip_suffix("._pth")?;
        let (major, minor) = digits.split_at_checked(1)?;
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        (number(major) && number(minor)).then(|| format!("{major}.{minor}"))
    })
}

/// The packages by the names of their metadata folders, `name-version.dist-info`: what
/// `pip list` reads too, without opening a file.
fn list_packages(site: &Path) -> Vec<PythonPackage> {
    let entries = fs::read_dir(site).into_iter().flatten().flatten();
    let mut packages: Vec<PythonPackage> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let stem = name.to_str()?;
            let stem =
                stem.strip_suffix(".dist-info").or_else(|| stem.strip_suffix(".egg-info"))?;
            // An egg's version may be followed by `-py3.12`.
            let mut parts = stem.split('-');
            let (name, version) = (parts.next()?, parts.next()?);
            let printable = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
            (printable(name) && printable(version))
                .then(|| PythonPackage { name: normalize_name(name), version: version.to_owned() })
        })
        .collect();
    packages.sort();
    packages.dedup();
    packages
}

/// A package name as PEP 503 compares it.
fn normalize_name(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.extend(c.to_lowercase()),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(folders: &[&str], files: &[(&str, &str)]) -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(place.path().join(folder)).unwrap();
        }
        for (file, text) in files {
            fs::write(place.path().join(file), text).unwrap();
        }
        place
    }

    #[test]
    fn a_virtual_environment_is_read() {
        let place = make(
            &[
                "ComfyUI/venv/lib/python3.12/site-packages/torch-2.7.0+cu128.dist-info",
                "ComfyUI/venv/lib/python3.12/site-packages/Some_Pkg.name-1.0.dist-info",
                "ComfyUI/venv/lib/python3.12/site-packages/old-0.1-py3.12.egg-info",
                "ComfyUI/venv/lib/python3.12/site-packages/torch",
            ],
            &[("ComfyUI/venv/pyvenv.cfg", "home = /usr/bin\nversion_info = 3.12.4.final.0\n")],
        );
        let source = place.path().join("ComfyUI");
        let python = PythonEnvironment::find(Some(&source), &source).unwrap();
        assert_eq!(python.version.as_deref(), Some("3.12.4"));
        assert_eq!(python.package_version("torch"), Some("2.7.0+cu128"));
        assert_eq!(
            format_requirements(&python.packages),
            "old==0.1\nsome-pkg-name==1.0\ntorch==2.7.0+cu128\n"
        );
    }

    #[test]
    fn the_portable_python_lies_beside_comfyui() {
        let place = make(
            &["p/ComfyUI", "p/python_embeded/Lib/site-packages/torch-2.8.0.dist-info"],
            &[("p/python_embeded/python313._pth", "")],
        );
        let source = place.path().join("p/ComfyUI");
        let python = PythonEnvironment::find(Some(&source), &source).unwrap();
        assert_eq!(python.version.as_deref(), Some("3.13"));
        assert_eq!(python.package_version("torch"), Some("2.8.0"));
    }

    #[test]
    fn no_environment_is_none() {
        let place = make(&["ComfyUI/venv", "ComfyUI/env/lib"], &[]);
        let source = place.path().join("ComfyUI");
        assert_eq!(PythonEnvironment::find(Some(&source), &source), None);
    }
}
