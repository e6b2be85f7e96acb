//! Service files that start the watcher with a person's session.

use std::path::Path;

/// A service that runs this program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceJob<'a> {
    pub program: &'a Path,
    /// The folder it works in.
    pub folder: &'a Path,
    /// The name of the service, such as `git-comfy-watch`.
    pub name: &'a str,
    /// What it does, for lists of services.
    pub description: &'a str,
    /// The command and its arguments.
    pub words: &'a [&'a str],
}

/// A user unit of systemd.
pub(crate) fn systemd_unit(job: &ServiceJob<'_>) -> String {
    let quoted = |text: &str| {
        let plain = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
        format!("\"{}\"", plain.replace('$', "$$"))
    };
    let (name, about) = (job.name, job.description);
    let mut command = format!(
        "{} -C {}",
        quoted(&job.program.to_string_lossy()),
        quoted(&job.folder.to_string_lossy())
    );
    for word in job.words {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
        let bare = !word.is_empty() && word.chars().all(plain);
        command += &format!(" {}", if bare { (*word).to_owned() } else { quoted(word) });
    }
    format!(
        "# Save as ~/.config/systemd/user/{name}.service, then:\n\
         #   systemctl --user enable --now {name}\n\
         [Unit]\n\
         Description={about}\n\
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
pub(crate) fn launchd_plist(job: &ServiceJob<'_>) -> String {
    let string = |text: &str| {
        let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!("    <string>{plain}</string>\n")
    };
    let label = job.name.replacen("git-comfy-", "git-comfy.", 1);
    let mut words = string(&job.program.to_string_lossy());
    words += &string("-C");
    words += &string(&job.folder.to_string_lossy());
    words.extend(job.words.iter().map(|word| string(word)));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!-- Save as ~/Library/LaunchAgents/{label}.plist, then:\n     \
         launchctl load ~/Library/LaunchAgents/{label}.plist -->\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  \
         <key>Label</key><string>{label}</string>\n  \
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
        let words = ["watch", "--files", "a b", "--server", "gpu-box"];
        let job = ServiceJob {
            program,
            folder,
            name: "git-comfy-watch",
            description: "Watch",
            words: &words,
        };
        let unit = systemd_unit(&job);
        let line = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        let wanted = r#"ExecStart="/opt/git-comfy" -C "/a \"b\" 100%% $$x <&>" watch --files "a b" --server gpu-box"#;
        assert_eq!(line, wanted);
        assert!(launchd_plist(&job).contains("$x &lt;&amp;&gt;</string>"));
    }
}
