//! Graphics cards and their driver, from what the kernel shows as files. Where it shows
//! none (Windows, macOS, containers) only a running server can tell.

use std::fs;
use std::path::Path;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gpus {
    /// Model names, in the kernel's order.
    pub names: Vec<String>,
    /// For example `nvidia 550.54.14`.
    pub driver: Option<String>,
}

/// Reads `proc` and `sys` below `root`, which is `/` outside of tests.
pub fn detect_gpus(root: &Path) -> Gpus {
    let nvidia = nvidia_driver(root).map(|version| format!("nvidia {version}"));
    let amd = || {
        let version = fs::read_to_string(root.join("sys/module/amdgpu/version")).ok()?;
        Some(format!("amdgpu {}", version.trim()))
    };
    let names = match nvidia_names(root) {
        names if names.is_empty() => amd_names(root),
        names => names,
    };
    Gpus { names, driver: nvidia.or_else(amd) }
}

/// The version is the first word with dots and digits alone in the first line:
/// `NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 …`.
fn nvidia_driver(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join("proc/driver/nvidia/version")).ok()?;
    let is_version =
        |word: &&str| word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.lines().next()?.split_whitespace().find(is_version).map(str::to_owned)
}

fn nvidia_names(root: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(root.join("proc/driver/nvidia/gpus")).into_iter().flatten().flatten();
    let mut cards: Vec<_> = entries.map(|entry| entry.path()).collect();
    cards.sort();
    cards.iter().filter_map(|card| read_field(&card.join("information"), "Model:")).collect()
}

fn amd_names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("sys/class/drm")).into_iter().flatten().flatten();
    let mut cards: Vec<_> = entries.map(|entry| entry.path()).collect();
    cards.sort();
    cards
        .iter()
        .filter_map(|card| fs::read_to_string(card.join("device/product_name")).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

fn read_field(file: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(detect_gpus(root.path()), Gpus::default());
        put("sys/module/amdgpu/version", "6.10.5\n");
        put("sys/class/drm/card0/device/product_name", "AMD Radeon RX 7900 XTX\n");
        assert_eq!(detect_gpus(root.path()).driver.as_deref(), Some("amdgpu 6.10.5"));
        assert_eq!(detect_gpus(root.path()).names, ["AMD Radeon RX 7900 XTX"]);
        put(
            "proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\n",
        );
        put(
            "proc/driver/nvidia/gpus/0000:01:00.0/information",
            "Model: \t\t NVIDIA GeForce RTX 4090\nIRQ: 1\n",
        );
        let gpus = detect_gpus(root.path());
        assert_eq!(gpus.names, ["NVIDIA GeForce RTX 4090"]);
        assert_eq!(gpus.driver.as_deref(), Some("nvidia 550.54.14"));
    }
}
