//! Service files that start the watcher with a person's session.

use std::path::Path;

/// A user unit of systemd.
pub fn systemd(program: &Path, repository: &Path, server: Option<&str>) -> String {
    let quoted = |text: &str| {
        let plain = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
        format!("\"{}\"", plain.replace('$', "$$"))
    };
    let mut command = format!(
        "{} -C {} watch",
        quoted(&program.to_string_lossy()),
        quoted(&repository.to_string_lossy())
    );
    if let Some(server) = server {
        command += &format!(" --server {}", quoted(server));
    }
    format!(
        "# Save as ~/.config/systemd/user/git-comfy-watch.service, then:\n\
         #   systemctl --user enable --now git-comfy-watch\n\
         [Unit]\n\
         Description=Record ComfyUI runs with git-comfy\n\
         \n\
         [Service]\n\
         ExecStart={command}\n\
         Restart=on-failure\n\
         RestartSec=10\n\
         Nice=10\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n"
    )
}

/// A property list of launchd.
pub fn launchd(program: &Path, repository: &Path, server: Option<&str>) -> String {
    let string = |text: &str| {
        let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!("    <string>{plain}</string>\n")
    };
    let mut words = string(&program.to_string_lossy());
    words += &string("-C");
    words += &string(&repository.to_string_lossy());
    words += &string("watch");
    if let Some(server) = server {
        words += &string("--server");
        words += &string(server);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!-- Save as ~/Library/LaunchAgents/git-comfy.watch.plist, then:\n     \
         launchctl load ~/Library/LaunchAgents/git-comfy.watch.plist -->\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  \
         <key>Label</key><string>git-comfy.watch</string>\n  \
         <key>ProgramArguments</key>\n  <array>\n{words}  </array>\n  \
         <key>RunAtLoad</key><true/>\n  <key>KeepAlive</key><true/>\n\
         </dict>\n</plist>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_a_service_file() {
        let (program, folder) = (Path::new("/opt/git-comfy"), Path::new("/a \"b\" 100% $x <&>"));
        let unit = systemd(program, folder, Some("gpu-box"));
        let line = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        let wanted =
            r#"ExecStart="/opt/git-comfy" -C "/a \"b\" 100%% $$x <&>" watch --server "gpu-box""#;
        assert_eq!(line, wanted);
        assert!(launchd(program, folder, None).contains("$x &lt;&amp;&gt;</string>"));
    }
}
