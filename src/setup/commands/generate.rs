//! `git comfy generate`: man pages and shell completions, made from the command line's own
//! description. install.sh and packagers call it; it is hidden from everyone else.

use std::fs;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::session::Session;

/// Write man pages or shell completions.
#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    /// What to write.
    #[arg(value_enum)]
    pub what: GeneratedKind,
    /// The folder to write into.
    pub folder: PathBuf,
}

/// What can be made from the description of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum GeneratedKind {
    /// `git-comfy.1` and a page for each command.
    Man,
    /// `git-comfy` for bash: also completes `git comfy` through git's own completion.
    Bash,
    /// `_git-comfy` for zsh.
    Zsh,
    /// `git-comfy.fish`.
    Fish,
}

/// git's completion for bash calls `_git_comfy` with the words in `words`, `cword` and the
/// place of the command in `__git_cmd_idx`; it is handed to the function made by clap.
const BASH_BRIDGE: &str = r#"
# `git comfy <tab>`: called by git's own completion.
_git_comfy() {
    local at=${__git_cmd_idx:-1}
    local COMP_WORDS=(git-comfy "${words[@]:at+1}")
    local COMP_CWORD=$((cword - at))
    _git__comfy git-comfy "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
}
"#;

/// What git's completion for zsh shows beside the command.
const ZSH_DESCRIPTION: &str = "#compdef git-comfy\n#description git for ComfyUI workflows\n";

/// Writes the files. `command` describes the whole command line.
pub(crate) fn run(args: &GenerateArgs, session: &Session, command: clap::Command) -> Result<Exit> {
    let folder = session.cwd.join(&args.folder);
    let made = fs::create_dir_all(&folder).and_then(|()| match args.what {
        GeneratedKind::Man => write_man_pages(command, &folder),
        GeneratedKind::Bash => {
            write_completion(command, Shell::Bash, &folder.join("git-comfy"), |text| {
                // clap_complete 4.6 spells a program's name with a dash in two ways.
                text.replace("git__subcmd__comfy__", "git__comfy__") + BASH_BRIDGE
            })
        }
        GeneratedKind::Zsh => {
            write_completion(command, Shell::Zsh, &folder.join("_git-comfy"), |text| {
                text.replacen(
                    "#compdef git-comfy
",
                    ZSH_DESCRIPTION,
                    1,
                )
            })
        }
        GeneratedKind::Fish => {
            let file = folder.join("git-comfy.fish");
            write_completion(command, Shell::Fish, &file, std::convert::identity)
        }
    });
    made.map_err(|error| {
        CommandError::system(error)
            .with_context(format!("cannot write into {}", folder.display()))
            .with_hint("name a folder that you may write to")
    })?;
    Ok(Exit::Done)
}

fn write_completion(
    command: clap::Command,
    shell: Shell,
    file: &Path,
    finish: impl FnOnce(String) -> String,
) -> std::io::Result<()> {
    let mut script = Vec::new();
    // A name with a space in it is none for the makers of completions.
    let mut command = command.bin_name("git-comfy");
    clap_complete::generate(shell, &mut command, "git-comfy", &mut script);
    fs::write(file, finish(String::from_utf8_lossy(&script).into_owned()))
}

/// A page for the program and one for each command, as `git help comfy` and
/// `man git-comfy-init` look for them.
fn write_man_pages(mut command: clap::Command, folder: &Path) -> std::io::Result<()> {
    command.build();
    write_man_page(command.clone(), "git-comfy", folder)?;
    for sub in
        command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
    {
        write_man_page(sub.clone(), &format!("git-comfy-{}", sub.get_name()), folder)?;
    }
    Ok(())
}

fn write_man_page(mut command: clap::Command, name: &str, folder: &Path) -> std::io::Result<()> {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().replace('-', "\\-");
    let man = clap_mangen::Man::new(command.display_name(name.to_owned()))
        .title(name.to_uppercase())
        .manual("git-comfy")
        .source(concat!("git-comfy ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    text.extend_from_slice(format!(".SH SYNOPSIS\n.nf\n{usage}\n.fi\n").as_bytes());
    let mut rest = Vec::new();
    man.render(&mut rest)?;
    // Its own synopsis leaves out the names of values.
    if let Some(at) = memchr::memmem::find(&rest, b".SH DESCRIPTION") {
        text.extend_from_slice(&rest[at..]);
    }
    fs::write(folder.join(format!("{name}.1")), text)
}
