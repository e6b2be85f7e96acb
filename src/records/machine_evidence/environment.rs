//! ComfyUI and what it runs on.

use std::net::IpAddr;

use super::MachineView;
use crate::platform::machine::comfyui::python::format_requirements;
use crate::platform::machine::server::SystemStats;
use crate::records::{ComfyEnvironment, EnvironmentSource};

/// Flags whose value is an address, a port or a place.
const PRIVATE_FLAGS: &[&str] = &[
    "--listen",
    "--port",
    "--tls-keyfile",
    "--tls-certfile",
    "--enable-cors-header",
    "--database-url",
    "--comfy-api-base",
    "--front-end-root",
    "--default-hashing-function-salt",
];

impl MachineView<'_> {
    /// The environment and the list of Python packages, as text, where it is known. A
    /// running server speaks for what runs; the files for what would.
    pub fn collect_environment(&self) -> (ComfyEnvironment, Option<String>) {
        let mut environment =
            ComfyEnvironment { at: self.seen_at.to_owned(), ..ComfyEnvironment::default() };
        let mut packages = None;
        if let Some(found) = self.installation {
            environment.comfyui = found.version.clone();
            environment.source =
                found.source.as_deref().and_then(|source| self.checkouts.checkout(source));
            if let Some(python) = &found.python {
                let version = |name: &str| python.package_version(name).map(str::to_owned);
                environment.python = python.version.clone();
                environment.torch = version("torch");
                environment.frontend = version("comfyui-frontend-package");
                packages =
                    Some(format_requirements(&python.packages)).filter(|list| !list.is_empty());
            }
            environment.from = Some(EnvironmentSource::Files);
        }
        environment.os = Some(std::env::consts::OS.to_owned());
        environment.devices = self.gpus.names.iter().map(|name| single_line(name)).collect();
        environment.driver = self.gpus.driver.as_deref().map(single_line);
        if let Some(stats) = self.server {
            apply_server_stats(&mut environment, stats);
        }
        (environment, packages)
    }
}

fn apply_server_stats(environment: &mut ComfyEnvironment, stats: &SystemStats) {
    let system = &stats.system;
    let set = |field: &mut Option<String>, value: Option<&String>| {
        if let Some(value) = value {
            *field = Some(single_line(value));
        }
    };
    set(&mut environment.comfyui, system.comfyui_version.as_ref());
    set(&mut environment.torch, system.pytorch_version.as_ref());
    let frontend =
        system.comfy_package_versions.iter().find(|p| p.name == "comfyui-frontend-package");
    set(&mut environment.frontend, frontend.and_then(|package| package.installed.as_ref()));
    let python = system.python_version.as_deref().and_then(|text| text.split_whitespace().next());
    set(&mut environment.python, python.map(str::to_owned).as_ref());
    if !system.os.is_empty() {
        environment.os = Some(single_line(&system.os));
    }
    if !stats.devices.is_empty() {
        environment.devices =
            stats.devices.iter().map(|device| single_line(&device.name)).collect();
    }
    environment.flags = shareable_flags(system.argv.get(1..).unwrap_or_default());
    environment.from = Some(EnvironmentSource::Server);
}

/// The command line without places and addresses: they say where, not how.
fn shareable_flags(argv: &[String]) -> Vec<String> {
    let mut flags: Vec<String> = Vec::new();
    let mut private = false;
    for word in argv {
        if let Some(flag) = word.strip_prefix("--") {
            let (name, value) = flag.split_once('=').map_or((flag, None), |(n, v)| (n, Some(v)));
            let name = format!("--{name}");
            if name.len() > 60 || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                private = true;
                continue;
            }
            private = PRIVATE_FLAGS.contains(&name.as_str()) || name.ends_with("-directory");
            match value.filter(|value| !private && is_shareable(value)) {
                Some(value) => flags.push(format!("{name}={value}")),
                None => flags.push(name),
            }
        } else if !private && !flags.is_empty() && is_shareable(word) {
            flags.push(word.clone());
        }
    }
    flags
}

fn is_shareable(value: &str) -> bool {
    value.len() <= 40
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "_.,-".contains(c))
        && value.parse::<IpAddr>().is_err()
}

/// A text of another program: one line, bounded.
fn single_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_tell_how_and_not_where() {
        let argv = "main.py --cpu --listen 127.0.0.1 --port 8188 --base-directory /home/artist/comfy \
                    --database-url sqlite:////home/artist/x.db --fp32-text-enc --preview-method auto \
                    --cuda-device 0 --output-directory=/home/me/out --reserve-vram 1.5 \
                    --extra-model-paths-config /home/artist/a.yaml --fast fp16_accumulation cublas_ops";
        let argv: Vec<String> = argv.split_whitespace().map(str::to_owned).collect();
        assert_eq!(
            shareable_flags(&argv[1..]).join(" "),
            "--cpu --listen --port --base-directory --database-url --fp32-text-enc \
             --preview-method auto --cuda-device 0 --output-directory --reserve-vram 1.5 \
             --extra-model-paths-config --fast fp16_accumulation cublas_ops"
        );
    }
}
